"""The record of what happens in a simulated import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.imports.columns import refusal
from maas_stream_lint.imports.trace import Event, Kind, Trace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_stream_lint.finding import Place
    from maas_stream_lint.imports.answers import Answers
    from maas_stream_lint.imports.situation import ReadSource


class Recorder:
    """The trace in the making, and the stage that the import is at."""

    def __init__(self, answers: Answers, stage: str) -> None:
        """Start an empty trace for the release line that gives the answers."""
        self.answers = answers
        self.release = answers.release
        self.trace = Trace((answers.release.line,), strict=answers.release.strict)
        self.stage = stage

    def abort(
        self,
        cause: str,
        place: Place,
        exception: str,
        message: str,
        *,
        values: Mapping[str, Any] | None = None,
    ) -> None:
        """Record an exception that ends the import, or on the strict engine the source's."""
        self.trace.abort(
            Event(cause, Kind.ABORT, place, self.stage, exception, message, values or {})
        )

    def unreachable(self, source: ReadSource) -> None:
        """Say of an import that ended why it did: MAAS cannot connect to the source."""
        if source.down and self.trace.fatal is not None:
            from urllib.parse import urlsplit

            exception, _, text = self.answers.log_text("refused").partition(": ")
            path = urlsplit(source.url).path
            text = text.replace("{host}", source.host).replace("{path}", path)
            fatal = self.trace.fatal._replace(exception=exception, message=text)
            self.trace.events[self.trace.events.index(self.trace.fatal)] = fatal
            self.trace.fatal = fatal

    def drop(
        self,
        cause: str,
        place: Place,
        line: str | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> None:
        """Record that MAAS drops something. ``line``: what it logs, if it does."""
        self.trace.events.append(
            Event(cause, Kind.DROP, place, self.stage, None, line, values or {})
        )

    def stores(self, limit: str | None, field: str, value: str | None, place: Place) -> bool:
        """Whether the database takes a text. ``limit``: as ``columns.refusal`` has it."""
        refused = refusal(self.answers, limit, value)
        if refused is None or value is None:
            return True
        values = refused.values(field, value)
        self.abort(refused.cause, place, refused.exception, refused.message, values=values)
        return False
