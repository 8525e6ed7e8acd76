"""The goals for the cost of a check, each with its measurement, all in one run.

``python bench/goals.py [--runs N] [--only TEXT]``. Time is the user's processor time. Calls run in
one process, each in turn with ``json.loads`` of the same bytes. Whole processes run in turn with
python-simplestreams' one walk for one release (``bench/peer.py``). ``bench/metadata.py`` says how
this measures memory.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import streams
from maas_stream_lint.api import check
from maas_stream_lint.fixing.plan import fix
from metadata import peak

#: Of a check against json.loads: size, kind, goal.
CHECKS = (
    ("2000x5", "good", 5),
    ("10000x1", "good", 9),
    ("10000x1", "compact", 9),
    ("20000x1", "custom", 9),
    ("2000x5", "defects", 6),
    ("10000x5", "all-defects", 9),
)
#: Of the process of a check against that of python-simplestreams' walk: size, goal.
WALKS = (("200x3", 0.4), ("2000x5", 0.5), ("10000x1", 0.9))
#: Of the peak of memory against the bytes of the files: size, kind, goal.
PEAKS = (("2000x5", "good", 5), ("10000x1", "good", 5))
#: Of the plan of all fixes against the check before it: size, kind, goal.
PLANS = (("2000x2", "random", 4),)


def main() -> None:
    """Measure and print a table row a goal."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", default="", help="measure only rows that hold this text")
    given = parser.parse_args()
    print(f"| medians of {given.runs} | seen | goal |")
    print("|---|---|---|")
    for what, goal, measure in _goals(given.runs):
        if given.only in what:
            print(f"| {what} | {measure():.2f} | {goal} |", flush=True)


def _goals(runs: int) -> list[tuple[str, float, Callable[[], float]]]:
    rows: list[tuple[str, float, Callable[[], float]]] = []
    for size, kind, goal in CHECKS:
        rows.append(
            (f"`check`, {size} {kind} ÷ json.loads", goal, partial(_check, size, kind, runs))
        )
    for size, wanted in WALKS:
        what = f"process of `check`, {size} ÷ one walk of python-simplestreams"
        rows.append((what, wanted, partial(_walk, size, runs)))
    for size, kind, goal in PEAKS:
        rows.append((f"memory of `check`, {size} {kind} ÷ bytes", goal, partial(_peak, size, kind)))
    for size, kind, goal in PLANS:
        rows.append(
            (f"plan of all fixes, {size} {kind} ÷ `check`", goal, partial(_plan, size, kind))
        )
    return rows


def _check(size: str, kind: str, runs: int) -> float:
    files = _files(size, kind)
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        index = streams.write(Path(folder), files)
        for _ in range(runs):
            parsed = _user(lambda: [json.loads(body) for body in files.values()])
            ratios.append(_user(lambda: check(index)) / parsed)
    return statistics.median(ratios)


def _walk(size: str, runs: int) -> float:
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        index = streams.write(Path(folder), _files(size, "good"))
        command = Path(sys.executable).parent / "maas-stream-lint"
        walk = [sys.executable, str(Path(__file__).with_name("peer.py")), "--walk", folder]
        for _ in range(runs):
            walked = _user_of(walk)
            ratios.append(
                _user_of([str(command), "check", str(index), "--format", "json"]) / walked
            )
    return statistics.median(ratios)


def _peak(size: str, kind: str) -> float:
    files = _files(size, kind)
    with tempfile.TemporaryDirectory() as folder:
        index = streams.write(Path(folder), files)
        return (peak(str(index)) - peak()) / sum(map(len, files.values()))


def _plan(size: str, kind: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        index = streams.write(Path(folder), _files(size, kind))
        checked = _user(lambda: check(index))
        report = check(index)
        return _user(lambda: fix(report, unsafe=True, drop_broken=True)) / checked


def _files(size: str, kind: str) -> dict[str, bytes]:
    products, versions = (int(n) for n in size.split("x"))
    return streams.tree(products, versions, kind)


def _user(call: Callable[[], object]) -> float:
    """Seconds of the user that a call takes."""
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    call()
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime - before


def _user_of(command: list[str]) -> float:
    """Seconds of the user that a process takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode not in (0, 1) or b"Traceback" in done.stderr:
        raise SystemExit(done.stderr.decode())
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


if __name__ == "__main__":
    main()
