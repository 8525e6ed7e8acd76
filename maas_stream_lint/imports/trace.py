"""What a simulated import leaves behind: its verdict, and every event with its node and cause."""

from __future__ import annotations

from enum import Enum
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from maas_stream_lint.imports.late import Late
from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.records import field, record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from maas_stream_lint.finding import Place
    from maas_stream_lint.imports.rows import Cached, Offer
    from maas_stream_lint.imports.situation import Row
    from maas_stream_lint.imports.stored import Stored
    from maas_stream_lint.imports.stored_batch import Run


#: A stage that a verdict does not tell from another: the manifest is stored right before the rows.
STAGES = {"manifest": "cache"}


class Kind(Enum):
    """What an event costs."""

    ABORT = "abort"  #: the whole import, or on 3.8 the whole source
    SELECTION = "selection"  #: on 3.8, the selections that the product belongs to
    DROP = "drop"  #: the product, version or item
    USE = "use"  #: the product, which is imported but of no use

    __hash__ = object.__hash__  # that of Enum is not in C


class Event(NamedTuple):
    """One thing that a simulated MAAS stumbles over.

    The simulation goes on after an abort, as if the cause were fixed, so that one run shows all
    causes. The verdict is that of the first abort.
    """

    cause: str
    kind: Kind
    place: Place
    stage: str
    exception: str | None = None  #: class name
    message: str | None = None  #: its text, or the line that MAAS logs
    values: Mapping[str, Any] = MappingProxyType({})  #: what a rule needs to word its message


class Resource(NamedTuple):
    """A boot resource set that the import would leave."""

    resource: str  #: ``os/release arch/subarch``
    version: str
    label: str
    kflavor: str | None
    filetypes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The resource in the form of a verdict."""
        return {**self._asdict(), "filetypes": list(self.filetypes)}


class Import(NamedTuple):
    """One item that MAAS records for download."""

    file: str  #: the products file
    product: str
    version: str
    item: str


class Imported(Late[Import]):
    """The items that an import records for download, in order."""

    def __init__(self, items: Iterable[Import | Run] = ()) -> None:
        """``items``: the first ones, or rows of which all items are."""
        super().__init__()
        self._each: list[Import] = []
        self._runs: list[Run] = []
        for item in items:
            if isinstance(item, Import):
                self.append(item)
            else:
                self.record(item)

    def append(self, item: Import) -> None:
        """Record an item."""
        super().append(item)
        self._each.append(item)

    def record(self, run: Run) -> None:
        """Record all items of some rows."""
        self.add(run.imports)
        self._runs.append(run)

    @property
    def products(self) -> set[tuple[str, str]]:
        """The products that they are of: products file, name."""
        found = {item[:2] for item in self._each}
        return found.union(*(run.products for run in self._runs))


class Shadowed(NamedTuple):
    """A claim that a source makes and that an earlier one keeps."""

    source: str
    place: Place  #: of the item that makes it
    claim: tuple[str, ...]  #: os, arch, subarch, kflavor, release, label
    winner: str  #: the source that keeps it
    kept: Place  #: of the item that MAAS takes for it


NOT_SELECTED = (
    "{} {} is configured as the commissioning release but it is not selected for download!"
)
UNAVAILABLE = (
    "{} {} is configured as the commissioning release but it is unavailable in the configured "
    "streams!"
)


def commissioning_texts(
    commissioning: tuple[str, str],
    selected: set[tuple[str, str]],
    available: set[tuple[str, str]],
) -> list[str]:
    """What MAAS tells its users of the commissioning release: (os, release), as are the others.

    Mirrors ``check_commissioning_series_selected`` (src/maasserver/bootsources.py).
    """
    texts = [] if commissioning in selected else [NOT_SELECTED.format(*commissioning)]
    return texts if commissioning in available else [*texts, UNAVAILABLE.format(*commissioning)]


@record
class Outcome:
    """An import into a MAAS with its own sources and images: what it says, and what it changes."""

    lines: tuple[str, ...] = ()
    strict: bool = False
    counts_each: bool = False  #: whether each file has a download of its own
    order: tuple[str, ...] = ()  #: the sources by name, as MAAS walks them
    traces: dict[str, Trace] = field(default_factory=dict)  #: of each source's own metadata
    fatal: Event | None = None  #: what ended the import of all sources
    fatal_pass: int = 0  #: the pass that it ended in
    fatal_source: str | None = None
    chosen: list[tuple[str, str]] | None = None  #: source, ``product/version``
    shadowed: list[Shadowed] = field(default_factory=list)  #: claims that an earlier source keeps
    imported: list[tuple[str, Import]] = field(default_factory=list)
    writer: list[tuple[str, str]] = field(default_factory=list)  #: lines: level, text
    finalize: list[tuple[str, str]] = field(default_factory=list)  #: likewise
    bootsources: list[tuple[str, str]] = field(default_factory=list)  #: likewise
    fetch: list[tuple[str, str]] = field(default_factory=list)  #: likewise
    errors: list[str] = field(default_factory=list)  #: what users see of sources that failed
    notifications: list[str] = field(default_factory=list)
    fetch_notifications: list[str] = field(default_factory=list)  #: of the fetch of metadata
    downloads: list[str] = field(default_factory=list)  #: sha256 of what is fetched
    requeued: list[str] = field(default_factory=list)  #: sha256 of what is queued and there
    from_: dict[str, list[str]] = field(default_factory=dict)  #: sha256 → the sources it has
    deleted: list[str] = field(default_factory=list)  #: sha256 of what is deleted
    deleted_by_change: list[str] = field(default_factory=list)  #: the same, before any import
    resources: list[dict[str, Any]] = field(default_factory=list)  #: before anything is fetched
    kept: list[dict[str, Any]] = field(default_factory=list)  #: the sets that are left
    files: list[list[Any]] = field(default_factory=list)  #: the files that are left
    # The strict engine alone.
    synced: list[Row] = field(default_factory=list)
    outranked: dict[Row, Row] = field(default_factory=dict)  #: rows that are not, and which is
    nothing_to_download: list[Row] = field(default_factory=list)
    aborted: dict[Row, Event] = field(default_factory=dict)
    download_failed: list[Row] = field(default_factory=list)
    failures: dict[str, Event | None] = field(default_factory=dict)  #: of each source's fetch
    fetch_failed: str | None = None  #: what ended the fetch of all sources
    renewed: frozenset[str] = frozenset()  #: the boot resources that the import wrote
    rows_written: int = 0  #: the files that it wrote and that are left

    def note_resources(self, stored: Stored) -> None:
        """Keep what the boot resources are now, before anything is fetched or deleted."""
        self.resources = _sets(stored)

    @property
    def may_swap(self) -> bool:
        """Whether the import wrote some row twice, so that the next one may do so again."""
        return len(set(self.imported)) != self.rows_written

    def note_kept(self, stored: Stored, turn: int) -> None:
        """Keep what is left at the end, and what was deleted. ``turn``: the import's number."""
        self.kept = _sets(stored)
        written = [
            (resource, sum(file.turn == turn for file in held.files.values()))
            for resource in stored.resources.values()
            for held in resource.sets.values()
            if held.turn == turn
        ]
        self.renewed = frozenset(f"{r.name} {r.architecture}" for r, _ in written)
        self.rows_written = sum(files for _, files in written)
        self.deleted = sorted(set(stored.deleted))
        self.files = [
            [
                f"{resource.name} {resource.architecture}",
                held.version,
                file.name,
                file.ftype,
                file.sha256,
                file.size
                if self.strict or self.counts_each
                else stored.sizes.get(file.sha256, file.size),
                list(file.sources),
            ]
            for resource in stored.resources.values()
            for held in resource.sets.values()
            for file in held.files.values()
        ]


def _sets(stored: Stored) -> list[dict[str, Any]]:
    return [
        {
            "resource": f"{resource.name} {resource.architecture}",
            "version": held.version,
            "label": held.label,
            "kflavor": resource.kflavor,
            "filetypes": list(held.filetypes),
            "sources": list(held.sources),
        }
        for resource in stored.resources.values()
        for held in resource.sets.values()
    ]


@record
class Trace:
    """One simulated import. Release lines that would answer alike share one."""

    lines: tuple[str, ...]
    strict: bool
    events: list[Event] = field(default_factory=list)
    log: dict[str, Late[tuple[str, str]]] = field(default_factory=dict)
    imported: Imported = field(default_factory=Imported)
    cache: Callable[[], list[Cached]] = field(default=list, repr=False)
    offers: Callable[[], set[Offer]] = field(default=set, repr=False)
    stored: Stored | None = None  #: what MAAS holds then
    #: What MAAS would hold, were the causes of an abort fixed; ``None``: what is stored.
    beyond: Stored | None = None
    unselected: set[tuple[str, str]] = field(default_factory=set)
    """The products that no selection takes: products file, name."""
    aborted: dict[tuple[str, str, str], Event] = field(default_factory=dict)
    fatal: Event | None = None

    @cached_property
    def cached(self) -> list[Cached]:
        """What MAAS lists as available, in the order of its rows, each once."""
        return self.cache()

    @cached_property
    def offered(self) -> set[Offer]:
        """What a form lets users select then; nothing where the import ends before it is kept."""
        return self.offers() if self.fatal is None else set()

    @property
    def stored_beyond_aborts(self) -> Stored | None:
        """What MAAS would hold then, were the causes of an abort fixed."""
        return self.stored if self.beyond is None else self.beyond

    @property
    def resources(self) -> list[Resource]:
        """The boot resource sets that MAAS holds then."""
        held = self.stored.resources.values() if self.stored is not None else ()
        return [
            Resource(f"{r.name} {r.architecture}", s.version, s.label, r.kflavor, s.filetypes)
            for r in held
            for s in r.sets.values()
        ]

    def abort(self, event: Event) -> None:
        """Record an event that ends the import; only the first one counts for the verdict."""
        self.events.append(event)
        if self.fatal is None:
            self.fatal = event

    def say(self, stage: str, level: str, text: str) -> None:
        """Log a line, unless the import has ended already."""
        if self.fatal is None:
            self.log[stage].append((level, text))

    def to_verdict(self) -> dict[str, Any]:
        """The verdict in the form of ``tests/conformance/README.md``."""
        over = self.fatal is not None
        verdict: dict[str, Any] = {
            "fatal": None,
            "log": {stage: [list(line) for line in lines] for stage, lines in self.log.items()},
            "imported": [] if over else self._imported(),
            "resources": [] if over else [r.to_dict() for r in sorted(self.resources, key=_order)],
        }
        if self.fatal is not None:
            verdict["fatal"] = {
                "stage": STAGES.get(self.fatal.stage, self.fatal.stage),
                "exception": self.fatal.exception,
                "message": self.fatal.message,
            }
        if self.strict:
            verdict["aborted"] = (
                []
                if over
                else [
                    {"selection": list(s), "exception": e.exception, "message": e.message}
                    for s, e in sorted(self.aborted.items())
                ]
            )
        return verdict

    def _imported(self) -> list[str]:
        names = [f"{i.product}/{i.version}/{i.item}" for i in self.imported]
        # 3.8 keeps one row a file; before, the same product in two files is recorded twice.
        return sorted(set(names) if self.strict else names)


def _order(resource: Resource) -> tuple[str, str, str, str]:
    return (resource.resource, resource.version, resource.label, resource.kflavor or "")
