"""The products of a stream as a table: what all of them have in a field, as one list.

A list of what thousands of products have takes about as long as some calls of a method. So what
looks at every product looks at columns, and makes nodes of the few products that are odd.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate, chain, count, groupby, islice, repeat
from operator import contains
from typing import TYPE_CHECKING, Any, TypeVar

from maas_stream_lint.model import TOO_LARGE, lazy
from maas_stream_lint.nature import Nature
from maas_stream_lint.objects import are, column, once
from maas_stream_lint.rulebook import default_system

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from maas_stream_lint.model import File, Item, Product

Value = TypeVar("Value")


class ProductColumns:
    """A row for each product, with its newest version and the items of that."""

    def __init__(self, files: Sequence[File]) -> None:
        """``files``: whose products it has, in the stream's order."""
        self._files = files
        self.products = [product for file in files for product in file.products]
        self._raws = [product.raw for product in self.products]
        self._own: dict[str, list[Any]] = {}
        self._texts: dict[str, list[str | None]] = {}
        self._of_items: dict[str, list[Any]] = {}
        self._texts_of_items: dict[str, list[str | None]] = {}

    def own(self, field: str) -> list[Any]:
        """What each product has in a field itself, of whatever type."""
        found = self._own.get(field)
        if found is None:
            found = self._own[field] = column(self._raws, field)
        return found

    def texts(self, field: str) -> list[str | None]:
        """What each product says in a field, as ``Product.get`` gives it."""
        found = self._texts.get(field)
        if found is None:
            found = self._texts[field] = self._merged(field)
        return found

    def _merged(self, field: str) -> list[str | None]:
        own = self.own(field)
        if are(own, str) or (field not in self._elsewhere and are(own, str, type(None))):
            return own
        return [
            text if text.__class__ is str else product.get(field)
            for product, text in zip(self.products, own, strict=True)
        ]

    @lazy
    def _elsewhere(self) -> set[str]:
        """The fields of files, newest versions and their items."""
        return set().union(*(file.raw.keys() | file.lower_fields for file in self._files))

    @lazy
    def odd_in_versions(self) -> list[Product]:
        """The products that do not have exactly one version."""
        found = zip(self.products, self.own("versions"), strict=True)
        return [one for one, held in found if held.__class__ is not dict or len(held) != 1]

    @lazy
    def newest(self) -> list[dict[str, Any] | None]:
        """The newest version of each product: the JSON object, ``None`` without one."""
        return [version for file in self._files for version in file.newest]

    @lazy
    def _keyed(self) -> list[dict[str, dict[str, Any]]]:
        """The items of each product's newest version, by their keys."""
        return [items for file in self._files for items in file.newest_items]

    @lazy
    def items(self) -> list[dict[str, Any]]:
        """The items of all newest versions: the JSON objects."""
        return list(chain.from_iterable(map(dict.values, self._keyed)))

    @lazy
    def sizes(self) -> list[int]:
        """How many items each product's newest version has."""
        return list(map(len, self._keyed))

    @lazy
    def _ends(self) -> list[int]:
        """Where the items of each product end among ``items``."""
        return list(accumulate(self.sizes))

    def item(self, row: int) -> Item:
        """The node of one of ``items``."""
        at = bisect_right(self._ends, row)
        newest = self.products[at].newest
        assert newest is not None
        return newest.items[row - self._ends[at]]

    def of_items(self, field: str) -> list[Any]:
        """What each of ``items`` has in a field itself, of whatever type."""
        found = self._of_items.get(field)
        if found is None:
            found = self._of_items[field] = column(self.items, field)
        return found

    def texts_of_items(self, field: str) -> list[str | None]:
        """What each of ``items`` says in a field, as ``Item.get`` gives it."""
        found = self._texts_of_items.get(field)
        if found is None:
            found = self._texts_of_items[field] = self._merged_for_items(field)
        return found

    def _merged_for_items(self, field: str) -> list[str | None]:
        own = self.of_items(field)
        if are(own, str) or (are(own, str, type(None)) and not self._is_above(field)):
            return own
        return [
            text if text.__class__ is str else self.item(row).get(field)
            for row, text in enumerate(own)
        ]

    def occurs(self, field: str) -> bool:
        """Whether any of ``items`` has a field, itself or from above."""
        return any(map(contains, self.items, repeat(field))) or self._is_above(field)

    def _is_above(self, field: str) -> bool:
        """Whether a newest version, a product or a file has a field, and so all items in it."""
        files = [file.raw for file in self._files]
        return any(
            map(contains, chain(files, filter(None, self.newest), self._raws), repeat(field))
        )

    @lazy
    def sizes_said(self) -> list[int | None]:
        """What each of ``items`` says as its size, as ``Item.size`` gives it."""
        own = self.of_items("size")
        if are(own, int) and min(own, default=0) >= 0 and max(own, default=0) < TOO_LARGE:
            return own
        return [self.item(row).size for row in range(len(own))]

    @lazy
    def keys(self) -> list[str]:
        """The key of each of ``items``."""
        return list(chain.from_iterable(self._keyed))

    def spread(self, values: Iterable[Value]) -> Iterable[Value]:
        """What there is of each product, for each of its ``items``."""
        return chain.from_iterable(map(repeat, values, self.sizes))

    @lazy
    def paths(self) -> list[str | None]:
        """The path of each of ``items``, ``None`` without one that is text."""
        own = self.of_items("path")
        if are(own, str) and all(own):
            return own
        return [path if path.__class__ is str and path else None for path in own]

    @lazy
    def _met(self) -> tuple[dict[str | None, int], list[int]]:
        rows: dict[str | None, int] = {}
        return rows, list(map(rows.setdefault, self.paths, count()))

    @property
    def by_path(self) -> dict[str | None, int]:
        """The first row of ``items`` that has each path."""
        return self._met[0]

    @property
    def firsts(self) -> list[int]:
        """For each of ``items``, the first row that has its path."""
        return self._met[1]

    @lazy
    def ftypes(self) -> list[str | None]:
        """The ftype of each of ``items``, flattened."""
        return self.texts_of_items("ftype")

    def by_product(self, column: Iterable[Value]) -> Iterator[tuple[Value, ...]]:
        """What the items of each product have in a column of ``items``."""
        rest = iter(column)
        for size, alike in groupby(self.sizes):
            number = len(list(alike))
            held = zip(*repeat(rest, size), strict=True) if size else repeat(())
            yield from islice(held, number)

    @lazy
    def held(self) -> list[tuple[str | None, ...] | None]:
        """The ftypes of each newest version, one for each item; ``None`` without a version."""
        found = zip(once(self.by_product(self.ftypes)), self.newest, strict=True)
        return [ftypes if version is not None else None for ftypes, version in found]

    @lazy
    def natures(self) -> list[Nature]:
        """What each product is. Products that are alike have the same object."""
        made = _Natures()
        columns = self.texts("os"), self.held, self.texts("bootloader-type")
        return list(map(made.__getitem__, zip(*columns, strict=True)))


class _Natures(dict[Any, Nature]):
    """The nature of products by their ``os``, the ftypes that they hold and ``bootloader-type``."""

    def __missing__(self, marks: Any) -> Nature:
        os, held, loader = marks
        os = default_system() if os is None else os
        nature = self[marks] = Nature(os, held, bootloader=loader is not None)
        return nature
