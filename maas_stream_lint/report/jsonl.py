"""JSON Lines: a header, the findings one a line, a summary. Described in ``docs/json.md``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from maas_stream_lint.report.joining import one_after_another
from maas_stream_lint.report.stamp import stamped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Severity
    from maas_stream_lint.output import Style
    from maas_stream_lint.report.joining import Texts


def render(report: Report, threshold: Severity, style: Style) -> Iterator[str]:
    """One line after another. The summary comes last: without it the output is cut."""
    said = report.to_dict(findings=False)
    header = {"version": said["version"], "source": said["source"]}
    yield _line("header", stamped(header, style))
    for finding in report.findings:
        yield _line("finding", finding.to_dict())
    yield _line("summary", said["summary"])


def join(texts: Texts) -> Iterable[str]:
    """The lines of all reports: each says what it is about."""
    return one_after_another(texts)


def _line(kind: str, data: dict[str, Any]) -> str:
    return json.dumps({"type": kind, **data}, allow_nan=False, separators=(",", ":")) + "\n"
