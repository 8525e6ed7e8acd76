"""The kernels for a release, an architecture and a platform."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from maas_stream_lint.uses.kernel import (
    GENERIC,
    Names,
    ParsedNames,
    PrefixNames,
)
from maas_stream_lint.uses.refusal import Refusal, answered

if TYPE_CHECKING:
    from maas_stream_lint.rulebook import Release
    from maas_stream_lint.uses.ground import Ground
    from maas_stream_lint.uses.stock import Stock
    from maas_stream_lint.uses.stock_image import Image


class Kernels(ABC):
    """The lists of kernels of one release line. Mirrors ``get_hwe_kernels`` (bootresource.py)."""

    names: Names

    def __init__(self, stock: Stock, names: Names) -> None:
        """``stock``: the images. ``names``: how the release line reads their kernel names."""
        self.stock = stock
        self.names = names
        self._available: dict[tuple[str, str, str, str | None], dict[str, None] | Refusal] = {}

    def available(
        self, name: str, arch: str, platform: str, flavour: str | None = None
    ) -> dict[str, None]:
        """The kernels of a release for a machine, in the order in which MAAS tries them.

        Raises Refusal if MAAS cannot sort one of them: then no machine gets a kernel.
        """
        wish = (name, arch, platform, flavour)
        return answered(self._available, wish, self._find, *wish)

    def _find(self, name: str, arch: str, platform: str, flavour: str | None) -> dict[str, None]:
        images = self.stock.starting_with(name, arch)
        alike = [i for i in images if flavour in (None, i.kflavor)]
        return dict.fromkeys(self._for(alike, platform))

    @abstractmethod
    def _for(self, images: list[Image], platform: str) -> list[str]: ...

    @abstractmethod
    def listed(self, name: str = "", *, levels: bool = False) -> list[str]:
        """The kernels of all releases whose name starts with this text, for any architecture.

        ``levels``: also the kernels that each image claims to support. Also raises Refusal.
        """

    def flavours(self) -> set[str]:
        """The flavours that any resource has."""
        return {kflavor for kflavor in self.stock.rows.kflavors if kflavor is not None}

    @abstractmethod
    def is_level(self, text: str) -> bool:
        """Whether MAAS lists a member of ``subarches`` as a kernel. May raise Refusal."""

    @abstractmethod
    def platform_of(self, subarch: str, platform: str | None) -> str | None:
        """The platform that an image's kernel is for; ``None`` if it has no kernel.

        ``platform``: the product's own.
        """

    @abstractmethod
    def flavour_of(self, kernel: str) -> str:
        """The flavour of a machine's minimum kernel."""

    def _sorted(self, kernels: dict[str, None]) -> list[str]:
        return sorted(kernels, key=self.names.order)


class PrefixKernels(Kernels):
    """Up to 3.3: platforms do not matter."""

    names: PrefixNames

    def _for(self, images: list[Image], platform: str) -> list[str]:
        return self._list(images)

    def listed(self, name: str = "", *, levels: bool = False) -> list[str]:
        """Of every architecture."""
        return self._list(self.stock.starting_with(name), levels=levels)

    def is_level(self, text: str) -> bool:
        """By how it starts."""
        return self.names.is_kernel(text)

    def platform_of(self, subarch: str, platform: str | None) -> str | None:
        """Any will do."""
        return GENERIC if self.names.is_kernel(subarch) else None

    def flavour_of(self, kernel: str) -> str:
        """The first of its parts that is a flavour."""
        known = self.flavours()
        return next((part for part in kernel.split("-") if part in known), GENERIC)

    def _list(self, images: list[Image], *, levels: bool = False) -> list[str]:
        found: dict[str, None] = {}
        for image in images:
            if self.names.is_kernel(image.subarch):
                found[image.subarch] = None
                if image.rolling:
                    found[self.names.rolling(image.subarch)] = None
            if levels:
                found.update(dict.fromkeys(filter(self.names.is_kernel, image.listed)))
        return self._sorted(found)


class ParsedKernels(Kernels):
    """From 3.4 on: a kernel is for its own platform, and for the platforms in its list."""

    names: ParsedNames

    def _for(self, images: list[Image], platform: str) -> list[str]:
        """List kernels of the exact platform, then kernels that support it, then generic kernels.

        Mirrors ``get_available_kernels_prioritising_platform`` (maasserver/utils/osystems.py).
        """
        generic = self._list(images, GENERIC)
        if platform == GENERIC:
            return generic
        own = self._list(images, platform, exact=True)
        supporting = self._list(images, platform)
        special = [kernel for kernel in supporting if kernel not in generic]
        return own + special + [kernel for kernel in supporting if kernel in generic]

    def listed(self, name: str = "", *, levels: bool = False) -> list[str]:
        """Of every architecture and platform."""
        return self._list(self.stock.starting_with(name), levels=levels)

    def is_level(self, text: str) -> bool:
        """By its channel."""
        return self.names.parsed(text).kernel

    def platform_of(self, subarch: str, platform: str | None) -> str | None:
        """The product's own platform, else that in the kernel's name."""
        try:
            parsed = self.names.parsed(subarch)
        except Refusal:
            return GENERIC
        return _platform(platform, parsed.platform) if parsed.kernel else None

    def flavour_of(self, kernel: str) -> str:
        """The part after the release, if any resource has that flavour."""
        flavour = self.names.parsed(kernel).flavour
        return flavour if flavour and flavour in self.flavours() else GENERIC

    def _list(
        self,
        images: list[Image],
        platform: str | None = None,
        *,
        exact: bool = False,
        levels: bool = False,
    ) -> list[str]:
        found: dict[str, None] = {}
        for image in images:
            parsed = self.names.parsed(image.subarch)
            if platform is not None and not _is_for(image, parsed.platform, platform, exact=exact):
                continue
            if parsed.kernel:
                found[image.subarch] = None
                if image.rolling:
                    found[self.names.rolling(parsed)] = None
            elif platform is not None and platform != GENERIC:
                found[image.subarch] = None
            if levels:
                found.update(
                    {text: None for text in image.listed if self.names.parsed(text).kernel}
                )
        return self._sorted(found)


def _is_for(image: Image, named: str, platform: str, *, exact: bool) -> bool:
    """``named``: the platform in its kernel's name."""
    own = _platform(image.platform, named)
    return own == platform or (not exact and platform in image.platforms)


def _platform(own: str | None, named: str) -> str:
    """The product's own platform, else that in its kernel's name."""
    return (named if own is None else own) or GENERIC


def kernels_of(release: Release, ground: Ground) -> Kernels:
    """The lists as a release line makes them."""
    kind = release.use("kernel-names")
    kinds = {"prefix": PrefixKernels, "parsed": ParsedKernels}
    return kinds[kind](ground.stock, ground.names(kind))
