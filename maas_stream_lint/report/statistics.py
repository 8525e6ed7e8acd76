"""How often each rule found something, for ``--statistics``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from maas_stream_lint import documentation
from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.report.page import CODE, severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.finding import Finding, Severity
    from maas_stream_lint.report.page import Page

#: The width of a severity, and of the blanks behind it.
_SEVERITY = 10


class Count(NamedTuple):
    """How many findings a rule has with one severity."""

    code: str
    name: str
    severity: Severity
    findings: int

    def to_dict(self) -> dict[str, Any]:
        """As ``rules/schemas/report.json`` has it."""
        return {**self._asdict(), "severity": self.severity.label}


def counts(found: Sequence[Finding]) -> list[Count]:
    """A count for each rule and severity: the worst first, then the most frequent."""
    alike: dict[tuple[Severity, str, str], int] = {}
    for finding in found:
        key = (finding.severity, finding.code, finding.name)
        alike[key] = alike.get(key, 0) + 1
    made = [Count(code, name, level, number) for (level, code, name), number in alike.items()]
    return sorted(made, key=lambda one: (-one.severity, -one.findings, one.code))


def write_statistics(page: Page, found: Sequence[Finding]) -> None:
    """Write a line for each count."""
    counted = counts(found)
    if counted:
        page.line()
    wide = max((len(f"{one.findings:,}") for one in counted), default=0)
    for one in counted:
        pad = " " * (_SEVERITY - len(one.severity.label))
        linked = page.linked(one.code, documentation.rule_url(one.name) or "", CODE)
        number = f"{one.findings:>{wide},}  "
        line = Text.assemble(number, severity(one.severity), pad, linked, f"  {one.name}")
        page.verbatim(line)
    page.line()
