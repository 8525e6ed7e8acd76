"""Second pass over a version that has a shape: what it stores is known for all of that shape.

Only what tells products apart is looked at: the boot resource's name, and of each item path, sha256
and size. Wherever that leaves a doubt, nothing is done, and ``second_pass`` takes item by item.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from maas_stream_lint.imports.columns import SHORT, refusal
from maas_stream_lint.imports.identity import BOOTLOADER, IMAGE, Identity, identity
from maas_stream_lint.imports.legacy.storing import SHORTEST
from maas_stream_lint.imports.stored import HeldFile, HeldResource, HeldSet
from maas_stream_lint.imports.trace import Import
from maas_stream_lint.rulebook import of_family

if TYPE_CHECKING:
    from maas_stream_lint.imports.legacy.both_passes import PassRecorder
    from maas_stream_lint.imports.legacy.flattening import FlatProduct, Walked
    from maas_stream_lint.imports.legacy.shape import Shape
    from maas_stream_lint.imports.legacy.storing import Store

#: Fields by which a product may be stored otherwise, or not at all.
DECISIVE = frozenset({"maas_supported", "rolling", "platform", "supported_platforms"})
#: The columns that the texts of a boot resource and its set go into.
COLUMNS = (
    *("resource-name", "resource-architecture", "resource-kflavor"),
    *("resource-alias", "set-version", "set-label"),
)


class Taken(NamedTuple):
    """What MAAS does with the items of a version, by its shape."""

    stored: tuple[tuple[str, str], ...]  #: keys with ftypes
    ignored: tuple[str, ...]  #: ftypes that it logs a line about, and nobody misses


class ByShape:
    """The second pass over products whose newest version has a shape, into a fresh MAAS."""

    def __init__(self, recorder: PassRecorder, store: Store) -> None:
        """``store``: gets what is stored."""
        self.recorder = recorder
        self.store = store
        self._taken: dict[Shape, Taken | None] = {}
        self._lengths: set[tuple[int, ...]] = set()  # of texts that fit into COLUMNS
        self._file_lengths: set[tuple[int, int]] = set()  # of names and sha256 that fit

    def write(self, walked: Walked) -> bool:
        """Store the newest version of a product. False: nothing was done."""
        product, fields = walked.flat, walked.claimed
        if product.shape is None or fields is None or not DECISIVE.isdisjoint(fields):
            return False
        taken = self._taken_of(product.shape)
        os = fields.get("os", self.recorder.ubuntu)
        if taken is None or os == self.recorder.snap:
            return False
        kind = BOOTLOADER if "bootloader-type" in fields else IMAGE
        made = identity(kind, os, fields.get, self.recorder.answers.flavoured)
        if not self._is_free(made) or not self._fits(made, fields):
            return False
        files = self._files(product, taken)
        if files is None:
            return False
        self._store(made, fields, files, bootloader=kind == BOOTLOADER)
        for ftype in taken.ignored:
            line = f"Ignoring unsupported filetype({ftype}) from {product.name} {product.newest}"
            self.recorder.trace.say("writer", "warning", line)
        return True

    def _taken_of(self, shape: Shape) -> Taken | None:
        if shape not in self._taken:
            self._taken[shape] = self._judge(shape)
        return self._taken[shape]

    def _judge(self, shape: Shape) -> Taken | None:
        """``None``: something is lost, or one item takes the place of another."""
        ftypes, supersedes = {part[1] for part in shape}, self.recorder.supersedes
        keys = {part[0] for part in shape}
        stored, ignored = [], []
        for key, ftype, *_ in shape:
            if ftype in of_family("notice") or supersedes.get(ftype) in ftypes:
                return None
            if any(gone == ftype and left in keys for left, gone in supersedes.items()):
                return None
            if self.recorder.answers.stores(ftype):
                stored.append((key, ftype))
            elif ftype in self.recorder.unmissed or key in self.recorder.unmissed:
                ignored.append(ftype)
            else:
                return None
        return Taken(tuple(stored), tuple(ignored)) if stored else None

    def _is_free(self, made: Identity) -> bool:
        """Whether nothing is stored under the boot resource's name, and MAAS can split it."""
        name, architecture = made[:2]
        return (
            (name, architecture) not in self.store.stored.aliases
            and name.count("/") == 1
            and architecture.count("/") == 1
        )

    def _fits(self, made: Identity, fields: dict[str, str]) -> bool:
        """Whether the columns are wide enough. A column asks for nothing else of these texts."""
        name, architecture, kflavor, alias = made
        version, label = fields["version_name"], fields["label"]
        texts = (name, architecture, kflavor or "", alias or "", version, label)
        lengths = tuple(map(len, texts))
        if lengths in self._lengths:
            return True
        answers = self.recorder.answers
        # Asked only where it matters, or lines that differ in this could not share an import.
        kept = lengths[3] <= SHORT or "alias" in answers.policy("resource-key")
        columns = zip(COLUMNS, texts, strict=True)
        if any(
            refusal(answers, column, text) is not None
            for column, text in columns
            if kept or column != "resource-alias"
        ):
            return False
        self._lengths.add(lengths)
        return True

    def _files(self, product: FlatProduct, taken: Taken) -> dict[str, HeldFile] | None:
        """The rows of the files by their names; ``None`` if one is in the way of another."""
        items = product.versions[product.newest]["items"]
        names, lengths = self.store.names, self._file_lengths
        heads: dict[str, str] = {}
        made: dict[str, HeldFile] = {}
        for key, ftype in taken.stored:
            item = items[key]
            path, sha256 = item["path"], item["sha256"]
            name = path[path.rfind("/") + 1 :]
            length = (len(name), len(sha256))
            if length not in lengths:
                if length[1] < SHORTEST or not self._file_fits(*length):
                    return None
                lengths.add(length)
            head = sha256[:SHORTEST]
            if names.get(head, sha256) != sha256 or heads.setdefault(head, sha256) != sha256:
                return None
            origin = Import(product.file, product.name, product.newest, key)
            made[name] = HeldFile(name, ftype, sha256, item["size"], origin)
        return made if len(made) == len(taken.stored) else None

    def _file_fits(self, name: int, sha256: int) -> bool:
        answers = self.recorder.answers
        return (
            answers.too_long("file-name", name) is None
            and answers.too_long("file-sha256", sha256) is None
        )

    def _store(
        self,
        made: Identity,
        fields: dict[str, str],
        files: dict[str, HeldFile],
        *,
        bootloader: bool,
    ) -> None:
        name, architecture, kflavor, alias = made
        extra = {"subarches": fields["subarches"]} if "subarches" in fields else {}
        resource = HeldResource(name, architecture, alias, kflavor, bootloader, extra)
        version = fields["version_name"]
        held = resource.sets[version] = HeldSet(version, fields["label"])
        held.files = files
        stored, imported = self.store.stored, self.recorder.trace.imported
        stored.aliases[(name, architecture)] = alias
        stored.resources[(name, architecture, alias)] = resource
        self.store.inserted.add((name, architecture, alias))
        names = self.store.names
        for file in files.values():
            head = file.on_disk = file.sha256[:SHORTEST]
            names[head] = file.sha256
            stored.hold(file.sha256, file.size)
            imported.append(file.origin)
