"""A configuration file on disk: whether it exists, its text, and the TOML in it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from maas_stream_lint.configuration.settings import TABLE, shown
from maas_stream_lint.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def is_a(path: Path, question: Callable[[Path], bool]) -> bool:
    """The answer to a question about a path; no if the path cannot be looked at."""
    try:
        return question(path)
    except (OSError, ValueError):  # no permission, too long, not a valid name
        return False


def has_table(path: Path) -> bool:
    """Whether a ``pyproject.toml`` has a table for this tool."""
    text = read(path)
    # Most files do not name the tool, and need no parsing.
    return TABLE in text and isinstance(parsed(path, text).get("tool", {}).get(TABLE), dict)


#: What to do about a configuration that can't be read.
_HINT = "or use --no-config"


def read(path: Path, hint: str = _HINT) -> str:
    """The text of a file. Raises UsageError, with ``hint`` behind what else could be done."""
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{shown(path)} is not UTF-8", "save it as UTF-8") from None
    except OSError as error:
        why = (error.strerror or "unreadable").lower()
        raise UsageError(f"cannot read {shown(path)}: {why}", f"check the path, {hint}") from None


def parsed(path: Path, text: str, hint: str = _HINT) -> dict[str, Any]:
    """The TOML in a text. Raises UsageError as `read` does."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:  # pragma: no cover
        import tomli as tomllib
    try:
        data: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{shown(path)} is not TOML: {error}", f"fix it, {hint}") from None
    except RecursionError:
        raise UsageError(f"{shown(path)} is nested too deeply", f"fix it, {hint}") from None
    return data
