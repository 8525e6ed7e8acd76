"""Second pass over tables: what is stored of many products at once, into a fresh MAAS.

Only what tells the products of a table apart is looked at: the boot resource's name, and of each
item file name, sha256 and size. Whatever leaves a doubt is left to ``second_pass``, product by
product.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from maas_stream_lint.imports.columns import SHORT
from maas_stream_lint.imports.identity import IMAGE
from maas_stream_lint.imports.judged import judged
from maas_stream_lint.imports.legacy.both_passes import ignored
from maas_stream_lint.imports.legacy.storing import SHORTEST
from maas_stream_lint.imports.stored_batch import Batch, odd_rows
from maas_stream_lint.imports.tables import rows_with
from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.objects import longest
from maas_stream_lint.rulebook import of_family

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from maas_stream_lint.imports.identity import Identities
    from maas_stream_lint.imports.judged import Judged
    from maas_stream_lint.imports.legacy.both_passes import PassRecorder
    from maas_stream_lint.imports.legacy.plain_claims import Plain
    from maas_stream_lint.imports.legacy.storing import Store
    from maas_stream_lint.imports.stored_batch import Run
    from maas_stream_lint.imports.tables import Items, Table

#: Fields by which a product may be stored otherwise, or not at all.
DECISIVE = ("maas_supported", "rolling", "platform", "supported_platforms")


class Taken(NamedTuple):
    """What MAAS does with the items of a table."""

    stored: list[Items]
    ignored: list[str]  #: ftypes that it logs a line about, and nobody misses


class ByTable:
    """The second pass over tables, into a fresh MAAS."""

    def __init__(self, recorder: PassRecorder, store: Store) -> None:
        """``store``: gets what is stored."""
        self.recorder = recorder
        self.store = store
        self._made: dict[int, tuple[Table, Taken]] = {}  # by the id of batches

    def batch(self, plain: Plain) -> tuple[Table, Batch] | None:
        """What a table's products become, but for those that need a closer look."""
        if any(map(plain.has, DECISIVE)) or not len(plain):
            return None
        taken = self._taken(plain.table)
        if taken is None:
            return None
        whole = plain.whole
        known = judged(IMAGE, whole.table, whole.column, self.recorder.answers.flavoured)
        made = known.of(plain.table)
        if not self._is_sound(known, whole, taken.stored):
            odd = self._odd(plain, made, taken.stored)
            if odd:
                return self.batch(plain.without(odd))
        extra = {"subarches": plain.texts("subarches")} if plain.has("subarches") else {}
        table, labels = plain.table, plain.texts("label")
        stored = taken.stored
        batch = Batch(
            plain.file, table.names, made, table.newest, labels, extra, stored, letters=SHORTEST
        )
        self._made[id(batch)] = (table, taken)
        return table, batch

    def _taken(self, table: Table) -> Taken | None:
        """``None``: something is lost, or one item takes the place of another."""
        ftypes, supersedes = {items.ftype for items in table.items}, self.recorder.supersedes
        keys = {items.key for items in table.items}
        stored, ignored = [], []
        for items in table.items:
            key, ftype = items.key, items.ftype
            if ftype in of_family("notice") or supersedes.get(ftype) in ftypes:
                return None
            if any(gone == ftype and left in keys for left, gone in supersedes.items()):
                return None
            if self.recorder.answers.stores(ftype):
                stored.append(items)
            elif ftype in self.recorder.unmissed or key in self.recorder.unmissed:
                ignored.append(ftype)
            else:
                return None
        return Taken(stored, ignored) if stored else None

    def _is_sound(self, known: Judged, whole: Plain, stored: list[Items]) -> bool:
        """Whether nothing is odd about any product of a whole table."""
        items = whole.table.alike(stored)
        keys = tuple([one.key for one in items])
        if keys not in known.named:
            known.named[keys] = not _of_one_name(items)
        columns = self._columns(whole, known.made)
        return known.named[keys] and known.are_sound(self.recorder.answers, columns, items)

    def _odd(self, plain: Plain, made: Identities, stored: list[Items]) -> set[int]:
        columns = self._columns(plain, made)
        return odd_rows(self.recorder.answers, made, columns, stored) | _of_one_name(stored)

    def _columns(self, plain: Plain, made: Identities) -> dict[str, Sequence[str | None]]:
        """The texts of products that are stored, by the database's column."""
        answers = self.recorder.answers
        columns: dict[str, Sequence[str | None]] = {
            "resource-name": made.names,
            "resource-architecture": made.architectures,
            "resource-kflavor": made.kflavors,
            "set-version": plain.table.newest,
            "set-label": plain.texts("label"),
        }
        # Asked only where it matters, or lines that differ in this could not share an import.
        if longest(made.aliases) <= SHORT or "alias" in answers.policy("resource-key"):
            columns["resource-alias"] = made.aliases
        return columns

    def positions(self, run: Run) -> list[int]:
        """Where the products of a run stand in their file."""
        return self._made[id(run.batch)][0].positions[run.rows[0] : run.rows[-1] + 1]

    def write(self, run: Run) -> bool:
        """Store rows. False: nothing was done, because one of them is in the way of another row."""
        if not self.store.lay(run):
            return False
        trace = self.recorder.trace
        trace.imported.record(run)
        ftypes = self._made[id(run.batch)][1].ignored
        if ftypes and trace.fatal is None:
            trace.log["writer"].add(partial(_ignoring, run, ftypes))
        return True


def _of_one_name(stored: list[Items]) -> set[int]:
    """The rows of which another file has the name on disk, or that have too short a sha256."""
    sha256s = set().union(*(items.sha256s for items in stored))
    heads = Counter([sha256[:SHORTEST] for sha256 in sha256s])
    if len(heads) == len(sha256s) and min(map(len, heads)) == SHORTEST:
        return set()
    shared = {head for head, n in heads.items() if n > 1 or len(head) < SHORTEST}
    wrong = {sha256 for sha256 in sha256s if sha256[:SHORTEST] in shared}
    return set().union(*(rows_with(items.sha256s, wrong) for items in stored))


def _ignoring(run: Run, ftypes: list[str]) -> Iterator[tuple[str, str]]:
    """What MAAS logs of items that it does not store."""
    batch = run.batch
    for product, version in zip(run.pick(batch.products), run.pick(batch.versions), strict=True):
        for ftype in ftypes:
            yield ("warning", ignored(ftype, product, version))
