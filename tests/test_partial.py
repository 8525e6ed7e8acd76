"""Metadata that this tool did not read is not judged; indexes in a long chain are no crash."""

from __future__ import annotations

import json
import shutil
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from maas_stream_lint.api import Report, check
from maas_stream_lint.checks import all_rules
from maas_stream_lint.cli.main import main
from maas_stream_lint.imports.legacy.walk import DEEPEST
from maas_stream_lint.source import FetchOptions

ROOT = Path(__file__).parents[1]
#: Trees with images in one file and bootloaders in another; the rules on what is absent.
TREES = ("good/every-release", "bad/MSL507-newest-version-partial")
OF_ALL = {"MSL409", "MSL410", "MSL458"}
LARGE = 40_000
UPDATED = "Sun, 16 Jun 2024 14:41:38 +0000"


# -- too large to be read ----------------------------------------------------------------------


def told(report: Report) -> set[tuple[str, str, str]]:
    return {(f.code, f.place.file, f.place.pointer) for f in report.findings}


def tree(name: str, root: Path, large: str) -> Path:
    """The index of a fixture's tree, of which one file is too large."""
    shutil.copytree(ROOT / "fixtures" / name / "tree", root, dirs_exist_ok=True)
    mark = {"images": ":v3:download", "bootloaders": ":bootloader-download"}[large]
    (path,) = (p for p in (root / "streams/v1").glob("com*") if mark in p.name)
    path.write_text(path.read_text("utf-8") + " " * LARGE, "utf-8")
    return root / "streams/v1/index.json"


@pytest.mark.parametrize("large", ["images", "bootloaders"])
@pytest.mark.parametrize("name", TREES)
def test_a_file_that_is_too_large_gives_no_finding_on_its_content(
    name: str, large: str, tmp_path: Path
) -> None:
    """What is found of the rest is what is found of the whole, and that a file was not read."""
    index = tree(name, tmp_path, large)
    whole = check(index, files="none")
    partial = check(index, files="none", options=FetchOptions(max_bytes=LARGE))
    assert [unchecked.trouble.kind for unchecked in partial.unchecked] == ["too-large"]
    assert {code for code, *_ in told(partial) - told(whole)} == {"MSL106"}
    assert not OF_ALL & {f.code for f in partial.findings}


@pytest.mark.parametrize("large", ["images", "bootloaders"])
def test_it_ends_with_exit_code_2(large: str, tmp_path: Path) -> None:
    index = str(tree(TREES[0], tmp_path, large))
    done = CliRunner().invoke(main, ["check", index, "--files=none", "--max-metadata", str(LARGE)])
    assert done.exit_code == 2
    assert "more than 40,000 bytes in all metadata together" in done.stderr
    assert "was not read" in " ".join(done.stdout.split())


def test_rules_on_what_is_absent_speak_of_a_stream_that_was_read(tmp_path: Path) -> None:
    assert {rule.code for rule in all_rules() if rule.of_all} == OF_ALL
    index = tree(TREES[1], tmp_path, "images")
    for file in (tmp_path / "streams/v1").glob("com*"):
        if "bootloader" not in file.name:
            data = json.loads(file.read_text("utf-8"))
            file.write_text(json.dumps({**data, "products": {}}))
    assert "MSL409" in {f.code for f in check(index, files="none").findings}


# -- indexes that name each other --------------------------------------------------------------


def chain(root: Path, length: int) -> Path:
    """So many indexes, each of which names the next, and the last a products file."""
    paths = ["index.json", *(f"{number}.json" for number in range(1, length)), "products.json"]
    folder = root / "streams/v1"
    folder.mkdir(parents=True)
    file = {"content_id": "c", "datatype": "image-downloads", "format": "products:1.0"}
    for path, following in pairwise(paths):
        form = "products:1.0" if following == paths[-1] else "index:1.0"
        named = {"path": f"streams/v1/{following}", "format": form, "updated": UPDATED}
        index = {"format": "index:1.0", "updated": UPDATED, "index": {"c": named}}
        (folder / path).write_text(json.dumps(index))
    body = {**file, "updated": UPDATED, "products": {}}
    (folder / paths[-1]).write_text(json.dumps(body))
    return folder / "index.json"


@pytest.mark.parametrize("length", [2, DEEPEST - 1, DEEPEST, 1900])
def test_a_chain_of_indexes_is_no_crash(length: int, tmp_path: Path) -> None:
    report = check(chain(tmp_path, length))
    assert len(report.look.stream.files) == length + 1
    too_deep = [f for f in report.findings if "indexes name each other" in f.message]
    assert bool(too_deep) == (length >= DEEPEST)
    for finding in too_deep:
        assert finding.code == "MSL212"
        assert "RecursionError: maximum recursion depth exceeded" in finding.effect
        assert set(finding.maas) == set(report.look.where(lambda release: not release.strict))


@pytest.mark.parametrize("command", ["check", "preview", "fix"])
def test_no_command_crashes_on_it(command: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, [command, str(chain(tmp_path, DEEPEST))])
    assert done.exit_code in (0, 1)
    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert "error" not in done.stderr
