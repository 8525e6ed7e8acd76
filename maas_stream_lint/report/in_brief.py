"""Advice in brief: what costs nothing has one line a rule, and the codes lead to the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from maas_stream_lint import documentation
from maas_stream_lint.report.groups import merged
from maas_stream_lint.report.page import (
    CODE,
    LABEL,
    Page,
    brief,
    code,
    count,
    severity,
    span,
    styled,
)
from maas_stream_lint.rule_files import release_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Finding
    from maas_stream_lint.output import Style

#: So many codes, with the command before them, fit on a line of 80 columns.
_MOST_CODES = 7
_COMMAND = "maas-stream-lint explain"


def in_brief(
    found: Iterable[Finding],
    report: Report,
    style: Style,
    *,
    indent: int = 0,
    room: int | None = None,
) -> list[str]:
    """The lines that say what was found: one for each rule and severity, where it is short enough.

    ``room``: the most lines. The rules that there is no room for share the last one.
    """
    alike: dict[tuple[str, object], list[Finding]] = {}
    for finding in found:
        alike.setdefault((finding.code, finding.severity), []).append(finding)
    told = [_told(same, report, style, indent) for same in alike.values()]
    if room is None or sum(map(len, told)) <= room:
        return [line for lines in told for line in lines]
    shown: list[str] = []
    left = [*zip(alike.values(), told, strict=True)]
    while left and len(shown) + len(left[0][1]) < room:
        shown += left.pop(0)[1]
    names = ", ".join(f"{same[0].code} {same[0].name}" for same, _ in left)
    page = Page(style)
    told_later = severity(left[0][0][0].severity).append(f"  {names}")
    page.hung(told_later.append(" (in full: --verbose)", LABEL), Text(), 14)
    return [*shown, *page.text().splitlines()]


def _told(same: Sequence[Finding], report: Report, style: Style, indent: int) -> list[str]:
    first = same[0]
    page = Page(style)
    linked = page.linked(first.code, documentation.rule_url(first.name) or "", CODE)
    head = Text.assemble(" " * indent, severity(first.severity), "  ", linked, "  ")
    said = Text()
    if set(first.maas) != set(report.look.lines):
        said.append(f"MAAS {span(first.maas, release_lines())}: ", LABEL)
    products = {f.place.product: None for f in same if f.place.product is not None}
    message = brief(merged([f.message for f in same]))
    if len(products) > 1 or (products and not any(name in message for name in products)):
        said.append(f"{count(len(products), 'product')}: ", LABEL)
    said.append_text(code(message))
    page.hung(head, said, head.cell_len)
    return page.text().splitlines()


def write_explain(page: Page, findings: Iterable[Finding], style: Style) -> None:
    """Write the commands that show the pages of all codes, where the codes do not lead there."""
    if style.links and documentation.address():
        return
    codes = list(dict.fromkeys(finding.code for finding in findings))
    for number in range(0, len(codes), _MOST_CODES):
        head = styled("more  " if number == 0 else "      ", LABEL)
        some_codes = " ".join(codes[number : number + _MOST_CODES])
        page.verbatim(Text.assemble(head, (f"{_COMMAND} {some_codes}", CODE)))
