"""Finished images, as small as they can be: root tarballs and disk images."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import uuid
from pathlib import Path

#: e_machine of ELF.
MACHINES = {"amd64": 62, "arm64": 183, "ppc64el": 21}
ROCKY = 'NAME="Rocky Linux"\nVERSION="9.4 (Blue Onyx)"\nID="rocky"\nVERSION_ID="9.4"\n'
JAMMY = (
    'PRETTY_NAME="Ubuntu 22.04.4 LTS"\nNAME="Ubuntu"\nVERSION_ID="22.04"\n'
    'VERSION="22.04.4 LTS (Jammy Jellyfish)"\nVERSION_CODENAME=jammy\nID=ubuntu\n'
)
DEBIAN = (
    'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'
    'NAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n'
)
STATUS = (
    "Package: bash\nStatus: install ok installed\nVersion: 5.1-6\n\n"
    "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n"
)


def elf(arch: str = "amd64") -> bytes:
    """The beginning of a program."""
    return b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 3, MACHINES[arch]) + bytes(40)


def tarball(
    path: Path,
    about: str | None = ROCKY,
    arch: str | None = "amd64",
    more: dict[str, bytes] | None = None,
    mode: str = "w:gz",
) -> Path:
    """A root file system, as packer-maas packs it: names begin with ``./``."""
    files = {"etc/hostname": b"x\n", **(more or {})}
    if about is not None:
        files["usr/lib/os-release"] = about.encode()
    if arch is not None:
        files |= {"usr/bin/env": elf(arch), "usr/bin/sh": b"#!/bin/sh\n"}
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for folder in (".", "./etc", "./usr", "./usr/bin"):
            member = tarfile.TarInfo(folder)
            member.type = tarfile.DIRTYPE
            tar.addfile(member)
        link = tarfile.TarInfo("./etc/os-release")
        link.type, link.linkname = tarfile.SYMTYPE, "../usr/lib/os-release"
        tar.addfile(link)
        for name, body in files.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size, member.mode = len(body), 0o755
            tar.addfile(member, io.BytesIO(body))
    return path


def disk(path: Path, *partitions: str, body: bytes = b"") -> Path:
    """A gzip'd disk image with a GPT of such types."""
    table = b"".join(
        uuid.UUID(kind).bytes_le + uuid.uuid4().bytes + struct.pack("<QQ", 34, 99) + bytes(80)
        for kind in partitions
    )
    head = b"EFI PART" + bytes(64) + struct.pack("<QII", 2, len(partitions), 128) + bytes(424)
    protective = (
        bytes(446) + b"\0\0\2\0\xee\xff\xff\xff\1\0\0\0\xff\0\0\0" + bytes(48) + b"\x55\xaa"
    )
    whole = protective + head + table.ljust(16384, b"\0") + body
    path.write_bytes(gzip.compress(whole, mtime=0))
    return path


MSR = "E3C9E316-0B5C-4DB8-817D-F92DF00215AE"
VMFS = "AA31E02A-400F-11DB-9590-000C2911D1B8"
LVM = "E6D6D379-F507-44C2-A23C-238F2A3DF928"
EFI = b"BOOTX64 EFI" + bytes(21)


def cpio(files: dict[str, bytes]) -> bytes:
    """A cpio archive in the new ASCII format."""
    made = b""
    for number, (name, body) in enumerate([*files.items(), ("TRAILER!!!", b"")]):
        mode = 0 if name == "TRAILER!!!" else 0o100755
        numbers = (number, mode, 0, 0, 1, 0, len(body), 0, 0, 0, 0, len(name) + 1, 0)
        entry = b"070701" + b"".join(b"%08X" % n for n in numbers) + name.encode() + b"\0"
        made += entry + bytes(-len(entry) % 4) + body + bytes(-len(body) % 4)
    return made


#: As cloud-initramfs-rooturl has it.
ROOTURL = b'#!/bin/sh\ncase "$url" in\n\tsquash:http*) helper=mount_squash;;\nesac\n'


def initrd(script: bytes = ROOTURL, early: bytes = b"") -> bytes:
    """An initrd, its main part gzip'd; ``early``: what stands before that."""
    files = {"init": b"#!/bin/sh\n", "scripts/local-top/rooturl": script, "usr/big": bytes(70_000)}
    return early + gzip.compress(cpio(files), mtime=0)


def ubuntu(path: Path, more: dict[str, bytes] | None = None, about: str = JAMMY) -> Path:
    """An Ubuntu as packer-maas leaves it: with cloud-init, without what boots from a network."""
    status = "Package: cloud-init\nStatus: install ok installed\nVersion: 24.1\n"
    files = {"usr/bin/cloud-init": b"#!/usr/bin/python3\n", "var/lib/dpkg/status": status.encode()}
    return tarball(path, about, more={**files, **(more or {})})
