"""The manifest of an image: which packages are on it. MAAS up to 3.7 ignores it, 3.8 needs one."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from maas_stream_lint.building import naming
from maas_stream_lint.building.parts import File
from maas_stream_lint.rulebook import of_family

if TYPE_CHECKING:
    from maas_stream_lint.building.finished_image import Image


def file(image: Image, path: str) -> File:
    """The manifest's file: name and version of each package, as far as the image tells.

    Of images without dpkg it names the system alone.
    """
    listed = image.tree.packages if image.tree else []
    if not listed:
        said = naming.about(image)
        listed = [(said.get("ID", image.path.name), said.get("VERSION_ID", "unknown"))]
    body = "".join(f"{name}\t{version}\n" for name, version in listed).encode()
    ftype = of_family("listing")[0]
    return File(ftype, ftype, path, hashlib.sha256(body).hexdigest(), len(body), body=body)
