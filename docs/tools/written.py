"""What the generated pages write with: text as Markdown, release lines as people say them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from maas_stream_lint.report.page import span
from maas_stream_lint.rulebook import all_releases

if TYPE_CHECKING:
    from collections.abc import Iterable

_CODE = re.compile(r"(`[^`]*`)")
_SPECIAL = re.compile(r"([\\*_\[\]<>|])")


def prose(text: str) -> str:
    """A paragraph in which backticks alone mean something."""
    parts = _CODE.split(" ".join(text.split()))
    parts[::2] = [_SPECIAL.sub(r"\\\1", part).replace("\\<", "&lt;") for part in parts[::2]]
    return "".join(parts)


def paragraphs(text: str) -> str:
    """The same, of several."""
    return "\n\n".join(prose(part) for part in text.split("\n\n"))


def cell(text: str) -> str:
    """A text in a table, where a bar would end the cell."""
    return text.replace("|", "\\|").replace("\n", " ")


def lines(wanted: Iterable[str]) -> str:
    """``2.9–3.7``."""
    return span(wanted, [r.line for r in all_releases()])


def fence(text: str, language: str = "text", **options: str | int) -> str:
    """A block of code; ``title``, ``linenums`` and ``hl_lines`` are options."""
    given = "".join(f' {name}="{value}"' for name, value in options.items())
    return f"```{language}{given}\n{text.rstrip()}\n```"


def severity(label: str) -> str:
    """A severity in its colour."""
    return f'<span class="sev {label}">{label}</span>'
