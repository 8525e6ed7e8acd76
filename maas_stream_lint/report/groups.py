"""Findings grouped as people read them: by product, and like ones of many products as one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from maas_stream_lint.finding import Severity
from maas_stream_lint.records import record
from maas_stream_lint.report.phrases import count, some

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from maas_stream_lint.finding import Finding, Place

#: From this many products with like findings on, these become one entry.
MANY = 3

#: The most values that are named: an Ubuntu image has four items.
_FEW = 4
#: Values that are together no longer than this stand close to each other.
_SHORT = 40

#: The parts that differ between messages of one shape: values in backticks, and numbers.
_VALUES = re.compile(r"(`[^`]*`|\d+)")

#: What follows an example.
_FOR_EACH = " (and so for each)"

Owner = tuple[str, str]  # products file and product


@record(frozen=True)
class Entry:
    """Findings of one rule that say the same, shown once."""

    findings: tuple[Finding, ...]

    @property
    def first(self) -> Finding:
        """The finding to quote where they differ."""
        return self.findings[0]

    @property
    def grave(self) -> bool:
        """Whether MAAS loses an image because of it."""
        return self.first.severity >= Severity.UNUSABLE

    @property
    def message(self) -> str:
        """The message that they share; ``…`` for the values that differ."""
        return merged([f.message for f in self.findings])

    @property
    def products(self) -> list[str]:
        """The products that the findings are about."""
        return list(dict.fromkeys(f.place.product for f in self.findings if f.place.product))

    @property
    def places(self) -> list[Place]:
        """The primary places; for a lone finding also its other places."""
        primary = [f.place for f in self.findings]
        return primary if len(self.findings) > 1 else list(self.first.places)


@record(frozen=True)
class Section:
    """The entries under one heading."""

    title: str
    product: bool  #: whether the title is a product's name
    entries: tuple[Entry, ...]


def sections(findings: Sequence[Finding]) -> list[Section]:
    """Worst first; among equals the stream, many products, each product. Advice comes last."""
    alike: dict[tuple[object, ...], list[Finding]] = {}
    for finding in findings:
        alike.setdefault(_shape(finding), []).append(finding)
    stream: list[Entry] = []
    shared: list[Entry] = []
    single: dict[Owner, list[Entry]] = {}
    for group in alike.values():
        by_owner: dict[Owner | None, list[Finding]] = {}
        for finding in group:
            by_owner.setdefault(_owner(finding), []).append(finding)
        if outside := by_owner.pop(None, None):
            alone = len(outside) < MANY
            stream += [Entry((f,)) for f in outside] if alone else [Entry(tuple(outside))]
        if len(by_owner) >= MANY:
            shared.append(Entry(tuple(f for one in by_owner.values() for f in one)))
            continue
        for owner, own in by_owner.items():
            if owner is not None:
                single.setdefault(owner, []).append(Entry(tuple(own)))
    twice = _named_twice(single)
    owned = [
        Section(name + (f" ({file})" if name in twice else ""), True, _sorted(entries))
        for (file, name), entries in single.items()
    ]
    grave = [
        *_section("The stream as a whole", [e for e in stream if e.grave]),
        *_section("Shared by several products", [e for e in shared if e.grave]),
        *owned,
    ]
    return [
        *sorted(grave, key=lambda section: -section.entries[0].first.severity),
        # Advice must not stand before findings that cost an image.
        *_section("Advice on several products", [e for e in shared if not e.grave]),
        *_section("Advice on the stream as a whole", [e for e in stream if not e.grave]),
    ]


def told_each(findings: Iterable[Finding], threshold: Severity | None = None) -> list[Finding]:
    """The findings without those that `passed_over` counts, unless they count by themselves."""
    return [
        finding
        for finding in findings
        if not finding.passed_over or (threshold is not None and finding.severity >= threshold)
    ]


def passed_over(findings: Iterable[Finding]) -> str:
    """One line on the findings that are on products which no selection takes; empty for none."""
    left = [finding for finding in findings if finding.passed_over]
    if not left:
        return ""
    rules = dict.fromkeys(finding.code for finding in left)
    products = {(finding.place.file, finding.place.product) for finding in left}
    return (
        f"{count(len(left), 'finding')} on {count(len(products), 'product')} that no selection "
        f"takes ({some(list(rules))}): nothing is lost"
    )


def _section(title: str, entries: list[Entry]) -> list[Section]:
    return [Section(title, False, _sorted(entries))] if entries else []


def merged(texts: Iterable[str], *, example: bool = False) -> str:
    """Texts of one shape as one; the first of them if their shapes differ.

    The first value that differs is listed if there are few; ``…`` stands for the others.
    ``example``: the first text is shown whole instead, because nobody can follow ``…``.
    """
    known = list(dict.fromkeys(texts))
    split = [_VALUES.split(text) for text in known]
    if len({_frame(text) for text in known}) > 1:
        return known[0] + _FOR_EACH * example
    columns = [list(dict.fromkeys(values)) for values in zip(*split, strict=True)]
    differ = [values for values in columns if len(values) > 1]
    if example and differ and (len(differ) > 1 or not _listable(differ[0])):
        return known[0] + _FOR_EACH
    return "".join(_one_of(values, named=values in differ[:1]) for values in columns)


def _listable(values: list[str]) -> bool:
    """Whether values can stand beside each other: few, and no commands."""
    return len(values) <= _FEW and not any(v.startswith("`") and " " in v for v in values)


def _one_of(values: list[str], *, named: bool) -> str:
    if len(values) == 1 or (named and len(values) <= _FEW):
        return ("/" if sum(map(len, values)) <= _SHORT else " / ").join(values)
    return "`…`" if values[0].startswith("`") else "…"


def _shape(finding: Finding) -> tuple[object, ...]:
    return (
        finding.code,
        finding.severity,
        finding.maas,
        finding.place.product is None,
        _frame(finding.message),
    )


def _frame(text: str) -> str:
    return _VALUES.sub(lambda m: "``" if m[0].startswith("`") else "0", text)


def _owner(finding: Finding) -> Owner | None:
    product = finding.place.product
    return (finding.place.file, product) if product is not None else None


def _sorted(entries: list[Entry]) -> tuple[Entry, ...]:
    return tuple(sorted(entries, key=lambda entry: (-entry.first.severity, entry.first.code)))


def _named_twice(owners: Iterable[Owner]) -> set[str]:
    seen: set[str] = set()
    twice: set[str] = set()
    for _, name in owners:
        (twice if name in seen else seen).add(name)
    return twice
