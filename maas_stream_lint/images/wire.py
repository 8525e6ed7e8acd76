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
from urllib.parse import unquote, urljoin, urlsplit

from maas_stream_lint.address import KINDS, PORTS, REDIRECTS, anonymous, parsed, proxy_for, shown
from maas_stream_lint.source import Trouble

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from maas_stream_lint.address import Site
    from maas_stream_lint.source import FetchOptions

#: Headers of answers that somebody may want to know.
REPORTED = (
    *("accept-ranges", "age", "cache-control", "content-encoding", "content-length"),
    *("content-range", "content-type", "etag", "last-modified", "retry-after", "x-cache"),
)
#: So much of an unwanted body is read to keep its connection; more costs more than a new one.
_DRAINED = 65_536
#: How often is looked for connections that take too long, in seconds.
_PULSE = 0.1


class Refused(Exception):  # noqa: N818 - it never leaves these modules
    """No usable answer came."""

    def __init__(self, trouble: Trouble, *, hops: tuple[str, ...] = ()) -> None:
        """``hops``: the URLs that were redirected to before."""
        super().__init__(trouble.message)
        self.trouble = trouble
        self.hops = hops


class Watchdog:
    """Cuts connections off at a moment: the timeouts of sockets start anew with every byte."""

    def __init__(self) -> None:
        """Nothing is watched yet."""
        self._lock = threading.Lock()
        self._leases: dict[_Lease, None] = {}
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self, lease: _Lease) -> None:
        """Watch a connection until it is let go of."""
        with self._lock:
            self._leases[lease] = None
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()

    def release(self, lease: _Lease) -> None:
        """Watch it no longer."""
        with self._lock:
            self._leases.pop(lease, None)

    def cut_all(self) -> None:
        """Wake everybody who waits for a server."""
        with self._lock:
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
        self.reason = response.reason
        self.url = url
        self.hops = hops
        self._response = response
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
        length = self.header("content-length")
        return int(length) if length is not None and length.isdecimal() else None

    @property
    def trouble(self) -> Trouble:
        """What its status means, worded as MAAS 3.8 does: ``404 Not Found``."""
        message = f"{self.status} {self.reason}".strip()
        return Trouble(KINDS.get(self.status, "status"), message, self.status)

    def unhurried(self) -> None:
        """From now on only silence counts, not the time in all."""
        self._lease.end = None

    def read(self, most: int) -> bytes:
        """Up to so many bytes of the body. Raises Refused where the connection breaks."""
        pieces, left = [], most
        try:
            while left and (piece := self._response.read(left)):
                pieces.append(piece)
                left -= len(piece)
        except http.client.IncompleteRead as error:
            pieces.append(error.partial)
        except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
            raise Refused(self._diagnosis(error)) from None
        if self._lease.late:
            raise Refused(Trouble("timeout", "the answer did not end in time"))
        return b"".join(pieces)

    def read_into(self, view: memoryview) -> int:
        """Fill a buffer as far as bytes are there. Raises Refused where the connection breaks."""
        try:
            return self._response.readinto(view)
        except http.client.IncompleteRead:
            return 0
        except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
            raise Refused(self._diagnosis(error)) from None

    def close(self) -> None:
        """Keep the connection if the body is at its end or nearly, else drop it."""
        response = self._response
        with suppress(OSError, http.client.HTTPException, ValueError, AttributeError):
            left = response.length
            if not response.isclosed() and left is not None and left <= _DRAINED:
                response.read()
        self._watchdog.release(self._lease)
        if not response.isclosed() or self._lease.late:
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
        self._heads = {name: value for name, value in site.headers.items() if name != "host"}
        self._plain = {"accept": "*/*", "user-agent": site.headers["user-agent"]}

    def ask(
        self,
        method: str,
        url: httpx.URL,
        headers: Mapping[str, str],
        *,
        anonymous_: bool = False,
        follow: bool = True,
    ) -> Reply:
        """The answer at the end of all redirects. Raises Refused.

        It has ``timeout`` seconds for each silence, and twice that until its headers are there.
        """
        trusted = not anonymous_
        hops: list[str] = []
        while True:
            # Once another server had a say in where to go, secrets stay here for good.
            trusted = trusted and self._site.trusts(url)
            sent = {**(self._heads if trusted else self._plain), **headers}
            try:
                reply = self._once(method, url, sent, tuple(hops))
            except Refused as refused:
                raise Refused(refused.trouble, hops=tuple(hops)) from None
            location = reply.header("location")
            if not follow or reply.status not in REDIRECTS or location is None:
                return reply
            reply.close()
            if len(hops) >= self._options.max_redirects:
                trouble = Trouble("redirects", f"more than {len(hops)} redirects", reply.status)
                raise Refused(trouble, hops=tuple(hops))
            try:
                url = parsed(anonymous(urljoin(str(url), location)))
            except ValueError:
                trouble = Trouble("redirects", "redirected to what is no http or https URL")
                raise Refused(trouble, hops=tuple(hops)) from None
            hops.append(shown(str(url)))

    def close(self) -> None:
        """Close all connections."""
        for connection in self._open.values():
            connection.close()
        self._open.clear()

    def _once(
        self, method: str, url: httpx.URL, headers: dict[str, str], hops: tuple[str, ...]
    ) -> Reply:
        key = (url.scheme, url.netloc.decode("ascii"))
        known = self._open.get(key)
        if known is not None and known.sock is not None:
            with suppress(Refused):  # it may have been closed while nobody looked
                return self._exchange(known, method, url, headers, hops, reused=True)
        connection = self._connection(url)
        if self._address is not None:
            # http.client's own way to a host, which tests of its users replace, too.
            connection._create_connection = self._straight  # type: ignore[attr-defined]
        old = self._open.pop(key, None)
        if old is not None:
            old.close()
        self._open[key] = connection
        return self._exchange(connection, method, url, headers, hops, reused=False)

    def _straight(self, place: tuple[str, int], *rest: Any) -> socket.socket:
        assert self._address is not None
        return socket.create_connection((self._address, place[1]), *rest)

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        url: httpx.URL,
        headers: dict[str, str],
        hops: tuple[str, ...],
        *,
        reused: bool,
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
            if lease.late and not reused:
                limit = 2 * self._options.timeout
                raise Refused(Trouble("timeout", f"no answer within {limit:g} s")) from None
            raise Refused(diagnosis(error, self._options.timeout)) from None
        return Reply(response, lease, self._watchdog, shown(str(url)), hops)

    def _connection(self, url: httpx.URL) -> http.client.HTTPConnection:
        """A connection to be opened: straight, or through the environment's proxy."""
        host, port = url.host, url.port or PORTS[url.scheme]
        timeout = self._options.timeout
        proxy = proxy_for(url)
        if proxy is None:
            if url.scheme == "https":
                return http.client.HTTPSConnection(
                    host, port, timeout=timeout, context=self._site.trust
                )
            return http.client.HTTPConnection(host, port, timeout=timeout)
        way = urlsplit(proxy)
        if way.scheme != "http" or not way.hostname:
            raise Refused(Trouble("connection", "files can be asked for through http proxies only"))
        login = {}
        if way.username:
            token = f"{unquote(way.username)}:{unquote(way.password or '')}".encode()
            login = {"proxy-authorization": "Basic " + b64encode(token).decode()}
        if url.scheme == "https":
            tunnel = http.client.HTTPSConnection(
                way.hostname, way.port or 80, timeout=timeout, context=self._site.trust
            )
            tunnel.set_tunnel(host, port, headers=login)
            return tunnel
        connection = http.client.HTTPConnection(way.hostname, way.port or 80, timeout=timeout)
        connection.proxy_headers = login  # type: ignore[attr-defined]
        return connection


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
