"""Writing a mended tree: files first, then all metadata at once, so that nobody sees half of it."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maas_stream_lint import atomic
from maas_stream_lint.api import check
from maas_stream_lint.errors import LintError, UsageError
from maas_stream_lint.fixing import jsontext
from maas_stream_lint.fixing.plan import local_tree, signature_of
from maas_stream_lint.rule import level_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from maas_stream_lint.fixing.plan import Plan
    from maas_stream_lint.source import LocalTree

    #: Makes of a text its clear-signed form, or of bytes their detached signature.
    Signer = Callable[[bytes, bool], bytes]

#: Of renameat2(2): two directories change places in one step.
_EXCHANGE, _AT_FDCWD = 2, -100
STREAMS = "streams"


def apply(
    plan: Plan,
    target: str | os.PathLike[str] | None = None,
    *,
    sign: Signer | None = None,
    backup: bool = True,
    with_files: bool = False,
) -> Path:
    """Write a plan, and say where: into the stream itself, or as a whole tree to ``target``.

    ``sign``: signs all metadata; see ``signing.Gpg``. ``backup``: keep what an edit in place
    changes as ``*.orig``. ``with_files``: link or copy image files to ``target``, too.

    Raises UsageError for what can't be meant, LintError if it can't be written; then nothing was.
    """
    tree = local_tree(plan.before)
    written = metadata_of(plan, sign)
    if target is None:
        if tree is None:
            raise UsageError("a stream on a server can't be edited in place", "give --output DIR")
        if written:
            _write_in_place(plan, tree.root, written, backup=backup)
        return tree.root
    folder = Path(target)
    if with_files and tree is None:
        raise UsageError("files on a server can't be linked", "fetch them with `check --keep DIR`")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{str(target)!r} is no directory", "name another")
    if tree is not None and folder.exists() and folder.resolve() == tree.root.resolve():
        raise UsageError(f"{str(target)!r} is the stream itself", "use --in-place for that")
    _write_tree(plan, folder, written, tree if with_files else None)
    return folder


def seen_signed(plan: Plan, where: Path) -> Plan:
    """The plan, with what a check finds of the signatures that were written."""
    look = plan.after.look
    path = look.stream.index_path if look.stream.explicit else ""
    keyring, lines = look.stream.keyring, look.lines
    written = check(where / path, lines, keyring, files="none")
    of_files = [f for f in plan.after.findings if level_of(f.code) == "file"]
    found = sorted([*written.findings, *of_files], key=lambda f: -f.severity)
    return replace(plan, after=replace(plan.after, look=written.look, findings=tuple(found)))


def refuse_stale_signatures(plan: Plan, sign: Signer | None) -> None:
    """Raise UsageError if a signature would no longer fit what it is of."""
    if sign is not None:
        return
    for path in sorted(plan.files):
        metadata = plan.before.look.stream.files.get(path)
        if metadata is None:
            continue
        stale = signature_of(metadata)
        if stale is not None:
            hint = "give --sign KEYID, or work on a copy without signatures"
            raise UsageError(f"the signature in {stale} would no longer fit", hint)


def metadata_of(plan: Plan, sign: Signer | None) -> dict[str, bytes]:
    """All metadata that is written: changed files and, if they are signed, every one's forms."""
    refuse_stale_signatures(plan, sign)
    written = dict(plan.files)
    if sign is None:
        return written
    texts: dict[str, bytes] = {}
    for path, metadata in plan.after.look.stream.files.items():
        document = metadata.best
        if document is None or document.fatal is not None:
            raise UsageError(
                f"{path} can't be read, so it can't be signed", "mend it by hand first"
            )
        texts[path.removesuffix(".sjson").removesuffix(".json")] = document.text.encode(
            "utf-8", "surrogatepass"
        )
    for stem, text in texts.items():
        plain, signed = _named(text, ".json", texts), _named(text, ".sjson", texts)
        written[f"{stem}.json"] = plain
        written[f"{stem}.json.gpg"] = sign(plain, False)
        written[f"{stem}.sjson"] = sign(signed, True)
    return written


def _write_in_place(plan: Plan, root: Path, written: Mapping[str, bytes], *, backup: bool) -> None:
    for path, metadata in plan.before.look.stream.files.items():
        if metadata.answer.body is not None and _held(root / path) != metadata.answer.body:
            hint = "somebody else writes to it; try again"
            raise LintError(f"{path} has changed since it was checked", hint)
    kept = {}
    for path, body in written.items() if backup else ():
        before = _held(root / path)
        if before not in (None, body) and not (root / f"{path}.orig").exists():
            kept[f"{path}.orig"] = before or b""
    replace_metadata(root, {**kept, **written})


def _held(place: Path) -> bytes | None:
    try:
        return place.read_bytes()
    except OSError:
        return None


def _write_tree(
    plan: Plan, target: Path, written: Mapping[str, bytes], files_from: LocalTree | None
) -> None:
    whole: dict[str, bytes] = {}
    for path, metadata in plan.after.look.stream.files.items():
        forms = {path: metadata.answer}
        if path not in written:
            forms |= {each.path: each for each in (metadata.twin, metadata.detached) if each}
        whole |= {name: each.body for name, each in forms.items() if each.body is not None}
    whole |= written
    for path in whole:
        stem = path.removesuffix(".json")
        for stale in (f"{path}.gpg", f"{stem}.sjson") if path != stem else ():
            if stale not in whole and (target / stale).exists():
                hint = "give --sign KEYID, or another directory"
                raise UsageError(f"the signature in {target / stale} would no longer fit", hint)
    try:
        target.mkdir(parents=True, exist_ok=True)
        if files_from is not None:
            for path in plan.image_files:
                _bring(files_from, target, path)
    except OSError as error:
        raise _unwritable(target, error) from None
    replace_metadata(target, whole)


def replace_metadata(root: Path, written: Mapping[str, bytes]) -> None:
    """Make ``root/streams`` hold these files beside those that it has, in one step.

    Where the file system can't exchange two directories, or links lead to the files, file by file:
    backups before products before indexes.
    """
    inside = {path for path in written if path.startswith(f"{STREAMS}/")}
    for path in written:
        _safe(root, path)
    order = sorted(written, key=_turn)
    stage, staged = root / f".{STREAMS}.{os.getpid()}.new", False
    try:
        if not any(_linked_folder(root, path) for path in inside):
            _stage(root, stage, {path: written[path] for path in inside})
            staged = True
        outside = [path for path in order if staged and path not in inside]
        for path in outside:
            _put(root / path, written[path])
        if not staged or not _swapped(stage / STREAMS, root / STREAMS):
            for path in order:
                if path not in outside:
                    _put(root / path, written[path])
        _synced(root)
    except OSError as error:
        raise _unwritable(root, error) from None
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _stage(root: Path, stage: Path, files: Mapping[str, bytes]) -> None:
    """Lay out beside what ``root/streams`` will be; what does not change is linked."""
    if (root / STREAMS).is_dir():
        shutil.copytree(root / STREAMS, stage / STREAMS, symlinks=True, copy_function=_linked)
    for path, body in files.items():
        _put(stage / path, body)
    _synced(stage / STREAMS)


def _swapped(new: Path, old: Path) -> bool:
    if old.exists():
        return _exchanged(new, old)
    if new.exists():
        new.rename(old)
    return True


def _linked_folder(root: Path, path: str) -> bool:
    """Whether a link is on the way to a file: what it leads to can't be exchanged with it."""
    folders = [root / part for part in Path(path).parents if part.name]
    return any(folder.is_symlink() for folder in folders)


def _exchanged(one: Path, other: Path) -> bool:
    """Whether two directories have changed places."""
    if other.is_symlink():
        return False
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    done = renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _EXCHANGE)
    return bool(done == 0)


def _put(place: Path, body: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    atomic.replace(place, [body])


def _linked(source: str, target: str) -> str:
    """A hard link, or where that can't be, a copy: the file itself is never written to."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target)
    return target


def _bring(tree: LocalTree, target: Path, path: str) -> None:
    """Link or copy an image file into a new tree; what is not below the root is none of it."""
    found = tree.locate(path)
    if not isinstance(found, str):
        return
    source, root = Path(found).resolve(), tree.root.resolve()
    if not source.is_relative_to(root) or not source.is_file():
        return
    place = _safe(target, Path(found).relative_to(tree.root).as_posix())
    if place.is_file() and _alike(source, place):
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_name(f".{place.name[:200]}.{os.getpid()}.tmp")
    try:
        _linked(str(source), str(beside))
        beside.replace(place)
    finally:
        beside.unlink(missing_ok=True)


def _alike(one: Path, other: Path) -> bool:
    """Whether a file is a link or copy that an earlier run made."""
    a, b = one.stat(), other.stat()
    return (a.st_size, a.st_mtime_ns) == (b.st_size, b.st_mtime_ns)


def _safe(root: Path, path: str) -> Path:
    """The place of a path, which is below the root whatever links are on the way."""
    place = root / path
    real = Path(os.path.realpath(place.parent))
    if (
        ".." in path.split("/")
        or path.startswith("/")
        or not real.is_relative_to(os.path.realpath(root))
    ):
        raise UsageError(f"{path} leads out of {root}", "mend the path by hand")
    return place


def _synced(folder: Path) -> None:
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _turn(path: str) -> tuple[bool, bool, str]:
    """When a file is written: an index last, so that it is never ahead of its products."""
    return not path.endswith(".orig"), path.rpartition("/")[2].startswith("index."), path


def _named(text: bytes, ending: str, texts: Mapping[str, Any]) -> bytes:
    """An index that names its files with this ending; any other text as it is."""
    said = text.decode("utf-8", "surrogatepass")
    data = json.loads(said)
    entries = data.get("index") if isinstance(data, dict) else None
    changes = []
    for key, entry in entries.items() if isinstance(entries, dict) else ():
        path = entry.get("path") if isinstance(entry, dict) else None
        if isinstance(path, str):
            stem = path.removesuffix(".sjson").removesuffix(".json")
            if stem in texts and path != stem + ending:
                changes.append(jsontext.Set(("index", key, "path"), stem + ending))
    return jsontext.apply(said, changes).encode("utf-8", "surrogatepass") if changes else text


def _unwritable(place: Path, error: OSError) -> LintError:
    why = (error.strerror or errno.errorcode.get(error.errno or 0, "unwritable")).lower()
    return LintError(
        f"cannot write below {str(place)!r}: {why}", "see to the folder and its rights"
    )
