"""The sync: what each selection records for download.

Mirrors ``ImageSyncService`` and ``BootResourceBuilder`` (3.8,
maasservicelayer/services/image_sync.py, builders/) by behaviour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.finding import Place
from maas_stream_lint.imports.columns import SHORT, refusal
from maas_stream_lint.imports.identity import BOOTLOADER, IMAGE, LONE_ROOT, Identity, identity
from maas_stream_lint.imports.rows import Cached
from maas_stream_lint.imports.stored import HeldFile, HeldResource, HeldSet
from maas_stream_lint.imports.stored_batch import Run
from maas_stream_lint.imports.strict.fieldtypes import number
from maas_stream_lint.imports.strict.fitting import row_of
from maas_stream_lint.imports.tables import rows_with
from maas_stream_lint.imports.trace import Event, Import, Kind
from maas_stream_lint.rulebook import unmissed_ftypes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from maas_stream_lint.imports.recorder import Recorder
    from maas_stream_lint.imports.situation import Row
    from maas_stream_lint.imports.stored import Key, Stored
    from maas_stream_lint.imports.strict.fetch import Listed
    from maas_stream_lint.imports.strict.fitting import Product
    from maas_stream_lint.imports.tables import Table

    #: What a selection syncs: a product, or rows of tables that follow each other.
    Part = tuple[Listed, Product] | Run

#: (os, release, arch)
Selection = tuple[str, str, str]
SELECTION = ("os", "release", "arch")  #: the fields that it is made of


class _Refused(Exception):  # noqa: N818 - not an error of ours, but what MAAS says
    def __init__(self, event: Event) -> None:
        self.event = event


class Sync:
    """The sync of one source's selections."""

    def __init__(
        self,
        recorder: Recorder,
        lists: list[Listed],
        stored: Stored,
        source: str = "",
        turn: int = 1,
    ) -> None:
        """``lists``: what the source has. ``turn``: the number of the import."""
        self.recorder = recorder
        self.lists = lists
        self.stored = stored
        self.source = source
        self.turn = turn
        self.unmissed = unmissed_ftypes()
        self.sizes = recorder.answers.sizes()
        self.supersedes: dict[str, str] = recorder.answers.policy("supersedes")
        self.suitable: set[Selection] = set()  #: all that is selected, in whichever source
        self.imported: dict[Import | Run, None] = {}  #: in order, each once
        self.pending: list[tuple[HeldSet, HeldFile]] = []  #: what the last selection waits for
        self._undo: list[tuple[Callable[..., object], tuple[Any, ...]]] = []
        self._dropped: dict[str, bool] = {}  # by sha256: whether its bytes were there
        self._usual: set[tuple[str, int]] = set()  # file types with lengths of sha256 that fit
        #: By the id of a batch: what it is made of.
        self.tables: dict[int, tuple[Listed, Table]] = {}
        self._laid: set[tuple[str, str]] = set()  # products whose rows were stored as such
        self._keys: set[tuple[str, tuple[str, ...]]] = set()  # shapes with item keys: none is lost
        self._loaders: dict[int, Identity] = {}  # by the id of their products
        self._settled: dict[Key, Product] = {}  # to take it again changes nothing
        self._refused: set[tuple[str, Place]] = set()

    def products(self, wanted: set[Selection]) -> dict[Selection, list[tuple[Listed, Product]]]:
        """What each selection syncs, in the stream's order. Bootloaders ride along with each.

        Mirrors ``filter_products_for_selection``.
        """
        found: dict[Selection, list[tuple[Listed, Product]]] = {
            selection: [] for selection in sorted(wanted)
        }
        for listed in self.lists:
            for part in self.supported(listed, listed.products):
                if listed.bootloaders:
                    holders = list(found.values())
                else:
                    own = found.get(selection_of(part[1]))
                    holders = [] if own is None else [own]
                for holder in holders:
                    holder.append(part)
        return found

    def supported(
        self, listed: Listed, products: Iterable[Product]
    ) -> Iterator[tuple[Listed, Product]]:
        """Those of a file's products that MAAS supports.

        Without a version, the import has stopped before: nothing is there to sync.
        """
        for product in products:
            if product.versions and self._unsupported(listed, product) is None:
                yield listed, product

    def drop_unwanted(self) -> None:
        """Record what is dropped in silence.

        Mirrors ``filter_products_for_selection`` and ``get_downloadable_files``.
        """
        for listed in self.lists:
            known = {*listed.shape.downloads, *self.unmissed}
            plain = [
                table.without(self.unsupported(listed, table))
                for table in listed.fitting.tables
                if known.issuperset(items.key for items in table.items)
            ]
            for _, product in sorted(listed.fitting.others(plain).items()):
                self._unwanted(listed, product)

    def unsupported(self, listed: Listed, table: Table) -> set[int]:
        """The rows of a table of images that MAAS does not support."""
        if not listed.sets:
            return set()
        wrong = self.recorder.answers.misnamed("ubuntu", tuple(table.names))
        return rows_with(table.names, wrong)

    def _unwanted(self, listed: Listed, product: Product) -> None:
        cause = self._unsupported(listed, product)
        if cause is not None:
            place = Place(listed.path, product.path)
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
        keys: tuple[str, tuple[str, ...]] | None = (listed.shape.name, tuple(newest.items))
        if keys in self._keys:
            return
        for key in newest.items:
            if key not in listed.shape.downloads and key not in self.unmissed:
                at = Place(listed.path, (*product.path, *newest.steps(key)))
                item = newest.items[key]
                ftype = item.get("ftype") if isinstance(item, dict) else None
                if ftype not in self.unmissed:
                    values = {"key": key, "ftype": ftype, "shape": listed.shape.name}
                    self.recorder.drop("item-not-taken", at, values=values)
                keys = None  # by its ftype, which is each item's own
        if keys is not None:
            self._keys.add(keys)

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

    def sync(
        self, selection: Selection, parts: Iterable[Part], row: Row | None = None
    ) -> Event | None:
        """``SyncSelectionWorkflow``: one transaction, of which nothing is left if it fails.

        ``row``: the selection's in the database. Gives what it fails with.
        """
        self.pending = []
        failed: Event | None = None
        for listed, product in self._alone(parts):
            try:
                self._take(listed, product, row)
            except _Refused as refused:
                event = refused.event
                failed = failed or event
                if (event.cause, event.place) not in self._refused:
                    self._refused.add((event.cause, event.place))
                    self.recorder.trace.events.append(event)
        if failed is not None:
            self.recorder.trace.aborted.setdefault(selection, failed)
            self.pending = []
            self._settled = {}
            for undo, arguments in reversed(self._undo):
                undo(*arguments)
        self.stored.keep_needed(self._dropped)
        self._dropped = {}
        self._undo = []  # what is through is not undone, and nothing here may refer to itself
        return failed

    def _take(self, listed: Listed, product: Product, row: Row | None) -> None:
        """``get_files_to_download_from_product``."""
        made = self._identity_of(listed, product)
        key = (made.name, made.architecture, made.alias)
        if row is None and self._settled.get(key) is product:
            return
        changes = len(self._undo)
        self._take_over(listed, product, made, row)
        if len(self._undo) == changes:
            self._settled[key] = product
        else:
            self._settled.pop(key, None)

    def is_settled(self, listed: Listed, product: Product) -> bool:
        """Whether it changes nothing to take a product again."""
        made = self._identity_of(listed, product)
        return self._settled.get((made.name, made.architecture, made.alias)) is product

    def _alone(self, parts: Iterable[Part]) -> Iterator[tuple[Listed, Product]]:
        """The products to be taken one by one. Rows are stored, unless one is in the way."""
        for part in parts:
            if not isinstance(part, Run):
                yield part
            elif self.lay_all([part]):
                self._undo.append((self._unlay, (part,)))
            else:
                listed, table = self.tables[id(part.batch)]
                yield from ((listed, row_of(table, row)) for row in part.rows)

    def lay_all(self, runs: list[Run]) -> bool:
        """Store rows; False if one of them is in the way of a row that is there, or of another."""
        keys = [key for run in runs for key in run.keys]
        if len(set(keys)) != len(keys) or not self.stored.rows.keys().isdisjoint(keys):
            return False
        for run in runs:
            self.stored.lay(run)
            self.imported[run] = None
            self._laid.update(run.products)
        return True

    def _unlay(self, run: Run) -> None:
        self.stored.unlay(run)
        self.imported.pop(run)
        self._laid.difference_update(run.products)

    def _take_over(self, listed: Listed, product: Product, made: Identity, row: Row | None) -> None:
        """Take a product step by step, into a boot resource that may be there already."""
        fields, place = product.fields, Place(listed.path, product.path)
        newest = product.newest
        self._refuse("resource-name", "os/release", made.name, place)
        self._refuse("resource-architecture", "arch/subarch", made.architecture, place)
        self._refuse("resource-alias", "version", made.alias, place)
        resource = self._resource(listed, made, fields, row)
        if not listed.bootloaders:
            self._belongs(made, fields, place)
        self._refuse("set-version", "version name", newest.name, place)
        held = resource.sets.get(newest.name)
        if held is None:
            held = resource.sets[newest.name] = HeldSet(newest.name, fields["label"])
            self._undo.append((resource.sets.pop, (newest.name,)))
        held.touch(self.source, self.turn, again=False)
        for step in listed.shape.downloads:
            item = newest.merged.get(step)
            if item is not None:
                origin = Import(listed.path, product.name, newest.name, step)
                self._take_file(held, item, product, origin, place)
                if origin not in self.imported and origin[:2] not in self._laid:
                    self.imported[origin] = None
                    self._undo.append((self.imported.pop, (origin,)))

    def _resource(
        self, listed: Listed, made: Identity, fields: dict[str, Any], row: Row | None
    ) -> HeldResource:
        """``get_or_create``: what is there is never changed."""
        key = (made.name, made.architecture, made.alias)
        resource = self.stored.get(key)
        if resource is None:
            kept = self.recorder.answers.policy("resource-extra")
            resource = HeldResource(*key, made.kflavor, listed.bootloaders)
            resource.extra = {} if listed.bootloaders else {field: fields[field] for field in kept}
            resource.selection = None if listed.bootloaders else row
            self.stored.rows[key] = resource
            self._undo.append((self.stored.rows.pop, (key,)))
        return resource

    def _belongs(self, made: Identity, fields: dict[str, Any], place: Place) -> None:
        """``get_selection_for_boot_resource``: by the resource's name and architecture."""
        values = {"name": made.name, "architecture": made.architecture}
        if made.name.count("/") != 1:
            message = "too many values to unpack (expected 2)"
            raise _refused("slash-in-name", place, "ValueError", message, values)
        os, _, release = made.name.partition("/")
        arch = made.architecture.partition("/")[0]
        if arch != fields["arch"] and (os, release, arch) not in self.suitable:
            message = "No suitable selection found for boot resource"
            raise _refused("slash-in-name", place, "AssertionError", message, values)

    def _identity_of(self, listed: Listed, product: Product) -> Identity:
        """Of a bootloader it is kept, as each selection takes all bootloaders."""
        if not listed.bootloaders:
            return self._identity(listed, product.fields)
        made = self._loaders.get(id(product))
        if made is None:
            made = self._loaders[id(product)] = self._identity(listed, product.fields)
        return made

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
        self,
        held: HeldSet,
        item: dict[str, Any],
        product: Product,
        origin: Import,
        place: Place,
    ) -> None:
        """``get_or_create_from_simplestreams_file``: by the file's name in the set."""
        ftype, name, sha256 = item["ftype"], item["path"].rsplit("/", 1)[-1], item["sha256"]
        size = item["size"]
        if size.__class__ is not int:
            size = number(size)
        odd_at: Place | None = None
        if not self._is_usual(ftype, name, sha256, size):
            odd_at = place.below(*product.newest.steps(origin.item))
            self._refuse_ftype(ftype, odd_at)
        if ftype in self.supersedes:
            gone = self.supersedes[ftype]
            for other in [file for file in held.files.values() if file.ftype == gone]:
                self._drop(held, other)
        file = old = held.files.get(name)
        if file is not None and file.sha256 != sha256:
            self._drop(held, file)
            file = None
        if file is None:
            if odd_at is not None:  # what is there already is not written again
                self._refuse_file(ftype, name, sha256, size, odd_at)
            file = held.files[name] = HeldFile(name, ftype, sha256, size, origin)
            if old is not None:
                file.sources, file.turn = old.sources, old.turn
            self.stored.hold(sha256, size)
            self._undo.append((self._forget, (held, file)))
        file.touch(self.source, self.turn)
        if not file.complete:
            self.pending.append((held, file))

    def _is_usual(self, ftype: str, name: str, sha256: str, size: int) -> bool:
        """Whether a file is like one that was stored."""
        text = name + sha256
        return (
            (ftype, len(sha256)) in self._usual
            and len(name) <= SHORT
            and text.isascii()
            and text.isprintable()
            and size > 0
            and size in self.sizes
        )

    def _drop(self, held: HeldSet, file: HeldFile) -> None:
        """Delete a file, so that it can be undone."""
        known = file.sha256 in self.stored.arrived
        self._dropped[file.sha256] = known or self._dropped.get(file.sha256, False)
        self.stored.drop_file(held, file.name)
        self._undo.append((self._restore, (held, file, known)))

    def _forget(self, held: HeldSet, file: HeldFile) -> None:
        held.files.pop(file.name, None)
        self.stored.unhold(file.sha256)

    def _restore(self, held: HeldSet, file: HeldFile, known: bool) -> None:
        held.files[file.name] = file
        self.stored.unrelease(file.sha256, file.size, known=known)

    def _refuse_ftype(self, ftype: str, at: Place) -> None:
        if not self.recorder.answers.stores(ftype):
            message = f"'{ftype}' is not a valid BootResourceFileType"
            raise _refused("unknown-ftype", at, "ValueError", message, {"ftype": ftype})

    def _refuse_file(self, ftype: str, name: str, sha256: str, size: int, at: Place) -> None:
        self._refuse("file-name", "file name", name, at)
        self._refuse("file-sha256", "sha256", sha256, at)
        if size not in self.sizes:
            message = "bigint out of range"
            raise _refused("size-out-of-range", at, "DataError", message, {"size": size})
        if size == 0:
            message = "float division by zero"  # get_sync_progress()
            raise _refused("size-zero", at, "ZeroDivisionError", message, {"size": size})
        self._usual.add((ftype, len(sha256)))

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


def selection_of(product: Product) -> Selection:
    """What selects an image."""
    return (product.fields["os"], product.fields["release"], product.fields["arch"])


def offered(lists: Iterable[Listed]) -> list[Selection]:
    """What there is to select, sorted."""
    images = (listed.fitting for listed in lists if not listed.bootloaders)
    # In the order of the files, which are mostly sorted.
    return sorted(dict.fromkeys(one for fitting in images for one in fitting.values(*SELECTION)))


def cached(lists: list[Listed]) -> list[Cached]:
    """What MAAS keeps of all that is available, in the order of its rows, each once."""
    rows: dict[Cached, None] = {}
    for listed in lists:
        for product in listed.products:
            get = product.fields.get
            release = get("bootloader-type") if listed.bootloaders else get("release")
            title, codename = get("release_title"), get("release_codename")
            has_eol = get("support_eol") is not None
            rows[Cached(get("os") or "", release or "", title, codename, has_eol)] = None
    return list(rows)
