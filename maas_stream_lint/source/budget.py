"""How much a run reads of all documents together: bytes, JSON values and time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from maas_stream_lint.records import replace
from maas_stream_lint.source.answer import Trouble

if TYPE_CHECKING:
    from maas_stream_lint.source.answer import Answer, FetchOptions

#: All bytes but those that a value of JSON follows.
_OTHERS = bytes(set(range(256)).difference(b",{["))
#: How many bytes are counted at once.
PART = 2**20


class Budget:
    """The remaining budget for the documents of one source. Each path counts once."""

    def __init__(self, options: FetchOptions) -> None:
        """Nothing is spent yet. The time runs from now."""
        self._options = options
        self._bytes = options.max_total_bytes
        self._values = options.max_values
        #: What was too little to matter so far: a document, and how many of its first bytes.
        self._uncounted: list[tuple[Answer, int]] = []
        self._uncounted_bytes = 0
        self._admitted: set[str] = set()
        self.end = time.monotonic() + options.total_deadline

    def admit(self, answer: Answer) -> Answer:
        """The answer, or one without a body where the document is too much."""
        body = answer.body
        if body is None or answer.path in self._admitted:
            return answer
        if len(body) > self._bytes:
            return self._refused(answer, f"{self._options.max_total_bytes:,} bytes")
        if not self._takes_values(answer, len(body)):
            return self._refused(answer, f"{self._options.max_values:,} JSON values")
        self._bytes -= len(body)
        self._admitted.add(answer.path)
        return answer

    def _takes_values(self, answer: Answer, size: int) -> bool:
        """Whether the values of a document fit; counted only as far as they might not.

        A value of JSON has at least two characters, those that set it off from others included.
        """
        left, uncounted = self._values, [*self._uncounted, (answer, size)]
        size += self._uncounted_bytes
        while uncounted and size // 2 >= left:
            document, end = uncounted.pop()
            body = document.body or b""
            while end and size // 2 >= left:
                part = body[max(0, end - PART) : end]
                left -= _values(part)
                size -= len(part)
                end -= len(part)
            if end:
                uncounted.append((document, end))
        if left < 0:
            return False
        self._values, self._uncounted, self._uncounted_bytes = left, uncounted, size
        return True

    def _refused(self, answer: Answer, limit: str) -> Answer:
        trouble = Trouble("too-large", f"more than {limit} in all metadata together")
        return replace(answer, body=None, raw=None, trouble=trouble)


def _values(part: bytes) -> int:
    """At least so many values: each but the first follows a comma or an opening bracket."""
    return len(part.translate(None, _OTHERS))
