"""The sync: what each selection records for download.

Mirrors ``ImageSyncService`` and ``BootResourceBuilder`` (3.8,
maasservicelayer/services/image_sync.py, builders/) by behaviour.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from maas_stream_lint.finding import Place
from maas_stream_lint.imports.columns import SHORT, plain, refusal
from maas_stream_lint.imports.identity import BOOTLOADER, IMAGE, LONE_ROOT, Identity, identity
from maas_stream_lint.imports.rows import BootResource, Cached, ResourceSet, StoredFile
from maas_stream_lint.imports.strict.fieldtypes import number
from maas_stream_lint.imports.trace import Event, Import, Kind, Resource
from maas_stream_lint.rulebook import unmissed_ftypes

if TYPE_CHECKING:
    from maas_stream_lint.imports.recorder import Recorder
    from maas_stream_lint.imports.strict.fetch import Listed
    from maas_stream_lint.imports.strict.fitting import Product

#: (os, release, arch)
Selection = tuple[str, str, str]

#: A boot resource: name, architecture, alias.
Key = tuple[str, str, "str | None"]


@dataclass
class _Set:
    label: str
    files: dict[tuple[str, str], StoredFile] = field(default_factory=dict)  #: by ftype and name

    @property
    def ftypes(self) -> set[str]:
        return {file.ftype for file in self.files.values()}

    def copy(self) -> _Set:
        return _Set(self.label, dict(self.files))


class _Made(NamedTuple):
    """A boot resource, as its first product makes it."""

    kflavor: str | None
    bootloader: bool
    extra: dict[str, str]


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
        self.event = event


class Sync:
    """The sync of one source, everything selected, nothing stored before."""

    def __init__(self, recorder: Recorder, lists: list[Listed]) -> None:
        """``lists``: what the source has."""
        self.recorder = recorder
        self.lists = lists
        self.unmissed = unmissed_ftypes()
        self.supersedes: dict[str, str] = recorder.answers.policy("supersedes")
        self.store = _Store()
        self.undo = _Undo(0)
        self.refused: set[tuple[str, Place]] = set()

    def run(self) -> None:
        """Sync every selection, one after the other."""
        for listed in self.lists:
            for product in listed.products:
                self._unwanted(listed, product)
        if self.recorder.trace.fatal is None:
            for selection, products in sorted(self._selections().items()):
                self._sync(selection, products)
        self.recorder.trace.imported = list(self.store.imported)
        self.recorder.trace.resources = self._resources()
        self.recorder.trace.rows = self._rows()
        self.recorder.trace.cached = self._cached()

    def _resources(self) -> list[Resource]:
        resources = self.store.resources
        return [
            Resource(
                f"{key[0]} {key[1]}",
                version,
                set_.label,
                resources[key].kflavor,
                tuple(sorted(set_.ftypes)),
            )
            for (key, version), set_ in self.store.sets.items()
        ]

    def _rows(self) -> list[BootResource]:
        sets: dict[Key, list[ResourceSet]] = {}
        for (key, version), set_ in self.store.sets.items():
            files = tuple(set_.files.values())
            sets.setdefault(key, []).append(ResourceSet(version, set_.label, files))
        return [
            BootResource(
                *key[:2],
                made.kflavor,
                key[2],
                bootloader=made.bootloader,
                rolling=False,  # a product's `rolling` is not read
                extra=made.extra,
                sets=tuple(sets[key]),
            )
            for key, made in self.store.resources.items()
        ]

    def _cached(self) -> list[Cached]:
        """What MAAS keeps of all that is available, in the order of its rows, each once."""
        rows: dict[Cached, None] = {}
        for listed in self.lists:
            for product in listed.products:
                get = product.fields.get
                release = get("bootloader-type") if listed.bootloaders else get("release")
                title, codename = get("release_title"), get("release_codename")
                has_eol = get("support_eol") is not None
                rows[Cached(get("os") or "", release or "", title, codename, has_eol)] = None
        return list(rows)

    def _selections(self) -> dict[Selection, list[tuple[Listed, Product]]]:
        """Everything there is to select, with what each selection syncs, in the stream's order.

        Bootloaders ride along with each; a stream of bootloaders alone gets one empty selection.
        """

        def selection(product: Product) -> Selection:
            return (product.fields["os"], product.fields["release"], product.fields["arch"])

        images = [x for x in self.lists if not x.bootloaders]
        found: dict[Selection, list[tuple[Listed, Product]]] = {
            selection(product): [] for listed in images for product in listed.products
        }
        found = found or {("", "", ""): []}
        for listed in self.lists:
            for product in listed.products:
                if self._unsupported(listed, product) is not None:
                    continue
                if not listed.bootloaders:
                    found[selection(product)].append((listed, product))
                else:
                    for products in found.values():
                        products.append((listed, product))
        return found

    def _unwanted(self, listed: Listed, product: Product) -> None:
        """Record what is dropped in silence.

        Mirrors ``filter_products_for_selection`` and ``get_downloadable_files``.
        """
        place = Place(listed.path, product.path)
        cause = self._unsupported(listed, product)
        if cause is not None:
            fields = product.fields
            values = {
                "type": fields.get("bootloader-type"),
                "os": fields["os"],
                "arch": fields["arch"],
            }
            self.recorder.drop(cause, place, values=values)
            return
        if not product.versions:
            return
        newest = product.newest
        for key in newest.items:
            if key not in listed.shape.downloads and key not in self.unmissed:
                at = Place(listed.path, (*product.path, *newest.steps(key)))
                item = newest.items[key]
                ftype = item.get("ftype") if isinstance(item, dict) else None
                if ftype not in self.unmissed:
                    values = {"key": key, "ftype": ftype, "shape": listed.shape.name}
                    self.recorder.drop("item-not-taken", at, values=values)

    def _unsupported(self, listed: Listed, product: Product) -> str | None:
        if listed.bootloaders:
            if not self.recorder.answers.named("bootloader", product.name):
                return "bootloader-name"
            fields = product.fields
            known = self.recorder.answers.boots(
                fields["bootloader-type"], fields["os"], fields["arch"]
            )
            return None if known else "bootloader-unsupported"
        if listed.sets and not self.recorder.answers.named("ubuntu", product.name):
            return "ubuntu-name"
        return None

    def _sync(self, selection: Selection, products: list[tuple[Listed, Product]]) -> None:
        """``SyncSelectionWorkflow``: one transaction, of which nothing is left if it fails."""
        self.undo = _Undo(len(self.store.imported))
        for listed, product in products:
            try:
                self._take(listed, product)
            except _Refused as refused:
                event = refused.event
                self.recorder.trace.aborted.setdefault(selection, event)
                if (event.cause, event.place) not in self.refused:
                    self.refused.add((event.cause, event.place))
                    self.recorder.trace.events.append(event)
        if selection in self.recorder.trace.aborted:
            self.undo.roll_back(self.store)

    def _take(self, listed: Listed, product: Product) -> None:
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
            kept = self.recorder.answers.policy("resource-extra")
            extra = {} if listed.bootloaders else {field: fields[field] for field in kept}
            self.store.resources[key] = _Made(kflavor, listed.bootloaders, extra)
        if not listed.bootloaders and name.count("/") != 1:
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

    def _identity(self, listed: Listed, product: dict[str, Any]) -> Identity:
        """``from_simplestreams_product``: only what is in the model is read."""
        kind = BOOTLOADER if listed.bootloaders else IMAGE if listed.sets else LONE_ROOT
        read = listed.shape.product

        def fields(name: str) -> str | None:
            return product.get(name) if name in read else None

        return identity(kind, product["os"], fields, self._flavoured)

    def _flavoured(self, subarch: str, kflavor: str | None) -> str:
        joined: str = self.recorder.answers.flavoured(subarch, kflavor)
        return joined

    def _take_file(
        self, set_: _Set, item: dict[str, Any], product: Product, step: str, place: Place
    ) -> None:
        ftype, name, sha256 = item["ftype"], item["path"].rsplit("/", 1)[-1], item["sha256"]
        size = number(item["size"])
        if not (
            self.recorder.answers.stores(ftype)
            and len(name) <= SHORT
            and (name + sha256).isascii()
            and (name + sha256).isprintable()
            and self.recorder.answers.too_long("file-sha256", len(sha256)) is None
            and -(2**63) <= size < 2**63
        ):
            self._refuse_file(ftype, name, sha256, size, place.below(*product.newest.steps(step)))
        if ftype in self.supersedes:
            gone = self.supersedes[ftype]
            set_.files = {key: file for key, file in set_.files.items() if file.ftype != gone}
        version = product.newest.name
        set_.files[(ftype, name)] = StoredFile(name, ftype, place.file, product.name, version, step)

    def _refuse_file(self, ftype: str, name: str, sha256: str, size: int, at: Place) -> None:
        if not self.recorder.answers.stores(ftype):
            message = f"'{ftype}' is not a valid BootResourceFileType"
            raise _refused("unknown-ftype", at, "ValueError", message, {"ftype": ftype})
        self._refuse("file-name", "file name", name, at)
        self._refuse("file-sha256", "sha256", sha256, at)
        if not -(2**63) <= size < 2**63:
            message = "bigint out of range"
            raise _refused("size-out-of-range", at, "DataError", message, {"size": size})

    def _refuse(self, limit: str | None, field: str, value: Any, place: Place) -> None:
        if isinstance(value, str):
            refused = refusal(self.recorder.answers, limit, value)
            if refused is not None:
                values = refused.values(field, value)
                raise _refused(refused.cause, place, refused.exception, refused.message, values)


def _refused(
    cause: str, place: Place, exception: str, message: str, values: dict[str, Any]
) -> _Refused:
    return _Refused(Event(cause, Kind.SELECTION, place, "sync", exception, message, values))
