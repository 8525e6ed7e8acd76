"""A stream with some of its metadata changed in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.source import Answer, Trouble

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_stream_lint.source import LocalTree
    from maas_stream_lint.stream import Stream


class Overlay:
    """A source that reads changed files from memory, and others as they were read before."""

    def __init__(
        self, stream: Stream, tree: LocalTree | None, changed: Mapping[str, bytes], start: str
    ) -> None:
        """``tree``: where files are looked up that were not read yet. ``start``: the index."""
        self.label, self.base = stream.label, stream.base
        self.index_path = start
        self.explicit = True
        self._tree = tree
        self._changed = changed
        self._answers: dict[str, Answer] = {}
        for path, metadata in stream.files.items():
            self._answers[path] = metadata.answer
            if metadata.detached is not None:
                self._answers[f"{path}.gpg"] = metadata.detached
            if metadata.twin is not None:
                self._answers[metadata.twin.path] = metadata.twin

    def read(self, path: str) -> Answer:
        """The changed file, else what was answered before, else what is on disk."""
        body = self._changed.get(path)
        if body is not None:
            return Answer(path, body)
        if path.endswith(".gpg") and path.removesuffix(".gpg") in self._changed:
            return _missing(path)  # it is not a signature of that any more
        known = self._answers.get(path)
        if known is not None:
            return known
        return self._tree.read(path) if self._tree is not None else _missing(path)

    def close(self) -> None:
        """Nothing to let go of."""


def _missing(path: str) -> Answer:
    return Answer(path, None, Trouble("missing", "no such file"), status=404)
