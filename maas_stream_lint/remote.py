"""A stream on a web server, read with limits on time, size and trust.

No text of an exception goes into a message: it may quote URLs and headers with secrets.
"""

from __future__ import annotations

import ipaddress
import netrc
import os
import random
import re
import socket
import ssl
import threading
import time
import weakref
import zlib
from base64 import b64encode
from contextlib import closing, suppress
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin
from urllib.request import getproxies, proxy_bypass

import httpx

from maas_stream_lint import __version__
from maas_stream_lint.errors import UsageError
from maas_stream_lint.source import Answer, Trouble, printable, split_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.source import FetchOptions

_PORTS = {"http": 80, "https": 443}
_REDIRECTS = (301, 302, 303, 307, 308)
_PASSING = (429, 502, 503, 504)  #: statuses worth another try
_KINDS = {401: "unauthorized", 403: "forbidden", 404: "missing"}
_REPORTED = (
    *("etag", "last-modified", "content-type", "content-encoding", "content-length"),
    *("age", "cache-control", "x-cache", "retry-after"),
)
_PLAIN = httpx.Headers(
    {"accept": "*/*", "accept-encoding": "gzip", "user-agent": f"maas-stream-lint/{__version__}"}
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
        try:
            self._origin = _parsed(base)
        except ValueError:
            # Not quoted: of what cannot be parsed, nobody knows which part is the password.
            hint = "write http://host/path; in a password, write / ? # @ as %2F %3F %23 %40"
            raise UsageError("the source's URL has no valid host and port", hint) from None
        self._base = _anonymous(base)
        self.label = _shown(url)
        self.base = _shown(base)
        self._options = options
        self._headers = _headers(options.headers, self._origin)
        self._trust = _trust(options.ca_bundle)
        self._routes: dict[str | None, httpx.HTTPTransport] = {}
        self._sockets: list[weakref.ref[socket.socket]] = []
        self._reached = False
        self._dead: Trouble | None = None
        self._route(self._origin)

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
            url = _parsed(self._base + "/" * (not self._base.endswith("/")) + path)
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
        if trouble.kind not in ("connection", "timeout") and trouble.status not in _PASSING:
            return None
        asked = _seconds(answer.headers.get("retry-after", ""))
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
        last = hops[-1] if hops else _shown(str(url))
        return Answer(path, body, trouble, status, last, tuple(hops), headers, error_body)

    def _send(self, url: httpx.URL, hops: list[str], deadline: _Deadline) -> httpx.Response:
        """The response at the end of all redirects, its body unread; fills ``hops``."""
        trusted = True
        timeouts = httpx.Timeout(self._options.timeout).as_dict()
        extensions = {"timeout": timeouts, "trace": deadline.watch}
        while True:
            # Once another server had a say in where to go, secrets stay here for good.
            trusted = trusted and _same_server(self._origin, url)
            headers = self._headers if trusted else _PLAIN
            response = self._route(url).handle_request(
                httpx.Request("GET", url, headers=headers, extensions=extensions)
            )
            self._reached = True
            location = response.headers.get("location")
            if response.status_code not in _REDIRECTS or location is None:
                return response
            response.close()
            if len(hops) >= self._options.max_redirects:
                raise _Unusable("redirects", f"more than {len(hops)} redirects")
            try:
                url = _parsed(_anonymous(urljoin(str(url), location)))
            except ValueError:
                message = "redirected to what is no http or https URL"
                raise _Unusable("redirects", message) from None
            hops.append(_shown(str(url)))

    def _route(self, url: httpx.URL) -> httpx.HTTPTransport:
        """The way to a URL: one in all, unless the environment has several proxies.

        A transport and no httpx.Client, whose cookies and redirects raise UnicodeError and
        InvalidURL for some answers, and whose reading of ``no_proxy`` knows no networks.
        """
        proxy = _proxy(url)
        if proxy not in self._routes:
            try:
                if proxy is not None:
                    _parsed(proxy, ("http", "https", "socks5", "socks5h"))
                self._routes[proxy] = httpx.HTTPTransport(self._trust, proxy=proxy)
            except (ValueError, ImportError, httpx.InvalidURL):
                hint = "set http_proxy and https_proxy to http://host:port, or no_proxy to the host"
                raise UsageError(f"the proxy set for {url.host} cannot be used", hint) from None
        return self._routes[proxy]


def _parsed(text: str, schemes: tuple[str, ...] = ("http", "https")) -> httpx.URL:
    """``text`` as a URL fit to be asked for, or ValueError.

    Quoting is that of requests and browsers: what is quoted already stays so.
    """
    match = re.match(r"([^/?#]*//[^/?#]*)?(.*)", text, re.DOTALL)
    assert match is not None
    rest = re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", match[2]).encode("utf-8", "surrogatepass")
    try:
        url = httpx.URL((match[1] or "") + quote(rest, safe="%!#$&'()*+,/:;=?@[]~"))
    except httpx.InvalidURL:
        raise ValueError from None
    url.raw_host.decode("ascii").encode("idna")  # or the socket would raise
    if url.scheme not in schemes or not re.fullmatch(r"[\w.:-]+", url.host):
        raise ValueError
    if (url.port or 0) >= 2**16:
        raise ValueError
    return url


def _anonymous(url: str) -> str:
    return re.sub(r"^([^/?#]*//)[^/?#]*@", r"\1", url)


def _shown(url: str) -> str:
    """A URL for reports: credentials are left out, and the query, which may hold a token."""
    place, query, _ = _anonymous(url).partition("#")[0].partition("?")
    return printable(place) + ("?…" if query else "")


def _same_server(base: httpx.URL, url: httpx.URL) -> bool:
    ports = [(u.scheme, u.port or _PORTS[u.scheme]) for u in (base, url)]
    upgraded = ports == [("http", 80), ("https", 443)]
    return base.host == url.host and (ports[0] == ports[1] or upgraded)


def _headers(given: tuple[tuple[str, str], ...], url: httpx.URL) -> httpx.Headers:
    """For the server of the source and no other: plain headers, the user's, and credentials."""
    own = []
    for name, value in given:
        if not re.fullmatch(r"[\w!#$%&'*+.^`|~-]+", name, re.ASCII):
            hint = "write 'Name: value'"
            raise UsageError("the name of a header is empty or holds a forbidden character", hint)
        if not re.fullmatch(r"[\t -~\xa0-\xff]*", value):
            hint = "leave out line breaks and what is not Latin-1"
            raise UsageError(f"the value of the header {name} holds a forbidden character", hint)
        own.append((name.encode(), value.strip().encode("latin-1")))
    login = (url.username, url.password) if url.userinfo else _netrc_login(url.host)
    if login and b"authorization" not in [name.lower() for name, _ in own]:
        token = b64encode(":".join(login).encode("utf-8", "surrogateescape"))
        own.append((b"authorization", b"Basic " + token))
    headers = _PLAIN.copy()
    headers.update(own)
    return headers


def _netrc_login(host: str) -> tuple[str, str] | None:
    try:
        place = Path(os.environ.get("NETRC") or "~/.netrc").expanduser()
        found = netrc.netrc(str(place)).authenticators(host) if place.is_file() else None
    except (OSError, ValueError, RuntimeError, netrc.NetrcParseError):
        return None  # as curl and requests do with one they cannot read
    return (found[0] or found[1] or "", found[2] or "") if found else None


def _trust(bundle: str | os.PathLike[str] | None) -> ssl.SSLContext:
    """The CA bundle's trust, or the system's, as MAAS 3.8 has it (``SYSTEM_CA_FILE``)."""
    if bundle is None:
        system = ssl.get_default_verify_paths()
        if system.cafile or system.capath:
            return ssl.create_default_context()
        return httpx.create_ssl_context(trust_env=False)
    try:
        return ssl.create_default_context(cafile=bundle)
    except (OSError, ValueError):
        where = printable(os.fspath(bundle))
        hint = "give a file of certificates in PEM form"
        raise UsageError(f"cannot read CA certificates from {where}", hint) from None


def _proxy(url: httpx.URL) -> str | None:
    """The proxy that the environment sets for a URL; ``no_proxy`` may hold networks."""
    proxies = getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(url.netloc.decode("ascii")):
        return None
    for entry in proxies.get("no", "").split(","):
        with suppress(ValueError):
            if ipaddress.ip_address(url.host) in ipaddress.ip_network(entry.strip(), strict=False):
                return None
    return proxy if "://" in proxy else f"http://{proxy}"


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
    return Trouble(_KINDS.get(status, "status"), message, status)


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


def _seconds(retry_after: str) -> float | None:
    """What a ``Retry-After`` header asks for, be it a number or a date."""
    with suppress(ValueError, OverflowError):
        return max(0.0, int(retry_after))
    with suppress(ValueError, OverflowError, TypeError, IndexError):
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    return None
