"""Files that have to be made before they can be placed: a squashfs, and what is downloaded."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from maas_stream_lint.building import repack
from maas_stream_lint.building.finished_image import stamp, unchanged
from maas_stream_lint.building.streams import STEP
from maas_stream_lint.records import replace

if TYPE_CHECKING:
    from pathlib import Path

    from maas_stream_lint.building.parts import File, Product
    from maas_stream_lint.images.progress import Progress


def made(product: Product, folder: Path, told: Progress) -> Product:
    """The product with all its files at hand; ``folder`` gets those that are made.

    Raises LintError if one can't be made or had.
    """
    brought = _brought(product, folder, told)
    files = tuple(_made(file, product, brought, folder, told) for file in product.files)
    return replace(product, files=files)


def _brought(product: Product, folder: Path, told: Progress) -> dict[str, Path]:
    boot = product.boot
    if boot is None or boot.source is None:
        return {}
    wanted = (boot.kernel, boot.initrd)
    paths = boot.source.bring(wanted, folder, told)
    return {file.ftype: path for file, path in zip(wanted, paths, strict=True)}


def _made(
    file: File, product: Product, brought: dict[str, Path], folder: Path, told: Progress
) -> File:
    if file.ftype in brought:
        place = brought[file.ftype]
        return replace(file, source=place, stamp=stamp(place))
    if not file.pending:
        return file
    place = folder / file.path.replace("/", "+")
    repack.squashfs(product.image, place, told)
    unchanged(product.image.path, product.image.stamp)
    seen = stamp(place)
    return replace(
        file, source=place, stamp=seen, sha256=_digest(place), size=seen.size, pending=False
    )


def _digest(place: Path) -> str:
    digest = hashlib.sha256()
    with place.open("rb") as file:
        while piece := file.read(STEP):
            digest.update(piece)
    return digest.hexdigest()
