"""What MAAS does at an event, in one clause, and the line that MAAS logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.finding import Severity
from maas_stream_lint.imports.trace import Event, Kind, Trace
from maas_stream_lint.rulebook import releases

if TYPE_CHECKING:
    from maas_stream_lint.look import Look
    from maas_stream_lint.stream import Stream

#: The severity of an event, where its rule says nothing else.
COSTS = {
    Kind.ABORT: Severity.FATAL,
    Kind.SELECTION: Severity.IGNORED,
    Kind.DROP: Severity.IGNORED,
    Kind.USE: Severity.UNUSABLE,
}


def effect(event: Event, trace: Trace) -> str:
    """What MAAS does at an event, one clause."""
    said = (event.message or "").rpartition("'>: ")[2]
    told = f"{event.exception}: {said}" if event.exception else ""
    if event.kind is Kind.ABORT:
        if not trace.strict:
            lost = "stops the whole import, of every source"
        elif event.values.get("database"):
            lost = "stores nothing of any source, and shows no notification"
        else:
            lost = "discards the whole source"
        return f"{lost} ({told})"
    if event.kind is Kind.SELECTION:
        return f"fails every selection that it belongs to ({told})"
    if event.kind is Kind.USE:
        return (
            "deploys it, but cannot commission a machine with it"
            if event.values["commissions"]
            else "imports it, but cannot deploy it"
        )
    return "drops it and logs a warning" if event.message else "drops it and logs nothing"


def merged(effects: dict[str, set[str]], look: Look) -> str:
    """What MAAS does, and what other release lines do at the same thing, if that differs."""
    if len(effects) == 1:
        return next(iter(effects))
    order = look.lines.index
    ranked = sorted(effects.items(), key=lambda effect: min(map(order, effect[1])))
    told, done = [ranked[0][0]], {ranked[0][0].partition(" (")[0]}
    for text, lines in ranked[1:]:
        bare = text.partition(" (")[0]
        if bare and bare not in done:
            done.add(bare)
            told.append(f"on {look.span(sorted(lines, key=order))} {bare}")
    return "; ".join(told)


def log_line(event: Event, trace: Trace, stream: Stream) -> str | None:
    """The line that an event puts into MAAS's log."""
    if event.kind in (Kind.DROP, Kind.USE):
        return event.message
    if event.kind is Kind.SELECTION:
        return f"Failed to synchronize selection <id>: {event.message}"
    if trace.strict:
        said = _with_url(event, stream)
        if event.values.get("database") and said is not None:
            (release, *_) = releases(trace.lines)
            said = release.data["log"]["database-error"].replace("{message}", said)
        return f"Could not fetch manifest for boot source with url {stream.label}: {said}"
    if event.exception in ("OSError", "SignatureMissingException"):
        return f"Failed to import images from {stream.label}: {_with_url(event, stream)}"
    return "Importing boot resources failed."


def _with_url(event: Event, stream: Stream) -> str | None:
    """MAAS names the URL where the simulation, which knows of no server, has the path."""
    path = event.values.get("path")
    if event.message is None or not isinstance(path, str) or "://" not in stream.base:
        return event.message
    url = f"{stream.base.rstrip('/')}/{path}"
    for before, after in (("Unable to open ", ". mirrors="), ("Request to '", "' failed")):
        if event.message.startswith(before + path + after):
            return before + url + event.message.removeprefix(before + path)
    return event.message
