"""Streams with image files: small, and each of the kind that its ftype says."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import lzma
import tarfile
from pathlib import Path
from typing import Any

INDEX = "streams/v1/index.json"
PRODUCTS = "streams/v1/com.example.maas:v3:download.json"
UBUNTU = "com.example.maas:v3:boot:22.04:amd64:ga-22.04"
VERSION = "20240101"
FOLDER = f"jammy/amd64/{VERSION}"
UPDATED = "Mon, 01 Jan 2024 00:00:00 +0000"

KERNEL = bytes(0x1FE) + b"\x55\xaa\xeb\x66HdrS" + bytes(600)
INITRD = gzip.compress(b"070701" + b"0" * 104 + b"TRAILER!!!\0", mtime=0)
SQUASHFS = b"hsqs" + bytes(3000) + b"root file system"


def tar(*names: str, mode: str = "w:gz", body: bytes = b"x") -> bytes:
    """A tarball of small files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name in names:
            about = tarfile.TarInfo(name)
            about.size = len(body)
            archive.addfile(about, io.BytesIO(body))
    return out.getvalue()


ROOT_TGZ = tar("etc/passwd", "usr/bin/env")
DISK = bytes(446) + b"\x80\0\0\0\x83\0\0\0\0\x08\0\0\0\0\x10\0" + bytes(48) + b"\x55\xaa"
DISK_GZ = gzip.compress(DISK + bytes(4096), mtime=0)
BOOTX64 = lzma.compress(tar("bootx64.efi", "mmx64.efi", mode="w"))
GRUBX64 = lzma.compress(tar("grubx64.efi", mode="w"))


def digest(body: bytes, name: str = "sha256") -> str:
    """A checksum, as metadata has it."""
    return hashlib.new(name, body).hexdigest()


def item(ftype: str, path: str, body: bytes, **more: Any) -> dict[str, Any]:
    """An item that tells the truth about a file."""
    return {"ftype": ftype, "path": path, "sha256": digest(body), "size": len(body), **more}


class Tree:
    """A stream in the making: one Ubuntu product, good unless somebody changes it."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.items: dict[str, dict[str, Any]] = {}
        self.products: dict[str, dict[str, Any]] = {
            UBUNTU: {
                "arch": "amd64",
                "kflavor": "generic",
                "label": "stable",
                "os": "ubuntu",
                "release": "jammy",
                "release_codename": "Jammy Jellyfish",
                "release_title": "22.04 LTS",
                "subarch": "ga-22.04",
                "subarches": "generic,ga-22.04",
                "support_eol": "2099-04-01",
                "version": "22.04",
                "versions": {VERSION: {"items": self.items}},
            }
        }
        self.add("boot-kernel", KERNEL, kpackage="linux-generic")
        self.add("boot-initrd", INITRD)
        self.add("squashfs", SQUASHFS)
        self.add("manifest", b"bash\t5.1\n")

    def add(self, ftype: str, body: bytes, path: str | None = None, **more: Any) -> str:
        """A file and its item; the path it got."""
        path = path or f"{FOLDER}/{ftype}"
        self.files[path] = body
        self.items[ftype] = item(ftype, path, body, **more)
        return path

    def product(self, name: str, items: dict[str, dict[str, Any]], **fields: Any) -> None:
        """One more product, of one version."""
        self.products[name] = {
            "arch": "amd64",
            "label": "stable",
            "release": "8",
            "release_title": "8",
            "subarch": "generic",
            "subarches": "generic",
            "version": "8",
            **fields,
            "versions": {VERSION: {"items": items}},
        }

    @property
    def metadata(self) -> dict[str, bytes]:
        """The index and the products file."""
        about = {"datatype": "image-downloads", "format": "products:1.0", "updated": UPDATED}
        products = {"content_id": "com.example.maas:v3:download", **about}
        entry = {**about, "path": PRODUCTS, "products": sorted(self.products)}
        index = {
            "format": "index:1.0",
            "updated": UPDATED,
            "index": {products["content_id"]: entry},
        }
        documents: dict[str, Any] = {
            INDEX: index,
            PRODUCTS: {**products, "products": self.products},
        }
        return {path: json.dumps(data, indent=1).encode() for path, data in documents.items()}

    def write(self, root: Path) -> Path:
        """Write it all below a folder; the folder."""
        for path, body in {**self.files, **self.metadata}.items():
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(body)
        return root
