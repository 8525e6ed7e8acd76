"""One line a finding, as compilers write them: for editors, ``grep`` and problem matchers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.finding import Place
from maas_stream_lint.output import Style, clean
from maas_stream_lint.report.joining import one_after_another
from maas_stream_lint.report.phrases import maas
from maas_stream_lint.report.verdict import unseen
from maas_stream_lint.report.where import file_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Finding, Severity
    from maas_stream_lint.report.joining import Texts
    from maas_stream_lint.unread import Unread


def render(report: Report, threshold: Severity, style: Style) -> Iterator[str]:
    """All findings, worst first; no line if there are none. ``style.quiet``: what fails alone."""
    yield from (_unread_line(report, one) for one in unseen(report, threshold))
    for finding in report.findings:
        if finding.severity >= threshold or not style.quiet:
            yield f"{line(report, finding)}\n"


def join(texts: Texts) -> Iterable[str]:
    """The lines of all reports: each says what it is about."""
    return one_after_another(texts)


def _unread_line(report: Report, one: Unread) -> str:
    at = f"{clean(file_of(report, Place(one.path)))}:1:1"
    return f"{at}: error: could not be read: {clean(one.message)} ({clean(one.remedy)})\n"


def line(report: Report, finding: Finding) -> str:
    """``file:line:column: CODE name: message [MAAS 2.9-3.7]``."""
    place = finding.place
    at = f"{clean(file_of(report, place))}:{place.line or 1}:{place.column or 1}"
    told = f"{finding.code} {finding.name}: {clean(finding.message)}"
    return f"{at}: {told} [{maas(finding.maas)}]"
