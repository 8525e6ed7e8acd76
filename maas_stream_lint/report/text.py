"""The findings for people, at 80 columns, in a pipe, without colour."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.text import Text

from maas_stream_lint import outcome
from maas_stream_lint.finding import Severity
from maas_stream_lint.output import Style, clean
from maas_stream_lint.report.entry import Entries
from maas_stream_lint.report.groups import passed_over, sections, told_each
from maas_stream_lint.report.in_brief import in_brief, write_explain
from maas_stream_lint.report.joining import with_blank_lines
from maas_stream_lint.report.page import (
    COLORS,
    GOOD,
    LABEL,
    TITLE,
    Page,
    brief,
    count,
    severity,
    some,
    span,
    styled,
)
from maas_stream_lint.report.statistics import write_statistics
from maas_stream_lint.report.verdict import unread, verdict_word
from maas_stream_lint.rule_files import release_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Finding, Place
    from maas_stream_lint.report.joining import Texts
    from maas_stream_lint.unread import Unread

#: The most unread files that are named; the rest is counted.
_MOST_UNREAD = 10
#: The most lines of a report in which nothing is wrong.
_MOST_LINES = 6
_VERDICTS = {
    "fails": COLORS["ignored"],
    "incomplete": COLORS["warning"],
    "excused": COLORS["warning"],
    "passes": GOOD,
}


def render(report: Report, threshold: Severity, style: Style) -> str:
    """The report: every finding, what MAAS does with the stream, and a closing line.

    Advice has one line for each rule, unless it counts or ``style`` wants everything. A report
    without findings has at most six lines.
    """
    if style.quiet:
        return _what_fails(report, threshold, style)
    page = Page(style)
    page.hung(styled("stream ", LABEL), styled(clean(report.source), TITLE), 7)
    if style.statistics:
        write_statistics(page, report.findings)
        _closing(page, report, threshold)
        return page.text()
    whole: list[Finding] = []
    slight: list[Finding] = []
    for finding in told_each(report.findings, threshold):
        aside = finding.severity < min(threshold, Severity.WARNING) and not style.verbose
        (slight if aside else whole).append(finding)
    if not whole and verdict_word(report, threshold) == "passes":
        _in_few_lines(page, slight, report, threshold, style)
        return page.text()
    _sections(page, whole, report, style)
    left = passed_over(report.findings)
    if slight or left:
        page.line()
        page.line(styled("In brief", TITLE))
        page.paste(in_brief(slight, report, style, indent=2))
        _write_passed_over(page, left, indent=2)
    page.line()
    fates(page, report)
    page.line()
    if report.findings:
        write_explain(page, report.findings, style)
        page.line()
    _closing(page, report, threshold)
    return page.text()


def _sections(page: Page, found: Sequence[Finding], report: Report, style: Style) -> None:
    entries = Entries(page, report, verbose=style.verbose)
    for section in sections(found):
        page.line()
        page.line(styled(brief(section.title), TITLE))
        entries.write_all(section)


def _closing(page: Page, report: Report, threshold: Severity) -> None:
    write_unread(page, unread(report, threshold))
    page.line(_summary(report, threshold), hang=2)


def _in_few_lines(
    page: Page, found: Sequence[Finding], report: Report, threshold: Severity, style: Style
) -> None:
    """Write a report without findings: no empty lines, and at most six others."""
    made = _fates(report)
    alone = made[0] if len(made) == 1 else None
    end = Page(style)
    write_explain(end, found, style)
    end.line(_summary(report, threshold, alone, brief=True), hang=2)
    if alone is None:
        fates(page, report)
    over = Page(style)
    _write_passed_over(over, passed_over(report.findings))
    last = [*over.text().splitlines(), *end.text().splitlines()]
    room = _MOST_LINES - len(page.text().splitlines()) - len(last)
    page.paste(in_brief(found, report, style, room=max(1, room)))
    page.paste(last)


def _write_passed_over(page: Page, told: str, *, indent: int = 0) -> None:
    if told:
        head = Text.assemble(" " * indent, severity(Severity.INFO), "  ")
        page.hung(head, Text(told), head.cell_len)


def _what_fails(report: Report, threshold: Severity, style: Style) -> str:
    """The findings that fail the run and the closing line; nothing if it passes."""
    if verdict_word(report, threshold) == "passes":
        return ""
    page = Page(style)
    page.hung(styled("stream ", LABEL), styled(clean(report.source), TITLE), 7)
    _sections(page, [f for f in report.findings if f.severity >= threshold], report, style)
    page.line()
    _closing(page, report, threshold)
    return page.text()


def join(texts: Texts) -> str:
    """The reports with an empty line between them."""
    return with_blank_lines([text for text in map("".join, texts) if text])


def write_unread(page: Page, seen: Sequence[Unread]) -> None:
    """Write which documents the run could not read or parse, with an empty line after them."""
    for one in seen[:_MOST_UNREAD]:
        told = f"`{brief(one.path)}`: {brief(one.message)} ({brief(one.remedy)})"
        page.hung(styled("not read  ", COLORS["warning"]), told, 10)
    if len(seen) > _MOST_UNREAD:
        page.line(f"and {len(seen) - _MOST_UNREAD:,} more", indent=10)
    if seen:
        page.line()


def place_text(place: Place) -> str:
    """``file:line:column``, or as much of it as there is."""
    file = brief(place.file) or "the source itself"
    return file if place.line is None else f"{file}:{place.line}:{place.column}"


def fates(page: Page, report: Report) -> None:
    """Write what each group of release lines does with the stream, one line for each."""
    made = _fates(report)
    wide = max(len(told) for told, _ in made)
    for told, fate in made:
        head = styled("MAAS ", LABEL)
        head.append(told.ljust(wide + 2), TITLE)
        page.hung(head, fate, 7 + wide)


def fates_told(report: Report) -> list[tuple[str, str]]:
    """The same for other formats: ``[("MAAS 2.9–3.7", "imports …"), …]``."""
    return [(f"MAAS {told}", fate.plain) for told, fate in _fates(report)]


def _fates(report: Report) -> list[tuple[str, Text]]:
    table = outcome.rows(report.look, report.facts)
    known = release_lines()
    columns = outcome.columns(report.look, table)
    return [(span(c.lines, known), _fate(c, len(table), report)) for c in columns]


def _fate(column: outcome.Column, products: int, report: Report) -> Text:
    if column.fatal is not None and column.fatal.cause == outcome.NOT_READ:
        return Text("is not predicted, because some metadata was not read")
    if column.fatal is not None:
        told = styled("imports nothing", COLORS["ignored"])
        told.append(" of this source" if column.strict else ": the import of every source stops")
        return told.append_text(_by(report, column, Severity.FATAL))
    if column.stopped:
        told = styled("imports nothing", COLORS["ignored"])
        told.append(": another source fails, which stops the import of every source")
        return told.append_text(_by(report, column, Severity.FATAL))
    if column.fails_at_files:
        told = styled("imports nothing", COLORS["ignored"])
        told.append(": an image file fails, which stops the import of every source")
        return told.append_text(_by(report, column, Severity.FATAL))
    if not products:
        return Text("finds no products")
    counts = column.counts
    taken = counts[outcome.IMPORTED] + counts[outcome.UNUSABLE]
    whole = "the one product" if products == 1 else f"all {products:,} products"
    some_of = whole if taken == products else f"{taken:,} of {count(products, 'product')}"
    parts = [Text(f"imports {some_of}")] if taken else []
    if not (taken or counts[outcome.IGNORED] or counts[outcome.NOTICE]):
        parts = [styled("imports nothing", COLORS["ignored"])]
    if counts[outcome.NOTICE]:
        parts.append(Text(f"shows {count(counts[outcome.NOTICE], 'notice')}"))
    for other in (outcome.SHADOWED, outcome.UNSELECTED, outcome.LEFT_OUT):
        if counts[other]:
            by = " by another source" if other == outcome.SHADOWED else ""
            parts.append(Text(f"{counts[other]:,} {other}{by}"))
    if lost := counts[outcome.IGNORED]:
        told = styled(f"drops {whole if lost == products else f'{lost:,}'}", COLORS["ignored"])
        parts.append(told.append_text(_by(report, column, Severity.IGNORED)))
    if bad := counts[outcome.UNUSABLE]:
        which = "it" if products == 1 else "all" if bad == taken else f"{bad:,}"
        told = styled(f"but {which} cannot be used", COLORS["unusable"])
        parts.append(told.append_text(_by(report, column, Severity.UNUSABLE)))
    return Text(", ").join(parts)


def _by(report: Report, column: outcome.Column, level: Severity) -> Text:
    """The rules that say why, in parentheses."""
    lines = set(column.lines)
    names = dict.fromkeys(
        f.name for f in report.facts if f.severity is level and lines.intersection(f.maas)
    )
    return styled(f" ({some(list(names), 2)})", LABEL) if names else Text()


def summary_told(report: Report, threshold: Severity) -> str:
    """The closing line without the verdict that it starts with."""
    return _summary(report, threshold).plain.partition(" · ")[2]


def _summary(
    report: Report,
    threshold: Severity,
    fate: tuple[str, Text] | None = None,
    *,
    brief: bool = False,
) -> Text:
    """The closing line. ``fate``: what all lines do. ``brief``: without what stands above it."""
    counts = Counter(f.severity for f in report.findings)
    word = verdict_word(report, threshold)
    told = styled(word, _VERDICTS[word])
    if fate is not None:
        told.append(f" · MAAS {fate[0]} ").append_text(fate[1])
    told.append(" · " if report.findings else " · no findings")
    for number, level in enumerate(s for s in sorted(Severity, reverse=True) if counts[s]):
        told.append(", " if number else "")
        many = level is Severity.WARNING and counts[level] > 1
        told.append(f"{counts[level]:,} {level.label}{'s' * many}", COLORS[level.label])
    if (aside := report.set_aside) is not None:
        named = {"excused": aside.excused, "in the baseline": aside.known, "gone": aside.gone}
        shown = [f"{number:,} {what}" for what, number in named.items() if number]
        told.append(f" · {', '.join(shown)}" if shown else "")
    if report.configured:
        told.append(f" · settings from {clean(', '.join(report.configured))}")
    if brief:
        short = _images(report).replace("image file", "file").partition(" (")[0]
        short = short.replace("metadata only", "no files")
        return told.append(f" · {short}")
    files = sum(metadata.exists for metadata in report.look.stream.files.values())
    told.append(
        f" · {count(len(report.look.catalog.products), 'product')}, {count(files, 'metadata file')}"
    )
    told.append(f" · {_images(report)}")
    told.append(f" · MAAS {span(report.look.lines, release_lines())}")
    return told


def _images(report: Report) -> str:
    """How closely the image files were checked."""
    survey = report.look.survey
    if survey is not None and survey.metadata_only:
        return "metadata only"
    blind = report.look.stream.incomplete and not (survey and survey.wanted)
    if survey is None or survey.mode == "none" or blind:
        return "image files not checked"
    number, of = len(survey.wanted), "image file"
    if survey.mode == "head":
        seen = sum(s.trouble is None for s in survey.files.values())
        told = f"{count(number, of)} found, checksums not checked"
        if seen < number:
            told = f"{seen:,} of {count(number, of)} found, checksums not checked"
    else:
        known, hashed = survey.recalled, survey.hashed
        told = f"{hashed:,} of " if hashed < number else ""
        told += f"{count(number, of)} hashed" + (
            f" ({known:,} of them in earlier runs)" if known else ""
        )
    if survey.skipped:
        told += f", {len(survey.skipped):,} skipped because of --max-download"
    if survey.unkept:
        told += f", {len(survey.unkept):,} not kept"
    return told + (", interrupted" if survey.interrupted else "")
