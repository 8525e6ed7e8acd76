"""Which configuration file applies to a source."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from maas_stream_lint.configuration.settings import NAME
from maas_stream_lint.source import is_local, local_path, local_root
from maas_stream_lint.source.local import around, is_within

if TYPE_CHECKING:
    from pathlib import Path


def find(source: str | None = None) -> Path | None:
    """The file that applies to a source: above a local one, else above the working directory.

    The search stops at the first directory that has one, and at a directory with a ``.git``. The
    search ignores a file inside the checked tree, unless the tree is the working directory.
    Otherwise the maker of the tree could change the result.
    """
    here = os.getcwd()
    tree = None
    if source is not None and is_local(source):
        tree = local_root(local_path(source))
    if tree is None or _real(tree) == _real(here):
        return _above(here, None)
    return _above(os.path.dirname(tree), _real(tree)) or _above(here, _real(tree))


def _above(first: str, tree: str | None) -> Path | None:
    """``tree``: where the search takes no file from."""
    for folder in (first, *around(first)):
        own, shared, end = (os.path.join(folder, name) for name in (NAME, "pyproject.toml", ".git"))
        told = os.path.isfile(own), os.path.isfile(shared), os.path.exists(end)
        if not any(told) or (tree is not None and is_within(_real(folder), tree)):
            continue
        if told[0]:
            return as_path(own)
        if told[1]:
            from maas_stream_lint.configuration.toml import has_table

            if has_table(as_path(shared)):
                return as_path(shared)
        if told[2]:
            return None
    return None


def as_path(place: str) -> Path:
    """A file that was found or named. Without one, no check needs the module that makes it."""
    from pathlib import Path

    return Path(place)


def _real(place: str) -> str:
    try:
        return os.path.realpath(place)
    except (OSError, ValueError):  # not a valid name
        return place
