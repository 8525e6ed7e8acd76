"""The descriptions that a rack makes of the region's images, up to 3.4."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from maas_stream_lint.uses.kernel import GENERIC

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.uses.stock_image import Image

#: What a description is for: os, arch, subarch, kflavor, release, label. ``ImageSpec``
#: (provisioningserver/import_images/helpers.py).
Spec = tuple[str, str, str, str, str, str]


class Descriptions:
    """Whose description stands for what. Mirrors ``RepoDumper.insert_item``.

    The last image of a subarch stands for it; if there is none, the first one that lists it.
    """

    def __init__(self, images: Sequence[Image]) -> None:
        """``images``: in the order in which the region lists them."""
        self._images = images
        self._own: dict[Spec, Image] = {}
        for image in images:
            release, subarch = image.release, image.subarch
            self._own[_spec(image, subarch)] = image
            # The region gives the release where a stream has the version.
            usual = subarch in (f"ga-{release}", f"hwe-{release[:1]}") and image.os == "ubuntu"
            if usual and GENERIC in _listed(image):
                self._own[_spec(image, GENERIC)] = image

    def get(self, spec: Spec) -> Image | None:
        """The image whose description stands for this."""
        return self._own.get(spec) or self._listing.get(spec)

    @cached_property
    def images(self) -> Sequence[Image]:
        """The images whose description stands for anything."""
        own = {image.position for image in self._own.values()}
        if len(own) == len(self._images):
            return self._images
        listing = (image for spec, image in self._listing.items() if spec not in self._own)
        own.update(image.position for image in listing)
        return [image for image in self._images if image.position in own]

    @cached_property
    def _listing(self) -> dict[Spec, Image]:
        found: dict[Spec, Image] = {}
        for image in self._images:
            for subarch in _listed(image).split(","):
                found.setdefault(_spec(image, subarch), image)
        return found


def _spec(image: Image, subarch: str) -> Spec:
    kflavor = GENERIC if image.kflavor is None else image.kflavor
    return (image.os, image.arch, subarch, kflavor, image.release, image.contents.label)


def _listed(image: Image) -> str:
    said = image.kept("subarches")
    return GENERIC if said is None else said
