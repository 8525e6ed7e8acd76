"""What the images are good for: which machine commissions and deploys them, with what kernel."""

from __future__ import annotations

import itertools
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from rich.text import Text

from maas_stream_lint.report.page import (
    COLORS,
    GOOD,
    LABEL,
    TITLE,
    Page,
    brief,
    some,
    span,
    styled,
)
from maas_stream_lint.rulebook import all_releases
from maas_stream_lint.uses import simulate
from maas_stream_lint.uses.service import Service, services
from maas_stream_lint.uses.titles import heading, title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.look import Look


class Served(NamedTuple):
    """An image in use."""

    system: str  #: ``ubuntu/noble``
    architecture: str  #: ``amd64/ga-24.04``
    products: tuple[str, ...]
    heading: str
    title: str
    services: tuple[Service, ...]


def served(
    look: Look, machines: Sequence[str] = ()
) -> list[tuple[tuple[str, ...], tuple[Served, ...] | None]]:
    """The release lines that use the images alike, with every image; ``None``: no import."""
    found: dict[tuple[Served, ...] | None, tuple[str, ...]] = {}
    known: dict[tuple[int, int], tuple[Service, ...]] = {}
    simulations = simulate(look.traces, look.releases)
    today = date.today()
    for release in look.releases:
        simulation = simulations[release.line]
        made: list[Served] = []
        for image in simulation.stock.images if simulation is not None else ():
            assert simulation is not None
            key = (id(simulation), image.position)
            if key not in known:
                known[key] = tuple(services(simulation, image, machines))
            if known[key]:
                row = image.resource
                made.append(
                    Served(
                        row.name,
                        row.architecture,
                        tuple(simulation.stock.products(image)),
                        heading(release, image.os),
                        title(release, image.os, image.release, today),
                        known[key],
                    )
                )
        which = tuple(sorted(made)) if simulation is not None else None
        found[which] = (*found.get(which, ()), release.line)
    return [(lines, images) for images, lines in found.items()]


def write_served(page: Page, look: Look, machines: Sequence[str]) -> None:
    """The section on the use of the images."""
    page.line()
    page.line(styled("use of the images", TITLE))
    order = [release.line for release in all_releases()]
    for lines, images in served(look, machines):
        page.line()
        head = styled("MAAS ", LABEL)
        head.append(span(lines, order), TITLE)
        page.line(head)
        if not images:
            page.line(styled(_nothing(images, machines), LABEL), indent=2)
        for _, alike in itertools.groupby(images or (), key=lambda one: one.system):
            _write_system(page, list(alike))


def _write_system(page: Page, images: list[Served]) -> None:
    """The images of an operating system's release."""
    first = images[0]
    told = Text(brief(first.system))
    told.append(", in the UI: ", LABEL)
    told.append(f"{brief(first.heading)} / {brief(first.title)}")
    page.line(told, indent=2, hang=4)
    for one in images:
        told = Text(some([brief(name) for name in one.products]))
        told.append(" as ", LABEL)
        told.append(brief(one.architecture))
        page.line(told, indent=4, hang=6)
        for service in one.services:
            words = styled(f"{service.machine} ", LABEL)
            words.append(brief(service.words), GOOD if service.good else COLORS["unusable"])
            page.line(words, indent=6, hang=8)


def _nothing(images: tuple[Served, ...] | None, machines: Sequence[str]) -> str:
    if images is None:
        return "none: the import fails"
    return "none for these machines" if machines else "none"
