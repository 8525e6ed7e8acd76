"""The new ``streams/``, laid out beside the old one, and what becomes of the old one.

The two directories change places in one step. Then the old one is taken apart: a file is removed
only if it is known. Whatever somebody else has written there is brought over, so nothing is lost.
What is known of both is on disk before they change places: a later run finishes for a killed one.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from maas_stream_lint import atomic
from maas_stream_lint.errors import LintError
from maas_stream_lint.images.bounds import BOUNDS
from maas_stream_lint.images.listing import listed, walk
from maas_stream_lint.records import field, record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

STREAMS = "streams"
#: The name of the folder for the new metadata: something random stands between the two.
_HEAD, _TAIL = f".{STREAMS}.stage-", ".new"
#: In that folder: what is known of both trees, and files on their way out.
_KNOWN, _OUT = "known.json", "out"
#: The old tree is searched again while somebody still writes to it; at most so often.
_PASSES = 50
#: What the files of one document end in.
_ENDINGS = (".json", ".sjson", ".json.gpg")

#: Device and inode.
Identity = tuple[int, int]


class Changed(LintError):  # noqa: N818 - what is the matter, not what went wrong
    """Somebody else wrote a file that was about to be replaced."""

    def __init__(self, path: str, told: str = "so nothing was changed") -> None:
        """``path``: of the file, below the root. ``told``: what came of it."""
        super().__init__(
            f"{path} was written by another program in the meantime, {told}",
            "wait until that program is done, and try again",
        )


@record
class Known:
    """The files of ``streams/``, by their path below it: as they stood, and as they were laid out.

    A file that is the same in both is one inode with two names.
    """

    folders: tuple[int, int] = (0, 0)  #: inodes of the old directory and of the new one
    old: dict[str, Identity] = field(default_factory=dict)
    new: dict[str, Identity] = field(default_factory=dict)
    #: Length and time of those that are not one inode: what is written to the old one later is
    #: not in the new one.
    facts: dict[str, tuple[int, int]] = field(default_factory=dict)


class Stage:
    """A folder beside ``streams/`` in which its successor is laid out."""

    def __init__(self, root: Path, folder: Path, known: Known | None = None) -> None:
        """``known``: of a stage that a killed run left."""
        self.root, self.folder = root, folder
        self.live, self.tree = root / STREAMS, folder / STREAMS
        self.known = known or Known()
        self._exchanged = False  # whether there may be files of others in the folder

    @classmethod
    def beside(cls, root: Path) -> Stage | None:
        """Make the folder, with a name that nobody can guess; ``None`` if one may not."""
        try:
            return cls(root, Path(tempfile.mkdtemp(_TAIL, _HEAD, root)))
        except PermissionError:
            return None

    def lay_out(self, files: Mapping[str, bytes]) -> None:
        """Write new files (path below the root → content), and link what stays."""
        names = {path: path.removeprefix(f"{STREAMS}/") for path in files}
        if self.live.is_dir():
            self._link(self.live, self.tree, "", frozenset(names.values()))
        for path, body in files.items():
            place, real = self.folder / path, self.root / path
            self._make_folders(Path(path).parent)
            atomic.write(place, [body])
            dress(real, place)
            self.known.new[names[path]] = _identity(place)
        before = self.live.stat().st_ino if self.live.exists() else 0
        self.known.folders = (before, self.tree.stat().st_ino)
        body = json.dumps(asdict(self.known)).encode("utf-8", "surrogateescape")
        atomic.write(self.folder / _KNOWN, [body])
        atomic.synced(self.tree)
        atomic.synced(self.folder)

    def _link(self, old: Path, new: Path, below: str, written: frozenset[str]) -> None:
        if below.count("/") > BOUNDS.depth:
            told = f"{str(self.live)!r} holds directories that are nested {BOUNDS.depth} deep"
            raise LintError(told, "remove them: no stream has such")
        new.mkdir()
        for source in sorted(old.iterdir()):
            target, rel = new / source.name, below + source.name
            if source.is_dir() and not source.is_symlink():
                self._link(source, target, f"{rel}/", written)
                continue
            with suppress(FileNotFoundError):  # it is gone by now
                about = source.lstat()
                self.known.old[rel] = _identity(source)
                if rel not in written:
                    linked(source, target)
                    self.known.new[rel] = _identity(target)
                if self.known.new.get(rel) != self.known.old[rel]:
                    self.known.facts[rel] = (about.st_size, about.st_mtime_ns)
        atomic.take_after(old, new, strict=True)

    def _make_folders(self, folder: Path) -> None:
        for each in [*reversed(folder.parents), folder]:
            place = self.folder / each
            if each.name and not place.is_dir():
                place.mkdir()
                dress(self.root / each, place)

    def exchange(self, expected: Mapping[str, bytes | None]) -> bool:
        """Let the directories change places; ``False`` if the file system cannot do it.

        ``expected``: what the replaced files held. Raises Changed if one holds something else by
        now; then the old directory is back in its place.
        """
        if not self.live.exists():
            self.tree.rename(self.live)
            return True
        if self.live.is_symlink() or not atomic.exchange(self.tree, self.live):
            return False
        self._exchanged = True
        changed = next((p for p, b in expected.items() if held(self.folder / p) != b), None)
        if changed is not None:
            atomic.exchange(self.tree, self.live)
            self.take_apart(self.known.new, self.known.old)
            raise Changed(changed)
        self._forget_deleted(expected)
        late = self.take_apart(self.known.old, self.known.new, expected)
        if late:
            raise Changed(late[0], "and that version was kept")
        return True

    def _forget_deleted(self, expected: Mapping[str, bytes | None]) -> None:
        """Remove what somebody else has removed from the old directory."""
        for rel in self.known.old:
            if f"{STREAMS}/{rel}" not in expected and not os.path.lexists(self.tree / rel):
                with suppress(FileNotFoundError):
                    if _identity(self.live / rel) == self.known.new.get(rel):
                        (self.live / rel).unlink()

    def take_apart(
        self,
        ours: Mapping[str, Identity],
        theirs: Mapping[str, Identity],
        expected: Mapping[str, bytes | None] | None = None,
    ) -> list[str]:
        """Remove the tree in this folder, and bring over what is not known of it.

        ``ours``: its known files; ``theirs``: those of the directory that is in place now.
        ``expected``: what replaced files hold. Give the replaced files that somebody else wrote.
        """
        late: list[str] = []
        replaced = expected or {}
        for _ in range(_PASSES):
            for rel in list(_files(self.tree)):
                place = self.folder / _OUT / rel
                place.parent.mkdir(parents=True, exist_ok=True)
                with suppress(FileNotFoundError):
                    (self.tree / rel).rename(place)  # from here on nobody else can replace it
                    known = self.let_go(rel, place, ours, theirs, replaced)
                    if not known and f"{STREAMS}/{rel}" in replaced:
                        late.append(f"{STREAMS}/{rel}")
            if self._removed(self.tree):
                self._exchanged = False
                return late
        told = f"another program keeps writing to {str(self.tree)!r}, the old metadata"
        raise LintError(told, "stop that program, and run this again: it brings the files over")

    def let_go(
        self,
        rel: str,
        place: Path,
        ours: Mapping[str, Identity],
        theirs: Mapping[str, Identity],
        expected: Mapping[str, bytes | None],
    ) -> bool:
        """Remove a file that is known, and say so; bring over any other."""
        path, about = f"{STREAMS}/{rel}", place.lstat()
        facts = self.known.facts.get(rel) if ours is self.known.old else None
        if (
            _identity(place) == ours.get(rel)
            and facts in (None, (about.st_size, about.st_mtime_ns))
            and (path not in expected or held(place) == expected[path])
        ):
            place.unlink()
            return True
        _hand_over(place, self.live / rel, theirs.get(rel))
        return False

    def _removed(self, folder: Path) -> bool:
        """Whether a folder could be removed; a new one that somebody has made is made again."""
        if not folder.is_dir():
            return True
        live = self.live / folder.relative_to(self.tree)
        if not live.exists() and self.live.exists():
            with suppress(FileExistsError):
                live.mkdir(parents=True)
                atomic.take_after(folder, live)
        done = all([self._removed(each) for each in folder.iterdir()])  # noqa: C419 - each of them
        if done:
            try:
                folder.rmdir()
            except OSError:  # somebody has written to it again
                return False
        return done

    def remove(self) -> None:
        """Remove the folder, unless something is left in it that another program has written."""
        if not self._exchanged:
            shutil.rmtree(self.folder, ignore_errors=True)


def recover(root: Path) -> None:
    """Finish what killed runs of this tool have begun, and remove what they have left."""
    for folder in root.glob(f"{_HEAD}*{_TAIL}"):
        if not folder.is_dir():
            continue
        known = _read(folder / _KNOWN)
        if known is not None:  # else it was killed before anything changed places
            _finish(Stage(root, folder, known))
        shutil.rmtree(folder, ignore_errors=True)
    with suppress(OverflowError):  # what is left of the tree is no work of this tool
        for inner, names in walk(root, held=partial(listed, hidden=True)):
            for name in names:
                if name.startswith(".") and name.endswith(atomic.UNFINISHED):
                    (root / inner / name).unlink(missing_ok=True)


def _finish(stage: Stage) -> None:
    known = stage.known
    now = stage.tree.stat().st_ino if stage.tree.is_dir() else known.folders[0]
    ours, theirs = (known.new, known.old) if now == known.folders[1] else (known.old, known.new)
    for rel in list(_files(stage.folder / _OUT)):
        stage.let_go(rel, stage.folder / _OUT / rel, ours, theirs, {})
    stage.take_apart(ours, theirs)


def _read(place: Path) -> Known | None:
    try:
        said = json.loads(place.read_bytes().decode("utf-8", "surrogateescape"))
        old, new = ({k: (v[0], v[1]) for k, v in said[n].items()} for n in ("old", "new"))
        facts = {k: (v[0], v[1]) for k, v in said["facts"].items()}
        return Known((said["folders"][0], said["folders"][1]), old, new, facts)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def dress(real: Path, new: Path) -> None:
    """Give a new file or folder the rights of the one that it replaces, or of one beside it.

    Raises PermissionError where owner or group of the replaced one cannot be kept.
    """
    if real.exists():
        atomic.take_after(real, new, strict=True)
        return
    stem = next((real.name[: -len(e)] for e in reversed(_ENDINGS) if real.name.endswith(e)), "")
    model = next((p for p in (real.with_name(stem + e) for e in _ENDINGS) if p.is_file()), None)
    if stem and model is not None:
        atomic.take_after(model, new)
    else:
        about = next(folder for folder in real.parents if folder.is_dir()).stat()
        with suppress(PermissionError):
            os.chown(new, about.st_uid, about.st_gid)


def held(place: Path) -> bytes | None:
    """What a file holds; ``None`` if there is none that can be read."""
    try:
        return place.read_bytes()
    except OSError:
        return None


def linked(source: Path, target: Path) -> None:
    """Make a hard link, or a copy where there can be none: the file itself is never written to."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)
        if not source.is_symlink():
            atomic.take_after(source, target)


def _hand_over(place: Path, live: Path, known: Identity | None) -> None:
    """Bring a file that somebody else has written to its place, unless a newer one is there."""
    live.parent.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):
        os.link(place, live, follow_symlinks=False)
        place.unlink()
        return
    if (
        not os.path.lexists(live)
        or _identity(live) == known
        or live.lstat().st_mtime_ns <= place.lstat().st_mtime_ns
    ):
        place.replace(live)
    else:
        place.unlink()


def _files(folder: Path) -> Iterator[str]:
    """The paths of all files below a folder; a link to a folder is one, too."""
    for place, folders, files in os.walk(folder):
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        for name in (*files, *links):
            yield (Path(place) / name).relative_to(folder).as_posix()


def _identity(place: Path) -> Identity:
    about = place.lstat()
    return about.st_dev, about.st_ino
