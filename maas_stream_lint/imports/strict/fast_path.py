"""The fast path: what is as usual is told in a few steps, and most products are.

A yes is final. After a no, ``shapes`` judges field by field.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.imports.strict.fieldtypes import refused

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from maas_stream_lint.imports.tables import Items, Table
    from maas_stream_lint.rulebook import Shape

#: The types of an optional text.
TEXT_OR_NOTHING = frozenset({str, type(None)})
#: What the items of a table have, with their types.
ITEM_KINDS = {"ftype": "text", "path": "text", "sha256": "text", "size": "number"}


def open_fields(product: dict[str, Any], shape: Shape) -> dict[str, str]:
    """The fields of a product that are still to be judged: all, or those that are no mere texts."""
    texts, options, others = shape.plain_product
    try:
        usual = set(map(type, texts(product))) == {str}
    except KeyError:
        return shape.product
    usual = usual and TEXT_OR_NOTHING.issuperset(map(type, map(product.get, options)))
    return others if usual else shape.product


def fitting_rows(table: Table, shape: Shape) -> Table | None:
    """The rows of a table that fit; ``None`` where each must be judged by itself.

    They have all fields, and nothing but usual versions.
    """
    columns, fields = table.columns, shape.product
    by_key = {items.key: items for items in table.items}
    wanted = [by_key[key] for key in shape.item_keys if key in by_key]
    if (
        not all(_fits(columns.get(name), name, kind) for name, kind in fields.items())
        or not by_key.keys() >= set(shape.required)
        or not by_key.keys().isdisjoint(shape.no_items)
        or (shape.one_of and by_key.keys().isdisjoint(shape.roots))
        or not all(_items_fit(items, shape) for items in wanted)
    ):
        return None
    if not table.older or all_usual(table.older, shape):
        return table
    held = enumerate(columns["versions"])
    return table.without({row for row, one in held if not all_usual(one.values(), shape)})


def _fits(column: Sequence[Any] | None, name: str, kind: str) -> bool:
    """Whether a field fits in all products: texts do as such, else each value is judged once."""
    if column is None:
        return kind[-1] in "?~"
    if kind in ("text", "text~"):
        return True
    return all(refused({name: value}, name, kind, []) is None for value in set(column))


def _items_fit(items: Items, shape: Shape) -> bool:
    """Whether all items of one key fit."""
    return all(
        kind == ITEM_KINDS.get(name) or _members_fit(items.columns.get(name), kind)
        for name, kind in shape.item.items()
    )


def _members_fit(column: Sequence[Any] | None, kind: str) -> bool:
    if column is None:
        return kind[-1] in "?~"
    types = set(map(type, column))
    return types == {str} if kind == "text" else kind == "text~" and types <= TEXT_OR_NOTHING


def all_usual(versions: Collection[Any], shape: Shape) -> bool:
    """Whether all versions fit: they hold nothing but items, and usual ones."""
    needed, types, options = shape.plain_item
    try:
        holders = [version["items"] for version in versions if len(version) == 1]
        items = [holder[key] for holder in holders for key in shape.required]
        items += [holder[key] for holder in holders for key in shape.one_of if key in holder]
        columns = [set(map(type, column)) for column in zip(*map(needed, items), strict=True)]
        spare = {type(item.get(option)) for option in options for item in items}
    except (AttributeError, KeyError, TypeError):
        return False
    return (
        len(holders) == len(versions)
        and set(map(type, holders)) == {dict}
        and all(map(shape.no_items.isdisjoint, holders))
        and not (shape.one_of and any(map(shape.roots.isdisjoint, holders)))
        and columns == [{type_} for type_ in types]
        and spare <= TEXT_OR_NOTHING
    )


def is_usual(item: dict[str, Any], shape: Shape) -> bool:
    """Whether an item fits."""
    needed, types, options = shape.plain_item
    try:
        usual = tuple(map(type, needed(item))) == types
    except KeyError:
        return False
    for name in options:
        value = item.get(name)
        usual = usual and (value is None or value.__class__ is str)
    return usual
