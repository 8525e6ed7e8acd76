"""The baseline: what is known passes, what is new does not, and what is gone is told."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import made
import reports
from maas_stream_lint import baseline
from maas_stream_lint.api import Report, SetAside, check
from maas_stream_lint.baseline import Baseline, Comparison, normal
from maas_stream_lint.checks import all_rules
from maas_stream_lint.cli.main import main
from maas_stream_lint.collect import findings
from maas_stream_lint.errors import UsageError
from maas_stream_lint.finding import Finding, Place, Severity
from maas_stream_lint.look import look_at
from maas_stream_lint.rulebook import all_releases
from maas_stream_lint.stream import load
from trees import MemoryTree

ROOT = Path(__file__).parents[1]
HERE = Path("/here")
INDEX = "streams/v1/index.json"
BAD = ROOT / "fixtures/bad/MSL401-ubuntu-name/tree"
#: What is signed can't be edited.
FIXTURES = sorted(
    tree
    for tree in ROOT.glob("fixtures/bad/*/tree")
    if (tree / INDEX).exists() and not list(tree.rglob("*.sjson"))
)


def through_text(known: Baseline, folder: Path) -> Baseline:
    path = folder / "baseline.json"
    path.write_text(known.render(), "ascii")
    got = baseline.read(str(path))
    assert got == known
    return got


def new_to(known: Baseline, *held: Report) -> tuple[list[list[Finding]], list[str]]:
    """The new findings of each report, and what is gone."""
    got, gone = Comparison(known, HERE).compare(held)
    return [list(report.findings) for report in got], gone


def one(code: str = "MSL401", product: str = "a", message: str = "x", **more: Any) -> Finding:
    place = more.pop("place", reports.at(product))
    return reports.finding(Severity.IGNORED, message, place, code=code, **more)


def a_report(*found: Finding, maas: tuple[str, ...] | None = None, label: str = "") -> Report:
    report = reports.report(list(found), reports.tree({"a": reports.image("rhel", "9")}), maas)
    return replace(report, source=label or report.source)


def of(*held: Report) -> Baseline:
    return baseline.of(held, HERE)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("version `20240616_01` lacks 3 of 1,234 things", "version `#` lacks # of # things"),
        ("no bootloader for `amd64`, see `:v3:`", "no bootloader for `amd64`, see `:v3:`"),
        ("`jammy/amd64/20240616/ga-22.04/squashfs`", "`jammy/amd64/#/ga-#/squashfs`"),
        (f"is `{'ab12' * 16}`, expected `{'0' * 64}`", "is `#`, expected `#`"),
        ("version `daily-b`, in `x/daily-b/y`, daily-bad", "version `#`, in `x/#/y`, daily-bad"),
        ("updated 2026-11-01 10:00:00", "updated # #:#:#"),
    ],
)
def test_what_of_a_message_changes(message: str, expected: str) -> None:
    assert normal(message, ["daily-b", "20240616_01"]) == expected


def test_the_same_passes_and_one_more_does_not(tmp_path: Path) -> None:
    report = a_report(one(), one("MSL402"), one(product="b"))
    known = through_text(of(report), tmp_path)
    assert new_to(known, report) == ([[]], [])
    for more in (one("MSL403"), one(product="c"), one(message="y"), one()):
        assert new_to(known, a_report(*report.findings, more)) == ([[more]], [])


def test_another_item_or_file_is_new() -> None:
    place = reports.at("a", "versions", "1", "items", "kernel")
    known = of(a_report(one(place=place)))
    assert new_to(known, a_report(one(place=place._replace(line=99, column=1)))) == ([[]], [])
    newer = one(place=reports.at("a", "versions", "2", "items", "kernel"))
    assert new_to(known, a_report(newer)) == ([[]], [])
    for other in (
        reports.at("a", "versions", "1", "items", "initrd"),
        Place("streams/v1/other.json", place.path),
    ):
        (found,), gone = new_to(known, a_report(one(place=other)))
        assert len(found) == len(gone) == 1


def test_further_release_lines_are_new() -> None:
    known = of(a_report(one(maas=("3.5", "3.6"))))
    assert new_to(known, a_report(one(maas=("3.5",)))) == (
        [[]],
        [f"MSL401 · {reports.FILE} · a · MAAS 3.6"],
    )
    logs = ((("3.5", "3.6"), "old words"), (("3.7",), "new words"))
    finding = one(maas=("3.5", "3.6", "3.7"), log="old words", logs=logs)
    ((left,),), gone = new_to(known, a_report(finding))
    assert (left.maas, left.log, left.logs, gone) == (("3.7",), "new words", logs[1:], [])


def test_fewer_release_lines_are_not_gone_if_nobody_looked() -> None:
    known = of(a_report(one(maas=("3.5", "3.8"))))
    comparison = Comparison(known, HERE)
    assert comparison.compare([a_report(maas=("3.5",))])[1] == [
        f"MSL401 · {reports.FILE} · a · MAAS 3.5"
    ]
    assert [list(c.elements()) for c in comparison.rest().counts.values()] == [["3.8"]]


def test_as_many_as_there_were() -> None:
    known = of(a_report(one(), one()))
    (counts,) = known.counts.values()
    assert set(counts.values()) == {2}
    (found,), gone = new_to(known, a_report(one(), one(), one()))
    assert len(found) == 1
    assert gone == []
    (found,), gone = new_to(known, a_report(one()))
    assert len(found) == 0
    assert len(gone) == 1


def test_what_is_gone_is_counted_and_taken_out() -> None:
    known = of(a_report(one(), one("MSL402"), one("MSL403")))
    comparison = Comparison(known, HERE)
    (report,), gone = comparison.compare([a_report(one("MSL402"), one("MSL404"))])
    assert [line.split()[0] for line in gone] == ["MSL401", "MSL403"]
    assert report.set_aside == SetAside(known=1, gone=2)
    assert [f.code for f in report.findings] == ["MSL404"]
    # What is new is not let in.
    assert {key.code for key in comparison.rest().counts} == {"MSL402"}


def test_what_was_not_looked_for_stays() -> None:
    known = of(a_report(one("MSL702"), one("MSL401"), one("MSL123")))
    known.mode = "download"
    blind = a_report()
    comparison = Comparison(known, HERE)
    _, gone = comparison.compare([blind])
    assert [line.split()[0] for line in gone] == ["MSL401"]
    assert {key.code for key in comparison.rest().counts} == {"MSL702", "MSL123"}
    assert comparison.known.mode == "download"
    asked = replace(a_report(), asked=frozenset({"MSL500"}))
    assert new_to(known, asked) == ([[]], [])


def test_several_sources() -> None:
    first, second = a_report(one(), label="/here/mirror"), a_report(label="http://example.com/")
    known = of(first, second)
    assert [key.source for key in known.counts] == ["mirror"]
    assert new_to(known, first, second) == ([[], []], [])
    # One that moves from here to there is new there, and gone here.
    moved = [replace(first, findings=()), replace(second, findings=first.findings)]
    found, gone = new_to(known, *moved)
    assert [len(f) for f in found] == [0, 1]
    assert gone == [f"MSL401 · mirror · {reports.FILE} · a · MAAS {', '.join(reports.ALL)}"]
    # Whoever checks one of them alone hears nothing of the other.
    assert new_to(known, replace(second, findings=())) == ([[]], [])
    assert new_to(known, replace(first, findings=())) == ([[]], gone)


def test_one_source_may_move() -> None:
    known = of(a_report(one(), label="/here/mirror"))
    assert new_to(known, a_report(one(), label="http://example.com/")) == ([[]], [])


def test_other_words_of_another_program_are_known() -> None:
    known = of(a_report(one(message="in old words"), one(message="old, too")))
    report = a_report(one(message="in new words"))
    assert len(new_to(known, report)[0][0]) == 1
    known.tool = "0.0.1"
    comparison = Comparison(known, HERE)
    (got,), gone = comparison.compare([report])
    assert (got.findings, len(gone)) == ((), 1)
    rest = comparison.rest()
    assert (rest.tool, [key.message for key in rest.counts]) == (
        baseline.__version__,
        ["in new words"],
    )


def test_the_file_is_sorted_and_an_entry_a_line() -> None:
    report = a_report(one("MSL402"), one(), one(), one(maas=("3.8",)))
    text = of(report).render()
    assert text == of(replace(report, findings=report.findings[::-1])).render()
    head, *rest = text.splitlines()
    assert head == "{"
    entries = [json.loads(line.rstrip(",")) for line in rest if line.startswith("    {")]
    assert [(e["code"], e["count"], len(e["maas"])) for e in entries] == [
        ("MSL401", 2, 9),
        ("MSL401", 3, 1),
        ("MSL402", 1, 10),
    ]
    assert json.loads(Baseline().render())["findings"] == []
    assert text.isascii()


GOOD = json.loads(of(a_report(one())).render())


def entry(**changed: Any) -> dict[str, Any]:
    return {**GOOD, "findings": [{**GOOD["findings"][0], **changed}]}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", ":1: the baseline is not JSON (write a new one with --write-baseline)"),
        ('{\n"kind":\n<<<<<<< mine', ":3: the baseline is not JSON"),
        (b"\xff", ": the baseline is not JSON"),
        ("[" * 100_000, ": the baseline is not JSON"),
        ([], "is not a baseline"),
        (check(BAD / INDEX).to_dict(), "is not a baseline"),
        ({**GOOD, "version": 2}, "was written by another maas-stream-lint"),
        ({**GOOD, "files": "all"}, "is damaged"),
        ({**GOOD, "findings": {}, "tool": 3}, "is damaged"),
        ({**GOOD, "findings": None}, "is damaged"),
        ({**GOOD, "findings": [3]}, "is damaged"),
        ({"kind": GOOD["kind"], "version": 1}, "is damaged"),
        *((entry(**{key: None}), "is damaged") for key in ("code", "file", "message", "maas")),
        (entry(count=0), "is damaged"),
        (entry(count=True), "is damaged"),
        (entry(count="1"), "is damaged"),
        (entry(maas="3.8"), "is damaged"),
        (entry(maas=["x"]), "is damaged"),
        (entry(maas=[3.8]), "is damaged"),
        (entry(product=3), "is damaged"),
        (entry(code="MSLxyz"), "is damaged"),
    ],
    ids=lambda part: str(part)[:30],
)
def test_what_is_no_baseline(tmp_path: Path, content: Any, expected: str) -> None:
    path = tmp_path / "b.json"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    with pytest.raises(UsageError, match=re.escape(expected)) as error:
        baseline.read(str(path))
    assert "\n" not in str(error.value)
    assert error.value.hint


# Real findings.


@settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(made.streams(), st.data())
def test_a_report_passes_by_its_own_baseline(tree: MemoryTree, data: st.DataObject) -> None:
    look = look_at(load(tree), all_releases())  # type: ignore[arg-type]
    report = Report("memory", look, tuple(findings(look, all_rules())))
    known = of(report)
    assert baseline._parsed(json.loads(known.render())) == known
    comparison = Comparison(known, HERE)
    (got,), gone = comparison.compare([report])
    assert (got.findings, gone) == ((), [])
    assert got.facts == report.findings
    assert comparison.rest() == known
    if report.findings and not report.unread:  # of the rest nothing is gone
        finding = data.draw(st.sampled_from(report.findings))
        more = [*report.findings, finding._replace(code="MSL999")]
        ((left,),), gone = new_to(known, replace(report, findings=tuple(more)))
        assert (left.code, gone) == ("MSL999", [])
        (twice,), gone = new_to(known, replace(report, findings=(finding, *report.findings)))
        assert [f.maas for f in twice] == [finding.maas]
        rest = list(report.findings)
        rest.remove(finding)
        got_, gone = new_to(known, replace(report, findings=tuple(rest)))
        assert got_ == [[]]
        assert len(gone) == 1


def moved_on(folder: Path) -> None:
    """The tree as it might be a month later: all versions newer, all lines elsewhere."""
    numbers = re.compile(r"(?<!\d)(20[0-9]{6})(?=[_.\"/]|$)")
    for path in sorted((folder / "streams").rglob("*.json")):
        text = path.read_text("utf-8", "surrogateescape")
        text = numbers.sub(lambda m: str(int(m[1]) + 3), text)
        path.write_text("\n\n\n" + text.replace("{", "{\n\n", 1), "utf-8", "surrogateescape")


@pytest.mark.parametrize("tree", FIXTURES, ids=lambda p: p.parent.name)
def test_moved_lines_and_new_versions_are_no_news(tree: Path, tmp_path: Path) -> None:
    before = check(tree / INDEX, files="none")
    shutil.copytree(tree, tmp_path / "tree", symlinks=True)
    moved_on(tmp_path / "tree")
    after = check(tmp_path / "tree" / INDEX, files="none")
    assert Counter(f.code for f in after.findings) == Counter(f.code for f in before.findings)
    assert new_to(of(before), after) == ([[]], [])


# The command line.


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in [n for n in os.environ if n.startswith("MAAS_STREAM_LINT_")]:
        monkeypatch.delenv(name)
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    shutil.copytree(BAD, tmp_path / "bad")
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*args: str) -> Result:
    return CliRunner().invoke(
        main, ["check", f"bad/{INDEX}", "--files", "none", *args], catch_exceptions=False
    )


def test_written_and_read(here: Path) -> None:
    assert run().exit_code == 1
    result = run("--write-baseline", "known.json")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "passes · no findings · 4 in the baseline" in result.stdout
    result = run("--baseline", "known.json", "--severity", "info")
    assert (result.exit_code, result.stderr) == (0, "")
    # What MAAS makes of it does not change by being known.
    assert "drops the one product (ubuntu-name)" in result.stdout
    moved_on(here / "bad")
    assert run("--baseline", "known.json").exit_code == 0
    said = json.loads(run("--baseline", "known.json", "--format", "json").stdout)
    assert said["summary"]["set_aside"] == {"excused": 0, "known": 4, "gone": 0}


def test_one_more_fails_and_the_file_shrinks(here: Path) -> None:
    run("--write-baseline", "known.json")
    products = here / "bad/streams/v1/com.ubuntu.maas:candidate:ubuntu-bases-download.json"
    text = products.read_text("utf-8")
    products.write_text(
        text.replace("com.ubuntu.maas.candidate:ubuntu-bases", "com.ubuntu.maas:v3:boot").replace(
            '"arch"', '"krel": "", "arch"'
        ),
        "utf-8",
    )
    index = here / "bad" / INDEX
    index.write_text(
        index.read_text("utf-8").replace(
            "com.ubuntu.maas.candidate:ubuntu-bases", "com.ubuntu.maas:v3:boot"
        ),
        "utf-8",
    )
    result = run("--baseline", "known.json")
    assert result.exit_code == 1
    gone = [line for line in result.stderr.splitlines() if "gone from known.json" in line]
    assert any("MSL401" in line for line in gone)
    assert result.stderr.splitlines()[-1] == (
        "notice: --write-baseline known.json removes them from the file"
    )
    before = (here / "known.json").read_text().count("\n")
    result = run("--baseline", "known.json", "--write-baseline", "known.json")
    assert result.exit_code == 1
    after = (here / "known.json").read_text()
    assert after.count("\n") < before
    assert "MSL401" not in after
    # What is new was not let in, and what is gone is told once.
    result = run("--baseline", "known.json")
    assert (result.exit_code, result.stderr) == (1, "")


def test_nothing_is_written_if_it_could_not_be_checked(here: Path) -> None:
    (here / "known.json").write_text("before")
    result = run("--maas", "1.9", "--write-baseline", "known.json")
    assert result.exit_code == 2
    (here / "maas-stream-lint.toml").write_text(f'sources = ["nowhere", "bad/{INDEX}"]\n')
    result = CliRunner().invoke(main, ["check", "--write-baseline", "known.json"])
    assert result.exit_code == 2
    assert (here / "known.json").read_text() == "before"


def test_bad_files_are_one_line(here: Path) -> None:
    (here / "known.json").write_text("{")
    for args in (
        ["--baseline", "known.json"],
        ["--baseline", "nowhere.json"],
        ["--baseline", "bad"],
        ["--write-baseline", "bad"],
        ["--write-baseline", "no/where"],
    ):
        result = run(*args)
        assert (result.exit_code, result.stdout) == (2, "")
        assert len(result.stderr.splitlines()) == 1
        assert result.stderr.startswith("error: ")


def test_many_that_are_gone_are_not_all_named(here: Path) -> None:
    data = json.loads(of(a_report(*(one(product=f"p{n}") for n in range(15)))).render())
    (here / "known.json").write_text(json.dumps(data))
    lines = run("--baseline", "known.json").stderr.splitlines()
    assert len(lines) == 11
    assert lines[-1].startswith("notice: 5 more are gone; --write-baseline known.json removes")


def test_ignores_and_the_baseline_together(here: Path) -> None:
    (here / "maas-stream-lint.toml").write_text(
        f'sources = ["bad/{INDEX}"]\nfiles = "none"\n'
        '[[ignores]]\nrules = ["MSL401"]\nreason = "so it is"\n'
    )
    result = CliRunner().invoke(main, ["check", "--write-baseline", "known.json"])
    assert result.exit_code == 0
    assert "no findings · 1 excused, 3 in the baseline" in result.stdout
    assert "MSL401" not in (here / "known.json").read_text()
