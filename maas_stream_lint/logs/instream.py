"""Whether a stream causes a message: whether the simulation predicts it, and why."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from maas_stream_lint.effects import log_line
from maas_stream_lint.finding import Severity
from maas_stream_lint.logs.matching import recognise
from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.uses.refusals import refusals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Finding
    from maas_stream_lint.imports.trace import Event, Trace
    from maas_stream_lint.logs.matching import Match
    from maas_stream_lint.logs.tally import Entry
    from maas_stream_lint.uses.stock_image import Image

#: Holes whose text is of one machine or run: a URL may be written in many ways, numbers change.
_LOOSE = frozenset({"url", "selection", "mirrors", "rest", "command", "n", "m", "proxy", "id"})


class InStream(NamedTuple):
    """Whether a stream causes a message."""

    lines: tuple[str, ...]  #: the release lines that would write it
    findings: tuple[Finding, ...]  #: what causes it
    predictable: bool  #: whether the simulation would predict it, did this stream cause it
    used: bool = False  #: whether MAAS says it when it uses images, so machines play a part


def judged(entry: Entry, report: Report) -> InStream:
    """Whether a stream causes a message of a log, with the exception below it."""
    match = entry.match if _any_fatal(entry.match) is False else entry.cause
    told = _told_in_use(match, report) if match.message.used else {}
    lines = {*predicted(match, report), *told}
    known = match.message
    if known.simulated and not lines:
        # Findings like its causes would mislead where it is known not to come from here.
        return InStream((), (), True)
    found = _of_use(match, told, report) or _causes(match, entry, report)
    ordered = tuple(line for line in report.look.lines if line in lines)
    return InStream(ordered, tuple(found), known.simulated, known.used)


def _told_in_use(match: Match, report: Report) -> dict[str, list[Image]]:
    """The release lines that say the text when they use the images, with those it is about."""
    found: dict[str, list[Image]] = {}
    for lines, simulation in report.look.used:
        about = [
            image
            for text, images in refusals(simulation).items()
            if same(match, text)
            for image in images
        ]
        if about:
            found |= {line: about for line in lines if line in match.maas}
    return found


def _of_use(match: Match, told: dict[str, list[Image]], report: Report) -> list[Finding]:
    """The findings that say why: those with the text, else those on the images it is about."""
    on_its_lines = [f for f in report.findings if told.keys() & set(f.maas)]
    exact = [f for f in on_its_lines if any(same(match, text) for _, text in f.logs)]
    if exact:
        return exact
    about = {own for images in told.values() for image in images for own in image.products}
    grave = [
        finding
        for finding in on_its_lines
        if finding.severity >= Severity.UNUSABLE or finding.name in match.rules
    ]
    return [f for f in grave if any((p.file, p.product) in about for p in f.places)]


def predicted(match: Match, report: Report) -> tuple[str, ...]:
    """The release lines that would write the text, or one like it."""
    hit = {
        line
        for trace in report.look.traces
        if any(same(match, text) for text in said(trace, report))
        or (_any_fatal(match) and trace.fatal is not None)
        for line in trace.lines
        if line in match.maas
    }
    return tuple(line for line in report.look.lines if line in hit)


def said(trace: Trace, report: Report) -> list[str]:
    """All that a simulated import would log."""
    told = [text for lines in trace.log.values() for _, text in lines]
    ends = [] if trace.fatal is None else [trace.fatal]
    for event in [*ends, *trace.aborted.values()]:
        told += _words(event, trace, report)
    return told


def foretold(report: Report, lines: tuple[str, ...]) -> list[str]:
    """The lines of log that one of these release lines would write, each once, in their order."""
    wanted = set(lines)
    told = {
        text: None
        for trace in report.look.traces
        if wanted & set(trace.lines)
        for texts in trace.log.values()
        for _, text in texts
    }
    ends = [
        event
        for trace in report.look.traces
        if wanted & set(trace.lines) and trace.fatal is not None
        for event in [log_line(trace.fatal, trace, report.look.stream)]
        if event is not None
    ]
    return [*told, *dict.fromkeys(ends)]


def same(match: Match, text: str) -> bool:
    """Whether a predicted text is the one of the log, but for what differs from run to run."""
    if text == match.text:
        return True
    other = recognise(text, ours=True)
    if other is None or other.message is not match.message:
        return False
    return all(
        _alike(hole, value, other.holes[hole])
        for hole, value in match.holes.items()
        if hole in other.holes
    )


def _any_fatal(match: Match) -> bool:
    """Whether whatever ends an import ends in this message."""
    return match.message.fatal and "error" not in match.holes


def _words(event: Event, trace: Trace, report: Report) -> Iterator[str]:
    """What of an event a log may show: its line, and its exception."""
    line = log_line(event, trace, report.look.stream)
    if line is not None:
        yield line
    if event.exception is not None:
        yield f"{event.exception}: {event.message}"
    if event.message is not None:
        yield event.message


def _alike(hole: str, seen: str, told: str) -> bool:
    if hole == "error":
        ours, theirs = recognise(told, ours=True), recognise(seen, ours=True)
        if ours is not None and theirs is not None:
            return ours.message is theirs.message
    return hole in _LOOSE or seen == told


def _causes(match: Match, entry: Entry, report: Report) -> list[Finding]:
    """The findings behind a message, of several the ones on the file that it names."""
    found = _behind(match, entry, report)
    return [f for f in found if _is_of(f, entry.cause.text)] or found


def _behind(match: Match, entry: Entry, report: Report) -> list[Finding]:
    """Those that predict it; failing these, those of its rules."""
    on_its_lines = [f for f in report.findings if set(f.maas) & set(match.maas)]
    if _any_fatal(match):
        return [f for f in on_its_lines if f.severity is Severity.FATAL]
    told = [f for f in on_its_lines if any(same(match, text) for _, text in f.logs)]
    if told:
        return told
    places = {
        event.place.product
        for trace in report.look.traces
        for event in trace.events
        if any(same(match, word) for word in _words(event, trace, report))
    }
    mine = [f for f in on_its_lines if f.name in entry.rules or f.name in match.rules]
    return [f for f in mine if f.place.product in places] or mine


def _is_of(finding: Finding, text: str) -> bool:
    """Whether a finding names the file whose URL is in a text."""
    named = re.findall("`([^`]+)`", finding.message)
    return any("/" in path and f"/{path}" in text for path in named)
