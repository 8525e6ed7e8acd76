"""What messages of MAAS's log mean, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.logs.places import written
from maas_stream_lint.report.phrases import brief, count, span
from maas_stream_lint.report.plain import BAD, GOOD, LABEL, TITLE, PlainPage
from maas_stream_lint.rule_files import release_lines, rule_codes

if TYPE_CHECKING:
    from maas_stream_lint.logs.tally import Entry, Tally
    from maas_stream_lint.output import Style

_WIDE = 8
#: So many rules are named; more would bury the rest.
_MOST_RULES = 8


def render(answer: Tally, style: Style, *, source: bool) -> str:
    """Every message with its page. ``source``: whether what a stream has to do with it follows."""
    page = PlainPage(style)
    shown = [entry for entry in answer.entries if not entry.under]
    for number, entry in enumerate(shown):
        if number:
            page.line()
        entry_page(page, entry)
    if len(shown) > 1 and not answer.lost and not answer.unknown:
        page.line()
        normal = ": this is a normal import" if answer.of_imports else ""
        page.line(f"Nothing is lost by any of these{normal}.", GOOD)
    if not shown and not answer.unknown:
        page.line("No message about images is in this log.")
    _unknown(page, answer)
    involved = any(entry.rules for entry in shown)
    if involved and not source:
        page.line()
        page.line("Add `--source SOURCE` to see what causes it in your stream.")
    return page.text()


def entry_page(page: PlainPage, entry: Entry) -> None:
    """One message: what it is, the cause, what to do, and where it comes from."""
    match = entry.match
    page.line(brief(f"{match.pattern.prefix}{match.text}"), TITLE, hang=2)
    if entry.because is not None:
        page.line(brief(entry.because.text), TITLE, indent=2, hang=4)
    page.facts(_facts(entry))
    page.line()
    decision = entry.decision
    if decision is not None:
        page.field("cause", decision.says, width=_WIDE)
    elif entry.cause is not match:
        page.field("cause", entry.cause.message.meaning, width=_WIDE)
    if entry.remedy:
        page.steps("fix", entry.remedy, width=_WIDE)
    page.field("MAAS", match.message.meaning, width=_WIDE)
    if decision is None and entry.cause.message.otherwise:
        page.field("or else", entry.cause.message.otherwise, width=_WIDE)
    if entry.rules:
        page.field("rules", _rules(entry), width=_WIDE)
    for label, (lines, where) in zip(
        ("log", "", "", ""), written(match.pattern.place, match.maas), strict=False
    ):
        page.field(label, f"MAAS {span(lines, release_lines())}: {where}", width=_WIDE)
    page.field("source", match.pattern.source, width=_WIDE, how=LABEL)


def _facts(entry: Entry) -> list[tuple[str, str]]:
    told = ("something is lost", BAD) if entry.match.message.lost else ("harmless", GOOD)
    about = entry.cause.message.about
    lines = f"MAAS {span(entry.match.maas, release_lines())}"
    times = [(count(entry.count, "time"), "")] if entry.count > 1 else []
    return [(lines, ""), told, (f"about: {about}", ""), *times]


def _rules(entry: Entry) -> str:
    codes = rule_codes()
    named = [f"{codes[name]} {name}" for name in entry.rules if name in codes]
    more = len(named) - _MOST_RULES
    return ", ".join(named[:_MOST_RULES]) + (f" and {more} more" if more > 0 else "")


def _unknown(page: PlainPage, answer: Tally) -> None:
    if not answer.unknown:
        return
    if answer.entries:
        page.line()
    total = sum(n for _, n in answer.unknown)
    page.line(f"Not known to this tool ({count(total, 'line')}):", TITLE)
    for text, n in answer.unknown:
        times = f" ({count(n, 'time')})" if n > 1 else ""
        page.line(f"{brief(text)}{times}", LABEL, indent=2, hang=4)
