"""What is written where: whole trees, edits in place, signatures; and nothing half."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from images import INDEX, PRODUCTS, Tree
from keys import USER, Keys
from maas_stream_lint import atomic
from maas_stream_lint.api import check
from maas_stream_lint.cli.main import main
from maas_stream_lint.errors import LintError, UsageError
from maas_stream_lint.finding import Severity
from maas_stream_lint.fixing import publish
from maas_stream_lint.fixing.exchange import alone
from maas_stream_lint.fixing.plan import Plan, diff_of, fix
from maas_stream_lint.fixing.signing import Gpg
from servers import publishing, serve


@pytest.fixture(autouse=True)
def home(own_home: Path) -> Path:
    return own_home


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A tree with a checksum missing in its products, and a list of them in its index."""
    return spoilt(tmp_path / "tree")


def spoilt(root: Path) -> Path:
    tree = Tree()
    del tree.items["squashfs"]["sha256"]
    tree.write(root)
    index = json.loads((root / INDEX).read_text())
    del index["index"]["com.example.maas:v3:download"]["products"]
    (root / INDEX).write_text(json.dumps(index, indent=1))
    return root


def run(*arguments: Any) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


def everything(root: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def planned(root: Path, **more: Any) -> Plan:
    return fix(check(root / INDEX), **more)


def fixed(root: Path) -> bool:
    worst = check(root / INDEX).worst
    return worst is not None and worst < Severity.UNUSABLE


def test_a_whole_tree_of_metadata(broken: Path, tmp_path: Path) -> None:
    before = everything(broken)
    for _ in range(2):  # once into nothing, once onto what is there
        done = run("fix", broken / INDEX, "--output", tmp_path / "out" / "tree")
        assert done.exit_code == 0, done.output
        assert set(everything(tmp_path / "out" / "tree")) == {INDEX, PRODUCTS}
    assert everything(broken) == before
    out = tmp_path / "out" / "tree"
    shutil.copytree(broken / "jammy", out / "jammy")
    assert fixed(out)


def test_other_files_of_the_target_stay(broken: Path, tmp_path: Path) -> None:
    other = tmp_path / "out/streams/v1/other.json"
    other.parent.mkdir(parents=True)
    other.write_text("{}")
    assert run("fix", broken / INDEX, "--output", tmp_path / "out").exit_code == 0
    assert set(everything(tmp_path / "out")) == {INDEX, PRODUCTS, "streams/v1/other.json"}


def test_files_are_linked_or_copied(
    broken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "linked"
    assert run("fix", broken / INDEX, "--output", out, "--with-files").exit_code == 0
    assert fixed(out)
    image = "jammy/amd64/20240101/squashfs"
    assert (out / image).samefile(broken / image)
    monkeypatch.setattr(os, "link", lambda *a, **k: (_ for _ in ()).throw(OSError(errno.EXDEV)))
    copied = tmp_path / "copied"
    assert run("fix", broken / INDEX, "--output", copied, "--with-files").exit_code == 0
    assert fixed(copied)
    assert not (copied / image).samefile(broken / image)
    # A file that is another by now is brought anew.
    (copied / image).write_bytes(b"old")
    assert run("fix", broken / INDEX, "--output", copied, "--with-files").exit_code == 0
    assert fixed(copied)


def test_files_out_of_the_tree_are_not_brought(broken: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    image = broken / "jammy/amd64/20240101/manifest"
    image.unlink()
    image.symlink_to(secret)
    text = (broken / PRODUCTS).read_text()
    (broken / PRODUCTS).write_text(text.replace("20240101/boot-initrd", "../../../../secret"))
    out = tmp_path / "out"
    done = run("fix", broken / INDEX, "--output", out, "--with-files")
    assert done.exit_code == 1, done.output
    assert b"secret" not in everything(out).values()


def test_nothing_is_written_through_a_link_of_the_target(broken: Path, tmp_path: Path) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    out.mkdir()
    elsewhere.mkdir()
    (out / "jammy").symlink_to(elsewhere)
    (out / "streams").symlink_to(elsewhere)
    for more in ((), ("--with-files",)):
        done = run("fix", broken / INDEX, "--output", out, *more)
        assert done.exit_code == 2
        assert "leads out of" in done.output
    assert not everything(elsewhere)


def backups(home: Path) -> list[dict[str, bytes]]:
    """What each backup holds, oldest first."""
    folder = home / "state" / "maas-stream-lint" / "backups"
    return [everything(each) for each in sorted(folder.glob("*"))]


def test_in_place_with_backups(broken: Path, home: Path) -> None:
    before = everything(broken)
    done = run("fix", broken / INDEX, "--in-place")
    assert done.exit_code == 0
    assert "the old metadata is in" in done.output
    after = everything(broken)
    assert fixed(broken)
    assert after.keys() == before.keys()  # a server may serve what is in the tree
    assert backups(home) == [{path: before[path] for path in (INDEX, PRODUCTS)}]
    # Once more: there is nothing to fix.
    done = run("fix", broken / INDEX, "--in-place")
    assert (done.exit_code, everything(broken)) == (0, after)
    assert "nothing to fix" in done.output
    assert "written" not in done.output.replace("nothing was written", "")
    assert len(backups(home)) == 1
    # What comes between two edits is kept as well.
    again = spoilt(broken)
    second = everything(again)
    assert run("fix", again / INDEX, "--in-place").exit_code == 0
    assert [kept[PRODUCTS] for kept in backups(home)] == [before[PRODUCTS], second[PRODUCTS]]


def test_backups_of_what_output_replaces(broken: Path, home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run("fix", broken / INDEX, "--output", out).exit_code == 0
    assert not backups(home)
    (out / INDEX).write_text("by hand")
    assert run("fix", broken / INDEX, "--output", out).exit_code == 0
    assert backups(home) == [{INDEX: b"by hand"}]


def test_backups_in_a_folder_of_choice(broken: Path, home: Path, tmp_path: Path) -> None:
    before = everything(broken)
    for inside in (broken, broken / "old"):
        done = run("fix", broken / INDEX, "--in-place", "--backup", inside)
        assert (done.exit_code, "is in the stream itself" in done.output) == (2, True)
    (tmp_path / "file").write_text("")
    done = run("fix", broken / INDEX, "--in-place", "--backup", tmp_path / "file")
    assert (done.exit_code, "cannot keep a backup" in done.output) == (2, True)
    assert everything(broken) == before
    done = run("fix", broken / INDEX, "--in-place", "--backup", tmp_path / "kept")
    assert done.exit_code == 0
    (kept,) = (tmp_path / "kept").iterdir()
    assert everything(kept) == {path: before[path] for path in (INDEX, PRODUCTS)}
    assert not backups(home)


def test_in_place_without_backups(broken: Path) -> None:
    before = everything(broken)
    assert run("fix", broken / INDEX, "--in-place", "--no-backup").exit_code == 0
    assert everything(broken).keys() == before.keys()
    assert fixed(broken)


def test_check_fix(broken: Path, home: Path) -> None:
    done = run("check", broken / INDEX, "--fix")
    assert done.exit_code == 0, done.output
    assert "fixed MSL606 missing-sha256" in done.output
    assert fixed(broken)
    assert len(backups(home)) == 1


def test_check_fix_minds_select(broken: Path) -> None:
    assert run("check", broken / INDEX, "--fix", "--select", "MSL2").exit_code == 0
    assert "missing-sha256" in {f.name for f in check(broken / INDEX).findings}
    assert "entry-products-missing" not in {f.name for f in check(broken / INDEX).findings}


@pytest.mark.parametrize("how", [["--dry-run"], ["--diff"], [], ["--format", "json"]])
def test_to_look_writes_nothing(broken: Path, how: list[str]) -> None:
    before = everything(broken)
    assert run("fix", broken / INDEX, *how).exit_code == 0
    assert everything(broken) == before


def test_patch_takes_the_diff(broken: Path, tmp_path: Path) -> None:
    tool = ["patch", "-p1", "-s"] if shutil.which("patch") else ["git", "apply", "-p1"]
    if not shutil.which(tool[0]):
        pytest.skip("needs patch or git")
    text = run("fix", broken / INDEX, "--diff").stdout
    subprocess.run(tool, cwd=broken, input=text.encode(), check=True)
    assert fixed(broken)
    assert not run("fix", broken / INDEX, "--diff").stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--in-place", "--output", "x"], "cannot be combined"),
        (["--diff", "--dry-run"], "cannot be combined"),
        (["--with-files"], "--output"),
        (["--in-place", "--with-files"], "--output"),
        (["--no-backup"], "--in-place"),
        (["--as", "debian"], "PRODUCT=OS"),
        (["--as", "a:b=debian"], "no driver of MAAS"),
    ],
)
def test_what_cannot_be_meant(broken: Path, arguments: list[str], told: str) -> None:
    before = everything(broken)
    done = run("fix", broken / INDEX, *arguments)
    assert done.exit_code == 2
    assert told in done.output
    assert done.output.count("\n") == 1
    assert everything(broken) == before


def test_exit_code_tells_what_is_left(broken: Path) -> None:
    (broken / "jammy/amd64/20240101/squashfs").write_bytes(b"hsqs")
    assert run("fix", broken / INDEX).exit_code == 1
    assert run("fix", broken / INDEX, "--unsafe").exit_code == 0
    assert run("fix", broken / INDEX, "--unsafe", "--severity", "info").exit_code == 1
    assert run("fix", broken / "nothing").exit_code == 2


def test_target_is_the_stream_or_a_file(broken: Path, tmp_path: Path) -> None:
    done = run("fix", broken / INDEX, "--output", broken)
    assert (done.exit_code, "use --in-place" in done.output) == (2, True)
    (tmp_path / "file").write_text("")
    assert run("fix", broken / INDEX, "--output", tmp_path / "file").exit_code == 2


@pytest.mark.parametrize("ends", ["\r\n", "\n"], ids=["crlf", "lf"])
@pytest.mark.parametrize("indent", [None, 4, "\t"], ids=str)
def test_only_edits_differ(broken: Path, indent: Any, ends: str) -> None:
    data = json.loads((broken / PRODUCTS).read_text())
    text = json.dumps({k: data[k] for k in reversed(data)}, indent=indent).replace("\n", ends)
    (broken / PRODUCTS).write_bytes(text.encode())
    plan = planned(broken)
    after = plan.files[PRODUCTS].decode()
    kept = list(plan.files[PRODUCTS].decode().partition('"sha256": "054db')[::2])
    kept[1] = kept[1].partition('"')[2].partition('"')[2]
    assert text.startswith(kept[0].rstrip(' ,\r\n\t"'))
    assert text.endswith(kept[1].lstrip(" ,\r\n\t"))
    assert after.count("\n") - text.count("\n") == (0 if indent is None else 1)
    assert ("\r" in after) == (ends == "\r\n" and indent is not None)
    assert not after.endswith("\n")


def test_a_file_changed_since_is_refused(broken: Path) -> None:
    plan = planned(broken)
    with (broken / PRODUCTS).open("a") as file:
        file.write("\n")
    before = everything(broken)
    with pytest.raises(LintError, match="written by another program"):
        publish.apply(plan)
    assert everything(broken) == before


def test_a_folder_that_cannot_be_written(
    broken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(broken)

    def refused(*_: Any, **__: Any) -> Any:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(atomic, "write", refused)
    for how in (["--in-place"], ["--output", tmp_path / "out"]):
        done = run("fix", broken / INDEX, *how)
        assert done.exit_code == 2
        assert "permission denied" in done.output
        assert done.output.count("\n") == 1
    assert everything(broken) == before
    assert not everything(tmp_path / "out")


@pytest.mark.parametrize("exchange", [True, False])
def test_a_full_disk(broken: Path, monkeypatch: pytest.MonkeyPatch, exchange: bool) -> None:
    before, plan, real = everything(broken), planned(broken), os.fsync
    if not exchange:
        monkeypatch.setattr(atomic, "exchange", lambda *_: False)
    fail = True

    def full(handle: int) -> None:
        if fail and stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LintError, match="no space left"):
        publish.apply(plan)
    assert everything(broken) == before
    fail = False
    publish.apply(plan)
    assert fixed(broken)


def test_a_linked_folder(broken: Path) -> None:
    (broken / "streams").rename(broken / "real")
    (broken / "streams").symlink_to("real")
    assert run("fix", broken / INDEX, "--in-place").exit_code == 0
    assert (broken / "streams").is_symlink()
    assert fixed(broken)


def test_a_linked_folder_inside(broken: Path) -> None:
    (broken / "streams/v1").rename(broken / "real")
    (broken / "streams/v1").symlink_to("../real")
    assert run("fix", broken / INDEX, "--in-place").exit_code == 0
    assert (broken / "streams/v1").is_symlink()
    assert fixed(broken)


def test_rights_are_kept(broken: Path) -> None:
    (broken / PRODUCTS).chmod(0o640)
    (broken / "streams").chmod(0o750)
    publish.apply(planned(broken))
    assert stat.S_IMODE((broken / PRODUCTS).stat().st_mode) == 0o640
    assert stat.S_IMODE((broken / "streams").stat().st_mode) == 0o750


def test_a_stream_on_a_server(tmp_path: Path) -> None:
    tree = Tree()
    tree.products = {n: {**p, "version": 22.04} for n, p in tree.products.items()}
    with serve(publishing(tree)) as server:
        url = f"{server.url}/{INDEX}"
        done = run("fix", url, "--in-place")
        assert (done.exit_code, "--output" in done.output) == (2, True)
        done = run("fix", url, "--output", tmp_path / "out", "--with-files")
        assert (done.exit_code, "--keep" in done.output) == (2, True)
        done = run("fix", url, "--output", tmp_path / "out")
        assert done.exit_code == 0, done.output
    product = next(iter(json.loads((tmp_path / "out" / PRODUCTS).read_text())["products"].values()))
    assert product["version"] == "22.04"


def test_signed(broken: Path, keys: Keys) -> None:
    done = run("fix", broken / INDEX, "--in-place", "--sign", USER)
    assert done.exit_code == 0, done.output
    stems = [broken / p.removesuffix(".json") for p in (INDEX, PRODUCTS)]
    for stem in stems:
        keys.verify(stem.with_name(f"{stem.name}.sjson"))
        plain = stem.with_name(f"{stem.name}.json")
        keys.verify(plain.with_name(f"{plain.name}.gpg"), plain)
    assert f'"{PRODUCTS}"' in (broken / INDEX).read_text()
    signed = stems[0].with_name("index.sjson").read_text()
    assert PRODUCTS.replace(".json", ".sjson") in signed
    for source, ring in ((broken, keys.ring), (broken / INDEX, None)):
        found = check(source, keyring=ring)
        assert {f.name for f in found.findings if f.severity > Severity.INFO} == set()


def test_a_signed_tree_is_edited_and_signed_again(broken: Path, keys: Keys, home: Path) -> None:
    assert run("fix", broken / INDEX, "--in-place", "--sign", USER, "--no-backup").exit_code == 0
    gpg = Gpg(USER)
    for path in (INDEX, PRODUCTS):
        place = broken / path.replace(".json", ".sjson")
        data = json.loads((broken / path).read_text())
        data["updated"] = "2024-01-01T00:00:00+00:00"
        if path == PRODUCTS:
            next(iter(data["products"].values()))["version"] = 22.04
        else:
            entry = next(iter(data["index"].values()))
            entry["path"] = entry["path"].replace(".json", ".sjson")
        place.write_bytes(gpg(json.dumps(data, indent=1).encode(), True))
        (broken / path).unlink()
        (broken / f"{path}.gpg").unlink()
    before = everything(broken)
    refused = run("fix", broken, "--keyring", keys.ring, "--in-place")
    assert refused.exit_code == 1, refused.output
    assert "--sign" in refused.output
    assert everything(broken) == before
    done = run("fix", broken, "--keyring", keys.ring, "--in-place", "--sign", USER)
    assert done.exit_code == 0, done.output
    assert '"version": "22.04"' in (broken / PRODUCTS.replace(".json", ".sjson")).read_text()
    for source, ring in ((broken, keys.ring), (broken / INDEX, None)):
        found = check(source, keyring=ring)
        assert {f.name for f in found.findings if f.severity > Severity.INFO} == set()
    signed = PRODUCTS.replace(".json", ".sjson")
    assert backups(home)[0][signed] == before[signed]


def test_stale_signatures_are_refused(broken: Path, keys: Keys, tmp_path: Path) -> None:
    gpg = Gpg(USER)
    body = (broken / PRODUCTS).read_bytes()
    for ending, clear in ((".json.gpg", False), (".sjson", True)):
        stale = broken / PRODUCTS.replace(".json", ending)
        stale.write_bytes(gpg(body, clear))
        done = run("fix", broken / INDEX, "--in-place")
        assert (done.exit_code, "--sign" in done.output) == (1, True)
        assert (broken / PRODUCTS).read_bytes() == body
        with pytest.raises(UsageError, match="would no longer be valid"):
            publish.apply(planned(broken, signs=True))
        stale.unlink()
    # Nor are those of an earlier run left beside what is written now.
    out = tmp_path / "out"
    assert run("fix", broken / INDEX, "--output", out, "--sign", USER).exit_code == 0
    before = everything(out)
    done = run("fix", broken / INDEX, "--output", out)
    assert (done.exit_code, "would no longer be valid" in done.output) == (2, True)
    assert everything(out) == before


def test_a_signed_tree_keeps_its_signatures_where_nothing_is_edited(
    keys: Keys, tmp_path: Path
) -> None:
    root = Tree().write(tmp_path / "tree")
    assert run("fix", root / INDEX, "--in-place", "--sign", USER).exit_code == 0
    out = tmp_path / "out"
    assert run("fix", root, "--keyring", keys.ring, "--output", out).exit_code == 0
    for path, body in everything(out).items():
        assert (root / path).read_bytes() == body
    keys.verify(out / INDEX.replace(".json", ".sjson"))


@pytest.mark.parametrize("how", ["changed", "foreign", "unsigned", "unchecked"])
def test_only_what_was_verified_is_signed(
    broken: Path, keys: Keys, tmp_path: Path, how: str
) -> None:
    """A new signature must not stand for content that somebody has slipped in."""
    arguments = ["fix", broken / INDEX, "--keyring", keys.ring, "--in-place", "--sign", USER]
    if how != "unsigned":
        assert run("fix", broken / INDEX, "--in-place", "--sign", USER).exit_code == 0
    text = (broken / PRODUCTS).read_text()
    (broken / PRODUCTS).write_text(text.replace('"stable"', '"Stable"'))
    if how == "foreign":
        (tmp_path / "ring.gpg").write_bytes(b"")
        arguments[3] = tmp_path / "ring.gpg"
    if how == "unchecked":
        del arguments[2:4]
    before = everything(broken)
    done = run(*arguments)
    assert (done.exit_code, done.output.count("\n")) == (2, 1), done.output
    assert "verified" in done.output
    assert "--unsafe" in done.output
    assert everything(broken) == before
    assert run(*arguments, "--unsafe").exit_code in (0, 1)
    keys.verify(broken / INDEX.replace(".json", ".sjson"))


def test_a_failing_gpg_leaves_the_old_tree(
    broken: Path, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(broken)
    done = run("fix", broken / INDEX, "--in-place", "--sign", "nobody@example.org")
    assert (done.exit_code, done.output.count("\n")) == (2, 1)
    assert "gpg could not sign" in done.output
    assert everything(broken) == before
    real, bin_ = shutil.which("gpg"), tmp_path / "bin"
    bin_.mkdir()
    script = bin_ / "gpg"
    script.write_text(
        f'#!/bin/sh\n[ -e "{bin_}/once" ] && exit 1\n: > "{bin_}/once"\n{real} "$@"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_}:{os.environ['PATH']}")
    done = run("fix", broken / INDEX, "--in-place", "--sign", USER)
    assert (done.exit_code, (bin_ / "once").exists()) == (2, True)
    assert everything(broken) == before


def junk(root: Path) -> list[str]:
    """What no publisher has put into a tree: names that begin with a dot."""
    return [str(p.relative_to(root)) for p in root.rglob(".*")]


def killed_at(step: int, act: Any) -> bool:
    """Run it in a child that is killed at a step of its work with files; whether it ran through."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    count = -1

    def hook(event: str, _: Any) -> None:
        nonlocal count
        if event.startswith(("os.", "open", "shutil.", "ctypes.")):
            count += 1
            if count == step:
                os._exit(9)

    try:
        sys.addaudithook(hook)
        act()
        os._exit(0)
    except BaseException:  # noqa: BLE001 - whatever it is, this child ends here
        os._exit(1)


@pytest.mark.parametrize("exchange", [True, False], ids=["exchange", "one-by-one"])
@pytest.mark.parametrize("how", ["backup", "no-backup", "output"])
def test_killed_at_every_step(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, how: str, exchange: bool
) -> None:
    target, backup = how == "output", how == "backup"
    source = spoilt(tmp_path / "source")
    plan = planned(source)
    old = {path: (source / path).read_bytes() for path in (INDEX, PRODUCTS)}
    new = {**old, **plan.files}
    assert old[INDEX] != new[INDEX]
    assert old[PRODUCTS] != new[PRODUCTS]
    real = atomic.exchange
    monkeypatch.setattr(atomic, "exchange", real if exchange else lambda *_: False)
    before = everything(source)
    for step in range(1000):
        tree = tmp_path / "out" if target else source
        if target:  # there is an older tree
            shutil.rmtree(tree, ignore_errors=True)
            for path, body in old.items():
                (tree / path).parent.mkdir(parents=True, exist_ok=True)
                (tree / path).write_bytes(body)

        def act(where: Path | None = tree if target else None) -> None:
            publish.apply(plan, where, backup=backup, with_files=target)

        done = killed_at(step, act)
        seen = {path: (tree / path).read_bytes() for path in (INDEX, PRODUCTS)}
        if exchange:
            assert seen in (old, new), step
        else:
            assert all(seen[path] in (old[path], new[path]) for path in seen)
            assert seen[INDEX] == old[INDEX] or seen[PRODUCTS] == new[PRODUCTS]
        if backup and not target:
            kept = backups(home)[-1] if seen != old else {}
            assert seen == old or kept == {path: old[path] for path in (INDEX, PRODUCTS)}, step
        with alone(tree):  # the next run finishes, or tidies up
            pass
        assert {p: (tree / p).read_bytes() for p in (INDEX, PRODUCTS)} == seen, step
        assert not junk(tree), step
        if done:
            assert seen == new
            break
        if not target:
            shutil.rmtree(source)
            for path, body in before.items():
                (source / path).parent.mkdir(parents=True, exist_ok=True)
                (source / path).write_bytes(body)
    else:
        pytest.fail("it never came to its end")
    assert step > 10
    assert diff_of(plan)


def test_a_stream_that_somebody_else_signed_is_not_offered_edits(
    broken: Path, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its signing key is not in our gpg; with one of our own it may be signed anew."""
    assert run("fix", broken / INDEX, "--in-place", "--sign", USER).exit_code == 0
    text = (broken / PRODUCTS).read_text().replace('"22.04",', "22.04,")
    (broken / PRODUCTS).write_text(text)
    (broken / f"{PRODUCTS}.gpg").write_bytes(Gpg(USER)(text.encode(), False))
    ours = run("fix", broken / INDEX, "--keyring", keys.ring)
    assert "--sign" in ours.output
    assert "in quotes" in ours.output
    monkeypatch.setenv("GNUPGHOME", str(tmp_path))
    theirs = run("fix", broken / INDEX, "--keyring", keys.ring)
    assert "Somebody else has signed this stream" in theirs.output
    assert "in quotes" not in theirs.output
