"""Makes a product from an image and the options, or says why that is not possible."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from maas_stream_lint import uploads
from maas_stream_lint.building import manifest, naming
from maas_stream_lint.building.parts import File, Product, Refusal
from maas_stream_lint.building.wanted import WORD
from maas_stream_lint.distributions import filled, notes
from maas_stream_lint.output import clean
from maas_stream_lint.records import field, record
from maas_stream_lint.rulebook import ftypes, is_root

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date

    from maas_stream_lint.building.finished_image import Image
    from maas_stream_lint.building.wanted import Wanted
    from maas_stream_lint.distributions import Distribution
    from maas_stream_lint.rulebook import Release

SINGLE = "single-file"
GENERIC = "generic"
#: What MAAS makes one boot resource of: os, release, arch, subarch, kflavor.
Key = tuple[str, str, str, str, str]
#: How to make of a file one that MAAS takes.
_CONVERSIONS = {
    "zstd": "zstd -dc {path} | gzip > {stem}.gz",
    "lz4": "lz4 -dc {path} | gzip > {stem}.gz",
    "lzma": "xz -dc {path} | gzip > {stem}.gz",
    "qcow2": "qemu-img convert -O raw {path} {stem}.dd && gzip {stem}.dd",
    "vmdk": "qemu-img convert -O raw {path} {stem}.dd && gzip {stem}.dd",
    "vhd": "qemu-img convert -O raw {path} {stem}.dd && gzip {stem}.dd",
    "vhdx": "qemu-img convert -O raw {path} {stem}.dd && gzip {stem}.dd",
    "vdi": "qemu-img convert -O raw {path} {stem}.dd && gzip {stem}.dd",
}


class RefusedError(Exception):
    """No stream can have the image, or the user must first add an option."""

    def __init__(self, refusal: Refusal) -> None:
        """``refusal``: why, and what to do."""
        super().__init__(refusal.why)
        self.refusal = refusal


@record(frozen=True)
class Frame:
    """What is the same for all images of a run."""

    releases: tuple[Release, ...]
    prefix: str  #: of the names of products and of the stream
    day: date  #: after which versions are named
    #: Versions that products have already, by product name.
    known: Mapping[str, Collection[str]] = field(default_factory=dict)
    #: What is one boot resource in MAAS → the name of the product that it has already.
    names: Mapping[Key, str] = field(default_factory=dict)

    @property
    def lines(self) -> tuple[str, ...]:
        """The release lines that the stream is for."""
        return tuple(release.line for release in self.releases)


def single_file(image: Image, wanted: Wanted, frame: Frame) -> Product:
    """The product of an image that MAAS deploys from one file. Raises RefusedError."""
    fitting, system = sound(image), naming.system(image)
    arch = architecture(image, wanted)
    os, ftype = _driver(image, wanted, system, fitting, frame)
    fields = _fields(image, wanted, system, os, arch)
    release = fields["release"]
    name = frame.names.get((os, release, arch, GENERIC, GENERIC))
    name = name or naming.product_name(frame.prefix, os, release, arch)
    version_name = version_named(name, image, wanted, frame)
    folder = f"{os}/{release}/{arch}/{version_name}"
    root = File(
        _key(ftype, frame.releases),
        ftype,
        f"{folder}/{ftype}",
        image.sha256,
        image.size,
        image.path,
        image.stamp,
    )
    files = root, manifest.file(image, f"{folder}/manifest")
    told = (*_instead(system, os, frame), *notes(os, arch))
    said = frozenset({"release_title"} if wanted.title else ())
    return Product(image, name, SINGLE, fields, version_name, files, told, said)


def _fields(
    image: Image, wanted: Wanted, system: Distribution | None, os: str, arch: str
) -> dict[str, str]:
    """The product's fields; all of them text, as 3.8 wants it."""
    said = naming.about(image)
    release = wanted.release or filled(system.release if system else "{id}{major}", said)
    if release is None:
        hint = "--release NAME, the text after the slash in MAAS's names"
        raise asked(image, "its release", hint)
    told = wanted.version or said.get("VERSION_ID") or release
    version = word(image, "its version", told, "--version")
    fields = {
        "arch": arch,
        "label": wanted.label,
        "os": os,
        "os_title": clean(said.get("NAME") or os),
        "release": word(image, "its release", release, "--release"),
        "release_title": wanted.title or version,
        "subarch": GENERIC,
        "subarches": GENERIC,
        "version": version,
    }
    if said.get("SUPPORT_END"):
        fields["support_eol"] = said["SUPPORT_END"]
    return fields


def sound(image: Image) -> list[str]:
    """The ftypes that an image can have, the best one first. Raises RefusedError if it has none."""
    if image.broken is not None:
        why = f"it can't be read to its end: {clean(image.broken)}"
        raise RefusedError(Refusal(image.path, why, "make or copy it again"))
    if not image.size:
        raise RefusedError(Refusal(image.path, "it is empty", "make or copy it again"))
    fitting = [f for f in image.content.fitting(ftypes()) if is_root(f)]
    inside = image.tree or image.disk
    if not fitting or inside is None:
        what = image.content.in_words()
        why = f"it is {what}; MAAS deploys a tarball of a root file system, or a raw disk image"
        raise RefusedError(Refusal(image.path, why, *_conversion(image)))
    return fitting


def architecture(image: Image, wanted: Wanted) -> str:
    """The architecture of an image. Raises RefusedError if it is unknown or contradictory."""
    if wanted.arch is not None and image.arch not in (None, wanted.arch):
        why = f"its programs are for {image.arch}, not {wanted.arch}"
        raise RefusedError(Refusal(image.path, why, "leave out --arch"))
    arch = wanted.arch or image.arch
    if arch is None:
        raise asked(image, "its architecture", "--arch, amd64 or arm64 mostly")
    return arch


def version_named(product: str, image: Image, wanted: Wanted, frame: Frame) -> str:
    """The name of the new version. Raises RefusedError where MAAS would not take it."""
    known = frame.known.get(product, ())
    name = wanted.version_name or naming.next_version(frame.day, known)
    last = max(known, default="")
    if name is None or name <= last:
        what = f"the version {name}" if name else f"a version of {frame.day:%Y%m%d}"
        why = f"{product} has version {last}, and MAAS takes the last one in text order: not {what}"
        raise RefusedError(
            Refusal(image.path, why, f"give --version-name one that sorts after {last}")
        )
    return name


def word(image: Image, what: str, told: str, option: str) -> str:
    """A text that can be a part of names and paths. Raises RefusedError for any other text."""
    if not WORD.fullmatch(told):
        why = f"{what}, {clean(repr(told))}, cannot be a part of a name"
        raise RefusedError(Refusal(image.path, why, f"give {option}"))
    return told


def asked(image: Image, what: str, option: str) -> RefusedError:
    """What the image does not say, and the option for it."""
    return RefusedError(Refusal(image.path, f"it does not say {what}", f"give {option}"))


def _driver(
    image: Image,
    wanted: Wanted,
    system: Distribution | None,
    fitting: Sequence[str],
    frame: Frame,
) -> tuple[str, str]:
    """The os of MAAS, and the ftype, that all release lines deploy."""
    said = naming.about(image)
    if system is None and wanted.os is None:
        what = f"(ID={clean(said['ID'])}) " if said.get("ID") else ""
        raise asked(
            image, f"which os of MAAS {what}it is", "--os, like rhel for what is built like it"
        )
    able = system.os if system else (wanted.os or "",)
    if not able:
        raise _uploaded(image, wanted, system, fitting)
    if wanted.os is not None and wanted.os not in able:
        name = clean(said.get("PRETTY_NAME") or said.get("NAME") or said["ID"])
        why = f"it is {name}, which MAAS deploys as os {' or '.join(able)}, not {wanted.os}"
        raise RefusedError(Refusal(image.path, why, f"leave out --os, or give --os {able[0]}"))
    lines: list[str] = []
    for os in (wanted.os,) if wanted.os else able:
        for ftype, on in naming.deploying(os, fitting, frame.releases).items():
            if len(on) == len(frame.releases):
                return os, ftype
            lines = max(lines, on, key=len)
    if lines:
        why = f"only MAAS {', '.join(lines)} deploys it as os {wanted.os or able[0]}"
        raise RefusedError(Refusal(image.path, why, f"give --maas {','.join(lines)}"))
    raise _uploaded(image, wanted, system, fitting)


def upload_command(image: Image, wanted: Wanted) -> str:
    """The command that uploads an image. Raises RefusedError for what MAAS does not take at all."""
    ftype, arch = sound(image)[0], architecture(image, wanted)
    system, said = naming.system(image), naming.about(image)
    release = wanted.release or filled(system.release if system else None, said)
    name = release or image.path.name.partition(".")[0]
    return uploads.command(
        image.path,
        ftype,
        name=name,
        title=wanted.title or clean(said.get("PRETTY_NAME") or said.get("NAME") or name),
        arch=arch,
        base_image=wanted.base_image or filled(system.base_image if system else None, said),
    )


def _uploaded(
    image: Image, wanted: Wanted, system: Distribution | None, fitting: Sequence[str]
) -> RefusedError:
    """The refusal of an image that needs an upload."""
    os = wanted.os or (system.os[0] if system and system.os else None)
    why = system.why_not if system is not None and system.why_not else None
    why = why or f"MAAS deploys no {fitting[0]} as os {os}"
    return RefusedError(Refusal(image.path, why, "upload it", upload_command(image, wanted)))


def _instead(system: Distribution | None, os: str, frame: Frame) -> list[str]:
    """That an image goes under another os than its own, and on which lines it would not."""
    if system is None or not system.os or system.os[0] == os:
        return []
    own = system.os[0]
    lines = [r.line for r in frame.releases if own in r.drivers]
    if not lines:
        return []
    why = f"os {os}, since not all of these MAAS have a driver for {own}"
    return [f"{why}; with --maas {','.join(lines)} it is os {own}"]


def _key(ftype: str, releases: Sequence[Release]) -> str:
    """The key of the item: strict lines find a root file by it, whatever its ftype."""
    for release in releases:
        for shape in release.shapes if release.strict else ():
            if shape.name == SINGLE:
                return shape.downloads[0]
    return ftype


def _conversion(image: Image) -> tuple[str, str | None]:
    for layer in image.content.layers:
        if layer in _CONVERSIONS:
            path = image.path
            names = {"path": shlex.quote(str(path)), "stem": shlex.quote(str(path.with_suffix("")))}
            return "convert it", _CONVERSIONS[layer].format(**names)
    return "give a .tar.gz or .dd.gz, as packer-maas makes them", None
