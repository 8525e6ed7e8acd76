"""What is kept of downloads: files, where somebody wants them, and checksums from run to run."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sqlite3
import stat
import time
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from images import FOLDER, INDEX, INITRD, KERNEL, SQUASHFS, Tree, digest
from looks import look
from maas_stream_lint.api import check
from maas_stream_lint.cli.main import main
from maas_stream_lint.errors import LintError, UsageError
from maas_stream_lint.images.cache import Facts, HashCache, default_folder
from maas_stream_lint.images.listing import on_disk
from maas_stream_lint.images.local_files import LocalFiles
from maas_stream_lint.images.tree_memory import TreeMemory
from nginx import Nginx
from servers import Handler, publishing, serve

GOOD = Path(__file__).parents[1] / "fixtures/good/with-images/tree"

pytestmark = pytest.mark.usefixtures("own_home")


def files_in(folder: Path) -> dict[str, bytes]:
    found = folder.rglob("*")
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in found if p.is_file()}


def fetched(store: Nginx) -> list[str]:
    """The files that were asked for whole since this was asked last."""
    asked = [r for r in store.log() if r["method"] == "GET" and "/streams/" not in r["uri"]]
    return sorted(r["uri"].rpartition("/")[2] for r in asked if r["range"] != "bytes=0-4095")


# Files


def test_good_files_are_kept(store: Nginx, tmp_path: Path) -> None:
    store.publish("kept", Tree())
    keep = tmp_path / "deep" / "keep"
    looked = look(store.url("plain", "kept"), "download", keep=keep, cache=False)
    assert looked.names == set()
    assert files_in(keep) == {
        f"{FOLDER}/boot-kernel": KERNEL,
        f"{FOLDER}/boot-initrd": INITRD,
        f"{FOLDER}/squashfs": SQUASHFS,
    }
    mask = os.umask(0)
    os.umask(mask)
    mode = (keep / FOLDER / "squashfs").stat().st_mode
    assert stat.S_IMODE(mode) == 0o666 & ~mask


def test_bad_files_are_not_kept(store: Nginx, tmp_path: Path) -> None:
    tree = Tree()
    root = store.publish("half", tree)
    (root / FOLDER / "squashfs").write_bytes(SQUASHFS[:-1] + b"?")
    (root / FOLDER / "boot-initrd").write_bytes(INITRD[:-1])
    looked = look(store.url("plain", "half"), "download", keep=tmp_path)
    assert looked.names == {"sha256-mismatch", "size-mismatch"}
    assert [n for n in files_in(tmp_path) if not n.startswith("home/")] == [f"{FOLDER}/boot-kernel"]


def test_good_file_of_before_outlives_a_bad_one(store: Nginx, tmp_path: Path) -> None:
    root = store.publish("before", Tree())
    keep = tmp_path / "keep"
    look(store.url("plain", "before"), "download", keep=keep)
    (root / FOLDER / "squashfs").write_bytes(SQUASHFS[:-1] + b"?")
    looked = look(store.url("plain", "before"), "download", keep=keep, cache=False)
    assert looked.names == {"sha256-mismatch"}
    assert (keep / FOLDER / "squashfs").read_bytes() == SQUASHFS


def test_known_file_that_is_not_kept_yet_is_fetched(store: Nginx, tmp_path: Path) -> None:
    store.publish("later", Tree())
    url, keep = store.url("plain", "later"), tmp_path / "keep"
    look(url, "download")
    store.log()
    look(url, "download", keep=keep)
    assert len(fetched(store)) == 3
    assert len(files_in(keep)) == 3
    look(url, "download", keep=keep)
    assert fetched(store) == []


@pytest.mark.parametrize("what", ["folder", "file"])
def test_links_do_not_lead_out(store: Nginx, tmp_path: Path, what: str) -> None:
    store.publish("links", Tree())
    keep, outside = tmp_path / "keep", tmp_path / "outside"
    (keep / FOLDER).parent.mkdir(parents=True)
    outside.mkdir()
    if what == "folder":
        (keep / FOLDER).symlink_to(outside)
    else:
        (keep / FOLDER).mkdir()
        (keep / FOLDER / "squashfs").symlink_to(outside / "x")
    with pytest.raises(UsageError, match="would be kept outside of"):
        look(store.url("plain", "links"), "download", keep=keep)
    assert files_in(outside) == {}


@pytest.mark.parametrize(
    "path", ["a/../../x", "/x", "../x", "a/%2e%2e/x", "./a/./x", "x\0", "\ud800"]
)
def test_paths_do_not_lead_out(tmp_path: Path, path: str) -> None:
    tree = Tree()
    tree.add("squashfs", SQUASHFS, path)
    tree.files.pop(path)
    keep = tmp_path / "keep"

    def any_file(request: Handler) -> None:
        known = publishing(tree)
        if "streams/" in request.path or FOLDER in request.path:
            known(request)
        else:
            request.send_part(SQUASHFS)

    with serve(any_file) as server:
        looked = look(server.url + "/", "download", keep=keep)
    assert looked.survey.hashed >= 2
    assert {p.name for p in tmp_path.iterdir()} <= {"keep", "home"}
    assert "x" not in {p.name for p in keep.parent.iterdir()}


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("x" * 300, "file name too long"),
        ("x/" * 2100 + "x", "file name too long"),
        (f"{FOLDER}/boot-kernel/b", "a part of its path is a file, not a directory"),
        (f"{FOLDER}", "is a directory"),
        (f"{FOLDER}/boot-kernel?2", "another path of the stream has the same place"),
    ],
    ids=["name", "path", "below a file", "a folder", "same place"],
)
def test_path_that_cannot_be_kept_costs_that_file_alone(
    tmp_path: Path, path: str, why: str
) -> None:
    tree = Tree()
    tree.items["squashfs"]["path"] = path
    keep = tmp_path / "keep"
    (keep / FOLDER).mkdir(parents=True)
    (keep / FOLDER / "boot-kernel").write_bytes(b"old")

    def any_file(request: Handler) -> None:
        if request.path == f"/{path}":
            request.send_part(SQUASHFS)
        else:
            publishing(tree)(request)

    with serve(any_file) as server:
        looked = look(server.url + "/", "download", keep=keep, cache=False, jobs=1)
    assert looked.survey.unkept == {path: why}
    assert looked.survey.hashed == 3
    assert (keep / FOLDER / "boot-kernel").read_bytes() == KERNEL
    assert (keep / FOLDER / "boot-initrd").read_bytes() == INITRD
    assert not list(keep.rglob("*.part"))
    assert looked.report.to_dict()["summary"]["images"]["unkept"] == {path: why}


def test_run_that_cannot_keep_a_file_reports_and_ends_with_2(tmp_path: Path) -> None:
    tree = Tree()
    tree.add("squashfs", SQUASHFS, "x" * 300)
    with serve(publishing(tree)) as server:
        line = ["check", f"{server.url}/{INDEX}", "--files", "download", "--select", "MSL7"]
        kept = CliRunner().invoke(main, [*line, "--keep", str(tmp_path / "keep")])
        plain = CliRunner().invoke(main, line)
    assert (kept.exit_code, plain.exit_code) == (2, 0)
    assert "3 image files hashed, 1 not kept" in " ".join(kept.stdout.split())
    assert "is correct but was not kept: file name too long" in kept.stderr
    assert (tmp_path / "keep" / FOLDER / "boot-kernel").read_bytes() == KERNEL
    assert "not kept" not in plain.output


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_folder_that_cannot_be_written(store: Nginx, tmp_path: Path) -> None:
    store.publish("unwritable", Tree())
    (tmp_path / "keep").mkdir(mode=0o500)
    with pytest.raises(LintError, match="permission denied"):
        look(store.url("plain", "unwritable"), "download", keep=tmp_path / "keep")


def test_folder_that_is_a_file(store: Nginx, tmp_path: Path) -> None:
    store.publish("nofolder", Tree())
    (tmp_path / "keep").write_text("")
    with pytest.raises(LintError, match="cannot write"):
        look(store.url("plain", "nofolder"), "download", keep=tmp_path / "keep")


# How much


def test_limit_rate(store: Nginx) -> None:
    tree = Tree()
    tree.add("squashfs", b"hsqs" + bytes(100_000))
    tree.add("boot-kernel", KERNEL + bytes(100_000), kpackage="linux-generic")
    store.publish("rate", tree)
    start = time.monotonic()
    looked = look(store.url("plain", "rate"), "download", limit_rate=150_000, jobs=4)
    assert 1.1 < time.monotonic() - start < 6
    assert looked.names == set()


def test_max_download(store: Nginx) -> None:
    tree = Tree()
    tree.add("squashfs", b"hsqs" + bytes(100_000))
    store.publish("most", tree)
    looked = look(store.url("plain", "most"), "download", max_download=50_000, jobs=1)
    assert looked.survey.skipped == (f"{FOLDER}/squashfs",)
    assert looked.survey.hashed == 2
    assert fetched(store) == ["boot-initrd", "boot-kernel"]
    assert looked.report.to_dict()["summary"]["images"]["skipped"] == 1


def test_only_and_all_versions(store: Nginx) -> None:
    tree = Tree()
    old = {n: {**i, "path": f"old/{n}"} for n, i in tree.items.items()}
    tree.products[next(iter(tree.products))]["versions"]["20230101"] = {"items": old}
    tree.product("com.other:v3:x", {"root-tgz": {**tree.items["squashfs"], "ftype": "root-tgz",
                                                  "path": "other/root"}}, os="custom")  # fmt: skip
    store.publish("only", tree)
    url = store.url("plain", "only")
    ubuntu = {f"{FOLDER}/{n}" for n in ("boot-kernel", "boot-initrd", "squashfs")}
    assert set(look(url).survey.files) == ubuntu | {"other/root"}
    assert set(look(url, only=("*:boot:*",)).survey.files) == ubuntu
    assert set(look(url, only=("com.other*", "x")).survey.files) == {"other/root"}
    looked = look(url, all_versions=True, only=("*:boot:*",))
    assert set(looked.survey.files) == ubuntu | {f"old/{n}" for n in old if n != "manifest"}
    missing = looked.of("file-missing")
    assert {f.severity.label for f in missing} == {"warning"}


# Checksums


@pytest.mark.parametrize("location", ["plain", "files-weak"])
def test_nothing_is_fetched_twice(store: Nginx, location: str) -> None:
    store.publish("twice", Tree())
    url = store.url(location, "twice")
    assert look(url, "download").survey.hashed == 3
    assert len(fetched(store)) == 3
    looked = look(url, "download")
    assert fetched(store) == []
    assert looked.survey.hashed == 3
    assert looked.survey.read == 0
    assert looked.seen("squashfs").cached
    look(url, "download", cache=False)
    assert len(fetched(store)) == 3


def test_what_changed_is_fetched(store: Nginx) -> None:
    tree = Tree()
    root = store.publish("changed", tree)
    url = store.url("plain", "changed")
    look(url, "download")
    store.log()
    place = root / FOLDER / "squashfs"
    place.write_bytes(SQUASHFS[:-1] + b"?")
    os.utime(place, (1, 1))
    looked = look(url, "download")
    assert fetched(store) == ["squashfs"]
    assert looked.names == {"sha256-mismatch"}
    looked = look(url, "download")
    assert fetched(store) == []
    assert looked.names == {"sha256-mismatch"}


def test_checksum_that_was_not_made_is_made(store: Nginx) -> None:
    tree = Tree()
    root = store.publish("more", tree)
    look(store.url("plain", "more"), "download")
    store.log()
    tree.items["squashfs"]["sha512"] = digest(SQUASHFS, "sha512")
    times = (root / FOLDER / "squashfs").stat().st_mtime
    store.publish("more", tree)
    os.utime(root / FOLDER / "squashfs", (times, times))
    look(store.url("plain", "more"), "download")
    assert "squashfs" in fetched(store)


def test_server_that_tells_nothing_of_changes(store: Nginx) -> None:
    store.publish("stampless", Tree())
    url = store.url("files-no-stamp", "stampless")
    look(url, "download")
    look(url, "download")
    assert len(fetched(store)) == 6


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda place: place.write_bytes(b"no database" * 99), id="no database"),
        pytest.param(lambda place: place.write_bytes(place.read_bytes()[:5000]), id="cut"),
        pytest.param(lambda place: (place.unlink(), place.mkdir()), id="a folder"),
        pytest.param(lambda place: place.write_bytes(b""), id="empty"),
        pytest.param(
            lambda place: place.write_bytes(place.read_bytes()[:4096] + os.urandom(4096)),
            id="garbage",
        ),
    ],
)
def test_corrupt_cache(store: Nginx, damage: object) -> None:
    store.publish("corrupt", Tree())
    url = store.url("plain", "corrupt")
    look(url, "download")
    (place,) = (p for p in default_folder().rglob("*") if p.is_file())
    damage(place)  # type: ignore[operator]
    looked = look(url, "download")
    assert looked.names == set()
    assert looked.survey.hashed == 3


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *(("facts", text) for text in ("", "null", "[]", '{"form": 9, "content": null}')),
        ("facts", '{"form": 2}'),
        *(("sha256", digest) for digest in ("xyz", 32 * "x", b"xyz", 5, None)),
    ],
)
def test_corrupt_entries(store: Nginx, column: str, value: object) -> None:
    store.publish("entries", Tree())
    url = store.url("plain", "entries")
    look(url, "download")
    with sqlite3.connect(default_folder() / "files.sqlite") as database:
        database.execute(f"UPDATE file SET {column} = ?", (value,))
    database.close()
    store.log()
    looked = look(url, "download")
    assert looked.names == set()
    assert len(fetched(store)) == 3


def test_cache_that_cannot_be_written(
    store: Nginx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    store.publish("readonly", Tree())
    assert look(store.url("plain", "readonly"), "download").survey.hashed == 3


def test_cache_that_can_only_be_read(store: Nginx) -> None:
    store.publish("readable", Tree())
    url = store.url("plain", "readable")
    look(url, "download")
    folder = default_folder()
    (folder / "files.sqlite").chmod(0o400)
    folder.chmod(0o500)
    try:
        store.log()
        assert look(url, "download").survey.hashed == 3
        assert fetched(store) == []
    finally:
        folder.chmod(0o700)


def _fill(folder: str, start: int) -> None:
    for number in range(start, start + 40):
        cache = HashCache(Path(folder))
        cache.put(f"url:{number}", "stamp", ({"sha256": f"{number:064x}"}, Facts()))
        cache.close()


def test_runs_at_the_same_time(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    runs = [context.Process(target=_fill, args=(str(tmp_path), n * 40)) for n in range(3)]
    for run in runs:
        run.start()
    for run in runs:
        run.join(60)
    assert [run.exitcode for run in runs] == [0] * 3
    cache = HashCache(tmp_path)
    known = [cache.get(f"url:{number}", "stamp") for number in range(120)]
    cache.close()
    assert all(known)
    assert not [p for p in tmp_path.iterdir() if "journal" in p.name]


def test_what_changed_while_it_was_read_is_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The digest is of bytes that nobody can name a time for."""
    tree = Path(shutil.copytree(GOOD, tmp_path / "tree"))
    place = next(tree.rglob("squashfs"))
    digests = LocalFiles._digests

    def changing(self: LocalFiles, file: object, *more: object) -> dict[str, str]:
        made = digests(self, file, *more)  # type: ignore[arg-type]
        if getattr(file, "name", None) == str(place):
            os.utime(place, ns=(1, 1))
        return made

    before = on_disk(place.stat()).stamp
    monkeypatch.setattr(LocalFiles, "_digests", changing)
    check(tree)
    with closing(HashCache(default_folder())) as cache:
        memory = TreeMemory(cache, str(tree))
        path = place.relative_to(tree).as_posix()
        assert memory.known(path, before) is None
        other = next(tree.rglob("boot-kernel"))
        known = memory.known(other.relative_to(tree).as_posix(), on_disk(other.stat()).stamp)
        assert known is not None
    monkeypatch.setattr(LocalFiles, "_digests", digests)
    second, third = check(tree).look.survey, check(tree).look.survey
    assert second is not None
    assert third is not None
    assert not second.files[path].cached
    assert third.files[path].cached, "now it stays as it is"
