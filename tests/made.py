"""Streams that hypothesis makes: a few sound products, then edits that spoil them."""

from __future__ import annotations

import copy
import hashlib
import json
from typing import Any

from hypothesis import strategies as st

from trees import MemoryTree

UPDATED = "Sun, 01 Nov 2026 10:00:00 +0000"
INDEX = "streams/v1/index.json"

FIELDS = [
    *("os", "arch", "release", "label", "subarch", "subarches", "kflavor", "version"),
    *("bootloader-type", "release_title", "os_title", "release_codename"),
    *("support_eol", "support_esm_eol", "gadget_snap", "kernel_snap", "rolling"),
    *("platform", "supported_platforms"),
    *("maas_supported", "arches", "ftype", "path", "sha256", "md5", "size"),
    *("kpackage", "src_package", "release_notification", "content_id", "datatype"),
    *("format", "updated", "product_name", "version_name", "name", "versions"),
    *("items", "products", "index", "_aliases", "squashfs", "boot-kernel"),
    *("root-tgz", "manifest"),
]

# fmt: off
ODD = [
    None, True, False, 0, -1, 1000.0, 1.5, 2**63, "", "x", "a/b", "x" * 21, "x" * 33, "x" * 65,
    "x" * 256, "a\0b", "\ud800", [], {}, ["a"], {"a": "b"}, "1_000", " 12 ", "12.0", "1e3",
    "generic", "ubuntu", "ubuntu-core", "my-ubuntu", "custom", "debian", "hwe-22.04-edge",
    "ga-22.04", "nvidia", "3.5", "9.9", "soon", "true", "2027-04-21", "2027-4-1", "20270421",
    "a,b", "squashfs", "root-image.gz", "notifications", "bootloader", "root-tgz", "tgz",
    "archive.tar.xz", "manifest", "../x", "/x", "a/../b", "http://example.com/x", "index:1.0",
    "products:1.0", "image-ids", "Sun, 16 Jun 2024 14:41:38 GMT", "2024-06-16",
]
# fmt: on
VALUES = st.one_of(
    st.sampled_from(ODD),
    st.text(max_size=4),
    st.integers(),
)


def _item(ftype: str, path: str, **more: Any) -> dict[str, Any]:
    digest = hashlib.sha256(path.encode()).hexdigest()
    return {"ftype": ftype, "path": path, "sha256": digest, "size": 1000, **more}


def _ubuntu(
    name: str, release: str, number: str, arch: str, version: str
) -> tuple[str, dict[str, Any]]:
    sub, base = f"ga-{number}", f"{release}/{arch}/{version}"
    items = {
        key: _item(key, f"{base}/{sub}/generic/{key}", kpackage="linux-generic")
        for key in ("boot-initrd", "boot-kernel")
    }
    items["squashfs"] = _item("squashfs", f"{base}/squashfs")
    items["manifest"] = _item("manifest", f"{base}/squashfs.manifest")
    fields = {
        "arch": arch,
        "kflavor": "generic",
        "label": "stable",
        "os": "ubuntu",
        "release": release,
    }
    fields |= {"release_title": f"{number} LTS", "subarch": sub, "subarches": f"generic,{sub}"}
    fields |= {"support_eol": "2039-05-31", "version": number}
    product = {**fields, "versions": {version: {"items": items}}}
    return f"com.example:{name}:boot:{number}:{arch}:{sub}", product


def _root(os: str, number: str, arch: str, version: str, ftype: str) -> tuple[str, dict[str, Any]]:
    base = f"{os}/{os}{number}/{arch}/{version}"
    items = {
        ftype: _item(ftype, f"{base}/{ftype}"),
        "manifest": _item("manifest", f"{base}/manifest"),
    }
    fields = {
        "arch": arch,
        "label": "stable",
        "os": os,
        "release": f"{os}{number}",
        "version": number,
    }
    fields |= {"release_title": number, "subarch": "generic", "subarches": "generic"}
    return f"com.example:{os}-bases:{number}:{arch}", {
        **fields,
        "versions": {version: {"items": items}},
    }


def _bootloader(type_: str, os: str, arch: str, key: str) -> tuple[str, dict[str, Any]]:
    source = {"src_package": key, "src_release": "noble", "src_version": "2.12"}
    items = {key: _item("archive.tar.xz", f"bootloaders/{type_}/{arch}/1/{key}.tar.xz", **source)}
    fields = {"arch": arch, "arches": arch, "bootloader-type": type_, "label": "stable", "os": os}
    return f"com.example:1:{os}:{type_}:{arch}", {**fields, "versions": {"1": {"items": items}}}


def _core(gadget: str | None) -> tuple[str, dict[str, Any]]:
    item = _item("root-dd.xz", "ubuntu-core/22/amd64/1/root-dd.xz")
    fields = {"arch": "amd64", "label": "stable", "os": "ubuntu-core", "release": "22"}
    if gadget is not None:
        fields["gadget_snap"] = gadget
    versions = {"20261015": {"items": {"root-dd.xz": item}}}
    return "com.example:v4:ubuntu-core:22:amd64", {**fields, "versions": versions}


def _notification() -> tuple[str, dict[str, Any]]:
    told = {"maas_version": "9.0", "message": "there is a new release", "version": "1"}
    item = {"ftype": "notifications", "release_notification": told}
    fields = {"arch": "all", "label": "stable", "release": "notifications"}
    return "com.example:1:maas-notification", {
        **fields,
        "versions": {"1": {"items": {"release": item}}},
    }


ARCHES = st.sampled_from(["amd64", "arm64"])
VERSIONS = st.sampled_from(["20260101", "20261015", "9", "10"])
UBUNTU = st.builds(
    lambda name, release, arch, version: _ubuntu(name, *release, arch, version),
    st.sampled_from(["v3", "v3", "v2", "v3+platform", "ubuntu-bases"]),
    st.sampled_from([("noble", "24.04"), ("jammy", "22.04")]),
    ARCHES,
    VERSIONS,
)
ROOT = st.builds(
    _root,
    st.sampled_from(["rhel", "centos", "ol", "windows", "custom", "debian", "ubuntu"]),
    st.sampled_from(["8", "9"]),
    ARCHES,
    VERSIONS,
    st.sampled_from(["root-tgz", "root-tgz", "root-dd.gz", "root-txz"]),
)
BOOTLOADER = st.sampled_from(
    [
        _bootloader("uefi", "grub-efi-signed", "amd64", "grub2-signed"),
        _bootloader("uefi", "grub-efi", "arm64", "grub2"),
        _bootloader("pxe", "pxelinux", "amd64", "syslinux"),
    ]
)
OTHERS = st.sampled_from([_core("pc"), _core(None), _notification()])
#: One kind a file mostly, as 3.8 wants it; now and then all mixed.
PRODUCTS = st.one_of(
    st.lists(UBUNTU, min_size=1, max_size=3),
    st.lists(ROOT, min_size=1, max_size=3),
    st.lists(BOOTLOADER, min_size=1, max_size=2),
    st.lists(st.one_of(UBUNTU, ROOT, BOOTLOADER, OTHERS), min_size=1, max_size=3),
)


def _with_older(data: st.DataObject, product: dict[str, Any]) -> dict[str, Any]:
    """The product, now and then with a second version that holds as much or less."""
    product = copy.deepcopy(product)
    if data.draw(st.integers(0, 3)) == 0:
        (version,) = product["versions"].values()
        other = copy.deepcopy(version)
        if data.draw(st.booleans()):
            other["items"].pop(data.draw(st.sampled_from(sorted(other["items"]))))
        product["versions"][data.draw(VERSIONS)] = other
    return product


def _holders(value: Any) -> list[dict[str, Any]]:
    """All objects in a value, outermost first."""
    found: list[dict[str, Any]] = []
    queue = [value]
    for node in queue:
        if isinstance(node, dict):
            found.append(node)
        if isinstance(node, (dict, list)):
            queue += node.values() if isinstance(node, dict) else node
    return found


def _spoil(data: st.DataObject, document: Any) -> None:
    holders = _holders(document)
    holder = holders[data.draw(st.integers(0, len(holders) - 1))]
    keys = sorted(holder)
    known = bool(keys) and data.draw(st.booleans())
    key = data.draw(st.sampled_from(keys if known else FIELDS))
    what = data.draw(st.sampled_from(["drop", "set", "set", "rename", "copy"]))
    if what == "drop":
        holder.pop(key, None)
    elif what == "set":
        holder[key] = copy.deepcopy(data.draw(VALUES))
    elif what == "rename" and key in holder:
        holder[data.draw(st.sampled_from(FIELDS))] = holder.pop(key)
    elif what == "copy" and key in holder:
        holder[data.draw(st.sampled_from(["20270101", "latest", "copy", "squashfs"]))] = (
            copy.deepcopy(holder[key])
        )


def _products(documents: dict[str, Any]) -> list[dict[str, Any]]:
    files = (document.get("products", {}) for document in documents.values())
    return [product for products in files for product in products.values()]


def _rearrange(data: st.DataObject, documents: dict[str, Any]) -> None:
    """Now and then an index in the index, one file named twice, an alias, a doubled content_id."""
    index = documents[INDEX]["index"]
    first = next(iter(index.values()))
    products = documents[first["path"]]
    what = data.draw(st.integers(0, 30))
    if what == 0:
        inner = {"format": "index:1.0", "index": dict(index), "updated": UPDATED}
        documents["streams/v1/inner.json"] = inner
        index.clear()
        index["inner"] = {**first, "format": "index:1.0", "path": "streams/v1/inner.json"}
    elif what == 1:
        index["again"] = copy.deepcopy(first)
    elif what == 2:
        products["_aliases"] = {"alias": {"a": {"label": "stable", "os": "rhel"}}}
        next(iter(products["products"].values()))["alias"] = "a"
    elif what == 3 and all(len(p["versions"]) == 1 for p in _products(documents)):
        for entry in index.values():
            documents[entry["path"]]["content_id"] = "com.example:0"
    elif what == 4:
        documents[INDEX]["index"] = [{**entry, "name": key} for key, entry in index.items()]


@st.composite
def streams(draw: st.DrawFn) -> MemoryTree:
    """A stream of one to three products files, sound or spoilt in up to four places."""
    data = draw(st.data())
    documents: dict[str, Any] = {}
    index: dict[str, Any] = {}
    for number, products in enumerate(draw(st.lists(PRODUCTS, min_size=1, max_size=3))):
        content_id, path = f"com.example:{number}", f"streams/v1/com.example:{number}.json"
        head = {"content_id": content_id, "datatype": "image-downloads", "format": "products:1.0"}
        held = {name: _with_older(data, product) for name, product in products}
        documents[path] = {**head, "products": held, "updated": UPDATED}
        names = sorted(documents[path]["products"])
        index[content_id] = {
            "format": "products:1.0",
            "path": path,
            "products": names,
            "updated": UPDATED,
        }
    documents[INDEX] = {"format": "index:1.0", "index": index, "updated": UPDATED}
    _rearrange(data, documents)
    for _ in range(draw(st.integers(0, 4))):
        _spoil(data, documents[draw(st.sampled_from(sorted(documents)))])
    files = {path: json.dumps(value, indent=1).encode() for path, value in documents.items()}
    if draw(st.integers(0, 30)) == 0:
        path = draw(st.sampled_from(sorted(files)))
        files[path] = files[path][: draw(st.integers(0, len(files[path])))]
    first = "streams/v1/com.example:0.json"
    return MemoryTree(files, draw(st.sampled_from([INDEX] * 12 + ["", "", "", first])))


RELEASES = [("noble", "24.04"), ("jammy", "22.04"), ("focal", "20.04"), ("bionic", "18.04")]
#: Many products of one kind, all of them sound.
ALIKE = [
    dict(_ubuntu("v3", *one, arch, "20260101") for one in RELEASES for arch in ("amd64", "arm64")),
    dict(_root("rhel", str(number), "amd64", "20260101", "root-tgz") for number in range(8)),
]


@st.composite
def crowds(draw: st.DrawFn) -> MemoryTree:
    """A stream of one file with many products; some are spoilt, or take something of another."""
    data = draw(st.data())
    named = copy.deepcopy(draw(st.sampled_from([*ALIKE, {**ALIKE[0], **ALIKE[1]}])))
    document = {"content_id": "a", "datatype": "image-downloads", "format": "products:1.0"}
    for _ in range(draw(st.integers(0, 5))):
        one, other = (named[draw(st.sampled_from(sorted(named)))] for _ in range(2))
        fields = sorted(one.keys() & other.keys())
        what = draw(st.sampled_from(["spoil", "take", "take", "swap", "file"]))
        if what == "spoil":
            _spoil(data, draw(st.sampled_from([one, document])))
        elif what == "take" and fields:
            for field in draw(st.lists(st.sampled_from(fields), min_size=1, unique=True)):
                one[field] = copy.deepcopy(other[field])
        elif what == "swap":
            named[draw(st.sampled_from(sorted(named)))] = copy.deepcopy(other)
        elif what == "file":
            holders = [held for held in _holders(one) if isinstance(held.get("sha256"), str)]
            for held in holders[:1]:
                held["sha256"] = held["sha256"][: draw(st.sampled_from([0, 6, 7, 63]))] + "0"
    files = {
        "streams/v1/a.json": {**document, "products": named, "updated": UPDATED},
        INDEX: {
            "format": "index:1.0",
            "index": {"a": {"format": "products:1.0", "path": "streams/v1/a.json"}},
            "updated": UPDATED,
        },
    }
    files[INDEX]["index"]["a"] |= {"products": sorted(named), "updated": UPDATED}
    return MemoryTree({path: json.dumps(value).encode() for path, value in files.items()}, INDEX)
