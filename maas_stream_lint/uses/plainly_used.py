"""Images that are obviously usable, so that the tool need not simulate their use.

The tool simulates all other images. A test checks that both ways find the same obstacles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.uses.kernel import GENERIC
from maas_stream_lint.uses.refusal import Refusal

if TYPE_CHECKING:
    from maas_stream_lint.uses.kernel import Names
    from maas_stream_lint.uses.simulation import Simulation
    from maas_stream_lint.uses.stock import Offer
    from maas_stream_lint.uses.stock_image import Contents

PRECISE = "precise"


def plainly_used(simulation: Simulation) -> set[int]:
    """The positions of images with which MAAS commissions and deploys some machine."""
    found: set[int] = set()
    guests: list[int] = []
    stock = simulation.stock
    for name, offer in stock.ubuntu:
        release = name.partition("/")[2]
        if offer.simple and _has_kernels(simulation, release, offer):
            positions = _found_first(simulation, name, offer)
            if release == PRECISE:
                guests += positions
            else:
                found.update(positions)
    for sort, held in stock.others.items():
        if _is_installable(simulation, *sort):
            found.update(held)
    # A machine boots the commissioning release to install this one.
    host = stock.named(str(simulation.settings.commissioning))
    if found.issuperset(host.positions):
        found.update(guests)
    return found


def _found_first(simulation: Simulation, name: str, offer: Offer) -> list[int]:
    """The positions of usual images that MAAS finds by their kernels before any other image.

    MAAS never lists incomplete images as kernels. They matter only if they claim to support the
    kernel of another image, and come first.
    """
    usual, rows = offer.usual, offer.rows
    if len(usual) == len(offer.positions):
        return usual
    known = set(usual)
    found = []
    for at in usual:
        first = simulation.stock.supporting(name, rows.arches[at], rows.subarches[at])
        if first is not None and first.position in known:
            found.append(at)
    return found


def _has_kernels(simulation: Simulation, release: str, offer: Offer) -> bool:
    """Whether all kernels are for generic machines, and as new as their release."""
    names = simulation.kernels.names
    if names not in offer.new:
        offer.new[names] = _are_new(names, release, offer.subarches)
    if not offer.new[names]:
        return False
    by_directory = simulation.release.use("commissions-with") == "platform"
    return not (by_directory or release == PRECISE) or offer.boots_generic


def _are_new(names: Names, release: str, subarches: set[str]) -> bool:
    """Whether all subarches are kernels for generic machines, as new as a release."""
    try:
        least = names.order(release)
        return all(names.is_generic(one) and names.order(one) >= least for one in subarches)
    except Refusal:
        return False


def _is_installable(simulation: Simulation, os: str, contents: Contents, subarch: str) -> bool:
    """Whether images of another system have one root that its driver takes, well named."""
    types = simulation.release.curtin_types.get(os)
    if types is None or os == "custom" or os in simulation.release.use("ephemeral"):
        return False
    taken = [(ftype, name) for ftype, name in contents.rows if ftype in types or name in types]
    named = len(taken) == 1 and taken[0][0] == taken[0][1]
    return named and subarch == GENERIC and bool(contents.label)
