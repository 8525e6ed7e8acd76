"""``rules/``: what extends what, that no key is unknown, that only the files name release lines."""

from __future__ import annotations

import ast
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from maas_stream_lint import rule_files, rule_tables
from maas_stream_lint.errors import UsageError
from maas_stream_lint.rulebook import (
    all_releases,
    default_system,
    disk_packed_as,
    ftypes,
    of_family,
    releases,
    streamed,
    systems,
)

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
FILES = {
    path.stem: tomllib.loads(path.read_text("utf-8"))
    for path in sorted((ROOT / "rules" / "releases").glob("*.toml"))
}
#: The keys of a release file, ``*`` for any; ``rules/README.md`` explains each.
KNOWN = {
    "": {"line", "extends", "version", "engine", "names", "bootloaders", "import", "limits"}
    | {"ubuntu-set"}
    | {
        "database",
        "log",
        "download",
        "metadata",
        "drivers",
        "titles",
        "release-titles",
        "selections",
        "deploy",
        "use",
        "models",
    },
    "selections": {"default", "refused-release", "refused-row", "refused-values"},
    "selections.default": {"os", "release", "arches"},
    "names": {"ubuntu", "ubuntu-hint", "ubuntu-core", "bootloader"},
    "bootloaders": {"type", "os", "arch", "boots", "files"},
    "drivers": {"*"},
    "titles": {"*"},
    "release-titles": {"*"},
    "models": {"datatypes", "index", "entry", "file", "nearest", "shapes"},
    "models.nearest": {"members", "os", "else", "parts"},
    "models.nearest.parts": {"any", "shape"},
    "models.shapes": {"name", "product", "version", "item", "required", "one-of", "downloads"},
}
#: The tables of which the guide explains every key.
EXPLAINED = (
    "names",
    "import",
    "database",
    "limits",
    "deploy",
    "use",
    "ubuntu-set",
    "models.shapes",
)


def keys(data: dict[str, Any], at: str = "") -> Iterator[tuple[str, str]]:
    for key, value in data.items():
        yield at, key
        below = f"{at}.{key}".strip(".")
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, dict):
                yield from keys(part, below)


def forget() -> None:
    """Have the rulebook read its files anew."""
    for known in (all_releases, ftypes, systems, default_system, of_family, streamed):
        known.cache_clear()
    for fact in (rule_files.rules_root, rule_files.release_lines, rule_files.product_names):
        fact.cache_clear()


def read_from(monkeypatch: pytest.MonkeyPatch, rules: Path) -> None:
    """Have all facts read from another ``rules/``."""
    for module in (rule_files, rule_tables):
        monkeypatch.setattr(module, "rules_folder", lambda: str(rules))


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of ``rules/`` that the rulebook reads instead."""
    shutil.copytree(ROOT / "rules", tmp_path / "rules")
    read_from(monkeypatch, tmp_path / "rules")
    forget()
    yield tmp_path / "rules" / "releases"
    forget()


def test_lines_come_oldest_first_from_the_files() -> None:
    lines = [r.line for r in all_releases()]
    assert sorted(lines) == sorted(FILES)
    assert lines == sorted(lines, key=lambda line: [int(part) for part in line.split(".")])


@pytest.mark.parametrize("line", FILES)
def test_a_file_is_named_after_its_line_and_extends_one_that_exists(line: str) -> None:
    assert FILES[line]["line"] == line
    assert FILES[line].get("extends", line) in FILES
    assert FILES[line]["version"].startswith(f"{line}.")


@pytest.mark.parametrize("line", FILES)
def test_no_key_is_unknown(line: str) -> None:
    """A misspelt key would be a fact that nobody reads."""
    guide = (ROOT / "rules" / "README.md").read_text("utf-8")
    for at, key in keys(FILES[line]):
        known = KNOWN.get(at)
        assert known is None or key in known or "*" in known, f"{at}.{key}"
        if at in (
            "names",
            "import",
            "database",
            "limits",
            "deploy",
            "use",
            "ubuntu-set",
            "models.shapes",
        ):
            assert f"`{key}`" in guide, f"rules/README.md says nothing of {at}.{key}"
        if not at:
            said = f"`{key}`" in guide or f"[{key}]" in guide
            assert said, f"rules/README.md says nothing of {key}"


def test_extends_merges_tables_and_replaces_lists(copied: Path) -> None:
    newest = all_releases()[-1]
    (copied / "9.1.toml").write_text(
        f'extends = "{newest.line}"\nline = "9.1"\nversion = "9.1.0"\n'
        '[import]\nftypes = ["squashfs"]\n'
    )
    forget()
    made = all_releases()[-1]
    assert made.line == "9.1"
    assert made.ftypes == {"squashfs"}
    assert made.policy("flavour") == newest.policy("flavour")
    assert made.names == newest.names


def test_a_new_file_is_a_new_line_and_nothing_else_is_needed(copied: Path, tmp_path: Path) -> None:
    from maas_stream_lint.api import check, preview

    before = [r.line for r in all_releases()]
    for line, elder in (("9.10", before[-1]), ("9.9", before[-2])):
        file = copied / f"{line}.toml"
        file.write_text(f'extends = "{elder}"\nline = "{line}"\nversion = "{line}.0"\n')
    forget()
    assert [r.line for r in all_releases()] == [*before, "9.9", "9.10"]
    bundled = ROOT / "fixtures/bad/MSL401-ubuntu-name/tree/streams/v1/index.json"
    seen = preview(bundled).to_dict()["maas"]
    assert list(seen) == [*before, "9.9", "9.10"]
    assert seen["9.9"] == seen[before[-2]]
    assert seen["9.10"] == seen[before[-1]]
    assert any("9.9" in f.maas for f in check(bundled).findings)


def test_asking_for_lines() -> None:
    newest = all_releases()[-1].line
    oldest = all_releases()[0].line
    assert releases(None) == all_releases()
    assert [r.line for r in releases([f" {newest}.5 ", oldest, newest])] == [oldest, newest]


@pytest.mark.parametrize("lines", [["1.0"], ["3"], [""], ["x.y"], []])
def test_an_unknown_line_is_refused_with_the_known_ones(lines: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        releases(lines)
    assert caught.value.hint is not None
    assert all(r.line in caught.value.hint for r in all_releases())


def test_every_pattern_and_table_is_usable() -> None:
    for release in all_releases():
        assert set(release.names) == {"ubuntu", "ubuntu-core", "bootloader"}
        assert all(release.names["ubuntu"].search(hint.strip("`")) for hint in release.ubuntu_hint)
        assert release.bootloaders
        assert release.ftypes
        assert {f for accepted in release.drivers.values() for f in accepted} <= release.ftypes
        assert not release.strict or release.shapes


def test_every_ftype_and_system_is_known() -> None:
    for release in all_releases():
        assert release.ftypes <= ftypes().keys()
        own = release.ubuntu_set
        assert {own.kernel, own.initrd, *own.roots} <= release.ftypes
        assert {default_system()} <= release.drivers.keys()


GUIDE = (ROOT / "rules" / "README.md").read_text("utf-8")


@pytest.mark.parametrize("name", ["ftypes", "systems"])
def test_the_guide_explains_each_key(name: str) -> None:
    tables = tomllib.loads((ROOT / "rules" / f"{name}.toml").read_text("utf-8"))
    part = GUIDE.split(f"## `{name}.toml`")[1].split("\n## ")[0]
    assert {key for table in tables.values() for key in table} <= set(
        re.findall(r"^\| `([a-z-]+)` ", part, re.MULTILINE)
    )


@pytest.mark.parametrize(
    "path", sorted((ROOT / "maas_stream_lint").rglob("*.py")), ids=lambda p: p.name
)
def test_no_module_names_a_release_line(path: Path) -> None:
    """Docstrings and comments may; what runs asks the rulebook."""
    tree = ast.parse(path.read_text("utf-8"))
    named = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"\d\.\d+", node.value)
    ]
    assert named == []


@pytest.mark.parametrize(
    ("layers", "ftype"),
    [
        (("gzip",), "root-dd.gz"),
        (("xz",), "root-dd.xz"),
        (("bzip2",), "root-dd.bz2"),
        (("gzip", "tar"), "root-dd"),
        ((), "root-dd.raw"),
        (("zstd",), None),
        (("",), None),
    ],
)
def test_the_ftype_of_a_disk_image_follows_from_its_layers(
    layers: tuple[str, ...], ftype: str | None
) -> None:
    assert disk_packed_as(*layers) == ftype


def test_what_images_go_under_has_a_driver() -> None:
    data = tomllib.loads((ROOT / "rules" / "distributions.toml").read_text("utf-8"))
    known = {os for release in all_releases() for os in release.drivers}
    entries = [*data["distribution"], *data["disk"]]
    assert {os for entry in entries for os in entry["os"]} <= known
    for entry in entries:
        # What no stream can carry says why, and how to upload it.
        assert entry["os"] or entry["why-not"]
    for entry in data["distribution"]:
        assert entry["base-image"].partition("/")[0] in known


# -- the compiled copy -------------------------------------------------------------------------


@pytest.fixture
def compiled_copy(copied: Path) -> Path:
    """``rules/`` with a compiled copy as an installation makes it."""
    target = copied.parent / rule_tables.COMPILED
    target.write_text(rule_tables.compiled(), "utf-8")
    rule_tables._compiled.cache_clear()
    return copied.parent


@pytest.fixture
def no_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(text: bytes) -> None:
        raise AssertionError("TOML was parsed")

    monkeypatch.setattr(rule_tables, "_parsed", refuse)


def test_the_compiled_copy_holds_what_the_files_hold(compiled_copy: Path) -> None:
    names = [p.relative_to(compiled_copy).as_posix() for p in compiled_copy.rglob("*.toml")]
    assert len(names) > 100
    for name in names:
        with (compiled_copy / name).open("rb") as file:
            assert rule_tables.rules_table(name) == tomllib.load(file), name


@pytest.mark.usefixtures("compiled_copy", "no_parser")
def test_nothing_is_parsed_that_is_compiled() -> None:
    assert len(all_releases()) == len(FILES)
    assert ftypes()
    assert systems()


def test_a_changed_file_counts_and_not_its_compiled_copy(compiled_copy: Path) -> None:
    newest = next(reversed(FILES))
    path = compiled_copy / "releases" / f"{newest}.toml"
    path.write_text(path.read_text("utf-8").replace(f'"{newest}.', f'"{newest}.9', 1), "utf-8")
    assert all_releases()[-1].version.startswith(f"{newest}.9")
