"""Which files a tree on disk holds."""

from __future__ import annotations

import os
from functools import partial
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING

from maas_stream_lint.images.bounds import BOUNDS
from maas_stream_lint.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from maas_stream_lint.images.bounds import Bounds

#: The directory of the metadata.
METADATA = "streams"


class OnDisk(NamedTuple):
    """What the system says of a plain file. It changes with what is in the file."""

    size: int
    changed: int  #: the content, in nanoseconds; anybody can set it
    touched: int  #: the content or the inode, in nanoseconds; cannot be set back
    device: int
    inode: int

    @property
    def stamp(self) -> str:
        """All of it as a text."""
        return "%x:%x:%x:%x:%x" % self  # noqa: UP031 - the fastest way


def on_disk(about: os.stat_result) -> OnDisk:
    """What matters here of the status of a file."""
    return _made(_facts(about))


_facts = attrgetter("st_size", "st_mtime_ns", "st_ctime_ns", "st_dev", "st_ino")
_made = partial(tuple.__new__, OnDisk)


def files_in(root: str | Path, bounds: Bounds = BOUNDS) -> dict[str, OnDisk]:
    """Path below ``root`` of each plain file but metadata, hidden and unreadable ones.

    No part of such a path is a link. Raises OverflowError for a tree beyond the bounds.
    """
    found = {}
    for folder, entries in walk(root, bounds=bounds, but=METADATA):
        for entry in entries:
            try:
                if entry.is_file(follow_symlinks=False):
                    found[folder + entry.name] = _made(_facts(entry.stat(follow_symlinks=False)))
            except OSError:
                continue
    return found


def walk(
    root: str | Path,
    folder: str = "",
    *,
    bounds: Bounds = BOUNDS,
    but: str | None = None,
    hidden: bool = False,
) -> Iterator[tuple[str, list[os.DirEntry[str]]]]:
    """Each folder below ``root``, with all that is in it but directories, in order.

    ``folder``: where to begin. It ends in a slash, or is empty for the root, as those that are
    given do. ``but``: the path of what is left out.
    ``hidden``: whether names that begin with a dot count.
    A link to a directory is no directory. Raises OverflowError for a tree beyond the bounds.
    """
    above, left = f"{root}/", bounds.entries
    folders = [folder]
    while folders:
        folder = folders.pop()
        if folder.count("/") > bounds.depth:
            raise OverflowError
        found: list[os.DirEntry[str]] = []
        try:
            with os.scandir(above + folder) as entries:
                found.extend(islice(entries, left + 1))
        except OSError:
            pass  # what could be read of it counts
        left -= len(found)
        if left < 0:
            raise OverflowError
        if len(found) > 1:
            found.sort(key=attrgetter("name"))
        others = []
        for entry in found:
            name = entry.name
            if (name[0] == "." and not hidden) or folder + name == but:
                continue
            try:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(f"{folder}{name}/")
                else:
                    others.append(entry)
            except OSError:
                continue
        yield folder, others
