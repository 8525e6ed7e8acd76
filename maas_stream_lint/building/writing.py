"""One run at a time writes a tree: image files first, then all metadata in one step."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from maas_stream_lint.building.finished_image import unchanged
from maas_stream_lint.building.streams import STEP
from maas_stream_lint.errors import LintError, UsageError
from maas_stream_lint.fixing.exchange import alone, exchange_metadata

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from maas_stream_lint.building.parts import File
    from maas_stream_lint.images.progress import Progress

#: What lies in the tree while a run works on it. Web servers show no hidden files, mostly.
_STAGE = ".maas-stream-lint-"
#: What a file needs that a web server of another user may read it.
_READABLE = 0o444


@contextmanager
def locked(root: Path) -> Iterator[Path]:
    """Lock a tree for this run, and return a folder in it for unfinished files.

    At the end the tool removes the folder, and the files that killed runs have left. It also
    removes an empty tree that this run made. Raises LintError if another run holds the tree, or it
    cannot be written to.
    """
    there = root.exists()
    try:
        root.mkdir(parents=True, exist_ok=True)
        with alone(root):
            for left in root.glob(f"{_STAGE}*"):
                shutil.rmtree(left, ignore_errors=True)
            stage = Path(tempfile.mkdtemp(prefix=_STAGE, dir=root))
            try:
                yield stage
            finally:
                shutil.rmtree(stage, ignore_errors=True)
                if not there:
                    with suppress(OSError):
                        root.rmdir()
    except OSError as error:
        raise _unwritable(root, error) from None


def place_files(
    root: Path, stage: Path, files: Iterable[File], *, copy: bool, progress: Progress
) -> None:
    """Put image files where the metadata will say they are; no file of the tree is overwritten.

    ``stage``: where unfinished files lie. ``copy``: never link. Raises LintError.
    """
    for file in files:
        target = root / file.path
        _refuse_outside(root, target)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            unfinished = stage / "file"
            _make(file, unfinished, copy=copy, progress=progress)
            _named(unfinished, target)
        except FileExistsError:
            hint = "give --version-name another name, or remove the file"
            raise UsageError(f"{str(target)!r} exists already", hint) from None
        except OSError as error:
            raise _unwritable(target, error) from None


def _refuse_outside(root: Path, target: Path) -> None:
    """Raise UsageError if a link on the way leads out of the tree."""
    real = Path(os.path.realpath(target.parent))
    if not real.is_relative_to(os.path.realpath(root)):
        raise UsageError(f"{str(target)!r} leads out of the tree", "remove the link on the way")


def publish(root: Path, texts: Mapping[str, bytes], before: Mapping[str, bytes | None]) -> None:
    """Make the metadata that of the tree, in one step where the file system can do that.

    ``texts``: products files before the index. ``before``: what it was when it was read. Raises
    LintError if somebody else has written to it since; then nothing is changed.
    """
    exchange_metadata(root, texts, {path: before.get(path) for path in texts})


def _make(file: File, place: Path, *, copy: bool, progress: Progress) -> None:
    if file.body is not None:
        place.write_bytes(file.body)
    elif file.source is not None:
        if copy or not _linked(file.source, place):
            _copied(file.source, place, progress)
        if file.stamp is not None:
            unchanged(file.source, file.stamp)
    with suppress(PermissionError):
        if place.stat().st_mode & _READABLE != _READABLE:
            place.chmod(0o644)
    with place.open("rb") as written:
        os.fsync(written.fileno())


def _named(unfinished: Path, target: Path) -> None:
    """Give a file its name. Raises FileExistsError if something has it."""
    try:
        os.link(unfinished, target)  # unlike a rename, it fails if something is there
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if target.exists():
            raise FileExistsError from None
        unfinished.rename(target)
    unfinished.unlink(missing_ok=True)


def _linked(source: Path, place: Path) -> bool:
    """Whether a hard link could be made; not of a file that only its owner may read."""
    if source.stat().st_mode & _READABLE != _READABLE:
        return False
    try:
        os.link(source.resolve(), place)
    except OSError:
        return False
    return True


def _copied(source: Path, place: Path, progress: Progress) -> None:
    with source.open("rb") as held, place.open("xb") as made:
        while piece := held.read(STEP):
            made.write(piece)
            progress.advance(len(piece))


def _unwritable(place: Path, error: OSError) -> LintError:
    why = (error.strerror or "unwritable").lower()
    return LintError(f"cannot write {str(place)!r}: {why}", "check the folder and its permissions")
