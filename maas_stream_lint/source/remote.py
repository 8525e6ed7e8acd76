"""A stream on a web server, read with limits on time, size and trust."""

from __future__ import annotations

import time
import zlib
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from maas_stream_lint.source.address import Site, shown
from maas_stream_lint.source.answer import Answer, Trouble
from maas_stream_lint.source.http import Client, Refused
from maas_stream_lint.source.index_path import split_source
from maas_stream_lint.source.retries import Retries
from maas_stream_lint.source.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.source.answer import FetchOptions
    from maas_stream_lint.source.http import Reply
    from maas_stream_lint.source.library import httpx

_ERROR_BYTES = 64 * 2**10
_STEP = 2**20  #: bytes decompressed at a time


class _Unusable(Exception):  # noqa: N818 - it never leaves this module
    """An answer came that cannot be used."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.trouble = Trouble(kind, message)


class RemoteTree:
    """A stream below an http or https URL. For one thread only."""

    def __init__(self, url: str, options: FetchOptions) -> None:
        """Raises UsageError for a URL, header, CA bundle or proxy that cannot be used."""
        base, self.index_path, self.explicit = split_source(url)
        self.site = Site.named(base, options)
        self.label = shown(url)
        self.base = shown(base)
        self._options = options
        self._watchdog = Watchdog()
        self._client = Client(self.site, options, self._watchdog)
        self._retries = Retries(
            options.retries, options.backoff, options.longest_wait, options.longest_wait
        )
        self._dead: Trouble | None = None

    def close(self) -> None:
        """Close all connections."""
        self._client.close()
        self._watchdog.close()

    def read(self, path: str) -> Answer:
        """The document at ``path``, which is text after the base: it never names a host.

        Another attempt follows a trouble that may pass. After a server that no attempt reached,
        nothing is requested any more.
        """
        if self._dead is not None:
            return Answer(path, None, self._dead)
        try:
            url = self.site.url(path)
        except ValueError:
            return Answer(path, None, Trouble("missing", "no URL can hold this path"))
        end = time.monotonic() + self._options.deadline
        done = 0
        while True:
            answer = self._attempt(path, url, end)
            done += 1
            if answer.trouble is None:
                break
            pause = self._retries.pause(answer.trouble, answer.headers.get("retry-after"), done)
            if pause is None or time.monotonic() + pause >= end:
                break
            time.sleep(pause)
        if not self._client.reached:
            self._dead = answer.trouble
        return answer

    def _attempt(self, path: str, url: httpx.URL, end: float) -> Answer:
        try:
            with closing(self._client.ask("GET", url, end=end)) as reply:
                return self._answer(path, reply, end)
        except Refused as refused:
            hops = refused.hops
            last = hops[-1] if hops else shown(str(url))
            return Answer(path, None, self._in_time(refused.trouble, end), None, last, hops)

    def _answer(self, path: str, reply: Reply, end: float) -> Answer:
        """The answer of the server, its body read."""
        body = error_body = trouble = None
        try:
            if reply.status // 100 == 2:
                body = _body(reply, self._options.max_bytes)
            else:
                trouble = reply.trouble
                error_body = _error_body(reply)
        except _Unusable as error:
            trouble = error.trouble
        except Refused as refused:
            trouble = self._in_time(refused.trouble, end)
        return Answer(
            path, body, trouble, reply.status, reply.url, reply.hops, reply.headers, error_body
        )

    def _in_time(self, trouble: Trouble, end: float) -> Trouble:
        """The trouble, or the deadline where that is what ended the exchange."""
        if trouble.kind == "timeout" and time.monotonic() >= end:
            return Trouble("timeout", f"not complete within {self._options.deadline:g} s")
        return trouble


def _body(reply: Reply, limit: int) -> bytes:
    too_large = _Unusable("too-large", f"larger than {limit} bytes")
    if (reply.length or 0) > limit:
        raise too_large
    body = bytearray()
    for piece in _decoded(reply):
        body += piece
        if len(body) > limit:
            raise too_large
    return bytes(body)


def _error_body(reply: Reply) -> bytes:
    body = bytearray()
    with suppress(_Unusable, Refused):
        for piece in _decoded(reply):
            body += piece
            if len(body) >= _ERROR_BYTES:
                break
    return bytes(body[:_ERROR_BYTES])


def _decoded(reply: Reply) -> Iterator[bytes]:
    """The body without its gzip, in pieces of bounded size however much a byte expands to."""
    coding = (reply.header("content-encoding") or "").strip().lower()
    if coding in ("", "identity"):
        yield from reply.pieces()
        return
    if coding not in ("gzip", "x-gzip"):
        raise _Unusable("encoding", f"encoded as {coding[:40]!r} where gzip was asked for")
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        for data in reply.pieces():
            while data:
                if inflater.eof:  # several may follow one another
                    if data[:1] != b"\x1f":
                        return  # junk at the end, which requests and aiohttp skip
                    inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
                yield inflater.decompress(data, _STEP)
                data = inflater.unused_data or inflater.unconsumed_tail
    except zlib.error:
        raise _Unusable("encoding", "the body is not the gzip that its header says") from None
    if not inflater.eof:
        raise _Unusable("encoding", "the gzip body ends too early")
