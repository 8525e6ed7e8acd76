"""What the rules are about: their list, and the page of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.documentation import rule_url
from maas_stream_lint.report.plain import CODE, LABEL, SEVERITIES, TITLE, PlainPage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.api import Report
    from maas_stream_lint.output import Style
    from maas_stream_lint.rule import Rule

#: The column of severities, the least one of titles, and the indent of a title on its own line.
_SEVERITY, _LEAST_TITLE, _INDENT = 10, 30, 20


def rules(known: Sequence[Rule], style: Style) -> str:
    """The rules as a table: code, worst severity, name and title, by level."""
    page = PlainPage(style)
    wide = max((len(rule.name) for rule in known), default=0) + 2
    level = ""
    for rule in known:
        if rule.level != level:
            page.line() if level else None
            page.line(rule.level, TITLE)
            level = rule.level
        label = rule.severity.label
        head = f"  {page.linked(rule.code, rule_url(rule.name), CODE)}  "
        head += page.styled(label, SEVERITIES[label]) + " " * (_SEVERITY - len(label))
        head += rule.name.ljust(wide)
        used = 4 + len(rule.code) + _SEVERITY + wide
        # Where there is no room beside the name, the title stands below it.
        if style.width - used < _LEAST_TITLE:
            page.verbatim(head)
            head, used = " " * _INDENT, _INDENT
        page.hung(head, rule.page.title, used, used=used)
    return page.text()


def rule_page(rule: Rule, report: Report | None, style: Style) -> str:
    """A rule's page, and what it finds in a stream."""
    page = PlainPage(style)
    label = rule.severity.label
    head = f"{page.styled(rule.code, CODE)} {page.styled(rule.name, TITLE)}"
    level = page.styled(f" · {rule.level} · ", LABEL)
    page.verbatim(head + level + page.styled(label, SEVERITIES[label]))
    page.line()
    page.line(rule.page.title, TITLE)
    for name, body in (
        ("MAAS", rule.page.maas),
        ("why", rule.page.why),
        ("fix", rule.page.fix),
    ):
        page.line()
        for number, paragraph in enumerate(body.split("\n\n")):
            page.steps(name * (not number), " ".join(paragraph.split()), width=6)
    page.line()
    page.line("for example", LABEL)
    for line in rule.page.example.splitlines():
        page.verbatim(" " * 6 + page.styled(line.rstrip(), CODE))
    if report is None:
        return page.text()
    from maas_stream_lint.report.explained import of_rule

    return page.text() + of_rule(rule, report, style)
