"""A simulation of use as plain data, in the form of ``rules/schemas/use.json``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.uses.chosen_kernel import UBUNTU, System
from maas_stream_lint.uses.refusal import Refusal
from maas_stream_lint.uses.titles import heading, title
from maas_stream_lint.uses.ubuntu import ubuntu_releases

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from maas_stream_lint.rulebook import Release
    from maas_stream_lint.uses.boot import Boot
    from maas_stream_lint.uses.simulation import Commissioning, Deployment, Simulation
    from maas_stream_lint.uses.stock_image import Image


def verdict(simulation: Simulation, release: Release, today: date) -> dict[str, Any]:
    """What MAAS does with the images.

    ``release``: the release line to answer for, because lines share a simulation. ``today``: MAAS
    can commission with the releases that Ubuntu supports on this day.
    """
    kernel_list, least = simulation.kernel_list, simulation.least_kernel_list
    said: dict[str, Any] = {
        "fatal": None,
        "resources": [
            _resource(simulation, image, release, today) for image in simulation.stock.images
        ],
        "releases": {
            str(system): _system(simulation, system, images, today)
            for system, images in simulation.systems.items()
        },
        "architectures": simulation.stock.architectures,
        "kernel_list": kernel_list.text if kernel_list is not None else True,
        "min_kernel_list": least.text if least is not None else True,
    }
    if simulation.release.use("boots-from") == "rack":
        ended = simulation.server.rack_import
        said["rack_import"] = ended.text if ended is not None else None
    return said


def commissions(simulation: Simulation, image: Image) -> str | bool | None:
    """Whether MAAS commissions some machine with an image's kernel, were its release the one."""
    if image.os != UBUNTU:
        return None
    system = System(image.os, image.release)
    tried = [simulation.commission(machine, system) for machine in simulation.machines]
    fine = [one.kernel for one in tried if one.refusal is None]
    if any(kernel == image.subarch or _by_directory(simulation, kernel) for kernel in fine):
        return True
    if fine:
        return f"MAAS commissions with {fine[0]}"
    return next((one.refusal.text for one in tried if one.refusal is not None), None)


def _by_directory(simulation: Simulation, kernel: str | None) -> bool:
    """Whether a machine boots what is in its platform's directory, whatever kernel that is."""
    platforms = {machine.platform for machine in simulation.machines}
    return simulation.release.use("commissions-with") == "platform" and kernel in platforms


def _resource(
    simulation: Simulation, image: Image, release: Release, today: date
) -> dict[str, Any]:
    row = image.resource
    system = System(image.os, image.release)
    asked = image.subarch if image.os == UBUNTU else None
    said: dict[str, Any] = {
        "resource": f"{row.name} {row.architecture}",
        "version": image.set.version,
        "products": simulation.stock.products(image),
        "offered": True,
        "title": title(release, image.os, image.release, today),
        "heading": heading(release, image.os),
        "commission": commissions(simulation, image),
        "deploy": {
            # Somebody who asks for a kernel is taken to know what the machine needs.
            str(machine): deployed(simulation.deploy(machine._replace(least=None), system, asked))
            for machine in simulation.machines_for([image])
        },
    }
    if "alias" in release.policy("resource-key"):
        said["alias"] = row.alias
    return said


def _system(
    simulation: Simulation, system: System, images: Sequence[Image], today: date
) -> dict[str, Any]:
    machines = simulation.machines_for(images)
    said: dict[str, Any] = {
        "deploy": {str(m): deployed(simulation.deploy(m, system)) for m in machines}
    }
    if system.os == UBUNTU:
        said |= {
            "commission": {
                str(m): _commissioned(simulation.commission(m, system)) for m in machines
            },
            "enlist": {str(m): _enlisted(simulation, m, system) for m in machines},
            "can_be_set_for_commissioning": can_be_set(simulation.release, system, today),
            "chosen_for_commissioning_by_itself": _chosen(simulation, system, images),
        }
    return said


def deployed(deployment: Deployment) -> dict[str, Any]:
    """A deployment as data."""
    refusal, boot, curtin = deployment.refusal, deployment.boot, deployment.curtin
    said: dict[str, Any] = {
        "ok": True if refusal is None else refusal.text,
        "kernel": deployment.kernel,
        "boot_from": str(boot.config.system) if boot is not None and boot.config else None,
        "boot_files": _files(boot),
        "curtin": {"error": curtin.text} if isinstance(curtin, Refusal) else curtin.to_dict(),
    }
    if deployment.chosen is not None:
        said["exception"] = deployment.chosen.exception
    return said


def _commissioned(tried: Commissioning) -> dict[str, Any]:
    return {
        "ok": True if tried.refusal is None else tried.refusal.text,
        "kernel": tried.kernel,
        "boot_files": _files(tried.boot),
    }


def _files(boot: Boot | None) -> list[str | None] | None:
    return list(boot.files) if boot is not None and boot.files is not None else None


def _enlisted(simulation: Simulation, machine: Any, system: System) -> Any:
    try:
        return simulation.enlist(machine, system)
    except Refusal as refusal:
        return {"error": refusal.text}


def can_be_set(release: Release, system: System, today: date) -> bool:
    """Whether the settings form offers a release for commissioning.

    Mirrors ``get_supported_commissioning_releases`` (drivers/osystem/ubuntu.py).
    """
    rule = release.use("commissioning")
    for known in ubuntu_releases().releases:
        if known.series == system.release and known.created <= today and known.lts:
            last = known.eol if rule["support"] == "standard" else known.eol_esm
            return last is not None and today <= last and known.series not in rule["except"]
    return False


def _chosen(simulation: Simulation, system: System, images: Sequence[Image]) -> bool:
    """``get_available_commissioning_resources`` (maasserver/models/bootresource.py)."""
    marked = any(
        row.os == UBUNTU
        and row.release == system.release
        and row.has_eol
        and (row.title or "").endswith("LTS")
        for row in simulation.ground.cached
    )
    return marked and any(image.whole for image in images)
