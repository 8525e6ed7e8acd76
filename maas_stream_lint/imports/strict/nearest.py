"""The shape that a product is meant for, whether it fits it or not."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.imports.tables import Table
    from maas_stream_lint.rulebook import Release, Shape


def nearest(product: dict[str, Any], release: Release) -> Shape | None:
    """The shape that a product is meant for, ``None`` if MAAS has none like it.

    What tells is data: ``[models.nearest]`` of the release line.
    """
    told: dict[str, Any] = release.models["nearest"]
    name = next((name for member, name in told["members"].items() if member in product), None)
    if name is None:
        hints = tuple((tuple(hint["any"]), hint["shape"]) for hint in told["parts"])
        name = _by_parts(frozenset(_parts(product)), hints)
    if name is None:
        os = product.get("os")
        name = told["os"].get(os if isinstance(os, str) else "", told["else"])
    return next((shape for shape in release.shapes if shape.name == name), None)


def nearest_of_rows(table: Table, release: Release) -> Shape | None:
    """The shape that all products of a table are meant for; ``None`` if each must be asked."""
    told: dict[str, Any] = release.models["nearest"]
    if not told["members"].keys().isdisjoint(table.columns):
        return None
    newest = {text for items in table.items for text in (items.key, items.ftype)}
    first = told["parts"][0]  # it tells, whatever else stands in older versions
    if _by_parts(frozenset(newest), ((tuple(first["any"]), first["shape"]),)) is not None:
        return nearest(table.raws[0], release)
    kinds = {id(shape): shape for shape in (nearest(raw, release) for raw in table.raws)}
    return kinds.popitem()[1] if len(kinds) == 1 else None


@lru_cache(maxsize=1024)
def _by_parts(parts: frozenset[str], hints: tuple[tuple[tuple[str, ...], str], ...]) -> str | None:
    """The shape that a product's items tell, if they do: products are of few kinds."""
    from fnmatch import fnmatchcase

    for patterns, name in hints:
        if any(fnmatchcase(part, pattern) for pattern in patterns for part in parts):
            return name
    return None


def _parts(product: dict[str, Any]) -> Iterator[str]:
    """The keys of all items, and their file types."""
    for version in members(product.get("versions")):
        items = version.get("items")
        for key, item in items.items() if isinstance(items, dict) else ():
            yield key
            if isinstance(item, dict) and isinstance(item.get("ftype"), str):
                yield item["ftype"]


def members(value: Any) -> Iterator[dict[str, Any]]:
    """The members of an object that are objects."""
    if isinstance(value, dict):
        yield from (v for v in value.values() if isinstance(v, dict))
