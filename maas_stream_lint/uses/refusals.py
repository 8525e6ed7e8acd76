"""All texts that MAAS writes when it refuses to use images, with these images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.uses.chosen_kernel import UBUNTU, System
from maas_stream_lint.uses.obstacles import candidates
from maas_stream_lint.uses.plainly_used import plainly_used
from maas_stream_lint.uses.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.uses.simulation import Deployment, Simulation
    from maas_stream_lint.uses.stock_image import Image


def refusals(simulation: Simulation) -> dict[str, list[Image]]:
    """The texts, each with its images, for machines that could use the images.

    Up to 3.4 a rack also says nothing, and a machine gets a 404: that is no text of MAAS.
    """
    found: dict[str, list[Image]] = {}
    plain = plainly_used(simulation)
    for image in simulation.stock.images:
        if image.os == UBUNTU and image.position in plain:
            continue
        for refusal in _of_image(simulation, image):
            _note(found, refusal, image)
    for ended in filter(None, (simulation.kernel_list, simulation.least_kernel_list)):
        for image in simulation.stock.images:
            if ended.kernel in (image.subarch, *image.listed):
                _note(found, ended, image)
    return found


def _note(found: dict[str, list[Image]], refusal: Refusal, image: Image) -> None:
    text = refusal.log
    if text is not None and image not in (about := found.setdefault(text, [])):
        about.append(image)


def _of_image(simulation: Simulation, image: Image) -> Iterator[Refusal]:
    system = System(image.os, image.release)
    for machine in candidates(simulation, image):
        yield from _of_deployment(simulation.deploy(machine, system))
        if image.os == UBUNTU:
            yield from _of_deployment(simulation.deploy(machine, system, image.subarch))
            commissioned = simulation.commission(machine, system).refusal
            if commissioned is not None:
                yield commissioned


def _of_deployment(deployment: Deployment) -> Iterator[Refusal]:
    """Every obstacle, not only the first."""
    boot = deployment.boot.refusal if deployment.boot is not None else None
    for refusal in (deployment.chosen, boot, deployment.curtin, deployment.fetched):
        if isinstance(refusal, Refusal):
            yield refusal
