"""What could not be read or parsed never passes, whatever hides the findings about it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from maas_stream_lint.cli.main import main
from maas_stream_lint.report.formats import FORMATS

ROOT = Path(__file__).parents[1]
INDEX = "streams/v1/index.json"

pytestmark = pytest.mark.usefixtures("own_home")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "fixtures/good/rhel/tree", tmp_path / "tree")
    return tmp_path / "tree"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["check", f"tree/{INDEX}", *arguments], catch_exceptions=False)


def products(tree: Path) -> Path:
    (file,) = {*(tree / "streams/v1").glob("*.json")} - {tree / INDEX}
    return file


def gone(tree: Path) -> str:
    products(tree).unlink()
    return "no such file"


def broken(tree: Path) -> str:
    products(tree).write_text('{"products": ')
    return "the end where a value must be"


def not_text(tree: Path) -> str:
    products(tree).write_bytes(b"\x1f\x8b\x08\0")
    return "gzip data, not text"


def broken_index(tree: Path) -> str:
    (tree / INDEX).write_text("<html>")
    return "an HTML page"


DEFECTS = [gone, broken, not_text, broken_index]
CONFIGURATION = {
    "severities": '[severities]\nMSL = "off"\n',
    "ignores": '[[ignores]]\nrules = ["MSL"]\nreason = "known"\n',
    "ignore": 'ignore = ["MSL"]\n',
    "select": 'select = ["MSL4"]\n',
}


def hidings(tmp_path: Path) -> dict[str, list[str]]:
    for name, text in CONFIGURATION.items():
        (tmp_path / f"{name}.toml").write_text(text)
    return {
        "--select": ["--select", "MSL4"],
        "--ignore": ["--ignore", "MSL"],
        "--only": ["--only", "nothing", "--ignore", "MSL"],
        **{name: ["--config", f"{name}.toml"] for name in CONFIGURATION},
    }


HIDINGS = ["--select", "--ignore", "--only", *CONFIGURATION]


@pytest.mark.parametrize("hiding", HIDINGS)
@pytest.mark.parametrize("defect", DEFECTS)
def test_nothing_hides_it(
    defect: Callable[[Path], str], hiding: str, tree: Path, tmp_path: Path
) -> None:
    why = defect(tree)
    assert run().exit_code == 1
    seen = run(*hidings(tmp_path)[hiding])
    assert seen.exit_code == 2
    said = " ".join(seen.stdout.split())
    assert "incomplete · " in said
    assert "passes" not in said
    assert why in said
    assert "could not be checked" in seen.stderr
    assert why in seen.stderr


def problems(form: str, text: str) -> bool:
    """Whether a program that reads this format sees that something is wrong."""
    if form == "sarif":
        (invocation,) = json.loads(text)["runs"][0]["invocations"]
        told = [n["message"]["text"] for n in invocation["toolExecutionNotifications"]]
        return (
            invocation["exitCode"] == 2
            and invocation["executionSuccessful"] is False
            and any("no such file" in one for one in told)
        )
    if form == "junit":
        top = ElementTree.fromstring(text)
        (error,) = top.iter("error")
        return top.attrib["errors"] == "1" and "no such file" in (error.text or "")
    if form in ("json", "jsonl"):
        summary = json.loads(text if form == "json" else text.splitlines()[-1])
        summary = summary.get("summary", summary)
        return [one["fact"] for one in summary["unread"]] == [True]
    if form == "gitlab":
        (issue,) = json.loads(text)
        return (issue["severity"], issue["check_name"]) == ("blocker", "not-read")
    if form == "github":
        return text.startswith("::error title=could not be read::")
    return "no such file" in text


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_says_it(form: str, tree: Path) -> None:
    gone(tree)
    hidden = run("--select", "MSL4", "--format", form)
    assert hidden.exit_code == 2
    assert problems(form, hidden.stdout)


def test_a_failing_report_says_it_by_its_findings(tree: Path) -> None:
    gone(tree)
    seen = run("--format", "sarif")
    (invocation,) = json.loads(seen.stdout)["runs"][0]["invocations"]
    assert (seen.exit_code, invocation["exitCode"], invocation["executionSuccessful"]) == (
        1,
        1,
        True,
    )
    assert "not read  " not in run().stdout


@pytest.mark.parametrize("defect", DEFECTS)
def test_nothing_of_it_enters_or_leaves_a_baseline(
    defect: Callable[[Path], str], tree: Path
) -> None:
    whole = Path("whole.json")
    assert run("--write-baseline", str(whole)).exit_code == 0
    known = whole.read_bytes()
    why = defect(tree)
    seen = run("--write-baseline", "new.json")
    assert not Path("new.json").exists()
    assert "new.json was not written, because the check is incomplete" in seen.stderr
    # Neither is anything taken out of one, nor told to be gone.
    seen = run("--baseline", str(whole), "--write-baseline", str(whole), "--select", "MSL4")
    assert whole.read_bytes() == known
    assert seen.exit_code == 2
    assert "gone from" not in seen.stderr
    assert why in seen.stderr


def test_excused_is_not_passes(tree: Path) -> None:
    """MAAS imports nothing, and the user has this ignored: the headline does not hide it."""
    file = products(tree)
    data = json.loads(file.read_text())
    for product in data["products"].values():
        del product["arch"]
    file.write_text(json.dumps(data))
    assert run().exit_code == 1
    seen = run("--ignore", "MSL")
    assert seen.exit_code == 0
    assert "imports nothing" in seen.stdout
    assert "excused · no findings" in seen.stdout
    assert "passes" not in seen.stdout
