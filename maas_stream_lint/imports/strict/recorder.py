"""The record of what happens in an import of the strict engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.imports.trace import Event, Kind, Trace

if TYPE_CHECKING:
    from maas_stream_lint.finding import Place
    from maas_stream_lint.imports.answers import Answers


class Recorder:
    """The trace in the making, and the stage that the import is at."""

    def __init__(self, answers: Answers) -> None:
        """Start an empty trace for the release line that gives the answers."""
        self.answers = answers
        self.release = answers.release
        self.trace = Trace((answers.release.line,), strict=True)
        self.stage = "metadata"

    def abort(self, cause: str, place: Place, exception: str, message: str, **values: Any) -> None:
        """Record what ends the import of the source."""
        self.trace.abort(Event(cause, Kind.ABORT, place, self.stage, exception, message, values))

    def drop(self, cause: str, place: Place, **values: Any) -> None:
        """Record what MAAS passes over without a word."""
        self.trace.events.append(Event(cause, Kind.DROP, place, self.stage, None, None, values))
