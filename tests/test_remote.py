"""Remote trees, against real servers on loopback."""

from __future__ import annotations

import gzip
import http.client
import os
import shutil
import socket
import ssl
import threading
import time
import tracemalloc
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from authority import make_authority, server_context
from maas_stream_lint.errors import UsageError
from maas_stream_lint.source import SIGNED_INDEX, Answer, FetchOptions, open_source
from maas_stream_lint.source.address import same_server
from maas_stream_lint.source.library import httpx
from maas_stream_lint.source.remote import RemoteTree
from servers import NEEDS_NEWER, Handler, serve

if TYPE_CHECKING:
    from collections.abc import Callable

INDEX = "streams/v1/index.json"
SECRET = "hunter2"
#: ``user:hunter2``
BASIC = "Basic dXNlcjpodW50ZXIy"


def options(**given: object) -> FetchOptions:
    quick: dict[str, object] = {"timeout": 5.0, "backoff": 0.001, **given}
    return FetchOptions(**quick)  # type: ignore[arg-type]


def fetch(url: str, path: str = INDEX, **given: object) -> Answer:
    """One read of a fresh tree; no secret is in what comes back."""
    source = open_source(url, options=options(**given))
    try:
        answer = source.read(path)
    finally:
        source.close()
    assert answer.path == path
    assert (answer.body is None) != (answer.trouble is None)
    for text in (repr(answer), source.label, source.base):
        assert SECRET not in text
        assert BASIC.split()[1] not in text
    return answer


def kind(answer: Answer) -> str | None:
    return answer.trouble.kind if answer.trouble else None


def message(answer: Answer) -> str:
    assert answer.trouble is not None
    return answer.trouble.message


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "netrc"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    # To load the system's certificates takes longer than all the rest of a test.
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none"))


# What is asked for, and what comes back


def test_document_and_what_came_with_it() -> None:
    def respond(request: Handler) -> None:
        request.send(b"{}", ETag='"1"', Age="7", X_Cache="HIT", Server="s", Set_Cookie="a=b")

    with serve(respond) as server:
        answer = fetch(server.url)
    assert answer.body == b"{}"
    assert (answer.status, answer.trouble, answer.redirects) == (200, None, ())
    assert answer.url == f"{server.url}/{INDEX}"
    server_said = f"{Handler.server_version} {Handler.sys_version}, s"
    told = {"etag": '"1"', "age": "7", "x-cache": "HIT", "content-length": "2"}
    assert answer.headers == {**told, "server": server_said}
    assert server.sent("user-agent")[0].startswith("maas-stream-lint/")  # type: ignore[union-attr]
    assert server.sent("accept-encoding") == ["gzip"]


@pytest.mark.parametrize(
    ("below", "base", "path", "explicit"),
    [
        ("", "", SIGNED_INDEX, False),
        ("/images", "/images", SIGNED_INDEX, False),
        ("/images/", "/images/", SIGNED_INDEX, False),
        (f"/images/{INDEX}", "/images/", INDEX, True),
        ("/foo.json", "/foo.json", SIGNED_INDEX, False),
    ],
)
def test_base_and_index_path(below: str, base: str, path: str, explicit: bool) -> None:
    with serve() as server:
        source = open_source(f" {server.url}{below}\n", options=options())
        assert source.label == server.url + below
        assert (source.base, source.index_path) == (server.url + base, path)
        assert source.explicit == explicit
        assert source.read(source.index_path).body == b"{}"
        source.close()
    assert server.paths == [f"{base.rstrip('/')}/{path}"]


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("com.ubuntu:v3+x.json", "/i/com.ubuntu:v3+x.json"),
        ("a b/é.json", "/i/a%20b/%C3%A9.json"),
        pytest.param("a%20b%2fc", "/i/a%20b%2fc", marks=NEEDS_NEWER),
        ("100%.json", "/i/100%25.json"),
        ("x.json?sig=a&b=c d", "/i/x.json?sig=a&b=c%20d"),
        ("x.json#part", "/i/x.json"),
        ("n\0l\r\nX-Y: z", "/i/n%00l%0D%0AX-Y:%20z"),
        ("half\ud800", "/i/half%ED%A0%80"),
        ("byte\udcff", "/i/byte%ED%B3%BF"),
        ("back\\slash^|", "/i/back%5Cslash%5E%7C"),
        ("", "/i/"),
        ("/etc/passwd", "/i//etc/passwd"),
        ("//other.test/x", "/i///other.test/x"),
        ("http://other.test/x", "/i/http://other.test/x"),
        ("@other.test/x", "/i/@other.test/x"),
        ("./x/../y.json", "/i/y.json"),
        ("../../../../etc/passwd", "/etc/passwd"),
    ],
)
def test_path_is_quoted_and_stays_on_its_host(path: str, asked: str) -> None:
    with serve() as server:
        assert fetch(server.url + "/i", path).body == b"{}"
    assert server.paths == [asked]
    assert server.sent("x-y") == [None]


@NEEDS_NEWER
def test_path_that_no_url_can_hold_is_missing() -> None:
    with serve() as server:
        assert kind(fetch(server.url, "x" * 70_000)) == "missing"
    assert server.paths == []


def test_query_stays_in_the_middle_as_it_does_for_maas() -> None:
    with serve() as server:
        url = f"{server.url}/i/index.json?token={SECRET}"
        answer = fetch(url, SIGNED_INDEX)
        tree = RemoteTree(url, options())
        tree.close()
    assert tree.label == tree.base == f"{server.url}/i/index.json?…"
    assert server.paths == [f"/i/index.json?token={SECRET}/{SIGNED_INDEX}"]
    assert answer.url == f"{server.url}/i/index.json?…"


def test_one_connection_serves_many_reads() -> None:
    with serve() as server:
        source = open_source(server.url, options=options())
        assert [source.read(path).body for path in "abc"] == [b"{}"] * 3
        source.close()
    assert len({request.client_address for request in server.requests}) == 1


# Statuses and retries


@pytest.mark.parametrize(
    ("status", "trouble", "words"),
    [
        (401, "unauthorized", "401 Unauthorized"),
        (403, "forbidden", "403 Forbidden"),
        (404, "missing", "404 Not Found"),
        (410, "status", "410 Gone"),
        (501, "status", "501 Not Implemented"),
        (304, "status", "304 Not Modified"),
        (302, "status", "302 Found"),  # without a Location
        (599, "status", "599"),
    ],
)
def test_status_that_is_final(status: int, trouble: str, words: str) -> None:
    with serve(lambda request: request.send(b"<html>", status)) as server:
        answer = fetch(server.url)
    assert answer.trouble is not None
    assert (answer.trouble.kind, answer.trouble.message) == (trouble, words)
    assert answer.status == answer.trouble.status == status
    assert answer.error_body == (b"" if status == 304 else b"<html>")
    assert len(server.requests) == 1


def test_error_body_is_decoded_and_bounded() -> None:
    page = gzip.compress(b"x" * 10_000_000)
    with serve(lambda request: request.send(page, 403, Content_Encoding="gzip")) as server:
        answer = fetch(server.url)
    assert answer.error_body == b"x" * 65536


def test_error_body_that_breaks_off_is_kept_so_far() -> None:
    head = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\n"
    with serve(lambda request: request.send_raw(head + b"<ht")) as server:
        answer = fetch(server.url)
    assert (kind(answer), answer.error_body) == ("forbidden", b"<ht")


def in_turn(*answers: Callable[[Handler], None]) -> Callable[[Handler], None]:
    """Responds with one after the other; the last one stays."""

    def respond(request: Handler) -> None:
        answers[min(len(request.server.requests), len(answers)) - 1](request)

    return respond


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_passing_trouble_is_tried_again(status: int) -> None:
    with serve(in_turn(lambda r: r.send(b"", status), lambda r: r.send(b"{}"))) as server:
        answer = fetch(server.url)
    assert (answer.body, answer.status, answer.error_body) == (b"{}", 200, None)
    assert len(server.requests) == 2


def test_retries_end() -> None:
    with serve(lambda request: request.send(b"", 503)) as server:
        assert message(fetch(server.url, retries=3)) == "503 Service Unavailable"
        assert len(server.requests) == 4
        assert kind(fetch(server.url, retries=0)) == "status"
        assert len(server.requests) == 5


def test_connection_that_breaks_is_tried_again() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
    with serve(in_turn(lambda r: r.send_raw(head + b"{"), lambda r: r.send(b"{}"))) as server:
        assert fetch(server.url).body == b"{}"
    assert len(server.requests) == 2


def test_retry_after_is_waited_for() -> None:
    busy, good = (lambda r: r.send(b"", 429, Retry_After="1")), (lambda r: r.send(b"{}"))
    with serve(in_turn(busy, good)) as server:
        start = time.monotonic()
        assert fetch(server.url, backoff=60).body == b"{}"
        assert 1 <= time.monotonic() - start < 30


@pytest.mark.parametrize("as_date", [False, True])
def test_long_retry_after_is_not_waited_for(as_date: bool) -> None:
    when = formatdate(time.time() + 3600, usegmt=True) if as_date else "3600"
    with serve(lambda request: request.send(b"", 503, Retry_After=when)) as server:
        answer = fetch(server.url)
    assert kind(answer) == "status"
    assert answer.headers["retry-after"] == when
    assert len(server.requests) == 1


@pytest.mark.parametrize("when", ["-5", "soon", "", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_odd_retry_after_does_no_harm(when: str) -> None:
    busy, good = (lambda r: r.send(b"", 503, Retry_After=when)), (lambda r: r.send(b"{}"))
    with serve(in_turn(busy, good)) as server:
        assert fetch(server.url).body == b"{}"


# Bodies


def test_gzip_is_decoded() -> None:
    body = gzip.compress(b"[" * 3_000_000) + gzip.compress(b"]")
    with serve(lambda request: request.send(body, Content_Encoding="GZip")) as server:
        answer = fetch(server.url)
    assert answer.body == b"[" * 3_000_000 + b"]"
    assert answer.headers["content-encoding"] == "GZip"


def test_junk_behind_gzip_is_passed_over() -> None:
    body = gzip.compress(b"{}") + b"\0\0\0"
    with serve(lambda request: request.send(body, Content_Encoding="gzip")) as server:
        assert fetch(server.url).body == b"{}"


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", b"{}"),
        ("gzip", gzip.compress(b"x" * 99)[:-9]),
        ("br", b"{}"),
        ("gzip, gzip", gzip.compress(gzip.compress(b"{}"))),
    ],
    ids=["plain", "cut short", "unknown", "twice"],
)
def test_encoding_that_is_none(coding: str, body: bytes) -> None:
    with serve(lambda request: request.send(body, Content_Encoding=coding)) as server:
        answer = fetch(server.url)
    assert (answer.trouble, answer.status, answer.raw) == (None, 200, body)
    decoded = coding == "gzip, gzip"
    assert answer.body == (b"{}" if decoded else body)
    assert (answer.undecodable is None) == (decoded or coding == "br")
    assert len(server.requests) == 1


def test_bomb_is_not_inflated() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    with serve(lambda request: request.send(bomb, Content_Encoding="gzip")) as server:
        tracemalloc.start()
        answer = fetch(server.url, max_bytes=1_000_000)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert (kind(answer), message(answer)) == ("too-large", "larger than 1000000 bytes")
    assert peak < 10_000_000


def test_body_announced_too_large_is_not_waited_for() -> None:
    def respond(request: Handler) -> None:
        request.send_raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
        request.server.over.wait(5)

    with serve(respond) as server:
        assert kind(fetch(server.url, timeout=1)) == "too-large"


def test_size_is_bounded() -> None:
    with serve(lambda request: request.send(b"12345")) as server:
        assert fetch(server.url, max_bytes=5).body == b"12345"
        assert kind(fetch(server.url, max_bytes=4)) == "too-large"


def test_endless_body_is_bounded() -> None:
    def respond(request: Handler) -> None:
        request.send_raw(b"HTTP/1.1 200 OK\r\n\r\n")
        while not request.server.over.is_set():
            request.wfile.write(b"x" * 4096)

    with serve(respond) as server:
        assert kind(fetch(server.url, max_bytes=100_000)) == "too-large"


# Time


def test_silent_server_times_out_and_is_not_asked_again() -> None:
    with serve(lambda request: (request.server.over.wait(5), None)[1]) as server:
        source = open_source(server.url, options=options(timeout=0.3, retries=1))
        first, second = source.read("a"), source.read("b")
        source.close()
    assert (kind(first), message(first)) == ("timeout", "no answer within 0.3 s")
    assert (second.path, second.trouble) == ("b", first.trouble)
    assert server.paths == ["/a", "/a"]


def trickle(head: bytes) -> Callable[[Handler], None]:
    """Says ``head``, then a byte at a time for much longer than any deadline here."""

    def respond(request: Handler) -> None:
        request.send_raw(head)
        end = time.monotonic() + 5
        while time.monotonic() < end and not request.server.over.wait(0.02):
            request.wfile.write(b"x")

    return respond


@pytest.mark.parametrize(
    "head",
    [
        b"",  # the status line itself trickles
        b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",  # whose end looks like that of the document
    ],
)
def test_trickling_server_meets_the_deadline(head: bytes) -> None:
    with serve(trickle(head)) as server:
        start = time.monotonic()
        answer = fetch(server.url, deadline=0.3)
        assert time.monotonic() - start < 3
    assert (kind(answer), message(answer)) == ("timeout", "not complete within 0.3 s")
    assert len(server.requests) <= 1


def test_deadline_bounds_retries() -> None:
    with serve(lambda request: request.send(b"", 503)) as server:
        start = time.monotonic()
        assert kind(fetch(server.url, retries=99, backoff=0.1, deadline=0.5)) == "status"
        assert time.monotonic() - start < 3


def test_connection_survives_another_reads_deadline() -> None:
    slow = trickle(b"HTTP/1.1 200 OK\r\n\r\n")
    with serve(in_turn(lambda r: r.send(b"1"), slow, lambda r: r.send(b"3"))) as server:
        source = open_source(server.url, options=options(deadline=0.7))
        answers = [source.read(path) for path in "abc"]
        source.close()
    assert [kind(answer) for answer in answers] == [None, "timeout", None]
    assert answers[2].body == b"3"


# Redirects


def redirect(target: str, status: int = 302) -> Callable[[Handler], None]:
    return lambda request: request.send(b"moved", status, Location=target)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed_and_told(status: int) -> None:
    signed = f"/b c?sig={SECRET}#{SECRET}"
    with serve(in_turn(redirect("/a", status), redirect(signed), Handler.send)) as server:
        answer = fetch(server.url)
    assert answer.body == b""
    assert server.paths == [f"/{INDEX}", "/a", f"/b%20c?sig={SECRET}"]
    assert answer.redirects == (f"{server.url}/a", f"{server.url}/b%20c?…")
    assert answer.url == answer.redirects[-1]


def test_redirects_end() -> None:
    with serve(lambda request: redirect(request.path + "x")(request)) as server:
        answer = fetch(server.url, max_redirects=3)
        assert (kind(answer), message(answer)) == ("redirects", "more than 3 redirects")
        assert len(answer.redirects) == 3
        assert len(server.requests) == 4
    with serve(lambda request: redirect("/loop")(request)) as server:
        assert kind(fetch(server.url)) == "redirects"


@pytest.mark.parametrize(
    "target",
    [
        "ftp://h/x",
        "file:///etc/passwd",
        "http://h:99999/",
        "http://a..b/",
        "http://u:hunter2@[::1/",
    ],
)
def test_redirect_to_what_is_no_web_server(target: str) -> None:
    with serve(redirect(target)) as server:
        answer = fetch(server.url)
    assert (kind(answer), message(answer)) == (
        "redirects",
        "redirected to a URL that is not http or https",
    )
    assert answer.redirects == ()
    assert len(server.requests) == 1


def test_redirect_within_the_server_keeps_credentials() -> None:
    with serve(in_turn(redirect("/x"), Handler.send)) as server:
        url = server.url.replace("//", f"//user:{SECRET}@")
        fetch(url, headers=(("X-Token", SECRET),))
    assert server.sent("authorization") == [BASIC, BASIC]
    assert server.sent("x-token") == [SECRET, SECRET]


@pytest.mark.parametrize("change", ["host", "port"])
def test_redirect_to_another_server_drops_credentials_for_good(change: str) -> None:
    with serve() as other:
        target = other.url.replace("127.0.0.1", "localhost" if change == "host" else "127.0.0.1")
        target = target.replace("//", f"//evil:{SECRET}@")
        back: list[str] = []
        with serve(in_turn(redirect(target + "/x"), Handler.send)) as server:
            back.append(server.url + "/back")
            other.respond = redirect(back[0])
            url = server.url.replace("//", f"//user:{SECRET}@")
            answer = fetch(url, headers=(("X-Token", SECRET), ("User-Agent", SECRET)))
    assert answer.trouble is None
    assert answer.redirects[1] == back[0]
    assert server.sent("authorization") == [BASIC, None]
    assert server.sent("x-token") == [SECRET, None]
    assert other.sent("authorization") == other.sent("x-token") == [None]
    assert SECRET not in str(other.requests[0].headers)


def test_cookie_does_no_harm() -> None:
    head = "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\nSet-Cookie: é\r\n\r\n"
    with serve(in_turn(lambda r: r.send_raw(head.encode()), Handler.send)) as server:
        assert fetch(server.url).body == b""
    assert server.sent("cookie") == [None, None]


@pytest.mark.parametrize(
    ("base", "url", "same"),
    [
        ("http://h/", "http://h:80/x", True),
        ("https://h/", "https://H/x", True),
        ("http://h/", "https://h/", True),  # no less safe
        ("https://h/", "http://h/", False),
        ("http://h:8080/", "https://h:8443/", False),
        ("http://h/", "http://h:8080/", False),
        ("http://h/", "http://sub.h/", False),
    ],
)
def testsame_server(base: str, url: str, same: bool) -> None:
    assert same_server(httpx.URL(base), httpx.URL(url)) == same


# Credentials


def test_credentials_of_the_url() -> None:
    with serve() as server:
        source = open_source(server.url.replace("//", "//us%40er:p%2F:%C3%A4@"), options=options())
        assert source.label == source.base == server.url
        assert source.read("x").url == f"{server.url}/x"
        source.close()
    assert server.sent("authorization") == ["Basic dXNAZXI6cC86w6Q="]  # us@er:p/:ä


def test_user_without_password() -> None:
    with serve() as server:
        fetch(server.url.replace("//", "//user@"))
    assert server.sent("authorization") == ["Basic dXNlcjo="]


def test_credentials_of_netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text(f"machine 127.0.0.1 login user password {SECRET}\n")
    (tmp_path / "mine").write_text("machine 127.0.0.1 login me password it\n")
    with serve() as server:
        fetch(server.url)
        fetch(server.url.replace("127.0.0.1", "localhost"))
        fetch(server.url.replace("//", "//u:p@"))
        fetch(server.url, headers=(("authorization", "Bearer x"),))
        monkeypatch.setenv("NETRC", str(tmp_path / "mine"))
        fetch(server.url)
    sent = [BASIC, None, "Basic dTpw", "Bearer x", "Basic bWU6aXQ="]
    assert server.sent("authorization") == sent


@pytest.mark.parametrize("text", [b"machine", b"\xff\xfe\0", b"gibberish here", b"machine a b c"])
def test_broken_netrc_is_ignored(text: bytes, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_bytes(text)
    with serve() as server:
        assert fetch(server.url).body == b"{}"
    assert server.sent("authorization") == [None]


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_netrc_that_is_no_file_is_ignored(make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path / ".netrc")
    with serve() as server:
        assert fetch(server.url).body == b"{}"


def test_own_headers_replace_and_repeat() -> None:
    given = (("User-Agent", "me"), ("X-A", " 1\t"), ("X-A", "\xe9"), ("Accept-Encoding", "br"))
    with serve() as server:
        fetch(server.url, headers=given)
    assert server.sent("user-agent") == ["me"]
    assert server.sent("accept-encoding") == ["br"]
    assert server.requests[0].headers.get_all("x-a") == ["1", "\xe9"]


@pytest.mark.parametrize(
    "header",
    [
        ("", SECRET),
        (f"Bearer {SECRET}", ""),
        ("X-A", f"{SECRET}\r\nX-B: 1"),
        ("X-A", f"{SECRET}\0"),
        ("X-A", f"{SECRET}€"),
    ],
)
def test_header_that_http_forbids_is_refused(header: tuple[str, str]) -> None:
    with pytest.raises(UsageError, match="forbidden character") as caught:
        open_source("http://127.0.0.1/", options=options(headers=(header,)))
    assert caught.value.hint
    assert SECRET not in repr(caught.value) + str(caught.value)


# Proxies


def forward(request: Handler) -> None:
    """What a forward proxy does with an absolute URL."""
    _, _, host, path = request.path.split("/", 3)
    upstream = http.client.HTTPConnection(host)
    upstream.request("GET", "/" + path, headers={"Via": "proxy"})
    answer = upstream.getresponse()
    request.send(answer.read(), answer.status)
    upstream.close()


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_proxy_of_the_environment(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve() as server, serve(forward) as proxy:
        monkeypatch.setenv(variable, proxy.url.replace("//", f"//user:{SECRET}@"))
        assert fetch(server.url).body == b"{}"
        monkeypatch.setenv(variable, proxy.url.removeprefix("http://"))
        assert fetch(server.url).body == b"{}"
    assert proxy.paths == [f"{server.url}/{INDEX}"] * 2
    assert proxy.sent("proxy-authorization") == [BASIC, None]
    assert server.sent("via") == ["proxy", "proxy"]


@pytest.mark.parametrize("exempt", ["127.0.0.1", "other, 127.0.0.0/8", "*", "[::1],127.0.0.1:{}"])
def test_proxy_is_not_used_for_exempt_hosts(exempt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve() as server, serve(forward) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", exempt.format(server.server_port))
        assert fetch(server.url).body == b"{}"
    assert (len(server.requests), proxy.paths) == (1, [])


def test_proxy_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(lambda request: request.send(b"", 407)) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url.replace("//", f"//user:{SECRET}@"))
        answer = fetch("https://stream.test/", retries=0)
    assert kind(answer) == "proxy"
    told = f"the proxy {proxy.url} (from https_proxy) refused to connect: it answered 407"
    assert message(answer) == told
    assert proxy.paths == ["stream.test:443"]


@pytest.mark.parametrize("proxy", ["gopher://{}@p/", "http://{}@[::1", "http://{}@p:99999", "x y"])
def test_proxy_that_cannot_be_meant(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", proxy.format(f"user:{SECRET}"))
    with pytest.raises(UsageError, match=r"the proxy set for stream.test cannot be used") as caught:
        open_source("https://stream.test/")
    assert SECRET not in repr(caught.value) + str(caught.value)
    with serve(redirect("https://stream.test/x")) as server:
        answer = fetch(server.url)
    assert message(answer) == "the proxy set for stream.test cannot be used"


# TLS and connections


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with ``ca.pem``, and ``server.pem`` and ``server.key`` for 127.0.0.1."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command")
    place = tmp_path_factory.mktemp("authority")
    make_authority(place)
    return place


@pytest.fixture
def tls(authority: Path) -> ssl.SSLContext:
    return server_context(authority)


def test_private_authority(authority: Path, tls: ssl.SSLContext) -> None:
    with serve(tls=tls) as server:
        assert fetch(server.url, ca_bundle=authority / "ca.pem").body == b"{}"
        answer = fetch(server.url)
        assert (kind(answer), answer.status) == ("untrusted", None)
        assert message(answer) == "no secure connection: unable to get local issuer certificate"
        answer = fetch(server.url.replace("127.0.0.1", "localhost"), ca_bundle=authority / "ca.pem")
        assert kind(answer) == "tls"
        assert "not valid for 'localhost'" in message(answer)
    assert len(server.requests) == 1


def test_authority_of_the_environment(
    authority: Path, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority / "ca.pem"))
    with serve(tls=tls) as server:
        assert fetch(server.url).body == b"{}"


@pytest.mark.parametrize("delay", [0, 0.5])
def test_trickle_under_tls_meets_the_deadline(
    delay: float, authority: Path, tls: ssl.SSLContext
) -> None:
    """Also where the deadline falls into the handshake, when there is no connection to cut."""
    with serve(trickle(b"HTTP/1.1 200 OK\r\n\r\n"), tls) as server:
        accept = server.get_request
        server.get_request = lambda: (time.sleep(delay), accept())[1]  # type: ignore[method-assign]
        start = time.monotonic()
        answer = fetch(server.url, ca_bundle=authority / "ca.pem", deadline=0.3)
        assert time.monotonic() - start < 3
    assert (kind(answer), message(answer)) == ("timeout", "not complete within 0.3 s")


def test_credentials_follow_no_redirect_out_of_tls(authority: Path, tls: ssl.SSLContext) -> None:
    with serve() as plain, serve(redirect(plain.url), tls) as server:
        url = server.url.replace("//", f"//user:{SECRET}@")
        answer = fetch(url, ca_bundle=authority / "ca.pem")
    assert (answer.body, answer.redirects) == (b"{}", (plain.url,))
    assert (server.sent("authorization"), plain.sent("authorization")) == ([BASIC], [None])


@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN CERTIFICATE-----\n"])
def test_bundle_that_holds_no_certificate_is_refused(content: bytes | None, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_bytes(content)
    with pytest.raises(UsageError, match=r"cannot read CA certificates from .*bundle\.pem"):
        open_source("https://127.0.0.1/", options=options(ca_bundle=str(bundle)))


def test_https_where_http_is_spoken() -> None:
    with serve() as server:
        answer = fetch(server.url.replace("http:", "https:"))
    assert kind(answer) == "not-tls"
    assert answer.trouble is not None
    assert "http://" in answer.trouble.hint


def test_refused_connection() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{unused.getsockname()[1]}"
        answer = fetch(f"http://user:{SECRET}@{place}/")
    assert (kind(answer), message(answer)) == ("refused", f"{place} refused the connection")
    assert answer.status is None


def test_server_that_hangs_up_on_tls() -> None:
    def hang_up() -> None:
        for _ in range(3):
            connection, _address = listener.accept()
            with connection:
                connection.recv(65536)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=hang_up)
        thread.start()
        answer = fetch(f"https://127.0.0.1:{listener.getsockname()[1]}/")
        thread.join()  # which needs all three attempts
    assert kind(answer) == "connection"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000,
    ],
)
def test_broken_answer(data: bytes) -> None:
    with serve(lambda request: request.send_raw(data)) as server:
        answer = fetch(server.url)
    assert kind(answer) == ("cut" if b"200 OK" in data and b"\r\n\r\n" in data else "connection")
    assert len(server.requests) == 3
