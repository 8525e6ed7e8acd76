"""The two errors that end a run without a report."""

from __future__ import annotations


class LintError(Exception):
    """The run failed: one line that says why, and a way out. Exit code 2."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        """``message``: what is wrong, in one line. ``hint``: what to do, in one line."""
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Both parts in one line."""
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UsageError(LintError):
    """A flag, path, URL or configuration is wrong."""
