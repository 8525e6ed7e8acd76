"""Which versions of a product a stream does not need."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from maas_stream_lint.errors import UsageError
from maas_stream_lint.model import Version
from maas_stream_lint.records import record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from maas_stream_lint.building.existing import Existing
    from maas_stream_lint.model import Product
    from maas_stream_lint.rulebook import UbuntuSet


@record(frozen=True)
class Unneeded:
    """A version that goes."""

    file: str  #: the products file
    product: str
    version: str
    paths: tuple[str, ...]  #: of its files


def beyond(
    existing: Existing,
    keep: int,
    present: Mapping[str, int],
    needs: UbuntuSet,
    only: Sequence[str] = (),
) -> list[Unneeded]:
    """The versions of each product beyond the ``keep`` newest ones, in MAAS's order: as text.

    A product keeps its newest good version in any case. ``present``: path → size of the files on
    disk. ``only``: globs of product names; empty: all.
    """
    gone = []
    for product in existing.catalog.products:
        if only and not any(fnmatchcase(product.name, glob) for glob in only):
            continue
        versions = _newest_first(product)
        kept = versions[:keep]
        if not any(is_good(version, present, needs) for version in kept):
            kept += [v for v in versions[keep:] if is_good(v, present, needs)][:1]
        gone += [_unneeded(version) for version in versions if version not in kept]
    return gone


def named(
    existing: Existing, wanted: str, present: Mapping[str, int], needs: UbuntuSet
) -> list[Unneeded]:
    """The versions of a product, or the one of them that ``PRODUCT/VERSION`` names.

    Raises UsageError for what is not there, or is the last good version of its product.
    """
    found = [product for product in existing.catalog.products if product.name == wanted]
    if found:
        return [_unneeded(version) for product in found for version in _newest_first(product)]
    name, _, version_name = wanted.rpartition("/")
    products = [product for product in existing.catalog.products if product.name == name]
    versions = [v for p in products for v in _newest_first(p)]
    gone = [version for version in versions if version.name == version_name]
    if not gone:
        raise UsageError(f"no product or version {wanted!r}", _near(existing, wanted))
    good = [version for version in versions if is_good(version, present, needs)]
    if good and all(version in gone for version in good):
        told = f"{version_name} is the last good version of {name}"
        raise UsageError(told, f"remove {name} as a whole")
    return [_unneeded(version) for version in gone]


def is_good(version: Version, present: Mapping[str, int], needs: UbuntuSet) -> bool:
    """Whether a version has what MAAS needs of it, and its files are there, as long as they are.

    ``needs``: what an Ubuntu boots by (``commissionable``, src/maasserver/models/
    bootresourceset.py).
    """
    ftypes = version.ftypes
    if version.product.ubuntu:
        whole = {needs.kernel, needs.initrd} <= ftypes.keys() and any(
            root in ftypes for root in needs.roots
        )
    else:
        whole = bool(version.roots) or (version.product.bootloader and bool(version.items))
    files = [(item.path, item.get("size")) for item in version.items if item.path]
    there = all(path in present and size in (None, str(present[path])) for path, size in files)
    return whole and there


def _newest_first(product: Product) -> list[Version]:
    members = sorted(product.versions.items(), reverse=True)
    return [Version(product, name, raw) for name, raw in members if isinstance(raw, dict)]


def _unneeded(version: Version) -> Unneeded:
    product = version.product
    paths = tuple(item.path for item in version.items if item.path)
    return Unneeded(product.file.path, product.name, version.name, paths)


def _near(existing: Existing, wanted: str) -> str:
    import difflib

    known: Iterable[str] = [p.name for p in existing.catalog.products]
    near = difflib.get_close_matches(wanted.partition("/")[0], list(known), n=1)
    return f"did you mean {near[0]}?" if near else "see `maas-stream-lint preview`"
