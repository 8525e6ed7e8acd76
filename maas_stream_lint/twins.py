"""Twins: products that make one boot resource, so that one replaces the other."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from maas_stream_lint.imports.answers import flavoured
from maas_stream_lint.imports.identity import (
    BOOTLOADER,
    IMAGE,
    LONE_ROOT,
    SNAP,
    series,
    subarch_of,
)
from maas_stream_lint.rulebook import gadget_system, of_family

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from maas_stream_lint.finding import Place
    from maas_stream_lint.model import Catalog, Product
    from maas_stream_lint.rulebook import Release


class Twins(NamedTuple):
    """One boot resource on one release line, and the products that make it."""

    release: Release
    name: str  #: ``os/series``
    architecture: str  #: ``arch/subarch``
    products: list[Product]


class _Kernel(NamedTuple):
    """What a boot resource's subarch is made of."""

    kind: str  #: as in ``imports.identity``
    subarch: str | None
    flavour: str | None


def find_twins(
    catalog: Catalog,
    releases: Iterable[Release],
    takes: Callable[[Place], Sequence[str]],
) -> Iterator[Twins]:
    """Each boot resource that several products make. ``takes``: the lines that import a place.

    What a boot resource is called: see ``imports.identity``.
    """
    alike: dict[tuple[str, str | None, str | None], list[tuple[Product, _Kernel]]] = {}
    said = zip(*map(catalog.column, ("release", "arch", "subarch", "kflavor")), strict=True)
    for product, (release_, arch, subarch, kflavor) in zip(catalog.products, said, strict=True):
        kernel = _Kernel(_kind(product), subarch, kflavor)
        plain = kernel.kind in (IMAGE, LONE_ROOT)
        of = release_ if plain else series(kernel.kind, product.get)
        alike.setdefault((product.os, of, arch), []).append((product, kernel))
    named: dict[tuple[str, _Kernel], str] = {}
    flavours: dict[tuple[bool, str], list[Release]] = {}
    for release in releases:
        flavours.setdefault((release.strict, release.policy("flavour")), []).append(release)
    for (os, of, arch), several in alike.items():
        if len(several) < 2 or of is None or arch is None:
            continue
        for group in flavours.values():
            for subarch, together in _by_subarch(several, group[0], named).items():
                taken_on = [(product, takes(product.place)) for product in together]
                for release in group:
                    taken = [product for product, lines in taken_on if release.line in lines]
                    if len(taken) > 1:
                        yield Twins(release, f"{os}/{of}", f"{arch}/{subarch}", taken)


def boot_subarch(product: Product, release: Release) -> str:
    """The subarch with its flavour, as a release names the boot resource."""
    return _flavoured(_kernel(product), release)


def _by_subarch(
    products: list[tuple[Product, _Kernel]],
    release: Release,
    named: dict[tuple[str, _Kernel], str],
) -> dict[str, list[Product]]:
    """The products that share a boot resource's subarch, in the stream's order.

    ``named``: the subarch of each kernel by release line, as far as it is known.
    """
    subarches = []
    for _, kernel in products:
        key = (release.line, kernel)
        subarch = named.get(key)
        if subarch is None:
            subarch = named[key] = _flavoured(kernel, release)
        subarches.append(subarch)
    if len(set(subarches)) == len(subarches):
        return {}
    made: dict[str, list[Product]] = {}
    for (product, _), subarch in zip(products, subarches, strict=True):
        made.setdefault(subarch, []).append(product)
    return {subarch: together for subarch, together in made.items() if len(together) > 1}


def _kernel(product: Product) -> _Kernel:
    return _Kernel(_kind(product), product.get("subarch"), product.get("kflavor"))


def _kind(product: Product) -> str:
    if product.bootloader:
        return BOOTLOADER
    if product.os == gadget_system():
        return SNAP
    if product.newest is None:
        return IMAGE
    boots = any(item.ftype in of_family("boot") for item in product.newest.items)
    return IMAGE if boots else LONE_ROOT


def _flavoured(kernel: _Kernel, release: Release) -> str:
    # Only the strict engine knows a root tarball without a kernel as a kind of its own.
    kind = IMAGE if kernel.kind == LONE_ROOT and not release.strict else kernel.kind
    return subarch_of(kind, kernel.subarch, kernel.flavour, partial(flavoured, release))
