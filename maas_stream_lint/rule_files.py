"""Where the data is that the code knows MAAS by, and the little of it that a fast answer needs.

Whoever needs more reads `rulebook`, which takes longer.
"""

from __future__ import annotations

import os
import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@lru_cache(maxsize=1)
def rules_folder() -> str:
    """The directory ``rules/``: inside the package in a wheel, beside it in a checkout."""
    package = os.path.dirname(__file__)  # noqa: PTH120 - importing pathlib takes too long
    bundled = f"{package}/rules"
    return bundled if os.path.isdir(bundled) else f"{os.path.dirname(package)}/rules"  # noqa: PTH112, PTH120


@lru_cache(maxsize=1)
def rules_root() -> Path:
    """The same directory as a path."""
    from pathlib import Path

    return Path(rules_folder())


def rules_text(name: str) -> str:
    """The text of a file in it, like ``messages/key-error.toml``. Raises FileNotFoundError."""
    with open(f"{rules_folder()}/{name}", encoding="utf-8") as file:  # noqa: PTH123 - as above
        return file.read()


@lru_cache(maxsize=1)
def release_lines() -> tuple[str, ...]:
    """Every release line there is a file for, oldest first, without reading any."""
    files = os.listdir(f"{rules_folder()}/releases")  # noqa: PTH208 - names are enough
    lines = (file.removesuffix(".toml") for file in files if file.endswith(".toml"))
    return tuple(sorted(lines, key=lambda line: tuple(map(int, line.split(".")))))


def stream_schema_names() -> list[str]:
    """What of a stream there are schemas of: each release line has its own."""
    return _schemas(f"schemas/streams/{release_lines()[-1]}")


def schema_names() -> list[str]:
    """All schemas: those of streams first, then those of files that the tool reads and writes."""
    return stream_schema_names() + _schemas("schemas")


def _schemas(folder: str) -> list[str]:
    files = os.listdir(f"{rules_folder()}/{folder}")  # noqa: PTH208 - names are enough
    return sorted(file.removesuffix(".json") for file in files if file.endswith(".json"))


@cache
def rule_codes(*, old: bool = False) -> dict[str, str]:
    """Name of a rule → its code, for those that are not retired, without importing any rule.

    ``old``: with the names, too, that rules had once.
    """
    text = rules_text("codes.toml")
    found = re.findall(r'^(MSL\d{3}) = \{ name = "([^"]+)"([^\n]*)', text, re.MULTILINE)
    known = {name: code for code, name, rest in found if "retired =" not in rest}
    once = {n: c for c, _, rest in found for n in re.findall('"([^"]+)"', rest) if "once =" in rest}
    return {**known, **once} if old else known


@lru_cache(maxsize=1)
def product_names() -> dict[str, dict[str, str]]:
    """Release line → kind of product → what its name must hold: the ``names`` of the releases.

    Only these lines of each file are read, as `rulebook.all_releases` takes much longer.
    """
    found: dict[str, dict[str, str]] = {}
    for line in release_lines():
        text = rules_text(f"releases/{line}.toml")
        parent = re.search(r'^extends = "([^"]+)"', text, re.MULTILINE)
        own = re.findall(r"^(ubuntu|ubuntu-core|bootloader) = '([^']*)'", text, re.MULTILINE)
        found[line] = {**(found[parent[1]] if parent is not None else {}), **dict(own)}
    return found
