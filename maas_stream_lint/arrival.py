"""Which image files came otherwise than the metadata says; rules look at these alone."""

from __future__ import annotations

from itertools import compress
from operator import attrgetter
from typing import TYPE_CHECKING, TypeVar

from maas_stream_lint.file_fetch import fetch
from maas_stream_lint.images.observation import PAGE_KINDS, Seen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from maas_stream_lint.look import Look

Value = TypeVar("Value")

#: What is seen of a file that did not come plainly.
_detours = attrgetter(
    "trouble", "link", "linked", "redirects", "cuts", "encoding", "interim", "decoded"
)


def odd_paths(look: Look, files: Mapping[str, Seen]) -> set[str]:
    """The paths of the files about whose arrival there may be something to say.

    Files that came as the metadata says differ in their status alone. So each release line is asked
    what it meets at one file of each status.
    """
    odd = set(_detoured(files))
    odd.update(_contradicted(look, files))
    oldest = {release.line: release for release in look.downloads_as.values()}.values()
    for status, seen in _samples(files, odd).items():
        item = look.catalog.item_at(seen.path)
        if any(fetch(seen, item, release, "") for release in oldest):
            odd.update(path for path, seen in files.items() if seen.status == status)
    return odd


def _detoured(files: Mapping[str, Seen]) -> Iterator[str]:
    """The paths of the files that did not come as they are stored, whole, and from their paths."""
    usual = _detours(Seen(""))
    yield from compress(files, map(usual.__ne__, map(_detours, files.values())))
    if not "".join(files).isprintable():
        yield from (path for path in files if not path.isprintable())
    contents = {seen.content for seen in files.values()}
    if any(content is None or content.kind in PAGE_KINDS for content in contents):
        yield from (path for path, seen in files.items() if seen.is_page)


def _contradicted(look: Look, files: Mapping[str, Seen]) -> Iterator[str]:
    """The paths of the files whose size or digests are not what an item says."""
    sizes = [seen.size for seen in look.seen]
    yield from _unlike(look, sizes, look.catalog.all_sizes())
    for name in set[str]().union(*(seen.digests for seen in files.values())):
        digests = [seen.digests.get(name) for seen in look.seen]
        yield from _unlike(look, digests, look.catalog.said_by_all(name))


def _unlike(look: Look, found: Sequence[Value], column: Sequence[Value]) -> Iterator[str]:
    """The paths of which an item says something else than was found."""
    said = look.of_seen(column)
    if said != found:
        for seen, one, other in zip(look.seen, found, said, strict=True):
            if one != other and one is not None and other is not None:
                yield seen.path


def _samples(files: Mapping[str, Seen], odd: set[str]) -> dict[int | None, Seen]:
    """Of the files that are not odd, one of each status."""
    return {seen.status: seen for path, seen in files.items() if path not in odd}
