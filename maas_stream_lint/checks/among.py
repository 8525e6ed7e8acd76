"""Picks the nodes that a rule must look at: the rule judges each kind once, not every node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.objects import are

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Image, Item, Product, Version
    from maas_stream_lint.nature import Nature

    Among = Callable[[Look], Sequence[Any]]


def saying(*fields: str, odd: Callable[..., bool]) -> Among:
    """The products whose texts in some fields are odd.

    The function calls ``odd`` once for each set of texts that occurs. An absent text is ``None``.
    """

    def among(look: Look) -> list[Product]:
        found = [texts for texts in look.catalog.said(*fields) if odd(*texts)]
        alike = look.catalog.by(*fields) if found else {}
        return [product for texts in found for product in alike[texts]]

    return among


def with_text(*fields: str, odd: Callable[[str], object]) -> Among:
    """The products with an odd text in a field, with one call of ``odd`` for each text."""

    def among(look: Look) -> list[Product]:
        table = look.catalog.columns
        found: set[int] = set()
        for field in fields:
            column = table.texts(field)
            strange = {text for text in {*column} if text is not None and odd(text)}
            if strange:
                found.update(row for row, text in enumerate(column) if text in strange)
        return [table.products[row] for row in sorted(found)]

    return among


def being(odd: Callable[[Nature, Look], bool]) -> Among:
    """The newest versions of products whose nature is odd, with one call of ``odd`` for each."""

    def among(look: Look) -> list[Version]:
        products = look.catalog.that_are(lambda nature: nature.has_version and odd(nature, look))
        return [product.newest for product in products if product.newest is not None]

    return among


def with_items(*fields: str, odd: Callable[..., bool]) -> Among:
    """The items whose own values in some fields are odd.

    The function calls ``odd`` once for each set of values that occurs. An absent value is ``None``.
    """

    def among(look: Look) -> list[Item]:
        table = look.catalog.columns
        columns = [table.of_items(field) for field in fields]
        values = enumerate(zip(*columns, strict=True))
        if not all(are(column, str, int, type(None)) for column in columns):
            return [table.item(row) for row, one in values if odd(*one)]
        if len(columns) == 1 and not any(map(odd, set(columns[0]))):
            return []  # as mostly, and cheaper to say of values than of tuples
        found = {one for one in set(zip(*columns, strict=True)) if odd(*one)}
        return [table.item(row) for row, one in values if one in found] if found else []

    return among


def came_otherwise(look: Look) -> list[Image]:
    """The image files that came otherwise than the metadata says."""
    return look.odd_images


def naming(*odd: str) -> Among:
    """The items whose path, between two line ends, holds one of these texts."""

    def among(look: Look) -> list[Item]:
        here = [text for text in odd if text in look.path_text]
        if not here:
            return []
        table = look.catalog.columns
        paths = enumerate(table.paths)
        found = [row for row, p in paths if p and any(text in f"\n{p}\n" for text in here)]
        return list(map(table.item, found))

    return among
