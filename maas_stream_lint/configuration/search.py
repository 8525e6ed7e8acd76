"""Which configuration file applies to a source."""

from __future__ import annotations

from pathlib import Path

from maas_stream_lint.configuration.settings import NAME
from maas_stream_lint.configuration.toml import has_table, is_a
from maas_stream_lint.source import is_local, local_path, local_root


def find(source: str | None = None, start: Path | None = None) -> Path | None:
    """The file that applies to a source: above a local one, else above the working directory.

    The search stops at the first directory that has one, and at a directory with a ``.git``. The
    search ignores a file inside the checked tree, unless the tree is the working directory.
    Otherwise the maker of the tree could change the result.
    """
    here = start or Path.cwd()
    tree = None
    if source is not None and is_local(source):
        tree = local_root(local_path(source))
    if tree is None or _real(tree) == _real(here):
        return _above(here, None)
    return _above(tree.parent, tree) or _above(here, tree)


def _above(first: Path, tree: Path | None) -> Path | None:
    for folder in (first, *first.parents):
        if tree is not None and _real(folder).is_relative_to(_real(tree)):
            continue
        own, shared = folder / NAME, folder / "pyproject.toml"
        if is_a(own, Path.is_file):
            return own
        if is_a(shared, Path.is_file) and has_table(shared):
            return shared
        if is_a(folder / ".git", Path.exists):
            return None
    return None


def _real(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):  # a circle of links, or not a valid name
        return path
