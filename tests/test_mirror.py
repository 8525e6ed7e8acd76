"""The page on mirrors, run to the letter with the real ``sstream-mirror``."""

from __future__ import annotations

import json
import lzma
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from images import BOOTX64, GRUBX64, INITRD, KERNEL, SQUASHFS, Tree, item, tar
from keys import Keys
from maas_stream_lint import check
from maas_stream_lint.finding import Severity
from servers import publishing, serve

PAGE = Path(__file__).parents[1] / "docs/start/mirror.md"
KEYRING = "/usr/share/keyrings/ubuntu-cloudimage-keyring.gpg"
BOOTAA64 = lzma.compress(tar("bootaa64.efi", "mmaa64.efi", mode="w"))
GRUBAA64 = lzma.compress(tar("grubaa64.efi", mode="w"))
BINARIES = Path(sys.executable).parent


RELEASES = {"focal": "20.04", "jammy": "22.04", "noble": "24.04"}
BODIES = {"boot-kernel": KERNEL, "boot-initrd": INITRD, "squashfs": SQUASHFS, "manifest": b""}
LOADER = {
    "amd64": {"shim-signed": BOOTX64, "grub2-signed": GRUBX64},
    "arm64": {"shim-signed": BOOTAA64, "grub2-signed": GRUBAA64},
}
SOURCE = {"src_package": "shim-signed", "src_release": "jammy", "src_version": "1"}
UEFI = "streams/v1/com.ubuntu.maas:stable:1:bootloader-download.json"


def canonical() -> Tree:
    """Images as Canonical publishes them: three releases on two archs."""
    tree = Tree()
    tree.products.clear()
    tree.files.clear()
    for release, version in RELEASES.items():
        for arch in LOADER:
            items = {}
            for ftype, body in BODIES.items():
                path, own = f"{release}/{arch}/20240101/{ftype}", body + f"{release}{arch}".encode()
                more = {"kpackage": "linux-generic"} if ftype == "boot-kernel" else {}
                tree.files[path], items[ftype] = own, item(ftype, path, own, **more)
            tree.product(
                f"com.ubuntu.maas.stable:v3:boot:{version}:{arch}:ga-{version}",
                items,
                arch=arch,
                kflavor="generic",
                os="ubuntu",
                release=release,
                release_codename=release.title(),
                release_title=f"{version} LTS",
                subarch=f"ga-{version}",
                subarches=f"generic,ga-{version}",
                support_eol="2099-04-01",
                version=version,
            )
    return tree


def with_bootloaders(tree: Tree) -> dict[str, bytes]:
    """The tree's files and metadata, with a products file of bootloaders beside."""
    files = dict(tree.files)
    index, images = (json.loads(body) for body in tree.metadata.values())
    about = {key: images[key] for key in ("datatype", "format", "updated")}
    products = {}
    for arch, bodies in LOADER.items():
        items = {}
        for key, body in bodies.items():
            path = f"bootloaders/uefi/{arch}/20240101/{key}.tar.xz"
            files[path], items[key] = body, item("archive.tar.xz", path, body, **SOURCE)
        products[f"com.ubuntu.maas.stable:1:grub-efi-signed:uefi:{arch}"] = {
            "arch": arch,
            "arches": arch,
            "bootloader-type": "uefi",
            "label": "stable",
            "os": "grub-efi-signed" if arch == "amd64" else "grub-efi",
            "versions": {"20240101": {"items": items}},
        }
    name = "com.ubuntu.maas:stable:1:bootloader-download"
    index["index"][name] = {**about, "path": UEFI, "products": list(products)}
    first, second = tree.metadata
    loaders = {"content_id": name, **about, "products": products}
    for path, data in {first: index, second: images, UEFI: loaders}.items():
        files[path] = json.dumps(data, indent=1).encode()
    return files


def signed(files: dict[str, bytes], keys: Keys) -> dict[str, bytes]:
    """The same with signed metadata alone: ``.sjson`` files that name one another."""
    done = {}
    for path, body in files.items():
        if path.startswith("streams/"):
            text = re.sub(rb"(streams/v1/[^\"]+)\.json\"", rb'\1.sjson"', body)
            done[path.replace(".json", ".sjson")] = keys.gpg("--clearsign", given=text)
        else:
            done[path] = body
    return done


@pytest.fixture
def mirror(keys: Keys, tmp_path: Path) -> Path:
    """What the page's commands leave, from a stream on a server of our own."""
    if not (BINARIES / "sstream-mirror").exists():
        pytest.skip("needs sstream-mirror")
    upstream = signed(with_bootloaders(canonical()), keys)
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    env = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
    with serve(publishing(Served(upstream))) as server:
        script = blocks[0].replace(KEYRING, str(keys.ring))
        script = script.replace("https://images.maas.io/ephemeral-v3/stable/", f"{server.url}/")
        subprocess.run(
            ["sh", "-ec", script],
            cwd=tmp_path,
            env={**env, "PATH": f"{BINARIES}:{env['PATH']}"},
            check=True,
            capture_output=True,
        )
    return tmp_path / "mirror"


class Served(Tree):
    """Files to serve, metadata among them."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    @property
    def metadata(self) -> dict[str, bytes]:
        return {}


def test_the_mirror_of_the_page_passes(mirror: Path, keys: Keys) -> None:
    report = check(mirror, keyring=keys.ring)
    assert {f.name: f.severity for f in report.findings} == {"partial-mirror": Severity.INFO}
    (finding,) = report.findings
    assert finding.message == "only `ubuntu/jammy/amd64` and `ubuntu/noble/amd64` have files here"
    told = "in MAAS, select only `ubuntu/jammy/amd64` and `ubuntu/noble/amd64`; 4 products have no"
    assert finding.remedy.startswith(told)
    with serve(publishing(Served(on_disk(mirror)))) as server:
        served = check(f"{server.url}/", keyring=keys.ring, files="download")
    assert {f.name for f in served.findings} == {"partial-mirror"}


def test_the_checks_of_the_page_pass(mirror: Path, keys: Keys) -> None:
    script = re.findall(r"```sh\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[1]
    with serve(publishing(Served(on_disk(mirror)))) as server:
        script = script.replace(KEYRING, str(keys.ring))
        script = script.replace("http://mirror.example.com/maas/", f"{server.url}/")
        env = {**os.environ, "PATH": f"{BINARIES}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["sh", "-ec", script], cwd=mirror.parent, env=env, capture_output=True, text=True
        )
    assert done.returncode == 0, done.stdout + done.stderr
    told = "info  MSL714  only `ubuntu/jammy/amd64` and `ubuntu/noble/amd64` have files here\n"
    assert done.stdout.count(told) == 2


def test_a_product_with_some_of_its_files_is_broken(mirror: Path, keys: Keys) -> None:
    (mirror / "jammy/amd64/20240101/squashfs").unlink()
    worst = [f for f in check(mirror, keyring=keys.ring).findings if f.severity > Severity.INFO]
    assert {f.name for f in worst} == {"file-missing"}
    assert {f.place.product for f in worst} == {
        "com.ubuntu.maas.stable:v3:boot:22.04:amd64:ga-22.04"
    }


def test_a_log_line_names_the_path_where_there_is_no_url(mirror: Path, keys: Keys) -> None:
    gone = "jammy/amd64/20240101/squashfs"
    (mirror / gone).unlink()
    report = check(mirror, keyring=keys.ring)
    silent = set(report.look.lines)
    for finding in report.findings:
        if finding.name == "file-missing" and finding.log is not None:
            assert gone in finding.log, finding.log
            silent -= set(finding.maas)
    assert not silent


def test_a_bootloader_is_never_left_out_on_purpose(mirror: Path, keys: Keys) -> None:
    shutil.rmtree(mirror / "bootloaders")
    names = {f.name for f in check(mirror, keyring=keys.ring).findings}
    assert names == {"partial-mirror", "file-missing"}


def on_disk(root: Path) -> dict[str, bytes]:
    found = (p for p in root.rglob("*") if p.is_file())
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in found}
