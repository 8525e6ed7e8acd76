"""The difference of two texts, as ``patch`` takes it."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Unchanged lines that a diff shows round a change.
CONTEXT = 3

#: If more lines than this have no anchor, the diff does not search them for equal ones.
_MAX_GAP = 200


def diff(path: str, before: str, after: str) -> str:
    """Give a unified diff as ``patch -p1`` takes it; nothing at all for equal texts."""
    old, new = _lines(before), _lines(after)
    edits = _edits(old, new)
    if not edits:
        return ""
    said = [f"--- {_file('a/' + path)}\n", f"+++ {_file('b/' + path)}\n"]
    hunk: list[tuple[int, int, int, int]] = []
    for edit in edits:
        if hunk and edit[0] - hunk[-1][1] > 2 * CONTEXT:
            said += _hunk(old, new, hunk)
            hunk = []
        hunk.append(edit)
    said += _hunk(old, new, hunk)
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in said
    )


def changed_lines(before: str, after: str) -> Iterator[tuple[int, int, str]]:
    """Which lines become which text: the first of them, the one after the last, from 1."""
    old, new = _lines(before), _lines(after)
    for i, i_end, j, j_end in _edits(old, new):
        yield i + 1, i_end + 1, "".join(new[j:j_end])


def _lines(text: str) -> list[str]:
    """Lines end only at LF: JSON strings may contain the other line ends of str.splitlines."""
    lines = [f"{line}\n" for line in text.split("\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def _file(name: str) -> str:
    if name.isprintable() and '"' not in name and "\\" not in name:
        return f"{name}\t" if " " in name else name  # the tab says where the name ends
    quoted = "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\{byte:03o}"
        for byte in name.encode(errors="surrogateescape")
    )
    return f'"{quoted}"'


def _hunk(old: list[str], new: list[str], edits: list[tuple[int, int, int, int]]) -> Iterator[str]:
    above = min(CONTEXT, edits[0][0])
    start, other = edits[0][0] - above, edits[0][2] - above
    below = min(CONTEXT, len(old) - edits[-1][1])
    end, other_end = edits[-1][1] + below, edits[-1][3] + below
    yield f"@@ -{_range(start, end)} +{_range(other, other_end)} @@\n"
    for i1, i2, j1, j2 in edits:
        yield from (f" {line}" for line in old[start:i1])
        yield from (f"-{line}" for line in old[i1:i2])
        yield from (f"+{line}" for line in new[j1:j2])
        start = i2
    yield from (f" {line}" for line in old[start:end])


def _range(start: int, end: int) -> str:
    if end - start == 1:
        return f"{end}"
    return f"{start + (end > start)},{end - start}"


def _edits(old: list[str], new: list[str]) -> list[tuple[int, int, int, int]]:
    """Which lines become which: from, to, from, to."""
    edits, i, j = [], 0, 0
    for at, other, size in [*sorted(_matches(old, new)), (len(old), len(new), 0)]:
        if at > i or other > j:
            edits.append((i, at, j, other))
        i, j = at + size, other + size
    return edits


def _matches(old: list[str], new: list[str]) -> Iterator[tuple[int, int, int]]:
    """Which lines are the same, a run at a time, in no order.

    difflib alone takes minutes for a large file whose lines mostly occur often. So lines that occur
    once come first (the patience diff), and difflib compares only the lines between them.
    """
    stack = [(0, len(old), 0, len(new))]
    while stack:
        i, i_end, j, j_end = stack.pop()
        size = _run(old, new, i, i_end, j, j_end)
        if size:
            yield i, j, size
            i, j = i + size, j + size
        end = i_end
        while i_end > i and j_end > j and old[i_end - 1] == new[j_end - 1]:
            i_end, j_end = i_end - 1, j_end - 1
        if i_end < end:
            yield i_end, j_end, end - i_end
        if i == i_end or j == j_end:
            continue
        anchors = _anchors(old[i:i_end], new[j:j_end])
        if not anchors and max(i_end - i, j_end - j) <= _MAX_GAP:
            matcher = SequenceMatcher(None, old[i:i_end], new[j:j_end], autojunk=False)
            for block in matcher.get_matching_blocks():
                if block.size:
                    yield i + block.a, j + block.b, block.size
        start, other = i, j
        for at, there in anchors if anchors else ():
            if at + start < i:
                continue  # the run from the anchor before came past here
            stack.append((i, at + start, j, there + other))
            i, j = at + start, there + other
            size = _run(old, new, i, i_end, j, j_end)
            yield i, j, size
            i, j = i + size, j + size
        if anchors:
            stack.append((i, i_end, j, j_end))


def _run(old: list[str], new: list[str], i: int, i_end: int, j: int, j_end: int) -> int:
    start = i
    while i < i_end and j < j_end and old[i] == new[j]:
        i, j = i + 1, j + 1
    return i - start


def _anchors(old: list[str], new: list[str]) -> list[tuple[int, int]]:
    """Find lines that come once in both: as many as are in the same order."""
    once = {line for line, times in Counter(old).items() if times == 1}
    there = Counter(line for line in new if line in once)
    where = {line: j for j, line in enumerate(new) if there.get(line) == 1}
    ends: list[int] = []  # of ever longer rows: the least line in the new text that ends one
    rows: list[tuple[int, int, int]] = []  # old line, new line, the row's step before
    tips: list[int] = []
    for i, line in enumerate(old):
        j = where.get(line)
        if j is None:
            continue
        at = bisect_left(ends, j)
        rows.append((i, j, tips[at - 1] if at else -1))
        ends[at : at + 1] = [j]
        tips[at : at + 1] = [len(rows) - 1]
    found = []
    step = tips[-1] if tips else -1
    while step >= 0:
        i, j, step = rows[step]
        found.append((i, j))
    return found[::-1]
