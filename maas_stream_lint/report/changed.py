"""What a comparison found, for people: as text, Markdown and one HTML page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from maas_stream_lint import changes as kinds
from maas_stream_lint.logs.matching import recognise
from maas_stream_lint.output import Style, clean
from maas_stream_lint.report import web
from maas_stream_lint.report.markdown import code_span, plain
from maas_stream_lint.report.page import COLORS, GOOD, LABEL, TITLE, Page, count, span, styled
from maas_stream_lint.report.phrases import size
from maas_stream_lint.report.stamp import signature
from maas_stream_lint.rulebook import all_releases

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from maas_stream_lint.changes import Change, Changes
    from maas_stream_lint.comparison import Comparison

#: The most images and log lines of each group that the text names.
MOST, MOST_LINES = 20, 8
_BAD = frozenset((kinds.FATAL, kinds.SWAPS, kinds.REMOVED, kinds.REGRESSED, kinds.PARTIAL))


def as_text(comparison: Comparison, found: Sequence[Changes], style: Style) -> str:
    """The changes by release lines, worst first, with the bytes and the new log lines."""
    page = Page(style)
    for label, source in _sources(comparison):
        page.hung(styled(f"{label:<7}", LABEL), styled(clean(source), TITLE), 7)
    for seen in found:
        page.line()
        head = styled("MAAS ", LABEL)
        head.append(_lines(seen), TITLE)
        head.append(f"  {_bytes(seen)}", LABEL)
        page.line(head)
        if seen.fatal is not None:
            page.field("error", clean(seen.fatal), indent=2, width=13)
        if not seen.changes:
            page.line(styled("no image changes", GOOD), indent=2)
        for kind in kinds.worst_first(change.kind for change in seen.changes):
            _group(page, kind, seen.of(kind))
        for text in seen.notices:
            page.field("shows", clean(text), indent=2, width=13)
        log = [text for _, text in seen.log if _matters(text)]
        for text in log[:MOST_LINES]:
            page.field(f"log {seen.lines[0]}", clean(text), indent=2, width=13)
        if len(log) > MOST_LINES:
            page.line(styled(f"and {len(log) - MOST_LINES:,} more lines", LABEL), indent=15)
    return page.text()


def _group(page: Page, kind: str, found: list[Change]) -> None:
    head = styled(f"  {kind:<13}", COLORS["ignored"] if kind in _BAD else LABEL)
    page.hung(head, Text(f"{kinds.MEANING[kind]}"), 15)
    for change in found[:MOST]:
        page.line(Text(clean(_told(change))), indent=15)
    if len(found) > MOST:
        page.line(styled(f"and {count(len(found) - MOST, 'more image')}", LABEL), indent=15)


def as_markdown(comparison: Comparison, found: Sequence[Changes], style: Style) -> str:
    """A table of images and release lines, for a merge request."""
    lines = ["## maas-stream-lint: what changes for MAAS", ""]
    lines += [f"- {label}: {code_span(source)}" for label, source in _sources(comparison)]
    lines += [f"- **MAAS {_lines(seen)}** {_bytes(seen)}" for seen in found]
    lines += [f"- **MAAS {_lines(s)}** {plain(s.fatal)}" for s in found if s.fatal is not None]
    table = _matrix(found)
    if table:
        lines += ["", "| image | " + " | ".join(_lines(seen) for seen in found) + " |"]
        lines.append("| --- |" + " --- |" * len(found))
        for name, cells in table.items():
            lines.append(
                f"| {code_span(name, cell=True)} | " + " | ".join(map(plain, cells)) + " |"
            )
    else:
        lines += ["", "No image changes."]
    used = kinds.worst_first(change.kind for seen in found for change in seen.changes)
    lines += ["", *(f"- {kind}: {kinds.MEANING[kind]}" for kind in used)]
    lines += [*([""] if lines[-1] else []), plain(signature(style))]
    return "\n".join(lines) + "\n"


def as_html(comparison: Comparison, found: Sequence[Changes], style: Style) -> Iterator[str]:
    """The same as one page, which fetches nothing."""
    yield from web.page("What changes for MAAS", _html_body(comparison, found), style=style)


def _html_body(comparison: Comparison, found: Sequence[Changes]) -> Iterator[str]:
    yield '<header>\n<p class="tool">maas-stream-lint: what changes for MAAS</p>\n'
    yield "<h1>What changes for MAAS</h1>\n<dl>\n"
    for label, source in _sources(comparison):
        yield f"<dt>{label}</dt><dd><bdi>{web.text(source)}</bdi></dd>\n"
    yield '</dl>\n<ul class="fates">\n'
    for seen in found:
        end = f" <code>{web.text(seen.fatal)}</code>" if seen.fatal is not None else ""
        yield f"<li><b>MAAS {_lines(seen)}</b> <span>{_bytes(seen)}{end}</span></li>\n"
    yield "</ul>\n</header>\n<main>\n"
    used = kinds.worst_first(change.kind for seen in found for change in seen.changes)
    items = "".join(
        f'<li><span class="fate {_class(kind)}">{kind}</span> {kinds.MEANING[kind]}</li>'
        for kind in used
    )
    if not items:
        yield "<p>No image changes.</p>\n</main>\n"
        return
    yield f'<ul class="legend" aria-label="What the cells say">{items}</ul>\n'
    yield '<div class="scroll" tabindex="0">\n<table class="told">\n'
    yield "<caption>Images by MAAS release.</caption>\n"
    heads = "".join(f'<th scope="col">{_lines(seen)}</th>' for seen in found)
    yield f'<thead><tr><th scope="col">image</th>{heads}</tr></thead>\n<tbody>\n'
    for name, cells in _matrix(found).items():
        told = "".join(f"<td data-column>{_cell(cell)}</td>" for cell in cells)
        yield f'<tr><th scope="row"><bdi>{web.text(name)}</bdi></th>{told}</tr>\n'
    yield "</tbody>\n</table>\n</div>\n</main>\n"


def _cell(cell: str) -> str:
    return f'<span class="fate {_class(cell)}">{web.text(cell)}</span>' if cell else ""


def _matrix(found: Sequence[Changes]) -> dict[str, list[str]]:
    """Image → what becomes of it, a cell for each group of release lines."""
    names = dict.fromkeys(change.resource for seen in found for change in seen.changes)
    return {
        name: [
            "; ".join(_brief(change) for change in seen.changes if change.resource == name)
            for seen in found
        ]
        for name in names
    }


def _class(cell: str) -> str:
    kind = cell.split(" ")[0].rstrip(";")
    if kind == kinds.FATAL:
        return "fatal"
    return "ignored" if kind in _BAD else "imported"


def _told(change: Change) -> str:
    return f"{change.resource}  {_versions(change)}".rstrip()


def _brief(change: Change) -> str:
    return f"{change.kind} {_versions(change)}".rstrip()


def _versions(change: Change) -> str:
    if change.before and change.after and change.before != change.after:
        told = f"{change.before} → {change.after}"
    else:
        told = change.after or change.before or ""
    return f"{told} (without {', '.join(change.lost)})" if change.lost else told


def _matters(text: str) -> bool:
    """Whether a log line is not one of the harmless ones of every import."""
    found = recognise(text, ours=True)
    return found is None or found.message.lost


def _lines(seen: Changes) -> str:
    return span(seen.lines, [release.line for release in all_releases()])


def _bytes(seen: Changes) -> str:
    return f"downloads {size(seen.fetched)}, deletes {size(seen.deleted)}"


def _sources(comparison: Comparison) -> list[tuple[str, str]]:
    return [
        (label, ", ".join(source.stream.label for source in situation.sources))
        for label, situation in (("before", comparison.before), ("after", comparison.after))
    ]
