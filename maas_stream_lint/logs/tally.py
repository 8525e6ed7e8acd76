"""Counts the known and unknown messages in pasted lines or in a log, up to a bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.logs.decision import Decision, decided
from maas_stream_lint.logs.folding import folded, last_line, raised, unwrapped
from maas_stream_lint.logs.matching import Match, loosely, recognise
from maas_stream_lint.named_tuple import NamedTuple

if TYPE_CHECKING:
    from maas_stream_lint.logs.dress import Record
    from maas_stream_lint.logs.folding import Whole

#: So many places of one message are kept, and so many messages and unknown texts.
MOST_PLACES, MOST_MESSAGES, MOST_UNKNOWN = 20, 2_000, 200
_LONGEST = 2_000


class Entry:
    """One message of a log, with how often and where it stands."""

    def __init__(self, match: Match, level: str = "", because: Match | None = None) -> None:
        """``level``: as the log has it. ``because``: the exception below it."""
        self.match = match
        self.level = level
        self.because = because
        self.count = 0
        self.at: list[tuple[str, int]] = []  #: file and line
        self.under = False  #: whether it is the exception below another message

    @property
    def decision(self) -> Decision | None:
        """What its own text decides."""
        return decided(self.match)

    @property
    def cause(self) -> Match:
        """What tells the cause: the exception below it, the error in it, or itself."""
        return self.because.cause if self.because is not None else self.match.cause

    @property
    def rules(self) -> tuple[str, ...]:
        """Names of the rules that find the cause."""
        decision = self.decision
        return (decision.rule,) if decision is not None else self.cause.rules

    @property
    def remedy(self) -> str:
        """What to do about it."""
        decision = self.decision
        return decision.remedy if decision else self.cause.message.remedy

    @property
    def meaning(self) -> str:
        """What it means; the cause that its text decides, and the error that it quotes, first."""
        decision = self.decision
        parts = [decision.says] if decision is not None else []
        cause = self.cause
        if cause is not self.match:
            parts.append(cause.message.meaning)
        return " ".join([*parts, self.match.message.meaning])

    def to_dict(self) -> dict[str, Any]:
        """The entry as in the ``messages`` of ``rules/schemas/diagnose.json``."""
        said: dict[str, Any] = {
            "id": self.match.message.id,
            "text": self.match.text,
            "count": self.count,
            "maas": list(self.match.maas),
            "level": self.level or self.match.pattern.level,
            "lost": self.match.message.lost,
            "meaning": self.meaning,
            "about": self.cause.message.about,
            "rules": list(self.rules),
            "remedy": self.remedy,
            "at": [list(place) for place in self.at],
        }
        if self.cause is not self.match:
            said["cause"] = {"id": self.cause.message.id, "text": self.cause.text}
        return said


class Tally:
    """All that was recognised, each text once, and all that was not."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._entries: dict[tuple[str, str], Entry] = {}
        self._unknown: dict[str, int] = {}

    @property
    def entries(self) -> list[Entry]:
        """What was recognised, in the order of the first places."""
        return [*self._entries.values()]

    @property
    def unknown(self) -> list[tuple[str, int]]:
        """Texts that are not known, and how often each came."""
        return [*self._unknown.items()]

    @property
    def lost(self) -> bool:
        """Whether something is lost by one of the messages."""
        return any(entry.match.message.lost for entry in self._entries.values())

    @property
    def of_imports(self) -> bool:
        """Whether no message is of a machine, which says nothing of how an import went."""
        return all(entry.cause.message.about != "machine" for entry in self._entries.values())

    def add(
        self,
        match: Match,
        record: Record,
        place: tuple[str, int] | None,
        because: Match | None = None,
    ) -> Entry:
        """Count a message."""
        key = (match.message.id, match.text if because is None else f"{match.text}\0{because.text}")
        if key not in self._entries and len(self._entries) >= MOST_MESSAGES:
            key = (match.message.id, "")
        entry = self._entries.setdefault(key, Entry(match, record.level, because))
        entry.count += record.times
        if place is not None and len(entry.at) < MOST_PLACES:
            entry.at.append(place)
        return entry

    def miss(self, text: str, count: int = 1) -> None:
        """Count a text that is not known; beyond a bound, under one text for all others."""
        key = text.strip()[:_LONGEST]
        if key not in self._unknown and len(self._unknown) >= MOST_UNKNOWN:
            key = "(further texts)"
        self._unknown[key] = self._unknown.get(key, 0) + count

    def to_dict(self) -> dict[str, Any]:
        """``messages`` and ``unknown``, as in ``rules/schemas/diagnose.json``."""
        return {
            "messages": [entry.to_dict() for entry in self.entries],
            "unknown": [{"text": text, "count": n} for text, n in self.unknown],
        }

    def note(
        self,
        match: Match,
        record: Record,
        place: tuple[str, int] | None,
        because: Match | None = None,
    ) -> None:
        """Count a message, and the exception below it."""
        self.add(match, record, place, because)
        if because is not None:
            self.add(because, record, place).under = True

    def take(self, whole: Whole, place: tuple[str, int] | None = None) -> None:
        """Count what one message and the lines below it say."""
        reading = understood(whole)
        for match, because in reading.matches:
            self.note(match, whole.record, place, because)
        if reading.unknown:
            self.miss(reading.unknown, whole.record.times)


class Reading(NamedTuple):
    """What one message and the lines below it say."""

    matches: tuple[tuple[Match, Match | None], ...]  #: each with the exception below it
    unknown: str  #: what of it is not known


def understood(whole: Whole) -> Reading:
    """What one message and the lines below it say."""
    record = whole.record
    match = recognise(record.text, ours=record.ours)
    below = raised(whole.trace)
    if match is None and below is None:
        match = recognise(whole.joined, ours=record.ours)
    if match is not None and match.message.traceback:
        return Reading(((match, below),), "" if below is not None else last_line(whole.trace))
    found = tuple((one, None) for one in (match, below) if one is not None)
    return Reading(found, "" if found else record.text.strip() or "(no text)")


def explained(pasted: str) -> Tally:
    """What pasted text says: one line, several, or a line that was wrapped into several."""
    tally = Tally()
    if "\n" in pasted:
        import textwrap

        pasted = textwrap.dedent(pasted)
    lines = [line for line in pasted.splitlines() if line.strip()]
    while lines:
        whole = unwrapped(lines) or folded(lines)
        typed = whole.record.ours is not False and not understood(whole).matches
        loose = loosely(whole.record.text) if typed else None
        if loose is None:
            tally.take(whole)
        else:
            tally.note(loose, whole.record, None)
        lines = lines[whole.taken :]
    return tally
