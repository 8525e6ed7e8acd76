"""The address of the repository in the site's recipes, where it is known, instead of a placeholder.

``hatch_page`` says the address, for these pages as for the page of the package. A checkout shows
placeholders: whoever reads it there may have any copy.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAME = "maas-stream-lint"
#: A placeholder → the part of a sentence that explains it, and goes when it is filled in.
_EXPLAINED = {"OWNER": r"`OWNER` is [^.]*\.\s", "GROUP": r"`GROUP` is [^;]*;\s"}


def address() -> str:
    """The address of the repository, without a slash at its end; empty if nobody says it."""
    if str(ROOT) not in sys.path:
        sys.path.append(str(ROOT))
    from hatch_page import configured, repository

    return repository(configured(ROOT))


def filled(text: str, address: str) -> str:
    """A document with the address. GitHub's actions are named by their path there, GitLab's files by theirs."""
    if not address:
        return text
    host, _, path = address.partition("://")[2].partition("/")
    text = text.replace(f"https://github.com/OWNER/{NAME}", address)
    placeholder = "OWNER" if host == "github.com" else "GROUP"
    text = text.replace(f"{placeholder}/{NAME}", path)
    for name, explanation in _EXPLAINED.items():
        if f"{name}/{NAME}" not in text:
            text = re.sub(explanation, "", text)
    return text
