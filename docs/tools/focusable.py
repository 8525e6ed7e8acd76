"""A Markdown extension: code can have the keyboard's focus, so that arrow keys scroll what is too wide."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from markdown import Extension
from markdown.postprocessors import Postprocessor

if TYPE_CHECKING:
    from markdown import Markdown

#: The element of a block of code that scrolls.
_CODE = re.compile(r"(<pre\b[^>]*>(?:<span></span>)?<code\b)(?![^>]*\btabindex)")


class Focusable(Extension):
    """Gives each block of code a place in the order of the tab key."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - the library's name
        """Work on the finished HTML: blocks of code are put into it last."""
        md.postprocessors.register(_Focus(md), "focusable", 0)


class _Focus(Postprocessor):
    def run(self, text: str) -> str:
        return _CODE.sub(r'\1 tabindex="0"', text)


def makeExtension(**given: Any) -> Focusable:  # noqa: N802 - the library's name
    """The extension, as Python-Markdown asks for it."""
    return Focusable(**given)
