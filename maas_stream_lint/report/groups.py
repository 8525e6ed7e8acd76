"""Findings put together as people read them: by product, and what many share as one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from maas_stream_lint.finding import Finding, Place

#: As many products with the same trouble become one entry.
MANY = 3

#: What differs between messages of one shape: values in backticks, and numbers.
_VALUES = re.compile(r"(`[^`]*`|\d+)")

Owner = tuple[str, str]  # products file and product


@dataclass(frozen=True)
class Entry:
    """Findings of one rule that say the same, written once."""

    findings: tuple[Finding, ...]

    @property
    def first(self) -> Finding:
        """The one to quote where they differ."""
        return self.findings[0]

    @property
    def message(self) -> str:
        """The message that they share; ``…`` for the values that differ."""
        return merged([f.message for f in self.findings])

    @property
    def products(self) -> list[str]:
        """The products concerned."""
        return list(dict.fromkeys(f.place.product for f in self.findings if f.place.product))

    @property
    def places(self) -> list[Place]:
        """All primary places, then those further ones of a lone finding."""
        primary = [f.place for f in self.findings]
        return primary if len(self.findings) > 1 else list(self.first.places)


@dataclass(frozen=True)
class Section:
    """What stands under one heading."""

    title: str
    product: bool  #: whether the title is a product's name
    entries: tuple[Entry, ...]


def sections(findings: Sequence[Finding]) -> list[Section]:
    """Source and files first, then what many products share, then each product, worst first."""
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
            stream.append(Entry(tuple(outside)))
        if len(by_owner) >= MANY:
            shared.append(Entry(tuple(f for one in by_owner.values() for f in one)))
            continue
        for owner, own in by_owner.items():
            if owner is not None:
                single.setdefault(owner, []).append(Entry(tuple(own)))
    made = []
    if stream:
        made.append(Section("The stream as a whole", False, _sorted(stream)))
    if shared:
        made.append(Section("Shared by several products", False, _sorted(shared)))
    twice = _named_twice(single)
    made += sorted(
        (
            Section(name + (f" ({file})" if name in twice else ""), True, _sorted(entries))
            for (file, name), entries in single.items()
        ),
        key=lambda section: -section.entries[0].first.severity,
    )
    return made


def merged(texts: Iterable[str]) -> str:
    """Texts of one shape as one, ``…`` for what differs; the first of them if their shapes differ."""
    split = [_VALUES.split(text) for text in dict.fromkeys(texts)]
    first = split[0]
    if len({_frame("".join(parts)) for parts in split}) > 1:
        return "".join(first)
    return "".join(
        part if all(other[i] == part for other in split) else ("`…`" if part.startswith("`") else "…")
        for i, part in enumerate(first)
    )


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
