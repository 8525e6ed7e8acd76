"""The key of MAAS's API: from a file, the environment or a profile of the ``maas`` command.

The key is a secret. It is in no message, repr or report, and the tool sends it only to the named
MAAS.
"""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

from maas_stream_lint.errors import UsageError
from maas_stream_lint.named_tuple import NamedTuple

VARIABLE = "MAAS_API_KEY"
_HINT = f"give --api-key-file FILE, {VARIABLE}, or --profile NAME of the maas command"
NEW_KEY = "make one: `sudo maas apikey --username NAME`"
#: Where the ``maas`` command keeps its profiles: `maascli/config.py: ProfileConfig`; in the snap
#: the home directory is the snap's own.
_PROFILES = ("~/.maascli.db", "~/snap/maas/current/.maascli.db")
#: A key has about 60 characters.
_LONGEST = 1_000


class ApiKey(NamedTuple):
    """The three parts of a key; ``CONSUMER:TOKEN:SECRET``."""

    consumer: str
    token: str
    secret: str

    def __repr__(self) -> str:
        """Without the key."""
        return "ApiKey(…)"


def parsed_key(text: str) -> ApiKey:
    """A key as ``maas apikey`` prints it. Raises UsageError, which does not repeat it."""
    parts = text.strip().split(":")
    if len(parts) != 3 or not all(p.isascii() and p.isprintable() and p.strip() for p in parts):
        raise UsageError(
            "the API key is no CONSUMER:TOKEN:SECRET", "see `sudo maas apikey --username NAME`"
        )
    return ApiKey(*parts)


def given_key(file: str | None) -> ApiKey:
    """The key of a file, else of the environment. Raises UsageError if there is none."""
    if file is not None:
        try:
            with Path(file).open(encoding="utf-8") as opened:
                return parsed_key(opened.read(_LONGEST))
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is no text"
            raise UsageError(
                f"cannot read the API key from {file!r}: {why.lower()}", _HINT
            ) from None
    if os.environ.get(VARIABLE):
        return parsed_key(os.environ[VARIABLE])
    raise UsageError("no API key is given", _HINT)


def profile(name: str) -> tuple[str, ApiKey]:
    """URL and key of a profile that ``maas login`` made. Raises UsageError."""
    for place in _PROFILES:
        path = Path(place).expanduser()
        if path.is_file():
            found = _profile(path, name)
            if found is not None:
                return found
    raise UsageError(f"the maas command has no profile {name!r}", "see `maas list`")


def _profile(path: Path, name: str) -> tuple[str, ApiKey] | None:
    try:
        database = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    except sqlite3.Error:
        return None
    try:
        row = database.execute("SELECT data FROM profiles WHERE name = ?", (name,)).fetchone()
        data = json.loads(row[0]) if row is not None else None
        if not isinstance(data, dict):
            return None
        return str(data["url"]), parsed_key(":".join(map(str, data["credentials"])))
    except (sqlite3.Error, ValueError, LookupError, TypeError, RecursionError):
        return None
    finally:
        database.close()
