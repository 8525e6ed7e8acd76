"""Boot resources that an import makes of a table: columns, until somebody asks for a row."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from itertools import chain, repeat
from typing import TYPE_CHECKING, TypeVar

from maas_stream_lint.imports.columns import unfit_plain
from maas_stream_lint.imports.stored import HeldFile, HeldResource, HeldSet
from maas_stream_lint.imports.tables import rows_with
from maas_stream_lint.imports.trace import Import

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from maas_stream_lint.imports.answers import Answers
    from maas_stream_lint.imports.identity import Identities
    from maas_stream_lint.imports.stored import Key
    from maas_stream_lint.imports.tables import Items

Cell = TypeVar("Cell")


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
        *,
        letters: int = 0,
        written: tuple[str, int] | None = None,
    ) -> None:
        """``file``: the products file. ``extra``: as in `HeldResource`. ``items``: what is stored.

        ``letters``: of the sha256, by which a file is named on disk. ``written``: the source that
        writes the rows, and the number of the import, if they tell.
        """
        self.file, self.products = file, products
        self.made, self.versions, self.labels = made, versions, labels
        self.extra, self.items = extra, items
        self.letters, self.written = letters, written

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

    def origins(self, row: int) -> list[tuple[str, str]]:
        """The product whose files a row holds, if it holds any: (products file, name)."""
        return [(self.file, self.products[row])] if self.items else []

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
        if self.written is not None:
            for touched in (held, *held.files.values()):
                touched.touch(*self.written)
        return resource


class Run:
    """Rows of a batch that are stored together."""

    def __init__(self, batch: Batch, rows: Sequence[int]) -> None:
        """``rows``: in the order in which they are stored."""
        self.batch, self.rows = batch, rows

    def pick(self, column: Sequence[Cell]) -> Sequence[Cell]:
        """The values of a column in these rows."""
        rows = self.rows
        if isinstance(rows, range):
            return column[rows.start : rows.stop]
        return [column[row] for row in rows]

    @property
    def keys(self) -> Sequence[Key]:
        """What the boot resources are found by."""
        return self.pick(self.batch.keys)

    @property
    def products(self) -> Iterator[tuple[str, str]]:
        """The products that they are made of: products file, name."""
        return zip(repeat(self.batch.file), self.pick(self.batch.products))

    def contents(self) -> Iterator[tuple[str, int]]:
        """The sha256 and size of each file, in the order of the rows."""
        sha256s = zip(*(self.pick(one.sha256s) for one in self.batch.items), strict=True)
        sizes = zip(*(self.pick(one.sizes) for one in self.batch.items), strict=True)
        flat = chain.from_iterable
        return zip(flat(sha256s), flat(sizes), strict=True)

    def imports(self) -> Iterator[Import]:
        """What is recorded for download."""
        batch = self.batch
        for row in self.rows:
            for items in batch.items:
                yield Import(batch.file, batch.products[row], batch.versions[row], items.key)


def odd_rows(
    answers: Answers,
    made: Identities,
    columns: Mapping[str, Sequence[str | None]],
    stored: Sequence[Items],
) -> set[int]:
    """The rows that need a closer look: MAAS may refuse them, or store them in each other's place.

    ``columns``: texts by the database's column. ``stored``: the items that are stored.
    """
    odd: set[int] = set()
    for texts in (made.names, made.architectures):
        if "".join(texts).count("/") != len(texts):
            odd |= {row for row, text in enumerate(texts) if text.count("/") != 1}
    pairs = list(zip(made.names, made.architectures, strict=True))
    if len(set(pairs)) != len(pairs):
        odd |= rows_with(pairs, {pair for pair, count in Counter(pairs).items() if count > 1})
    for limit, column in columns.items():
        odd |= rows_with(column, unfit_plain(answers, limit, column))
    for items in stored:
        odd |= rows_with(items.names, unfit_plain(answers, "file-name", items.names))
        odd |= rows_with(items.sha256s, unfit_plain(answers, "file-sha256", items.sha256s))
    known = [set(items.names) for items in stored]
    if len(set().union(*known)) != sum(map(len, known)):
        rows = zip(*(items.names for items in stored), strict=True)
        odd |= {row for row, names in enumerate(rows) if len(set(names)) != len(names)}
    return odd
