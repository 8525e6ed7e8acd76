"""Images that are obviously usable, so that the tool need not simulate their use.

The tool simulates all other images. A test checks that both ways find the same obstacles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.uses.kernel import GENERIC

if TYPE_CHECKING:
    from maas_stream_lint.uses.simulation import Simulation
    from maas_stream_lint.uses.stock import Offer
    from maas_stream_lint.uses.stock_image import Contents

PRECISE = "precise"


def plainly_used(simulation: Simulation) -> set[int]:
    """The positions of images with which MAAS commissions and deploys some machine."""
    found: set[int] = set()
    guests: dict[str, list[int]] = {}
    hosts: set[str] = set()
    stock, host = simulation.stock, str(simulation.settings.commissioning)
    for name, offer in stock.ubuntu:
        release, arch = name.partition("/")[2], stock.rows.arches[offer.positions[0]]
        if offer.simple and _has_kernels(simulation, release, offer):
            positions = _found_first(simulation, name, offer)
            if release == PRECISE:
                guests[arch] = positions
            else:
                found.update(positions)
            if name == host:
                hosts.add(arch)
    for sort, held in stock.others.items():
        if _is_installable(simulation, *sort):
            found.update(held)
    # To install these, a machine boots the commissioning release, whose kernels MAAS must know.
    for arch, positions in guests.items():
        if arch in hosts or not stock.starting_with(host, arch):
            found.update(positions)
    return found


def _found_first(simulation: Simulation, name: str, offer: Offer) -> list[int]:
    """The positions of usual images that MAAS finds by their kernels before any other image.

    MAAS never lists incomplete images as kernels. They matter only if they claim to support the
    kernel of another image, and come first.
    """
    usual, stock = offer.usual, simulation.stock
    known, arches, subarches = set(usual), offer.rows.arches, offer.rows.subarches
    claimed: dict[str, int] = {}  # kernel → the first other image that claims to support it
    for other in offer.positions:
        if other not in known:
            for text in stock.image(other).supports:
                claimed.setdefault(text, other)

    def comes_first(at: int) -> bool:
        if claimed.get(subarches[at], at) >= at:
            return True
        first = stock.supporting(name, arches[at], subarches[at])
        return first is not None and first.position in known

    return list(filter(comes_first, usual)) if claimed else usual


def _has_kernels(simulation: Simulation, release: str, offer: Offer) -> bool:
    """Whether all kernels are for generic machines, and as new as their release."""
    if not simulation.kernels.names.are_new(offer.subarches, release):
        return False
    by_directory = simulation.release.use("commissions-with") == "platform"
    return not (by_directory or release == PRECISE) or offer.boots_generic


def _is_installable(simulation: Simulation, os: str, contents: Contents, subarch: str) -> bool:
    """Whether images of another system have one root that its driver takes, well named."""
    types = simulation.release.curtin_types.get(os)
    if types is None or os == "custom" or os in simulation.release.use("ephemeral"):
        return False
    taken = [(ftype, name) for ftype, name in contents.rows if ftype in types or name in types]
    named = len(taken) == 1 and taken[0][0] == taken[0][1]
    return named and subarch == GENERIC and bool(contents.label)
