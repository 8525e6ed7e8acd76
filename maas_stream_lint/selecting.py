"""Selections as people and MAAS's API write them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from maas_stream_lint.errors import UsageError
from maas_stream_lint.imports.situation import ANY, Selection
from maas_stream_lint.quoting import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from maas_stream_lint.rulebook import Release

#: What a fresh MAAS selects; each release line has its own.
DEFAULT = "default"
#: A file of selections that is larger is not read.
LARGEST = 2**20
#: The members of a selection that hold several values, in the singular as people write them.
LISTS = {"arch": "arches", "subarch": "subarches", "label": "labels"}
FORM = "`OS/RELEASE/ARCH`, `os=…,release=…,arch=A|B,subarch=…,label=…` or `default`"


def parse_selection(text: str) -> Selection:
    """A selection as the command line has it: ``ubuntu/noble/amd64``, or ``os=ubuntu,…``.

    Raises UsageError for any other text.
    """
    if "=" in text:
        return _of_pairs(text)
    parts = [part.strip() for part in text.split("/")]
    if not 2 <= len(parts) <= 3 or not all(parts):
        raise UsageError(f"{quoted(text)} is no selection", f"write {FORM}")
    os, release, *arches = parts
    return Selection(os, release, tuple(arches[0].split("|")) if arches else (ANY,))


def parse_words(words: Sequence[str]) -> list[Selection] | str:
    """Selections as the command line has them; ``default`` alone stays as it is.

    Raises UsageError for any other text.
    """
    if DEFAULT not in words:
        return [parse_selection(word) for word in words]
    if any(word != DEFAULT for word in words):
        raise UsageError("`default` and other selections cannot be combined", "use it alone")
    return DEFAULT


def read_selections(path: Path) -> tuple[Selection, ...]:
    """The selections of a file, in the form of MAAS's API.

    That is what ``maas $PROFILE boot-source-selections read ID`` prints, or the answer of
    ``/MAAS/a/v3/selections``. Raises UsageError if the file can't be read or holds anything else.
    """
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST + 1)
        data = json.loads(text) if len(text) <= LARGEST else None
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None
    except (ValueError, RecursionError):
        data = None
    found = data["items"] if isinstance(data, dict) and "items" in data else data
    rows: list[Any] = found if isinstance(found, list) else [found]
    if not all(isinstance(row, dict) for row in rows):
        raise UsageError(
            f"{path} holds no selections",
            "write to it what `maas $PROFILE boot-source-selections read ID` prints",
        )
    return selections_of(rows, str(path))


def selections_of(rows: Iterable[dict[str, Any]], where: str) -> tuple[Selection, ...]:
    """Selections from JSON objects with the members of either API, or of this library's.

    ``where``: what a message names. Raises UsageError for a member that is absent or of another
    type.
    """
    return tuple(_of_row(row, f"{where}: selection {at}") for at, row in enumerate(rows, 1))


def default_selections(release: Release) -> tuple[Selection, ...]:
    """What a fresh MAAS of a release line selects."""
    return selections_of(release.selections("default"), f"rules/releases/{release.line}.toml")


def _of_pairs(text: str) -> Selection:
    given: dict[str, str] = {}
    for pair in text.split(","):
        name, _, value = (part.strip() for part in pair.partition("="))
        if name not in ("os", "release", *LISTS) or not value or name in given:
            raise UsageError(
                f"{quoted(pair)} in {quoted(text)} is no part of a selection", f"write {FORM}"
            )
        given[name] = value
    for name in ("os", "release"):
        if name not in given:
            raise UsageError(f"{quoted(text)} lacks `{name}=…`", f"write {FORM}")
    lists = {LISTS[name]: tuple(value.split("|")) for name, value in given.items() if name in LISTS}
    return Selection(given["os"], given["release"], **lists)


def _of_row(row: dict[str, Any], where: str) -> Selection:
    texts = [row.get(name) for name in ("os", "release")]
    if not all(isinstance(text, str) for text in texts):
        raise UsageError(f"{where} needs the texts `os` and `release`")
    lists = {
        name: _values(row[name], f"{where}: `{name}`") for name in LISTS.values() if name in row
    }
    arch = row.get("architecture", row.get("arch"))
    if arch is not None and "arches" not in row:
        lists["arches"] = _values([arch], f"{where}: `architecture`")
    return Selection(str(texts[0]), str(texts[1]), **lists)


def _values(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise UsageError(f"{where} is no list of texts")
    return tuple(value)
