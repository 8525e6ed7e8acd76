"""The simulated import: one package for each of the two ways in which MAAS reads a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.imports import legacy, strict
from maas_stream_lint.imports.answers import Answers
from maas_stream_lint.imports.legacy.flattening import Shared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.imports.trace import Trace
    from maas_stream_lint.rulebook import Release
    from maas_stream_lint.stream import Stream


def simulate(stream: Stream, releases: Sequence[Release]) -> list[Trace]:
    """One trace a group of release lines that import the stream alike, oldest first."""
    traces: list[tuple[Answers, Trace]] = []
    shared = Shared()
    for release in releases:
        for answers, trace in traces:
            if answers.shared_by(release):
                trace.lines = (*trace.lines, release.line)
                break
        else:
            answers = Answers(release)
            if release.strict:
                trace = strict.simulate(stream, answers)
            else:
                trace = legacy.simulate(stream, answers, shared)
            traces.append((answers, trace))
    return [trace for _, trace in traces]
