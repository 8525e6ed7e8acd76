"""The command that uploads an image, for what no stream can carry."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from maas_stream_lint.rulebook import ftypes

if TYPE_CHECKING:
    from pathlib import Path

    from maas_stream_lint.model import Product

_PLAIN = r"[A-Za-z0-9][A-Za-z0-9._+-]{0,60}"


def is_plain(value: str) -> bool:
    """Whether a value may be put into a command or a name that this tool proposes."""
    return re.fullmatch(_PLAIN, value) is not None


def command(
    path: Path, ftype: str, *, name: str, title: str, arch: str, base_image: str | None
) -> str:
    """The ``maas`` command that uploads an image under *Custom images*.

    ``base_image``: a release that MAAS's form knows (``clean_base_image``, BootResourceForm,
    src/maasserver/forms/__init__.py); ``None``: MAAS takes its commissioning release.
    """
    from shlex import quote

    words = [
        *("maas", "$PROFILE", "boot-resources", "create"),
        f"name=custom/{name}",
        f"title={title}",
        f"architecture={arch}/generic",
        *([f"base_image={base_image}"] if base_image else []),
        f"filetype={ftypes()[ftype].upload}",
        f"content@={path}",
    ]
    return " ".join(word if word == "$PROFILE" else quote(word) for word in words)


def product_command(product: Product, ftype: str) -> str:
    """The command that uploads a product's root file, with holes for what the product does not say.

    The base image is a release of the family that the product's ``os`` belongs to.
    """
    from maas_stream_lint.distributions import distribution_called, filled

    known = distribution_called(product.os)
    release = _plain(product.get("release")) or "RELEASE"
    base = filled(known.base_image if known is not None else None, _about(product, release))
    words = [
        *("maas", "$PROFILE", "boot-resources", "create"),
        f"name=custom/{release}",
        f"architecture={_plain(product.get('arch')) or 'ARCH'}/generic",
        f"base_image={base or 'OS/RELEASE'}",
        f"filetype={ftypes()[ftype].upload or 'FILETYPE'}",
        "content@=FILE",
    ]
    return f"`{' '.join(words)}`"


def _about(product: Product, release: str) -> dict[str, str]:
    """What os-release(5) would say of the system, as far as the product tells."""
    number = re.search(r"[0-9]+", product.get("version") or "") or re.search("[0-9]+", release)
    return {
        "ID": product.os,
        "VERSION_CODENAME": release.partition("-")[0],
        **({"VERSION_ID": number[0]} if number is not None else {}),
    }


def _plain(value: str | None) -> str | None:
    """A value that may be put into a command."""
    return value if value is not None and is_plain(value) else None
