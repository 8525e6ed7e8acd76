"""A made-up next release renames, drops and widens: its data says so, and no code has to know."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from maas_stream_lint.api import check, preview
from maas_stream_lint.finding import Severity
from maas_stream_lint.rulebook import Release, all_releases
from test_fixtures import findings_of, line_of
from test_rulebook import forget, read_from

ROOT = Path(__file__).parents[1]
GOOD = ROOT / "fixtures" / "good" / "every-release" / "tree"
LINE = "97.1"
OLD, NEW = "squashfs", "root-made-up"


def base() -> Release:
    """The newest line with the old root: the next real one may rename it, too."""
    return next(r for r in reversed(all_releases()) if OLD in r.ubuntu_set.roots)


def renamed(value: Any) -> Any:
    """A value with every ``squashfs`` called by its new name, as a key and as a text."""
    if isinstance(value, dict):
        return {renamed(key): renamed(member) for key, member in value.items()}
    if isinstance(value, list):
        return [renamed(member) for member in value]
    return NEW if value == OLD else value


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


@pytest.fixture
def next_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A release line whose Ubuntu images have another root, and that boots other bootloaders."""
    rules = tmp_path / "rules"
    shutil.copytree(ROOT / "rules", rules)
    older = base()
    data = renamed(older.data)
    data |= {"extends": older.line, "line": LINE, "version": f"{LINE}.0"}
    data["names"] |= {"ubuntu": ":v7:", "ubuntu-hint": ["`:v7:`"], "bootloader": ":2:"}
    data["limits"] |= {"selection": 60, "cache-key": 90, "file-size-bits": 32}
    data["bootloaders"] = [
        {**loader, "os": f"new-{loader['os']}"} for loader in data["bootloaders"]
    ]
    text = "".join(f"{json.dumps(key)} = {toml(value)}\n" for key, value in data.items())
    (rules / "releases" / f"{LINE}.toml").write_text(text)
    with (rules / "ftypes.toml").open("a") as file:
        file.write(f'\n[{NEW}]\nfamily = "live"\nusual = ["squashfs"]\n')
    read_from(monkeypatch, rules)
    forget()
    yield LINE
    forget()


def for_next(value: Any) -> Any:
    """A good stream as the next release wants it."""
    text = json.dumps(renamed(value)).replace(":v3:", ":v7:").replace(":1:", ":2:")
    text = text.replace("/squashfs", f"/{NEW}")
    for os in ("pxelinux", "grub-efi-signed", "grub-efi", "grub-ieee1275"):
        text = text.replace(f'"os": "{os}"', f'"os": "new-{os}"')
    return json.loads(text.replace('"noble"', f'"{"noble" * 6}"'))


@pytest.fixture
def stream(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    for path in GOOD.rglob("*.json"):
        copy = tree / str(path.relative_to(GOOD)).replace(":v3:", ":v7:").replace(":1:", ":2:")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(json.dumps(for_next(json.loads(path.read_text()))))
    return tree / "streams" / "v1" / "index.json"


def test_a_sound_stream_has_no_findings(next_release: str, stream: Path) -> None:
    report = check(stream, maas=[next_release])
    assert [f for f in report.findings if f.severity > Severity.INFO] == []
    imported = preview(stream, maas=[next_release]).to_dict()["maas"][next_release]["imported"]
    assert any(name.endswith(f"/{NEW}") for name in imported)
    assert any(":2:grub-efi:" in name for name in imported)


def test_the_line_before_says_what_it_lacks(next_release: str, stream: Path) -> None:
    before = base().line
    assert any(f.severity is Severity.FATAL for f in check(stream, maas=[before]).findings)


def without_root(item: dict[str, Any]) -> None:
    del item["items"][NEW]


def with_old_root(item: dict[str, Any]) -> None:
    item["items"][OLD] = {**item["items"].pop(NEW), "ftype": OLD}


@pytest.mark.parametrize("spoil", [without_root, with_old_root])
def test_messages_are_of_its_own_facts(next_release: str, stream: Path, spoil: Any) -> None:
    path = next(stream.parent.glob("*v7*"))
    data = json.loads(path.read_text())
    for product in data["products"].values():
        for version in product["versions"].values():
            spoil(version)
    path.write_text(json.dumps(data))
    found = [f for f in check(stream, maas=[next_release]).findings if f.severity > Severity.INFO]
    assert found
    told = " ".join(f"{f.message} {f.remedy} {f.effect}" for f in found)
    assert f"`{NEW}`" in told
    if spoil is without_root:
        assert f"`{OLD}`" not in told
    assert all(line not in told for line in (r.line for r in all_releases() if r.line != LINE))


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("name", ":v3:", "`:v7:`"),
        ("release", "x" * 61, "60"),
        ("size", 2**31, "32 bits"),
    ],
)
def test_names_widths_and_sizes_are_its_own(
    next_release: str, stream: Path, field: str, value: Any, told: str
) -> None:
    path = next(stream.parent.glob("*v7*"))
    text = path.read_text()
    if field == "name":
        text = text.replace(":v7:", value)
    elif field == "release":
        text = text.replace("noble" * 6, value)
    else:
        data = json.loads(text)
        for product in data["products"].values():
            for version in product["versions"].values():
                version["items"][NEW]["size"] = value
        text = json.dumps(data)
    path.write_text(text)
    found = check(stream, maas=[next_release]).findings
    assert any(told in f.message for f in found if f.severity > Severity.INFO), found


def test_the_greatest_size_that_fits_is_no_finding(next_release: str, stream: Path) -> None:
    """One more is, as above."""
    path = next(stream.parent.glob("*v7*"))
    data = json.loads(path.read_text())
    for product in data["products"].values():
        for version in product["versions"].values():
            version["items"][NEW]["size"] = 2**31 - 1
    path.write_text(json.dumps(data))
    found = check(stream, maas=[next_release]).findings
    assert [f for f in found if f.severity > Severity.INFO] == []


@pytest.fixture
def same_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A release line that is as the one before it."""
    rules = tmp_path / "rules"
    shutil.copytree(ROOT / "rules", rules)
    newest = all_releases()[-1].line
    text = f'extends = "{newest}"\nline = "{LINE}"\nversion = "{LINE}.0"\n'
    (rules / "releases" / f"{LINE}.toml").write_text(text)
    read_from(monkeypatch, rules)
    forget()
    yield
    forget()


@pytest.mark.usefixtures("same_again")
@pytest.mark.parametrize("code", ["MSL401", "MSL407", "MSL411", "MSL506", "MSL608"])
def test_a_line_that_changes_nothing_changes_no_expected_findings(code: str) -> None:
    fixture = next((ROOT / "fixtures" / "bad").glob(f"{code}-*"))
    found = findings_of(fixture, (code,))
    assert all_releases()[-1].line == LINE
    assert "".join(f"{line_of(f)}\n" for f in found) == (fixture / "expected.txt").read_text()
