"""Twins: products that make one boot resource, so that one replaces the other."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from maas_stream_lint.imports.answers import flavoured
from maas_stream_lint.imports.identity import (
    BOOTLOADER,
    IMAGE,
    LONE_ROOT,
    SNAP,
    series,
    subarch_of,
)
from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.rulebook import gadget_system, of_family

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from maas_stream_lint.catalog import Catalog
    from maas_stream_lint.finding import Place
    from maas_stream_lint.model import Product
    from maas_stream_lint.nature import Nature
    from maas_stream_lint.rulebook import Release


class Twins(NamedTuple):
    """One boot resource on one release line, and the products that make it."""

    release: Release
    name: str  #: ``os/series``
    architecture: str  #: ``arch/subarch``
    products: list[Product]


#: What a boot resource's name and architecture begin with: os, series, arch.
_Owner = tuple[str, "str | None", "str | None"]
#: What its subarch is made of: kind (as in ``imports.identity``), subarch, flavour.
_Kernel = tuple[str, "str | None", "str | None"]


def find_twins(
    catalog: Catalog,
    releases: Iterable[Release],
    takes: Callable[[Place], Sequence[str]],
) -> Iterator[Twins]:
    """Each boot resource that several products make. ``takes``: the lines that import a place.

    What a boot resource is called: see ``imports.identity``.
    """
    owners, kernels = _owners(catalog), _kernels(catalog)
    flavours: dict[tuple[bool, str], list[Release]] = {}
    for release in releases:
        flavours.setdefault((release.strict, release.policy("flavour")), []).append(release)
    groups = list(flavours.values())
    found: list[tuple[_Owner, str, int, list[int]]] = []
    named: dict[tuple[str, ...], dict[tuple[_Owner, str], list[int]]] = {}
    kinds = list(dict.fromkeys(kernels))
    for number, group in enumerate(groups):
        subarches = tuple([_flavoured(kernel, group[0]) for kernel in kinds])
        if subarches not in named:
            subarch_of_ = dict(zip(kinds, subarches, strict=True))
            named[subarches] = _doubled(owners, list(map(subarch_of_.__getitem__, kernels)))
        for (owner, subarch), rows in named[subarches].items():
            found.append((owner, subarch, number, rows))
    firsts = {owner: row for row, owner in reversed(list(enumerate(owners)))} if found else {}
    # In the stream's order, whichever lines it is on.
    found.sort(key=lambda twins: (firsts[twins[0]], twins[2], twins[3][0]))
    for (os, of, arch), subarch, number, rows in found:
        if of is None or arch is None:
            continue
        together = [catalog.products[row] for row in rows]
        taken_on = [(product, takes(product.place)) for product in together]
        for release in groups[number]:
            taken = [product for product, lines in taken_on if release.line in lines]
            if len(taken) > 1:
                yield Twins(release, f"{os}/{of}", f"{arch}/{subarch}", taken)


def _doubled(owners: list[_Owner], subarches: list[str]) -> dict[tuple[_Owner, str], list[int]]:
    """The rows of products that make one boot resource, where there are several, by its name."""
    names = list(zip(owners, subarches, strict=True))
    if len(set(names)) == len(names):
        return {}
    made: dict[tuple[_Owner, str], list[int]] = {}
    for row, name in enumerate(names):
        made.setdefault(name, []).append(row)
    return {name: rows for name, rows in made.items() if len(rows) > 1}


def _owners(catalog: Catalog) -> list[_Owner]:
    table = catalog.columns
    of = list(table.texts("release"))
    oses = [nature.os for nature in table.natures]
    named = {nature for nature in catalog.natures if _kind(nature) not in (IMAGE, LONE_ROOT)}
    for row, nature in enumerate(table.natures) if named else ():
        if nature in named:
            of[row] = series(_kind(nature), catalog.products[row].get)
    return list(zip(oses, of, table.texts("arch"), strict=True))


def _kernels(catalog: Catalog) -> list[_Kernel]:
    table = catalog.columns
    kinds = {nature: _kind(nature) for nature in catalog.natures}
    columns = map(kinds.__getitem__, table.natures), table.texts("subarch"), table.texts("kflavor")
    return list(zip(*columns, strict=True))


def _kind(nature: Nature) -> str:
    if nature.bootloader:
        return BOOTLOADER
    if nature.os == gadget_system():
        return SNAP
    boots = any(ftype in of_family("boot") for ftype in nature.ftypes)
    return IMAGE if boots or not nature.has_version else LONE_ROOT


def _flavoured(kernel: _Kernel, release: Release) -> str:
    # Only the strict engine knows a root tarball without a kernel as a kind of its own.
    kind, subarch, flavour = kernel
    kind = IMAGE if kind == LONE_ROOT and not release.strict else kind
    return subarch_of(kind, subarch, flavour, partial(flavoured, release))
