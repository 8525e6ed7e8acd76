"""Twins: products that make one boot resource, so that one replaces the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from maas_stream_lint.imports.answers import flavoured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from maas_stream_lint.finding import Place
    from maas_stream_lint.model import Product
    from maas_stream_lint.rulebook import Release


class Twins(NamedTuple):
    """One boot resource on one release line, and the products that make it."""

    release: Release
    name: str  #: ``os/series``
    architecture: str  #: ``arch/subarch``
    products: list[Product]


class _Kernel(NamedTuple):
    """What a boot resource's subarch is made of."""

    subarch: str
    flavour: str | None
    lone: bool  #: the product has a root file and no kernel


def find_twins(
    products: Iterable[Product],
    releases: Iterable[Release],
    takes: Callable[[Place], Sequence[str]],
) -> Iterator[Twins]:
    """Each boot resource that several products make. ``takes``: the lines that import a place.

    The identity of a boot resource is ``get_or_create_boot_resource``'s
    (maasserver/bootresources.py), on the strict engine ``from_simplestreams_product``'s
    (maasservicelayer/builders/bootresources.py).
    """
    alike: dict[tuple[str, str | None, str | None], list[Product]] = {}
    for product in products:
        alike.setdefault((product.os, _series(product), product.get("arch")), []).append(product)
    flavours: dict[tuple[bool, str], list[Release]] = {}
    for release in releases:
        flavours.setdefault((release.strict, release.policy("flavour")), []).append(release)
    for (os, series, arch), several in alike.items():
        if len(several) < 2 or series is None or arch is None:
            continue
        for group in flavours.values():
            for subarch, together in _by_subarch(several, group[0]).items():
                taken_on = [(product, takes(product.place)) for product in together]
                for release in group:
                    taken = [product for product, lines in taken_on if release.line in lines]
                    if len(taken) > 1:
                        yield Twins(release, f"{os}/{series}", f"{arch}/{subarch}", taken)


def boot_subarch(product: Product, release: Release) -> str:
    """The subarch with its flavour, as a release names the boot resource."""
    return _flavoured(_kernel(product), release)


def _by_subarch(products: list[Product], release: Release) -> dict[str, list[Product]]:
    """The products that share a boot resource's subarch, in the stream's order."""
    kernels: dict[_Kernel, list[int]] = {}
    for position, product in enumerate(products):
        kernels.setdefault(_kernel(product), []).append(position)
    made: dict[str, list[int]] = {}
    for kernel, positions in kernels.items():
        made.setdefault(_flavoured(kernel, release), []).extend(positions)
    return {
        subarch: [products[position] for position in sorted(positions)]
        for subarch, positions in made.items()
        if len(positions) > 1
    }


def _kernel(product: Product) -> _Kernel:
    if product.bootloader or product.os == "ubuntu-core":
        return _Kernel("generic", None, lone=False)
    lone = product.newest is not None and "boot-kernel" not in product.newest.ftypes
    return _Kernel(product.get("subarch") or "generic", product.get("kflavor"), lone)


def _flavoured(kernel: _Kernel, release: Release) -> str:
    if release.strict and kernel.lone:
        return kernel.subarch  # a root tarball has no flavour there
    return flavoured(release, kernel.subarch, kernel.flavour)


def _series(product: Product) -> str | None:
    if product.bootloader:
        return product.get("bootloader-type")
    release = product.get("release")
    if product.os == "ubuntu-core" and release is not None:
        return f"{release}-{product.get('gadget_snap')}"
    return release
