"""What can be done about an image that MAAS drops for its name, and what each choice brings."""

from __future__ import annotations

import gzip
import io
import json
import shlex
import tarfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from images import DISK_GZ, INDEX, PRODUCTS, ROOT_TGZ, UBUNTU, Tree, item
from maas_stream_lint.api import Report, check
from maas_stream_lint.building import tarball
from maas_stream_lint.cli.main import main
from maas_stream_lint.errors import UsageError
from maas_stream_lint.fixing.choice import choices
from maas_stream_lint.fixing.plan import Plan, fix, local_tree
from maas_stream_lint.fixing.relabel import parsed, proposals
from maas_stream_lint.outcome import IMPORTED, UNUSABLE, rows

NAME = "com.example:ubuntu-bases:22.04:amd64"
AS_UBUNTU = "com.example:v3:boot:22.04:amd64:ga-22.04"


@pytest.fixture(autouse=True)
def home(own_home: Path) -> Path:
    return own_home


def dropped(root: Path, path: str = "jammy/root-tgz", *, whole: bool = False) -> Path:
    """A stream of one Ubuntu image without v3 in its name. ``whole``: with all that boots."""
    tree = Tree()
    (product,) = tree.products.values()
    tree.products = {NAME: product}
    if not whole:
        tree.items.clear()
        tree.add("root-tgz", ROOT_TGZ, path)
        tree.items["manifest"] = item("manifest", "jammy/manifest", b"a 1")
        tree.files["jammy/manifest"] = b"a 1"
    return tree.write(root)


def tarball_of(system: str) -> bytes:
    """A root tarball of a system, by its os-release."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, text in (("etc/passwd", "root"), ("usr/lib/os-release", system)):
            about = tarfile.TarInfo(f"./{name}")
            about.size = len(text)
            archive.addfile(about, io.BytesIO(text.encode()))
    return out.getvalue()


UBUNTU_RELEASE = "ID=ubuntu\nVERSION_ID=22.04\nVERSION_CODENAME=jammy\nNAME=Ubuntu\n"
ROCKY_RELEASE = 'ID="rocky"\nVERSION_ID="9.4"\nPRETTY_NAME="Rocky Linux 9.4"\n'
DEBIAN_RELEASE = "ID=debian\nVERSION_ID=12\nVERSION_CODENAME=bookworm\n"


def custom(root: Path, os: str, release: str, body: bytes = ROOT_TGZ) -> Path:
    """A stream of one image in the single-file form."""
    tree = Tree()
    tree.items.clear()
    tree.add("root-tgz", body, "image/root-tgz")
    tree.add("manifest", b"a 1")
    (product,) = tree.products.values()
    fields = {"os": os, "release": release, "version": "9", "release_title": "The image"}
    tree.products = {f"com.example:{release}:amd64": {**product, **fields}}
    return tree.write(root)


def identified(root: Path) -> Any:
    tree = local_tree(check(root / INDEX))
    assert tree is not None
    return lambda path: tarball.about(Path(str(tree.locate(path))))


def planned(root: Path, os: str, *, unsafe: bool = False, name: str = NAME) -> Plan:
    wanted = proposals({name: os}, identified(root), unsafe=unsafe)
    return fix(check(root / INDEX), chosen=wanted)


def fates(report: Report) -> dict[str, dict[str, str]]:
    lines = report.look.lines
    table = rows(report.look, report.findings)
    return {row.product: dict(zip(lines, row.outcomes, strict=True)) for row in table}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


def test_ways_of_an_ubuntu_root_alone(tmp_path: Path) -> None:
    """What works stands first; a name alone would boot nothing, so it is not offered."""
    (choice,) = choices(check(dropped(tmp_path) / INDEX))
    assert choice.product == NAME
    upload, build = choice.ways
    assert "base_image=ubuntu/jammy" in (upload.command or "")
    assert f"content@={tmp_path / 'jammy/root-tgz'}" in (upload.command or "")
    assert (build.command or "").startswith("maas-stream-lint build --output ")


def test_ways_of_a_whole_ubuntu_set(tmp_path: Path) -> None:
    (choice,) = choices(check(dropped(tmp_path, whole=True) / INDEX))
    (rename,) = choice.ways
    assert AS_UBUNTU in rename.told
    assert shlex.split(rename.command or "")[-1] == f"{NAME}=ubuntu"


@pytest.mark.parametrize(
    ("system", "os", "release", "wanted", "base"),
    [
        (ROCKY_RELEASE, "custom", "mine", "rhel", "rhel/9"),
        ("", "rocky", "rocky9", "rhel", "rhel/9"),
        ("", "custom", "alma9", "rhel", "rhel/9"),
        ("", "ol", "ol9", "rhel", "rhel/9"),
        (DEBIAN_RELEASE, "custom", "bookworm", None, "ubuntu/jammy"),
        (DEBIAN_RELEASE, "debian", "bookworm", None, "ubuntu/jammy"),
        ("", "other", "thing", None, None),
    ],
)
def test_ways_of_others(
    tmp_path: Path, system: str, os: str, release: str, wanted: str | None, base: str | None
) -> None:
    """Never as Ubuntu, and each command names a base image that MAAS's form takes."""
    root = custom(tmp_path, os, release, tarball_of(system) if system else ROOT_TGZ)
    (choice,) = choices(check(root / INDEX), identified(root))
    *others, upload = choice.ways
    assert [shlex.split(way.command or "")[-1] for way in others] == (
        [f"{choice.product}={wanted}"] if wanted else []
    )
    said = dict(w.split("=", 1) for w in shlex.split(upload.command or "") if "=" in w)
    assert (said["name"], said.get("base_image")) == (f"custom/{release}", base)
    assert "VERSION" not in str(choice)


def test_printed_commands_work(tmp_path: Path) -> None:
    """To the letter: the first one of a Rocky image leaves nothing to be chosen."""
    root = custom(tmp_path / "tree", "custom", "rocky9", tarball_of(ROCKY_RELEASE))
    shown = run("fix", root / INDEX).output
    command = next(line for line in shown.splitlines() if "--as" in line)
    done = run(*shlex.split(command)[1:], "--in-place")
    assert done.exit_code == 0, done.output
    assert set(next(iter(fates(check(root / INDEX)).values())).values()) == {IMPORTED}


def test_a_file_of_another_name_is_not_found_again(tmp_path: Path) -> None:
    root = custom(tmp_path, "rocky", "rocky9")
    text = (root / PRODUCTS).read_text().replace("image/root-tgz", "image/rocky.tar.gz")
    (root / PRODUCTS).write_text(text)
    (root / "image/root-tgz").rename(root / "image/rocky.tar.gz")
    (choice,) = choices(check(root / INDEX))
    assert "2.9 to 3.4 looks for a file called `root-tgz`" in choice.ways[0].told
    plan = planned(root, "rhel", name=choice.product)
    assert fates(plan.after)[choice.product]["3.4"] == UNUSABLE
    assert fates(plan.after)[choice.product]["3.5"] == IMPORTED


def test_as_ubuntu_says_that_it_cannot_boot(tmp_path: Path) -> None:
    plan = planned(dropped(tmp_path), "ubuntu")
    assert "it can't be used" in str(plan.edits[-1].warning)
    assert set(json.loads(plan.files[PRODUCTS])["products"]) == {AS_UBUNTU}
    entry = json.loads(plan.files[INDEX])["index"]["com.example.maas:v3:download"]
    assert entry["products"] == [AS_UBUNTU]


def test_as_ubuntu_where_all_is_there(tmp_path: Path) -> None:
    plan = planned(dropped(tmp_path, whole=True), "ubuntu")
    assert [edit.warning for edit in plan.edits] == [None]
    assert set(fates(plan.after)[AS_UBUNTU].values()) == {IMPORTED}


def test_another_system_takes_unsafe(tmp_path: Path) -> None:
    """The image itself says what it is, or else its metadata."""
    with pytest.raises(UsageError, match=r"the metadata of .* says that it is"):
        planned(dropped(tmp_path), "rhel")
    plan = planned(tmp_path, "rhel", unsafe=True)
    assert set(fates(plan.after)[NAME].values()) == {IMPORTED}
    root = custom(tmp_path / "rocky", "custom", "jammy", tarball_of(ROCKY_RELEASE))
    name = "com.example:jammy:amd64"
    with pytest.raises(UsageError, match=r"says that it is Rocky Linux 9.4") as error:
        planned(root, "ubuntu", name=name)
    assert f"--as '{name}=rhel'" in str(error.value.__cause__ or error.value)
    assert planned(root, "rhel", name=name).edits


def test_as_finds_what_another_edit_writes(tmp_path: Path) -> None:
    root = dropped(tmp_path, whole=True)
    text = (root / PRODUCTS).read_text().replace('"version": "22.04"', '"version": 22.04')
    (root / PRODUCTS).write_text(text)
    assert set(json.loads(planned(root, "ubuntu").files[PRODUCTS])["products"]) == {AS_UBUNTU}


def test_subarches_are_never_narrowed(tmp_path: Path) -> None:
    for number, (said, kept) in enumerate(
        [("generic,ga-20.04", "generic,ga-20.04"), ("ga-20.04", "ga-20.04,generic"), (None, None)]
    ):
        root = custom(tmp_path / str(number), "rocky", "rocky9")
        document = json.loads((root / PRODUCTS).read_text())
        ((name, product),) = document["products"].items()
        product["subarches"] = said
        if said is None:
            del product["subarches"]
        (root / PRODUCTS).write_text(json.dumps(document))
        plan = planned(root, "rhel", name=name)
        after = json.loads(plan.files[PRODUCTS])["products"][name]
        assert set((kept or "generic").split(",")) <= set(after["subarches"].split(","))


def test_once_more_changes_nothing(tmp_path: Path) -> None:
    root = dropped(tmp_path / "tree", whole=True)
    assert run("fix", root / INDEX, "--as", f"{NAME}=ubuntu", "--in-place").exit_code == 0
    done = run("fix", root / INDEX, "--as", f"{AS_UBUNTU}=ubuntu", "--in-place")
    assert (done.exit_code, "nothing to fix" in done.output) == (0, True)


@pytest.mark.parametrize("os", ["custom", "debian", "onie"])
def test_no_such_os(tmp_path: Path, os: str) -> None:
    with pytest.raises(UsageError, match="no driver of MAAS"):
        planned(dropped(tmp_path), os)


def test_no_such_product(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no product"):
        planned(dropped(tmp_path), "ubuntu", name="com.example:other")
    with pytest.raises(UsageError, match="as a product of os `ubuntu`"):
        planned(Tree().write(tmp_path / "good"), "rhel", name=UBUNTU)


@pytest.mark.parametrize("said", ["rhel", "=rhel", "com.example:x=", ""])
def test_what_as_takes(said: str) -> None:
    with pytest.raises(UsageError, match="PRODUCT=OS"):
        parsed([said])
    assert parsed(["a=b=c"]) == {"a=b": "c"}


def test_nothing_to_be_named_by(tmp_path: Path) -> None:
    root = dropped(tmp_path)
    text = (root / PRODUCTS).read_text().replace('"arch": "amd64"', '"arc": "amd64"')
    (root / PRODUCTS).write_text(text)
    with pytest.raises(UsageError, match="no `arch` for a new name"):
        planned(root, "ubuntu")


def test_an_image_that_tells_nothing(tmp_path: Path) -> None:
    for body in (b"", b"nothing", gzip.compress(b"x" * 2000), ROOT_TGZ, ROOT_TGZ[:-9], DISK_GZ):
        (tmp_path / "image").write_bytes(body)
        assert tarball.about(tmp_path / "image") == {}
    assert tarball.about(tmp_path / "none") == {}


def test_a_diff_says_what_is_left(tmp_path: Path) -> None:
    root = dropped(tmp_path)
    done = CliRunner().invoke(main, ["fix", str(root / INDEX), "--diff"])
    assert done.stdout == ""
    assert "no edit can fix this · 2 findings left: ignored MSL401 ubuntu-name" in done.stderr
    assert done.stderr.endswith("missing-boot-kernel · 3 below `unusable`\n")
    done = CliRunner().invoke(main, ["fix", str(root / INDEX), "--severity=info"])
    assert "5 findings left · nothing was written" in " ".join(done.stdout.split())
