"""How an image is called: its os, release, version and titles, the names of product and version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.distributions import Distribution, disk_named, distribution_of
from maas_stream_lint.rulebook import all_releases

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date

    from maas_stream_lint.building.finished_image import Image
    from maas_stream_lint.rulebook import Release

#: A version has no more of these a day: a third digit would sort before two.
_SERIALS = range(1, 100)


def about(image: Image) -> dict[str, str]:
    """What an image says of its system: members of os-release(5), or as much as a disk tells."""
    if image.tree is not None:
        return image.tree.about
    if image.disk is not None and image.disk.system is not None:
        known = {"ID": image.disk.system, "NAME": disk_named(image.disk.system).title or ""}
        return {**known, **({"VERSION_ID": image.disk.version} if image.disk.version else {})}
    return {}


def system(image: Image) -> Distribution | None:
    """The entry of ``rules/distributions.toml`` for an image, ``None`` if there is none."""
    if image.tree is not None:
        return distribution_of(image.tree.about) if image.tree.about else None
    if image.disk is not None and image.disk.system is not None:
        return disk_named(image.disk.system)
    return None


def deploying(os: str, ftypes: Sequence[str], releases: Sequence[Release]) -> dict[str, list[str]]:
    """Ftype → the release lines whose driver of an os deploys it."""
    return {f: [r.line for r in releases if f in r.drivers.get(os, ())] for f in ftypes}


def span(lines: Sequence[str]) -> str:
    """Release lines, oldest first, in few words: ``2.9 to 3.7`` if they are neighbours."""
    order = [release.line for release in all_releases()]
    first = order.index(lines[0])
    if len(lines) > 2 and list(lines) == order[first : first + len(lines)]:
        return f"{lines[0]} to {lines[-1]}"
    return " and ".join([", ".join(lines[:-1]), lines[-1]] if len(lines) > 1 else lines)


def product_name(prefix: str, os: str, release: str, arch: str) -> str:
    """The name of a product of one file; MAAS takes any (``validate_product``)."""
    return f"{prefix}:{os}-bases:{release}:{arch}"


def next_version(day: date, known: Collection[str]) -> str | None:
    """The name of a new version: the day and a serial. MAAS takes the last one in text order.

    ``known``: the versions that the product has. ``None``: none of this day would be the last.
    """
    last = max(known, default="")
    names = (f"{day:%Y%m%d}_{serial:02}" for serial in _SERIALS)
    return next((name for name in names if name > last), None)
