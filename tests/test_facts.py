"""Facts about MAAS are data: each key of ``rules/`` is read, and no module repeats a fact."""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from maas_stream_lint.rulebook import all_releases, ftypes, systems

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "maas_stream_lint"
MODULES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
#: What simulates MAAS mirrors its code, and may name what that names.
ENGINES = ("imports/", "uses/")
#: Modules that still name ftypes, systems and bootloaders, and how often. The list may only shrink:
#: what is taken out of a module has to be taken out of here, and nothing may be added.
STILL = {
    # A kind of content, which has the name of an ftype.
    "images/content.py": {"squashfs": 1},
    "images/sniff.py": {"squashfs": 2},
}
#: Texts of ours that name a release line, and how many: examples of an option's form.
NAMING_LINES = {
    "cli/options.py": 1,
    "report/formats.py": 1,
}


def texts(path: Path) -> Iterator[str]:
    """The texts of a module that are no docstrings."""
    tree = ast.parse(path.read_text("utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        known = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if known and id(node) not in docstrings:
            yield node.value


def facts() -> set[str]:
    """What MAAS calls file types, systems, bootloaders and items."""
    found = {*ftypes(), *systems()}
    for release in all_releases():
        found |= {*release.ftypes, *release.drivers, *release.data["titles"]}
        found |= {part for triple in release.boots for part in triple}
        for shape in release.shapes if release.strict else ():
            found |= {*shape.required, *shape.one_of, *shape.downloads}
    # This is also the name of a shape, and of a kind of product name.
    return found - {"bootloader"}


@pytest.mark.parametrize("module", MODULES)
def test_no_module_repeats_a_fact(module: str) -> None:
    if module.startswith(ENGINES):
        return
    known = facts()
    named = Counter(text for text in texts(MODULES[module]) if text in known)
    allowed = STILL.get(module, {})
    more = {name: number for name, number in named.items() if number > allowed.get(name, 0)}
    assert not more, f"take these from rules/: {more}"
    assert named == allowed, "fewer than in STILL: shorten the list"


@pytest.mark.parametrize("module", MODULES)
def test_no_text_names_a_release_line(module: str) -> None:
    lines = "|".join(re.escape(release.line) for release in all_releases())
    named = [text for text in texts(MODULES[module]) if re.search(rf"(?<![\d.])({lines})\b", text)]
    assert len(named) <= NAMING_LINES.get(module, 0), named


#: Tables whose keys are names that a stream or MAAS itself gives.
NAMES = {
    *("drivers", "titles", "supersedes", "nearest", "names", "products", "parts"),
    *("curtin-types", "default-roots", "release-titles", "windows", "words"),
}


def keys(value: Any) -> Iterator[str]:
    """The keys of tables, but for those that are names of what MAAS knows."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield key
            if key not in NAMES:
                yield from keys(member)
    elif isinstance(value, list):
        for member in value:
            yield from keys(member)


def test_every_key_is_read() -> None:
    """A fact that nobody reads is nobody's fact."""
    said = {text for path in MODULES.values() for text in texts(path)}
    names = {
        node.arg if isinstance(node, ast.keyword) else node.attr
        for path in MODULES.values()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, (ast.keyword, ast.Attribute)) and not isinstance(node, ast.Name)
    }
    written: set[str] = set()
    for path in sorted((ROOT / "rules" / "releases").glob("*.toml")):
        data = tomllib.loads(path.read_text("utf-8"))
        shapes = data.get("models", {}).pop("shapes", [])
        models = data.pop("models", {})
        written |= {*keys(data), *models, *(key for shape in shapes for key in shape)}
    for name in ("ftypes", "systems"):
        tables = tomllib.loads((ROOT / "rules" / f"{name}.toml").read_text("utf-8"))
        written |= {key for table in tables.values() for key in table}
    unread = {key for key in written if key not in said and key.replace("-", "_") not in names}
    unread -= {"json-nul", "json-surrogate"}  # the program puts these names together
    assert sorted(unread - {"line"}) == []  # the file's name says it, too; a test compares them
