"""What a stream has to do with a rule, or with the lines of a log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from maas_stream_lint.logs.instream import judged
from maas_stream_lint.output import Style, clean
from maas_stream_lint.report.entry import Entries
from maas_stream_lint.report.groups import sections
from maas_stream_lint.report.page import (
    LABEL,
    TITLE,
    Page,
    brief,
    code,
    span,
    styled,
)
from maas_stream_lint.rule_files import release_lines

if TYPE_CHECKING:
    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Finding
    from maas_stream_lint.logs.tally import Entry, Tally
    from maas_stream_lint.rule import Rule


def of_rule(rule: Rule, report: Report, style: Style) -> str:
    """What a rule finds in a stream; of a root URL as given, and by its index."""
    page = Page(style)
    _of_rule(page, rule, report)
    return page.text()


def _of_rule(page: Page, rule: Rule, report: Report) -> None:
    found, other = _found(rule, report), report.by_plain_index
    if other is not None:
        page.line()
        page.hung(styled("as given ", LABEL), styled(clean(report.source), TITLE), 9)
    _findings(page, found, report)
    if other is not None:
        page.line()
        page.hung(styled("with ", LABEL), styled(clean(other.source), TITLE), 5)
        if _found(rule, other) == found:
            page.line("as above" if found else "No finding in this stream causes it.")
        else:
            _findings(page, _found(rule, other), other)


def _found(rule: Rule, report: Report) -> list[Finding]:
    return [finding for finding in report.findings if finding.code == rule.code]


def in_stream(answer: Tally, report: Report, style: Style) -> str:
    """What a stream has to do with each message of a log; a root URL also by its index."""
    page = Page(style)
    readings = [one for one in (report, report.by_plain_index) if one is not None]
    for entry in answer.entries:
        for reading in readings if not entry.under else ():
            page.line()
            _in_stream(page, entry, reading, alone=len(readings) == 1)
    return page.text()


def _in_stream(page: Page, entry: Entry, report: Report, *, alone: bool) -> None:
    """What one reading has to do with a message. ``alone``: whether there is no other reading."""
    found = judged(entry, report)
    told = Text.assemble((clean(report.source), TITLE))
    if found.lines:
        told.append(f": predicted here for MAAS {span(found.lines, release_lines())}")
    elif found.predictable and alone:
        told.append(": not predicted here, so the cause is not in this stream")
    elif found.predictable:
        told.append(": not predicted with this URL")
    elif found.used:
        told.append(": not predicted for machines that these images are for")
    else:
        told.append(": not predicted, as only the import of metadata and the use of images are")
    page.line(told)
    page.line(code(brief(entry.match.text), LABEL), indent=2)
    _findings(page, [*found.findings], report, quiet=not entry.match.message.lost)


def _findings(page: Page, found: list[Finding], report: Report, *, quiet: bool = False) -> None:
    if not found:
        page.line("" if quiet else "No finding in this stream causes it.")
    else:
        page.line()
    entries = Entries(page, report)
    for section in sections(found):
        page.line(styled(clean(section.title), TITLE))
        entries.write_all(section)
