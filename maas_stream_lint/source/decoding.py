"""What is inside a Content-Encoding, as MAAS's HTTP libraries undo it: gzip and deflate alone."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Bytes that are decompressed at a time, however much a byte expands to.
_STEP = 2**20
#: MAAS leaves ``x-gzip`` as it is; it is undone here to tell what is inside.
_WINDOWS = {
    "gzip": zlib.MAX_WBITS | 16,
    "x-gzip": zlib.MAX_WBITS | 16,
    "deflate": zlib.MAX_WBITS,
}


class Decoding:
    """Undoes a chain of gzip and deflate, the last one first."""

    def __init__(self, chain: tuple[str, ...]) -> None:
        """Raises KeyError for another coding."""
        self._coding = chain[-1]
        self._inner = Decoding(chain[:-1]) if len(chain) > 1 else None
        self._inflater = zlib.decompressobj(_WINDOWS[self._coding])
        self._first = True

    @property
    def whole(self) -> bool:
        """Whether all codings came to their end."""
        return self._inflater.eof and (self._inner is None or self._inner.whole)

    def feed(self, data: bytes | memoryview) -> Iterator[bytes]:
        """The bytes inside, in pieces of bounded size. Raises zlib.error."""
        for piece in self._pieces(data):
            if self._inner is None:
                yield piece
            else:
                yield from self._inner.feed(piece)

    def _pieces(self, data: bytes | memoryview) -> Iterator[bytes]:
        left: bytes | memoryview = data
        while left:
            if self._inflater.eof:  # several members of gzip may follow one another
                if self._coding == "deflate" or bytes(left[:1]) != b"\x1f":
                    return  # junk at the end, which the libraries skip
                self._inflater = zlib.decompressobj(_WINDOWS[self._coding])
            yield self._decompressed(left)
            left = self._inflater.unused_data or self._inflater.unconsumed_tail

    def _decompressed(self, data: bytes | memoryview) -> bytes:
        first, self._first = self._first, False
        try:
            return self._inflater.decompress(data, _STEP)
        except zlib.error:
            if not first or self._coding != "deflate":
                raise
            # Some servers send it without the header of zlib, which the libraries take, too.
            self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
            return self._inflater.decompress(data, _STEP)
