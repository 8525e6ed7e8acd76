"""What findings on a product mean to a MAAS that does not select it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from maas_stream_lint.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from maas_stream_lint.finding import Finding
    from maas_stream_lint.look import Look

NOBODY = "no selection takes the product, so nothing is lost"


def lower_unselected(findings: Iterable[Finding], look: Look) -> list[Finding]:
    """The findings, those lowered to ``info`` that are on a product which no selection takes.

    What costs others stays what it is: a fatal finding ends the import of selected products, too.
    """
    if look.selections is None:
        return list(findings)
    told = [part for finding in findings for part in _parts(finding, look)]
    return sorted(told, key=lambda finding: -finding.severity)


def _parts(finding: Finding, look: Look) -> Iterator[Finding]:
    """A finding on the lines that select its product, and on those that do not."""
    product = look.catalog.product(finding.place)
    if product is None or finding.severity in (Severity.FATAL, Severity.INFO):
        yield finding
        return
    selecting = look.selected_on(product)
    taken = finding.on(selecting)
    if taken is not None:
        yield taken
    passed_over = finding.on([line for line in finding.maas if line not in selecting])
    if passed_over is not None:
        yield replace(passed_over, severity=Severity.INFO, effect=NOBODY)
