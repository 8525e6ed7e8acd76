"""A stream that is not written yet, as a source for a check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.api import Report
from maas_stream_lint.building.metadata_text import INDEX
from maas_stream_lint.checks import all_rules
from maas_stream_lint.collect import findings
from maas_stream_lint.finding import Severity
from maas_stream_lint.look import look_at
from maas_stream_lint.source import Answer, Trouble
from maas_stream_lint.stream import load

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_stream_lint.finding import Finding
    from maas_stream_lint.rulebook import Release
    from maas_stream_lint.source import LocalTree

#: The least severity that keeps a stream from being written.
WORST = Severity.WARNING


class Draft:
    """A source that reads new metadata from memory, and the rest of a tree from disk."""

    explicit = True
    index_path = INDEX

    def __init__(self, label: str, texts: Mapping[str, bytes], tree: LocalTree | None) -> None:
        """``texts``: path → new metadata. ``tree``: where other files are, if there is one."""
        self.label = self.base = label
        self._texts = texts
        self._tree = tree

    def read(self, path: str) -> Answer:
        """The new file, else the one on disk."""
        body = self._texts.get(path)
        if body is not None:
            return Answer(path, body)
        stem = path.removesuffix(".gpg").removesuffix(".sjson").removesuffix(".json")
        if self._tree is not None and f"{stem}.json" not in self._texts:
            return self._tree.read(path)  # else it is a signed form of what is new
        return Answer(path, None, Trouble("missing", "no such file"), status=404)

    def close(self) -> None:
        """There is nothing to close."""


def checked(draft: Draft, releases: tuple[Release, ...]) -> Report:
    """What a check of the metadata finds."""
    look = look_at(load(draft, None), releases)
    return Report(draft.label, look, tuple(findings(look, all_rules())))


def objections(report: Report, names: set[str]) -> list[Finding]:
    """The findings because of which the tool does not write products: on them, or on the whole."""
    return [
        finding
        for finding in report.findings
        if finding.severity >= WORST
        and (finding.place.product in names or finding.place.product is None)
    ]
