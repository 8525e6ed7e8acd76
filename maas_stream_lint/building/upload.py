"""The command that uploads an image, for what no stream can carry."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from maas_stream_lint.rulebook import ftypes

if TYPE_CHECKING:
    from pathlib import Path


def command(
    path: Path, ftype: str, *, name: str, title: str, arch: str, base_image: str | None
) -> str:
    """The ``maas`` command that uploads an image under *Custom images*.

    ``base_image``: a release that MAAS's form knows (``clean_base_image``, BootResourceForm,
    src/maasserver/forms/__init__.py); ``None``: MAAS takes its commissioning release.
    """
    words = [
        *("maas", "$PROFILE", "boot-resources", "create"),
        f"name=custom/{name}",
        f"title={title}",
        f"architecture={arch}/generic",
        *([f"base_image={base_image}"] if base_image else []),
        f"filetype={ftypes()[ftype].upload}",
        f"content@={path}",
    ]
    return " ".join(word if word == "$PROFILE" else shlex.quote(word) for word in words)
