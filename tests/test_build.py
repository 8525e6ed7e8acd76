"""``build``: MAAS takes every tree that it writes; what it can't vouch for is not written."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shlex
import subprocess
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from images import Tree
from maas_stream_lint.api import check
from maas_stream_lint.building.builder import Built, Options, build
from maas_stream_lint.building.wanted import Wanted
from maas_stream_lint.cli.main import main
from maas_stream_lint.errors import LintError, UsageError
from maas_stream_lint.finding import Severity
from maas_stream_lint.rulebook import releases
from packed import DEBIAN, EFI, LVM, MSR, ROCKY, STATUS, VMFS, disk, tarball, ubuntu
from schemas import BUILT, through_text

INDEX = "streams/v1/index.json"
NOW = datetime(2026, 11, 26, 12, tzinfo=timezone.utc)
BOOT_CFG = b"bootstate=0\nkernel=b.b00\nbuild=8.0.2-0.0.22380479\nupdated=0\n"


def built(root: Path, *wanted: Wanted, maas: list[str] | None = None, **more: Any) -> Built:
    done = build(root, wanted, Options(releases(maas), **more), now=NOW)
    if done.written:
        report = check(root / INDEX, maas)
        assert [f for f in report.findings if f.severity > Severity.INFO] == []
        assert report.look.survey is not None
        assert report.look.survey.hashed
    else:
        assert not (root / "streams").exists()
    return done


def products(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in (root / "streams/v1").glob("*.json"):
        found |= json.loads(path.read_text()).get("products", {})
    return found


def test_a_root_tarball(tmp_path: Path) -> None:
    image = tarball(tmp_path / "rocky9.tar.gz")
    done = built(tmp_path / "out", Wanted(image))
    assert done.written
    (fate,) = done.fates
    assert fate.deploys == fate.asked == tuple(r.line for r in releases())
    assert fate.heading == "Redhat Enterprise Linux"
    ((name, product),) = products(tmp_path / "out").items()
    assert name == "local.maas:rhel-bases:rocky9:amd64"
    assert product["os_title"] == "Rocky Linux"
    assert (product["release"], product["version"]) == ("rocky9", "9.4")
    ((version, held),) = product["versions"].items()
    assert version == "20261126_01"
    item = held["items"]["root-tgz"]
    assert item["sha256"] == hashlib.sha256(image.read_bytes()).hexdigest()
    assert item["size"] == image.stat().st_size
    placed = tmp_path / "out" / item["path"]
    assert placed.read_bytes() == image.read_bytes()
    assert placed.stat().st_ino == image.stat().st_ino
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["rhel", "streams"]


@pytest.mark.parametrize(
    ("about", "os", "release", "maas"),
    [
        ('NAME="AlmaLinux"\nID="almalinux"\nVERSION_ID="8.10"\n', "rhel", "alma8", None),
        ('NAME="CentOS Stream"\nID="centos"\nVERSION_ID="9"\n', "centos", "centos9-stream", None),
        ('NAME="CentOS Linux"\nID="centos"\nVERSION_ID="7"\n', "centos", "centos7", None),
        ('NAME="Red Hat Enterprise Linux"\nID="rhel"\nVERSION_ID="10.0"\n', "rhel", "rhel10", None),
        ('NAME="SLES"\nID="sles"\nVERSION_ID="15.5"\n', "suse", "sles15.5", None),
        ("ID=fedora\nVERSION_ID=41\nSUPPORT_END=2025-11-19\n", "rhel", "fedora41", None),
        ('NAME="openEuler"\nID="openEuler"\nVERSION_ID="24.03"\n', "rhel", "openeuler24.03", None),
        ('NAME="Oracle Linux Server"\nID="ol"\nVERSION_ID="9.2"\n', "rhel", "ol9", None),
        ('NAME="Oracle Linux Server"\nID="ol"\nVERSION_ID="9.2"\n', "ol", "ol9", ["3.5", "3.8"]),
    ],
    ids=lambda value: "" if value is None else str(value).partition("\n")[0],
)  # fmt: skip
def test_each_family_goes_under_its_os(
    tmp_path: Path, about: str, os: str, release: str, maas: list[str] | None
) -> None:
    image = tarball(tmp_path / "image.tar.gz", about)
    done = built(tmp_path / "out", Wanted(image), maas=maas)
    assert done.refusals == ()
    (product,) = done.products
    assert product.key == (os, release, "amd64")
    assert done.fates[0].deploys == done.fates[0].asked


def test_oracle_says_how_it_would_be_its_own(tmp_path: Path) -> None:
    image = tarball(tmp_path / "ol9.tar.gz", 'NAME="Oracle Linux"\nID="ol"\nVERSION_ID="9.2"\n')
    (product,) = built(tmp_path / "out", Wanted(image)).products
    assert any("--maas 3.5,3.6,3.7,3.8" in note for note in product.notes)
    (product,) = built(tmp_path / "own", Wanted(image), maas=["3.5"]).products
    assert product.notes == ()
    done = built(tmp_path / "none", Wanted(image, os="ol"))
    assert [r.fix for r in done.refusals] == ["give --maas 3.5,3.6,3.7,3.8"]


@pytest.mark.parametrize("mode", ["w:gz", "w:xz", "w:bz2"])
def test_any_compression_that_curtin_opens(tmp_path: Path, mode: str) -> None:
    image = tarball(tmp_path / "image.tar", mode=mode)
    done = built(tmp_path / "out", Wanted(image))
    assert done.fates[0].deploys == done.fates[0].asked


def test_disk_images(tmp_path: Path) -> None:
    windows = disk(tmp_path / "windows.dd.gz", MSR, body=EFI)
    esxi = disk(tmp_path / "vmware-esxi.dd.gz", VMFS, body=EFI + BOOT_CFG)
    done = built(tmp_path / "out", Wanted(windows, release="win2022"), Wanted(esxi))
    assert [p.key[:2] for p in done.products] == [("windows", "win2022"), ("esxi", "8.0")]
    for product in products(tmp_path / "out").values():
        (version,) = product["versions"].values()
        # MAAS 3.8 finds a root file by this key, older ones by the ftype.
        item = version["items"]["root-tgz"]
        assert item["ftype"] == "root-dd.gz"
        assert item["path"].endswith("/root-dd.gz")
    assert all(fate.deploys == fate.asked for fate in done.fates)


def test_an_arm64_image_of_a_rhel_says_what_it_takes(tmp_path: Path) -> None:
    image = tarball(tmp_path / "rocky9.tar.gz", arch="arm64")
    (product,) = built(tmp_path / "out", Wanted(image)).products
    assert product.key[2] == "arm64"
    assert any("preseed" in note for note in product.notes)


def test_the_manifest_lists_the_packages_that_are_installed(tmp_path: Path) -> None:
    more = {"var/lib/dpkg/status": STATUS.encode()}
    image = tarball(tmp_path / "image.tar.gz", ROCKY, more=more)
    (product,) = built(tmp_path / "out", Wanted(image)).products
    (path,) = (f.path for f in product.files if f.key == "manifest")
    assert (tmp_path / "out" / path).read_text() == "bash\t5.1-6\n"


def test_release_lines_in_few_words() -> None:
    from maas_stream_lint.building.naming import span

    assert span(["3.5"]) == "3.5"
    assert span(["3.5", "3.6"]) == "3.5 and 3.6"
    assert span(["3.4", "3.5", "3.6"]) == "3.4 to 3.6"
    assert span(["2.9", "3.5", "3.8"]) == "2.9, 3.5 and 3.8"


# -- refusals ------------------------------------------------------------------------------------


def refusal(tmp_path: Path, *wanted: Wanted, **more: Any) -> dict[str, Any]:
    done = built(tmp_path / "out", *wanted, **more)
    said = through_text(done.to_dict())
    BUILT.validate(said)
    first: dict[str, Any] = said["refusals"][0]
    assert not (tmp_path / "out").exists()
    return first


def test_debian_is_uploaded(tmp_path: Path) -> None:
    image = tarball(tmp_path / "a b.tar.gz", DEBIAN)
    said = refusal(tmp_path, Wanted(image))
    words = shlex.split(said["command"])
    assert words[:4] == ["maas", "$PROFILE", "boot-resources", "create"]
    # `ubuntu/bookworm` is refused by MAAS's form.
    assert {"name=custom/debian12", "base_image=ubuntu/jammy", "filetype=tgz"} < set(words)
    assert f"content@={image}" in words


def test_a_disk_image_of_a_linux_is_uploaded(tmp_path: Path) -> None:
    said = refusal(tmp_path, Wanted(disk(tmp_path / "xenserver8-lvm.dd.gz", LVM, body=EFI)))
    words = shlex.split(said["command"])
    assert {"name=custom/xenserver8-lvm", "filetype=ddgz"} < set(words)


@pytest.mark.parametrize("os", ["ubuntu", "centos", "rhel"])
def test_nothing_makes_an_image_what_it_is_not(tmp_path: Path, os: str) -> None:
    debian = tarball(tmp_path / "debian.tar.gz", DEBIAN)
    assert "upload" in refusal(tmp_path, Wanted(debian, os=os))["fix"]
    rocky = tarball(tmp_path / "rocky9.tar.gz")
    if os == "ubuntu":
        assert "which MAAS deploys as os rhel" in refusal(tmp_path, Wanted(rocky, os=os))["why"]


@pytest.mark.parametrize(
    ("about", "arch", "option"),
    [
        ('ID="homemade"\nVERSION_ID="1"\n', "amd64", "--os"),
        (None, "amd64", "--os"),
        (ROCKY, None, "--arch"),
        ("ID=rocky\n", "amd64", "--release"),
    ],
)
def test_what_the_image_does_not_tell_is_asked_for(
    tmp_path: Path, about: str | None, arch: str | None, option: str
) -> None:
    said = refusal(tmp_path, Wanted(tarball(tmp_path / "image.tar.gz", about, arch)))
    assert option in said["fix"]


def test_what_is_asked_for_can_be_said(tmp_path: Path) -> None:
    image = tarball(tmp_path / "image.tar.gz", None, None)
    wanted = Wanted(image, os="rhel", release="mine", version="1", arch="arm64", title="Mine")
    (product,) = built(tmp_path / "out", wanted).products
    assert product.key == ("rhel", "mine", "arm64")
    assert product.fields["release_title"] == "Mine"


def test_two_that_disagree_on_the_architecture(tmp_path: Path) -> None:
    image = tarball(tmp_path / "image.tar.gz", arch="arm64")
    assert "for arm64, not amd64" in refusal(tmp_path, Wanted(image, arch="amd64"))["why"]


def test_programs_that_disagree_tell_nothing(tmp_path: Path) -> None:
    from packed import elf

    image = tarball(tmp_path / "image.tar.gz", more={"usr/bin/other": elf("arm64")})
    assert "--arch" in refusal(tmp_path, Wanted(image))["fix"]


@pytest.mark.parametrize("cut", [0, 20, 200])
def test_a_file_that_is_cut(tmp_path: Path, cut: int) -> None:
    image = tarball(tmp_path / "image.tar.gz", more={"usr/share/big": os.urandom(5000)})
    image.write_bytes(image.read_bytes()[:cut] if cut < 200 else image.read_bytes()[:-cut])
    said = refusal(tmp_path, Wanted(image))
    assert said["fix"] in (
        "make or copy it again",
        "give a .tar.gz or .dd.gz, as packer-maas makes them",
    )


def test_a_wrong_checksum_inside_is_seen(tmp_path: Path) -> None:
    image = tarball(tmp_path / "image.tar.gz", more={"usr/share/big": os.urandom(9000)})
    body = bytearray(image.read_bytes())
    body[-8] ^= 1
    image.write_bytes(bytes(body))
    assert "can't be read to its end" in refusal(tmp_path, Wanted(image))["why"]


def test_other_formats_are_converted_first(tmp_path: Path) -> None:
    image = tmp_path / "disk.qcow2"
    image.write_bytes(b"QFI\xfb" + bytes(8000))
    said = refusal(tmp_path, Wanted(image))
    assert "a qcow2 disk image" in said["why"]
    assert (
        said["command"]
        == f"qemu-img convert -O raw {image} {tmp_path}/disk.dd && gzip {tmp_path}/disk.dd"
    )


def test_two_images_of_one_name(tmp_path: Path) -> None:
    one, two = tarball(tmp_path / "one.tar.gz"), tarball(tmp_path / "two.tar.gz")
    assert "as one.tar.gz is" in refusal(tmp_path, Wanted(one), Wanted(two))["why"]
    done = built(tmp_path / "both", Wanted(one), Wanted(two, release="rocky9-b"))
    assert len(done.products) == 2


def test_what_a_check_finds_fault_with_is_not_written(tmp_path: Path) -> None:
    image = tarball(tmp_path / "image.tar.gz")
    said = refusal(tmp_path, Wanted(image, release="r" * 33))
    assert said["why"].startswith("on MAAS 2.9 to 3.8, MSL")


def test_what_is_no_name_is_refused(tmp_path: Path) -> None:
    for given in ("../x", "a/b", "", "a b", "\x1b[1m"):
        with pytest.raises(UsageError):
            Wanted(tmp_path / "x", release=given)


@pytest.mark.parametrize(
    "about",
    [
        "ID=rocky\nVERSION_ID=../../../x\n",
        "ID=rocky\nVERSION_ID='9 4'\n",
        "ID=../x\nVERSION_ID=9\n",
        "ID=rocky\nVERSION_ID='9\x1b[31m'\n",
    ],
)
def test_what_an_image_says_of_itself_leads_nowhere(tmp_path: Path, about: str) -> None:
    image = tarball(tmp_path / "image.tar.gz", about)
    said = refusal(tmp_path, Wanted(image, os=None if "rocky" in about else "rhel"))
    assert "cannot be a part of a name" in said["why"]
    assert "\x1b" not in said["why"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["image.tar.gz"]


def test_a_link_in_the_folder_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/rhel").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="leads out of the tree"):
        build(tmp_path / "out", [Wanted(tarball(tmp_path / "i.tar.gz"))], Options(releases()))
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_the_command_of_the_quick_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tarball(Path("debian-custom-cloudimg.tar.gz"), DEBIAN)
    page = Path(__file__).parents[1] / "docs/start/packer-maas.md"
    said = refusal(Path(), Wanted(Path("debian-custom-cloudimg.tar.gz")))
    assert said["command"] in page.read_text("utf-8").splitlines()


# -- writing -------------------------------------------------------------------------------------


def test_a_stream_that_is_there_is_left_alone(tmp_path: Path) -> None:
    image = tarball(tmp_path / "image.tar.gz")
    built(tmp_path / "out", Wanted(image))
    before = (tmp_path / "out" / INDEX).read_bytes()
    with pytest.raises(UsageError, match="holds a stream"):
        build(tmp_path / "out", [Wanted(image)], Options(releases()))
    assert (tmp_path / "out" / INDEX).read_bytes() == before


def test_files_of_the_folder_are_not_overwritten(tmp_path: Path) -> None:
    image = tarball(tmp_path / "image.tar.gz")
    there = tmp_path / "out/rhel/rocky9/amd64/20261126_01/root-tgz"
    there.parent.mkdir(parents=True)
    there.write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        build(tmp_path / "out", [Wanted(image)], Options(releases()), now=NOW)
    assert there.read_text() == "mine"
    assert not (tmp_path / "out/streams").exists()


def test_a_file_that_only_its_owner_reads_is_copied(tmp_path: Path) -> None:
    image = tarball(tmp_path / "image.tar.gz")
    image.chmod(0o600)
    (product,) = built(tmp_path / "out", Wanted(image)).products
    placed = tmp_path / "out" / product.files[0].path
    assert placed.stat().st_mode & 0o777 == 0o644
    assert image.stat().st_mode & 0o777 == 0o600


def test_copies_if_asked_to(tmp_path: Path) -> None:
    image = tarball(tmp_path / "image.tar.gz")
    (product,) = built(tmp_path / "out", Wanted(image), copy=True).products
    placed = tmp_path / "out" / product.files[0].path
    assert placed.stat().st_ino != image.stat().st_ino
    assert placed.read_bytes() == image.read_bytes()


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    done = built(tmp_path / "out", Wanted(tarball(tmp_path / "image.tar.gz")), dry_run=True)
    assert not done.written
    assert len(done.fates) == 1
    assert not (tmp_path / "out").exists()


def test_an_image_that_changes_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from maas_stream_lint.building import builder, writing

    image = tarball(tmp_path / "image.tar.gz")
    place = writing.place_files

    def late(*args: Any, **more: Any) -> None:
        image.write_bytes(gzip.compress(b"other"))
        place(*args, **more)

    monkeypatch.setattr(builder.writing, "place_files", late)
    with pytest.raises(UsageError, match="changed"):
        build(tmp_path / "out", [Wanted(image)], Options(releases()))
    assert not (tmp_path / "out/streams").exists()
    assert list((tmp_path / "out").glob("**/*.gz")) == []


def test_a_second_run_waits_its_turn(tmp_path: Path) -> None:
    from maas_stream_lint.building.writing import locked

    image = tarball(tmp_path / "image.tar.gz")
    with locked(tmp_path / "out"), pytest.raises(LintError, match="another program has locked"):
        build(tmp_path / "out", [Wanted(image)], Options(releases()))
    built(tmp_path / "out", Wanted(image))


def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "out/.maas-stream-lint-dead").mkdir(parents=True)
    (tmp_path / "out/.maas-stream-lint-dead/file").write_text("half")
    built(tmp_path / "out", Wanted(tarball(tmp_path / "image.tar.gz")))
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["rhel", "streams"]


# -- the command ---------------------------------------------------------------------------------


def run(*words: str | Path) -> Any:
    return CliRunner().invoke(main, ["build", *map(str, words)], catch_exceptions=False)


def test_the_command(tmp_path: Path) -> None:
    image = tarball(tmp_path / "rocky9.tar.gz")
    done = run(image, "--output", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "built 1 product" in done.stdout
    assert "rhel/rocky9" in done.stdout
    said = json.loads(run(image, "--output", tmp_path / "two", "--format", "json").stdout)
    BUILT.validate(said)
    assert said["written"]


def test_a_refusal_ends_with_one(tmp_path: Path) -> None:
    done = run(tarball(tmp_path / "debian.tar.gz", DEBIAN), "--output", tmp_path / "out")
    assert done.exit_code == 1
    # A command is one line, so that it can be copied.
    assert any(
        line.startswith("  maas $PROFILE") and "content@=" in line
        for line in done.stdout.splitlines()
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--output", "out"], "no image is named"),
        (["a", "b", "--os", "rhel", "--output", "out"], "about one image"),
        (["nowhere.tar.gz", "--output", "out"], "no such file"),
        (["x", "--maas", "1.9", "--output", "out"], "no MAAS release line"),
    ],
)
def test_what_can_not_be_meant(words: list[str], told: str) -> None:
    done = run(*words)
    assert done.exit_code == 2
    assert told in done.stderr


def test_the_ubuntu_image_of_the_first_report(tmp_path: Path) -> None:
    """Renaming it is not enough: without kernel and squashfs MAAS can't boot it."""
    image = ubuntu(tmp_path / "custom-cloudimg.tar.gz")
    empty = Tree()
    empty.products.clear()
    empty.write(tmp_path / "empty")
    said = refusal(tmp_path, Wanted(image, boot_from=str(tmp_path / "empty" / INDEX)))
    assert "has no kernel and initrd of jammy" in said["why"]
    assert "base_image=ubuntu/jammy" in said["command"]


def test_the_program_in_a_process_of_its_own(tmp_path: Path) -> None:
    image = tarball(tmp_path / "rocky9.tar.gz")
    command = ["maas-stream-lint", "build", str(image), "--output", str(tmp_path / "out")]
    env = {**os.environ, "PATH": f"{Path(os.sys.executable).parent}:{os.environ['PATH']}"}  # type: ignore[attr-defined]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert done.stderr == ""
