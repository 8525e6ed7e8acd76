"""Which messages may match a text, found by a few characters of each.

This module reads only the ``text`` lines of the files, with a pattern. To parse all the TOML would
take ten times as long, and most of it is never needed. A test holds both readings together.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache

from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.rule_files import rules_folder

_TEXT = re.compile(rb'^text = ("(?:[^"\\\n]|\\.)*")$', re.MULTILINE)
#: Bytes; each file is smaller. A larger buffer costs time for each of them.
_LARGEST = 2**16
#: Where a fixed part of a text may be written otherwise: holes, folded blanks, escapes of JSON.
_CUTS = re.compile(r"\{[a-z][a-z0-9_]*\}|\s\s+|[\"\\<>&\n]|[^\x20-\x7e]")


class Anchor(NamedTuple):
    """A part of a text that every line with it has, and whose text it is."""

    part: str
    name: str  #: of the message
    number: int  #: of its pattern
    text: str  #: the whole of it


@lru_cache(maxsize=1)
def anchors() -> tuple[Anchor, ...]:
    """One anchor for each pattern of each message."""
    found = []
    folder = f"{rules_folder()}/messages"
    for entry in sorted(os.listdir(folder)):  # noqa: PTH208 - names are enough
        name, toml, _ = entry.partition(".toml")
        if toml:
            texts = _TEXT.findall(_read(f"{folder}/{entry}"))
            found += [Anchor(_anchor(t), name, i, t) for i, t in enumerate(map(_text, texts))]
    return tuple(found)


def candidates(text: str) -> list[Anchor]:
    """The anchors that are in a text."""
    return [anchor for anchor in anchors() if anchor.part in text]


def _text(raw: bytes) -> str:
    """A TOML string, of whose escapes these texts have two."""
    return raw[1:-1].decode("utf-8").replace('\\"', '"').replace("\\\\", "\\")


def _read(path: str) -> bytes:
    """A small file, in one call: the layers of `open` take longer than the rest."""
    number = os.open(path, os.O_RDONLY)
    try:
        return os.read(number, _LARGEST)
    finally:
        os.close(number)


def _anchor(text: str) -> str:
    """The longest part of a text that is written the same everywhere."""
    if text.isascii() and text.replace(" ", "").isalnum():
        return text
    return max((part.strip() for part in _CUTS.split(text)), key=len)
