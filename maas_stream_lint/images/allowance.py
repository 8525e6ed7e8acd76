"""How many bytes all downloads of a run may bring (``--max-download``)."""

from __future__ import annotations

import threading


class Overspent(Exception):  # noqa: N818 - no error: the user set the limit
    """More bytes arrived than were left."""


class Purse:
    """The remaining bytes for all downloads together."""

    def __init__(self, most: int | None) -> None:
        """``None``: no limit."""
        self._left = most
        self._lock = threading.Lock()

    def spend(self, size: int) -> bool:
        """Take so many bytes, if they are left."""
        with self._lock:
            if self._left is None:
                return True
            if size > self._left:
                return False
            self._left -= size
            return True


class Allowance:
    """The bytes that one download may have: the size of its file, and more only if some remain."""

    def __init__(self, purse: Purse, size: int) -> None:
        """``size``: bytes that were taken from the purse before the first request."""
        self._purse = purse
        self._paid = size

    def count(self, arrived: int) -> None:
        """Pay for what arrived in all attempts together. Raises Overspent."""
        if arrived > self._paid:
            if not self._purse.spend(arrived - self._paid):
                raise Overspent
            self._paid = arrived
