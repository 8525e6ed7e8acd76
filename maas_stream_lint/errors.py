"""The two ways in which a run can fail without a finding."""

from __future__ import annotations


class LintError(Exception):
    """The run could not be made: one line that says why, and a way out. Exit code 2."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        """``message``: what is wrong, one line. ``hint``: what to do about it, one line."""
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Both parts in one line."""
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UsageError(LintError):
    """A flag, path or URL that cannot be meant."""
