"""Imports of a told MAAS: several sources, selections, one import after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.imports.answers import Answers
from maas_stream_lint.imports.legacy.flattening import Shared
from maas_stream_lint.imports.legacy.legacy_import import import_all as import_legacy
from maas_stream_lint.imports.maas import Maas
from maas_stream_lint.imports.strict.strict_import import import_all as import_strict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.imports.situation import Situation
    from maas_stream_lint.imports.trace import Outcome
    from maas_stream_lint.rulebook import Release


def simulate_situations(
    situations: Sequence[Situation], releases: Sequence[Release]
) -> list[list[Outcome]]:
    """The imports of one MAAS, one for each situation it is in, by the lines that import alike."""
    found: list[tuple[Answers, list[Outcome]]] = []
    shared = [{source.name: Shared() for source in situation.sources} for situation in situations]
    for release in releases:
        known = next((outcomes for answers, outcomes in found if answers.shared_by(release)), None)
        if known is None:
            answers = Answers(release)
            known = _imports(situations, answers, shared)
            found.append((answers, known))
        for outcome in known:
            outcome.lines = (*outcome.lines, release.line)
    return [outcomes for _, outcomes in found]


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
