"""The findings for people, at 80 columns, in a pipe, without colour."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.text import Text

from maas_stream_lint import outcome
from maas_stream_lint.finding import Severity
from maas_stream_lint.logs.matching import prefixed
from maas_stream_lint.output import Style, clean
from maas_stream_lint.report.groups import Entry, Section, merged, sections
from maas_stream_lint.report.joining import with_blank_lines
from maas_stream_lint.report.page import (
    CODE,
    COLORS,
    GOOD,
    LABEL,
    TITLE,
    Page,
    brief,
    code,
    count,
    severity,
    some,
    span,
    styled,
)
from maas_stream_lint.report.verdict import unread, verdict_word
from maas_stream_lint.rulebook import all_releases

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Finding, Place
    from maas_stream_lint.report.joining import Texts
    from maas_stream_lint.unread import Unread

#: The indent of what belongs to a finding, and the width of its labels.
_INDENT, _LABELS = 4, 6
#: The most unread files that are named; the rest is counted.
_MOST_UNREAD = 10
_VERDICTS = {
    "fails": COLORS["ignored"],
    "incomplete": COLORS["warning"],
    "excused": COLORS["warning"],
    "passes": GOOD,
}


def render(report: Report, threshold: Severity, style: Style) -> str:
    """The report: every finding, what MAAS does with the stream, and a closing line."""
    page = Page(style)
    page.hung(styled("stream ", LABEL), styled(clean(report.source), TITLE), 7)
    for section in sections(report.findings):
        page.line()
        _section(page, section, report)
    page.line()
    fates(page, report)
    page.line()
    write_unread(page, unread(report, threshold))
    page.line(_summary(report, threshold), hang=2)
    return page.text()


def join(texts: Texts) -> str:
    """The reports with an empty line between them."""
    return with_blank_lines(texts)


def write_unread(page: Page, seen: Sequence[Unread]) -> None:
    """Write what could not be read or parsed, with an empty line after it."""
    for one in seen[:_MOST_UNREAD]:
        told = f"`{brief(one.path)}`: {brief(one.message)} ({brief(one.remedy)})"
        page.hung(styled("not read  ", COLORS["warning"]), told, 10)
    if len(seen) > _MOST_UNREAD:
        page.line(f"and {len(seen) - _MOST_UNREAD:,} more", indent=10)
    if seen:
        page.line()


def lines_of(finding: Finding, report: Report) -> str:
    """The release lines that a finding is about: ``MAAS 2.9–3.7``."""
    known = [r.line for r in all_releases()]
    told = span(finding.maas, known)
    whole = span(finding.maas, known, report.look.lines) == "all"
    return f"MAAS {told}" + (" (all)" if whole else "")


def _section(page: Page, section: Section, report: Report) -> None:
    page.line(styled(brief(section.title), TITLE))
    before = None
    for entry in section.entries:
        if before is not None:
            page.line()
        write_entry(page, entry, report, named=not section.product, before=before)
        before = entry


def write_entry(
    page: Page, entry: Entry, report: Report, *, named: bool, before: Entry | None = None
) -> None:
    """Write one entry. ``named``: say which products. ``before``: the entry above it."""
    finding = entry.first
    head = Text("  ")
    head.append_text(severity(finding.severity))
    head.append(f"  {finding.code} ", CODE)
    head.append(finding.name)
    head.append(f" · {lines_of(finding, report)}", LABEL)
    page.line(head, hang=_INDENT)
    page.line(code(entry.message, TITLE), indent=_INDENT)
    products = entry.products
    if named and products:
        told = f"{count(len(products), 'product')}: {some([brief(p) for p in products])}"
        _field(page, "in", Text(told))
    if finding.effect:
        _field(page, "MAAS", brief(merged([f.effect for f in entry.findings])))
    for label, text in _logs(entry):
        _field(page, label, text)
    remedy = merged([f.remedy for f in entry.findings], example=True)
    again = before is not None and before.first.remedy == finding.remedy
    _field(page, "fix", "as above" if again else remedy)
    _field(page, "at", _places(entry.places))


def _field(page: Page, label: str, text: Text | str) -> None:
    page.field(label, text, indent=_INDENT, width=_LABELS)


def _logs(entry: Entry) -> list[tuple[str, Text]]:
    finding = entry.first
    if not finding.logs:
        return []
    shown = []
    for number, (lines, text) in enumerate(finding.logs):
        told = Text()
        if len(finding.logs) > 1:
            told.append(f"{span(lines, [r.line for r in all_releases()])}: ", LABEL)
        others = [f.logs[number][1] for f in entry.findings if len(f.logs) > number]
        whole = merged(others) if len(set(others)) == 1 else text
        told.append(brief(prefixed(whole)), "italic")
        if len(set(others)) > 1:
            told.append(f"  and {len(set(others)) - 1:,} more such", LABEL)
        shown.append(("log" if number == 0 else "", told))
    return shown


def _places(places: list[Place]) -> Text:
    said = list(dict.fromkeys(place_text(p) for p in places))
    told = Text(said[0])
    file = f"{brief(places[0].file)}:"
    for more in said[1:3]:
        # A second place in the same file needs no file name.
        told.append(f", {more.removeprefix(file)}")
    if len(said) > 3:
        told.append(f" and {len(said) - 3:,} more", LABEL)
    return told


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
    known = [r.line for r in all_releases()]
    columns = outcome.columns(report.look, table)
    return [(span(c.lines, known), _fate(c, len(table), report)) for c in columns]


def _fate(column: outcome.Column, products: int, report: Report) -> Text:
    if column.fatal is not None and column.fatal.cause == "metadata-not-read":
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
    if counts[outcome.NOTICE]:
        parts.append(Text(f"shows {count(counts[outcome.NOTICE], 'notice')}"))
    for passed_over in (outcome.SHADOWED, outcome.UNSELECTED, outcome.LEFT_OUT):
        if counts[passed_over]:
            parts.append(Text(f"{counts[passed_over]:,} {passed_over}"))
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


def _summary(report: Report, threshold: Severity) -> Text:
    counts = Counter(f.severity for f in report.findings)
    word = verdict_word(report, threshold)
    told = styled(word, _VERDICTS[word])
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
    files = sum(metadata.exists for metadata in report.look.stream.files.values())
    told.append(
        f" · {count(len(report.look.catalog.products), 'product')}, {count(files, 'metadata file')}"
    )
    told.append(f" · {_images(report)}")
    told.append(f" · MAAS {span(report.look.lines, [r.line for r in all_releases()])}")
    return told


def _images(report: Report) -> str:
    """How closely the image files were checked."""
    survey = report.look.survey
    if survey is not None and survey.metadata_only:
        return "no image files here"
    if survey is None or survey.mode == "none":
        return "image files not checked"
    number, of = len(survey.wanted), "image file"
    if survey.mode == "head":
        seen = sum(s.trouble is None for s in survey.files.values())
        told = f"{count(number, of)} found, checksums not checked"
        if seen < number:
            told = f"{seen:,} of {count(number, of)} found, checksums not checked"
    else:
        known = sum(s.cached for s in survey.files.values())
        told = f"{survey.hashed:,} of " if survey.hashed < number else ""
        told += f"{count(number, of)} hashed" + (
            f" ({known:,} of them in earlier runs)" if known else ""
        )
    if survey.skipped:
        told += f", {len(survey.skipped):,} skipped because of --max-download"
    if survey.unkept:
        told += f", {len(survey.unkept):,} not kept"
    return told + (", interrupted" if survey.interrupted else "")
