"""What MAAS calls the boot resource that a product becomes: the one rule of both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.objects import once

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    #: A product's field by name, ``None`` where it is absent.
    Fields = Callable[[str], str | None]

#: What a product is, as far as its name as a boot resource goes.
BOOTLOADER, SNAP, LONE_ROOT, IMAGE = "bootloader", "snap", "lone-root", "image"
#: The subarch of what is for all machines of an architecture, and the flavour of a usual kernel.
GENERIC = "generic"


class Identity(NamedTuple):
    """A boot resource: one row of ``maasserver_bootresource``."""

    name: str  #: ``os/series``
    architecture: str  #: ``arch/subarch``
    kflavor: str | None
    alias: str | None  #: ``os/version``


class Identities(NamedTuple):
    """Boot resources as columns, with the members of `Identity`."""

    names: Sequence[str]
    architectures: Sequence[str]
    arches: Sequence[str]  #: what stands before the slash of an architecture
    subarches: Sequence[str]  #: and behind it
    kflavors: Sequence[str | None]
    aliases: Sequence[str | None]

    def row(self, at: int) -> Identity:
        """One of them."""
        return Identity(self.names[at], self.architectures[at], self.kflavors[at], self.aliases[at])


def series(kind: str, fields: Fields) -> str | None:
    """What follows the os in the name: the release, or what MAAS puts in its place."""
    if kind == BOOTLOADER:
        return fields("bootloader-type")
    release = fields("release")
    return f"{release}-{fields('gadget_snap')}" if kind == SNAP and release is not None else release


def identity(
    kind: str, os: str, fields: Fields, flavoured: Callable[[str, str | None], str]
) -> Identity:
    """The boot resource that a product becomes.

    ``kind``: one of this module's. ``flavoured``: the release's way to join a subarch with a kernel
    flavour. A field that is absent must have been refused before, where MAAS refuses it.

    Mirrors ``get_or_create_boot_resource`` (src/maasserver/bootresources.py) and
    ``BootResourceBuilder.from_simplestreams_product`` (3.8,
    maasservicelayer/builders/bootresources.py).
    """
    kflavor, version = fields("kflavor"), fields("version")
    if kind == SNAP:
        kernel = fields("kernel_snap")
        kflavor = GENERIC if kernel is None else kernel
    subarch = subarch_of(kind, fields("subarch"), kflavor, flavoured)
    return Identity(
        f"{os}/{series(kind, fields)}",
        f"{fields('arch')}/{subarch}",
        GENERIC if kind == LONE_ROOT else kflavor,
        f"{os}/{version}" if version else None,
    )


def identities(
    kind: str,
    columns: Callable[[str], Sequence[Any]],
    subarches_of: dict[tuple[str | None, str | None], str],
) -> Identities:
    """The boot resources that many products become: `identity` for each row of columns.

    ``kind``: IMAGE or LONE_ROOT. ``columns``: a field's values by its name, ``None`` where it is
    absent. ``subarches_of``: what becomes of a subarch and kflavor (`subarch_of`).
    """
    systems, kflavors = columns("os"), columns("kflavor")
    kernels = list(zip(columns("subarch"), kflavors, strict=True))
    arches, subarches = columns("arch"), list(map(subarches_of.__getitem__, kernels))
    versions = zip(systems, columns("version"), strict=True)
    return Identities(
        once(f"{os}/{release}" for os, release in zip(systems, columns("release"), strict=True)),
        once(f"{arch}/{subarch}" for arch, subarch in zip(arches, subarches, strict=True)),
        arches,
        subarches,
        [GENERIC] * len(kernels) if kind == LONE_ROOT else kflavors,
        once(f"{os}/{version}" if version else None for os, version in versions),
    )


def subarch_of(
    kind: str,
    subarch: str | None,
    kflavor: str | None,
    flavoured: Callable[[str, str | None], str],
) -> str:
    """The subarch in a boot resource's architecture."""
    if kind in (BOOTLOADER, SNAP):
        return GENERIC
    own = GENERIC if subarch is None else subarch
    return own if kind == LONE_ROOT else flavoured(own, kflavor)
