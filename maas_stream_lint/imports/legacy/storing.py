"""What the second pass makes of an item in the database: its boot resource, set and file.

Mirrors ``BootResourceStore`` (src/maasserver/bootresources.py).
"""

from __future__ import annotations

from operator import itemgetter, ne
from typing import TYPE_CHECKING

from maas_stream_lint.imports.stored import HeldFile, HeldResource, HeldSet

if TYPE_CHECKING:
    from maas_stream_lint.imports.identity import Identity
    from maas_stream_lint.imports.legacy.both_passes import PassRecorder
    from maas_stream_lint.imports.legacy.flattening import FlatItem
    from maas_stream_lint.imports.stored import Key, Stored
    from maas_stream_lint.imports.stored_batch import Run

#: The first letters of a sha256 by which a file is named on disk, if no other file has them.
SHORTEST, LONGEST = 7, 63


class Store:
    """The boot resources of a MAAS while it imports."""

    def __init__(self, stored: Stored, turn: int = 1, *, told: bool = False) -> None:
        """``turn``: the number of the import. ``told``: whether what follows it is asked for.

        Then who wrote what is kept, and what is to fetch; and nothing is stored once MAAS fails.
        """
        self.stored = stored
        self.turn = turn
        self.told = told
        self.before = set(stored.resources)
        self.inserted: set[Key] = set()
        self.queued: dict[str, list[str]] = {}  #: sha256 → the sources that MAAS has for it
        self._waiting: dict[int, tuple[str, str]] = {}  # of a row: the sha256 and its source
        self._names = {f.on_disk: f.sha256 for f in stored.files() if f.on_disk is not None}
        self._runs: list[Run] = []  # whose files have no names among them yet

    def lay(self, run: Run) -> bool:
        """Store rows of a batch; False if one of them is in the way of a row that is there."""
        batch, pairs = run.batch, run.pick(run.batch.pairs)
        if not self.stored.aliases.keys().isdisjoint(pairs):
            return False
        if self._runs and self._runs[-1].batch is not batch:
            self._name_runs()
        if self._shares_name(run):
            return False
        self.stored.lay(run)
        self.stored.aliases.update(zip(pairs, run.pick(batch.made.aliases), strict=True))
        self.inserted.update(run.keys)
        self._runs.append(run)
        return True

    def _shares_name(self, run: Run) -> bool:
        """Whether a file's name on disk is that of another, which is of no row of the batch."""
        owner, head = self._names.get, itemgetter(slice(SHORTEST))
        columns = [run.pick(items.sha256s) for items in run.batch.items if self._names]
        return any(any(map(ne, map(owner, map(head, one), one), one)) for one in columns)

    @property
    def names(self) -> dict[str, str]:
        """By the name of a file on disk: its sha256."""
        self._name_runs()
        return self._names

    def _name_runs(self) -> None:
        for run in self._runs:
            self._names.update((sha256[:SHORTEST], sha256) for sha256, _ in run.contents())
        self._runs.clear()

    def set_of(
        self, recorder: PassRecorder, made: Identity, version: str, label: str
    ) -> tuple[HeldResource, HeldSet]:
        """Get or create the boot resource and its set."""
        name, architecture, kflavor, alias = made
        first = self.stored.aliases.setdefault((name, architecture), alias)
        if alias != first and "alias" not in recorder.answers.policy("resource-key"):
            alias = first
        key = (name, architecture, alias)
        resource = self.stored.get(key)
        if resource is None:
            resource = self.stored.rows[key] = HeldResource(name, architecture, alias, kflavor)
        resource.kflavor = kflavor
        self.inserted.add(key)
        held = resource.sets.get(version)
        if held is None:
            held = resource.sets[version] = HeldSet(version, label)
        held.label = label
        return resource, held

    def insert(
        self,
        recorder: PassRecorder,
        source: str,
        resource: HeldResource,
        held: HeldSet,
        new: HeldFile,
        item: FlatItem,
    ) -> bool:
        """Store an item. False if MAAS fails: it stores nothing of it then.

        Mirrors ``BootResourceStore.insert``.
        """
        whole = self._is_complete(recorder, resource)
        if self.told:
            held.touch(source, self.turn, again=False)
        row = held.files.get(new.name)
        if row is not None and self._loses_size(recorder, row, new):
            message = "float division by zero"
            values = {"size": new.size}
            recorder.abort("size-zero", item.place, "ZeroDivisionError", message, values=values)
            return False
        if new.ftype in recorder.supersedes:
            self._supersede(recorder, held, new)
        if row is None:
            if not self._name_on_disk(recorder, new, item):
                return False
            row = held.files[new.name] = new
            self.stored.hold(new.sha256, new.size)
            self._queue(row, source)
        else:
            row.ftype, row.origin = new.ftype, new.origin
            if row.sha256 != new.sha256:
                if not self._replace(recorder, resource, held, row, new, source, item):
                    return False
            elif row.size != new.size and self._counts_each(recorder):
                row.size, row.complete = new.size, False
                self._queue(row, source)
            elif not row.complete:
                self._queue(row, source)
        if self.told:
            row.touch(source, self.turn)
        # Texts are asked for only where they are logged, or lines that differ in them could not
        # share an import.
        if whole and recorder.trace.fatal is None and not self._is_complete(recorder, resource):
            told = self._told(recorder, resource)
            line = f"Resource {told} has no complete resource set!"
            recorder.trace.say("writer", "error", line)
        return True

    def _loses_size(self, recorder: PassRecorder, row: HeldFile, new: HeldFile) -> bool:
        """Whether bytes that have arrived are compared with a size of 0.

        Mirrors ``BootResourceFile.sync_progress`` (src/maasserver/models/bootresourcefile.py).
        """
        same = row.complete and row.sha256 == new.sha256
        return same and not new.size and self._counts_each(recorder)

    def _replace(
        self,
        recorder: PassRecorder,
        resource: HeldResource,
        held: HeldSet,
        row: HeldFile,
        new: HeldFile,
        source: str,
        item: FlatItem,
    ) -> bool:
        """Give a row other content; what it had goes, unless another row needs it."""
        if not self._name_on_disk(recorder, new, item):
            return False
        if recorder.trace.fatal is None:
            recorder.trace.say("writer", "warning", self._mismatch(recorder, resource, held, row))
        self.stored.hold(new.sha256, new.size)
        self.stored.release(row.sha256)
        row.sha256, row.size, row.complete = new.sha256, new.size, False
        row.on_disk = new.on_disk
        self._queue(row, source)
        return True

    def _mismatch(
        self, recorder: PassRecorder, resource: HeldResource, held: HeldSet, row: HeldFile
    ) -> str:
        """What MAAS logs when a file gets other content than it has."""
        parts = {
            "size": self.stored.sizes.get(row.sha256, row.size),
            "sha256": row.sha256,
            "version": held.version,
            "label": held.label,
            "resource": self._told(recorder, resource),
        }
        line = recorder.answers.log_text("hash-mismatch")
        for name, part in parts.items():
            line = line.replace(f"{{{name}}}", str(part))
        return line

    def _supersede(self, recorder: PassRecorder, held: HeldSet, new: HeldFile) -> None:
        gone = recorder.supersedes[new.ftype]
        for name in [name for name, file in held.files.items() if file.ftype == gone]:
            self.stored.drop_file(held, name)

    def _queue(self, row: HeldFile, source: str) -> None:
        """Have the bytes fetched after the pass."""
        if not self.told:
            return
        self.queued.setdefault(row.sha256, []).append(source)
        waits = self._waiting.get(id(row))
        if waits is None or waits[0] != row.sha256:
            self._waiting[id(row)] = (row.sha256, source)

    def waiting(self) -> dict[str, list[str]]:
        """Where contents are shared: the sha256 of what each row waits for, and its source."""
        found: dict[str, list[str]] = {}
        for sha256, source in self._waiting.values():
            found.setdefault(sha256, [source])
        return found

    def _counts_each(self, recorder: PassRecorder) -> bool:
        """Whether each row has bytes of its own, and not a content that rows share."""
        return bool(recorder.answers.policy("contents") == "each-file")

    def _is_complete(self, recorder: PassRecorder, resource: HeldResource) -> bool:
        """``BootResource.get_latest_complete_set``: whether there is a complete set."""
        return any(self.is_whole(recorder, held) for held in resource.sets.values())

    def is_whole(self, recorder: PassRecorder, held: HeldSet) -> bool:
        """Whether all bytes of a set are there."""
        arrived = self.stored.arrived
        shared = empty = True
        for file in held.files.values():
            if file.size:
                empty = False
                if not file.complete:
                    if file.sha256 not in arrived:
                        return False
                    shared = False
        if empty:  # a sum of no bytes
            return bool(held.files) and not self._counts_each(recorder)
        return shared or not self._counts_each(recorder)

    def _told(self, recorder: PassRecorder, resource: HeldResource) -> str:
        """A boot resource as Python prints it."""
        text = recorder.answers.log_text("resource")
        parts = {
            "name": resource.name,
            "architecture": resource.architecture,
            "kflavor": resource.kflavor,
            "alias": resource.alias,
        }
        for name, part in parts.items():
            text = text.replace(f"{{{name}}}", str(part))
        return text

    def _name_on_disk(self, recorder: PassRecorder, new: HeldFile, item: FlatItem) -> bool:
        """Name a file by the first letters of its sha256, as many as no other file has.

        Mirrors ``BootResourceFileManager.calculate_filename_on_disk``
        (src/maasserver/models/bootresourcefile.py).
        """
        sha256 = new.sha256
        head = sha256[:SHORTEST]
        owner = self.names.setdefault(head, sha256) if len(head) == SHORTEST else None
        new.on_disk = head if owner == sha256 else self._longer_name(sha256)
        if new.on_disk is None and recorder.answers.policy("names-on-disk"):
            column, table = "filename_on_disk", "maasserver_bootresourcefile"
            message = (
                f'null value in column "{column}" of relation "{table}" violates not-null '
                "constraint"
            )
            values = {"field": "sha256", "value": sha256}
            recorder.abort("sha256-no-name", item.place, "IntegrityError", message, values=values)
            return False
        return True

    def _longer_name(self, sha256: str) -> str | None:
        """The name where the first letters alone are another file's, or too few."""
        for name, owner in self.names.items():
            if owner == sha256:
                return name
        head = sha256[:SHORTEST]
        alike = [name for name in self.names if name.startswith(head)]
        lengths = range(SHORTEST + 1, LONGEST + 1)
        tried = (sha256[:length] for length in lengths) if alike else iter((head,))
        free = (name for name in tried if not any(other.startswith(name) for other in alike))
        found = next(free, None)
        if found is not None:
            self.names[found] = sha256
        return found
