"""How messages quote what a stream says: one width and one form for all of them."""

from __future__ import annotations

import json

#: Characters of a quoted text, and of one that people copy; a hostile name may have megabytes.
LONGEST, WHOLE = 130, 2000


def quoted(value: object, most: int = LONGEST) -> str:
    """A text in backticks, shortened, on one line whatever it holds; ``none`` for ``None``."""
    if value is None:
        return "none"
    text = str(value)
    short = text if len(text) <= most else text[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return f"`{short if short.isprintable() else json.dumps(short)[1:-1]}`"
