"""What becomes of a built product in MAAS: where it shows, which lines deploy it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maas_stream_lint import outcome
from maas_stream_lint.output import printable_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.api import Report
    from maas_stream_lint.building.parts import Product


@dataclass(frozen=True)
class Fate:
    """A product and its place in MAAS."""

    product: Product
    deploys: tuple[str, ...]  #: release lines that import it and deploy it
    asked: tuple[str, ...]  #: release lines that were asked for
    heading: str  #: the operating system below which the deploy form shows it

    def to_dict(self) -> dict[str, Any]:
        """The product and its place, for programs."""
        product = self.product
        return {
            "image": printable_path(product.image.path),
            "product": product.name,
            "version": product.version_name,
            "resource": f"{product.fields['os']}/{product.fields['release']}",
            "arch": product.fields["arch"],
            "heading": self.heading,
            "deploys": list(self.deploys),
            "notes": list(product.notes),
            "files": {file.path: file.sha256 for file in product.files},
        }


def fates(products: Sequence[Product], report: Report) -> tuple[Fate, ...]:
    """What becomes of each product, by a check of the stream that it is in."""
    rows = {row.product: row.outcomes for row in outcome.rows(report.look, report.facts)}
    lines = report.look.lines
    found = []
    for product in products:
        pairs = zip(lines, rows[product.name], strict=True)
        deploys = tuple(line for line, fate in pairs if fate == outcome.IMPORTED)
        found.append(Fate(product, deploys, lines, _heading(product, report)))
    return tuple(found)


def _heading(product: Product, report: Report) -> str:
    """What the driver of the os is called (``OperatingSystem.title``, drivers/osystem/*.py)."""
    os = product.fields["os"]
    titles = [release.data["titles"].get(os) for release in report.look.releases]
    return next((title for title in titles if title), os)
