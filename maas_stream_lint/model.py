"""The stream's nodes as rules see them: index entries, files, products, versions, items.

A node refers to the node around it by a weak reference. So Python frees a catalog at once when
nobody uses it any more: it can be as large as the stream.

Fields are looked up as the legacy engine flattens them: item, version, product, file, and the
lowest level wins. So a rule does not have to know the level of a field.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import ReferenceType, ref

from maas_stream_lint.finding import Path, Place
from maas_stream_lint.nature import Nature
from maas_stream_lint.objects import items_of, newest_versions, objects
from maas_stream_lint.rulebook import default_system, is_root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from maas_stream_lint.images.observation import Seen, Wanted
    from maas_stream_lint.rulebook import System
    from maas_stream_lint.stream import Metadata, Stream

#: No file has so many bytes.
TOO_LARGE = 10**18

Node = TypeVar("Node")

if TYPE_CHECKING:
    from functools import cached_property

    lazy = cached_property
else:

    class lazy:  # noqa: N801 - a decorator
        """``functools.cached_property`` without the lock of Python 3.11 and older."""

        def __init__(self, work: Callable[[Any], Any]) -> None:
            """``work``: the method, called once for each object."""
            self.work, self.name, self.__doc__ = work, work.__name__, work.__doc__

        def __get__(self, holder: object | None, of: Any = None) -> Any:
            """Compute the value and keep it in the object, where Python finds it next time."""
            if holder is None:
                return self
            value = holder.__dict__[self.name] = self.work(holder)
            return value


def has_items(version: dict[str, Any]) -> bool:
    """Whether a version names any file."""
    items = version.get("items")
    return isinstance(items, dict) and bool(items)


class Entry:
    """A member of an index's ``index``."""

    __slots__ = ("_index", "content_id", "raw")

    def __init__(self, index: Index, content_id: str, raw: dict[str, Any]) -> None:
        """``raw``: the entry's JSON object."""
        self._index, self.content_id, self.raw = ref(index), content_id, raw

    @property
    def index(self) -> Index:
        """The index that it is in."""
        return _alive(self._index)

    @property
    def place(self) -> Place:
        """Its place."""
        return Place(self.index.path, ("index", self.content_id))

    @property
    def names(self) -> str | None:
        """The path that it names, if that is text."""
        path = self.raw.get("path")
        return path if isinstance(path, str) and path else None


class Index:
    """An index file."""

    def __init__(self, metadata: Metadata, data: dict[str, Any]) -> None:
        """``data``: its JSON object, aliases expanded."""
        self.metadata, self.raw = metadata, data
        self.path = metadata.path

    @property
    def place(self) -> Place:
        """The file."""
        return Place(self.path)

    @lazy
    def entries(self) -> list[Entry]:
        """Its entries that are objects."""
        return [Entry(self, key, raw) for key, raw in objects(self.raw, "index").items()]


class File:
    """A products file."""

    def __init__(self, metadata: Metadata, data: dict[str, Any]) -> None:
        """``data``: its JSON object, aliases expanded."""
        self.metadata, self.raw = metadata, data
        self.path = metadata.path

    @property
    def place(self) -> Place:
        """The file."""
        return Place(self.path)

    @lazy
    def products(self) -> list[Product]:
        """Its products that are objects."""
        return [Product(self, name, raw) for name, raw in objects(self.raw, "products").items()]

    @lazy
    def lower_fields(self) -> set[str]:
        """The fields that newest versions and their items have, of whichever product."""
        items = chain.from_iterable(map(dict.values, self.newest_items))
        return set().union(*filter(None, self.newest), *items)

    @lazy
    def newest(self) -> list[dict[str, Any] | None]:
        """The newest version of each product: the JSON object, ``None`` without one."""
        return newest_versions([product.raw for product in self.products])

    @lazy
    def newest_items(self) -> list[dict[str, dict[str, Any]]]:
        """The items of each product's newest version, by their keys."""
        return items_of(self.newest)


class Product:
    """A product."""

    def __init__(self, file: File, name: str, raw: dict[str, Any]) -> None:
        """``raw``: the product's JSON object."""
        self._file, self.name, self.raw = ref(file), name, raw

    @property
    def file(self) -> File:
        """The products file that it is in."""
        return _alive(self._file)

    @property
    def place(self) -> Place:
        """Its place."""
        return Place(self.file.path, ("products", self.name))

    def at(self, field: str) -> Place:
        """The place of a field; the place of the product if it does not have the field."""
        return (
            Place(self.file.path, ("products", self.name, field))
            if field in self.raw
            else self.place
        )

    @lazy
    def versions(self) -> dict[str, dict[str, Any]]:
        """Its versions that are objects, by name."""
        return objects(self.raw, "versions")

    @lazy
    def newest(self) -> Version | None:
        """The version that MAAS takes: the greatest name as text."""
        if not self.versions:
            return None
        name = max(self.versions)
        return Version(self, name, self.versions[name])

    @property
    def older(self) -> Iterator[Version]:
        """Its other versions, the greatest name first."""
        for name in sorted(self.versions, reverse=True)[1:] if len(self.versions) > 1 else ():
            yield Version(self, name, self.versions[name])

    def get(self, field: str) -> str | None:
        """A field as text: the product's, else the file's, the newest version's or an item's."""
        own = self.raw.get(field)
        if own.__class__ is str:
            return own
        file = self.file
        for holder in self._holders if field in file.lower_fields else (self.raw, file.raw):
            value = holder.get(field)
            if value is not None and (text := _text(value)) is not None:
                return text
        return None

    @lazy
    def _holders(self) -> list[dict[str, Any]]:
        holders = [self.raw, self.file.raw]
        if self.newest is not None:
            holders += [self.newest.raw, *(item.raw for item in self.newest.items)]
        return holders

    @lazy
    def os(self) -> str:
        """Its ``os``. Without one, the ``os`` that MAAS up to 3.7 takes it for."""
        os = self.get("os")
        return default_system() if os is None else os

    @lazy
    def bootloader(self) -> bool:
        """Whether it is a bootloader: has a ``bootloader-type``."""
        return self.get("bootloader-type") is not None

    @lazy
    def nature(self) -> Nature:
        """What it is."""
        newest = self.newest
        held = None if newest is None else tuple([item.ftype for item in newest.items])
        return Nature(self.os, held, bootloader=self.bootloader)

    @property
    def notification(self) -> bool:
        """Whether it is a release notification rather than an image."""
        return self.nature.notification

    @property
    def image(self) -> bool:
        """Whether MAAS can deploy it or commission with it."""
        return not self.bootloader and self.nature.image

    @property
    def ubuntu(self) -> bool:
        """Whether it is plain Ubuntu, which needs kernel, initrd and root image."""
        return self.nature.ubuntu

    @property
    def system(self) -> System:
        """What is known of its ``os``."""
        return self.nature.system


class Version:
    """A product's version."""

    def __init__(self, product: Product, name: str, raw: dict[str, Any]) -> None:
        """``raw``: the version's JSON object."""
        self._product, self.name, self.raw = ref(product), name, raw
        self.itself = ref(self)  # all its items share the one
        self._said: dict[str, str | None] = {}  # what its items ask for is the same for all

    @property
    def product(self) -> Product:
        """The product that it belongs to."""
        return _alive(self._product)

    @property
    def place(self) -> Place:
        """Its place."""
        return Place(self.product.file.path, self.path)

    @property
    def path(self) -> Path:
        """The steps of its path."""
        return ("products", self.product.name, "versions", self.name)

    def get(self, field: str) -> str | None:
        """A field as text, flattened: the version's, else the product's, else the file's."""
        if field not in self._said:
            product, text = self.product, None
            for holder in (self.raw, product.raw, product.file.raw):
                if field in holder and (text := _text(holder[field])) is not None:
                    break
            self._said[field] = text
        return self._said[field]

    @lazy
    def items(self) -> list[Item]:
        """Its items that are objects."""
        return [Item(self, key, raw) for key, raw in objects(self.raw, "items").items()]

    @lazy
    def before(self) -> Version | None:
        """The greatest version below it that has items."""
        versions = self.product.versions
        names = (name for name in sorted(versions, reverse=True) if name < self.name)
        name = next((n for n in names if has_items(versions[n])), None)
        return None if name is None else Version(self.product, name, versions[name])

    @lazy
    def roots(self) -> list[Item]:
        """Its root files, by ftype."""
        return [item for ftype, found in self.ftypes.items() if is_root(ftype) for item in found]

    @lazy
    def ftypes(self) -> dict[str, list[Item]]:
        """Its items by ftype."""
        found: dict[str, list[Item]] = {}
        for item in self.items:
            if item.ftype is not None:
                found.setdefault(item.ftype, []).append(item)
        return found


class Item:
    """A version's item."""

    __slots__ = ("_version", "ftype", "key", "path", "raw")

    def __init__(self, version: Version, key: str, raw: dict[str, Any]) -> None:
        """``raw``: the item's JSON object."""
        self._version, self.key, self.raw = version.itself, key, raw
        #: Its file type, flattened.
        self.ftype: str | None = raw.get("ftype")
        if self.ftype.__class__ is not str:
            self.ftype = self.get("ftype")
        path = raw.get("path")
        #: Its path, if it has one that is text.
        self.path: str | None = path if path.__class__ is str and path else None

    @property
    def version(self) -> Version:
        """The version that it belongs to."""
        return _alive(self._version)

    @property
    def place(self) -> Place:
        """Its place."""
        return Place(self.version.product.file.path, (*self.version.path, "items", self.key))

    def at(self, field: str) -> Place:
        """The place of a field; the place of the item if it does not have the field."""
        place = self.place
        return Place(place.file, (*place.path, field)) if field in self.raw else place

    def get(self, field: str) -> str | None:
        """A field as text, flattened: the item's, else the version's, the product's, the file's."""
        own = self.raw.get(field)
        if own.__class__ is str:
            return own
        text = str(own) if own.__class__ is int else _text(own)
        return self.version.get(field) if text is None else text

    @property
    def size(self) -> int | None:
        """Its size, if that is a whole number below ``TOO_LARGE``."""
        said = self.get("size")
        fits = said is not None and said.isdecimal() and len(said) < len(str(TOO_LARGE))
        return int(said) if said is not None and fits else None


class Whole:
    """The source as a node."""

    def __init__(self, stream: Stream) -> None:
        """The node of one stream."""
        self.stream = stream
        self.place = Place(stream.start if stream.start in stream.files else "")


class Image:
    """An image file as a node: what the inspection saw of it, and the items that name it."""

    def __init__(self, seen: Seen, wanted: Wanted) -> None:
        """Without items."""
        self.seen, self.wanted = seen, wanted
        self.items: list[Item] = []
        #: What each release line meets that requests it, for several rules: by item and line.
        self.met: dict[tuple[int, str], Any] = {}

    @property
    def path(self) -> str:
        """The path in the metadata."""
        return self.seen.path

    @property
    def place(self) -> Place:
        """The first place that names it."""
        return self.items[0].at("path")


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, (int, float)) else None


def _alive(reference: ReferenceType[Node]) -> Node:
    node = reference()
    assert node is not None, "the catalog was let go of"
    return node
