"""All nodes of a stream, and what they have in common."""

from __future__ import annotations

from itertools import chain, compress
from typing import TYPE_CHECKING, Any

from maas_stream_lint.model import File, Index, Version, lazy
from maas_stream_lint.product_columns import ProductColumns
from maas_stream_lint.stream import expanded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from maas_stream_lint.finding import Place
    from maas_stream_lint.model import Item, Product
    from maas_stream_lint.nature import Nature
    from maas_stream_lint.stream import Metadata, Stream


class Catalog:
    """All nodes of a stream."""

    def __init__(self, stream: Stream) -> None:
        """Sort the stream's files into indexes and products files."""
        self.stream = stream
        self.indexes: list[Index] = []
        self.files: list[File] = []
        for metadata in stream.files.values():
            data = _data(metadata)
            if "products" in data and "index" not in data:
                self.files.append(File(metadata, data))
            elif data and ("index" in data or metadata.path == stream.start):
                self.indexes.append(Index(metadata, data))

    @lazy
    def products(self) -> list[Product]:
        """All products of all files."""
        return self.columns.products

    @lazy
    def columns(self) -> ProductColumns:
        """The products, their newest versions and the items of these, as columns."""
        return ProductColumns(self.files)

    def said(
        self, *fields: str, of: Callable[[Nature], bool] | None = None
    ) -> set[tuple[str | None, ...]]:
        """What products say in some fields together: most say what others say, too.

        So a rule that depends on these fields alone need not be asked about each product.
        ``of``: the products whose nature is such.
        """
        said = zip(*map(self.columns.texts, fields), strict=True)
        return set(said if of is None else compress(said, self._are(of)))

    def _are(self, so: Callable[[Nature], bool]) -> Iterator[bool]:
        """Whether the nature of each product is such."""
        chosen = set(filter(so, self.natures))
        return map(chosen.__contains__, self.columns.natures)

    def by(self, *fields: str) -> dict[tuple[str | None, ...], list[Product]]:
        """The products by what they say in some fields."""
        found: dict[tuple[str | None, ...], list[Product]] = {}
        said = zip(*map(self.columns.texts, fields), strict=True)
        for product, values in zip(self.products, said, strict=True):
            found.setdefault(values, []).append(product)
        return found

    @lazy
    def natures(self) -> set[Nature]:
        """What there is of products, each nature once."""
        return set(self.columns.natures)

    def that_are(self, so: Callable[[Nature], bool]) -> list[Product]:
        """The products whose nature is such, in the stream's order."""
        return list(compress(self.products, self._are(so)))

    def firsts(self, field: str, so: Callable[[Nature], bool]) -> dict[str | None, Product]:
        """The first product of such a nature for each text that these have in a field."""
        told = zip(self.columns.texts(field), self.products, strict=True)
        return dict(reversed(list(compress(told, self._are(so)))))

    def product(self, place: Place) -> Product | None:
        """The product around a place."""
        return self.named(place.file, place.product)

    def named(self, file: str, name: str | None) -> Product | None:
        """The product of a name in a products file."""
        return self._by_name.get((file, name))

    @lazy
    def _by_name(self) -> dict[tuple[str, str | None], Product]:
        return {
            (file.path, product.name): product for file in self.files for product in file.products
        }

    @lazy
    def newest(self) -> list[Version]:
        """The newest version of each product that has one."""
        return [product.newest for product in self.products if product.newest is not None]

    @lazy
    def all_versions(self) -> list[Version]:
        """Every version of every product, each product's newest first."""
        found = []
        for product in self.products:
            if product.newest is not None:
                found.append(product.newest)
                found += product.older
        return found

    @lazy
    def older(self) -> list[Version]:
        """All other versions."""
        held = zip(self.products, self.columns.own("versions"), strict=True)
        several = (product for product, own in held if isinstance(own, dict) and len(own) > 1)
        return list(chain.from_iterable(product.older for product in several))

    @lazy
    def older_items(self) -> list[Item]:
        """The items of all other versions."""
        return list(chain.from_iterable(version.items for version in self.older))

    @lazy
    def all_paths(self) -> list[str | None]:
        """The path of every item of every version, those of the newest versions first."""
        return self.columns.paths + [item.path for item in self.older_items]

    def said_by_all(self, field: str) -> list[str | None]:
        """What each item says in a field, in the order of ``all_paths``."""
        return self.columns.texts_of_items(field) + [i.get(field) for i in self.older_items]

    def all_sizes(self) -> list[int | None]:
        """The size that each item says, in the order of ``all_paths``."""
        return self.columns.sizes_said + [item.size for item in self.older_items]

    def item_at(self, path: str) -> Item:
        """An item that names a path which some item names."""
        row, newest = self.all_paths.index(path), len(self.columns.items)
        return self.columns.item(row) if row < newest else self.older_items[row - newest]

    @lazy
    def items(self) -> list[Item]:
        """The items of each product's newest version."""
        return list(chain.from_iterable(version.items for version in self.newest))


def _data(metadata: Metadata) -> dict[str, Any]:
    document = metadata.best
    if document is None or not isinstance(document.data, dict):
        return {}
    data: dict[str, Any] = document.data
    try:
        data = expanded(document.data)
    except Exception:  # noqa: BLE001 - the simulation says what is wrong with the aliases
        return data
    return data
