"""An Ubuntu from its tarball: repacked by the real tools, with a kernel and initrd that boot it."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import lzma
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from images import INITRD, KERNEL, SQUASHFS, UBUNTU, Tree
from keys import USER, Keys
from maas_stream_lint.building import repack
from maas_stream_lint.building.initrd import UnopenedError, boots_network_root
from maas_stream_lint.building.wanted import Wanted
from maas_stream_lint.errors import LintError, UsageError
from maas_stream_lint.fixing.signing import Gpg
from nginx import Nginx
from packed import JAMMY, ROOTURL, cpio, initrd, tarball, ubuntu
from test_build import built, products
from trees import KEYRING

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("tar2sqfs", "sqfstar", "unsquashfs", "zstd", "lz4"))),
    reason="needs squashfs-tools, squashfs-tools-ng, zstd and lz4",
)


@pytest.fixture
def canonical(tmp_path: Path) -> Path:
    """A stream that has kernel and initrd of jammy, as Canonical's has."""
    tree = Tree()
    product = tree.products[UBUNTU]
    product["subarches"] = "generic,hwe-p,ga-22.04"
    product["krel"] = "jammy"
    return tree.write(tmp_path / "canonical")


@pytest.fixture
def signed(canonical: Path, keys: Keys) -> Path:
    """The same, signed; its folder."""
    sign = Gpg(USER)
    for place in (canonical / "streams/v1").glob("*.json"):
        text = place.read_text().replace("download.json", "download.sjson")
        place.with_suffix(".sjson").write_bytes(sign(text.encode(), True))
    return canonical


def contents(squashfs: Path) -> str:
    done = subprocess.run(
        ["unsquashfs", "-lln", str(squashfs)], capture_output=True, text=True, check=True
    )
    return done.stdout


def squashfs_of(root: Path) -> Path:
    (found,) = root.glob("ubuntu/*/*/*/squashfs")
    return found


def test_from_a_tarball_to_what_maas_boots(tmp_path: Path, canonical: Path) -> None:
    image = ubuntu(tmp_path / "custom-cloudimg.tar.gz")
    source = str(canonical / "streams/v1/index.json")
    done = built(tmp_path / "out", Wanted(image, boot_from=source))
    assert done.refusals == ()
    assert done.fates[0].deploys == done.fates[0].asked
    ((name, product),) = products(tmp_path / "out").items()
    assert name == "local.maas:v3:boot:22.04:amd64:ga-22.04"
    assert product["subarches"] == "generic,hwe-p,ga-22.04"
    assert product["release_title"] == "22.04 LTS"
    assert product["support_eol"] == "2099-04-01"
    ((_, held),) = product["versions"].items()
    assert set(held["items"]) == {"boot-kernel", "boot-initrd", "squashfs", "manifest"}
    assert held["items"]["boot-kernel"]["kpackage"] == "linux-generic"
    for item in held["items"].values():
        body = (tmp_path / "out" / item["path"]).read_bytes()
        assert item["sha256"] == hashlib.sha256(body).hexdigest()
    listed = contents(squashfs_of(tmp_path / "out"))
    assert "squashfs-root/usr/bin/cloud-init" in listed
    assert "squashfs-root/etc/os-release -> ../usr/lib/os-release" in listed
    assert any("standard image of jammy" in note for note in done.products[0].notes)


@pytest.mark.parametrize("tool", ["tar2sqfs", "sqfstar"])
def test_owners_devices_and_attributes_are_kept(
    tmp_path: Path, tool: str, canonical: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = tmp_path / "image.tar.gz"
    ubuntu(tmp_path / "plain.tar.gz")
    with tarfile.open(tmp_path / "plain.tar.gz") as plain, tarfile.open(image, "w:gz") as tar:
        for member in plain:
            tar.addfile(member, plain.extractfile(member) if member.isreg() else None)
        null = tarfile.TarInfo("./dev/null")
        null.type, null.devmajor, null.devminor, null.mode = tarfile.CHRTYPE, 1, 3, 0o666
        tar.addfile(null)
        owned = tarfile.TarInfo("./usr/bin/owned")
        owned.uid, owned.gid, owned.mode, owned.size = 1234, 4321, 0o4755, 3
        owned.pax_headers = {"SCHILY.xattr.user.told": "kept"}
        tar.addfile(owned, io.BytesIO(b"own"))
    monkeypatch.setattr(repack, "_COMMANDS", {tool: repack._COMMANDS[tool]})
    source = str(canonical / "streams/v1/index.json")
    done = built(tmp_path / "out", Wanted(image, boot_from=source))
    assert done.written
    squashfs = squashfs_of(tmp_path / "out")
    listed = contents(squashfs).splitlines()
    (line,) = (line for line in listed if line.endswith("/dev/null"))
    assert line.startswith("crw-rw-rw-")
    assert "1," in line.replace(" ", "")
    (line,) = (line for line in listed if line.endswith("/owned"))
    assert line.startswith("-rwsr-xr-x")
    assert "1234/4321" in line
    shown = subprocess.run(
        ["unsquashfs", "-cat", str(squashfs), "usr/bin/owned"], capture_output=True, check=True
    )
    assert shown.stdout == b"own"
    into = tmp_path / "unpacked"
    subprocess.run(
        ["unsquashfs", "-q", "-n", "-user-xattrs", "-d", str(into), str(squashfs), "usr/bin/owned"],
        capture_output=True,
        check=False,  # who is not root can't give files away
    )
    assert os.getxattr(into / "usr/bin/owned", "user.told") == b"kept"


def test_subarches_are_never_fewer_than_maas_needs(tmp_path: Path, canonical: Path) -> None:
    path = canonical / "streams/v1/com.example.maas:v3:download.json"
    path.write_text(path.read_text().replace("generic,hwe-p,ga-22.04", "hwe-p, hwe-q"))
    image = ubuntu(tmp_path / "image.tar.gz")
    source = str(canonical / "streams/v1/index.json")
    done = built(tmp_path / "out", Wanted(image, boot_from=source))
    assert done.products[0].fields["subarches"] == "hwe-p,hwe-q,generic,ga-22.04"


def test_a_name_of_its_own_stands_beside_the_standard_image(
    tmp_path: Path, canonical: Path
) -> None:
    image = ubuntu(tmp_path / "image.tar.gz")
    source = str(canonical / "streams/v1/index.json")
    done = built(tmp_path / "out", Wanted(image, boot_from=source, name="acme"))
    assert done.products[0].key == ("ubuntu", "acme-jammy", "amd64")
    assert done.fates[0].deploys == done.fates[0].asked
    assert any("beside" in note for note in done.products[0].notes)
    # MAAS would choose it for commissioning by itself if it ended in LTS.
    assert done.products[0].fields["release_title"] == "22.04 LTS acme"


def test_a_name_that_older_maas_can_not_take(tmp_path: Path, canonical: Path) -> None:
    image = ubuntu(tmp_path / "image.tar.gz")
    source = str(canonical / "streams/v1/index.json")
    wanted = Wanted(image, boot_from=source, name="our-acme")
    (refused,) = built(tmp_path / "out", wanted).refusals
    assert "MAAS 2.9 to 3.3" in refused.why
    assert built(tmp_path / "new", wanted, maas=["3.4", "3.8"]).written


def test_a_release_that_some_lines_do_not_know(tmp_path: Path, canonical: Path) -> None:
    image = ubuntu(tmp_path / "image.tar.gz")
    source = str(canonical / "streams/v1/index.json")
    wanted = Wanted(image, boot_from=source, release="jammy-acme")
    (refused,) = built(tmp_path / "out", wanted).refusals
    assert "MAAS 2.9 to 3.3" in refused.why
    assert "jammy-acme not found amongst the known Ubuntu releases!" in refused.why
    assert refused.fix == "give --maas 3.4,3.5,3.6,3.7,3.8"
    assert built(tmp_path / "new", wanted, maas=["3.4", "3.8"]).written


def test_from_a_server_by_its_checksum(
    tmp_path: Path, store: Nginx, signed: Path, keys: Keys
) -> None:
    shutil.copytree(signed, store.trees / "signed", dirs_exist_ok=True)
    image = ubuntu(tmp_path / "image.tar.gz")
    wanted = Wanted(image, boot_from=store.url("plain", "signed"))
    done = built(tmp_path / "out", wanted, boot_keyring=keys.ring)
    assert done.written, done.refusals
    (placed,) = (tmp_path / "out").glob("ubuntu/**/boot-kernel")
    assert placed.read_bytes() == KERNEL


def test_a_server_that_nobody_vouches_for(tmp_path: Path, store: Nginx, good: str) -> None:
    image = ubuntu(tmp_path / "image.tar.gz")
    wanted = Wanted(image, boot_from=store.url("plain", good) + "streams/v1/index.json")
    with pytest.raises(LintError, match="can't be verified without a keyring"):
        built(tmp_path / "out", wanted)


def test_a_signature_of_somebody_else(
    tmp_path: Path, store: Nginx, signed: Path, keys: Keys
) -> None:
    shutil.copytree(signed, store.trees / "foreign", dirs_exist_ok=True)
    image = ubuntu(tmp_path / "image.tar.gz")
    wanted = Wanted(image, boot_from=store.url("plain", "foreign"))
    with pytest.raises(LintError, match="which the keyring does not hold"):
        built(tmp_path / "out", wanted, boot_keyring=KEYRING)


def test_a_file_that_is_not_what_was_signed(
    tmp_path: Path, store: Nginx, signed: Path, keys: Keys
) -> None:
    shutil.copytree(signed, store.trees / "changed", dirs_exist_ok=True)
    (changed,) = (store.trees / "changed").glob("jammy/**/boot-initrd")
    changed.write_bytes(changed.read_bytes()[:-1] + b"X")
    image = ubuntu(tmp_path / "image.tar.gz")
    wanted = Wanted(image, boot_from=store.url("plain", "changed"))
    with pytest.raises(LintError, match="is not what its metadata says"):
        built(tmp_path / "out", wanted, boot_keyring=keys.ring)
    assert not list((tmp_path / "out").rglob("*boot-*"))


def test_a_file_on_disk_that_is_not_what_it_should_be(tmp_path: Path, canonical: Path) -> None:
    (kernel,) = canonical.glob("jammy/**/boot-kernel")
    kernel.write_bytes(KERNEL + b"X")
    image = ubuntu(tmp_path / "image.tar.gz")
    with pytest.raises(LintError, match="is not what its metadata says"):
        built(tmp_path / "out", Wanted(image, boot_from=str(canonical / "streams/v1/index.json")))


def test_a_stream_without_the_release(tmp_path: Path, canonical: Path) -> None:
    noble = JAMMY.replace("jammy", "noble").replace("22.04", "24.04")
    image = ubuntu(tmp_path / "image.tar.gz", about=noble)
    source = str(canonical / "streams/v1/index.json")
    (refused,) = built(tmp_path / "out", Wanted(image, boot_from=source)).refusals
    assert "has no kernel and initrd of noble for amd64" in refused.why


def test_the_plainest_kernel_is_taken(tmp_path: Path, canonical: Path) -> None:
    path = canonical / "streams/v1/com.example.maas:v3:download.json"
    data = json.loads(path.read_text())
    base = data["products"][UBUNTU]
    for name, fields in {
        "a:v3:hwe": {"subarch": "hwe-22.04"},
        "a:v3:low": {"subarch": "ga-22.04", "kflavor": "lowlatency"},
    }.items():
        data["products"][name] = {**base, **fields}
    path.write_text(json.dumps(data))
    image = ubuntu(tmp_path / "image.tar.gz")
    source = str(canonical / "streams/v1/index.json")
    done = built(tmp_path / "out", Wanted(image, boot_from=source))
    fields = done.products[0].fields
    assert (fields["subarch"], fields["kflavor"]) == ("ga-22.04", "generic")


# -- files at hand -------------------------------------------------------------------------------


def at_hand(
    folder: Path, initrd_body: bytes | None = None, kernel: bytes = KERNEL
) -> dict[str, Path]:
    (folder / "kernel").write_bytes(kernel)
    (folder / "initrd").write_bytes(initrd() if initrd_body is None else initrd_body)
    return {"kernel": folder / "kernel", "initrd": folder / "initrd"}


def test_by_hand(tmp_path: Path) -> None:
    image = ubuntu(tmp_path / "image.tar.gz")
    done = built(tmp_path / "out", Wanted(image, **at_hand(tmp_path)))
    fields = done.products[0].fields
    assert fields["subarch"] == "ga-22.04"
    assert fields["subarches"] == "generic,ga-22.04"
    assert fields["release_title"] == "22.04 LTS"
    assert fields["release_codename"] == "Jammy Jellyfish"
    assert fields["support_eol"] == "2027-06-01"
    assert done.fates[0].deploys == done.fates[0].asked


def test_an_initrd_that_can_not_boot_from_a_network(tmp_path: Path) -> None:
    image = ubuntu(tmp_path / "image.tar.gz")
    files = at_hand(tmp_path, initrd(b"#!/bin/sh\nmount $ROOT\n"))
    with pytest.raises(UsageError, match="no script in it knows root=squash:http"):
        built(tmp_path / "out", Wanted(image, **files))


def test_what_is_no_kernel(tmp_path: Path) -> None:
    image = ubuntu(tmp_path / "image.tar.gz")
    with pytest.raises(UsageError, match="no boot-kernel"):
        built(tmp_path / "out", Wanted(image, **at_hand(tmp_path, kernel=SQUASHFS)))


def test_one_without_the_other(tmp_path: Path) -> None:
    image = ubuntu(tmp_path / "image.tar.gz")
    with pytest.raises(UsageError, match="go together"):
        built(tmp_path / "out", Wanted(image, kernel=at_hand(tmp_path)["kernel"]))


# -- kernel and initrd of the image --------------------------------------------------------------


def test_the_images_own_initrd_can_not_boot_from_maas(tmp_path: Path) -> None:
    boot = {
        "boot/vmlinuz-5.15.0-91-generic": KERNEL,
        "boot/initrd.img-5.15.0-91-generic": initrd(b"#!/bin/sh\n"),
    }
    image = ubuntu(tmp_path / "image.tar.gz", boot)
    (refused,) = built(tmp_path / "out", Wanted(image, image_initrd=True)).refusals
    assert "lacks cloud-initramfs-rooturl" in refused.why
    assert "update-initramfs" in refused.fix


def test_the_images_own_initrd_with_the_package(tmp_path: Path) -> None:
    installed = "".join(
        f"Package: {name}\nStatus: install ok installed\nVersion: 1\n\n"
        for name in ("cloud-init", "cloud-initramfs-rooturl")
    )
    boot = {
        "boot/vmlinuz-5.15.0-100-generic": KERNEL,
        "boot/initrd.img-5.15.0-100-generic": initrd(),
        "boot/vmlinuz-5.15.0-91-generic": KERNEL + b"old",
        "boot/initrd.img-5.15.0-91-generic": initrd(b"#!/bin/sh\n"),
        "var/lib/dpkg/status": installed.encode(),
    }
    image = ubuntu(tmp_path / "image.tar.gz", boot)
    done = built(tmp_path / "out", Wanted(image, image_initrd=True))
    assert done.written, done.refusals
    (placed,) = (tmp_path / "out").glob("ubuntu/**/boot-initrd")
    assert placed.read_bytes() == initrd()  # of the highest version, not the first
    # The package alone is no proof.
    boot["boot/initrd.img-5.15.0-100-generic"] = initrd(b"#!/bin/sh\n")
    image = ubuntu(tmp_path / "second.tar.gz", boot)
    (refused,) = built(tmp_path / "not", Wanted(image, image_initrd=True)).refusals
    assert "no script in it knows" in refused.why


def test_an_image_without_a_kernel(tmp_path: Path) -> None:
    image = ubuntu(tmp_path / "image.tar.gz")
    (refused,) = built(tmp_path / "out", Wanted(image, image_initrd=True)).refusals
    assert "no kernel with an initrd" in refused.why


def test_an_image_without_cloud_init(tmp_path: Path) -> None:
    image = tarball(tmp_path / "image.tar.gz", JAMMY)
    (refused,) = built(tmp_path / "out", Wanted(image)).refusals
    assert "cloud-init" in refused.why


# -- initrds -------------------------------------------------------------------------------------


def packed(kind: str, body: bytes) -> bytes:
    if kind == "plain":
        return body
    if kind == "gzip":
        return gzip.compress(body)
    if kind == "xz":
        return lzma.compress(body, check=lzma.CHECK_CRC32)
    if kind == "lzma":
        return lzma.compress(body, format=lzma.FORMAT_ALONE)
    command = {"zstd": ["zstd", "-qc"], "lz4": ["lz4", "-lqc"]}[kind]
    return subprocess.run(command, input=body, capture_output=True, check=True).stdout


@pytest.mark.parametrize("kind", ["plain", "gzip", "xz", "lzma", "zstd", "lz4"])
@pytest.mark.parametrize("early", [b"", cpio({"kernel/x86/microcode": bytes(999)}) + bytes(512)])
@pytest.mark.parametrize("able", [True, False])
def test_initrds_of_every_kind(tmp_path: Path, kind: str, early: bytes, able: bool) -> None:
    files = {"etc/doc": b"squash:http", "x": bytes(9999), "y": ROOTURL if able else b"#!/bin/sh\n"}
    path = tmp_path / "initrd"
    path.write_bytes(early + packed(kind, cpio(files)))
    assert boots_network_root(path) is able


@pytest.mark.parametrize(
    "body",
    [b"\x7fELF" + bytes(999), initrd()[:60], b"07070100" + bytes(20), cpio({})[:50]],
    ids=["other", "cut", "torn", "short"],
)
def test_what_is_no_initrd(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "initrd"
    path.write_bytes(body)
    with pytest.raises(UnopenedError):
        boots_network_root(path)


def test_without_the_program_it_is_not_guessed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "initrd"
    path.write_bytes(packed("zstd", cpio({"y": ROOTURL})))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnopenedError, match="zstd is not installed"):
        boots_network_root(path)


# -- repacking -----------------------------------------------------------------------------------


def test_without_a_tool_it_names_the_packages(
    tmp_path: Path, canonical: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = ubuntu(tmp_path / "image.tar.gz")
    monkeypatch.setenv("PATH", str(tmp_path))
    source = str(canonical / "streams/v1/index.json")
    with pytest.raises(UsageError, match="squashfs-tools-ng"):
        built(tmp_path / "out", Wanted(image, boot_from=source))


def test_a_tool_that_fails(
    tmp_path: Path, canonical: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = ubuntu(tmp_path / "image.tar.gz")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/tar2sqfs").write_text("#!/bin/sh\necho no room >&2\nexit 1\n")
    (tmp_path / "bin/tar2sqfs").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    source = str(canonical / "streams/v1/index.json")
    with pytest.raises(LintError, match="tar2sqfs failed: no room"):
        built(tmp_path / "out", Wanted(image, boot_from=source))
    assert not (tmp_path / "out").exists()


def test_progress_is_told_to_the_end(tmp_path: Path, canonical: Path) -> None:
    from maas_stream_lint.building.builder import Options, build
    from maas_stream_lint.rulebook import releases

    class Told:
        wanted = seen = 0
        ended = 0

        def begin(self, files: int, size: int) -> None:
            self.wanted += size

        def advance(self, size: int) -> None:
            self.seen += size

        def finished(self, path: str) -> None: ...

        def end(self) -> None:
            self.ended += 1

    image, told = ubuntu(tmp_path / "image.tar.gz"), Told()
    wanted = Wanted(image, boot_from=str(canonical / "streams/v1/index.json"))
    build(tmp_path / "out", [wanted], Options(releases()), told)
    assert told.ended == 2
    assert told.seen == told.wanted == 2 * image.stat().st_size + len(KERNEL) + len(INITRD)
