"""What each MAAS release does with a stream: products, boot resources, and the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from maas_stream_lint import outcome
from maas_stream_lint.output import Style, clean
from maas_stream_lint.report.all_sources import write_joint
from maas_stream_lint.report.in_use import write_served
from maas_stream_lint.report.page import (
    COLORS,
    GOOD,
    LABEL,
    TITLE,
    Page,
    brief,
    code,
    span,
    styled,
)
from maas_stream_lint.report.predicted_log import MANIFESTS, agreeing, in_words, logs_of
from maas_stream_lint.report.readings import write_as_given
from maas_stream_lint.rulebook import all_releases

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from maas_stream_lint.api import Report
    from maas_stream_lint.imports.trace import Event, Resource, Trace

_COLORS = {
    outcome.IMPORTED: GOOD,
    outcome.UNUSABLE: COLORS["unusable"],
    outcome.IGNORED: COLORS["ignored"],
    outcome.FATAL: COLORS["ignored"],
    outcome.NOTICE: COLORS["info"],
    outcome.SHADOWED: COLORS["unusable"],
    outcome.UNSELECTED: LABEL,
    outcome.LEFT_OUT: LABEL,
}
_GAP = 2


def render(report: Report, style: Style, *, log: bool, machines: Sequence[str] = ()) -> str:
    """The matrix of products, the boot resources, their use, and with ``log`` the log.

    ``machines``: ``amd64/generic``; with none, the one that can do most with an image.
    """
    page = Page(style)
    page.hung(styled("stream ", LABEL), styled(clean(report.source), TITLE), 7)
    report = write_as_given(page, report)
    page.line()
    table = outcome.rows(report.look, report.findings)
    _matrix(page, table, outcome.columns(report.look, table))
    if report.look.beside is not None:
        write_joint(page, report.look, report.look.beside)
    else:
        _resources(page, report)
        write_served(page, report.look, machines)
    if log:
        _logs(page, report)
    if all(outcome.IMPORTED in row.outcomes and len(set(row.outcomes)) == 1 for row in table):
        return page.text()
    page.line()
    page.line(styled("Run `maas-stream-lint check` on this stream to see why.", LABEL))
    return page.text()


def _lines(lines: tuple[str, ...]) -> str:
    return span(lines, [r.line for r in all_releases()])


def _heading(lines: tuple[str, ...]) -> Text:
    head = styled("MAAS ", LABEL)
    head.append(_lines(lines), TITLE)
    return head


def _matrix(page: Page, table: list[outcome.Row], columns: list[outcome.Column]) -> None:
    if not table:
        page.line(styled("no products", TITLE))
        return
    heads = [_lines(column.lines) for column in columns]
    widths = [
        max([len(head), *(len(o) for o in column.outcomes)])
        for head, column in zip(heads, columns, strict=True)
    ]
    right = sum(widths) + _GAP * len(widths)
    left = max(len("products"), *(len(brief(row.product)) for row in table))
    beside = left + right <= page.width
    if not beside:
        left = max(2, page.width - right)
    head = styled("products".ljust(left) if beside else "products", TITLE)
    if not beside:
        page.line(head)
        head = Text(" " * left)
    for told, width in zip(heads, widths, strict=True):
        head.append(" " * _GAP + told.ljust(width), LABEL)
    page.line(head)
    for number, row in enumerate(table):
        cells = Text()
        for column, width in zip(columns, widths, strict=True):
            fate = column.outcomes[number]
            cells.append(" " * _GAP)
            cells.append(fate.ljust(width), _COLORS[fate])
        name = brief(row.product)
        if beside:
            page.line(Text.assemble(name.ljust(left), cells))
        else:
            page.line(Text(name))
            page.line(Text.assemble(" " * left, cells))
    page.line()
    seen = {fate for column in columns for fate in column.outcomes}
    for fate, meaning in outcome.MEANING.items():
        if fate in seen:
            page.hung(styled(fate.ljust(10), _COLORS[fate]), styled(meaning, LABEL), 10)


def _resources(page: Page, report: Report) -> None:
    page.line()
    page.line(styled("boot resources", TITLE))
    for lines, traces in agreeing(report.look.traces, report.look.lines, _resource_key):
        page.line()
        page.line(_heading(lines))
        trace = traces[0]
        if trace.fatal is not None:
            _fatal(page, trace.fatal)
            continue
        for selection, event in sorted(trace.aborted.items()):
            told = styled("selection ", LABEL)
            told.append(brief("/".join(selection)) + " fails: ")
            told.append(brief(in_words(event)))
            page.line(told, indent=2, hang=4)
        if not trace.resources:
            page.line(styled("none", LABEL), indent=2)
        for resource in sorted(trace.resources):
            _resource(page, resource)


def _resource(page: Page, resource: Resource) -> None:
    told = Text(brief(resource.resource))
    told.append(f"  version {brief(resource.version)}, {brief(resource.label)}:", LABEL)
    told.append(f" {clean(', '.join(resource.filetypes))}")
    page.line(told, indent=2, hang=4)


def _fatal(page: Page, event: Event) -> None:
    told = styled("none", COLORS["ignored"])
    told.append(f": the import stops in its stage `{event.stage}` with ")
    told.append_text(code(brief(in_words(event))))
    page.line(told, indent=2, hang=4)


def _logs(page: Page, report: Report) -> None:
    page.line()
    page.line(styled("log", TITLE))
    manifests = False
    for log in logs_of(report.look):
        manifests |= log.manifests
        page.line()
        page.line(_heading(log.lines))
        if log.remark is not None:
            page.line(styled(log.remark, LABEL), indent=2)
        for stage, runs in log.stages:
            page.line(styled(stage, LABEL), indent=2, hang=4)
            for run in runs:
                told = styled(run.text, LABEL if run.manifest else "")
                told.append(run.more, LABEL)
                page.line(told, indent=4, hang=6)
        if log.end is not None:
            page.line(styled("then the import stops", LABEL), indent=2)
            page.line(Text(log.end), indent=4, hang=6)
    if manifests:
        page.line()
        page.line(MANIFESTS)


def _resource_key(trace: Trace) -> Hashable:
    if trace.fatal is not None:
        return (trace.strict, in_words(trace.fatal))
    aborted = tuple(sorted((s, in_words(e)) for s, e in trace.aborted.items()))
    return (aborted, tuple(sorted(r._replace(kflavor=None) for r in trace.resources)))
