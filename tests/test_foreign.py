"""Streams for other readers are told as what they are, and nothing else is said of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from images import Tree
from maas_stream_lint import check, fix

NOTHING: dict[str, Any] = {"sha256": "0" * 64, "size": 1}


def item(ftype: str) -> dict[str, Any]:
    return {"ftype": ftype, "path": f"files/{ftype}", **NOTHING}


INCUS = {
    "incus.tar.xz": item("incus.tar.xz"),
    "disk-kvm.img": item("disk-kvm.img"),
    "root.squashfs": item("squashfs"),
}
CLOUD = {
    "disk1.img": item("disk1.img"),
    "squashfs": item("squashfs"),
    "lxd.tar.xz": item("lxd.tar.xz"),
    "manifest": item("manifest"),
}
JUJU = {"3.5.0": item("tar.gz")}
IDS = {"ami": {"id": "ami-1", "region": "eu-west-1", "endpoint": "https://example.com"}}


def stream(root: Path, products: dict[str, dict[str, Any]]) -> Path:
    """A stream of products with these items."""
    made = {
        name: {
            "arch": "amd64",
            "os": "x",
            "release": "y",
            "versions": {"20240101": {"items": items}},
        }
        for name, items in products.items()
    }
    about = {"format": "products:1.0", "datatype": "image-downloads"}
    path = "streams/v1/images.json"
    documents = {
        path: {**about, "content_id": "images", "products": made},
        "streams/v1/index.json": {
            "format": "index:1.0",
            "index": {"images": {**about, "path": path, "products": list(made)}},
        },
    }
    for name, data in documents.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(data), "utf-8")
    return root / "streams/v1/index.json"


@pytest.mark.parametrize(
    ("name", "items", "said"),
    [
        ("alpine:3.20:amd64:default", INCUS, "LXD or Incus images"),
        ("com.ubuntu.cloud:server:22.04:amd64", CLOUD, "Ubuntu's cloud images"),
        ("com.ubuntu.juju:22.04:amd64", JUJU, "Juju agents"),
        ("com.example:server:22.04:amd64", IDS, "image ids of a cloud"),
    ],
)
def test_one_finding_and_no_edit(
    tmp_path: Path, name: str, items: dict[str, Any], said: str
) -> None:
    report = check(stream(tmp_path, {name: items}))
    (finding,) = report.findings
    assert (finding.name, finding.maas) == ("foreign-stream", report.look.lines)
    assert said in finding.message
    assert not fix(report).edits


def test_a_stream_that_also_serves_maas_is_checked_as_ever(tmp_path: Path) -> None:
    kernel = {"boot-kernel": item("boot-kernel"), "squashfs": item("squashfs")}
    names = {
        f.name
        for f in check(stream(tmp_path, {"alpine:3.20:amd64": INCUS, "a:v3:b": kernel})).findings
    }
    assert "foreign-stream" not in names
    assert "unknown-ftype" in names


def test_an_unfinished_stream_for_maas_is_no_foreign_one(tmp_path: Path) -> None:
    tree = Tree()
    for ftype in ("boot-kernel", "boot-initrd"):
        del tree.items[ftype]
    names = {f.name for f in check(tree.write(tmp_path) / "streams/v1/index.json").findings}
    assert "foreign-stream" not in names
    assert names
