"""What findings on a product mean to a MAAS that does not select it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.collect import findings
from maas_stream_lint.finding import Severity
from maas_stream_lint.quoting import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from maas_stream_lint.finding import Finding
    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Product
    from maas_stream_lint.rule import Rule

NOBODY = "no selection takes the product, so nothing is lost"
#: So many products are named of those that a fault of another costs.
_NAMED = 2


def judged(look: Look, rules: Sequence[Rule]) -> tuple[Finding, ...]:
    """What rules find, worst first, and what that is worth to a MAAS with its selections."""
    return tuple(lower_unselected(findings(look, rules), look))


def lower_unselected(found: Iterable[Finding], look: Look) -> list[Finding]:
    """The findings; a finding on a product that no selection takes is lowered to ``info``.

    A finding keeps its severity if it also costs selected products, and says which. A fatal finding
    ends the import of these, and a file may belong to several products.
    """
    if look.selections is None:
        return list(found)
    told = [part for finding in found for part in _parts(finding, look)]
    return sorted(told, key=lambda finding: -finding.severity)


def _parts(finding: Finding, look: Look) -> Iterator[Finding]:
    """A finding on the lines that select one of its products, and on those that do not."""
    product = look.catalog.product(finding.place)
    if product is None or finding.severity is Severity.INFO:
        yield finding
        return
    own = look.selected_on(product)
    if finding.severity is Severity.FATAL:
        yield from _fatal(finding, own, look)
        return
    others = _other_products(finding, product, look)
    selecting = {*own, *(line for other in others for line in look.selected_on(other))}
    taken = finding.on(selecting)
    if taken is not None:
        yield taken if set(taken.maas) & set(own) else _costing(taken, others, look)
    passed_over = finding.on([line for line in finding.maas if line not in selecting])
    if passed_over is not None:
        yield passed_over._replace(severity=Severity.INFO, effect=NOBODY, passed_over=True)


def _fatal(finding: Finding, own: Sequence[str], look: Look) -> Iterator[Finding]:
    """What ends the import of a source, whether its own product is selected or not."""
    if set(own) & set(finding.maas):
        yield finding
        return
    yield _costing(finding, look.selected, look)


def _costing(finding: Finding, lost: Sequence[Product], look: Look) -> Finding:
    """The finding on a product that no selection takes, with those that pay for it."""
    lines = set(finding.maas)
    names = [quoted(p.name) for p in lost if lines & set(look.selected_on(p))]
    if not names:
        return finding
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    whom = f"it costs the selected {', '.join(names[:_NAMED])}{more}"
    told = f"no selection takes this product, but {whom}"
    return finding._replace(effect=f"{finding.effect}; {told}" if finding.effect else told)


def _other_products(finding: Finding, product: Product, look: Look) -> list[Product]:
    found = {look.catalog.product(place) for place in finding.places[1:]}
    return [other for other in found if other is not None and other is not product]
