"""The sync of all selections into a fresh MAAS: what tables become is stored many rows at once.

Whatever leaves a doubt is left to ``sync``, product by product.
"""

from __future__ import annotations

from itertools import chain, groupby, repeat
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from maas_stream_lint.imports.identity import IMAGE, LONE_ROOT
from maas_stream_lint.imports.stored_batch import Batch, Run, odd_rows
from maas_stream_lint.imports.strict.sync import SELECTION, selection_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from maas_stream_lint.imports.identity import Identities
    from maas_stream_lint.imports.strict.fetch import Listed
    from maas_stream_lint.imports.strict.sync import Part, Selection, Sync
    from maas_stream_lint.imports.tables import Items, Table

    #: By selection: what of one products file belongs to it. Its position, its batch and its row
    #: there; of a product that is in none, ``None`` and the part.
    Entries = dict[Selection, list[list[Any]]]


class RowSync:
    """The sync of one source's selections, all of them new to MAAS."""

    def __init__(self, sync: Sync) -> None:
        """``sync``: of the source, nothing stored before."""
        self.sync = sync
        self._mixed: set[Selection] = set()  # those of which not all are rows of tables
        #: Of each file: its entries, or all of it where it rides along with each selection.
        self._files: list[Entries | list[Part]] = [
            list(sync.supported(one, one.products)) if one.bootloaders else self._entries(one)
            for one in sync.lists
        ]

    def run(self, wanted: Iterable[Selection]) -> None:
        """Sync some selections, in order."""
        for mixed, alike in groupby(sorted(wanted), self._mixed.__contains__):
            left = list(alike)
            while left and (mixed or not self._is_settled()):
                self.sync.sync(left[0], self._parts(left.pop(0)))
            if left and not self.sync.lay_all(self._runs(left)):
                for selection in left:
                    self.sync.sync(selection, self._parts(selection))

    def _parts(self, selection: Selection) -> list[Part]:
        """What belongs to a selection."""
        parts: list[Part] = []
        for file in self._files:
            parts += file if isinstance(file, list) else _joined(file.get(selection, ()))
        return parts

    def _runs(self, selections: list[Selection]) -> list[Run]:
        """The rows of selections of which nothing else is selected."""
        images = [file for file in self._files if isinstance(file, dict)]
        entries = (file.get(one, ()) for one in selections for file in images)
        return [run for run in _joined(chain.from_iterable(entries)) if isinstance(run, Run)]

    def _is_settled(self) -> bool:
        """Whether it changes nothing to take again what rides along with each selection."""
        riding = chain.from_iterable(file for file in self._files if isinstance(file, list))
        return all(self.sync.is_settled(*part) for part in riding if not isinstance(part, Run))

    # -- what a file holds --------------------------------------------------------------------

    def _entries(self, listed: Listed) -> Entries:
        made = [one for table in listed.fitting.tables if (one := self._batch(listed, table))]
        others = listed.fitting.others(table for table, _ in made)
        found: Entries = {}
        for table, batch in made:
            selections = zip(*map(table.columns.__getitem__, SELECTION), strict=True)
            rows = zip(selections, table.positions, repeat(batch), range(len(table)))
            for selection, *entry in rows:
                found.setdefault(selection, []).append(entry)
        for position, product in others.items():
            for part in self.sync.supported(listed, [product]):
                selection = selection_of(product)
                self._mixed.add(selection)
                found.setdefault(selection, []).append([position, None, part])
        if len(made) > 1 or others:
            for entries in found.values():
                entries.sort(key=itemgetter(0))
        return found

    def _batch(self, listed: Listed, table: Table) -> tuple[Table, Batch] | None:
        """What a table's products become, but for those that need a closer look."""
        # Streams of a few products have no tables.
        from maas_stream_lint.imports.judged import judged

        table = table.without(self.sync.unsupported(listed, table))
        stored = self._stored(listed, table) if len(table) else None
        if stored is None:
            return None
        sync, answers, whole = self.sync, self.sync.recorder.answers, table.whole
        absent: Sequence[str | None] = [None] * len(whole)

        def column(field: str) -> Sequence[str | None]:
            return whole.columns.get(field, absent) if field in listed.shape.product else absent

        known = judged(IMAGE if listed.sets else LONE_ROOT, whole, column, answers.flavoured)
        made, odd = known.of(table), set[int]()
        if not known.are_sound(answers, _columns(whole, known.made), whole.alike(stored)):
            odd = odd_rows(answers, made, _columns(table, made), stored)
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


def _columns(table: Table, made: Identities) -> dict[str, Sequence[str | None]]:
    """The texts of a table that are stored, by the database's column."""
    return {
        "resource-name": made.names,
        "resource-architecture": made.architectures,
        "resource-alias": made.aliases,
        "set-version": table.newest,
    }


def _joined(entries: Iterable[list[Any]]) -> Iterator[Part]:
    """Rows of one batch that follow each other are one part."""
    for batch, alike in groupby(entries, itemgetter(1)):
        what = [one for _, _, one in alike]
        yield from what if batch is None else [Run(batch, what)]
