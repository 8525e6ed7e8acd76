"""What MAAS does with the images of an import. Each module has one subject.

``simulate`` answers for several release lines. The facts of each are in ``rules/``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from maas_stream_lint.imports.trace import Trace
    from maas_stream_lint.rulebook import Release
    from maas_stream_lint.uses.ground import Ground
    from maas_stream_lint.uses.simulation import Settings, Simulation

#: The parts of a release's data that matter for use.
FACTS = ("use", "drivers", "titles", "release-titles", "deploy", "ubuntu-set")


def simulate(
    traces: Sequence[Trace],
    releases: Sequence[Release],
    settings: Settings | None = None,
    *,
    beyond_aborts: bool = False,
) -> dict[str, Simulation | None]:
    """Release line → its use of the imported images, ``None`` if the import fails.

    ``beyond_aborts``: treat an import that ends early as if the causes were fixed, as far as the
    simulation goes on after them.

    Lines whose imports and facts are the same share one simulation.
    """
    # Whoever only names the rules needs no simulation.
    from maas_stream_lint.uses.ground import Ground
    from maas_stream_lint.uses.simulation import Settings, Simulation

    by_line = {line: trace for trace in traces for line in trace.lines}
    made: list[tuple[Trace, Release, Simulation]] = []
    grounds: dict[int, Ground] = {}
    found: dict[str, Simulation | None] = {}
    for release in releases:
        trace = by_line[release.line]
        shared = next((s for t, r, s in made if t is trace and alike(r, release)), None)
        if shared is None and (trace.fatal is None or beyond_aborts):
            ground = grounds.get(id(trace))
            if ground is None:
                stored = trace.stored_beyond_aborts if beyond_aborts else trace.stored
                ground = grounds[id(trace)] = Ground(stored, trace, release.ubuntu_set)
            shared = Simulation(release, ground, settings or Settings(), beyond_aborts)
            made.append((trace, release, shared))
        found[release.line] = shared
    return found


def alike(one: Release, other: Release, but: Collection[str] = ()) -> bool:
    """Whether two release lines use the same images alike. ``but``: facts that may differ."""
    return all(_facts(one, fact, but) == _facts(other, fact, but) for fact in FACTS)


def _facts(release: Release, fact: str, but: Collection[str]) -> dict[str, Any]:
    facts: dict[str, Any] = release.data[fact]
    return {key: value for key, value in facts.items() if key not in but} if but else facts
