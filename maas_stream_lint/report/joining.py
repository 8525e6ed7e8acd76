"""Ways to make one text of the reports on several sources; a format's ``join`` is one of them."""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    #: One report a source, each as its format renders it: a text, or the parts of one.
    Texts = Sequence[str | Iterable[str]]


def with_blank_lines(texts: Texts) -> str:
    """The texts with an empty line between them."""
    return "\n".join("".join(text) for text in texts)


def one_after_another(texts: Texts) -> Iterable[str]:
    """The parts of all texts, for formats whose lines stand for themselves."""
    return chain.from_iterable([text] if isinstance(text, str) else text for text in texts)


def parsed(texts: Texts) -> list[Any]:
    """The values of JSON texts."""
    return [json.loads("".join(text)) for text in texts]
