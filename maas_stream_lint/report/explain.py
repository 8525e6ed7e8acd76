"""What a rule is about, and what a stream has to do with the lines of a log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from maas_stream_lint.documentation import rule_url
from maas_stream_lint.logs.instream import judged
from maas_stream_lint.output import Style, clean
from maas_stream_lint.report.entry import Entries
from maas_stream_lint.report.groups import sections
from maas_stream_lint.report.page import (
    CODE,
    LABEL,
    TITLE,
    Page,
    brief,
    code,
    severity,
    span,
    styled,
)
from maas_stream_lint.rule_files import release_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Finding
    from maas_stream_lint.logs.tally import Entry, Tally
    from maas_stream_lint.rule import Rule


#: The column of severities, and the least one of titles.
_SEVERITY_WIDE, _LEAST_TITLE = 10, 30


def rules(known: Sequence[Rule], style: Style) -> str:
    """The rules as a table: code, worst severity, name and title, by level."""
    page = Page(style)
    name_wide = max((len(rule.name) for rule in known), default=0)
    level = ""
    for rule in known:
        if rule.level != level:
            page.line() if level else None
            page.line(styled(rule.level, TITLE))
            level = rule.level
        label = rule.severity.label
        head = Text.assemble("  ", page.linked(rule.code, rule_url(rule.name) or "", CODE), "  ")
        head.append_text(severity(rule.severity))
        head.append(" " * (_SEVERITY_WIDE - len(label)) + f"{rule.name:<{name_wide}}  ")
        # Where there is no room beside the name, the title stands below it.
        if page.width - head.cell_len < _LEAST_TITLE:
            page.line(head)
            head = Text(" " * 20)
        page.hung(head, code(rule.page.title), head.cell_len)
    return page.text()


def rule_page(rule: Rule, report: Report | None, style: Style) -> str:
    """A rule's page, and what it finds in a stream."""
    page = Page(style)
    head = styled(f"{rule.code} ", CODE)
    head.append(rule.name, TITLE)
    head.append(f" · {rule.level} · ", LABEL)
    head.append_text(severity(rule.severity))
    page.line(head)
    page.line()
    page.line(code(rule.page.title, TITLE))
    for label, body in (
        ("MAAS", rule.page.maas),
        ("why", rule.page.why),
        ("fix", rule.page.fix),
    ):
        page.line()
        for number, paragraph in enumerate(body.split("\n\n")):
            page.field(label * (not number), " ".join(paragraph.split()), indent=0, width=6)
    page.line()
    page.line(styled("for example", LABEL))
    for line in rule.page.example.splitlines():
        page.line(styled(line.rstrip(), CODE), indent=6)
    if report is not None:
        _of_rule(page, rule, report)
    return page.text()


def _of_rule(page: Page, rule: Rule, report: Report) -> None:
    """What a rule finds; of a root URL as given, and by its index."""
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
    else:
        told.append(": not predicted, as only the import of metadata is simulated")
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
