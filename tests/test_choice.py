"""What can be done about an image that MAAS drops for its name, and what each choice brings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from images import INDEX, PRODUCTS, ROOT_TGZ, Tree, item
from maas_stream_lint.api import Report, check
from maas_stream_lint.cli.main import main
from maas_stream_lint.errors import UsageError
from maas_stream_lint.fixing.choice import choices, proposals
from maas_stream_lint.fixing.plan import Plan, fix
from maas_stream_lint.outcome import IMPORTED, UNUSABLE, rows

NAME = "com.example:ubuntu-bases:22.04:amd64"
AS_UBUNTU = "com.example:v3:boot:22.04:amd64:ga-22.04"


@pytest.fixture(autouse=True)
def home(own_home: Path) -> Path:
    return own_home


def dropped(root: Path, path: str = "jammy/root-tgz", *, whole: bool = False) -> Path:
    """A stream of one Ubuntu image without v3 in its name. ``whole``: with all that boots."""
    tree = Tree()
    (product,) = tree.products.values()
    tree.products = {NAME: product}
    if not whole:
        tree.items.clear()
        tree.add("root-tgz", ROOT_TGZ, path)
        tree.items["manifest"] = item("manifest", "jammy/manifest", b"a 1")
        tree.files["jammy/manifest"] = b"a 1"
    return tree.write(root)


def planned(root: Path, os: str) -> Plan:
    return fix(check(root / INDEX), first=proposals(os))


def fates(report: Report) -> dict[str, dict[str, str]]:
    lines = report.look.lines
    table = rows(report.look, report.findings)
    return {row.product: dict(zip(lines, row.outcomes, strict=True)) for row in table}


def test_ways_of_a_root_alone(tmp_path: Path) -> None:
    (choice,) = choices(check(dropped(tmp_path) / INDEX))
    assert choice.product == NAME
    ubuntu, other, upload = choice.ways
    assert "without boot-kernel, boot-initrd and squashfs it can neither boot" in ubuntu.told
    assert AS_UBUNTU in ubuntu.told
    assert "`rhel` on 2.9 to 3.8" in other.told
    assert "`ol` on 3.5 to 3.8" in other.told
    assert "2.9 to 3.4 finds it again by its name `root-tgz`" in other.told
    assert "windows" not in other.told
    assert "filetype=tgz" in (upload.command or "")


def test_a_file_of_another_name_is_not_found_again(tmp_path: Path) -> None:
    root = dropped(tmp_path, "jammy/ubuntu.tar.gz")
    (choice,) = choices(check(root / INDEX))
    assert "2.9 to 3.4 looks for a file called `root-tgz`" in choice.ways[1].told
    plan = planned(root, "rhel")
    assert fates(plan.after)[NAME]["3.4"] == UNUSABLE
    assert fates(plan.after)[NAME]["3.5"] == IMPORTED
    assert "2.9 to 3.4 then imports" in str(plan.edits[0].warning)


def test_as_ubuntu_says_that_it_cannot_boot(tmp_path: Path) -> None:
    plan = planned(dropped(tmp_path), "ubuntu")
    assert "it can't be used (missing-boot-kernel)" in str(plan.edits[0].warning)
    assert set(json.loads(plan.files[PRODUCTS])["products"]) == {AS_UBUNTU}
    entry = json.loads(plan.files[INDEX])["index"]["com.example.maas:v3:download"]
    assert entry["products"] == [AS_UBUNTU]


def test_as_ubuntu_where_all_is_there(tmp_path: Path) -> None:
    plan = planned(dropped(tmp_path, whole=True), "ubuntu")
    assert [edit.warning for edit in plan.edits] == [None]
    assert set(fates(plan.after)[AS_UBUNTU].values()) == {IMPORTED}


def test_as_another_os(tmp_path: Path) -> None:
    plan = planned(dropped(tmp_path), "rhel")
    assert set(fates(plan.after)[NAME].values()) == {IMPORTED}
    assert [edit.warning for edit in plan.edits] == [None]
    plan = planned(tmp_path, "ol")
    assert fates(plan.after)[NAME]["3.4"] == UNUSABLE
    assert "2.9 to 3.4 then imports" in str(plan.edits[0].warning)
    plan = planned(tmp_path, "windows")
    assert "root-type-vs-os" in str(plan.edits[0].warning)


def test_once_more_changes_nothing(tmp_path: Path) -> None:
    root = dropped(tmp_path / "tree")
    arguments = ["fix", str(root / INDEX), "--as", "rhel", "--in-place"]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    done = CliRunner().invoke(main, arguments)
    assert (done.exit_code, "nothing to fix" in done.output) == (0, True)


@pytest.mark.parametrize("os", ["custom", "debian", "onie", ""])
def test_no_such_os(tmp_path: Path, os: str) -> None:
    with pytest.raises(UsageError, match="no driver of MAAS"):
        planned(dropped(tmp_path), os)


def test_nothing_to_be_named_by(tmp_path: Path) -> None:
    root = dropped(tmp_path)
    text = (root / PRODUCTS).read_text().replace('"version": "22.04"', '"versio": "22.04"')
    (root / PRODUCTS).write_text(text)
    with pytest.raises(UsageError, match="no `version` to be named by"):
        planned(root, "ubuntu")
