"""From a log to the cause: what MAAS lost, in which import, and whether a stream causes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.logs import course, log_files
from maas_stream_lint.logs.instream import InStream, foretold, judged, same
from maas_stream_lint.logs.scan import seen
from maas_stream_lint.logs.tally import Entry, Tally, understood
from maas_stream_lint.logs.times import Clock
from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.records import field, record
from maas_stream_lint.rule_files import release_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Finding
    from maas_stream_lint.images.progress import Progress
    from maas_stream_lint.logs.course import Import
    from maas_stream_lint.logs.dress import Record
    from maas_stream_lint.logs.live import Live
    from maas_stream_lint.logs.matching import Match

#: So many messages are put in order of time; further ones are counted only.
MOST_EVENTS = 100_000
#: So many imports are shown, the newest ones.
MOST_IMPORTS = 50


@record
class LogRead:
    """What was read of the logs that somebody named."""

    tally: Tally = field(default_factory=Tally)
    events: list[course.Event] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    bytes: int = 0
    cut: int = 0  #: messages beyond the bound, which are in no import
    lines: tuple[str, ...] = ()  #: the release lines that word all of it so


def read(logs: tuple[str, ...], progress: Progress | None = None) -> LogRead:
    """Read logs: files, folders, archives, or standard input (``-``). Raises UsageError."""
    made = LogRead()
    clock = Clock()
    told = _Told(progress, made)
    told.begin(logs)
    try:
        for log in log_files.logs(logs):
            made.files.append(log.name)
            for found in seen(log, told.advance):
                _take(made, found.file, found.line, found.whole, clock)
    finally:
        told.end()
    made.lines = _inferred(made.events)
    return made


def _take(made: LogRead, file: str, line: int, whole: Any, clock: Clock) -> None:
    reading = understood(whole)
    record = whole.record
    time = clock.read(record.stamp) if reading.matches and record.stamp else None
    for match, because in reading.matches:
        made.tally.note(match, record, (file, line), because)
        if len(made.events) < MOST_EVENTS:
            made.events.append(course.Event(time, file, line, record, match, because))
        else:
            made.cut += 1
    if reading.unknown and record.ours:
        made.tally.miss(reading.unknown, record.times)


class _Told:
    """Tells how far the reading is."""

    def __init__(self, progress: Progress | None, made: LogRead) -> None:
        self._progress = progress
        self._made = made

    def begin(self, logs: tuple[str, ...]) -> None:
        if self._progress is not None:
            self._progress.begin(len(logs), log_files.size(logs))

    def advance(self, size: int) -> None:
        self._made.bytes += size
        if self._progress is not None:
            self._progress.advance(size)

    def end(self) -> None:
        if self._progress is not None:
            self._progress.end()


def _inferred(events: Iterable[course.Event]) -> tuple[str, ...]:
    """The release lines that all wordings have in common; after an upgrade, the newest."""
    common = set(release_lines())
    for event in events:
        lines = _lines(event.match, event.record)
        common = common & lines if common & lines else lines
    return tuple(line for line in release_lines() if line in common)


def _lines(match: Match, record: Record) -> set[str]:
    """The release lines that would write a message so, and by this program."""
    from maas_stream_lint.logs.places import lines_with

    wording = set(release_lines()) if match.pattern.shared else set(match.maas)
    return wording & lines_with(record.ident) or wording


class Cause(NamedTuple):
    """Whether a stream causes one message of the log."""

    entry: Entry
    source: str
    found: InStream
    items: tuple[str, ...]  #: the items of the product that make MAAS write it again


class Comparison(NamedTuple):
    """The predicted lines for a stream, beside the lines of the log."""

    source: str
    both: tuple[str, ...]
    seen_only: tuple[str, ...]
    predicted_only: tuple[str, ...]


@record
class Diagnosis:
    """The result of logs and streams together."""

    log: LogRead
    reports: Sequence[Report]
    imports: list[Import]
    outside: Tally  #: messages that belong to no import
    causes: list[Cause]
    comparisons: list[Comparison]
    live: Live | None = None  #: a MAAS that was asked
    unread: int = 0  #: streams that were named and that this run could not read

    @property
    def troubles(self) -> list[Entry]:
        """The messages that report a loss, each once."""
        return [e for e in self.log.tally.entries if e.match.message.lost and not e.under]

    @property
    def harmless(self) -> list[Entry]:
        """The other ones."""
        return [e for e in self.log.tally.entries if not e.match.message.lost and not e.under]

    @property
    def sources(self) -> list[str]:
        """The URLs of the streams that the log names."""
        return list(dict.fromkeys(url for one in self.imports for url in one.sources))

    def of(self, entry: Entry) -> list[Cause]:
        """Whether the streams cause a message."""
        return [cause for cause in self.causes if cause.entry is entry]

    def findings(self, entry: Entry) -> list[Finding]:
        """What causes a message in the streams; what several release lines share, once."""
        found = [finding for cause in self.of(entry) for finding in cause.found.findings]
        return list({(f.code, f.place, f.message): f for f in reversed(found)}.values())[::-1]

    def to_dict(self) -> dict[str, Any]:
        """The diagnosis as in ``rules/schemas/diagnose.json``."""
        told = self.log.tally.to_dict()
        for entry, said in zip(self.log.tally.entries, told["messages"], strict=True):
            said["streams"] = [_of_stream(cause) for cause in self.of(entry)]
        return {
            "version": 1,
            "logs": self.log.files,
            "bytes": self.log.bytes,
            "maas": list(self.log.lines),
            "sources": self.sources,
            "trouble": bool(self.troubles),
            "imports": [_of_import(one) for one in self.imports[-MOST_IMPORTS:]],
            **told,
            "compared": [comparison._asdict() for comparison in self.comparisons],
            **({"maas_server": self.live.to_dict()} if self.live is not None else {}),
        }


def diagnose(
    log: LogRead, reports: Sequence[Report] = (), live: Live | None = None, unread: int = 0
) -> Diagnosis:
    """Combine a log, the reports on streams, and the state of a live MAAS.

    ``unread``: how many further streams were named and could not be read.
    """
    imports, outside = course.imports(course.in_order(log.events))
    troubles = [e for e in log.tally.entries if e.match.message.lost and not e.under]
    return Diagnosis(
        log,
        reports,
        imports,
        outside,
        [_cause(entry, report) for entry in troubles for report in reports],
        [_compared(log, report) for report in reports if log.files],
        live,
        unread,
    )


def _cause(entry: Entry, report: Report) -> Cause:
    found = judged(entry, report)
    items: tuple[str, ...] = ()
    if entry.match.message.each_item and found.findings:
        product = report.look.catalog.product(found.findings[0].place)
        newest = product.newest if product is not None else None
        items = tuple(item.key for item in newest.items) if newest is not None else ()
    return Cause(entry, report.source, found, items)


def _compared(log: LogRead, report: Report) -> Comparison:
    """Lines that are predicted for the release lines of the log, beside those that it has."""
    told = foretold(report, log.lines or release_lines())
    mine = [entry for entry in log.tally.entries if entry.match.message.simulated]
    both = [e.match.text for e in mine if any(same(e.match, text) for text in told)]
    missing = [text for text in told if not any(same(e.match, text) for e in mine)]
    alone = [e.match.text for e in mine if e.match.text not in both]
    return Comparison(report.source, tuple(both), tuple(alone), tuple(missing))


def _of_stream(cause: Cause) -> dict[str, Any]:
    return {
        "source": cause.source,
        "predicted": list(cause.found.lines),
        "findings": [finding.to_dict() for finding in cause.found.findings],
        "items": list(cause.items),
    }


def _of_import(one: Import) -> dict[str, Any]:
    lost = [e for e in one.tally.entries if e.match.message.lost and not e.under]
    return {
        "begun": one.begun.isoformat() if one.begun is not None else None,
        "ended": one.last.isoformat() if one.last is not None else None,
        "outcome": one.outcome,
        "sources": one.sources,
        "lost": [{"id": e.match.message.id, "text": e.match.text, "count": e.count} for e in lost],
    }
