"""What a check sees of image files once edits are made: the files stay, the paths may not."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from maas_stream_lint.image_files import inspect_files, wanted_files
from maas_stream_lint.images.cache import HashCache, default_folder
from maas_stream_lint.images.local_files import LocalFiles, asked
from maas_stream_lint.images.observation import FileOptions, Survey
from maas_stream_lint.images.tree_memory import TreeMemory

if TYPE_CHECKING:
    from maas_stream_lint.images.observation import Seen, Wanted
    from maas_stream_lint.look import Look
    from maas_stream_lint.source import LocalTree


class FileSurvey:
    """The image files of a stream that is edited."""

    def __init__(self, tree: LocalTree | None, before: Survey | None) -> None:
        """``tree``: the stream's, if it is on disk. ``before``: what a report saw of the files."""
        self._tree, self._before = tree, before
        self._cache = HashCache(default_folder() if tree is not None else None)
        stop = threading.Event()
        self._memory: TreeMemory | None = None
        self.images: LocalFiles | None = None
        if tree is not None:
            self._memory = TreeMemory(self._cache, tree.folder)
            self.images = LocalFiles(tree, self._memory, stop)

    def close(self) -> None:
        """Keep what was hashed."""
        if self._memory is not None:
            self._memory.save()
        self._cache.close()

    def of(self, look: Look, last: Survey | None) -> Survey | None:
        """What is seen of the files that a stream asks for. ``last``: what was seen before."""
        before = self._before
        if before is None or before.mode == "none":
            return before
        survey = Survey(before.mode, server=before.server, orphans=before.orphans)
        for path, wanted in wanted_files(look, FileOptions()).items():
            seen = _known(before, wanted) or _known(last, wanted) or self._look(wanted, before.mode)
            if seen is not None:
                survey.files[path] = seen
                survey.wanted[path] = wanted
        return survey

    def whole(self, look: Look) -> Survey | None:
        """What a check sees of the tree as a whole: which files nothing names any more, too."""
        before = self._before
        if before is None or self._tree is None or _is_left_out(before):
            return look.survey
        mode = None if before.metadata_only else before.mode
        return inspect_files(look, self._tree, FileOptions(mode))

    def _look(self, wanted: Wanted, mode: str) -> Seen | None:
        if self.images is None:
            return None
        return self.images.look_at(wanted, asked(wanted) if mode == "download" else ())


def _known(survey: Survey | None, wanted: Wanted) -> Seen | None:
    """What was seen of a file, if the same was asked of it."""
    before = survey.wanted.get(wanted.path) if survey is not None else None
    if survey is None or before is None or before.listed < wanted.listed:
        return None
    known = set(asked(wanted)) <= set(asked(before))
    return survey.files.get(wanted.path) if known else None


def _is_left_out(survey: Survey) -> bool:
    """Whether nobody was to look at files."""
    return survey.mode == "none" and not survey.metadata_only


def alike(one: Survey | None, other: Survey | None) -> bool:
    """Whether two surveys have seen the same, as far as rules ask."""
    if one is None or other is None:
        return one is other
    if one.metadata_only and other.metadata_only:
        return True
    return (
        one.mode == other.mode
        and one.wanted == other.wanted
        and _facts(one) == _facts(other)
        and one.orphans == other.orphans
        and one.elsewhere == other.elsewhere
        and one.older.keys() == other.older.keys()
    )


def changed(one: Survey | None, other: Survey | None) -> bool:
    """Whether a file that both have looked at is another one by now."""
    if one is None or other is None:
        return False
    before, after = _facts(one), _facts(other)
    return any(before[path] != after[path] for path in before.keys() & after.keys())


def _facts(survey: Survey) -> dict[str, tuple[object, ...]]:
    """What of each file may have changed since it was looked at."""
    return {path: (s.size, s.trouble, s.digests) for path, s in survey.files.items()}
