"""Which files a tree on disk holds."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import partial
from itertools import islice
from operator import attrgetter
from stat import S_ISREG
from typing import TYPE_CHECKING

from maas_stream_lint.images.bounds import BOUNDS
from maas_stream_lint.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import TypeAlias

    from maas_stream_lint.images.bounds import Bounds

    #: What a folder holds, in order: the names of files, links and the like, and of folders. Then
    #: the number of all entries, and whether all could be read.
    Held: TypeAlias = "tuple[list[str], list[str], int, bool]"

#: The directory of the metadata.
METADATA = "streams"


def is_tree(root: str) -> bool:
    """Whether a folder is where a tree begins."""
    return os.path.isdir(f"{root}/{METADATA}")  # noqa: PTH112 - pathlib takes long to import


def holds_metadata_alone(root: str) -> bool:
    """Whether a folder is no tree, or one without anything that could be an image file."""
    if not is_tree(root):
        return True
    files, folders, *_ = listed(f"{root}/", "", BOUNDS.entries)
    return {*files, *folders} <= {METADATA}


class OnDisk(NamedTuple):
    """What the system says of a plain file."""

    size: int
    changed: int  #: the content, in nanoseconds; anybody can set it
    touched: int  #: the content or the inode, in nanoseconds; cannot be set back
    inode: int
    device: int  #: another one after a restart, on some systems

    @property
    def stamp(self) -> str:
        """A text that changes with what is in the file."""
        return "%x:%x:%x:%x" % self[:4]  # noqa: UP031 - the fastest way


def on_disk(about: os.stat_result) -> OnDisk:
    """What matters here of the status of a file."""
    return _made(_facts(about))


_facts = attrgetter("st_size", "st_mtime_ns", "st_ctime_ns", "st_ino", "st_dev")
_made = partial(tuple.__new__, OnDisk)


def listed(above: str, folder: str, most: int, *, hidden: bool = False) -> Held:
    """What a folder holds; if that is more than ``most``, so many and one more, whichever.

    ``above`` and ``folder`` are its path together, and end in a slash. ``hidden``: whether names
    that begin with a dot count.
    """
    files: list[str] = []
    folders: list[str] = []
    found: list[os.DirEntry[str]] = []
    whole = False
    with suppress(OSError), os.scandir(above + folder) as entries:
        found.extend(islice(entries, most + 1))  # what can be read of it counts
        whole = len(found) <= most
    for entry in found:
        if hidden or entry.name[0] != ".":
            try:
                (folders if entry.is_dir(follow_symlinks=False) else files).append(entry.name)
            except OSError:
                whole = False
    return sorted(files), sorted(folders), len(found), whole


def files_in(
    root: str | Path, bounds: Bounds = BOUNDS, held: Callable[[str, str, int], Held] = listed
) -> dict[str, OnDisk]:
    """Path below ``root`` of each plain file but metadata, hidden and unreadable ones.

    ``held``: lists a folder. No part of such a path is a link. Raises OverflowError for a tree
    beyond the bounds.
    """
    found, above = {}, f"{root}/"
    for folder, names in walk(root, bounds=bounds, but=METADATA, held=held):
        place = above + folder
        for name in names:
            try:
                about = os.lstat(place + name)
            except OSError:
                continue
            if S_ISREG(about.st_mode):
                found[folder + name] = _made(_facts(about))
    return found


def walk(
    root: str | Path,
    folder: str = "",
    *,
    bounds: Bounds = BOUNDS,
    but: str | None = None,
    held: Callable[[str, str, int], Held] = listed,
) -> Iterator[tuple[str, list[str]]]:
    """Each folder below ``root``, with the names of all in it but directories, in order.

    ``folder``: where to begin. It ends in a slash, or is empty for the root, as those that are
    given do. ``but``: a folder to leave out. ``held``: lists a folder.
    A link to a directory is no directory. Raises OverflowError for a tree beyond the bounds.
    """
    above, left = f"{root}/", bounds.entries
    waiting = [folder]
    while waiting:
        folder = waiting.pop()
        if folder.count("/") > bounds.depth:
            raise OverflowError
        files, folders, number, _ = held(above, folder, left)
        left -= number
        if left < 0:
            raise OverflowError
        if folders:
            waiting += [f"{folder}{name}/" for name in folders if folder + name != but]
        yield folder, files
