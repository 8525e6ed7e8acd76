"""What a database column does to a text: the one check of both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.objects import longest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from maas_stream_lint.imports.answers import Answers

#: No column is so narrow that a text of this length would not fit.
SHORT = 20


def plain(texts: Collection[str]) -> bool:
    """Whether every column takes all texts as they are: short, ASCII and printable."""
    joined = "".join(texts)
    return joined.isascii() and joined.isprintable() and max(map(len, texts), default=0) <= SHORT


class Refusal(NamedTuple):
    """Why the database does not store a text."""

    cause: str  #: of the event: ``too-long-for-cache``, ``too-long-to-store``, ``nul-in-text`` …
    exception: str  #: class name
    message: str
    width: int | None = None  #: of the column, where the text is too long for it

    def values(self, field: str, value: str) -> dict[str, Any]:
        """What a rule needs to word the event."""
        values: dict[str, Any] = {"field": field, "value": value, "database": True}
        return values if self.width is None else {**values, "width": self.width}


def refusal(answers: Answers, limit: str | None, value: str | None) -> Refusal | None:
    """Whether a column takes a text: its width, no NUL, no lone surrogate; ``None`` if it does.

    ``limit``: the column's name in ``[limits]`` of the release's data; ``None`` for a JSON column,
    which has no width. The widths mirror the models of MAAS (cited in ``rules/releases/``), the
    rest is PostgreSQL: a text holds no NUL, and UTF-8 has no lone surrogate.
    """
    if not value or (len(value) <= SHORT and value.isascii() and value.isprintable()):
        return None
    if limit is not None and len(value) > SHORT:
        width = answers.too_long(limit, len(value))
        if width is not None:
            cause = "too-long-for-cache" if limit.startswith("cache") else "too-long-to-store"
            return _refusal(answers, cause, "too-long", width=width)
    if value.isprintable() or (limit is None and answers.policy("extras") == "text"):
        return None
    json = "json-" if limit is None else ""
    lone = None if value.isascii() else _lone_surrogate(value)
    if lone is not None:
        character = {"character": repr(value[lone]), "position": lone}
        return _refusal(answers, "lone-surrogate-stored", json + "surrogate", **character)
    return _refusal(answers, "nul-in-text", json + "nul") if "\0" in value else None


def unfit(answers: Answers, limit: str | None, texts: Iterable[str | None]) -> set[str]:
    """The texts that a column refuses; ``limit`` as in `refusal`."""
    distinct = set(filter(None, texts))
    joined = "".join(distinct)
    if joined.isascii() and joined.isprintable():
        return unfit_plain(answers, limit, distinct)
    return {text for text in distinct if refusal(answers, limit, text) is not None}


def unfit_plain(answers: Answers, limit: str | None, texts: Collection[str | None]) -> set[str]:
    """The same of texts that are printable ASCII: all of them fit if the longest does."""
    if limit is None or fits(answers, limit, longest(texts)):
        return set()
    return {text for text in set(texts) if text and refusal(answers, limit, text) is not None}


def fits(answers: Answers, limit: str, length: int) -> bool:
    """Whether a column of the database takes a printable text of some length."""
    return length <= SHORT or answers.too_long(limit, length) is None


def _refusal(answers: Answers, cause: str, said: str, **parts: Any) -> Refusal:
    """``said``: the key of the release's ``[database]`` that has the exception and its text."""
    exception, _, message = answers.refusal(said).partition(": ")
    for name, part in parts.items():
        message = message.replace(f"{{{name}}}", str(part))
    return Refusal(cause, exception, message, parts.get("width"))


def _lone_surrogate(value: str) -> int | None:
    """Where a text holds half a character, which UTF-8 cannot express."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        return error.start
    return None
