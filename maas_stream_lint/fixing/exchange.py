"""Replacing metadata in one step, without losing what other programs write meanwhile."""

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
    """Make a tree hold these files beside those that it has: see ``exchange_metadata``.

    Raises LintError if another run of this tool writes to the tree, too.
    """
    root.mkdir(parents=True, exist_ok=True)
    with alone(root):
        exchange_metadata(root, written, before)


def exchange_metadata(
    root: Path, written: Mapping[str, bytes], before: Mapping[str, bytes | None] | None = None
) -> None:
    """Make a tree that is locked hold these files beside those that it has, in one step.

    ``written``: path below the root → content; products files come before the index that names
    them. ``before``: what a file must hold until then (``None``: there is no such file); without
    it, what it holds now.

    Some file systems cannot exchange two directories, and links may lead to the files. Then the
    tool replaces the files one by one, in the order of ``written``. If it cannot replace one, it
    puts the others back.

    Raises Changed if another program writes one of these files at the same time, LintError or
    OSError if they cannot be written. Then the tree is as it was, with what others wrote to it.
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
    """Keep other runs of this tool away from a tree, and finish what a killed one has left.

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
    """Let a request to stop wait until the tree is whole again."""
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
    """Lay out what can be exchanged as a whole: the stage, and the paths that are in it."""
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
    """Whether a link is on the way to a file: what it leads to cannot be exchanged with it."""
    folders = [root / part for part in Path(path).parents if part.name]
    return any(folder.is_symlink() for folder in folders)


@contextmanager
def _one_by_one(
    root: Path, files: Mapping[str, bytes], expected: Mapping[str, bytes | None]
) -> Iterator[None]:
    """Replace files in order. If anything fails, now or later, those replaced are put back."""
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
    """Put ``new`` at ``place``; afterwards ``new`` is what was there. Raises Changed."""
    if expected is None:
        try:
            os.link(new, place)  # a rename would replace what is there by now
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
