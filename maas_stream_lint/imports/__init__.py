"""The simulated import: one package for each of the two ways in which MAAS reads a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from maas_stream_lint.imports.answers import Answers
    from maas_stream_lint.imports.situation import Selection
    from maas_stream_lint.imports.trace import Trace
    from maas_stream_lint.rulebook import Release
    from maas_stream_lint.stream import Stream


def simulate(
    stream: Stream,
    releases: Sequence[Release],
    selections: Mapping[str, tuple[Selection, ...]] | None = None,
) -> list[Trace]:
    """One trace a group of release lines that import the stream alike, oldest first.

    ``selections``: what each release line selects; ``None``: everything, on all of them.
    """
    # Whoever only names the rules needs no engine.
    from maas_stream_lint.imports import legacy, strict
    from maas_stream_lint.imports.answers import Answers
    from maas_stream_lint.imports.legacy.flattening import Shared

    traces: list[tuple[Answers, tuple[Selection, ...] | None, Trace]] = []
    shared = Shared()
    for release in releases:
        chosen = None if selections is None else selections[release.line]
        for answers, known, trace in traces:
            if known == chosen and answers.shared_by(release):
                trace.lines = (*trace.lines, release.line)
                break
        else:
            answers = Answers(release)
            if release.strict:
                trace = strict.simulate(stream, answers, shared.tables, chosen)
            else:
                trace = legacy.simulate(stream, answers, shared, chosen)
            traces.append((answers, chosen, trace))
    return [trace for *_, trace in traces]
