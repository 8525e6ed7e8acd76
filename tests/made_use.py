"""Streams that hypothesis makes of what counts when images are used."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from hypothesis import strategies as st

from trees import MemoryTree

UPDATED = "Sun, 01 Nov 2026 10:00:00 +0000"
INDEX = "streams/v1/index.json"
RELEASES = ["noble", "jammy", "jammy-acme", "acme", "noble-hwe", "rolling", "a-jammy-b", "precise"]
SUBARCHES = [
    *("ga-24.04", "ga-22.04", "hwe-22.04", "hwe-24.04-edge", "ga-24.04.1", "ga-99.04", "hwe-n"),
    *("generic", "24.04", "ga", "ga-hwe-24.04", "nvidia-ga-22.04", "xgene-uboot", "ga-acme"),
    "ga-24.04-lowlatency",
]
LISTED = ["generic", "ga-24.04", "ga-22.04", "ga-99.04", "hwe-edge", "nvidia", " generic", ""]
TITLES = ["24.04 LTS", "22.04 LTS", "Acme Linux", "22.04.1 LTS", "12.04 LTS"]
ROOTS = ["root-tgz", "root-txz", "root-dd.gz", "squashfs", "root-image.gz"]


@st.composite
def _ubuntu(draw: st.DrawFn) -> dict[str, Any]:
    subarch = draw(st.sampled_from(["ga-24.04"] * 10 + SUBARCHES))
    own = [subarch] if draw(st.booleans()) else []
    own += ["generic"] if draw(st.sampled_from([True, True, False])) else []
    fields: dict[str, Any] = {
        "os": draw(st.sampled_from(["ubuntu"] * 15 + ["fedora"])),
        "release": draw(st.sampled_from(["noble"] * 6 + RELEASES)),
        "subarch": subarch,
        "subarches": ",".join([*draw(st.lists(st.sampled_from(LISTED), max_size=3)), *own]),
        "kflavor": draw(st.sampled_from(["generic"] * 6 + ["lowlatency", None])),
        "release_title": draw(st.sampled_from(["24.04 LTS"] * 5 + TITLES)),
        "release_codename": draw(st.sampled_from(["Acme"] * 6 + [None])),
        "platform": draw(st.sampled_from([None] * 6 + ["nvidia"])),
        "supported_platforms": draw(st.sampled_from([None] * 6 + ["generic,nvidia"])),
        "rolling": draw(st.sampled_from([None, None, None, True])),
    }
    parts = draw(st.sampled_from([("boot-kernel", "boot-initrd")] * 12 + [("boot-kernel",)]))
    roots = draw(st.sampled_from([("squashfs",)] * 12 + [("root-image.gz",), ("root-tgz",), ()]))
    more = draw(st.sampled_from([()] * 12 + [("root-tgz",), ("boot-dtb",)]))
    return {**fields, "ftypes": list(dict.fromkeys((*parts, *roots, *more)))}


#: One of which begins with another, which no real ones do.
ARCHES = ["amd64", "amd64", "amd64", "arm64", "amd64x"]
SYSTEMS = ["centos", "rhel", "windows", "ol", "custom", "debian", "suse"]


@st.composite
def _other(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "os": draw(st.sampled_from(["centos"] * 5 + SYSTEMS)),
        "release": draw(st.sampled_from(["centos9", "9", "win2022", "sles15"])),
        "subarch": draw(st.sampled_from(["generic", "generic", "generic", "custom", "ga-9"])),
        "subarches": draw(st.sampled_from(["generic", "generic", "custom", "x, generic", None])),
        "release_title": "9",
        "ftypes": draw(
            st.sampled_from([["root-tgz"]] * 6 + [[a, b] for a in ROOTS for b in ROOTS])
        ),
    }


@st.composite
def _product(draw: st.DrawFn, arches: list[str]) -> dict[str, Any]:
    made: dict[str, Any] = draw(st.one_of(_ubuntu(), _ubuntu(), _other()))
    made["arch"] = draw(st.sampled_from(arches))
    made["version"] = draw(st.sampled_from(["24.04", "24.04", "24.04", "22.04"]))
    made["label"] = draw(st.sampled_from(["stable", "stable", "candidate"]))
    made["name"] = draw(st.sampled_from([None] * 20 + ["image", "root"]))
    return made


@st.composite
def streams(draw: st.DrawFn, arches: list[str] = ARCHES) -> MemoryTree:
    """A few products that differ in what counts for use."""
    return tree_of(draw(st.lists(_product(arches), min_size=1, max_size=4)))


def tree_of(given: list[dict[str, Any]]) -> MemoryTree:
    """The stream of some products: their fields, their ``ftypes`` and the ``name`` of all files."""
    products = {}
    for at, made in enumerate(given):
        name = made.get("name")
        items = {
            ftype: item(ftype, f"p{at}/{ftype if name is None else name}")
            for ftype in [*made["ftypes"], "manifest"]
        }
        fields = {
            key: value
            for key, value in made.items()
            if value is not None and key not in ("ftypes", "name")
        }
        products[f"com.example:v3:boot:p{at}:{made['arch']}"] = {
            **fields,
            "support_eol": "2039-05-31",
            "versions": {"20261101": {"items": items}},
        }
    file = "streams/v1/images.json"
    entry = {"path": file, "format": "products:1.0", "updated": UPDATED, "products": [*products]}
    documents = {
        INDEX: {"format": "index:1.0", "updated": UPDATED, "index": {"images": entry}},
        file: {
            "content_id": "images",
            "datatype": "image-downloads",
            "format": "products:1.0",
            "updated": UPDATED,
            "products": products,
        },
    }
    return MemoryTree({path: json.dumps(d).encode() for path, d in documents.items()}, INDEX)


def item(ftype: str, path: str) -> dict[str, Any]:
    digest = hashlib.sha256(f"{path} {ftype}".encode()).hexdigest()
    return {"ftype": ftype, "path": path, "sha256": digest, "size": 1000}
