"""The logs that the user names: files, rotated, compressed, in folders and archives, piped.

The tool unpacks nothing to disk. It reads in pieces, so memory does not grow with a log.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import re
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from maas_stream_lint.errors import UsageError
from maas_stream_lint.images.tar_member import Member
from maas_stream_lint.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Names of files that may hold lines of MAAS, in a folder or an archive.
_LOGS = re.compile(
    r"(?:^|/)(?:[^/]*maas[^/]*|regiond|rackd|syslog|messages|journal(?:ctl)?[^/]*|[^/]*\.log|[^/]*\.journal\.txt"
    r"|[^/]*\.jsonl?|[^/]*\.txt)(?:\.log)?(?:[.-]\d+)*(?:\.(?:gz|xz|bz2|zst|zip))?$",
    re.IGNORECASE,
)
_ROTATED = re.compile(r"\.(\d{1,6})(?:\.(?:gz|xz|bz2|zst))?$")
_SEALED = ("KSHHRHLP", "LPKSHHRH")  # a binary journal begins with it
#: A file that grows to more than this when it is unpacked is a bomb.
MOST_UNPACKED = 64 * 2**30
MOST_FILES = 2_000
#: An archive that cannot be read from its end, as it is piped, is held in memory up to this.
_HEAD, _DEEPEST = 512, 6
MOST_HELD = 256 * 2**20
#: What reading a damaged or cut file ends in.
_DAMAGE = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, tarfile.TarError)


class Log(NamedTuple):
    """One log, open to be read."""

    name: str
    file: Reader


def logs(named: tuple[str, ...]) -> Iterator[Log]:
    """Every log of what is named, older files of a rotation first. Raises UsageError."""
    for name in named:
        if name == "-":
            yield from _opened(Log("-", Reader(sys.stdin.buffer, "-")))
        elif Path(name).is_dir():
            yield from _folder(Path(name))
        else:
            yield from _file(Path(name), name)


def size(named: tuple[str, ...]) -> int:
    """The bytes of the files that are named, as far as they are known beforehand."""
    paths = [Path(name) for name in named if name != "-"]
    return sum(path.stat().st_size for path in paths if path.is_file())


def _folder(path: Path) -> Iterator[Log]:
    found: list[Path] = []
    for folder, folders, files in os.walk(path):
        folders.sort()
        found += [Path(folder, file) for file in files if _LOGS.search(file)]
        if len(found) > MOST_FILES:
            raise UsageError(f"{path} holds too many logs", "name the files that count")
    if not found:
        raise UsageError(f"no log is in {path}", "name a file, such as maas.log or syslog")
    for file in sorted(found, key=_age):
        if file.is_file():
            yield from _file(file, str(file))


def _age(path: Path) -> tuple[str, int, str]:
    """The order of a rotation: maas.log.2.gz before maas.log.1 before maas.log."""
    rotated = _ROTATED.search(path.name)
    stem = _ROTATED.sub("", str(path)) if rotated is not None else str(path)
    return (stem, -int(rotated[1]) if rotated is not None else 0, path.name)


def _file(path: Path, name: str) -> Iterator[Log]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise _unreadable(name, error) from None
    with file:
        yield from _opened(Log(name, Reader(file, name)))


def _opened(log: Log) -> Iterator[Log]:
    """The log, unpacked; or, of an archive, each log in it."""
    head = log.file.head
    if head[:8].decode("latin-1") in _SEALED:
        raise UsageError(
            f"{log.name} is a binary journal",
            f"pipe it: `journalctl --file {log.name} | maas-stream-lint diagnose --log -`",
        )
    unpacked = _unpacked(log.file, head)
    if head.startswith(b"PK\3\4"):
        yield from _zipped(log)
    elif unpacked is not None:
        yield from _opened(Log(log.name, Reader(unpacked, log.name, log.file.depth + 1)))
    elif head[257:262] == b"ustar":
        yield from _tarred(log)
    else:
        yield log


def _unpacked(file: Reader, head: bytes) -> IO[bytes] | None:
    packed = cast("IO[bytes]", file)
    if head.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=packed))
    if head.startswith(b"\xfd7zXZ\0"):
        return cast("IO[bytes]", lzma.LZMAFile(packed))
    if head.startswith(b"BZh"):
        return cast("IO[bytes]", bz2.BZ2File(packed))
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        import zstandard

        decompressor = zstandard.ZstdDecompressor(max_window_size=2**31)
        return cast("IO[bytes]", decompressor.stream_reader(packed, read_across_frames=True))
    return None


def _tarred(log: Log) -> Iterator[Log]:
    try:
        with tarfile.open(
            fileobj=cast("IO[bytes]", log.file), mode="r|", tarinfo=Member
        ) as archive:
            for number, member in enumerate(archive):
                if number > 100 * MOST_FILES:
                    raise UsageError(f"{log.name} holds too many files", "unpack it, name the logs")
                file = archive.extractfile(member) if _LOGS.search(member.name) else None
                if file is not None:
                    name = f"{log.name}:{member.name}"
                    yield from _opened(Log(name, Reader(file, name, log.file.depth + 1)))
                archive.members = []  # type: ignore[attr-defined] # it keeps every one
    except _DAMAGE as error:
        raise _unreadable(log.name, error) from None


def _zipped(log: Log) -> Iterator[Log]:
    try:
        with zipfile.ZipFile(log.file.whole()) as archive:
            for member in archive.infolist()[: 100 * MOST_FILES]:
                if not member.is_dir() and _LOGS.search(member.filename):
                    name = f"{log.name}:{member.filename}"
                    with archive.open(member) as file:
                        yield from _opened(Log(name, Reader(file, name, log.file.depth + 1)))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, *_DAMAGE) as error:
        raise _unreadable(log.name, error) from None


def _unreadable(name: str, error: BaseException) -> UsageError:
    why = getattr(error, "strerror", None) or str(error) or "it is damaged"
    return UsageError(f"cannot read {name}: {why.lower()}", "name a complete log, or `-`")


class Reader:
    """A file that is read once from its beginning, whose first bytes are known before."""

    def __init__(self, file: IO[bytes], name: str, depth: int = 0) -> None:
        """``depth``: how often it was unpacked. Raises UsageError, as each read does."""
        if depth > _DEEPEST:
            raise UsageError(f"{name} is packed too often", "unpack it")
        self.depth = depth
        self._file = file
        self._name = name
        self._left = MOST_UNPACKED if depth else None
        self._rest = self.head = self._first(_HEAD)

    def read(self, size: int = -1) -> bytes:
        """The next bytes, none at the end."""
        if not self._rest:
            return self._read(size)
        end = len(self._rest) if size < 0 else size
        part, self._rest = self._rest[:end], self._rest[end:]
        return part + self._read(-1) if size < 0 else part

    def whole(self) -> IO[bytes]:
        """The file as one that can be read from its end."""
        if self._file.seekable():
            self._file.seek(0)
            return self._file
        held = self.read(MOST_HELD)
        while more := self.read(MOST_HELD - len(held)) if len(held) < MOST_HELD else b"":
            held += more
        if len(held) >= MOST_HELD:
            raise UsageError(f"{self._name} is too large to be piped", "name the file")
        return io.BytesIO(held)

    def seekable(self) -> bool:
        """It is not."""
        return False

    def _first(self, size: int) -> bytes:
        head = b""
        while len(head) < size and (more := self._read(size - len(head))):
            head += more
        return head

    def _read(self, size: int) -> bytes:
        try:
            part = self._file.read(size)
        except UsageError:
            raise
        except _DAMAGE as error:
            raise _unreadable(self._name, error) from None
        except Exception as error:
            if type(error).__name__ != "ZstdError":
                raise
            raise _unreadable(self._name, error) from None
        if self._left is not None:
            self._left -= len(part)
            if self._left < 0:
                raise UsageError(
                    f"{self._name} is too large unpacked", "cut it down to the imports"
                )
        return part
