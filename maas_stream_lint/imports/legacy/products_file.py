"""A products file as pass 1 leaves it: what was taken as tables, and what product by product."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from maas_stream_lint.imports.stored_batch import Run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from maas_stream_lint.imports.legacy.flattening import Walked
    from maas_stream_lint.imports.legacy.plain_claims import Plain
    from maas_stream_lint.imports.stored_batch import Batch
    from maas_stream_lint.imports.tables import Products, Table


class File:
    """One products file in one walk."""

    def __init__(self, path: str, top: dict[str, str], products: Products) -> None:
        """``top``: its flattened fields."""
        self.path, self.top, self.products = path, top, products
        self.plains: list[Plain] = []  #: the tables of which pass 1 has nothing to say
        self.walked: dict[int, Walked] = {}  #: by its position: each product that was looked at

    @property
    def taken(self) -> list[int]:
        """The positions of all products that pass 1 came to, in order."""
        return sorted({*self.walked, *(p for plain in self.plains for p in plain.table.positions)})

    def runs(self, batches: Sequence[tuple[Table, Batch]]) -> Iterator[Run | int]:
        """The products that pass 1 came to, in order: runs of batches, and single positions.

        ``batches``: what tables become. A product that is in no batch is given by its position.
        """
        rows = {p: number for number, (table, _) in enumerate(batches) for p in table.positions}
        if len(batches) == 1 and len(rows) == len(self.taken):
            yield Run(batches[0][1], range(len(rows)))
            return
        starts = [0] * len(batches)
        for number, places in groupby(self.taken, rows.get):
            if number is None:
                yield from places
                continue
            start = starts[number]
            starts[number] += sum(1 for _ in places)
            yield Run(batches[number][1], range(start, starts[number]))
