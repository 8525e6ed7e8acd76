"""What a MAAS with several boot sources holds after an import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from maas_stream_lint.output import clean
from maas_stream_lint.report.page import COLORS, LABEL, TITLE, brief, span, styled
from maas_stream_lint.rulebook import all_releases

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.beside import Beside
    from maas_stream_lint.imports.trace import Outcome
    from maas_stream_lint.look import Look
    from maas_stream_lint.report.page import Page


def write_joint(page: Page, look: Look, beside: Beside) -> None:
    """Write the sources, and the boot resources that MAAS makes of all of them."""
    page.line()
    page.line(styled("boot sources of this MAAS, in the order in which they were made", TITLE))
    for name in beside.situation.names:
        mark = "  (this stream)" if name == beside.own else ""
        page.line(Text.assemble(clean(name), (mark, LABEL)), indent=2, hang=4)
    page.line()
    page.line(styled("boot resources of all sources", TITLE))
    for lines, outcome in _agreeing(look, beside):
        page.line()
        _heading(page, lines)
        _resources(page, outcome)


def _heading(page: Page, lines: tuple[str, ...]) -> None:
    head = styled("MAAS ", LABEL)
    head.append(span(lines, [release.line for release in all_releases()]), TITLE)
    page.line(head)


def _resources(page: Page, outcome: Outcome) -> None:
    fatal = _fatal(outcome)
    if fatal:
        page.line(Text.assemble(("none", COLORS["ignored"]), ": ", brief(fatal)), indent=2, hang=4)
        return
    for row, event in outcome.aborted.items():
        told = f"selection {'/'.join(row.wanted)} of {row.source} fails: {event.message}"
        page.line(brief(told), indent=2, hang=4)
    if not outcome.kept:
        page.line(styled("none", LABEL), indent=2)
    for held in sorted(outcome.kept, key=_resource):
        shown = Text(brief(_resource(held)))
        shown.append(f"  version {brief(held['version'])}, {brief(held['label'])}:", LABEL)
        shown.append(f" {clean(', '.join(held['filetypes']))}")
        shown.append(f"  from {clean(' and '.join(held['sources']))}", LABEL)
        page.line(shown, indent=2, hang=4)


def _resource(held: dict[str, Any]) -> str:
    return str(held["resource"])


def _fatal(outcome: Outcome) -> str:
    """What ends the import of all sources; empty if nothing does."""
    if outcome.fatal is not None:
        event = outcome.fatal
        return f"{outcome.fatal_source} ends the import with {event.exception}: {event.message}"
    return outcome.fetch_failed or ""


def _held(outcome: Outcome) -> object:
    aborted = [(row, event.message) for row, event in outcome.aborted.items()]
    return (_fatal(outcome), repr(aborted), repr(sorted(outcome.kept, key=_resource)))


def _agreeing(look: Look, beside: Beside) -> Iterator[tuple[tuple[str, ...], Outcome]]:
    """Release lines put together where MAAS then holds the same."""
    found: dict[object, tuple[list[str], Outcome]] = {}
    for line in look.lines:
        outcome = beside.first(line)
        found.setdefault(_held(outcome), ([], outcome))[0].append(line)
    for lines, outcome in found.values():
        yield tuple(lines), outcome
