"""Which image files came otherwise than the metadata says; rules look at these alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.file_fetch import fetch

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from maas_stream_lint.images.observation import Seen
    from maas_stream_lint.model import Image
    from maas_stream_lint.rulebook import Release


def odd_images(images: Iterable[Image], releases: Collection[Release]) -> list[Image]:
    """The image files about whose arrival there may be something to say, in their order.

    Files that came as the metadata says differ in their status alone. So each release line is asked
    what it meets at one file of each status. ``releases``: one of those that download alike.
    """
    judged: dict[int | None, bool] = {}
    found = []
    for image in images:
        odd = not came_as_stated(image)
        if not odd:
            status = image.seen.status
            if status not in judged:
                first = image.items[0]
                judged[status] = any(fetch(image.seen, first, line, "") for line in releases)
            odd = judged[status]
        if odd:
            found.append(image)
    return found


def came_as_stated(image: Image) -> bool:
    """Whether a file came without a detour, and nothing seen of it contradicts its items."""
    seen = image.seen
    if seen.trouble is not None or seen.is_page or not _came_plainly(seen):
        return False
    facts = {"size": None if seen.size is None else str(seen.size), **seen.digests}.items()
    for item in image.items:
        for name, made in facts:
            said = item.get(name)
            if said is not None and said != made:
                return False
    return True


def _came_plainly(seen: Seen) -> bool:
    """Whether a file came as it is stored, from where its path leads, in one piece."""
    moved = seen.link is not None or seen.redirects or seen.cuts
    changed = seen.encoding is not None or seen.interim is not None or seen.decoded
    return not moved and not changed and seen.path.isprintable()
