"""The line of each key and list element in a TOML text. No TOML parser gives them."""

from __future__ import annotations

import re
from bisect import bisect_left

Key = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_TEXT = re.compile(
    r'"""(?:[^\\]|\\[\s\S])*?"{3,5}|' + r"'''[\s\S]*?'{3,5}" + r'|"(?:[^"\\]|\\.)*"|' + r"'[^']*'"
)
_PLAIN = re.compile(r"[^,\]}#\n]+")


def lines(text: str) -> dict[Key, int]:
    """Key → line, counted from 1. ``text`` must be valid TOML: nothing is checked here.

    The line of a table is the first that names it; that of ``()`` is 1.
    """
    return _Scan(text).found


class _Scan:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self._breaks = [match.start() for match in re.finditer("\n", text)]
        self.found: dict[Key, int] = {(): 1}
        self._last: dict[Key, int] = {}  # of an array of tables: the table that headers mean
        table: Key = ()
        while self._skip():
            if self._takes("["):
                many = self._takes("[")
                table = self._table(many=many)
                self._takes("]")
                self._takes("]")
            else:
                self._pair(table)

    def _skip(self) -> bool:
        """Go to the next character that is neither blank nor in a comment."""
        match = _BLANK.match(self.text, self.at)
        self.at = match.end() if match is not None else self.at
        return self.at < len(self.text)

    def _takes(self, sign: str) -> bool:
        if not self.text.startswith(sign, self.at):
            return False
        self.at += len(sign)
        return True

    def _mark(self, key: Key, at: int) -> None:
        self.found.setdefault(key, bisect_left(self._breaks, at) + 1)

    def _key(self) -> list[str]:
        parts = []
        more = True
        while more:
            self._skip()
            match = _TEXT.match(self.text, self.at) or _BARE.match(self.text, self.at)
            if match is None:  # no TOML
                self.at = len(self.text)
                break
            parts.append(_unquoted(match[0]))
            self.at = match.end()
            self._skip()
            more = self._takes(".")
        return parts

    def _table(self, *, many: bool) -> Key:
        start = self.at
        parts = self._key()
        key: Key = ()
        for number, part in enumerate(parts):
            key = (*key, part)
            self._mark(key, start)
            if many and number == len(parts) - 1:
                self._last[key] = self._last.get(key, -1) + 1
            if key in self._last:
                key = (*key, self._last[key])
                self._mark(key, start)
        return key

    def _pair(self, table: Key) -> None:
        start = self.at
        parts = self._key()
        for number in range(len(parts)):
            self._mark((*table, *parts[: number + 1]), start)
        self._takes("=")
        self._value((*table, *parts))

    def _value(self, key: Key) -> None:
        self._skip()
        if self._takes("["):
            number = 0
            while self._skip() and not self._takes("]"):
                self._mark((*key, number), self.at)
                self._value((*key, number))
                self._skip()
                self._takes(",")
                number += 1
        elif self._takes("{"):
            while self._skip() and not self._takes("}"):
                self._pair(key)
                self._skip()
                self._takes(",")
        else:
            match = _TEXT.match(self.text, self.at) or _PLAIN.match(self.text, self.at)
            self.at = match.end() if match is not None else len(self.text)


def _unquoted(part: str) -> str:
    if part[0] == "'":
        return part[1:-1]
    if part[0] != '"':
        return part
    return re.sub(r"\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)", _unescaped, part[1:-1])


def _unescaped(match: re.Match[str]) -> str:
    sign = match[1]
    if len(sign) > 1:
        return chr(int(sign[1:], 16))
    return {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b"}.get(sign, sign)
