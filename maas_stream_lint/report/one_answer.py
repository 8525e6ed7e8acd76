"""The answer to one question, on one screen: does a machine deploy this, and if not, why?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from maas_stream_lint.output import Style, clean
from maas_stream_lint.question import Answer, Wanted, answers
from maas_stream_lint.report import web
from maas_stream_lint.report.markdown import code_span, plain
from maas_stream_lint.report.page import COLORS, GOOD, LABEL, TITLE, Page, brief, span, styled
from maas_stream_lint.report.readings import as_given_told, write_as_given
from maas_stream_lint.report.stamp import signature
from maas_stream_lint.report.where import file_of
from maas_stream_lint.rule_files import release_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Finding


def as_text(report: Report, wanted: Wanted, style: Style, machines: Sequence[str]) -> str:
    """The answer for people at a terminal."""
    page = Page(style)
    page.hung(styled("stream ", LABEL), styled(clean(report.source), TITLE), 7)
    page.hung(styled("wanted ", LABEL), styled(brief(str(wanted)), TITLE), 7)
    report = write_as_given(page, report)
    for lines, answer in answers(report, wanted, machines):
        page.line()
        told = styled("MAAS ", LABEL)
        told.append(f"{span(lines, release_lines())}: ", TITLE)
        told.append("yes" if answer.yes else "no", GOOD if answer.yes else COLORS["ignored"])
        told.append(f": {brief(answer.words)}")
        page.line(told, hang=2)
        if answer.finding is not None:
            finding = answer.finding
            page.line(Text(f"{finding.code} {brief(finding.message)}"), indent=2, hang=4)
            page.line(styled(_at(report, finding), LABEL), indent=2, hang=4)
            page.field("do", Text(brief(finding.remedy)), indent=2, width=4)
    return page.text()


def as_markdown(report: Report, wanted: Wanted, style: Style, machines: Sequence[str]) -> str:
    """The answer for a ticket."""
    lines = [f"## maas-stream-lint: {code_span(str(wanted))}", ""]
    lines.append(f"Stream: {code_span(report.source)}")
    told, report = as_given_told(report)
    lines += [f"- **as given, {which}** {plain(fate)}" for which, fate in told]
    lines += ["", f"With {code_span(report.source)}:"] if told else []
    for which, answer in answers(report, wanted, machines):
        said = "yes" if answer.yes else "no"
        lines += ["", f"- **MAAS {span(which, release_lines())}: {said}**: {plain(answer.words)}"]
        if answer.finding is not None:
            finding = answer.finding
            lines.append(f"  - {finding.code} {plain(brief(finding.message))}")
            lines.append(f"  - at {code_span(_at(report, finding))}")
            lines.append(f"  - fix: {plain(brief(finding.remedy))}")
    lines += ["", plain(signature(style))]
    return "\n".join(lines) + "\n"


def as_html(report: Report, wanted: Wanted, style: Style, machines: Sequence[str]) -> Iterator[str]:
    """The answer as a page."""
    title = web.text(str(wanted))
    yield from web.page(title, _html_body(report, wanted, machines), ["copy.js"], style=style)


def _html_body(report: Report, wanted: Wanted, machines: Sequence[str]) -> Iterator[str]:
    yield '<header>\n<p class="tool">maas-stream-lint: does a machine deploy this?</p>\n'
    yield f"<h1><bdi>{web.text(str(wanted))}</bdi></h1>\n"
    yield f'<p class="summary">from <bdi>{web.text(report.source)}</bdi></p>\n'
    told, report = as_given_told(report)
    yield web.fates(told, "as given, ")
    if told:
        yield f'<p class="summary">with <bdi>{web.text(report.source)}</bdi></p>\n'
    yield "</header>\n<main>\n"
    for which, answer in answers(report, wanted, machines):
        yield from _html_answer(report, span(which, release_lines()), answer)
    yield "</main>\n"


def _html_answer(report: Report, lines: str, answer: Answer) -> Iterator[str]:
    said, kind = ("yes", "passes") if answer.yes else ("no", "fails")
    yield f'<article class="entry">\n<h2>MAAS {lines} <span class="verdict {kind}">{said}</span>'
    yield f'</h2>\n<p class="message">{web.text(answer.words)}</p>\n'
    if answer.finding is not None:
        finding = answer.finding
        yield f"<dl>\n<dt>{finding.code}</dt><dd>{web.coded(brief(finding.message))}</dd>\n"
        yield f"<dt>at</dt><dd><bdi>{web.text(_at(report, finding))}</bdi></dd>\n"
        yield f'<dt>fix</dt><dd class="steps">{web.steps(brief(finding.remedy))}</dd>\n</dl>\n'
    yield "</article>\n"


def as_data(report: Report, wanted: Wanted, machines: Sequence[str]) -> dict[str, Any]:
    """The answer in the form of ``rules/schemas/wanted.json``."""
    other = report.by_plain_index
    more = {} if other is None else {"with_index": as_data(other, wanted, machines)}
    by_line = {
        line: answer.to_dict()
        for which, answer in answers(report, wanted, machines)
        for line in which
    }
    return {
        "source": report.source,
        "wanted": str(wanted),
        "machines": list(machines),
        "maas": {line: by_line[line] for line in report.look.lines},
        **more,
    }


def _at(report: Report, finding: Finding) -> str:
    place = finding.place
    at = ":".join(str(part) for part in (place.line, place.column) if part is not None)
    where = file_of(report, place)
    return brief(f"{where}:{at}" if at else where)
