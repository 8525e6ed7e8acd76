"""What a fixer proposes, and the data that it may use."""

from __future__ import annotations

from datetime import datetime, timezone
from email.utils import format_datetime
from pathlib import Path as File
from typing import TYPE_CHECKING, Any

from maas_stream_lint.checks import words
from maas_stream_lint.images.observation import ALGORITHMS, Wanted
from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.records import field, record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from maas_stream_lint.finding import Finding, Place
    from maas_stream_lint.fixing.jsontext import Change
    from maas_stream_lint.images.local_files import LocalFiles
    from maas_stream_lint.images.observation import Seen
    from maas_stream_lint.look import Look
    from maas_stream_lint.rulebook import Release
    from maas_stream_lint.source import LocalTree

#: The flags with which a user allows an edit that may lose something.
UNSAFE, DROP, CHOICE, SIGN = "--unsafe", "--drop-broken", "--as", "--sign"


class Part(NamedTuple):
    """A change to one file."""

    file: str
    change: Change


@record(frozen=True)
class Proposal:
    """Changes that belong together: the plan makes all of them, or none."""

    parts: tuple[Part, ...]
    what: str  #: what is written, one clause
    consent: str | None = None  #: the flag that it takes; ``None``: the edit is safe
    #: whole new metadata files: path → the JSON value
    added: dict[str, Any] = field(default_factory=dict)
    #: names of products and versions that are called otherwise afterwards, or are gone
    renamed: tuple[tuple[Place, Place | None], ...] = ()


class Context:
    """The stream to fix: its values and files."""

    def __init__(
        self,
        look: Look,
        findings: Sequence[Finding],
        tree: LocalTree | None,
        images: LocalFiles | None,
        now: datetime,
    ) -> None:
        """``tree``, ``images``: the files of a local stream."""
        self.look = look
        self.findings = findings
        self.now = now
        self._tree = tree
        self._images = images
        self._facts: dict[str, Seen | None] = {}

    def data(self, file: str) -> Any:
        """A metadata file's JSON value, with unexpanded aliases; ``None`` if it has none."""
        metadata = self.look.stream.files.get(file)
        document = metadata.best if metadata is not None else None
        return document.data if document is not None else None

    def at(self, place: Place) -> Any:
        """The value at a place; ``None`` if there is none."""
        return words.value_at(self.look, place)

    def release(self, line: str) -> Release:
        """A release line's data."""
        return next(r for r in self.look.releases if r.line == line)

    def titles(self) -> dict[str, str]:
        """The title of each os, from the newest release that knows it."""
        return {k: v for r in self.look.releases for k, v in r.data["titles"].items()}

    def exists(self, path: str) -> bool:
        """Whether the stream has a file at a path, be it metadata or an image."""
        known = self.look.stream.files.get(path)
        if known is not None:
            return known.exists
        place = self._tree.locate(path) if self._tree is not None else None
        return isinstance(place, str) and File(place).is_file()

    def facts(self, path: str, algorithms: Iterable[str] = ("sha256",)) -> Seen | None:
        """Size and digests of a readable image file; ``None`` if there is none."""
        survey = self.look.survey
        seen = survey.files.get(path) if survey is not None else None
        if seen is not None and seen.trouble is None and seen.digests.keys() >= set(algorithms):
            return seen
        if path not in self._facts:
            self._facts[path] = self._read(path)
        return self._facts[path]

    def _read(self, path: str) -> Seen | None:
        if self._images is None:
            return None
        wanted = Wanted(path, checksums=dict.fromkeys(ALGORITHMS, ""))
        seen = self._images.look_at(wanted, ALGORITHMS)
        return seen if seen.trouble is None else None

    def metadata_beside(self) -> Iterator[str]:
        """Paths of further unsigned products files in ``streams/v1``, in order."""
        if self._tree is None:
            return
        for place in sorted((self._tree.root / "streams/v1").glob("*.json")):
            path = f"streams/v1/{place.name}"
            if path not in self.look.stream.files:
                yield path

    def read(self, path: str) -> bytes | None:
        """A metadata file that the index does not name."""
        return self._tree.read(path).body if self._tree is not None else None


def moment(said: Any) -> datetime | None:
    """The time that a text means, without spaces around it; ``None`` if it is none."""
    return words.moment(said.strip() if isinstance(said, str) else said)


def written(when: datetime) -> str:
    """A time as every release reads it: RFC 2822 with ``+0000``."""
    return format_datetime(when.astimezone(timezone.utc).replace(microsecond=0))
