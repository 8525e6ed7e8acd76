"""Five hundred downloads from a server that cuts, stalls and errs at random."""

from __future__ import annotations

import random
import socket
import threading
from collections import Counter
from pathlib import Path

import pytest

from images import Tree, digest
from looks import look
from maas_stream_lint.images.observation import FileOptions
from servers import Handler, publishing, serve

pytestmark = pytest.mark.usefixtures("own_home")

FILES, SEED = 500, 20240616
#: Kinds of faults that pass, with their shares; a file has three in a row at most.
PASSING = {"good": 60, "cut": 12, "reset": 5, "stall": 1, "500": 5, "503": 5, "429": 5, "empty": 3,
           "head cut": 2, "chunked cut": 2}  # fmt: skip
LASTING = ("flipped", "truncated", "404", "always 500")


class Faulty:
    """Serves files with a fault in many of its answers, and for good in some of the files."""

    def __init__(self, tree: Tree, lasting: dict[str, str]) -> None:
        self._well = publishing(tree, self._odd, "")
        self._lasting = lasting
        self._random = random.Random(SEED)
        self._lock = threading.Lock()
        self._row: Counter[str] = Counter()
        self.done: Counter[str] = Counter()

    def __call__(self, request: Handler) -> None:
        self._well(request)

    def _odd(self, request: Handler, body: bytes) -> None:
        kind = self._lasting.get(request.path)
        if kind == "404":
            request.send(b"", 404)
        elif kind == "always 500":
            request.send(b"", 500)
        elif kind == "truncated":
            request.send_part(body[:-1])
        elif kind == "flipped":
            self._err(request, body[:-1] + bytes([body[-1] ^ 1]))
        else:
            self._err(request, body)

    def _err(self, request: Handler, body: bytes) -> None:
        with self._lock:
            kind = self._random.choices(list(PASSING), list(PASSING.values()))[0]
            if kind == "good" or self._row[request.path] >= 3:
                kind = "good"
                self._row[request.path] = 0
            else:
                self._row[request.path] += 1
            place = self._random.randrange(len(body))
            self.done[kind] += 1
        if kind == "good":
            request.send_part(body)
        elif kind in ("cut", "reset", "stall"):
            request.send_part(body, cut=place)
            if kind == "stall":
                request.server.over.wait(1)
            if kind == "reset":
                linger = b"\1\0\0\0\0\0\0\0"
                request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            request.close_connection = True
        elif kind == "empty":
            request.close_connection = True
        elif kind == "head cut":
            request.send_raw(b"HTTP/1.1 200 OK\r\nContent-Len")
        elif kind == "chunked cut":
            request.head(200, Transfer_Encoding="chunked")
            request.send_raw(b"5000\r\n" + body[:place])
        else:
            request.send(b"<html>busy</html>", int(kind), Retry_After="0")


def test_every_good_file_passes_and_every_bad_one_is_named(tmp_path: Path) -> None:
    tree = Tree()
    tree.files.clear()
    tree.items.clear()
    made = random.Random(SEED)
    for number in range(FILES):
        path = f"custom/{number}/root.tgz"
        # Long enough for a cut to be somewhere; few are longer than what is asked for at first.
        body = b"\x1f\x8b\x08" + made.randbytes(made.choice((900, 3000, 9000, 40_000)))
        tree.files[path] = body
        about = {"ftype": "root-tgz", "path": path, "sha256": digest(body), "size": len(body)}
        name = f"com.example:v3:{number}"
        tree.product(name, {"root-tgz": about}, os="ubuntu", release=f"r{number}")
    bad = made.sample(sorted(tree.files), 20)
    lasting = {f"/{path}": LASTING[at % len(LASTING)] for at, path in enumerate(bad)}
    faulty = Faulty(tree, lasting)
    keep = tmp_path / "keep"
    options = FileOptions(retries=6, longest_backoff=0.05, jobs=16, keep=keep)
    with serve(faulty) as server:
        looked = look(server.url + "/", "download", options, timeout=0.5)
    assert min(faulty.done[kind] for kind in PASSING) > 0
    assert len(looked.survey.files) == FILES
    rules = {
        "flipped": "sha256-mismatch",
        "truncated": "size-mismatch",
        "always 500": "file-not-served",
    }
    found = {
        (f.name, path)
        for f in looked.report.findings
        if f.name in rules.values()
        for path in bad
        if f"`{path}`" in f.message
    }
    assert found == {(rules[kind], path[1:]) for path, kind in lasting.items() if kind in rules}
    # Each product has one file, so a missing one leaves the product without any.
    (mirrored,) = (f for f in looked.report.findings if f.name == "partial-mirror")
    missing = {path.split("/")[2] for path, kind in lasting.items() if kind == "404"}
    assert {place.product for place in mirrored.places[1:]} == {
        f"com.example:v3:{number}" for number in missing
    }
    named = {n for n in rules.values() for f in looked.of(n)}
    assert len({f.message for n in named for f in looked.of(n)}) == len(found)
    kept = {p.relative_to(keep).as_posix() for p in keep.rglob("*") if p.is_file()}
    assert kept == tree.files.keys() - set(bad)
    assert all((keep / path).read_bytes() == tree.files[path] for path in kept)
