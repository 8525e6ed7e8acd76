"""Whole processes, against ``python -c pass``: ``--version``, and ``check`` of a small stream.

``python bench/startup.py [--runs N]``. The three in turn, medians.
"""

from __future__ import annotations

import argparse
import compileall
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import maas_stream_lint
import streams


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15)
    given = parser.parse_args()
    compileall.compile_dir(Path(maas_stream_lint.__file__).parent, quiet=1)
    command = str(Path(sys.executable).parent / "maas-stream-lint")
    with tempfile.TemporaryDirectory() as folder:
        index = str(streams.write(Path(folder), streams.tree(4, 2)))
        processes = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "--version": [command, "--version"],
            "check (4x2)": [command, "check", index],
        }
        took: dict[str, list[float]] = {name: [] for name in processes}
        for _ in range(given.runs + 1):
            for name, process in processes.items():
                start = time.perf_counter()
                done = subprocess.run(process, capture_output=True, check=False)
                took[name].append(time.perf_counter() - start)
                if done.returncode not in (0, 1) or b"Traceback" in done.stderr:
                    raise SystemExit(done.stderr.decode())
    # The first one warms up.
    medians = {name: statistics.median(seen[1:]) for name, seen in took.items()}
    print("| process | median | ratio |")
    print("|---|---|---|")
    for name, median in medians.items():
        print(f"| {name} | {median * 1e3:.0f} ms | {median / medians['python -c pass']:.1f} |")


if __name__ == "__main__":
    main()
