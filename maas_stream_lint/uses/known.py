"""The releases that MAAS knows: from distro-info, and from the list of available images."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from maas_stream_lint.uses.refusal import Refusal
from maas_stream_lint.uses.ubuntu import ubuntu_releases

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from maas_stream_lint.imports.rows import Cached

#: Older releases share their first letters, so MAAS looks them up by their whole version only.
FIRST_BY_SERIES = 12


class KnownReleases:
    """Looks for releases by name or version. Each text is looked up once."""

    def __init__(self, cached: Callable[[], Sequence[Cached]]) -> None:
        """``cached``: returns the list of available images, in the order of its rows."""
        self._cached = cached
        self.asks_stream = False  #: whether some text is no release that MAAS knows by itself
        self._versions: dict[str, str | None] = {}
        self._numbers: dict[str, tuple[int, ...]] = {}

    def version(self, text: str) -> str | None:
        """The version that a text means, ``24.04 LTS``; ``None`` if MAAS knows none.

        Mirrors ``get_release`` (maasserver/utils/osystems.py): the first that starts with the text.
        """
        if text not in self._versions:
            self._versions[text] = _by_distro_info(text) or self._by_stream(text)
        return self._versions[text]

    def numbers(self, text: str) -> tuple[int, ...] | None:
        """The version's numbers, ``(24, 4)``. Raises Refusal if they are none."""
        if text in self._numbers:
            return self._numbers[text]
        version = self.version(text)
        if version is None:
            return None
        try:
            numbers = tuple([int(part) for part in version.split(" ")[0].split(".")])
        except ValueError as error:
            cause = "version-not-a-number"
            raise Refusal(cause, "ValueError", str(error), text, version=version) from None
        self._numbers[text] = numbers
        return numbers

    def _by_stream(self, text: str) -> str | None:
        self.asks_stream = True
        for row in self._cached():
            if row.release.startswith(text) or (row.title or "").startswith(text):
                return None if row.title is None or row.codename is None else row.title
        return None


def _by_distro_info(text: str) -> str | None:
    return _beginnings().get(text)


@cache
def _beginnings() -> dict[str, str]:
    """Each text that a version or series begins with → the version of the first that does.

    These are of the releases that MAAS knows by itself.
    """
    found: dict[str, str] = {}
    for one in ubuntu_releases().releases:
        by_series = int(one.version.split(".")[0]) >= FIRST_BY_SERIES
        for name in (one.version, one.series) if by_series else (one.version,):
            for end in range(len(name) + 1):
                found.setdefault(name[:end], one.version)
    return found
