"""Images that are obviously usable, so that the tool need not simulate their use.

The tool simulates all other images. A test checks that both ways find the same obstacles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.uses.kernel import GENERIC
from maas_stream_lint.uses.refusal import Refusal

if TYPE_CHECKING:
    from maas_stream_lint.uses.simulation import Simulation
    from maas_stream_lint.uses.stock import Contents, Image, Offer

UBUNTU, PRECISE = "ubuntu", "precise"


def plainly_used(simulation: Simulation) -> set[int]:
    """The positions of images with which MAAS commissions and deploys some machine."""
    found: set[int] = set()
    guests: list[int] = []
    installable: dict[tuple[str, Contents, str], bool] = {}
    for name, offer in simulation.stock.apart.items():
        os, _, release = name.partition("/")
        if os == UBUNTU:
            if offer.simple and _has_kernels(simulation, release, offer):
                positions = _found_first(simulation, name, offer)
                if release == PRECISE:
                    guests = positions
                else:
                    found.update(positions)
            continue
        fine = True
        for image in offer.images:
            key = (os, image.contents, image.subarch)
            if key not in installable:
                installable[key] = _is_installable(simulation, image)
            fine = fine and installable[key]
        if fine:
            found.update([image.position for image in offer.images])
    # A machine boots the commissioning release to install this one.
    host = simulation.stock.systems.get(simulation.settings.commissioning, ())
    if all(image.position in found for image in host):
        found.update(guests)
    return found


def _found_first(simulation: Simulation, name: str, offer: Offer) -> list[int]:
    """The positions of usual images that MAAS finds by their kernels before any other image.

    MAAS never lists incomplete images as kernels. They matter only if they claim to support the
    kernel of another image, and come first.
    """
    usual = [image.position for image in offer.usual]
    if len(usual) == len(offer.images):
        return usual
    known = set(usual)
    return [
        image.position
        for image in offer.usual
        if (first := simulation.stock.supporting(name, image.arch, image.subarch)) is not None
        and first.position in known
    ]


def _has_kernels(simulation: Simulation, release: str, offer: Offer) -> bool:
    """Whether all kernels are for generic machines, and as new as their release."""
    names = simulation.kernels.names
    try:
        for subarch in offer.subarches:
            if not names.is_generic(subarch) or not names.newer(subarch, release):
                return False
    except Refusal:
        return False
    by_directory = simulation.release.use("commissions-with") == "platform"
    if not by_directory and release != PRECISE:
        return True
    served = {
        arch
        for arch, subarch, kflavor in offer.flavoured
        if kflavor == GENERIC and (subarch.startswith("ga-") or subarch == f"hwe-{release[:1]}")
    }
    return served == offer.arches


def _is_installable(simulation: Simulation, image: Image) -> bool:
    """Whether an image of another system has one root, with a name that its driver accepts."""
    types = simulation.release.curtin_types.get(image.os)
    if types is None or image.os == "custom" or image.os in simulation.release.use("ephemeral"):
        return False
    rows = image.contents.rows
    taken = [(ftype, name) for ftype, name in rows if ftype in types or name in types]
    named = len(taken) == 1 and taken[0][0] == taken[0][1]
    return named and image.subarch == GENERIC and bool(image.contents.label)
