"""A diagnosis as text, Markdown, HTML and JSON."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from maas_stream_lint.output import clean
from maas_stream_lint.report.data import as_json
from maas_stream_lint.report.diagnosed import Block, Item, blocks, verdict
from maas_stream_lint.report.plain import BAD, GOOD, TITLE, PlainPage
from maas_stream_lint.report.stamp import signature, stamped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from maas_stream_lint.logs.conclusion import Diagnosis
    from maas_stream_lint.output import Style

_WIDE = 8


def _all(made: Diagnosis) -> list[Block]:
    told = blocks(made)
    if made.live is not None:
        # It needs addresses, and these the HTTP library, which takes long to import.
        from maas_stream_lint.report.diagnosed_live import live_blocks

        told = [block for block in live_blocks(made.live) if block.items] + told
    return told


def text(made: Diagnosis, style: Style) -> str:
    """For people, at a terminal."""
    page = PlainPage(style)
    for block in _all(made):
        if block.heading:
            page.line()
            page.line(block.heading, TITLE)
        for number, item in enumerate(block.items):
            if number and item.fields:
                page.line()
            _item(page, item, indent=2 if block.heading else 0)
    page.line()
    troubled = made.troubles or (made.live is not None and made.live.troubled)
    page.line(_verdict(made), BAD if troubled else GOOD)
    return page.text()


def _verdict(made: Diagnosis) -> str:
    if made.live is None:
        return verdict(made)
    from maas_stream_lint.report.diagnosed_live import live_verdict

    images = live_verdict(made.live)
    return f"{verdict(made)} {images}" if made.log.files else images


def _item(page: PlainPage, item: Item, *, indent: int) -> None:
    if item.title:
        page.line(item.title, TITLE if item.bad else "", indent=indent, hang=indent + 2)
    for label, told in item.fields:
        page.steps(" " * indent + label, told, width=_WIDE + indent)


def markdown(made: Diagnosis, style: Style) -> str:
    """For job summaries and tickets."""
    return "".join(f"{line}\n" for line in _markdown(made, style))


def _markdown(made: Diagnosis, style: Style) -> Iterator[str]:
    yield "# Diagnosis"
    for block in _all(made):
        if block.heading:
            yield f"\n## {_span(block.heading)}"
        for item in block.items:
            if item.title:
                yield f"\n{_code(item.title)}\n"
            for label, told in item.fields:
                yield f"- {f'**{label}** ' if label else ''}{_span(told)}"
    yield f"\n{_span(_verdict(made))}"
    yield f"\n{_span(signature(style))}"


def _span(told: str) -> str:
    """Text in which backticks alone mean something."""
    parts = clean(told).split("`")
    if len(parts) % 2 == 0:
        return _escaped(clean(told))
    return "".join(
        f"`{part}`" if number % 2 else _escaped(part) for number, part in enumerate(parts)
    )


def _escaped(told: str) -> str:
    return "".join(f"\\{char}" if char in "\\*_[]<>|#`" else char for char in told)


def _code(told: str) -> str:
    """A code span, which no backtick in it ends."""
    fence = "``" if "`" in told else "`"
    return f"{fence} {clean(told)} {fence}" if len(fence) > 1 else f"`{clean(told)}`"


def html_(made: Diagnosis, style: Style) -> str:
    """One page without anything from elsewhere."""
    from maas_stream_lint.report import web

    return "".join(web.page("Diagnosis", _html_body(made), style=style))


def _html_body(made: Diagnosis) -> Iterator[str]:
    yield '<header>\n<p class="tool">maas-stream-lint: what a MAAS tells</p>\n'
    yield f"<h1>Diagnosis</h1>\n<p><strong>{_marked(_verdict(made))}</strong></p>\n</header>\n"
    yield '<main class="diagnosis">\n'
    yield from (f"{part}\n" for block in _all(made) for part in _block(block))
    yield "</main>\n"


def _block(block: Block) -> Iterator[str]:
    if block.heading:
        yield f"<h2>{_marked(block.heading)}</h2>"
    for item in block.items:
        if item.title:
            kind = ' class="bad"' if item.bad else ""
            yield f"<h3{kind}>{html.escape(clean(item.title))}</h3>"
        if item.fields:
            rows = "".join(f"<dt>{a}</dt><dd>{_marked(b)}</dd>" for a, b in item.fields)
            yield f"<dl>{rows}</dl>"


def _marked(told: str) -> str:
    parts = html.escape(clean(told)).split("`")
    if len(parts) % 2 == 0:
        return "`".join(parts)
    return "".join(f"<code>{p}</code>" if n % 2 else p for n, p in enumerate(parts))


def json_(made: Diagnosis, style: Style) -> str:
    """For programs."""
    return as_json(stamped(made.to_dict(), style))


FORMS: dict[str, Callable[[Diagnosis, Style], str]] = {
    "text": text,
    "json": json_,
    "markdown": markdown,
    "html": html_,
}
