"""Whether edits do good: the reports before and after them, compared.

The finding must be gone, and there must be no new one. No release may do less with any product than
before, except what an edit says that it removes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.finding import Place, Severity
from maas_stream_lint.fixing.proposal import CHOICE
from maas_stream_lint.outcome import (
    FATAL,
    IGNORED,
    IMPORTED,
    LEFT_OUT,
    NOTICE,
    SHADOWED,
    UNSELECTED,
    UNUSABLE,
    rows,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Finding
    from maas_stream_lint.fixing.proposal import Proposal
    from maas_stream_lint.outcome import Row

#: Rules that report the consequences of others: they may point elsewhere after an edit.
SUMMARIES = ("good-products-lost",)
#: The fates of a product on a release, worst first.
RANKS = {
    FATAL: 0,
    IGNORED: 1,
    LEFT_OUT: 2,
    UNSELECTED: 3,
    SHADOWED: 3,
    UNUSABLE: 4,
    NOTICE: 5,
    IMPORTED: 5,
}


def harm_of(
    before: Report, after: Report, wanted: Sequence[tuple[Finding, Proposal]]
) -> set[tuple[str, str]]:
    """The objections to edits, by product (an empty name: no product); none if they do good.

    A finding is still there or new, or some release does less with a product.
    """
    moves = moves_of(wanted)
    left = {(_key(f, after), f.message) for f in after.findings}
    harm = {spot(f.place, moves) for f, _ in wanted if (_key(f, before, moves), f.message) in left}
    better, worse = _compared(before, after, moves)
    if all(proposal.consent == CHOICE for _, proposal in wanted):
        return harm | worse
    lenient = all(proposal.consent is not None for _, proposal in wanted)
    known = {_key(f, before, moves) for f in before.findings}
    new = (
        f
        for f in after.findings
        if _key(f, after) not in known
        and f.name not in SUMMARIES
        and not _was_hidden(f, before, after, better, lenient=lenient)
    )
    harm |= {(place.file, place.product or "") for f in new for place in f.places}
    # A defect of another product may harm this product, and is then new.
    return harm or worse


def warnings_of(
    before: Report, after: Report, wanted: Sequence[tuple[Finding, Proposal]]
) -> list[str | None]:
    """The unusable images that MAAS now imports, for the warnings of the edits that cause it.

    The first edit gets warnings on other products.
    """
    moves = moves_of(wanted)
    was = {
        spot(Place(row.file, ("products", row.product)), moves): row.outcomes
        for row in rows(before.look, before.findings)
    }
    told: dict[tuple[str, str], str] = {}
    for row in rows(after.look, after.findings):
        old = was.get((row.file, row.product))
        lines = [
            line
            for line, a, b in zip(after.look.lines, row.outcomes, old or (), strict=old is not None)
            if a == UNUSABLE and RANKS[b] < RANKS[UNUSABLE]
        ]
        if lines:
            told[row.file, row.product] = _useless(row, lines, after)
    said: list[list[str]] = [[] for _ in wanted]
    for number, (finding, _) in enumerate(wanted):
        own = told.pop(spot(finding.place, moves), None)
        if own is not None:
            said[number].append(own)
    said[0] += told.values()
    return [_joined(several) for several in said]


def objection_to(before: Report, after: Report, finding: Finding, proposal: Proposal) -> str | None:
    """Why the plan does not make an edit: what MAAS would lose, and on which release lines.

    ``None`` if MAAS would lose nothing: then the edit only does not help.
    """
    moves = moves_of([(finding, proposal)])
    was = {
        spot(Place(row.file, ("products", row.product)), moves): row.outcomes
        for row in rows(before.look, before.findings)
    }
    for row in rows(after.look, after.findings):
        old_outcomes = was.get((row.file, row.product), row.outcomes)
        pairs = zip(after.look.lines, old_outcomes, row.outcomes, strict=True)
        lost = [(line, now) for line, old, now in pairs if RANKS[now] < RANKS[old]]
        if lost:
            fate = lost[0][1]
            lines = [line for line, now in lost if now == fate]
            return _lost(row, fate, lines, after)
    known = {_key(f, before, moves) for f in before.findings}
    new = [f for f in after.findings if _key(f, after) not in known and f.name not in SUMMARIES]
    if new:
        worst = max(new, key=lambda f: f.severity)
        span = after.look.span(worst.maas)
        return f"{worst.code} {worst.name} would then apply on MAAS {span}: {worst.message}"
    return None


def _lost(row: Row, fate: str, lines: Sequence[str], after: Report) -> str:
    """``lines``: the release lines that would do less with a product."""
    why = sorted(
        {
            f"{f.code} {f.name}"
            for f in after.findings
            if f.severity >= Severity.UNUSABLE
            and set(lines) & set(f.maas)
            and any((p.file, p.product) == (row.file, row.product) for p in f.places)
        }
    )
    told = f" ({', '.join(why)})" if why else ""
    return f"`{row.product}` would become {fate} on MAAS {after.look.span(lines)}{told}"


def spot(place: Place, moves: dict[Place, Place | None]) -> tuple[str, str]:
    """The products file and product that a place is in after ``moves``; an empty name: none."""
    moved = _moved(Place(place.file, place.path), moves)
    return moved.file, moved.product or ""


def is_moved(place: Place, moves: dict[Place, Place | None]) -> bool:
    """Whether ``moves`` renames or removes a place, or something that contains it."""
    return any(Place(place.file, place.path[:n]) in moves for n in range(len(place.path) + 1))


def moves_of(wanted: Iterable[tuple[Finding, Proposal]]) -> dict[Place, Place | None]:
    """What edits rename, move or remove."""
    return dict(move for _, proposal in wanted for move in proposal.renamed)


def _was_hidden(
    finding: Finding,
    before: Report,
    after: Report,
    better: set[tuple[str, str]],
    *,
    lenient: bool,
) -> bool:
    """Whether a finding was true before, but the first check could not see it.

    It is in a file that the check did not read, or on a product that MAAS did not reach.
    ``better``: the products that some release now does more with. ``lenient``: whether new advice
    is allowed, because the user agreed to lose something.
    """
    file, product = finding.place.file, finding.place.product
    if file not in before.look.stream.files and file in after.look.stream.files:
        return True
    if finding.severity >= Severity.IGNORED:
        return False
    if product is None:
        return bool(better) or (lenient and finding.severity is Severity.INFO)
    return (file, product) in better or (lenient and finding.severity is Severity.INFO)


def _key(
    finding: Finding, report: Report, moves: dict[Place, Place | None] | None = None
) -> tuple[Any, ...]:
    """The identity of a finding before and after an edit: rule and place, without line numbers."""
    place = _moved(Place(finding.place.file, finding.place.path), moves or {})
    where = place.path[:6] if place.product is not None else place.path[:2]
    # A finding on the whole stream is at its first file, which may change.
    file = "" if not where and place.file == report.look.stream.start else place.file
    return (finding.code, file, where, finding.severity)


def _moved(place: Place, moves: dict[Place, Place | None]) -> Place:
    """Where a place is after ``moves``: the innermost first, which has the old names around it."""
    for depth in range(len(place.path), -1, -1):
        new = moves.get(Place(place.file, place.path[:depth]))
        if new is not None:
            place = Place(new.file, (*new.path, *place.path[depth:]))
    return place


def _compared(
    before: Report, after: Report, moves: dict[Place, Place | None]
) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """The products that some release now does more with, and those that one does less with.

    Removed products do not count.
    """
    was = {(row.file, row.product): row.outcomes for row in rows(before.look, before.findings)}
    now = {(row.file, row.product): row.outcomes for row in rows(after.look, after.findings)}
    better, worse = now.keys() - was.keys(), set()
    for (file, product), outcomes in was.items():
        old = Place(file, ("products", product))
        here = spot(old, moves)
        after_it = now.get(here)
        if after_it is None:
            if moves.get(old, old) is not None:
                worse.add(here)
            continue
        pairs = [(RANKS[a], RANKS[b]) for a, b in zip(after_it, outcomes, strict=True)]
        if any(a < b for a, b in pairs):
            worse.add(here)
        if any(a > b for a, b in pairs):
            better.add(here)
    return better, worse


def _useless(row: Row, lines: Sequence[str], after: Report) -> str:
    why = {
        f.name
        for f in after.findings
        if f.severity is Severity.UNUSABLE and (f.place.product or row.product) == row.product
    }
    told = f" ({', '.join(sorted(why))})" if why else ""
    span = after.look.span(lines)
    return f"MAAS {span} then imports `{row.product}`, but it can't be used{told}"


def _joined(said: Sequence[str]) -> str | None:
    if not said:
        return None
    rest = len(said) - 1
    return said[0] + (f"; and {rest:,} more product{'s' * (rest > 1)} likewise" if rest else "")
