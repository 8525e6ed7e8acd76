"""The way from the index to the products, which both passes go.

Mirrors ``BasicMirrorWriter`` (simplestreams/mirrors) by behaviour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.finding import Place
from maas_stream_lint.imports.legacy.flattening import text_fields
from maas_stream_lint.imports.legacy.products_file import File
from maas_stream_lint.imports.paths import all_harmless, unsafe_path
from maas_stream_lint.imports.tables import is_printable
from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.stream import Failure, expanded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from maas_stream_lint.imports.legacy.both_passes import PassRecorder
    from maas_stream_lint.imports.legacy.flattening import Shared
    from maas_stream_lint.imports.tables import Table
    from maas_stream_lint.stream import Stream

FORMATS = ("index:1.0", "products:1.0")
#: So many indexes in a chain end every import: each takes at least two calls (``sync`` and
#: ``sync_index``), and Python allows 1,000 within each other (``sys.getrecursionlimit``).
DEEPEST = 500


class _Call(NamedTuple):
    """A call of ``sync``."""

    path: str
    above: tuple[str, ...]  #: the files that lead to it
    named: Place  #: what names it


class Walk:
    """The walk over all files of a source."""

    def __init__(
        self,
        recorder: PassRecorder,
        stream: Stream,
        shared: Shared,
        take: Callable[[File, list[Table]], None],
        visit: Callable[[File, int], None],
    ) -> None:
        """``take``: is called with each products file and its tables, and may take their products.

        ``visit``: is called with the position of each other product that has versions, in order.
        """
        self.recorder = recorder
        self.stream = stream
        self.shared = shared
        self.take, self.visit = take, visit
        self.signed = not stream.index_path.endswith(".json")

    def walk(self) -> None:
        """Go from the index to the last product."""
        if self.stream.fallback:
            missing = self.stream.files[self.stream.index_path].legacy(signed=self.signed).failure
            assert missing is not None
            self.recorder.logged(
                "no-signed-index",
                Place(""),
                missing.exception,
                missing.message,
                ("",),
                values={"path": self.stream.index_path},
            )
            self.signed = False
        # Without recursion, so that no chain of indexes is too long for this tool.
        calls = [iter([_Call(self.stream.start, (), Place(""))])]
        while calls:
            call = next(calls[-1], None)
            if call is None:
                calls.pop()
            elif (named := self._sync(*call)) is not None:
                calls.append(named)

    def _sync(self, path: str, above: tuple[str, ...], named: Place) -> Iterator[_Call] | None:
        """One file: ``RepoDumper.sync``. For an index, the calls for what it names.

        ``named``: the place that names the file.
        """
        frames = (*above, path)
        if len(above) == DEEPEST:
            self.recorder.abort(
                "index-chain-too-deep",
                Place(path),
                "RecursionError",
                "maximum recursion depth exceeded",
                values={"depth": DEEPEST},
            )
        if path in above:
            self.recorder.abort(
                "index-names-itself",
                named,
                "RecursionError",
                "maximum recursion depth exceeded",
                values={"path": path},
            )
            return None
        read = self.stream.files.get(path)
        if read is None:
            return None  # beyond the number of files that are looked at
        reading = read.legacy(signed=self.signed)
        if reading.failure is not None:
            self._unreadable(path, reading.failure, frames, named)
        if not reading.parsed:
            return None
        data = reading.data
        if not isinstance(data, dict):
            kind = type(data).__name__
            self.recorder.abort(
                "not-an-object",
                Place(path),
                "AttributeError",
                f"'{kind}' object has no attribute 'get'",
            )
            return None
        form = data.get("format", "UNSPECIFIED")
        if not _in(form, FORMATS):
            top = path == self.stream.start
            cause = "index-format" if top and "products" not in data else "file-format"
            at = Place(path, ("format",) if "format" in data else ())
            self.recorder.abort(
                cause,
                at,
                "TypeError",
                f"Unknown format '{form}' in '{path}'",
                values={"format": data.get("format")},
            )
            form = "products:1.0" if "products" in data else "index:1.0"
        try:
            data = expanded(data)
        except RecursionError:
            self.recorder.abort(
                "aliases-broken",
                Place(path, ("_aliases",)),
                "RecursionError",
                "maximum recursion depth exceeded",
            )
        except (KeyError, TypeError, ValueError) as error:
            self.recorder.abort(
                "aliases-broken", Place(path, ("_aliases",)), type(error).__name__, str(error)
            )
        self._check_format_kept(path, form, data)
        if form == "index:1.0":
            return self._sync_index(path, data, frames)
        document = reading.document
        self._sync_products(path, data, plain=document is not None and document.plain)
        return None

    def _check_format_kept(self, path: str, form: str, data: dict[str, Any]) -> None:
        """``check_tree_paths`` goes by the format that aliases leave: it walks what is of that."""
        left = data.get("format")
        if left == form or not _in(left, FORMATS):
            return
        exception, message, member = "KeyError", "'products'", "products"
        if left == "index:1.0":
            exception, message, member = "TypeError", "'NoneType' object is not iterable", "index"
        if member not in data:
            self.recorder.abort(
                "aliases-broken",
                Place(path, ("_aliases",)),
                exception,
                message,
                values={"format": left},
            )

    def _unreadable(
        self, path: str, failure: Failure, frames: tuple[str, ...], named: Place
    ) -> None:
        cause, place = failure.cause, Place(path)
        top = len(frames) == 1
        read = self.stream.files[path]
        if cause == "file-missing":
            place = named
            cause = "index-missing" if top else "entry-file-missing"
            if top and not self.stream.explicit:
                cause = "no-signed-index"
        elif cause == "unsigned-sjson" and self.stream.files[self.stream.start].signed:
            cause = "mixed-signing-index-signed"
        elif cause == "not-json" and not self.signed and read.signed:
            cause = "mixed-signing-index-plain"
        self.recorder.logged(
            cause, place, failure.exception, failure.message, frames, values={"path": path}
        )

    def _sync_index(
        self, path: str, data: dict[str, Any], frames: tuple[str, ...]
    ) -> Iterator[_Call]:
        """``BasicMirrorWriter.sync_index``: all paths are judged before any file is fetched."""
        index = data.get("index")
        if not isinstance(index, dict):
            kind = type(index).__name__
            self.recorder.abort(
                "index-empty",
                Place(path, ("index",)),
                "TypeError",
                f"'{kind}' object is not iterable",
                values={"index": index},
            )
            return
        usable = []
        for content_id, entry in index.items():
            at = Place(path, ("index", content_id))
            if not isinstance(entry, dict):
                self.recorder.abort(
                    "entry-not-an-object",
                    at,
                    "AttributeError",
                    f"'{type(entry).__name__}' object has no attribute 'get'",
                    values={"value": entry},
                )
            elif wrong := unsafe_path(entry.get("path")):
                self.recorder.abort(
                    "unsafe-path-index",
                    at.below("path"),
                    "TypeError",
                    wrong,
                    values={"path": entry["path"]},
                )
            else:
                usable.append((at, entry))
        for at, entry in usable:
            named = entry.get("path")
            if not named:
                self.recorder.drop("entry-path-missing", at)
                continue
            known = _in(entry.get("format"), FORMATS)
            if not isinstance(named, str):
                self.recorder.abort(
                    "entry-path-not-text",
                    at.below("path"),
                    "TypeError",
                    "can only concatenate str to str",
                    values={"path": named},
                )
                continue
            if not known:
                where = at.below("format") if "format" in entry else at
                self.recorder.drop(
                    "entry-format-missing",
                    where,
                    values={"format": entry.get("format"), "path": named},
                )
                continue
            yield _Call(named, frames, at.below("path"))

    def _sync_products(self, path: str, data: dict[str, Any], *, plain: bool) -> None:
        """``BasicMirrorWriter.sync_products``: only the newest version of each product.

        ``plain``: whether all texts of the file are known to be printable ASCII.
        """
        products = data.get("products")
        if not isinstance(products, dict):
            if "products" in data:
                self.recorder.abort(
                    "products-not-an-object",
                    Place(path, ("products",)),
                    "AttributeError",
                    f"'{type(products).__name__}' object has no attribute 'items'",
                )
            else:
                self.recorder.abort("file-products-missing", Place(path), "KeyError", "'products'")
            products = {}
        top = text_fields(data)
        file = File(path, top, self.shared.tables.of(products, plain=plain))
        # A table's texts are printable ASCII; so must be those that its products get from above.
        self.take(file, file.products.tables if plain or is_printable(top.values()) else [])
        sound = self.shared.sound.get(path)
        if sound is None:
            before = len(self.recorder.trace.events)
            sound = {position for position in file.products.odd if self._is_whole(file, position)}
            if len(self.recorder.trace.events) == before:
                self.shared.sound[path] = sound
        if "content_id" not in data:
            self.recorder.no_content_id(path)
        odd = set(file.products.odd)
        for position in file.products.others(plain.table for plain in file.plains):
            if position in odd and position not in sound:
                continue
            if file.products.raws[position].get("versions"):
                self.visit(file, position)
            else:
                name = file.products.names[position]
                self.recorder.drop("no-versions", Place(path, ("products", name)))

    def _is_whole(self, file: File, position: int) -> bool:
        """``check_tree_paths``: every version's paths are judged, and what is no object."""
        path, name = file.path, file.products.names[position]
        product = file.products.raws[position]
        if not isinstance(product, dict):
            at = Place(path, ("products", name))
            self.recorder.malformed("product-not-an-object", at, product)
            return False
        versions = product.get("versions", {})
        if not isinstance(versions, dict):
            at = Place(path, ("products", name, "versions"))
            self.recorder.malformed("versions-not-an-object", at, versions)
            return False
        if all_harmless(versions.values()):
            return True
        sound = [self._is_sound(path, name, *version) for version in versions.items()]
        return all(sound)  # not before all of them have been looked at

    def _is_sound(self, path: str, name: str, vername: str, version: Any) -> bool:
        """Whether a version's items can be walked. Records what cannot, and each unsafe path."""
        at = Place(path, ("products", name, "versions", vername))
        if not isinstance(version, dict):
            self.recorder.malformed("version-not-an-object", at, version)
            return False
        items = version.get("items")
        if not isinstance(items, dict):
            if "items" in version:
                self.recorder.malformed("items-not-an-object", at.below("items"), items)
            return "items" not in version
        sound = True
        for itemname, item in items.items():
            if not isinstance(item, dict):
                where = at.below("items", itemname)
                self.recorder.malformed("item-not-an-object", where, item)
                sound = False
            elif (wrong := unsafe_path(item.get("path"))) is not None:
                where = at.below("items", itemname, "path")
                values = {"path": item["path"]}
                self.recorder.abort("unsafe-path-item", where, "TypeError", wrong, values=values)
        return sound


def _in(value: Any, options: tuple[str, ...]) -> bool:
    return isinstance(value, str) and value in options
