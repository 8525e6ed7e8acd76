"""The stored images: every boot resource with its newest set. It finds them as MAAS does."""

from __future__ import annotations

from bisect import bisect_left
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from maas_stream_lint.imports.rows import EXTRA
from maas_stream_lint.rulebook import is_root
from maas_stream_lint.uses.chosen_kernel import System

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from maas_stream_lint.imports.stored import HeldResource, HeldSet
    from maas_stream_lint.rulebook import UbuntuSet
    from maas_stream_lint.uses.rack import Tree

#: What of a resource says that it is for a platform.
PLATFORMS = frozenset({"platform", "supported_platforms"})


class Contents:
    """What images hold: most images of a stream hold files of the same names."""

    def __init__(self, label: str, files: tuple[tuple[str, str], ...], needs: UbuntuSet) -> None:
        """``files``: ftype and name of each, in the order of their rows."""
        self.label, self.rows = label, files
        self.files = dict(files)  #: ftype → file name; of two files of one type, the later row
        self.whole = needs.is_whole(self.files)
        roots, best = [file for file in files if is_root(file[0])], needs.roots[0]
        #: Whether they are whole, with the best root under its own name and no other. A rack
        #: finds nothing without a label.
        self.usual = self.whole and roots == [(best, best)] and bool(label)


class Image:
    """A boot resource and its newest set. MAAS keeps only this set."""

    __slots__ = ("arch", "contents", "needs", "os", "position", "release", "resource", "subarch")

    def __init__(
        self, position: int, resource: HeldResource, contents: Contents, needs: UbuntuSet
    ) -> None:
        """``position``: of its row. ``needs``: what a machine needs to boot."""
        self.position, self.resource = position, resource
        self.contents, self.needs = contents, needs
        #: ``ubuntu`` and ``noble``
        self.os, _, self.release = resource.name.partition("/")
        #: ``amd64``, and its kernel's name or what else stands there: ``ga-24.04``, ``generic``
        self.arch, _, self.subarch = resource.architecture.partition("/")

    @property
    def set(self) -> HeldSet:
        """The newest set."""
        return self.resource.newest

    @property
    def whole(self) -> bool:
        """Whether a machine can boot it: kernel, initrd and a root.

        Mirrors ``commissionable`` and ``xinstallable`` (maasserver/models/bootresourceset.py).
        """
        return self.contents.whole

    @property
    def files(self) -> dict[str, str]:
        """Ftype → file name; of two files of one type, the later row."""
        return self.contents.files

    @property
    def listed(self) -> list[str]:
        """``subarches``, split as MAAS splits them; empty where the product has none."""
        subarches = self.resource.extra.get("subarches")
        return [] if subarches is None else subarches.split(",")

    @property
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


class Kind(NamedTuple):
    """What tells images apart when MAAS chooses a kernel for a machine."""

    os: str
    arch: str
    subarch: str
    platform: str | None  #: the product's own
    whole: bool


class Offer:
    """The images of one name, and all that they say."""

    def __init__(self, images: list[Image]) -> None:
        """``images``: in the order of their rows."""
        self.images = images

    @property
    def apart(self) -> bool:
        """Whether MAAS cannot confuse two of the images or their architectures."""
        if len(self.images) == 1:
            return True
        architectures = {image.resource.architecture for image in self.images}
        arches = sorted({image.arch for image in self.images})
        nested = any(b.startswith(a) for a, b in pairwise(arches))
        return len(architectures) == len(self.images) and not nested

    @cached_property
    def usual(self) -> list[Image]:
        """The images with the files that a machine needs, and no other root or platform."""
        return [
            image
            for image in self.images
            if image.contents.usual
            and not image.resource.rolling
            and PLATFORMS.isdisjoint(image.resource.extra)
        ]

    @cached_property
    def simple(self) -> bool:
        """Whether MAAS lists no other image as a kernel, and all images have one label.

        A rack keeps images of different labels in different directories. It takes the first one,
        even if the image in it is not whole.
        """
        usual = {image.position for image in self.usual}
        other = any(image.whole and image.position not in usual for image in self.images)
        return not other and len({image.contents.label for image in self.images}) == 1

    @cached_property
    def subarches(self) -> set[str]:
        """The subarches of the usual images."""
        return {image.subarch for image in self.usual}

    @cached_property
    def arches(self) -> set[str]:
        """The architectures of the usual images."""
        return {image.arch for image in self.usual}

    @cached_property
    def flavoured(self) -> set[tuple[str, str, str | None]]:
        """The architectures, subarches and flavours that usual images have together."""
        return {(image.arch, image.subarch, image.resource.kflavor) for image in self.usual}


class Stock:
    """All images, without bootloaders, in the order of their rows."""

    def __init__(self, rows: Sequence[HeldResource], needs: UbuntuSet) -> None:
        """``rows``: those that the import leaves. ``needs``: what a machine needs to boot."""
        self.images = []
        known: dict[tuple[str, tuple[tuple[str, str], ...]], Contents] = {}
        for position, row in enumerate(rows):
            if not row.bootloader:
                held = row.newest
                files = tuple([(file.ftype, file.name) for file in held.files.values()])
                contents = known.get((held.label, files))
                if contents is None:
                    contents = Contents(held.label, files, needs)
                    known[(held.label, files)] = contents
                self.images.append(Image(position, row, contents, needs))
        self._by_name: dict[str, list[Image]] = {}
        for image in self.images:
            self._by_name.setdefault(image.resource.name, []).append(image)
        self._names = sorted(self._by_name)
        self._starting: dict[tuple[str, str], list[Image]] = {}
        #: What racks made of it: by the system, and by whether custom images end their import.
        self.trees: dict[tuple[System, bool], Tree] = {}
        #: By name, subarch and arch: the first image.
        self._supporting: dict[str, dict[str, dict[str, Image]]] = {}

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
                    made.setdefault(text, {}).setdefault(image.arch, image)
        found = self._supporting[name].get(subarch, {})
        fitting = [image for own, image in found.items() if own.startswith(arch)]
        return min(fitting, key=lambda image: image.position, default=None)

    @cached_property
    def systems(self) -> dict[System, list[Image]]:
        """The systems that there are, each with its images, in the order of their rows."""
        found: dict[System, list[Image]] = {}
        for images in self._by_name.values():
            found.setdefault(System(images[0].os, images[0].release), []).extend(images)
        return found

    def _names_from(self, name: str) -> Iterator[str]:
        for at in range(bisect_left(self._names, name), len(self._names)):
            if not self._names[at].startswith(name):
                return
            yield self._names[at]

    @cached_property
    def kinds(self) -> dict[Kind, list[Image]]:
        """The images by their kinds, each in the order of their rows."""
        found: dict[Kind, list[Image]] = {}
        for image in self.images:
            platform = image.resource.extra.get("platform")
            kind = Kind(image.os, image.arch, image.subarch, platform, image.contents.whole)
            found.setdefault(kind, []).append(image)
        return found

    @cached_property
    def apart(self) -> dict[str, Offer]:
        """The images by name, where no other name or architecture can be taken for theirs."""
        found: dict[str, Offer] = {}
        for at, name in enumerate(self._names):
            if at + 1 < len(self._names) and self._names[at + 1].startswith(name):
                continue
            offer = Offer(self._by_name[name])
            if offer.apart:
                found[name] = offer
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
        alike: dict[tuple[str | None, ...], list[Image]] = {}
        for image in self.images:
            if image.contents.whole:
                own = None if _names_kernel(image.subarch) else image.subarch
                extra = image.resource.extra
                alike.setdefault((image.arch, own, *map(extra.get, EXTRA)), []).append(image)
        found: dict[str, list[Image]] = {}
        for images in alike.values():
            for architecture in architectures_of(images[0]):
                found.setdefault(architecture, []).extend(images)
        return {name: in_order(images) for name, images in found.items()}

    @cached_property
    def architectures(self) -> list[str]:
        """The architectures that a machine can have, sorted."""
        return sorted(self.offering)


def architectures_of(image: Image) -> set[str]:
    """The architectures of machines that an image makes possible, if it is whole."""
    return _listed_architectures(image) | _own_architectures(image)


def _listed_architectures(image: Image) -> set[str]:
    return {
        f"{image.arch}/{subarch.strip()}" for subarch in image.listed if not _names_kernel(subarch)
    }


def _own_architectures(image: Image) -> set[str]:
    found: set[str] = set()
    if not _names_kernel(image.resource.architecture):
        found.add(image.resource.architecture)
    extra = image.resource.extra
    if "platform" in extra:
        found.add(f"{image.arch}/{extra['platform']}")
    found.update(f"{image.arch}/{platform}" for platform in image.platforms)
    return found


def _names_kernel(text: str) -> bool:
    """Whether MAAS takes a subarch for a kernel, and not for a kind of machines."""
    return "hwe-" in text or "ga-" in text


def in_order(images: list[Image]) -> list[Image]:
    """Images in the order of their rows."""
    return sorted(images, key=lambda image: image.position)
