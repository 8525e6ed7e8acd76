"""JSON: the report as a whole. Described in ``docs/json.md`` and ``rules/schemas/report.json``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.report.data import as_json
from maas_stream_lint.report.stamp import stamped

if TYPE_CHECKING:
    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Severity
    from maas_stream_lint.output import Style
    from maas_stream_lint.report.joining import Texts


def render(report: Report, threshold: Severity, style: Style) -> str:
    """The report as one object. With ``style.statistics``, counts stand for the findings."""
    data = report.to_dict(findings=not style.statistics)
    if style.statistics:
        from maas_stream_lint.report.statistics import counts

        data["statistics"] = [one.to_dict() for one in counts(report.findings)]
    return as_json(stamped(data, style))


def join(texts: Texts) -> str:
    """A list of the reports."""
    from maas_stream_lint.report.joining import parsed

    return as_json(parsed(texts))
