"""The page that reports for people are written on: lines that wrap at words, styled or plain."""

from __future__ import annotations

import io
import re
from functools import cached_property
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from maas_stream_lint.output import Style, clean
from maas_stream_lint.report.commands import parts
from maas_stream_lint.report.phrases import LONGEST, brief, count, some, span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import Console

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
        self._file = io.StringIO()

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
        for number, part in enumerate(body.divide(breaks) if body else [body]):
            part.rstrip()
            self._write(Text.assemble(head if number == 0 else " " * hang, part))

    def steps(self, label: str, text: str, *, indent: int, width: int) -> None:
        """Write a labelled text whose commands stand on lines of their own, to be copied."""
        head = Text(" " * indent)
        head.append(label.ljust(width), LABEL)
        for number, part in enumerate(parts(text, _ARGUMENTS)):
            if part.command:
                if number == 0 and label:
                    self._write(head)
                command = styled(clean(part.text), CODE)
                self._write(Text.assemble(" " * (indent + width + 2), command))
            else:
                self.hung(head, part.text, indent + width)
            head = Text(" " * (indent + width))

    def verbatim(self, text: Text | str, *, indent: int = 0) -> None:
        """Write a line as it is, which is never wrapped."""
        self._write(Text.assemble(" " * indent, text))

    def paste(self, lines: Iterable[str]) -> None:
        """Write lines that another page of this style has made."""
        self._file.writelines(f"{line}\n" for line in lines)

    def linked(self, text: str, url: str, style: str = "") -> Text:
        """A text that leads to ``url`` where a terminal takes links. Both are clean already."""
        if not (self._style.color and self._style.links):
            return styled(text, style)
        from rich.style import Style as Look

        return Text.assemble((text, Look.parse(style) + Look(link=url)))

    def text(self) -> str:
        """All that was written."""
        return self._file.getvalue()

    @cached_property
    def _console(self) -> Console:
        # Its import takes longer than a report without colour.
        from rich.console import Console

        # An empty environment: the style already holds what the environment says.
        return Console(
            file=self._file,
            width=self.width,
            force_terminal=True,
            color_system="standard",
            highlight=False,
            markup=False,
            emoji=False,
            legacy_windows=False,
            _environ={},
        )

    def _write(self, line: Text) -> None:
        line.rstrip()
        if self._style.color:
            self._console.print(line, no_wrap=True, overflow="ignore", crop=False)
        else:
            self._file.write(f"{line.plain}\n")


def _breaks(text: str, room: int, used: int = 0) -> list[int]:
    """Where lines start. A word that is too long for a line stays whole, so that it can be copied.

    ``used``: columns of the first line that are already taken.
    """
    starts = []
    for start, word in _words(text, room):
        width = cell_len(word.rstrip())
        if used and used + width > room:
            starts.append(start)
            used = 0
        used += cell_len(word)
    return starts


def _words(text: str, room: int) -> Iterator[tuple[int, str]]:
    for found in _WORD_OR_CODE.finditer(text):
        if cell_len(found[0].rstrip()) <= room:
            yield found.start(), found[0]
        else:
            yield from ((found.start() + w.start(), w[0]) for w in _WORD.finditer(found[0]))


def code(text: str, style: str = "") -> Text:
    """An untrusted sentence, with text in backticks as code."""
    safe = clean(text)
    made = Text(safe, style)
    for match in _BACKTICKS.finditer(safe):
        made.stylize(CODE, match.start(), match.end())
    return made


def styled(text: str, style: str) -> Text:
    """A text with a style that does not extend to what is appended."""
    return Text.assemble((text, style))


def severity(level: Severity) -> Text:
    """A severity's name in its colour."""
    return styled(level.label, COLORS[level.label])
