"""A MAAS between two imports: what it holds, and what it remembers of its sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.imports.stored import Stored

if TYPE_CHECKING:
    from maas_stream_lint.imports.situation import Row


class Maas:
    """Fresh to begin with. Each import changes it."""

    def __init__(self) -> None:
        """Nothing was imported yet."""
        self.stored = Stored()
        self.turn = 1  #: the number of the next import
        self.order: list[str] = []  #: the sources' names, in the order of their rows
        self.identities: dict[str, tuple[object, ...]] = {}  #: of each source's row
        #: What the list of available images has of each source: (os, release)
        self.cached: dict[str, set[tuple[str, str]]] = {}
        # The strict engine alone.
        self.rows: list[Row] = []  #: the selections, in the order of their ids
        self.numbers: dict[str, int] = {}  #: the id of each source
        self.manifests: dict[str, object] = {}  #: what the last fetch of each source left
