"""Which ``os`` of MAAS the system on an image goes under: ``rules/distributions.toml``, typed."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from maas_stream_lint.records import record
from maas_stream_lint.rule_tables import rules_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


#: A shorter name is no part of another.
SHORTEST = 4


@record(frozen=True)
class Distribution:
    """One entry: how the tool recognises a system, and the os of MAAS for it."""

    ids: tuple[str, ...]  #: ``ID`` of os-release(5), or the name of a kind of disk image
    os: tuple[str, ...]  #: the os of MAAS, the best one first; empty: no stream can carry it
    release: str | None = None  #: a pattern of the release; ``None``: the user has to name it
    name: str | None = None  #: a pattern that ``NAME`` of os-release(5) must match
    base_image: str | None = None  #: a pattern of the ``base_image`` of an upload
    why_not: str | None = None  #: why no stream can carry it
    title: str | None = None  #: what a disk image of it is called
    version_line: bytes | None = None  #: a pattern of the version in a text file of a disk image
    partitions: frozenset[str] = frozenset()  #: type GUIDs of a GPT, in capital letters
    types: frozenset[int] = frozenset()  #: partition types of an MBR


@record(frozen=True)
class Architectures:
    """What programs say of the architecture that they are for."""

    elf: Mapping[int, str]  #: ``e_machine`` → architecture, as MAAS calls it
    efi: Mapping[bytes, str]  #: the 8.3 name of a boot loader → architecture


def distribution_of(about: Mapping[str, str]) -> Distribution | None:
    """The entry for what an os-release file says, ``None`` if there is none.

    ``about``: its members, as ``os_release.parse`` gives them.
    """
    for system in _tables("distribution"):
        fits = system.name is None or re.search(system.name, about.get("NAME", ""))
        if about.get("ID", "linux") in system.ids and fits:
            return system
    return None


def filled(pattern: str | None, said: Mapping[str, str]) -> str | None:
    """A pattern with its holes filled, ``None`` if the image does not say what goes into one."""
    version = said.get("VERSION_ID")
    holes = {
        "version": version,
        "major": version.split(".")[0] if version else None,
        "codename": said.get("VERSION_CODENAME") or said.get("UBUNTU_CODENAME"),
        "id": said.get("ID"),
    }
    needed = re.findall(r"\{(\w+)\}", pattern or "")
    if pattern is None or any(holes[hole] is None for hole in needed):
        return None
    return pattern.format(**holes)


def distribution_called(os: str) -> Distribution | None:
    """The entry for what a product calls its system, ``None`` if there is none.

    People shorten names: ``alma`` is found as ``almalinux``.
    """
    known, called = _tables("distribution"), os.lower()
    exact = next((d for d in known if called in map(str.lower, d.ids)), None)
    if exact is not None or len(called) < SHORTEST:
        return exact
    return next((d for d in known if any(i.lower().startswith(called) for i in d.ids)), None)


def disk_of(partitions: Iterable[str], types: Iterable[int]) -> Distribution | None:
    """The entry for a disk image by its partitions' types, ``None`` if they do not tell."""
    guids, kinds = set(partitions), set(types)
    for system in _tables("disk"):
        if system.partitions & guids or system.types & kinds:
            return system
    return None


def disk_named(name: str) -> Distribution:
    """The entry for a kind of disk image: ``esxi``, ``linux``, ``windows``."""
    return next(system for system in _tables("disk") if name in system.ids)


def notes(os: str, arch: str) -> list[str]:
    """What the owner of an image for an os and an architecture should know."""
    return [n["text"] for n in _data()["note"] if os in n["os"] and arch in n["arch"]]


def standard_source() -> tuple[str, str]:
    """URL and keyring of the stream that MAAS uses by default."""
    known = _data()["standard-source"]
    return known["url"], known["keyring"]


def network_root() -> tuple[bytes, list[str]]:
    """What an initrd holds that can mount a root from the network, and the packages for it."""
    known = _data()["network-root"]
    return known["mark"].encode(), known["packages"]


def packer_maas() -> Mapping[str, Mapping[str, Any]]:
    """Template of packer-maas → what is unlike other templates: ``outputs``, ``base-image``."""
    known: Mapping[str, Mapping[str, Any]] = _data()["packer-maas"]
    return known


@lru_cache(maxsize=1)
def architectures() -> Architectures:
    """How architectures are recognised."""
    known = _data()["architectures"]
    return Architectures(
        {table["elf"]: name for name, table in known.items()},
        {table["efi"].encode(): name for name, table in known.items() if "efi" in table},
    )


@lru_cache(maxsize=1)
def _data() -> dict[str, Any]:
    return rules_table("distributions.toml")


@lru_cache(maxsize=2)
def _tables(kind: str) -> tuple[Distribution, ...]:
    return tuple(_system(table) for table in _data()[kind])


def _system(table: Mapping[str, Any]) -> Distribution:
    ids = table["id"]
    return Distribution(
        ids=(ids,) if isinstance(ids, str) else tuple(ids),
        os=tuple(table["os"]),
        release=table.get("release"),
        name=table.get("name"),
        base_image=table.get("base-image"),
        why_not=table.get("why-not"),
        title=table.get("title"),
        version_line=table["version-line"].encode() if "version-line" in table else None,
        partitions=frozenset(table.get("partitions", ())),
        types=frozenset(table.get("types", ())),
    )
