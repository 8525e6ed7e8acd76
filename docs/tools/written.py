"""What the generated pages write with: text as Markdown, release lines as people say them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from maas_stream_lint.report.page import span
from maas_stream_lint.rulebook import all_releases

if TYPE_CHECKING:
    from collections.abc import Iterable

_CODE = re.compile(r"(`[^`]*`)")
_SPECIAL = re.compile(r"(?<![\w*])\*\w[^*]*\w\*(?![\w*])|[\\*_\[\]<>|]")


def prose(text: str) -> str:
    """A paragraph in which backticks alone mean something."""
    parts = _CODE.split(" ".join(text.split()))
    parts[::2] = [_SPECIAL.sub(_escaped, part) for part in parts[::2]]
    return "".join(parts)


def _escaped(match: re.Match[str]) -> str:
    if len(match[0]) > 1:  # *emphasis*
        return match[0]
    return "&lt;" if match[0] == "<" else f"\\{match[0]}"


def capital(text: str) -> str:
    """A text that follows a heading instead of a label."""
    return text[:1].upper() + text[1:]


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
