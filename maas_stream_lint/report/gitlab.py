"""GitLab's code quality report: findings in the merge request's widget and diff.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format

A file keeps to what GitLab takes (``limits``), with the worst findings.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from maas_stream_lint.finding import Place, Severity
from maas_stream_lint.output import Style, clean
from maas_stream_lint.report.data import as_json
from maas_stream_lint.report.fingerprint import fingerprints
from maas_stream_lint.report.joining import parsed
from maas_stream_lint.report.limits import CODE_QUALITY, Rest, largest, worst_first
from maas_stream_lint.report.phrases import maas
from maas_stream_lint.report.verdict import unseen
from maas_stream_lint.report.where import file_of

if TYPE_CHECKING:
    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Finding
    from maas_stream_lint.report.joining import Texts
    from maas_stream_lint.unread import Unread

_SEVERITIES = {
    Severity.FATAL: "blocker",
    Severity.IGNORED: "critical",
    Severity.UNUSABLE: "major",
    Severity.WARNING: "minor",
    Severity.INFO: "info",
}


def render(report: Report, threshold: Severity, style: Style) -> str:
    """The findings, as GitLab reads them."""
    marks = fingerprints(report.findings)
    unread = [_unread_issue(report, one) for one in unseen(report, threshold)]
    order = worst_first(report.findings)

    def made(most: int) -> str:
        kept = [_issue(report, report.findings[n], marks[n]) for n in sorted(order[:most])]
        rest = Rest([report.findings[number] for number in order[most:]])
        return as_json(unread + kept + ([_rest_issue(report, rest)] if rest.findings else []))

    return largest(len(order), made, len, CODE_QUALITY // style.sharing)


def join(texts: Texts) -> str:
    """One list with the issues of all sources."""
    return as_json([issue for issues in parsed(texts) for issue in issues])


def _unread_issue(report: Report, one: Unread) -> dict[str, Any]:
    return {
        "description": f"could not be read: {clean(one.message)} ({clean(one.remedy)})",
        "check_name": "not-read",
        "fingerprint": sha256(f"not-read:{clean(one.path)}".encode()).hexdigest(),
        "severity": "blocker",
        "location": {"path": clean(file_of(report, Place(one.path))), "lines": {"begin": 1}},
    }


def _rest_issue(report: Report, rest: Rest) -> dict[str, Any]:
    """How many findings are left out, as severe as the worst of them."""
    why = f"GitLab takes {CODE_QUALITY // 10**6} MB"
    return {
        "description": f"more-findings: {rest.in_words(report, why)}",
        "check_name": "more-findings",
        "fingerprint": sha256(f"more-findings:{clean(report.source)}".encode()).hexdigest(),
        "severity": _SEVERITIES[rest.worst],
        "location": {"path": clean(file_of(report, Place(""))), "lines": {"begin": 1}},
    }


def _issue(report: Report, finding: Finding, mark: str) -> dict[str, Any]:
    told = f"{finding.name}: {clean(finding.message)} [{maas(finding.maas)}]"
    return {
        "description": told,
        "check_name": finding.code,
        "fingerprint": mark,
        "severity": _SEVERITIES[finding.severity],
        "location": {
            "path": clean(file_of(report, finding.place)),
            "lines": {"begin": finding.place.line or 1},
        },
    }
