"""Files read once from the beginning to the end: hashed, opened and counted on the way."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import time
import zlib
from typing import TYPE_CHECKING, Any, cast

from maas_stream_lint.images.bounds import BOUNDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from maas_stream_lint.images.bounds import Bounds

STEP = 2**20
#: What broken or hostile data makes a decompressor raise.
BROKEN = (zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, MemoryError)
#: How a kind of ``images.sniff`` is opened.
_OPENERS: dict[str, Callable[[BinaryIO], Any]] = {
    "gzip": gzip.open,
    "xz": lambda file: io.BufferedReader(_Xz(file), STEP),
    "lzma": lambda file: io.BufferedReader(_Xz(file), STEP),
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


class Rationed(Borrowed):
    """What a file of an untrusted hand holds, up to bounds on bytes and time.

    Raises ValueError beyond them.
    """

    def __init__(self, file: BinaryIO, bounds: Bounds) -> None:
        """The time runs from now."""
        super().__init__(file)
        self._left = bounds.tree
        self._end = time.monotonic() + bounds.seconds

    def _next(self, size: int) -> bytes:
        piece = super()._next(size)
        self._left -= len(piece)
        if self._left < 0 or time.monotonic() > self._end:
            raise ValueError("too much is in it")
        return piece


class _Xz(io.RawIOBase):
    """An xz or lzma file; its dictionary may take no more memory than is allowed."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._stream = _unxz()
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        made = b""
        while not made and self._goes_on():
            piece = b""
            if self._stream.needs_input:
                piece, self._rest = self._rest or self._file.read(STEP), b""
                if not piece:
                    raise EOFError("it ends within its xz data")
            made = self._stream.decompress(piece, len(buffer))
        buffer[: len(made)] = made
        return len(made)

    def _goes_on(self) -> bool:
        """Whether there is more: several streams may follow one another, zeros between them."""
        if not self._stream.eof:
            return True
        rest = self._stream.unused_data.lstrip(b"\0")
        while not rest:
            piece = self._file.read(STEP)
            if not piece:
                return False
            rest = piece.lstrip(b"\0")
        self._stream, self._rest = _unxz(), rest
        return True


def _unxz() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(memlimit=BOUNDS.dictionary)


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
