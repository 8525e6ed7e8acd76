"""The images that are there: every boot resource with its newest set, found as MAAS finds them."""

from __future__ import annotations

from bisect import bisect_left
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from maas_stream_lint.records import record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from maas_stream_lint.imports.rows import BootResource, ResourceSet
    from maas_stream_lint.rulebook import UbuntuSet


@record(frozen=True, eq=False)
class Image:
    """A boot resource and its newest set, which is the only one that is kept."""

    position: int  #: of its row
    resource: BootResource
    set: ResourceSet
    needs: UbuntuSet  #: what a machine needs to boot

    @cached_property
    def os(self) -> str:
        """Its operating system."""
        return self.resource.name.partition("/")[0]

    @cached_property
    def release(self) -> str:
        """Its release."""
        return self.resource.name.partition("/")[2]

    @cached_property
    def arch(self) -> str:
        """Its architecture: ``amd64``."""
        return self.resource.architecture.partition("/")[0]

    @cached_property
    def subarch(self) -> str:
        """Its kernel's name, or what else stands there: ``ga-24.04``, ``generic``."""
        return self.resource.architecture.partition("/")[2]

    @cached_property
    def whole(self) -> bool:
        """Whether a machine can boot it: kernel, initrd and a root.

        Mirrors ``commissionable`` and ``xinstallable`` (maasserver/models/bootresourceset.py).
        """
        ftypes, needs = self.set.ftypes, self.needs
        bootable = needs.kernel in ftypes and needs.initrd in ftypes
        return bootable and not ftypes.isdisjoint(needs.roots)

    @cached_property
    def files(self) -> dict[str, str]:
        """Ftype → file name; of two files of one type, the later row."""
        return {file.ftype: file.name for file in self.set.files}

    @cached_property
    def listed(self) -> list[str]:
        """``subarches``, split as MAAS splits them; empty where the product has none."""
        subarches = self.resource.extra.get("subarches")
        return [] if subarches is None else subarches.split(",")

    @cached_property
    def platforms(self) -> list[str]:
        """``supported_platforms`` likewise."""
        platforms = self.resource.extra.get("supported_platforms")
        return [] if platforms is None else platforms.split(",")

    @property
    def supports(self) -> frozenset[str]:
        """The kernels and platforms by whose names it is found.

        Mirrors ``supports_subarch`` and ``supports_platform`` (maasserver/models/bootresource.py).
        """
        platform = self.resource.extra.get("platform")
        own = [self.subarch] if platform is None else [self.subarch, platform]
        return frozenset((*own, *self.listed, *self.platforms))


class Stock:
    """All images, without bootloaders, in the order of their rows."""

    def __init__(self, rows: Sequence[BootResource], needs: UbuntuSet) -> None:
        """``rows``: those that the import leaves. ``needs``: what a machine needs to boot."""
        self.images = [
            Image(position, row, row.sets[-1], needs)
            for position, row in enumerate(rows)
            if not row.bootloader
        ]
        self._by_name: dict[str, list[Image]] = {}
        for image in self.images:
            self._by_name.setdefault(image.resource.name, []).append(image)
        self._names = sorted(self._by_name)
        self._starting: dict[tuple[str, str], list[Image]] = {}
        self._supporting: dict[str, dict[str, list[Image]]] = {}

    def starting_with(self, name: str, arch: str = "") -> list[Image]:
        """The whole images whose name and architecture start so, in the order of their rows."""
        found = self._starting.get((name, arch))
        if found is None:
            found = [
                image
                for other in self._names_from(name)
                for image in self._by_name[other]
                if image.whole and image.resource.architecture.startswith(arch)
            ]
            found.sort(key=lambda image: image.position)
            self._starting[(name, arch)] = found
        return found

    def named(self, name: str) -> list[Image]:
        """The images of exactly that name, in the order of their rows."""
        return self._by_name.get(name, [])

    def exactly(self, name: str, architecture: str) -> list[Image]:
        """The images of exactly that name and architecture."""
        return self._exactly.get((name, architecture), [])

    @cached_property
    def _exactly(self) -> dict[tuple[str, str], list[Image]]:
        found: dict[tuple[str, str], list[Image]] = {}
        for image in self.images:
            key = (image.resource.name, image.resource.architecture)
            found.setdefault(key, []).append(image)
        return found

    def supporting(self, name: str, arch: str, subarch: str) -> Image | None:
        """The first image of a name that is for an architecture and a kernel or platform.

        Mirrors ``get_resource_for`` (maasserver/models/bootresource.py).
        """
        if name not in self._supporting:
            made = self._supporting[name] = {}
            for image in self.named(name):
                for text in image.supports:
                    made.setdefault(text, []).append(image)
        found = self._supporting[name].get(subarch, ())
        return next((i for i in found if i.resource.architecture.startswith(arch)), None)

    def _names_from(self, name: str) -> Iterator[str]:
        for at in range(bisect_left(self._names, name), len(self._names)):
            if not self._names[at].startswith(name):
                return
            yield self._names[at]

    @cached_property
    def apart(self) -> dict[str, list[Image]]:
        """The images by name, where no other name or architecture can be taken for theirs."""
        found: dict[str, list[Image]] = {}
        for at, name in enumerate(self._names):
            if at + 1 < len(self._names) and self._names[at + 1].startswith(name):
                continue
            images = self._by_name[name]
            architectures = {image.resource.architecture for image in images}
            arches = sorted({image.arch for image in images})
            nested = any(b.startswith(a) for a, b in pairwise(arches))
            if len(architectures) == len(images) and not nested:
                found[name] = images
        return found

    @cached_property
    def listings(self) -> list[tuple[list[str], list[Image]]]:
        """The ``subarches`` of whole images, each once, with the images that have them."""
        found: dict[str, list[Image]] = {}
        for image in self.images:
            subarches = image.resource.extra.get("subarches")
            if subarches is not None and image.whole:
                found.setdefault(subarches, []).append(image)
        return [(text.split(","), images) for text, images in found.items()]

    def products(self, image: Image) -> list[str]:
        """The products whose files lie under an image's name and architecture."""
        alike = self.exactly(image.resource.name, image.resource.architecture)
        return list(dict.fromkeys(name for i in alike for _, name in i.set.products))

    def has(self, os: str) -> bool:
        """Whether there is an image of a system."""
        return next(self._names_from(f"{os}/"), None) is not None

    @cached_property
    def offering(self) -> dict[str, list[Image]]:
        """The architectures that a machine may have, each with the images that make it possible.

        Mirrors ``get_usable_architectures`` (maasserver/models/bootresource.py).
        """
        found: dict[str, list[Image]] = {}
        known: dict[tuple[str, str | None], set[str]] = {}
        for image in self.images:
            if image.whole:
                key = (image.arch, image.resource.extra.get("subarches"))
                listed = known.get(key)
                if listed is None:
                    listed = known[key] = _listed_architectures(image)
                for architecture in listed | _own_architectures(image):
                    found.setdefault(architecture, []).append(image)
        return found

    @cached_property
    def architectures(self) -> list[str]:
        """What a machine may have as architecture, sorted."""
        return sorted(self.offering)


def architectures_of(image: Image) -> set[str]:
    """The architectures of machines that an image makes possible, if it is whole."""
    return _listed_architectures(image) | _own_architectures(image)


def _listed_architectures(image: Image) -> set[str]:
    return {
        f"{image.arch}/{subarch.strip()}"
        for subarch in image.listed
        if "hwe-" not in subarch and "ga-" not in subarch
    }


def _own_architectures(image: Image) -> set[str]:
    found: set[str] = set()
    if "hwe-" not in image.resource.architecture and "ga-" not in image.resource.architecture:
        found.add(image.resource.architecture)
    extra = image.resource.extra
    if "platform" in extra:
        found.add(f"{image.arch}/{extra['platform']}")
    found.update(f"{image.arch}/{platform}" for platform in image.platforms)
    return found
