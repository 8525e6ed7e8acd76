"""Whether a stream is for another reader than MAAS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.rule_tables import rules_table
from maas_stream_lint.rulebook import ftypes

if TYPE_CHECKING:
    from maas_stream_lint.catalog import Catalog
    from maas_stream_lint.model import Product

#: The families of files that MAAS boots or deploys from by themselves. A squashfs alone is not one:
#: LXD's containers have it, too.
OWN_FAMILIES = frozenset(("boot", "tarball", "disk"))


class Foreign(NamedTuple):
    """A kind of stream that other programs read: an entry of ``rules/foreign.toml``."""

    title: str  #: what it holds, in plural
    names: tuple[str, ...] = ()
    ftypes: frozenset[str] = frozenset()
    members: frozenset[str] = frozenset()

    def holds(self, product: Product) -> bool:
        """Whether a product has every mark of this kind that ``rules/foreign.toml`` names."""
        newest = product.newest
        items = newest.items if newest is not None else []
        return (
            (not self.names or product.name.startswith(self.names))
            and (not self.ftypes or any(item.ftype in self.ftypes for item in items))
            and (not self.members or any(self.members <= item.raw.keys() for item in items))
        )


def find_foreign(catalog: Catalog) -> Foreign | None:
    """The kind of a stream whose products are all made for another reader; ``None`` for MAAS's."""
    products = catalog.products
    if not products or any(map(_is_for_maas, products)):
        return None
    kinds = [
        Foreign(
            entry["title"],
            tuple(entry.get("names", ())),
            frozenset(entry.get("ftypes", ())),
            frozenset(entry.get("members", ())),
        )
        for entry in rules_table("foreign.toml").values()
    ]
    found = [next((kind for kind in kinds if kind.holds(product)), None) for product in products]
    return found[0] if all(found) else None


def _is_for_maas(product: Product) -> bool:
    newest = product.newest
    if product.bootloader or newest is None:
        return True
    known = ftypes()
    return any(f in known and known[f].family in OWN_FAMILIES for f in newest.ftypes)
