"""What MAAS would do if products had other names. Writes nothing."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from maas_stream_lint.errors import UsageError
from maas_stream_lint.finding import Place
from maas_stream_lint.fixing.jsontext import Rename
from maas_stream_lint.fixing.plan import checked_with
from maas_stream_lint.fixing.proposal import Part, Proposal
from maas_stream_lint.outcome import MEANING, rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from maas_stream_lint.api import Report


def parsed(said: Sequence[str]) -> dict[str, str]:
    """``OLD=NEW`` → new names by old ones. Raises UsageError for anything else."""
    names = {}
    for pair in said:
        old, equals, new = pair.partition("=")
        if not (old and equals and new):
            raise UsageError(f"--rename takes OLD=NEW, not {pair!r}", "give two names of a product")
        names[old] = new
    return names


def renamed(report: Report, names: Mapping[str, str]) -> Report:
    """A report on the stream with other names of products, and with the index's lists to match.

    ``names``: new names by old ones. Raises UsageError for an unknown product, or if another
    product has the new name.
    """
    there: dict[str, list[str]] = {}
    for product in report.look.catalog.products:
        there.setdefault(product.name, []).append(product.file.path)
    proposals = []
    for old, new in names.items():
        if old not in there:
            near = get_close_matches(old, there, n=1)
            hint = f"did you mean {near[0]}?" if near else "`preview` lists the products"
            raise UsageError(f"the stream has no product {old!r}", hint)
        if new in there:
            raise UsageError(f"a product is called {new!r} already", "choose another name")
        proposals += [_renaming(file, old, new) for file in there[old]]
    return checked_with(report, proposals)


def fate(report: Report, name: str) -> str:
    """What each release line does with a product, in one sentence."""
    told = []
    for row in rows(report.look, report.findings):
        if row.product == name:
            lines: dict[str, list[str]] = {}
            for line, outcome in zip(report.look.lines, row.outcomes, strict=True):
                lines.setdefault(outcome, []).append(line)
            told += [f"on {report.look.span(v)} {MEANING[k]}" for k, v in lines.items()]
    return f"With the name `{name}`: {'; '.join(told)}."


def _renaming(file: str, old: str, new: str) -> Proposal:
    at, to = ("products", old), ("products", new)
    moved = ((Place(file, at), Place(file, to)),)
    return Proposal((Part(file, Rename(at, new)),), f"call it `{new}`", renamed=moved)
