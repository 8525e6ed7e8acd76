"""What a message's own text shows: one cause and its remedy, without any stream."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.rule_files import product_names

if TYPE_CHECKING:
    from maas_stream_lint.logs.matching import Match
    from maas_stream_lint.logs.messages import Case


class Decision(NamedTuple):
    """The cause that a text names, and what to do about it."""

    rule: str
    says: str
    remedy: str


def decided(match: Match) -> Decision | None:
    """The first case of a message that fits what is in its hole."""
    for case in match.message.cases:
        text = match.holes.get(case.hole, "")
        if text and _fits(case, text, match.maas):
            taken = {hole: _taken(text, values) for hole, values in case.take.items()}
            return Decision(case.rule, case.says, _filled(case.remedy, taken))
    return None


def _fits(case: Case, text: str, maas: tuple[str, ...]) -> bool:
    if case.words:
        return any(word in text.lower() for word in case.words)
    if case.has is None:
        return True
    takes = _takes(case.has, text, maas)
    return any(takes) and (not case.newer or not all(takes))


def _takes(kind: str, name: str, maas: tuple[str, ...]) -> list[bool]:
    """Whether each of the release lines takes the name for this kind of product."""
    wanted = {line: names[kind] for line, names in product_names().items() if line in maas}
    return [re.search(part, name, re.IGNORECASE) is not None for part in wanted.values()]


def _taken(text: str, values: tuple[str, ...]) -> str:
    """The one of some values that is a part of the text, else the first."""
    parts = set(text.lower().replace("/", ":").split(":"))
    return next((value for value in values if value in parts), values[0])


def _filled(remedy: str, taken: dict[str, str]) -> str:
    for hole, value in taken.items():
        remedy = remedy.replace(f"{{{hole}}}", value)
    return remedy
