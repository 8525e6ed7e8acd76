"""The report as one HTML file: a matrix whose cells open to their findings; it needs no network.

It can be read without its script. Its policy allows no other script, and fetches nothing.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from maas_stream_lint import __version__, documentation, outcome
from maas_stream_lint.finding import Severity
from maas_stream_lint.logs.matching import prefixed
from maas_stream_lint.output import clean
from maas_stream_lint.report.groups import Entry, merged, sections
from maas_stream_lint.report.phrases import brief, count, some, span
from maas_stream_lint.report.text import fates_told, place_text, summary_told
from maas_stream_lint.report.verdict import unread, verdict_word
from maas_stream_lint.rulebook import all_releases

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Finding, Place
    from maas_stream_lint.output import Style
    from maas_stream_lint.report.groups import Owner

#: Lines of a file shown before and after the one in question, and how much of a long line.
_AROUND, _WIDEST = 2, 160
#: The most places of a lone finding that are shown with their lines.
_SNIPPETS = 3
#: The most products of a row that are named before it is opened.
_NAMED = 2
_ICONS = {
    outcome.IMPORTED: "\N{CHECK MARK}",
    outcome.UNUSABLE: "!",
    outcome.NOTICE: "i",
    outcome.UNSELECTED: "\N{EN DASH}",
    outcome.LEFT_OUT: "\N{EN DASH}",
    outcome.IGNORED: "\N{MULTIPLICATION X}",
    outcome.FATAL: "\N{BLACK SQUARE}",
    Severity.WARNING.label: "\N{MIDDLE DOT}",
    Severity.INFO.label: "\N{MIDDLE DOT}",
}
#: The token that a finding points at: a key, a text, a number, a bracket.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[^\s,:"]+')


@dataclass(frozen=True)
class Row:
    """Products with the same outcomes for the same reasons; or the stream as a whole."""

    products: tuple[str, ...]
    fates: tuple[str, ...]  #: one for each release line; ``""`` where there is nothing to say
    entries: tuple[Entry, ...]

    def biting(self, line: str) -> list[Severity]:
        """The severities of the entries about a release line."""
        return [e.first.severity for e in self.entries if line in e.first.maas]


def render(report: Report, threshold: Severity, style: Style) -> Iterator[str]:
    """The whole page."""
    css, script = _asset("html_.css"), _asset("html_.js")
    verdict = verdict_word(report, threshold)
    snippets = Snippets(report)
    yield "<!doctype html>\n"
    yield f'<html lang="en">\n<head>\n<meta charset="utf-8">\n{_policy(css, script)}\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield '<meta name="color-scheme" content="light dark">\n<link rel="icon" href="data:,">\n'
    yield f"<title>{verdict}: {_text(report.source)} - maas-stream-lint</title>\n"
    yield f"<style>{css}</style>\n</head>\n<body>\n"
    yield _header(report, threshold, verdict)
    yield _filter(report)
    yield "<main>\n"
    yield from _matrix(report, snippets)
    yield f"</main>\n<footer>maas-stream-lint {__version__}{_more(report)}</footer>\n"
    yield f"<script>{script}</script>\n</body>\n</html>\n"


def rows(report: Report) -> list[Row]:
    """The rows of the matrix: the stream, then the products, worst first."""
    lines = report.look.lines
    table = outcome.rows(report.look, report.findings)
    known = {(row.file, row.product) for row in table}
    entries = [entry for section in sections(report.findings) for entry in section.entries]
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
            tuple(name for _, name in owners),
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


def _asset(name: str) -> str:
    return (files("maas_stream_lint.report") / name).read_text("utf-8").strip()


def _policy(css: str, script: str) -> str:
    """The policy that allows only these two, whatever a name tries to add to the page."""
    style_src, script_src = (
        b64encode(sha256(text.encode()).digest()).decode() for text in (css, script)
    )
    allowed = (
        f"default-src 'none'; style-src 'sha256-{style_src}'; script-src 'sha256-{script_src}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return f'<meta http-equiv="Content-Security-Policy" content="{allowed}">'


def _text(text: str) -> str:
    """Untrusted text, with hidden characters made visible and markup escaped."""
    return escape(brief(text))


def _coded(text: str) -> str:
    """An untrusted sentence, with text in backticks as code."""
    parts = clean(text).split("`")
    if len(parts) % 2 == 0:
        return escape(clean(text))
    return "".join(
        f"<code>{escape(part)}</code>" if number % 2 else escape(part)
        for number, part in enumerate(parts)
    )


def _header(report: Report, threshold: Severity, verdict: str) -> str:
    counts = Counter(finding.severity for finding in report.findings)
    chips = "".join(
        f'<li class="chip {level.label}">{counts[level]:,} {level.label}</li>'
        for level in sorted(Severity, reverse=True)
        if counts[level]
    )
    fates = "".join(
        f"<li><b>{escape(lines)}</b> <span>{_text(fate)}</span></li>"
        for lines, fate in fates_told(report)
    )
    fates += "".join(
        f"<li><b>not read</b> <span><code>{_text(one.path)}</code>: {_coded(brief(one.message))} "
        f"({_coded(brief(one.remedy))})</span></li>"
        for one in unread(report, threshold)
    )
    return (
        f'<header>\n<p class="tool">maas-stream-lint: what MAAS does with this stream</p>\n'
        f'<h1><span class="verdict {verdict}">{verdict}</span> '
        f"<bdi>{_text(report.source)}</bdi></h1>\n"
        f'<ul class="chips">{chips}</ul>\n'
        f'<ul class="fates">{fates}</ul>\n'
        f'<p class="summary">{_text(_without_counts(report, threshold))}</p>\n</header>\n'
    )


def _without_counts(report: Report, threshold: Severity) -> str:
    """The closing line without the counts of findings, which the chips show."""
    parts = summary_told(report, threshold).split(" · ")
    return " · ".join(parts[1:] if report.findings else parts)


def _filter(report: Report) -> str:
    """The form, which only the script shows, because it needs the script."""
    levels = "".join(
        f'<option value="{level.value}">{level.label}{" and worse" if level < 4 else ""}</option>'
        for level in sorted(Severity, reverse=True)
    )
    lines = "".join(f'<option value="{line}">{line}</option>' for line in report.look.lines)
    return (
        '<form class="filter" role="search" aria-label="Filter the matrix" hidden>\n'
        '<label>Text <input type="search" name="text" autocomplete="off" spellcheck="false" '
        'placeholder="product, rule, message"></label>\n'
        f'<label>Severity <select name="severity"><option value="">any</option>{levels}'
        "</select></label>\n"
        f'<label>MAAS <select name="line"><option value="">all</option>{lines}</select></label>\n'
        '<button type="reset">Reset</button>\n<output name="shown" aria-live="polite"></output>\n'
        "</form>\n"
    )


def _matrix(report: Report, snippets: Snippets) -> Iterator[str]:
    lines, table = report.look.lines, rows(report)
    heads = "".join(f'<th scope="col" data-line="{line}">{line}</th>' for line in lines)
    yield '<div class="scroll">\n<table>\n<caption>Products by MAAS release. '
    yield "Open a cell to see why.</caption>\n"
    yield f'<thead><tr><th scope="col">product</th>{heads}</tr></thead>\n'
    culprits = {line: _culprit(table, line) for line in lines}
    for number, row in enumerate(table, 1):
        cells = "".join(
            _cell(line, fate, row.biting(line), number, culprits[line])
            for line, fate in zip(lines, row.fates, strict=True)
        )
        yield f'<tbody>\n<tr><th scope="row">{_names(row)}</th>{cells}</tr>\n'
        if row.entries or len(row.products) > 1:
            yield f'<tr class="more"><td colspan="{len(lines) + 1}">'
            yield from _details(row, number, report, snippets)
            yield "</td></tr>\n"
        yield "</tbody>\n"
    yield "</table>\n</div>\n"
    if not report.look.catalog.products:
        yield "<p>There are no products in this stream.</p>\n"


def _names(row: Row) -> str:
    if not row.products:
        return "the stream as a whole"
    if len(row.products) == 1:
        return f"<bdi>{_text(row.products[0])}</bdi>"
    shown = "".join(f"<bdi>{_text(name)}</bdi> " for name in row.products[:_NAMED])
    more = len(row.products) - _NAMED
    rest = f"and {more:,} more" if more > 0 else ""
    return f"<b>{count(len(row.products), 'product')}</b> <small>{shown}{rest}</small>"


def _culprit(table: list[Row], line: str) -> int | None:
    """The row that says why a release line imports nothing."""
    return next((n for n, row in enumerate(table, 1) if Severity.FATAL in row.biting(line)), None)


def _cell(line: str, fate: str, found: list[Severity], number: int, culprit: int | None) -> str:
    if not fate:
        return f'<td data-line="{line}"></td>'
    inside = f'<span class="icon" aria-hidden="true">{_ICONS[fate]}</span>{fate}'
    if fate == outcome.FATAL and culprit is not None and Severity.FATAL not in found:
        arrow = "\N{UPWARDS ARROW}" if culprit < number else "\N{DOWNWARDS ARROW}"
        told = f'<span aria-hidden="true">{arrow}</span><span class="unseen">for another row</span>'
        inside = f'<a href="#d{culprit}">{inside} <span class="n">{told}</span></a>'
    elif found:
        word = "finding" if len(found) == 1 else "findings"
        told = f'<span class="n">{len(found)}<span class="unseen"> {word}</span></span>'
        inside = f'<a href="#d{number}">{inside} {told}</a>'
    else:
        inside = f"<span>{inside}</span>"
    return f'<td data-line="{line}" class="{fate}">{inside}</td>'


def _details(row: Row, number: int, report: Report, snippets: Snippets) -> Iterator[str]:
    names = dict.fromkeys(f"{entry.first.code} {entry.first.name}" for entry in row.entries)
    head = f"{some([escape(name) for name in names])}" if names else "no findings"
    yield f"<details><summary>{head}</summary>\n"
    yield f'<div class="panel" id="d{number}" tabindex="-1" role="region" aria-label="findings">\n'
    yield '<p class="only" hidden><span></span> <button type="button">show all</button></p>\n'
    for entry in row.entries:
        yield from _entry(entry, report, snippets)
    if len(row.products) > 1:
        items = "".join(f"<li><bdi>{_text(name)}</bdi></li>" for name in row.products)
        yield f'<details class="names"><summary>all {count(len(row.products), "product")}'
        yield f"</summary><ul>{items}</ul></details>\n"
    yield "</div></details>"


def _linked(finding: Finding) -> str:
    """The code of a finding: a link to the rule's page, if the documentation has an address."""
    code, url = escape(finding.code), documentation.rule_url(finding.name)
    return f'<a href="{escape(url)}" rel="noreferrer">{code}</a>' if url else code


def _more(report: Report) -> str:
    """What shows the page of a rule where no link leads to it."""
    if documentation.address() or not report.findings:
        return ""
    code = escape(report.findings[0].code)
    return f" \N{MIDDLE DOT} <code>maas-stream-lint explain {code}</code> tells more about a code"


def _entry(entry: Entry, report: Report, snippets: Snippets) -> Iterator[str]:
    finding = entry.first
    label = finding.severity.label
    page = _linked(finding)
    yield (
        f'<article class="entry" data-severity="{finding.severity.value}" '
        f'data-maas="{" ".join(finding.maas)}">\n'
        f'<h3><span class="chip {label}">{label}</span> {page} {escape(finding.name)} '
        f'<span class="maas">MAAS {_span(finding.maas)}</span></h3>\n'
        f'<p class="message">{_coded(entry.message)}</p>\n<dl>\n'
    )
    if finding.effect:
        yield f"<dt>MAAS</dt><dd>{_coded(merged([f.effect for f in entry.findings]))}</dd>\n"
    for number, (lines, text) in enumerate(finding.logs):
        which = f" {_span(lines)}" if len(finding.logs) > 1 else ""
        others = {f.logs[number][1] for f in entry.findings if len(f.logs) > number}
        more = f" <small>and {len(others) - 1:,} more such</small>" if len(others) > 1 else ""
        yield f"<dt>log{which}</dt><dd><code class='log'>{_text(prefixed(text))}</code>"
        yield f"{more}</dd>\n"
    remedy = merged([f.remedy for f in entry.findings], example=True)
    yield f"<dt>fix</dt><dd>{_coded(remedy)}</dd>\n"
    places = list(dict.fromkeys(place_text(place) for place in entry.places))
    yield f"<dt>at</dt><dd>{some([f'<bdi>{escape(told)}</bdi>' for told in places])}</dd>\n"
    yield "</dl>\n"
    shown = entry.places[:1] if len(entry.findings) > 1 else entry.places[:_SNIPPETS]
    for place in shown:
        yield snippets.around(place)
    yield "</article>\n"


def _span(lines: Sequence[str]) -> str:
    return escape(span(lines, [release.line for release in all_releases()]))


class Snippets:
    """Lines of the metadata round a place, each file split once."""

    def __init__(self, report: Report) -> None:
        """``report``: whose stream is in memory still."""
        self._files = report.look.stream.files
        self._lines: dict[str, list[str]] = {}

    def around(self, place: Place) -> str:
        """A few lines, the one in question marked; nothing where there is no file to show."""
        lines = self._of(place.file)
        if place.line is None or not 0 < place.line <= len(lines):
            return ""
        column = (place.column or 1) - 1
        first = max(1, place.line - _AROUND)
        shown = [
            _line(number, lines[number - 1], column, hit=number == place.line)
            for number in range(first, min(len(lines), place.line + _AROUND) + 1)
        ]
        caption = f"<figcaption>{escape(place_text(place))}</figcaption>"
        return f"<figure>{caption}<pre>{''.join(shown)}</pre></figure>\n"

    def _of(self, file: str) -> list[str]:
        if file not in self._lines:
            known = self._files.get(file)
            self._lines[file] = (known.text or "").split("\n") if known is not None else []
        return self._lines[file]


def _line(number: int, text: str, column: int, *, hit: bool) -> str:
    start = max(0, column - _WIDEST // 4) if len(text) > _WIDEST else 0
    end = start + _WIDEST
    shown = _source(text[start:end])
    token = _TOKEN.match(text, column) if hit else None
    if token is not None and token.end() > column:
        stop = min(token.end(), end)
        parts = (text[start:column], text[column:stop], text[stop:end])
        before, marked, after = (_source(part) for part in parts)
        shown = f"{before}<mark>{marked}</mark>{after}"
    cut = "\N{HORIZONTAL ELLIPSIS}"
    shown = cut * (start > 0) + shown + cut * (end < len(text))
    kind = "line hit" if hit else "line"
    pointer = "\N{BLACK RIGHT-POINTING SMALL TRIANGLE}" if hit else " "
    return f'<span class="{kind}"><span class="no">{pointer}{number:>5} </span>{shown}\n</span>'


def _source(text: str) -> str:
    return escape(clean(text.rstrip("\r").replace("\t", "    ")))
