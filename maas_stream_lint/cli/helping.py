"""How the tool writes help: click's formatter, but it breaks lines only between words."""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING

import click

from maas_stream_lint import terminal

if TYPE_CHECKING:
    from collections.abc import Iterable

#: What click leaves free on the right.
_MARGIN = 2
#: The widest column of options; what is longer has its help on the next line.
_OPTIONS = 30


def formatter() -> Formatter:
    """What writes the help to standard output: at most as wide as that, in bold if it may."""
    shown = sys.stdout is not None and sys.stdout.isatty()
    made = Formatter(width=terminal.width(shown) - _MARGIN)
    made.color = terminal.takes_color(shown)
    return made


class Formatter(click.HelpFormatter):
    """A formatter that breaks neither words nor names with hyphens."""

    #: The least width of the column of names.
    _least = 0

    #: Whether headings and names are set off.
    color = False

    def write_heading(self, heading: str) -> None:
        """Write the heading of a list."""
        self.write(f"{'':>{self.current_indent}}{self._set_off(f'{heading}:')}\n")

    def _set_off(self, text: str) -> str:
        return click.style(text, bold=True) if self.color else text

    def align(self, names: Iterable[str]) -> None:
        """Make all following lists as wide as these names need."""
        self._least = max((len(name) for name in names if len(name) <= _OPTIONS), default=0)

    def write_text(self, text: str) -> None:
        """Write paragraphs, which an empty line separates."""
        indent = " " * self.current_indent
        paragraphs = text.split("\n\n")
        self.write("\n\n".join("\n".join(self._lines(p, indent, indent)) for p in paragraphs))
        self.write("\n")

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = _OPTIONS, col_spacing: int = 2
    ) -> None:
        """Write names with their meaning beside them."""
        rows = [*rows]
        widest = min(max(self._least, *(len(name) for name, _ in rows), 0), col_max) + col_spacing
        left = " " * self.current_indent
        hang = left + " " * widest
        for name, about in rows:
            head = left + self._set_off(name)
            beside = len(name) + col_spacing <= widest
            lines = self._lines(about, hang, hang)
            if lines and beside:
                lines[0] = head + lines[0][len(left) + len(name) :]
            else:
                lines.insert(0, head)
            self.write("".join(f"{line}\n" for line in lines))

    def _lines(self, text: str, first: str, others: str) -> list[str]:
        return textwrap.wrap(
            " ".join(text.split()),
            self.width,
            initial_indent=first,
            subsequent_indent=others,
            break_long_words=False,
            break_on_hyphens=False,
        )
