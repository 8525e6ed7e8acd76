"""The whole ``check`` of metadata, all release lines, against ``json.loads`` of the same bytes.

``python bench/metadata.py [PxV …] [--kind KIND] [--runs N]``. Time is processor time in one
process, in turn. Nothing here waits, so on a quiet machine it equals wall time, and a busy machine
does not change it. The figures are medians, also of ratios. Memory is the maximum of a separate
process, minus that of a process that only imports, divided by the bytes of the files.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import streams
from maas_stream_lint.api import check, preview

SIZES = ("200x3", "2000x5", "10000x5")
#: Prints the process's peak in bytes. Not `resource`: a child's ru_maxrss starts at what its parent
#: held at the fork.
PEAK = """
import re, sys
from maas_stream_lint.api import check
if sys.argv[1:]:
    check(sys.argv[1]).to_dict()
status = open("/proc/self/status").read()
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1]) * 1024)
"""


def main() -> None:
    """Measure and print a table row a size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sizes", nargs="*", default=SIZES)
    parser.add_argument("--kind", choices=streams.KINDS, default="good")
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    print(f"{given.kind}, medians of {given.runs}")
    print("| stream | MB | json.loads | check | ratio | preview | findings | peak / file |")
    print("|---|---|---|---|---|---|---|---|")
    for size in given.sizes:
        products, versions = (int(n) for n in size.split("x"))
        files = streams.tree(products, versions, given.kind)
        with tempfile.TemporaryDirectory() as folder:
            print(_row(size, files, streams.write(Path(folder), files), given.runs))


def _row(size: str, files: dict[str, bytes], index: Path, runs: int) -> str:
    total = sum(len(body) for body in files.values())
    parse, linted, previewed = _times(
        runs,
        lambda: [json.loads(body) for body in files.values()],
        lambda: check(index),
        lambda: preview(index),
    )
    ratio = statistics.median(a / b for a, b in zip(linted, parse, strict=True))
    preview_ratio = statistics.median(a / b for a, b in zip(previewed, parse, strict=True))
    found = len(check(index).findings)
    held = (peak(str(index)) - peak()) / total
    return (
        f"| {size} | {total / 1e6:.2f} | {statistics.median(parse) * 1e3:.1f} ms | "
        f"{statistics.median(linted) * 1e3:.0f} ms | **{ratio:.1f}** | {preview_ratio:.1f} | "
        f"{found} | **{held:.1f}** |"
    )


def _times(runs: int, *calls: Callable[[], object]) -> list[list[float]]:
    """Seconds of each, in turn, so that a slow spell of the machine meets all."""
    took: list[list[float]] = [[] for _ in calls]
    for _ in range(runs):
        for call, seen in zip(calls, took, strict=True):
            gc.collect()
            start = time.process_time()
            call()
            seen.append(time.process_time() - start)
    return took


def peak(*source: str) -> int:
    """The most bytes that a process held: of a check, or of one that only imports."""
    return int(subprocess.check_output([sys.executable, "-c", PEAK, *source]))


if __name__ == "__main__":
    main()
