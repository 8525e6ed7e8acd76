"""Image files on disk."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maas_stream_lint.images.cache import Known
from maas_stream_lint.images.listing import on_disk
from maas_stream_lint.images.observation import ALGORITHMS, Seen
from maas_stream_lint.images.pool import Stopped
from maas_stream_lint.images.sniff import HEAD_BYTES, sniff, tar_names
from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.source import Trouble, printable

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable, Mapping
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
    real: str  #: the same, links followed
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
        self._present = present or {}
        self._cache = cache
        self._stop = stop
        self._inside = os.path.realpath(tree.root).rstrip("/") + "/"
        self._folders: dict[str, str] = {}  # where a folder really is: most files share one

    def look(self, wanted: Wanted) -> tuple[Seen, Copy | None]:
        """What the disk's directory says of a file, and where to read on, if that can be done."""
        path, seen = wanted.path, Seen(wanted.path)
        known = self._present.get(path)
        # Where a path means itself, the listing has told all that the long way would ask for.
        if known is not None and path.isprintable() and "?" not in path and "#" not in path:
            return self._found(seen, f"{self._tree.root}/{path}", f"{self._inside}{path}", known)
        place = self._tree.locate(path)
        if isinstance(place, Trouble):
            seen.trouble = place
            return seen, None
        try:
            about = os.stat(place)  # noqa: PTH116 - Path drops a final slash, which matters
        except OSError as error:
            seen.trouble = _trouble(error, place)
            return seen, None
        if not stat.S_ISREG(about.st_mode):
            kind = "a directory" if stat.S_ISDIR(about.st_mode) else "no regular file"
            seen.trouble = Trouble("not-a-file", kind)
            return seen, None
        real = self._real(place)
        if not real.startswith(self._inside):
            seen.link = printable(os.path.relpath(real, self._tree.root))
        return self._found(seen, place, real, on_disk(about))

    @staticmethod
    def _found(seen: Seen, place: str, real: str, about: OnDisk) -> tuple[Seen, Copy]:
        seen.size, seen.inode = about.size, (about.device, about.inode)
        return seen, Copy(place, real, about.stamp)

    def _real(self, place: str) -> str:
        """``os.path.realpath`` of a file. It asks for each folder once."""
        if os.path.islink(place):  # noqa: PTH114 - a Path of each takes longer than the rest
            return os.path.realpath(place)
        folder, _, name = place.rpartition("/")
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        return f"{self._folders[folder]}/{name}"

    def expect(self, copies: Iterable[Copy]) -> None:
        """Say of which files ``recall`` will be asked, so that the cache is read at once."""
        self._cache.expect(_kept_as(copy) for copy in copies)

    def recall(self, seen: Seen, copy: Copy, wanted: Wanted) -> bool:
        """Fill in what an earlier run has hashed; whether that is all that is asked for."""
        known = self._cache.get(_kept_as(copy), copy.stamp)
        if known is None or known.content is None or not suffices(known, wanted):
            return False
        seen.digests, seen.content, seen.names, _ = known
        seen.cached = True
        return True

    def read(
        self, seen: Seen, copy: Copy, wanted: Wanted, algorithms: Iterable[str], told: Progress
    ) -> None:
        """Read the first bytes and make the digests. Raises Stopped."""
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
            self._cache.put(_kept_as(copy), copy.stamp, known)

    def _digests(self, file: Any, algorithms: Iterable[str], told: Progress) -> dict[str, str]:
        hashers = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
        buffer = bytearray(_STEP)
        view = memoryview(buffer)
        while size := file.readinto(buffer):
            for hasher in hashers.values():
                hasher.update(view[:size])
            told.advance(size)
            if self._stop.is_set():
                raise Stopped
        return {name: hasher.hexdigest() for name, hasher in hashers.items()}


def asked(wanted: Wanted) -> tuple[str, ...]:
    """The digests to make of a file: those that it has checksums for, sha256 in any case."""
    return tuple(name for name in ALGORITHMS if name == "sha256" or name in wanted.checksums)


def suffices(known: Known, wanted: Wanted) -> bool:
    """Whether an earlier run has read all that is asked for."""
    made = known.digests.keys()
    return "sha256" in made and made >= wanted.checksums.keys() and known.listed >= wanted.listed


def whole_listing(file: BinaryIO) -> tuple[str, ...] | None:
    """All names in a tar; ``None`` for what is none, or too large or too broken to be sure."""
    listing = tar_names(file)
    return listing.names if listing is not None and listing.whole else None


def _kept_as(copy: Copy) -> str:
    """The name of a file in the cache."""
    return f"file:{copy.real}"


def _trouble(error: OSError, place: str) -> Trouble:
    if isinstance(error, FileNotFoundError) and os.path.islink(place):  # noqa: PTH114 - as above
        return Trouble("missing", "a link that leads nowhere")
    missing = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP)
    if error.errno in missing:
        return Trouble("missing", "no such file")
    return Trouble("unreadable", (error.strerror or "the file cannot be read").lower())
