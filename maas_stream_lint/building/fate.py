"""The fate of a built product in MAAS: where it shows, which lines deploy it, and why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint import outcome
from maas_stream_lint.building import naming
from maas_stream_lint.output import printable_path
from maas_stream_lint.records import record
from maas_stream_lint.uses import simulate
from maas_stream_lint.uses.chosen_kernel import Machine, System
from maas_stream_lint.uses.kernel import GENERIC
from maas_stream_lint.uses.refusal import Refusal
from maas_stream_lint.uses.titles import heading, title

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from maas_stream_lint.api import Report
    from maas_stream_lint.building.parts import Product
    from maas_stream_lint.uses.simulation import Simulation


@record(frozen=True)
class Fate:
    """A product and its place in MAAS."""

    product: Product
    asked: tuple[str, ...]  #: release lines that were asked for
    refused: Mapping[str, str]  #: release line → why it does not deploy the product
    heading: str  #: the operating system below which the deploy form shows it, on the newest line
    title: str  #: what the deploy form calls it there

    @property
    def deploys(self) -> tuple[str, ...]:
        """The release lines that import the product and deploy it."""
        return tuple(line for line in self.asked if line not in self.refused)

    @property
    def objection(self) -> str | None:
        """Why some lines do not deploy it, in MAAS's words; ``None`` if all do."""
        if not self.refused:
            return None
        lines = list(self.refused)
        return f"MAAS {naming.span(lines)} does not deploy it: {self.refused[lines[0]]}"

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
            "title": self.title,
            "deploys": list(self.deploys),
            "notes": list(product.notes),
            "files": {file.path: file.sha256 for file in product.files},
        }


def fates(products: Sequence[Product], report: Report, today: date) -> tuple[Fate, ...]:
    """The fate of each product, from a check of its stream.

    ``today``: a release of Ubuntu has a title from the day on which its development began.
    """
    look = report.look
    rows = {row.product: row.outcomes for row in outcome.rows(look, report.facts)}
    simulations = simulate(look.traces, look.releases)
    newest, found = look.releases[-1], []
    for product in products:
        os, release, _ = product.key
        refused = {}
        for line, fate in zip(look.lines, rows[product.name], strict=True):
            why = _deployed(product, simulations[line]) or _imported(fate)
            if why is not None:
                refused[line] = why
        shown = heading(newest, os), title(newest, os, release, today)
        found.append(Fate(product, look.lines, refused, *shown))
    return tuple(found)


def _imported(fate: str) -> str | None:
    return None if fate == outcome.IMPORTED else outcome.MEANING[fate]


def _deployed(product: Product, simulation: Simulation | None) -> str | None:
    """Why MAAS does not deploy the product to a machine of its architecture, in MAAS's words.

    If the product has no kernel of its own, only curtin's part counts: MAAS boots the machine with
    another source's Ubuntu.
    """
    if simulation is None:
        return outcome.MEANING[outcome.FATAL]
    os, release, arch = product.key
    machine, system = Machine(arch, GENERIC), System(os, release)
    done = simulation.deploy(machine, system)
    if product.boot is not None:
        tried = simulation.commission(machine, system)
        refusal = done.refusal or tried.refusal
    else:
        refusal = done.curtin if isinstance(done.curtin, Refusal) else done.fetched
    return refusal.text if refusal is not None else None
