"""Both readings of a root URL that has only the plain index: as given, and by its index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.output import clean
from maas_stream_lint.report.page import LABEL, TITLE, styled
from maas_stream_lint.report.text import fates, fates_told

if TYPE_CHECKING:
    from maas_stream_lint.api import Report
    from maas_stream_lint.report.page import Page

#: The rule on such a URL.
RULE = "no-signed-index"


def write_as_given(page: Page, report: Report) -> Report:
    """Write what MAAS does with such a URL as given, and a heading for the other reading.

    Returns the report that follows: the one by the plain index. For all other sources it returns
    the same report and writes nothing.
    """
    other = report.by_plain_index
    if other is None:
        return report
    page.line()
    page.line(styled("as given", TITLE))
    fates(page, report)
    remedy = next((f.remedy for f in report.facts if f.name == RULE), None)
    if remedy is not None:
        page.field("fix", remedy, indent=0, width=5)
    page.line()
    page.hung(styled("with ", LABEL), styled(clean(other.source), TITLE), 5)
    return other


def as_given_told(report: Report) -> tuple[list[tuple[str, str]], Report]:
    """The same for other formats: what MAAS does with such a URL, and the report that follows."""
    other = report.by_plain_index
    return ([], report) if other is None else (fates_told(report), other)
