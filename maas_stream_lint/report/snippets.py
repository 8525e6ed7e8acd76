"""Lines of the metadata in HTML, with the value in question marked."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from maas_stream_lint.output import clean
from maas_stream_lint.report.text import place_text

if TYPE_CHECKING:
    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Place

#: Lines of a file shown before and after the one in question, and how much of a long line.
_AROUND, _WIDEST = 2, 160
#: The token that a finding points at: a key, a text, a number, a bracket.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[^\s,:"]+')


class Snippets:
    """Lines of the metadata round a place, each file split once."""

    def __init__(self, report: Report) -> None:
        """``report``: whose stream is in memory still."""
        self._files = report.look.stream.files
        self._lines: dict[str, list[str]] = {}

    def around(self, place: Place) -> str:
        """A few lines, the one in question marked; nothing where there is no file to show."""
        lines = self._of(place.file)
        if place.line is None or not 0 < place.line <= len(lines):
            return ""
        column = (place.column or 1) - 1
        first = max(1, place.line - _AROUND)
        shown = [
            _line(number, lines[number - 1], column, hit=number == place.line)
            for number in range(first, min(len(lines), place.line + _AROUND) + 1)
        ]
        caption = f"<figcaption>{escape(place_text(place))}</figcaption>"
        return f"<figure>{caption}<pre>{''.join(shown)}</pre></figure>\n"

    def _of(self, file: str) -> list[str]:
        if file not in self._lines:
            known = self._files.get(file)
            self._lines[file] = (known.text or "").split("\n") if known is not None else []
        return self._lines[file]


def _line(number: int, text: str, column: int, *, hit: bool) -> str:
    start = max(0, column - _WIDEST // 4) if len(text) > _WIDEST else 0
    end = start + _WIDEST
    shown = _source(text[start:end])
    token = _TOKEN.match(text, column) if hit else None
    if token is not None and token.end() > column:
        stop = min(token.end(), end)
        parts = (text[start:column], text[column:stop], text[stop:end])
        before, marked, after = (_source(part) for part in parts)
        shown = f"{before}<mark>{marked}</mark>{after}"
    cut = "\N{HORIZONTAL ELLIPSIS}"
    shown = cut * (start > 0) + shown + cut * (end < len(text))
    kind = "line hit" if hit else "line"
    pointer = "\N{BLACK RIGHT-POINTING SMALL TRIANGLE}" if hit else " "
    return f'<span class="{kind}"><span class="no">{pointer}{number:>5} </span>{shown}\n</span>'


def _source(text: str) -> str:
    return escape(clean(text.rstrip("\r").replace("\t", "    ")))
