"""Where values stand in a sound JSON text, found without parsing it again."""

from __future__ import annotations

import re
from json import JSONDecoder, decoder
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from maas_stream_lint.finding import Path

    Match = Callable[[str, int], "re.Match[str]"]

WS = " \t\n\r"  # what JSON takes for white space; str.strip() takes more
#: What may stand between two texts, a comma or a colon always among it.
BETWEEN = WS + "{}[],:0123456789+-.eEtrufalsn"

# These match wherever in a sound text they are tried.
_space = cast("Match", re.compile(rf"[{WS}]*").match)
_colon = cast("Match", re.compile(rf"[{WS}]*:[{WS}]*").match)
_after = cast("Match", re.compile(rf"[{WS}]*([,\]}}])[{WS}]*").match)
#: Members whose values are numbers, words or texts without escapes, each with the comma behind it.
_plain = cast(
    "Match",
    re.compile(rf'(?:"[^"\\]*"[{WS}]*:[{WS}]*(?:"[^"\\]*"|[\w.+-]+)[{WS}]*,[{WS}]*)*').match,
)

# The json module's own C functions, which typeshed leaves out.
_scanstring: Callable[[str, int], tuple[str, int]] = decoder.scanstring  # type: ignore[attr-defined]
_scan: Callable[[str, int], tuple[Any, int]] = JSONDecoder().scan_once  # type: ignore[attr-defined]


class _Node:
    """A value that is looked for, or that lies on the way to one."""

    __slots__ = ("children", "offset", "value")

    def __init__(self, value: Any) -> None:
        self.value = value
        self.children: dict[str | int, _Node] = {}
        self.offset = 0


def find_spots(
    text: str, data: Any, paths: Iterable[Path], objects: int, *, repeats: bool
) -> dict[Path, int]:
    """Where each path is: of the key in an object, else of the value.

    A path that leads nowhere gets the place of its last step that exists. ``data``: what the text
    holds. ``objects``: how many there are. ``repeats``: whether an object has a key twice.
    """
    nodes, top, left = _tree(data, paths)
    if repeats or "\\" in text or not _Leap(text, objects).has_found(top):
        # Where no key repeats, the walk may end as soon as all has been seen.
        _Search(text, -1 if repeats else left).run(top)
    return {path: node.offset for path, node in nodes.items()}


def _tree(data: Any, paths: Iterable[Path]) -> tuple[dict[Path, _Node], _Node, int]:
    """Each path's node, or that of its last step that exists; the top; how many lie below it."""
    nodes, top, count = {}, _Node(data), 0
    for path in paths:
        node = top
        for step in path:
            child = node.children.get(step)
            if child is None:
                if not _has(node.value, step):
                    break
                child = node.children[step] = _Node(node.value[step])
                count += 1
            node = child
        nodes[path] = node
    return nodes, top, count


def _has(value: Any, step: str | int) -> bool:
    if isinstance(step, str):
        return isinstance(value, dict) and step in value
    return isinstance(value, list) and 0 <= step < len(value)


class _DoubtError(Exception):
    """A search for keys does not tell where they are."""


class _Leap:
    """A search for keys in a text without escapes, where none repeats in one object.

    A key of an object is the first such text in it that a colon follows and that is as deep as the
    object. Braces tell how deep that is, if no text holds one: then there are as many as objects.
    """

    def __init__(self, text: str, objects: int) -> None:
        self.text, self.objects = text, objects
        self.opened = self.closed = 0  # braces so far

    def has_found(self, top: _Node) -> bool:
        """Note the offsets of ``top`` and all nodes below it. ``False``: they are not certain."""
        at = top.offset = _space(self.text, 0).end()
        try:
            if top.children:
                at, _ = self._search(self._inside(at), top)
        except _DoubtError:
            return False
        self._count(at, len(self.text))
        return self.opened == self.closed == self.objects

    def _search(self, at: int, holder: _Node) -> tuple[int, int]:
        """Note the nodes below an object, and say where the last one is, and how deep below it."""
        text, depth, children = self.text, 0, holder.children
        for key in holder.value if len(children) > 1 else children:
            node = children.get(key)
            if node is None:
                continue
            spelt, colon = _spelt(key), None
            while not colon:
                node.offset = text.find(spelt, at)
                if node.offset < 0:
                    raise _DoubtError
                depth += self._count(at, node.offset)
                at = node.offset + len(spelt)
                colon = None if depth else _colon(text, at)
            if node.children:
                at, depth = self._search(self._inside(colon.end()), node)
                depth += 1
        return at, depth

    def _inside(self, at: int) -> int:
        """The place behind the brace of an object."""
        if self.text[at] != "{":
            raise _DoubtError
        self.opened += 1
        return at + 1

    def _count(self, start: int, end: int) -> int:
        """How much deeper the one place is than the other."""
        opened, closed = self.text.count("{", start, end), self.text.count("}", start, end)
        self.opened += opened
        self.closed += closed
        return opened - closed


def _spelt(key: str | int) -> str:
    """A key as the text has it, if nothing between two texts looks the same."""
    if not isinstance(key, str) or (("," in key or ":" in key) and not key.strip(BETWEEN)):
        raise _DoubtError
    return f'"{key}"'


class _Search:
    """One walk over a sound text that notes where nodes are, jumping over all else in C.

    Of a key that comes twice the last one counts: what was noted before is overwritten.
    """

    def __init__(self, text: str, left: int) -> None:
        self.text = text
        self.left = left  # after how many nodes to stop; negative: go on to the end

    def run(self, top: _Node) -> None:
        """Note the offsets of all nodes below ``top``, and its own."""
        top.offset = _space(self.text, 0).end()
        # A stack of our own, since values may be nested deeper than Python can call.
        stack, end = [self._inside(top.offset, top)], None
        while stack and self.left:
            try:
                at, node = stack[-1].send(end)  # type: ignore[arg-type]  # None starts it
            except StopIteration as done:
                stack.pop()
                end = done.value
            else:
                stack.append(self._inside(at, node))
                end = None

    def _inside(self, at: int, holder: _Node) -> Generator[tuple[int, _Node], int, int]:
        """Go through an object or list, hand out what to look into, and return where it ends."""
        text, keyed, number = self.text, self.text[at] == "{", -1
        after = _space(text, at + 1)
        if text[after.end()] in "}]":
            return after.end() + 1
        if keyed and self.left > 0 and all(node.children for node in holder.children.values()):
            after = _plain(text, after.end())  # where nothing is to be looked into
        while True:
            step: str | int
            at = value = after.end()
            if keyed:
                step, end = _scanstring(text, at + 1)
                value = _colon(text, end).end()
            else:
                step = number = number + 1
            node = holder.children.get(step)
            if node is not None:
                node.offset = at
                self.left -= 1
                if not self.left:
                    return value
            if node is not None and node.children and text[value] in "{[":
                end = yield value, node
            else:
                end = _scan(text, value)[1]
            after = _after(text, end)
            if after[1] != ",":
                return after.end()
