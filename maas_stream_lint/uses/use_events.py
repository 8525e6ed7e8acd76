"""What MAAS stumbles over when it uses images, as events at the products that cause it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.finding import Place
from maas_stream_lint.imports.trace import Event, Kind, Trace
from maas_stream_lint.uses.obstacles import obstacles
from maas_stream_lint.uses.same_use import same_facts, same_obstacles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.uses.obstacles import Obstacle
    from maas_stream_lint.uses.simulation import Simulation
    from maas_stream_lint.uses.stock_image import Image


def use_traces(uses: dict[str, Simulation | None], traces: Sequence[Trace]) -> list[Trace]:
    """One trace of events for the release lines that use the same images alike, oldest first.

    ``traces``: the imports. An image that is missing because of the import is no event of use.
    """
    stumbled: dict[str, set[tuple[str, str | None]]] = {}
    for imported in traces:
        stumbled.update(dict.fromkeys(imported.lines, _stumbled(imported)))
    made: list[tuple[Simulation, list[Obstacle], Trace]] = []
    for line, simulation in uses.items():
        if simulation is None:
            continue
        known = next((trace for other, _, trace in made if _alike(simulation, other)), None)
        if known is not None:
            known.lines = (*known.lines, line)
            continue
        same = (same_obstacles(simulation, other, found) for other, found, _ in made)
        found = next((known for known in same if known is not None), None)
        if found is None:
            found = obstacles(simulation)
        events = [_event(one) for one in found if _came_whole(one.image, stumbled[line])]
        made.append((simulation, found, Trace((line,), simulation.release.strict, events)))
    return [trace for *_, trace in made]


def _alike(one: Simulation, other: Simulation) -> bool:
    """Whether two simulations find the same obstacles at the same images."""
    return one is other or (one.ground is other.ground and same_facts(one, other))


def _stumbled(imported: Trace) -> set[tuple[str, str | None]]:
    """The products over which an import stumbles and goes on."""
    places = [e.place for e in imported.events if e.kind is not Kind.DROP]
    return {(place.file, place.product) for place in places}


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
