"""Web addresses: which may be asked for, by which way, with whose credentials; what is shown."""

from __future__ import annotations

import ipaddress
import netrc
import os
import re
import ssl
from base64 import b64encode
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin
from urllib.request import getproxies, proxy_bypass

from maas_stream_lint import __version__
from maas_stream_lint.errors import UsageError
from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.records import field, record
from maas_stream_lint.runtime import IN_BROWSER
from maas_stream_lint.source.answer import printable
from maas_stream_lint.source.library import httpx

if TYPE_CHECKING:
    from maas_stream_lint.source.answer import FetchOptions

#: What no quoting changes.
_PLAIN = re.compile(r"[^/?#]*//[^/?#]*[\w.~!#$&'()*+,/:;=?@\[\]-]*", re.ASCII)
#: What stands in a URL as it is. Dots at the start of a step may mean something else.
_PLAIN_PATH = re.compile(r"[\w~+-][\w.~+/-]{,2000}", re.ASCII)
PORTS = {"http": 80, "https": 443}
PLAIN = httpx.Headers(
    {"accept": "*/*", "accept-encoding": "gzip", "user-agent": f"maas-stream-lint/{__version__}"}
)


@record(frozen=True)
class Site:
    """The server that a source names: where its paths lead, and what nobody else may be sent."""

    base: str  #: without credentials
    origin: httpx.URL  #: with them
    headers: httpx.Headers = field(repr=False)  #: may hold secrets
    trust: ssl.SSLContext = field(repr=False)
    login: str | None = None  #: where its credentials are from: ``url``, ``netrc`` or ``header``

    @classmethod
    def named(cls, base: str, options: FetchOptions) -> Site:
        """The site of a base URL. Raises UsageError for what cannot be meant."""
        try:
            origin = parsed(base)
        except ValueError:
            # Not quoted: of what cannot be parsed, nobody knows which part is the password.
            hint = "write http://host/path; in a password, write / ? # @ as %2F %3F %23 %40"
            raise UsageError("the source's URL has no valid host and port", hint) from None
        headers = own_headers(options.headers, origin)
        login = None
        if "authorization" in {name.lower() for name, _ in options.headers}:
            login = "header"
        elif "authorization" in headers:
            login = "url" if origin.userinfo else "netrc"
        return cls(anonymous(base), origin, headers, trust(options.ca_bundle), login)

    def url(self, path: str) -> httpx.URL:
        """Where ``path`` leads, which is text put behind the base: it never names a host.

        Raises ValueError for a path that no URL can hold.
        """
        return parsed(self.base + "/" * (not self.base.endswith("/")) + path)

    def file_url(self, path: str) -> httpx.URL:
        """The same, for one of many files: it need not be parsed if ``path`` is a plain one."""
        folder = _folder(self.base)
        if folder is None or not _PLAIN_PATH.fullmatch(path) or "/." in "/" + path:
            return self.url(path)
        return _Inside(folder, path)

    def link(self, path: str) -> httpx.URL:
        """Where a path leads that is joined to the base like a link, on this server.

        Raises ValueError for a path that leads to another server, or that no URL can hold.
        """
        url = parsed(urljoin(self.base + "/" * (not self.base.endswith("/")), path))
        if not self.trusts(url):
            raise ValueError
        return url

    def trusts(self, url: httpx.URL) -> bool:
        """Whether credentials may go to ``url``."""
        return same_server(self.origin, url)


class _Inside(httpx.URL):
    """A URL below another one. Only a request may use it: its parts are those of the other."""

    def __init__(self, folder: httpx.URL, path: str) -> None:
        self.__dict__.update(folder.__dict__)
        self._text, self._target = f"{folder}{path}", folder.raw_path + path.encode()

    @property
    def raw_path(self) -> bytes:
        return self._target

    def __str__(self) -> str:
        return self._text


@lru_cache(maxsize=64)
def _folder(base: str) -> httpx.URL | None:
    """The URL that paths follow, if nothing but a path can follow."""
    url = parsed(base + "/" * (not base.endswith("/")))
    return url if str(url).endswith("/") and not (url.query or url.fragment) else None


def parsed(text: str, schemes: tuple[str, ...] = ("http", "https")) -> httpx.URL:
    """``text`` as a URL fit to be asked for, or ValueError.

    Quoting is that of requests and browsers: what is quoted already stays so.
    """
    try:
        url = httpx.URL(text if _PLAIN.fullmatch(text) else _quoted(text))
    except httpx.InvalidURL:
        raise ValueError from None
    _check_host(url.raw_host, url.host)
    if url.scheme not in schemes or (url.port or 0) >= 2**16:
        raise ValueError
    return url


def _quoted(text: str) -> str:
    match = re.match(r"([^/?#]*//[^/?#]*)?(.*)", text, re.DOTALL)
    assert match is not None
    rest = re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", match[2]).encode("utf-8", "surrogatepass")
    return (match[1] or "") + quote(rest, safe="%!#$&'()*+,/:;=?@[]~")


@lru_cache(maxsize=64)
def _check_host(raw: bytes, host: str) -> None:
    """Raise ValueError for a host that no socket takes; files share a few."""
    raw.decode("ascii").encode("idna")
    if not re.fullmatch(r"[\w.:-]+", host):
        raise ValueError


def anonymous(url: str) -> str:
    """A URL without its user and password."""
    return re.sub(r"^([^/?#]*//)[^/?#]*@", r"\1", url)


def shown(url: str) -> str:
    """A URL for reports: credentials are left out, and the query, which may hold a token."""
    place, query, _ = anonymous(url).partition("#")[0].partition("?")
    return printable(place) + ("?…" if query else "")


def same_server(base: httpx.URL, url: httpx.URL) -> bool:
    """Whether secrets of ``base`` may go to ``url``: same host and port, or http made https."""
    ports = [(u.scheme, u.port or PORTS[u.scheme]) for u in (base, url)]
    upgraded = ports == [("http", 80), ("https", 443)]
    return base.host == url.host and (ports[0] == ports[1] or upgraded)


def own_headers(given: tuple[tuple[str, str], ...], url: httpx.URL) -> httpx.Headers:
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
    headers = PLAIN.copy()
    headers.update(own)
    return headers


def _netrc_login(host: str) -> tuple[str, str] | None:
    try:
        place = Path(os.environ.get("NETRC") or "~/.netrc").expanduser()
        found = netrc.netrc(str(place)).authenticators(host) if place.is_file() else None
    except (OSError, ValueError, RuntimeError, netrc.NetrcParseError):
        return None  # as curl and requests do with one they cannot read
    return (found[0] or found[1] or "", found[2] or "") if found else None


def trust(bundle: str | os.PathLike[str] | None) -> ssl.SSLContext:
    """The CA bundle's trust, or the system's, as MAAS 3.8 has it (``SYSTEM_CA_FILE``)."""
    if IN_BROWSER:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # nothing uses it
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


def own_trust() -> bool:
    """Whether the environment names certificates beside the system's, which can be read, too."""
    given = [os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")]
    system = ssl.get_default_verify_paths()
    places = (system.openssl_cafile, system.openssl_capath)
    return any(g and Path(g).exists() for g in given) and any(Path(p).exists() for p in places)


def system_trust() -> ssl.SSLContext:
    """The system's own trust: that without what the environment names."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    system = ssl.get_default_verify_paths()
    file, folder = Path(system.openssl_cafile), Path(system.openssl_capath)
    with suppress(OSError, ValueError):
        made.load_verify_locations(
            file if file.is_file() else None, folder if folder.is_dir() else None
        )
    return made


class Proxy(NamedTuple):
    """A proxy of the environment."""

    url: str  #: may hold a login
    variable: str  #: the environment variable that sets it

    @property
    def shown(self) -> str:
        """The proxy and its variable, without the login."""
        return f"{shown(self.url)} (from {self.variable})"


def proxy_for(url: httpx.URL) -> Proxy | None:
    """The proxy that the environment sets for a URL; ``no_proxy`` may hold networks."""
    proxies = getproxies()
    scheme = url.scheme if proxies.get(url.scheme) else "all"
    proxy = proxies.get(scheme)
    if not proxy or proxy_bypass(url.netloc.decode("ascii")):
        return None
    for entry in proxies.get("no", "").split(","):
        with suppress(ValueError):
            if ipaddress.ip_address(url.host) in ipaddress.ip_network(entry.strip(), strict=False):
                return None
    names = (f"{scheme}_proxy", f"{scheme}_proxy".upper())
    variable = next((name for name in names if os.environ.get(name)), names[0])
    return Proxy(proxy if "://" in proxy else f"http://{proxy}", variable)
