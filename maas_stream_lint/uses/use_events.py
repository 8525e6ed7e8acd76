"""What MAAS stumbles over when it uses images, as events at the products that cause it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.finding import Place
from maas_stream_lint.imports.trace import Event, Kind, Trace
from maas_stream_lint.uses.obstacles import obstacles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.uses.obstacles import Obstacle
    from maas_stream_lint.uses.simulation import Simulation
    from maas_stream_lint.uses.stock_image import Image


def use_traces(uses: dict[str, Simulation | None], traces: Sequence[Trace]) -> list[Trace]:
    """One trace of events for the release lines that share a simulation, oldest first.

    ``traces``: the imports. An image that is missing because of the import is no event of use.
    """
    by_line = {line: trace for trace in traces for line in trace.lines}
    made: dict[int, Trace] = {}
    for line, simulation in uses.items():
        if simulation is None:
            continue
        known = made.get(id(simulation))
        if known is not None:
            known.lines = (*known.lines, line)
            continue
        imported = by_line[line]
        stumbled = {
            (e.place.file, e.place.product) for e in imported.events if e.kind is not Kind.DROP
        }
        events = [
            _event(obstacle)
            for obstacle in obstacles(simulation)
            if _came_whole(obstacle.image, stumbled)
        ]
        made[id(simulation)] = Trace((line,), imported.strict, events)
    return list(made.values())


def _came_whole(image: Image, stumbled: set[tuple[str, str | None]]) -> bool:
    """Whether the import stored files of an image, and has no event for its products.

    If the import stored no file, it has an event that says so.
    """
    products = image.products
    return bool(products) and stumbled.isdisjoint(products)


def products_of(image: Image) -> list[Place]:
    """The products whose files an image holds."""
    return [Place(file, ("products", name)) for file, name in image.products]


def _event(obstacle: Obstacle) -> Event:
    place, *others = products_of(obstacle.image)
    victims = [place for image in obstacle.victims for place in products_of(image)]
    values = {
        **obstacle.values,
        "image": obstacle.image,
        "commissions": obstacle.commissions,
        "kernel": obstacle.refusal.kernel,
        "text": obstacle.refusal.text,
        "raised": obstacle.refusal.cause,
        "also": tuple(dict.fromkeys((*others, *victims))),
    }
    refusal = obstacle.refusal
    return Event(obstacle.cause, Kind.USE, place, "use", refusal.exception, refusal.log, values)
