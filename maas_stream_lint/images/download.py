"""A download, with everything that must outlive a broken connection."""

from __future__ import annotations

import hashlib
import zlib
from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING

from maas_stream_lint.images.bounds import BOUNDS
from maas_stream_lint.images.local_files import asked, whole_listing
from maas_stream_lint.images.sniff import HEAD_BYTES, sniff
from maas_stream_lint.source import Trouble
from maas_stream_lint.source.codings import codings
from maas_stream_lint.source.decoding import Decoding

if TYPE_CHECKING:
    from maas_stream_lint.images.keeping import Kept
    from maas_stream_lint.images.observation import Seen, Wanted
    from maas_stream_lint.images.progress import Progress

#: No file is longer. A file of unknown length is not read any further.
_LONGEST = 2**40
#: A rate is told only of a download of at least this size.
RATED = 2**20


class Load:
    """One file's download, over as many connections as it takes."""

    def __init__(self, wanted: Wanted, seen: Seen, kept: Kept) -> None:
        """``seen``: ``finish`` notes there what came. ``kept``: gets every byte."""
        self.wanted = wanted
        self.seen = seen
        self.got = 0
        self.total: int | None = None
        #: ETag, Last-Modified and length; they are the same for all parts.
        self.kind: tuple[str | None, str | None, int | None] = (None, None, None)
        self.seconds = 0.0
        self.arrived = 0  #: bytes of all attempts together
        self._kept = kept
        #: A file that unpacks to more than this is not the wanted one.
        self._longest = _LONGEST if wanted.size is None else wanted.size + 2**20
        self._begin()

    def _begin(self) -> None:
        make = hashlib.new
        self._hashers = {n: make(n, usedforsecurity=False) for n in asked(self.wanted)}
        self._decoded = {n: make(n, usedforsecurity=False) for n in asked(self.wanted)}
        self._head = bytearray()
        self._archive = BytesIO() if self.wanted.listed else None
        self._decoding: Decoding | None = None
        self._undecodable: str | None = None
        self._decoded_size = 0

    @property
    def limit(self) -> int:
        """How many bytes to read at most."""
        return self._longest if self.total is None else min(self.total, self._longest)

    def cut(self) -> Trouble:
        """That the connection broke off within the file."""
        message = f"the server broke off after {self.got:,} of {self.total or 0:,} bytes"
        return Trouble("cut", message, got=self.got, expected=self.total)

    def is_whole(self) -> bool:
        """Whether what came has the size and the checksums that the metadata says."""
        given = self.wanted.checksums
        return self.got == self.wanted.size and all(
            hasher.hexdigest() == given[name]
            for name, hasher in self._hashers.items()
            if name in given
        )

    def decode(self, encoding: str | None) -> None:
        """Hash the file without this encoding as well, if MAAS would undo it."""
        if encoding is not None and not self.got:
            with suppress(KeyError):
                self._decoding = Decoding(codings(encoding))

    def restart(self, told: Progress) -> None:
        """Start again: what came so far is of no use."""
        told.advance(-self.got)
        self.got = 0
        self._kept.restart()
        self._begin()

    def take(self, data: memoryview) -> None:
        """Hash further bytes."""
        if len(self._head) < HEAD_BYTES:
            self._head += data[: HEAD_BYTES - len(self._head)]
        for hasher in self._hashers.values():
            hasher.update(data)
        if self._decoding is not None and self._decoded_size <= self._longest:
            self._decode(data, self._decoding)
        if self._archive is not None:
            self._archive.write(data)
            if self._archive.tell() > BOUNDS.held:
                self._archive = None
        self._kept.write(data)
        self.got += len(data)
        self.arrived += len(data)

    def _decode(self, data: memoryview, decoding: Decoding) -> None:
        try:
            for piece in decoding.feed(data):
                self._decoded_size += len(piece)
                if self._decoded_size > self._longest:
                    break  # certainly too long, so its digests do not matter
                for hasher in self._decoded.values():
                    hasher.update(piece)
        except zlib.error as error:
            self._undecodable = str(error).rpartition(": ")[2]
        if self._undecodable is not None:
            self._decoding = None

    def finish(self) -> None:
        """All bytes have come: note what they are."""
        seen = self.seen
        # A file of which the rest did not matter is as long as its server says.
        seen.size = max(self.got, self.total or 0)
        seen.digests = {name: hasher.hexdigest() for name, hasher in self._hashers.items()}
        seen.undecodable = self._undecodable
        if self._decoding is not None:
            seen.decoded = {name: hasher.hexdigest() for name, hasher in self._decoded.items()}
            seen.decoded_size = self._decoded_size
        head = bytes(self._head)
        if self._decoding is not None and seen.size != self.wanted.size:
            head = inflated(head)
        seen.content = sniff(head, whole=len(head) == seen.size)
        if self._archive is not None:
            self._archive.seek(0)
            seen.names = whole_listing(self._archive)
        seen.seconds = self.seconds
        if self.got >= RATED and self.seconds > 0:
            seen.rate = self.got / self.seconds


def inflated(head: bytes) -> bytes:
    """The first bytes inside a gzip; other data stays as it is."""
    with suppress(zlib.error):
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head, HEAD_BYTES)
    return head
