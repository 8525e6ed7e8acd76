"""The operating system on a product's image, as the image or the product says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from maas_stream_lint.distributions import distribution_called, distribution_of, filled
from maas_stream_lint.records import record
from maas_stream_lint.rulebook import default_system, ftypes, is_root, systems

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from maas_stream_lint.distributions import Distribution
    from maas_stream_lint.model import Item, Product
    from maas_stream_lint.rulebook import Release

    #: Path of an image file below the root → members of os-release(5); none if nobody can tell.
    Identify = Callable[[str], Mapping[str, str]]


@record(frozen=True)
class Installed:
    """The system on an image."""

    distribution: Distribution | None  #: ``None``: a system that nobody knows
    about: Mapping[str, str]  #: the known members of os-release(5)
    seen: bool  #: whether the image itself says so; else its product does

    @property
    def title(self) -> str:
        """What it is called."""
        return self.about.get("PRETTY_NAME") or self.about.get("NAME") or self.about.get("ID", "")

    @property
    def is_default(self) -> bool:
        """Whether it is Ubuntu."""
        known = self.distribution
        return known is not None and default_system() in known.os

    @property
    def base_image(self) -> str | None:
        """The base image that an upload names."""
        known = self.distribution
        return filled(known.base_image, self.about) if known is not None else None


def installed(product: Product, identify: Identify) -> Installed:
    """The system on a product's newest image, as the image says, or else the product."""
    root = root_of(product)
    about = identify(root.path) if root is not None and root.path else {}
    if about:
        return Installed(distribution_of(about), about, seen=True)
    for called in _names(product):
        known = distribution_called(called)
        if known is not None:
            return Installed(known, _said(product, known), seen=False)
    return Installed(None, {}, seen=False)


def root_of(product: Product) -> Item | None:
    """The item of the newest version that holds the system, preferably one for an upload."""
    newest = product.newest
    roots = [item for item in newest.items if is_root(item.ftype)] if newest is not None else []
    return min(roots, key=lambda item: ftypes()[item.ftype or ""].upload is None, default=None)


def fitting(
    known: Distribution | None, ftype: str | None, releases: tuple[Release, ...]
) -> str | None:
    """The os under which most release lines deploy an image; ``None`` if none does."""
    names = [os for os in (known.os if known is not None else ()) if os != default_system()]
    counts = {os: len(deploying(os, ftype, releases)) for os in names}
    best = max(names, key=lambda os: counts[os], default=None)
    return best if best is not None and counts[best] else None


def deploying(os: str, ftype: str | None, releases: tuple[Release, ...]) -> list[str]:
    """The release lines whose driver of an os deploys a root file."""
    return [r.line for r in releases if ftype in r.drivers.get(os, ())]


def possible(releases: tuple[Release, ...]) -> list[str]:
    """Each os that a product of a stream can have."""
    known = {name for release in releases for name in release.drivers}
    return sorted(n for n in known if n not in systems() or systems()[n].stream)


def _names(product: Product) -> list[str]:
    """The names of a product's system, the surest first: its os, if known, then its release."""
    release = re.match("[A-Za-z]+", product.get("release") or "")
    general = product.os in systems() and not systems()[product.os].stream
    return [*([] if general else [product.os]), *([release[0]] if release else [])]


def _said(product: Product, known: Distribution) -> dict[str, str]:
    """The members of os-release(5) that the product implies."""
    release, version = product.get("release") or "", product.get("version") or ""
    number = re.search(r"\d+(\.\d+)*", version) or re.search(r"\d+(\.\d+)*", release)
    return {
        "ID": known.ids[0],
        "NAME": product.get("os_title") or known.ids[0],
        "VERSION_CODENAME": release.partition("-")[0],
        **({"VERSION_ID": number[0]} if number is not None else {}),
    }
