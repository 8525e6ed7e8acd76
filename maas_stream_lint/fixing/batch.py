"""Which proposals the plan can try together: no two of them may change the same place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.fixing.jsontext import Move, Remove, Rename, Set
from maas_stream_lint.fixing.proposal import Part
from maas_stream_lint.records import replace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from maas_stream_lint.finding import Finding, Path
    from maas_stream_lint.fixing.jsontext import Change
    from maas_stream_lint.fixing.proposal import Proposal
    from maas_stream_lint.look import Look

    Wanted = tuple[Finding, Proposal]
    #: A file and a place in it.
    Spot = tuple[str, Path]


def compatible(wanted: list[Wanted]) -> list[Wanted]:
    """The proposals that change no place of an earlier one; the others wait for another round.

    Two proposals may write the same value to the same place. The time is proportional to the number
    of changes and the depth of their places.
    """
    taken: dict[Spot, str] = {}  # places that are written, and what is
    gone: set[Spot] = set()  # places that a change moves or removes
    chosen = []
    for finding, proposal in wanted:
        spots = {
            (part.file, place): repr(part.change)
            for part in proposal.parts
            for place in _written(part.change)
        } | {(path, ()): "" for path in proposal.added}
        if any(taken.get(s, said) != said or _below(s, gone) for s, said in spots.items()):
            continue
        taken.update(spots)
        gone.update(
            (part.file, part.change.path)
            for part in proposal.parts
            if isinstance(part.change, (Move, Remove, Rename))
        )
        chosen.append((finding, proposal))
    return chosen


def _written(change: Change) -> Iterator[Path]:
    """The places that a change alters."""
    yield change.path
    if isinstance(change, Rename):
        yield (*change.path[:-1], change.key)
    elif isinstance(change, Move):
        yield change.to


def _below(spot: Spot, gone: set[Spot]) -> bool:
    """Whether a place is in something that a change removed."""
    file, place = spot
    return any((file, place[:depth]) in gone for depth in range(1, len(place) + 1))


def with_lists(proposals: Sequence[Proposal], look: Look) -> list[Proposal]:
    """The same proposals. If one renames or removes products, it also changes the index's lists.

    The last proposal on a products file updates its lists for all proposals.
    """
    last: dict[str, int] = {}
    names: dict[str, set[str]] = {}
    for number, proposal in enumerate(proposals):
        for old, new in proposal.renamed:
            if len(old.path) == len(("products", "NAME")):
                last[old.file] = number
                held = names.setdefault(old.file, _products(look, old.file))
                held.discard(str(old.path[-1]))
                if new is not None and new.file == old.file:
                    held.add(str(new.path[-1]))
    lists: dict[int, list[Part]] = {}
    for file, number in last.items():
        lists.setdefault(number, []).extend(_relisted(look, file, names[file]))
    return [
        replace(proposal, parts=(*proposal.parts, *lists.get(number, ())))
        for number, proposal in enumerate(proposals)
    ]


def _products(look: Look, file: str) -> set[str]:
    return {p.name for f in look.catalog.files if f.path == file for p in f.products}


def _relisted(look: Look, file: str, names: set[str]) -> list[Part]:
    return [
        Part(index.path, Set(("index", entry.content_id, "products"), sorted(names)))
        for index in look.catalog.indexes
        for entry in index.entries
        if entry.names == file and isinstance(entry.raw.get("products"), list)
    ]
