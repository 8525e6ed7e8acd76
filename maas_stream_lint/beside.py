"""The other boot sources of the same MAAS, and what comes of all of them together."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from maas_stream_lint.catalog import Catalog
from maas_stream_lint.imports.joint import simulate_situations
from maas_stream_lint.imports.situation import Selection
from maas_stream_lint.records import record, replace
from maas_stream_lint.selecting import default_selections

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.imports.situation import ReadSource, Situation
    from maas_stream_lint.imports.trace import Outcome
    from maas_stream_lint.model import Product
    from maas_stream_lint.rulebook import Release
    from maas_stream_lint.stream import Stream

#: Of more sources than this, not each one is saved anew to see another order.
MOST_ORDERS = 4


@record
class Beside:
    """One MAAS with several sources. The tool looks at one of them."""

    own: str  #: the name of the source that is looked at
    situation: Situation
    releases: tuple[Release, ...]

    def with_own(self, stream: Stream) -> Beside:
        """The same, but the source of this look has another stream."""
        sources = tuple(
            replace(source, stream=stream) if source.name == self.own else source
            for source in self.situation.sources
        )
        return Beside(self.own, replace(self.situation, sources=sources), self.releases)

    @cached_property
    def _imports(self) -> dict[str, list[Outcome]]:
        """By release line: the first import, a second of the same, and those of other orders."""
        defaults = {release.line: default_selections(release) for release in self.releases}
        told: dict[str, list[Outcome]] = {}
        for strict in (False, True):
            releases = [release for release in self.releases if release.strict is strict]
            situations = [self.situation, self.situation]
            situations += [] if strict else [s for _, s in self.saved]
            for outcomes in simulate_situations(situations, releases, defaults):
                told |= dict.fromkeys(outcomes[0].lines, outcomes)
        return told

    @cached_property
    def groups(self) -> list[tuple[tuple[str, ...], Outcome, Outcome]]:
        """The release lines with equal imports, with the first import and the import of `again`."""
        found: dict[int, list[str]] = {}
        for release in self.releases:
            found.setdefault(id(self.first(release.line)), []).append(release.line)
        return [(tuple(n), self.first(n[0]), self.again(n[0])) for n in found.values()]

    def first(self, line: str) -> Outcome:
        """What a release line does with all sources."""
        return self._imports[line][0]

    def again(self, line: str) -> Outcome:
        """What it does at the next import, though nothing has changed."""
        return self._imports[line][1]

    def saved_anew(self, line: str) -> list[tuple[str, Outcome]]:
        """What the release line does after somebody saves a source, one source after the other.

        Where the order of the rows counts, a source that is saved comes last. So each of these
        imports is of another order.
        """
        return list(zip([name for name, _ in self.saved], self._imports[line][2:], strict=False))

    @cached_property
    def saved(self) -> list[tuple[str, Situation]]:
        """The sources but the last, each saved anew after the one before it."""
        return [
            (name, self._saving(name, number))
            for number, name in enumerate(self.situation.names[:-1][:MOST_ORDERS])
        ]

    def _saving(self, name: str, number: int) -> Situation:
        sources = tuple(
            replace(source, identity=(*source.identity, number)) if source.name == name else source
            for source in self.situation.sources
        )
        return replace(self.situation, sources=sources, changes=(("edit", name),))

    @property
    def others(self) -> list[ReadSource]:
        """The other sources, in the order in which they were made."""
        return [source for source in self.situation.sources if source.name != self.own]

    def selections(self, release: Release) -> list[Selection]:
        """What all sources select; where nobody told it, all that a source has."""
        found: list[Selection] = []
        for source in self.situation.selecting(default_selections(release)).sources:
            if source.selections is None:
                found += [Selection(*wanted[:2]) for wanted in self._offered[source.name]]
            else:
                found += source.selections
        return found

    @cached_property
    def catalogs(self) -> dict[str, Catalog]:
        """The nodes of each source's stream."""
        return {source.name: Catalog(source.stream) for source in self.situation.sources}

    def products(self, name: str) -> dict[str, Product]:
        """The products of a source by their names."""
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, dict[str, Product]]:
        return {
            name: {product.name: product for product in catalog.products}
            for name, catalog in self.catalogs.items()
        }

    def images(self, name: str) -> Sequence[Product]:
        """The images of a source."""
        return self._images[name]

    @cached_property
    def _images(self) -> dict[str, list[Product]]:
        return {
            name: [product for product in catalog.products if product.image]
            for name, catalog in self.catalogs.items()
        }

    def offering(self, wanted: tuple[str, str, str]) -> list[str]:
        """The sources that have images of an os, release and architecture."""
        return [name for name, known in self._offered.items() if wanted in known]

    def of(self, name: str, wanted: tuple[str, str, str]) -> list[Product]:
        """The images of a source of an os, release and architecture."""
        return self._offered[name].get(wanted, [])

    @cached_property
    def _offered(self) -> dict[str, dict[tuple[str, str, str], list[Product]]]:
        found: dict[str, dict[tuple[str, str, str], list[Product]]] = {}
        for name, images in self._images.items():
            own = found[name] = {}
            for product in images:
                own.setdefault(wanted_of(product), []).append(product)
        return found


def wanted_of(product: Product) -> tuple[str, str, str]:
    """What one selects to have a product: os, release, architecture."""
    return product.os, product.get("release") or "", product.get("arch") or ""
