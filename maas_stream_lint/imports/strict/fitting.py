"""Products and versions that fit a shape, and what of them MAAS keeps."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from maas_stream_lint.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from maas_stream_lint.finding import Path
    from maas_stream_lint.imports.tables import Table
    from maas_stream_lint.rulebook import Release, Shape


class Version(NamedTuple):
    """The newest version of a product that fits."""

    name: str
    step: str | int  #: where it stands under ``versions``
    items: dict[str, Any]  #: what stands under ``items``
    merged: dict[str, Any]  #: the same beside the version's own members, as the model reads it

    def steps(self, key: str) -> Path:
        """The way from the product to an item."""
        inside: Path = ("items", key) if key in self.items else (key,)
        return ("versions", self.step, *inside)


class Product(NamedTuple):
    """A product that fits a shape."""

    name: str
    path: Path
    fields: dict[str, Any]
    versions: tuple[Version, ...]  #: only the newest

    @property
    def newest(self) -> Version:
        """The version MAAS takes: the greatest name as text."""
        return self.versions[0]


class Fitting:
    """The products of a file that fit a shape: rows of tables, and each that was looked at."""

    def __init__(
        self, tables: Iterable[Table] = (), single: dict[int, Product] | None = None
    ) -> None:
        """``single``: by its position in the file."""
        self.tables = list(tables)
        self.single = {} if single is None else single

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.tables or self.single)

    @property
    def first(self) -> int:
        """The position of the first one."""
        return min([*self.single, *(table.positions[0] for table in self.tables)])

    @cached_property
    def products(self) -> list[Product]:
        """All of them, in the order of the file."""
        return [product for _, product in sorted(self.others(()).items())]

    def others(self, tables: Iterable[Table]) -> dict[int, Product]:
        """Those that are in none of some tables, by their positions."""
        known = {position for table in tables for position in table.positions}
        rows = (
            (position, row_of(table, row))
            for table in self.tables
            if not known.issuperset(table.positions)
            for row, position in enumerate(table.positions)
            if position not in known
        )
        return {**self.single, **dict(rows)}

    def values(self, *fields: str) -> Iterator[tuple[Any, ...]]:
        """What stands together in some fields that all products have."""
        for product in self.single.values():
            yield tuple(product.fields[field] for field in fields)
        for table in self.tables:
            yield from zip(*(table.columns[field] for field in fields), strict=True)


def row_of(table: Table, row: int) -> Product:
    """A row of a table that fits."""
    name, version, raw = table.names[row], table.newest[row], table.raws[row]
    items = raw["versions"][version]["items"]
    return Product(name, ("products", name), raw, (Version(version, version, items, items),))


def kept_texts(data: dict[str, Any], shape: Shape, release: Release) -> Iterator[tuple[Path, str]]:
    """The texts of a fitting products file that MAAS stores: the models' own members."""
    yield from _texts(data, release.models["file"], ())
    for step, name, product in _each(data["products"], "product_name"):
        at: Path = ("products", step)
        yield at, name
        yield from _texts(product, shape.product, at)
        for place, vername, version in _each(product["versions"], "version_name"):
            below: Path = (*at, "versions", place)
            yield below, vername
            items = version.get("items", {})
            for key in shape.item_keys:
                item = items.get(key, version.get(key))
                if isinstance(item, dict):
                    inside: Path = ("items", key) if key in items else (key,)
                    yield from _texts(item, shape.item, (*below, *inside))


def _each(holder: Any, member: str) -> Iterator[tuple[str | int, str, dict[str, Any]]]:
    """What an object holds by name, or a list by a member: its step, its name and itself."""
    if isinstance(holder, dict):
        yield from ((name, name, value) for name, value in holder.items())
    else:
        yield from ((step, value[member], value) for step, value in enumerate(holder))


def _texts(holder: dict[str, Any], fields: dict[str, str], at: Path) -> Iterator[tuple[Path, str]]:
    for name in fields:
        if isinstance(holder.get(name), str):
            yield (*at, name), holder[name]
