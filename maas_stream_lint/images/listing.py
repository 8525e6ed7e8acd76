"""Which files a tree on disk holds."""

from __future__ import annotations

import os
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
    """What the system says of a plain file."""

    size: int
    inode: tuple[int, int]  #: with the device before it
    #: A text that changes with what is in the file: it has both, and the last changes of the
    #: content and of the inode. The latter cannot be set back.
    stamp: str


def on_disk(about: os.stat_result) -> OnDisk:
    """What matters here of the status of a file."""
    facts = _facts(about)
    return OnDisk(facts[0], facts[3:], "%s:%s:%s:%s:%s" % facts)  # noqa: UP031 - the fastest way


#: Size, times in nanoseconds, device and inode.
_facts = attrgetter("st_size", "st_mtime_ns", "st_ctime_ns", "st_dev", "st_ino")


def files_in(root: str | Path, bounds: Bounds = BOUNDS) -> Iterator[tuple[str, OnDisk]]:
    """Path below ``root`` of each plain file but metadata, hidden and unreadable ones.

    No part of such a path is a link. Raises OverflowError for a tree beyond the bounds.
    """
    for path, entry in walk(root, bounds=bounds, but=METADATA):
        try:
            if entry.is_file(follow_symlinks=False):
                yield path, on_disk(entry.stat(follow_symlinks=False))
        except OSError:
            continue


def walk(
    root: str | Path,
    folder: str = "",
    *,
    bounds: Bounds = BOUNDS,
    but: str | None = None,
    hidden: bool = False,
) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Path below ``root`` of all in a folder but directories, in order.

    ``folder``: ends in a slash, or is empty for the root. ``but``: the path of what is left out.
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
        for entry in found:
            name = entry.name
            path = folder + name
            if (name[0] == "." and not hidden) or path == but:
                continue
            try:
                inner = entry.is_dir(follow_symlinks=False)
            except OSError:
                continue
            if inner:
                folders.append(f"{path}/")
            else:
                yield path, entry
