"""What earlier runs have learned of a tree on disk, so that nothing is read or listed twice.

It is one text for each tree: that takes a third of the time of a row for each file.
"""

from __future__ import annotations

import json
import os
import threading
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any
from zlib import crc32

from maas_stream_lint.images.cache import facts_of, in_utf8, text_of
from maas_stream_lint.images.listing import listed
from maas_stream_lint.images.observation import ALGORITHMS

if TYPE_CHECKING:
    from collections.abc import Container
    from typing import TypeAlias

    from maas_stream_lint.images.cache import Facts, HashCache, Known
    from maas_stream_lint.images.listing import Held

    #: Of a folder: when its inode and when its content changed, and its inode. Then the names of
    #: its files and of its folders, with slashes between them, and the number of all entries.
    _Folder: TypeAlias = "tuple[int, int, int, str, str, int]"
    #: Of a file: its stamp, the digests of ALGORITHMS, and the other facts.
    _File: TypeAlias = "tuple[str, str | None, str | None, str | None, Facts]"

#: Of the text; other forms are not looked at.
_FORM = 1
#: A folder's times tell of a change if the one before it is so many nanoseconds old. Some systems
#: count in steps of two seconds.
_SETTLED = 3 * 10**9
#: No time that is told in nanoseconds is a multiple of this, but for a chance of one in millions.
_COARSE = 10**7
#: Seconds of work that a killed run may lose.
_OFTEN = 10.0
#: So many bytes about a tree are kept.
_MOST = 2**27


class TreeMemory:
    """What is known of the folders and files of a tree. For several threads.

    A file is known by its path below the root. If it is elsewhere, its place for the system begins
    with a slash, and the cache knows it for all trees that link to it.

    To ask for a folder's times takes a third of the time of a list. They change whenever an entry
    comes, goes, or gets another name, and no entry turns from a file into a folder. That holds for
    ext4, XFS and the like. Where an object store or a memory stick is mounted, times may tell
    nothing: there, each folder is listed.
    """

    def __init__(self, cache: HashCache, root: str) -> None:
        """``cache``: has it from run to run."""
        self._cache = cache
        self.root = os.path.realpath(root).rstrip("/") + "/"
        self._name = in_utf8(f"tree:{self.root}")
        self._begun = time.time_ns()
        self._saved = time.monotonic()
        self._lock = threading.Lock()
        self._listed: dict[str, _Folder] = {}
        self._learned: dict[str, _File] = {}

    @cached_property
    def _before(self) -> tuple[dict[str, _Folder], dict[str, _File]]:
        return _read(self._cache.tree(self._name))

    def held(self, above: str, folder: str, most: int) -> Held:
        """What a folder holds, as ``listed`` tells it."""
        if not self._cache.is_open:
            return listed(above, folder, most)
        try:
            about = os.lstat(above + folder)
        except OSError:
            return [], [], 0, False
        times = about.st_ctime_ns, about.st_mtime_ns
        known = self._before[0].get(folder)
        if known is not None:
            touched, changed, inode, inside, below, entries = known
            if (touched, changed) == times and inode == about.st_ino:
                self._listed[folder] = known
                files = inside.split("/") if inside else []
                return files, below.split("/") if below else [], entries, True
        found = files, folders, number, whole = listed(above, folder, most)
        tells = os.major(about.st_dev) and times[0] % _COARSE
        if whole and tells and self._begun - max(times) > _SETTLED:
            held = "/".join(files), "/".join(folders), number
            self._listed[folder] = (*times, about.st_ino, *held)
        return found

    def known(self, name: str, stamp: str) -> Known | None:
        """What was learned of a file, if its stamp is still the same."""
        if name[0] == "/":
            return self._cache.get(in_utf8(f"file:{name}"), stamp)
        told = self._before[1].get(name)
        if told is None or told[0] != stamp:
            return None
        _, sha256, sha512, md5, facts = told
        if sha512 is None is md5 and sha256 is not None:
            return {"sha256": sha256}, facts
        digests = zip(ALGORITHMS, told[1:4], strict=True)
        return {name: digest for name, digest in digests if digest is not None}, facts

    def learn(self, name: str, stamp: str, known: Known) -> None:
        """Remember what was read of a file."""
        if name[0] == "/":
            self._cache.put(in_utf8(f"file:{name}"), stamp, known)
            return
        digests, facts = known
        sha256, sha512, md5 = map(digests.get, ALGORITHMS)
        with self._lock:
            self._learned[name] = stamp, sha256, sha512, md5, facts
            due = time.monotonic() - self._saved > _OFTEN
        if due:
            self.save()

    def save(self, present: Container[str] = ()) -> None:
        """Keep what is new, and what other runs have learned meanwhile.

        ``present``: paths of files that are certainly there.
        """

        def change(before: bytes | None) -> bytes | None:
            folders, files = _read(before)
            merged = {
                name: told
                for name, told in (files | self._learned).items()
                if name in present or os.path.exists(self.root + name)  # noqa: PTH110 - for speed
            }
            told = _told(self._listed or folders, merged)
            return told if len(told) <= _MOST else None

        with self._lock:
            self._saved = time.monotonic()
            listed_anew = self._listed and self._listed != self._before[0]
            if self._cache.is_open and (self._learned or listed_anew):
                self._cache.change_tree(self._name, change)


def _told(folders: dict[str, _Folder], files: dict[str, _File]) -> bytes:
    """Columns, as they take much less time to read than rows do."""
    facts: dict[Facts, int] = {}
    rows = [(*told[:-1], facts.setdefault(told[-1], len(facts))) for told in files.values()]
    columns = [
        [list(folders), *map(list, zip(*folders.values(), strict=True))],
        [list(files), *map(list, zip(*rows, strict=True))],
        list(map(text_of, facts)),
    ]
    text = json.dumps(columns).encode()
    return text + _mark(text)


def _read(told: bytes | None) -> tuple[dict[str, _Folder], dict[str, _File]]:
    """What ``_told`` was given; nothing for a text in another form, or one that was changed."""
    view = memoryview(told or b"")
    if len(view) <= 8 or view[-8:] != _mark(view[:-8]):
        return {}, {}
    try:
        (folders, *of_folders), (files, *of_files), texts = json.loads(str(view[:-8], "ascii"))
        facts = list(map(facts_of, texts))
        if None in facts or len(of_folders) not in (0, 6) or len(of_files) not in (0, 5):
            return {}, {}
        if files:
            of_files[-1] = map(facts.__getitem__, of_files[-1])
        rows: Any = zip(*of_folders, strict=True), zip(*of_files, strict=True)
        return dict(zip(folders, rows[0], strict=True)), dict(zip(files, rows[1], strict=True))
    except (ValueError, TypeError, LookupError, RecursionError):
        return {}, {}


def _mark(text: bytes | memoryview) -> bytes:
    return b"%08x" % crc32(text, _FORM)
