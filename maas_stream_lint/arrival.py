"""Which image files came otherwise than the metadata says; rules look at these alone."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from maas_stream_lint.file_fetch import fetch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from maas_stream_lint.images.observation import Seen
    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Item

#: What may be seen of a file that came without a detour.
_USUAL = frozenset({"path", "size", "digests", "content", "names", "cached", "inode", "status"})


def odd_paths(look: Look, files: Mapping[str, Seen]) -> set[str]:
    """The paths of the files about whose arrival there may be something to say.

    Files that came as the metadata says differ in their status alone. So each release line is asked
    what it meets at one file of each status.
    """
    odd = {path for path, seen in files.items() if not _came_plainly(seen)}
    odd.update(_contradicted(look, files))
    oldest = {release.line: release for release in look.downloads_as.values()}.values()
    for status, item in _samples(look, files, odd).items():
        seen = files[item.path or ""]
        if any(fetch(seen, item, release, "") for release in oldest):
            odd.update(path for path, seen in files.items() if seen.status == status)
    return odd


def _came_plainly(seen: Seen) -> bool:
    """Whether a file came as it is stored, from where its path leads, in one piece."""
    if seen.is_page or not seen.path.isprintable():
        return False
    if vars(seen).keys() <= _USUAL:
        return True
    moved = seen.link is not None or seen.linked or seen.redirects or seen.cuts
    changed = seen.encoding is not None or seen.interim is not None or seen.decoded
    return seen.trouble is None and not moved and not changed


def _contradicted(look: Look, files: Mapping[str, Seen]) -> Iterator[str]:
    """The paths of the files whose size or digests are not what an item says."""
    catalog = look.catalog
    sizes = {path: seen.size for path, seen in files.items() if seen.size is not None}
    yield from _other_than(sizes, catalog.sizes_mentioned())
    for name in set[str]().union(*(seen.digests for seen in files.values())):
        made = {path: s.digests[name] for path, s in files.items() if name in s.digests}
        yield from _other_than(made, catalog.mentions(name))


def _other_than(found: Mapping[str, Any], mentions: Iterable[tuple[str | None, Any]]) -> list[str]:
    """The paths of which something else is mentioned than was found."""
    return [
        path
        for path, said in mentions
        if path is not None and said is not None and found.get(path, said) != said
    ]


def _samples(look: Look, files: Mapping[str, Seen], odd: set[str]) -> dict[int | None, Item]:
    """Of the files that are not odd, one item that names a file of each status."""
    table, older = look.catalog.columns, look.catalog.older_items
    named = [p for p in chain(table.by_path, (item.path for item in older)) if p is not None]
    paths = {files[path].status: path for path in named if path in files and path not in odd}
    return {status: look.catalog.item_at(path) for status, path in paths.items()}
