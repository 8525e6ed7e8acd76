"""HTTP for many large files: one thread's connections, with limits on time and trust.

``http.client`` and not httpx, which takes twice the time to bring bytes and slows down with every
further connection. No text of an exception goes into a message: it may quote secrets.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from base64 import b64encode
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from maas_stream_lint.errors import UsageError
from maas_stream_lint.source import Trouble
from maas_stream_lint.source.address import (
    KINDS,
    PLAIN,
    PORTS,
    REDIRECTS,
    anonymous,
    parsed,
    proxy_for,
    shown,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from maas_stream_lint.source import FetchOptions
    from maas_stream_lint.source.address import Site

#: Headers of answers that somebody may want to know.
REPORTED = (
    *("accept-ranges", "age", "cache-control", "content-encoding", "content-length"),
    *("content-range", "content-type", "etag", "last-modified", "retry-after", "x-cache"),
)
#: So much of an unwanted body is read to keep its connection; more costs more than a new one.
_DRAINED = 65_536
#: No reason of a status is longer.
_REASON = 80
#: How often is looked for connections that take too long, in seconds.
_PULSE = 0.1
#: Bytes are handed on at least so often, however few have come, in seconds.
_HANDED_ON = 0.25


class Refused(Exception):  # noqa: N818 - it never leaves these modules
    """No usable answer came."""

    def __init__(
        self, trouble: Trouble, *, hops: tuple[str, ...] = (), moved: str | None = None
    ) -> None:
        """``hops``: the URLs that were redirected to before. ``moved``: by which status first."""
        super().__init__(trouble.message)
        self.trouble = trouble
        self.hops = hops
        self.moved = moved


class Watchdog:
    """Cuts connections off at a moment: the timeouts of sockets start anew with every byte."""

    def __init__(self) -> None:
        """Nothing is watched yet."""
        self._lock = threading.Lock()
        self._leases: dict[_Lease, None] = {}
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._stopped = False

    def watch(self, lease: _Lease) -> None:
        """Watch a connection until it is let go of. Raises Refused after ``cut_all``."""
        with self._lock:
            if self._stopped:
                raise Refused(Trouble("connection", "stopped"))
            self._leases[lease] = None
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()

    def release(self, lease: _Lease) -> None:
        """Watch it no longer."""
        with self._lock:
            self._leases.pop(lease, None)

    def cut_all(self) -> None:
        """Wake everybody who waits for a server, for good."""
        with self._lock:
            self._stopped = True
            leases = list(self._leases)
        for lease in leases:
            lease.cut()

    def close(self) -> None:
        """Watch nothing any more."""
        self._over.set()

    def _run(self) -> None:
        while not self._over.wait(_PULSE):
            now = time.monotonic()
            with self._lock:
                late = [lease for lease in self._leases if lease.end and lease.end < now]
            for lease in late:
                lease.cut()


class _Lease:
    """A connection under watch."""

    __slots__ = ("connection", "end", "late", "socket")

    def __init__(self, connection: http.client.HTTPConnection, end: float | None) -> None:
        self.connection = connection
        self.end = end
        self.late = False
        self.socket: socket.socket | None = connection.sock

    def cut(self) -> None:
        self.late, self.end = True, None
        held = self.socket or self.connection.sock
        if held is not None:
            with suppress(OSError, ValueError):
                # Not SSLSocket's own, which would take the TLS state from under the reader.
                socket.socket.shutdown(held, socket.SHUT_RDWR)


class _Lines:
    """The lines of a head, of which the last one is remembered."""

    def __init__(self, file: Any) -> None:
        self.file = file
        self.last = b""

    def readline(self, limit: int) -> bytes:
        self.last = self.file.readline(limit)
        return self.last

    def close(self) -> None:
        self.file.close()


class _Response(http.client.HTTPResponse):
    """Passes over all of 1xx: http.client knows 100 alone. Takes no half of a head for a whole."""

    def begin(self) -> None:
        lines = _Lines(self.fp)
        self.fp = lines  # type: ignore[assignment]
        try:
            super().begin()
        finally:
            if self.fp is not None:
                self.fp = lines.file
        if not lines.last:
            raise http.client.HTTPException

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 101 < status < 200:
                return version, status, reason
            http.client.parse_headers(self.fp)


class Reply:
    """An answer, its body still to be read; to be closed."""

    def __init__(
        self,
        response: http.client.HTTPResponse,
        lease: _Lease,
        watchdog: Watchdog,
        url: str,
        hops: tuple[str, ...],
    ) -> None:
        """``url``, ``hops``: fit to be shown."""
        self.status = response.status
        self.reason = response.reason[:_REASON]
        self.url = url
        self.hops = hops
        self._response = response
        self.moved: str | None = None  #: the status of the first of the redirects before
        self.silence = 0.0  #: the longest time without a byte of the body so far
        self._broken: Refused | None = None
        self._lease = lease
        self._watchdog = watchdog

    def header(self, name: str) -> str | None:
        """A header's value."""
        value: str | None = self._response.headers.get(name)
        return value

    @property
    def headers(self) -> dict[str, str]:
        """The headers that somebody may want to know."""
        found = ((name, self.header(name)) for name in REPORTED)
        return {name: value for name, value in found if value is not None}

    @property
    def length(self) -> int | None:
        """How long the body says to be."""
        length = self.header("content-length") if not self._response.chunked else None
        return int(length) if length is not None and length.isdecimal() else None

    @property
    def trouble(self) -> Trouble:
        """What its status means, worded as MAAS 3.8 does: ``404 Not Found``."""
        message = f"{self.status} {self.reason}".strip()
        return Trouble(KINDS.get(self.status, "status"), message, self.status)

    def allow(self, seconds: float | None) -> None:
        """Let the body take so long; with ``None``, only silence counts."""
        self._lease.end = None if seconds is None else time.monotonic() + seconds

    def read(self, most: int) -> bytes:
        """Up to so many bytes of the body. Raises Refused where the connection breaks."""
        body, buffer = bytearray(), memoryview(bytearray(min(most, _DRAINED)))
        while size := self.read_into(buffer[: most - len(body)]):
            body += buffer[:size]
        length = self.length
        if length is not None and len(body) < min(most, length):
            said = f"the server broke off after {len(body):,} of {length:,} bytes"
            raise Refused(Trouble("cut", said))
        return bytes(body)

    def read_into(self, view: memoryview) -> int:
        """Fill a buffer as far as bytes come within a moment; 0 is the end of what came.

        Raises Refused where the connection breaks in a way that shows.
        """
        if self._broken is not None:
            raise self._broken
        got = 0
        begun = last = time.monotonic()
        try:
            while got < len(view) and (size := self._once_into(view[got:])):
                now = time.monotonic()
                self.silence = max(self.silence, now - last)
                got, last = got + size, now
                if now - begun > _HANDED_ON:
                    break
        except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
            self._broken = Refused(self._diagnosis(error))
        self.silence = max(self.silence, time.monotonic() - last)
        if self._lease.late:
            self._broken = Refused(self._diagnosis(TimeoutError()))
        if self._broken is not None and not got:
            raise self._broken
        return got

    def _once_into(self, view: memoryview) -> int:
        """What one look at the connection brings: ``readinto`` waits until the buffer is full."""
        response = self._response
        if response.fp is None:
            return 0
        if response.chunked:
            piece = response.read1(len(view))
            view[: len(piece)] = piece
            return len(piece)
        left = response.length
        if left is not None:
            view = view[:left]
        size: int = response.fp.readinto1(view)
        if left is not None:
            response.length = left - size
        if not size or left == size:
            response.close()
        return size

    def close(self) -> None:
        """Keep the connection if the body is at its end or nearly, else drop it."""
        response = self._response
        with suppress(OSError, http.client.HTTPException, ValueError, AttributeError):
            left = response.length
            if not response.isclosed() and left is not None and left <= _DRAINED:
                response.read()
        self._watchdog.release(self._lease)
        # A length that is left over at the end is what did not come.
        if not response.isclosed() or response.length or self._lease.late:
            response.close()
            self._lease.connection.close()

    def _diagnosis(self, error: Exception) -> Trouble:
        if self._lease.late:
            return Trouble("timeout", "the answer did not end in time")
        return diagnosis(error)


class Wire:
    """One thread's connections to the server of a source, and to where that redirects."""

    def __init__(
        self,
        site: Site,
        options: FetchOptions,
        watchdog: Watchdog,
        *,
        address: str | None = None,
    ) -> None:
        """``site``: who may be sent its credentials. ``address``: of the site's, the one to use."""
        self._site = site
        self._options = options
        self._watchdog = watchdog
        self._address = address
        self._open: dict[tuple[str, str], http.client.HTTPConnection] = {}
        told: dict[str, list[bytes]] = {}
        for name, value in site.headers.raw:
            told.setdefault(name.decode("ascii").lower(), []).append(value)
        self._heads: dict[str, str | bytes] = {n: b", ".join(told[n]) for n in told}
        self._plain: dict[str, str | bytes] = {n: PLAIN[n] for n in ("accept", "user-agent")}

    def ask(
        self,
        method: str,
        url: httpx.URL,
        headers: Mapping[str, str],
        *,
        anonymous_: bool = False,
        follow: bool = True,
    ) -> Reply:
        """The answer at the end of all redirects. Raises Refused, and UsageError for a proxy.

        It has ``timeout`` seconds for each silence, and twice that until its headers are there.
        """
        trusted = not anonymous_
        hops: list[str] = []
        moved = None
        while True:
            # Once another server had a say in where to go, secrets stay here for good.
            trusted = trusted and self._site.trusts(url)
            sent = {**(self._heads if trusted else self._plain), **headers}
            try:
                reply = self._once(method, url, sent, tuple(hops))
            except UsageError as error:
                if not hops:
                    raise
                trouble = Trouble("connection", error.message)
                raise Refused(trouble, hops=tuple(hops), moved=moved) from None
            except Refused as refused:
                raise Refused(refused.trouble, hops=tuple(hops), moved=moved) from None
            reply.moved = moved
            location = _as_meant(reply.header("location"))
            if not follow or reply.status not in REDIRECTS or location is None:
                return reply
            reply.close()
            moved = moved or reply.trouble.message
            if len(hops) >= self._options.max_redirects:
                trouble = Trouble("redirects", f"more than {len(hops)} redirects", reply.status)
                raise Refused(trouble, hops=tuple(hops), moved=moved)
            try:
                url = parsed(anonymous(urljoin(str(url), location)))
            except ValueError:
                trouble = Trouble("redirects", "redirected to what is no http or https URL")
                raise Refused(trouble, hops=tuple(hops), moved=moved) from None
            hops.append(shown(str(url)))

    def close(self) -> None:
        """Close all connections."""
        for connection in self._open.values():
            connection.close()
        self._open.clear()

    def _once(
        self,
        method: str,
        url: httpx.URL,
        headers: dict[str, str | bytes],
        hops: tuple[str, ...],
    ) -> Reply:
        key = (url.scheme, url.netloc.decode("ascii"))
        known = self._open.get(key)
        if known is not None and known.sock is not None:
            try:
                return self._exchange(known, method, url, headers, hops)
            except Refused as refused:
                if refused.trouble.kind != "connection":
                    raise
                # It may have been closed while nobody looked.
        connection = self._connection(url)
        if self._address is not None:
            # http.client's own way to a host, which tests of its users replace, too.
            connection._create_connection = self._straight  # type: ignore[attr-defined]
        old = self._open.pop(key, None)
        if old is not None:
            old.close()
        self._open[key] = connection
        return self._exchange(connection, method, url, headers, hops)

    def _straight(self, place: tuple[str, int], *rest: Any) -> socket.socket:
        assert self._address is not None
        return socket.create_connection((self._address, place[1]), *rest)

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        url: httpx.URL,
        headers: dict[str, str | bytes],
        hops: tuple[str, ...],
    ) -> Reply:
        lease = _Lease(connection, time.monotonic() + 2 * self._options.timeout)
        self._watchdog.watch(lease)
        try:
            target = url.raw_path.decode("ascii")
            through = getattr(connection, "proxy_headers", None)
            if through is not None:  # a proxy is asked for the whole URL
                target = f"{url.scheme}://{url.netloc.decode('ascii')}{target}"
                headers = {**headers, **through}
            connection.request(method, target, headers=headers)
            lease.socket = connection.sock
            response = connection.getresponse()
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._watchdog.release(lease)
            connection.close()
            if lease.late:
                limit = 2 * self._options.timeout
                raise Refused(Trouble("timeout", f"no answer within {limit:g} s")) from None
            if connection.sock is None and str(error).startswith("Tunnel connection failed"):
                raise Refused(Trouble("connection", "the proxy refused to connect")) from None
            raise Refused(diagnosis(error, self._options.timeout)) from None
        return Reply(response, lease, self._watchdog, shown(str(url)), hops)

    def _connection(self, url: httpx.URL) -> http.client.HTTPConnection:
        """A connection to be opened: straight, or through the environment's proxy."""
        host, port = url.raw_host.decode("ascii"), url.port or PORTS[url.scheme]
        timeout = self._options.timeout
        proxy = proxy_for(url)
        login = {}
        if proxy is not None:
            way = _proxy(proxy, url.host)
            if way.username:
                token = f"{unquote(way.username)}:{unquote(way.password or '')}".encode()
                login = {"proxy-authorization": "Basic " + b64encode(token).decode()}
        place = (host, port) if proxy is None else (way.hostname or "", way.port or 80)
        if url.scheme == "https":
            secure = http.client.HTTPSConnection(*place, timeout=timeout, context=self._site.trust)
            if proxy is not None:
                secure.set_tunnel(host, port, headers=login)
            secure.response_class = _Response
            return secure
        connection = http.client.HTTPConnection(*place, timeout=timeout)
        if proxy is not None:
            connection.proxy_headers = login  # type: ignore[attr-defined]
        connection.response_class = _Response
        return connection


def _proxy(proxy: str, host: str) -> SplitResult:
    """A proxy's URL, taken apart. Raises UsageError for one that can't be used."""
    with suppress(ValueError):
        way = urlsplit(proxy)
        if way.scheme == "http" and way.hostname and way.port != 0:
            return way
    hint = "set http_proxy and https_proxy to http://host:port, or give --files none"
    raise UsageError(f"files can't be asked for through the proxy set for {host}", hint)


def _as_meant(location: str | None) -> str | None:
    """A ``Location`` whose bytes are UTF-8 more often than the Latin-1 that http.client takes."""
    with suppress(UnicodeError):
        return location.encode("latin-1").decode("utf-8") if location is not None else None
    return location


def diagnosis(error: Exception, timeout: float | None = None) -> Trouble:
    """The trouble that an exception stands for."""
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        if isinstance(error, TimeoutError):
            return Trouble("timeout", "no answer")
        return Trouble("tls", f"no secure connection: {tls_reason(error)}")
    if isinstance(error, TimeoutError):
        limit = f" within {timeout:g} s" if timeout is not None else ""
        return Trouble("timeout", f"no answer{limit}")
    if isinstance(error, OSError) and error.strerror:
        return Trouble("connection", f"connection failed: {error.strerror}")
    return Trouble("connection", "the server broke off, or its answer is not HTTP")


def tls_reason(error: ssl.SSLError) -> str:
    """Why a certificate or a handshake was refused, without a secret in it."""
    return getattr(error, "verify_message", "") or error.reason or "unknown reason"
