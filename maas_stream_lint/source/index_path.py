"""Which file below a source's base MAAS asks for first."""

from __future__ import annotations

import re

#: The path that MAAS asks for when its URL names no metadata file. MAAS never falls back to
#: ``index.json``.
SIGNED_INDEX = "streams/v1/index.sjson"

PLAIN_INDEX = "streams/v1/index.json"

_METADATA = r"streams/v1/.*[.](sjson|json)$"


def split_source(text: str) -> tuple[str, str, bool]:
    """The base, the index path, and whether ``text`` names the index path.

    Mirrors ``path_from_mirror_url`` (simplestreams/util.py) and ``SimpleStreamsClient.__init__``
    (MAAS 3.8, maasservicelayer/simplestreams/client.py). Both search in the text of the URL: a URL
    with a query or a fragment after ``.json`` is all base.
    """
    match = re.search(_METADATA, text)
    if match is None:
        return text, SIGNED_INDEX, False
    return text[: match.start()], match[0], True
