"""The ``maas`` commands that add a stream to MAAS's sources, and select its images."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from maas_stream_lint.building.existing import read
from maas_stream_lint.building.metadata_text import INDEX
from maas_stream_lint.distributions import standard_source

if TYPE_CHECKING:
    from pathlib import Path


def commands(root: Path, url: str) -> list[str]:
    """The commands for a stream below a folder that is served at ``url``, which ends in a slash.

    Every source needs a keyring, signed or not (``BootSource.clean``, src/maasserver/models/
    bootsource.py). Raises UsageError if it cannot read the stream.
    """
    plain = (root / INDEX).is_file()
    source = f"{url}{INDEX}" if plain else url
    keyring = standard_source()[1] if plain else "KEYRING"
    systems: dict[tuple[str, str], list[str]] = {}
    catalog = read(root).catalog
    for product in catalog.products:
        release, arch = product.get("release"), product.get("arch")
        if product.image and release and arch:
            known = systems.setdefault((product.os, release), [])
            known += [arch] if arch not in known else []
    return [
        f"maas $PROFILE boot-sources create url={shlex.quote(source)} keyring_filename={keyring}",
        *(
            f"maas $PROFILE boot-source-selections create $ID os={shlex.quote(os)} "
            f"release={shlex.quote(release)} "
            + " ".join(f"arches={shlex.quote(arch)}" for arch in arches)
            + " subarches='*' labels='*'"
            for (os, release), arches in systems.items()
        ),
        "maas $PROFILE boot-resources import",
    ]
