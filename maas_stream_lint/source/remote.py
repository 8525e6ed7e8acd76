"""A stream on a web server, read with limits on time, size and trust."""

from __future__ import annotations

import time
import zlib
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from maas_stream_lint.records import replace
from maas_stream_lint.source.address import Site, shown
from maas_stream_lint.source.answer import Answer, Trouble
from maas_stream_lint.source.budget import Budget
from maas_stream_lint.source.codings import UNDONE, codings
from maas_stream_lint.source.decoding import Decoding
from maas_stream_lint.source.http import Client, Refused
from maas_stream_lint.source.index_path import split_source
from maas_stream_lint.source.retries import Retries
from maas_stream_lint.source.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maas_stream_lint.source.answer import FetchOptions
    from maas_stream_lint.source.http import Reply
    from maas_stream_lint.source.library import httpx

_ERROR_BYTES = 64 * 2**10


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
        self._budget = Budget(options)
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
        end = min(time.monotonic() + self._options.deadline, self._budget.end)
        if time.monotonic() >= self._budget.end:
            limit = f"{self._options.total_deadline:g} s"
            return Answer(path, None, Trouble("out-of-time", f"all metadata took over {limit}"))
        faults: list[Trouble] = []
        while True:
            answer = self._attempt(path, url, end)
            answer = replace(answer, first_url=shown(str(url)), faults=tuple(faults))
            if answer.trouble is None:
                break
            asked = answer.headers.get("retry-after")
            pause = self._retries.pause(answer.trouble, asked, len(faults) + 1)
            if pause is None or time.monotonic() + pause >= end:
                break
            faults.append(answer.trouble)
            time.sleep(pause)
        if not self._client.reached:
            self._dead = answer.trouble
        return self._budget.admit(answer)

    def _attempt(self, path: str, url: httpx.URL, end: float) -> Answer:
        begun = time.monotonic()
        answer = self._asked(path, url, end)
        return replace(answer, seconds=time.monotonic() - begun)

    def _asked(self, path: str, url: httpx.URL, end: float) -> Answer:
        try:
            with closing(self._client.ask("GET", url, end=end)) as reply:
                return self._answer(path, reply, end)
        except Refused as refused:
            hops = refused.hops
            last = hops[-1] if hops else shown(str(url))
            trouble = self._in_time(refused.trouble, end)
            return Answer(path, None, trouble, url=last, redirects=hops)

    def _answer(self, path: str, reply: Reply, end: float) -> Answer:
        """The answer of the server, its body read."""
        body = raw = undecodable = error_body = trouble = None
        try:
            if reply.status // 100 == 2:
                came = _body(reply.pieces(), self._options.max_bytes, reply.length)
                chain = codings(reply.header("content-encoding"))
                raw = came if chain else None
                body, undecodable = _decoded(came, chain, self._options.max_bytes)
            else:
                trouble = reply.trouble
                error_body = _error_body(reply)
        except _Unusable as error:
            trouble = error.trouble
        except Refused as refused:
            trouble = self._in_time(refused.trouble, end)
        answer = Answer(path, body, trouble, reply.status, None, reply.url, reply.hops)
        answer = replace(answer, headers=reply.headers, interim=reply.interim)
        return replace(answer, raw=raw, undecodable=undecodable, error_body=error_body)

    def _in_time(self, trouble: Trouble, end: float) -> Trouble:
        """The trouble, or the deadline where that is what ended the exchange."""
        if trouble.kind == "timeout" and time.monotonic() >= end:
            return Trouble("timeout", f"not complete within {self._options.deadline:g} s")
        return trouble


def _body(pieces: Iterable[bytes], limit: int, length: int | None = None) -> bytes:
    too_large = _Unusable("too-large", f"larger than {limit} bytes")
    if (length or 0) > limit:
        raise too_large
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > limit:
            raise too_large
    return bytes(body)


def _error_body(reply: Reply) -> bytes:
    body = bytearray()
    with suppress(Refused):
        for piece in reply.pieces():
            body += piece
            if len(body) >= _ERROR_BYTES:
                break
    chain = codings(reply.header("content-encoding"))
    if chain and all(coding in UNDONE for coding in chain):
        with suppress(StopIteration, zlib.error):
            return next(Decoding(chain).feed(bytes(body)))[:_ERROR_BYTES]
    return bytes(body[:_ERROR_BYTES])


def _decoded(came: bytes, chain: tuple[str, ...], limit: int) -> tuple[bytes, str | None]:
    """A body without its encoding, if that can be undone; otherwise as it came, and why.

    A coding of another name leaves the body as it is.
    """
    if not chain or any(coding not in UNDONE for coding in chain):
        return came, None
    decoding = Decoding(chain)
    try:
        body = _body(decoding.feed(came), limit)
    except zlib.error as error:
        return came, str(error).rpartition(": ")[2]
    return (body, None) if decoding.whole else (came, "incomplete or truncated stream")
