"""Image files on disk."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maas_stream_lint.images.cache import Known, in_utf8
from maas_stream_lint.images.listing import on_disk
from maas_stream_lint.images.observation import ALGORITHMS, Seen
from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.source import Trouble, printable

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable, Iterator, Mapping
    from typing import BinaryIO

    from maas_stream_lint.images.cache import HashCache
    from maas_stream_lint.images.listing import OnDisk
    from maas_stream_lint.images.observation import Wanted
    from maas_stream_lint.images.progress import Progress
    from maas_stream_lint.source import LocalTree

_STEP = 2**20


class Copy(NamedTuple):
    """A file that can be read."""

    place: str
    name: str  #: in the cache: it has the place to which all links lead
    stamp: str  #: changes with what is in it


class LocalFiles:
    """The image files of a tree on disk, as a web server would serve them."""

    def __init__(
        self,
        tree: LocalTree,
        cache: HashCache,
        stop: threading.Event,
        present: Mapping[str, OnDisk] | None = None,
    ) -> None:
        """``stop``: set when reading should end. ``present``: what is known to be there."""
        self._tree = tree
        # Where a path means itself, the listing has told all that the long way would ask for.
        self._present = _meaning_themselves(present or {})
        self._cache = cache
        self._stop = stop
        self._root = f"{tree.folder}/"
        self._inside = os.path.realpath(tree.folder).rstrip("/") + "/"
        self._named = in_utf8(f"file:{self._inside}")
        self._folders: dict[str, str] = {}  # where a folder really is: most files share one
        self._others: dict[str, Copy] = {}  # what was found that is not present, by path

    def look(self, path: str) -> Seen:
        """What the disk's directory says of a file. It can be read unless there is a trouble."""
        seen = Seen(path)
        about = self._present.get(path) or self._found(path, seen)
        if about is not None:
            seen.size, seen.inode, _ = about
        return seen

    def _copy(self, path: str) -> Copy:
        """Where to read a file that ``look`` has found."""
        about = self._present.get(path)
        if about is None:
            return self._others[path]
        return Copy(self._root + path, self._named + path, about.stamp)

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
        self._others[path] = Copy(place, in_utf8(f"file:{real}"), found.stamp)
        return found

    def _real(self, place: str) -> str:
        """``os.path.realpath`` of a file. It asks for each folder once."""
        if os.path.islink(place):  # noqa: PTH114 - a Path of each takes longer than the rest
            return os.path.realpath(place)
        folder, _, name = place.rpartition("/")
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        return f"{self._folders[folder]}/{name}"

    def recall(self, looked: Iterable[tuple[Wanted, Seen]]) -> list[tuple[Wanted, Seen]]:
        """Fill in what an earlier run has hashed. Return the readable files that lack anything."""
        found = [one for one in looked if one[1].trouble is None]
        stamped = list(self._stamped(seen.path for _, seen in found))
        known, left = self._cache.known(dict(stamped)), []
        for (wanted, seen), (name, _) in zip(found, stamped, strict=True):
            facts = known.get(name)
            if facts is None or facts.content is None or not suffices(facts, wanted):
                left.append((wanted, seen))
                continue
            seen.digests, seen.content, seen.names, _ = facts
            seen.cached = True
        return left

    def _stamped(self, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
        """The name in the cache and the stamp of each file that ``look`` has found."""
        present, named, others = self._present, self._named, self._others
        for path in paths:
            about = present.get(path)
            yield (named + path, about.stamp) if about is not None else others[path][1:]

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
            known = Known(seen.digests, seen.content, seen.names, wanted.listed)
            self._cache.put(copy.name, copy.stamp, known)

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
    made = known.digests.keys()
    return "sha256" in made and made >= wanted.checksums.keys() and known.listed >= wanted.listed


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
