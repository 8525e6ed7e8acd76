"""The product of an Ubuntu: a squashfs of its tree, and a kernel and initrd that boot it.

MAAS boots the squashfs over the network and copies it to the disk (``get_curtin_installer_url``,
src/maasserver/preseed.py), so it is the way of Canonical's own images.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from maas_stream_lint.building import manifest, naming, planning, repack
from maas_stream_lint.building.boot_files import FIELDS, TITLES
from maas_stream_lint.building.parts import File, Product, Refusal
from maas_stream_lint.distributions import filled
from maas_stream_lint.rulebook import default_system
from maas_stream_lint.uses.ubuntu import ubuntu_releases

if TYPE_CHECKING:
    from maas_stream_lint.building.boot_files import BootFile, BootFiles
    from maas_stream_lint.building.finished_image import Image
    from maas_stream_lint.building.planning import Frame
    from maas_stream_lint.building.wanted import Wanted

OS = default_system()
FORM = "multi-file"
#: The kernel package of every Ubuntu, which only files at hand need to be told.
_KPACKAGE = "linux-generic"
#: Stands for the digest of a file that is not made yet.
_PENDING = "0" * 64


def is_one(image: Image) -> bool:
    """Whether an image is an Ubuntu's tarball."""
    return image.tree is not None and image.tree.about.get("ID") == OS


def codename(image: Image) -> str:
    """The release that an image is of, as MAAS names it: ``jammy``. Raises RefusedError."""
    found = filled("{codename}", naming.about(image))
    if found is None:
        raise planning.asked(image, "its codename", "an image with VERSION_CODENAME in os-release")
    return planning.word(image, "its codename", found, "an image of Ubuntu")


def refuse_unfit(image: Image, wanted: Wanted, frame: Frame) -> None:
    """Raise RefusedError for what no kernel and initrd can make an image that MAAS boots."""
    planning.sound(image)
    repack.command(image.path)  # what takes long should not fail in the end
    if wanted.os not in (None, OS):
        why = f"it is an Ubuntu, which MAAS deploys as os {OS}, not {wanted.os}"
        raise planning.RefusedError(Refusal(image.path, why, "leave out --os"))
    assert image.tree is not None
    if not image.tree.cloud_init:
        why = "it has no cloud-init, which MAAS needs to boot and deploy it"
        what = "install cloud-init in the image; an upload needs it, too"
        raise planning.RefusedError(Refusal(image.path, why, what))
    name, old = wanted.name, [r.line for r in frame.releases if not r.deploy("parses-kernel")]
    if name is not None and old and not re.fullmatch("[A-Za-z0-9.]+", name):
        # get_release_from_kernel() and validate_hwe_kernel(), src/maasserver/utils/osystems.py
        why = f"MAAS {naming.span(old)} takes the second part of {name}-{codename(image)} for the "
        why += "codename, so the name must be one part"
        raise planning.RefusedError(Refusal(image.path, why, "give --name letters and digits"))


def product(image: Image, wanted: Wanted, frame: Frame, boot: BootFiles) -> Product:
    """The product of an Ubuntu image, whose squashfs is not made yet. Raises RefusedError."""
    own = codename(image)
    arch = planning.architecture(image, wanted)
    release = wanted.release or (f"{wanted.name}-{own}" if wanted.name else own)
    fields = _fields(image, wanted, boot, release, own)
    fields |= {"arch": arch, "label": wanted.label, "os": OS, "release": release}
    middle, flavour = fields["version"] if release == own else release, fields["kflavor"]
    name = frame.names.get((OS, release, arch, fields["subarch"], flavour))
    name = name or f"{frame.prefix}:v3:boot:{middle}:{arch}:{fields['subarch']}"
    version_name = planning.version_named(name, image, wanted, frame)
    folder = f"{OS}/{release}/{arch}/{version_name}"
    parts = frame.releases[-1].ubuntu_set
    root = parts.roots[0]
    inner = f"{folder}/{fields['subarch']}/{flavour}"
    files = (
        *(_boot_file(file, f"{inner}/{file.ftype}", boot) for file in (boot.kernel, boot.initrd)),
        File(root, root, f"{folder}/{root}", _PENDING, 1, pending=True),
        manifest.file(image, f"{folder}/manifest"),
    )
    notes = _notes(release, own, frame)
    said = frozenset({"release_title"} if wanted.title else ())
    return Product(image, name, FORM, fields, version_name, files, notes, said, boot)


def _fields(
    image: Image, wanted: Wanted, boot: BootFiles, release: str, own: str
) -> dict[str, str]:
    said = naming.about(image)
    fields = {name: boot.fields[name] for name in (*FIELDS, *TITLES) if name in boot.fields}
    told = wanted.version or said.get("VERSION_ID", "")
    version = planning.word(image, "its version", told, "--version")
    known = next((r for r in ubuntu_releases().releases if r.series == own), None)
    usual = {
        "kflavor": planning.GENERIC,
        "os_title": "Ubuntu",
        "release_codename": known.codename if known else own.capitalize(),
        "release_title": known.version if known else version,
        **({"support_eol": known.eol.isoformat()} if known else {}),
        "subarch": f"ga-{version}",
        "subarches": f"{planning.GENERIC},ga-{version}",
        "version": version,
    }
    fields = {**usual, **fields}
    # Without `generic` MAAS offers no architecture for it; its own kernel belongs there, too.
    subarches = [part.strip() for part in fields["subarches"].split(",") if part.strip()]
    needed = [part for part in (planning.GENERIC, fields["subarch"]) if part not in subarches]
    fields["subarches"] = ",".join([*subarches, *needed])
    if release != own:
        # MAAS may choose a release for commissioning by itself if its title ends in LTS.
        fields["release_title"] += f" {wanted.name or release}"
    if wanted.title:
        fields["release_title"] = wanted.title
    return fields


def _boot_file(file: BootFile, path: str, boot: BootFiles) -> File:
    package = file.kpackage or (None if boot.source else _KPACKAGE)
    more = {"kpackage": package} if package else {}
    return File(
        file.ftype, file.ftype, path, file.sha256, file.size, file.source, file.stamp, more=more
    )


def _notes(release: str, own: str, frame: Frame) -> tuple[str, ...]:
    if release != own:
        return (f"is beside the standard image of {own}, which MAAS keeps",)
    first = [r.line for r in frame.releases if not r.strict]
    higher = [r.line for r in frame.releases if r.strict]
    when = [f"on MAAS {naming.span(first)} if this source comes first"] if first else []
    when += [f"on MAAS {naming.span(higher)} if it has the higher priority"] if higher else []
    return (
        f"replaces the standard image of {own}, also for commissioning: {', '.join(when)}",
        f"with --name acme it stands beside that image, as acme-{own}",
    )
