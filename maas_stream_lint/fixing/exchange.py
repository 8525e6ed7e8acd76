"""Replaces metadata in one step, and keeps what other programs write meanwhile."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maas_stream_lint import atomic
from maas_stream_lint.errors import LintError
from maas_stream_lint.fixing.stage import STREAMS, Changed, Stage, dress, held, recover

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def replace_metadata(
    root: Path, written: Mapping[str, bytes], before: Mapping[str, bytes | None] | None = None
) -> None:
    """Write these files to a tree, beside its other files: see ``exchange_metadata``.

    Raises LintError if another run of this tool also writes to the tree.
    """
    root.mkdir(parents=True, exist_ok=True)
    with alone(root):
        exchange_metadata(root, written, before)


def exchange_metadata(
    root: Path, written: Mapping[str, bytes], before: Mapping[str, bytes | None] | None = None
) -> None:
    """Write these files to a locked tree, beside its other files, in one step.

    ``written``: path below the root → content; products files come before the index that names
    them. ``before``: the content that a file must have until then (``None``: there is no such
    file). Without it, that is the present content.

    Some file systems cannot exchange two directories, and links may lead to the files. Then the
    tool replaces the files one by one, in the order of ``written``. If it cannot replace one, it
    puts the others back.

    Raises Changed if another program writes one of these files at the same time, LintError or
    OSError if it cannot write them. Then the tree is unchanged, except for what others wrote.
    """
    expected = {path: held(root / path) for path in written} | dict(before or {})
    expected = {path: expected[path] for path in written}
    with _stage(root, written) as (stage, staged), _signals_wait():
        singly = [path for path in written if path not in staged]
        with _one_by_one(root, {path: written[path] for path in singly}, expected):
            together = {path: expected[path] for path in staged}
            if stage is not None and not stage.exchange(together):
                with _one_by_one(root, {path: written[path] for path in staged}, expected):
                    pass
        atomic.synced(root)


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Lock a tree against other runs of this tool, and finish the work of a killed run.

    Raises LintError if another run writes to it, OSError if the folder cannot be opened.
    """
    handle = os.open(root, os.O_RDONLY)
    try:
        _lock(handle, root)
        recover(root)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, root: Path) -> None:
    try:
        import fcntl
    except ImportError:  # not on Windows
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        hint = "wait until it is done, and try again"
        raise LintError(f"another program has locked {str(root)!r}", hint) from None
    except OSError:  # this file system knows no locks
        pass


@contextmanager
def _signals_wait() -> Iterator[None]:
    """Delay a request to stop until the tree is complete again."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    come: list[int] = []
    names = [n for n in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, n)]
    before: dict[int, Any] = {}
    try:
        for number in (getattr(signal, name) for name in names):
            before[number] = signal.signal(number, lambda number, _: come.append(number))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for number in come[:1]:
        signal.raise_signal(number)


@contextmanager
def _stage(root: Path, written: Mapping[str, bytes]) -> Iterator[tuple[Stage | None, list[str]]]:
    """Prepare what the tool can exchange as a whole: the stage, and its paths."""
    inside = [path for path in written if path.startswith(f"{STREAMS}/")]
    fit = inside and not any(_linked_folder(root, path) for path in inside)
    stage = Stage.beside(root) if fit else None
    if stage is None:
        yield None, []
        return
    try:
        stage.lay_out({path: written[path] for path in inside})
        yield stage, inside
    finally:
        stage.remove()


def _linked_folder(root: Path, path: str) -> bool:
    """Whether a link is on the way to a file: the tool cannot exchange what it leads to."""
    folders = [root / part for part in Path(path).parents if part.name]
    return any(folder.is_symlink() for folder in folders)


@contextmanager
def _one_by_one(
    root: Path, files: Mapping[str, bytes], expected: Mapping[str, bytes | None]
) -> Iterator[None]:
    """Replace files in order. If anything fails, now or later, put the replaced files back."""
    done: list[tuple[Path, Path]] = []
    with ExitStack() as unfinished:
        try:
            for path, body in files.items():
                place = root / path
                place.parent.mkdir(parents=True, exist_ok=True)
                old = unfinished.enter_context(atomic.beside(place))
                atomic.write(old, [body])
                dress(place, old)
                _swap(place, old, path, expected[path])
                done.append((place, old))
            yield
        except BaseException:
            for place, old in reversed(done):
                if old.exists():
                    old.replace(place)
                else:
                    place.unlink(missing_ok=True)
            raise


def _swap(place: Path, new: Path, path: str, expected: bytes | None) -> None:
    """Put ``new`` at ``place``, and the old file at ``new``. Raises Changed."""
    if expected is None:
        try:
            os.link(new, place)  # a rename would replace a file that came meanwhile
        except FileExistsError:
            raise Changed(path) from None
        new.unlink()
    elif atomic.exchange(new, place):
        if held(new) != expected:
            atomic.exchange(new, place)
            raise Changed(path)
    else:
        if held(place) != expected:
            raise Changed(path)
        with atomic.beside(place) as old:
            os.link(place, old)
            new.replace(place)
            old.rename(new)
