"""The MAAS that imports: its boot sources, what each selects, and its commissioning release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.records import record, replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from maas_stream_lint.stream import Stream

#: What stands for every value in a selection.
ANY = "*"


class Selection(NamedTuple):
    """A row of ``maasserver_bootsourceselection``."""

    os: str
    release: str
    arches: tuple[str, ...] = (ANY,)
    subarches: tuple[str, ...] = (ANY,)
    labels: tuple[str, ...] = (ANY,)

    def passes(self, os: str, arch: str, subarch: str, release: str, label: str) -> bool:
        """Whether it takes a claim. Texts are compared as they are.

        Mirrors ``image_passes_filter`` (src/maasserver/import_images/download_descriptions.py).
        """
        return (
            self.os in (ANY, os)
            and self.release in (ANY, release)
            and (ANY in self.arches or arch in self.arches)
            and (ANY in self.subarches or subarch in self.subarches)
            and (ANY in self.labels or label in self.labels)
        )


def rows_of(
    selections: Iterable[Selection], offered: Sequence[tuple[str, str, str]]
) -> list[tuple[str, str, str]]:
    """What the strict engine makes of selections: a row for each os, release and arch.

    ``offered``: those that the source has. ``*`` alone stands for all architectures that are
    offered; beside another, it is an architecture that there is not. Mirrors
    ``ensure_selections_from_legacy`` (3.8, maasservicelayer/services/bootsourceselections.py).
    """
    found: list[tuple[str, str, str]] = []
    for row in selections:
        if row.arches == (ANY,):
            found += [new for new in offered if new[:2] == (row.os, row.release)]
        else:
            found += [(row.os, row.release, arch) for arch in row.arches]
    return found


class Row(NamedTuple):
    """A selection as the strict engine has it: one architecture of one release in one source."""

    source: str
    os: str
    release: str
    arch: str

    @property
    def wanted(self) -> tuple[str, str, str]:
        """What it selects, whatever the source."""
        return self[1:]


@record(frozen=True)
class ReadSource:
    """A boot source that MAAS has, and its metadata."""

    name: str
    url: str  #: as MAAS has it
    stream: Stream
    #: ``None``: every selection that the source can serve
    selections: tuple[Selection, ...] | None = None
    default: bool = False  #: whether it selects what a fresh MAAS of the release line does
    set_priority: int | None = None  #: the priority; ``None``: its number, the last one highest
    enabled: bool = True
    down: bool = False  #: MAAS cannot reach it
    #: Whether the strict engine verifies signatures; ``None``: if there is a keyring.
    verify: bool | None = None
    identity: tuple[object, ...] = ()  #: what of its row in the database a change may change
    number: int = 1  #: its position among the sources, from 1

    @property
    def priority(self) -> int:
        """On the strict engine, of equal selections that of the highest priority counts."""
        return self.number if self.set_priority is None else self.set_priority

    @property
    def host(self) -> str:
        """Its host, as a message of a failed connection names it."""
        from urllib.parse import urlsplit

        return urlsplit(self.url).hostname or self.url

    def selecting(self, default: tuple[Selection, ...]) -> ReadSource:
        """The source where it selects what a fresh MAAS does: ``default``."""
        return replace(self, selections=default, default=False) if self.default else self

    def by_plain_index(self) -> ReadSource:
        """The source with the URL of its plain index, if its root URL has no other index."""
        stream = (
            None if self.down or self.url != self.stream.label else self.stream.by_plain_index()
        )
        if stream is None:
            return self
        return replace(self, url=stream.label, stream=stream)

    def with_url(self, message: str) -> str:
        """A message of an exception with URLs, where the metadata has paths."""
        base = self.url.removesuffix(self.stream.index_path).rstrip("/")
        for path in self.stream.files:
            for before, after in (("Unable to open ", ". mirrors="), ("Request to '", "' failed")):
                if message.startswith(before + path + after):
                    return f"{before}{base}/{message.removeprefix(before)}"
        return message


@record(frozen=True)
class Situation:
    """A MAAS at the time of an import."""

    sources: tuple[ReadSource, ...]  #: in the order in which they were made
    commissioning: tuple[str, str] | None = None  #: the os and release that it commissions with
    changes: tuple[tuple[str, str], ...] = ()  #: what was done since the last import, to what
    #: Whether the strict engine makes its rows from selections of before, at the end of its fetch.
    migrated: bool = False

    def selecting(self, default: tuple[Selection, ...]) -> Situation:
        """The same where sources select what a fresh MAAS does: ``default``."""
        return replace(self, sources=tuple(source.selecting(default) for source in self.sources))

    def by_plain_index(self) -> Situation | None:
        """The same with the URL of the plain index wherever a root URL has no other index.

        ``None`` where no source is such a URL.
        """
        sources = tuple(source.by_plain_index() for source in self.sources)
        return None if sources == self.sources else replace(self, sources=sources)

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The streams of the sources that MAAS reaches."""
        return tuple(source.stream for source in self.sources if not source.down)

    @property
    def names(self) -> list[str]:
        """The sources' names, in the order in which they were made."""
        return [source.name for source in self.sources]

    def source(self, name: str) -> ReadSource:
        """The source of a name. Raises KeyError."""
        return {source.name: source for source in self.sources}[name]
