"""How rules word values and lists, and how they look up the value at an event's place."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from maas_stream_lint.quoting import quoted
from maas_stream_lint.rule import DEPTHS, cut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from maas_stream_lint.finding import Place
    from maas_stream_lint.imports.trace import Event
    from maas_stream_lint.look import Look

#: A finding names no more places than these.
MANY = 100


def shown(value: Any) -> str:
    """A JSON value as a message names it: in backticks, or by its kind."""
    if value == "" or isinstance(value, (list, dict)):
        return kind(value)
    return quoted(value if isinstance(value, str) else json.dumps(value))


def kind(value: Any) -> str:
    """What a JSON value is."""
    if isinstance(value, str):
        return "text" if value else "an empty text"
    if isinstance(value, bool) or value is None:
        return quoted(json.dumps(value))
    if isinstance(value, (int, float)):
        return f"the number {shown(value)}"
    return "a list" if isinstance(value, list) else "an object"


def listed(names: Iterable[str], most: int = 3, last: str = "and") -> str:
    """The first names of a list in backticks, and how many more there are."""
    all_names = list(names)
    parts = [quoted(name) for name in all_names[:most]]
    if len(all_names) > most:
        parts.append(f"{len(all_names) - most:,} more")
    return joined(parts, last)


def joined(parts: Sequence[str], last: str = "and") -> str:
    """Words or phrases as a list: ``a, b and c``."""
    return f" {last} ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def value_at(look: Look, place: Place) -> Any:
    """The value at a place of a file; ``None`` if there is none."""
    metadata = look.stream.files.get(place.file)
    document = metadata.best if metadata is not None else None
    value = document.data if document is not None else None
    for step in place.path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def moment(said: object) -> datetime | None:
    """A time as either engine reads it: RFC 2822, else ISO 8601."""
    if not isinstance(said, str):
        return None
    from email.utils import parsedate_to_datetime  # it takes longer than most checks

    readers: tuple[Callable[[str], datetime], ...] = (
        parsedate_to_datetime,
        datetime.fromisoformat,
    )
    for read in readers:
        try:
            found = read(said)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        return found if found.tzinfo is not None else found.replace(tzinfo=timezone.utc)
    return None


def either(names: Iterable[str]) -> str:
    """The first names of a list, as a choice."""
    return listed(names, last="or")


def merged_field(field: str, event: Event, look: Look) -> Place:
    """The place of a merged field: in item, version or product, else the product."""
    for level in ("item", "version", "product"):
        if len(event.place.path) >= DEPTHS[level]:
            place = cut(event.place, level)
            raw = value_at(look, place)
            if isinstance(raw, dict) and isinstance(raw.get(field), (str, int, float)):
                return place.below(field)
    return cut(event.place, "product")
