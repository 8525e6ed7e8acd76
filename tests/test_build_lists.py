"""Images that a TOML file lists, and those that packer-maas has left."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from maas_stream_lint.building.finished_image import inspect
from maas_stream_lint.building.image_list import left_by_packer_maas, listed
from maas_stream_lint.building.wanted import Wanted
from maas_stream_lint.cli.main import main
from maas_stream_lint.errors import UsageError
from maas_stream_lint.images.progress import Quiet
from packed import DEBIAN, EFI, LVM, MSR, disk, tarball
from test_build import built, products


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "images.toml"
    path.write_text(text)
    return path


def test_a_list(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    tarball(tmp_path / "images/rocky9.tar.gz")
    disk(tmp_path / "images/windows.dd.gz", MSR, body=EFI)
    text = """
[[image]]
path = "images/rocky9.tar.gz"
release = "rocky9-web"
title = "9.4 for the web"
version-name = "20261126"

[[image]]
path = "images/windows.dd.gz"
release = "win2022"
"""
    done = built(tmp_path / "out", *listed(written(tmp_path, text)))
    assert [p.key[:2] for p in done.products] == [("rhel", "rocky9-web"), ("windows", "win2022")]
    held = products(tmp_path / "out")["local.maas:rhel-bases:rocky9-web:amd64"]
    assert held["release_title"] == "9.4 for the web"
    assert list(held["versions"]) == ["20261126"]


def test_all_keys_are_minded(tmp_path: Path) -> None:
    text = """
[[image]]
path = "a"
os = "rhel"
release = "r"
version = "1"
arch = "amd64"
label = "daily"
title = "t"
version-name = "v"
name = "n"
boot-from = "mirror"
boot-from-image = true
kernel = "k"
initrd = "/i"

[[image]]
path = "b"
boot-from = "http://images.example.com/"
"""
    one, two = listed(written(tmp_path, text))
    assert one == Wanted(
        path=tmp_path / "a",
        os="rhel",
        release="r",
        version="1",
        arch="amd64",
        label="daily",
        title="t",
        version_name="v",
        name="n",
        boot_from=str(tmp_path / "mirror"),
        image_initrd=True,
        kernel=tmp_path / "k",
        initrd=Path("/i"),
    )
    assert two.boot_from == "http://images.example.com/"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "`image` is missing"),
        ("image = []", "images.toml:1: image: is empty"),
        ("[[image]]\n", "images.toml:1: image[0]: `path` is missing"),
        ('[[image]]\npath = "a"\nrelaese = "x"\n', "images.toml:3: image[0].relaese: unknown key"),
        ('[[image]]\npath = "a"\nversion = 9.4\n', 'write "9.4"'),
        ('[[image]]\npath = "a"\nrelease = "../x"\n', "images.toml:1: image[0]: '../x' can"),
        ("[[image", "is not TOML"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    path = written(tmp_path, text)
    done = CliRunner().invoke(main, ["build", "--output", "out", "--list", str(path)])
    assert done.exit_code == 2
    assert told in done.stderr
    assert "--no-config" not in done.stderr


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "image")
    with pytest.raises(UsageError, match="a pipe, not a file"):
        inspect(tmp_path / "image", Quiet())


def test_a_list_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        listed(tmp_path / "nowhere.toml")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """packer-maas, after ``make all`` in some folders."""
    root = tmp_path / "packer-maas"
    for name in ("rocky9", "debian/packages", "xenserver8", "rhel8", "ubuntu", ".git"):
        (root / name).mkdir(parents=True)
    tarball(root / "rocky9/rocky9.tar.gz")
    tarball(root / "rocky9/other.tar.gz")
    tarball(root / "debian/debian-custom-cloudimg.tar.gz", DEBIAN)
    (root / "debian/packages/custom-packages.tar.gz").write_bytes(b"x")
    disk(root / "xenserver8/xenserver8-lvm.dd.gz", LVM, body=EFI)
    return root


def test_what_packer_maas_has_left(checkout: Path) -> None:
    found = left_by_packer_maas(checkout, Wanted(checkout))
    assert [w.path.relative_to(checkout).as_posix() for w in found] == [
        "debian/debian-custom-cloudimg.tar.gz",
        "rocky9/rocky9.tar.gz",
        "xenserver8/xenserver8-lvm.dd.gz",
    ]
    alone = left_by_packer_maas(checkout / "rocky9", Wanted(checkout))
    assert [w.path.name for w in alone] == ["rocky9.tar.gz"]
    with pytest.raises(UsageError, match="holds no image"):
        left_by_packer_maas(checkout / "rhel8", Wanted(checkout))
    with pytest.raises(UsageError, match="no directory"):
        left_by_packer_maas(checkout / "nowhere", Wanted(checkout))


def test_what_no_stream_carries_is_uploaded_as_its_readme_says(
    checkout: Path, tmp_path: Path
) -> None:
    found = left_by_packer_maas(checkout, Wanted(checkout))
    done = built(tmp_path / "out", *found)
    assert not done.written
    commands = [refusal.command or "" for refusal in done.refusals]
    assert "base_image=ubuntu/jammy" in commands[0]
    assert "base_image=rhel/8" in commands[1]


def test_the_rest_is_built_if_that_is_asked_for(checkout: Path, tmp_path: Path) -> None:
    words = ["build", "--from-packer-maas", str(checkout), "--output", str(tmp_path / "out")]
    done = CliRunner().invoke(main, [*words, "--skip-refused"])
    assert done.exit_code == 1
    assert "built 1 product" in done.stdout
    assert "2 images refused" in done.stdout
    assert list(products(tmp_path / "out")) == ["local.maas:rhel-bases:rocky9:amd64"]


def test_what_is_refused_by_a_check_can_be_left_out(tmp_path: Path) -> None:
    good, bad = tarball(tmp_path / "good.tar.gz"), tarball(tmp_path / "bad.tar.gz")
    wanted = (Wanted(good), Wanted(bad, release="r" * 33))
    done = built(tmp_path / "out", *wanted, skip_refused=True)
    assert {r.path for r in done.refusals} == {bad}
    assert len(products(tmp_path / "out")) == 1
