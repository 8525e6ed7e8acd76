"""What the rules are about: their list, and the page of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.report.plain import CODE, LABEL, SEVERITIES, TITLE, PlainPage, cells

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.api import Report
    from maas_stream_lint.output import Style
    from maas_stream_lint.rule import Rule

#: The width of a severity, and the indent of a title that has a line of its own.
_SEVERITY, _TITLE = 10, 20


def rules(known: Sequence[Rule], style: Style) -> str:
    """The list of rules, by level."""
    page = PlainPage(style)
    wide = max(len(rule.name) for rule in known) + 2
    level = ""
    for rule in known:
        if rule.level != level:
            page.line() if level else None
            page.line(rule.level, TITLE)
            level = rule.level
        label = rule.severity.label
        head = f"  {page.styled(rule.code, CODE)}  {page.styled(label, SEVERITIES[label])}"
        head += " " * (_SEVERITY - len(label)) + rule.name.ljust(wide)
        used = 4 + len(rule.code) + _SEVERITY + wide
        title = rule.page.title
        if used + cells(title) <= style.width:
            page.hung(head, title, used, used=used)
        else:
            page.verbatim(head)
            page.line(title, LABEL, indent=_TITLE)
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
            page.field(name * (not number), " ".join(paragraph.split()), width=6)
    page.line()
    page.line("for example", LABEL)
    for line in rule.page.example.splitlines():
        page.verbatim(" " * 6 + page.styled(line.rstrip(), CODE))
    if report is None:
        return page.text()
    from maas_stream_lint.report.explain import of_rule

    return page.text() + of_rule(rule, report, style)
