"""Which messages a text may be, found by a few characters of each.

Only the ``text`` lines of the files are read here, by a pattern: parsing all the TOML takes ten times
as long, and most of it is never needed. A test holds both readings together.
"""

from __future__ import annotations

import json
import os
import re
from functools import lru_cache
from typing import NamedTuple

from maas_stream_lint.data import rules_root

_TEXT = re.compile(r'^text = ("(?:[^"\\\n]|\\.)*")$', re.MULTILINE)
#: Where a fixed part of a text may be written otherwise: holes, folded blanks, escapes of JSON.
_CUTS = re.compile(r"\{[a-z][a-z0-9_]*\}|\s\s+|[\"\\<>&\n]|[^\x20-\x7e]")


class Anchor(NamedTuple):
    """A part of a text that every line with it has, and whose text it is."""

    part: str
    name: str  #: of the message
    number: int  #: of its pattern


@lru_cache(maxsize=1)
def anchors() -> tuple[Anchor, ...]:
    """One anchor for each pattern of each message."""
    found = []
    folder = os.fspath(rules_root() / "messages")
    for entry in sorted(os.listdir(folder)):  # noqa: PTH208 - names are enough
        if not entry.endswith(".toml"):
            continue
        with open(os.path.join(folder, entry), encoding="utf-8") as file:  # noqa: PTH118, PTH123
            texts = _TEXT.findall(file.read())
        name = entry[:-5]
        found += [Anchor(_anchor(json.loads(t)), name, i) for i, t in enumerate(texts)]
    return tuple(found)


def candidates(text: str) -> list[Anchor]:
    """The anchors that are in a text."""
    return [anchor for anchor in anchors() if anchor.part in text]


def _anchor(text: str) -> str:
    """The longest part of a text that is written the same everywhere."""
    return max((part.strip() for part in _CUTS.split(text)), key=len)
