"""What is built, held to real readers: MAAS's simulated imports, ``sstream-mirror``, nginx."""

from __future__ import annotations

import os
import shutil
import string
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from images import INITRD, KERNEL, Tree
from keys import USER, Keys
from maas_stream_lint import api
from maas_stream_lint.building.builder import Built, Options, build
from maas_stream_lint.building.wanted import Wanted
from maas_stream_lint.comparison import compare
from maas_stream_lint.finding import Severity
from maas_stream_lint.fixing.signing import Gpg
from maas_stream_lint.rulebook import releases
from nginx import Nginx
from packed import EFI, MSR, disk, tarball, ubuntu

INDEX = "streams/v1/index.json"
NOW = datetime(2026, 11, 26, 12, tzinfo=timezone.utc)
LATER = datetime(2026, 12, 24, 12, tzinfo=timezone.utc)
BINARIES = Path(sys.executable).parent
needs_squashfs = pytest.mark.skipif(
    not (shutil.which("tar2sqfs") or shutil.which("sqfstar")), reason="needs squashfs-tools"
)


@pytest.fixture
def images(tmp_path: Path) -> list[Wanted]:
    """One of each kind that a stream can carry."""
    canonical = Tree().write(tmp_path / "canonical") / INDEX
    return [
        Wanted(tarball(tmp_path / "rocky9.tar.gz")),
        Wanted(disk(tmp_path / "windows.dd.gz", MSR, body=EFI), release="win2022"),
        Wanted(ubuntu(tmp_path / "jammy.tar.gz"), boot_from=str(canonical), name="acme"),
    ]


def row(key: tuple[str, str, str]) -> dict[str, object]:
    os_, release, arch = key
    return {"os": os_, "release": release, "arches": [arch]}


def resources(done: Built) -> set[str]:
    """What MAAS should have of it: ``OS/RELEASE ARCH``."""
    return {f"{f.product.key[0]}/{f.product.key[1]} {f.product.key[2]}" for f in done.fates}


# -- MAAS's imports ------------------------------------------------------------------------------


@needs_squashfs
def test_a_selection_that_names_it_brings_it_and_nothing_else(
    tmp_path: Path, images: list[Wanted]
) -> None:
    root = tmp_path / "out"
    done = build(root, images, Options(releases()), now=NOW)
    for product in done.products:
        said = api.preview(root / INDEX, selections=[row(product.key)]).to_dict()
        for line, verdict in said["maas"].items():
            assert verdict["fatal"] is None, line
            (resource,) = verdict["resources"]
            os_, release, arch = product.key
            assert resource["resource"].startswith(f"{os_}/{release} {arch}/"), line
            assert resource["version"] == product.version_name
            assert set(resource["filetypes"]) == {f.ftype for f in product.files} - {"manifest"}


@needs_squashfs
def test_a_comparison_says_what_build_said(tmp_path: Path, images: list[Wanted]) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    first = build(before, images[:2], Options(releases()), now=NOW)
    shutil.copytree(before, after)
    new = tarball(tmp_path / "new.tar.gz", more={"etc/new": b"new"})
    wanted = [Wanted(new), images[2]]
    done = build(after, wanted, Options(releases(), update=True), now=LATER)
    assert done.written
    said = compare(before / INDEX, after / INDEX).to_dict()
    versions = {(f"{p.key[0]}/{p.key[1]}", p.version_name) for p in done.products}
    unchanged = {(f"{p.key[0]}/{p.key[1]}", p.version_name) for p in first.products[1:]}
    for line, verdict in said["maas"].items():
        assert verdict["fatal"] is None, line
        held = {(r["resource"].split()[0], r["version"]) for r in verdict["kept"]}
        assert versions <= held, line
        assert unchanged <= held, line
        fetched = {sha for product in done.products for sha in _digests(product)}
        downloads = str(verdict["downloads"])
        assert all(sha in downloads for sha in fetched), line
        # What MAAS has already is not fetched again.
        assert not any(sha in downloads for p in first.products[1:] for sha in _digests(p)), line


def _digests(product: object) -> list[str]:
    return [f.sha256 for f in product.files if f.ftype != "manifest"]  # type: ignore[attr-defined]


# -- other readers -------------------------------------------------------------------------------


@needs_squashfs
def test_sstream_mirror_mirrors_a_signed_tree_whole(
    tmp_path: Path, images: list[Wanted], keys: Keys
) -> None:
    if not (BINARIES / "sstream-mirror").exists():
        pytest.skip("needs sstream-mirror")
    root = tmp_path / "out"
    done = build(root, images, Options(releases(), sign=Gpg(USER)), now=NOW)
    assert done.written
    mirror = tmp_path / "mirror"
    env = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
    subprocess.run(
        [
            str(BINARIES / "sstream-mirror"),
            f"--keyring={keys.ring}",
            f"file://{root}/streams/v1/index.sjson",
            str(mirror),
        ],
        env={**env, "PATH": f"{BINARIES}:{env['PATH']}"},
        check=True,
        capture_output=True,
    )
    for product in done.products:
        for file in product.files:
            assert (mirror / file.path).read_bytes() == (root / file.path).read_bytes()
    report = api.check(mirror, keyring=keys.ring)
    assert [f for f in report.findings if f.severity > Severity.INFO] == []


@needs_squashfs
def test_behind_nginx_a_check_finds_nothing(
    tmp_path: Path, images: list[Wanted], store: Nginx
) -> None:
    build(store.trees / "built", images, Options(releases()), now=NOW)
    url = store.url("plain", "built")
    report = api.check(f"{url}{INDEX}", files="download")
    assert [f for f in report.findings if f.severity > Severity.INFO] == []
    assert report.look.survey is not None
    # The manifest is for MAAS to read over; it never asks for it.
    assert report.look.survey.hashed == 5


# -- images of all kinds -------------------------------------------------------------------------

WORDS = st.text(string.ascii_letters + string.digits + ".-_+ /\"'$\\\n", max_size=12)
IDS = ["rocky", "almalinux", "centos", "rhel", "ol", "fedora", "sles", "debian", "ubuntu", "arch"]
ABOUT = st.fixed_dictionaries(
    {},
    optional={
        "ID": st.sampled_from(IDS) | WORDS,
        "VERSION_ID": st.sampled_from(["9.4", "8", "22.04", "15.5", "41"]) | WORDS,
        "NAME": st.sampled_from(["Rocky Linux", "CentOS Stream", "CentOS Linux"]) | WORDS,
        "VERSION_CODENAME": st.sampled_from(["jammy", "noble"]) | WORDS,
        "PRETTY_NAME": WORDS,
        "SUPPORT_END": st.sampled_from(["2030-01-01", "soon"]) | WORDS,
    },
)
SAID = st.fixed_dictionaries(
    {},
    optional={
        "os": st.sampled_from(["rhel", "centos", "ol", "suse", "windows", "custom", "ubuntu"]),
        "release": st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9.+_-]{0,24}\Z"),
        "version": st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9.]{0,9}\Z"),
        "arch": st.sampled_from(["amd64", "arm64", "i386", "riscv64"]),
        "title": WORDS,
        "label": st.sampled_from(["stable", "daily"]),
        "version_name": st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._]{0,9}\Z"),
    },
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    about=ABOUT,
    said=SAID,
    arch=st.sampled_from(["amd64", "arm64", "ppc64el", None]),
    mode=st.sampled_from(["w:gz", "w:xz", "w:bz2", "w"]),
    lines=st.sampled_from([None, ["3.8"], ["3.5", "3.6"], ["2.9", "3.8"]]),
)
def test_whatever_the_image_it_is_right_or_refused(
    tmp_path: Path,
    about: dict[str, str],
    said: dict[str, str],
    arch: str | None,
    mode: str,
    lines: list[str] | None,
) -> None:
    root = tmp_path / "out"
    shutil.rmtree(root, ignore_errors=True)
    text = "".join(f"{key}={value}\n" for key, value in about.items())
    image = tarball(tmp_path / "image.tar", text, arch, mode=mode)
    (tmp_path / "kernel").write_bytes(KERNEL)
    (tmp_path / "initrd").write_bytes(INITRD)
    empty = tmp_path / "empty"
    if not empty.exists():
        tree = Tree()
        tree.products.clear()
        tree.write(empty)
    wanted = Wanted(image, boot_from=str(empty / INDEX), **said)
    done = build(root, [wanted], Options(releases(lines)), now=NOW)
    assert bool(done.refusals) is not done.written
    if done.refusals:
        assert not root.exists()
        assert all(refusal.why and refusal.fix for refusal in done.refusals)
        return
    report = api.check(root / INDEX, lines)
    assert [f for f in report.findings if f.severity > Severity.INFO] == []
    (fate,) = done.fates
    assert fate.deploys == fate.asked
    verdicts = api.preview(root / INDEX, lines).to_dict()["maas"]
    assert all(len(verdict["resources"]) == 1 for verdict in verdicts.values())
