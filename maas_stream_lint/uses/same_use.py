"""Release lines that import the same images in another order find the same obstacles.

MAAS looks for images by name and architecture. So the order of images that differ in these matters
only where one name or architecture starts with another.
"""

from __future__ import annotations

from operator import eq, itemgetter
from typing import TYPE_CHECKING, Any

from maas_stream_lint.uses import alike
from maas_stream_lint.uses.chosen_kernel import UBUNTU

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from maas_stream_lint.uses.obstacles import Obstacle
    from maas_stream_lint.uses.simulation import Simulation
    from maas_stream_lint.uses.stock import Stock

#: Facts that matter only for images of os ``custom``.
OF_CUSTOM = ("custom-boots", "custom-os")
#: Facts by the system that they are about.
BY_SYSTEM = ("drivers", "titles", "release-titles")


def same_facts(one: Simulation, other: Simulation) -> bool:
    """Whether the facts of two simulations differ only for systems without images."""
    stock, releases = one.stock, (one.release, other.release)
    systems = {os for release in releases for fact in BY_SYSTEM for os in release.data[fact]}
    absent = systems - stock.oses - {UBUNTU}
    unused = absent.union(() if "custom" in stock.oses else OF_CUSTOM)
    return alike(*releases, but=unused)


def same_obstacles(
    simulation: Simulation, other: Simulation, found: Sequence[Obstacle]
) -> list[Obstacle] | None:
    """Those of another simulation, if its images are the same; ``None`` if they may differ.

    ``found``: the obstacles of the other one.
    """
    ground, own = other.ground, simulation.stock
    if (
        ground.known.asks_stream  # its list of available images has another order
        or any(obstacle.victims for obstacle in found)  # the first victim words the obstacle
        or not same_facts(simulation, other)
        or not _same_images(own, ground.stock)
    ):
        return None
    places = dict(zip(ground.stock.in_order, own.in_order, strict=True)) if found else {}
    moved = [one._replace(image=own.image(places[one.image.position])) for one in found]
    return sorted(moved, key=lambda obstacle: obstacle.image.position)


def _same_images(one: Stock, other: Stock) -> bool:
    """Whether two stocks have the same images, in the same order for each name and architecture."""
    size = len(one.rows)
    if size == 0 or size != len(other.rows) or one.nested or other.nested:
        return False
    if len(one.in_order) != size or len(other.in_order) != size:
        return False
    return all(map(eq, _columns(one), _columns(other)))


def _columns(stock: Stock) -> Iterator[Any]:
    """All that MAAS looks at when it uses images, in the same order of images."""
    rows, pick = stock.rows, itemgetter(*stock.in_order)
    told = {contents: (contents.label, contents.rows) for contents in set(rows.contents)}
    contents = list(map(told.__getitem__, rows.contents))
    columns: list[Sequence[Any]] = [rows.names, rows.arches, rows.subarches, rows.kflavors]
    return map(pick, (*columns, rows.rolling, contents, *rows.extra.values()))
