"""The imports in a log, in the order of time: when each began, what it read, how it ended."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from maas_stream_lint.logs.tally import Tally
from maas_stream_lint.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maas_stream_lint.logs.dress import Record
    from maas_stream_lint.logs.matching import Match

#: Beginnings of the loggers of those parts of MAAS that import.
_IMPORTING = (
    *("maas.import-images", "maas.bootresources", "maas.bootsources", "sstreams", "temporalio"),
    *("maasserver.bootresources", "maasserver.bootsources", "maastemporalworker"),
)
#: A silence of this length ends an import; MAAS starts the next one within an hour.
_SILENCE = timedelta(hours=2)
#: What comes so soon after an end still belongs to it.
_AFTER = timedelta(minutes=2)
_ENDS = ("end", "failed", "cancelled", "skipped")
#: A step → the outcome it stands for, the worst first.
_OUTCOMES = {
    "failed": "failed",
    "part-failed": "failed in part",
    "cancelled": "stopped",
    "end": "finished",
    "synced": "finished",
    "part-done": "finished",
    "skipped": "not started",
}


class Event(NamedTuple):
    """One message of a log at its time."""

    time: datetime | None
    file: str
    line: int
    record: Record
    match: Match
    because: Match | None  #: the exception below it

    @property
    def importing(self) -> bool:
        """Whether a part of MAAS says it that imports images."""
        pattern = self.match.pattern
        loggers = (self.record.logger, pattern.logger)
        said = any(logger.startswith(_IMPORTING) for logger in loggers if logger)
        return bool(self.match.message.step) or said or pattern.place in ("worker", "exception")


class Import:
    """One import, as far as the log tells of it."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self.begun: datetime | None = None
        self.last: datetime | None = None
        self.steps: set[str] = set()
        self.sources: list[str] = []
        self.tally = Tally()

    @property
    def outcome(self) -> str:
        """How it ended, in a word or two."""
        told = next((word for step, word in _OUTCOMES.items() if step in self.steps), None)
        if told == "finished" and self.tally.lost:
            return "finished with losses"
        return told or "no end in the log"

    @property
    def ended(self) -> bool:
        """Whether its end was seen."""
        return any(step in self.steps for step in _ENDS)

    def add(self, event: Event) -> None:
        """Take a message into account."""
        if event.time is not None:
            self.begun = self.begun or event.time
            self.last = event.time
        step = event.match.message.step
        if step:
            self.steps.add(step)
        url = event.match.holes.get("url")
        if (
            url is not None
            and step in ("read", "source", "part-failed")
            and url not in self.sources
        ):
            self.sources.append(url)
        self.tally.note(event.match, event.record, (event.file, event.line), event.because)

    def goes_on(self, event: Event) -> bool:
        """Whether a message belongs to this import, and not to the next one."""
        silence = timedelta(0)
        if event.time is not None and self.last is not None:
            silence = event.time - self.last
        step = event.match.message.step
        if self.ended:
            return step not in ("read", "cached", "start") and silence <= _AFTER
        if silence > _SILENCE:
            return False
        if step == "start":
            return "start" not in self.steps
        return not (step in ("read", "cached") and self.steps & {"source", "file", "synced"})


def imports(events: Iterable[Event]) -> tuple[list[Import], Tally]:
    """The imports in order, and all messages that belong to none. ``events``: in order of time."""
    found: list[Import] = []
    outside = Tally()
    for event in events:
        if not event.importing:
            outside.note(event.match, event.record, (event.file, event.line), event.because)
            continue
        if not found or not found[-1].goes_on(event):
            found.append(Import())
        found[-1].add(event)
    return found, outside


def in_order(events: Iterable[Event]) -> list[Event]:
    """Events by their times; one without any stands where the one before it in its file does."""
    last: dict[str, datetime] = {}
    keyed = []
    for number, event in enumerate(events):
        time = event.time or last.get(event.file)
        if time is not None:
            last[event.file] = time
        keyed.append(
            (time is not None, time.timestamp() if time is not None else 0.0, number, event)
        )
    return [event for *_, event in sorted(keyed, key=lambda key: key[:3])]
