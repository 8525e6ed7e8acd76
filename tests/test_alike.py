"""A stream reads alike as a directory, by the URL of its root and by that of its index."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bundled import BAD, GOOD
from maas_stream_lint.api import Report, check
from maas_stream_lint.finding import Finding
from servers import Handler, serve

PLAIN = "streams/v1/index.json"
#: What only a directory is told: that MAAS needs another URL than that of its root.
ADVICE = {"MSL111"}
#: What is known of files on disk alone, and of servers alone.
OF_DISKS = {"MSL710", "MSL711", "MSL712", "MSL713"}

#: What leads out of the tree leads somewhere on a server, and nowhere on a disk.
LEADING_OUT = ("MSL213", "MSL605", "MSL713")

TREES = [
    fixture / "tree"
    for fixture in (*GOOD, *BAD)
    if (fixture / "tree" / PLAIN).is_file()
    and not fixture.name.startswith(LEADING_OUT)
    and not any(
        (fixture / name).exists() for name in ("source", "answers", "keyring.gpg", "maas.json")
    )
]

pytestmark = pytest.mark.usefixtures("own_home")


@contextmanager
def published(tree: Path) -> Iterator[str]:
    def respond(request: Handler) -> None:
        place = tree / request.path.partition("?")[0].lstrip("/")
        if place.is_file() and place.resolve().is_relative_to(tree.resolve()):
            request.send_part(place.read_bytes())
        else:
            request.send(b"", 404)

    with serve(respond) as server:
        yield server.url


def told(report: Report, url: str) -> set[tuple[str, str, tuple[str, ...], str]]:
    """What is said, without the places that only a URL has."""

    def words(finding: Finding) -> str:
        return finding.message.replace(url, "").replace("404 Not Found", "no such file")

    left_out = ADVICE | OF_DISKS
    return {
        (f.code, f.severity.label, f.maas, words(f))
        for f in report.findings
        if f.code not in left_out and not f.code.startswith(("MSL12", "MSL72", "MSL63"))
    }


@pytest.mark.parametrize("tree", TREES, ids=lambda tree: tree.parent.name)
def test_a_directory_and_its_index_on_a_server(tree: Path) -> None:
    with published(tree) as url:
        mode = (
            "head"
            if any(p.is_file() for p in tree.rglob("*") if "streams" not in p.parts)
            else "none"
        )
        served = check(f"{url}/{PLAIN}", files=mode)
        root = check(f"{url}/", files=mode)
    local = check(tree, files=mode)
    assert told(local, url) == told(served, url)
    # The root URL is what MAAS is given: one finding more says so, and goes on with the index.
    if (tree / "streams/v1/index.sjson").exists():
        return
    more = {code for code, *_ in told(root, url) - told(served, url)}
    foreign = "MSL110" in {code for code, *_ in told(local, url)}  # which is all that is said
    assert "MSL101" in more or foreign
    other = root.by_plain_index
    assert other is not None
    assert told(other, url) == told(served, url)
