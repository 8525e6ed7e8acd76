"""The matrix of the HTML report: like products are one row, like release lines one column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint import outcome
from maas_stream_lint.finding import Severity
from maas_stream_lint.records import record
from maas_stream_lint.report.groups import Entry, sections, told_each

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Finding
    from maas_stream_lint.report.groups import Owner


@record(frozen=True)
class Row:
    """Products with the same outcomes for the same reasons; or the stream as a whole."""

    owners: tuple[Owner, ...]  #: the products with their files; none for the stream
    fates: tuple[str, ...]  #: one for each release line; ``""`` where there is nothing to say
    entries: tuple[Entry, ...]

    @property
    def products(self) -> tuple[str, ...]:
        """The products' names."""
        return tuple(name for _, name in self.owners)

    def on(self, line: str) -> tuple[int, ...]:
        """The entries about a release line, by their numbers."""
        return tuple(n for n, entry in enumerate(self.entries) if line in entry.first.maas)

    def stops(self, line: str) -> bool:
        """Whether one of them says why a release line imports nothing."""
        return any(self.entries[n].first.severity is Severity.FATAL for n in self.on(line))


def rows(report: Report) -> list[Row]:
    """The rows of the matrix: the stream, then the products, worst first."""
    lines = report.look.lines
    table = outcome.rows(report.look, report.findings)
    known = {(row.file, row.product) for row in table}
    entries = [
        entry for section in sections(told_each(report.findings)) for entry in section.entries
    ]
    entries.sort(key=lambda entry: (-entry.first.severity, entry.first.code))
    owned: dict[Owner, list[int]] = {}
    whole: list[Entry] = []
    for number, entry in enumerate(entries):
        owners = {_owner(finding) for finding in entry.findings}
        for owner in owners & known:
            owned.setdefault(owner, []).append(number)
        if rest := tuple(f for f in entry.findings if _owner(f) not in known):
            whole.append(Entry(rest))
    alike: dict[tuple[object, ...], list[Owner]] = {}
    fates: dict[Owner, tuple[str, ...]] = {}
    for row in table:
        owner = (row.file, row.product)
        fates[owner] = row.outcomes
        alike.setdefault((row.outcomes, *owned.get(owner, ())), []).append(owner)
    order = list(outcome.MEANING)
    made = [
        Row(
            tuple(owners),
            fates[owners[0]],
            tuple(_part(entries[number], set(owners)) for number in owned.get(owners[0], ())),
        )
        for owners in alike.values()
    ]
    made.sort(key=lambda row: (-max(map(order.index, row.fates)), -_worst(row.entries)))
    stream = tuple(_severity_on(whole, line) for line in lines)
    return [Row((), stream, tuple(whole)), *made] if whole else made


def _owner(finding: Finding) -> Owner:
    return (finding.place.file, finding.place.product or "")


def _part(entry: Entry, owners: set[Owner]) -> Entry:
    return Entry(tuple(f for f in entry.findings if _owner(f) in owners))


def _worst(entries: Iterable[Entry]) -> int:
    return max((entry.first.severity for entry in entries), default=-1)


def _severity_on(entries: Iterable[Entry], line: str) -> str:
    worst = _worst(entry for entry in entries if line in entry.first.maas)
    return Severity(worst).label if worst >= 0 else ""


def columns(lines: Sequence[str], table: Sequence[Row]) -> list[tuple[str, ...]]:
    """The release lines of which all rows say the same, oldest first."""
    found: dict[tuple[object, ...], list[str]] = {}
    for position, line in enumerate(lines):
        said = tuple((row.fates[position], row.on(line)) for row in table)
        found.setdefault(said, []).append(line)
    return [tuple(alike) for alike in found.values()]
