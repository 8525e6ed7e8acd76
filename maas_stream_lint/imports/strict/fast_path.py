"""The fast path: what is as usual is told in a few steps, and most products are.

A yes is final. After a no, ``shapes`` judges field by field.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from maas_stream_lint.imports.strict.fieldtypes import refused

if TYPE_CHECKING:
    from collections.abc import Collection

    from maas_stream_lint.rulebook import Shape

#: The types of an optional text.
TEXT_OR_NOTHING = frozenset({str, type(None)})


def open_fields(product: dict[str, Any], shape: Shape) -> dict[str, str]:
    """The fields of a product that are still to be judged: all, or those that are no mere texts."""
    texts, options, others = shape.plain_product
    try:
        usual = set(map(type, texts(product))) == {str}
    except KeyError:
        return shape.product
    usual = usual and TEXT_OR_NOTHING.issuperset(map(type, map(product.get, options)))
    return others if usual else shape.product


def all_fit(products: list[Any], shape: Shape) -> bool:
    """Whether all products fit: they have all fields, and nothing but usual versions.

    To ask about many at once takes a fraction of the time that it takes to ask about each.
    """
    texts, options, others = shape.plain_product
    try:
        told = set(map(type, chain.from_iterable(map(texts, products))))
        spare = {type(product.get(option)) for option in options for product in products}
        held = [product["versions"] for product in products]
        fields = all(_fit(products, name, kind) for name, kind in others.items())
    except (AttributeError, KeyError, TypeError):
        return False
    return (
        fields
        and told == {str}
        and spare <= TEXT_OR_NOTHING
        and set(map(type, products)) == set(map(type, held)) == {dict}
        and all(held)
        and not any("product_name" in product for product in products)
        and all_usual([version for versions in held for version in versions.values()], shape)
    )


def _fit(products: list[dict[str, Any]], name: str, kind: str) -> bool:
    """Whether a field fits in all products: its few values are judged once. May raise TypeError."""
    if kind[-1] not in "?~" and not all(name in product for product in products):
        return False
    values = {product[name] for product in products if name in product}
    return all(refused({name: value}, name, kind, []) is None for value in values)


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
