"""When a request is worth another attempt, and after which pause."""

from __future__ import annotations

import random
import time
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from maas_stream_lint.records import record

if TYPE_CHECKING:
    from maas_stream_lint.source.answer import Trouble

#: The statuses that another attempt may not get.
PASSING = (408, 429, 500, 502, 503, 504)
#: The other troubles that another attempt may not have.
_PASSING_KINDS = ("connection", "cut", "refused", "unknown-host", "unreachable", "timeout", "proxy")


def may_pass(trouble: Trouble) -> bool:
    """Whether another attempt may succeed."""
    if trouble.status is not None:
        return trouble.status in PASSING
    return trouble.kind in _PASSING_KINDS


@record(frozen=True)
class Retries:
    """How often and how soon the tool repeats a request. Times are in seconds."""

    most: int  #: attempts after the first one
    first: float  #: the pause before the first of them; it doubles with each
    longest: float  #: the longest such pause
    longest_asked: float  #: a longer ``Retry-After`` ends the attempts

    def pause(self, trouble: Trouble, retry_after: str | None, done: int) -> float | None:
        """Seconds to wait before the next attempt; ``None`` if there should be none.

        ``done``: how many attempts failed so far. ``retry_after``: that header of the answer.
        """
        if done > self.most or not may_pass(trouble):
            return None
        asked = seconds_asked(retry_after or "") if trouble.status is not None else None
        if asked is not None:
            return asked if asked <= self.longest_asked else None
        spread = random.uniform(0.5, 1)  # noqa: S311 - spreads the load, protects nothing
        return min(self.longest, self.first * 2.0 ** (done - 1)) * spread


def seconds_asked(retry_after: str) -> float | None:
    """The seconds of a ``Retry-After`` header, which holds a number or a date."""
    with suppress(ValueError, OverflowError):
        return max(0.0, int(retry_after))
    with suppress(ValueError, OverflowError, TypeError, IndexError):
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    return None
