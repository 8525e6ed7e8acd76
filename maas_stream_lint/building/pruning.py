"""Removes versions from a stream: from the metadata at once, and their files some days later."""

from __future__ import annotations

import os
from contextlib import nullcontext, suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maas_stream_lint.building import draft, existing, metadata_text, writing
from maas_stream_lint.building.ledger import Ledger
from maas_stream_lint.building.target import Target, said
from maas_stream_lint.errors import LintError, UsageError
from maas_stream_lint.fixing.jsontext import Remove, Set
from maas_stream_lint.image_files import paths_of_others
from maas_stream_lint.images.inspection import COMPANIONS
from maas_stream_lint.images.listing import files_in
from maas_stream_lint.output import printable_path
from maas_stream_lint.records import record
from maas_stream_lint.rulebook import all_releases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from maas_stream_lint.building.existing import Existing
    from maas_stream_lint.building.versions import Unneeded
    from maas_stream_lint.fixing.jsontext import Change
    from maas_stream_lint.fixing.publish import Signer
    from maas_stream_lint.model import File
    from maas_stream_lint.rulebook import UbuntuSet
    from maas_stream_lint.source import LocalTree

    #: Chooses what goes, by the stream, the files that are there, and what an Ubuntu needs.
    Chooser = Callable[[Existing, Mapping[str, int], UbuntuSet], list[Unneeded]]

#: How long files stay that no metadata names any more.
GRACE = timedelta(days=3)


@record(frozen=True)
class Options:
    """How a stream is pruned."""

    grace: timedelta = GRACE
    orphans: bool = False  #: whether files go, too, that no metadata named when it was last pruned
    dry_run: bool = False
    sign: Signer | None = None
    keyring: Path | None = None


@record(frozen=True)
class Pruned:
    """What is gone, or would be; paths with their sizes in bytes."""

    root: Path
    versions: tuple[Unneeded, ...]  #: taken out of the metadata
    deleted: Mapping[str, int]  #: files that were deleted
    waiting: Mapping[str, int]  #: files that go when their time of grace is over
    strangers: Mapping[str, int]  #: files that no metadata names, and that stay
    written: bool

    def to_dict(self) -> dict[str, Any]:
        """The run as in ``rules/schemas/pruned.json``."""
        return {
            "root": printable_path(self.root),
            "written": self.written,
            "versions": [
                {"product": v.product, "version": v.version, "files": list(v.paths)}
                for v in self.versions
            ],
            "deleted": dict(self.deleted),
            "waiting": dict(self.waiting),
            "orphans": dict(self.strangers),
        }


def prune(root: Path, choose: Chooser, options: Options, now: datetime | None = None) -> Pruned:
    """Remove versions from a stream, and delete files that left it long enough ago.

    Does nothing unless it can read all metadata below the root. Raises UsageError for wrong
    arguments, LintError if pruning is not possible.
    """
    moment = now or datetime.now(timezone.utc).replace(microsecond=0)
    if not root.is_dir():
        raise UsageError(f"{printable_path(root)} is no directory", "name a stream's")
    with nullcontext() if options.dry_run else writing.locked(root):
        target = Target.of(
            root, update=True, prefix=None, keyring=options.keyring, sign=options.sign
        )
        assert target.existing is not None
        present, others = _present(root), _of_others(target.tree, target.existing)
        gone = choose(target.existing, present, all_releases()[-1].ubuntu_set)
        changes = _changes(target.existing, gone, metadata_text.written(moment))
        _refuse_harm(target, changes)
        written = target.existing.signed(target.existing.applied(changes), options.sign)
        named = others | _named(target.tree, target.existing, gone)
        lost = {f for v in gone for path in v.paths for f in _files_of(target.tree, path)}
        ledger = Ledger.read(root)
        known = set(ledger.since)
        free = {path: size for path, size in present.items() if path not in named}
        ours = {path: s for path, s in free.items() if _goes(path, lost, ledger, options)}
        ledger.note(ours, moment)
        due = {path: s for path, s in ours.items() if ledger.due(path, moment, options.grace)}
        if not options.dry_run:
            ledger.write()  # before anything is lost that it has to know of
            if gone:
                writing.publish(root, written, target.before)
            _delete(root, due)
            _tidy(root, {*due, *(known - present.keys())})
            ledger.forget(due)
        waiting = {path: size for path, size in ours.items() if path not in due}
        strangers = {path: size for path, size in free.items() if path not in ours}
        return Pruned(root, tuple(gone), due, waiting, strangers, not options.dry_run)


def _goes(path: str, lost: set[str], ledger: Ledger, options: Options) -> bool:
    """Whether to delete a file that no metadata names, now or later."""
    orphan = options.orphans and not path.endswith(COMPANIONS)
    return path in lost or path in ledger.since or orphan


def _present(root: Path) -> dict[str, int]:
    try:
        return {path: about.size for path, about in files_in(root).items()}
    except OverflowError:
        raise LintError(f"{printable_path(root)} holds too many files", "prune a part") from None


def _of_others(tree: LocalTree, known: Existing) -> set[str]:
    """The files that metadata below the root names which is not this stream's."""
    found = paths_of_others(tree, known.catalog.stream, set(known.bodies))
    if found is None:
        told = f"not all metadata below {printable_path(tree.root)} can be read"
        hint = "such a file may name files that the tool would delete: fix or remove it first"
        raise UsageError(f"{told}, so nothing is changed", hint)
    return {file for path in found for file in _files_of(tree, path)}


def _files_of(tree: LocalTree, path: str) -> set[str]:
    """The file that a path means: as it is written there, and where links lead."""
    place = tree.locate(path)
    if not isinstance(place, str):
        return set()
    root, real = tree.root, Path(os.path.realpath(tree.root))
    own, there = Path(os.path.normpath(place)), Path(os.path.realpath(place))
    pairs = ((own, root), (there, real))
    return {p.relative_to(r).as_posix() for p, r in pairs if p.is_relative_to(r)}


def _named(tree: LocalTree, known: Existing, gone: Iterable[Unneeded]) -> set[str]:
    """The files of versions that stay."""
    out = {(v.file, v.product, v.version) for v in gone}
    return {
        file
        for version in known.catalog.all_versions
        if (version.product.file.path, version.product.name, version.name) not in out
        for item in version.items
        if item.path
        for file in _files_of(tree, item.path)
    }


def _changes(known: Existing, gone: list[Unneeded], updated: str) -> dict[str, list[Change]]:
    """The edits that remove versions, and everything that is then empty."""
    changes: dict[str, list[Change]] = {}
    for file in known.catalog.files:
        own = [version for version in gone if version.file == file.path]
        if own:
            empty = _emptied(file, own)
            if len(empty) == len(file.products):
                for entry in existing.entries(known, file):
                    edits = _note(changes, entry.index.path, updated)
                    edits.append(Remove(("index", entry.content_id)))
            else:
                _take_out(known, file, own, empty, updated, changes)
    _refuse_empty(known, changes)
    return changes


def _emptied(file: File, own: list[Unneeded]) -> set[str]:
    """The products that have no version left."""
    left = {product.name: set(product.versions) for product in file.products}
    for version in own:
        left[version.product].discard(version.version)
    return {version.product for version in own if not left[version.product]}


def _take_out(
    known: Existing,
    file: File,
    own: list[Unneeded],
    empty: set[str],
    updated: str,
    changes: dict[str, list[Change]],
) -> None:
    """Edit a products file that keeps some products, and what the index says of it."""
    edits = _note(changes, file.path, updated)
    edits += [Remove(("products", name)) for name in sorted(empty)]
    left = [version for version in own if version.product not in empty]
    edits += [Remove(("products", v.product, "versions", v.version)) for v in left]
    for entry in existing.entries(known, file):
        at = ("index", entry.content_id)
        edits = _note(changes, entry.index.path, updated)
        edits.append(Set((*at, "updated"), updated))
        listed = entry.raw.get("products")
        if empty and isinstance(listed, list):
            positions = [n for n, name in enumerate(listed) if name in empty]
            edits += [Remove((*at, "products", n)) for n in reversed(positions)]


def _note(changes: dict[str, list[Change]], path: str, updated: str) -> list[Change]:
    return changes.setdefault(path, [Set(("updated",), updated)])


def _refuse_empty(known: Existing, changes: Mapping[str, list[Change]]) -> None:
    for index in known.catalog.indexes:
        gone = [
            c for c in changes.get(index.path, ()) if isinstance(c, Remove) and len(c.path) == 2
        ]
        if len(gone) >= len(index.entries):
            hint = "take the boot source out of MAAS, and delete the folder"
            raise UsageError("that would leave a stream without any product", hint)


def _refuse_harm(target: Target, changes: Mapping[str, list[Change]]) -> None:
    """Raise LintError if MAAS would do less with what is left than before."""
    assert target.existing is not None
    releases = all_releases()
    before = target.findings(releases)
    texts = target.existing.plain(target.existing.applied(changes))
    report = draft.checked(target.draft_of(texts), releases)
    for finding in report.findings:
        if finding.severity >= draft.WORST and said(finding) not in before:
            told = f"{finding.code} {finding.name}: {finding.message}"
            raise LintError(f"the stream would then have new findings: {told}", finding.remedy)


def _delete(root: Path, due: Iterable[str]) -> None:
    for path in due:
        with suppress(FileNotFoundError):
            (root / path).unlink()


def _tidy(root: Path, gone: Iterable[str]) -> None:
    """Remove the folders that are empty without these files."""
    folders = {f for path in gone for f in (root / path).parents if root in f.parents}
    for folder in sorted(folders, key=lambda f: -len(f.parts)):
        with suppress(OSError):  # not empty
            folder.rmdir()
