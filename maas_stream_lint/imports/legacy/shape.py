"""The shape of a version: most versions of a stream share one, and it is judged once for all.

A version has a shape if each item names a path, a sha256 and a size that any MAAS takes, and if no
item or version has a field that overrides one of the product. Then what MAAS decides about its
items by their keys, ftypes and members is the same for every version of that shape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Fields that are looked up of an item only as such; with any other, it overrides its product.
OWN_FIELDS = frozenset(
    (
        *("ftype", "path", "sha256", "md5", "sha512", "size", "kpackage", "kparams"),
        *("src_package", "src_release", "src_version", "release_notification"),
    )
)
#: What a version mostly holds, so that it has no fields of its own.
ITEMS_ALONE = frozenset({"items"})
#: A size below this is one for every column.
HUGE = 10**18

#: Of each item: its key, its ftype and the names of its members.
Shape = tuple[tuple[str, ...], ...]


class Shapes:
    """The shapes of one source, as far as they have come up."""

    def __init__(self) -> None:
        """None has come up."""
        self._known: dict[Shape, Shape | None] = {}  # ``None``: items with fields of a product

    def of(self, version: dict[str, Any], above: Mapping[str, str], *, plain: bool) -> Shape | None:
        """The shape of a version, ``None`` if its items must be looked at one by one.

        ``above``: the flattened fields of its file and product. ``plain``: whether all texts of the
        document are known to be printable ASCII; else those of the version and above it must be.
        """
        items = version.get("items")
        if not items or version.keys() != ITEMS_ALONE:
            return None
        try:
            shape = tuple([(key, item["ftype"], *item) for key, item in items.items()])
            if shape not in self._known:
                self._known[shape] = shape if _has_own_fields(shape) else None
        except (KeyError, TypeError):  # without an ftype, or with one that is no text
            return None
        if self._known[shape] is None or not all(map(is_usual, items.values())):
            return None
        return self._known[shape] if plain or _all_printable(items, above) else None


def _has_own_fields(shape: Shape) -> bool:
    """Whether all items have an ftype that is a text, and no field of a product."""
    return all(part[1].__class__ is str and OWN_FIELDS.issuperset(part[2:]) for part in shape)


def is_usual(item: dict[str, Any]) -> bool:
    """Whether there is nothing odd about an item's own path, sha256 and size."""
    size = item.get("size")
    return (
        item.get("path").__class__ is item.get("sha256").__class__ is str
        and size.__class__ is int
        and 0 < size < HUGE
    )


def all_ascii(texts: list[str]) -> bool:
    """Whether all texts are printable ASCII."""
    joined = "".join(texts)
    return joined.isascii() and joined.isprintable()


def _all_printable(items: dict[str, Any], above: Mapping[str, str]) -> bool:
    own = [text for item in items.values() for text in item.values() if text.__class__ is str]
    return all_ascii([*own, *above.values()])
