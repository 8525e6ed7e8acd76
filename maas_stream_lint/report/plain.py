"""A page for people that needs no library to be written: what must be shown at once.

Like `report.page.Page`, whose import takes longer than an answer about one line of a log may.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from maas_stream_lint.output import clean
from maas_stream_lint.report.commands import parts

if TYPE_CHECKING:
    from maas_stream_lint.output import Style

#: Codes of the terminal.
TITLE, LABEL, CODE, GOOD, BAD = "1", "2", "36", "1;32", "1;31"
#: The same by severity, as on a traffic light.
SEVERITIES = {
    "fatal": "1;37;41",
    "ignored": "1;31",
    "unusable": "1;33",
    "warning": "1;36",
    "info": "1;34",
}
_WORD_OR_CODE = re.compile(r"(?:`[^`]*`|[^\s`])+\s*|`\s*")
_WORD = re.compile(r"\S+\s*")
_BACKTICKS = re.compile(r"`[^`]*`")
#: What stands between short texts.
_BETWEEN = " \N{MIDDLE DOT} "
#: A command with fewer arguments reads well within a sentence.
_ARGUMENTS = 2


class PlainPage:
    """A text in the making, wrapped at words. No text is taken for a code of the terminal."""

    def __init__(self, style: Style) -> None:
        """``style``: how wide, and whether in colour."""
        self._style = style
        self._lines: list[str] = []

    def line(
        self, text: str = "", how: str = "", *, indent: int = 0, hang: int | None = None
    ) -> None:
        """Write a text, its first line ``indent`` deep and what wraps ``hang`` deep."""
        self.hung(" " * indent, text, indent if hang is None else hang, how)

    def facts(self, facts: list[tuple[str, str]]) -> None:
        """Write short texts, each in its style, with dots between; without styles if they wrap."""
        texts = [(clean(text), how) for text, how in facts]
        whole = _BETWEEN.join(text for text, _ in texts)
        if cells(whole) > self._style.width:
            self.line(whole)
        else:
            self._lines.append(_BETWEEN.join(self.styled(text, how) for text, how in texts))

    def field(self, label: str, text: str, *, width: int, how: str = "") -> None:
        """Write a labelled text, all of it to the right of the label."""
        head = self.styled(label.ljust(width), LABEL) if label else " " * width
        self.hung(head, text, width, how, used=width)

    def steps(self, label: str, text: str, *, width: int) -> None:
        """Write a labelled text whose commands stand on lines of their own, to be copied."""
        for part in parts(text, _ARGUMENTS):
            if part.command:
                if label:
                    self._lines.append(self.styled(label, LABEL))
                self._lines.append(" " * (width + 2) + self.styled(clean(part.text), CODE))
            else:
                self.field(label, part.text, width=width)
            label = ""

    def styled(self, text: str, how: str) -> str:
        """The text in a style, if there is colour."""
        return f"\x1b[{how}m{text}\x1b[0m" if self._style.color and how else text

    def linked(self, text: str, url: str | None, how: str) -> str:
        """A styled text that leads to ``url`` where a terminal takes links. Both are clean."""
        shown = self.styled(text, how)
        if url is None or not (self._style.color and self._style.links):
            return shown
        return f"\x1b]8;;{url}\x1b\\{shown}\x1b]8;;\x1b\\"

    def text(self) -> str:
        """All that was written."""
        return "".join(f"{line}\n" for line in self._lines)

    def verbatim(self, line: str) -> None:
        """Write a line as it is; what is styled in it is clean already."""
        self._lines.append(line.rstrip())

    def hung(self, head: str, text: str, hang: int, how: str = "", used: int | None = None) -> None:
        """Write a head, and beside it a text whose further lines are ``hang`` deep.

        ``used``: the columns that the head takes, if it is styled.
        """
        room = max(20, self._style.width - hang)
        before = (len(head) if used is None else used) - hang
        for number, part in enumerate(_wrapped(clean(text), room, before)):
            shown = self.styled(part, how) if how else self._coded(part)
            self._lines.append(((head if number == 0 else " " * hang) + shown).rstrip())

    def _coded(self, text: str) -> str:
        return _BACKTICKS.sub(lambda found: self.styled(found[0], CODE), text)


def _wrapped(text: str, room: int, used: int) -> list[str]:
    """The lines of a text. A word there is no room for stays whole, so that it can be copied."""
    lines = [""]
    for word in _words(text, room):
        width = cells(word.rstrip())
        if lines[-1] and used + width > room:
            lines.append("")
            used = 0
        lines[-1] += word
        used += cells(word)
    return [line.rstrip() for line in lines]


def _words(text: str, room: int) -> list[str]:
    words = []
    for found in _WORD_OR_CODE.finditer(text):
        whole = found[0]
        fits = cells(whole.rstrip()) <= room
        words += [whole] if fits else [word[0] for word in _WORD.finditer(whole)]
    return words


def cells(text: str) -> int:
    """The columns that a text takes."""
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
