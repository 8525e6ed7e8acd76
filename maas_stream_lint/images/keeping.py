"""Where ``--keep`` puts a download: written beside its place, and moved there once it is good."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maas_stream_lint.errors import LintError, UsageError
from maas_stream_lint.source import encodable

if TYPE_CHECKING:
    from types import TracebackType

    from maas_stream_lint.images.observation import Seen, Wanted


#: What the system says of a path that this folder cannot hold, whatever else it can.
_OF_THE_PATH = frozenset(
    {
        errno.EEXIST,
        errno.EILSEQ,
        errno.EINVAL,
        errno.EISDIR,
        errno.ELOOP,
        errno.ENAMETOOLONG,
        errno.ENOTDIR,
        errno.ENOTEMPTY,
    }
)


class Kept:
    """The file that a download is kept in: it gets its name only if it is good."""

    def __init__(
        self,
        folder: str | os.PathLike[str] | None,
        wanted: Wanted,
        parts: set[Path],
        owners: dict[Path, str],
    ) -> None:
        """``folder``: ``None`` keeps nothing.

        ``parts``: all files that are being written. ``owners``: the path of the metadata that has
        each place; the first one gets it.
        """
        self.good = False
        #: Why this one path cannot be kept, though the folder can hold others.
        self.unkept: str | None = None
        self._folder = folder
        self._parts = parts
        self._place = _place_in(Path(folder), wanted.path) if folder is not None else None
        if self._place is not None and owners.setdefault(self._place, wanted.path) != wanted.path:
            self._place, self.unkept = None, "another path of the stream has the same place"
        self._beside: Path | None = None
        self._file: Any = None

    def __enter__(self) -> Kept:
        """Open the file, or note that its path cannot be kept. Raises LintError for the folder."""
        if self._place is not None:
            name = f".{secrets.token_hex(8)}.part"
            self._beside = self._place.with_name(name)
            try:
                self._place.parent.mkdir(parents=True, exist_ok=True)
                _check_name(self._place)
                self._parts.add(self._beside)
                self._file = self._beside.open("xb")
            except OSError as error:
                self._parts.discard(self._beside)
                self._refuse(error)
        return self

    def _refuse(self, error: OSError) -> None:
        """Note what is wrong with the path. Raises LintError if it is wrong with the folder."""
        assert self._place is not None
        assert self._folder is not None
        if error.errno not in _OF_THE_PATH or not Path(self._folder).is_dir():
            raise _unwritable(self._place, error) from None
        if error.errno in (errno.EEXIST, errno.ENOTDIR):
            self.unkept = "a part of its path is a file, not a directory"
        else:
            self.unkept = (error.strerror or "unwritable").lower()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the file its name if it is good, else remove it. Raises LintError for the folder."""
        if self._beside is None or self._place is None or self._file is None:
            return
        try:
            if self.good and error is None:
                self._file.flush()
                os.fsync(self._file.fileno())
            self._file.close()
            if self.good and error is None:
                self._beside.replace(self._place)
        except OSError as trouble:
            self._refuse(trouble)
        finally:
            self._beside.unlink(missing_ok=True)
            self._parts.discard(self._beside)

    def write(self, data: memoryview) -> None:
        """Write further bytes."""
        if self._file is not None:
            try:
                self._file.write(data)
            except OSError as error:
                assert self._place is not None
                raise _unwritable(self._place, error) from None

    def restart(self) -> None:
        """Remove what was written so far."""
        if self._file is not None:
            self._file.seek(0)
            self._file.truncate()


def _place_in(folder: Path, path: str) -> Path | None:
    """Where a path of the metadata is kept: always below ``folder``.

    ``None`` for a path that no disk can hold; rules on the metadata report it.
    """
    tidy = os.path.normpath("/" + path.split("?")[0].split("#")[0]).lstrip("/")
    if not tidy or "\0" in tidy or not encodable(tidy):
        return None
    place = folder / tidy
    # A link below the folder may lead out of it.
    if not Path(os.path.realpath(place)).is_relative_to(os.path.realpath(folder)):
        hint = "give --keep a folder without links"
        raise UsageError(f"{path!r} would be kept outside of {str(folder)!r}", hint)
    return place


def _check_name(place: Path) -> None:
    """Raise OSError before the download if no file can get this name after it."""
    with suppress(FileNotFoundError):
        if stat.S_ISDIR(place.lstat().st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))


def is_kept(folder: str | os.PathLike[str], wanted: Wanted, seen: Seen) -> bool:
    """Whether an earlier run kept the file."""
    with suppress(OSError, UsageError):
        place = _place_in(Path(folder), wanted.path)
        return place is None or place.stat().st_size == seen.size
    return False


def _unwritable(place: Path, error: OSError) -> LintError:
    why = (error.strerror or "unwritable").lower()
    return LintError(f"cannot write {str(place)!r}: {why}", "see to the folder given with --keep")
