"""One question on one screen: does a machine deploy this, and if not, what stops it first?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.errors import UsageError
from maas_stream_lint.finding import Severity
from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.prospect import simulated
from maas_stream_lint.uses.service import Service, services

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Finding
    from maas_stream_lint.model import Product
    from maas_stream_lint.uses.simulation import Simulation

MOST = 4


class Wanted(NamedTuple):
    """What the user wants to deploy."""

    os: str
    release: str
    arch: str

    def __str__(self) -> str:
        """As it was asked for."""
        return "/".join(self)


class Answer(NamedTuple):
    """The answer for a release line."""

    yes: bool
    words: str
    finding: Finding | None  #: that tells what is in the way

    def to_dict(self) -> dict[str, Any]:
        """In the form of ``rules/schemas/wanted.json``."""
        finding = self.finding.to_dict() if self.finding is not None else None
        return {"deploys": self.yes, "told": self.words, "finding": finding}


def parsed(text: str) -> Wanted:
    """``ubuntu/jammy/amd64``. Raises UsageError where it is something else."""
    parts = text.split("/")
    if len(parts) != 3 or not all(parts):
        raise UsageError(f"not OS/RELEASE/ARCH: {text!r}", "write ubuntu/jammy/amd64")
    return Wanted(*parts)


def answers(
    report: Report, wanted: Wanted, machines: Sequence[str] = ()
) -> list[tuple[tuple[str, ...], Answer]]:
    """The release lines with one answer, with that answer."""
    look = report.look
    products = [product for product in look.catalog.products if _fits(product, wanted)]
    simulations = simulated(look)
    found: dict[Answer, tuple[str, ...]] = {}
    for line in look.lines:
        answer = _answer(report, simulations[line], line, wanted, products, machines)
        found[answer] = (*found.get(answer, ()), line)
    return [(lines, answer) for answer, lines in found.items()]


def _fits(product: Product, wanted: Wanted) -> bool:
    said = (product.os, product.get("release"), product.get("arch"))
    return product.image and said == tuple(wanted)


def _answer(
    report: Report,
    simulation: Simulation | None,
    line: str,
    wanted: Wanted,
    products: list[Product],
    machines: Sequence[str],
) -> Answer:
    if simulation is None:
        finding = _first(report, line, Severity.FATAL, None)
        return Answer(False, "the import fails, so that MAAS gets no image", finding)
    images = [
        image
        for image in simulation.stock.named(f"{wanted.os}/{wanted.release}")
        if image.arch == wanted.arch
    ]
    made = [one for image in images for one in services(simulation, image, machines)]
    finding = _first(report, line, Severity.UNUSABLE, products)
    fine = [one for one in made if one.deploying is None]
    if fine:
        return _yes(min(fine, key=_misses), finding)
    if made:
        return Answer(False, f"imported, but {made[0].machine} {made[0].words}", finding)
    if images:
        return Answer(False, f"none of these machines is {wanted.arch}", None)
    if products:
        return Answer(False, "MAAS does not import it", finding)
    return Answer(False, f"the stream has no such product{_instead(report, wanted)}", None)


def _misses(service: Service) -> tuple[bool, bool]:
    return service.unasked is not None, service.commissioning is not None


def _yes(service: Service, finding: Finding | None) -> Answer:
    told = f"{service.machine} {service.deployed}"
    if service.unasked is not None:
        told += f", but only if a user chooses it; otherwise: {service.unasked}"
        return Answer(True, told, finding)
    if service.commissioning is None:
        return Answer(True, f"{service.machine} {service.words}", None)
    told += f"; it does not commission with this: {service.commissioning}"
    return Answer(True, told, None)


def _first(
    report: Report, line: str, least: Severity, products: list[Product] | None
) -> Finding | None:
    """The worst finding on a line, among those on the products that are wanted or on no product."""
    known = None if products is None else {(p.file.path, p.name) for p in products}
    fitting = [
        finding
        for finding in report.facts
        if line in finding.maas
        and finding.severity >= least
        and (
            known is None
            or finding.place.product is None
            or any((place.file, place.product) in known for place in finding.places)
        )
    ]
    return max(fitting, key=lambda finding: finding.severity, default=None)


def _instead(report: Report, wanted: Wanted) -> str:
    """What the stream has of the same system."""
    said = [
        (p.os, p.get("release") or "", p.get("arch") or "")
        for p in report.look.catalog.products
        if p.image
    ]
    near = [one for one in said if one[:2] == wanted[:2]] or [o for o in said if o[0] == wanted.os]
    names = list(dict.fromkeys("/".join(one) for one in near or said))
    if not names:
        return ""
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return f"; it has {', '.join(names[:MOST])}{more}"
