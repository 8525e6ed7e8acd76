"""Where values stand in a sound JSON text, found without parsing it again."""

from __future__ import annotations

import re
from json import decoder
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from maas_stream_lint.finding import Path

    Match = Callable[[str, int], "re.Match[str]"]

WS = " \t\n\r"  # what JSON takes for white space; str.strip() takes more
#: What may stand between two texts, a comma or a colon always among it.
BETWEEN = WS + "{}[],:0123456789+-.eEtrufalsn"

# It matches wherever in a sound text it is tried.
_colon = cast("Match", re.compile(rf"[{WS}]*:[{WS}]*").match)

# The json module's own C function, which typeshed leaves out.
_scanstring: Callable[[str, int], tuple[str, int]] = decoder.scanstring  # type: ignore[attr-defined]


class Node:
    """A value that is looked for, or that lies on the way to one."""

    __slots__ = ("children", "offset", "value")

    def __init__(self, value: Any) -> None:
        """Nothing below it is looked for yet."""
        self.value = value
        self.children: dict[str | int, Node] = {}
        self.offset = 0


def found_spots(
    text: str, data: Any, paths: Iterable[Path], objects: int
) -> dict[Path, int] | None:
    """Where each path is, by a search for keys; ``None`` if that does not tell.

    Of a key in an object it is the place of the key, else of the value. A path that leads nowhere
    gets the place of its last step that exists. ``data``: what the text holds. No object has a key
    twice. ``objects``: how many there are.
    """
    nodes, top, _ = tree(data, paths)
    if "\\" in text or not _Leap(text, objects).has_found(top):
        return None
    return {path: node.offset for path, node in nodes.items()}


def tree(data: Any, paths: Iterable[Path]) -> tuple[dict[Path, Node], Node, int]:
    """Each path's node, or that of its last step that exists; the top; how many lie below it."""
    nodes, top, count = {}, Node(data), 0
    for path in paths:
        node = top
        for step in path:
            child = node.children.get(step)
            if child is None:
                if not _has(node.value, step):
                    break
                child = node.children[step] = Node(node.value[step])
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

    def has_found(self, top: Node) -> bool:
        """Note the offsets of ``top`` and all nodes below it. ``False``: they are not certain."""
        at = top.offset = len(self.text) - len(self.text.lstrip(WS))
        try:
            if top.children:
                at, _ = self._search(self._inside(at), top)
        except _DoubtError:
            return False
        self._count(at, len(self.text))
        return self.opened == self.closed == self.objects

    def _search(self, at: int, holder: Node) -> tuple[int, int]:
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
