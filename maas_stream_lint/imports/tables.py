"""Products as tables: the engines look once at each column of equal products.

Most products of a file have the same members, all of them texts, and newest versions with items of
the same shape. Such products are a table. Its texts are printable ASCII. Each item of the newest
versions has an ftype, and a path, a sha256 and a size that any MAAS takes. No item or version has a
field that overrides one of the product. Other products are in no table, and the engines look at
each of them.
"""

from __future__ import annotations

from functools import cached_property
from itertools import compress
from operator import getitem, itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

from maas_stream_lint.imports.paths import all_harmless, are_harmless
from maas_stream_lint.objects import are, longest, once

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence

Cell = TypeVar("Cell")

#: Of fewer products it is not worth while to make a table.
LEAST = 8
#: Fields that are looked up of an item only as such; with any other, it overrides its product.
OWN_FIELDS = frozenset(
    (
        *("ftype", "path", "sha256", "md5", "sha512", "size", "kpackage", "kparams"),
        *("src_package", "src_release", "src_version", "release_notification"),
    )
)
#: What a version mostly holds, so that it has no fields of its own.
ITEMS_ALONE = frozenset({"items"})
#: A size below this is one for every column.
HUGE = 10**18
#: Members that make a product a bootloader, or that mean something else inside of a product.
RESERVED = frozenset({"bootloader-type", "product_name", "version_name", "items"})
#: What each item of a table has.
NEEDED = frozenset({"ftype", "path", "sha256", "size"})


class Items:
    """The items of one key, one for each row of a table."""

    def __init__(
        self,
        key: str,
        columns: dict[str, Sequence[Any]],
        part_of: tuple[Items, list[bool]] | None = None,
    ) -> None:
        """``columns``: the members that each item has, each with its values.

        ``part_of``: others, with a flag for each that says whether it is among these.
        """
        self.key, self.columns, self._part_of = key, columns, part_of
        self.paths: Sequence[str] = columns["path"]
        self.sha256s: Sequence[str] = columns["sha256"]
        self.sizes: Sequence[int] = columns["size"]

    @property
    def ftype(self) -> str:
        """The ftype that all of them have."""
        found: str = self.columns["ftype"][0]
        return found

    @cached_property
    def names(self) -> list[str]:
        """The names of their files."""
        if self._part_of is not None:
            whole, flags = self._part_of
            return list(compress(whole.names, flags))
        return once([path.rpartition("/")[2] for path in self.paths])

    @cached_property
    def distinct_names(self) -> frozenset[str]:
        """The same, each once."""
        return frozenset(self.names)

    @cached_property
    def widths(self) -> dict[str, int]:
        """The length of the longest file name and sha256, by the database's column."""
        return {"file-name": longest(self.distinct_names), "file-sha256": longest(self.sha256s)}

    def kept(self, flags: list[bool], *, part: bool) -> Items:
        """Those whose flags are true. ``part``: what is known of all is known of them."""
        kept: dict[str, Sequence[Any]]
        kept = {member: tuple(compress(c, flags)) for member, c in self.columns.items()}
        return Items(self.key, kept, (self, flags) if part else None)


class Table:
    """Products that have the same members, in the order of their file."""

    def __init__(
        self,
        positions: list[int],
        names: list[str],
        raws: list[dict[str, Any]],
        newest: list[str],
        items: tuple[Items, ...],
        part_of: Table | None = None,
    ) -> None:
        """``positions``: among all products of the file. ``newest``: the names of versions."""
        self.positions, self.names, self.raws = positions, names, raws
        self.newest, self.items = newest, items
        self._part_of = part_of
        self.judged: list[Any] = []  #: what was found of all rows (`judged`)

    def __len__(self) -> int:
        """How many products it has."""
        return len(self.raws)

    @cached_property
    def columns(self) -> dict[str, Sequence[Any]]:
        """The members of the products, each with its values."""
        return _transposed(self.raws[0], self.raws) if self.raws else {}

    @cached_property
    def older(self) -> list[Any]:
        """All versions but the newest ones."""
        held = zip(self.columns["versions"], self.newest, strict=True)
        return [
            version
            for versions, newest in held
            if len(versions) > 1
            for name, version in versions.items()
            if name != newest
        ]

    @property
    def whole(self) -> Table:
        """The table that it is a part of, or itself."""
        return self if self._part_of is None else self._part_of

    def of_whole(self, column: Sequence[Cell]) -> Sequence[Cell]:
        """What a column of the whole table has in these rows."""
        return column if self._part_of is None else list(compress(column, self._own))

    @cached_property
    def _own(self) -> list[bool]:
        """For each row of the whole table, whether it is among these."""
        return list(map(set(self.positions).__contains__, self.whole.positions))

    def alike(self, items: Iterable[Items]) -> list[Items]:
        """The items that have the same keys as those of another part."""
        known = {one.key: one for one in self.items}
        return [known[one.key] for one in items]

    def without(self, rows: Collection[int]) -> Table:
        """The part of the table that lacks some rows."""
        return (
            self._kept([row not in rows for row in range(len(self))], self.whole) if rows else self
        )

    def only(self, rows: Collection[int]) -> Table:
        """A table of its own, of some of the rows."""
        return self._kept([row in rows for row in range(len(self))], None)

    def _kept(self, left: list[bool], part_of: Table | None) -> Table:
        return Table(
            list(compress(self.positions, left)),
            list(compress(self.names, left)),
            list(compress(self.raws, left)),
            list(compress(self.newest, left)),
            tuple([items.kept(left, part=part_of is not None) for items in self.items]),
            part_of,
        )


class Products:
    """All products of a file, and those of them that are rows of tables."""

    def __init__(self, raw: dict[str, Any], *, plain: bool) -> None:
        """``plain``: whether all texts of the document are known to be printable ASCII."""
        self.raw = raw
        self.names, self.raws = list(raw), list(raw.values())
        tables = _tables(self.names, self.raws)
        self.tables = [t for t in (_without_odd(t, plain=plain) for t in tables) if len(t)]

    @cached_property
    def odd(self) -> list[int]:
        """The positions of the products that are in no table."""
        return self.others(self.tables)

    @cached_property
    def in_tables(self) -> frozenset[int]:
        """The positions of the products that are in a table."""
        return frozenset().union(*(table.positions for table in self.tables))

    def others(self, tables: Iterable[Table]) -> list[int]:
        """The positions of the products that are in none of some tables."""
        left = [True] * len(self.raws)
        for table in tables:
            for position in table.positions:
                left[position] = False
        return list(compress(range(len(left)), left))


class Tables:
    """The tables of one stream. Both engines, and all release lines, share them."""

    def __init__(self) -> None:
        """None is made yet."""
        self._known: dict[int, Products] = {}

    def of(self, raw: dict[str, Any], *, plain: bool) -> Products:
        """The tables of what stands under ``products``; ``plain`` as in `Products`."""
        found = self._known.get(id(raw))
        if found is None:
            found = self._known[id(raw)] = Products(raw, plain=plain)
        return found


def rows_with(column: Iterable[Any], values: Collection[Any]) -> set[int]:
    """The rows that have one of some values in a column."""
    return {row for row, value in enumerate(column) if value in values} if values else set()


def _tables(names: list[str], raws: list[Any]) -> Iterator[Table]:
    """The products by their members and by the shape of their newest versions."""
    for fields, alike in _split(range(len(raws)), _members(raws)):
        if "versions" in fields and RESERVED.isdisjoint(fields):
            for table in _by_keys(alike, names, raws):
                kinds = list(zip(*(_ftypes(items) for items in table.items), strict=True))
                for kind, rows in _split(range(len(table)), kinds):
                    if None not in kind:
                        yield table if len(rows) == len(table) else table.only(set(rows))


def _by_keys(positions: Sequence[int], names: list[str], raws: list[Any]) -> Iterator[Table]:
    """Products with the same members by the keys of their newest items, and their members."""
    known = [raws[position]["versions"] for position in positions]
    rows = [row for row, held in enumerate(known) if held and held.__class__ is dict]
    newest, holders = _newest(known)
    for keys, alike in _split(rows, [tuple(holders[row]) for row in rows]):
        columns = [list(map(itemgetter(key), [holders[row] for row in alike])) for key in keys]
        kinds = list(zip(*map(_members, columns), strict=True))
        for kind, places in _split(range(len(alike)), kinds) if keys else ():
            if all(map(_is_usual, kind)):
                held = [alike[place] for place in places]
                yield Table(
                    [positions[row] for row in held],
                    [names[positions[row]] for row in held],
                    [raws[positions[row]] for row in held],
                    [newest[row] for row in held],
                    tuple(
                        Items(key, _transposed(members, [column[place] for place in places]))
                        for key, members, column in zip(keys, kind, columns, strict=True)
                    ),
                )


def _newest(known: list[Any]) -> tuple[list[str], list[dict[str, Any]]]:
    """The names of the newest versions, and their items by their keys."""
    if are(known, dict) and all(known):
        newest = list(map(max, known))
        versions = list(map(getitem, known, newest))
        if are(versions, dict) and {*map(tuple, versions)} == {tuple(ITEMS_ALONE)}:
            items = list(map(itemgetter("items"), versions))
            if are(items, dict):
                return newest, items
    newest = [max(held) if held and held.__class__ is dict else "" for held in known]
    return newest, [_holder(held, name) for held, name in zip(known, newest, strict=True)]


def _holder(versions: Any, newest: str) -> dict[str, Any]:
    """The newest version's items by their keys; none if it holds anything else."""
    version = versions[newest] if newest else None
    if version.__class__ is not dict or version.keys() != ITEMS_ALONE:
        return {}
    items: dict[str, Any] = version["items"] if version["items"].__class__ is dict else {}
    return items


def _members(items: list[Any]) -> list[tuple[str, ...]]:
    """The names of each object's members."""
    if are(items, dict):
        return list(map(tuple, items))
    return [tuple(item) if item.__class__ is dict else () for item in items]


def _ftypes(items: Items) -> Sequence[str | None]:
    """The ftype of each item, ``None`` for what is no text."""
    ftypes = items.columns["ftype"]
    if set(map(type, ftypes)) == {str}:
        return ftypes
    return [ftype if ftype.__class__ is str else None for ftype in ftypes]


def _is_usual(members: tuple[str, ...]) -> bool:
    return OWN_FIELDS.issuperset(members) and NEEDED.issubset(members)


def _transposed(names: Iterable[str], holders: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Objects with the same members as columns."""
    return dict(zip(names, zip(*map(dict.values, holders), strict=True), strict=True))


def _split(rows: Sequence[int], kinds: Sequence[Hashable]) -> Iterator[tuple[Any, Sequence[int]]]:
    """Rows by their kind; what is of few rows is left out."""
    if kinds and kinds.count(kinds[0]) == len(kinds) >= LEAST:
        yield kinds[0], rows
        return
    groups: dict[Any, list[int]] = {}
    for row, kind in zip(rows, kinds, strict=True):
        groups.setdefault(kind, []).append(row)
    yield from ((kind, alike) for kind, alike in groups.items() if len(alike) >= LEAST)


def _without_odd(table: Table, *, plain: bool) -> Table:
    """A table without the products that any MAAS would have to look at closely."""
    odd: set[int] = set()
    for field, column in table.columns.items():
        if field != "versions":
            odd |= _other_than(str, column)
    for items in table.items:
        for column in (items.paths, items.sha256s):
            odd |= _other_than(str, column)
        odd |= _other_than(int, items.sizes)
    table = _left(table, odd)
    if not len(table):
        return table
    odd = set()
    for items in table.items:
        sizes = items.sizes
        if min(sizes) <= 0 or max(sizes) >= HUGE:
            odd |= {row for row, size in enumerate(sizes) if not 0 < size < HUGE}
    for column in () if plain else _texts(table):
        if not is_printable(column):
            odd |= {row for row, text in enumerate(column) if not is_printable((text,))}
    versions = table.columns["versions"]
    newest = (path for items in table.items for path in items.paths)
    if not (all_harmless(table.older) and are_harmless(newest)):
        odd |= {row for row, held in enumerate(versions) if not all_harmless(held.values())}
    return _left(table, odd)


def _left(table: Table, odd: set[int]) -> Table:
    return table.only({*range(len(table))}.difference(odd)) if odd else table


def _other_than(wanted: type, column: Sequence[Any]) -> set[int]:
    """The rows whose values are not of a type."""
    if set(map(type, column)) <= {wanted}:
        return set()
    return {row for row, value in enumerate(column) if value.__class__ is not wanted}


def _texts(table: Table) -> Iterator[Sequence[str]]:
    """The columns of texts: the products' own, and those of their newest items."""
    yield table.names
    yield table.newest
    yield from (column for field, column in table.columns.items() if field != "versions")
    for items in table.items:
        for column in items.columns.values():
            yield [value if value.__class__ is str else "" for value in column]


def is_printable(texts: Iterable[str]) -> bool:
    """Whether all texts are printable ASCII."""
    joined = "".join(texts)
    return joined.isascii() and joined.isprintable()
