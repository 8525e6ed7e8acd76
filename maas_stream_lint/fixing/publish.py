"""Writing a fixed tree: image files first, then all metadata at once."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maas_stream_lint import atomic
from maas_stream_lint.api import check
from maas_stream_lint.errors import LintError, UsageError
from maas_stream_lint.fixing import jsontext
from maas_stream_lint.fixing.backup import keep
from maas_stream_lint.fixing.exchange import alone, replace_metadata
from maas_stream_lint.fixing.plan import local_tree, signature_of
from maas_stream_lint.fixing.stage import Changed, held, linked
from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.records import replace
from maas_stream_lint.rule import level_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from maas_stream_lint.fixing.plan import Plan
    from maas_stream_lint.source import LocalTree

    #: Returns the clear-signed form of a text, or the detached signature of bytes.
    Signer = Callable[[bytes, bool], bytes]


class Written(NamedTuple):
    """The result of writing a plan."""

    where: Path  #: the tree that was written to
    backup: Path | None  #: the folder that holds what was replaced


def apply(
    plan: Plan,
    target: str | os.PathLike[str] | None = None,
    *,
    sign: Signer | None = None,
    backup: bool = True,
    with_files: bool = False,
) -> Path:
    """Write a plan, and say where: see ``write``."""
    return write(plan, target, sign=sign, backup=backup, with_files=with_files).where


def write(
    plan: Plan,
    target: str | os.PathLike[str] | None = None,
    *,
    sign: Signer | None = None,
    unverified: bool = False,
    backup: bool | str | os.PathLike[str] = True,
    with_files: bool = False,
) -> Written:
    """Write a plan into the stream itself, or as a whole tree to ``target``.

    ``sign``: signs all metadata, see ``signing.Gpg``. ``unverified``: also sign files without a
    valid signature by a key of the keyring. ``backup``: whether to keep the replaced files, or the
    folder for them. ``with_files``: link or copy image files to ``target``, too.

    Raises UsageError for wrong arguments, LintError if it cannot write the plan. Then it writes
    nothing.
    """
    tree = local_tree(plan.before)
    folder = _target(tree, target, with_files=with_files)
    if sign is not None and not unverified:
        refuse_unverified(plan)
    written = _ordered(plan, metadata_of(plan, sign))
    if target is not None:
        written = _ordered(plan, _whole(plan, written))
        _refuse_left_signatures(folder, written)
    replaced = {
        path: before
        for path, body in written.items()
        if (before := held(_safe(folder, path))) not in (None, body)
    }
    kept = None
    if backup is not False:
        kept = keep(folder, replaced, None if backup is True else Path(backup))
    if target is not None:
        _write_tree(plan, folder, written, tree if with_files else None)
    elif written:
        _write_in_place(plan, folder, written)
    return Written(folder, kept)


def _target(
    tree: LocalTree | None, target: str | os.PathLike[str] | None, *, with_files: bool
) -> Path:
    """The root of the tree to write to. Raises UsageError if there can be none."""
    if target is None:
        if tree is None:
            raise UsageError("a stream on a server cannot be edited in place", "give --output DIR")
        return tree.root
    folder = Path(target)
    if with_files and tree is None:
        raise UsageError("files on a server cannot be linked", "fetch them with `check --keep DIR`")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{str(target)!r} is no directory", "name another")
    if tree is not None and folder.exists() and folder.resolve() == tree.root.resolve():
        raise UsageError(f"{str(target)!r} is the stream itself", "use --in-place for that")
    return folder


def refuse_unverified(plan: Plan) -> None:
    """Raise UsageError if the tool would sign content that nobody has verified.

    The tool may sign a stream without any signature, unless a keyring says that it must have one.
    """
    stream = plan.before.look.stream
    hint = "verify it with --keyring FILE; --unsafe signs it unverified"
    for path, metadata in stream.files.items():
        if not metadata.exists:
            continue
        if not isinstance(stream.keyring, str):
            stale = signature_of(metadata)
            if stale is not None:
                raise UsageError(f"nobody has verified the signature in {stale}", hint)
            continue
        seen = [v for v in (metadata.verification, metadata.detached_verification) if v is not None]
        if not any(verification.good for verification in seen):
            told = seen[0].detail if seen else "it has no signature"
            raise UsageError(f"{path} is not verified, so it is not signed again: {told}", hint)


def seen_signed(plan: Plan, where: Path) -> Plan:
    """The plan, with the findings of a check of the written signatures."""
    look = plan.after.look
    path = look.stream.index_path if look.stream.explicit else ""
    keyring, lines = look.stream.keyring, look.lines
    written = check(where / path, lines, keyring, files="none")
    of_files = [f for f in plan.after.findings if level_of(f.code) == "file"]
    found = sorted([*written.findings, *of_files], key=lambda f: -f.severity)
    return replace(plan, after=replace(plan.after, look=written.look, findings=tuple(found)))


def refuse_stale_signatures(plan: Plan, sign: Signer | None) -> None:
    """Raise UsageError if a signature would no longer be valid what it is of."""
    if sign is not None:
        return
    for path in sorted(plan.files):
        metadata = plan.before.look.stream.files.get(path)
        if metadata is None:
            continue
        stale = signature_of(metadata)
        if stale is not None:
            hint = "give --sign KEYID, or work on a copy without signatures"
            raise UsageError(f"the signature in {stale} would no longer be valid", hint)


def metadata_of(plan: Plan, sign: Signer | None) -> dict[str, bytes]:
    """All metadata to write: changed files and, if they are signed, all forms of each."""
    refuse_stale_signatures(plan, sign)
    written = dict(plan.files)
    if sign is None:
        return written
    texts: dict[str, bytes] = {}
    for path, metadata in plan.after.look.stream.files.items():
        document = metadata.best
        if document is None or document.fatal is not None:
            raise UsageError(
                f"{path} cannot be read, so it cannot be signed", "fix it by hand first"
            )
        texts[path.removesuffix(".sjson").removesuffix(".json")] = document.text.encode(
            "utf-8", "surrogatepass"
        )
    return written | signed_forms(texts, sign)


def signed_forms(texts: Mapping[str, bytes], sign: Signer) -> dict[str, bytes]:
    """Every document as ``.json``, ``.json.gpg`` and ``.sjson``, in the same order.

    ``texts``: path without its ending → text. An index names files of its own ending.
    """
    written = {}
    for stem, text in texts.items():
        plain, signed = named(text, ".json", texts), named(text, ".sjson", texts)
        written[f"{stem}.json"] = plain
        written[f"{stem}.json.gpg"] = sign(plain, False)
        written[f"{stem}.sjson"] = sign(signed, True)
    return written


def _write_in_place(plan: Plan, root: Path, written: Mapping[str, bytes]) -> None:
    known = plan.before.look.stream.files
    expected = {path: metadata.answer.body for path, metadata in known.items()}
    for path, body in expected.items():
        if body is not None and held(root / path) != body:
            raise Changed(path)
    before = {path: expected[path] for path in written if path in expected}
    _replaced(root, written, before)


def _replaced(
    root: Path, written: Mapping[str, bytes], before: Mapping[str, bytes | None] | None = None
) -> None:
    try:
        replace_metadata(root, written, before)
    except OSError as error:
        raise _unwritable(root, error) from None


def _write_tree(
    plan: Plan, target: Path, written: Mapping[str, bytes], files_from: LocalTree | None
) -> None:
    """Write a whole tree, its image files first."""
    try:
        target.mkdir(parents=True, exist_ok=True)
        if files_from is not None:
            with alone(target):
                for path in plan.image_files:
                    _bring(files_from, target, path)
    except OSError as error:
        raise _unwritable(target, error) from None
    _replaced(target, written)


def _whole(plan: Plan, written: Mapping[str, bytes]) -> dict[str, bytes]:
    """All metadata of the fixed stream, edited or not."""
    whole: dict[str, bytes] = {}
    for path, metadata in plan.after.look.stream.files.items():
        forms = {path: metadata.answer}
        if path not in written:
            forms |= {each.path: each for each in (metadata.twin, metadata.detached) if each}
        whole |= {name: each.body for name, each in forms.items() if each.body is not None}
    return whole | dict(written)


def _refuse_left_signatures(target: Path, whole: Mapping[str, bytes]) -> None:
    """Raise UsageError if the new files would make an older signature in ``target`` invalid."""
    for path in whole:
        stem = path.removesuffix(".json")
        for stale in (f"{path}.gpg", f"{stem}.sjson") if path != stem else ():
            if stale not in whole and (target / stale).exists():
                hint = "give --sign KEYID, or another directory"
                raise UsageError(
                    f"the signature in {target / stale} would no longer be valid", hint
                )


def _ordered(plan: Plan, written: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files to write, each before the files that name it, so the index comes last."""
    read = [_stem(path) for path in plan.after.look.stream.files]
    turns = {stem: turn for turn, stem in enumerate(reversed(read))}
    return {path: written[path] for path in sorted(written, key=lambda p: turns.get(_stem(p), -1))}


def _stem(path: str) -> str:
    return path.removesuffix(".gpg").removesuffix(".sjson").removesuffix(".json")


def _bring(tree: LocalTree, target: Path, path: str) -> None:
    """Link or copy an image file into a new tree, unless it is not below the root."""
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
    with atomic.beside(place) as unfinished:
        linked(source, unfinished)
        unfinished.replace(place)


def _alike(one: Path, other: Path) -> bool:
    """Whether a file is a link or copy that an earlier run made."""
    a, b = one.stat(), other.stat()
    return (a.st_size, a.st_mtime_ns) == (b.st_size, b.st_mtime_ns)


def _safe(root: Path, path: str) -> Path:
    """The place of a path. It is below the root, whatever links are on the way."""
    place = root / path
    real = Path(os.path.realpath(place.parent))
    if (
        ".." in path.split("/")
        or path.startswith("/")
        or not real.is_relative_to(os.path.realpath(root))
    ):
        raise UsageError(f"{path} leads out of {root}", "fix the path by hand")
    return place


def named(text: bytes, ending: str, texts: Mapping[str, Any]) -> bytes:
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
        f"cannot write below {str(place)!r}: {why}", "check the folder and its permissions"
    )
