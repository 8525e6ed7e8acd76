"""The fate of each product on each release line, and the use of its images there."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from maas_stream_lint import outcome
from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.uses import simulate
from maas_stream_lint.uses.chosen_kernel import System
from maas_stream_lint.uses.service import Service, services
from maas_stream_lint.uses.simulation import Settings
from maas_stream_lint.uses.titles import heading, title

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from maas_stream_lint.finding import Finding
    from maas_stream_lint.look import Look
    from maas_stream_lint.rulebook import Release
    from maas_stream_lint.uses.simulation import Simulation
    from maas_stream_lint.uses.stock_image import Image


class Served(NamedTuple):
    """An image in use."""

    system: str  #: ``ubuntu/noble``
    architecture: str  #: ``amd64/ga-24.04``
    products: tuple[str, ...]
    heading: str  #: under which the UI lists its operating system
    title: str  #: what the UI calls its release
    services: tuple[Service, ...]  #: what each machine makes of it

    @property
    def called(self) -> str:
        """Where the UI offers it: heading and title."""
        return f"{self.heading} / {self.title}"


class Prospect(NamedTuple):
    """The fate of a product on a release line."""

    fate: str  #: one of ``outcome.MEANING``
    images: tuple[Served, ...]  #: that hold its files


class Row(NamedTuple):
    """A product."""

    file: str
    product: str
    prospects: tuple[Prospect, ...]  #: one for each release line that was asked for


class Column(NamedTuple):
    """Release lines that make the same of every product."""

    lines: tuple[str, ...]
    prospects: tuple[Prospect, ...]  #: one for each row


def simulated(look: Look) -> dict[str, Simulation | None]:
    """What each release line does with its imports, with the known settings."""
    settings = Settings()
    if look.commissioning is not None:
        settings = settings._replace(commissioning=System(*look.commissioning))
    return simulate(look.traces, look.releases, settings)


class Users:
    """The images that each release line imports, and what machines make of them."""

    def __init__(self, look: Look, machines: Sequence[str] = ()) -> None:
        """``machines``: ``amd64/generic``; with none, the one that can do most with an image."""
        self._look = look
        self._machines = machines
        self._simulations = simulated(look)
        self._today = date.today()
        self._services: dict[tuple[int, int], tuple[Service, ...]] = {}

    def images(self, line: str) -> tuple[Served, ...] | None:
        """All images for which there is a machine, sorted; ``None``: the import fails."""
        simulation = self._simulations[line]
        if simulation is None:
            return None
        release = self._release(line)
        made = (self._served(simulation, release, one) for one in simulation.stock.images)
        return tuple(sorted(one for one in made if one.services))

    def by_product(
        self, line: str, wanted: Collection[tuple[str, str]] | None = None
    ) -> dict[tuple[str, str], tuple[Served, ...]]:
        """The images by the file and name of each product that they hold files of.

        ``wanted``: the products to tell of; ``None``: all.
        """
        simulation = self._simulations[line]
        found: dict[tuple[str, str], list[Served]] = {}
        for image in simulation.stock.images if simulation is not None else ():
            assert simulation is not None
            owners = [own for own in image.products if wanted is None or own in wanted]
            if owners:
                served = self._served(simulation, self._release(line), image)
                for own in dict.fromkeys(owners):
                    found.setdefault(own, []).append(served)
        return {own: tuple(images) for own, images in found.items()}

    def _served(self, simulation: Simulation, release: Release, image: Image) -> Served:
        key = (id(simulation), image.position)
        if key not in self._services:
            self._services[key] = tuple(services(simulation, image, self._machines))
        row = image.resource
        return Served(
            row.name,
            row.architecture,
            tuple(simulation.stock.products(image)),
            heading(release, image.os),
            title(release, image.os, image.release, self._today),
            self._services[key],
        )

    def _release(self, line: str) -> Release:
        return next(release for release in self._look.releases if release.line == line)


def rows(look: Look, findings: tuple[Finding, ...], machines: Sequence[str] = ()) -> list[Row]:
    """Every product's prospects, in the stream's order.

    Bootloaders and products that are not imported have no images. Nor has any where the MAAS has
    other sources, since machines also use images of those.
    """
    users = Users(look, machines) if look.beside is None else None
    used = [users.by_product(line) if users is not None else {} for line in look.lines]
    return [
        Row(
            row.file,
            row.product,
            tuple(
                Prospect(fate, by_product.get((row.file, row.product), ()))
                for fate, by_product in zip(row.outcomes, used, strict=True)
            ),
        )
        for row in outcome.rows(look, findings)
    ]


def columns(look: Look, table: Sequence[Row]) -> list[Column]:
    """Release lines put together where they make the same of every product, oldest first."""
    found: dict[tuple[Prospect, ...], list[str]] = {}
    for position, line in enumerate(look.lines):
        found.setdefault(tuple(row.prospects[position] for row in table), []).append(line)
    return [Column(tuple(lines), prospects) for prospects, lines in found.items()]
