"""Names of sources, and trees on disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from maas_stream_lint.cli.main import main
from maas_stream_lint.errors import UsageError
from maas_stream_lint.source import (
    SIGNED_INDEX,
    FetchOptions,
    LocalTree,
    Source,
    file_name,
    open_source,
    split_source,
)
from maas_stream_lint.source.local import around, is_within

INDEX = "streams/v1/index.json"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A root with an index, beside a secret that is not the tree's."""
    root = tmp_path / "images"
    (root / "streams/v1").mkdir(parents=True)
    (root / INDEX).write_bytes(b"{}")
    (tmp_path / "secret.json").write_bytes(b"secret")
    return root


@given(st.text("ab/?#%\t\r\n []:@\0\ud800", max_size=12) | st.text(max_size=12))
def test_a_file_is_named_as_in_a_url(path: str) -> None:
    assert "/" + file_name(path) == urlsplit("file:///" + path).path


@given(st.text("ab/", max_size=8), st.text("ab/", max_size=8))
def test_places_are_those_of_paths(one: str, other: str) -> None:
    place, folder = os.path.normpath(f"/a/{one}"), os.path.normpath(f"/a/{other}")
    assert is_within(place, folder) == Path(place).is_relative_to(folder)
    assert [*around(place)] == [str(parent) for parent in Path(place).parents]


def where(source: Source) -> tuple[str, str, bool]:
    return source.base, source.index_path, source.explicit


def read(tree: Path, path: str) -> bytes | str:
    """The body, or the kind of trouble."""
    answer = open_source(tree).read(path)
    assert answer.path == path
    assert (answer.body is None) != (answer.trouble is None)
    return answer.trouble.kind if answer.trouble else answer.body or b""


@pytest.mark.parametrize(
    ("url", "base", "path", "explicit"),
    [
        ("http://h/images", "http://h/images", SIGNED_INDEX, False),
        ("http://h/images/streams/v1/index.json", "http://h/images/", INDEX, True),
        ("http://h/streams/v1/a/b.sjson", "http://h/", "streams/v1/a/b.sjson", True),
        ("http://h/streams/v1/", "http://h/streams/v1/", SIGNED_INDEX, False),
        ("http://h/streams/v1/X.SJSON", "http://h/streams/v1/X.SJSON", SIGNED_INDEX, False),
        ("http://h/streams/v1/x.json?a", "http://h/streams/v1/x.json?a", SIGNED_INDEX, False),
        ("http://h/streams/v1/x.json#a", "http://h/streams/v1/x.json#a", SIGNED_INDEX, False),
        ("http://h/?f=streams/v1/x.json", "http://h/?f=", "streams/v1/x.json", True),
        ("http://h/mystreams/v1/x.json", "http://h/my", "streams/v1/x.json", True),
    ],
)
def test_urls_are_split_as_maas_does(url: str, base: str, path: str, explicit: bool) -> None:
    assert split_source(url) == (base, path, explicit)


def test_directory_is_a_bare_root(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = (f"{tree}/", SIGNED_INDEX, False)
    assert where(open_source(tree)) == expected
    assert where(open_source(f"  {tree}/\n")) == expected
    assert where(open_source(f"file://{tree}")) == expected
    assert where(open_source(f"file:{tree}")) == expected
    assert where(open_source(f"file://localhost{tree}")) == expected
    monkeypatch.chdir(tree)
    assert where(open_source(".")) == expected
    assert open_source(" . ").label == "."


def test_file_below_streams_v1_names_the_index(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = (f"{tree}/", INDEX, True)
    assert where(open_source(tree / INDEX)) == expected
    assert where(open_source(f"file://{tree}/{INDEX}")) == expected
    monkeypatch.chdir(tree / "streams/v1")
    assert where(open_source("index.json")) == expected
    assert where(open_source("../v1/./index.json")) == expected
    assert open_source("index.json").read(INDEX).body == b"{}"


def test_linked_root_is_kept_as_named(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to(tree)
    source = open_source(tmp_path / "current" / INDEX)
    assert where(source) == (f"{tmp_path}/current/", INDEX, True)
    assert source.read(INDEX).body == b"{}"


@pytest.mark.parametrize(
    "name", ["com.ubuntu.maas:stable.json", "x.sjson", "mystreams/v1/index.json"]
)
def test_lone_file_has_its_directory_as_root(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"lone")
    monkeypatch.chdir(tmp_path)
    source = open_source(name)
    assert where(source) == (f"{file.parent}/", file.name, True)
    assert source.read(source.index_path).body == b"lone"


@pytest.mark.parametrize("inner", ["streams", "streams/v1", "streams/v1/deep", "ubuntu"])
def test_directory_inside_a_tree_is_refused(tree: Path, inner: str) -> None:
    (tree / inner).mkdir(parents=True, exist_ok=True)
    with pytest.raises(UsageError, match="inside a stream") as caught:
        open_source(tree / inner)
    assert caught.value.hint == f"lint the root: {tree}"


def test_directory_outside_any_tree_is_a_root_without_index(tmp_path: Path) -> None:
    source = open_source(tmp_path)
    answer = source.read(source.index_path)
    assert answer.trouble is not None
    assert answer.trouble.kind == "missing"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("", "no source is named"),
        (" \n", "no source is named"),
        ("absent", "absent does not exist"),
        ("nul\0.json", "does not exist"),
        ("half\ud800.json", r"half\\ud800.json does not exist"),
        ("notes.txt", "notes.txt is not a directory, .json or .sjson file"),
        ("notes.txt/x.json", "does not exist"),
        ("pipe.json", "pipe.json is not a directory, .json or .sjson file"),
        ("loop.json", "cannot open loop.json: too many levels of symbolic links"),
        ("n" * 300, "cannot open .*: file name too long"),
        ("FTP://user:hunter2@h/x", "ftp:// is not a kind of source"),
        ("s3://bucket/x", "s3:// is not a kind of source"),
        ("file://user:hunter2@h/x", "a file URL cannot name a host"),
        ("file:///absent", "file:///absent does not exist"),
        ("http:///x", "no valid host"),
        ("https://user:hunter2@/x", "no valid host"),
        ("http:/h/x", "no valid host"),
        ("http://h:70000/", "no valid host"),
        ("http://user:hunter2/@h/", "no valid host"),
        ("http://[::1/", "no valid host"),
        ("http://a..b/", "no valid host"),
        ("http://a b/", "no valid host"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_way_out(
    given: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("notes.txt").touch()
    Path("loop.json").symlink_to("loop.json")
    os.mkfifo("pipe.json")
    with pytest.raises(UsageError, match=message) as caught:
        open_source(given)
    assert caught.value.hint
    assert "\n" not in str(caught.value)
    assert "hunter2" not in repr(caught.value) + str(caught.value)


def test_name_that_is_not_utf8_can_be_reported(tmp_path: Path) -> None:
    root = tmp_path / os.fsdecode(b"im\xe4ges")
    root.mkdir()
    (root / os.fsdecode(b"\xff.json")).write_bytes(b"odd")
    source = open_source(root / os.fsdecode(b"\xff.json"))
    assert source.label.encode().endswith(rb"im\udce4ges/\udcff.json")
    assert source.base.encode().endswith(rb"im\udce4ges/")
    assert source.read(source.index_path).body == b"odd"


def test_local_trees_do_without_httpx(tree: Path) -> None:
    code = "import sys; from maas_stream_lint.source import open_source; "
    code += "open_source(sys.argv[1]).read('x'); sys.exit('httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code, tree], check=False).returncode == 0


@pytest.mark.parametrize(
    "path",
    [
        INDEX,
        f"./streams//v1/../v1/{Path(INDEX).name}",
        f"{INDEX}?a=b",
        f"{INDEX}#top",
        f"a/../{INDEX}",
    ],
)
def test_path_is_read_as_a_server_reads_it(tree: Path, path: str) -> None:
    assert read(tree, path) == b"{}"


def test_percent_stands_for_itself(tree: Path) -> None:
    (tree / "a%20b").write_bytes(b"literal")
    (tree / "c d;e").write_bytes(b"blank")
    assert read(tree, "a%20b") == b"literal"
    assert read(tree, "a b") == "missing"
    assert read(tree, "c d;e") == b"blank"
    assert read(tree, "c%20d;e") == "missing"


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "//etc/passwd",
        "../secret.json",
        "streams/../../secret.json",
        "..",
        "../images/streams/v1/index.json",
        "out/secret.json",
        "out.json",
        "out",
    ],
)
def test_nothing_outside_the_root_is_read(tree: Path, path: str) -> None:
    (tree / "out").symlink_to(tree.parent)
    (tree / "out.json").symlink_to("../secret.json")
    assert read(tree, path) == "outside-root"


def test_links_within_the_root_are_followed(tree: Path) -> None:
    (tree / "latest.json").symlink_to(INDEX)
    assert read(tree, "latest.json") == b"{}"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("absent.json", "missing"),
        (f"{INDEX}/x", "missing"),
        (f"{INDEX}/", "missing"),
        ("n\0l.json", "missing"),
        ("half\ud800.json", "missing"),
        ("byte\udcff.json", "missing"),
        ("n" * 300, "missing"),
        ("loop.json", "unreadable"),
        ("", "not-a-file"),
        (".", "not-a-file"),
        ("?query", "not-a-file"),
        ("streams", "not-a-file"),
        ("streams/", "not-a-file"),
        ("pipe.json", "not-a-file"),
    ],
)
def test_trouble_with_a_path(tree: Path, path: str, kind: str) -> None:
    os.mkfifo(tree / "pipe.json")
    (tree / "loop.json").symlink_to("loop.json")
    assert read(tree, path) == kind


def test_device_is_not_opened() -> None:
    tree = LocalTree("dev", "/dev", SIGNED_INDEX, explicit=False, max_bytes=9)
    answer = tree.read("zero")
    assert answer.trouble is not None
    assert answer.trouble.kind == "not-a-file"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_file_without_rights_is_unreadable(tree: Path) -> None:
    (tree / INDEX).chmod(0)
    assert read(tree, INDEX) == "unreadable"


def test_size_is_bounded(tree: Path) -> None:
    source = open_source(tree, options=FetchOptions(max_bytes=4))
    (tree / "fits").write_bytes(b"1234")
    (tree / "long").write_bytes(b"12345")
    assert source.read("fits").body == b"1234"
    answer = source.read("long")
    assert answer.body is None
    assert answer.trouble is not None
    assert (answer.trouble.kind, answer.trouble.message) == ("too-large", "larger than 4 bytes")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux")
def test_file_whose_size_lies_is_not_cut_short() -> None:
    tree = LocalTree("proc", "/proc/self", SIGNED_INDEX, explicit=False, max_bytes=99)
    answer = tree.read("status")  # 0 bytes, says its inode
    assert answer.trouble is not None
    assert answer.trouble.kind == "unreadable"


def test_options_hide_headers() -> None:
    assert "hunter2" not in repr(FetchOptions(headers=(("X-Token", "hunter2"),)))


def test_a_directory_is_judged_by_its_plain_index(tmp_path: Path) -> None:
    """It is a tree of files, not the root URL that MAAS is given; Python's `preview` may differ."""
    index = tmp_path / "streams/v1/index.json"
    index.parent.mkdir(parents=True)
    index.write_text("{}")
    tree = open_source(tmp_path, as_tree=True)
    assert (tree.index_path, tree.explicit, tree.label) == (PLAIN, True, str(tmp_path))
    assert open_source(tmp_path).index_path == SIGNED
    (tmp_path / SIGNED).write_text("signed")
    assert open_source(tmp_path, as_tree=True).index_path == SIGNED


PLAIN, SIGNED = "streams/v1/index.json", "streams/v1/index.sjson"


@pytest.mark.parametrize("command", ["check", "preview"])
def test_a_directory_and_its_index_read_alike(command: str) -> None:
    """But for the advice on the URL."""
    tree = Path(__file__).parents[1] / "fixtures/bad/MSL401-ubuntu-name/tree"
    extra = ["--ignore", "MSL111", "--files", "none"] if command == "check" else []
    for form in ("text", "json"):
        texts = []
        for source in (tree, tree / PLAIN):
            done = CliRunner().invoke(main, [command, str(source), "--format", form, *extra])
            texts.append(done.stdout.replace(f"/{PLAIN}", "").split())
        assert texts[0] == texts[1]
    said = CliRunner().invoke(main, ["check", str(tree), "--files", "none"]).stdout
    assert "MSL111" in said
    assert "MSL101" not in said
