"""Image files fetched whole, over connections that break."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from images import SQUASHFS, Tree, digest
from looks import Looked, look
from maas_stream_lint.api import check
from maas_stream_lint.file_fetch import fetch
from maas_stream_lint.finding import Severity
from maas_stream_lint.images import download as downloads
from maas_stream_lint.images import remote_files
from maas_stream_lint.images.observation import Seen
from maas_stream_lint.rulebook import all_releases
from maas_stream_lint.source import Trouble
from nginx import Nginx
from servers import Handler, Server, publishing, serve

BIG = b"hsqs" + bytes(range(256)) * 400


@pytest.fixture(autouse=True)
def alone(own_home: object) -> None:
    """No cache of one test is seen by another."""


def big_tree() -> Tree:
    tree = Tree()
    tree.add("squashfs", BIG)
    return tree


def download(
    odd: Callable[[Handler, bytes], object], tree: Tree | None = None, **more: object
) -> tuple[Looked, Server]:
    """Check a stream whose squashfs is served as ``odd`` says."""
    with serve(publishing(tree or big_tree(), odd)) as server:
        return look(server.url + "/", "download", **more), server


def asked(server: Server, ending: str = "squashfs") -> list[str | None]:
    """The Range of each GET for a file but the first, which asks for its first bytes."""
    gets = [r for r in server.requests if r.command == "GET" and r.path.endswith(ending)]
    assert gets[0].headers["range"] == "bytes=0-4095"
    return [r.headers["range"] for r in gets[1:]]


class Turns:
    """Answers one after another; the first ones are for the first bytes."""

    def __init__(self, *answers: Callable[[Handler, bytes], object]) -> None:
        self.answers = list(answers)

    def __call__(self, request: Handler, body: bytes) -> None:
        whole = request.headers.get("range") != "bytes=0-4095" and request.command == "GET"
        answer = self.answers.pop(0) if whole and self.answers else Handler.send_part
        answer(request, body)


def cut_at(place: int) -> Callable[[Handler, bytes], object]:
    return lambda request, body: request.send_part(body, cut=place)


def test_digests(store: Nginx) -> None:
    tree = big_tree()
    tree.items["squashfs"].update(sha512=digest(BIG, "sha512"), md5=digest(BIG, "md5"))
    store.publish("digests", tree)
    looked = look(store.url("plain", "digests"), "download")
    assert looked.names == set()
    assert looked.seen("squashfs").digests == {
        name: digest(BIG, name) for name in ("sha256", "sha512", "md5")
    }
    assert looked.seen("boot-kernel").digests.keys() == {"sha256"}
    total = sum(len(body) for path, body in tree.files.items() if "manifest" not in path)
    about = looked.report.to_dict()["summary"]["images"]
    assert (about["hashed"], about["bytes_read"], about["mode"]) == (3, total, "download")
    sent = [r for r in store.log() if r["uri"].endswith("/squashfs") and r["method"] == "GET"]
    assert [(r["status"], r["encoding"]) for r in sent] == [
        (206, "gzip, deflate"),
        (200, "identity"),
    ]


def test_wrong_checksum(store: Nginx) -> None:
    tree = big_tree()
    root = store.publish("flipped", tree)
    place = root / tree.items["squashfs"]["path"]
    bad = BIG[:5000] + b"\xff" + BIG[5001:]
    place.write_bytes(bad)
    looked = look(store.url("plain", "flipped"), "download")
    assert looked.names == {"sha256-mismatch"}
    finding = looked.of("sha256-mismatch")[0]
    assert f"`{digest(bad)}`, expected `{digest(BIG)}`" in finding.message
    assert f"(seen: {len(BIG):,} bytes, a squashfs" in finding.message


def test_wrong_other_checksum(store: Nginx) -> None:
    tree = big_tree()
    tree.items["squashfs"].update(md5="0" * 32)
    store.publish("md5", tree)
    looked = look(store.url("plain", "md5"), "download")
    assert looked.names == {"other-checksum-mismatch"}


def test_goes_on_where_it_broke() -> None:
    looked, server = download(Turns(cut_at(10_000), cut_at(60_001)))
    assert asked(server) == [None, "bytes=10000-", "bytes=60001-"]
    assert [r.headers["if-range"] for r in server.requests[-9:] if r.headers["if-range"]]
    assert looked.names == {"download-cut"}
    assert looked.seen("squashfs").digests["sha256"] == digest(BIG)
    assert looked.seen("squashfs").cuts == (10_000, 60_001)
    assert "broke off 2 times, after 60,001 of 102,404 bytes" in looked.one("download-cut").message


def test_wrong_checksum_tells_where_it_was_cut() -> None:
    tree = big_tree()
    tree.items["squashfs"]["sha256"] = digest(b"other")
    looked, _ = download(Turns(cut_at(10_000)), tree)
    assert "cut after 10,000)" in looked.of("sha256-mismatch")[0].message


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(lambda r, body: r.send(body), id="whole"),
        pytest.param(lambda r, body: r.send(b"", 416), id="416"),
        pytest.param(lambda r, body: r.send(b"", 403), id="403"),
        pytest.param(lambda r, body: r.send(b"", 404), id="404"),
        pytest.param(lambda r, body: r.send(body[10_000:], 206), id="206 of no range"),
        pytest.param(
            lambda r, body: r.send(
                body[5000:], 206, Content_Range=f"bytes 5000-{len(body) - 1}/{len(body)}"
            ),
            id="206 of another part",
        ),
        pytest.param(lambda r, body: r.send_part(body + b"x"), id="longer"),
        pytest.param(lambda r, body: r.send_part(body, 'W/"2"'), id="changed"),
    ],
)
def test_rest_that_does_not_come_is_fetched_anew(second: Callable[[Handler, bytes], None]) -> None:
    def first(request: Handler, body: bytes) -> None:
        request.send_part(body, 'W/"1"', cut=10_000)

    looked, server = download(Turns(first, second))
    assert asked(server)[:2] == [None, "bytes=10000-"]
    assert looked.seen("squashfs").trouble is None
    assert looked.seen("squashfs").digests["sha256"] == digest(BIG)
    assert "if-range" not in str([r.headers for r in server.requests]).lower()


def test_file_that_changes_meanwhile_is_fetched_anew() -> None:
    other = BIG[:-3] + b"new"

    def replaced(request: Handler, body: bytes) -> None:
        request.send_part(other, '"2"')

    tree = big_tree()
    tree.items["squashfs"]["sha256"] = digest(other)
    looked, server = download(Turns(cut_at(10_000), replaced, replaced), tree)
    assert asked(server) == [None, "bytes=10000-"]
    assert "sha256-mismatch" not in looked.names


@pytest.mark.parametrize(("status", "wait"), [(429, "0"), (503, "1"), (500, None)])
def test_is_asked_again_after_a_pause(status: int, wait: str | None) -> None:
    def busy(request: Handler, body: bytes) -> None:
        request.send(b"", status, **({"Retry_After": wait} if wait else {}))

    start = time.monotonic()
    looked, server = download(Turns(busy, cut_at(60_000), busy), longest_backoff=0.2)
    assert looked.names == {"download-cut"}
    assert asked(server) == [None, None, "bytes=60000-", "bytes=60000-"]
    assert time.monotonic() - start > 2 * int(wait or 0)


def test_server_that_always_cuts_is_given_up() -> None:
    looked, server = download(lambda r, body: r.send_part(body, cut=9000), retries=2)
    assert len(asked(server)) <= 7
    assert "file-not-served" in looked.names
    said = "the server broke off after 9,000 of 102,404 bytes"
    assert said in looked.of("file-not-served")[0].message


def test_server_that_sends_a_little_each_time_is_given_up() -> None:
    """It gets on, but at this pace an image takes days."""

    def bit(request: Handler, body: bytes) -> None:
        start = int((request.headers["range"] or "bytes=0-")[6:].rstrip("-").split("-")[0])
        request.send_part(body, cut=start + 700 if start or not request.headers["range"] else None)

    looked, server = download(bit, retries=3)
    assert len(asked(server)) <= 5
    assert "file-not-served" in looked.names


def test_trickle_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_files, "_LEAST_SECONDS", 0.5)

    def trickle(request: Handler, body: bytes) -> None:
        request.head(200, Content_Length=str(len(body)))
        while not request.server.over.wait(0.02):
            request.wfile.write(b"x")

    start = time.monotonic()
    looked, _ = download(Turns(*[trickle] * 9), retries=1, limit_rate=2**30)
    assert time.monotonic() - start < 6
    assert "fewer than 30,720 bytes in 0.5 s" in looked.unchecked


def test_trickle_of_first_bytes_is_given_up() -> None:
    def trickle(request: Handler, body: bytes) -> None:
        request.head(200, Content_Length=str(len(body)))
        while not request.server.over.wait(0.02):
            request.wfile.write(b"x")

    start = time.monotonic()
    looked, _ = download(trickle, retries=1, timeout=0.4)
    assert time.monotonic() - start < 6
    assert looked.unchecked == "the answer did not end in time"


@pytest.mark.parametrize("mode", ["head", "download"])
def test_no_answer(mode: str) -> None:
    def silent(request: Handler, body: bytes) -> None:
        request.server.over.wait(10)
        request.close_connection = True

    with serve(publishing(big_tree(), silent)) as server:
        start = time.monotonic()
        looked = look(server.url + "/", mode, retries=1, timeout=0.3)
        assert time.monotonic() - start < 5
    assert looked.unchecked == "no answer within 0.3 s"


def test_silence_in_the_middle() -> None:
    def stall(request: Handler, body: bytes) -> None:
        request.head(200, Content_Length=str(len(body)), ETag='"1"')
        request.wfile.write(body[:20_000])
        request.server.over.wait(5)
        request.close_connection = True

    looked, server = download(Turns(stall), timeout=0.4)
    assert asked(server) == [None, "bytes=20000-"]
    seen = looked.seen("squashfs")
    assert seen.trouble is None
    assert 0.3 < seen.silence < 3


def test_silence_and_rate_are_told_apart(store: Nginx) -> None:
    """A slow line is never silent."""
    tree = Tree()
    tree.add("squashfs", b"hsqs" + bytes(80_000))
    store.publish("slow", tree)
    looked = look(store.url("files-slow", "slow"), "download")
    assert looked.names == set()
    assert looked.seen("squashfs").silence < 1.5


def test_slow_mirror(store: Nginx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "RATED", 50_000)
    tree = Tree()
    tree.add("squashfs", b"hsqs" + bytes(80_000))
    store.publish("slower", tree)
    looked = look(store.url("files-slow", "slower"), "download")
    assert looked.names == {"slow-mirror"}
    assert "bytes a second" in looked.one("slow-mirror").message
    assert looked.one("slow-mirror").maas == ("3.7",)


def test_own_limit_is_no_slow_mirror(store: Nginx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "RATED", 50_000)
    tree = Tree()
    tree.add("squashfs", b"hsqs" + bytes(80_000))
    store.publish("limited", tree)
    looked = look(store.url("plain", "limited"), "download", limit_rate=100_000)
    assert looked.names == set()
    assert looked.seen("squashfs").rate


def test_slow_start_is_waited_for(store: Nginx) -> None:
    store.publish("waiting", Tree())
    looked = look(store.url("files-waiting", "waiting"))
    assert looked.names == set()
    assert looked.seen("squashfs").silence > 0.5


def test_memory_is_flat() -> None:
    import tracemalloc

    size = 48 * 2**20
    tree = Tree()
    body = b"hsqs" + bytes(size)
    tree.add("squashfs", body)

    respond = publishing(tree)
    with serve(respond) as server:
        tracemalloc.start()
        looked = look(server.url + "/", "download", jobs=2)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    # The server, in the same process, slices the body once.
    assert peak < size + 12 * 2**20
    assert looked.names == set()
    assert looked.seen("squashfs").rate


def test_connections_are_used_again(store: Nginx) -> None:
    tree = Tree()
    for number in range(40):
        tree.product(f"x:{number}", {}, os="ubuntu", release="jammy", version="22.04")
        path = f"more/{number}"
        tree.files[path] = SQUASHFS + bytes(number)
        about = {"ftype": "squashfs", "path": path, "size": len(SQUASHFS) + number}
        items = {**tree.items, "squashfs": {**about, "sha256": digest(tree.files[path])}}
        tree.products[f"x:{number}"]["versions"] = {"20240101": {"items": items}}
    store.publish("reuse", tree)
    looked = look(store.url("plain", "reuse"), "download", jobs=4)
    assert looked.survey.hashed == 43
    files = [r for r in store.log() if "/streams/" not in r["uri"]]
    assert len(files) == 3 * 43
    assert len({r["connection"] for r in files}) <= 4


def test_files_of_unknown_length_are_hashed_too() -> None:
    """No length, no ranges: as HTTP/1.0 servers and some proxies answer."""

    def endless(request: Handler, body: bytes) -> None:
        request.protocol_version = "HTTP/1.0"
        request.head(200)
        request.wfile.write(body)
        request.close_connection = True

    looked, _ = download(endless)
    assert looked.seen("squashfs").digests["sha256"] == digest(BIG)
    tree = big_tree()
    tree.items["squashfs"]["sha256"] = digest(b"other")
    looked, _ = download(endless, tree)
    assert "sha256-mismatch" in looked.names
    tree = big_tree()
    tree.items["squashfs"]["size"] = len(BIG) + 10
    looked, _ = download(endless, tree)
    assert "has 102,404 bytes, expected 102,414" in looked.of("size-mismatch")[0].message


def test_jobs() -> None:
    most, now, lock = 0, 0, threading.Lock()

    def counted(request: Handler, body: bytes) -> None:
        nonlocal most, now
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.05)
        with lock:
            now -= 1
        request.send_part(body)

    with serve(publishing(big_tree(), counted, "")) as server:
        look(server.url + "/", jobs=1)
        assert most == 1
        look(server.url + "/", jobs=3)
        assert 1 < most <= 3


def test_severity_of_a_failed_download() -> None:
    looked, _ = download(lambda r, body: r.send_part(body, cut=9000), retries=0)
    found = {n: f.severity for f in looked.of("file-not-served") for n in f.maas}
    assert (found["3.4"], found["3.7"]) == (Severity.IGNORED, Severity.FATAL)


def test_a_certificate_counts_only_where_maas_verifies_it() -> None:
    good = Path(__file__).parents[1] / "fixtures" / "good" / "every-release" / "tree"
    item = check(good, files="none").look.catalog.items[0]
    seen = Seen(item.path or "", trouble=Trouble("tls", "certificate has expired"))
    failing = {r.line for r in all_releases() if fetch(seen, item, r, "https://images.test/f")}
    assert {"2.9", "3.4"} <= failing
    assert failing.isdisjoint({"3.5", "3.8"})


def test_all_bytes_but_a_length_that_is_too_large() -> None:
    """Old clients take what came; the others wait for more, and begin again."""

    def boasting(request: Handler, body: bytes) -> None:
        request.head(200, Content_Length=str(len(body) + 1000))
        request.wfile.write(body)
        request.close_connection = True

    looked, server = download(boasting)
    assert len([r for r in server.requests if r.path.endswith("squashfs")]) <= 3, "not tried anew"
    told = looked.severities("file-not-served")
    assert (told["3.7"], told["3.8"]) == (Severity.FATAL, Severity.IGNORED)
    assert "3.4" not in told
    assert "102,404 of 103,404 bytes" in looked.of("file-not-served")[0].message
    assert looked.seen("squashfs").digests["sha256"] == digest(BIG)


def test_a_206_that_nobody_asked_for_is_the_file() -> None:
    def part(request: Handler, body: bytes) -> None:
        request.send(body, 206, Content_Range=f"bytes 0-{len(body) - 1}/{len(body)}")

    looked, _ = download(Turns(part))
    assert looked.names == set()


def test_a_206_with_a_part_is_a_file_that_is_too_short() -> None:
    def part(request: Handler, body: bytes) -> None:
        request.send(body[:1000], 206, Content_Range=f"bytes 0-999/{len(body)}")

    looked, _ = download(Turns(part, part, part))
    finding = looked.of("size-mismatch")[0]
    assert "has 1,000 bytes, expected 102,404" in finding.message
    assert finding.message.endswith("the server answers 206 to a request for the whole file")


@pytest.mark.parametrize("status", [403, 500])
def test_an_error_with_the_right_file_is_the_file_for_old_clients(status: int) -> None:
    looked, _ = download(lambda request, body: request.send(body, status), retries=1)
    told = looked.severities("file-not-served")
    assert (told["3.7"], told["3.8"]) == (Severity.FATAL, Severity.IGNORED)
    assert "3.4" not in told
    # Of a wrong one, nobody stores anything.
    looked, _ = download(lambda request, body: request.send(body[::-1], status), retries=1)
    assert looked.severities("file-not-served")["3.4"] is Severity.IGNORED


def test_an_error_page_counts_for_max_download() -> None:
    looked, _ = download(
        lambda request, body: request.send(body, 403), retries=0, max_download=1000
    )
    assert looked.severities("file-not-served")["3.4"] is Severity.IGNORED
    assert looked.survey.skipped


def test_a_missing_file_is_requested_a_second_time() -> None:
    """Some stores lag behind; MAAS 3.5 to 3.7 request it again, the others do not."""
    missing = [2]

    def late(request: Handler, body: bytes) -> None:
        if missing[0] > 1:
            missing[0] -= 1
            request.send(b"", 404)
        else:
            request.send_part(body)

    looked, _ = download(late)
    assert looked.names == {"passing-fault"}
    assert "succeeded: 404" in looked.one("passing-fault").message
    assert set(looked.one("passing-fault").maas).isdisjoint({"3.5", "3.6", "3.7"})


def test_a_path_that_leads_out_of_the_tree_is_requested_as_a_link() -> None:
    """MAAS 3.8 joins it to the base like a link, and stays on the server."""
    tree = big_tree()
    tree.items["squashfs"]["path"] = "/top/squashfs"
    with serve(publishing(tree)) as server:
        looked = look(server.url + "/", "head")
    assert "/top/squashfs" in server.paths
    (finding,) = looked.of("file-missing")
    assert finding.maas == ("3.8",)
    assert f"for url '{server.url}/top/squashfs'" in (finding.log or "")


@pytest.mark.parametrize("path", ["//127.0.0.2/x", "http://127.0.0.2/x", "../../../x"])
def test_a_link_leads_to_no_other_server(path: str) -> None:
    tree = big_tree()
    tree.items["squashfs"]["path"] = path
    with serve(publishing(tree)) as server:
        looked = look(server.url + "/", "head")
    assert {r.headers["host"] for r in server.requests} == {server.url[7:]}
    assert "file-missing" not in looked.names or path.startswith("..")
