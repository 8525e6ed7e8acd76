"""How the tool writes help: click's formatter, but it breaks lines only between words."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The widest column of options; what is longer has its help on the next line.
_OPTIONS = 30


class Formatter(click.HelpFormatter):
    """A formatter that breaks neither words nor names with hyphens."""

    #: The least width of the column of names.
    _least = 0

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
            head = f"{left}{name}"
            beside = len(name) + col_spacing <= widest
            lines = self._lines(about, f"{head:<{len(hang)}}" if beside else hang, hang)
            if not beside:
                self.write(f"{head}\n")
            self.write("".join(f"{line}\n" for line in lines or [head]))

    def _lines(self, text: str, first: str, others: str) -> list[str]:
        return textwrap.wrap(
            " ".join(text.split()),
            self.width,
            initial_indent=first,
            subsequent_indent=others,
            break_long_words=False,
            break_on_hyphens=False,
        )
