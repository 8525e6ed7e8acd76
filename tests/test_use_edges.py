"""Edges of how MAAS chooses kernels, which the recorded machines do not reach."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from maas_stream_lint.look import look_at
from maas_stream_lint.rulebook import Release, all_releases
from maas_stream_lint.stream import load
from maas_stream_lint.uses.simulation import Machine, Settings, Simulation, System
from made_use import tree_of

JAMMY = System("ubuntu", "jammy")


def jammy(subarch: str) -> dict[str, Any]:
    """A whole image of jammy."""
    return {
        "os": "ubuntu",
        "release": "jammy",
        "version": "22.04",
        "release_title": "22.04 LTS",
        "arch": "amd64",
        "subarch": subarch,
        "subarches": "generic",
        "kflavor": "generic",
        "label": "stable",
        "ftypes": ["boot-kernel", "boot-initrd", "squashfs"],
    }


def simulations(least: str, *subarches: str) -> Iterator[tuple[Release, Simulation]]:
    """Each release line's use of these images, where machines want at least a kernel."""
    look = look_at(load(tree_of([jammy(subarch) for subarch in subarches])), all_releases())  # type: ignore[arg-type]
    for release in look.releases:
        used = look.uses[release.line]
        assert used is not None
        yield release, Simulation(release, used.ground, Settings(least_kernel=least))


def test_an_edge_kernel_is_newer_than_the_one_without() -> None:
    """``release_a_newer_than_release_b``: -edge weighs more than the same kernel without."""
    least = "hwe-22.04-edge"
    for release, simulation in simulations(least, "hwe-22.04", least):
        machine = Machine("amd64", "generic", least)
        refusal = simulation.deploy(machine, JAMMY, "hwe-22.04").refusal
        assert refusal is not None, release.line
        assert "older" in refusal.text or "too old" in refusal.text, release.line
        assert simulation.deploy(machine, JAMMY).kernel == least, release.line


def test_an_unknown_flavour_of_the_least_kernel_is_generic() -> None:
    """``BootResource.get_hwe_kernels``: a flavour that no image has asks for no flavour."""
    least = "ga-22.04-acme"
    for release, simulation in simulations(least, "ga-22.04", "hwe-22.04"):
        deployed = simulation.deploy(Machine("amd64", "generic", least), JAMMY)
        if release.use("kernel-names") != "prefix":  # older lines take the whole for a kernel
            assert deployed.refusal is None, (release.line, deployed.refusal)
            assert deployed.kernel == "hwe-22.04", release.line


@pytest.mark.parametrize("subarches", [["ga-22.04", "hwe-22.04"], ["ga-22.04", "generic"]])
def test_each_image_without_a_squashfs_is_told_of_it(subarches: list[str]) -> None:
    """MAAS gives curtin the root of the first of them, which lacks it as the others do."""
    roots = ["boot-kernel", "boot-initrd", "root-image.gz"]
    images = [jammy(subarch) | {"ftypes": roots} for subarch in subarches]
    look = look_at(load(tree_of(images)), all_releases())
    for trace in look.use_traces:
        causes = {event.place.product: event.cause for event in trace.events}
        assert list(causes.values()) == ["only-root-image"] * 2, trace.lines
