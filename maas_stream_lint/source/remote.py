"""A stream on a web server, read with limits on time, size and trust.

No text of an exception goes into a message: it may quote URLs and headers with secrets.
"""

from __future__ import annotations

import random
import socket
import ssl
import threading
import time
import weakref
import zlib
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import httpx

from maas_stream_lint.errors import UsageError
from maas_stream_lint.source.address import (
    KINDS,
    PASSING,
    PLAIN,
    REDIRECTS,
    Site,
    anonymous,
    parsed,
    proxy_for,
    seconds_asked,
    shown,
)
from maas_stream_lint.source.answer import Answer, Trouble
from maas_stream_lint.source.index_path import split_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.source.answer import FetchOptions

_REPORTED = (
    *("etag", "last-modified", "content-type", "content-encoding", "content-length"),
    *("age", "cache-control", "x-cache", "retry-after", "server"),
)
_ERROR_BYTES = 64 * 2**10
_STEP = 2**20  #: bytes decompressed at a time


class _Unusable(Exception):  # noqa: N818 - it never leaves this module
    """An answer came, and it cannot be used."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.trouble = Trouble(kind, message)


class _Deadline:
    """Cuts connections off at a moment: the timeouts of httpx start anew with every byte."""

    def __init__(self, end: float, sockets: list[weakref.ref[socket.socket]]) -> None:
        self.cut = False
        self._sockets = sockets
        self._timer = threading.Timer(max(0, end - time.monotonic()), self._strike)
        self._timer.daemon = True

    def __enter__(self) -> _Deadline:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def watch(self, event: str, info: dict[str, Any]) -> None:
        """Learn of a new connection; this is the ``trace`` extension of httpcore."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            made = info["return_value"].get_extra_info("socket")
            self._sockets[:] = [s for s in self._sockets if s() is not None] + [weakref.ref(made)]
            if self.cut:
                self._strike()

    def _strike(self) -> None:
        self.cut = True
        for reference in list(self._sockets):
            if (open_socket := reference()) is not None:
                with suppress(OSError):
                    # Not SSLSocket's own, which would take the TLS state from under the reader.
                    socket.socket.shutdown(open_socket, socket.SHUT_RDWR)


class RemoteTree:
    """A stream below an http or https URL. Not for several threads at once."""

    def __init__(self, url: str, options: FetchOptions) -> None:
        """Raises UsageError for a URL, header, CA bundle or proxy that cannot be meant."""
        base, self.index_path, self.explicit = split_source(url)
        self.site = Site.named(base, options)
        self.label = shown(url)
        self.base = shown(base)
        self._options = options
        self._routes: dict[str | None, httpx.HTTPTransport] = {}
        self._sockets: list[weakref.ref[socket.socket]] = []
        self._reached = False
        self._dead: Trouble | None = None
        self._route(self.site.origin)

    def close(self) -> None:
        """Close all connections."""
        for route in self._routes.values():
            route.close()

    def read(self, path: str) -> Answer:
        """The document at ``path``, which is text put behind the base: it never names a host.

        What may pass is tried again. A server that was never reached is not asked a second time.
        """
        if self._dead is not None:
            return Answer(path, None, self._dead)
        try:
            url = self.site.url(path)
        except ValueError:
            return Answer(path, None, Trouble("missing", "no URL can hold this path"))
        end = time.monotonic() + self._options.deadline
        for attempt in range(self._options.retries + 1):
            answer = self._attempt(path, url, end)
            pause = self._pause(answer, attempt)
            if pause is None or time.monotonic() + pause >= end:
                break
            time.sleep(pause)
        if not self._reached:
            self._dead = answer.trouble
        return answer

    def _pause(self, answer: Answer, attempt: int) -> float | None:
        """Seconds to wait before the next attempt, ``None`` if there should be none."""
        trouble = answer.trouble
        if trouble is None or attempt >= self._options.retries:
            return None
        if trouble.kind not in ("connection", "timeout") and trouble.status not in PASSING:
            return None
        asked = seconds_asked(answer.headers.get("retry-after", ""))
        if asked is not None:
            return asked if asked <= self._options.longest_wait else None
        spread = random.uniform(0.5, 1)  # noqa: S311 - spreads load, guards nothing
        return float(self._options.backoff * 2**attempt * spread)

    def _attempt(self, path: str, url: httpx.URL, end: float) -> Answer:
        hops: list[str] = []
        headers: dict[str, str] = {}
        status = body = error_body = trouble = None
        with _Deadline(end, self._sockets) as deadline:
            try:
                with closing(self._send(url, hops, deadline)) as response:
                    status = response.status_code
                    headers = {h: response.headers[h] for h in _REPORTED if h in response.headers}
                    if response.is_success:
                        body = _body(response, self._options.max_bytes)
                    else:
                        trouble = _refusal(response)
                        error_body = _error_body(response)
            except _Unusable as error:
                trouble = error.trouble
            except UsageError as error:  # of the proxy for another host
                trouble = Trouble("connection", error.message)
            except httpx.HTTPError as error:
                trouble = _diagnosis(error, self._options.timeout)
        if deadline.cut:  # which can look like a complete answer
            body = None
            trouble = Trouble("timeout", f"not complete within {self._options.deadline:g} s")
        last = hops[-1] if hops else shown(str(url))
        return Answer(path, body, trouble, status, last, tuple(hops), headers, error_body)

    def _send(self, url: httpx.URL, hops: list[str], deadline: _Deadline) -> httpx.Response:
        """The response at the end of all redirects, its body unread; fills ``hops``."""
        trusted = True
        timeouts = httpx.Timeout(self._options.timeout).as_dict()
        extensions = {"timeout": timeouts, "trace": deadline.watch}
        while True:
            # Once another server had a say in where to go, secrets stay here for good.
            trusted = trusted and self.site.trusts(url)
            headers = self.site.headers if trusted else PLAIN
            response = self._route(url).handle_request(
                httpx.Request("GET", url, headers=headers, extensions=extensions)
            )
            self._reached = True
            location = response.headers.get("location")
            if response.status_code not in REDIRECTS or location is None:
                return response
            response.close()
            if len(hops) >= self._options.max_redirects:
                raise _Unusable("redirects", f"more than {len(hops)} redirects")
            try:
                url = parsed(anonymous(urljoin(str(url), location)))
            except ValueError:
                message = "redirected to what is no http or https URL"
                raise _Unusable("redirects", message) from None
            hops.append(shown(str(url)))

    def _route(self, url: httpx.URL) -> httpx.HTTPTransport:
        """The way to a URL: one in all, unless the environment has several proxies.

        A transport and no httpx.Client, whose cookies and redirects raise UnicodeError and
        InvalidURL for some answers, and whose reading of ``no_proxy`` knows no networks.
        """
        proxy = proxy_for(url)
        if proxy not in self._routes:
            try:
                if proxy is not None:
                    parsed(proxy, ("http", "https", "socks5", "socks5h"))
                self._routes[proxy] = httpx.HTTPTransport(self.site.trust, proxy=proxy)
            except (ValueError, ImportError, httpx.InvalidURL):
                hint = "set http_proxy and https_proxy to http://host:port, or no_proxy to the host"
                raise UsageError(f"the proxy set for {url.host} cannot be used", hint) from None
        return self._routes[proxy]


def _body(response: httpx.Response, limit: int) -> bytes:
    too_large = _Unusable("too-large", f"larger than {limit} bytes")
    if int(response.headers.get("content-length", 0)) > limit:
        raise too_large
    body = bytearray()
    for piece in _decoded(response):
        body += piece
        if len(body) > limit:
            raise too_large
    return bytes(body)


def _error_body(response: httpx.Response) -> bytes:
    body = bytearray()
    with suppress(_Unusable, httpx.HTTPError):
        for piece in _decoded(response):
            body += piece
            if len(body) >= _ERROR_BYTES:
                break
    return bytes(body[:_ERROR_BYTES])


def _decoded(response: httpx.Response) -> Iterator[bytes]:
    """The body free of gzip, in pieces of bounded size however much a byte expands to."""
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding in ("", "identity"):
        yield from response.iter_raw()
        return
    if coding not in ("gzip", "x-gzip"):
        raise _Unusable("encoding", f"encoded as {coding[:40]!r} where gzip was asked for")
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        for data in response.iter_raw():
            while data:
                if inflater.eof:  # several may follow one another
                    if data[:1] != b"\x1f":
                        return  # junk at the end, which requests and aiohttp pass over
                    inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
                yield inflater.decompress(data, _STEP)
                data = inflater.unused_data or inflater.unconsumed_tail
    except zlib.error:
        raise _Unusable("encoding", "the body is not the gzip that its header says") from None
    if not inflater.eof:
        raise _Unusable("encoding", "the gzip body ends too early")


def _refusal(response: httpx.Response) -> Trouble:
    """The trouble that a status is, worded as MAAS 3.8 does: ``404 Not Found``."""
    status = response.status_code
    message = f"{status} {response.reason_phrase}".strip()
    return Trouble(KINDS.get(status, "status"), message, status)


def _diagnosis(error: httpx.HTTPError, timeout: float) -> Trouble:
    """The trouble that an exception stands for, told from the errors below it."""
    if isinstance(error, httpx.TimeoutException):
        what = "connection" if isinstance(error, httpx.ConnectTimeout) else "answer"
        return Trouble("timeout", f"no {what} within {timeout:g} s")
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError):
            reason = getattr(cause, "verify_message", "") or cause.reason or "unknown reason"
            return Trouble("tls", f"no secure connection: {reason}")
        if isinstance(cause, OSError) and cause.strerror:
            return Trouble("connection", f"connection failed: {cause.strerror}")
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.ProxyError):
        return Trouble("connection", "the proxy refused to connect")
    return Trouble("connection", "the server broke off, or its answer is not HTTP")
