"""Files that come through the environment's proxies."""

from __future__ import annotations

import http.client
import select
import socket
import threading
from contextlib import suppress

import pytest

from authority import server_context
from images import Tree
from looks import BASIC, look
from maas_stream_lint.errors import UsageError
from nginx import PASSWORD, USER, Nginx
from servers import NEEDS_NEWER, Handler, serve

pytestmark = pytest.mark.usefixtures("own_home")


def relay(request: Handler) -> None:
    """What a forward proxy does; names of example.test are this machine's."""
    if request.command == "CONNECT":
        _, _, port = request.path.rpartition(":")
        with socket.create_connection(("127.0.0.1", int(port))) as there:
            request.head(200)
            copy_both(request.connection, there, request.server.over)
            request.close_connection = True
        return
    _, _, place, path = request.path.split("/", 3)
    upstream = http.client.HTTPConnection("127.0.0.1", int(place.rpartition(":")[2]))
    names = ("range", "authorization", "accept-encoding", "host")
    sent = {name: request.headers[name] for name in names if request.headers[name]}
    upstream.request(request.command, "/" + path, headers={**sent, "Via": "proxy"})
    answer = upstream.getresponse()
    about = {
        n.replace("-", "_"): answer.headers[n]
        for n in ("content-range", "etag")
        if n in answer.headers
    }
    length = answer.headers["content-length"]
    request.head(answer.status, Content_Length=length, **about)
    request.wfile.write(answer.read())
    upstream.close()


@pytest.mark.parametrize("mode", ["head", "download"])
def test_files_come_through_the_proxy(
    store: Nginx, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.publish("proxied", Tree())
    url = store.url("plain", "proxied", host="files.example.test")
    with serve(relay) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.replace("//", f"//{USER}:{PASSWORD}@"))
        looked = look(url, mode)
    assert looked.names == set()
    assert all(r.path.startswith(url) for r in proxy.requests)
    assert set(proxy.sent("proxy-authorization")) == {f"Basic {BASIC}"}
    requests = store.log()
    assert {r["host"] for r in requests} == {f"files.example.test:{store.http}"}
    assert "proxy-authorization" not in str(requests).lower()


def test_files_come_through_a_tunnel(store: Nginx, monkeypatch: pytest.MonkeyPatch) -> None:
    store.publish("tunnelled", Tree())
    url = store.url("plain", "tunnelled", host="files.example.test", tls=True)
    with serve(relay) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url.replace("//", f"//{USER}:{PASSWORD}@"))
        looked = look(url.replace("//", f"//{USER}:{PASSWORD}@"), "download", ca_bundle=store.ca)
        assert looked.names == set()
        assert {r.command for r in proxy.requests} == {"CONNECT"}
        assert set(proxy.paths) == {f"files.example.test:{store.https}"}
        assert {r.headers["proxy-authorization"] for r in proxy.requests} == {f"Basic {BASIC}"}
        assert {r.headers["authorization"] for r in proxy.requests} == {None}
    assert "proxy-authorization" not in str(store.log()).lower()


def socks(listener: socket.socket, over: threading.Event) -> None:
    """A SOCKS5 proxy without a login; names of example.test are this machine's."""
    with suppress(OSError):
        while True:
            threading.Thread(target=one_socks, args=(listener.accept()[0], over)).start()


def one_socks(client: socket.socket, over: threading.Event) -> None:
    with client, suppress(OSError):
        client.recv(64)
        client.sendall(b"\x05\x00")
        asked = client.recv(512)
        port = int.from_bytes(asked[-2:], "big")
        with socket.create_connection(("127.0.0.1", port)) as there:
            client.sendall(b"\x05\x00\x00\x01\x7f\0\0\x01" + asked[-2:])
            copy_both(client, there, over)


def copy_both(one: socket.socket, other: socket.socket, over: threading.Event) -> None:
    ends = {one: other, other: one}
    while not over.is_set():
        for end in select.select(list(ends), [], [], 0.05)[0]:
            data = b""
            with suppress(OSError):
                data = end.recv(65536)
            if not data:
                return
            ends[end].sendall(data)


@pytest.mark.parametrize("tls", [False, True])
def test_socks_proxy(store: Nginx, tls: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    store.publish("socks", Tree())
    url = store.url("plain", "socks", host="files.example.test", tls=tls)
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=socks, args=(listener, over), daemon=True).start()
        proxy = f"socks5://127.0.0.1:{listener.getsockname()[1]}"
        monkeypatch.setenv("all_proxy", proxy)
        looked = look(url, "download", ca_bundle=store.ca)
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
    assert looked.names == set()
    assert looked.survey.hashed == 3


def test_socks_proxy_that_is_none(store: Nginx, monkeypatch: pytest.MonkeyPatch) -> None:
    store.publish("no-socks", Tree())
    with serve(lambda request: request.send(b"", 400)) as server:
        monkeypatch.setenv("https_proxy", server.url.replace("http:", "socks5:"))
        looked = look(store.url("files-moved-tls", "no-socks"), retries=0)
    assert looked.seen("squashfs").trouble is not None


@NEEDS_NEWER
@pytest.mark.parametrize("tls", [False, True])
def test_proxy_that_is_reached_by_https(
    store: Nginx, tls: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.publish("secure-proxy", Tree())
    context = server_context(store.home)
    url = store.url("plain", "secure-proxy", host="files.example.test", tls=tls)
    with serve(relay, context) as proxy:
        monkeypatch.setenv("all_proxy", proxy.url.replace("//", f"//{USER}:{PASSWORD}@"))
        looked = look(url, "download", ca_bundle=store.ca)
        assert {r.headers["proxy-authorization"] for r in proxy.requests} == {f"Basic {BASIC}"}
    assert looked.names == set()
    assert looked.survey.hashed == 3


def test_hosts_that_need_no_proxy(store: Nginx, monkeypatch: pytest.MonkeyPatch) -> None:
    store.publish("direct", Tree())
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.0/8")
    assert look(store.url("plain", "direct"), "download").names == set()


def test_proxy_that_refuses(store: Nginx, monkeypatch: pytest.MonkeyPatch) -> None:
    store.publish("refused", Tree())
    with serve(lambda request: request.send(b"", 407)) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        looked = look(store.url("files-moved-tls", "refused"), retries=0)
    told = f"the proxy {proxy.url} (from https_proxy) refused to connect: it answered 407"
    assert looked.unchecked == told


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:99999", "socks4://127.0.0.1:1", "http://["])
def test_proxy_that_cannot_be_used(
    store: Nginx, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.publish("unusable", Tree())
    monkeypatch.setenv("https_proxy", proxy)
    looked = look(store.url("files-moved-tls", "unusable"), retries=0)
    assert "proxy set for localhost" in looked.unchecked
    monkeypatch.setenv("http_proxy", proxy)
    with pytest.raises(UsageError, match="proxy set for 127"):
        look(store.url("plain", "unusable"))
