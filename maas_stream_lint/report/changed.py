"""What a comparison found, for people: as text, Markdown and one HTML page."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from maas_stream_lint import changes as kinds
from maas_stream_lint.logs.matching import recognise
from maas_stream_lint.output import Style, clean
from maas_stream_lint.report.markdown import code_span, plain
from maas_stream_lint.report.page import COLORS, GOOD, LABEL, TITLE, Page, count, span, styled
from maas_stream_lint.report.painted import Text
from maas_stream_lint.report.phrases import size
from maas_stream_lint.rulebook import all_releases

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from maas_stream_lint.changes import Change, Changes
    from maas_stream_lint.comparison import Comparison

#: The most images and log lines of each group that the text names.
MOST, MOST_LINES = 20, 8
_BAD = frozenset((kinds.FATAL, kinds.SWAPS, kinds.REMOVED, kinds.REGRESSED, kinds.PARTIAL))
_CSS = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}th,td{border:1px solid #8886;padding:.3rem .6rem;"
    "text-align:left;vertical-align:top;overflow-wrap:anywhere}.bad{font-weight:bold}"
    ".wide{overflow-x:auto}"
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


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


def as_markdown(comparison: Comparison, found: Sequence[Changes]) -> str:
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
    return "\n".join(lines).rstrip() + "\n"


def as_html(comparison: Comparison, found: Sequence[Changes]) -> Iterator[str]:
    """The same as one page without script, which fetches nothing."""
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield '<meta name="color-scheme" content="light dark">\n<link rel="icon" href="data:,">\n'
    yield f"<title>What changes for MAAS - maas-stream-lint</title>\n<style>{_CSS}</style>\n"
    yield "</head>\n<body>\n<main>\n<h1>What changes for MAAS</h1>\n<dl>\n"
    for label, source in _sources(comparison):
        yield f"<dt>{label}</dt><dd><bdi>{_safe(source)}</bdi></dd>\n"
    yield "</dl>\n<ul>\n"
    for seen in found:
        end = f" <code>{_safe(seen.fatal)}</code>" if seen.fatal is not None else ""
        yield f"<li><b>MAAS {_lines(seen)}</b> {_bytes(seen)}{end}</li>\n"
    yield '</ul>\n<div class="wide" tabindex="0">\n<table>\n<tr><th scope="col">image</th>'
    yield "".join(f'<th scope="col">{_lines(seen)}</th>' for seen in found) + "</tr>\n"
    for name, cells in _matrix(found).items():
        told = "".join(f"<td{_class(cell)}>{_safe(cell)}</td>" for cell in cells)
        yield f'<tr><th scope="row"><bdi>{_safe(name)}</bdi></th>{told}</tr>\n'
    yield "</table>\n</div>\n<dl>\n"
    for kind in kinds.worst_first(change.kind for seen in found for change in seen.changes):
        yield f"<dt>{kind}</dt><dd>{kinds.MEANING[kind]}</dd>\n"
    yield "</dl>\n</main>\n</body>\n</html>\n"


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
    return ' class="bad"' if cell.split(" ")[0].rstrip(";") in _BAD else ""


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
    said = comparison.to_dict()
    return [
        (label, value if isinstance(value, str) else ", ".join(value.values()))
        for label, value in (("before", said["before"]), ("after", said["after"]))
    ]


def _safe(text: str) -> str:
    return escape(clean(text))
