"""The HTTP client: answers that HTTP allows or forbids, and the ways to a server."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate

import pytest

from authority import server_context
from images import FOLDER, SQUASHFS, Tree, digest
from looks import Looked, look
from maas_stream_lint.finding import Severity
from maas_stream_lint.images.pool import Pool
from maas_stream_lint.source import FetchOptions, library
from maas_stream_lint.source.address import Site
from maas_stream_lint.source.watchdog import Connections
from nginx import Nginx
from servers import Handler, Server, publishing, serve

pytestmark = pytest.mark.usefixtures("own_home")


def test_library() -> None:
    """CI runs these tests with both libraries."""
    assert library.httpx.__name__ == os.environ.get("HTTP_LIBRARY", "httpx2")


@contextmanager
def odd_server(
    odd: Callable[[Handler, bytes], object], tree: Tree | None = None
) -> Iterator[Server]:
    with serve(publishing(tree or Tree(), odd)) as server:
        yield server


def see(odd: Callable[[Handler, bytes], object], mode: str = "download", **more: object) -> Looked:
    with odd_server(odd) as server:
        return look(server.url + "/", mode, **more)


def chunked(body: bytes, *, whole: bool = True) -> bytes:
    pieces = [body[at : at + 1000] for at in range(0, len(body), 1000)]
    return b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n" * whole


# Bodies


def test_chunked_without_a_length() -> None:
    def odd(request: Handler, body: bytes) -> None:
        request.head(200, Transfer_Encoding="chunked")
        if request.command == "GET":
            request.wfile.write(chunked(body))

    looked = see(odd)
    assert looked.names == set()
    assert looked.seen("squashfs").digests["sha256"] == digest(SQUASHFS)


def test_chunked_that_breaks_off_is_no_file() -> None:
    def odd(request: Handler, body: bytes) -> None:
        if request.headers["range"] and request.headers["range"] != "bytes=0-4095":
            request.send_part(body)
            return
        request.head(200, Transfer_Encoding="chunked")
        if request.command == "GET":
            cut = request.headers["range"] is None
            request.wfile.write(chunked(body[:2000] if cut else body, whole=not cut))
            request.close_connection = cut

    looked = see(odd)
    assert looked.names == {"download-cut"}
    assert looked.seen("squashfs").cuts == (2000,)
    assert looked.seen("squashfs").digests["sha256"] == digest(SQUASHFS)


@pytest.mark.parametrize("mode", ["head", "download"])
def test_chunked_that_always_breaks_off(mode: str) -> None:
    def odd(request: Handler, body: bytes) -> None:
        request.head(200, Transfer_Encoding="chunked")
        request.wfile.write(chunked(body[:2000], whole=False))
        request.close_connection = True

    looked = see(odd, mode)
    assert looked.names == {"file-not-served"}


@pytest.mark.parametrize("mode", ["head", "download"])
def test_length_larger_than_the_body(mode: str) -> None:
    def odd(request: Handler, body: bytes) -> None:
        request.head(200, Content_Length=str(len(body) + 10))
        request.wfile.write(body)
        request.close_connection = True

    looked = see(odd, mode)
    assert "the server broke off after 3,020 of 3,030" in looked.of("file-not-served")[0].message


def test_length_smaller_than_the_body() -> None:
    def odd(request: Handler, body: bytes) -> None:
        request.head(200, Content_Length="1000")
        request.wfile.write(body)

    looked = see(odd)
    assert "has 1,000 bytes, expected 3,020" in looked.of("size-mismatch")[0].message


def test_part_that_breaks_off_is_not_judged() -> None:
    """What came of the first bytes is asked for again, not taken for the file's beginning."""
    asked = 0

    def odd(request: Handler, body: bytes) -> None:
        nonlocal asked
        asked += 1
        request.send_part(body, cut=20 if asked == 1 else None)

    assert see(odd, "head").names == {"passing-fault"}


def test_body_on_head_does_no_harm() -> None:
    assert see(lambda request, body: request.send(body)).names == set()


def test_connection_reset_in_the_middle() -> None:
    def odd(request: Handler, body: bytes) -> None:
        if request.headers["range"] == "bytes=0-4095" or request.server.connections > 9:
            request.send_part(body)
            return
        request.head(200, Content_Length=str(len(body)))
        request.wfile.write(body[:100])
        linger = b"\1\0\0\0\0\0\0\0"  # RST instead of FIN
        request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        request.connection.close()
        request.close_connection = True

    looked = see(odd, retries=1)
    assert looked.seen("squashfs").trouble is not None
    assert "connection" in looked.of("file-not-served")[0].message


@pytest.mark.parametrize("odd_length", ["-1", "1e3", "٣", "9" * 30, ""])
def test_length_that_is_no_number(odd_length: str) -> None:
    def odd(request: Handler, body: bytes) -> None:
        text = f"HTTP/1.1 200 OK\r\nContent-Length: {odd_length}\r\nConnection: close\r\n\r\n"
        request.send_raw(text.encode() + body)

    see(odd, retries=0)


@pytest.mark.parametrize(
    "said",
    [
        "bytes 0-9/x",
        "bytes */*",
        "octets 0-4/5",
        "bytes 5-1/3",
        "bytes 0-4095/" + "9" * 40,
        "bytes 0-4095/*",
        "",
    ],
)
def test_content_range_that_tells_nothing(said: str) -> None:
    def odd(request: Handler, body: bytes) -> None:
        if request.headers["range"]:
            request.send(body, 206, Content_Range=said)
        else:
            request.send_part(body)

    looked = see(odd)
    assert looked.names <= {"no-range-support"}
    assert looked.seen("squashfs").digests["sha256"] == digest(SQUASHFS)


# Heads


@pytest.mark.parametrize("mode", ["head", "download"])
def test_interim_answers_are_what_old_clients_take_for_the_file(mode: str) -> None:
    def odd(request: Handler, body: bytes) -> None:
        early = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
        request.wfile.write(early + b"HTTP/1.1 100 Continue\r\n\r\n")
        request.send_part(body)

    finding = see(odd, mode).one("file-not-served")
    assert finding.maas[-1] == "3.4"
    assert finding.severity is Severity.IGNORED
    assert "read 0 bytes" in (finding.log or "")


@pytest.mark.parametrize("mode", ["head", "download"])
def test_all_clients_wait_for_more_after_a_100(mode: str) -> None:
    def odd(request: Handler, body: bytes) -> None:
        request.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.send_part(body)

    assert see(odd, mode).names == set()


def test_the_body_is_no_interim_answer() -> None:
    def odd(request: Handler, body: bytes) -> None:
        request.head(200, Content_Length=str(len(body)))
        request.wfile.flush()
        time.sleep(0.05)
        if request.command == "GET":
            request.wfile.write(body)

    tree = Tree()
    tree.add("squashfs", b"HTTP/1.1 103 Early Hints\r\n\r\n" + b"hsqs" * 2000)
    with odd_server(odd, tree) as server:
        assert "file-not-served" not in look(server.url + "/", "download").names


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 500 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000,
        b"HTTP/1.1 20x OK\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\n" * 3,
    ],
)
@pytest.mark.parametrize("mode", ["head", "download"])
def test_answer_that_is_none(data: bytes, mode: str) -> None:
    looked = see(lambda request, body: request.send_raw(data), mode, retries=1)
    assert looked.names == {"file-not-served"}
    assert (
        "the server broke off, or its answer is not HTTP" in looked.of("file-not-served")[0].message
    )


def test_http_1_0_and_connections_that_close() -> None:
    def odd(request: Handler, body: bytes) -> None:
        about = f"Content-Length: {len(body)}\r\n\r\n".encode()
        request.send_raw(b"HTTP/1.0 200 OK\r\n" + about + body * (request.command == "GET"))

    assert see(odd).names == set()

    def closing(request: Handler, body: bytes) -> None:
        request.close_connection = True
        request.send(body if request.command == "GET" else b"", Connection="close")

    assert see(closing).names <= {"length-disagrees"}


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("farewell", [b"", b"HTTP/1.1 408 Request Timeout\r\n\r\n"])
def test_stale_connections(store: Nginx, farewell: bytes, tls: bool) -> None:
    """A server that hangs up after each answer without a word, or with one nobody asked for."""

    def odd(request: Handler, body: bytes) -> None:
        request.send_part(body)
        request.send_raw(farewell)

    context = server_context(store.home)
    with serve(publishing(Tree(), odd), context if tls else None) as server:
        looked = look(server.url + "/", "download", jobs=1, retries=4, ca_bundle=store.ca)
    assert looked.names <= {"tls-not-system-trusted"}


def test_connection_cut_under_tls(store: Nginx) -> None:
    def odd(request: Handler, body: bytes) -> None:
        half = 1000 if request.server.connections < 8 else None
        request.send_part(body, cut=None if request.headers["range"] else half)

    context = server_context(store.home)
    with serve(publishing(Tree(), odd), context) as server:
        looked = look(server.url + "/", "download", ca_bundle=store.ca)
    assert looked.names == {"tls-not-system-trusted", "download-cut"}
    assert looked.seen("squashfs").digests["sha256"] == digest(SQUASHFS)


def test_reason_without_an_end() -> None:
    looked = see(lambda r, body: r.send_raw(b"HTTP/1.1 404 " + b"x" * 60_000 + b"\r\n\r\n"), "head")
    assert len(looked.of("file-missing")[0].message) < 300


def test_redirect_with_odd_location() -> None:
    tree = Tree()
    path = f"{FOLDER}/é x"
    tree.files[path] = SQUASHFS

    def odd(request: Handler, body: bytes) -> None:
        request.wfile.write(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /")
        request.wfile.write(path.encode() + b"\r\n\r\n")

    with odd_server(odd, tree) as server:
        looked = look(server.url + "/")
    assert looked.names == {"redirecting-files"}
    assert looked.seen("squashfs").url == f"{server.url}/{FOLDER}/%C3%A9%20x"


@pytest.mark.parametrize(
    "location", ["x" * 60_000, "http://h:99999/", "//[::1", "http://a..b/", ""]
)
def test_redirect_that_leads_nowhere(location: str) -> None:
    def odd(request: Handler, body: bytes) -> None:
        request.send(b"", 302, Location=location)

    looked = see(odd, "head")
    trouble = looked.seen("squashfs").trouble
    assert trouble is not None
    assert max(map(len, (f.message for f in looked.report.findings))) < 2000


def test_dates_of_retry_after() -> None:
    asked = 0

    def odd(request: Handler, body: bytes) -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            request.send(b"", 503, Retry_After=formatdate(usegmt=True))
        else:
            request.send_part(body)

    assert see(odd, "head").names == {"passing-fault"}


@pytest.mark.parametrize("said", ["nan", "-5", "1e99", "Mon, 99 Foo", "9" * 400, "\x80"])
def test_retry_after_that_says_nothing(said: str) -> None:
    looked = see(lambda r, body: r.send(b"", 503, Retry_After=said), "head", retries=1)
    assert looked.names == {"file-not-served"}


# What is sent


def test_own_headers_come_as_they_were_given() -> None:
    given = (("X-A", "1"), ("X-A", "é"), ("Host", "images.example.com"), ("User-Agent", "me"))
    with odd_server(Handler.send_part) as server:
        look(server.url + "/", headers=given)
    files = [r for r in server.requests if r.path.endswith("squashfs")]
    assert all(r.headers.get_all("x-a") == ["1", "é"] for r in files)
    assert {r.headers["host"] for r in files} == {"images.example.com"}
    assert {r.headers["user-agent"] for r in files} == {"me"}


def test_ipv6_literal() -> None:
    class Six(Server):
        address_family = socket.AF_INET6

    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            pass
    except OSError:
        pytest.skip("no IPv6 on loopback")
    with serve(publishing(Tree()), kind=Six, host="::1") as server:
        looked = look(f"http://[::1]:{server.server_port}/", "download")
        assert {r.headers["host"] for r in server.requests} == {f"[::1]:{server.server_port}"}
    assert looked.names == set()


def test_server_that_is_dead_is_not_asked_for_long() -> None:
    tree = Tree()
    for number in range(100):
        path = f"more/{number}"
        about = {"ftype": "root-tgz", "path": path, "size": 9, "sha256": digest(SQUASHFS)}
        tree.product(f"x:{number}", {"root-tgz": about}, os="ubuntu", release=f"r{number}")
        tree.files[path] = SQUASHFS

    def hang_up(request: Handler, body: bytes) -> None:
        request.close_connection = True

    with serve(publishing(tree, hang_up, "")) as server:
        looked = look(server.url + "/", retries=6)
    assert len([r for r in server.requests if "/streams/" not in r.path]) < 150
    told = {f.message for f in looked.of("file-not-served")}
    assert len(told) == len(looked.survey.files) == 103


class Fast:
    """A network stream of the HTTP library whose peer is faster, or slower, than its reader."""

    def __init__(self, opened: socket.socket, comes: list[int]) -> None:
        self.opened = opened
        self.comes = iter(comes)
        self.asked: list[int] = []

    def get_extra_info(self, name: str) -> socket.socket:
        return self.opened

    def read(self, limit: int, timeout: float | None = None) -> bytes:
        self.asked.append(limit)
        return bytes(min(limit, next(self.comes)))


def test_a_long_body_is_read_in_larger_pieces() -> None:
    """As long as more comes than was asked for; each piece costs as much, whatever its size."""
    large = 2**16
    with socket.socket() as opened:
        stream = Fast(opened, [2**30] * 7 + [10, 10])
        Connections().add(stream)
        for _ in range(9):
            stream.read(large)
    assert stream.asked == [large << n for n in range(4)] + [2**20] * 4 + [large]


@pytest.mark.parametrize("base", ["http://H.test:80/i", "https://u:p@h/a/../b/", "http://h/x?t=1"])
@pytest.mark.parametrize(
    "path",
    [
        *("noble/20260101/squashfs", "a", "a//b", "a/.b", "a/../b", "./a", "..", "/a", "//h/a"),
        *(
            "a?b",
            "a#b",
            "a b",
            "é",
            "a%20b",
            "%",
            "a:b",
            "http://o.test/a",
            "",
            "a\n",
            "~a+b-c_d.e",
        ),
    ],
)
def test_the_url_of_a_file_is_as_parsed(base: str, path: str) -> None:
    site = Site.named(base, FetchOptions())
    quick, url = site.file_url(path), site.url(path)
    assert (str(quick), quick.raw_path) == (str(url), url.raw_path)
    for part in ("scheme", "raw_scheme", "host", "raw_host", "port", "netloc"):
        assert getattr(quick, part) == getattr(url, part)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no threads of one core here")
def test_threads_that_wait_for_servers_share_a_core() -> None:
    """One that the caller may use; and the caller keeps all cores."""
    mine, theirs = os.sched_getaffinity(0), []
    pool = Pool(threading.Event(), waiting=True)
    assert pool.run(range(9), 3, lambda: lambda _: theirs.append(os.sched_getaffinity(0)))
    assert os.sched_getaffinity(0) == mine
    assert len(theirs) == 9
    assert len(theirs[0]) == 1
    assert theirs[0] <= mine
    assert all(cores == theirs[0] for cores in theirs)
