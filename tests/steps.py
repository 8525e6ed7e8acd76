"""Counts the lines of Python that a call runs: a measure of work that no busy machine changes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def steps(call: Callable[[], object]) -> int:
    """How many lines of Python ``call()`` runs in this thread, those of libraries included."""
    count = 0

    def trace(_frame: Any, event: str, _arg: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


def grows_linearly(make: Callable[[int], Callable[[], object]], size: int, most: float = 5) -> bool:
    """Whether four times the input takes at most ``most`` times the steps.

    ``make(n)`` prepares the work on an input of size ``n`` and returns the call that does it.
    """
    make(size)()  # what is worked out once and kept must not count
    return steps(make(4 * size)) <= most * steps(make(size))
