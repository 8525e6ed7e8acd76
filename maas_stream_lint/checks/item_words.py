"""What rules on items have in common: the place of a field, and how they name an item."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.checks.words import kind, shown, value_at
from maas_stream_lint.quoting import quoted
from maas_stream_lint.rule import Said, cut

if TYPE_CHECKING:
    from maas_stream_lint.finding import Place
    from maas_stream_lint.imports.trace import Event
    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Item


def spot(event: Event, field: str, look: Look) -> Place:
    """The place of a field of the event's item, or the item itself if the field is absent."""
    place = cut(event.place, "item")
    item = value_at(look, place)
    return place.below(field) if isinstance(item, dict) and field in item else place


def unfit(event: Event, field: str, look: Look, wanted: str, remedy: str) -> Said:
    """A text field that is missing or not text, in the same words on all release lines."""
    place = spot(event, field, look)
    value = value_at(look, place) if place.path[-1:] == (field,) else None
    said = f"has no {quoted(field)}" if value is None else f"has {kind(value)} as {quoted(field)}"
    return Said(f"item {shown(event.place.item)} {said}, expected {wanted}", remedy, place=place)


def named_with_product(item: Item) -> str:
    """How a message names an item together with its product."""
    return f"{quoted(item.key)} of {quoted(item.version.product.name)}"
