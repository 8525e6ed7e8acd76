"""A walk over a sound JSON text, value by value."""

from __future__ import annotations

import re
from json import JSONDecoder
from typing import TYPE_CHECKING, Any, cast

from maas_stream_lint.spots import WS, _colon, _scanstring, tree

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from maas_stream_lint.finding import Path
    from maas_stream_lint.spots import Match, Node

# These match wherever in a sound text they are tried.
_space = cast("Match", re.compile(rf"[{WS}]*").match)
_after = cast("Match", re.compile(rf"[{WS}]*([,\]}}])[{WS}]*").match)
#: Members whose values are numbers, words or texts without escapes, each with the comma behind it.
_plain = cast(
    "Match",
    re.compile(rf'(?:"[^"\\]*"[{WS}]*:[{WS}]*(?:"[^"\\]*"|[\w.+-]+)[{WS}]*,[{WS}]*)*').match,
)

# The json module's own C function, which typeshed leaves out.
_scan: Callable[[str, int], tuple[Any, int]] = JSONDecoder().scan_once  # type: ignore[attr-defined]


def walked_spots(text: str, data: Any, paths: Iterable[Path], *, repeats: bool) -> dict[Path, int]:
    """Where each path is, as `found_spots` says it.

    ``repeats``: whether an object has a key twice.
    """
    nodes, top, left = tree(data, paths)
    # Where no key repeats, the walk may end as soon as all has been seen.
    _Walk(text, -1 if repeats else left).run(top)
    return {path: node.offset for path, node in nodes.items()}


class _Walk:
    """One walk over a sound text that notes where nodes are, jumping over all else in C.

    Of a key that comes twice the last one counts: what was noted before is overwritten.
    """

    def __init__(self, text: str, left: int) -> None:
        self.text = text
        self.left = left  # after how many nodes to stop; negative: go on to the end

    def run(self, top: Node) -> None:
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

    def _inside(self, at: int, holder: Node) -> Generator[tuple[int, Node], int, int]:
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
