"""One walk of python-simplestreams, which MAAS up to 3.7 is built on, against our ``check``.

``python bench/peer.py [PxV]``, or ``--walk DIRECTORY`` for the walk alone. Whole trees from disk,
no signatures, all versions, a callback that counts items. Their walk is one pass of one release and
judges nothing; it is here for scale.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import tempfile
import time
from pathlib import Path

from simplestreams.mirrors import BasicMirrorWriter, UrlMirrorReader

import streams


class Counter(BasicMirrorWriter):  # type: ignore[misc]
    """Counts items."""

    def __init__(self) -> None:
        """From nought, into nothing."""
        super().__init__()
        self.items = 0

    def load_products(self, path: object = None, content_id: object = None) -> dict[str, object]:
        """Nothing is there yet."""
        return {}

    def insert_item(self, *_: object) -> None:
        """One more."""
        self.items += 1


def walk(folder: str) -> None:
    """Walk over a tree, all versions."""
    writer = Counter()
    writer.sync(
        UrlMirrorReader(folder, policy=lambda content, path: content), "streams/v1/index.json"
    )
    assert writer.items


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("size", nargs="?", default="2000x5")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--walk", metavar="DIRECTORY", help="walk over a tree, and measure nothing")
    given = parser.parse_args()
    if given.walk is not None:
        walk(given.walk)
        return
    from maas_stream_lint.api import check

    products, versions = (int(n) for n in given.size.split("x"))
    files = streams.tree(products, versions)
    with tempfile.TemporaryDirectory() as folder:
        index = streams.write(Path(folder), files)
        calls = {
            "json.loads": lambda: [json.loads(body) for body in files.values()],
            "simplestreams, one walk": lambda: walk(folder),
            "check, all release lines": lambda: check(index),
        }
        took: dict[str, list[float]] = {name: [] for name in calls}
        for _ in range(given.runs):
            for name, call in calls.items():
                gc.collect()
                start = time.process_time()
                call()
                took[name].append(time.process_time() - start)
    base = statistics.median(took["json.loads"])
    print(f"| {given.size} | median | ratio |")
    print("|---|---|---|")
    for name, seen in took.items():
        median = statistics.median(seen)
        print(f"| {name} | {median:.3f} s | {median / base:.1f} |")


if __name__ == "__main__":
    main()
