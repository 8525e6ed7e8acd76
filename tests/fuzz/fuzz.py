"""Fuzz targets: documents, graphs of indexes, answers of servers.

    FUZZ_SECONDS=120 python -m pytest -q tests/fuzz/fuzz.py

Each target changes streams of ``corpus/`` until its share of the time is over. What fails is shrunk
and shown; put it into ``corpus/``, which ``tests/test_fuzz_corpus.py`` replays.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from streams_in_files import INDEX, Stream, corpus, hold, write

from maas_stream_lint.source import FetchOptions
from servers import Handler, serve

SECONDS = float(os.environ.get("FUZZ_SECONDS", "10"))
EXAMPLES = 50  # at a time

STREAMS = corpus()
ODD = st.sampled_from(
    [
        *(None, True, 0, -1, 2**63, 10**400, 1.5, float("nan"), float("inf"), [], {}, [[1]], [{}]),
        *("", " ", "\0", "\ud800", "x" * 300, "../" * 9, "/etc/passwd", "http://[", "a\nb", "ü"),
        *(INDEX, f"./{INDEX}", "streams/v1/index.sjson", "20240101", {"": {}}),
    ]
)
HEADERS = st.sampled_from(
    [
        *(("Content-Length", v) for v in ("9" * 5000, "-1", "x", "0", "3", "900000000000")),
        *(("Age", v) for v in ("9" * 5000, "-1", "x")),
        *(("Content-Encoding", v) for v in ("gzip", "deflate", "br", "aws-chunked", "x", "")),
        *(
            ("Content-Range", v)
            for v in ("bytes 0-1/2", "bytes */0", "x", f"bytes 0-1/{'9' * 500}")
        ),
        *(("Location", v) for v in ("/", "//", "http://[", "\x80", "/streams/v1/index.json")),
        *(("Transfer-Encoding", v) for v in ("chunked", "x")),
        *(("Last-Modified", v) for v in ("never", "Mon, 99 Foo 2024 00:00:00 GMT")),
        *(("Retry-After", v) for v in ("9" * 500, "-1", "x")),
        ("X-Cache", "HIT"),
        ("ETag", "\x00"),
        ("Content-Type", "text/html"),
    ]
)


def at_length(part: float) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Run a property again and again, each time with another seed, for a part of the time."""

    def wrapped(test: Any) -> Callable[[], None]:
        limited = settings(
            max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=HealthCheck
        )(test)

        def run() -> None:
            end, number = time.monotonic() + SECONDS * part, 0
            while time.monotonic() < end or not number:
                seed(number)(limited)()
                number += 1

        run.__name__ = test.__name__
        return run

    return wrapped


def odd_text(data: st.DataObject, text: str) -> str:
    """A text with something cut, doubled or put in."""
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 60)))
    said = data.draw(st.sampled_from(["", text[start:end] * 2, '"', "{", "]", "\0", "\ufeff", ","]))
    return text[:start] + said + text[end:]


def odd_value(data: st.DataObject, document: Any) -> None:
    """Put something odd at some place of a document."""
    holder = document
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        if not keys:
            return
        key = data.draw(st.sampled_from(keys))
        inner = holder[key]
        if not isinstance(inner, (dict, list)) or not inner or data.draw(st.integers(0, 3)) == 0:
            break
        holder = inner
    how = data.draw(st.sampled_from(["odd", "gone", "twin"]))
    if how == "gone":
        del holder[key]
    elif how == "twin" and isinstance(holder, dict):
        holder[f"{key}x"] = holder[key]
    else:
        holder[key] = data.draw(ODD)


def spoilt(data: st.DataObject) -> Stream:
    """A stream of the corpus with some odd values and texts."""
    stream = dict(STREAMS[data.draw(st.sampled_from(sorted(STREAMS)))])
    for _ in range(data.draw(st.integers(1, 4))):
        path = data.draw(st.sampled_from(sorted(stream)))
        try:
            document = json.loads(stream[path])
        except (ValueError, RecursionError):
            document = None
        if isinstance(document, (dict, list)) and data.draw(st.integers(0, 4)):
            odd_value(data, document)
            stream[path] = json.dumps(document)
        else:
            stream[path] = odd_text(data, stream[path])
    return stream


@pytest.fixture(autouse=True)
def home(own_home: Path) -> Path:
    return own_home


def in_folder(stream: Stream) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), stream)
        hold(f"{folder}/{INDEX}")


@at_length(0.4)
@given(st.data())
def test_documents(data: st.DataObject) -> None:
    in_folder(spoilt(data))


@at_length(0.3)
@given(st.data())
def test_indexes(data: st.DataObject) -> None:
    """Indexes that name each other, themselves and what is not there, in chains and rings."""
    count = data.draw(st.integers(1, 30))
    names = [f"streams/v1/i{n}.json" for n in range(count)]
    stream = dict(STREAMS[data.draw(st.sampled_from(sorted(STREAMS)))])
    named = st.sampled_from([*names, *stream, INDEX, f"./{INDEX}", "streams/v1/none.json", ""])
    for path in (INDEX, *names):
        entries = {
            f"c{n}": {"path": data.draw(named), "format": data.draw(ODD), "products": []}
            for n in range(data.draw(st.integers(0, 4)))
        }
        index = {"format": "index:1.0", "index": entries}
        if data.draw(st.booleans()):
            index["indexes"] = [{"path": data.draw(named)}]
        stream[path] = json.dumps(index)
    in_folder(stream)


@at_length(0.3)
@given(st.data())
def test_answers(data: st.DataObject) -> None:
    """Statuses, headers and bodies of a server, to documents and to image files."""
    stream = STREAMS[data.draw(st.sampled_from(sorted(STREAMS)))]
    headers = data.draw(st.lists(HEADERS, max_size=3))
    status = data.draw(st.sampled_from([200, 200, 200, 206, 204, 304, 301, 302, 404, 416, 503]))
    odd_path = data.draw(st.sampled_from([*stream, "image"]))
    cut = data.draw(st.integers(0, 40) | st.none())

    def respond(request: Handler) -> None:
        path = request.path.partition("?")[0].lstrip("/")
        body = stream.get(path, "").encode("utf-8", "surrogatepass")
        if path in stream and path != odd_path:
            request.send(body)
        elif path in stream or odd_path == "image":
            lines = [f"HTTP/1.1 {status} x", *(f"{name}: {value}" for name, value in headers)]
            head = "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1", "replace")
            request.send_raw(head + body[:cut])
        else:
            request.send(b"", 404)

    with serve(respond) as server:
        hold(
            f"{server.url}/{INDEX}",
            fixes=False,
            options=FetchOptions(timeout=1, deadline=3, retries=0),
        )
