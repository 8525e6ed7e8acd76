"""Synthetic streams, shaped like Canonical's: ``python bench/streams.py 2000 5 DIRECTORY``.

Images of 18 Ubuntu series, 4 architectures and as many kernels as it takes stand in one products
file, bootloaders in another. Boot files are one product's own; squashfs and manifest are shared by
a series and architecture. Nothing is random: the same arguments give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

CONTENT = "com.example.maas:stable:v3:download"
BOOTLOADERS = "com.example.maas:stable:1:bootloader-download"
NAMES = "com.example.maas.stable"
UPDATED = "Sun, 01 Nov 2026 10:00:00 +0000"
ARCHES = ("amd64", "arm64", "i386", "ppc64el")  # those that GRUBS can boot
SERIES = (
    ("precise", "12.04"),
    ("trusty", "14.04"),
    ("xenial", "16.04"),
    ("bionic", "18.04"),
    ("cosmic", "18.10"),
    ("disco", "19.04"),
    ("eoan", "19.10"),
    ("focal", "20.04"),
    ("groovy", "20.10"),
    ("hirsute", "21.04"),
    ("impish", "21.10"),
    ("jammy", "22.04"),
    ("kinetic", "22.10"),
    ("lunar", "23.04"),
    ("mantic", "23.10"),
    ("noble", "24.04"),
    ("oracular", "24.10"),
    ("plucky", "25.04"),
)
GRUBS = (
    ("grub-efi-signed", "uefi", "amd64", "grub2-signed"),
    ("grub-efi", "uefi", "arm64", "grub2"),
    ("grub-ieee1275", "open-firmware", "ppc64el", "grub2"),
    ("pxelinux", "pxe", "i386", "syslinux"),
)

#: Values that some field somewhere does not take.
STRANGE: tuple[Any, ...] = (None, 7, -1, 2.5, True, "", "x" * 300, "ü\0", "a,b", [], {}, ["x"], "7")

KINDS = {
    "good": "for every release line",
    "root-image": "a root-image.gz beside each squashfs, which MAAS leaves out",
    "platform": "every tenth product for a platform, so that not all legacy lines import it alike",
    "defects": "one of DEFECTS in every tenth product",
    "all-defects": "one of DEFECTS in every product",
    "random": "something at random spoilt in every fourth product",
    "upper-case": "every item's sha256 in upper case",
    "misnamed": "every product's name without its version",
    "real": "all of Canonical's fields: md5 and sha512 too, root-image.gz in old series, platforms",
    "compact": "the same without white space",
    "custom": "systems of one's own: one root file and its manifest each",
}


def tree(products: int, versions: int, kind: str = "good", seed: int = 0) -> dict[str, bytes]:
    """A stream: path → bytes. ``seed``: what chance begins with, where the kind has any."""
    indent = None if kind == "compact" else 1
    named: dict[str, Any] = {}
    for number, kernel in enumerate(itertools.islice(_kernels(), products)):
        if kind == "custom":
            name, product = _custom(number, versions)
            named[name] = product
            continue
        name, product = _image(kernel, versions, root_image=kind == "root-image")
        if kind == "all-defects" or (kind == "defects" and number % 10 == 0):
            spoil = DEFECTS[number // (10 if kind == "defects" else 1) % len(DEFECTS)]
            name = spoil(name, product)
        if kind == "random" and number % 4 == 0:
            name = _spoilt_at_random(random.Random(f"{seed} {number}"), name, product, named)
        if kind == "upper-case":
            for version in product["versions"].values():
                for item in version["items"].values():
                    item["sha256"] = item["sha256"].upper()
        if kind == "misnamed":
            name = _unversioned(name, product)
        if kind in ("real", "compact"):
            _complete(product, kernel)
        if kind in ("platform", "real", "compact") and number % 10 == 0:
            name = name.replace(":v3:", ":v3+platform:")
        named[name] = product
    loaders = dict(_bootloader(*grub) for grub in GRUBS)
    index = {
        content: {
            "datatype": "image-downloads",
            "format": "products:1.0",
            "path": f"streams/v1/{content}.json",
            "products": sorted(held),
            "updated": UPDATED,
        }
        for content, held in ((CONTENT, named), (BOOTLOADERS, loaders))
    }
    return {
        path: json.dumps(data, indent=indent, sort_keys=True).encode()
        for path, data in (
            ("streams/v1/index.json", {"format": "index:1.0", "index": index, "updated": UPDATED}),
            (f"streams/v1/{BOOTLOADERS}.json", _file(BOOTLOADERS, loaders)),
            (f"streams/v1/{CONTENT}.json", _file(CONTENT, named)),
        )
    }


def write(root: Path, files: dict[str, bytes]) -> Path:
    """Put a stream on disk; gives the index."""
    for path, body in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)
    return root / "streams/v1/index.json"


class Kernel(NamedTuple):
    """What makes a product."""

    codename: str
    number: str
    arch: str
    subarch: str
    flavour: str


def _kernels() -> Iterator[Kernel]:
    """Each once, without end."""
    more = (f"flavour{n}" for n in itertools.count())
    for flavour in itertools.chain(("generic", "lowlatency"), more):
        for channel in ("ga-{}", "hwe-{}", "hwe-{}-edge"):
            for (codename, number), arch in itertools.product(SERIES, ARCHES):
                yield Kernel(codename, number, arch, channel.format(number), flavour)


def _image(kernel: Kernel, versions: int, *, root_image: bool) -> tuple[str, dict[str, Any]]:
    codename, number, arch, subarch, flavour = kernel
    part = subarch if flavour == "generic" else f"{subarch}-{flavour}"
    older = [f"hwe-{letter}" for letter in "pqrstuvw"]
    older += [f"ga-{v}" for _, v in SERIES if v <= number]
    product = {
        "arch": arch,
        "kflavor": flavour,
        "krel": codename,
        "label": "stable",
        "os": "ubuntu",
        "release": codename,
        "release_codename": f"{codename.title()} Example",
        "release_title": f"{number} LTS" if _long(number) else number,
        "subarch": subarch,
        "subarches": ",".join(dict.fromkeys(["generic", *older, subarch])),
        "support_eol": "2099-04-21",
        "version": number,
        "versions": {
            name: {"items": _items(f"{codename}/{arch}/{name}", part, root_image=root_image)}
            for name in _version_names(versions)
        },
    }
    return f"{NAMES}:v3:boot:{number}:{arch}:{part}", product


def _long(number: str) -> bool:
    return int(number[:2]) % 2 == 0 and number.endswith(".04")


def _items(shared: str, part: str, *, root_image: bool) -> dict[str, Any]:
    package = {"kpackage": "linux-generic"}
    items = {
        "boot-initrd": _item("boot-initrd", f"{shared}/{part}/boot-initrd", 69_206_016) | package,
        "boot-kernel": _item("boot-kernel", f"{shared}/{part}/boot-kernel", 14_680_064) | package,
        "manifest": _item("manifest", f"{shared}/squashfs.manifest", 17_000),
        "squashfs": _item("squashfs", f"{shared}/squashfs", 268_435_456),
    }
    if root_image:
        items["root-image.gz"] = _item("root-image.gz", f"{shared}/root-image.gz", 308_435_456)
    return items


def _custom(number: int, versions: int) -> tuple[str, dict[str, Any]]:
    arch, release = ARCHES[number % 2], f"rhel9-{number}"
    product = {
        "arch": arch,
        "label": "stable",
        "os": "rhel",
        "os_title": "Red Hat Enterprise Linux",
        "release": release,
        "release_title": f"9 build {number}",
        "subarch": "generic",
        "subarches": "generic",
        "version": f"9-{number}",
        "versions": {
            name: {
                "items": {
                    "manifest": _item("manifest", f"{release}/{name}/root-tgz.manifest", 9_000),
                    "root-tgz": _item("root-tgz", f"{release}/{name}/root-tgz", 805_306_368),
                }
            }
            for name in _version_names(versions)
        },
    }
    return f"{NAMES}:rhel:{release}:{arch}", product


def _version_names(versions: int) -> list[str]:
    return [f"2026{1 + n // 28:02}{1 + n % 28:02}" for n in range(versions)]


def _bootloader(os: str, type_: str, arch: str, package: str) -> tuple[str, dict[str, Any]]:
    item = {
        **_item("archive.tar.xz", f"bootloaders/{type_}/{arch}/20261001/{package}.tar.xz", 400_000),
        "src_package": package,
        "src_release": "noble",
        "src_version": "2.12-1",
    }
    return f"{NAMES}:1:{os}:{type_}:{arch}", {
        "arch": arch,
        "arches": arch,
        "bootloader-type": type_,
        "label": "stable",
        "os": os,
        "versions": {"20261001": {"items": {package: item}}},
    }


def _item(ftype: str, path: str, size: int) -> dict[str, Any]:
    sha256 = hashlib.sha256(path.encode()).hexdigest()
    return {"ftype": ftype, "path": path, "sha256": sha256, "size": size}


def _file(content_id: str, products: dict[str, Any]) -> dict[str, Any]:
    head = {"content_id": content_id, "datatype": "image-downloads", "format": "products:1.0"}
    return {**head, "products": products, "updated": UPDATED}


def _complete(product: dict[str, Any], kernel: Kernel) -> None:
    product["support_esm_eol"] = "2101-04-21"
    for name, version in product["versions"].items():
        shared = f"{kernel.codename}/{kernel.arch}/{name}"
        if kernel.number < "16":
            del version["items"]["squashfs"]
            item = _item("root-image.gz", f"{shared}/root-image.gz", 308_435_456)
            version["items"]["root-image.gz"] = item
        for item in version["items"].values():
            path = item["path"].encode()
            item["md5"] = hashlib.md5(path).hexdigest()
            item["sha512"] = hashlib.sha512(path).hexdigest()


# Each takes a name and a product, spoils one of them, and gives the name.


def _unversioned(name: str, product: dict[str, Any]) -> str:
    return name.replace(":v3:", ":")


def _no_kernel(name: str, product: dict[str, Any]) -> str:
    del _newest(product)["boot-kernel"]
    return name


def _misspelt(name: str, product: dict[str, Any]) -> str:
    _newest(product)["squashfs"]["ftype"] = "sqaushfs"
    return name


def _upper_case(name: str, product: dict[str, Any]) -> str:
    item = _newest(product)["boot-initrd"]
    item["sha256"] = item["sha256"].upper()
    return name


def _unlabelled(name: str, product: dict[str, Any]) -> str:
    del product["label"]
    return name


def _newest(product: dict[str, Any]) -> dict[str, Any]:
    items: dict[str, Any] = product["versions"][max(product["versions"])]["items"]
    return items


def _spoilt_at_random(
    chance: random.Random, name: str, product: dict[str, Any], others: dict[str, Any]
) -> str:
    """Remove, change or copy from another product whatever chance points at."""
    holder, other = product, others[chance.choice(list(others))] if others else product
    while True:
        key = chance.choice(list(holder))
        inside = holder[key]
        if not (isinstance(inside, dict) and inside and chance.random() < 0.8):
            break
        holder, other = inside, other.get(key, {}) if isinstance(other, dict) else {}
    what = chance.randrange(4)
    if what == 0:
        del holder[key]
    elif what == 1:
        holder[key] = chance.choice(STRANGE)
    elif what == 2 and isinstance(other, dict):
        holder[key] = other.get(key, "other")
    else:
        holder[f"{key}-2"] = holder.pop(key)
    return name.replace("boot", chance.choice(("boot", "boot", "ubuntu", "é")), 1)


DEFECTS = (_unversioned, _no_kernel, _misspelt, _upper_case, _unlabelled)


def main() -> None:
    """Write one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("products", type=int)
    parser.add_argument("versions", type=int)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--kind", choices=KINDS, default="good")
    given = parser.parse_args()
    print(write(given.directory, tree(given.products, given.versions, given.kind)))


if __name__ == "__main__":
    main()
