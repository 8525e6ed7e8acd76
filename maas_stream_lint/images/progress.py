"""How the library reports progress: it never prints itself."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Hears of each file that the tool looks at, from several threads at once."""

    def begin(self, files: int, size: int) -> None:
        """The tool begins to look at files, with their number and bytes (0: only their heads)."""

    def advance(self, size: int) -> None:
        """This many more bytes were read; a negative number if a download restarts."""

    def finished(self, path: str) -> None:
        """A file is done."""

    def end(self) -> None:
        """All is done, or was stopped."""


class Quiet:
    """Reports nothing."""

    def begin(self, files: int, size: int) -> None:
        """Say nothing."""

    def advance(self, size: int) -> None:
        """Say nothing."""

    def finished(self, path: str) -> None:
        """Say nothing."""

    def end(self) -> None:
        """Say nothing."""
