"""A text whose parts have styles and links, as a terminal shows it. It needs no library."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: The words that a style may hold → the codes of the terminal (SGR).
_CODES = {
    "bold": "1",
    "dim": "2",
    "italic": "3",
    "underline": "4",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "cyan": "36",
    "white": "37",
    "on-red": "41",
}


class Part(NamedTuple):
    """A piece of a text in one style."""

    text: str
    style: str = ""  #: words of ``_CODES``, with blanks between
    link: str = ""  #: where a click leads; empty for nowhere


class Text:
    """A text in the making. ``style`` is that of its first part alone."""

    __slots__ = ("parts",)

    def __init__(self, text: str = "", style: str = "", link: str = "") -> None:
        """A text in one style."""
        self.parts = [Part(text, style, link)] if text else []

    @classmethod
    def assemble(cls, *pieces: Text | tuple[str, str] | str) -> Text:
        """Pieces in a row: texts, pairs of text and style, plain strings."""
        made = cls()
        for piece in pieces:
            if isinstance(piece, Text):
                made.append_text(piece)
            elif isinstance(piece, str):
                made.append(piece)
            else:
                made.append(*piece)
        return made

    @property
    def plain(self) -> str:
        """The characters alone."""
        return "".join(part.text for part in self.parts)

    @property
    def cell_len(self) -> int:
        """The columns that it takes."""
        return cells(self.plain)

    def append(self, text: str, style: str = "", link: str = "") -> Text:
        """Add a piece at the end, and return the text."""
        if text:
            self.parts.append(Part(text, style, link))
        return self

    def append_text(self, other: Text) -> Text:
        """Add another text at the end, and return this one."""
        self.parts += other.parts
        return self

    def join(self, texts: Iterable[Text]) -> Text:
        """The texts, with this one between them."""
        made = Text()
        for number, text in enumerate(texts):
            if number:
                made.append_text(self)
            made.append_text(text)
        return made

    def divided(self, starts: Sequence[int]) -> list[Text]:
        """The text cut before each of these characters, which come in order."""
        lines, at = [Text()], 0
        left = [*starts]
        for text, style, link in self.parts:
            rest = text
            while left and at + len(rest) > left[0]:
                cut = left.pop(0) - at
                lines[-1].append(rest[:cut], style, link)
                lines.append(Text())
                rest, at = rest[cut:], at + cut
            lines[-1].append(rest, style, link)
            at += len(rest)
        return lines

    def stripped(self) -> Text:
        """The text without blanks at its end."""
        made = Text()
        made.parts = [*self.parts]
        while made.parts:
            last = made.parts.pop()
            if kept := last.text.rstrip():
                made.parts.append(last._replace(text=kept))
                break
        return made

    def shown(self, *, color: bool, links: bool) -> str:
        """The characters for a terminal, or for a pipe if neither is wanted."""
        if not (color or links):
            return self.plain
        return "".join(_shown(part, color=color, links=links) for part in self.parts)


def painted(text: str, style: str) -> str:
    """A text in the codes of a style."""
    codes = ";".join(_CODES[word] for word in style.replace("on red", "on-red").split())
    return f"\x1b[{codes}m{text}\x1b[0m" if codes and text else text


def cells(text: str) -> int:
    """The columns that a text takes: two for a wide character, none for a combining one."""
    if text.isascii():
        return len(text)
    return sum(map(_width, text))


def _width(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _shown(part: Part, *, color: bool, links: bool) -> str:
    text = painted(part.text, part.style) if color else part.text
    if links and part.link:
        # OSC 8; the text and the address must be clean already.
        return f"\x1b]8;;{part.link}\x1b\\{text}\x1b]8;;\x1b\\"
    return text
