"""What each MAAS release does with a stream: products, boot resources, and the log."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from rich.text import Text

from maas_stream_lint import outcome
from maas_stream_lint.logs.matching import prefixed
from maas_stream_lint.output import Style, clean
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
from maas_stream_lint.report.readings import write_as_given
from maas_stream_lint.rulebook import all_releases

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
#: The stages of the log in words.
_STAGES = {
    "descriptions": "listing the products (MAAS does this twice in an import, and logs it twice)",
    "cache": "caching what users can select",
    "writer": "recording what to download",
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
    for lines, traces in _agreeing(report, _resource_key):
        page.line()
        page.line(_heading(lines))
        trace = traces[0]
        if trace.fatal is not None:
            _fatal(page, trace.fatal)
            continue
        for selection, event in sorted(trace.aborted.items()):
            told = styled("selection ", LABEL)
            told.append(brief("/".join(selection)) + " fails: ")
            told.append(brief(_event_in_words(event)))
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
    told.append_text(code(brief(_event_in_words(event))))
    page.line(told, indent=2, hang=4)


def _event_in_words(event: Event) -> str:
    return f"{event.exception}: {event.message}" if event.exception else str(event.message)


def _logs(page: Page, report: Report) -> None:
    page.line()
    page.line(styled("log", TITLE))
    manifests = False
    for lines, traces in _agreeing(report, _log_key):
        trace = traces[0]
        page.line()
        page.line(_heading(lines))
        if trace.strict:
            page.line(styled("logs nothing about the products that it drops", LABEL), indent=2)
        for stage, said in trace.log.items():
            if said:
                page.line(styled(_STAGES.get(stage, stage), LABEL), indent=2, hang=4)
            for text, many, harmless in _runs(said):
                manifests |= harmless
                _logged(page, text, many, harmless)
        if trace.fatal is not None:
            page.line(styled("then the import stops", LABEL), indent=2)
            _logged(page, _event_in_words(trace.fatal), 1, harmless=False)
        elif not trace.strict and not any(trace.log.values()):
            page.line(styled("no warnings", LABEL), indent=2)
    if manifests:
        page.line()
        page.line(
            "`Ignoring unsupported filetype(manifest)` is harmless: MAAS does not use manifests, "
            "and logs this for each of them. Keep them: newer MAAS releases need them."
        )


def _logged(page: Page, text: str, many: int, harmless: bool) -> None:
    told = styled(brief(prefixed(text)), LABEL if harmless else "")
    if many > 1:
        told.append(
            f"  (and {many - 1:,} more manifests)" if harmless else f"  ({many:,} times)", LABEL
        )
    page.line(told, indent=4, hang=6)


def _runs(said: list[tuple[str, str]]) -> Iterator[tuple[str, int, bool]]:
    """Equal lines in a row, and manifests in a row, once with their number."""
    for _, run in itertools.groupby(said, key=_kind):
        texts = [text for _, text in run]
        yield texts[0], len(texts), _is_manifest(texts[0])


def _kind(line: tuple[str, str]) -> str:
    return "" if _is_manifest(line[1]) else line[1]


def _is_manifest(text: str) -> bool:
    return text.startswith("Ignoring unsupported filetype(manifest)")


def _agreeing(report: Report, key: object) -> list[tuple[tuple[str, ...], list[Trace]]]:
    """Release lines put together where ``key(trace)`` is the same."""
    found: dict[object, list[Trace]] = {}
    for trace in report.look.traces:
        found.setdefault(key(trace), []).append(trace)  # type: ignore[operator]
    order = {line: i for i, line in enumerate(report.look.lines)}
    groups = [
        (tuple(sorted((line for t in traces for line in t.lines), key=order.__getitem__)), traces)
        for traces in found.values()
    ]
    return sorted(groups, key=lambda group: order[group[0][0]])


def _resource_key(trace: Trace) -> object:
    if trace.fatal is not None:
        return (trace.strict, _event_in_words(trace.fatal))
    aborted = tuple(sorted((s, _event_in_words(e)) for s, e in trace.aborted.items()))
    return (aborted, tuple(sorted(r._replace(kflavor=None) for r in trace.resources)))


def _log_key(trace: Trace) -> object:
    fatal = trace.fatal and _event_in_words(trace.fatal)
    return (trace.strict, fatal, tuple((s, tuple(said)) for s, said in trace.log.items()))
