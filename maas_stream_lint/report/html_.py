"""The report as one HTML file: a matrix whose cells open to their findings; it needs no network.

It can be read without its script. Its policy allows no other script, and fetches nothing.
"""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import TYPE_CHECKING

from maas_stream_lint import documentation, outcome
from maas_stream_lint.finding import Severity
from maas_stream_lint.logs.matching import prefixed
from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.report import matrix, web
from maas_stream_lint.report.goods import Goods
from maas_stream_lint.report.groups import merged, passed_over
from maas_stream_lint.report.phrases import brief, count, some, span
from maas_stream_lint.report.snippets import Snippets
from maas_stream_lint.report.text import fates_told, place_text, summary_told
from maas_stream_lint.report.verdict import unread, verdict_word
from maas_stream_lint.rule_files import release_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Finding
    from maas_stream_lint.output import Style
    from maas_stream_lint.report.groups import Entry
    from maas_stream_lint.report.matrix import Row

#: The most places of a lone finding that are shown with their lines.
_SNIPPETS = 3
#: The most products of a row that are named before it is opened.
_NAMED = 2
#: The most products of a row of which it is told what they are good for.
_USED = 50
_UP, _DOWN = "\N{UPWARDS ARROW}", "\N{DOWNWARDS ARROW}"


class Column(NamedTuple):
    """Release lines of which every row says the same."""

    number: int
    lines: tuple[str, ...]
    position: int  #: of the first of them, among the lines that were asked for
    culprit: int | None  #: the row that says why they import nothing

    @property
    def data(self) -> str:
        """The attribute by which the script knows its cells."""
        return f'data-column="{self.number}"'


def render(report: Report, threshold: Severity, style: Style) -> Iterator[str]:
    """The whole page."""
    verdict = verdict_word(report, threshold)
    title = f"{verdict}: {web.text(report.source)}"
    body, scripts = _body(report, threshold, verdict), ("copy.js", "html_.js")
    yield from web.page(title, body, scripts, footer=_more(report), style=style)


def _body(report: Report, threshold: Severity, verdict: str) -> Iterator[str]:
    yield _header(report, threshold, verdict)
    yield _filter(report)
    yield "<main>\n"
    yield from _matrix(report, Snippets(report))
    yield "</main>\n"


def _header(report: Report, threshold: Severity, verdict: str) -> str:
    counts = Counter(finding.severity for finding in report.findings)
    chips = "".join(
        f'<li class="chip {level.label}">{counts[level]:,} {level.label}</li>'
        for level in sorted(Severity, reverse=True)
        if counts[level]
    )
    fates = "".join(
        f"<li><b>{escape(lines)}</b> <span>{web.text(fate)}</span></li>"
        for lines, fate in fates_told(report)
    )
    fates += "".join(
        f"<li><b>not read</b> <span><code>{web.text(one.path)}</code>: "
        f"{web.coded(brief(one.message))} ({web.coded(brief(one.remedy))})</span></li>"
        for one in unread(report, threshold)
    )
    left = passed_over(report.findings)
    return (
        f'<header>\n<p class="tool">maas-stream-lint: what MAAS does with this stream</p>\n'
        f'<h1><span class="verdict {verdict}">{verdict}</span> '
        f"<bdi>{web.text(report.source)}</bdi></h1>\n"
        f'<ul class="chips">{chips}</ul>\n'
        f'<ul class="fates">{fates}</ul>\n'
        f'<p class="summary">{web.text(_without_counts(report, threshold))}</p>\n'
        + (f'<p class="summary">{web.text(left)}</p>\n' if left else "")
        + "</header>\n"
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
    lines, table = report.look.lines, matrix.rows(report)
    columns = [
        Column(number, alike, lines.index(alike[0]), _culprit(table, alike[0]))
        for number, alike in enumerate(matrix.columns(lines, table))
    ]
    yield _legend(table, columns)
    heads = "".join(
        f'<th scope="col" {column.data} data-lines="{" ".join(column.lines)}">'
        f"{_span(column.lines)}</th>"
        for column in columns
    )
    yield '<div class="scroll">\n<table>\n<caption>Products by MAAS release. '
    yield "Open a cell to see why.</caption>\n"
    yield f'<thead><tr><th scope="col">product</th>{heads}</tr></thead>\n'
    goods = Goods(report.look, {owner for row in table for owner in row.owners[:_USED]})
    for number, row in enumerate(table, 1):
        cells = "".join(_cell(row, number, column) for column in columns)
        yield f'<tbody>\n<tr><th scope="row">{_names(row)}</th>{cells}</tr>\n'
        good = goods.told(row.owners[0]) if len(row.owners) == 1 else _products(row, goods)
        if row.entries or good:
            yield f'<tr class="more"><td colspan="{len(columns) + 1}">'
            yield from _details(row, number, good, report, snippets)
            yield "</td></tr>\n"
        yield "</tbody>\n"
    yield "</table>\n</div>\n"
    if not report.look.catalog.products:
        yield "<p>There are no products in this stream.</p>\n"


def _legend(table: list[Row], columns: list[Column]) -> str:
    """What the cells say, as far as there are such cells."""
    seen = {fate for row in table for fate in row.fates}
    items = ""
    if any(row.entries for row in table):
        items += '<li><span class="n">2</span> findings, which the cell opens</li>'
    for arrow, where in ((_UP, "above"), (_DOWN, "below")):
        if any(_arrow(row, n, c) == arrow for n, row in enumerate(table, 1) for c in columns):
            items += f'<li><span class="n">{arrow}</span> the cause is the finding of a row '
            items += f"{where}, which the cell opens</li>"
    told = [(fate, meaning) for fate, meaning in outcome.MEANING.items() if fate in seen]
    return web.legend(told, items)


def _names(row: Row) -> str:
    if not row.products:
        return "the stream as a whole"
    if len(row.products) == 1:
        return web.name(row.products[0])
    shown = "".join(f"{web.name(name)} " for name in row.products[:_NAMED])
    more = len(row.products) - _NAMED
    rest = f"and {more:,} more" if more > 0 else ""
    return f"<b>{count(len(row.products), 'product')}</b> <small>{shown}{rest}</small>"


def _culprit(table: list[Row], line: str) -> int | None:
    """The row that says why a release line imports nothing."""
    return next((n for n, row in enumerate(table, 1) if row.stops(line)), None)


def _arrow(row: Row, number: int, column: Column) -> str:
    """Which way to look for the finding that explains a cell; empty if its own row has it."""
    fatal = row.fates[column.position] == outcome.FATAL
    if not fatal or column.culprit is None or row.stops(column.lines[0]):
        return ""
    return _UP if column.culprit < number else _DOWN


def _cell(row: Row, number: int, column: Column) -> str:
    fate = row.fates[column.position]
    if not fate:
        return f"<td {column.data}></td>"
    inside, found = f"{web.icon(fate)}{fate}", len(row.on(column.lines[0]))
    kind = f'class="fate {fate.split()[0]}"'
    if arrow := _arrow(row, number, column):
        told = f'<span aria-hidden="true">{arrow}</span><span class="unseen">for another row</span>'
        href, told = f"#d{column.culprit}", f'<span class="n">{told}</span>'
    elif found:
        told = f'{found}<span class="unseen"> {"finding" if found == 1 else "findings"}</span>'
        href, told = f"#d{number}", f'<span class="n">{told}</span>'
    else:
        return f"<td {column.data}><span {kind}>{inside}</span></td>"
    return f'<td {column.data}><a {kind} href="{href}">{inside} {told}</a></td>'


def _products(row: Row, goods: Goods) -> str:
    """The products of a row, the first of them with what they are good for."""
    if not row.owners:
        return ""
    items = "".join(
        f"<li>{web.name(owner[1])}{goods.told(owner) if number < _USED else ''}</li>"
        for number, owner in enumerate(row.owners)
    )
    head = f"all {count(len(row.owners), 'product')}"
    return f'<details class="names"><summary>{head}</summary><ul>{items}</ul></details>\n'


def _details(row: Row, number: int, good: str, report: Report, snippets: Snippets) -> Iterator[str]:
    names = dict.fromkeys(f"{entry.first.code} {entry.first.name}" for entry in row.entries)
    head = (
        f"{some([escape(name) for name in names])}" if names else "no findings; how machines use it"
    )
    yield f"<details><summary>{head}</summary>\n"
    yield f'<div class="panel" id="d{number}" tabindex="-1" role="region" aria-label="findings">\n'
    yield '<p class="only" hidden><span></span> <button type="button">show all</button></p>\n'
    for entry in row.entries:
        yield from _entry(entry, report, snippets)
    yield good
    yield "</div></details>"


def _linked(finding: Finding) -> str:
    """The code of a finding: a link to the rule's page, if the documentation has an address."""
    code, url = escape(finding.code), documentation.rule_url(finding.name)
    return f'<a href="{escape(url)}" rel="noreferrer" target="_blank">{code}</a>' if url else code


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
        f'<p class="message">{web.coded(entry.message)}</p>\n<dl>\n'
    )
    if finding.effect:
        yield f"<dt>MAAS</dt><dd>{web.coded(merged([f.effect for f in entry.findings]))}</dd>\n"
    for number, (lines, text) in enumerate(finding.logs):
        which = f" {_span(lines)}" if len(finding.logs) > 1 else ""
        others = {f.logs[number][1] for f in entry.findings if len(f.logs) > number}
        more = f" <small>and {len(others) - 1:,} more such</small>" if len(others) > 1 else ""
        yield f"<dt>log{which}</dt><dd><code class='log'>{web.text(prefixed(text))}</code>"
        yield f"{more}</dd>\n"
    remedy = merged([f.remedy for f in entry.findings], example=True)
    yield f'<dt>fix</dt><dd class="steps">{web.steps(remedy)}</dd>\n'
    places = list(dict.fromkeys(place_text(place) for place in entry.places))
    yield f"<dt>at</dt><dd>{some([f'<bdi>{escape(told)}</bdi>' for told in places])}</dd>\n"
    yield "</dl>\n"
    shown = entry.places[:1] if len(entry.findings) > 1 else entry.places[:_SNIPPETS]
    for place in shown:
        yield snippets.around(place)
    yield "</article>\n"


def _span(lines: Sequence[str]) -> str:
    return escape(span(lines, release_lines()))
