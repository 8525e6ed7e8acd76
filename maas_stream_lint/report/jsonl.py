"""JSON Lines: a header, the findings one a line, a summary. Described in ``docs/json.md``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Severity
    from maas_stream_lint.output import Style


def render(report: Report, threshold: Severity, style: Style) -> Iterator[str]:
    """One line after the other; that the summary is there tells that nothing is missing."""
    said = report.to_dict(findings=False)
    yield _line("header", {"version": said["version"], "source": said["source"]})
    for finding in report.findings:
        yield _line("finding", finding.to_dict())
    yield _line("summary", said["summary"])


def _line(kind: str, data: dict[str, Any]) -> str:
    return json.dumps({"type": kind, **data}, allow_nan=False, separators=(",", ":")) + "\n"
