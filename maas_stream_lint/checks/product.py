"""Rules on products."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.finding import Severity
from maas_stream_lint.rule import Said, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.engine import Look
    from maas_stream_lint.imports.trace import Event
    from maas_stream_lint.model import Product
    from maas_stream_lint.rulebook import Release


@rule("MSL401", Severity.IGNORED, at="product")
def ubuntu_name(event: Event, look: Look) -> Iterator[Said]:
    """An Ubuntu product's name lacks `:v2:`, `:v3:` or `:v3+platform:`.

    MAAS: matches the product's *name*, not its fields, whenever `os` contains "ubuntu" in any case
        (`validate_ubuntu`, import_images/download_descriptions.py), and drops what does not match
        with one warning for each item; up to 3.3 `:v3+platform:` is no match. 3.8 asks this of every
        product with kernel and initrd, whatever its `os`, and drops it without a word
        (`_multi_file_image_matches_selection`, maasservicelayer/services/image_sync.py).
    Why: the parts are versions of Canonical's own stream format. packer-maas and `meph2-import` name
        their products `…:ubuntu-bases:22.04:amd64`, which MAAS takes for a format it does not know.
    Mend: name the product like `com.example:v3:boot:22.04:amd64:ga-22.04`, and give it what such a
        product must have: `boot-kernel`, `boot-initrd` and `squashfs`. For a lone root tarball there
        is no name that helps: upload it with `maas $PROFILE boot-resources create`, or publish it
        under the `os` whose driver deploys it.
    Example:
        "com.ubuntu.maas.candidate:ubuntu-bases:22.04:amd64": {
    """
    name = event.place.product or ""
    if _fits_newest(name, "ubuntu", look):
        return  # a case of v3_platform_too_new
    yield Said(
        f"the name `{name}` of this {event.values['os'] or 'Ubuntu'} product lacks {_either(look.releases[-1].ubuntu_hint)}",
        "name it like `…:v3:boot:VERSION:ARCH:SUBARCH` and give it kernel, initrd and squashfs; a lone "
        "root tarball is better uploaded with `maas $PROFILE boot-resources create`",
    )


@rule("MSL411", Severity.UNUSABLE, on="product")
def unknown_os(product: Product, look: Look) -> Iterator[Said]:
    """MAAS has no driver for the product's `os`.

    MAAS: imports the product, lists it under *Other images* and offers it for deployment, which then
        fails: up to 3.4 the rack reports no image for it, from 3.5 on the preseed ends in
        `Unsupported OS` (`get_curtin_image`, maasserver/preseed.py; drivers in
        provisioningserver/drivers/osystem, from 3.7 on maascommon/osystem).
    Why: each driver says how its system is installed; for one without a driver nobody does.
    Mend: publish it under the `os` of its family (`centos`, `rhel`, `ol`, `suse`, `windows`, `esxi`), or
        upload it as `custom/…`.
    Example:
        "os": "debian",
    """
    if not product.image or product.os == "custom":
        return
    os = product.os
    lines = look.where(lambda release: not _driver(release, os))
    if lines:
        known = ", ".join(sorted({d for r in look.releases for d in r.drivers} - {"custom"}))
        yield Said(
            f"MAAS has no driver for os `{os}`, expected one of {known}",
            "use the `os` of its family, or upload the image as `custom/…` with `maas $PROFILE boot-resources create`",
            place=product.at("os"),
            lines=lines,
            effect="imports it and offers it for deployment, which then fails",
            log=f"Error generating the URL of curtin's image file.  {look.releases[-1].deploy('unknown-os')}",
        )


def _driver(release: Release, os: str) -> bool:
    return os in release.drivers


def _fits_newest(name: str, kind: str, look: Look) -> bool:
    return look.releases[-1].names[kind].search(name) is not None


def _either(options: list[str]) -> str:
    return " or ".join([", ".join(options[:-1]), options[-1]] if len(options) > 1 else options)
