"""The JSON schemas of streams in ``rules/schemas/streams/``, from the data of the release lines.

``UPDATE_SCHEMAS=1 pytest tests/test_stream_schemas.py`` writes them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import schema_legacy
import schema_strict
from maas_stream_lint.rulebook import Release, all_releases

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schema_parts import Schema

#: What there is a schema of, for each release line.
KINDS = ("index", "products", "bootloader", "multi-file", "single-file")
_CALLED = {
    "index": "an index",
    "products": "a products file",
    "bootloader": "a products file of bootloaders",
    "multi-file": "a products file of images with kernel and initrd (Ubuntu)",
    "single-file": "a products file of images in one file (CentOS, RHEL, custom)",
}


def files() -> Iterator[tuple[str, str]]:
    """Path below ``rules/schemas/streams`` and text of each schema."""
    for release in all_releases():
        for kind in KINDS:
            text = json.dumps(schema(release, kind), indent=1, ensure_ascii=True)
            yield f"{release.line}/{kind}.json", f"{text}\n"


def schema(release: Release, kind: str) -> Schema:
    """What a release line takes of a document. ``kind``: one of ``KINDS``."""
    engine = schema_strict if release.strict else schema_legacy
    made = engine.index(release) if kind == "index" else engine.products(release, kind)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:maas-stream-lint:stream:{release.line}:{kind}",
        "title": f"MAAS {release.line}: {_CALLED[kind]}",
        "description": (
            f"What the import of MAAS {release.line} takes. A document that this schema refuses "
            "costs a product, a version or the whole import. `maas-stream-lint check` finds more: "
            "a schema sees one document, and no file, signature or server."
        ),
        **made,
    }
