"""Facts about files that were read before, so that nothing is read twice.

A cache and no more: whatever is wrong with it, the files are read.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maas_stream_lint.images.content import KINDS, Content
from maas_stream_lint.images.observation import ALGORITHMS
from maas_stream_lint.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeAlias

    #: A cache may hold anything.
    _Row: TypeAlias = Sequence[Any]
    #: Digests by their algorithms, in lower case, and other facts.
    Known: TypeAlias = "tuple[Mapping[str, str], Facts]"

#: Of the facts' form; others are not looked at.
FORM = 2
#: Facts that nobody asked for in so many days are forgotten.
KEPT_DAYS = 120
#: Seconds between looks at the age of all facts, and to wait for another run that writes.
_DAY, _PATIENCE = 86_400, 5.0
#: The bytes of each digest.
_LENGTHS = {"sha256": 32, "sha512": 64, "md5": 16}
_TABLES = (
    """CREATE TABLE IF NOT EXISTS file (
    name TEXT PRIMARY KEY, stamp TEXT, sha256 BLOB, sha512 BLOB, md5 BLOB, facts TEXT, used INTEGER
    ) WITHOUT ROWID""",
    "CREATE TABLE IF NOT EXISTS tree (name TEXT PRIMARY KEY, known BLOB, used INTEGER)",
)
_ROW = "SELECT stamp, sha256, sha512, md5, facts, used FROM file WHERE name = ?"
_INSERT = "INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?, ?, ?)"
_TREE = "SELECT known, used FROM tree WHERE name = ?"
_USED = "UPDATE file SET used = ? WHERE name = ?"
_TREE_USED = "UPDATE tree SET used = ? WHERE name = ?"
_INSERT_TREE = "INSERT OR REPLACE INTO tree VALUES (?, ?, ?)"


class Facts(NamedTuple):
    """What a run has read of a file, its digests aside."""

    content: Content | None = None  #: what its first bytes are
    names: tuple[str, ...] | None = None  #: what a tar holds
    listed: bool = False  #: whether anybody asked what it holds


def default_folder() -> Path:
    """The user's cache folder, where XDG and the like have it."""
    # It takes as long to import as a small stream takes to lint.
    from platformdirs import user_cache_path

    return Path(user_cache_path("maas-stream-lint", appauthor=False))


class HashCache:
    """What is known of files, by a name and a stamp that changes with the content, and of trees.

    Names are as ``in_utf8`` gives them. For several threads, and several runs at once. No method
    raises anything.
    """

    def __init__(self, folder: Path | None) -> None:
        """``None``: know nothing and keep nothing."""
        self._place = folder / "files.sqlite" if folder is not None else None
        self._lock = threading.Lock()
        self._new: dict[str, tuple[Any, ...]] = {}
        self._stale: set[str] = set()  # what was asked for, and not lately before
        self._stale_trees: set[str] = set()
        self._now = int(time.time())
        self._database: sqlite3.Connection | None = None
        if self._place is not None:
            self._open(self._place)

    def get(self, name: str, stamp: str) -> Known | None:
        """The facts kept for a file, if its stamp is still the same."""
        with self._lock:
            row = self._row(_ROW, name)
            if row is None or row[0] != stamp:
                return None
            if self._is_old(row[-1]):
                self._stale.add(name)
        facts = facts_of(row[-2])
        return None if facts is None else (_digests(*row[1:4]), facts)

    def _row(self, query: str, name: str) -> _Row | None:
        if self._database is not None:
            with suppress(sqlite3.Error):
                found: _Row | None = self._database.execute(query, (name,)).fetchone()
                return found
        return None

    def _is_old(self, used: object) -> bool:
        """Whether it is time to note again that somebody asked for a row."""
        return not isinstance(used, int) or used < self._now - _DAY

    def put(self, name: str, stamp: str, known: Known) -> None:
        """Keep facts; they are written when there are many, and at the end."""
        with self._lock:
            self._new[name] = (stamp, *_kept(*known))
            many = len(self._new) >= 256
        if many:
            self.save()

    @property
    def is_open(self) -> bool:
        """Whether it can keep anything."""
        return self._database is not None

    def tree(self, name: str) -> bytes | None:
        """What is kept of a tree."""
        with self._lock:
            row = self._row(_TREE, name)
            if row is not None and self._is_old(row[1]):
                self._stale_trees.add(name)
        return row[0] if row is not None and isinstance(row[0], bytes) else None

    def change_tree(self, name: str, change: Callable[[bytes | None], bytes | None]) -> None:
        """Replace what is kept of a tree, by what ``change`` makes of it; ``None``: leave it.

        Meanwhile, no other run can replace it.
        """
        with self._lock, suppress(sqlite3.Error):
            if self._database is not None:
                self._database.execute("BEGIN IMMEDIATE")
                with self._database:
                    row = self._row(_TREE, name)
                    known = change(row[0] if row and isinstance(row[0], bytes) else None)
                    if known is not None:
                        self._database.execute(_INSERT_TREE, (name, known, self._now))
                        self._forget()

    def save(self) -> None:
        """Write what is new."""
        with self._lock:
            if self._database is None or not (self._new or self._stale or self._stale_trees):
                return
            rows = [(name, *kept, self._now) for name, kept in self._new.items()]
            with suppress(sqlite3.Error), self._database:
                self._database.executemany(_INSERT, rows)
                self._touch()
            self._new.clear()
            self._stale.clear()
            self._stale_trees.clear()

    def close(self) -> None:
        """Write what is new, and let go of the file."""
        self.save()
        with self._lock:
            if self._database is not None:
                with suppress(sqlite3.Error):
                    self._database.close()
            self._database = None

    def _touch(self) -> None:
        """Keep what was asked for, forget what was not for long; once a day is enough."""
        assert self._database is not None
        for query, names in ((_USED, self._stale), (_TREE_USED, self._stale_trees)):
            self._database.executemany(query, [(self._now, name) for name in names])
        if self._new:
            self._forget()

    def _forget(self) -> None:
        assert self._database is not None
        before = self._now - KEPT_DAYS * _DAY
        self._database.execute("DELETE FROM file WHERE used < ?", (before,))
        self._database.execute("DELETE FROM tree WHERE used < ?", (before,))

    def _open(self, place: Path) -> None:
        for _ in range(2):
            try:
                place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._database = _connected(place)
            except sqlite3.OperationalError:
                return  # locked for long, a full disk, no right to write: do without
            except sqlite3.DatabaseError:
                with suppress(OSError):  # it is no database any more
                    place.unlink()
            except OSError:
                return
            else:
                return


def _connected(place: Path) -> sqlite3.Connection:
    database = sqlite3.connect(place, timeout=_PATIENCE, check_same_thread=False)
    try:
        for table in _TABLES:
            database.execute(table)
        database.execute(_ROW, ("",)).fetchone()
        database.execute(_TREE, ("",)).fetchone()
    except sqlite3.OperationalError as error:
        database.close()
        if "no such column" in str(error):
            raise sqlite3.DatabaseError from error  # another program's, or a later form
        raise
    except sqlite3.DatabaseError:
        database.close()
        raise
    return database


def _kept(digests: Mapping[str, str], facts: Facts) -> tuple[Any, ...]:
    """The digests of a file and its other facts, as the database has them."""
    given = map(digests.get, ALGORITHMS)
    return (*(digest and bytes.fromhex(digest) for digest in given), text_of(facts))


def text_of(facts: Facts) -> str:
    """The same facts as a text, which many files share."""
    content = None if facts.content is None else [facts.content.layers, facts.content.member]
    told = {"form": FORM, "content": content, **({"names": facts.names} if facts.listed else {})}
    return json.dumps(told)


def _digests(sha256: object, sha512: object, md5: object) -> dict[str, str]:
    """Those of the columns of a row that are digests."""
    columns = zip(_LENGTHS.items(), (sha256, sha512, md5), strict=True)
    return {
        name: digest.hex()
        for (name, length), digest in columns
        if isinstance(digest, bytes) and len(digest) == length
    }


@lru_cache(maxsize=256)
def facts_of(text: Any) -> Facts | None:
    """What ``text_of`` was given; ``None`` for a text in another form."""
    try:
        facts = json.loads(text)
        content, names = facts["content"], facts.get("names")
        if facts["form"] != FORM or not (names is None or _is_list_of_texts(names)):
            return None
        if content is not None:
            layers, member = content
            if not (layers and KINDS.keys() >= set(layers) and isinstance(member, str | None)):
                return None
            content = Content(tuple(layers), member)
        return Facts(content, None if names is None else tuple(names), "names" in facts)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return None


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def in_utf8(name: str) -> str:
    """A name as the database can have it: names on disk need not be UTF-8, its text must."""
    return name if name.isascii() else os.fsencode(name).decode("utf-8", "backslashreplace")
