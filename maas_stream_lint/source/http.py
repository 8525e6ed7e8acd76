"""The one HTTP client, for metadata and for image files: redirects, credentials, limits on time.

It is a policy on top of the transports of the HTTP library. Their ``Client`` is not used: its
cookies and redirects raise UnicodeError and InvalidURL for some answers, and its reading of
``no_proxy`` knows no networks.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from maas_stream_lint.errors import UsageError
from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.source.address import PLAIN, PORTS, anonymous, parsed, proxy_for, shown
from maas_stream_lint.source.answer import Trouble
from maas_stream_lint.source.diagnosis import BROKEN, Way, diagnosis, of_proxy_answer
from maas_stream_lint.source.library import FAILURES, httpx
from maas_stream_lint.source.watchdog import Connections, Lease

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from maas_stream_lint.source.address import Proxy, Site
    from maas_stream_lint.source.answer import FetchOptions
    from maas_stream_lint.source.watchdog import Watchdog

#: The headers of an answer that rules and reports use.
REPORTED = frozenset(
    (
        *("accept-ranges", "age", "cache-control", "content-encoding", "content-length"),
        *("content-range", "content-type", "etag", "last-modified", "retry-after", "server"),
        "x-cache",
    )
)
#: What a status means for the client.
KINDS = {401: "unauthorized", 403: "forbidden", 404: "missing"}
#: The schemes of a proxy's URL.
PROXIES = ("http", "https", "socks5", "socks5h")
#: The statuses that redirect.
REDIRECTS = (301, 302, 303, 307, 308)
#: The client reads so much of an unwanted body to keep its connection. More costs more than a
#: new connection.
_DRAINED = 65_536
#: No reason of a status is longer.
_REASON = 80
#: No answer has more headers: Python's own HTTP client, on which requests is built, takes no more.
_HEADERS = 100
#: So many kinds of requests are kept; those for the rest of a file are all different.
_KINDS_OF_REQUESTS = 16
#: What a request on a connection meets that the server closed before.
_CLOSED = (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)


class Refused(Exception):  # noqa: N818 - an answer that is none, which callers expect
    """No usable answer came."""

    def __init__(
        self,
        trouble: Trouble,
        *,
        hops: tuple[str, ...] = (),
        moved: str | None = None,
        location: str | None = None,
    ) -> None:
        """``hops``: the URLs of the redirects before. ``moved``, ``location``: of the first one."""
        super().__init__(trouble.message)
        self.location = location
        self.trouble = trouble
        self.hops = hops
        self.moved = moved


class Reply:
    """An answer whose body is still to be read. Close it."""

    def __init__(
        self,
        response: httpx.Response,
        lease: Lease,
        watchdog: Watchdog,
        way: Way,
        until: float | None = None,
        *,
        bodiless: bool = False,
    ) -> None:
        """``way``: how the request went to its server. ``until``: when the run must end.

        ``bodiless``: no body comes, whatever length the headers tell.
        """
        self._until = until
        self.status = response.status_code
        self.reason = response.reason_phrase[:_REASON]
        self.url = ""  #: without credentials and query, as all URLs here
        self.hops: tuple[str, ...] = ()  #: the URLs of the redirects before
        self.moved: str | None = None  #: the status of the first of the redirects before
        self.location: str | None = None  #: the Location of that one, without a login
        self.interim: int | None = None  #: the status of an interim answer before it, but 100
        self.silence = 0.0  #: the longest time without a byte of the body so far, in seconds
        # The transport's own stream: what the response puts around it takes as long again.
        stream = response.stream
        assert isinstance(stream, httpx.SyncByteStream)
        self._stream = stream
        self._headers = _read(response.headers.raw)
        self._bodiless = bodiless
        self._lease = lease
        self._watchdog = watchdog
        self._way = way
        self._got = 0
        self._pieces: Iterator[bytes] | None = None

    def header(self, name: str) -> str | None:
        """The value of a header; ``name`` is in lower case."""
        return self._headers.get(name)

    @property
    def headers(self) -> dict[str, str]:
        """The headers in REPORTED; the keys are in lower case."""
        return {name: value for name, value in self._headers.items() if name in REPORTED}

    @property
    def length(self) -> int | None:
        """The length of the body in bytes, if its head says so."""
        if "transfer-encoding" in self._headers:
            return None
        length = self.header("content-length") or ""
        return int(length) if length.isdecimal() and len(length) < 19 else None

    @property
    def trouble(self) -> Trouble:
        """What its status means, worded as MAAS 3.8 words it: ``404 Not Found``."""
        message = f"{self.status} {self.reason}".strip()
        return Trouble(KINDS.get(self.status, "status"), message, self.status)

    def allow(self, seconds: float | None) -> None:
        """Let the body take so long from now; ``None``: only the timeout of each pause counts."""
        end = None if seconds is None else time.monotonic() + seconds
        self._lease.end = _sooner(end, self._until)

    def read(self, most: int) -> bytes:
        """Up to so many bytes of the body. Raises Refused if the connection breaks before."""
        body = bytearray()
        for piece in self.pieces():
            body += piece
            if len(body) >= most:
                break
        return bytes(body[:most])

    def pieces(self) -> Iterator[bytes]:
        """The body as it comes, its Content-Encoding untouched.

        Raises Refused if the connection breaks before the end of the body.
        """
        if self._pieces is None:
            self._pieces = iter(self._stream)
        while True:
            begun = time.monotonic()
            try:
                piece = next(self._pieces, None)
            except httpx.HTTPError as error:
                raise Refused(self._broken(error)) from None
            finally:
                self.silence = max(self.silence, time.monotonic() - begun)
            if self._lease.late:  # the end of the connection may look like the end of the body
                raise Refused(_late())
            if piece is None:
                return
            self._got += len(piece)
            if piece:
                yield piece

    def close(self) -> None:
        """Keep the connection if the body has ended or nearly so; otherwise drop it."""
        with suppress(httpx.HTTPError, Refused):
            length = 0 if self._bodiless else self.length
            if length is not None and length - self._got <= _DRAINED:
                for _ in self.pieces():
                    pass
        with suppress(httpx.HTTPError):
            self._stream.close()
        self._watchdog.release(self._lease)

    def _broken(self, error: Exception) -> Trouble:
        if self._lease.late:
            return _late()
        length = self.length
        if isinstance(error, httpx.RemoteProtocolError):
            of = f" of {length:,}" if length is not None else ""
            message = f"the server broke off after {self._got:,}{of} bytes"
            return Trouble("cut", message, got=self._got, expected=length)
        return diagnosis(error, self._way)


class _Path:
    """The redirects of one request."""

    def __init__(self) -> None:
        self.hops: list[str] = []
        self.moved: str | None = None
        self.location: str | None = None

    def refused(self, trouble: Trouble) -> Refused:
        """That the path ends here."""
        return Refused(trouble, hops=tuple(self.hops), moved=self.moved, location=self.location)


class _Kind(NamedTuple):
    """What requests for different files have in common."""

    method: str
    netloc: bytes  #: which the header Host names
    trusted: bool  #: whether it takes what only the source's own server may get
    headers: tuple[tuple[str, str], ...]  #: which replace those of the source


class Client:
    """One thread's way to the server of a source, and to the servers that it redirects to."""

    def __init__(
        self,
        site: Site,
        options: FetchOptions,
        watchdog: Watchdog,
        *,
        address: str | None = None,
    ) -> None:
        """``site``: the server that may get its credentials. ``address``: connect to this one.

        Raises UsageError for a proxy of the environment that cannot be used for the site.
        """
        self._site = site
        self._options = options
        self._watchdog = watchdog
        self._address = address
        self._routes: dict[Proxy | None, httpx.HTTPTransport] = {}
        self._requests: dict[_Kind, httpx.Request] = {}
        self._ways: dict[tuple[str, bytes], Way] = {}
        self._connections = Connections()
        self._timeouts = httpx.Timeout(options.timeout).as_dict()
        self.reached = False  #: whether any server ever answered
        if address is None:
            self._route(self._way(site.origin))

    def ask(
        self,
        method: str,
        url: httpx.URL,
        headers: Mapping[str, str] | None = None,
        *,
        end: float | None = None,
        without_login: bool = False,
        follow: bool = True,
    ) -> Reply:
        """The answer after all redirects.

        ``end``: the moment of ``time.monotonic`` when the last byte must have come. Without it, the
        head of each answer may take twice the timeout, and the body twice more. ``headers``:
        replace those of the source. Raises Refused, and UsageError for a proxy.
        """
        trusted, told = not without_login, tuple(headers.items()) if headers else ()
        path = _Path()
        while True:
            way = self._way(url)
            # After another server chose where to go, secrets stay here for good.
            trusted = trusted and way.trusted
            try:
                kind = _Kind(method, url.netloc, trusted, told)
                reply = self._exchange(url, way, kind, end)
            except UsageError as error:
                if not path.hops:
                    raise
                raise path.refused(Trouble("proxy", error.message, remedy=error.hint)) from None
            except Refused as refused:
                raise path.refused(refused.trouble) from None
            reply.url, reply.hops = shown(str(url)), tuple(path.hops)
            reply.moved, reply.location = path.moved, path.location
            location = reply.header("location")
            if not follow or reply.status not in REDIRECTS or location is None:
                return reply
            reply.close()
            path.moved = path.moved or reply.trouble.message
            path.location = path.location or shown(location)
            if len(path.hops) >= self._options.max_redirects:
                message = f"more than {len(path.hops)} redirects"
                raise path.refused(Trouble("redirects", message, reply.status))
            try:
                url = parsed(anonymous(urljoin(str(url), location)))
            except ValueError:
                message = "redirected to a URL that is not http or https"
                raise path.refused(Trouble("redirects", message)) from None
            path.hops.append(shown(str(url)))

    def close(self) -> None:
        """Close all connections."""
        for route in self._routes.values():
            route.close()
        self._routes.clear()

    def _exchange(self, url: httpx.URL, way: Way, kind: _Kind, end: float | None) -> Reply:
        """One request, without redirects."""
        now, until = time.monotonic(), self._options.until
        if until is not None and now >= until:
            raise Refused(Trouble("out-of-time", "the time for the whole run is over"))
        lease = Lease(self._connections, _sooner(end or now + 2 * way.timeout, until))
        request = self._request(url, kind, lease)
        self._watchdog.watch(lease)
        self._connections.interim = None
        try:
            response = self._sent(request, lease, way)
            if response.status_code == 407 and way.proxy is not None:
                response.close()
                raise Refused(of_proxy_answer(way, 407))
            if len(response.headers.raw) > _HEADERS:
                response.close()
                raise Refused(Trouble("connection", BROKEN))
        except BaseException:
            self._watchdog.release(lease)
            raise
        self.reached = True
        bodiless = kind.method == "HEAD"
        reply = Reply(response, lease, self._watchdog, way, until, bodiless=bodiless)
        reply.interim = self._connections.interim
        return reply

    def _request(self, url: httpx.URL, kind: _Kind, lease: Lease) -> httpx.Request:
        """A request; making one takes long, so each kind is made once and sent to many URLs."""
        request = self._requests.get(kind)
        if request is None:
            request = self._made(url, kind)
            if len(self._requests) < _KINDS_OF_REQUESTS:
                self._requests[kind] = request
        request.url = url if self._address is None else url.copy_with(host=self._address)
        request.extensions = {"timeout": self._timeouts, "trace": lease.learn}
        if self._address is not None:
            request.extensions["sni_hostname"] = url.host
        return request

    def _made(self, url: httpx.URL, kind: _Kind) -> httpx.Request:
        headers = httpx.Headers(self._site.headers if kind.trusted else PLAIN)
        headers.update(kind.headers)
        host = [] if self._address is None else [(b"host", kind.netloc)]
        return httpx.Request(kind.method, url, headers=[*headers.raw, *host])

    def _sent(self, request: httpx.Request, lease: Lease, way: Way) -> httpx.Response:
        """The answer of the server, its body unread. Raises Refused."""
        for attempt in range(2):
            made = self._connections.made
            try:
                response = self._route(way).handle_request(request)
                if response.status_code == 408 and self._connections.made == made and not attempt:
                    # Said before this request, to a connection that was idle for long.
                    response.close()
                    self._routes.pop(way.proxy).close()
                    continue
                return response
            except FAILURES as error:
                self._connections.close(made)
                if lease.late or self._watchdog.stopped:
                    message = f"no answer within {2 * way.timeout:g} s"
                    raise Refused(Trouble("timeout", message)) from None
                reused = self._connections.made == made and isinstance(error, _CLOSED)
                if not reused or attempt:
                    raise Refused(diagnosis(error, way)) from None
                # The server closed this connection before the request.
                self._routes.pop(way.proxy).close()
        raise AssertionError

    def _way(self, url: httpx.URL) -> Way:
        """The way to a URL; looking through the environment takes long, so once a server."""
        server = (url.scheme, url.netloc)
        if server not in self._ways:
            proxy = proxy_for(url) if self._address is None else None
            port = url.port or PORTS[url.scheme]
            trusted = self._site.trusts(url)
            self._ways[server] = Way(url.host, port, proxy, self._options.timeout, trusted)
        return self._ways[server]

    def _route(self, way: Way) -> httpx.HTTPTransport:
        """The connections on a way: one pool in all, unless the environment has several proxies."""
        if way.proxy not in self._routes:
            self._routes[way.proxy] = self._transport(way.proxy, way.host)
        return self._routes[way.proxy]

    def _transport(self, proxy: Proxy | None, host: str) -> httpx.HTTPTransport:
        trust = self._site.trust
        if proxy is None:
            return httpx.HTTPTransport(trust)
        with suppress(ValueError, ImportError, TypeError, httpx.InvalidURL):
            # A proxy that is reached by https needs httpx 0.26.
            secured = parsed(proxy.url, PROXIES).scheme == "https"
            more: dict[str, Any] = {"ssl_context": trust} if secured else {}
            return httpx.HTTPTransport(trust, proxy=httpx.Proxy(proxy.url, **more))
        hint = f"set {proxy.variable} to http://HOST:PORT, or add {host} to no_proxy"
        raise UsageError(f"the proxy set for {host} cannot be used", hint)


def _read(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by their names in lower case: the library's mapping decodes all of them each time.

    Values are UTF-8 more often than the Latin-1 that they should be.
    """
    found: dict[str, str] = {}
    for key, value in raw:
        name = key.decode("latin-1").lower()
        try:
            text = value.decode()
        except UnicodeDecodeError:
            text = value.decode("latin-1")
        found[name] = f"{found[name]}, {text}" if name in found else text
    return found


def _sooner(one: float | None, other: float | None) -> float | None:
    return min((moment for moment in (one, other) if moment is not None), default=None)


def _late() -> Trouble:
    return Trouble("timeout", "the answer did not end in time")
