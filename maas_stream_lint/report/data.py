"""Plain data for programs, as JSON; the forms are described in ``rules/schemas/``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maas_stream_lint.api import Report
    from maas_stream_lint.logs.instream import InStream
    from maas_stream_lint.logs.tally import Tally
    from maas_stream_lint.rule import Rule


def as_json(data: Any) -> str:
    """JSON in ASCII: whatever a stream holds, it can be piped and shown anywhere."""
    return json.dumps(data, indent=2, allow_nan=False) + "\n"


def rules(known: Iterable[Rule]) -> dict[str, Any]:
    """The list of rules."""
    return {
        "version": 1,
        "rules": [
            {
                "code": rule.code,
                "name": rule.name,
                "severity": rule.severity.label,
                "level": rule.level,
                "title": rule.page.title,
            }
            for rule in known
        ],
    }


def rule_pages(known: Iterable[Rule], report: Report | None = None) -> dict[str, Any]:
    """The pages of some rules, and, if a stream was checked, what each finds in it."""
    wanted = [*known]
    pages = [
        {
            **entry,
            "maas": rule.page.maas,
            "why": rule.page.why,
            "fix": rule.page.fix,
            "example": rule.page.example,
            **_found(rule, report),
        }
        for entry, rule in zip(rules(wanted)["rules"], wanted, strict=True)
    ]
    return {"version": 1, "rules": pages}


def _found(rule: Rule, report: Report | None) -> dict[str, Any]:
    if report is None:
        return {}
    of_rule = [one.to_dict() for one in report.findings if one.code == rule.code]
    other = report.by_plain_index
    more = {} if other is None else {"with_index": {"source": other.source, **_found(rule, other)}}
    return {"findings": of_rule, **more}


def answer(made: Tally, report: Report | None) -> dict[str, Any]:
    """What lines of a log mean, and, if a stream was checked, what it has to do with each."""
    told = {"version": 1, **made.to_dict()}
    if report is not None:
        from maas_stream_lint.logs.instream import judged

        other = report.by_plain_index
        for entry, said in zip(made.entries, told["messages"], strict=True):
            said.update(_in_stream(judged(entry, report)))
            if other is not None:
                found = _in_stream(judged(entry, other))
                said["with_index"] = {"source": other.source, **found}
    return told


def _in_stream(found: InStream) -> dict[str, Any]:
    return {
        "predicted": list(found.lines),
        "findings": [finding.to_dict() for finding in found.findings],
    }
