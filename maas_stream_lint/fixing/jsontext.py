"""Edits to a JSON text, and nothing else: a diff shows them alone."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from maas_stream_lint.document import _STRING, MAX_DEPTH, _room, parse_text
from maas_stream_lint.errors import LintError
from maas_stream_lint.finding import Path, Place
from maas_stream_lint.fixing.textdiff import diff
from maas_stream_lint.json_walk import _after, _scan, _space
from maas_stream_lint.records import record
from maas_stream_lint.spots import WS, _colon, _scanstring

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = [
    "Change",
    "ChangeError",
    "Move",
    "Remove",
    "RemoveDuplicates",
    "Rename",
    "Set",
    "apply",
    "diff",
]

_FIRST_COLON = re.compile(rf"{_STRING}(?:([ \t]*:[ \t]*)|[{WS}]*:)?", re.DOTALL)
_LONE = re.compile("[\ud800-\udfff]")


class ChangeError(LintError):
    """A change that can't be made: its path leads nowhere, or the text is not JSON."""


@record(frozen=True)
class Set:
    """Replaces the value at a place, or adds the member if its object lacks it.

    An equal value stays as it is spelt (1, 1.0 and true are not equal, and the order of keys
    counts). In a list a position replaces, and its length appends.
    """

    path: Path
    value: Any
    #: Where a new member goes: after this key. Without it, or if there is no such key: where it
    #: belongs if the keys are sorted, else at the end.
    after: str | None = None


@record(frozen=True)
class Remove:
    """Takes out a member, or an element of a list; of a key that comes twice, the last."""

    path: Path


@record(frozen=True)
class Rename:
    """Gives a member another key, which its object must not have yet.

    Of a key that comes twice the last is renamed.
    """

    path: Path
    key: str


@record(frozen=True)
class Move:
    """Takes a value out, as it is spelt, and makes it a new member of some object.

    ``to`` must not exist yet; like ``path`` it is where things are before the move.
    """

    path: Path
    to: Path


@record(frozen=True)
class RemoveDuplicates:
    """Takes out all occurrences of a key but the last, which is the one that counts."""

    path: Path


#: Of a key that comes twice in an object, a path means the last, as json.loads does.
Change = Set | Remove | Rename | Move | RemoveDuplicates


def apply(text: str, changes: Sequence[Change]) -> str:
    """Make the changes, each in the text that those before it have left.

    What they do not touch stays as it is, to the character. What is new looks like its
    surroundings: indentation, line ends, spaces round colons and commas, escapes.
    """
    flaw = parse_text(text).fatal
    if flaw:
        raise ChangeError(f"the text can't be edited: {flaw.message}")
    with _room():
        editor = _Editor(text)
        for change in changes:
            editor.make(change)
        return editor.text()


class _Member:
    """A value in its object or list (or at the top), with the white space round it."""

    __slots__ = ("after", "before", "colon", "key", "name", "value")

    def __init__(
        self, before: str, key: str | None, name: str, colon: str, value: _Value, after: str
    ) -> None:
        self.before = before  # since the bracket or the comma
        self.key = key
        self.name = name  # the key as it is spelt, with its quotes
        self.colon = colon  # with the white space round it
        self.value = value
        self.after = after  # up to the comma or the bracket


class _Value:
    """A stretch of text; once somebody has looked into it, its members instead."""

    __slots__ = ("end", "holder", "start", "text")

    def __init__(self, text: str, start: int, end: int) -> None:
        self.text = text
        self.start = start
        self.end = end
        self.holder: _Holder | None = None

    def look(self) -> _Holder | None:
        """Look into an object or list; None if it is neither."""
        if self.holder is None and self.text[self.start] in "{[":
            self.holder = _Holder(self.text, self.start)
        return self.holder

    def spelt(self) -> str:
        parts: list[str] = []
        # A stack of our own, since values may be nested deeper than Python can call.
        stack: list[_Value | str] = [self]
        while stack:
            part = stack.pop()
            if isinstance(part, str):
                parts.append(part)
            elif part.holder is None:
                parts.append(part.text[part.start : part.end])
            else:
                stack += reversed(list(part.holder.parts()))
        return "".join(parts)

    def data(self) -> Any:
        if self.holder is None:
            return _scan(self.text, self.start)[0]
        return _scan(self.spelt(), 0)[0]


class _Holder:
    """What is in an object or list."""

    def __init__(self, text: str, start: int) -> None:
        self.keyed = text[start] == "{"
        self.members: list[_Member] = []
        self.inner = ""  # white space in it while it is empty
        #: Before and after the last member that was taken out: where to put the next one.
        self.gap: tuple[str, str] | None = None
        self._sorted: bool | None = None
        self._read(text, start + 1)
        self._index()

    def _read(self, text: str, at: int) -> None:
        after = _space(text, at)
        if text[after.end()] in "}]":
            self.inner = after[0]
            return
        key, mark = None, ","
        while mark == ",":
            start = value = after.end()
            before = text[at:start]
            if self.keyed:
                key, colon = _scanstring(text, start + 1)
                value = _colon(text, colon).end()
                name, between = text[start:colon], text[colon:value]
            else:
                name = between = ""
            end = _scan(text, value)[1]
            after = _after(text, end)
            at, mark = after.end(1), after[1]
            member = _Member(
                before, key, name, between, _Value(text, value, end), text[end : at - 1]
            )
            self.members.append(member)
            after = _space(text, at)

    def _index(self) -> None:
        self._last = {m.key: m for m in self.members if m.key is not None}

    def get(self, step: str | int) -> _Member | None:
        if isinstance(step, str):
            return self._last.get(step)
        known = not self.keyed and 0 <= step < len(self.members)
        return self.members[step] if known else None

    def sample(self) -> str | None:
        """White space before a member, past or present; None if there never was one."""
        if self.members:
            return self.members[0].before
        return self.gap[0] if self.gap else None

    def place(self, key: str, after: str | None) -> int:
        """Where a new member goes."""
        known = self._last.get(after) if after is not None else None
        if known is not None:
            return self.members.index(known) + 1
        if self._sorted is None:
            self._sorted = _in_order(self.members)
        if self._sorted:
            return bisect_right(self.members, key, key=lambda member: member.key or "")
        return len(self.members)

    def add(self, at: int, member: _Member) -> None:
        self.members.insert(at, member)
        if member.key is not None:
            self._last[member.key] = member
        if self._sorted:
            self._sorted = _in_order(self.members[max(at - 1, 0) : at + 2])

    def remove(self, at: int) -> None:
        gone = self.members.pop(at)
        if not self.members:
            self.gap = (gone.before, gone.after)
            self.inner = ""
        elif at == len(self.members):
            self.members[-1].after = gone.after
        elif at == 0:
            first = self.members[0]
            head, line = _split(gone.before)
            if line and "\n" in first.before:
                first.before = head + first.before[len(_split(first.before)[0]) :]
            else:
                first.before = gone.before
        if gone.key is not None:
            self._forget(gone.key, len(self.members) + 1)
            self._sorted = self._sorted or None

    def rename(self, member: _Member, key: str, name: str) -> None:
        assert member.key is not None
        old, member.key, member.name = member.key, key, name
        self._forget(old, len(self.members))
        self._last[key] = member
        self._sorted = None

    def _forget(self, key: str, count: int) -> None:
        if len(self._last) == count:
            del self._last[key]
        else:
            self._index()  # there may be another one of the key

    def parts(self) -> Iterator[_Value | str]:
        yield "{" if self.keyed else "["
        comma = ""
        for member in self.members:
            yield f"{comma}{member.before}{member.name}{member.colon}"
            yield member.value
            yield member.after
            comma = ","
        if not self.members:
            yield self.inner
        yield "}" if self.keyed else "]"


class _Editor:
    """A text while it is edited.

    Paths become chains: the members on the way, from the top (a member of nothing) on.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._ascii = text.isascii()
        start, end = _space(text, 0).end(), len(text.rstrip(WS))
        self._top = _Member(text[:start], None, "", "", _Value(text, start, end), text[end:])

    def text(self) -> str:
        return f"{self._top.before}{self._top.value.spelt()}{self._top.after}"

    def make(self, change: Change) -> None:
        match change:
            case Set():
                self._set(change)
            case Remove(path):
                holder, member = self._find(path)
                holder.remove(holder.members.index(member))
            case Rename(path, key):
                self._rename(path, key)
            case Move(path, to):
                self._move(path, to)
            case RemoveDuplicates(path):
                holder, member = self._find(path, keyed=True)
                found = [at for at, m in enumerate(holder.members) if m.key == member.key]
                for at in reversed(found[:-1]):
                    holder.remove(at)

    def _chain(self, path: Path, whole: Path | None = None) -> list[_Member]:
        chain = [self._top]
        for step in path:
            holder = chain[-1].value.look()
            member = holder.get(step) if holder else None
            if member is None:
                raise ChangeError(f"nothing is at {_pointer(path if whole is None else whole)}")
            chain.append(member)
        return chain

    def _find(self, path: Path, *, keyed: bool = False) -> tuple[_Holder, _Member]:
        chain = self._chain(path)
        holder = chain[-2].value.holder if path else None
        if holder is None or (keyed and not holder.keyed):
            kind = "a member of an object" if keyed else "in an object or list"
            raise ChangeError(f"{_pointer(path)} is not {kind}")
        return holder, chain[-1]

    def _set(self, change: Set) -> None:
        path = change.path
        value = _plain(path, change.value)
        if not path:
            self._replace([self._top], value)
            return
        chain, step = self._chain(path[:-1], path), path[-1]
        holder = chain[-1].value.look()
        member = holder.get(step) if holder else None
        if member is not None:
            self._replace([*chain, member], value)
        elif holder and holder.keyed and isinstance(step, str):
            at = holder.place(step, change.after)
            self._add(chain, at, step, self._name(step), lambda look: look.spell(value))
        elif holder and not holder.keyed and step == len(holder.members):
            self._add(chain, len(holder.members), None, "", lambda look: look.spell(value))
        else:
            raise ChangeError(f"nothing is at {_pointer(path)}, nor can it be added there")

    def _replace(self, chain: list[_Member], value: Any) -> None:
        member = chain[-1]
        if json.dumps(member.value.data()) == json.dumps(value):
            return
        holder = member.value.look()
        sample = holder.sample() if holder else None
        if sample is None and holder and "\n" in holder.inner:
            sample = holder.inner
        line = _split(member.before if sample is None else sample)[1]
        text = self._look(chain, line, _indent(chain)).spell(value)
        member.value = _Value(text, 0, len(text))

    def _rename(self, path: Path, key: str) -> None:
        holder, member = self._find(path, keyed=True)
        if key == member.key:
            return
        if holder.get(key) is not None:
            raise ChangeError(f"{_pointer((*path[:-1], key))} exists already")
        holder.rename(member, key, self._name(key))

    def _move(self, path: Path, to: Path) -> None:
        source, member = self._find(path)
        if to[: len(path)] == path:
            raise ChangeError(f"{_pointer(path)} can't be moved into itself")
        chain = self._chain(to[:-1], to)
        holder, key = chain[-1].value.look(), to[-1] if to else None
        if holder is None or not holder.keyed or not isinstance(key, str):
            raise ChangeError(f"{_pointer(to)} is not a member of an object")
        if holder.get(key) is not None:
            raise ChangeError(f"{_pointer(to)} exists already")
        if len(to) > len(path):
            _check_depth(to, member.value.data())
        text, indent = member.value.spelt(), _indent(self._chain(path))
        source.remove(source.members.index(member))
        name = member.name if key == member.key else self._name(key)
        at = holder.place(key, None)
        self._add(chain, at, key, name, lambda look: look.shift(text, indent))

    def _add(
        self,
        chain: list[_Member],
        at: int,
        key: str | None,
        name: str,
        spell: Callable[[_Look], str],
    ) -> None:
        """Add a member to the chain's last; ``spell`` gives the text of its value."""
        holder = chain[-1].value.look()
        assert holder is not None
        members = holder.members
        near = members[max(at - 1, 0)] if members else None
        if near is None:
            before, after = self._only_place(chain, holder)
        elif 0 < at < len(members):
            before, after = "".join(_split(members[at].before)), near.after
        else:
            line = _split(near.before)[1]
            look = self._look(chain, line, "", near)
            if at:
                before = "".join(_split(near.before)) if at > 1 else look.gap + line
                after, near.after = near.after, members[-2].after if at > 1 else look.joint
            else:
                before, after = near.before, near.after if members[1:] else look.joint
                follows = members[1].before if members[1:] and not line else look.gap + line
                near.before = "".join(_split(follows))
        line = _split(before)[1]
        look = self._look(chain, line, line.lstrip("\r\n") if line else _indent(chain), near)
        text = spell(look)
        colon = look.colon if key is not None else ""
        holder.add(at, _Member(before, key, name, colon, _Value(text, 0, len(text)), after))

    def _only_place(self, chain: list[_Member], holder: _Holder) -> tuple[str, str]:
        """White space round what will be the only member."""
        if holder.gap:
            return holder.gap
        line = _split(holder.inner)[1]
        outer = _split(chain[-1].before)[1] if chain[1:] else ""
        if not line and not outer:
            return holder.inner, holder.inner
        indent = _indent(chain)
        end = _line_end(line or outer)
        return f"{end}{indent}{_unit(chain)}", line or f"{end}{indent}"

    def _look(
        self, chain: list[_Member], line: str, indent: str, near: _Member | None = None
    ) -> _Look:
        """How things look where the chain ends: over lines, if ``line`` is a line's start."""
        colon = next(
            (
                member.colon
                for member in (near, *reversed(chain))
                if member is not None and member.colon and "\n" not in member.colon
            ),
            None,
        )
        colon = self._first_colon() if colon is None else colon
        joint, gap = "", " " if colon[-1] != ":" and not line else ""
        for holder in filter(None, (member.value.holder for member in reversed(chain))):
            if len(holder.members) > 1:
                before, after = holder.members[0].after, _split(holder.members[1].before)
                if "\n" not in before and bool(after[1]) == bool(line):
                    joint, gap = before, after[0]
                    break
        unit = _unit(chain) if line else None
        return _Look(unit, _line_end(line), indent, colon, joint, gap, self._ascii)

    def _first_colon(self) -> str:
        for token in _FIRST_COLON.finditer(self._text):
            if token[1]:
                return token[1]
        return ": "

    def _name(self, key: str) -> str:
        return _with_escapes(json.dumps(key, ensure_ascii=self._ascii))


@record(frozen=True)
class _Look:
    """How JSON looks in some place."""

    unit: str | None  # of indentation; None: all on one line
    end: str  # of a line
    indent: str  # of the line that a value begins in
    colon: str
    joint: str  # before a comma
    gap: str  # after a comma, up to the line's end if there is one
    ascii: bool

    def spell(self, value: Any) -> str:
        comma = f"{self.joint},{self.gap}"
        text = json.dumps(
            value, indent=self.unit, separators=(comma, self.colon), ensure_ascii=self.ascii
        )
        return _with_escapes(text).replace("\n", self.end + self.indent)

    def shift(self, text: str, indent: str) -> str:
        """Indent a text for its new place; in JSON a line never ends inside a string."""
        first, *lines = text.split("\n")
        moved = [
            self.indent + line[len(indent) :] if line.startswith(indent) and line.strip() else line
            for line in lines
        ]
        return "\n".join([first, *moved])


def _in_order(members: list[_Member]) -> bool:
    return all((one.key or "") <= (two.key or "") for one, two in pairwise(members))


def _split(space: str) -> tuple[str, str]:
    """White space up to the line's end, and from the last line's end on, if there is any."""
    if "\n" not in space:
        return space, ""
    at = space.rindex("\n")
    return space[: space.index("\n")].rstrip("\r"), space[at - (space[at - 1 : at] == "\r") :]


def _line_end(line: str) -> str:
    return "\r\n" if line.startswith("\r") else "\n"


def _indent(chain: Sequence[_Member]) -> str:
    """White space at the start of the line in which the chain's last begins."""
    for member in reversed(chain):
        if "\n" in member.before:
            return member.before.rpartition("\n")[2]
    return chain[0].before


def _unit(chain: list[_Member]) -> str:
    """By how much things are indented, as near as can be seen."""
    for at in range(len(chain) - 1, -1, -1):
        holder = chain[at].value.holder
        sample = (holder.sample() if holder else None) or ""
        if "\n" in sample:
            inner, outer = sample.rpartition("\n")[2], _indent(chain[: at + 1])
            if inner.startswith(outer):
                return inner[len(outer) :]
    return "  "


def _plain(path: Path, value: Any) -> Any:
    """Give a value as json.loads would, if it can be put at a path."""
    try:
        plain = json.loads(json.dumps(value))
    except RecursionError as error:
        raise _too_deep(path) from error
    except (TypeError, ValueError) as error:
        raise ChangeError(f"what is to be at {_pointer(path)} is not JSON: {error}") from error
    _check_depth(path, plain)
    return plain


def _check_depth(path: Path, value: Any) -> None:
    level, depth = [value], len(path) - 1
    while level:
        depth += 1
        level = [
            inner
            for holder in level
            if isinstance(holder, dict | list)
            for inner in ([*holder.values()] if isinstance(holder, dict) else holder) or [None]
        ]
    if depth > MAX_DEPTH:
        raise _too_deep(path)


def _too_deep(path: Path) -> ChangeError:
    return ChangeError(f"more than {MAX_DEPTH} levels of nesting at {_pointer(path)}")


def _pointer(path: Path) -> str:
    said = Place("", path).pointer or "the top"
    return said if said.isprintable() else json.dumps(said)


def _with_escapes(text: str) -> str:
    """Escape half characters, which UTF-8 can't hold."""
    return text if text.isascii() else _LONE.sub(lambda half: f"\\u{ord(half[0]):04x}", text)
