"""The rows that the images of a stock are made of, as columns."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from maas_stream_lint.imports.rows import EXTRA
from maas_stream_lint.imports.stored_batch import Batch, Run
from maas_stream_lint.uses.stock_image import Contents, names_kernel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maas_stream_lint.imports.stored import HeldResource, Key, Stored
    from maas_stream_lint.rulebook import UbuntuSet


class Rows:
    """All images without bootloaders, in the order of their rows. Positions count these alone."""

    def __init__(self, stored: Stored | None, needs: UbuntuSet) -> None:
        """``stored``: what the import leaves. ``needs``: what a machine needs to boot."""
        self.stored, self.needs = stored, needs
        self.keys: list[Key] = []
        self.names: list[str] = []  #: ``ubuntu/noble``
        self.arches: list[str] = []
        self.subarches: list[str] = []
        self.kflavors: list[str | None] = []
        self.contents: list[Contents] = []
        self.rolling: list[bool] = []
        self.extra: dict[str, list[str | None]] = {field: [] for field in EXTRA}
        self._known: dict[tuple[str, tuple[tuple[str, str], ...]], Contents] = {}
        self._listed: dict[str, list[str]] = {}
        if stored is not None:
            for batch, alike in groupby(stored.rows.values(), _batch_of):
                if batch is None:
                    self._add(row for row in alike if not isinstance(row, tuple))
                else:
                    self._add_run(Run(batch, [row[1] for row in alike if isinstance(row, tuple)]))

    def __len__(self) -> int:
        """How many images there are."""
        return len(self.keys)

    def resource(self, position: int) -> HeldResource:
        """The boot resource at a position."""
        assert self.stored is not None
        held = self.stored.get(self.keys[position])
        assert held is not None
        return held

    def products(self, position: int) -> list[tuple[str, str]]:
        """The products whose files an image holds: (products file, name), each once."""
        assert self.stored is not None
        return self.stored.products(self.keys[position])

    def listed(self, subarches: str) -> list[str]:
        """The members of ``subarches`` that are no kernels. Many images have the same text."""
        found = self._listed.get(subarches)
        if found is None:
            found = [text.strip() for text in subarches.split(",") if not names_kernel(text)]
            self._listed[subarches] = found
        return found

    def _add(self, rows: Iterable[HeldResource]) -> None:
        for row in rows:
            if row.bootloader:
                continue
            arch, _, subarch = row.architecture.partition("/")
            held = row.newest
            self.keys.append((row.name, row.architecture, row.alias))
            self.names.append(row.name)
            self.arches.append(arch)
            self.subarches.append(subarch)
            self.kflavors.append(row.kflavor)
            self.rolling.append(row.rolling)
            for field, column in self.extra.items():
                column.append(row.extra.get(field))
            files = tuple([(file.ftype, file.name) for file in held.files.values()])
            self.contents.append(self._contents(held.label, files))

    def _add_run(self, run: Run) -> None:
        """Rows of a batch: all of them are images."""
        batch, pick = run.batch, run.pick
        self.keys += run.keys
        self.names += pick(batch.made.names)
        self.arches += pick(batch.made.arches)
        self.subarches += pick(batch.made.subarches)
        self.kflavors += pick(batch.made.kflavors)
        self.rolling += [False] * len(run.rows)
        for field, column in self.extra.items():
            own = batch.extra.get(field)
            column += [None] * len(run.rows) if own is None else pick(own)
        ftypes = [items.ftype for items in batch.items]
        names = (pick(items.names) for items in batch.items)
        held = list(zip(pick(batch.labels), *names, strict=True))
        made = {
            (label, *names): self._contents(label, tuple(zip(ftypes, names, strict=True)))
            for label, *names in set(held)
        }
        self.contents += map(made.__getitem__, held)

    def _contents(self, label: str, files: tuple[tuple[str, str], ...]) -> Contents:
        contents = self._known.get((label, files))
        if contents is None:
            contents = self._known[(label, files)] = Contents(label, files, self.needs)
        return contents


def _batch_of(row: HeldResource | tuple[Batch, int]) -> Batch | None:
    return row[0] if isinstance(row, tuple) else None
