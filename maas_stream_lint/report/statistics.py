"""How often each rule found something, for ``--statistics``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from maas_stream_lint import documentation
from maas_stream_lint.report.page import CODE, severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.finding import Finding
    from maas_stream_lint.report.page import Page

#: The width of a severity, and of the blanks behind it.
_SEVERITY = 10


def write_statistics(page: Page, found: Sequence[Finding]) -> None:
    """Write a line for each rule and severity: how many findings, on how many products."""
    alike: dict[tuple[int, str], list[Finding]] = {}
    for finding in found:
        alike.setdefault((-finding.severity, finding.code), []).append(finding)
    if alike:
        page.line()
    wide = max((len(f"{len(same):,}") for same in alike.values()), default=0)
    ordered = sorted(alike.items(), key=lambda pair: (pair[0][0], -len(pair[1]), pair[0][1]))
    for _, same in ordered:
        first = same[0]
        pad = " " * (_SEVERITY - len(first.severity.label))
        linked = page.linked(first.code, documentation.rule_url(first.name) or "", CODE)
        number = f"{len(same):>{wide},}  "
        line = Text.assemble(number, severity(first.severity), pad, linked, f"  {first.name}")
        page.verbatim(line)
    page.line()
