"""Release lines that import the same images in another order find the same obstacles.

MAAS looks for images by name and architecture. So the order of images that differ in these matters
only where one name or architecture starts with another.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

from maas_stream_lint.uses import alike
from maas_stream_lint.uses.chosen_kernel import UBUNTU

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    absent = {os for os in systems - {UBUNTU} if not stock.of_os(os)}
    unused = absent.union(() if stock.of_os("custom") else OF_CUSTOM)
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
    places = dict(zip(_in_order(ground.stock), _in_order(own), strict=True))
    moved = [one._replace(image=own.image(places[one.image.position])) for one in found]
    return sorted(moved, key=lambda obstacle: obstacle.image.position)


def _same_images(one: Stock, other: Stock) -> bool:
    """Whether two stocks have the same images, in the same order for each name and architecture."""
    size = len(one.rows)
    if size == 0 or size != len(other.rows) or one.nested or other.nested:
        return False
    orders = _in_order(one), _in_order(other)
    return len(orders[0]) == len(orders[1]) == size and (
        _columns(one, orders[0]) == _columns(other, orders[1])
    )


def _in_order(stock: Stock) -> list[int]:
    """The positions of images by name and architecture."""
    return [at for groups in stock.by_arch.values() for held in groups for at in held]


def _columns(stock: Stock, order: list[int]) -> list[Any]:
    """All that MAAS looks at when it uses images."""
    rows, pick = stock.rows, itemgetter(*order)
    told = {contents: (contents.label, contents.rows) for contents in set(rows.contents)}
    contents = list(map(told.__getitem__, rows.contents))
    columns: list[Sequence[Any]] = [rows.names, rows.arches, rows.subarches, rows.kflavors]
    return [pick(column) for column in (*columns, rows.rolling, contents, *rows.extra.values())]
