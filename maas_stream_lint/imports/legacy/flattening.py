"""Flattening: an item's fields as MAAS sees them, and what both passes keep of a file.

Mirrors ``products_exdata`` (simplestreams/util) by behaviour.
"""

from __future__ import annotations

from typing import Any

from maas_stream_lint.finding import Place
from maas_stream_lint.imports.tables import HUGE, ITEMS_ALONE, OWN_FIELDS, Tables, is_printable
from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.records import field, record

#: The cache's tuple, by column.
SPEC = ("os", "arch", "subarch", "kflavor", "release", "label")
Spec = tuple[str, str, str, str, str, str]
#: What pass 2 finds a product version by: content_id, product_name, version_name.
Key = tuple[str, str, str]


class Claim:
    """What a tuple of the cache points at: one item's flattened fields, and where they stand."""

    __slots__ = ("flat", "item", "os", "release", "specs")

    def __init__(self, item: FlatItem, os: str, release: str) -> None:
        """``os``, ``release``: those of all tuples that the item claims."""
        self.item, self.flat = item, item.base
        self.os, self.release = os, release
        #: The tuples that the item takes if they are free, and those that it takes in any case.
        self.specs: tuple[list[Spec], list[Spec]] | None = None

    @property
    def place(self) -> Place:
        """The place of the item."""
        return self.item.place


class FlatItem(NamedTuple):
    """An item of a version, flattened in two layers: most items differ in few fields only."""

    raw: dict[str, Any]  #: the item itself
    base: dict[str, str]  #: those above; with the item's, if it says anything that is no item's own
    product: FlatProduct
    version: str
    key: str
    usual: bool  #: nothing is odd about its own path, sha256 and size, nor about any other text

    @property
    def place(self) -> Place:
        """Where it stands; made when it is asked for, since most items are not to blame."""
        return self.product.place.below("versions", self.version, "items", self.key)

    def get(self, field: str) -> str | None:
        """A field, the item's own before those above."""
        value = self.raw.get(field)
        if value.__class__ is str:
            text: str = value
            return text
        return str(value) if isinstance(value, (int, float)) else self.base.get(field)


@record
class FlatProduct:
    """A product with its fields flattened: the same for every pass and release line."""

    name: str
    file: str
    base: dict[str, str]  #: flattened fields of file and product
    versions: dict[str, Any]
    newest: str
    in_table: bool = False  #: so there is nothing odd about the items of its newest version
    _items: dict[str, list[FlatItem]] = field(default_factory=dict)
    _levels: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(self.file, ("products", self.name))

    def level(self, vername: str) -> dict[str, str]:
        """The flattened fields of file, product and version, made once."""
        found = self._levels.get(vername)
        if found is None:
            version = self.versions[vername]
            own = {} if version.keys() <= ITEMS_ALONE else text_fields(version)
            found = self._levels[vername] = {**self.base, **own, "version_name": vername}
        return found

    def key(self, vername: str) -> Key | None:
        """What pass 2 finds a version by, ``None`` without the ``content_id`` that MAAS needs."""
        alone = self.versions[vername].keys() <= ITEMS_ALONE
        fields = self.base if alone else self.level(vername)
        if "content_id" not in fields:
            return None
        return (fields["content_id"], fields["product_name"], vername)

    def items(self, vername: str) -> list[FlatItem]:
        """A version's items, flattened once."""
        found = self._items.get(vername)
        if found is None:
            base, usual = self.level(vername), self.in_table and vername == self.newest
            found = self._items[vername] = []
            for key, item in self.versions[vername].get("items", {}).items():
                above = base if OWN_FIELDS.issuperset(item) else {**base, **text_fields(item)}
                found.append(FlatItem(item, above, self, vername, key, usual or _is_usual(item)))
        return found


@record
class Walked:
    """A product, and what pass 1 of one release line made of it."""

    flat: FlatProduct
    aborted: bool = False  #: pass 1 stumbled here, so pass 2 can't tell by its claims
    dropped: bool = False  #: pass 1 ignored at least one of its items
    claims: list[Claim] = field(default_factory=list)
    claimed: dict[str, str] | None = None  #: the fields that the last tuples were made of


@record
class Shared:
    """What the imports of several release lines have in common, so that it is done once."""

    tables: Tables = field(default_factory=Tables)
    products: dict[tuple[str, str], FlatProduct] = field(default_factory=dict)
    #: By file and position: products of tables, of which every pass makes the same.
    walked: dict[tuple[str, int], Walked] = field(default_factory=dict)
    sound: dict[str, set[int]] = field(default_factory=dict)

    def product(
        self, file: str, name: str, top: dict[str, str], raw: dict[str, Any], *, in_table: bool
    ) -> FlatProduct:
        """A product flattened. ``top``: the file's fields. ``raw``: its object, with versions."""
        found = self.products.get((file, name))
        if found is None:
            own = raw if in_table else text_fields(raw)
            base = {**top, **own, "product_name": name}
            if in_table:
                del base["versions"]  # all else are texts
            versions = raw["versions"]
            found = FlatProduct(name, file, base, versions, max(versions), in_table)
            self.products[(file, name)] = found
        return found


def text_fields(level: dict[str, Any]) -> dict[str, str]:
    """The members that flattening keeps: texts as they are, numbers (and booleans) as text.

    Mirrors ``stringitems`` (simplestreams/util).
    """
    return {
        k: v if v.__class__ is str else str(v)
        for k, v in level.items()
        if v.__class__ is str or isinstance(v, (int, float))
    }


def _is_usual(item: dict[str, Any]) -> bool:
    """Whether there is nothing odd about an item's own path, sha256 and size, nor its texts."""
    size = item.get("size")
    return (
        item.get("path").__class__ is item.get("sha256").__class__ is str
        and size.__class__ is int
        and 0 < size < HUGE
        and is_printable([text for text in item.values() if text.__class__ is str])
    )


def product_title(flat: dict[str, str]) -> str | None:
    """The title MAAS shows, if the stream gives one.

    Mirrors ``get_product_title`` (maasserver/bootsources.py).
    """
    os, release, gadget = flat.get("os_title"), flat.get("release_title"), flat.get("gadget_title")
    if os is None or release is None:
        return None
    return f"{os} {release}" + (f" {gadget}" if gadget is not None else "")


def key_of(flat: dict[str, str]) -> Key | None:
    """The key of a flattened version, ``None`` without the ``content_id`` that MAAS needs."""
    if "content_id" not in flat:
        return None
    return (flat["content_id"], flat["product_name"], flat["version_name"])
