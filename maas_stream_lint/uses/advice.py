"""What is unusual about the images of a release line, although each image may be usable.

Each function yields its subject and the images that cause it, in the order of the rows.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.uses.chosen_kernel import UBUNTU, Machine, System
from maas_stream_lint.uses.kernel import GENERIC
from maas_stream_lint.uses.refusal import Refusal
from maas_stream_lint.uses.stock import Images

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from maas_stream_lint.uses.kernels import Kernels
    from maas_stream_lint.uses.simulation import Simulation
    from maas_stream_lint.uses.stock import Kind, Stock
    from maas_stream_lint.uses.stock_image import Image


class Advice(NamedTuple):
    """One fact about images."""

    about: tuple[str, ...]  #: what tells it from others of its kind
    images: Sequence[Image]
    log: str | None = None


def listed_kernels(simulation: Simulation) -> Iterator[Advice]:
    """Members of ``subarches`` that make the list of minimum kernels fail: cause, text."""
    found: dict[str, tuple[Refusal, list[Image]]] = {}
    kernels, stock = simulation.kernels, simulation.stock
    for subarches, offers in stock.listings.items():
        for text in subarches.split(","):
            refusal = _refusal(kernels, text)
            if refusal is not None:
                holders = [image for image in stock.with_offers(offers) if image.subarch != text]
                found.setdefault(text, (refusal, []))[1].extend(holders)
    for text, (said, blamed) in found.items():
        if blamed:
            yield Advice((said.cause, text), blamed, said.log)


def _refusal(kernels: Kernels, text: str) -> Refusal | None:
    known = kernels.names.refusals
    if text not in known:
        known[text] = _refusal_of(kernels, text)
    return known[text]


def _refusal_of(kernels: Kernels, text: str) -> Refusal | None:
    try:
        if kernels.is_level(text):
            kernels.names.order(text)
    except Refusal as refusal:
        return refusal
    return None


def kernels_of_others(simulation: Simulation) -> Iterator[Advice]:
    """Kernels of systems other than Ubuntu that make the lists of all kernels fail: cause, kernel.

    An Ubuntu image with such a kernel is not usable itself (``obstacles``).
    """
    stock, found = simulation.stock, dict[str, tuple[Refusal, list[int]]]()
    for kind in _of_others(stock):
        _, subarch, _, whole = kind
        refusal = _refusal(simulation.kernels, subarch) if whole else None
        if refusal is not None:
            found.setdefault(subarch, (refusal, []))[1].extend(stock.kinds.held[kind])
    for kernel, (said, blamed) in found.items():
        yield Advice((said.cause, kernel), Images(stock, sorted(blamed)), said.log)


def _of_others(stock: Stock) -> list[Kind]:
    """The kinds of images of systems other than Ubuntu."""
    return [kind for kind in stock.kinds.first if kind[0] != UBUNTU]


def without_generic(simulation: Simulation) -> Iterator[Advice]:
    """Architectures with kernels for generic machines, which MAAS cannot have: arch."""
    stock = simulation.stock
    offered = {a.partition("/")[0] for a in stock.architectures if _is_generic(a)}
    if offered.issuperset(stock.rows.arches):
        return
    generic = [kind for kind, platform in _platforms(simulation) if platform == GENERIC]
    for arch, images in _by_arch(simulation, generic):
        if arch not in offered:
            yield Advice((arch,), images)


def _by_arch(simulation: Simulation, kinds: list[Kind]) -> Iterator[tuple[str, Images]]:
    """The images of some kinds by their architectures, in the order of the rows."""
    stock, found = simulation.stock, dict[str, list[int]]()
    held = [stock.kinds.held[kind] for kind in kinds]
    for at in sorted(chain.from_iterable(held)):
        found.setdefault(stock.rows.arches[at], []).append(at)
    for arch, positions in found.items():
        yield arch, Images(stock, positions)


def _platforms(simulation: Simulation) -> Iterator[tuple[Kind, str]]:
    """The kinds of whole images of Ubuntu that have a kernel, with the platform it is for."""
    platform_of = simulation.kernels.platform_of
    for kind in simulation.stock.kinds.first:
        os, subarch, own, whole = kind
        platform = platform_of(subarch, own) if os == UBUNTU and whole else None
        if platform is not None:
            yield kind, platform


def _is_generic(architecture: str) -> bool:
    return architecture.partition("/")[2] == GENERIC


def platforms(simulation: Simulation) -> Iterator[Advice]:
    """Kernels for platforms that no machine can have: platform."""
    stock = simulation.stock
    for kind, platform in _platforms(simulation):
        if platform != GENERIC:
            for image in Images(stock, stock.kinds.held[kind]):
                if f"{image.arch}/{platform}" not in stock.offering:
                    yield Advice((platform,), [image])


def without_kernel(simulation: Simulation) -> Iterator[Advice]:
    """Architectures of machines that images list, although their releases have no kernel for them.

    No machine can use an image without a kernel (``obstacles``).
    """
    stock = simulation.stock
    for architecture, offers in stock.offering.items():
        arch, _, platform = architecture.partition("/")
        if platform == GENERIC or not platform:
            continue
        images = [
            image
            for image in stock.with_offers(offers)
            if image.os == UBUNTU
            and f"{image.arch}/{image.subarch}" != architecture
            and simulation.kernels.platform_of(image.subarch, image.platform) is not None
        ]
        machine = Machine(arch, platform)
        systems = {System(image.os, image.release) for image in images}
        if images and all(
            simulation.deploy(machine, system).refusal is not None for system in systems
        ):
            yield Advice((architecture,), images)


def without_ubuntu(simulation: Simulation) -> Iterator[Advice]:
    """Architectures with systems to install, but no Ubuntu to commission a machine with: arch."""
    ubuntu = simulation.stock.of_os(UBUNTU)
    for arch, images in _by_arch(simulation, _of_others(simulation.stock)):
        machine = Machine(arch, GENERIC)
        if all(simulation.commission(machine, one).refusal is not None for one in ubuntu):
            yield Advice((arch,), images)
