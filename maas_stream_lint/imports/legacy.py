"""What MAAS up to 3.7 does with a stream: two passes of the simplestreams library, a cache between.

Mirrored by behaviour: ``BasicMirrorWriter`` and ``products_exdata`` (simplestreams),
``RepoDumper`` and ``validate_product`` (import_images/download_descriptions.py), ``_update_cache``
(maasserver/bootsources.py), ``BootResourceRepoWriter`` and ``BootResourceStore``
(maasserver/bootresources.py).

Where MAAS raises, an abort is recorded and the walk goes on as if the cause were mended.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from maas_stream_lint.finding import Path, Place
from maas_stream_lint.imports.answers import SHORT
from maas_stream_lint.imports.trace import Event, Import, Kind, Resource, Trace
from maas_stream_lint.stream import Failure, expanded

if TYPE_CHECKING:
    from maas_stream_lint.imports.answers import Answers
    from maas_stream_lint.stream import Stream

#: Fields that pass 1 looks up, in its order.
NEEDED = ("arch", "release", "label")
NEEDED_OF_BOOTLOADERS = ("arch", "label")
CHECKSUMS = ("md5", "sha256", "sha512")
FORMATS = ("index:1.0", "products:1.0")
IO_ERROR = (
    "I/O error while syncing boot images. If this problem persists, verify network connectivity "
    "and disk usage."
)
UNSIGNED = (
    "Failed to download image descriptions with Simplestreams ({}). Verify network connectivity."
)
NOTHING = "Unable to import boot images, no image descriptions avaliable."  # sic
#: Exceptions that ``RepoDumper.sync`` logs at every level of the index on their way up.
IO_LOG = {"OSError": ("warning", IO_ERROR), "SignatureMissingException": ("error", UNSIGNED)}

#: (os, arch, subarch, kflavor, release, label)
Spec = tuple[str, str, str, str, str, str]
#: What pass 2 finds a product version by: content_id, product_name, version_name.
Key = tuple[str, str, str]


class Claim(NamedTuple):
    """What a tuple of the cache points at: one item's flattened fields, and where they stand."""

    flat: dict[str, str]
    place: Place


class _Item(NamedTuple):
    raw: dict[str, Any]
    flat: dict[str, str]
    place: Place


@dataclass
class _Product:
    """A product of a products file, as pass 2 needs it."""

    name: str
    base: dict[str, str]  #: flattened fields of file and product
    versions: dict[str, Any]
    newest: str
    aborted: bool = False  #: pass 1 stumbled here, so pass 2 can't tell by its claims
    dropped: bool = False  #: pass 1 ignored at least one of its items
    specs: list[Spec] = field(default_factory=list)
    _items: dict[str, list[_Item]] = field(default_factory=dict)

    def level(self, vername: str) -> dict[str, str]:
        """The flattened fields of file, product and version."""
        version = self.versions[vername]
        own = text_fields(version) if len(version) > 1 else {}
        return {**self.base, **own, "version_name": vername}

    def items(self, file: str, vername: str) -> list[_Item]:
        """A version's items, flattened once for both passes."""
        found = self._items.get(vername)
        if found is None:
            base = self.level(vername)
            at = ("products", self.name, "versions", vername, "items")
            found = self._items[vername] = [
                _Item(item, {**base, **text_fields(item), "item_name": key}, Place(file, (*at, key)))
                for key, item in self.versions[vername].get("items", {}).items()
            ]
        return found


@dataclass
class _File:
    """A products file that pass 1 walked."""

    path: str
    content_id: Any
    products: list[_Product]


@dataclass
class _Set:
    """A boot resource set in the making."""

    label: str
    files: dict[str, str] = field(default_factory=dict)  #: file name → ftype


@dataclass
class _Resource:
    kflavor: str | None = None
    sets: dict[str, _Set] = field(default_factory=dict)


def simulate(stream: Stream, answers: Answers) -> Trace:
    """The import of one source, everything selected, nothing stored before."""
    return _Import(stream, answers).run()


class _Import:
    def __init__(self, stream: Stream, answers: Answers) -> None:
        self.stream = stream
        self.ask = answers.ask
        self.trace = Trace(
            (answers.release.line,), strict=False, log={"descriptions": [], "writer": []}
        )
        self.stage = "descriptions"
        self.signed = not stream.index_path.endswith(".json")
        self.mapping: dict[Spec, Claim] = {}
        self.files: list[_File] = []
        self.resources: dict[tuple[str, str, str], _Resource] = {}
        self.aliases: dict[tuple[str, str], str] = {}  # (name, architecture) → its first alias
        self.contents: set[str] = set()
        self.nameless: set[str] = set()  # files whose lack of a content_id is said already

    def run(self) -> Trace:
        if self.stream.fallback:
            missing = self.stream.files[self.stream.index_path].legacy(signed=self.signed).failure
            assert missing is not None
            self._abort("no-signed-index", Place(""), missing.exception, missing.message, ("",))
            self.signed = False
        self._sync(self.stream.start, (), Place(""))
        self.stage = "cache"
        self._cache()
        self.stage = "writer"
        self._write()
        self.trace.resources = [
            Resource(
                " ".join(key[:2]),
                version,
                set_.label,
                resource.kflavor,
                tuple(sorted(set(set_.files.values()))),
            )
            for key, resource in self.resources.items()
            for version, set_ in resource.sets.items()
        ]
        return self.trace

    # -- pass 1: descriptions ---------------------------------------------------------------

    def _sync(self, path: str, above: tuple[str, ...], named: Place) -> None:
        """One file: ``RepoDumper.sync``, which calls itself for what an index names.

        ``named``: the place that names the file.
        """
        frames = (*above, path)
        if path in above:
            self._abort(
                "index-names-itself",
                Place(above[-1]),
                "RecursionError",
                "maximum recursion depth exceeded",
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
            self._abort(
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
            self._abort(
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
            self._abort(
                "aliases-broken",
                Place(path, ("_aliases",)),
                "RecursionError",
                "maximum recursion depth exceeded",
            )
        except (KeyError, TypeError, ValueError) as error:
            self._abort(
                "aliases-broken", Place(path, ("_aliases",)), type(error).__name__, str(error)
            )
        if form == "index:1.0":
            self._sync_index(path, data, frames)
        else:
            self._sync_products(path, data)

    def _unreadable(self, path: str, failure: Failure, frames: tuple[str, ...], named: Place) -> None:
        cause, place = failure.cause, Place(path)
        top = len(frames) == 1
        read = self.stream.files[path]
        if cause == "file-missing":
            place = named
            cause = "index-missing" if top else "entry-file-missing"
            if top and not self.stream.explicit:
                cause = "no-signed-index"
        elif cause == "unsigned-sjson" and not top:
            cause = "mixed-signing-index-signed"
        elif cause == "not-json" and not self.signed and read.signed:
            cause = "mixed-signing-index-plain"
        self._abort(cause, place, failure.exception, failure.message, frames, values={"path": path})

    def _sync_index(self, path: str, data: dict[str, Any], frames: tuple[str, ...]) -> None:
        """``BasicMirrorWriter.sync_index``: all paths are judged before any file is fetched."""
        index = data.get("index")
        if not isinstance(index, dict):
            kind = type(index).__name__
            self._abort(
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
                self._abort(
                    "entry-not-an-object",
                    at,
                    "AttributeError",
                    f"'{type(entry).__name__}' object has no attribute 'get'",
                )
            elif wrong := unsafe_path(entry.get("path")):
                self._abort(
                    "unsafe-path-index",
                    _at(at, "path"),
                    "TypeError",
                    wrong,
                    values={"path": entry["path"]},
                )
            else:
                usable.append((at, entry))
        for at, entry in usable:
            named = entry.get("path")
            if not named:
                self._drop("entry-path-missing", at)
                continue
            known = _in(entry.get("format"), FORMATS)
            if not isinstance(named, str):
                self._abort(
                    "entry-path-not-text",
                    _at(at, "path"),
                    "TypeError",
                    "can only concatenate str to str",
                    values={"path": named},
                )
                continue
            if not known:
                where = _at(at, "format") if "format" in entry else at
                self._drop(
                    "entry-format-missing",
                    where,
                    values={"format": entry.get("format"), "path": named},
                )
                continue
            self._sync(named, frames, _at(at, "path"))

    def _sync_products(self, path: str, data: dict[str, Any]) -> None:
        """``BasicMirrorWriter.sync_products`` with ``RepoDumper.insert_item`` for each newest item."""
        products = data.get("products")
        if not isinstance(products, dict):
            if "products" in data:
                self._abort(
                    "products-not-an-object",
                    Place(path, ("products",)),
                    "AttributeError",
                    f"'{type(products).__name__}' object has no attribute 'items'",
                )
            else:
                self._abort("file-products-missing", Place(path), "KeyError", "'products'")
            products = {}
        sound = list(self._sound_products(path, products))
        if "content_id" not in data:
            self._no_content_id(path)
        top = text_fields(data)
        walked = _File(path, data.get("content_id"), [])
        self.files.append(walked)
        for name, product in sound:
            versions = product.get("versions", {})
            at = Place(path, ("products", name))
            if not versions:
                self._drop("no-versions", at)
                continue
            base = {**top, **text_fields(product), "product_name": name}
            kept = _Product(name, base, versions, max(versions))
            walked.products.append(kept)
            self._describe(kept, Place(path, ("products", name, "versions", kept.newest)))

    def _sound_products(
        self, path: str, products: dict[str, Any]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every item's path is judged, of every version, and what is no object is found: ``check_tree_paths``."""
        for name, product in products.items():
            if not isinstance(product, dict):
                self._malformed("product-not-an-object", Place(path, ("products", name)), product)
                continue
            versions = product.get("versions", {})
            if not isinstance(versions, dict):
                self._malformed(
                    "versions-not-an-object", Place(path, ("products", name, "versions")), versions
                )
                continue
            sound = True
            for vername, version in versions.items():
                if not isinstance(version, dict):
                    self._malformed(
                        "version-not-an-object",
                        Place(path, ("products", name, "versions", vername)),
                        version,
                    )
                    sound = False
                    continue
                items = version.get("items")
                if not isinstance(items, dict):
                    if "items" in version:
                        self._malformed(
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
                        self._abort(
                            "unsafe-path-item", at, "TypeError", wrong, values={"path": named}
                        )
                    else:
                        self._malformed(
                            "item-not-an-object",
                            Place(path, ("products", name, "versions", vername, "items", itemname)),
                            item,
                        )
                        sound = False
            if sound:
                yield name, product

    def _describe(self, product: _Product, at: Place) -> None:
        """The newest version's items, as the cache will offer them."""
        items = product.items(at.file, product.newest)
        if not items:
            self._drop("newest-version-empty", at)
            return
        for item, flat, place in items:
            if item.get("path") and not self._checksummed(item["path"], flat, place):
                product.aborted = True
                continue
            if not self._supported(product.name, flat, place):
                product.dropped = True
                continue
            needed = NEEDED_OF_BOOTLOADERS if "bootloader-type" in flat else NEEDED
            missing = [name for name in needed if name not in flat]
            if missing:
                product.aborted = True
                self._abort(f"missing-{missing[0]}", place, "KeyError", f"'{missing[0]}'")
            else:
                self._claim(product, flat, place)

    def _checksummed(self, path: Any, flat: dict[str, str], at: Place) -> bool:
        """``ChecksummingContentSource``: made for every item with a path, before it is looked at."""
        if not isinstance(path, str):
            self._abort(
                "path-not-text",
                _at(at, "path"),
                "TypeError",
                "can only concatenate str to str",
                values={"path": path},
            )
            return False
        if not any(name in flat for name in CHECKSUMS):
            message = f"provided checksums ({{}}) did not include any allowed ({CHECKSUMS!r})"
            self._abort("missing-sha256", at, "InvalidChecksum", message)
            return False
        size = flat.get("size")
        if size is None:
            self._abort("missing-size", at, "InvalidChecksum", f"Invalid size 'None' at {path}.")
            return False
        try:
            int(size)
        except ValueError as error:
            self._abort(
                "size-not-a-number",
                _at(at, "size"),
                "ValueError",
                str(error),
                values={"size": size},
            )
            return False
        return True

    def _supported(self, product: str, flat: dict[str, str], at: Place) -> bool:
        """``validate_product``: by the raw ``os``, so a product without one passes."""
        os = flat.get("os", "")
        cause = None
        values: dict[str, Any] = {"os": os}
        if "ubuntu" in os.lower() and not (
            os == "ubuntu-core" and self.ask("named", "ubuntu-core", product)
        ):
            if not self.ask("named", "ubuntu", product):
                cause = "ubuntu-core-name" if os == "ubuntu-core" else "ubuntu-name"
        type_ = flat.get("bootloader-type")
        if cause is None and type_ is not None:
            values = {"type": type_, "os": flat.get("os"), "arch": flat.get("arch")}
            if not self.ask("named", "bootloader", product):
                cause = "bootloader-name"
            elif not self.ask("boots", type_, flat.get("os"), flat.get("arch")):
                cause = "bootloader-unsupported"
        if cause is None:
            return True
        line = f"Ignoring unsupported product {product}"
        self.trace.say(self.stage, "warning", line)
        self._drop(cause, at, line, values)
        return False

    def _claim(self, product: _Product, flat: dict[str, str], at: Place) -> None:
        """``RepoDumper.insert_item``: the tuples that the item offers; later claims of ``subarch`` win."""
        os, arch, label = flat.get("os", "ubuntu"), flat["arch"], flat["label"]
        bootloader = flat.get("bootloader-type")
        release = flat["release"] if bootloader is None else bootloader
        kflavor = flat.get("kflavor", "generic") if bootloader is None else "bootloader"
        claim = Claim(flat, at)
        if os == "ubuntu-core":
            gadget = flat.get("gadget_snap", "generic")
            kernel = flat.get("kernel_snap", "generic")
            self._offer(
                product,
                (os, arch, "generic", kernel, f"{release}-{gadget}", label),
                claim,
                first=True,
            )
            return
        subarches = flat.get("subarches", "generic")
        for subarch in subarches.split(","):
            self._offer(product, (os, arch, subarch, kflavor, release, label), claim, first=True)
        subarch = flat.get("subarch", "generic")
        self._offer(product, (os, arch, subarch, kflavor, release, label), claim, first=False)
        version = flat.get("version")
        if os == "ubuntu" and version is not None:
            if not release:
                product.aborted = True
                self._abort("empty-release", at, "IndexError", "string index out of range")
                return
            if subarch in (f"ga-{version}", f"hwe-{release[0]}") and "generic" in subarches:
                self._offer(
                    product, (os, arch, "generic", kflavor, release, label), claim, first=False
                )

    def _offer(self, product: _Product, spec: Spec, claim: Claim, *, first: bool) -> None:
        if first:
            self.mapping.setdefault(spec, claim)
        else:
            self.mapping[spec] = claim
        product.specs.append(spec)

    # -- the cache between the passes -------------------------------------------------------

    def _cache(self) -> None:
        """``_update_cache``: a row a tuple, as far as the database takes it."""
        judged: set[int] = set()
        for spec, claim in self.mapping.items():
            for column, value in zip(
                ("os", "arch", "subarch", "kflavor", "release", "label"), spec, strict=True
            ):
                self._fits("cache-key", column, value, claim)
            if id(claim.flat) in judged:
                continue
            judged.add(id(claim.flat))
            flat = claim.flat
            for column in ("release_codename", "release_title"):
                self._fits("cache-title", column, flat.get(column), claim)
            self._fits("cache-key", "bootloader-type", flat.get("bootloader-type"), claim)
            self._fits(None, "title", product_title(flat), claim)
            eol = flat.get("support_eol")
            if eol is not None and not self.ask("support-eol", eol):
                self._abort(
                    "support-eol-format",
                    claim.place,
                    "ValueError",
                    f"time data '{eol}' does not match format '%Y-%m-%d'",
                    values={"support_eol": eol},
                )

    def _fits(self, limit: str | None, column: str, value: str | None, claim: Claim) -> bool:
        """Whether the database takes a text: its width, no NUL, no lone surrogate."""
        if not value or (len(value) <= SHORT and value.isascii() and value.isprintable()):
            return True
        if limit is None and (value.isprintable() or self.ask("policy", "extras") == "text"):
            return True
        values = {"field": column, "value": value}
        if limit is not None and len(value) > SHORT:
            width = self.ask("too-long", limit, len(value))
            if width is not None:
                cause = "too-long-for-cache" if limit.startswith("cache") else "too-long-to-store"
                self._abort(
                    cause,
                    claim.place,
                    "DataError",
                    f"value too long for type character varying({width})",
                    values={**values, "width": width},
                )
                return False
        if value.isascii():
            if "\0" in value:
                self._abort(
                    "nul-in-text",
                    claim.place,
                    "ValueError",
                    "A string literal cannot contain NUL (0x00) characters.",
                    values=values,
                )
                return False
            return True
        return self._encodes(value, claim, values)

    def _encodes(self, value: str, claim: Claim, values: dict[str, Any]) -> bool:
        try:
            value.encode()
        except UnicodeEncodeError as error:
            self._abort(
                "lone-surrogate-stored",
                claim.place,
                "UnicodeEncodeError",
                str(error),
                values=values,
            )
            return False
        if "\0" in value:
            self._abort(
                "nul-in-text",
                claim.place,
                "ValueError",
                "A string literal cannot contain NUL (0x00) characters.",
                values=values,
            )
            return False
        return True

    # -- pass 2: resources ------------------------------------------------------------------

    def _write(self) -> None:
        """Pass 2 over the same files: ``BootResourceRepoWriter``."""
        if not self.mapping and self.trace.fatal is None:
            self.trace.say("writer", "warning", NOTHING)
            return
        wanted: set[Key] = set()
        for claim in self.mapping.values():
            key = _key(claim.flat)
            if key is None:
                self._no_content_id(claim.place.file)
            else:
                wanted.add(key)
        for walked in self.files:
            for product in walked.products:
                self._write_product(walked, product, wanted)

    def _write_product(self, walked: _File, product: _Product, wanted: set[Key]) -> None:
        at = Place(walked.path, ("products", product.name))
        chosen = None
        for vername in sorted(product.versions, reverse=True):
            key = _key(product.level(vername))
            if key is None:
                self._no_content_id(walked.path)
            elif key in wanted:
                chosen = chosen or vername
        newest = product.versions[product.newest].get("items", {})
        if chosen is None and newest:
            if product.specs and not product.aborted and self.trace.fatal is None:
                self._unmapped(walked.path, product)
                return
            if not product.dropped:
                chosen = product.newest
        if chosen is None:
            return
        items = product.versions[chosen].get("items", {})
        older = chosen != product.newest  # so pass 1 has not judged it
        for item, flat, place in product.items(walked.path, chosen):
            if older and item.get("path") and not self._checksummed(item["path"], flat, place):
                continue
            self._write_item(product.name, chosen, items, item, flat, place)

    def _unmapped(self, path: str, product: _Product) -> None:
        """Silently not imported: no tuple of the cache leads to the product's newest version."""
        at = Place(path, ("products", product.name))
        winners = {s: self.mapping[s].place for s in product.specs}
        others = sorted(
            p.product
            for p in set(winners.values())
            if p.product is not None and (p.file, p.path[:2]) != (path, at.path)
        )
        own = [p for p in winners.values() if p.path[:2] == at.path and p.file == path]
        if own:
            self._drop("identity-overridden", own[0])
        else:
            winner = next(iter(winners.values()))
            self._drop(
                "duplicate-tuple",
                at,
                values={"winner": others[0] if others else None, "place": winner},
            )

    def _write_item(
        self,
        product: str,
        vername: str,
        items: dict[str, Any],
        item: dict[str, Any],
        flat: dict[str, str],
        at: Place,
    ) -> None:
        """``BootResourceRepoWriter.insert_item``."""
        supported = flat.get("maas_supported")
        if supported is not None:
            verdict, wanted = self.ask("maas-supported", supported)
            if verdict == "unparsable":
                self._abort(
                    "maas-supported-unparsable",
                    at,
                    "InvalidVersion",
                    f"Invalid version: '{supported}'",
                    values={"maas_supported": supported},
                )
            elif verdict == "newer":
                line = f"Ignoring {product}, requires a newer version of MAAS({wanted})"
                self.trace.say("writer", "warning", line)
                self._drop("maas-supported-newer", at, line, {"maas_supported": supported})
                return
        ftype = flat.get("ftype")
        if ftype is None:
            self._abort("missing-ftype", at, "KeyError", "'ftype'", values={"key": at.path[-1]})
            return
        if ftype == "notifications":
            self._notify(item, at)
        if ftype == "root-image.gz" and "squashfs" in items:
            self._drop("squashfs-key", at)
        elif not self.ask("ftype", ftype):
            line = f"Ignoring unsupported filetype({ftype}) from {product} {vername}"
            self.trace.say("writer", "warning", line)
            if ftype not in ("manifest", "notifications"):
                self._drop("unknown-ftype", at, line, {"ftype": ftype})
        elif self._supported(product, flat, at):
            self._store(product, vername, flat, at)

    def _notify(self, item: dict[str, Any], at: Place) -> None:
        """``ReleaseNotifications``: exactly three members, whatever their values."""
        if "release_notification" not in item:
            self._abort("release-notification", at, "KeyError", "'release_notification'")
            return
        said = item["release_notification"]
        if not isinstance(said, dict) or set(said) != {"maas_version", "message", "version"}:
            self._abort(
                "release-notification",
                _at(at, "release_notification"),
                "TypeError",
                "ReleaseNotification() got wrong arguments",
            )

    def _store(self, product: str, vername: str, flat: dict[str, str], at: Place) -> None:
        """``BootResourceStore.insert``: resource, set and file."""
        os, bootloader = flat.get("os", "ubuntu"), flat.get("bootloader-type")
        for name in (
            "arch",
            *(() if bootloader is not None and os != "ubuntu-core" else ("release",)),
            "label",
        ):
            if name not in flat:
                self._abort(f"missing-{name}", at, "KeyError", f"'{name}'")
                return
        kflavor, subarch, series = flat.get("kflavor"), "generic", bootloader
        if os == "ubuntu-core":
            if "gadget_snap" not in flat:
                self._abort("ubuntu-core-gadget", at, "KeyError", "'gadget_snap'")
                return
            kflavor, series = (
                flat.get("kernel_snap", "generic"),
                f"{flat['release']}-{flat['gadget_snap']}",
            )
        elif bootloader is None:
            subarch = self.ask("subarch", flat.get("subarch", "generic"), kflavor)
            series = flat["release"]
        claim = Claim(flat, at)
        name, architecture = f"{os}/{series}", f"{flat['arch']}/{subarch}"
        if not self._storable(name, architecture, kflavor, flat, claim):
            return
        if "path" not in flat:
            self._abort("missing-path", at, "KeyError", "'path'")
            return
        if "sha256" not in flat:
            self._abort("missing-sha256", at, "KeyError", "'sha256'", values={"stored": True})
            return
        if not self._file_fits(flat, claim):
            return
        known = flat["sha256"] in self.contents or (name, architecture) in self.aliases
        self.contents.add(flat["sha256"])
        if self._splits(name, architecture, known=known):
            self._abort(
                "slash-in-name",
                at,
                "ValueError",
                "too many values to unpack (expected 2)",
                values={"name": name, "architecture": architecture},
            )
            return
        self._record(name, architecture, kflavor, flat)
        self.trace.imported.append(Import(at.file, product, vername, str(at.path[-1])))

    def _storable(
        self, name: str, architecture: str, kflavor: str | None, flat: dict[str, str], claim: Claim
    ) -> bool:
        """What ``BootResource.save`` and ``BootResourceSet.save`` refuse."""
        rolling = flat.get("rolling")
        if rolling is not None and rolling not in ("True", "False", "t", "f", "1", "0"):
            self._abort(
                "rolling-not-boolean",
                claim.place,
                "ValidationError",
                f"'{rolling}' value must be either True or False.",
                values={"rolling": rolling},
            )
            return False
        version = flat.get("version")
        return all(
            [
                self._fits("resource-name", "os/release", name, claim),
                self._fits("resource-architecture", "arch/subarch", architecture, claim),
                self._fits("resource-kflavor", "kflavor", kflavor, claim),
                self._fits(
                    "resource-alias",
                    "version",
                    f"{flat.get('os', 'ubuntu')}/{version}" if version else None,
                    claim,
                ),
                self._fits("set-version", "version name", flat["version_name"], claim),
                self._fits("set-label", "label", flat["label"], claim),
                *(
                    self._fits(None, extra, flat[extra], claim)
                    for extra in ("subarches", "platform", "supported_platforms")
                    if extra in flat
                ),
            ]
        )

    def _file_fits(self, flat: dict[str, str], claim: Claim) -> bool:
        """What ``BootResourceFile.save`` and its content row refuse."""
        try:
            size = int(flat["size"])
        except KeyError:
            self._abort("missing-size", claim.place, "KeyError", "'size'")
            return False
        except ValueError as error:
            self._abort(
                "size-not-a-number",
                claim.place,
                "ValueError",
                str(error),
                values={"size": flat["size"]},
            )
            return False
        if not -(2**63) <= size < 2**63:
            self._abort(
                "size-out-of-range",
                claim.place,
                "DataError",
                "bigint out of range",
                values={"size": size},
            )
            return False
        extras = ("kpackage", "src_package", "src_release", "src_version", "kparams")
        return all(
            [
                self._fits("file-name", "file name", flat["path"].rsplit("/", 1)[-1], claim),
                self._fits("file-sha256", "sha256", flat["sha256"], claim),
                *(
                    self._fits(None, extra, flat.get(extra), claim)
                    for extra in extras
                    if extra in flat
                ),
            ]
        )

    def _splits(self, name: str, architecture: str, *, known: bool) -> bool:
        """Whether MAAS takes the resource's name apart here and fails: ``get_resource_identity``.

        ``known``: the resource or the file's content is stored already.
        """
        if name.count("/") == 1 and architecture.count("/") == 1:
            return False
        if self.ask("policy", "splits-identity") == "always":
            return name.count("/") != 1
        return known

    def _record(
        self, name: str, architecture: str, kflavor: str | None, flat: dict[str, str]
    ) -> None:
        alias = flat.get("version") or ""
        first = self.aliases.setdefault((name, architecture), alias)
        if alias != first and "alias" not in self.ask("policy", "resource-key"):
            alias = first
        resource = self.resources.setdefault((name, architecture, alias), _Resource())
        resource.kflavor = kflavor
        set_ = resource.sets.setdefault(flat["version_name"], _Set(flat["label"]))
        set_.label = flat["label"]
        if flat["ftype"] == "squashfs":
            set_.files = {n: f for n, f in set_.files.items() if f != "root-image.gz"}
        set_.files[flat["path"].rsplit("/", 1)[-1]] = flat["ftype"]

    def _no_content_id(self, path: str) -> None:
        if path not in self.nameless:
            self.nameless.add(path)
            self._abort("file-content-id", Place(path), "KeyError", "'content_id'")

    # -- events -----------------------------------------------------------------------------

    def _abort(
        self,
        cause: str,
        place: Place,
        exception: str,
        message: str,
        frames: tuple[str, ...] = (),
        *,
        values: dict[str, Any] | None = None,
    ) -> None:
        level_text = IO_LOG.get(exception)
        if level_text is not None:
            for _ in frames:
                self.trace.say(self.stage, level_text[0], level_text[1].format(message))
        self.trace.abort(
            Event(cause, Kind.ABORT, place, self.stage, exception, message, values or {})
        )

    def _drop(
        self,
        cause: str,
        place: Place,
        line: str | None = None,
        values: dict[str, Any] | None = None,
    ) -> None:
        self.trace.events.append(
            Event(cause, Kind.DROP, place, self.stage, None, line, values or {})
        )

    def _malformed(self, cause: str, place: Place, value: Any) -> None:
        kind = type(value).__name__
        self._abort(
            cause,
            place,
            "AttributeError",
            f"'{kind}' object has no attribute 'get'",
            values={"value": value},
        )


def text_fields(level: dict[str, Any]) -> dict[str, str]:
    """The members that flattening keeps: texts as they are, numbers (and booleans) as text.

    Mirrors ``stringitems`` (simplestreams/util).
    """
    return {
        k: v if v.__class__ is str else str(v)
        for k, v in level.items()
        if v.__class__ is str or isinstance(v, (int, float))
    }


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


def product_title(flat: dict[str, str]) -> str | None:
    """The title MAAS shows, if the stream gives one: ``get_product_title`` (maasserver/bootsources.py)."""
    os, release, gadget = flat.get("os_title"), flat.get("release_title"), flat.get("gadget_title")
    if os is None or release is None:
        return None
    return f"{os} {release}" + (f" {gadget}" if gadget is not None else "")


def _key(flat: dict[str, str]) -> Key | None:
    if "content_id" not in flat:
        return None
    return (flat["content_id"], flat["product_name"], flat["version_name"])


def _in(value: Any, options: tuple[str, ...]) -> bool:
    return isinstance(value, str) and value in options


def _at(place: Place, *steps: str) -> Place:
    path: Path = (*place.path, *steps)
    return Place(place.file, path)
