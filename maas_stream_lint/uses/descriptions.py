"""The descriptions that a rack makes of the region's images, up to 3.4."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from maas_stream_lint.uses.kernel import GENERIC

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.uses.stock_image import Image

#: What a description is for, but for its subarch: os, arch, kflavor, release, label. ``ImageSpec``
#: (provisioningserver/import_images/helpers.py).
Kind = tuple[str, str, str, str, str]


class Descriptions:
    """Whose description stands for what. Mirrors ``RepoDumper.insert_item``.

    The last image of a subarch stands for it; if there is none, the first one that lists it.
    """

    def __init__(self, images: Sequence[Image]) -> None:
        """``images``: in the order in which the region lists them."""
        self._images = images
        self._alike: dict[Kind, list[Image]] = {}
        self._own: dict[tuple[Kind, str], Image] = {}
        self._listing: dict[Kind, dict[str, Image]] = {}
        for image in images:
            kind, release, subarch = _kind(image), image.release, image.subarch
            self._alike.setdefault(kind, []).append(image)
            self._own[kind, subarch] = image
            # The region gives the release where a stream has the version.
            usual = subarch in (f"ga-{release}", f"hwe-{release[:1]}") and image.os == "ubuntu"
            if usual and GENERIC in _said(image):
                self._own[kind, GENERIC] = image

    def get(self, kind: Kind, subarch: str) -> Image | None:
        """The image whose description stands for this."""
        return self._own.get((kind, subarch)) or self._listed(kind).get(subarch)

    @cached_property
    def images(self) -> Sequence[Image]:
        """The images whose description stands for anything."""
        own = {image.position for image in self._own.values()}
        if len(own) == len(self._images):
            return self._images
        for kind in self._alike:
            for subarch, image in self._listed(kind).items():
                if (kind, subarch) not in self._own:
                    own.add(image.position)
        return [image for image in self._images if image.position in own]

    def _listed(self, kind: Kind) -> dict[str, Image]:
        """Each subarch that an image of a kind lists, with the first one that does."""
        found = self._listing.get(kind)
        if found is None:
            found = self._listing[kind] = {}
            for image in self._alike.get(kind, ()):
                for subarch in _said(image).split(","):
                    found.setdefault(subarch, image)
        return found


def _kind(image: Image) -> Kind:
    kflavor = GENERIC if image.kflavor is None else image.kflavor
    return (image.os, image.arch, kflavor, image.release, image.contents.label)


def _said(image: Image) -> str:
    said = image.kept("subarches")
    return GENERIC if said is None else said
