"""How those who wait are told: the library itself never prints."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Is told of the files as they are looked at; from several threads at once."""

    def begin(self, files: int, size: int) -> None:
        """So many files are looked at, of so many bytes together (0: only their heads)."""

    def advance(self, size: int) -> None:
        """This many more bytes were read; a negative number if a download restarts."""

    def finished(self, path: str) -> None:
        """A file is done."""

    def end(self) -> None:
        """All is done, or was stopped."""


class Quiet:
    """Tells nobody."""

    def begin(self, files: int, size: int) -> None:
        """Say nothing."""

    def advance(self, size: int) -> None:
        """Say nothing."""

    def finished(self, path: str) -> None:
        """Say nothing."""

    def end(self) -> None:
        """Say nothing."""
