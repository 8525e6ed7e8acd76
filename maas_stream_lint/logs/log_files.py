"""The logs that somebody names: files, rotated, compressed, in folders and archives, piped.

Nothing is unpacked to disk. Everything is read in pieces, so that memory does not grow with a log.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import re
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple, cast

from maas_stream_lint.errors import UsageError

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


class Log(NamedTuple):
    """One log, open to be read."""

    name: str
    file: IO[bytes]
    size: int | None  #: bytes to come, if it is known


def logs(named: tuple[str, ...]) -> Iterator[Log]:
    """Every log of what is named, older files of a rotation first. Raises UsageError."""
    for name in named:
        if name == "-":
            yield Log("-", sys.stdin.buffer, None)
            continue
        path = Path(name)
        if path.is_dir():
            yield from _folder(path)
        else:
            yield from _file(path, name)


def _folder(path: Path) -> Iterator[Log]:
    found = []
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
        with path.open("rb") as file:
            yield from _opened(Log(name, file, os.fstat(file.fileno()).st_size))
    except (OSError, EOFError, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile) as error:
        why = getattr(error, "strerror", None) or str(error) or "it cannot be read"
        raise UsageError(f"cannot read {name}: {why.lower()}", "name a log, or `-`") from None


def _opened(log: Log) -> Iterator[Log]:
    """The log, unpacked; or, of an archive, each log in it."""
    head = _peek(log.file)
    if head[:8].decode("latin-1") in _SEALED:
        raise UsageError(
            f"{log.name} is a binary journal",
            f"pipe it: `journalctl --file {log.name} | maas-stream-lint diagnose --log -`",
        )
    if head.startswith(b"PK\3\4"):
        yield from _zipped(log)
    elif (unpacked := _unpacked(log.file, head)) is not None:
        with unpacked as file:
            yield from _tarred(Log(log.name, cast("IO[bytes]", _Bounded(file, log.name)), None))
    elif _is_tar(head):
        yield from _tarred(log)
    else:
        yield log


def _unpacked(file: IO[bytes], head: bytes) -> IO[bytes] | None:
    if head.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    if head.startswith(b"\xfd7zXZ\0"):
        return cast("IO[bytes]", lzma.LZMAFile(file))
    if head.startswith(b"BZh"):
        return cast("IO[bytes]", bz2.BZ2File(file))
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        import zstandard

        reader = zstandard.ZstdDecompressor(max_window_size=2**31).stream_reader(
            file, read_across_frames=True
        )
        return cast("IO[bytes]", reader)
    return None


def _tarred(log: Log) -> Iterator[Log]:
    """The logs of a tar archive, or the log itself if it is none."""
    replay = _Replay(log.file)
    if not _is_tar(replay.head):
        yield log._replace(file=cast("IO[bytes]", replay))
        return
    with tarfile.open(fileobj=cast("IO[bytes]", replay), mode="r|") as archive:
        for number, member in enumerate(archive):
            if number > 100 * MOST_FILES:
                raise UsageError(f"{log.name} holds too many files", "unpack it, and name the logs")
            if member.isfile() and _LOGS.search(member.name):
                file = archive.extractfile(member)
                if file is not None:
                    yield from _opened(Log(f"{log.name}:{member.name}", file, member.size))


def _zipped(log: Log) -> Iterator[Log]:
    with zipfile.ZipFile(log.file) as archive:
        for member in archive.infolist()[: 100 * MOST_FILES]:
            if not member.is_dir() and _LOGS.search(member.filename):
                with archive.open(member) as file:
                    yield from _opened(Log(f"{log.name}:{member.filename}", file, member.file_size))


def _is_tar(head: bytes) -> bool:
    return head[257:262] == b"ustar"


def _peek(file: IO[bytes]) -> bytes:
    """The first bytes of a file that can go back."""
    head = file.read(512)
    if file.seekable():
        file.seek(0)
    return head


class _Replay:
    """A stream whose first bytes were read already."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.head = b""
        while len(self.head) < 512 and (more := file.read(512 - len(self.head))):
            self.head += more
        self._rest = self.head

    def read(self, size: int = -1) -> bytes:
        if self._rest:
            end = len(self._rest) if size < 0 else size
            part, self._rest = self._rest[:end], self._rest[end:]
            return part + self._file.read() if size < 0 else part
        return self._file.read(size)


class _Bounded:
    """A stream that is unpacked, and ends in an error if it grows beyond reason."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file = file
        self._name = name
        self._left = MOST_UNPACKED

    def read(self, size: int = -1) -> bytes:
        part = self._file.read(size)
        self._left -= len(part)
        if self._left < 0:
            raise UsageError(
                f"{self._name} is too large unpacked", "name the part of it that counts"
            )
        return part

    def seekable(self) -> bool:
        return False
