"""What release lines with the same import share when they use the images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.uses.kernel import Names, ParsedNames, PrefixNames
from maas_stream_lint.uses.known import KnownReleases
from maas_stream_lint.uses.stock import Stock
from maas_stream_lint.uses.stock_rows import Rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.imports.rows import Cached
    from maas_stream_lint.imports.stored import Stored
    from maas_stream_lint.imports.trace import Trace
    from maas_stream_lint.rulebook import UbuntuSet

KINDS: dict[str, type[Names]] = {"prefix": PrefixNames, "parsed": ParsedNames}


class Ground:
    """The images of one import, and what their names mean."""

    def __init__(self, stored: Stored | None, imported: Trace, needs: UbuntuSet) -> None:
        """``stored``: what the import leaves. ``needs``: what a machine needs to boot."""
        self._imported = imported
        self.stock = Stock(Rows(stored, needs))
        self.known = KnownReleases(lambda: self.cached)
        self._names: dict[str, Names] = {}

    @property
    def cached(self) -> Sequence[Cached]:
        """The list of available images, in the order of its rows."""
        return self._imported.cached

    def names(self, kind: str) -> Names:
        """Kernels' names as release lines of one kind read them."""
        if kind not in self._names:
            self._names[kind] = KINDS[kind](self.known)
        return self._names[kind]
