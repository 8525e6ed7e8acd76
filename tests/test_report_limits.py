"""Reports for services keep to what these take: the worst findings, and how many more there are."""

from __future__ import annotations

import gzip
import json
import random
import string
from collections import Counter
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

import reports
from maas_stream_lint.api import Report
from maas_stream_lint.cli.main import main
from maas_stream_lint.finding import Finding, Severity
from maas_stream_lint.output import Style
from maas_stream_lint.report import limits
from maas_stream_lint.report.formats import FORMATS
from maas_stream_lint.report.limits import worst_first

ROOT = Path(__file__).parents[1]
GOOD = ROOT / "fixtures/good"
SEE_ALL = f"`maas-stream-lint check {reports.few().source}`"


def made(form: str, report: Report, sharing: int = 1) -> str:
    style = Style(sharing=sharing)
    return "".join(FORMATS[form].render(report, Severity.UNUSABLE, style))


def long(*counts: tuple[Severity, str, int], message: str = "is odd") -> Report:
    """So many findings of each severity and rule, the worst not first."""
    found = [
        reports.finding(
            severity, f"{message} {number}", reports.at("p", line=number + 1), code=code, name=code
        )
        for severity, code, count in counts
        for number in range(count)
    ]
    report = reports.report([], reports.tree({"p": reports.image("rhel", "rhel9")}))
    return replace(report, findings=tuple(found))


def noise(seed: int, length: int) -> str:
    chosen = random.Random(seed).choices(string.ascii_letters + string.digits, k=length)
    return "".join(chosen)


def test_the_worst_come_first_and_each_rule_in_turn() -> None:
    report = long(
        (Severity.WARNING, "MSL102", 3),
        (Severity.FATAL, "MSL101", 3),
        (Severity.FATAL, "MSL103", 1),
    )
    order = [report.findings[number] for number in worst_first(report.findings)]
    assert [(f.code, f.place.line) for f in order] == [
        *(("MSL101", 1), ("MSL103", 1), ("MSL101", 2), ("MSL101", 3)),
        *(("MSL102", 1), ("MSL102", 2), ("MSL102", 3)),
    ]


# -- SARIF -------------------------------------------------------------------------------------


def test_sarif_has_no_more_results_than_github_shows() -> None:
    report = long((Severity.INFO, "MSL101", limits.SARIF_RESULTS), (Severity.FATAL, "MSL102", 7))
    (run,) = json.loads(made("sarif", report))["runs"]
    *results, more = run["results"]
    assert len(run["results"]) == limits.SARIF_RESULTS
    assert [r["ruleId"] for r in results].count("MSL102") == 7
    assert (
        more["ruleId"] == "more-findings" == run["tool"]["driver"]["rules"][more["ruleIndex"]]["id"]
    )
    assert more["properties"]["left_out"] == len(report.findings) - len(results) == 8
    assert more["level"] == "note"
    assert "8 more findings of severity `info`" in more["message"]["text"]
    assert SEE_ALL in more["message"]["text"]
    for result in run["results"]:
        rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
        assert rule["id"] == result["ruleId"]


def test_sarif_is_whole_where_it_fits() -> None:
    report = long((Severity.INFO, "MSL101", limits.SARIF_RESULTS))
    (run,) = json.loads(made("sarif", report))["runs"]
    assert [r["ruleId"] for r in run["results"]] == ["MSL101"] * limits.SARIF_RESULTS


def test_sarif_fits_when_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("maas_stream_lint.report.sarif.SARIF_PACKED", 100_000)
    report = long((Severity.FATAL, "MSL101", 0))
    found = [
        reports.finding(Severity.FATAL, noise(number, 400), reports.at("p", line=number + 1))
        for number in range(1000)
    ]
    text = made("sarif", replace(report, findings=tuple(found)))
    assert len(gzip.compress(text.encode())) <= 100_000
    (run,) = json.loads(text)["runs"]
    assert len(run["results"]) > 100
    assert run["results"][-1]["properties"]["left_out"] == 1001 - len(run["results"])


def test_sarif_has_no_more_places_than_github_shows() -> None:
    report = long((Severity.FATAL, "MSL101", 1))
    places = tuple(reports.at("p", line=number + 1) for number in range(1500))
    found = report.findings[0]._replace(places=places)
    (run,) = json.loads(made("sarif", replace(report, findings=(found,))))["runs"]
    (result,) = run["results"]
    assert len(result["locations"]) + len(result["relatedLocations"]) == limits.SARIF_PLACES
    assert all(len(rule["properties"]["tags"]) <= 10 for rule in _real_rules())


def _real_rules() -> list[dict[str, dict[str, list[str]]]]:
    from maas_stream_lint.checks import all_rules

    report = long((Severity.FATAL, "MSL101", 0))
    found = tuple(
        reports.finding(rule.severity, "is odd", reports.at("p"), code=rule.code, name=rule.name)
        for rule in all_rules()
    )
    (run,) = json.loads(made("sarif", replace(report, findings=found)))["runs"]
    rules: list[dict[str, dict[str, list[str]]]] = run["tool"]["driver"]["rules"]
    assert len(rules) == len(found)
    return rules


def test_sarif_has_no_more_runs_than_github_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sources = [f"s{number}" for number in range(limits.SARIF_RUNS + 1)]
    Path("maas-stream-lint.toml").write_text(f"sources = {json.dumps(sources)}\n")
    done = CliRunner().invoke(main, ["check", "--format", "sarif"])
    assert done.exit_code == 2
    assert "sarif cannot hold 21 sources" in done.stderr
    assert done.stdout == ""


# -- GitHub ------------------------------------------------------------------------------------


def kinds(text: str) -> Counter[str]:
    return Counter(line[2:].split(" ", 1)[0] for line in text.splitlines())


def unlike(severity: Severity, count: int, letter: str) -> list[Finding]:
    """Findings that no annotation can share."""
    words = [letter * (number + 1) for number in range(count)]
    return [reports.finding(severity, f"is {word}", reports.at("p")) for word in words]


def test_annotations_are_as_many_as_github_shows() -> None:
    found = [
        *unlike(Severity.INFO, 14, "i"),
        *unlike(Severity.IGNORED, 12, "g"),
        *unlike(Severity.FATAL, 3, "f"),
        *unlike(Severity.WARNING, 10, "w"),
    ]
    report = replace(long(), findings=tuple(found))
    lines = made("github", report).splitlines()
    assert kinds(made("github", report)) == {"error": 10, "warning": 10, "notice": 10}
    assert all(f"::is {'f' * number}%0A" in line for number, line in enumerate(lines[:3], 1))
    more = lines[-1]
    assert more.startswith("::error title=more findings::")
    assert "10 more findings of severity `ignored` or lower" in more
    assert SEE_ALL in more


def test_annotations_are_whole_where_they_fit() -> None:
    report = replace(long(), findings=tuple(unlike(Severity.FATAL, 10, "f")))
    assert "title=more findings" not in made("github", report)
    assert kinds(made("github", report)) == {"error": 10}


@pytest.mark.parametrize("sources", [2, 3, 12])
def test_annotations_of_several_sources_share_the_step(sources: int) -> None:
    report = replace(long(), findings=tuple(unlike(Severity.FATAL, 40, "f")))
    texts = [made("github", report, sharing=sources) for _ in range(sources)]
    joined = "".join(FORMATS["github"].join(texts))
    assert 6 <= kinds(joined)["error"] <= limits.ANNOTATIONS
    assert "title=more findings" in joined.splitlines()[-1]


# -- GitLab and JUnit --------------------------------------------------------------------------


def test_gitlab_gets_no_more_than_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("maas_stream_lint.report.gitlab.CODE_QUALITY", 100_000)
    report = long((Severity.INFO, "MSL101", 2000), (Severity.UNUSABLE, "MSL102", 20))
    text = made("gitlab", report)
    assert 80_000 < len(text) <= 100_000
    *issues, more = json.loads(text)
    assert Counter(issue["check_name"] for issue in issues)["MSL102"] == 20
    assert (more["check_name"], more["severity"]) == ("more-findings", "info")
    assert f"{2020 - len(issues):,} more findings" in more["description"]
    assert SEE_ALL in more["description"]
    assert len(made("gitlab", report, sharing=4)) <= 25_000


def test_junit_has_a_case_for_each_product_and_group_of_like_lines() -> None:
    products = {name: reports.image("rhel", name) for name in ("a", "b")}
    found = [
        reports.finding(Severity.FATAL, "is odd", reports.at("a"), maas=reports.LEGACY),
        reports.finding(Severity.FATAL, "is odd, too", reports.at("a"), maas=("3.5", "3.6")),
    ]
    top = ElementTree.fromstring(made("junit", reports.report(found, reports.tree(products))))
    assert [(c.attrib["classname"], c.attrib["name"], len(c)) for c in top.iter("testcase")] == [
        ("stream", "the stream as a whole", 0),
        ("MAAS 2.9-3.8", "b", 0),
        ("MAAS 2.9-3.4, 3.7", "a", 1),
        ("MAAS 3.5-3.6", "a", 1),
        ("MAAS 3.8", "a", 0),
    ]


def test_junit_is_no_longer_than_gitlab_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("maas_stream_lint.report.junit.JUNIT", 250_000)
    names = [f"p{number:03}" for number in range(300)]
    found = [reports.finding(Severity.UNUSABLE, "is odd", reports.at(name)) for name in names[:-1]]
    found.append(reports.finding(Severity.FATAL, "is odd", reports.at(names[-1])))
    stream = reports.tree({name: reports.image("rhel", name) for name in names})
    report = replace(reports.report([], stream), findings=tuple(found))
    text = made("junit", report)
    assert len(text) <= 250_000
    top = ElementTree.fromstring(text)
    cases = list(top.iter("testcase"))
    assert len(cases) == int(top.attrib["tests"])
    # All but that of the stream as a whole.
    assert len(list(top.iter("failure"))) == int(top.attrib["failures"]) == len(cases) - 1
    kept = [case.attrib["name"] for case in cases]
    assert names[-1] in kept  # the worst
    (more,) = [case for case in cases if case.attrib["name"] == "more findings"]
    told = more[0].attrib["message"]
    assert f"{301 - len(cases) + 1} cases left out" in told
    assert SEE_ALL in told


def test_a_case_tells_some_findings_and_how_many_more() -> None:
    text = made("junit", long((Severity.FATAL, "MSL101", 140)))
    (failure,) = ElementTree.fromstring(text).iter("failure")
    assert failure.text is not None
    assert failure.text.count("MSL101 MSL101: is odd") == 100
    assert f"40 more findings. To see all, run {SEE_ALL}." in failure.text


# -- documents ---------------------------------------------------------------------------------


def test_the_documents_name_the_numbers() -> None:
    page = " ".join((ROOT / "docs/formats.md").read_text("utf-8").split())
    for said in (
        f"{limits.SARIF_RESULTS:,} results",
        f"{limits.SARIF_RUNS} sources",
        f"{limits.SARIF_PACKED // 10**6} MB",
        f"{limits.ANNOTATIONS} annotations",
        f"{limits.CODE_QUALITY // 10**6} MB",
        f"{limits.JUNIT // 10**6} MB",
    ):
        assert said in page, said
