"""Workflow commands: what GitHub Actions shows beside the lines of a pull request.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.finding import Severity
from maas_stream_lint.output import Style, clean
from maas_stream_lint.report.groups import sections
from maas_stream_lint.report.joining import one_after_another
from maas_stream_lint.report.phrases import brief, count, maas, some
from maas_stream_lint.report.verdict import unread
from maas_stream_lint.report.where import file_of, is_remote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from maas_stream_lint.api import Report
    from maas_stream_lint.report.groups import Entry
    from maas_stream_lint.report.joining import Texts

#: The most bytes of a step's summary: GitHub takes 1 MiB.
MAX_SUMMARY = 1_000_000


def render(report: Report, threshold: Severity, style: Style) -> Iterator[str]:
    """One annotation for like findings: GitHub shows ten of each kind for a step."""
    for one in unread(report, threshold):
        told = _data(f"{clean(one.path)}: {clean(one.message)}\nfix: {clean(one.remedy)}")
        yield f"::error title=could not be read::{told}\n"
    for section in sections(report.findings):
        for entry in section.entries:
            yield annotation(report, entry)


def join(texts: Texts) -> Iterable[str]:
    """The lines of all reports: each says what it is about."""
    return one_after_another(texts)


def annotation(report: Report, entry: Entry) -> str:
    """``::error file=…,line=…,col=…,title=…::message`` on a line of its own."""
    finding = entry.first
    place = finding.place
    where = {"line": place.line or 1, "col": place.column or 1}
    title = f"{finding.code} {finding.name} [{maas(finding.maas)}]"
    # GitHub has no lines of a server's file to point at.
    at = {} if is_remote(report) else {"file": clean(file_of(report, place)), **where}
    told = ",".join(f"{name}={_property(str(v))}" for name, v in {**at, "title": title}.items())
    return f"::{_kind(finding.severity)} {told}::{_data(_message(report, entry))}\n"


def guarded(text: str, token: str) -> str:
    """A text that GitHub shows as it is, whatever commands an untrusted stream puts into it."""
    return f"::stop-commands::{token}\n{text}::{token}::\n"


def summary(report: Report, threshold: Severity, room: int = MAX_SUMMARY) -> str:
    """The job summary, no longer than GitHub accepts."""
    from maas_stream_lint.report import markdown

    told = markdown.render(report, threshold, Style())
    if len(told.encode()) <= room:
        return told
    return markdown.render(report, threshold, Style(), findings=False)


def _message(report: Report, entry: Entry) -> str:
    finding = entry.first
    lines = [clean(entry.message)]
    if is_remote(report):
        lines.append(f"in {clean(file_of(report, finding.place))}, line {finding.place.line or 1}")
    if len(entry.findings) > 1 and entry.products:
        told = some([brief(name) for name in entry.products])
        lines.append(f"{count(len(entry.products), 'product')}: {told}")
    if finding.effect:
        lines.append(f"MAAS {clean(finding.effect)}")
    if finding.log:
        lines.append(f"log: {brief(finding.log)}")
    return "\n".join([*lines, f"fix: {clean(finding.remedy)}"])


def _kind(severity: Severity) -> str:
    if severity >= Severity.UNUSABLE:
        return "error"
    return "warning" if severity is Severity.WARNING else "notice"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
