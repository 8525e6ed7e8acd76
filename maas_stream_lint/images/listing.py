"""Which files a tree on disk holds."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from maas_stream_lint.images.bounds import BOUNDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from maas_stream_lint.images.bounds import Bounds

#: The directory of the metadata.
METADATA = "streams"


def files_in(root: Path, bounds: Bounds = BOUNDS) -> Iterator[tuple[str, int]]:
    """Path below ``root`` and size of each plain file but metadata, hidden and unreadable ones.

    Raises OverflowError for a tree beyond the bounds.
    """
    for path, entry in walk(root, bounds=bounds, but=METADATA):
        with suppress(OSError):
            if entry.is_file(follow_symlinks=False):
                yield path, entry.stat(follow_symlinks=False).st_size


def walk(
    root: Path,
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
    left = bounds.entries
    folders = [folder]
    while folders:
        folder = folders.pop()
        if folder.count("/") > bounds.depth:
            raise OverflowError
        found = []
        with suppress(OSError), os.scandir(root / folder) as entries:
            for entry in entries:
                left -= 1
                if left < 0:
                    raise OverflowError
                found.append(entry)
        for entry in sorted(found, key=lambda entry: entry.name):
            path = f"{folder}{entry.name}"
            if (entry.name.startswith(".") and not hidden) or path == but:
                continue
            with suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    folders.append(f"{path}/")
                else:
                    yield path, entry
