"""Metadata that is replaced while others write to it, and what a replaced file keeps."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from images import INDEX, PRODUCTS, Tree
from maas_stream_lint import atomic
from maas_stream_lint.errors import LintError
from maas_stream_lint.fixing.exchange import alone, replace_metadata
from maas_stream_lint.fixing.stage import Changed, Stage

NEW = {"streams/v1/zz.json": b"new products", INDEX: b"new index"}
OTHER = "streams/v1/other.json"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    for path in (*NEW, OTHER):
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_bytes(f"old {path}".encode())
    return tree


def read(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def meanwhile(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Let somebody else act once: after the new tree was laid out, before anything is replaced."""
    real, acted = atomic.exchange, False

    def exchange(one: Path, other: Path) -> bool:
        nonlocal acted
        if not acted:
            acted = True
            act()
        return real(one, other)

    monkeypatch.setattr(atomic, "exchange", exchange)


def written(place: Path, body: bytes) -> None:
    """Write as a careful publisher does."""
    beside = place.with_name("unfinished")
    beside.write_bytes(body)
    beside.rename(place)


@pytest.mark.parametrize("way", [written, Path.write_bytes], ids=["renamed", "in-place"])
@pytest.mark.parametrize("path", [OTHER, "streams/v1/added.json", "streams/v2/deep/added.json"])
def test_what_others_write_is_brought_over(
    root: Path, monkeypatch: pytest.MonkeyPatch, way: Callable[[Path, bytes], object], path: str
) -> None:
    def act() -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        way(root / path, b"theirs")

    before = read(root)
    meanwhile(monkeypatch, act)
    replace_metadata(root, NEW)
    assert read(root) == {**before, **NEW, path: b"theirs"}


def test_a_folder_that_others_make_stays(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A publisher makes a folder first, and writes into it once its files are there."""
    meanwhile(monkeypatch, lambda: (root / "streams/v2").mkdir(mode=0o750))
    replace_metadata(root, NEW)
    assert (root / "streams/v2").is_dir()
    assert (root / "streams/v2").stat().st_mode & 0o777 == 0o750


@pytest.mark.parametrize("linked", [True, False], ids=["links", "copies"])
def test_what_others_remove_stays_removed(
    root: Path, monkeypatch: pytest.MonkeyPatch, linked: bool
) -> None:
    if not linked:
        monkeypatch.setattr(os, "link", refused)
    before = read(root)
    meanwhile(monkeypatch, lambda: (root / OTHER).unlink())
    replace_metadata(root, NEW)
    assert read(root) == {path: body for path, body in {**before, **NEW}.items() if path != OTHER}


def refused(*_: object, **__: object) -> None:
    raise OSError(1, "no links here")


def test_where_nothing_can_be_linked(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = read(root)
    meanwhile(monkeypatch, lambda: (root / OTHER).write_bytes(b"theirs"))
    monkeypatch.setattr(os, "link", refused)
    replace_metadata(root, NEW)
    assert read(root) == {**before, **NEW, OTHER: b"theirs"}


@pytest.mark.parametrize("way", [written, Path.write_bytes], ids=["renamed", "in-place"])
@pytest.mark.parametrize("path", NEW)
@pytest.mark.parametrize("whole", [True, False], ids=["exchange", "one-by-one"])
def test_a_replaced_file_that_others_write_stays_theirs(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    way: Callable[[Path, bytes], object],
    path: str,
    whole: bool,
) -> None:
    if not whole:
        (root / "streams").rename(root / "real")
        (root / "streams").symlink_to("real")
    before = {name: (root / name).read_bytes() for name in (*NEW, OTHER)}
    meanwhile(monkeypatch, lambda: way(root / path, b"theirs"))
    with pytest.raises(Changed, match="was written by another program"):
        replace_metadata(root, NEW)
    there = {**before, path: b"theirs"}
    assert {name: (root / name).read_bytes() for name in there} == there


def test_a_new_file_that_others_make_first(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, path = read(root), "streams/v1/added.json"
    meanwhile(monkeypatch, lambda: (root / path).write_bytes(b"theirs"))
    with pytest.raises(Changed):
        replace_metadata(root, {**NEW, path: b"ours"})
    assert read(root) == {**before, path: b"theirs"}


def test_what_was_read_must_still_be_there(root: Path) -> None:
    before = read(root)
    with pytest.raises(Changed):
        replace_metadata(root, NEW, {INDEX: b"older"})
    assert read(root) == before
    replace_metadata(root, NEW, {INDEX: before[INDEX]})
    assert read(root) == {**before, **NEW}


def test_written_after_the_exchange_by_a_folder_that_was_open_before(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has opened the old directory writes to it, and its last version counts."""
    before, folder = read(root), os.open(root / "streams/v1", os.O_RDONLY)
    real = Stage.take_apart

    def late(stage: Stage, *given: object) -> list[str]:
        for name, body in (("late.json", b"late"), ("index.json", b"theirs")):
            out = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, dir_fd=folder)
            os.write(out, body)
            os.close(out)
        return real(stage, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Stage, "take_apart", late)
    with pytest.raises(Changed, match="that version was kept"):
        replace_metadata(root, NEW)
    os.close(folder)
    assert read(root) == {**before, **NEW, INDEX: b"theirs", "streams/v1/late.json": b"late"}


def test_nothing_is_lost_to_many_writers(tmp_path: Path, root: Path) -> None:
    """A publisher adds files all the time; each is there in the end."""
    stop, made = threading.Event(), []

    def publish() -> None:
        while not stop.is_set():
            name = f"streams/v1/p{len(made)}.json"
            (root / name).write_bytes(b"published")
            made.append(name)
            time.sleep(0.003)

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        for number in range(15):
            body = str(number).encode()
            replace_metadata(root, {OTHER: body, INDEX: body})
    finally:
        stop.set()
        thread.join()
    there = read(root)
    assert not [name for name in made if there.get(name) != b"published"]
    assert there[INDEX] == b"14"


def test_an_index_is_never_ahead_of_its_products(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where files are replaced one by one it is in the order that was given, the index last."""
    monkeypatch.setattr(atomic, "exchange", lambda *_: False)
    (root / "streams").rename(root / "real")
    (root / "streams").symlink_to("real")
    real, order = Path.replace, []

    def replace(place: Path, target: Path) -> Path:
        order.append(target.name)
        return real(place, target)

    monkeypatch.setattr(Path, "replace", replace)
    replace_metadata(root, NEW)
    assert order == ["zz.json", "index.json"]


def test_two_at_once(root: Path) -> None:
    with alone(root), pytest.raises(LintError, match="another program has locked"):
        replace_metadata(root, NEW)
    replace_metadata(root, NEW)


def test_what_a_killed_run_left_is_finished(root: Path) -> None:
    before = read(root)
    stage = Stage.beside(root)
    assert stage is not None
    stage.lay_out(NEW)
    assert atomic.exchange(stage.tree, stage.live)
    # Here it is killed; somebody who had the old directory open still writes to it.
    (stage.tree / "v1/late.json").write_bytes(b"late")
    with alone(root):
        pass
    assert read(root) == {**before, **NEW, "streams/v1/late.json": b"late"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("wait", [0.0, 0.15, 0.3])
def test_stopped_by_a_signal(tmp_path: Path, number: int, wait: float) -> None:
    """Whenever it comes, the tree is the old or the new one, and nothing else lies in it."""
    tree = Tree()
    del tree.items["squashfs"]["sha256"]
    root = tree.write(tmp_path / "tree")
    before = read(root)
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "maas_stream_lint", "fix", str(root / INDEX), "--in-place"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as child:
        time.sleep(wait)
        child.send_signal(number)
    after = read(root)
    assert after.keys() == before.keys()
    assert {**after, PRODUCTS: b""} == {**before, PRODUCTS: b""}
    assert not list(root.rglob(".*"))


def test_sigterm_ends_with_its_own_exit_code(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\n"
        "from maas_stream_lint.cli.main import main\n"
        "from maas_stream_lint import api\n"
        "api.check = lambda *a, **k: os.kill(os.getpid(), signal.SIGTERM)\n"
        "main(['check', '.'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (143, b"")


def test_rights_and_attributes_are_kept(root: Path) -> None:
    folder, place = root / "streams/v1", root / INDEX
    place.chmod(0o640)
    folder.chmod(0o2770)
    try:
        for each in (folder, place):
            os.setxattr(each, "user.kept", b"yes")
    except OSError:
        pytest.skip("needs extended attributes")
    replace_metadata(root, {**NEW, "streams/v1/index.json.gpg": b"signature"})
    for each, mode in ((folder, 0o2770), (place, 0o640), (place.with_suffix(".json.gpg"), 0o640)):
        assert stat.S_IMODE(each.stat().st_mode) == mode
        assert os.getxattr(each, "user.kept") == b"yes"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
@pytest.mark.parametrize("whole", [True, False], ids=["exchange", "one-by-one"])
def test_owners_are_kept(root: Path, monkeypatch: pytest.MonkeyPatch, whole: bool) -> None:
    if not whole:
        monkeypatch.setattr(atomic, "exchange", lambda *_: False)
    owned = {"": (1, 1), "streams": (1111, 1111), "streams/v1": (1111, 2222), INDEX: (1234, 4321)}
    for path, ids in owned.items():
        os.chown(root / path, *ids)
    replace_metadata(root, {**NEW, "streams/v1/new.json": b"new"})
    owned["streams/v1/new.json"] = (1111, 2222)  # like the folder that it is in
    for path, ids in owned.items():
        about = (root / path).stat()
        assert (about.st_uid, about.st_gid) == ids, path


@pytest.mark.skipif(os.geteuid() != 0, reason="takes another user")
def test_refused_where_an_owner_would_be_locked_out() -> None:
    """Not root, and the file of somebody else: it would then be ours alone to read."""
    with tempfile.TemporaryDirectory() as folder:  # which others may enter, unlike pytest's own
        Path(folder).chmod(0o777)
        locked_out(Path(folder))


def locked_out(root: Path) -> None:
    (root / INDEX).parent.mkdir(parents=True)
    (root / INDEX).write_bytes(b"old")
    for place in (root / "streams", root / "streams/v1"):
        place.chmod(0o777)
    (root / INDEX).chmod(0o604)
    os.chown(root / INDEX, 1234, 4321)
    before = read(root)
    code = (
        "import os, sys; from pathlib import Path\n"
        "from maas_stream_lint.fixing.exchange import replace_metadata\n"
        "os.setgroups([]); os.setgid(4000); os.setuid(4000)\n"
        "replace_metadata(Path(sys.argv[1]), {'streams/v1/index.json': b'new'})\n"
    )
    command = [sys.executable, "-c", code, str(root)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    assert (root / INDEX).read_bytes() == b"new"  # everybody may read it, as before
    written(root / INDEX, before[INDEX])
    os.chown(root / INDEX, 1234, 4321)
    (root / INDEX).chmod(0o600)
    done = subprocess.run(command, capture_output=True, check=False)
    assert b"owner and group cannot be kept" in done.stderr
    assert (root / INDEX).read_bytes() == before[INDEX]
