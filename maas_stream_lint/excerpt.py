"""The lines of a metadata file round a place: what a code frame holds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from maas_stream_lint.named_tuple import NamedTuple

if TYPE_CHECKING:
    from maas_stream_lint.finding import Place
    from maas_stream_lint.stream import Stream

#: What is marked: a string, or a run of what is neither blank nor punctuation; else one character.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[^\s,:"]+|.')
_CUT = "\N{HORIZONTAL ELLIPSIS}"


class Shown(NamedTuple):
    """One line of an excerpt, as it is in the file; untrusted."""

    number: int  #: the line's number in its file, from 1
    before: str  #: what stands before the mark; all of a line without one
    marked: str = ""
    after: str = ""


class Excerpts:
    """The lines of a stream's metadata files, each file split once."""

    def __init__(self, stream: Stream) -> None:
        """``stream``: whose files are in memory still."""
        self._stream = stream
        self._lines: dict[str, list[str]] = {}

    def around(self, place: Place, *, before: int, after: int, widest: int) -> list[Shown]:
        """Some lines before a place's line, that line with a mark, and some after it.

        ``widest``: the most characters of a line; of longer ones the part round the place is
        given. Nothing, if the place has no line, or if the file is not UTF-8.
        """
        lines = self._of(place.file)
        if place.line is None or not 0 < place.line <= len(lines):
            return []
        at = max(0, (place.column or 1) - 1)
        numbers = range(max(1, place.line - before), min(len(lines), place.line + after) + 1)
        return [
            _shown(number, lines[number - 1], at, widest, marked=number == place.line)
            for number in numbers
        ]

    def _of(self, file: str) -> list[str]:
        if file not in self._lines:
            known = self._stream.files.get(file)
            self._lines[file] = (known.text or "").split("\n") if known is not None else []
        return self._lines[file]


def _shown(number: int, line: str, at: int, widest: int, *, marked: bool) -> Shown:
    """A line from its start, or where it is long from a little before the place."""
    line = line.removesuffix("\r")
    start = max(0, at - widest // 4) if len(line) > widest else 0
    end = start + widest
    begun, ended = _CUT * (start > 0), _CUT * (end < len(line))
    token = _TOKEN.match(line, at, end) if marked else None
    if token is None:
        return Shown(number, begun + line[start:end] + ended)
    return Shown(
        number, begun + line[start : token.start()], token[0], line[token.end() : end] + ended
    )
