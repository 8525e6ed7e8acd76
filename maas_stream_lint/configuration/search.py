"""Which configuration file holds for a source."""

from __future__ import annotations

from pathlib import Path

from maas_stream_lint.configuration.settings import NAME
from maas_stream_lint.configuration.toml import has_table, is_a
from maas_stream_lint.source import is_local, local_path


def find(source: str | None = None, start: Path | None = None) -> Path | None:
    """The file that applies to a source: above a local one, else above the working directory.

    The search stops at the first directory that has one, and at a directory with a ``.git``.
    """
    starts = [start or Path.cwd()]
    if source is not None and is_local(source):
        place = local_path(source)
        starts.insert(0, place if is_a(place, Path.is_dir) else place.parent)
    for first in starts:
        for folder in (first, *first.parents):
            own, shared = folder / NAME, folder / "pyproject.toml"
            if is_a(own, Path.is_file):
                return own
            if is_a(shared, Path.is_file) and has_table(shared):
                return shared
            if is_a(folder / ".git", Path.exists):
                break
    return None
