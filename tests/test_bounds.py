"""Bounds on what a run reads and downloads, whatever a server says."""

from __future__ import annotations

import json
import re
import time
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from images import INDEX, PRODUCTS, SQUASHFS, Tree
from looks import look
from maas_stream_lint.source import Answer, FetchOptions, budget, open_source
from servers import Handler, publishing, serve

pytestmark = pytest.mark.usefixtures("own_home")


def lying(request: Handler, body: bytes) -> None:
    """The first bytes are answered honestly; the file then has no end."""
    if request.headers["range"] or request.command == "HEAD":
        request.send_part(body)
        return
    request.head(200, Content_Length="900000000000")
    while not request.server.over.is_set():
        request.wfile.write(bytes(65_536))


def endless(request: Handler, body: bytes) -> None:
    request.close_connection = True
    request.head(200)
    while request.command == "GET" and not request.server.over.is_set():
        request.wfile.write(bytes(65_536))


def test_a_lying_length_does_not_lengthen_a_download() -> None:
    with serve(publishing(Tree(), lying)) as server:
        looked = look(server.url + "/", "download", retries=0)
    assert looked.seen("squashfs").size == 900_000_000_000
    assert "size-mismatch" in looked.names


def test_arriving_bytes_count() -> None:
    tree = Tree()
    del tree.items["squashfs"]["size"]
    with serve(publishing(tree, endless)) as server:
        looked = look(server.url + "/", "download", retries=0, max_download=1_000_000)
    assert looked.survey.skipped == (tree.items["squashfs"]["path"],)
    assert looked.seen("boot-kernel").digests


def documents(count: int, body: bytes) -> bytes:
    entries = ",".join(
        f'"x{n}": {{"path": "streams/v1/{n}.json", "format": "products:1.0"}}' for n in range(count)
    )
    return b'{"format": "index:1.0", "index": {' + entries.encode() + b"}}" + body


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({"max_total_bytes": 3000}, "more than 3,000 bytes in all metadata together"),
        ({"max_values": 900}, "more than 900 JSON values in all metadata together"),
    ],
)
def test_documents_together_are_bounded(limits: dict[str, int], told: str) -> None:
    def respond(request: Handler) -> None:
        index = request.path.endswith(INDEX)
        request.send(documents(5, b"") if index else b"[" + b"1," * 500 + b"1]")

    with serve(respond) as server:
        source = open_source(server.url, options=FetchOptions(**limits))  # type: ignore[arg-type]
        answers = [source.read(path) for path in (INDEX, "a", "b", "c", "a")]
        source.close()
    troubles = [a.trouble for a in answers if a.trouble is not None]
    assert answers[0].trouble is None
    assert {t.message for t in troubles} == {told}
    assert all(t.unchecked for t in troubles)


@given(
    st.lists(st.recursive(st.integers(0, 99), partial(st.lists, min_size=1)), max_size=8),
    st.integers(0, 60),
)
def test_values_are_counted_only_where_they_matter(documents: list[Any], most: int) -> None:
    """Documents are admitted as if all values of each were counted."""
    with patch.object(budget, "PART", 5):
        together = budget.Budget(FetchOptions(max_values=most))
        for number, document in enumerate(documents):
            body = json.dumps(document, separators=(",", ":")).encode()
            admitted = together.admit(Answer(str(number), body)).body is not None
            more = len(re.findall(rb"[,{\[]", body))
            assert admitted == (more <= most)
            most -= more if admitted else 0


def test_time_for_all_documents() -> None:
    with serve(publishing(Tree())) as server:
        options = FetchOptions(total_deadline=0.05)
        source = open_source(server.url, options=options)
        assert source.read(INDEX).trouble is None
        time.sleep(0.06)
        late = source.read(PRODUCTS).trouble
        source.close()
    assert late is not None
    assert (late.kind, late.unchecked) == ("out-of-time", True)
    assert PRODUCTS not in str(server.paths)


def test_deadline_ends_downloads_too() -> None:
    def slow(request: Handler, body: bytes) -> None:
        request.head(200, Content_Length=str(len(body)))
        while not request.server.over.wait(0.05):
            request.wfile.write(b"x")

    tree = Tree()
    tree.add("squashfs", SQUASHFS + bytes(100_000))
    with serve(publishing(tree, slow)) as server:
        looked = look(server.url + "/", "download", retries=6, until=time.monotonic() + 1)
    (unchecked,) = looked.report.unchecked
    assert unchecked.path.endswith("squashfs")
    assert unchecked.trouble.kind in ("out-of-time", "timeout")


def test_age_of_thousands_of_digits() -> None:
    def respond(request: Handler) -> None:
        if request.headers["cache-control"]:
            request.send(b"{}", Age="0")
        else:
            request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Cache: HIT\r\nAge: " + b"9" * 5000)
            body = Tree().metadata.get(request.path.lstrip("/"), b"")
            request.wfile.write(b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    with serve(respond) as server:
        assert "stale-cache" in look(server.url + "/").names
