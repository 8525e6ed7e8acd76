"""Image files on disk."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maas_stream_lint.images.cache import Facts
from maas_stream_lint.images.listing import on_disk
from maas_stream_lint.images.observation import ALGORITHMS, Seen
from maas_stream_lint.images.progress import Quiet
from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.source import Trouble, printable

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable, Mapping
    from typing import BinaryIO

    from maas_stream_lint.images.cache import Known
    from maas_stream_lint.images.listing import OnDisk
    from maas_stream_lint.images.observation import Wanted
    from maas_stream_lint.images.progress import Progress
    from maas_stream_lint.images.tree_memory import TreeMemory
    from maas_stream_lint.source import LocalTree

_STEP = 2**20


class Copy(NamedTuple):
    """A file that can be read."""

    place: str
    #: The place to which all links lead: below the root, or for the system if it is elsewhere.
    name: str
    stamp: str  #: changes with what is in it


class LocalFiles:
    """The image files of a tree on disk, as a web server would serve them."""

    def __init__(
        self,
        tree: LocalTree,
        memory: TreeMemory,
        stop: threading.Event,
        present: Mapping[str, OnDisk] | None = None,
    ) -> None:
        """``stop``: set when reading should end. ``present``: what is known to be there."""
        self._tree = tree
        # Where a path means itself, the listing has told all that the long way would ask for.
        self._present = _meaning_themselves(present or {})
        self._memory = memory
        self._stop = stop
        self._root = f"{tree.folder}/"
        self._inside = memory.root
        self._folders: dict[str, str] = {}  # where a folder really is: most files share one
        self._others: dict[str, Copy] = {}  # what was found that is not present, by path

    def look(self, paths: Iterable[str]) -> dict[str, Seen]:
        """What the disk's directory says of each file. It can be read if there is no trouble."""
        found, present = {}, self._present
        for path in paths:
            found[path] = seen = Seen(path)
            about = present.get(path) or self._found(path, seen)
            if about is not None:
                seen.size = about[0]
                seen.on_disk = about
        return found

    def look_at(self, wanted: Wanted, algorithms: Iterable[str]) -> Seen:
        """A look at one file, with these digests if it can be read."""
        files = self.look([wanted.path])
        seen = files[wanted.path]
        if seen.trouble is None and algorithms:
            self.recall({wanted.path: wanted}, files)
        if seen.trouble is None and not seen.cached:
            self.read(seen, wanted, algorithms, Quiet())
        return seen

    def _copy(self, path: str) -> Copy:
        """Where to read a file that ``look`` has found."""
        about = self._present.get(path)
        if about is None:
            return self._others[path]
        return Copy(self._root + path, path, about.stamp)

    def _found(self, path: str, seen: Seen) -> OnDisk | None:
        """What the system says of a file that is not present under a path that means itself."""
        place = self._tree.locate(path)
        if isinstance(place, Trouble):
            seen.trouble = place
            return None
        try:
            about = os.stat(place)  # noqa: PTH116 - Path drops a final slash, which matters
        except OSError as error:
            seen.trouble = _trouble(error, place)
            return None
        if not stat.S_ISREG(about.st_mode):
            kind = "a directory" if stat.S_ISDIR(about.st_mode) else "no regular file"
            seen.trouble = Trouble("not-a-file", kind)
            return None
        real = self._real(place)
        if not real.startswith(self._inside):
            seen.link = printable(os.path.relpath(real, self._root))
        found = on_disk(about)
        self._others[path] = Copy(place, real.removeprefix(self._inside), found.stamp)
        return found

    def _real(self, place: str) -> str:
        """``os.path.realpath`` of a file. It asks for each folder once."""
        if os.path.islink(place):  # noqa: PTH114 - a Path of each takes longer than the rest
            return os.path.realpath(place)
        folder, _, name = place.rpartition("/")
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        return f"{self._folders[folder]}/{name}"

    def recall(self, wanted: Mapping[str, Wanted], files: Mapping[str, Seen]) -> None:
        """Fill in what an earlier run has hashed of files that ``look`` has found."""
        others = self._others
        for path, seen in files.items():
            if seen.on_disk is not None:
                name = others[path].name if path in others else path
                told = self._memory.known(name, seen.on_disk.stamp)
                if told is not None and told[1].content and suffices(told, wanted[path]):
                    seen.digests, (seen.content, seen.names, _) = told
                    seen.cached = True

    def read(self, seen: Seen, wanted: Wanted, algorithms: Iterable[str], told: Progress) -> None:
        """Read the first bytes of a file that ``look`` has found. Make digests. Raises Stopped."""
        copy = self._copy(seen.path)
        # A second run over a tree reads nothing, and needs nothing that knows kinds of files.
        from maas_stream_lint.images.sniff import HEAD_BYTES, sniff

        try:
            with Path(copy.place).open("rb", buffering=0) as file:
                head = file.read(HEAD_BYTES)
                seen.content = sniff(head, whole=len(head) == seen.size)
                if algorithms:
                    file.seek(0)
                    seen.digests = self._digests(file, algorithms, told)
                if wanted.listed:
                    file.seek(0)
                    seen.names = whole_listing(file)
                after = os.fstat(file.fileno())
        except OSError as error:
            seen.trouble = _trouble(error, copy.place)
            return
        seen.size = after.st_size
        if algorithms and on_disk(after).stamp == copy.stamp:
            known = seen.digests, Facts(seen.content, seen.names, wanted.listed)
            self._memory.learn(copy.name, copy.stamp, known)

    def _digests(self, file: Any, algorithms: Iterable[str], told: Progress) -> dict[str, str]:
        import hashlib  # takes as long as some hundred files

        hashers = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
        buffer = bytearray(_STEP)
        view = memoryview(buffer)
        while size := file.readinto(buffer):
            for hasher in hashers.values():
                hasher.update(view[:size])
            told.advance(size)
            if self._stop.is_set():
                from maas_stream_lint.images.pool import Stopped

                raise Stopped
        return {name: hasher.hexdigest() for name, hasher in hashers.items()}


def _meaning_themselves(present: Mapping[str, OnDisk]) -> Mapping[str, OnDisk]:
    """The files whose paths are names: others end before ``?`` or ``#``, or lose a tab."""
    if _is_plain("".join(present)):
        return present
    return {path: about for path, about in present.items() if _is_plain(path)}


def _is_plain(path: str) -> bool:
    return path.isprintable() and "?" not in path and "#" not in path


def asked(wanted: Wanted) -> tuple[str, ...]:
    """The digests to make of a file: those that it has checksums for, sha256 in any case."""
    return tuple(name for name in ALGORITHMS if name == "sha256" or name in wanted.checksums)


def suffices(known: Known, wanted: Wanted) -> bool:
    """Whether an earlier run has read all that is asked for."""
    made, (_, _, listed) = known
    _, _, checksums, to_list, _ = wanted
    return "sha256" in made and made.keys() >= checksums.keys() and listed >= to_list


def whole_listing(file: BinaryIO) -> tuple[str, ...] | None:
    """All names in a tar; ``None`` for what is none, or too large or too broken to be sure."""
    from maas_stream_lint.images.sniff import tar_names

    listing = tar_names(file)
    return listing.names if listing is not None and listing.whole else None


def _trouble(error: OSError, place: str) -> Trouble:
    if isinstance(error, FileNotFoundError) and os.path.islink(place):  # noqa: PTH114 - as above
        return Trouble("missing", "a link that leads nowhere")
    missing = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP)
    if error.errno in missing:
        return Trouble("missing", "no such file")
    return Trouble("unreadable", (error.strerror or "the file cannot be read").lower())
