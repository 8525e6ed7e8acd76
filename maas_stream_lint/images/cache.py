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
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maas_stream_lint.images.observation import ALGORITHMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence, Sized
    from typing import TypeAlias

    #: Stamp, facts, and when somebody last asked for them; a cache may hold anything.
    _Row: TypeAlias = Sequence[Any]

#: Of the facts' form; others are not looked at.
FORM = 1
#: Facts that nobody asked for in so many days are forgotten.
KEPT_DAYS = 120
#: Seconds between looks at the age of all facts, and to wait for another run that writes.
_DAY, _PATIENCE = 86_400, 5.0
#: Names in one query: every SQLite takes so many.
_AT_ONCE = 500
_decoded = json.JSONDecoder().decode
_DIGITS = {"sha256": 64, "sha512": 128, "md5": 32}


def default_folder() -> Path:
    """The user's cache folder, where XDG and the like have it."""
    # It takes as long to import as a small stream takes to lint.
    from platformdirs import user_cache_path

    return Path(user_cache_path("maas-stream-lint", appauthor=False))


class HashCache:
    """What is known of files, by a name and a stamp that changes with the content.

    For several threads, and several runs at once. No method raises anything.
    """

    def __init__(self, folder: Path | None) -> None:
        """``None``: know nothing and keep nothing."""
        self._place = folder / "files.sqlite" if folder is not None else None
        self._lock = threading.Lock()
        self._expected: dict[str, _Row | None] = {}
        self._new: dict[str, tuple[str, str]] = {}
        self._stale: set[str] = set()  # what was asked for, and not lately before
        self._now = int(time.time())
        self._database: sqlite3.Connection | None = None
        if self._place is not None:
            self._open(self._place)

    def expect(self, names: Iterable[str]) -> None:
        """Read the facts of many files with few queries, before ``get`` asks for each."""
        texts = list(dict.fromkeys(map(_text, names)))
        with self._lock:
            if self._database is None:
                return
            for start in range(0, len(texts), _AT_ONCE):
                some = texts[start : start + _AT_ONCE]
                asked = f"SELECT name, stamp, facts, used FROM file WHERE name IN ({_marks(some)})"  # noqa: S608 - question marks alone
                self._expected.update(dict.fromkeys(some))
                with suppress(sqlite3.Error):
                    rows = self._database.execute(asked, some).fetchall()
                    self._expected.update({name: row for name, *row in rows})

    def get(self, name: str, stamp: str) -> dict[str, Any] | None:
        """The facts kept for a file, if its stamp is still the same."""
        text = _text(name)
        with self._lock:
            row = self._expected[text] if text in self._expected else self._row(text)
            if row is None or row[0] != stamp:
                return None
            if not isinstance(row[2], int) or row[2] < self._now - _DAY:
                self._stale.add(text)
        return _sound(row[1])

    def _row(self, name: str) -> _Row | None:
        if self._database is None:
            return None
        try:
            asked = "SELECT stamp, facts, used FROM file WHERE name = ?"
            row: _Row | None = self._database.execute(asked, (name,)).fetchone()
        except sqlite3.Error:
            return None
        return row

    def put(self, name: str, stamp: str, facts: Mapping[str, Any]) -> None:
        """Keep facts; they are written when there are many, and at the end."""
        with self._lock:
            self._new[_text(name)] = (stamp, json.dumps({"form": FORM, **facts}))
            many = len(self._new) >= 256
        if many:
            self.save()

    def save(self) -> None:
        """Write what is new."""
        with self._lock:
            if self._database is None or not (self._new or self._stale):
                return
            rows = [(name, *kept, self._now) for name, kept in self._new.items()]
            with suppress(sqlite3.Error), self._database:
                self._database.executemany("INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?)", rows)
                self._touch()
            self._new.clear()
            self._stale.clear()

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
        if self._stale:
            asked = "UPDATE file SET used = ? WHERE name = ?"
            self._database.executemany(asked, [(self._now, name) for name in self._stale])
        if self._new:
            before = self._now - KEPT_DAYS * _DAY
            self._database.execute("DELETE FROM file WHERE used < ?", (before,))

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
        database.execute(
            "CREATE TABLE IF NOT EXISTS file"
            " (name TEXT PRIMARY KEY, stamp TEXT, facts TEXT, used INTEGER) WITHOUT ROWID"
        )
        database.execute("SELECT name, stamp, facts, used FROM file LIMIT 1").fetchone()
    except sqlite3.OperationalError as error:
        database.close()
        if "no such column" in str(error):
            raise sqlite3.DatabaseError from error  # another program's, or a later form
        raise
    except sqlite3.DatabaseError:
        database.close()
        raise
    return database


def _sound(text: Any) -> dict[str, Any] | None:
    """The facts, if they are of the form that is written here."""
    try:
        facts = _decoded(text)
    except (TypeError, ValueError, RecursionError):
        return None
    if not isinstance(facts, dict) or facts.get("form") != FORM:
        return None
    digests = facts.get("digests")
    if not isinstance(digests, dict) or not all(
        name in ALGORITHMS and isinstance(value, str) and _is_hex(value, _DIGITS[name])
        for name, value in digests.items()
    ):
        return None
    return facts


def _marks(values: Sized) -> str:
    return ", ".join("?" * len(values))


def _is_hex(text: str, digits: int) -> bool:
    return len(text) == digits and not text.strip("0123456789abcdef")


def _text(name: str) -> str:
    """Names on disk need not be UTF-8, the database's text must."""
    return name if name.isascii() else os.fsencode(name).decode("utf-8", "backslashreplace")
