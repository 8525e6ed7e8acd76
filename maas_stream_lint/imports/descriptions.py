"""Pass 1: what is available.

Mirrors ``RepoDumper`` (import_images/download_descriptions.py) over ``BasicMirrorWriter``
(simplestreams/mirrors) by behaviour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.finding import Place
from maas_stream_lint.imports.flat import Claim, FlatItem, Shared, Spec, Walked, text_fields
from maas_stream_lint.imports.rows import Cached
from maas_stream_lint.stream import Failure, expanded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.imports.journal import Journal
    from maas_stream_lint.stream import Stream

FORMATS = ("index:1.0", "products:1.0")
#: Fields that are looked up of each item, in MAAS's order.
NEEDED = ("arch", "release", "label")
NEEDED_OF_BOOTLOADERS = ("arch", "label")


class Descriptions:
    """The walk over all files, and the cache's tuples that come of it."""

    def __init__(self, journal: Journal, stream: Stream, shared: Shared) -> None:
        """Nothing is walked yet. ``shared``: of all legacy imports of the stream."""
        self.journal = journal
        self.stream = stream
        self.shared = shared
        self.signed = not stream.index_path.endswith(".json")
        self.mapping: dict[Spec, Claim] = {}
        self.walked: list[Walked] = []

    def walk(self) -> None:
        """From the index to the newest items."""
        if self.stream.fallback:
            missing = self.stream.files[self.stream.index_path].legacy(signed=self.signed).failure
            assert missing is not None
            self.journal.abort(
                "no-signed-index",
                Place(""),
                missing.exception,
                missing.message,
                ("",),
                values={"path": self.stream.index_path},
            )
            self.signed = False
        self._sync(self.stream.start, (), Place(""))

    def cached(self) -> list[Cached]:
        """What MAAS keeps of all that is available, in the order of its rows, each once."""
        rows: dict[Cached, None] = {}
        for spec, claim in self.mapping.items():
            get = claim.flat.get
            title, codename = get("release_title"), get("release_codename")
            row = Cached(spec[0], spec[4], title, codename, get("support_eol") is not None)
            rows[row] = None
        return list(rows)

    def _sync(self, path: str, above: tuple[str, ...], named: Place) -> None:
        """One file: ``RepoDumper.sync``, which calls itself for what an index names.

        ``named``: the place that names the file.
        """
        frames = (*above, path)
        if path in above:
            self.journal.abort(
                "index-names-itself",
                named,
                "RecursionError",
                "maximum recursion depth exceeded",
                values={"path": path},
            )
            return
        read = self.stream.files.get(path)
        if read is None:
            return  # beyond the number of files that are looked at
        reading = read.legacy(signed=self.signed)
        if reading.failure is not None:
            self._unreadable(path, reading.failure, frames, named)
        if not reading.parsed:
            return
        data = reading.data
        if not isinstance(data, dict):
            kind = type(data).__name__
            self.journal.abort(
                "not-an-object",
                Place(path),
                "AttributeError",
                f"'{kind}' object has no attribute 'get'",
            )
            return
        form = data.get("format", "UNSPECIFIED")
        if not _in(form, FORMATS):
            top = path == self.stream.start
            cause = "index-format" if top and "products" not in data else "file-format"
            at = Place(path, ("format",) if "format" in data else ())
            self.journal.abort(
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
            self.journal.abort(
                "aliases-broken",
                Place(path, ("_aliases",)),
                "RecursionError",
                "maximum recursion depth exceeded",
            )
        except (KeyError, TypeError, ValueError) as error:
            self.journal.abort(
                "aliases-broken", Place(path, ("_aliases",)), type(error).__name__, str(error)
            )
        self._check_format_kept(path, form, data)
        if form == "index:1.0":
            self._sync_index(path, data, frames)
        else:
            self._sync_products(path, data)

    def _check_format_kept(self, path: str, form: str, data: dict[str, Any]) -> None:
        """``check_tree_paths`` goes by the format that aliases leave: it walks what is of that."""
        left = data.get("format")
        if left == form or not _in(left, FORMATS):
            return
        exception, message, member = "KeyError", "'products'", "products"
        if left == "index:1.0":
            exception, message, member = "TypeError", "'NoneType' object is not iterable", "index"
        if member not in data:
            self.journal.abort(
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
        self.journal.abort(
            cause, place, failure.exception, failure.message, frames, values={"path": path}
        )

    def _sync_index(self, path: str, data: dict[str, Any], frames: tuple[str, ...]) -> None:
        """``BasicMirrorWriter.sync_index``: all paths are judged before any file is fetched."""
        index = data.get("index")
        if not isinstance(index, dict):
            kind = type(index).__name__
            self.journal.abort(
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
                self.journal.abort(
                    "entry-not-an-object",
                    at,
                    "AttributeError",
                    f"'{type(entry).__name__}' object has no attribute 'get'",
                    values={"value": entry},
                )
            elif wrong := unsafe_path(entry.get("path")):
                self.journal.abort(
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
                self.journal.drop("entry-path-missing", at)
                continue
            known = _in(entry.get("format"), FORMATS)
            if not isinstance(named, str):
                self.journal.abort(
                    "entry-path-not-text",
                    at.below("path"),
                    "TypeError",
                    "can only concatenate str to str",
                    values={"path": named},
                )
                continue
            if not known:
                where = at.below("format") if "format" in entry else at
                self.journal.drop(
                    "entry-format-missing",
                    where,
                    values={"format": entry.get("format"), "path": named},
                )
                continue
            self._sync(named, frames, at.below("path"))

    def _sync_products(self, path: str, data: dict[str, Any]) -> None:
        """``BasicMirrorWriter.sync_products``: only the newest version of each product."""
        products = data.get("products")
        if not isinstance(products, dict):
            if "products" in data:
                self.journal.abort(
                    "products-not-an-object",
                    Place(path, ("products",)),
                    "AttributeError",
                    f"'{type(products).__name__}' object has no attribute 'items'",
                )
            else:
                self.journal.abort("file-products-missing", Place(path), "KeyError", "'products'")
            products = {}
        sound = self.shared.sound.get(path)
        if sound is None:
            before = len(self.journal.trace.events)
            sound = list(self._sound_products(path, products))
            if len(self.journal.trace.events) == before:
                self.shared.sound[path] = sound
        if "content_id" not in data:
            self.journal.no_content_id(path)
        top = text_fields(data)
        for name, raw in sound:
            if not raw.get("versions"):
                self.journal.drop("no-versions", Place(path, ("products", name)))
                continue
            walked = Walked(self.shared.product(path, name, top, raw))
            self.walked.append(walked)
            self._describe(walked)

    def _sound_products(
        self, path: str, products: dict[str, Any]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """``check_tree_paths``: every version's paths are judged, and what is no object."""
        for name, product in products.items():
            if not isinstance(product, dict):
                self.journal.malformed(
                    "product-not-an-object", Place(path, ("products", name)), product
                )
                continue
            versions = product.get("versions", {})
            if not isinstance(versions, dict):
                self.journal.malformed(
                    "versions-not-an-object", Place(path, ("products", name, "versions")), versions
                )
                continue
            if _all_harmless(versions):
                yield name, product
                continue
            sound = True
            for vername, version in versions.items():
                if not isinstance(version, dict):
                    self.journal.malformed(
                        "version-not-an-object",
                        Place(path, ("products", name, "versions", vername)),
                        version,
                    )
                    sound = False
                    continue
                items = version.get("items")
                if not isinstance(items, dict):
                    if "items" in version:
                        self.journal.malformed(
                            "items-not-an-object",
                            Place(path, ("products", name, "versions", vername, "items")),
                            items,
                        )
                        sound = False
                    continue
                for itemname, item in items.items():
                    if isinstance(item, dict):
                        named = item.get("path")
                        if (
                            named.__class__ is str
                            and named[:1] not in "/."
                            and "/../" not in named
                            and "/.../" not in named
                        ):
                            continue
                        wrong = unsafe_path(named)
                        if wrong is None:
                            continue
                        at = Place(
                            path, ("products", name, "versions", vername, "items", itemname, "path")
                        )
                        self.journal.abort(
                            "unsafe-path-item", at, "TypeError", wrong, values={"path": named}
                        )
                    else:
                        self.journal.malformed(
                            "item-not-an-object",
                            Place(path, ("products", name, "versions", vername, "items", itemname)),
                            item,
                        )
                        sound = False
            if sound:
                yield name, product

    def _describe(self, product: Walked) -> None:
        """The newest version's items, as the cache will offer them."""
        items = product.flat.items(product.flat.newest)
        if not items:
            self.journal.drop(
                "newest-version-empty", product.flat.place.below("versions", product.flat.newest)
            )
            return
        for item in items:
            if not item.usual and not self.journal.checksummed(item):
                product.aborted = True
            elif item.base is not product.claimed and self._acceptable(product, item):
                self._claim(product, item)

    def _acceptable(self, product: Walked, item: FlatItem) -> bool:
        """Whether an item is supported and has the fields that are looked up."""
        if not self.journal.supported(product.flat.name, item):
            product.dropped = True
            return False
        needed = NEEDED_OF_BOOTLOADERS if "bootloader-type" in item.base else NEEDED
        missing = [name for name in needed if name not in item.base]
        for name in missing:
            self.journal.abort(f"missing-{name}", item.place, "KeyError", f"'{name}'")
        product.aborted = product.aborted or bool(missing)
        return not missing

    def _claim(self, product: Walked, item: FlatItem) -> None:
        """``RepoDumper.insert_item``: the tuples an item offers; the last claim of one wins.

        Items with the same fields above them offer the same: the first of them speaks for all.
        """
        product.claimed = item.base
        claim = Claim(item.base, item.place)
        shared, own = _offers(item.base)
        for spec in shared:
            self.mapping.setdefault(spec, claim)
        for spec in own:
            self.mapping[spec] = claim
        product.specs += [*shared, *own]
        if _lacks_release(item.base):
            product.aborted = True
            message = "string index out of range"
            self.journal.abort("empty-release", item.place, "IndexError", message)


def _offers(flat: dict[str, str]) -> tuple[list[Spec], list[Spec]]:
    """The tuples that an item takes if they are free, and those that it takes in any case."""
    os, arch, label = flat.get("os", "ubuntu"), flat["arch"], flat["label"]
    bootloader = flat.get("bootloader-type")
    release = flat["release"] if bootloader is None else bootloader
    kflavor = flat.get("kflavor", "generic") if bootloader is None else "bootloader"
    if os == "ubuntu-core":
        gadget = flat.get("gadget_snap", "generic")
        kernel = flat.get("kernel_snap", "generic")
        return [(os, arch, "generic", kernel, f"{release}-{gadget}", label)], []
    subarch, subarches = flat.get("subarch", "generic"), flat.get("subarches", "generic")
    shared = [(os, arch, s, kflavor, release, label) for s in subarches.split(",")]
    own = [(os, arch, subarch, kflavor, release, label)]
    if os == "ubuntu" and "version" in flat and release:
        kernels = (f"ga-{flat['version']}", f"hwe-{release[0]}")
        if subarch in kernels and "generic" in subarches:
            own.append((os, arch, "generic", kflavor, release, label))
    return shared, own


def _lacks_release(flat: dict[str, str]) -> bool:
    """Whether MAAS asks for the first letter of a release that has none."""
    if flat.get("os", "ubuntu") != "ubuntu" or "version" not in flat:
        return False
    return not flat.get("bootloader-type", flat.get("release"))


def _all_harmless(versions: dict[str, Any]) -> bool:
    """Whether all items are objects with paths that can't leave the tree, told at a glance."""
    try:
        paths = "\n".join([i["path"] for v in versions.values() for i in v["items"].values()])
    except (AttributeError, KeyError, TypeError):
        return False
    return not (paths.startswith("/") or "\n/" in paths or "../" in paths)


def unsafe_path(path: Any) -> str | None:
    """MAAS's words on a path that it refuses, ``None`` for a safe one.

    Mirrors ``assert_safe_path`` (simplestreams/util).
    """
    if path is None or path == "":
        return None
    path = str(path)
    if path.startswith("/"):
        return f"Path '{path}' is absolute path"
    for start in ("../", ".../"):
        if path.startswith(start):
            return f"Path '{path}' starts with '{start}'"
    for part in ("/../", "/.../"):
        if part in path:
            return f"Path '{path}' contains '{part}'"
    return None


def _in(value: Any, options: tuple[str, ...]) -> bool:
    return isinstance(value, str) and value in options
