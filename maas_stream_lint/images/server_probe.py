"""What a server does to everything that is fetched from it."""

from __future__ import annotations

import hashlib
import socket
import ssl
import threading
import zlib
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from maas_stream_lint.images.observation import Server
from maas_stream_lint.images.pool import Pool
from maas_stream_lint.source import Trouble
from maas_stream_lint.source.address import PORTS, own_trust, proxy_for, system_trust
from maas_stream_lint.source.diagnosis import tls_reason
from maas_stream_lint.source.http import Client, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_stream_lint.source import Answer, FetchOptions
    from maas_stream_lint.source.address import Site
    from maas_stream_lint.source.library import httpx
    from maas_stream_lint.source.watchdog import Watchdog

#: Of a host with more addresses, these are asked.
MOST_FRONTENDS = 8
#: How many files are requested again past the caches.
MOST_AGAIN = 20
PAST_CACHES = {"cache-control": "no-cache", "pragma": "no-cache"}


def probe_server(
    site: Site,
    options: FetchOptions,
    watchdog: Watchdog,
    index: str,
    metadata: Mapping[str, Answer],
    file: str | None = None,
) -> Server:
    """Ask for metadata in other ways than MAAS does, and see whether the answers differ.

    ``index``: the path of the index. ``metadata``: what was answered before, by path. ``file``: the
    path of an image that can be had.
    """
    seen = Server()
    answer = metadata.get(index)
    if answer is None or answer.body is None:
        return seen
    userinfo = site.origin.userinfo
    seen.encoded_login = b"%" in userinfo
    seen.user_only = bool(userinfo) and b":" not in userinfo
    with closing(Client(site, options, watchdog)) as client:
        if site.login is not None:
            for path in (index, file):
                if path is not None and seen.anonymous is None:
                    _ask_anonymously(seen, site, path, client)
        cached = [path for path, a in metadata.items() if a.body is not None and _from_cache(a)]
        seen.stale = tuple(
            path for path in cached[:MOST_AGAIN] if _differs(site, path, metadata[path], client)
        )
    https = site.origin.scheme == "https" and proxy_for(site.origin) is None
    if https and (options.ca_bundle is not None or own_trust()):
        seen.untrusted = _distrust(site.origin, options.timeout)
    _ask_frontends(seen, site, options, watchdog, index)
    return seen


def _ask_anonymously(seen: Server, site: Site, path: str, client: Client) -> None:
    url, part = site.url(path), {"range": "bytes=0-0"}
    with suppress(Refused), closing(client.ask("GET", url, part, without_login=True)) as reply:
        kind = (reply.header("content-type") or "").partition(";")[0].strip().lower()
        if reply.status in (401, 403, 404):  # 404: of what you may not see
            seen.anonymous, seen.login, seen.refused = reply.trouble, site.login, path
        elif reply.status // 100 == 2 and kind == "text/html":
            trouble = Trouble("unauthorized", "with an HTML page", reply.status)
            seen.anonymous, seen.login, seen.refused = trouble, site.login, path


def _from_cache(answer: Answer) -> bool:
    """Whether a cache says to have had a hand in an answer."""
    age = answer.headers.get("age", "0").strip()
    return age not in ("", "0") or "hit" in answer.headers.get("x-cache", "").lower()


def _differs(site: Site, path: str, answer: Answer, client: Client) -> bool:
    url = site.url(path)
    # Some caches mind the header, some no more than another name for the same file.
    for asked in (url, url.copy_merge_params({"maas-stream-lint": "again"})):
        with suppress(Refused), closing(client.ask("GET", asked, PAST_CACHES)) as reply:
            if reply.status != 200:
                continue
            body = _plain(reply.read(len(answer.body or b"") + 2**20), reply.header)
            if body is not None and body != answer.body:
                return True
    return False


def _plain(body: bytes, header: object) -> bytes | None:
    coding = header("content-encoding") if callable(header) else None
    if not coding or coding == "identity":
        return body
    with suppress(zlib.error):
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(body, 2**28)
    return None


def _distrust(url: httpx.URL, timeout: float) -> str | None:
    """What the system's own certificates say against a server."""
    try:
        with (
            socket.create_connection((url.host, url.port or PORTS["https"]), timeout) as plain,
            system_trust().wrap_socket(plain, server_hostname=url.host),
        ):
            return None
    except ssl.SSLError as error:
        return tls_reason(error)
    except OSError:
        return None


def _ask_frontends(
    seen: Server, site: Site, options: FetchOptions, watchdog: Watchdog, index: str
) -> None:
    url = site.url(index)
    if proxy_for(url) is not None:
        return
    port = url.port or PORTS[url.scheme]
    try:
        found = socket.getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    except OSError:
        return
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    if len(addresses) < 2:
        return
    addresses = addresses[:MOST_FRONTENDS]
    said: dict[str, str] = {}

    def ask(address: str) -> None:
        # One that can't be reached from here may be reached from elsewhere.
        with (
            suppress(Refused),
            closing(Client(site, options, watchdog, address=address)) as client,
            closing(client.ask("GET", url, {"accept-encoding": "identity"}, follow=False)) as reply,
        ):
            reply.allow(options.deadline)
            body = hashlib.sha256(reply.read(options.max_bytes)).hexdigest()
            said[address] = body if reply.status == 200 else reply.trouble.message

    # All at once: to find out that one can't be reached takes as long as is allowed.
    if not Pool(threading.Event()).run(addresses, len(addresses), lambda: ask, watchdog.cut_all):
        raise KeyboardInterrupt
    seen.frontends = {address: said[address] for address in addresses if address in said}
