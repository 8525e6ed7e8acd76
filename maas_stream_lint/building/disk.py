"""The system on a disk image, as its partition table and its first gigabyte show."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

from maas_stream_lint.building.streams import BROKEN, STEP
from maas_stream_lint.distributions import architectures, disk_named, disk_of
from maas_stream_lint.records import field, record

if TYPE_CHECKING:
    from typing import BinaryIO

#: Decompressed bytes that are looked through: what boots stands at the beginning.
LOOKED_AT = 2**30
_SECTOR = 512
_LONGEST = 128  # of what is looked for


@record
class Disk:
    """A disk image."""

    system: str | None = None  #: ``esxi``, ``linux`` or ``windows``; ``None``: it does not tell
    arch: str | None = None  #: by its UEFI boot loader
    version: str | None = None  #: of an ESXi
    size: int = 0  #: decompressed, in bytes
    broken: str | None = None  #: why it can't be read to its end
    _found: set[str] = field(default_factory=set)
    _versions: set[str] = field(default_factory=set)


def look(file: BinaryIO) -> Disk:
    """Go through a disk image, which is decompressed already."""
    disk, tail = Disk(), b""
    try:
        while piece := file.read(STEP):
            if not disk.size:
                disk.system = _system(piece)
            if disk.size < LOOKED_AT:
                _search(disk, tail + piece)
                tail = piece[-_LONGEST:]
            disk.size += len(piece)
    except BROKEN as error:
        disk.broken = str(error) or type(error).__name__
    disk.arch = next(iter(disk._found)) if len(disk._found) == 1 else None
    disk.version = next(iter(disk._versions)) if len(disk._versions) == 1 else None
    return disk


def _search(disk: Disk, text: bytes) -> None:
    disk._found |= {arch for name, arch in architectures().efi.items() if name in text}
    line = disk_named(disk.system).version_line if disk.system else None
    if line is not None:
        disk._versions |= {match[1].decode() for match in re.finditer(line, text)}


def _system(head: bytes) -> str | None:
    guids = _guids(head)
    types = {head[at + 4] for at in range(446, 510, 16)} if head[510:512] == b"\x55\xaa" else set()
    known = disk_of(guids, types)
    return known.ids[0] if known else None


def _guids(head: bytes) -> set[str]:
    """The types of the partitions of a GPT; none if there is no GPT."""
    for sector in (_SECTOR, 4096):
        table = head[sector : sector + 92]
        if table.startswith(b"EFI PART") and len(table) == 92:
            at = int.from_bytes(table[72:80], "little") * sector
            count = min(int.from_bytes(table[80:84], "little"), 1024)
            width = max(int.from_bytes(table[84:88], "little"), 128)
            entries = (head[start : start + 16] for start in range(at, at + count * width, width))
            return {str(uuid.UUID(bytes_le=e)).upper() for e in entries if len(e) == 16 and any(e)}
    return set()
