"""The sync of all selections into a fresh MAAS: what tables become is stored many rows at once.

Whatever leaves a doubt is left to ``sync``, product by product.
"""

from __future__ import annotations

from itertools import chain, groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from maas_stream_lint.imports.identity import IMAGE, LONE_ROOT, identities
from maas_stream_lint.imports.stored_batch import Batch, Run, odd_rows
from maas_stream_lint.imports.strict.sync import SELECTION, selection_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from maas_stream_lint.imports.strict.fetch import Listed
    from maas_stream_lint.imports.strict.sync import Part, Selection, Sync
    from maas_stream_lint.imports.tables import Items, Table

    #: By selection: what of one products file belongs to it, in order.
    Parts = dict[Selection, list[Part]]


class RowSync:
    """The sync of one source's selections, all of them new to MAAS."""

    def __init__(self, sync: Sync) -> None:
        """``sync``: of the source, nothing stored before."""
        self.sync = sync
        #: Of each file: its parts, or all of it where it rides along with each selection.
        self._files: list[Parts | list[Part]] = [
            list(sync.supported(one, one.products)) if one.bootloaders else self._parts(one)
            for one in sync.lists
        ]

    def run(self, wanted: Collection[Selection]) -> None:
        """Sync some selections, in order."""
        for plain, alike in groupby(sorted(wanted), self._is_plain):
            left = list(alike)
            while left and not (plain and self._is_settled()):
                self.sync.sync(left[0], self._of(left.pop(0)))
            if left and not self.sync.lay_all(self._merged(left)):
                for selection in left:
                    self.sync.sync(selection, self._of(selection))

    def _of(self, selection: Selection) -> list[Part]:
        """What belongs to a selection."""
        parts = (f if isinstance(f, list) else f.get(selection, ()) for f in self._files)
        return list(chain.from_iterable(parts))

    def _own(self, selection: Selection) -> Sequence[Part]:
        """The same without what rides along with each."""
        if len(self._files) == 1 and isinstance(self._files[0], dict):
            return self._files[0].get(selection, ())
        return [part for f in self._files if isinstance(f, dict) for part in f.get(selection, ())]

    def _is_plain(self, selection: Selection) -> bool:
        """Whether all of it are rows of tables."""
        return all(isinstance(part, Run) for part in self._own(selection))

    def _is_settled(self) -> bool:
        """Whether it changes nothing to take again what rides along with each selection."""
        riding = chain.from_iterable(f for f in self._files if isinstance(f, list))
        return all(self.sync.is_settled(*part) for part in riding if not isinstance(part, Run))

    def _merged(self, selections: list[Selection]) -> list[Run]:
        """The rows of several selections of which nothing else is selected."""
        parts = chain.from_iterable(map(self._own, selections))
        runs = [part for part in parts if isinstance(part, Run)]
        return [
            Run(batch, list(chain.from_iterable([run.rows for run in alike])))
            for batch, alike in groupby(runs, lambda run: run.batch)
        ]

    # -- what a file holds --------------------------------------------------------------------

    def _parts(self, listed: Listed) -> Parts:
        made = [one for table in listed.fitting.tables if (one := self._batch(listed, table))]
        found: dict[Selection, list[tuple[int, Batch | None, Any]]] = {}
        for table, batch in made:
            selections = zip(*map(table.columns.__getitem__, SELECTION), strict=True)
            rows = zip(table.positions, selections, strict=True)
            for row, (position, selection) in enumerate(rows):
                found.setdefault(selection, []).append((position, batch, row))
        for position, product in listed.fitting.others(table for table, _ in made).items():
            for part in self.sync.supported(listed, [product]):
                found.setdefault(selection_of(product), []).append((position, None, part))
        if len(made) > 1 or not all(batch for entries in found.values() for _, batch, _ in entries):
            for entries in found.values():
                entries.sort(key=itemgetter(0))
        return {selection: _joined(entries) for selection, entries in found.items()}

    def _batch(self, listed: Listed, table: Table) -> tuple[Table, Batch] | None:
        """What a table's products become, but for those that need a closer look."""
        table = table.without(self.sync.unsupported(listed, table))
        stored = self._stored(listed, table) if len(table) else None
        if stored is None:
            return None
        sync, answers = self.sync, self.sync.recorder.answers
        absent: Sequence[str | None] = [None] * len(table)

        def column(field: str) -> Sequence[str | None]:
            return table.columns.get(field, absent) if field in listed.shape.product else absent

        made = identities(IMAGE if listed.sets else LONE_ROOT, column, answers.flavoured)
        columns = {
            "resource-name": made.names,
            "resource-architecture": made.architectures,
            "resource-alias": made.aliases,
            "set-version": table.newest,
        }
        odd = odd_rows(answers, made, columns, stored)
        for items in stored:
            if max(items.sizes) not in sync.sizes:
                odd |= {row for row, size in enumerate(items.sizes) if size not in sync.sizes}
        if odd:
            return self._batch(listed, table.without(odd))
        extra = {field: table.columns[field] for field in answers.policy("resource-extra")}
        written = (sync.source, sync.turn)
        labels = table.columns["label"]
        batch = Batch(
            listed.path, table.names, made, table.newest, labels, extra, stored, written=written
        )
        sync.tables[id(batch)] = (listed, table)
        return table, batch

    def _stored(self, listed: Listed, table: Table) -> list[Items] | None:
        """The items that are stored; ``None`` if one is refused, or takes the place of another."""
        by_key = {items.key: items for items in table.items}
        stored = [by_key[key] for key in listed.shape.downloads if key in by_key]
        for number, items in enumerate(stored):
            gone = self.sync.supersedes.get(items.ftype)
            if any(other.ftype == gone for other in stored[:number]):
                return None
            if not self.sync.recorder.answers.stores(items.ftype):
                return None
        return stored


def _joined(entries: list[tuple[int, Batch | None, Any]]) -> list[Part]:
    """Rows of one batch that follow each other are one part."""
    if len(entries) == 1:
        _, batch, what = entries[0]
        return [what if batch is None else Run(batch, (what,))]
    parts: list[Part] = []
    for batch, alike in groupby(entries, itemgetter(1)):
        what = [one for _, _, one in alike]
        parts += what if batch is None else [Run(batch, what)]
    return parts
