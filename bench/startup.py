"""Whole processes, in multiples of ``python -c pass``: what a user waits for before any work.

``python bench/startup.py [SOURCE] [--runs N]``. Processor time of all in turn, medians. The stream
is a small one, or SOURCE. Other linters that are installed check the same files.
"""

from __future__ import annotations

import argparse
import compileall
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import maas_stream_lint
import streams

#: Name of a process → the most of ``python -c pass`` that it may take.
GOALS = {
    "--version": 6.0,
    "check --format json": 7.0,
    "check": 10.0,
    "rules": 6.0,
    "explain CODE": 6.0,
    "explain LINE": 6.0,
}
#: Linters of configuration files: what they check is a copy of the same JSON.
PEERS = {
    "ruff check": ["ruff", "check", "--isolated", "--no-cache", "empty.py"],
    "yamllint": ["yamllint", "-d", "relaxed", "streams/v1/index.json"],
    "check-jsonschema": [
        *("check-jsonschema", "--schemafile", "schema.json", "streams/v1/index.json"),
    ],
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", nargs="?", help="a stream; a small one if none is named")
    parser.add_argument("--runs", type=int, default=15)
    given = parser.parse_args()
    # Otherwise the first run, or each one, would compile.
    compileall.compile_dir(Path(maas_stream_lint.__file__).parent, quiet=1)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        small = streams.write(root, streams.tree(4, 2))
        (root / "empty.py").write_text("")
        (root / "schema.json").write_text('{"type": "object"}')
        processes = _processes(given.source or str(small))
        took: dict[str, list[float]] = {name: [] for name in processes}
        for _ in range(given.runs + 1):
            for name, process in processes.items():
                took[name].append(_cpu(process, root))
    # The first one warms up.
    medians = {name: statistics.median(seen[1:]) for name, seen in took.items()}
    print("| process | CPU | multiple of `python -c pass` | goal |")
    print("|---|---|---|---|")
    for name, median in medians.items():
        goal = f"≤ {GOALS[name]:g}" if name in GOALS else ""
        ratio = median / medians["python -c pass"]
        print(f"| {name} | {median * 1e3:.0f} ms | {ratio:.1f} | {goal} |")


def _processes(source: str) -> dict[str, list[str]]:
    ours = str(Path(sys.executable).parent / "maas-stream-lint")
    found = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "--version": [ours, "--version"],
        "check --format json": [ours, "check", source, "--files=none", "--format=json"],
        "check": [ours, "check", source, "--files=none"],
        "rules": [ours, "rules"],
        "explain CODE": [ours, "explain", "MSL401"],
        "explain LINE": [ours, "explain", "Importing boot resources failed."],
    }
    for name, command in PEERS.items():
        if program := shutil.which(command[0], path=str(Path(sys.executable).parent)):
            found[name] = [program, *command[1:]]
    return found


def _cpu(command: list[str], folder: Path) -> float:
    """Processor seconds of a process, of the system's for it, too."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, check=False, cwd=folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1) or b"Traceback" in done.stderr:
        raise SystemExit(done.stderr.decode())
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
