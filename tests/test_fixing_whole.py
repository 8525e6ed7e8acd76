"""A plan says what a check says once it is written, of image files too; else nothing is written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from bundled import BAD
from images import INDEX, PRODUCTS, SQUASHFS, UBUNTU, Tree, item
from maas_stream_lint.api import Report, check
from maas_stream_lint.fixing.file_survey import FileSurvey
from maas_stream_lint.fixing.plan import Plan, fix

TREES = [p for p in BAD if (p / "tree/streams").is_dir() and not (p / "keyring.gpg").exists()]


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def said(report: Report) -> list[tuple[Any, ...]]:
    return sorted((f.code, f.severity, f.maas, f.message) for f in report.findings)


def written(root: Path) -> tuple[Plan, Report]:
    """The plan of a directory, and a check of what it writes there."""
    plan = fix(check(root), unsafe=True, drop_broken=True)
    for path, body in plan.files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(body)
    return plan, check(root)


@pytest.mark.parametrize("fixture", TREES, ids=lambda p: p.name)
def test_fixtures(fixture: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(fixture / "tree", tmp_path / "tree"))
    plan, after = written(root)
    assert said(plan.after) == said(after)


@pytest.mark.parametrize("fault", ["size", "sha512", "kind", "gone"])
def test_faults_of_files_that_an_edit_uncovers(fault: str, tmp_path: Path) -> None:
    tree = Tree()
    squashfs = tree.items["squashfs"]
    if fault == "size":
        squashfs["size"] += 1
    elif fault == "sha512":
        squashfs["sha512"] = "0" * 128
    elif fault == "kind":
        tree.add("squashfs", b"no squashfs")
    else:
        tree.files.pop(squashfs["path"])
    root = tree.write(tmp_path / "tree")
    index = json.loads((root / INDEX).read_text())
    index["index"] = {"x": {**next(iter(index["index"].values())), "format": "products:1"}}
    (root / INDEX).write_text(json.dumps(index))
    plan, after = written(root)
    assert said(plan.after) == said(after)


def test_files_that_nothing_names_any_more(tmp_path: Path) -> None:
    tree = Tree()
    body = b"a second root"
    tree.files["rhel/root-tgz"] = body
    lacking = item("root-tgz", "rhel/root-tgz", body)
    lacking["sha256"] = "none"
    tree.product("com.example.maas:rhel-bases:8:amd64", {"root-tgz": lacking}, os="rhel")
    del tree.products["com.example.maas:rhel-bases:8:amd64"]["label"]
    plan, after = written(tree.write(tmp_path / "tree"))
    assert plan.edits
    assert said(plan.after) == said(after)


def test_an_index_that_names_itself_in_another_way(tmp_path: Path) -> None:
    """Of one file with two names, no two texts are written."""
    tree = Tree()
    root = tree.write(tmp_path / "tree")
    index = json.loads((root / INDEX).read_text())
    index["index"]["self"] = {"path": f"./{INDEX}", "format": "index:1.0", "updated": "soon"}
    (root / INDEX).write_text(json.dumps(index))
    plan, after = written(root)
    assert all(not path.startswith(".") for path in plan.files)
    assert said(plan.after) == said(after)


def test_what_only_the_whole_shows_stops_the_edits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = Tree()
    tree.products[UBUNTU]["version"] = 22.04
    root = tree.write(tmp_path / "tree")
    before = (root / PRODUCTS).read_bytes()
    real = FileSurvey.whole

    def spoilt(self: FileSurvey, look: Any) -> Any:
        """The image was published anew while the plan was made."""
        (root / tree.items["squashfs"]["path"]).write_bytes(SQUASHFS + b"more")
        return real(self, look)

    assert fix(check(root)).edits
    monkeypatch.setattr(FileSurvey, "whole", spoilt)
    plan, after = written(root)
    assert (plan.edits, plan.files) == ((), {})
    (edit, *_) = plan.failed
    assert "a check of the whole shows MSL703" in str(edit.warning)
    assert (root / PRODUCTS).read_bytes() == before
    assert "size-mismatch" in {finding.name for finding in after.findings}
