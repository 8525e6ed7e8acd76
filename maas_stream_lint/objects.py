"""JSON objects by the thousand: what they hold, as lists that C makes."""

from __future__ import annotations

from itertools import chain
from operator import getitem, itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    Object = dict[str, Any]

Value = TypeVar("Value", bound="Hashable")


def are(values: Iterable[object], *kinds: type) -> bool:
    """Whether all values are of these types."""
    return {*map(type, values)}.issubset(kinds)


def consists_of(text: str, characters: bytes) -> bool:
    """Whether a text has no other characters than these of ASCII."""
    return text.isascii() and not text.encode().translate(None, characters)


def objects(holder: Object, member: str) -> dict[str, Object]:
    """What an object holds in a member, as far as that are objects, by their keys."""
    held = holder.get(member)
    members = held.items() if isinstance(held, dict) else ()
    return {key: raw for key, raw in members if isinstance(raw, dict)}


def column(holders: Sequence[Object], member: str) -> list[Any]:
    """What each object has in a member; ``None`` where it has none."""
    try:
        return list(map(itemgetter(member), holders))
    except KeyError:
        return [holder.get(member) for holder in holders]


def newest_versions(products: Sequence[Object]) -> list[Object | None]:
    """The version of the greatest name of each product; ``None`` where it has none."""
    versions = column(products, "versions")
    if are(versions, dict) and all(versions):
        newest: list[Any] = list(map(getitem, versions, map(max, versions)))
        if are(newest, dict):
            return newest
    named = [objects(product, "versions") for product in products]
    return [held[max(held)] if held else None for held in named]


def items_of(versions: Sequence[Object | None]) -> list[dict[str, Object]]:
    """The items of each version, by their keys."""
    known = [version or {} for version in versions]
    keyed = column(known, "items")
    if are(keyed, dict) and are(chain.from_iterable(map(dict.values, keyed)), dict):
        return keyed
    return [objects(version, "items") for version in known]


def once(values: Iterable[Value]) -> list[Value]:
    """The same values of one type, each kept once: they take less memory, and are equal at once."""
    found = list(values)
    return list(map(dict[Value, Value]().setdefault, found, found))


def longest(texts: Iterable[str | None]) -> int:
    """The length of the longest text."""
    return max(map(len, filter(None, texts)), default=0)
