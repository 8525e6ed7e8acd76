"""The report in Markdown, as GitHub and GitLab show it: for summaries, comments and tickets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from maas_stream_lint import outcome
from maas_stream_lint.logs.matching import prefixed
from maas_stream_lint.output import clean
from maas_stream_lint.report.groups import merged, passed_over, sections, told_each
from maas_stream_lint.report.joining import with_blank_lines
from maas_stream_lint.report.phrases import brief, count, maas, some, span
from maas_stream_lint.report.stamp import signature
from maas_stream_lint.report.text import fates_told, place_text, summary_told
from maas_stream_lint.report.verdict import unread, verdict_word
from maas_stream_lint.rulebook import all_releases

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Severity
    from maas_stream_lint.output import Style
    from maas_stream_lint.report.groups import Entry, Section
    from maas_stream_lint.report.joining import Texts

#: The most rows of the table; what MAAS loses stands on top.
_MOST_ROWS = 40
ICONS = {
    outcome.IMPORTED: "\N{WHITE HEAVY CHECK MARK}",
    outcome.UNUSABLE: "\N{WARNING SIGN}\N{VARIATION SELECTOR-16}",
    outcome.NOTICE: "\N{INFORMATION SOURCE}\N{VARIATION SELECTOR-16}",
    outcome.SHADOWED: "\N{WARNING SIGN}\N{VARIATION SELECTOR-16}",
    outcome.UNSELECTED: "\N{EN DASH}",
    outcome.LEFT_OUT: "\N{EN DASH}",
    outcome.IGNORED: "\N{CROSS MARK}",
    outcome.FATAL: "\N{NO ENTRY}",
}
#: Characters that have a meaning in Markdown, its tables, GitHub's mentions or formulas.
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~!#$])")
_ENTITIES = str.maketrans({"&": "&amp;", "@": "&#64;"})
_LINKS = re.compile(r"(?<=\w)(?=://)|(?<=www)(?=\.)", re.IGNORECASE)
_TICKS = re.compile(r"`+")


def render(report: Report, threshold: Severity, style: Style, *, findings: bool = True) -> str:
    """The verdict, the matrix, and the findings as the text has them. ``findings``: or not."""
    lines = [f"## maas-stream-lint: {verdict_word(report, threshold)}", ""]
    lines += [f"{code_span(report.source)}: {plain(summary_told(report, threshold))}", ""]
    lines += [f"- **{lines_}** {plain(fate)}" for lines_, fate in fates_told(report)]
    lines += [
        f"- **not read** {code_span(one.path)}: {plain(one.message)} ({plain(one.remedy)})"
        for one in unread(report, threshold)
    ]
    lines += ["", *_matrix(report)]
    if style.statistics:
        lines += _statistics(report)
    elif findings:
        for section in sections(told_each(report.findings, threshold)):
            lines += _section(section)
        lines += [plain(passed_over(report.findings))]
    elif report.findings:
        lines += ["", "There are too many findings for this page."]
    lines += [*([""] if lines[-1] else []), plain(signature(style))]
    return "\n".join(lines).rstrip() + "\n"


def _statistics(report: Report) -> Iterator[str]:
    from maas_stream_lint.report.statistics import counts

    counted = counts(report.findings)
    if counted:
        yield from ("", "| findings | severity | rule |", "| ---: | --- | --- |")
    for one in counted:
        yield f"| {one.findings:,} | {one.severity.label} | {one.code} {one.name} |"


def join(texts: Texts) -> str:
    """The reports with an empty line between them."""
    return with_blank_lines(texts)


def code_span(text: str, *, cell: bool = False) -> str:
    """An untrusted text as code, whatever backticks it has. ``cell``: it is in a table."""
    shown = brief(text)
    fence = "`" * (max(map(len, _TICKS.findall(shown)), default=0) + 1)
    # Spaces separate its own backticks from those of the fence.
    pad = " " if shown[:1] in "` " or shown[-1:] in "` " else ""
    made = f"{fence}{pad}{shown}{pad}{fence}"
    # GitHub takes the backslash out of a table's code, and only there.
    return made.replace("|", "\\|") if cell else made


def plain(text: str) -> str:
    """An untrusted sentence: text in backticks becomes code, and nothing else is markup."""
    parts = clean(text).split("`")
    if len(parts) % 2 == 0:  # a backtick without a partner
        return _escaped(clean(text))
    return "".join(
        code_span(part) if number % 2 and part else _escaped(part)
        for number, part in enumerate(parts)
    )


def _escaped(text: str) -> str:
    return _LINKS.sub("<!-- -->", _SPECIAL.sub(r"\\\1", text).translate(_ENTITIES))


def _matrix(report: Report) -> Iterator[str]:
    table = outcome.rows(report.look, report.facts)
    if not table:
        return
    columns = outcome.columns(report.look, table)
    known = [release.line for release in all_releases()]
    alike: dict[tuple[str, ...], list[str]] = {}
    for number, row in enumerate(table):
        fates = tuple(column.outcomes[number] for column in columns)
        alike.setdefault(fates, []).append(row.product)
    yield "| product | " + " | ".join(span(c.lines, known) for c in columns) + " |"
    yield "| --- |" + " --- |" * len(columns)
    order = list(outcome.MEANING)
    worst = sorted(alike, key=lambda fates: -max(map(order.index, fates)))
    for fates in worst[:_MOST_ROWS]:
        cells = " | ".join(f"{ICONS[fate]} {fate}" for fate in fates)
        yield f"| {_products(alike[fates])} | {cells} |"
    if left := worst[_MOST_ROWS:]:
        more = sum(len(alike[fates]) for fates in left)
        yield f"| and {count(more, 'more product')} |" + " |" * len(columns)
    yield ""


def _products(names: list[str]) -> str:
    shown = some([code_span(name, cell=True) for name in names])
    return shown if len(names) == 1 else f"{count(len(names), 'product')}: {shown}"


def _section(section: Section) -> Iterator[str]:
    yield f"### {code_span(section.title) if section.product else section.title}"
    yield ""
    for entry in section.entries:
        yield from _entry(entry, named=not section.product)
    yield ""


def _entry(entry: Entry, *, named: bool) -> Iterator[str]:
    finding = entry.first
    head = f"- **{finding.severity.label}** {finding.code} {finding.name}"
    yield f"{head}, {maas(finding.maas)}: {plain(entry.message)}"
    if named and entry.products:
        names = some([code_span(name) for name in entry.products])
        yield f"  - in {count(len(entry.products), 'product')}: {names}"
    if finding.effect:
        yield f"  - MAAS {plain(merged([f.effect for f in entry.findings]))}"
    for number, (lines, text) in enumerate(finding.logs):
        which = f" ({maas(lines)})" if len(finding.logs) > 1 else ""
        others = {f.logs[number][1] for f in entry.findings if len(f.logs) > number}
        more = f", and {len(others) - 1:,} more such" if len(others) > 1 else ""
        yield f"  - log{which}: {code_span(prefixed(text))}{more}"
    yield f"  - fix: {plain(merged([f.remedy for f in entry.findings], example=True))}"
    yield f"  - at {_places(place_text(place) for place in entry.places)}"


def _places(told: Iterable[str]) -> str:
    return some([code_span(place) for place in dict.fromkeys(told)], 2)
