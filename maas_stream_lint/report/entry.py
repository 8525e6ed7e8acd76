"""One entry of the text report: what is wrong, where, what MAAS does, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from maas_stream_lint import documentation
from maas_stream_lint.excerpt import Excerpts, Shown
from maas_stream_lint.logs.matching import prefixed
from maas_stream_lint.output import clean
from maas_stream_lint.report.groups import merged
from maas_stream_lint.report.page import (
    CODE,
    COLORS,
    LABEL,
    TITLE,
    brief,
    code,
    count,
    severity,
    some,
    span,
    styled,
)
from maas_stream_lint.report.where import link_of, spot
from maas_stream_lint.rule_files import release_lines

if TYPE_CHECKING:
    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Finding, Place
    from maas_stream_lint.report.groups import Entry, Section
    from maas_stream_lint.report.page import Page

#: The indent of what belongs to a finding, and the width of its labels.
_INDENT, _LABELS = 4, 6
#: The most places that are named; the rest is counted, unless everything is wanted.
_FEW = 3
#: A tab in a code frame.
_TAB = "    "


class Entries:
    """Writes the entries of one report. No code frame is shown twice."""

    def __init__(self, page: Page, report: Report, *, verbose: bool = False) -> None:
        """``verbose``: each finding of an entry is told, not only the first."""
        self._page = page
        self._report = report
        self._verbose = verbose
        self._excerpts = Excerpts(report.look.stream)
        self._framed: set[tuple[str, int | None]] = set()

    def write_all(self, section: Section) -> None:
        """Write the entries of a section, with empty lines between them."""
        before = None
        for entry in section.entries:
            if before is not None:
                self._page.line()
            self.write(entry, named=not section.product, before=before)
            before = entry

    def write(self, entry: Entry, *, named: bool, before: Entry | None = None) -> None:
        """Write one entry. ``named``: say which products. ``before``: the entry above it."""
        finding = entry.first
        page_url = documentation.rule_url(finding.name) or ""
        head = Text.assemble("  ", severity(finding.severity), "  ")
        head.append_text(self._page.linked(finding.code, page_url, CODE))
        head.append(f" {finding.name}")
        head.append(f" · {lines_of(finding, self._report)}", LABEL)
        self._page.line(head, hang=_INDENT)
        self._page.line(code(entry.message, TITLE), indent=_INDENT)
        products = entry.products
        if named and products:
            told = f"{count(len(products), 'product')}: {some([brief(p) for p in products])}"
            self._field("in", Text(told))
        self._places(entry)
        if finding.effect:
            self._field("MAAS", brief(merged([f.effect for f in entry.findings])))
        for label, text in _logs(entry):
            self._field(label, text)
        if before is not None and before.first.remedy == finding.remedy:
            self._field("fix", "as above")
        else:
            remedy = merged([f.remedy for f in entry.findings], example=True)
            self._page.steps("fix", remedy, indent=_INDENT, width=_LABELS)
        if self._verbose and len(entry.findings) > 1:
            self._each(entry)

    def _field(self, label: str, text: Text | str) -> None:
        self._page.field(label, text, indent=_INDENT, width=_LABELS)

    def _places(self, entry: Entry) -> None:
        """Write each place on a line of its own, to be clicked, and the lines round the first."""
        places = list(dict.fromkeys(entry.places))
        most = len(places) if self._verbose else _FEW
        # One more is named rather than counted.
        shown = places[:most] if len(places) > most + 1 else places
        for number, place in enumerate(shown):
            self._field("at" if number == 0 else "", self._spot(place))
            if number == 0:
                self._frame(place, entry.first)
        if len(places) > len(shown):
            self._field("", styled(f"and {len(places) - len(shown):,} more", LABEL))

    def _spot(self, place: Place) -> Text:
        return self._page.linked(brief(spot(self._report, place)), link_of(self._report, place))

    def _frame(self, place: Place, finding: Finding) -> None:
        """Write the line of a place, with a mark below it, and the line above it."""
        if (place.file, place.line) in self._framed:
            return
        self._framed.add((place.file, place.line))
        left = _INDENT + _LABELS
        numbered = len(str(place.line))
        room = max(20, self._page.width - left - numbered - 3)
        color = COLORS[finding.severity.label]
        for line in self._excerpts.around(place, before=1, after=0, widest=room - 2):
            before, marked, after = _safe(line, room)
            gutter = styled(f"{line.number:>{numbered}} | ", LABEL)
            self._page.verbatim(Text.assemble(gutter, before, (marked, color), after), indent=left)
            if marked:
                under = " " * cell_len(before)
                gutter = styled(" " * numbered + " | ", LABEL)
                mark = "^" * cell_len(marked)
                self._page.verbatim(Text.assemble(gutter, under, (mark, color)), indent=left)

    def _each(self, entry: Entry) -> None:
        """Write what the entry's findings do not share: product, place, remedy."""
        remedies = len({f.remedy for f in entry.findings}) > 1
        messages = len({f.message for f in entry.findings}) > 1
        for number, finding in enumerate(entry.findings):
            name = finding.place.product or ""
            at = (" at " if name else "", LABEL)
            told = Text.assemble(brief(name), at, self._spot(finding.place))
            self._field("each" * (number == 0), told)
            if messages:
                self._page.line(code(brief(finding.message)), indent=_INDENT + _LABELS + 2)
            if remedies:
                self._page.steps("", finding.remedy, indent=_INDENT + 2, width=_LABELS)


def lines_of(finding: Finding, report: Report) -> str:
    """The release lines that a finding is about: ``MAAS 2.9–3.7``."""
    known = release_lines()
    told = span(finding.maas, known)
    whole = span(finding.maas, known, report.look.lines) == "all"
    return f"MAAS {told}" + (" (all)" if whole else "")


def _safe(line: Shown, room: int) -> tuple[str, str, str]:
    """The parts of a line without anything that a terminal might obey, cut to the room."""
    parts = []
    for part in line[1:]:
        safe = clean(str(part).replace("\t", _TAB))
        parts.append(safe[: max(0, room)])
        room -= len(safe)
    return parts[0], parts[1], parts[2]


def _logs(entry: Entry) -> list[tuple[str, Text]]:
    finding = entry.first
    shown = []
    for number, (lines, text) in enumerate(finding.logs):
        told = Text()
        if len(finding.logs) > 1:
            told.append(f"{span(lines, release_lines())}: ", LABEL)
        others = {f.logs[number][1] for f in entry.findings if len(f.logs) > number}
        told.append(brief(prefixed(merged(others) if len(others) == 1 else text)), "italic")
        if len(others) > 1:
            told.append(f"  and {len(others) - 1:,} more such", LABEL)
        shown.append(("log" if number == 0 else "", told))
    return shown
