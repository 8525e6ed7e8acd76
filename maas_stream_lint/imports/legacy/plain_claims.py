"""First pass over tables: the claims of products about which nothing is odd, column by column."""

from __future__ import annotations

from itertools import compress
from typing import TYPE_CHECKING

from maas_stream_lint.imports.columns import unfit_plain
from maas_stream_lint.imports.identity import GENERIC
from maas_stream_lint.imports.legacy.claim_rows import EOL, FIELDS, refused_texts
from maas_stream_lint.imports.tables import rows_with

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from maas_stream_lint.imports.legacy.both_passes import PassRecorder
    from maas_stream_lint.imports.legacy.flattening import Key, Spec
    from maas_stream_lint.imports.tables import Table

#: What pass 1 looks up of each item, and what pass 2 finds a version by.
NEEDED = ("os", "arch", "release", "label", "content_id")


class Plain:
    """Products of a file that make their claims, with nothing odd about them."""

    def __init__(self, file: str, top: dict[str, str], table: Table) -> None:
        """``top``: the flattened fields of the file."""
        self.file, self.top, self.table = file, top, table

    def __len__(self) -> int:
        """How many products there are."""
        return len(self.table)

    def has(self, field: str) -> bool:
        """Whether the products have a field, of their own or of their file."""
        return field in self.table.columns or field in self.top

    def column(self, field: str, absent: str | None = None) -> Sequence[str | None]:
        """A field of each product. ``absent``: its value where they have none."""
        column = self.table.columns.get(field)
        return [self.top.get(field, absent)] * len(self) if column is None else column

    def texts(self, field: str, absent: str = "") -> Sequence[str]:
        """A field of each product, as a text in any case."""
        return self.column(field, absent)  # type: ignore[return-value]  # no field is null

    @property
    def whole(self) -> Plain:
        """All products of the table that they are a part of."""
        return Plain(self.file, self.top, self.table.whole)

    def without(self, rows: set[int]) -> Plain:
        """The other products."""
        return Plain(self.file, self.top, self.table.without(rows)) if rows else self

    @property
    def own(self) -> Iterator[Spec]:
        """What each product claims by its own subarch."""
        return self._specs(self.texts("subarch", GENERIC))

    def generic(self, ubuntu: str) -> Iterator[Spec]:
        """What some of them claim besides, whoever had it. ``ubuntu``: the system of MAAS."""
        systems = self.texts("os")
        if ubuntu not in systems or not self.has("version"):
            return
        fields = ("version", "release", "subarch", "subarches")
        columns = [self.texts(field, GENERIC) for field in fields]
        told = list(zip(systems, *columns, strict=True))
        known = {one: one[0] == ubuntu and is_generic(*one[1:]) for one in set(told)}
        yield from compress(self._specs([GENERIC] * len(self)), map(known.__getitem__, told))

    def _specs(self, subarches: Iterable[str]) -> Iterator[Spec]:
        kernels, releases = self.texts("kflavor", GENERIC), self.texts("release")
        os, arch, label = (self.texts(field) for field in ("os", "arch", "label"))
        return zip(os, arch, subarches, kernels, releases, label, strict=True)

    def keys(self) -> Iterator[Key]:
        """What pass 2 finds the newest versions by."""
        table = self.table
        return zip(self.texts("content_id"), table.names, table.newest, strict=True)


def is_generic(version: str, release: str, subarch: str, subarches: str) -> bool:
    """Whether an Ubuntu product claims the generic subarch besides its own.

    Mirrors ``RepoDumper.insert_item``.
    """
    usual = (f"ga-{version}", f"hwe-{release[:1]}")
    return bool(release) and subarch in usual and GENERIC in subarches


def plain_of(recorder: PassRecorder, plain: Plain) -> Plain | None:
    """The products of a table about which no part of pass 1 has anything to say."""
    if not all(plain.has(field) for field in NEEDED) or "bootloader-type" in plain.top:
        return None
    odd: set[int] = set()
    systems = plain.texts("os")
    named = {os for os in set(systems) if recorder.ubuntu in os.lower()}
    if named:
        checked = compress(plain.table.names, map(named.__contains__, systems))
        wrong = recorder.answers.misnamed("ubuntu", tuple(checked))
        odd |= rows_with(plain.table.names, wrong) & rows_with(systems, named) if wrong else set()
    odd |= rows_with(systems, {recorder.snap} & set(systems))
    if plain.has("version"):
        odd |= rows_with(plain.texts("release"), {""} & set(plain.texts("release")))
    for field in (*FIELDS, EOL):
        if plain.has(field):
            column = plain.texts(field)
            odd |= rows_with(column, refused_texts(recorder.answers, field, column, unfit_plain))
    return plain.without(odd)
