"""Boot resources that an import makes of a table: columns, until somebody asks for a row."""

from __future__ import annotations

from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from maas_stream_lint.imports.stored import HeldFile, HeldResource, HeldSet
from maas_stream_lint.imports.trace import Import

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from maas_stream_lint.imports.identity import Identities
    from maas_stream_lint.imports.stored import Key
    from maas_stream_lint.imports.tables import Items


class Batch:
    """The rows that a table's products become. Each has one set, of the newest version."""

    def __init__(
        self,
        file: str,
        products: Sequence[str],
        made: Identities,
        versions: Sequence[str],
        labels: Sequence[str],
        extra: dict[str, Sequence[str]],
        items: Sequence[Items],
        letters: int = 0,
    ) -> None:
        """``file``: the products file. ``extra``: as in `HeldResource`. ``items``: what is stored.

        ``letters``: of the sha256, by which a file is named on disk.
        """
        self.file, self.products = file, products
        self.made, self.versions, self.labels = made, versions, labels
        self.extra, self.items, self.letters = extra, items, letters

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.products)

    @cached_property
    def keys(self) -> list[Key]:
        """What each boot resource is found by."""
        return list(zip(self.made.names, self.made.architectures, self.made.aliases, strict=True))

    @cached_property
    def pairs(self) -> list[tuple[str, str]]:
        """The name and architecture of each."""
        return list(zip(self.made.names, self.made.architectures, strict=True))

    def resource(self, row: int) -> HeldResource:
        """The row of one product, with its set and files."""
        name, architecture, kflavor, alias = self.made.row(row)
        extra = {field: column[row] for field, column in self.extra.items()}
        resource = HeldResource(name, architecture, alias, kflavor, extra=extra)
        version = self.versions[row]
        held = resource.sets[version] = HeldSet(version, self.labels[row])
        for items in self.items:
            origin = Import(self.file, self.products[row], version, items.key)
            sha256 = items.sha256s[row]
            file = HeldFile(items.names[row], items.ftype, sha256, items.sizes[row], origin)
            file.on_disk = sha256[: self.letters] or None
            held.files[file.name] = file
        return resource


class Run(NamedTuple):
    """Rows of a batch that follow each other."""

    batch: Batch
    start: int
    stop: int

    def contents(self) -> Iterator[tuple[str, int]]:
        """The sha256 and size of each file, in the order of the rows."""
        part, items = slice(self.start, self.stop), self.batch.items
        sha256s = zip(*(one.sha256s[part] for one in items), strict=True)
        sizes = zip(*(one.sizes[part] for one in items), strict=True)
        flat = chain.from_iterable
        return zip(flat(sha256s), flat(sizes), strict=True)

    def imports(self) -> Iterator[Import]:
        """What is recorded for download."""
        batch = self.batch
        for row in range(self.start, self.stop):
            for items in batch.items:
                yield Import(batch.file, batch.products[row], batch.versions[row], items.key)
