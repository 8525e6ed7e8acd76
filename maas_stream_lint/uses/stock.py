"""The stored images: every boot resource with its newest set. It finds them as MAAS does."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property, partial
from itertools import chain, count, pairwise
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, overload

from maas_stream_lint.uses.chosen_kernel import UBUNTU, System
from maas_stream_lint.uses.kernel import links_generic
from maas_stream_lint.uses.stock_image import Image, architectures_of, names_kernel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from maas_stream_lint.uses.rack import Tree
    from maas_stream_lint.uses.stock_image import Contents
    from maas_stream_lint.uses.stock_rows import Rows

    #: What tells images apart when MAAS chooses a kernel for a machine: os, subarch, the product's
    #: own platform, whether the image is whole.
    Kind = tuple[str, str, "str | None", bool]
    #: What an image offers to machines: whether it is whole, and all that `architectures_of` reads.
    Offers = tuple[Any, ...]
    #: What tells images of other systems than Ubuntu apart: os, contents, subarch.
    Sort = tuple[str, Contents, str]

#: What of a resource says that it is for a platform.
PLATFORMS = ("platform", "supported_platforms")
#: What of a resource lists the kernels and platforms that it is for, beside its own.
LISTS = ("subarches", "supported_platforms")
Group = TypeVar("Group")


class Groups(Generic[Group]):
    """The images by what they have in some columns.

    Most questions are on the values, of which there are few.
    """

    def __init__(self, *columns: Sequence[Any]) -> None:
        """``columns``: what a group has in common, each with a value for each image."""
        self._columns = columns
        #: Each value, in the order of the rows, with the position of the first image that has it.
        self.first: dict[Group, int] = {}
        list(map(self.first.setdefault, self._values(), count()))

    def _values(self) -> Iterator[Group]:
        """The value of each image, which would take much memory if it were kept."""
        return cast("Iterator[Group]", zip(*self._columns, strict=True))

    @cached_property
    def held(self) -> dict[Group, list[int]]:
        """Each value with the positions of all images that have it, in order."""
        found: dict[Group, list[int]] = {value: [] for value in self.first}
        for position, value in enumerate(self._values()):
            found[value].append(position)
        return found


class Images(Sequence[Image]):
    """Some images of a stock, each made when somebody asks for it."""

    __slots__ = ("positions", "stock")

    def __init__(self, stock: Stock, positions: list[int]) -> None:
        """``positions``: theirs."""
        self.stock, self.positions = stock, positions

    def __len__(self) -> int:
        """How many there are."""
        return len(self.positions)

    def __iter__(self) -> Iterator[Image]:
        """The images."""
        return map(self.stock.image, self.positions)

    @overload
    def __getitem__(self, at: int) -> Image: ...
    @overload
    def __getitem__(self, at: slice) -> Images: ...
    def __getitem__(self, at: Any) -> Any:
        """As of a list."""
        if isinstance(at, slice):
            return Images(self.stock, self.positions[at])
        return self.stock.image(self.positions[at])


class Offer:
    """The images of one name and architecture, and all that they say."""

    def __init__(self, rows: Rows, positions: list[int]) -> None:
        """``positions``: of the images, in order."""
        self.rows, self.positions = rows, positions

    @property
    def distinct(self) -> bool:
        """Whether no two of the images have one subarch."""
        return len({self.rows.subarches[at] for at in self.positions}) == len(self.positions)

    @cached_property
    def usual(self) -> list[int]:
        """The images with the files that a machine needs, and no other root or platform."""
        rows = self.rows
        own, supported = (rows.extra[field] for field in PLATFORMS)
        return [
            at
            for at in self.positions
            if rows.contents[at].usual
            and not rows.rolling[at]
            and own[at] is None
            and supported[at] is None
        ]

    @cached_property
    def simple(self) -> bool:
        """Whether MAAS lists no other image as a kernel, and all images have one label.

        A rack keeps images of different labels in different directories. It takes the first one,
        even if the image in it is not whole.
        """
        usual, contents = set(self.usual), self.rows.contents
        other = any(contents[at].whole for at in self.positions if at not in usual)
        return not other and len({contents[at].label for at in self.positions}) == 1

    @cached_property
    def subarches(self) -> set[str]:
        """The subarches of usual images."""
        return set(map(self.rows.subarches.__getitem__, self.usual))

    @cached_property
    def boots_generic(self) -> bool:
        """Whether a rack has a directory for generic machines because of a usual image."""
        rows = self.rows
        release = rows.names[self.positions[0]].partition("/")[2]
        return any(
            links_generic(rows.subarches[at], rows.kflavors[at], release) for at in self.usual
        )


class Stock:
    """All images, without bootloaders, in the order of their rows."""

    def __init__(self, rows: Rows) -> None:
        """``rows``: what they are made of."""
        self.rows = rows
        self._positions = list(range(len(rows)))  # the numbers themselves, for all groups
        self._made: dict[int, Image] = {}
        self._by_name = self._grouped(rows.names)
        self._names = sorted(self._by_name)
        self._starting: dict[tuple[str, str], list[Image]] = {}
        #: What racks made of it: by the system, and by whether custom images end their import.
        self.trees: dict[tuple[System, bool], Tree] = {}
        #: By name and architecture: the positions.
        self._exactly: dict[str, dict[str, list[int]]] = {}
        #: By name, subarch and arch: the first image, in the order of their rows.
        self._supporting: dict[str, dict[str, dict[str, Image]]] = {}

    def _grouped(self, column: Iterable[Group]) -> dict[Group, list[int]]:
        """The positions that have each value of a column."""
        found: dict[Group, list[int]] = {}
        for position, value in zip(self._positions, column, strict=True):
            found.setdefault(value, []).append(position)
        return found

    def image(self, position: int) -> Image:
        """The image at a position."""
        made = self._made.get(position)
        if made is None:
            made = self._made[position] = Image(self.rows, position)
        return made

    @property
    def images(self) -> Images:
        """All images."""
        return self.without(set())

    def without(self, positions: set[int]) -> Images:
        """All images but some."""
        return Images(self, [at for at in self._positions if at not in positions])

    def starting_with(self, name: str, arch: str = "") -> list[Image]:
        """The whole images whose name and architecture start so, in the order of their rows."""
        found = self._starting.get((name, arch))
        if found is None:
            rows = self.rows
            positions = [
                at
                for other in self._names_from(name)
                for at in self._by_name[other]
                if rows.contents[at].whole
                and f"{rows.arches[at]}/{rows.subarches[at]}".startswith(arch)
            ]
            found = self._starting[(name, arch)] = list(Images(self, sorted(positions)))
        return found

    def named(self, name: str) -> Images:
        """The images of exactly that name, in the order of their rows."""
        return Images(self, self._by_name.get(name, []))

    def exactly(self, name: str, architecture: str) -> Images:
        """The images of exactly that name and architecture."""
        found = self._exactly.get(name)
        if found is None:
            found = self._exactly[name] = {}
            for at in self._by_name.get(name, ()):
                found.setdefault(self.rows.keys[at][1], []).append(at)
        return Images(self, found.get(architecture, []))

    def supporting(self, name: str, arch: str, subarch: str) -> Image | None:
        """The first image of a name that is for an architecture and a kernel or platform.

        Mirrors ``get_resource_for`` (maasserver/models/bootresource.py).
        """
        if name not in self._supporting:
            made = self._supporting[name] = {}
            seen: set[tuple[str | None, ...]] = set()  # many images list the same
            for image in self.named(name):
                listed = (image.arch, *map(image.kept, LISTS))
                for text in image.own if listed in seen else image.supports:
                    made.setdefault(text, {}).setdefault(image.arch, image)
                seen.add(listed)
        found = self._supporting[name].get(subarch, {})
        return next((image for own, image in found.items() if own.startswith(arch)), None)

    @cached_property
    def systems(self) -> dict[System, Images]:
        """The systems that there are, each with its images, in the order of their rows."""
        found: dict[System, Images] = {}
        for name, positions in self._by_name.items():
            os, _, release = name.partition("/")
            found[System(os, release)] = Images(self, positions)
        return found

    @cached_property
    def oses(self) -> frozenset[str]:
        """The os of all systems."""
        return frozenset([name.partition("/")[0] for name in self._names])

    def of_os(self, os: str) -> list[System]:
        """The releases of one os."""
        return self._by_os.get(os, [])

    @cached_property
    def _by_os(self) -> dict[str, list[System]]:
        found: dict[str, list[System]] = {}
        for name in self._names:
            os, _, release = name.partition("/")
            found.setdefault(os, []).append(System(os, release))
        return found

    def _names_from(self, name: str) -> Iterator[str]:
        for at in range(bisect_left(self._names, name), len(self._names)):
            if not self._names[at].startswith(name):
                return
            yield self._names[at]

    @cached_property
    def kinds(self) -> Groups[Kind]:
        """The images by their kinds."""
        rows = self.rows
        return Groups(self._systems, rows.subarches, rows.extra["platform"], self._whole)

    @cached_property
    def _whole(self) -> list[bool]:
        """Whether each image is whole."""
        known = {contents: contents.whole for contents in set(self.rows.contents)}
        return list(map(known.__getitem__, self.rows.contents))

    @cached_property
    def _systems(self) -> list[str]:
        """The os of each image."""
        known = {name: name.partition("/")[0] for name in self._by_name}
        return list(map(known.__getitem__, self.rows.names))

    @cached_property
    def nested(self) -> set[str]:
        """The names with which other names start."""
        return {one for one, other in pairwise(self._names) if other.startswith(one)}

    @cached_property
    def ubuntu(self) -> list[tuple[str, Offer]]:
        """Ubuntu's releases by architecture, each with its name.

        Left out are those for which MAAS can take another name, architecture or image.
        """
        return [
            (name, offer)
            for name in self._names_from(f"{UBUNTU}/")
            if name not in self.nested
            for offer in map(partial(Offer, self.rows), self._by_arch(name))
            if offer.distinct
        ]

    @cached_property
    def others(self) -> dict[Sort, list[int]]:
        """The images of other systems by their sorts.

        Left out are those for which MAAS can take another architecture or image.
        """
        rows = self.rows
        found: dict[Sort, list[int]] = {}
        for name in self._names:
            os, _, _ = name.partition("/")
            for held in self._by_arch(name) if os != UBUNTU else ():
                if len(held) == 1:
                    sort = (os, rows.contents[held[0]], rows.subarches[held[0]])
                    found.setdefault(sort, []).append(held[0])
        return found

    @cached_property
    def in_order(self) -> list[int]:
        """The positions by name and architecture, but for what MAAS can take for another."""
        return [at for name in self._names for held in self._by_arch(name) for at in held]

    def _by_arch(self, name: str) -> list[list[int]]:
        """The positions of a name's images by architecture, in alphabetical order.

        There are none if MAAS can take an image of one architecture for another. Every architecture
        starts with an empty one, which no machine has. A rack keeps the files of an empty release
        where nobody looks.
        """
        arches, held = self.rows.arches, self._by_name[name]
        if name.endswith("/") or not all(arches[at] for at in held):
            return []
        if len(held) == 1:
            return [held]
        found: dict[str, list[int]] = {}
        for at in held:
            found.setdefault(arches[at], []).append(at)
        known = sorted(found)
        nested = any(other.startswith(one) for one, other in pairwise(known))
        return [] if nested else [found[arch] for arch in known]

    @cached_property
    def listings(self) -> dict[str, list[Offers]]:
        """The ``subarches`` of whole images, each with the offers that it is part of."""
        found: dict[str, list[Offers]] = {}
        for offers, at in self._offers.first.items():
            text = self.rows.extra["subarches"][at]
            if offers[0] and text is not None:
                found.setdefault(text, []).append(offers)
        return found

    def with_offers(self, offers: Iterable[Offers]) -> Images:
        """The images with one of these offers."""
        return Images(self, sorted(chain.from_iterable(map(self._offers.held.__getitem__, offers))))

    def products(self, image: Image) -> list[str]:
        """The products whose files lie under an image's name and architecture."""
        alike = self.exactly(image.resource.name, image.resource.architecture)
        return list(dict.fromkeys(name for i in alike for _, name in i.products))

    @cached_property
    def _offers(self) -> Groups[Offers]:
        """The images by what they offer."""
        rows = self.rows
        kernels = {subarch: names_kernel(subarch) for subarch in set(rows.subarches)}
        own = [None if kernels[subarch] else subarch for subarch in rows.subarches]
        return Groups(self._whole, rows.arches, own, *rows.extra.values())

    @cached_property
    def offering(self) -> dict[str, list[Offers]]:
        """The architectures that a machine may have, each with the offers that make it possible.

        Mirrors ``get_usable_architectures`` (maasserver/models/bootresource.py).
        """
        found: dict[str, list[Offers]] = {}
        for offers, at in self._offers.first.items():
            for architecture in architectures_of(self.image(at)) if offers[0] else ():
                found.setdefault(architecture, []).append(offers)
        return found

    @cached_property
    def architectures(self) -> list[str]:
        """The architectures that a machine can have, sorted."""
        return sorted(self.offering)
