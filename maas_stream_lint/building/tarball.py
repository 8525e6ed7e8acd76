"""What is in a root tarball, by one pass that unpacks nothing."""

from __future__ import annotations

import re
import shutil
import tarfile
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, cast

from maas_stream_lint.building import os_release
from maas_stream_lint.building.streams import BROKEN, STEP, Borrowed, Rationed, opened
from maas_stream_lint.distributions import architectures
from maas_stream_lint.images.bounds import BOUNDS
from maas_stream_lint.images.sniff import HEAD_BYTES, sniff
from maas_stream_lint.images.tar_member import Member
from maas_stream_lint.records import field, record

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from maas_stream_lint.images.bounds import Bounds

#: Bytes of dpkg's list that are read; the full desktop's has 10 MB.
MAX_STATUS = 64 * 2**20
_PROGRAMS = re.compile(r"(usr/)?s?bin/[^/]+|(usr/)?lib/systemd/systemd[^/]*")
_RELEASES = ("etc/os-release", "usr/lib/os-release", "lib/os-release")
_STATUS = "var/lib/dpkg/status"
_CLOUD_INIT = "usr/bin/cloud-init"
_KERNEL = re.compile(r"boot/vmlinu[xz]-[^/]+")
_INITRD = re.compile(r"boot/(initrd\.img|initrd|initramfs)-[^/]+")


@record
class Tree:
    """A root file system, as a tarball has it."""

    about: dict[str, str] = field(default_factory=dict)  #: members of its os-release
    arch: str | None = None  #: of its programs; ``None``: they do not tell, or do not agree
    packages: list[tuple[str, str]] = field(default_factory=list)  #: of dpkg: name, version
    kernels: list[str] = field(default_factory=list)  #: paths below ``boot``
    initrds: list[str] = field(default_factory=list)
    cloud_init: bool = False
    size: int = 0  #: of all that is in it, in bytes
    broken: str | None = None  #: why it can't be read to its end


def look(file: BinaryIO) -> Tree:
    """Go through a tar, which is decompressed already. What is wrong with it is in ``broken``."""
    tree, texts, machines = Tree(), dict[str, bytes](), Counter[str]()
    try:
        with tarfile.open(fileobj=file, mode="r|", bufsize=STEP, tarinfo=Member) as tar:
            for member in tar:
                _see(tree, tar, member, texts, machines)
                tar.members = []  # type: ignore[attr-defined] # it keeps every one
        while file.read(STEP):  # a checksum comes behind the padding
            pass
    except tarfile.TarError as error:
        tree.broken = str(error)
    except BROKEN as error:
        tree.broken = str(error) or type(error).__name__
    tree.about = next((_text(texts[name]) for name in _RELEASES if name in texts), {})
    tree.packages = os_release.packages(texts.get(_STATUS, b"").decode(errors="replace"))
    tree.arch = _agreed(machines)
    return tree


def _see(
    tree: Tree,
    tar: tarfile.TarFile,
    member: tarfile.TarInfo,
    texts: dict[str, bytes],
    machines: Counter[str],
) -> None:
    name = member.name.removeprefix("./").strip("/")
    tree.cloud_init = tree.cloud_init or name == _CLOUD_INIT
    if not member.isreg():
        return
    tree.size += member.size
    if _KERNEL.fullmatch(name):
        tree.kernels.append(name)
    elif _INITRD.fullmatch(name):
        tree.initrds.append(name)
    elif name in _RELEASES:
        texts[name] = _read(tar, member, os_release.MAX_BYTES)
    elif name == _STATUS:
        texts[name] = _read(tar, member, MAX_STATUS)
    elif _PROGRAMS.fullmatch(name):
        machine = machine_of(_read(tar, member, 20))
        if machine is not None:
            machines[machine] += 1


def machine_of(head: bytes) -> str | None:
    """The architecture that an ELF file is for by its first 20 bytes, as MAAS calls it."""
    if head[:4] != b"\x7fELF" or len(head) < 20:
        return None
    order = "big" if head[5] == 2 else "little"
    number = int.from_bytes(head[18:20], order)  # type: ignore[arg-type]
    return architectures().elf.get(number)


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo, most: int) -> bytes:
    file = tar.extractfile(member)
    return file.read(most) if file is not None else b""


def _text(body: bytes) -> dict[str, str]:
    return os_release.parse(body.decode(errors="replace"))


def _agreed(machines: Counter[str]) -> str | None:
    """The one architecture of nearly all programs."""
    if not machines:
        return None
    (first, count), *_ = machines.most_common(1)
    return first if count * 10 >= sum(machines.values()) * 9 else None


def extract(file: BinaryIO, names: list[str], folder: Path) -> list[Path]:
    """Write members of a tar, which is decompressed already, into a folder, by their last names.

    Raises KeyError if one is not in it.
    """
    left: dict[str, Path | None] = dict.fromkeys(names)
    with tarfile.open(fileobj=file, mode="r|", bufsize=STEP, tarinfo=Member) as tar:
        for member in tar:
            name = member.name.removeprefix("./").strip("/")
            held = tar.extractfile(member) if name in left and member.isreg() else None
            if held is not None:
                place = folder / name.rpartition("/")[2]
                with place.open("xb") as made:
                    shutil.copyfileobj(held, made, STEP)
                left[name] = place
    return [_there(name, place) for name, place in left.items()]


def _there(name: str, place: Path | None) -> Path:
    if place is None:
        raise KeyError(name)
    return place


def about(path: Path, bounds: Bounds = BOUNDS) -> dict[str, str]:
    """The members of the os-release in a root tarball, which is read no further than that.

    Nothing, if the file is no tarball, cannot be read, or holds none within the bounds.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            layers = sniff(head, whole=len(head) < HEAD_BYTES).layers
            file.seek(0)
            inside = cast("BinaryIO", Rationed(opened(layers[0], Borrowed(file)), bounds))
            with tarfile.open(fileobj=inside, mode="r|", bufsize=STEP, tarinfo=Member) as tar:
                for member in islice(tar, bounds.members):
                    if member.isreg() and member.name.removeprefix("./").strip("/") in _RELEASES:
                        return _text(_read(tar, member, os_release.MAX_BYTES))
                    tar.members = []  # type: ignore[attr-defined] # it keeps every one
    except (tarfile.TarError, *BROKEN):
        pass
    return {}
