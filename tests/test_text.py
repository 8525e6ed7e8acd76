"""The text report: advice in few lines, places to click, code frames, commands to copy."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.cells import cell_len

import reports
from bundled import FIXTURES, opened
from maas_stream_lint.api import Report, check
from maas_stream_lint.excerpt import Excerpts
from maas_stream_lint.finding import Place, Severity
from maas_stream_lint.output import Style
from maas_stream_lint.report import text as text_
from maas_stream_lint.report.formats import FORMATS
from test_fixtures import findings_of

BAD, GOOD = FIXTURES / "bad", FIXTURES / "good"
INDEX = "streams/v1/index.json"
NAMED = BAD / "MSL401-ubuntu-name" / "tree" / INDEX


def told(report: Report, threshold: Severity = Severity.UNUSABLE, **style: object) -> str:
    return text_.render(report, threshold, Style(**style))  # type: ignore[arg-type]


def fixture(code: str) -> Path:
    (found,) = BAD.glob(f"{code}-*")
    return found


# -- few lines ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(path.name for path in GOOD.iterdir()))
def test_a_good_stream_has_at_most_six_lines(name: str) -> None:
    for source in (GOOD / name / "tree", GOOD / name / "tree" / INDEX):
        for width in (80, 120):
            seen = told(check(source), width=width)
            lines = seen.splitlines()
            assert len(lines) <= 6, seen
            assert lines[0] == f"stream {source}"
            assert "" not in lines
            verdict = next(line for line in lines if not line.startswith(("stream", "info", "m")))
            assert verdict.startswith("passes · MAAS ")


@pytest.mark.parametrize("code", ["MSL410", "MSL725", "MSL806", "MSL111", "MSL809"])
def test_advice_is_one_line_of_80_columns(code: str) -> None:
    report = check(GOOD / "ubuntu" / "tree" / INDEX)
    found = [
        f for f in findings_of(fixture(code)) if f.code == code and f.severity <= Severity.INFO
    ]
    if found:  # otherwise the good stream has the slight form of it
        report = replace(report, findings=tuple(found))
    (line,) = [line for line in told(report).splitlines() if re.match(f" *info +{code} ", line)]
    assert cell_len(line) <= 80
    assert not line.endswith("…")


def test_what_there_is_no_room_for_is_named() -> None:
    seen = told(check(GOOD / "rhel" / "tree"))
    assert "MSL458 no-commissioning-image (in full: --verbose)" in seen
    full = told(check(GOOD / "rhel" / "tree"), verbose=True)
    assert "info  MSL458 no-commissioning-image" in full
    assert full.count("    fix   ") >= 4


def test_advice_that_counts_is_told_in_full() -> None:
    report = check(GOOD / "ubuntu" / "tree" / INDEX)
    seen = told(report, Severity.INFO)
    assert seen.count("    at    ") == len(report.findings)
    assert "In brief" not in seen


def test_quiet_is_what_fails_and_nothing_where_all_is_well() -> None:
    assert told(check(GOOD / "ubuntu" / "tree"), quiet=True) == ""
    seen = told(check(NAMED), quiet=True)
    assert "MSL401" in seen
    assert "MSL410" not in seen
    assert seen.splitlines()[-2].startswith("fails · ")


def test_statistics_count_each_rule() -> None:
    seen = told(reports.many(), statistics=True)
    assert re.findall(r"^ *(\d+)  (\w+) +(MSL\d+)", seen, re.MULTILINE) == [
        ("2", "fatal", "MSL611"),
        ("120", "ignored", "MSL421"),
        ("1", "warning", "MSL219"),
        ("1", "info", "MSL461"),
    ]


def test_statistics_in_other_forms() -> None:
    report = reports.many()
    style = Style(statistics=True)
    data = json.loads("".join(FORMATS["json"].render(report, Severity.UNUSABLE, style)))
    assert data["findings"] == []
    assert data["statistics"][1] == {
        "code": "MSL421",
        "name": report.findings[2].name,
        "severity": "ignored",
        "findings": 120,
    }
    assert sum(one["findings"] for one in data["statistics"]) == data["summary"]["findings"]
    page = "".join(FORMATS["markdown"].render(report, Severity.UNUSABLE, style))
    assert "\n| 120 | ignored | MSL421 " in page
    assert "###" not in page
    assert [name for name, form in FORMATS.items() if form.counts] == ["text", "json", "markdown"]


def test_quiet_lines_are_those_that_fail() -> None:
    lines = "".join(FORMATS["compact"].render(reports.many(), Severity.FATAL, Style(quiet=True)))
    assert re.findall(r" (MSL\d+) ", lines) == ["MSL611", "MSL611"]


def test_each_code_is_in_one_command() -> None:
    report = reports.many()
    asked = re.findall(r"^(?:more|    )  maas-stream-lint explain (.*)$", told(report), re.M)
    codes = " ".join(asked).split()
    assert sorted(codes) == sorted({f.code for f in report.findings})


# -- places ---------------------------------------------------------------------------------------


def test_a_place_is_a_path_from_the_working_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    report = check(NAMED)
    for folder in (NAMED.parents[4], NAMED.parents[2], Path("/")):
        monkeypatch.chdir(folder)
        for line in told(report).splitlines():
            found = re.match(r"    at    (.+):(\d+):(\d+)$", line)
            if found is not None:
                text = Path(found[1]).read_text().splitlines()
                assert text[int(found[2]) - 1][int(found[3]) - 1] == '"'


def test_links_lead_to_the_file_where_the_terminal_takes_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MAAS_STREAM_LINT_DOCS_URL", "")
    assert "\x1b" not in told(check(NAMED))
    seen = told(check(NAMED), color=True, links=True)
    links = re.findall(r"\x1b\]8;id=\d+;(file://.*?)\x1b\\(.*?):\d+:\d+\x1b\]8;;\x1b\\", seen)
    assert links
    for url, path in links:
        assert url.endswith(path.replace(":", "%3A"))
        assert re.fullmatch(r"file://[\w.-]*/[!-~]+", url)
    assert "explain MSL401" in seen
    monkeypatch.setenv("MAAS_STREAM_LINT_DOCS_URL", "https://example.com/docs")
    seen = told(check(NAMED), color=True, links=True)
    page = "https://example.com/docs/rules/ubuntu-name/"
    assert re.search(rf"\x1b\]8;id=\d+;{page}\x1b\\(\x1b\[36m)?MSL401", seen)
    assert "explain MSL401" not in seen


# -- code frames ----------------------------------------------------------------------------------


def frames(seen: str) -> list[tuple[str, str]]:
    """The marked line of each frame, and what is below it."""
    return re.findall(r"^ +\d+ \| (.*)\n +\| ( *\^+)$", seen, re.MULTILINE)


def test_a_frame_marks_the_place() -> None:
    ((first, mark), *_) = frames(told(check(NAMED)))
    assert first.strip().startswith('"com.ubuntu.maas.candidate:ubuntu-bases:22.04:amd64"')
    assert first[len(mark) - mark.count("^") : len(mark)] == first.strip().rstrip(" {").rstrip(":")


def test_a_frame_of_a_signed_file_counts_the_lines_of_the_file(tmp_path: Path) -> None:
    report = check(fixture("MSL809") / "tree")
    seen = told(report, verbose=True)
    ((line, mark), *_) = frames(seen)
    assert line[len(mark) - 1 :][:1] == "{"
    assert "\n          4 | {" in seen


def test_a_frame_of_a_server_s_file() -> None:
    with opened(fixture("MSL725")) as source:
        seen = told(check(source), verbose=True)
    assert "http://" in seen
    assert frames(seen)


def test_a_frame_is_bounded_and_shows_no_control(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    shutil.copytree(NAMED.parents[2], tree)
    (file,) = (tree / "streams/v1").glob("com*.json")
    text = file.read_text()
    # One line of many characters, and tabs, and what a terminal would obey.
    file.write_text(re.sub(r"\s*\n\s*", "\t", text).replace('"candidate"', '"\u202e\x7f\x9b2J"'))
    for width in (40, 80, 100):
        seen = told(check(tree / INDEX), width=width)
        assert frames(seen)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", seen)
        for line, mark in frames(seen):
            assert max(cell_len(line), cell_len(mark)) <= width - 14


def test_a_frame_is_shown_once() -> None:
    seen = told(check(fixture("MSL701") / "tree"))
    marked = [line for line, _ in frames(seen)]
    assert len(marked) == len(set(marked))


def test_no_frame_without_a_line() -> None:
    excerpts = Excerpts(reports.clean().look.stream)
    for place in (Place(""), Place(INDEX), Place("nowhere", (), 1, 1), Place(INDEX, (), 9999, 1)):
        assert excerpts.around(place, before=1, after=1, widest=60) == []


# -- commands, groups -----------------------------------------------------------------------------


@pytest.mark.parametrize("width", [40, 80])
def test_a_command_stands_alone_on_its_line(width: int) -> None:
    lines = told(check(NAMED), width=width).splitlines()
    commands = [line.strip() for line in lines if line.strip().startswith("maas $PROFILE")]
    whole = (
        "maas $PROFILE boot-resources create name=custom/jammy architecture=amd64/generic "
        "base_image=ubuntu/jammy filetype=tgz content@=FILE"
    )
    assert set(commands) == {whole}


def test_verbose_tells_each_of_a_group() -> None:
    names = [f"com.example:ubuntu-bases:{n}.04:amd64" for n in (18, 20, 22, 24)]
    found = [
        reports.finding(
            Severity.IGNORED, f"`{n}` is odd", reports.at(n), remedy=f"name it `v3:{n}`"
        )
        for n in names
    ]
    made = reports.report(found, reports.tree({n: reports.image("ubuntu", n) for n in names}))
    brief = told(made)
    assert "name it `v3:com.example:ubuntu-bases:18.04:amd64`" in brief
    assert "…" not in brief.split("    fix   ")[1]
    full = told(made, verbose=True)
    for name in names:
        assert f"name it `v3:{name}`" in full
        assert f"    {name} at" in full or f"each  {name} at" in full


# -- an interrupted run ---------------------------------------------------------------------------


def test_an_interrupted_run_is_no_success_for_any_reader() -> None:
    report = check(GOOD / "with-images" / "tree")

    def told_as(form: str) -> str:
        return "".join(FORMATS[form].render(report, Severity.UNUSABLE, Style()))

    def invocation() -> dict[str, Any]:
        (run,) = json.loads(told_as("sarif"))["runs"]
        (only,) = run["invocations"]
        return dict(only)

    assert invocation()["executionSuccessful"] is True
    assert 'errors="0"' in told_as("junit")
    assert report.look.survey is not None
    report.look.survey.interrupted = True
    said = invocation()
    assert (said["executionSuccessful"], said["exitCode"]) == (False, 130)
    (note,) = said["toolExecutionNotifications"]
    assert "the run was interrupted" in note["message"]["text"]
    suites = ElementTree.fromstring(told_as("junit"))
    assert (suites.get("errors"), suites.get("failures")) == ("1", "0")
    assert suites.find("testsuite/testcase/error") is not None
    first, *_ = json.loads(told_as("gitlab"))
    assert (first["check_name"], first["severity"]) == ("not-read", "blocker")
    assert told_as("github").startswith("::error title=could not be read::streams/v1/index.json")
    assert ":1:1: error: could not be read: the run was interrupted" in told_as("compact")


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "sarif"])  # has rules' pages
def test_an_interrupted_run_does_not_pass(form: str) -> None:
    for source, word in ((GOOD / "with-images" / "tree", "incomplete"), (NAMED, "fails")):
        report = check(source)
        assert report.look.survey is not None
        report.look.survey.interrupted = True
        seen = "".join(FORMATS[form].render(report, Severity.UNUSABLE, Style()))
        shown = re.sub(r"<style>.*?</style>|<script>.*?</script>", "", seen, flags=re.DOTALL)
        assert "passes" not in shown
        if form in ("text", "markdown"):
            assert word in seen
        assert "interrupted" in shown or source == NAMED  # no image files, of which it is told
        assert f"\n{word} · " in told(report, quiet=True)
