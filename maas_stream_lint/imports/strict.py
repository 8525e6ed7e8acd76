"""What MAAS 3.8 does with a stream: every file must fit one model, then each selection is synced.

Mirrored by behaviour: ``SimpleStreamsClient`` and the pydantic models
(maasservicelayer/simplestreams/client.py, models.py), ``BootSourceCacheBuilder``,
``ImageSyncService`` and ``BootResourceBuilder`` (maasservicelayer/services/image_sync.py,
builders/). The models' fields are data, ``rules/releases/3.8.toml``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from maas_stream_lint.finding import Place
from maas_stream_lint.imports import models
from maas_stream_lint.imports.answers import SHORT, plain
from maas_stream_lint.imports.diagnosis import check_index
from maas_stream_lint.imports.fieldtypes import number
from maas_stream_lint.imports.flat import UNSTORED
from maas_stream_lint.imports.rows import BootResource, Cached, ResourceSet, StoredFile
from maas_stream_lint.imports.trace import Event, Import, Kind, Resource, Trace

if TYPE_CHECKING:
    from maas_stream_lint.imports.answers import Answers
    from maas_stream_lint.rulebook import Shape
    from maas_stream_lint.stream import Stream

#: (os, release, arch)
Selection = tuple[str, str, str]
CLIENT = "SimpleStreamsClientException"
#: A NUL or a surrogate can only come into JSON by an escape.
ODD_ESCAPES = ("\\u0000", "\\ud", "\\uD")
BAD_INDEX = "Got invalid data for the index file"
BAD_FILE = "Got invalid data for the products file"


@dataclass
class _List:
    """A products file that fits a shape, or what of a refused one does."""

    path: str
    shape: Shape
    products: list[models.Product]
    whole: bool = True


#: A boot resource: name, architecture, alias.
Key = tuple[str, str, "str | None"]


@dataclass
class _Made:
    kflavor: str | None
    bootloader: bool
    extra: dict[str, str]


@dataclass
class _Set:
    label: str
    files: dict[tuple[str, str], StoredFile] = field(default_factory=dict)  #: by ftype and name

    @property
    def ftypes(self) -> set[str]:
        return {file.ftype for file in self.files.values()}

    def copy(self) -> _Set:
        return _Set(self.label, dict(self.files))


@dataclass
class _Store:
    resources: dict[Key, _Made] = field(default_factory=dict)
    sets: dict[tuple[Key, str], _Set] = field(default_factory=dict)
    imported: dict[Import, None] = field(default_factory=dict)  #: in order, each once


@dataclass
class _Undo:
    """What a selection has changed."""

    imported: int
    resources: list[Key] = field(default_factory=list)
    sets: dict[tuple[Key, str], _Set | None] = field(default_factory=dict)

    def roll_back(self, store: _Store) -> None:
        for new in list(store.imported)[self.imported :]:
            del store.imported[new]
        for key in self.resources:
            del store.resources[key]
        for at, before in self.sets.items():
            if before is None:
                store.sets.pop(at, None)
            else:
                store.sets[at] = before


class _Refused(Exception):  # noqa: N818 - not an error of ours, but what MAAS's database says
    def __init__(self, event: Event) -> None:
        self.event = event._replace(kind=Kind.SELECTION)


def simulate(stream: Stream, answers: Answers) -> Trace:
    """The sync of one source, everything selected, nothing stored before."""
    return _Sync(stream, answers).run()


class _Sync:
    def __init__(self, stream: Stream, answers: Answers) -> None:
        self.stream = stream
        self.release = answers.release
        self.answers = answers
        self.trace = Trace((answers.release.line,), strict=True)
        self.stage = "metadata"
        self.lists: list[_List] = []
        self.store = _Store()
        self.undo = _Undo(0)
        self.refused: set[tuple[str, Place]] = set()
        self.fine: set[str] = set()  # texts the cache takes: few, and in thousands of rows

    def run(self) -> Trace:
        self._fetch()
        self.stage = "cache"
        for listed in self.lists:
            self._keep(listed)
            for product in listed.products:
                self._cache(listed, product)
        self.stage = "sync"
        for listed in self.lists:
            for product in listed.products:
                self._unwanted(listed, product)
        if self.trace.fatal is None:
            for selection, products in sorted(self._selections().items()):
                self._sync(selection, products)
        self.trace.imported = list(self.store.imported)
        self.trace.resources = [
            Resource(
                f"{key[0]} {key[1]}",
                version,
                set_.label,
                self.store.resources[key].kflavor,
                tuple(sorted(set_.ftypes)),
            )
            for (key, version), set_ in self.store.sets.items()
        ]
        self.trace.rows = self._rows()
        self.trace.cached = self._cached()
        return self.trace

    def _rows(self) -> list[BootResource]:
        sets: dict[Key, list[ResourceSet]] = {}
        for (key, version), set_ in self.store.sets.items():
            files = tuple(set_.files.values())
            sets.setdefault(key, []).append(ResourceSet(version, set_.label, files))
        return [
            BootResource(
                *key[:2], made.kflavor, key[2], made.bootloader, False, made.extra, tuple(sets[key])
            )
            for key, made in self.store.resources.items()
        ]

    def _cached(self) -> list[Cached]:
        rows: dict[Cached, None] = {}
        for listed in self.lists:
            for product in listed.products:
                fields = product.fields
                release = fields.get("bootloader-type", fields.get("release")) or ""
                title, codename = fields.get("release_title"), fields.get("release_codename")
                has_eol = fields.get("support_eol") is not None
                row = Cached(fields["os"], release, title, codename, has_eol)
                rows[row] = None
        return list(rows)

    # -- metadata ---------------------------------------------------------------------------

    def _fetch(self) -> None:
        """``get_all_products``: the index, then all files; one refusal ends the source."""
        if self.stream.fallback:
            read = self.stream.files[self.stream.index_path].strict()
            assert read.failure is not None
            path = self.stream.index_path
            self._abort("no-signed-index", Place(""), CLIENT, read.failure.message, path=path)
        index = self._read(self.stream.start, Place(""))
        if index is None:
            return
        for path, named in self._entries(self.stream.start, index):
            if path in self.stream.files:
                data = self._read(path, named)
                if data is not None:
                    self._produce(path, data)

    def _read(self, path: str, named: Place) -> dict[str, Any] | None:
        read = self.stream.files[path]
        reading = read.strict()
        if reading.failure is not None:
            cause, place = reading.failure.cause, Place(path)
            if cause == "file-missing":
                cause, place = ("entry-file-missing" if named.file else "index-missing"), named
                if not named.file and not self.stream.explicit:
                    cause = "no-signed-index"
            elif cause == "unsigned-file":
                cause = "unsigned-json-on-38" if path.endswith(".json") else "unsigned-sjson"
                if named.file and self.stream.files[named.file].signed:
                    cause = "mixed-signing-index-signed"
            self._abort(cause, place, reading.failure.exception, reading.failure.message, path=path)
        if not reading.parsed:
            return None
        if not isinstance(reading.data, dict):
            kind = type(reading.data).__name__
            self._abort(
                "not-an-object",
                Place(path),
                "TypeError",
                f"argument after ** must be a mapping, not {kind}",
            )
            return None
        data: dict[str, Any] = reading.data
        return data

    def _entries(self, path: str, data: dict[str, Any]) -> list[tuple[str, Place]]:
        """The paths of a valid index, or as many as can be told of another."""
        check = check_index(data, self.release)
        for problem in check.problems:
            self._abort(
                problem.cause,
                Place(path, problem.path),
                problem.exception or CLIENT,
                problem.message or BAD_INDEX,
                **problem.values,
            )
        if check.ok and not check.paths:
            self._abort("index-empty", Place(path), CLIENT, f"No images metadata found in {path}.")
        return [(named, Place(path, at)) for named, at in check.paths]

    def _produce(self, path: str, data: dict[str, Any]) -> None:
        """``SimpleStreamsProductListFactory.produce``."""
        fit = models.fit(data, self.release)
        if fit.shape is not None:
            self.lists.append(_List(path, fit.shape, fit.products))
            return
        if _in_index_form(data):
            self._abort("entry-nested-index", Place(path), CLIENT, BAD_FILE)
            return
        for problem in fit.problems:
            self._abort(
                problem.cause,
                Place(path, problem.path),
                problem.exception or CLIENT,
                problem.message or BAD_FILE,
                **problem.values,
            )
        # As if the bad ones were mended: so that all that is wrong is seen in one run.
        for shape, products in models.sound(data, self.release):
            self.lists.append(_List(path, shape, products, whole=False))

    # -- cache ------------------------------------------------------------------------------

    def _keep(self, listed: _List) -> None:
        """The manifest goes into a jsonb column first, which refuses NUL and lone surrogates."""
        document = self.stream.files[listed.path].strict().document
        if not listed.whole or document is None or "\\" not in document.text:
            return
        if not any(escape in document.text for escape in ODD_ESCAPES):
            return
        for path, value in models.kept_texts(document.data, listed.shape, self.release):
            refused = self._refusal(None, str(path[-1]), value, Place(listed.path, path))
            if refused is not None:
                self.trace.abort(refused)

    def _cache(self, listed: _List, product: models.Product) -> None:
        """``BootSourceCacheBuilder``: a row a subarch, as far as the database takes it."""
        place = Place(listed.path, product.path)
        if not product.versions:
            self._abort("no-versions", place, "IndexError", "list index out of range")
            return
        fields = product.fields
        keys = [(name, fields[name]) for name in ("os", "arch", "label")]
        if listed.shape.name == "bootloader":
            keys.append(("bootloader-type", fields["bootloader-type"]))
        else:
            keys.append(("release", fields["release"]))
            keys += [("subarches", subarch) for subarch in fields["subarches"].split(",")]
            if listed.shape.name == "multi-file":
                keys += [("subarch", fields["subarch"]), ("kflavor", fields.get("kflavor") or "")]
        texts = {value for _, value in keys}
        if not self.fine.issuperset(texts):
            if plain(texts):
                self.fine |= texts
            else:
                for column, value in keys:
                    self._fits_cache("cache-key", column, value, place)
        self._fits_cache("cache-version", "version name", product.newest.name, place)
        for column in ("release_title", "release_codename"):
            if column in listed.shape.product:  # else it is not read, and may be anything
                self._fits_cache("cache-title", column, fields.get(column), place)

    def _fits_cache(self, limit: str, column: str, value: str | None, place: Place) -> None:
        refused = self._refusal(limit, column, value, place)
        if refused is not None:
            self.trace.abort(refused)

    def _refusal(
        self, limit: str | None, column: str, value: str | None, place: Place
    ) -> Event | None:
        """What the database says to a text: too wide, NUL, a lone surrogate."""
        if not value or (len(value) <= SHORT and value.isascii() and value.isprintable()):
            return None
        cause, exception, message = "", "ValueError", ""
        values: dict[str, Any] = {"field": column, "value": value}
        width = (
            self.answers.too_long(limit, len(value))
            if limit is not None and len(value) > SHORT
            else None
        )
        if width is not None:
            cause = "too-long-for-cache" if self.stage == "cache" else "too-long-to-store"
            exception, message = "DataError", f"value too long for type character varying({width})"
            values["width"] = width
        elif "\0" in value:
            cause, message = "nul-in-text", "A string literal cannot contain NUL (0x00) characters."
        elif not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError as error:
                cause, exception, message = (
                    "lone-surrogate-stored",
                    "UnicodeEncodeError",
                    str(error),
                )
        return (
            Event(cause, Kind.ABORT, place, self.stage, exception, message, values)
            if cause
            else None
        )

    # -- sync -------------------------------------------------------------------------------

    def _selections(self) -> dict[Selection, list[tuple[_List, models.Product]]]:
        """Everything there is to select, with what each selection syncs, in the stream's order.

        Bootloaders ride along with each; a stream of bootloaders alone gets one empty selection.
        """

        def selection(product: models.Product) -> Selection:
            return (product.fields["os"], product.fields["release"], product.fields["arch"])

        images = [x for x in self.lists if x.shape.name != "bootloader"]
        found: dict[Selection, list[tuple[_List, models.Product]]] = {
            selection(product): [] for listed in images for product in listed.products
        }
        found = found or {("", "", ""): []}
        for listed in self.lists:
            for product in listed.products:
                if self._unsupported(listed, product) is not None:
                    continue
                if listed.shape.name != "bootloader":
                    found[selection(product)].append((listed, product))
                else:
                    for products in found.values():
                        products.append((listed, product))
        return found

    def _unwanted(self, listed: _List, product: models.Product) -> None:
        """Record what is dropped in silence.

        Mirrors ``filter_products_for_selection`` and ``get_downloadable_files``.
        """
        place = Place(listed.path, product.path)
        cause = self._unsupported(listed, product)
        if cause is not None:
            fields = product.fields
            self._drop(
                cause,
                place,
                type=fields.get("bootloader-type"),
                os=fields["os"],
                arch=fields["arch"],
            )
            return
        if not product.versions:
            return
        newest = product.newest
        for key in newest.items:
            if key not in listed.shape.downloads and key != "manifest":
                at = Place(listed.path, (*product.path, *newest.steps(key)))
                item = newest.items[key]
                ftype = item.get("ftype") if isinstance(item, dict) else None
                if ftype not in UNSTORED:
                    self._drop("item-not-taken", at, key=key, ftype=ftype, shape=listed.shape.name)

    def _unsupported(self, listed: _List, product: models.Product) -> str | None:
        if listed.shape.name == "bootloader":
            if not self.answers.named("bootloader", product.name):
                return "bootloader-name"
            fields = product.fields
            known = self.answers.boots(fields["bootloader-type"], fields["os"], fields["arch"])
            return None if known else "bootloader-unsupported"
        if listed.shape.name == "multi-file" and not self.answers.named("ubuntu", product.name):
            return "ubuntu-name"
        return None

    def _sync(self, selection: Selection, products: list[tuple[_List, models.Product]]) -> None:
        """``SyncSelectionWorkflow``: one transaction, of which nothing is left if it fails."""
        self.undo = _Undo(len(self.store.imported))
        for listed, product in products:
            try:
                self._take(listed, product)
            except _Refused as refused:
                event = refused.event
                self.trace.aborted.setdefault(selection, event)
                if (event.cause, event.place) not in self.refused:
                    self.refused.add((event.cause, event.place))
                    self.trace.events.append(event)
        if selection in self.trace.aborted:
            self.undo.roll_back(self.store)

    def _take(self, listed: _List, product: models.Product) -> None:
        """``get_files_to_download_from_product``."""
        fields, place = product.fields, Place(listed.path, product.path)
        name, architecture, kflavor, alias = self._identity(listed, fields)
        newest = product.newest
        if not plain((name, architecture, alias or "", newest.name)):
            self._refuse("resource-name", "os/release", name, place)
            self._refuse("resource-architecture", "arch/subarch", architecture, place)
            self._refuse("resource-alias", "version", alias, place)
        key = (name, architecture, alias)
        if key not in self.store.resources:
            self.undo.resources.append(key)
            bootloader = listed.shape.name == "bootloader"
            extra = {} if bootloader else {"subarches": fields["subarches"]}
            self.store.resources[key] = _Made(kflavor, bootloader, extra)
        if listed.shape.name != "bootloader" and name.count("/") != 1:
            message = "too many values to unpack (expected 2)"
            raise _refused("slash-in-name", place, "ValueError", message, {"name": name})
        self._refuse("set-version", "version name", newest.name, place)
        set_ = self.store.sets.get((key, newest.name))
        self.undo.sets.setdefault((key, newest.name), set_.copy() if set_ else None)
        if set_ is None:
            set_ = self.store.sets[(key, newest.name)] = _Set(fields["label"])
        for step in listed.shape.downloads:
            item = newest.merged.get(step)
            if item is not None:
                self._take_file(set_, item, product, step, place)
                self.store.imported[Import(listed.path, product.name, newest.name, step)] = None

    def _identity(
        self, listed: _List, fields: dict[str, Any]
    ) -> tuple[str, str, str | None, str | None]:
        """``from_simplestreams_product``: name, architecture, kflavor, alias."""
        os, arch = fields["os"], fields["arch"]
        if listed.shape.name == "bootloader":
            return f"{os}/{fields['bootloader-type']}", f"{arch}/generic", None, None
        alias = f"{os}/{fields['version']}"
        if listed.shape.name == "single-file":
            return f"{os}/{fields['release']}", f"{arch}/{fields['subarch']}", "generic", alias
        kflavor = fields.get("kflavor")
        subarch = self.answers.flavoured(fields["subarch"], kflavor)
        return f"{os}/{fields['release']}", f"{arch}/{subarch}", kflavor, alias

    def _take_file(
        self, set_: _Set, item: dict[str, Any], product: models.Product, step: str, place: Place
    ) -> None:
        ftype, name, sha256 = item["ftype"], item["path"].rsplit("/", 1)[-1], item["sha256"]
        size = number(item["size"])
        if not (
            self.answers.stores(ftype)
            and len(name) <= SHORT
            and (name + sha256).isascii()
            and (name + sha256).isprintable()
            and self.answers.too_long("file-sha256", len(sha256)) is None
            and -(2**63) <= size < 2**63
        ):
            self._refuse_file(ftype, name, sha256, size, place.below(*product.newest.steps(step)))
        if ftype == "squashfs":
            set_.files = {k: f for k, f in set_.files.items() if f.ftype != "root-image.gz"}
        set_.files[(ftype, name)] = StoredFile(
            name, ftype, place.file, product.name, product.newest.name, step
        )

    def _refuse_file(self, ftype: str, name: str, sha256: str, size: int, at: Place) -> None:
        if not self.answers.stores(ftype):
            message = f"'{ftype}' is not a valid BootResourceFileType"
            raise _refused("unknown-ftype", at, "ValueError", message, {"ftype": ftype})
        self._refuse("file-name", "file name", name, at)
        self._refuse("file-sha256", "sha256", sha256, at)
        if not -(2**63) <= size < 2**63:
            message = "bigint out of range"
            raise _refused("size-out-of-range", at, "DataError", message, {"size": size})

    def _refuse(self, limit: str | None, column: str, value: Any, place: Place) -> None:
        if isinstance(value, str):
            event = self._refusal(limit, column, value, place)
            if event is not None:
                raise _Refused(event)

    # -- events -----------------------------------------------------------------------------

    def _abort(self, cause: str, place: Place, exception: str, message: str, **values: Any) -> None:
        self.trace.abort(Event(cause, Kind.ABORT, place, self.stage, exception, message, values))

    def _drop(self, cause: str, place: Place, **values: Any) -> None:
        self.trace.events.append(Event(cause, Kind.DROP, place, self.stage, None, None, values))


def _refused(
    cause: str, place: Place, exception: str, message: str, values: dict[str, Any]
) -> _Refused:
    return _Refused(Event(cause, Kind.SELECTION, place, "sync", exception, message, values))


def _in_index_form(data: dict[str, Any]) -> bool:
    return "index" in data and "products" not in data
