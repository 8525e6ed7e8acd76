"""Picks the nodes that a rule must look at: a few kinds are judged instead of every node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Image, Item, Product, Version

    Among = Callable[[Sequence[Any], Look], Sequence[Any]]


def saying(*fields: str, odd: Callable[..., bool]) -> Among:
    """The products whose texts in some fields are odd.

    ``odd``: is asked once for each set of texts that occurs; a text is ``None`` where it is absent.
    """

    def among(products: Sequence[Product], look: Look) -> list[Product]:
        found = [texts for texts in look.catalog.said(*fields) if odd(*texts)]
        alike = look.catalog.by(*fields) if found else {}
        return [product for texts in found for product in alike[texts]]

    return among


def holding(odd: Callable[[Collection[str | None], Look], bool]) -> Among:
    """The newest versions whose ftypes are odd. ``odd``: is asked once for each set of ftypes."""

    def among(versions: Sequence[Version], look: Look) -> list[Version]:
        alike = look.catalog.by_ftypes.items()
        return [version for ftypes, found in alike if odd(ftypes, look) for version in found]

    return among


def came_otherwise(images: Sequence[Image], look: Look) -> list[Image]:
    """The image files that came otherwise than the metadata says."""
    return look.odd_images


def naming(*odd: str) -> Among:
    """The items whose path, between two line ends, holds one of these texts."""

    def among(items: Sequence[Item], look: Look) -> list[Item]:
        here = [text for text in odd if text in look.path_text]
        if not here:
            return []
        return [i for i in items if i.path and any(text in f"\n{i.path}\n" for text in here)]

    return among
