"""A diagnosis in words, before it takes a form: headings, and entries with labelled texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.report.phrases import brief, count, some, span
from maas_stream_lint.rule_files import release_lines, rule_codes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from maas_stream_lint.finding import Finding
    from maas_stream_lint.logs.conclusion import Comparison, Diagnosis
    from maas_stream_lint.logs.course import Import
    from maas_stream_lint.logs.tally import Entry

#: So many imports, findings of one message, harmless messages and predicted lines are shown.
MOST_IMPORTS, MOST_FINDINGS, MOST_HARMLESS, MOST_LINES = 5, 2, 6, 5


class Item(NamedTuple):
    """An entry: a title, and labelled texts."""

    title: str
    fields: tuple[tuple[str, str], ...] = ()
    bad: bool = False  #: whether something is lost


class Block(NamedTuple):
    """A heading with entries."""

    heading: str
    items: tuple[Item, ...]


def blocks(made: Diagnosis) -> list[Block]:
    """All that a diagnosis says, what matters most first."""
    found = [Block("", tuple(_log(made)))] if made.log.files else []
    found.append(Block("What is lost", tuple(_troubles(made))))
    if made.harmless:
        found.append(Block("Harmless", tuple(_harmless(made))))
    if made.log.tally.unknown:
        found.append(Block("Not known to this tool", tuple(_unknown(made))))
    found += [
        Block(f"Predicted for {brief(c.source)}", tuple(_compared(c))) for c in made.comparisons
    ]
    return [block for block in found if block.items]


def verdict(made: Diagnosis) -> str:
    """The last line."""
    if not made.log.tally.entries:
        return "No message about images is in the log."
    if not made.troubles:
        normal = made.log.tally.of_imports
        return "Nothing is lost: this is a normal import." if normal else "Nothing is lost."
    number = len(made.troubles)
    told = f"{count(number, 'message')} {'report' if number > 1 else 'reports'} a loss"
    if not made.reports and made.unread:
        return f"{told}. What the stream has to do with them is unknown: it could not be read."
    if not made.reports:
        return f"{told}. Name the stream to see the place in it: `diagnose SOURCE --log FILE`"
    caused = sum(bool(made.findings(entry)) for entry in made.troubles)
    return f"{told}. The stream causes {caused or 'none'} of them."


def _log(made: Diagnosis) -> Iterator[Item]:
    log = made.log
    fields = [("log", f"{brief(some(log.files))}, {count(log.bytes, 'byte')}")]
    if log.tally.entries:
        fields.append(("MAAS", f"{span(log.lines, release_lines())}, by the wording of the log"))
    if made.sources:
        fields.append(("source", brief(some(made.sources))))
    shown = made.imports[-MOST_IMPORTS:]
    for number, one in enumerate(shown):
        fields.append(("import" if number == 0 else "", _import(one)))
    if len(made.imports) > len(shown):
        fields.append(("", f"and {count(len(made.imports) - len(shown), 'earlier import')}"))
    if log.cut:
        fields.append(("", f"{count(log.cut, 'further message')}, only counted"))
    yield Item("", tuple(fields))


def _import(one: Import) -> str:
    return f"{_time(one.begun)} to {_time(one.last)} · {one.outcome}"


def _time(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S") if at is not None else "?"


def _troubles(made: Diagnosis) -> Iterator[Item]:
    # What a stream is proven to cause stands first.
    told: set[object] = set()
    for entry in sorted(made.troubles, key=lambda entry: not made.findings(entry)):
        causes = tuple((f.code, f.place) for f in made.findings(entry)) or entry.cause.message.id
        if causes in told:
            yield Item(_title(entry), (("cause", "the same as above"), *_at_line(entry)), bad=True)
        else:
            yield Item(_title(entry), tuple(_fields(made, entry)), bad=True)
        told.add(causes)


def _title(entry: Entry) -> str:
    match = entry.match
    because = f" {entry.because.text}" if entry.because is not None else ""
    times = f" ({count(entry.count, 'time')})" if entry.count > 1 else ""
    return brief(f"{match.pattern.prefix}{match.text}{because}") + times


def _fields(made: Diagnosis, entry: Entry) -> Iterator[tuple[str, str]]:
    findings = made.findings(entry)
    for finding in findings[:MOST_FINDINGS]:
        yield from _finding(finding)
    if len(findings) > MOST_FINDINGS:
        yield "", f"and {count(len(findings) - MOST_FINDINGS, 'more finding')} of the stream"
    if not findings:
        yield from _without_stream(made, entry)
    items = next((cause.items for cause in made.of(entry) if cause.items), ())
    if entry.count > 1 and items:
        names = some([f"`{brief(item)}`" for item in items])
        yield (
            "why",
            (
                f"{entry.count} lines: MAAS writes one for each item of the product ({names}), "
                "in each pass"
            ),
        )
    yield from _at_line(entry)


def _at_line(entry: Entry) -> Iterator[tuple[str, str]]:
    if entry.at:
        file, line = entry.at[0]
        yield "log", brief(f"{file}:{line}")


def _finding(finding: Finding) -> Iterator[tuple[str, str]]:
    yield "cause", f"{finding.code} {finding.name}: {finding.message}"
    yield "fix", finding.remedy
    yield "at", brief(_at(finding))


def _at(finding: Finding) -> str:
    place = finding.place
    return place.file if place.line is None else f"{place.file}:{place.line}:{place.column}"


def _without_stream(made: Diagnosis, entry: Entry) -> Iterator[tuple[str, str]]:
    decision = entry.decision
    if decision is not None:
        yield "cause", decision.says
    else:
        yield "cause", entry.cause.message.meaning
    if made.reports and any(cause.found.predictable for cause in made.of(entry)):
        yield "", "The checked stream does not cause it."
    if entry.remedy:
        yield "fix", entry.remedy
    if decision is None and entry.cause.message.otherwise:
        yield "or else", entry.cause.message.otherwise
    codes = rule_codes()
    named = [f"{codes[rule]} {rule}" for rule in entry.rules if rule in codes]
    if named and not made.reports:
        yield "rules", some(named, 4)


def _harmless(made: Diagnosis) -> Iterator[Item]:
    for entry in made.harmless[:MOST_HARMLESS]:
        times = f" ({count(entry.count, 'time')})" if entry.count > 1 else ""
        yield Item(f"{brief(entry.match.text)}{times}")
    more = len(made.harmless) - MOST_HARMLESS
    if more > 0:
        yield Item(f"and {count(more, 'more message')}")


def _unknown(made: Diagnosis) -> Iterator[Item]:
    for text, number in made.log.tally.unknown:
        times = f" ({count(number, 'time')})" if number > 1 else ""
        yield Item(f"{brief(text)}{times}")


def _compared(one: Comparison) -> Iterator[Item]:
    for label, texts in (
        ("and in the log", one.both),
        ("but not in the log", one.predicted_only),
        ("not predicted, but in the log", one.seen_only),
    ):
        if texts:
            shown = "; ".join(brief(text) for text in texts[:MOST_LINES])
            more = f"; and {len(texts) - MOST_LINES} more" if len(texts) > MOST_LINES else ""
            yield Item(f"{label}: {count(len(texts), 'line')}", (("", shown + more),))
