"""A configuration file on disk: whether it exists, its text, and the TOML in it."""

from __future__ import annotations

import re
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


#: A configuration that is larger is none, and to parse it could take minutes.
_LARGEST = 2**18
#: Tables, lists and parts of a key in one another.
_DEEPEST = 64
_PARTS = re.compile(r"[=,{}\[\]\n]")
#: What to do about a configuration that can't be read.
_HINT = "or use --no-config"


def read(path: Path, hint: str = _HINT) -> str:
    """The text of a file. Raises UsageError, whose way out ends with ``hint``."""
    try:
        if path.stat().st_size > _LARGEST:
            raise UsageError(f"{shown(path)} has more than {_LARGEST:,} bytes", f"split it, {hint}")
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
        # The parser takes seconds for a key of thousands of parts.
        long = any(p.count(".") > _DEEPEST for p in _PARTS.split(text) if not {*"\"'#"} & {*p})
        data: dict[str, Any] = tomllib.loads(text) if not long else {}
        deep = long or _is_deep(data)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{shown(path)} is not TOML: {error}", f"fix it, {hint}") from None
    except RecursionError:
        deep = True
    except ValueError:  # what Python says of an integer of thousands of digits
        told = f"{shown(path)} holds a number of thousands of digits"
        raise UsageError(told, f"write the intended number, {hint}") from None
    if deep:
        raise UsageError(f"{shown(path)} is nested too deeply", f"fix it, {hint}")
    return data


def _is_deep(value: Any) -> bool:
    """Whether tables and lists are nested deeper than `_DEEPEST`."""
    level = [value]
    for _ in range(_DEEPEST):
        inner = [list(v.values()) if isinstance(v, dict) else v for v in level]
        level = [each for v in inner if isinstance(v, list) for each in v]
        if not level:
            return False
    return True
