"""All that a rule can look at: the stream's nodes, the simulated imports, questions on both."""

from __future__ import annotations

from functools import cache, cached_property
from itertools import chain, compress, repeat
from typing import TYPE_CHECKING, TypeVar

from maas_stream_lint import uses
from maas_stream_lint.absence import Absence, find_absence
from maas_stream_lint.arrival import odd_paths
from maas_stream_lint.catalog import Catalog
from maas_stream_lint.foreign import Foreign, find_foreign
from maas_stream_lint.garbage import uncollected
from maas_stream_lint.imports import simulate
from maas_stream_lint.imports.trace import Kind, Trace
from maas_stream_lint.model import Image
from maas_stream_lint.records import field, record
from maas_stream_lint.selected import is_selected
from maas_stream_lint.twins import Twins, find_twins
from maas_stream_lint.uses.use_events import use_traces

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from maas_stream_lint.beside import Beside
    from maas_stream_lint.finding import Place
    from maas_stream_lint.images.observation import Seen, Survey
    from maas_stream_lint.imports.situation import Selection
    from maas_stream_lint.model import Entry, Item, Product
    from maas_stream_lint.nature import Nature
    from maas_stream_lint.rulebook import Release, UbuntuSet
    from maas_stream_lint.stream import Stream
    from maas_stream_lint.uses.simulation import Simulation


Answer = TypeVar("Answer")


@record
class Look:
    """All that a rule can look at. No rule reads or writes anything else."""

    stream: Stream
    releases: tuple[Release, ...]
    traces: list[Trace]
    survey: Survey | None = None  #: of the image files, if they were looked at
    #: What each release line selects; ``None`` where nobody said.
    selections: Mapping[str, tuple[Selection, ...]] | None = None
    beside: Beside | None = None  #: the other boot sources, where somebody told them
    commissioning: tuple[str, str] | None = None  #: the os and release that MAAS commissions with
    _selected_on: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict, repr=False)
    _widths: dict[str, int] = field(default_factory=dict, repr=False)
    _drivers: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict, repr=False)
    _taken: dict[tuple[str, str | None], tuple[str, ...]] = field(default_factory=dict, repr=False)
    _stored: dict[tuple[tuple[str, ...], str, str | None], tuple[str, ...]] = field(
        default_factory=dict, repr=False
    )

    @cached_property
    def catalog(self) -> Catalog:
        """The stream's nodes."""
        return Catalog(self.stream)

    @cached_property
    def by_plain_index(self) -> Look | None:
        """What there is to look at if MAAS is given the URL of the plain index of a root URL.

        ``None`` where that is no other reading: see `Stream.by_plain_index`.
        """
        stream = self.stream.by_plain_index()
        if stream is None:
            return None
        look = look_at(stream, self.releases, self.selections, self.commissioning)
        look.survey = self.survey
        look.beside = self.beside.with_own(stream) if self.beside is not None else None
        return look

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The release lines that the user asked for, oldest first."""
        return tuple(r.line for r in self.releases)

    def where(self, holds: Callable[[Release], bool]) -> tuple[str, ...]:
        """The release lines for which ``holds(release)`` is true."""
        return tuple(r.line for r in self.releases if holds(r))

    def alike(self, key: Callable[[Release], Answer]) -> list[tuple[Answer, tuple[Release, ...]]]:
        """The releases that the user asked for, grouped by the answer of ``key``."""
        groups: dict[Answer, list[Release]] = {}
        for release in self.releases:
            groups.setdefault(key(release), []).append(release)
        return [(answer, tuple(releases)) for answer, releases in groups.items()]

    @cached_property
    def ftypes(self) -> frozenset[str]:
        """The ftypes that the newest line stores, and the roots of older lines."""
        return self.releases[-1].ftypes | self.live_roots

    def boots(self, nature: Nature) -> bool:
        """Whether the newest version has all that an Ubuntu image needs on some line."""
        return any(parts.is_whole(nature.ftypes) for parts, _ in self.ubuntu_sets)

    @cached_property
    def ubuntu_sets(self) -> list[tuple[UbuntuSet, frozenset[str]]]:
        """What an Ubuntu image needs, and the release lines on which it needs that."""
        groups = self.alike(lambda release: release.ubuntu_set)
        return [(parts, frozenset(r.line for r in releases)) for parts, releases in groups]

    @cached_property
    def kernels(self) -> frozenset[str]:
        """The ftypes of kernels."""
        return frozenset(r.ubuntu_set.kernel for r in self.releases)

    @cached_property
    def initrds(self) -> frozenset[str]:
        """The ftypes of initrds."""
        return frozenset(r.ubuntu_set.initrd for r in self.releases)

    @cached_property
    def live_roots(self) -> frozenset[str]:
        """The ftypes of roots that a machine boots from."""
        return frozenset(root for r in self.releases for root in r.ubuntu_set.roots)

    @cached_property
    def best_roots(self) -> frozenset[str]:
        """The best ftypes for the root of an Ubuntu image."""
        return frozenset(r.ubuntu_set.roots[0] for r in self.releases)

    def selected_on(self, product: Product) -> tuple[str, ...]:
        """The release lines on which a selection takes a product; all if that is unknown."""
        if self.selections is None:
            return self.lines
        key = (product.file.path, product.name)
        lines = self._selected_on.get(key)
        if lines is None:
            alike = self._selecting.items()
            taken = {n for (rows, s), n in alike if is_selected(product, rows, strict=s)}
            selecting = {line for lines in taken for line in lines}
            lines = self._selected_on[key] = tuple(n for n in self.lines if n in selecting)
        return lines

    @cached_property
    def selected(self) -> list[Product]:
        """The images that a selection takes on some release line."""
        return [p for p in self.catalog.products if p.image and self.selected_on(p)]

    @cached_property
    def _selecting(self) -> dict[tuple[tuple[Selection, ...], bool], tuple[str, ...]]:
        """The release lines that select alike."""
        chosen = self.selections or {}
        groups = self.alike(lambda release: (chosen[release.line], release.strict))
        return {key: tuple(r.line for r in releases) for key, releases in groups}

    def span(self, lines: Sequence[str]) -> str:
        """Release lines, oldest first, as a message writes them: ``2.9 to 3.7``."""
        first, last = self.lines.index(lines[0]), self.lines.index(lines[-1])
        if len(lines) > 2 and last - first == len(lines) - 1:
            return f"{lines[0]} to {lines[-1]}"
        return " and ".join([", ".join(lines[:-1]), lines[-1]] if len(lines) > 1 else lines)

    def least(self, limit: str) -> int:
        """The smallest of a limit's values on the lines that the user asked for."""
        if limit not in self._widths:
            self._widths[limit] = min(r.limit(limit) or 0 for r in self.releases)
        return self._widths[limit]

    def deployed(self, os: str) -> dict[str, tuple[str, ...]]:
        """Release line → the ftypes that its driver of an os deploys, if it has such a driver."""
        if os not in self._drivers:
            self._drivers[os] = {r.line: r.drivers[os] for r in self.releases if os in r.drivers}
        return self._drivers[os]

    def takes(self, place: Place) -> tuple[str, ...]:
        """The release lines that import something of the product of a place.

        If the strict engine discards the whole source, a product without an event of its own counts
        as imported: it is not the cause.
        """
        return self._takes((place.file, place.product))

    def _takes(self, product: tuple[str, str | None]) -> tuple[str, ...]:
        lines = self._taken.get(product)
        if lines is None:
            lines = self._taken[product] = tuple(
                line
                for lines, strict, known in self._known
                if (product in known) is not strict
                for line in lines
            )
        return lines

    def stumbles(self, place: Place) -> bool:
        """Whether the import of some release line stumbles over the product of a place."""
        return (place.file, place.product) in self._stumbling

    def untroubled(self, place: Place) -> tuple[str, ...]:
        """The release lines whose import does not stumble over the product of a place."""
        troubled = self._stumbling.get((place.file, place.product), ())
        return tuple(line for trace in self.traces for line in trace.lines if line not in troubled)

    @cached_property
    def _stumbling(self) -> dict[tuple[str, str | None], set[str]]:
        """Product → the release lines whose import stumbles over it."""
        found: dict[tuple[str, str | None], set[str]] = {}
        for trace in self.traces:
            for product in {(e.place.file, e.place.product) for e in trace.events}:
                found.setdefault(product, set()).update(trace.lines)
        return found

    def misnames(self, place: Place) -> tuple[str, ...]:
        """The release lines that drop the product of a place because of its name.

        Its other faults matter as soon as it has a right name, so rules report them as well.
        """
        lines = self._misnamed.get((place.file, place.product), ())
        return tuple(line for line in self.lines if line in lines)

    @cached_property
    def _misnamed(self) -> dict[tuple[str, str | None], set[str]]:
        """Product → the release lines that drop it because of its name."""
        named: dict[tuple[str, str | None], set[str]] = {}
        for trace in self.traces:
            for event in trace.events:
                if event.cause == "ubuntu-name":
                    key = (event.place.file, event.place.product)
                    named.setdefault(key, set()).update(trace.lines)
        return named

    def stores(self, item: Item) -> tuple[str, ...]:
        """The release lines that download an item of a newest version if they take its product."""
        product = item.version.product
        lines = self._takes((product.file.path, product.name))
        stored = self._storing((lines, item.key, item.ftype))
        dropped = self._passed_over.get(item.place) if self._passed_over else None
        return tuple(line for line in stored if line not in dropped) if dropped else stored

    def _storing(self, kind: tuple[tuple[str, ...], str, str | None]) -> tuple[str, ...]:
        """Those of some lines that store items of a key and an ftype."""
        stored = self._stored.get(kind)
        if stored is None:
            lines, key, ftype = kind
            stored = self._stored[kind] = tuple(
                r.line for r in self.releases if r.line in lines and r.stores(key, ftype)
            )
        return stored

    @cached_property
    def _passed_over(self) -> dict[Place, set[str]]:
        """The items that a strict engine ignores, although another shape has their key."""
        dropped: dict[Place, set[str]] = {}
        for trace in self.traces:
            if trace.strict:
                for event in trace.events:
                    if event.cause == "item-not-taken":
                        dropped.setdefault(event.place, set()).update(trace.lines)
        return dropped

    def downloads(self, item: Item) -> tuple[str, ...]:
        """The release lines that download an item's file, or would with another product name.

        Lines download the newest version only. They download an older version if somebody removes
        the newer ones, so an older item gets the same answer.
        """
        stored = self.stores(item)
        named = self.misnames(item.version.place) if self._misnamed else ()
        if not named:
            return stored
        return tuple(
            r.line
            for r in self.releases
            if r.line in stored or (r.line in named and r.stores(item.key, item.ftype))
        )

    @cached_property
    def downloaded(self) -> list[bool]:
        """Whether some release line downloads each item of the catalog's table."""
        table, catalog = self.catalog.columns, self.catalog
        if self._misnamed or self._passed_over:
            return [bool(self.downloads(item)) for item in catalog.items]
        names = [(file.path, product.name) for file in catalog.files for product in file.products]
        known = [map(products.__contains__, names) for _, _, products in self._known]
        marks = list(zip(*known, strict=True))
        same = marks.count(marks[0]) == len(marks) if marks else False
        samples = dict(zip(marks, names, strict=True))

        @cache  # most items are alike in all of this
        def downloaded(mark: tuple[bool, ...], key: str, ftype: str | None) -> bool:
            return bool(self._storing((self._takes(samples[mark]), key, ftype)))

        spread = repeat(marks[0]) if same else table.spread(marks)
        return list(map(downloaded, spread, table.keys, table.ftypes))

    @cached_property
    def images(self) -> list[Image]:
        """The image files that this run looked at, each with the items that name it."""
        survey = self.survey
        if survey is None or not survey.files:
            return []
        files, found = survey.files, dict[str, Image]()
        for version in self.catalog.all_versions:
            for item in version.items:
                path = item.path
                if path is None or path not in files:
                    continue
                if path not in found:
                    found[path] = Image(files[path], survey.wanted[path])
                found[path].items.append(item)
        return list(found.values())

    @cached_property
    def downloads_as(self) -> dict[str, Release]:
        """Release line → the oldest one that downloads files as it does."""
        groups = self.alike(lambda release: repr(release.data["download"]))
        return {release.line: alike[0] for _, alike in groups for release in alike}

    @cached_property
    def _seen(self) -> list[Seen | None]:
        """What was seen of each item's file, in the order of the catalog's ``all_paths``."""
        files = self.survey.files if self.survey is not None else {}
        return [files.get(path) if path is not None else None for path in self.catalog.all_paths]

    @cached_property
    def seen(self) -> list[Seen]:
        """What was seen of the files of all items of which anything was."""
        return list(filter(None, self._seen))

    def of_seen(self, column: Iterable[Answer]) -> list[Answer]:
        """What the same items say, out of what all items say."""
        return list(compress(column, self._seen))

    def images_at(self, paths: Collection[str]) -> list[Image]:
        """Those of ``images`` that have such paths."""
        return [image for image in self.images if image.path in paths] if paths else []

    @cached_property
    def odd_images(self) -> list[Image]:
        """Those of ``images`` that came otherwise than the metadata says."""
        files = self.survey.files if self.survey is not None else {}
        return self.images_at(odd_paths(self, files)) if files else []

    @cached_property
    def foreign(self) -> Foreign | None:
        """The kind of the stream, if it is for another reader than MAAS."""
        return find_foreign(self.catalog)

    @cached_property
    def absence(self) -> Absence:
        """The products that the tree leaves out on purpose, and those ahead of their files."""
        return find_absence(self)

    @cached_property
    def paths(self) -> dict[str, Entry | int]:
        """Every path in the metadata, with the first that names it: an entry or a row of items."""
        entries = (entry for index in self.catalog.indexes for entry in index.entries)
        known: dict[str | None, Entry | int] = {}
        for entry in entries:
            known.setdefault(entry.names, entry)
        rows = self.catalog.columns.by_path
        # Those that both have stay where they are, and what they are.
        return {path: at for path, at in (known | rows | known).items() if path is not None}

    def naming(self, path: str) -> Entry | Item:
        """The first node that names one of ``paths``."""
        found = self.paths[path]
        return self.catalog.columns.item(found) if isinstance(found, int) else found

    @cached_property
    def path_text(self) -> str:
        """Every path in the metadata, each between two line ends, to be searched at once."""
        entries = (entry.names for index in self.catalog.indexes for entry in index.entries)
        return "\n".join(["", *filter(None, chain(entries, self.catalog.columns.paths)), ""])

    @cached_property
    def twins(self) -> list[Twins]:
        """The boot resources that several products make."""
        return list(find_twins(self.catalog, self.releases, self.takes))

    @cached_property
    def uses(self) -> dict[str, Simulation | None]:
        """Release line → what it does with the images that it imports; ``None``: there are none."""
        return uses.simulate(self.traces, self.releases, beyond_aborts=True)

    @cached_property
    def used(self) -> list[tuple[tuple[str, ...], Simulation]]:
        """The release lines that use their images alike, with what they do."""
        found: dict[int, tuple[tuple[str, ...], Simulation]] = {}
        for line, simulation in self.uses.items():
            if simulation is not None:
                lines, _ = found.get(id(simulation), ((), None))
                found[id(simulation)] = ((*lines, line), simulation)
        return list(found.values())

    @cached_property
    def use_traces(self) -> list[Trace]:
        """What the use of the images stumbles over, as events."""
        return use_traces(self.uses, self.traces)

    def unusable(self, place: Place) -> tuple[str, ...]:
        """The release lines on which the product that a place is in is of no use to any machine."""
        lines = self._unusable.get((place.file, place.product), ())
        return tuple(line for line in self.lines if line in lines)

    @cached_property
    def _unusable(self) -> dict[tuple[str, str | None], set[str]]:
        found: dict[tuple[str, str | None], set[str]] = {}
        for trace in self.use_traces:
            for event in trace.events:
                for place in (event.place, *event.values["also"]):
                    found.setdefault((place.file, place.product), set()).update(trace.lines)
        return found

    @cached_property
    def _known(self) -> list[tuple[tuple[str, ...], bool, set[tuple[str, str | None]]]]:
        """Per trace: the products that a legacy engine takes, or that a strict one does not."""
        known = []
        for trace in self.traces:
            if trace.strict:
                products = {
                    (e.place.file, e.place.product)
                    for e in trace.events
                    if e.kind is not Kind.DROP or e.place.item is None
                }
            else:
                products = {*trace.imported.products}
            known.append((trace.lines, trace.strict, products))
        return known


def look_at(
    stream: Stream,
    releases: tuple[Release, ...],
    selections: Mapping[str, tuple[Selection, ...]] | None = None,
    commissioning: tuple[str, str] | None = None,
) -> Look:
    """Simulate the import for each release line.

    ``selections``: what each line selects, ``None`` where nobody said. ``commissioning``: the os
    and release that MAAS commissions with.
    """
    with uncollected():
        traces = simulate(stream, releases, selections)
        return Look(stream, releases, traces, selections=selections, commissioning=commissioning)
