"""What is remembered of a tree: every change shows, and nothing wrong is remembered."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from maas_stream_lint.api import Report, check
from maas_stream_lint.images import listing, tree_memory
from maas_stream_lint.images.bounds import Bounds
from maas_stream_lint.images.cache import Facts, HashCache, default_folder
from maas_stream_lint.images.content import Content
from maas_stream_lint.images.listing import files_in
from maas_stream_lint.images.observation import FileOptions
from maas_stream_lint.images.tree_memory import TreeMemory

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

    monkeypatch.setattr(tree_memory, "listed", listed)
    return found


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every folder is old enough, as a test cannot wait, and on a disk, wherever tests run."""
    monkeypatch.setattr(tree_memory, "_SETTLED", -(10**18))
    monkeypatch.setattr(tree_memory, "_COARSE", 10**30)
    monkeypatch.setattr(os, "major", lambda device: 8)


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


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize(
    ("owner", "name", "value"),
    [
        pytest.param(tree_memory, "_SETTLED", tree_memory._SETTLED, id="changed a moment ago"),
        pytest.param(tree_memory, "_COARSE", 1, id="times in coarse steps"),
        pytest.param(os, "major", lambda device: 0, id="no disk"),
    ],
)
def test_folders_whose_times_may_tell_nothing_are_listed_again(
    tree: Path,
    listings: list[str],
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
    value: object,
) -> None:
    monkeypatch.setattr(owner, name, value)
    check(tree)
    first = [*listings]
    check(tree)
    assert listings == first * 2
    assert len(first) > 3


@pytest.mark.usefixtures("settled")
def test_a_folder_that_cannot_be_read_is_listed_again(
    tree: Path, listings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = next(tree.rglob("boot-kernel")).parent.relative_to(tree).as_posix()
    scandir = os.scandir

    def refusing(place: str) -> object:
        if place.endswith(f"/{folder}/"):
            raise PermissionError
        return scandir(place)

    monkeypatch.setattr(os, "scandir", refusing)
    options = FileOptions("download")
    check(tree, files=options)
    listings.clear()
    check(tree, files=options)
    assert listings == [f"{folder}/"]


@pytest.mark.usefixtures("settled")
def test_no_cache_remembers_nothing(tree: Path) -> None:
    for options in (FileOptions(cache=False), FileOptions("head")):
        for _ in range(2):
            survey = check(tree, files=options).look.survey
            assert survey is not None
            assert not any(seen.cached for seen in survey.files.values())
    with closing(HashCache(default_folder())) as cache:
        assert cache.tree(named(tree)) is None


def named(tree: Path) -> str:
    return f"tree:{os.path.realpath(tree)}/"


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize(
    "damage",
    [
        *(b"", b"x", b"00000000", b"[[],[],[]]", "text", 5, None, "cut", "form", "flipped"),
        *(f"shape {shape}" for shape in ("{}", "[]", "[[],[],[]]", '[[["x"],[1]],[[]],[]]')),
        'shape [[[]],[["x"],[1],[1],[1],[1],[9]],[]]',
    ],
)
def test_what_is_damaged_is_as_good_as_nothing(
    tree: Path, listings: list[str], damage: str | bytes | int | None
) -> None:
    first = check(tree)
    place = default_folder() / "files.sqlite"
    with closing(sqlite3.connect(place)) as database:
        (told,) = database.execute("SELECT known FROM tree").fetchone()
        damages = {
            "cut": told[:-9] + told[-8:],
            "form": told[:-8] + b"%08x" % crc32(told[:-8], 99),
            "flipped": told.replace(b"boot-kernel", b"boot-cernel", 1),
        }
        value = damages.get(damage, damage) if isinstance(damage, str) else damage
        if isinstance(damage, str) and damage.startswith("shape "):
            shape = damage.removeprefix("shape ").encode()
            value = shape + b"%08x" % crc32(shape, tree_memory._FORM)
        database.execute("UPDATE tree SET known = ?", (value,))
        database.commit()
    (next(tree.rglob("boot-kernel")).parent / "new").write_text("x")
    listings.clear()
    second = check(tree)
    assert len(orphans(second)) == 1
    assert len(listings) > 3
    assert cached(second) == set()
    listings.clear()
    third = check(tree)
    assert listings == []
    assert cached(third) == set(paths(first))


def paths(report: Report) -> set[str]:
    assert report.look.survey is not None
    return set(report.look.survey.files)


def cached(report: Report) -> set[str]:
    assert report.look.survey is not None
    return {path for path, seen in report.look.survey.files.items() if seen.cached}


@pytest.mark.usefixtures("settled")
def test_names_of_any_bytes(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "a").mkdir(parents=True)
    odd = [b"a\nb", b"\xff", b'"', b"\\", " \u20ac".encode(), b".hidden"]
    for name in odd:
        Path(os.fsdecode(os.fsencode(root / "a") + b"/" + name)).write_text("x")
    with closing(HashCache(default_folder())) as cache:
        first = TreeMemory(cache, str(root))
        found = files_in(root, held=first.held)
        assert {os.fsencode(path) for path in found} == {b"a/" + n for n in odd if n[:1] != b"."}
        for path in found:
            first.learn(path, "stamp", ({"sha256": "0"}, Facts()))
        first.save(found)
        second = TreeMemory(cache, str(root))
        assert files_in(root, held=second.held) == found == files_in(root)
        assert all(second.known(path, "stamp") for path in found)


def test_a_file_is_known_as_it_was_learned(tmp_path: Path) -> None:
    several = {"sha256": "aa" * 32, "sha512": "bb" * 64, "md5": "cc" * 16}
    learned = {
        "a": ({"sha256": "00"}, Facts(Content(("gzip", "tar", "tree"), "etc/"), ("x", "y"), True)),
        "b": (several, Facts(Content(("squashfs",)))),
        "c": ({"md5": "11"}, Facts(listed=True)),
        "/elsewhere/d": (several, Facts(Content(("squashfs",)))),
    }
    for name in "abc":
        (tmp_path / name).write_text("x")
    with closing(HashCache(default_folder())) as cache:
        memory = TreeMemory(cache, str(tmp_path))
        for name, known in learned.items():
            memory.learn(name, f"stamp of {name}", known)
        memory.save()
    with closing(HashCache(default_folder())) as cache:
        memory = TreeMemory(cache, str(tmp_path))
        assert {n: memory.known(n, f"stamp of {n}") for n in learned} == learned
        assert memory.known("a", "another stamp") is None
        assert memory.known("e", "stamp of e") is None
        memory.learn("a", "a new stamp", learned["b"])
        (tmp_path / "b").unlink()
        memory.save({"a": 1})
        again = TreeMemory(cache, str(tmp_path))
        assert again.known("a", "a new stamp") == learned["b"]
        assert again.known("b", "stamp of b") is None, "it is not there any more"
        assert again.known("c", "stamp of c") == learned["c"]
        other = TreeMemory(cache, str(tmp_path / "another tree"))
        assert other.known("/elsewhere/d", "stamp of /elsewhere/d") == learned["/elsewhere/d"]
        assert other.known("a", "a new stamp") is None


def test_two_runs_at_once_keep_what_both_learned(tmp_path: Path) -> None:
    known = ({"sha256": "00"}, Facts())
    for name in "ab":
        (tmp_path / name).write_text("x")
    with closing(HashCache(default_folder())) as cache, closing(HashCache(default_folder())) as two:
        first, second = TreeMemory(cache, str(tmp_path)), TreeMemory(two, str(tmp_path))
        assert (first.known("a", "stamp"), second.known("b", "stamp")) == (None, None)
        first.learn("a", "stamp", known)
        second.learn("b", "stamp", known)
        first.save()
        second.save()
        third = TreeMemory(cache, str(tmp_path))
        assert (third.known("a", "stamp"), third.known("b", "stamp")) == (known, known)


def test_a_run_that_learned_nothing_writes_nothing(tree: Path) -> None:
    check(tree)
    with closing(HashCache(default_folder())) as cache:
        old = cache.tree(named(tree))
        cache.change_tree(named(tree), lambda told: b"another run's")
        memory = TreeMemory(cache, str(tree))
        memory.save()
        assert cache.tree(named(tree)) == b"another run's" != old


@pytest.mark.parametrize("target", [".pool", "streams/pool", "../pool"])
def test_files_behind_a_link_to_a_folder_are_hashed_once(tree: Path, target: str) -> None:
    """The listing leaves these folders out, the memory does not."""
    folder = next(tree.rglob("boot-kernel")).parent
    place = tree / target
    folder.rename(place)
    folder.symlink_to(place)
    options = FileOptions("download")
    assert cached(check(tree, files=options)) == set()
    report = check(tree, files=options)
    assert cached(report) == paths(report)


@pytest.mark.usefixtures("settled")
def test_a_list_that_was_cut_is_not_remembered(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for folder in "ab":
        (root / folder).mkdir(parents=True)
        for number in range(10):
            (root / folder / f"{number}").write_text("x")
    with closing(HashCache(default_folder())) as cache:
        memory = TreeMemory(cache, str(root))
        with pytest.raises(OverflowError):
            files_in(root, Bounds(entries=15), memory.held)
        memory.save()
        again = TreeMemory(cache, str(root))
        assert len(files_in(root, held=again.held)) == 20


def test_what_can_be_read_of_a_folder_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Entry:
        def __init__(self, name: str) -> None:
            self.name = name

        def is_dir(self, *, follow_symlinks: bool) -> bool:
            if self.name == "b":
                raise OSError
            return follow_symlinks

    class Cut:
        def __init__(self, place: str) -> None:
            pass

        def __enter__(self) -> Iterator[Entry]:
            yield from map(Entry, "abc")
            raise OSError

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(os, "scandir", Cut)
    assert listing.listed(f"{tmp_path}/", "", 9) == (["a", "c"], [], 3, False)


def test_facts_of_a_later_version_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(HashCache(default_folder())) as cache:
        memory = TreeMemory(cache, str(tmp_path))
        monkeypatch.setattr("maas_stream_lint.images.cache.FORM", 99)
        memory.learn("a", "stamp", ({"sha256": "00"}, Facts()))
        (tmp_path / "a").write_text("x")
        memory.save()
        monkeypatch.undo()
        assert TreeMemory(cache, str(tmp_path)).known("a", "stamp") is None


def test_a_killed_run_has_kept_most(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was hashed is written from time to time."""
    monkeypatch.setattr(tree_memory, "_OFTEN", 0.0)
    kept: list[int] = []
    change_tree = HashCache.change_tree

    def counting(self: HashCache, name: str, change: Any) -> None:
        change_tree(self, name, change)
        kept.append(len(self.tree(name) or b""))

    monkeypatch.setattr(HashCache, "change_tree", counting)
    report = check(tree, files=FileOptions(jobs=1))
    assert len(kept) >= len(paths(report)) > 2
    assert kept == sorted(kept)


def test_a_link_is_known_by_its_target(tree: Path) -> None:
    """Be it in the tree or outside."""
    kernel, root = next(tree.rglob("boot-kernel")), next(tree.rglob("squashfs"))
    for place, target in ((kernel, kernel.with_name("target")), (root, tree.parent / "outside")):
        place.rename(target)
        place.symlink_to(target)
    assert cached(check(tree)) == set()
    report = check(tree)
    assert cached(report) == paths(report)
    (tree.parent / "outside").write_bytes(b"another")
    changed = root.relative_to(tree).as_posix()
    assert cached(check(tree)) == paths(report) - {changed}


def test_too_much_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree_memory, "_MOST", 10)
    with closing(HashCache(default_folder())) as cache:
        memory = TreeMemory(cache, str(tmp_path))
        memory.learn("a", "stamp", ({"sha256": "00"}, Facts()))
        memory.save()
        assert cache.tree(named(tmp_path)) is None


def test_a_tree_that_nobody_asked_for_is_forgotten(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(tree)
    now = time.time()
    for days, known in ((100, True), (200, True), (400, False)):
        later = now + days * 86_400
        monkeypatch.setattr(time, "time", lambda later=later: later)
        with closing(HashCache(default_folder())) as cache:
            cache.change_tree("another", lambda told: b"")
        with closing(HashCache(default_folder())) as cache:
            assert (cache.tree(named(tree)) is not None) is known
