"""The messages in a log: found by their anchors, all at once, in pieces of the log.

The tool does not look at single lines without an anchor, so a gigabyte of syslog is cheap.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from maas_stream_lint.logs import anchors
from maas_stream_lint.logs.folding import MOST_LINES, Whole, folded
from maas_stream_lint.logs.messages import message, names
from maas_stream_lint.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from maas_stream_lint.logs.log_files import Log, Reader

_PIECE = 4 * 2**20
#: So much of the end of a piece is looked at with the next one, for the traceback of a message.
_OVERLAP = 2**18
#: What syslog and journald put before a message of a program that is not MAAS's.
_PROGRAM = re.compile(
    rb"(?:<\d+>)?(?:\d{4}-\d\d-\d\d[T ][\d:.,+Z-]+|[A-Z][a-z]{2} {1,2}\d{1,2} [\d:.]+)"
    rb" \S+ ([\w./@-]+)(?:\[\d+\])?: "
)
_OURS = re.compile(
    rb"maas|temporal|regiond|rackd|streams|pebble"
    rb"|^(?:sh|bash|docker\w*|supervisord|snap|cloud-init|logger)$"
)
#: A line that is longer is cut: nobody writes such a one.
_LONGEST = 2**20


class Seen(NamedTuple):
    """One message of a log, or a line of a part of MAAS that writes such messages."""

    file: str
    line: int  #: counted from 1
    whole: Whole


def seen(log: Log, told: Callable[[int], None] | None = None) -> Iterator[Seen]:
    """What in a log may be about images, in its order. ``told``: hears of bytes that were read."""
    number = 1
    for piece, limit in _pieces(log.file, told):
        done, at = 0, 0
        for start in _starts(piece, limit):
            if start < done:
                continue
            number += piece.count(b"\n", at, start)
            at = start
            whole = folded(_lines(piece, start))
            yield Seen(log.name, number, whole)
            done = _after(piece, start, whole.taken)
        number += piece.count(b"\n", at, limit)


def _pieces(file: Reader, told: Callable[[int], None] | None) -> Iterator[tuple[bytes, int]]:
    """Pieces of whole lines, and up to where each counts; the rest comes with the next one."""
    read = _decoded(file)
    rest = b""
    while True:
        new = read(_PIECE)
        if told is not None:
            told(len(new))
        piece = rest + new
        if not new:
            if piece:
                yield piece, len(piece)
            return
        limit = piece.rfind(b"\n", 0, max(0, len(piece) - _OVERLAP)) + 1
        if limit == 0 and len(piece) > _PIECE + _LONGEST:
            limit = len(piece)
        if limit:
            yield piece, limit
        rest = piece[limit:]


def _decoded(file: Reader) -> Callable[[int], bytes]:
    """A reader of the file in UTF-8: of what a Windows editor saved, a recoding one."""
    first = file.read(4)
    known = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
    encoding = known.get(first[:2])
    held = [first]
    if encoding is None:
        return lambda size: held.pop() if held else file.read(size)
    decoder = codecs.getincrementaldecoder(encoding)("replace")

    def read(size: int) -> bytes:
        raw = held.pop() if held else file.read(size)
        return decoder.decode(raw, final=not raw).encode("utf-8", "replace")

    return read


def _starts(piece: bytes, limit: int) -> Iterator[int]:
    """Where lines begin that hold an anchor; not those of other programs that only sound alike."""
    automaton, shared = _automaton()
    last = foreign = -1
    for part, at, _ in automaton.find_matches_as_indexes(piece):
        start = piece.rfind(b"\n", 0, at) + 1
        if start >= limit:
            return
        if start == last or (start == foreign and part in shared):
            continue
        if part in shared and _foreign(piece, start):
            foreign = start
            continue
        last = start
        yield start


def _foreign(piece: bytes, start: int) -> bool:
    """Whether syslog names a program that is no part of MAAS as the line's own."""
    named = _PROGRAM.match(piece, start, start + 200)
    return named is not None and not _OURS.search(named[1])


def _lines(piece: bytes, start: int) -> list[str]:
    """The line that begins there, and those below it that may belong to it."""
    lines = []
    for _ in range(MOST_LINES):
        end = piece.find(b"\n", start)
        raw = piece[start : end if end >= 0 else len(piece)]
        lines.append(raw[:_LONGEST].decode("utf-8", "replace"))
        if end < 0 or (len(lines) > 1 and not _goes_on(lines[-1])):
            break
        start = end + 1
    return lines


def _goes_on(line: str) -> bool:
    """Whether a line may be part of a traceback: a cheap look, `folded` looks closely."""
    return line[:1] in ("\t", " ") or "\t" in line or "#011" in line or "Traceback (" in line


def _after(piece: bytes, start: int, lines: int) -> int:
    """Where the line begins that follows so many."""
    for _ in range(lines):
        end = piece.find(b"\n", start)
        if end < 0:
            return len(piece)
        start = end + 1
    return start


class Finder:
    """What finds many texts at once, one after the other: where there is nothing faster."""

    def __init__(self, parts: list[bytes]) -> None:
        """``parts``: the texts, known by their number."""
        self._parts = parts

    def find_matches_as_indexes(self, text: bytes) -> list[tuple[int, int, int]]:
        """Which text, from where, to where, in the order of the places."""
        found = []
        for number, part in enumerate(self._parts):
            at = text.find(part)
            while at >= 0:
                found.append((at, number))
                at = text.find(part, at + len(part))
        return [(number, at, at + len(self._parts[number])) for at, number in sorted(found)]


@lru_cache(maxsize=1)
def _automaton() -> tuple[Finder, frozenset[int]]:
    """What finds all anchors, and which of these other programs say, too."""
    own = {a.part for a in anchors.anchors() if not message(a.name).patterns[a.number].shared}
    own |= loggers()
    parts = sorted(own | {anchor.part for anchor in anchors.anchors()})
    shared = frozenset(i for i, part in enumerate(parts) if part not in own)
    return finder([part.encode() for part in parts]), shared


def finder(parts: list[bytes]) -> Finder:
    """The fastest finder that is installed: distributions have no ``ahocorasick-rs``."""
    try:
        from ahocorasick_rs import BytesAhoCorasick, Implementation
    except ImportError:
        return Finder(parts)
    return cast("Finder", BytesAhoCorasick(parts, implementation=Implementation.DFA))


@lru_cache(maxsize=1)
def loggers() -> frozenset[str]:
    """What stands before messages of MAAS about images: ``maas.bootresources: [``."""
    known = {pattern.logger for name in names() for pattern in message(name).patterns}
    return frozenset(f"{logger}: [" for logger in known if logger)
