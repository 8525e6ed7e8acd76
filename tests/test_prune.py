"""``prune`` and ``remove``: metadata first, files later, and nothing that somebody still needs."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from images import Tree
from keys import USER, Keys
from maas_stream_lint.api import check
from maas_stream_lint.building import versions
from maas_stream_lint.building.builder import Options as BuildOptions
from maas_stream_lint.building.builder import build
from maas_stream_lint.building.ledger import NAME
from maas_stream_lint.building.pruning import Options, Pruned, prune
from maas_stream_lint.building.wanted import Wanted
from maas_stream_lint.cli.main import main
from maas_stream_lint.errors import LintError, UsageError
from maas_stream_lint.finding import Severity
from maas_stream_lint.fixing.signing import Gpg
from maas_stream_lint.rulebook import releases
from packed import tarball
from schemas import PRUNED, through_text

INDEX = "streams/v1/index.json"
BASES = "streams/v1/local.maas:bases-download.json"
ROCKY = "local.maas:rhel-bases:rocky9:amd64"
START = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)
FOLDER = "rhel/rocky9/amd64"


def day(number: int) -> datetime:
    return START + timedelta(days=number)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A stream of one product with four versions, a day each."""
    image, root = tarball(tmp_path / "rocky9.tar.gz"), tmp_path / "out"
    for number in range(4):
        options = BuildOptions(releases(), update=number > 0)
        assert build(root, [Wanted(image)], options, now=day(number)).written
    return root


def pruned(root: Path, keep: int, now: datetime, **more: Any) -> Pruned:
    done = prune(
        root, lambda *known: versions.beyond(known[0], keep, *known[1:]), Options(**more), now
    )
    PRUNED.validate(through_text(done.to_dict()))
    return done


def removed(root: Path, name: str, now: datetime = START, **more: Any) -> Pruned:
    return prune(
        root, lambda *known: versions.named(known[0], name, *known[1:]), Options(**more), now
    )


def held(root: Path) -> list[str]:
    data = json.loads((root / BASES).read_text())
    return sorted(data["products"].get(ROCKY, {}).get("versions", {}))


def folders(root: Path) -> list[str]:
    return sorted(p.name for p in (root / FOLDER).iterdir())


def everything(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def clean(root: Path, keyring: Path | None = None) -> bool:
    report = check(root / INDEX if keyring is None else root, keyring=keyring)
    return [f for f in report.findings if f.severity > Severity.INFO and f.code != "MSL711"] == []


ALL = [f"202611{n:02}_01" for n in range(1, 5)]


def test_metadata_first_and_files_after_a_time_of_grace(root: Path) -> None:
    done = pruned(root, 2, day(5))
    assert [v.version for v in done.versions] == [ALL[1], ALL[0]]
    assert held(root) == ALL[2:]
    assert folders(root) == ALL  # a MAAS may still read the old index
    assert done.deleted == {}
    assert len(done.waiting) == 4
    assert pruned(root, 2, day(7)).deleted == {}
    done = pruned(root, 2, day(8))
    assert len(done.deleted) == 4
    assert folders(root) == ALL[2:]
    assert not (root / NAME).exists()
    assert clean(root)


def test_each_file_has_its_own_time(root: Path) -> None:
    pruned(root, 3, day(5))
    pruned(root, 2, day(7))
    done = pruned(root, 2, day(9))
    assert {p.split("/")[3] for p in done.deleted} == {ALL[0]}
    assert {p.split("/")[3] for p in done.waiting} == {ALL[1]}


def test_at_once(root: Path) -> None:
    pruned(root, 1, day(5), grace=timedelta())
    assert folders(root) == ALL[3:]
    assert clean(root)


def test_a_dry_run_says_the_same_and_does_nothing(root: Path) -> None:
    before = everything(root)
    said = pruned(root, 2, day(5), grace=timedelta(), dry_run=True)
    assert everything(root) == before
    done = pruned(root, 2, day(5), grace=timedelta())
    assert (said.versions, said.deleted, said.waiting) == (
        done.versions,
        done.deleted,
        done.waiting,
    )


def test_the_last_good_version_stays(root: Path) -> None:
    for version in ALL[1:]:
        (root / FOLDER / version / "root-tgz").unlink()
    done = pruned(root, 2, day(5), grace=timedelta())
    assert held(root) == [ALL[0], *ALL[2:]]
    assert [v.version for v in done.versions] == [ALL[1]]


def test_a_cut_file_is_no_good_version(root: Path) -> None:
    for version in ALL[2:]:
        place = root / FOLDER / version / "root-tgz"
        body = place.read_bytes()
        place.unlink()  # it is one inode in all versions
        place.write_bytes(body[:-1])
    pruned(root, 1, day(5))
    assert held(root) == [ALL[1], ALL[3]]


def test_an_ubuntu_without_a_kernel_is_no_good_version(tmp_path: Path) -> None:
    tree = Tree()
    (name,) = tree.products
    good = tree.items
    newer = {key: item for key, item in good.items() if key != "boot-kernel"}
    tree.products[name]["versions"]["20240102"] = {"items": newer}
    root = tree.write(tmp_path / "tree")
    done = pruned(root, 1, day(5), grace=timedelta())
    assert done.versions == ()


def test_files_that_a_version_shares_stay(tmp_path: Path) -> None:
    tree = Tree()
    (name,) = tree.products
    tree.products[name]["versions"]["20240102"] = {"items": dict(tree.items)}
    root = tree.write(tmp_path / "tree")
    done = pruned(root, 1, day(5), grace=timedelta())
    assert [v.version for v in done.versions] == ["20240101"]
    assert done.deleted == {}
    assert clean(root)


@pytest.mark.parametrize("spelling", ["./{}", "x/../{}", "{}?v=1", "linked/{}"])
def test_files_that_are_named_otherwise_stay(root: Path, spelling: str) -> None:
    (root / "linked").symlink_to(".")
    path = f"{FOLDER}/{ALL[0]}/root-tgz"
    data = json.loads((root / BASES).read_text())
    item = data["products"][ROCKY]["versions"][ALL[3]]["items"]["root-tgz"]
    item["path"] = spelling.format(path)
    (root / BASES).write_text(json.dumps(data))
    pruned(root, 1, day(5), grace=timedelta(), orphans=True)
    assert (root / path).exists()


def test_files_that_another_stream_names_stay(root: Path) -> None:
    other = json.loads((root / BASES).read_text())
    (root / "streams/v1/other.json").write_text(json.dumps(other))
    done = pruned(root, 1, day(5), grace=timedelta())
    assert held(root) == ALL[3:]
    assert done.deleted == {}
    assert folders(root) == ALL


@pytest.mark.parametrize("path", [INDEX, BASES, "streams/v1/other.json"])
def test_nothing_where_metadata_cannot_be_read(root: Path, path: str) -> None:
    (root / path).write_text("{")
    before = everything(root)
    with pytest.raises(UsageError, match="be read"):
        pruned(root, 1, day(5), grace=timedelta())
    assert everything(root) == before


def test_orphans_are_told_apart(root: Path) -> None:
    (root / "left.tar.gz").write_bytes(b"x" * 99)
    (root / "README.md").write_text("about")
    done = pruned(root, 1, day(5), grace=timedelta())
    assert dict(done.strangers) == {"left.tar.gz": 99, "README.md": 5}
    done = pruned(root, 1, day(5), orphans=True)
    assert dict(done.waiting) == {"left.tar.gz": 99}  # a companion is none
    assert dict(pruned(root, 1, day(9), orphans=True).deleted) == {"left.tar.gz": 99}
    assert (root / "README.md").exists()


def test_what_is_named_again_is_not_deleted(root: Path) -> None:
    before = (root / BASES).read_bytes()
    pruned(root, 1, day(5))
    (root / BASES).write_bytes(before)
    pruned(root, 4, day(6))
    assert pruned(root, 1, day(9)).deleted == {}
    assert folders(root) == ALL


def test_a_ledger_that_lies_deletes_nothing_that_is_named(root: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    old = "2000-01-01T00:00:00+00:00"
    named = f"{FOLDER}/{ALL[3]}/root-tgz"
    since = {named: old, "../victim": old, str(victim): old, INDEX: old}
    (root / NAME).write_text(json.dumps({"since": since}))
    pruned(root, 4, day(5))
    assert victim.exists()
    assert (root / named).exists()
    assert (root / INDEX).exists()


@pytest.mark.parametrize("text", ["", "[]", '{"since": 1}', '{"since": {"a": 1}}', "\xff"])
def test_a_ledger_that_is_none(root: Path, text: str) -> None:
    (root / NAME).write_text(text)
    assert pruned(root, 1, day(5)).deleted == {}


def test_links_are_not_followed(root: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/file").write_text("theirs")
    (root / "link").symlink_to(tmp_path / "elsewhere")
    pruned(root, 1, day(5), grace=timedelta(), orphans=True)
    assert (tmp_path / "elsewhere/file").exists()


def test_some_products_alone(root: Path, tmp_path: Path) -> None:
    alma = tarball(tmp_path / "a.tar.gz", "NAME=AlmaLinux\nID=almalinux\nVERSION_ID=9.1\n")
    for number in (5, 6):
        build(root, [Wanted(alma)], BuildOptions(releases(), update=True), now=day(number))
    done = prune(
        root,
        lambda known, present, needs: versions.beyond(known, 1, present, needs, ["*alma*"]),
        Options(),
        day(9),
    )
    assert {v.product for v in done.versions} == {"local.maas:rhel-bases:alma9:amd64"}
    assert held(root) == ALL


def test_what_somebody_writes_meanwhile_is_not_lost(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from maas_stream_lint.building import pruning

    publish = pruning.writing.publish

    def late(*args: Any) -> None:
        (root / BASES).write_text("theirs")
        publish(*args)

    monkeypatch.setattr(pruning.writing, "publish", late)
    with pytest.raises(LintError, match="another program"):
        pruned(root, 1, day(5), grace=timedelta())
    assert (root / BASES).read_text() == "theirs"
    assert folders(root) == ALL


# -- remove --------------------------------------------------------------------------------------


def test_remove_a_version(root: Path) -> None:
    removed(root, f"{ROCKY}/{ALL[1]}", day(5), grace=timedelta())
    assert held(root) == [ALL[0], *ALL[2:]]
    assert folders(root) == held(root)
    assert clean(root)


def test_remove_a_product(root: Path, tmp_path: Path) -> None:
    alma = tarball(tmp_path / "a.tar.gz", "NAME=AlmaLinux\nID=almalinux\nVERSION_ID=9.1\n")
    build(root, [Wanted(alma)], BuildOptions(releases(), update=True), now=day(5))
    removed(root, ROCKY, day(6), grace=timedelta())
    assert held(root) == []
    entry = json.loads((root / INDEX).read_text())["index"]["local.maas:bases-download"]
    assert entry["products"] == ["local.maas:rhel-bases:alma9:amd64"]
    assert not (root / "rhel/rocky9").exists()
    assert clean(root)


def test_the_last_product_of_a_file_takes_its_entry_with_it(tmp_path: Path) -> None:
    root, image = Tree().write(tmp_path / "tree"), tarball(tmp_path / "rocky9.tar.gz")
    build(root, [Wanted(image)], BuildOptions(releases(), update=True), now=START)
    removed(root, "com.example.maas:rhel-bases:rocky9:amd64")
    assert list(json.loads((root / INDEX).read_text())["index"]) == ["com.example.maas:v3:download"]
    assert clean(root)


def test_not_the_last_product_of_all(root: Path) -> None:
    before = everything(root)
    with pytest.raises(UsageError, match="without any product"):
        removed(root, ROCKY)
    assert everything(root) == before


def test_not_the_last_good_version(root: Path) -> None:
    for version in ALL[1:]:
        (root / FOLDER / version / "root-tgz").unlink()
    with pytest.raises(UsageError, match="last good version"):
        removed(root, f"{ROCKY}/{ALL[0]}")


@pytest.mark.parametrize("name", ["nothing", f"{ROCKY}/1", "local.maas:rhel-bases:rocky9:amd65"])
def test_what_is_not_there(root: Path, name: str) -> None:
    with pytest.raises(UsageError, match="no product or version") as raised:
        removed(root, name)
    assert name == "nothing" or ROCKY in str(raised.value.hint)


# -- signatures and the commands -----------------------------------------------------------------


def test_a_signed_stream(root: Path, keys: Keys, tmp_path: Path) -> None:
    image = tarball(tmp_path / "new.tar.gz")
    build(root, [Wanted(image)], BuildOptions(releases(), update=True, sign=Gpg(USER)), now=day(4))
    before = everything(root)
    with pytest.raises(UsageError, match="would no longer be valid"):
        pruned(root, 1, day(5))
    assert everything(root) == before
    words = ["prune", str(root), "--keep", "1", "--sign", USER, "--keyring", str(keys.ring)]
    done = CliRunner().invoke(main, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert held(root) == ["20261105_01"]
    assert clean(root, keys.ring)


def run(*words: str | Path) -> Any:
    return CliRunner().invoke(main, [*map(str, words)], catch_exceptions=False)


def test_the_commands(root: Path) -> None:
    done = run("prune", root, "--keep", "3", "--dry-run")
    assert done.exit_code == 0
    assert f"{ROCKY}  {ALL[0]}" in done.stdout
    assert "nothing was changed" in done.stdout
    assert held(root) == ALL
    done = run("prune", root, "--keep", "3", "--older", "0")
    assert "2 files deleted" in done.stdout
    said = json.loads(run("remove", root, f"{ROCKY}/{ALL[1]}", "--format", "json").stdout)
    PRUNED.validate(said)
    assert held(root) == ALL[2:]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["prune", "nowhere", "--keep", "1"], "is no directory"),
        (["prune", ".", "--keep", "0"], "0 is not in the range"),
        (["prune", ".", "--keep", "1", "--older", "soon"], "write 3d, 12h or 0"),
        (["prune", "."], "--keep"),
        (["prune", ".", "--keep", "1"], "holds no stream"),
    ],
)
def test_what_can_not_be_meant(
    words: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*words)
    assert done.exit_code == 2
    assert told in done.stderr
    assert list(tmp_path.iterdir()) == []
