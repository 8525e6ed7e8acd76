"""Makes what documents show of the program: console blocks, the README's picture, tables, the man page.

``python docs/tools/shown.py`` runs each command that a console block names, from the root of the
checkout, and writes what it prints below it. ``--check`` writes nothing, names what is not
current, and ends with exit code 1 if there is any. The result is the same on every machine: the
fixtures, the width and the time are fixed.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from click.testing import CliRunner

import picture
import tables
from maas_stream_lint.cli.main import main

ROOT = Path(__file__).parents[2]
DOCS = [
    path
    for pattern in ("*.md", "rules/*.md", "bench/*.md", "docs/**/*.md")
    for path in sorted(ROOT.glob(pattern))
]
MAN = ROOT / "man" / "maas-stream-lint.1"
CONSOLE = re.compile(r"```console\n\$ (?P<command>.+)\n(?P<output>[\s\S]*?)```\n")

#: What the picture shows, and where the command is run.
PICTURE = ROOT / "docs" / "img" / "report.svg"
PICTURED = "maas-stream-lint check streams/v1/index.json --select MSL401,MSL504"
PICTURED_IN = ROOT / "fixtures" / "bad" / "MSL401-ubuntu-name" / "tree"

#: The environment of each command, whatever that of the script is.
_FIXED = {"COLUMNS": "80", "SOURCE_DATE_EPOCH": "1718548898", "MAAS_STREAM_LINT_DOCS_URL": ""}
_OTHERS = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "GITHUB_ACTIONS")


def printed(command: str, folder: Path = ROOT, *, color: bool = False) -> str:
    """What a command prints when it is run in a folder. Raises ValueError if it fails."""
    program, *words = shlex.split(command)
    with _in(folder):
        env = {**_FIXED, **dict.fromkeys(_OTHERS), **({"FORCE_COLOR": "1"} if color else {})}
        done = CliRunner().invoke(main, words, env=env, catch_exceptions=False)
    if program != "maas-stream-lint" or done.exit_code not in (0, 1):
        raise ValueError(f"{command} cannot be shown: {done.output}")
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())


def with_output(text: str) -> str:
    """A document whose console blocks show what their commands print."""
    return CONSOLE.sub(
        lambda m: f"```console\n$ {m['command']}\n{printed(m['command'])}```\n", text
    )


def made() -> Iterator[tuple[Path, str]]:
    """Each file that shows the program, as it should be."""
    for path in DOCS:
        text = path.read_text("utf-8")
        if CONSOLE.search(text) or tables.MARK in text:
            yield path, tables.with_tables(with_output(text))
    yield PICTURE, picture.picture(PICTURED, printed(PICTURED, PICTURED_IN, color=True))
    yield MAN, printed("maas-stream-lint man")


def stale(*, write: bool) -> list[str]:
    """The files that are not current. ``write``: make them so."""
    found = []
    for path, text in made():
        if text != path.read_text("utf-8"):
            found.append(path.relative_to(ROOT).as_posix())
            if write:
                path.write_text(text, "utf-8")
    return found


@contextmanager
def _in(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; end with 1 if stale")
    check = parser.parse_args().check
    files = stale(write=not check)
    print(
        "".join(f"{name} {'is not current' if check else 'is written'}\n" for name in files), end=""
    )
    sys.exit(check and bool(files))
