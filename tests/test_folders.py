"""What is remembered of a tree's folders: every change shows, and nothing wrong is remembered."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from maas_stream_lint.api import Report, check
from maas_stream_lint.images import folders, listing
from maas_stream_lint.images.cache import Facts, HashCache, default_folder
from maas_stream_lint.images.folders import Folders
from maas_stream_lint.images.listing import files_in
from maas_stream_lint.images.observation import FileOptions

GOOD = Path(__file__).parents[1] / "fixtures/good/with-images/tree"

pytestmark = pytest.mark.usefixtures("own_home")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOOD, tmp_path / "tree"))


@pytest.fixture
def listings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders that were listed."""
    found: list[str] = []

    def listed(above: str, folder: str, most: int) -> object:
        found.append(folder)
        return listing.listed(above, folder, most)

    monkeypatch.setattr(folders, "listed", listed)
    return found


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every folder is old enough, as a test cannot wait."""
    monkeypatch.setattr(folders, "_SETTLED", -(10**18))


def orphans(report: Report) -> set[str]:
    assert report.look.survey is not None
    return set(report.look.survey.orphans)


@pytest.mark.usefixtures("settled")
def test_a_folder_is_listed_once(tree: Path, listings: list[str]) -> None:
    first = check(tree)
    assert len(listings) == sum(1 for p in tree.rglob("*") if p.is_dir()) - 2 + 1  # streams/v1
    listings.clear()
    second = check(tree)
    assert listings == []
    assert second.findings == first.findings
    assert second.look.survey is not None
    assert first.look.survey is not None
    assert second.look.survey.files.keys() == first.look.survey.files.keys()


@pytest.mark.usefixtures("settled")
def test_every_change_shows(tree: Path, listings: list[str]) -> None:
    check(tree)
    kernel = next(tree.rglob("boot-kernel"))
    folder = kernel.parent.relative_to(tree).as_posix()
    listings.clear()
    (kernel.parent / "new").write_text("x")
    assert orphans(check(tree)) == {f"{folder}/new"}
    assert listings == [f"{folder}/"]
    (kernel.parent / "new").rename(kernel.parent / "other")
    assert orphans(check(tree)) == {f"{folder}/other"}
    (kernel.parent / "other").write_text("another text")
    assert orphans(check(tree)) == {f"{folder}/other"}
    (kernel.parent / "other").unlink()
    assert orphans(check(tree)) == set()
    (kernel.parent / "inner").mkdir()
    (kernel.parent / "inner/file").write_text("x")
    assert orphans(check(tree)) == {f"{folder}/inner/file"}
    shutil.rmtree(kernel.parent / "inner")
    kernel.unlink()
    assert orphans(check(tree)) == set()
    assert "MSL701" in {f.code for f in check(tree).findings}


@pytest.mark.usefixtures("settled")
def test_a_folder_in_another_ones_place(tree: Path) -> None:
    """It has another inode, whatever its times are."""
    check(tree)
    folder = next(tree.rglob("boot-kernel")).parent
    about = folder.stat()
    shutil.copytree(folder, folder.with_name("copy"))
    (folder.with_name("copy") / "new").write_text("x")
    shutil.rmtree(folder)
    folder.with_name("copy").rename(folder)
    os.utime(folder, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert orphans(check(tree)) == {f"{folder.relative_to(tree).as_posix()}/new"}


def test_a_folder_that_changed_a_moment_ago_is_listed_again(
    tree: Path, listings: list[str]
) -> None:
    """Its times may not tell of the next change."""
    check(tree)
    listings.clear()
    check(tree)
    assert len(listings) > 3


@pytest.mark.usefixtures("settled")
def test_a_file_system_without_a_disk_is_listed_again(
    tree: Path, listings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "major", lambda device: 0)
    check(tree)
    listings.clear()
    check(tree)
    assert len(listings) > 3


@pytest.mark.usefixtures("settled")
@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_a_folder_that_cannot_be_read_is_listed_again(tree: Path, listings: list[str]) -> None:
    folder = next(tree.rglob("boot-kernel")).parent
    folder.chmod(0o300)
    try:
        check(tree)
        listings.clear()
        check(tree)
    finally:
        folder.chmod(0o700)
    assert listings == [f"{folder.relative_to(tree).as_posix()}/"]


@pytest.mark.usefixtures("settled")
def test_no_cache_remembers_nothing(tree: Path, listings: list[str]) -> None:
    for options in (FileOptions(cache=False), FileOptions("head")):
        listings.clear()
        check(tree, files=options)
        assert listings == []
    with closing(HashCache(default_folder())) as cache:
        assert cache.folders(f"file:{os.path.realpath(tree)}") is None


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize(
    "damage",
    ["", "x", "1:0", "1:0 {", "null", 5, None, b"\xff", "{}", '1:2 {"": 5}', "cut", "form"],
)
def test_a_damaged_text_is_as_good_as_none(
    tree: Path, listings: list[str], damage: str | bytes | int | None
) -> None:
    check(tree)
    place = default_folder() / "files.sqlite"
    with closing(sqlite3.connect(place)) as database:
        (text,) = database.execute("SELECT folders FROM tree").fetchone()
        if damage == "cut":
            damage = text[:-5]
        elif damage == "form":
            damage = f"0{text}"
        database.execute("UPDATE tree SET folders = ?", (damage,))
        database.commit()
    (next(tree.rglob("boot-kernel")).parent / "new").write_text("x")
    listings.clear()
    assert len(orphans(check(tree))) == 1
    assert len(listings) > 3
    listings.clear()
    check(tree)
    assert listings == []


@pytest.mark.usefixtures("settled")
def test_names_of_any_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    odd = [b"a\nb", b"\xff", b'"', b"\\", " \u20ac".encode(), b".hidden"]
    for name in odd:
        Path(os.fsdecode(os.fsencode(tmp_path / "a") + b"/" + name)).write_text("x")
    first = Folders(None)
    found = files_in(tmp_path, held=first.held)
    assert {os.fsencode(path) for path in found} == {b"a/" + n for n in odd if n[:1] != b"."}
    told = first.news()
    assert told is not None
    second = Folders(told)
    assert files_in(tmp_path, held=second.held) == found == files_in(tmp_path)
    assert second.news() is None


@pytest.mark.usefixtures("settled")
def test_too_much_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setattr(folders, "_MOST", 10)
    found = Folders(None)
    files_in(tmp_path, held=found.held)
    assert found.news() is None


@pytest.mark.usefixtures("settled")
def test_a_tree_that_nobody_asked_for_is_forgotten(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(tree)
    name = f"file:{os.path.realpath(tree)}"
    later = time.time() + 200 * 86_400
    monkeypatch.setattr(time, "time", lambda: later)
    with closing(HashCache(default_folder())) as cache:
        cache.put("other", "stamp", ({}, Facts()))
    with closing(HashCache(default_folder())) as cache:
        assert cache.folders(name) is None
