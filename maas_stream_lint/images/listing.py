"""Which files a tree on disk holds."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Directory entries that are looked through.
MAX_ENTRIES = 200_000


def files_in(root: Path) -> Iterator[tuple[str, int]]:
    """Path below ``root`` and size of each plain file but metadata, hidden and unreadable ones.

    Raises OverflowError after MAX_ENTRIES entries.
    """
    left = MAX_ENTRIES
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            entries = sorted(os.scandir(root / folder), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            left -= 1
            if left < 0:
                raise OverflowError
            path = f"{folder}{entry.name}"
            if entry.name.startswith(".") or path == "streams":
                continue
            with suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    folders.append(f"{path}/")
                elif entry.is_file(follow_symlinks=False):
                    yield path, entry.stat(follow_symlinks=False).st_size
