"""Images that are plainly of use, so that nobody need simulate what becomes of them.

Whatever these conditions leave open is simulated. A test holds that both find the same obstacles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.rulebook import is_root
from maas_stream_lint.uses.kernel import GENERIC
from maas_stream_lint.uses.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.uses.simulation import Simulation
    from maas_stream_lint.uses.stock import Image

UBUNTU = "ubuntu"


def plainly_used(simulation: Simulation) -> set[int]:
    """The positions of images that some machine is commissioned with and deployed from."""
    found: set[int] = set()
    for name, images in simulation.stock.apart.items():
        os, _, release = name.partition("/")
        if os == UBUNTU:
            fine = _is_bootable(images) and _has_kernels(simulation, release, images)
        else:
            fine = _is_installable(simulation, os, images)
        if fine:
            found.update(image.position for image in images)
    return found


def _is_bootable(images: Sequence[Image]) -> bool:
    """Whether all images of an Ubuntu release have what a machine needs, and no more."""
    known: dict[tuple[tuple[str, str], ...], bool] = {}
    for image in images:
        files = tuple([(file.ftype, file.name) for file in image.set.files])
        fine = known.get(files)
        if fine is None:
            best = image.needs.roots[0]
            roots = [file for file in files if is_root(file[0])]
            fine = known[files] = image.whole and roots == [(best, best)]
        extra = image.resource.extra
        if not fine or image.resource.rolling or "platform" in extra:
            return False
        if "supported_platforms" in extra:
            return False
    return True


def _has_kernels(simulation: Simulation, release: str, images: Sequence[Image]) -> bool:
    """Whether all are kernels for generic machines, as new as their release."""
    names = simulation.kernels.names
    try:
        for subarch in {image.subarch for image in images}:
            if not names.is_generic(subarch) or not names.newer(subarch, release):
                return False
    except Refusal:
        return False
    by_directory = simulation.release.use("commissions-with") == "platform"
    if not by_directory and release != "precise":
        return True
    served = {
        image.arch
        for image in images
        if image.resource.kflavor == GENERIC
        and (image.subarch.startswith("ga-") or image.subarch == f"hwe-{release[:1]}")
    }
    return served.issuperset(image.arch for image in images)


def _is_installable(simulation: Simulation, os: str, images: Sequence[Image]) -> bool:
    """Whether all images of another system have one root that its driver takes, well named."""
    types = simulation.release.curtin_types.get(os)
    if types is None or os == "custom" or os in simulation.release.use("ephemeral"):
        return False
    for image in images:
        taken = [file for file in image.set.files if file.ftype in types or file.name in types]
        if image.subarch != GENERIC or len(taken) != 1 or taken[0].name != taken[0].ftype:
            return False
    return True
