"""What a file is, in words, and whether that suits its ftype."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_stream_lint.rulebook import FileType

#: Every kind there is, in words.
KINDS = {
    "empty": "an empty file",
    "zeros": "nothing but zero bytes",
    "squashfs": "a squashfs",
    "gzip": "gzip data",
    "xz": "xz data",
    "lzma": "lzma data",
    "bzip2": "bzip2 data",
    "zstd": "zstd data",
    "lz4": "lz4 data",
    "lzop": "lzop data",
    "cpio": "a cpio archive",
    "tar": "a tar",
    "tree": "a root file system",  # of what a tar holds
    "folder": "a folder",  # the same: one that no root file system has, or a link
    "bzimage": "an x86 kernel (bzImage)",
    "zimage": "an ARM kernel (zImage)",
    "arm64-image": "an arm64 kernel (Image)",
    "riscv-image": "a RISC-V kernel (Image)",
    "s390-kernel": "an s390x kernel",
    "elf": "an ELF file",
    "pe": "an EFI program",
    "uimage": "a U-Boot image",
    "fit": "a U-Boot FIT image",
    "dtb": "a device tree",
    "qcow2": "a qcow2 disk image",
    "vmdk": "a VMDK disk image",
    "vhd": "a VHD disk image",
    "vhdx": "a VHDX disk image",
    "vdi": "a VDI disk image",
    "iso9660": "an ISO 9660 image",
    "disk": "a raw disk image",
    "ext4": "an ext file system",
    "xfs": "an XFS file system",
    "fat": "a FAT file system",
    "ntfs": "an NTFS file system",
    "zip": "a zip archive",
    "7z": "a 7z archive",
    "rpm": "an RPM package",
    "deb": "a Debian package",
    "ar": "an ar archive",
    "pgp": "armored PGP data",
    "html": "an HTML page",
    "xml": "an XML document",
    "json": "a JSON document",
    "text": "text",
    "data": "unknown data",
}

STREAM_KINDS = ("gzip", "xz", "lzma", "bzip2")  # zstd and lz4 are not in Python's library

DISK_SUFFIXES = {
    ".img": "disk",
    ".raw": "disk",
    ".dd": "disk",
    ".qcow2": "qcow2",
    ".vmdk": "vmdk",
    ".vhd": "vhd",
    ".vhdx": "vhdx",
    ".vdi": "vdi",
    ".iso": "iso9660",
}

Layers = tuple[str, ...]


class Content(NamedTuple):
    """What a file is, and what is in it, as far as its first bytes tell."""

    #: From the outside in: ``("gzip", "tar", "qcow2")``. A compression comes alone if it can't be
    #: opened from these bytes, a tar if what it begins with can't be told.
    layers: tuple[str, ...]
    #: Of a tar: the name of its first member, ``./`` not counted, as it is written there.
    member: str | None = None

    @property
    def kind(self) -> str:
        """What the file is."""
        return self.layers[0]

    @property
    def inside(self) -> str | None:
        """What the file holds, if it is a compression or a tar."""
        return self.layers[1] if self.layers[1:] else None

    @property
    def opened(self) -> bool:
        """Whether it is a compression that this tool opens."""
        return self.kind in STREAM_KINDS

    def suits(self, wanted: FileType) -> bool | None:
        """Whether it can be what its ftype wants; ``None`` where these bytes can't tell."""
        layers, accepted = self.layers, wanted.usual + wanted.also
        if any(_within(layers, pattern) for pattern in wanted.but_not):
            return False
        if any(_begins(layers, pattern) for pattern in accepted):
            return True
        doubted = any(_begins(layers, pattern) for pattern in wanted.perhaps)
        unseen = any(_begins(pattern, layers) for pattern in accepted + wanted.perhaps)
        return None if doubted or unseen else False

    def fitting(self, table: Mapping[str, FileType]) -> list[str]:
        """The ftypes that would suit it: the sure ones, then those in doubt.

        In doubt are only those of which all but the innermost layer fits. Either are in the
        order of the table.
        """
        layers = self.layers
        sure, doubted = [], []
        for ftype, wanted in table.items():
            verdict = self.suits(wanted)
            if verdict and any(_begins(layers, pattern) for pattern in wanted.usual):
                sure.append(ftype)
            elif verdict is None and layers[1:]:
                outer = [pattern[:-1] for pattern in wanted.usual if pattern[1:]]
                if any(_begins(layers, pattern) for pattern in outer):
                    doubted.append(ftype)
        return sure + doubted

    def in_words(self) -> str:
        """What it is, in a few words: ``a gzip'd tar that begins with `disk.qcow2` ``."""
        kind, inside = self.kind, self.inside
        said = KINDS[kind]
        if self.opened and inside:
            plain = KINDS[inside].removeprefix("nothing but ")
            noun = plain.removeprefix("a ").removeprefix("an ")
            article = "" if noun == plain else "an " if kind in ("xz", "lzma") else "a "
            said = f"{article}{kind}'d {noun}"
        if self.member is not None:
            said += f" that begins with `{self.member}`"
            held = self.layers[-1]
            if held in DISK_SUFFIXES.values() and suffix(self.member) not in DISK_SUFFIXES:
                said += f" ({KINDS[held]})"
        return said


def _within(layers: Layers, pattern: Layers) -> bool:
    return any(_begins(layers[at:], pattern) for at in range(len(layers)))


def _begins(layers: Layers, pattern: Layers) -> bool:
    return layers[: len(pattern)] == pattern


def suffix(name: str) -> str:
    """The last part of a file's name, from its last dot on, in lower case."""
    return name[name.rfind(".") :].lower()
