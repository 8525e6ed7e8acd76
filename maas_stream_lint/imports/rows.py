"""The rows that an import leaves in MAAS's database, as far as MAAS looks at them afterwards."""

from __future__ import annotations

from typing import NamedTuple

#: What a boot resource keeps of its product, beside its columns: ``BootResource.extra``.
EXTRA = ("subarches", "platform", "supported_platforms")


class StoredFile(NamedTuple):
    """A row of a boot resource's file: ``BootResourceFile``."""

    name: str  #: the last part of the item's ``path``
    ftype: str
    file: str  #: the products file
    product: str
    version: str
    item: str  #: the key of the item that named it last


class ResourceSet(NamedTuple):
    """One version of a boot resource: ``BootResourceSet``."""

    version: str
    label: str
    files: tuple[StoredFile, ...]  #: in the order of their rows

    @property
    def products(self) -> list[tuple[str, str]]:
        """The products whose files it holds: (products file, name), each once."""
        return list(dict.fromkeys((file.file, file.product) for file in self.files))

    @property
    def ftypes(self) -> frozenset[str]:
        """The file types it holds."""
        return frozenset(file.ftype for file in self.files)


class BootResource(NamedTuple):
    """A row of a synced boot resource: ``BootResource``."""

    name: str  #: ``os/release``; of a bootloader ``os/bootloader-type``
    architecture: str  #: ``arch/subarch``, the flavour in it
    kflavor: str | None
    alias: str | None  #: ``os/version``, where the release line has the column
    bootloader: bool
    rolling: bool  #: the product says so
    extra: dict[str, str]  #: members of EXTRA, as the import keeps them
    sets: tuple[ResourceSet, ...]  #: in the order of their rows


class Cached(NamedTuple):
    """A row of the list of available images: ``BootSourceCache``."""

    os: str
    release: str
    title: str | None
    codename: str | None
    has_eol: bool  #: whether ``support_eol`` is there


class Offer(NamedTuple):
    """What a row of that list lets a form select."""

    os: str
    release: str
    arch: str
    subarch: str | None  #: ``None`` where no selection names it
    label: str | None  #: likewise
