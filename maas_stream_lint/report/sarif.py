"""SARIF 2.1.0: for code scanning, and other collectors of findings of many tools.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html

A file stays within the limits of GitHub (``limits``), and keeps the worst findings.
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from maas_stream_lint import __version__, documentation
from maas_stream_lint.checks import all_rules
from maas_stream_lint.finding import Severity
from maas_stream_lint.names import EXIT_FAILED, EXIT_FINDINGS, EXIT_INTERRUPTED
from maas_stream_lint.output import clean
from maas_stream_lint.report.data import as_json
from maas_stream_lint.report.fingerprint import SCHEME, fingerprints
from maas_stream_lint.report.joining import parsed
from maas_stream_lint.report.limits import (
    SARIF_PACKED,
    SARIF_PLACES,
    SARIF_RESULTS,
    SARIF_RUNS,
    Rest,
    largest,
    see_all,
    worst_first,
)
from maas_stream_lint.report.phrases import maas
from maas_stream_lint.report.verdict import exit_code, unseen
from maas_stream_lint.report.where import file_of, inner, is_remote
from maas_stream_lint.rule import level_of

if TYPE_CHECKING:
    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Finding, Place
    from maas_stream_lint.fixing.suggestions import Suggestion
    from maas_stream_lint.output import Style
    from maas_stream_lint.report.joining import Texts
    from maas_stream_lint.rule import Rule

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_LEVELS = {Severity.WARNING: "warning", Severity.INFO: "note"}
_ROOT = "%SRCROOT%"
#: The most notifications of files that could not be read.
_MOST_NOTES = 100
#: A line end within a paragraph.
_WRAPPED = re.compile(r"(?<!\n)\n(?!\n)")


#: The most sources of a file.
MOST_SOURCES = SARIF_RUNS
#: The rule of the result that says how many findings are left out.
_MORE = "more-findings"


def render(report: Report, threshold: Severity, style: Style) -> str:
    """One run of the tool. Its invocation says the same as the exit code."""

    def made(most: int) -> str:
        runs = [_run(report, threshold, most, style)]
        return as_json({"$schema": SCHEMA, "version": "2.1.0", "runs": runs})

    return largest(SARIF_RESULTS, made, _packed, SARIF_PACKED // style.sharing)


def _packed(text: str) -> int:
    """About how many bytes gzip makes of a text; never too few."""
    return min(len(text), len(zlib.compress(text.encode(), level=1)) + 1000)


def join(texts: Texts) -> str:
    """One log with a run for each source, which its ``automationDetails`` name.

    GitHub takes two runs of one tool in a log only if these differ.
    """
    logs = parsed(texts)
    runs = [run for log in logs for run in log["runs"]]
    for run in runs if len(runs) > 1 else ():
        run["automationDetails"] = {"id": f"maas-stream-lint/{run['properties']['source']}/"}
    return as_json({"$schema": SCHEMA, "version": "2.1.0", "runs": runs})


def _run(report: Report, threshold: Severity, most: int, style: Style) -> dict[str, Any]:
    order = worst_first(report.findings)
    kept = len(order) if len(order) <= most else most - 1
    rest = Rest([report.findings[number] for number in order[kept:]])
    codes = sorted({report.findings[number].code for number in order[:kept]})
    results = _results(report, sorted(order[:kept]), codes)
    if rest.findings:
        results.append(_rest_result(report, rest, len(codes)))
    return {
        "tool": {"driver": _driver(report, codes, rest)},
        "invocations": [_invocation(report, threshold, style)],
        "originalUriBaseIds": {_ROOT: _root(report)},
        "newlineSequences": ["\r\n", "\n"],
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": {
            "source": clean(report.source),
            "maas": list(report.look.lines),
            **({"configuration": list(map(clean, report.configured))} if report.configured else {}),
        },
    }


def _driver(report: Report, codes: list[str], rest: Rest) -> dict[str, Any]:
    known = {rule.code: rule for rule in all_rules()}
    names = {finding.code: finding.name for finding in report.findings}
    rules = [_rule(code, names[code], known.get(code)) for code in codes]
    if rest.findings:
        rules.append(_rest_rule(report))
    site = documentation.address()
    return {
        "name": "maas-stream-lint",
        "version": __version__,
        "semanticVersion": __version__,
        **({"informationUri": site} if site else {}),
        "rules": rules,
    }


def _rule(code: str, name: str, rule: Rule | None) -> dict[str, Any]:
    made: dict[str, Any] = {"id": code, "name": name}
    if rule is not None:
        page, url = rule.page, documentation.rule_url(name)
        told = {
            "What MAAS does": page.maas,
            "Why it matters": page.why,
            "How to fix it": page.fix,
        }
        made |= {
            "shortDescription": {"text": _literal(page.title)},
            "fullDescription": {"text": _literal(_WRAPPED.sub(" ", page.why))},
            "help": {
                "text": _literal("\n\n".join(f"{head}: {body}" for head, body in told.items())),
                "markdown": "\n\n".join(
                    [f"**{page.title}**"]
                    + [f"**{head}**\n\n{body}" for head, body in told.items()]
                    + [f"**Example**\n\n{_fenced(page.example)}"]
                ),
            },
            **({"helpUri": url} if url else {}),
            "defaultConfiguration": {"level": level(rule.severity)},
            "properties": {
                "severity": rule.severity.label,
                "tags": ["maas", rule.level.replace(" ", "-"), rule.severity.label],
            },
        }
    return made


def _fenced(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def level(severity: Severity) -> str:
    """SARIF's level for a severity: what MAAS loses is an error."""
    return _LEVELS.get(severity, "error")


def _invocation(report: Report, threshold: Severity, style: Style) -> dict[str, Any]:
    code = exit_code(report, threshold)
    said = [f"{one.path}: {one.message} ({one.remedy})" for one in unseen(report, threshold)]
    if report.look.stream.truncated:
        said.append("the stream names more metadata files than this tool reads")
    notes = [{"level": "error", "message": {"text": _message(text)}} for text in said[:_MOST_NOTES]]
    return {
        "exitCode": 0 if code == EXIT_FINDINGS and style.exit_zero else code,
        **({"endTimeUtc": style.made} if style.made else {}),
        "executionSuccessful": code not in (EXIT_FAILED, EXIT_INTERRUPTED),
        **({"toolExecutionNotifications": notes} if notes else {}),
    }


def _root(report: Report) -> dict[str, Any]:
    if is_remote(report):
        return {"uri": _uri(report.look.stream.base.rstrip("/") + "/", safe=":/?&=[]@")}
    # Readers know where that is; the report names no path of this machine.
    return {"description": {"text": "the directory that the check was made in"}}


def _rest_rule(report: Report) -> dict[str, Any]:
    """The descriptor of the result that says how many findings are left out."""
    title = "The report is longer than GitHub shows"
    told = f"GitHub shows {SARIF_RESULTS:,} results of a run. {see_all(report)}"
    return {
        "id": _MORE,
        "name": _MORE,
        "shortDescription": {"text": title},
        "fullDescription": {"text": _message(told)},
        "help": {"text": _message(told)},
    }


def _rest_result(report: Report, rest: Rest, index: int) -> dict[str, Any]:
    """How many findings are left out, as severe as the worst of them."""
    from maas_stream_lint.finding import Place

    why = f"GitHub shows {SARIF_RESULTS:,} results of a run and takes {SARIF_PACKED // 10**6} MB"
    return {
        "ruleId": _MORE,
        "ruleIndex": index,
        "level": level(rest.worst),
        "message": {"text": _message(rest.in_words(report, why))},
        "locations": [_location(report, Place(""))],
        "partialFingerprints": {SCHEME: _MORE},
        "properties": {"severity": rest.worst.label, "left_out": len(rest.findings)},
    }


def _results(report: Report, kept: list[int], codes: list[str]) -> list[dict[str, Any]]:
    marks = fingerprints(report.findings)
    positions = {code: position for position, code in enumerate(codes)}
    made = []
    for number in kept:
        finding = report.findings[number]
        result = _result(report, finding, marks[number], positions[finding.code])
        if edits := report.edits.get(finding):
            result["fixes"] = [_fix(report, edit) for edit in edits]
        made.append(result)
    return made


def _result(report: Report, finding: Finding, mark: str, index: int) -> dict[str, Any]:
    related = [
        {"id": number, **_location(report, place)}
        for number, place in enumerate(finding.places[1:SARIF_PLACES], 1)
    ]
    return {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": level(finding.severity),
        "message": {"text": _message(_finding_in_words(finding))},
        "locations": [_location(report, finding.place)],
        **({"relatedLocations": related} if related else {}),
        "partialFingerprints": {SCHEME: mark},
        "properties": {
            "maas": list(finding.maas),
            "severity": finding.severity.label,
            "effect": clean(finding.effect),
            "remedy": clean(finding.remedy),
            "logs": [{"maas": list(lines), "text": clean(text)} for lines, text in finding.logs],
            "tags": [level_of(finding.code).replace(" ", "-"), finding.severity.label],
        },
    }


def _finding_in_words(finding: Finding) -> str:
    effect = f"MAAS {finding.effect}. " if finding.effect else ""
    return f"{finding.message} [{maas(finding.maas)}]. {effect}Fix: {finding.remedy}"


def _message(text: str) -> str:
    """Untrusted text without placeholders and links."""
    shown = _literal(clean(text))
    return shown.replace("[", "\\[").replace("]", "\\]") if "](" in shown else shown


def _literal(text: str) -> str:
    """Text without placeholders."""
    return text.replace("{", "{{").replace("}", "}}")


def _location(report: Report, place: Place) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": artifact(report, place)}
    if place.line is not None:
        physical["region"] = {"startLine": place.line, "startColumn": place.column or 1}
    logical = [
        {"name": clean(value), "kind": kind}
        for kind in ("product", "version", "item")
        if (value := getattr(place, kind)) is not None
    ]
    if place.pointer:
        whole = {"fullyQualifiedName": clean(place.pointer), "kind": "member"}
        logical.append(whole)
    return {
        "physicalLocation": physical,
        **({"logicalLocations": logical} if logical else {}),
        "message": {"text": _message(place.pointer or "the whole file")},
    }


def artifact(report: Report, place: Place) -> dict[str, Any]:
    """A place's file: relative to the working directory, or to the server's root."""
    path = inner(report, place) if is_remote(report) else file_of(report, place)
    if path.startswith("/"):
        return {"uri": f"file://{_uri(path)}"}
    return {"uri": _uri(path), "uriBaseId": _ROOT}


def _uri(path: str, safe: str = "/") -> str:
    return quote(path.encode("utf-8", "surrogatepass"), safe=safe)


def _fix(report: Report, edit: Suggestion) -> dict[str, Any]:
    from maas_stream_lint.finding import Place

    return {
        "description": {"text": _message(edit.what)},
        "artifactChanges": [
            {
                "artifactLocation": artifact(report, Place(file)),
                "replacements": [
                    {
                        "deletedRegion": {
                            "startLine": lines.start,
                            "startColumn": 1,
                            "endLine": lines.end,
                            "endColumn": 1,
                        },
                        "insertedContent": {"text": lines.text},
                    }
                    for lines in several
                ],
            }
            for file, several in edit.lines.items()
        ],
    }
