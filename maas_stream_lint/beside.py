"""The other boot sources of the same MAAS, and what comes of all of them together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from maas_stream_lint.imports.joint import simulate_situations
from maas_stream_lint.model import Catalog
from maas_stream_lint.selecting import default_selections

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.imports.situation import ReadSource, Situation
    from maas_stream_lint.imports.trace import Outcome
    from maas_stream_lint.model import Product
    from maas_stream_lint.rulebook import Release


@dataclass
class Beside:
    """One MAAS with several sources, of which one is looked at."""

    own: str  #: the name of the source that is looked at
    situation: Situation
    releases: tuple[Release, ...]

    @cached_property
    def _imports(self) -> dict[str, tuple[Outcome, Outcome]]:
        """By release line: a first import, and a second one of the same streams."""
        defaults = {release.line: default_selections(release) for release in self.releases}
        found = simulate_situations([self.situation, self.situation], self.releases, defaults)
        return {line: (first, second) for first, second in found for line in first.lines}

    def first(self, line: str) -> Outcome:
        """What a release line makes of all sources."""
        return self._imports[line][0]

    def again(self, line: str) -> Outcome:
        """What it does at the next import, though nothing has changed."""
        return self._imports[line][1]

    @property
    def others(self) -> list[ReadSource]:
        """The other sources, in the order in which they were made."""
        return [source for source in self.situation.sources if source.name != self.own]

    @cached_property
    def catalogs(self) -> dict[str, Catalog]:
        """The nodes of each source's stream."""
        return {source.name: Catalog(source.stream) for source in self.situation.sources}

    def images(self, name: str) -> Sequence[Product]:
        """The images of a source."""
        return [product for product in self.catalogs[name].products if product.image]
