"""What MAAS holds: its boot resources with their sets and files, in the order of their rows."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_stream_lint.imports.situation import Row
    from maas_stream_lint.imports.stored_batch import Batch, Run
    from maas_stream_lint.imports.trace import Import

#: A boot resource's name, its architecture and, where it counts, its alias.
Key = tuple[str, str, "str | None"]


class Touched:
    """A row of the database, and who wrote it in the last import that wrote it at all."""

    __slots__ = ("sources", "turn")

    sources: tuple[str, ...]
    turn: int

    def touch(self, source: str, turn: int, *, again: bool = True) -> None:
        """Note that a source writes it. ``turn``: the number of the import.

        ``again``: note it also if the source wrote it in this import before.
        """
        if turn != self.turn:
            self.sources, self.turn = (source,), turn
        elif again or source not in self.sources:
            self.sources += (source,)


class HeldFile(Touched):
    """A row of ``maasserver_bootresourcefile``."""

    __slots__ = ("complete", "ftype", "name", "on_disk", "origin", "sha256", "size")

    def __init__(self, name: str, ftype: str, sha256: str, size: int, origin: Import) -> None:
        """A new row, of which no byte has arrived."""
        self.sources, self.turn = (), 0
        self.name, self.ftype, self.sha256, self.size = name, ftype, sha256, size
        self.origin = origin  #: the item that wrote it last
        self.complete = False  #: whether its bytes have arrived
        self.on_disk: str | None = None  #: its name on disk, where that follows from the sha256


class HeldSet(Touched):
    """A row of ``maasserver_bootresourceset``: one version of a boot resource."""

    __slots__ = ("files", "label", "version")

    def __init__(self, version: str, label: str) -> None:
        """A new row, without files."""
        self.sources, self.turn = (), 0
        self.version, self.label = version, label
        self.files: dict[str, HeldFile] = {}  #: by their names

    @property
    def filetypes(self) -> tuple[str, ...]:
        """The file types of its files, each once."""
        return tuple(sorted({file.ftype for file in self.files.values()}))

    @property
    def products(self) -> list[tuple[str, str]]:
        """The products whose files it holds: (products file, name), each once."""
        return list(dict.fromkeys([file.origin[:2] for file in self.files.values()]))


class HeldResource:
    """A row of ``maasserver_bootresource``."""

    __slots__ = (
        *("alias", "architecture", "bootloader", "extra", "kflavor", "name", "rolling"),
        *("selection", "sets"),
    )

    def __init__(
        self,
        name: str,
        architecture: str,
        alias: str | None,
        kflavor: str | None,
        bootloader: bool = False,
        extra: dict[str, str] | None = None,
    ) -> None:
        """A new row, without sets. ``extra``: members of EXTRA, as the import keeps them."""
        self.name, self.architecture = name, architecture
        self.alias, self.kflavor = alias, kflavor
        self.bootloader, self.rolling = bootloader, False
        self.extra = {} if extra is None else extra
        self.sets: dict[str, HeldSet] = {}  #: by version, the oldest row first
        self.selection: Row | None = None  #: on the strict engine, the selection that brought it

    @property
    def newest(self) -> HeldSet:
        """The set that is kept: that of the last row."""
        return next(reversed(self.sets.values()))


class Stored:
    """All boot resources of one MAAS, and how often each content is needed."""

    def __init__(self) -> None:
        """A fresh MAAS holds nothing."""
        #: Each row, or the row of a batch that nobody has asked for yet.
        self.rows: dict[Key, HeldResource | tuple[Batch, int]] = {}
        self.aliases: dict[tuple[str, str], str | None] = {}  #: of the first resource of a name
        self.arrived: set[str] = set()  #: the sha256 of contents whose bytes are there
        self.deleted: list[str] = []  #: the sha256 of contents that went
        self._needed: dict[str, int] = {}
        self._sizes: dict[str, int] = {}
        self._runs: list[Run] = []  # whose files are not counted yet
        self._as_columns = False  # whether some rows are

    @property
    def resources(self) -> dict[Key, HeldResource]:
        """All rows."""
        if self._as_columns:
            for key in self.rows:
                self.get(key)
            self._as_columns = False
        return self.rows  # type: ignore[return-value]  # there is no row of a batch left

    def get(self, key: Key) -> HeldResource | None:
        """One row."""
        row = self.rows.get(key)
        if row.__class__ is tuple:
            batch, at = row
            row = self.rows[key] = batch.resource(at)
        return row  # type: ignore[return-value]

    def products(self, key: Key) -> list[tuple[str, str]]:
        """The products whose files the newest set of a row holds. This makes no row of a batch."""
        row = self.rows[key]
        return row[0].origins(row[1]) if isinstance(row, tuple) else row.newest.products

    def lay(self, run: Run) -> None:
        """Store rows of which there was none before."""
        self.rows.update(zip(run.keys, zip(repeat(run.batch), run.rows), strict=True))
        self._runs.append(run)
        self._as_columns = True

    def unlay(self, run: Run) -> None:
        """Take a ``lay`` back."""
        for key in run.keys:
            del self.rows[key]
        if self._runs and self._runs[-1] is run:
            self._runs.pop()
        else:
            self._count()
            for sha256, _ in run.contents():
                self.unhold(sha256)

    @property
    def needed(self) -> dict[str, int]:
        """By sha256: the number of files that have it."""
        self._count()
        return self._needed

    @property
    def sizes(self) -> dict[str, int]:
        """By sha256: the size of its content."""
        self._count()
        return self._sizes

    def _count(self) -> None:
        runs, self._runs = self._runs, []
        for run in runs:
            for sha256, size in run.contents():
                self.hold(sha256, size)

    def hold(self, sha256: str, size: int) -> None:
        """Note that one more file has a content."""
        if self._runs:
            self._count()
        self._needed[sha256] = self._needed.get(sha256, 0) + 1
        self._sizes.setdefault(sha256, size)

    def release(self, sha256: str) -> None:
        """Note that one file less has a content. MAAS deletes what no other file needs."""
        self.needed[sha256] -= 1
        if self.needed[sha256] <= 0:
            del self.needed[sha256]
            del self.sizes[sha256]
            self.arrived.discard(sha256)
            self.deleted.append(sha256)

    def unhold(self, sha256: str) -> None:
        """Take a ``hold`` back, as if it had never been."""
        self.needed[sha256] -= 1
        if self.needed[sha256] <= 0:
            del self.needed[sha256]
            del self.sizes[sha256]

    def unrelease(self, sha256: str, size: int, *, known: bool) -> None:
        """Take a ``release`` back. ``known``: whether its bytes were there."""
        if sha256 not in self.needed:
            self.deleted.remove(sha256)
            if known:
                self.arrived.add(sha256)
        self.hold(sha256, size)

    def keep_needed(self, dropped: Mapping[str, bool]) -> None:
        """Delete no bytes that another file needs by now.

        ``dropped``: of deleted files, by sha256: whether their bytes were there. Mirrors
        ``delete_bootresourcefile`` (3.8, maastemporalworker/workflow/bootresource.py): it asks the
        database before it deletes.
        """
        kept = {sha256 for sha256 in dropped if sha256 in self.needed}
        if kept:
            self.deleted = [sha256 for sha256 in self.deleted if sha256 not in kept]
            self.arrived.update(sha256 for sha256 in kept if dropped[sha256])

    def drop_file(self, held: HeldSet, name: str) -> None:
        """Delete a file."""
        self.release(held.files.pop(name).sha256)

    def drop_set(self, resource: HeldResource, version: str) -> None:
        """Delete a set with its files."""
        for file in resource.sets.pop(version).files.values():
            self.release(file.sha256)

    def drop_resource(self, key: Key) -> None:
        """Delete a boot resource with its sets."""
        resource = self.resources.pop(key)
        for version in list(resource.sets):
            self.drop_set(resource, version)
        if not any(other[:2] == key[:2] for other in self.resources):
            self.aliases.pop(key[:2], None)

    def drop_for_now(self, key: Key) -> Dropped:
        """Delete a boot resource in a transaction that may still fail."""
        return Dropped(self, key)

    def drop_empty(self) -> None:
        """Delete the boot resources that have no set."""
        for key in [key for key, held in self.resources.items() if not held.sets]:
            self.drop_resource(key)

    def files(self) -> list[HeldFile]:
        """All files of all sets."""
        return [
            file
            for resource in self.resources.values()
            for held in resource.sets.values()
            for file in held.files.values()
        ]


class Dropped:
    """A boot resource that a transaction deletes. Its bytes go when the transaction is through."""

    def __init__(self, stored: Stored, key: Key) -> None:
        """Delete it."""
        self.stored, self.key = stored, key
        self.resource = stored.resources[key]
        self.sets = dict(self.resource.sets)
        self.known = {file.sha256: file.sha256 in stored.arrived for file in self._files()}
        stored.drop_resource(key)

    def _files(self) -> list[HeldFile]:
        return [file for held in self.sets.values() for file in held.files.values()]

    def settle(self) -> None:
        """Keep the bytes that another file needs by now."""
        self.stored.keep_needed(self.known)

    def undo(self) -> None:
        """Take the deletion back."""
        self.resource.sets = self.sets
        self.stored.resources[self.key] = self.resource
        self.stored.aliases.setdefault(self.key[:2], self.resource.alias)
        for file in self._files():
            self.stored.unrelease(file.sha256, file.size, known=self.known[file.sha256])
