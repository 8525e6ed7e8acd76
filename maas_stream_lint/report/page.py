"""What all reports for people are written on: lines that wrap at words, styled or plain."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from maas_stream_lint.output import Style, clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from maas_stream_lint.finding import Severity

#: By severity, as on a traffic light.
COLORS = {
    "fatal": "bold white on red",
    "ignored": "bold red",
    "unusable": "bold yellow",
    "warning": "bold cyan",
    "info": "bold blue",
}
GOOD, LABEL, CODE, TITLE = "bold green", "dim", "cyan", "bold"

#: A hostile name may have megabytes.
LONGEST = 500

_WORD = re.compile(r"\S+\s*")
#: Code in backticks is one word, if it has room.
_WORD_OR_CODE = re.compile(r"(?:`[^`]*`|\S)+\s*")
_BACKTICKS = re.compile(r"`[^`]*`")


class Page:
    """A text in the making. Nothing written on it is taken for markup, and no word is broken."""

    def __init__(self, style: Style) -> None:
        """``style``: how wide, and whether in colour."""
        self.width = style.width
        self._file = io.StringIO()
        # An empty environment: what it has to say is in the style already.
        self._console = Console(
            file=self._file,
            width=style.width,
            force_terminal=style.color,
            color_system="standard" if style.color else None,
            highlight=False,
            markup=False,
            emoji=False,
            legacy_windows=False,
            _environ={},
        )

    def line(self, text: Text | str = "", *, indent: int = 0, hang: int | None = None) -> None:
        """Write a text, its first line ``indent`` deep and what wraps ``hang`` deep."""
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
            whole = Text.assemble(head if number == 0 else " " * hang, part)
            whole.rstrip()
            self._console.print(whole, no_wrap=True, overflow="ignore", crop=False)

    def text(self) -> str:
        """All that was written."""
        return self._file.getvalue()


def _breaks(text: str, room: int, used: int = 0) -> list[int]:
    """Where lines begin. A word there is no room for stays whole, so that it can be copied.

    ``used``: columns of the first line that are taken already.
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


def brief(text: str) -> str:
    """An untrusted text, made safe, and cut where it is longer than any name or line should be."""
    return clean(text if len(text) <= LONGEST else text[: LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}")


def code(text: str, style: str = "") -> Text:
    """An untrusted sentence, with what stands in backticks set off."""
    safe = clean(text)
    made = Text(safe, style)
    for match in _BACKTICKS.finditer(safe):
        made.stylize(CODE, match.start(), match.end())
    return made


def styled(text: str, style: str) -> Text:
    """A text whose style ends where it ends, whatever is appended."""
    return Text.assemble((text, style))


def severity(level: Severity) -> Text:
    """A severity's name in its colour."""
    return styled(level.label, COLORS[level.label])


def span(lines: Iterable[str], known: Iterable[str], asked: Iterable[str] = ()) -> str:
    """Release lines, briefly: ``2.9–3.7``, ``3.5, 3.8``.

    ``known``: every release line there is, oldest first; neighbours there make a range. ``asked``:
    the lines asked for; ``all`` where it is these.
    """
    order = list(known)
    wanted = set(lines)
    if len(wanted) > 1 and wanted == set(asked):
        return "all"
    runs: list[list[str]] = []
    for position, line in enumerate(order):
        if line in wanted:
            if runs and position and runs[-1][-1] == order[position - 1]:
                runs[-1].append(line)
            else:
                runs.append([line])
    return ", ".join(r[0] if len(r) == 1 else f"{r[0]}\N{EN DASH}{r[-1]}" for r in runs)


def some(names: list[str], most: int = 3) -> str:
    """A few of many names: ``a, b, c and 477 more``."""
    if len(names) <= most + 1:
        return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1]
    return ", ".join(names[:most]) + f" and {len(names) - most:,} more"


def count(number: int, noun: str) -> str:
    """``1 product``, ``2 products``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
