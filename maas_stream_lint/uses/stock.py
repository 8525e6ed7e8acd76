"""The images that are there: every boot resource with its newest set, found as MAAS finds them."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from maas_stream_lint.imports.rows import BootResource, ResourceSet
    from maas_stream_lint.rulebook import UbuntuSet


@dataclass(frozen=True, eq=False)
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

    def supports(self, subarch: str) -> bool:
        """Whether it is found by a kernel's or a platform's name.

        Mirrors ``supports_subarch`` and ``supports_platform`` (maasserver/models/bootresource.py).
        """
        return (
            subarch == self.subarch
            or subarch in self.listed
            or subarch == self.resource.extra.get("platform")
            or subarch in self.platforms
        )


class Stock:
    """All images, without bootloaders, in the order of their rows."""

    def __init__(self, rows: Sequence[BootResource], needs: UbuntuSet) -> None:
        """``rows``: those that the import leaves. ``needs``: what a machine needs to boot."""
        self.images = [
            Image(position, row, row.sets[-1], needs)
            for position, row in enumerate(rows)
            if not row.bootloader
        ]
        self._by_name = sorted(self.images, key=lambda image: image.resource.name)
        self._names = [image.resource.name for image in self._by_name]

    def starting_with(self, name: str, arch: str = "") -> list[Image]:
        """The whole images whose name and architecture start so, in the order of their rows."""
        found = [
            i for i in self._prefixed(name) if i.whole and i.resource.architecture.startswith(arch)
        ]
        return sorted(found, key=lambda image: image.position)

    def named(self, name: str) -> list[Image]:
        """The images of exactly that name, in the order of their rows."""
        return [image for image in self._prefixed(name) if image.resource.name == name]

    def _prefixed(self, name: str) -> Iterator[Image]:
        for at in range(bisect_left(self._names, name), len(self._names)):
            if not self._names[at].startswith(name):
                return
            yield self._by_name[at]

    def products(self, image: Image) -> list[str]:
        """The products whose files lie under an image's name and architecture."""
        architecture = image.resource.architecture
        named = self.named(image.resource.name)
        alike = [i.set.products for i in named if i.resource.architecture == architecture]
        return list(dict.fromkeys(name for products in alike for _, name in products))

    @cached_property
    def architectures(self) -> list[str]:
        """What a machine may have as architecture.

        Mirrors ``get_usable_architectures`` (maasserver/models/bootresource.py).
        """
        found: set[str] = set()
        for image in self.images:
            if image.whole:
                found |= architectures_of(image)
        return sorted(found)


def architectures_of(image: Image) -> set[str]:
    """The architectures of machines that an image makes possible, if it is whole."""
    found = {
        f"{image.arch}/{subarch.strip()}"
        for subarch in image.listed
        if "hwe-" not in subarch and "ga-" not in subarch
    }
    if "hwe-" not in image.resource.architecture and "ga-" not in image.resource.architecture:
        found.add(image.resource.architecture)
    extra = image.resource.extra
    if "platform" in extra:
        found.add(f"{image.arch}/{extra['platform']}")
    found.update(f"{image.arch}/{platform}" for platform in image.platforms)
    return found
