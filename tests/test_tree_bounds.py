"""Bounds on directories and archives: each with the smallest thing that would go beyond them."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from images import BOOTX64, GRUBX64, Tree, digest, tar
from looks import look
from maas_stream_lint.api import check
from maas_stream_lint.building import tarball
from maas_stream_lint.cli.main import main
from maas_stream_lint.errors import UsageError
from maas_stream_lint.images import bounds, download, inspection
from maas_stream_lint.images.bounds import BOUNDS, Bounds
from maas_stream_lint.images.listing import files_in, walk
from maas_stream_lint.images.sniff import tar_names
from maas_stream_lint.logs.conclusion import read
from maas_stream_lint.source import FetchOptions
from servers import publishing, serve

GOOD = Path(__file__).parents[1] / "fixtures/good/with-images/tree"

pytestmark = pytest.mark.usefixtures("own_home")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOOD, tmp_path / "tree"))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments])


@pytest.fixture(autouse=True)
def flat_again(tmp_path: Path) -> Iterator[None]:
    """Python's own rmtree, which removes what tests leave, stumbles over a deep tree."""
    yield
    for folder in (tmp_path, tmp_path / "root", tmp_path / "tree", tmp_path / "tree/streams"):
        subprocess.run(["rm", "-rf", folder / "d"], check=True)


def nest(folder: Path, deep: int) -> None:
    """Directories in one another, by a way that no path is too long for."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        for _ in range(deep):
            Path("d").mkdir()
            os.chdir("d")
    finally:
        os.chdir(before)


# Directories


def test_entries_are_bounded(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    for number in range(5):
        (root / f"{number}").write_text("x")
    assert len(files_in(root, Bounds(entries=5))) == 5
    with pytest.raises(OverflowError):
        files_in(root, Bounds(entries=4))


def test_a_directory_is_not_read_beyond_the_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(50):
        (tmp_path / f"{number}").write_text("x")
    taken, scandir = [], os.scandir

    class Counting:
        def __init__(self, folder: str) -> None:
            self.entries = scandir(folder)

        def __enter__(self) -> Counting:
            return self

        def __exit__(self, *_: object) -> None:
            self.entries.close()

        def __iter__(self) -> Counting:
            return self

        def __next__(self) -> os.DirEntry[str]:
            taken.append(next(self.entries))
            return taken[-1]

    monkeypatch.setattr(os, "scandir", Counting)
    with pytest.raises(OverflowError):
        list(walk(tmp_path, bounds=Bounds(entries=10)))
    assert len(taken) == 11


def test_depth_is_bounded(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    nest(root, 3)
    (root / "d/d/d/file").write_text("x")
    ((path, about),) = files_in(root, Bounds(depth=3)).items()
    assert (path, about.size) == ("d/d/d/file", 1)
    with pytest.raises(OverflowError):
        files_in(root, Bounds(depth=2))


def test_a_tree_of_too_many_files_is_not_one_without_images(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be listed is still looked at, path by path."""
    few = partial(files_in, bounds=Bounds(entries=1))
    monkeypatch.setattr(inspection, "files_in", few)
    for file in tree.rglob("squashfs"):
        file.unlink()
    report = check(tree)
    assert "MSL701" in {f.code for f in report.findings}
    for file in tree.rglob("*/*/20*/**/boot-*"):
        file.unlink()
    assert "MSL701" in {f.code for f in check(tree).findings}


@pytest.mark.parametrize("folder", ["streams", "."])
def test_a_deep_tree_crashes_nothing(folder: str, tree: Path) -> None:
    before = run("check", str(tree), "--no-cache")
    nest(tree / folder, 1500)
    after = run("check", str(tree), "--no-cache")
    assert after.exit_code == before.exit_code == 0
    assert after.stdout == before.stdout
    fixed = run("fix", str(tree), "--in-place")
    assert "bug" not in fixed.output


def test_a_deep_tree_is_not_fixed_in_place(tmp_path: Path) -> None:
    bad = Path(__file__).parents[1] / "fixtures/bad/MSL439-number-instead-of-text/tree"
    tree = shutil.copytree(bad, tmp_path / "tree")
    nest(tree / "streams", 1500)
    done = run("fix", str(tree), "--in-place")
    assert done.exit_code == 2
    assert "nested" in done.output
    assert "Traceback" not in done.output
    assert [p.name for p in tree.iterdir()] == ["streams"], "nothing is left behind"


def test_a_pipe_among_the_metadata_is_not_opened(tree: Path) -> None:
    os.mkfifo(tree / "streams/v1/x.json")
    assert run("check", str(tree)).exit_code == 0


@pytest.mark.parametrize(
    "limits", [{"max_values": 3000}, {"max_total_bytes": 20_000}], ids=["values", "bytes"]
)
def test_metadata_of_others_counts_with_the_rest(tree: Path, limits: dict[str, int]) -> None:
    """Files that the stream does not name are read to tell what else is named in the tree."""
    (tree / "orphan").write_text("x")
    options = FetchOptions(**limits)  # type: ignore[arg-type]
    assert "MSL711" in {f.code for f in check(tree, options=options).findings}
    (tree / "streams/v1/other.json").write_text(json.dumps([{"x" * 10: n} for n in range(1500)]))
    report = check(tree, options=options)
    assert "MSL711" not in {f.code for f in report.findings}, "what else is named is not known"
    assert not report.unread


# Archives


def test_names_are_bounded() -> None:
    listing = tar_names(io.BytesIO(tar("a", "b", "c")), Bounds(names=2))
    assert listing == (("a", "b"), False)


@pytest.mark.parametrize("press", [gzip.compress, lzma.compress])
def test_bytes_of_an_archive_are_bounded(press: Callable[[bytes], bytes]) -> None:
    big = tar("a", "b", mode="w", body=bytes(300_000))
    assert tar_names(io.BytesIO(press(big)), Bounds(archive=700_000)) == (("a", "b"), True)
    listing = tar_names(io.BytesIO(press(big)), Bounds(archive=200_000))
    assert listing == (("a",), False)


def test_time_for_an_archive_is_bounded() -> None:
    big = tar("a", "b", mode="w", body=bytes(300_000))
    listing = tar_names(io.BytesIO(big), Bounds(seconds=-1))
    assert listing is None or not listing.whole


def test_a_dictionary_of_gigabytes_is_refused() -> None:
    """The head of an .lzma file may ask for 4 GiB of memory."""
    head = bytes([0x5D]) + (0xFFFF_FFFF).to_bytes(4, "little") + b"\xff" * 8
    assert tar_names(io.BytesIO(head + bytes(2000))) is None


def test_a_downloaded_archive_is_held_up_to_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Tree()
    made.products.clear()
    items = {}
    for name, body in (("shim-signed", BOOTX64), ("grub2-signed", GRUBX64)):
        path = f"bootloaders/{name}.tar.xz"
        made.files[path] = body
        about = {"ftype": "archive.tar.xz", "path": path, "size": len(body), "sha256": digest(body)}
        items[name] = {**about, "src_package": "x", "src_version": "1", "src_release": "jammy"}
    fields = {"os": "grub-efi-signed", "arches": "amd64", "bootloader-type": "uefi"}
    made.product("com.example:1:grub-efi-signed:uefi:amd64", items, **fields)
    with serve(publishing(made)) as server:
        whole = look(server.url + "/", "download")
        monkeypatch.setattr(download, "BOUNDS", replace(BOUNDS, held=len(BOOTX64) - 1))
        bounded = look(server.url + "/", "download", cache=False)
    assert whole.seen("shim-signed.tar.xz").names == ("bootx64.efi", "mmx64.efi")
    assert bounded.seen("shim-signed.tar.xz").names is None
    assert bounded.seen("shim-signed.tar.xz").digests == whole.seen("shim-signed.tar.xz").digests


def root_tarball(*before: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:xz") as archive:
        for name, body in (*before, ("etc/os-release", b"ID=rocky\nVERSION_ID=9\n")):
            about = tarfile.TarInfo(name)
            about.size = len(body)
            archive.addfile(about, io.BytesIO(body))
    return out.getvalue()


@pytest.mark.parametrize(
    "bounds",
    [Bounds(tree=2 * 2**20), Bounds(members=2), Bounds(seconds=-1)],
    ids=["bytes", "members", "seconds"],
)
def test_a_root_file_system_is_gone_through_in_bounds(tmp_path: Path, bounds: Bounds) -> None:
    place = tmp_path / "root.tar.xz"
    place.write_bytes(root_tarball(("a", bytes(2**21)), ("b", bytes(2**21))))
    assert tarball.about(place)["ID"] == "rocky"
    assert tarball.about(place, bounds) == {}


def test_streams_of_xz_one_after_the_other(tmp_path: Path) -> None:
    """pixz and xz -T write several; zeros may stand between them."""
    whole = lzma.decompress(root_tarball())
    parts = [lzma.compress(whole[:700]), bytes(8), lzma.compress(whole[700:])]
    place = tmp_path / "root.tar.xz"
    place.write_bytes(b"".join(parts))
    assert tarball.about(place)["VERSION_ID"] == "9"


def test_a_cut_xz_tells_nothing(tmp_path: Path) -> None:
    place = tmp_path / "root.tar.xz"
    place.write_bytes(root_tarball(("a", os.urandom(100_000)))[:50_000])
    assert tarball.about(place) == {}


def hostile_header(size: int) -> bytes:
    """A tar of which one header about a member has so many bytes."""
    about = tarfile.TarInfo("./PaxHeaders/x")
    about.type, about.size = tarfile.XHDTYPE, size
    return about.tobuf(tarfile.USTAR_FORMAT) + bytes(4096)


def test_headers_of_a_tar_are_bounded(tmp_path: Path) -> None:
    place = tmp_path / "root.tar"
    place.write_bytes(hostile_header(BOUNDS.header + 1))
    assert tarball.about(place) == {}
    log = tmp_path / "logs.tar.gz"
    log.write_bytes(gzip.compress(hostile_header(BOUNDS.header + 1)))
    with pytest.raises(UsageError, match=r"a header of 1,048,577 bytes"):
        read((str(log),))


def test_the_bounds_have_room_for_real_streams() -> None:
    """Canonical's stream has some 10,000 entries; a full Ubuntu desktop has 300,000 members."""
    assert bounds.BOUNDS.entries >= 100_000
    assert bounds.BOUNDS.members >= 1_000_000
    assert bounds.BOUNDS.tree >= 4 * 2**30
