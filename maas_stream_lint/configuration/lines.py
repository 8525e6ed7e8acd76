"""A configuration file and its lines, for errors that name a line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from maas_stream_lint.configuration.settings import Origin
from maas_stream_lint.errors import UsageError

if TYPE_CHECKING:
    from maas_stream_lint.configuration.tomlplaces import Key


class Page:
    """The lines of a file. ``prefix``: this tool's table in the file."""

    def __init__(self, path: Path, lines: dict[Key, int], prefix: Key) -> None:
        """``lines``: key → line, as of `tomlplaces`."""
        self.path, self.lines, self.prefix = path, lines, prefix

    def origin(self, key: Key) -> Origin:
        """The file and line of a key."""
        whole = (*self.prefix, *key)
        # A missing key has no line, but the table that lacks it has one.
        while whole not in self.lines:
            whole = whole[:-1]
        return Origin(self.path, self.lines[whole])

    def error(self, key: Key, message: str, hint: str | None = None) -> UsageError:
        """An error about a key. It starts with the key's line."""
        name = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in key).lstrip(".")
        return UsageError(f"{self.origin(key)}: {name + ': ' if name else ''}{message}", hint)

    def fail(self, key: Key, message: str, hint: str | None = None) -> NoReturn:
        """Raise the error."""
        raise self.error(key, message, hint)

    def beside(self, name: str) -> Path:
        """The path that a value means: relative to the folder of the file."""
        return Path(os.path.normpath(self.path.parent / os.path.expanduser(name)))  # noqa: PTH111 - Path raises
