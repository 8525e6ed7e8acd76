"""Imports of a told MAAS: several sources, selections, one import after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.imports.answers import Answers
from maas_stream_lint.imports.legacy.flattening import Shared
from maas_stream_lint.imports.legacy.legacy_import import import_all as import_legacy
from maas_stream_lint.imports.maas import Maas
from maas_stream_lint.imports.strict.strict_import import import_all as import_strict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from maas_stream_lint.imports.situation import Selection, Situation
    from maas_stream_lint.imports.trace import Outcome
    from maas_stream_lint.rulebook import Release


def simulate_situations(
    situations: Sequence[Situation],
    releases: Sequence[Release],
    defaults: Mapping[str, tuple[Selection, ...]],
) -> list[list[Outcome]]:
    """The imports of one MAAS, one for each situation it is in, by the lines that import alike.

    ``defaults``: what a fresh MAAS of each release line selects.
    """
    found: list[tuple[Answers, tuple[Selection, ...] | None, list[Outcome]]] = []
    default = any(source.default for situation in situations for source in situation.sources)
    # What is the same of a stream is done once, however many imports there are of it.
    known_of: dict[int, Shared] = {}
    shared = [
        {source.name: known_of.setdefault(id(source.stream), Shared()) for source in each.sources}
        for each in situations
    ]
    for release in releases:
        rows = defaults[release.line] if default else None
        alike = (one for answers, own, one in found if own == rows and answers.shared_by(release))
        known = next(alike, None)
        if known is None:
            answers = Answers(release)
            resolved = [situation.selecting(rows or ()) for situation in situations]
            known = _imports(resolved, answers, shared)
            found.append((answers, rows, known))
        for outcome in known:
            outcome.lines = (*outcome.lines, release.line)
    return [outcomes for *_, outcomes in found]


def _imports(
    situations: Sequence[Situation], answers: Answers, shared: list[dict[str, Shared]]
) -> list[Outcome]:
    maas = Maas()
    outcomes = []
    for situation, parts in zip(situations, shared, strict=True):
        if answers.release.strict:
            outcomes.append(import_strict(maas, situation, answers))
        else:
            outcomes.append(import_legacy(maas, situation, answers, parts))
        maas.turn += 1
    return outcomes
