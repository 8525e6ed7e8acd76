"""The MAAS that imports: its boot sources, what each selects, and its commissioning release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
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


@dataclass(frozen=True)
class BootSource:
    """A boot source that MAAS has, and its metadata."""

    name: str
    url: str  #: as MAAS has it
    stream: Stream
    #: ``None``: every selection that the source can serve
    selections: tuple[Selection, ...] | None = None
    priority: int = 1
    enabled: bool = True
    down: bool = False  #: MAAS cannot reach it
    identity: tuple[object, ...] = ()  #: what of its row in the database a change may change


@dataclass(frozen=True)
class Situation:
    """A MAAS at the time of an import."""

    sources: tuple[BootSource, ...]  #: in the order in which they were made
    commissioning: tuple[str, str] | None = None  #: the os and release that it commissions with
    changes: tuple[tuple[str, str], ...] = ()  #: what was done since the last import, to what
