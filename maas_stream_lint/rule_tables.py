"""The TOML files of ``rules/`` as Python values, from a compiled copy of them where that is fresh.

Parsing TOML takes longer than a small check may. So each installation compiles the files to JSON
(``hatch_build.py``). An entry counts only while the file is what it was compiled from.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from typing import Any

from maas_stream_lint.rule_files import rules_folder

#: The compiled copy: a line of JSON for each file, with its name, its mark and what it holds.
COMPILED = "compiled.jsonl"
#: The greatest prime that a digit of Python's integers holds: division by it is fast.
_PRIME = 2**30 - 35


def rules_table(name: str) -> dict[str, Any]:
    """What a file holds, like ``releases/2.9.toml``. Raises FileNotFoundError."""
    folder = rules_folder()
    with open(f"{folder}/{name}", "rb") as file:  # noqa: PTH123 - importing pathlib takes too long
        text = file.read()
    line = _compiled(folder).get(name.encode())
    if line is not None:
        _, mark, table = json.loads(line)
        if mark == _mark(text):
            return dict(table)
    return _parsed(text)


def compiled() -> str:
    """The text of the compiled copy."""
    from maas_stream_lint.rule_files import rules_root

    root = rules_root()
    lines = []
    for path in sorted(root.rglob("*.toml")):
        text = path.read_bytes()
        row = [path.relative_to(root).as_posix(), _mark(text), _parsed(text)]
        lines.append(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")
    return "".join(lines)


@cache
def _compiled(folder: str) -> dict[bytes, bytes]:
    """Name of a file → its line, in UTF-8; nothing if there is no compiled copy."""
    try:
        return lines(f"{folder}/{COMPILED}")
    except FileNotFoundError:
        return {}


def lines(path: str) -> dict[bytes, bytes]:
    """Name of a file → its line in a compiled copy, as bytes: a run needs few of them as texts."""
    with open(path, "rb") as file:  # noqa: PTH123 - as above
        text = file.read()
    return {line[2 : line.index(b'"', 2)]: line for line in text.split(b"\n") if line}


def _mark(text: bytes) -> str:
    """What tells whether a file was changed. Python has to load a library for other checksums."""
    return f"{len(text)}-{int.from_bytes(text, 'big') % _PRIME:x}"


def _parsed(text: bytes) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:  # pragma: no cover
        import tomli as tomllib
    parsed: dict[str, Any] = tomllib.loads(text.decode("utf-8"))
    return parsed
