"""The index and the products files of a new stream."""

from __future__ import annotations

import json
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from maas_stream_lint.building.parts import Product

INDEX = "streams/v1/index.json"
#: The form of a products file → how its content id ends.
_ENDINGS = {"multi-file": "v3:download", "single-file": "bases-download"}
_KIND = {"datatype": "image-downloads", "format": "products:1.0"}


def content_id(prefix: str, form: str) -> str:
    """What the products file of a form is called in the index."""
    return f"{prefix}:{_ENDINGS[form]}"


def path_of(content_id: str) -> str:
    """Where a products file is."""
    return f"streams/v1/{content_id}.json"


def written(moment: datetime) -> str:
    """A moment as ``updated`` has it: 3.8 reads a numeric offset, and no ``GMT``."""
    return format_datetime(moment)


def new_tree(products: Sequence[Product], prefix: str, moment: datetime) -> dict[str, bytes]:
    """Path → text of all metadata of a new stream: a products file a form, and the index.

    3.8 refuses a file that mixes forms (``SimpleStreamsProductListFactory.produce``,
    src/maasservicelayer/simplestreams/models.py).
    """
    updated = written(moment)
    texts, entries = {}, {}
    for form in sorted({product.form for product in products}):
        own = [product for product in products if product.form == form]
        name = content_id(prefix, form)
        texts[path_of(name)] = text(products_file(own, name, updated))
        entries[name] = entry(path_of(name), (p.name for p in own), updated)
    texts[INDEX] = text({"format": "index:1.0", "index": entries, "updated": updated})
    return texts


def products_file(products: Iterable[Product], name: str, updated: str) -> dict[str, Any]:
    """A products file."""
    held = {product.name: product_member(product) for product in products}
    return {"content_id": name, **_KIND, "products": held, "updated": updated}


def product_member(product: Product) -> dict[str, Any]:
    """A product with its one version."""
    return {**product.fields, "versions": {product.version_name: product.version()}}


def entry(path: str, names: Iterable[str], updated: str) -> dict[str, Any]:
    """An entry of the index."""
    return {**_KIND, "path": path, "products": sorted(names), "updated": updated}


def text(document: dict[str, Any]) -> bytes:
    """A document as Canonical's tools write it: keys sorted, indented by one."""
    return (json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
