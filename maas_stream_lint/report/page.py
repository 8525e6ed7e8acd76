"""The page that reports for people are written on: lines that wrap at words, styled or plain."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from maas_stream_lint.output import Style, clean
from maas_stream_lint.report.commands import parts
from maas_stream_lint.report.painted import Text, cells
from maas_stream_lint.report.phrases import LONGEST, brief, count, some, span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.finding import Severity

__all__ = [
    "CODE",
    "COLORS",
    "GOOD",
    "LABEL",
    "LONGEST",
    "TITLE",
    "Page",
    "Text",
    "brief",
    "code",
    "count",
    "severity",
    "some",
    "span",
    "styled",
]

#: By severity, as on a traffic light.
COLORS = {
    "fatal": "bold white on red",
    "ignored": "bold red",
    "unusable": "bold yellow",
    "warning": "bold cyan",
    "info": "bold blue",
}
GOOD, LABEL, CODE, TITLE = "bold green", "dim", "cyan", "bold"

#: A command with fewer arguments reads well within a sentence.
_ARGUMENTS = 2

_WORD = re.compile(r"\S+\s*")
#: Code in backticks is one word, if it has room.
_WORD_OR_CODE = re.compile(r"(?:`[^`]*`|\S)+\s*")
_BACKTICKS = re.compile(r"`[^`]*`")


class Page:
    """A text in the making. Nothing on it is treated as markup, and no word is broken."""

    def __init__(self, style: Style) -> None:
        """``style``: how wide, and whether in colour."""
        self.width = style.width
        self._style = style
        self._lines: list[str] = []

    def line(self, text: Text | str = "", *, indent: int = 0, hang: int | None = None) -> None:
        """Write a text. ``indent``: that of the first line; ``hang``: that of the others."""
        self.hung(Text(" " * indent), text, indent if hang is None else hang)

    def field(self, label: str, text: Text | str, *, indent: int, width: int) -> None:
        """Write a labelled text, all of it to the right of the label."""
        head = Text(" " * indent)
        head.append(label.ljust(width), LABEL)
        self.hung(head, text, indent + width)

    def hung(self, head: Text, text: Text | str, hang: int) -> None:
        """Write a head, and beside it a text whose further lines are ``hang`` deep."""
        body = text if isinstance(text, Text) else code(text)
        room = max(20, self.width - hang)
        breaks = _breaks(body.plain, room, max(0, head.cell_len - hang))
        for number, part in enumerate(body.divided(breaks)):
            self._write(Text.assemble(head if number == 0 else " " * hang, part))

    def steps(self, label: str, text: str, *, indent: int, width: int) -> None:
        """Write a labelled text whose commands stand on lines of their own, to be copied."""
        head = Text(" " * indent).append(label.ljust(width), LABEL)
        for number, part in enumerate(parts(text, _ARGUMENTS)):
            if part.command:
                if number == 0 and label:
                    self._write(head)
                self._write(Text(" " * (indent + width + 2)).append(clean(part.text), CODE))
            else:
                self.hung(head, part.text, indent + width)
            head = Text(" " * (indent + width))

    def verbatim(self, text: Text | str, *, indent: int = 0) -> None:
        """Write a line as it is, which is never wrapped."""
        self._write(Text.assemble(" " * indent, text))

    def text(self) -> str:
        """All that was written."""
        return "".join(f"{line}\n" for line in self._lines)

    def _write(self, line: Text) -> None:
        style = self._style
        self._lines.append(line.stripped().shown(color=style.color, links=style.links))


def _breaks(text: str, room: int, used: int = 0) -> list[int]:
    """Where lines start. A word that is too long for a line stays whole, so that it can be copied.

    ``used``: columns of the first line that are already taken.
    """
    starts = []
    for start, word in _words(text, room):
        width = cells(word.rstrip())
        if used and used + width > room:
            starts.append(start)
            used = 0
        used += cells(word)
    return starts


def _words(text: str, room: int) -> Iterator[tuple[int, str]]:
    for found in _WORD_OR_CODE.finditer(text):
        if cells(found[0].rstrip()) <= room:
            yield found.start(), found[0]
        else:
            yield from ((found.start() + w.start(), w[0]) for w in _WORD.finditer(found[0]))


def code(text: str, style: str = "") -> Text:
    """An untrusted sentence, with text in backticks as code."""
    safe = clean(text)
    made = Text()
    at = 0
    for match in _BACKTICKS.finditer(safe):
        made.append(safe[at : match.start()], style)
        made.append(match[0], f"{style} {CODE}")
        at = match.end()
    return made.append(safe[at:], style)


def styled(text: str, style: str) -> Text:
    """A text with a style that does not extend to what is appended."""
    return Text(text, style)


def severity(level: Severity) -> Text:
    """A severity's name in its colour."""
    return styled(level.label, COLORS[level.label])
