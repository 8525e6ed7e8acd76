"""What the folders of a tree held, so that nobody lists a folder that is as it was."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any
from zlib import crc32

from maas_stream_lint.images.listing import listed

if TYPE_CHECKING:
    from maas_stream_lint.images.listing import Held

#: Of what is kept; other forms are not looked at.
_FORM = 1
#: A folder's times tell of a change if the one before it is so many nanoseconds old. Some systems
#: count in steps of two seconds.
_SETTLED = 3 * 10**9
#: So many characters about a tree are kept.
_MOST = 2**25


class Folders:
    """What each folder of a tree held when it was last listed.

    To ask for a folder's times takes a third of the time of a list. They change whenever an entry
    comes, goes, or gets another name, and no entry turns from a file into a folder. That holds for
    disks. The times of other file systems may tell nothing, as where an object store is mounted:
    there, each folder is listed.
    """

    def __init__(self, told: str | None) -> None:
        """``told``: what ``news`` has told before. Anything else is as good as none."""
        self._before = _read(told) if told is not None else {}
        self._now: dict[str, list[Any]] = {}
        self._begun = time.time_ns()

    def held(self, above: str, folder: str, most: int) -> Held:
        """What a folder holds, as ``listed`` tells it."""
        try:
            about = os.lstat(above + folder)
        except OSError:
            return [], [], 0, False
        times = about.st_ctime_ns, about.st_mtime_ns
        known = self._before.get(folder)
        if known is not None:
            touched, changed, inode, files, inner, number = known
            if (touched, changed) == times and inode == about.st_ino:
                self._now[folder] = known
                names = files.split("/") if files else []
                return names, inner.split("/") if inner else [], number, True
        held = names, folders, number, whole = listed(above, folder, most)
        if whole and os.major(about.st_dev) and self._begun - max(times) > _SETTLED:
            # Many small lists would take longer to read than to make again.
            told = "/".join(names), "/".join(folders), number
            self._now[folder] = [*times, about.st_ino, *told]
        return held

    def news(self) -> str | None:
        """All that is known by now, as a text; ``None`` if it was known before, or is too much."""
        text = json.dumps(self._now) if self._now != self._before else None
        return f"{_mark(text)} {text}" if text and len(text) <= _MOST else None


def _read(told: str) -> dict[str, list[Any]]:
    """What a former run has told; nothing if somebody changed it since, or in another form."""
    mark, _, text = told.partition(" ")
    known: dict[str, list[Any]] = json.loads(text) if text and mark == _mark(text) else {}
    return known


def _mark(text: str) -> str:
    return f"{_FORM}:{crc32(text.encode('utf-8', 'replace'))}"
