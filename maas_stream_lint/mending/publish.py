"""Writing a mended tree: files first, then all metadata at once, so that nobody sees half of it."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maas_stream_lint.errors import LintError, UsageError
from maas_stream_lint.mending import jsontext
from maas_stream_lint.mending.plan import local_tree, signature_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from maas_stream_lint.mending.plan import Plan

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
    root = tree.root if tree is not None else None
    written = metadata_of(plan, sign)
    if target is None:
        if root is None:
            raise UsageError("a stream on a server can't be edited in place", "give --output DIR")
        if written:
            _write_in_place(plan, root, written, backup=backup)
        return root
    folder = Path(target)
    if with_files and root is None:
        raise UsageError("files on a server can't be linked", "fetch them with `check --keep DIR`")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{str(target)!r} is no directory", "name another")
    if root is not None and folder.exists() and folder.resolve() == root.resolve():
        raise UsageError(f"{str(target)!r} is the stream itself", "use --in-place for that")
    _write_tree(plan, folder, written, root if with_files else None)
    return folder


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
    for path, body in plan.originals.items():
        place = root / path
        if place.is_file() and place.read_bytes() != body:
            hint = "somebody else writes to it; try again"
            raise LintError(f"{path} has changed since it was checked", hint)
    kept = {}
    if backup:
        kept = {
            f"{path}.orig": body
            for path, body in plan.originals.items()
            if not (root / f"{path}.orig").exists()
        }
    replace_metadata(root, {**written, **kept}, copy_from=root)


def _write_tree(
    plan: Plan, target: Path, written: Mapping[str, bytes], files_from: Path | None
) -> None:
    unchanged = {
        path: metadata.answer.body
        for path, metadata in plan.after.look.stream.files.items()
        if metadata.answer.body is not None
    }
    try:
        target.mkdir(parents=True, exist_ok=True)
        if files_from is not None:
            for path in plan.image_files:
                _bring(files_from, target, path)
    except OSError as error:
        raise _unwritable(target, error) from None
    replace_metadata(target, {**unchanged, **written}, copy_from=None)


def replace_metadata(root: Path, written: Mapping[str, bytes], *, copy_from: Path | None) -> None:
    """Make ``root/streams`` hold these files, and those of ``copy_from`` beside, in one step.

    Where the file system can't exchange two directories, file by file: products before indexes.
    """
    inside = {p: b for p, b in written.items() if p.startswith(f"{STREAMS}/")}
    for path in written:
        _safe(root, path)
    stage = root / f".{STREAMS}.{os.getpid()}.new"
    try:
        for path, body in written.items():
            if path not in inside:
                _put(root / path, body)
        if copy_from is not None and (copy_from / STREAMS).is_dir():
            shutil.copytree(
                copy_from / STREAMS, stage / STREAMS, symlinks=True, copy_function=_linked
            )
        for path, body in inside.items():
            _put(stage / path, body)
        _synced(stage / STREAMS)
        _swap(stage / STREAMS, root / STREAMS, sorted(inside, key=_is_index))
    except OSError as error:
        raise _unwritable(root, error) from None
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _swap(new: Path, old: Path, paths: list[str]) -> None:
    if not old.exists():
        new.rename(old)
    elif not _exchanged(new, old):
        for path in paths:  # products before indexes
            _put(old.parent / path, (new.parent / path).read_bytes())
    _synced(old.parent)


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
    """Write a file beside, and rename it."""
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_name(f".{place.name[:200]}.{os.getpid()}.tmp")
    try:
        with beside.open("xb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        if place.exists():
            shutil.copymode(place, beside)
        beside.replace(place)
    finally:
        beside.unlink(missing_ok=True)


def _linked(source: str, target: str) -> str:
    """A hard link, or where that can't be, a copy: the file itself is never written to."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target)
    return target


def _bring(root: Path, target: Path, path: str) -> None:
    """Link or copy an image file into a new tree."""
    source = (root / path).resolve()
    place = _safe(target, path)
    if place.exists() or not source.is_file():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_name(f".{place.name[:200]}.{os.getpid()}.tmp")
    try:
        _linked(str(source), str(beside))
        beside.replace(place)
    finally:
        beside.unlink(missing_ok=True)


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


def _is_index(path: str) -> bool:
    return path.rpartition("/")[2].startswith("index.")


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
