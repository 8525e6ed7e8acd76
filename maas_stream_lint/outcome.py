"""The fate of each product on each release line: by the simulated imports, and by its files."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from maas_stream_lint.finding import Severity
from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.rule import level_of

if TYPE_CHECKING:
    from maas_stream_lint.finding import Finding
    from maas_stream_lint.imports.trace import Event, Trace
    from maas_stream_lint.look import Look

IMPORTED, UNUSABLE, IGNORED, FATAL, NOTICE = "imported", "unusable", "ignored", "fatal", "notice"
UNSELECTED, LEFT_OUT, SHADOWED = "not selected", "left out", "shadowed"

#: What each outcome means, best first.
MEANING = {
    IMPORTED: "MAAS imports it, and boots or deploys machines with it",
    UNUSABLE: "MAAS imports it, but can't deploy, commission or find it",
    NOTICE: "MAAS shows its message; there is nothing to import",
    SHADOWED: "MAAS takes it from another source",
    UNSELECTED: "no selection takes it",
    LEFT_OUT: "none of its files is here, so a selection of it fails",
    IGNORED: "MAAS drops it, with or without a log line, and imports the others",
    FATAL: "MAAS stops early, and imports nothing of this source",
}


#: The cause of an import that is not predicted, because this run could not read the metadata.
NOT_READ = "metadata-not-read"
#: Rules on what the metadata says of a file, by which its download fails.
DOWNLOADS = ("sha256-form", "size-zero")
#: Rules on what MAAS selects, which say nothing against the products that it imports.
ON_SELECTIONS = (
    *("selection-matches-nothing", "commissioning-not-selected", "source-wins-nothing"),
    *("shadowed-by-source", "winner-lacks-image"),
)


class Row(NamedTuple):
    """A product's fate."""

    file: str
    product: str
    outcomes: tuple[str, ...]  #: one for each release line that was asked for


class Column(NamedTuple):
    """Release lines on which every product fares alike."""

    lines: tuple[str, ...]
    outcomes: tuple[str, ...]  #: one for each row
    fatal: Event | None
    strict: bool
    stopped: bool  #: whether another boot source of the same MAAS ends the import

    @property
    def fails_at_files(self) -> bool:
        """Whether the metadata passes, and a file then ends the import."""
        return self.fatal is None and FATAL in self.outcomes and not self.stopped

    @property
    def counts(self) -> Counter[str]:
        """How many products fare how."""
        return Counter(self.outcomes)


def rows(look: Look, findings: tuple[Finding, ...]) -> list[Row]:
    """Every product's fate, in the stream's order."""
    files = {file.path for file in look.catalog.files}
    unusable = _unusable(findings, files)
    stopped = {n for f in findings if _of_files(f, Severity.FATAL) for n in f.maas}
    lost = _lost(findings)
    by_line = {line: trace for trace in look.traces for line in trace.lines}
    stopped |= _stopped_by_others(look)
    arriving = _arriving(look)
    taken = {id(trace): trace.imported.products for trace in look.traces}
    made = []
    for product in look.catalog.products:
        name, file = product.name, product.file.path
        outcomes = []
        useless = look.unusable(product.place)
        selected = look.selected_on(product) if look.selections is not None else look.lines
        left_out = look.absence.leaves_out(file, name)
        for line in look.lines:
            trace = by_line[line]
            if trace.fatal is not None or line in stopped:
                outcomes.append(FATAL)
            elif line not in selected:
                outcomes.append(UNSELECTED)
            elif left_out:
                outcomes.append(LEFT_OUT)
            elif (file, name) not in taken[id(trace)]:
                notice = product.notification and not trace.strict
                outcomes.append(NOTICE if notice else IGNORED)
            elif line in lost.get((file, name), ()):
                outcomes.append(IGNORED)
            elif line in arriving and (file, name) not in arriving[line]:
                outcomes.append(SHADOWED)
            else:
                scopes = ((file, name), (file, None), (None, None))
                hit = line in useless or any(line in unusable.get(scope, ()) for scope in scopes)
                outcomes.append(UNUSABLE if hit else IMPORTED)
        made.append(Row(file, name, tuple(outcomes)))
    return made


def _stopped_by_others(look: Look) -> set[str]:
    """The release lines on which another boot source of the same MAAS ends the import of all."""
    if look.beside is None:
        return set()
    outcomes = ((line, look.beside.first(line)) for line in look.lines)
    return {line for line, seen in outcomes if seen.fatal is not None or seen.fetch_failed}


def _arriving(look: Look) -> dict[str, set[tuple[str, str]]]:
    """The products that a MAAS with other boot sources imports from this one, by release line."""
    if look.beside is None:
        return {}
    own = look.beside.own
    return {
        line: {(new.file, new.product) for source, new in seen.imported if source == own}
        for line, seen in ((line, look.beside.first(line)) for line in look.lines)
    }


def columns(look: Look, table: list[Row]) -> list[Column]:
    """Release lines put together where every product fares alike, and fatal ends alike."""
    by_line = {line: trace for trace in look.traces for line in trace.lines}
    others = _stopped_by_others(look)
    found: dict[tuple[object, ...], list[str]] = {}
    for position, line in enumerate(look.lines):
        trace = by_line[line]
        fate = _end_of(trace)
        # Only where an import ends does it matter which engine it was.
        strict = trace.strict and isinstance(fate, tuple)
        outcomes = tuple(row.outcomes[position] for row in table)
        key = (outcomes, fate, strict, line in others and fate is None)
        found.setdefault(key, []).append(line)
    return [
        Column(tuple(lines), outcomes, by_line[lines[0]].fatal, strict, stopped)  # type: ignore[arg-type]
        for (outcomes, _, strict, stopped), lines in found.items()
    ]


def _end_of(trace: Trace) -> object:
    """What tells the ends of two imports apart; ``None``: it does not end before its time.

    What this run could not read is unknown for both engines alike.
    """
    end = trace.fatal
    if end is None or end.cause == NOT_READ:
        return end and NOT_READ
    return end.exception, end.message, end.place


def _of_files(finding: Finding, severity: Severity) -> bool:
    """Whether a finding is of a download, which the simulated imports do not make."""
    of_files = level_of(finding.code) == "file" or finding.name in DOWNLOADS
    return finding.severity is severity and of_files


def _lost(findings: tuple[Finding, ...]) -> dict[tuple[str, str | None], set[str]]:
    """The release lines on which a product is dropped for one of its files."""
    found: dict[tuple[str, str | None], set[str]] = {}
    for finding in findings:
        if _of_files(finding, Severity.IGNORED):
            for place in finding.places:
                found.setdefault((place.file, place.product), set()).update(finding.maas)
    return found


def _unusable(
    findings: tuple[Finding, ...], files: set[str]
) -> dict[tuple[str | None, str | None], set[str]]:
    """The release lines by what a finding is about: a product, a products file, or all of it."""
    found: dict[tuple[str | None, str | None], set[str]] = {}
    for finding in findings:
        if finding.severity is Severity.UNUSABLE and finding.name not in ON_SELECTIONS:
            place = finding.place
            scope = (place.file, place.product) if place.file in files else (None, None)
            found.setdefault(scope, set()).update(finding.maas)
    return found
