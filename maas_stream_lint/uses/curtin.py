"""What MAAS gives curtin to install."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.uses.refusal import Refusal

if TYPE_CHECKING:
    from maas_stream_lint.uses.chosen_kernel import Machine, System
    from maas_stream_lint.uses.stock_image import Image

#: Curtin copies the root that the machine has booted.
COPY = "cp:///media/root-ro"
NO_IMAGE = (
    "Error generating the URL of curtin's image file.  No image could be found for the given "
    "selection: os={os}, arch={arch}, subarch={subarch}, series={release}, purpose=xinstall."
)
TARS = ("tgz", "txz", "tbz")


class Handed(NamedTuple):
    """A file, and how curtin writes it."""

    kind: str  #: ``tar``, ``dd-…`` or ``fsimage``; empty if the booted root is copied
    file: str
    label: str = ""  #: of the rack's directory that it was found in

    def to_dict(self) -> str | dict[str, str]:
        """In the form of the report."""
        return {"type": self.kind, "file": self.file} if self.kind else COPY


def handed(file: str, kind: str, system: System, label: str = "") -> Handed:
    """What the URL says of a file: ``get_curtin_installer_url`` (maasserver/preseed.py)."""
    if kind == "squashfs":
        precise = system.os == "ubuntu" and system.release == "precise"
        return Handed("fsimage" if precise else "", file, label)
    return Handed("tar" if kind in TARS else kind, file, label)


def no_image(subarch: str, machine: Machine, system: System, image: Image | None) -> Refusal:
    """``image``: what was found, but has no file that the driver takes."""
    told = NO_IMAGE.format(os=system.os, arch=machine.arch, subarch=subarch, release=system.release)
    cause = "no-image" if image is None else "no-root"
    return Refusal(cause, "MissingBootImage", told, image=image)
