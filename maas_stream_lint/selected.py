"""Whether a selection takes a product, by the product's own fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.imports.identity import GENERIC
from maas_stream_lint.imports.situation import ANY

if TYPE_CHECKING:
    from maas_stream_lint.imports.situation import Selection
    from maas_stream_lint.model import Product


def is_selected(product: Product, rows: tuple[Selection, ...], *, strict: bool) -> bool:
    """Whether one of a source's selections takes a product, were nothing wrong with it.

    Up to 3.7 by each claim that it makes (``image_passes_filter``,
    maasserver/import_images/download_descriptions.py), on the strict engine by os, release and arch
    (``filter_products_for_selection``, maasservicelayer/services/image_sync.py). Bootloaders and
    release notifications come in any case.
    """
    if not product.image:
        return not strict or bool(rows)
    os, release, arch = product.os, product.get("release") or "", product.get("arch") or ""
    if strict:
        return any(
            (row.os, row.release) == (os, release) and (row.arches == (ANY,) or arch in row.arches)
            for row in rows
        )
    gadget = product.get("gadget_snap")
    series = release if gadget is None else f"{release}-{gadget}"
    near = [row for row in rows if row.os in (ANY, os) and row.release in (ANY, series)]
    if not near:  # as of most products
        return False
    subarch, label = product.get("subarch") or GENERIC, product.get("label") or ""
    claimed = {subarch, *(product.get("subarches") or GENERIC).split(",")}
    return any(row.passes(os, arch, one, series, label) for row in near for one in claimed)
