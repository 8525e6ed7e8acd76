"""One image of the stock: a boot resource with its newest set, and what is in that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.rulebook import is_root

if TYPE_CHECKING:
    from maas_stream_lint.imports.stored import HeldResource, HeldSet
    from maas_stream_lint.rulebook import UbuntuSet
    from maas_stream_lint.uses.stock_rows import Rows


class Contents:
    """What images hold: most images of a stream hold files of the same names."""

    def __init__(self, label: str, files: tuple[tuple[str, str], ...], needs: UbuntuSet) -> None:
        """``files``: ftype and name of each, in the order of their rows."""
        self.label, self.rows = label, files
        self.files = dict(files)  #: ftype → file name; of two files of one type, the later row
        self.names = frozenset([name for _, name in files])
        self.whole = needs.is_whole(self.files)
        roots, best = [file for file in files if is_root(file[0])], needs.roots[0]
        #: Whether they are whole, with the best root under its own name and no other. A rack
        #: finds nothing without a label.
        self.usual = self.whole and roots == [(best, best)] and bool(label)


class Image:
    """A boot resource and its newest set, which is the only one that is kept."""

    __slots__ = ("arch", "contents", "needs", "os", "position", "release", "rows", "subarch")

    def __init__(self, rows: Rows, position: int) -> None:
        """``position``: of its row."""
        self.rows, self.position = rows, position
        self.contents, self.needs = rows.contents[position], rows.needs
        #: ``ubuntu`` and ``noble``
        self.os, _, self.release = rows.names[position].partition("/")
        #: ``amd64``, and its kernel's name or what else stands there: ``ga-24.04``, ``generic``
        self.arch, self.subarch = rows.arches[position], rows.subarches[position]

    @property
    def name(self) -> str:
        """``ubuntu/noble``."""
        return self.rows.names[self.position]

    @property
    def kflavor(self) -> str | None:
        """The flavour of its kernel."""
        return self.rows.kflavors[self.position]

    @property
    def rolling(self) -> bool:
        """Whether MAAS also lists its kernel as the rolling one."""
        return self.rows.rolling[self.position]

    @property
    def resource(self) -> HeldResource:
        """Its row in the database, which costs much more than a column of it."""
        return self.rows.resource(self.position)

    def kept(self, field: str) -> str | None:
        """A member of EXTRA that the boot resource keeps of its product."""
        return self.rows.extra[field][self.position]

    @property
    def set(self) -> HeldSet:
        """The newest set."""
        return self.resource.newest

    @property
    def products(self) -> list[tuple[str, str]]:
        """The products whose files it holds: (products file, name), each once."""
        return self.rows.products(self.position)

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
        subarches = self.kept("subarches")
        return [] if subarches is None else subarches.split(",")

    @property
    def platform(self) -> str | None:
        """The product's own platform."""
        return self.kept("platform")

    @property
    def platforms(self) -> list[str]:
        """``supported_platforms`` likewise."""
        platforms = self.kept("supported_platforms")
        return [] if platforms is None else platforms.split(",")

    @property
    def own(self) -> list[str]:
        """Its own kernel and platform."""
        platform = self.platform
        return [self.subarch] if platform is None else [self.subarch, platform]

    @property
    def supports(self) -> list[str]:
        """The kernels and platforms by whose names it is found.

        Mirrors ``supports_subarch`` and ``supports_platform`` (maasserver/models/bootresource.py).
        """
        return [*self.own, *self.listed, *self.platforms]


def architectures_of(image: Image) -> set[str]:
    """The architectures of machines that an image makes possible, if it is whole."""
    return _listed_architectures(image) | _own_architectures(image)


def _listed_architectures(image: Image) -> set[str]:
    subarches = image.kept("subarches")
    listed = [] if subarches is None else image.rows.listed(subarches)
    return {f"{image.arch}/{subarch}" for subarch in listed}


def _own_architectures(image: Image) -> set[str]:
    found: set[str] = set()
    architecture = f"{image.arch}/{image.subarch}"
    if not names_kernel(architecture):
        found.add(architecture)
    if image.platform is not None:
        found.add(f"{image.arch}/{image.platform}")
    found.update(f"{image.arch}/{platform}" for platform in image.platforms)
    return found


def names_kernel(text: str) -> bool:
    """Whether MAAS takes a subarch for a kernel, and not for a kind of machines."""
    return "hwe-" in text or "ga-" in text
