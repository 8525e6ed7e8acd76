"""The preview in Markdown, HTML and JSON: the fate of each product, and its use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint import outcome, prospect
from maas_stream_lint.report import web
from maas_stream_lint.report.markdown import ICONS, code_span, plain
from maas_stream_lint.report.phrases import brief, count, some, span
from maas_stream_lint.report.predicted_log import MANIFESTS, logs_of
from maas_stream_lint.report.readings import as_given_told
from maas_stream_lint.report.stamp import signature
from maas_stream_lint.rule_files import release_lines
from maas_stream_lint.uses.ubuntu import ubuntu_releases

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from maas_stream_lint.api import Report
    from maas_stream_lint.output import Style
    from maas_stream_lint.prospect import Column, Prospect, Row, Served
    from maas_stream_lint.report.predicted_log import PredictedLog

#: The most rows of the table in Markdown.
_MOST_ROWS = 100


def as_markdown(
    report: Report,
    style: Style,
    machines: Sequence[str],
    supposed: Sequence[str] = (),
    *,
    log: bool = False,
) -> str:
    """A table of products and release lines.

    ``supposed``: the fate of products under other names. ``log``: also the log that MAAS would
    write.
    """
    lines = [
        "## maas-stream-lint: what MAAS does with this stream",
        "",
        code_span(report.source),
        "",
    ]
    told, report = as_given_told(report)
    lines += [f"- **as given, {which}** {plain(fate)}" for which, fate in told]
    lines += ["", f"With {code_span(report.source)}:"] if told else []
    lines += [f"- {plain(fate)}" for fate in supposed]
    if lines[-1]:
        lines.append("")
    table = prospect.rows(report.look, report.findings, machines)
    columns = prospect.columns(report.look, table)
    lines += _markdown_table(table, columns) if table else ["There are no products."]
    seen = {one.fate for column in columns for one in column.prospects}
    lines += ["", *(f"- {fate}: {m}" for fate, m in outcome.MEANING.items() if fate in seen)]
    lines += ["", f"Ubuntu's releases and titles: {plain(ubuntu_releases().told)}"]
    if log:
        for one in logs_of(report.look):
            lines += ["", f"### Log of MAAS {_span(one.lines)}", ""]
            lines += [f"- {code_span(text)}" for text in _log_lines(one)]
            lines += _remarks(one)
    lines += ["", plain(signature(style))]
    return "\n".join(lines) + "\n"


def _log_lines(log: PredictedLog) -> Iterator[str]:
    for _, runs in log.stages:
        yield from (run.text + run.more for run in runs)
    if log.end is not None:
        yield log.end


def _remarks(log: PredictedLog) -> list[str]:
    said = [
        f"MAAS {log.remark}." if log.silent else log.remark,
        MANIFESTS if log.manifests else None,
    ]
    return [remark for remark in said if remark is not None]


def _markdown_table(table: list[Row], columns: list[Column]) -> Iterator[str]:
    yield "| product | " + " | ".join(_span(column.lines) for column in columns) + " |"
    yield "| --- |" + " --- |" * len(columns)
    alike: dict[tuple[Prospect, ...], list[str]] = {}
    for number, row in enumerate(table):
        alike.setdefault(tuple(c.prospects[number] for c in columns), []).append(row.product)
    for prospects, names in list(alike.items())[:_MOST_ROWS]:
        cells = " | ".join(_markdown_cell(one) for one in prospects)
        yield f"| {some([code_span(name, cell=True) for name in names])} | {cells} |"
    left = [name for names in list(alike.values())[_MOST_ROWS:] for name in names]
    if left:
        yield f"| and {count(len(left), 'more product')} |" + " |" * len(columns)


def _markdown_cell(one: Prospect) -> str:
    told = [f"{ICONS[one.fate]} {one.fate}"]
    for image in one.images:
        told += [f"{code_span(s.machine, cell=True)} {plain(s.words)}" for s in image.services]
        told.append(f"in the UI: {plain(brief(image.called))}")
    return "<br>".join(told)


def _span(lines: Sequence[str]) -> str:
    return span(lines, release_lines())


def as_html(
    report: Report,
    style: Style,
    machines: Sequence[str],
    supposed: Sequence[str] = (),
    *,
    log: bool = False,
) -> Iterator[str]:
    """The same as one page without script that loads nothing."""
    title = f"Preview of {web.text(report.source)}"
    yield from web.page(title, _html_body(report, machines, supposed, log=log), style=style)


def _html_body(
    report: Report, machines: Sequence[str], supposed: Sequence[str], *, log: bool
) -> Iterator[str]:
    yield '<header>\n<p class="tool">maas-stream-lint: what MAAS does with this stream</p>\n'
    yield f"<h1><bdi>{web.text(report.source)}</bdi></h1>\n"
    told, report = as_given_told(report)
    yield web.fates(told, "as given, ")
    if told:
        yield f'<p class="summary">with <bdi>{web.text(report.source)}</bdi></p>\n'
    yield from (f'<p class="summary">{web.text(fate)}</p>\n' for fate in supposed)
    yield "</header>\n<main>\n"
    table = prospect.rows(report.look, report.findings, machines)
    columns = prospect.columns(report.look, table)
    if table:
        yield from _html_table(table, columns)
    else:
        yield "<p>There are no products in this stream.</p>\n"
    yield f'<p class="summary">Ubuntu&#39;s releases and titles: {ubuntu_releases().told}</p>\n'
    if log:
        for one in logs_of(report.look):
            items = "".join(f"<li><code>{web.text(t)}</code></li>" for t in _log_lines(one))
            yield f"<h2>Log of MAAS {_span(one.lines)}</h2>\n"
            yield f'<ul class="log">{items}</ul>\n' if items else ""
            yield from (f"<p>{web.coded(remark)}</p>\n" for remark in _remarks(one))
    yield "</main>\n"


def _html_table(table: list[Row], columns: list[Column]) -> Iterator[str]:
    seen = {one.fate for column in columns for one in column.prospects}
    yield web.legend((f, meaning) for f, meaning in outcome.MEANING.items() if f in seen)
    yield '<div class="scroll" tabindex="0">\n<table class="told">\n'
    yield "<caption>Products by MAAS release.</caption>\n"
    heads = "".join(f'<th scope="col">{_span(column.lines)}</th>' for column in columns)
    yield f'<thead><tr><th scope="col">product</th>{heads}</tr></thead>\n<tbody>\n'
    for number, row in enumerate(table):
        cells = "".join(_html_cell(column.prospects[number]) for column in columns)
        yield f'<tr><th scope="row">{web.name(row.product)}</th>{cells}</tr>\n'
    yield "</tbody>\n</table>\n</div>\n"


def _html_cell(one: Prospect) -> str:
    fate = f'<span class="fate {one.fate.split()[0]}">{web.icon(one.fate)}{one.fate}</span>'
    return f"<td data-column>{fate}{''.join(map(web.use, one.images))}</td>"


def use_data(report: Report, machines: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """The fate of products, by release line, as in ``rules/schemas/preview.json``."""
    table = prospect.rows(report.look, report.findings, machines)
    return {
        line: [
            {
                "file": row.file,
                "product": row.product,
                "outcome": row.prospects[position].fate,
                "images": [_image_data(image) for image in row.prospects[position].images],
            }
            for row in table
        ]
        for position, line in enumerate(report.look.lines)
    }


def _image_data(image: Served) -> dict[str, Any]:
    return {
        "resource": f"{image.system} {image.architecture}",
        "heading": image.heading,
        "title": image.title,
        "machines": [service.to_dict() for service in image.services],
    }
