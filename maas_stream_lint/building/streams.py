"""Files read once from the beginning to the end: hashed, opened and counted on the way."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import zlib
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

STEP = 2**20
#: What broken or hostile data makes a decompressor raise.
BROKEN = (zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, MemoryError)
#: How a kind of ``images.sniff`` is opened.
_OPENERS: dict[str, Callable[[BinaryIO], Any]] = {
    "gzip": gzip.open,
    "xz": lzma.open,
    "lzma": lzma.open,
    "bzip2": bz2.open,
}


class Borrowed(io.RawIOBase):
    """A file that somebody else reads, and does not close."""

    def __init__(self, file: BinaryIO) -> None:
        """``file``: is read from where it is."""
        self._file = file

    def readable(self) -> bool:
        """It can be read, and only that."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read on, as `io` asks for it."""
        piece = self._next(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def _next(self, size: int) -> bytes:
        return self._file.read(size) or b""


class Hashing(Borrowed):
    """A file that is hashed while somebody else reads it."""

    def __init__(self, file: BinaryIO, told: Callable[[int], None] = lambda size: None) -> None:
        """``told``: is told of the bytes that were read."""
        super().__init__(file)
        self._told = told
        self._digest = hashlib.sha256()

    def finish(self) -> str:
        """Read what is left; the sha256 of the whole file."""
        while self._next(STEP):
            pass
        return self._digest.hexdigest()

    def _next(self, size: int) -> bytes:
        piece = super()._next(size)
        self._digest.update(piece)
        self._told(len(piece))
        return piece


def opened(kind: str, file: Borrowed) -> BinaryIO:
    """What a file holds: decompressed if ``kind`` is a compression, else the file itself."""
    buffered = cast("BinaryIO", io.BufferedReader(file, STEP))
    opener = _OPENERS.get(kind)
    return cast("BinaryIO", opener(buffered)) if opener else buffered
