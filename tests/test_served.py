"""Image files on real servers, looked at by their first bytes."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from images import FOLDER, INDEX, INITRD, PRODUCTS, ROOT_TGZ, SQUASHFS, Tree, digest
from looks import BASIC, look
from maas_stream_lint.finding import Severity
from nginx import PASSWORD, TOKEN, USER, Nginx

#: Of these, a failed download costs the set, the whole import, a selection.
COSTS = {"3.4": Severity.IGNORED, "3.7": Severity.FATAL, "3.8": Severity.IGNORED}
CURRENT = "3.8"


def test_good_files_are_good(store: Nginx, good: str) -> None:
    looked = look(store.url("plain", good))
    assert looked.names == set()
    assert len(looked.survey.files) == 3  # none asks for a manifest
    seen = looked.seen("squashfs")
    assert (seen.status, seen.size, seen.ranges, seen.head_size) == (206, 3020, True, 3020)
    assert (seen.encoding, seen.redirects, seen.trouble) == (None, (), None)
    assert seen.url == store.url("plain", good) + f"{FOLDER}/squashfs"
    assert seen.content is not None
    assert seen.content.kind == "squashfs"


def test_each_file_is_asked_for_once_on_few_connections(store: Nginx) -> None:
    tree = Tree()
    for number in range(30):
        items = {"root-tgz": tree.items["squashfs"]}
        tree.product(f"com.example:v3:{number}", items, os="custom", release=str(number))
        tree.add("boot-kernel", bytes(5000), f"kernels/{number}")
    store.publish("many", tree)
    look(store.url("plain", "many"), jobs=3)
    asked = [r for r in store.log() if "/streams/" not in r["uri"]]
    counts = {(r["method"], r["uri"]) for r in asked}
    assert len(counts) == len(asked)
    assert len({r["connection"] for r in asked}) <= 3
    assert {r["range"] for r in asked if r["method"] == "GET"} == {"bytes=0-4095"}
    assert {r["encoding"] for r in asked if r["method"] == "GET"} == {"gzip, deflate"}


# Files that cannot be had


@pytest.mark.parametrize(
    ("location", "name", "kind", "told"),
    [
        ("plain", "file-missing", "missing", "404 Not Found"),
        ("files-s3", "file-not-served", "forbidden", "403 Forbidden"),
    ],
)
def test_missing(store: Nginx, location: str, name: str, kind: str, told: str) -> None:
    root = store.publish(f"missing-{kind}", Tree())
    (root / FOLDER / "squashfs").unlink()
    looked = look(store.url(location, root.name))
    assert looked.names == {name}
    assert {line: looked.severities(name).get(line) for line in COSTS} == COSTS
    finding = next(f for f in looked.of(name) if CURRENT in f.maas)
    assert f"`{FOLDER}/squashfs`" in finding.message
    assert told in finding.message
    log = {line: text for lines, text in finding.logs for line in lines}[CURRENT]
    url = f"{store.url(location, root.name)}{FOLDER}"
    assert f"HTTPStatusError: Client error '{told}' for url '{url}" in log
    trouble = looked.seen("squashfs").trouble
    assert trouble is not None
    assert (trouble.kind, trouble.status) == (kind, int(told[:3]))


def test_server_error_is_tried_again_and_told(store: Nginx, good: str) -> None:
    looked = look(store.url("files-500", good), only=("nothing",))
    assert looked.names == set()
    looked = look(store.url("files-500", good), retries=2, jobs=1)
    assert looked.names == {"file-not-served"}
    assert {r["status"] for r in store.log() if "/streams/" not in r["uri"]} == {500}
    assert "500 Internal Server Error" in looked.of("file-not-served")[0].message
    assert "Server error '500" in str([f.logs for f in looked.of("file-not-served")])


@pytest.mark.parametrize("location", ["files-429", "files-503", "files-503-date"])
def test_busy_server_is_asked_again(store: Nginx, location: str) -> None:
    root = store.publish(f"busy-{location}", Tree())
    looked = look(store.url(location, root.name), retries=3, longest_backoff=1.0)
    assert looked.names == {"passing-fault"}
    # From 3.5 to 3.7, MAAS tries each failure again.
    assert not set(looked.of("passing-fault")[0].maas) & {"3.5", "3.6", "3.7"}
    asked = [r for r in store.log() if r["method"] == "GET" and "/squashfs" in r["uri"]]
    assert [r["status"] for r in asked] == [int(location[6:9])] * 2 + [206]


def test_server_that_wants_to_be_left_alone_is(store: Nginx, good: str) -> None:
    looked = look(store.url("files-503-long", good), retries=6, longest_backoff=1.0)
    assert looked.names == {"file-not-served"}
    asked = [r for r in store.log() if "/squashfs" in r["uri"]]
    assert len(asked) == 1


# Credentials


@pytest.mark.parametrize("way", ["url", "netrc", "header"])
def test_credentials_open_files_too(store: Nginx, good: str, way: str, own_home: Any) -> None:
    url, headers = store.url("basic", good), ()
    if way == "url":
        url = url.replace("//", f"//{USER}:{PASSWORD}@")
    elif way == "netrc":
        text = f"machine 127.0.0.1 login {USER} password {PASSWORD}\n"
        (own_home / ".netrc").write_text(text)
    else:
        headers = (("Authorization", f"Basic {BASIC}"),)
    looked = look(url, headers=headers)
    assert looked.names == {"needs-credentials"}
    finding = looked.one("needs-credentials")
    assert finding.severity == (Severity.INFO if way == "url" else Severity.FATAL)
    assert "401 Unauthorized" in finding.message


def test_token(store: Nginx, good: str) -> None:
    looked = look(store.url("token", good), headers=(("Authorization", f"Bearer {TOKEN}"),))
    assert looked.names == {"needs-credentials"}
    looked = look(store.url("token", good))
    assert looked.survey.files == {}


def test_login_for_files_alone(store: Nginx, good: str) -> None:
    looked = look(store.url("files-basic", good))
    assert looked.names == {"file-not-served"}
    assert "401 Unauthorized" in looked.of("file-not-served")[0].message
    assert "without a login" in looked.of("file-not-served")[0].remedy


def test_credentials_that_files_alone_need(store: Nginx, good: str) -> None:
    """The index is there for all, so only the files can tell."""
    url = store.url("files-basic", good).replace("//", f"//{USER}:{PASSWORD}@")
    looked = look(url)
    assert looked.names == {"needs-credentials"}
    assert "401 Unauthorized" in looked.one("needs-credentials").message


# HEAD and ranges


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("files-head-403", "403 Forbidden"),
        ("files-head-405", "405 Not Allowed"),
        ("files-head-501", "501 Not Implemented"),
        ("files-signed", "403 Forbidden"),
    ],
)
def test_refused_head_proves_nothing(store: Nginx, good: str, location: str, told: str) -> None:
    looked = look(store.url(location, good))
    assert looked.names - {"redirecting-files"} == {"head-refused"}
    finding = looked.one("head-refused")
    assert finding.severity == Severity.INFO
    assert told in finding.message
    assert "(and 2 more)" in finding.message


def test_head_that_is_too_much_at_the_moment_is_no_refusal(store: Nginx, good: str) -> None:
    assert look(store.url("files-head-busy", good)).names == set()


def test_head_that_lies(store: Nginx, good: str) -> None:
    looked = look(store.url("files-head-lies", good))
    assert looked.names == {"length-disagrees"}
    assert "has 17 bytes, GET" in looked.one("length-disagrees").message


@pytest.mark.parametrize("location", ["files-no-range", "files-range-400", "files-range-416"])
@pytest.mark.parametrize("mode", ["head", "download"])
def test_no_ranges(store: Nginx, location: str, mode: str) -> None:
    """MAAS asks for no part, so a server that can't give one is no worse for it."""
    tree = Tree()
    tree.add("squashfs", SQUASHFS + bytes(5000))
    store.publish("ranges", tree)
    looked = look(store.url(location, "ranges"), mode)
    assert looked.names == {"no-range-support"}
    assert looked.one("no-range-support").severity == Severity.INFO
    assert looked.seen("squashfs").size == len(SQUASHFS) + 5000


# What is sent


@pytest.mark.parametrize("mode", ["head", "download"])
def test_login_page(store: Nginx, good: str, mode: str) -> None:
    looked = look(store.url("files-login", good), mode)
    assert looked.names == {"html-instead-of-file"}
    assert {line: looked.severities("html-instead-of-file").get(line) for line in COSTS} == COSTS


@pytest.mark.parametrize("mode", ["head", "download"])
def test_image_that_is_called_a_page(store: Nginx, good: str, mode: str) -> None:
    """As servers do whose default type is that, of files without a suffix."""
    assert look(store.url("files-typed", good), mode).names == set()


def test_listing(store: Nginx) -> None:
    tree = Tree()
    tree.items["squashfs"]["path"] = f"{FOLDER}/"
    store.publish("listing", tree)
    looked = look(store.url("files-listing", "listing"))
    assert "html-instead-of-file" in looked.names


@pytest.mark.parametrize("mode", ["head", "download"])
def test_gzip_on_the_way(store: Nginx, good: str, mode: str) -> None:
    looked = look(store.url("files-gzip", good), mode)
    assert looked.names == {"content-encoding-on-artifact"}
    for finding in looked.of("content-encoding-on-artifact"):
        assert finding.severity == Severity.INFO
    seen = looked.seen("squashfs")
    assert (seen.encoding, seen.encoded_anyway, seen.size) == ("gzip", False, len(SQUASHFS))
    assert seen.content is not None
    assert seen.content.kind == "squashfs"


@pytest.mark.parametrize("mode", ["head", "download"])
def test_gzip_that_is_stored(store: Nginx, good: str, mode: str) -> None:
    looked = look(store.url("files-gzip-stored", good), mode)
    assert looked.names == {"content-encoding-on-artifact"}
    found = looked.severities("content-encoding-on-artifact")
    assert {line: found.get(line) for line in COSTS} == COSTS
    seen = looked.seen("boot-initrd")
    assert (seen.encoded_anyway, seen.size) == (True, len(INITRD))
    assert seen.decoded.get("sha256") != seen.digests.get("sha256", "-")


@pytest.mark.parametrize("location", ["plain", "files-no-range", "files-gzip"])
def test_kinds_are_told_from_first_bytes(store: Nginx, location: str) -> None:
    """A squashfs named boot-kernel, and a tar.gz published as root-dd.gz."""
    tree = Tree()
    tree.add("boot-kernel", SQUASHFS, kpackage="linux-generic")
    path = f"{FOLDER}/root-dd.gz"
    tree.files[path] = ROOT_TGZ
    about = {"ftype": "root-dd.gz", "path": path, "sha256": digest(ROOT_TGZ)}
    items = {"root-dd.gz": {**about, "size": len(ROOT_TGZ)}}
    tree.product("com.example:v3:dd", items, os="custom")
    store.publish("kinds", tree)
    looked = look(store.url(location, "kinds"))
    found = [f.message for f in looked.of("not-what-ftype-says")]
    assert len(found) == 2
    assert any("squashfs" in m and "`boot-kernel`" in m for m in found)
    assert any("tar" in m and "`root-dd.gz`" in m for m in found)


def test_size(store: Nginx) -> None:
    tree = Tree()
    tree.items["squashfs"]["size"] = 17
    store.publish("size", tree)
    looked = look(store.url("plain", "size"), "download")
    assert looked.names == {"size-mismatch"}
    assert "has 3,020 bytes, expected 17" in looked.of("size-mismatch")[0].message
    asked = [r for r in store.log() if r["uri"].endswith("/squashfs") and r["method"] == "GET"]
    assert [r["range"] for r in asked] == ["bytes=0-4095"]


def test_empty_file(store: Nginx) -> None:
    root = store.publish("empty", Tree())
    (root / FOLDER / "squashfs").write_bytes(b"")
    looked = look(store.url("plain", "empty"))
    assert "size-mismatch" in looked.names
    assert looked.seen("squashfs").size == 0


# Paths


@pytest.mark.parametrize(
    "name", ["a+b", "a b", "é", "100%", "a%20b", "x?y=1", "x#y", "a^b", "[x]", "a//b", "co:lon"]
)
def test_paths_are_asked_for_as_metadata_is(store: Nginx, name: str) -> None:
    tree = Tree()
    tree.files["jammy/x"] = tree.files["jammy/a/b"] = SQUASHFS
    tree.add("squashfs", SQUASHFS, f"jammy/{name}")
    root = store.publish("paths", tree)
    if name == "a%20b":
        (root / "jammy/a b").write_bytes(SQUASHFS)
    looked = look(store.url("plain", "paths"), "download")
    assert looked.names <= {"path-needs-encoding", "colon-in-path"}
    assert looked.survey.files[f"jammy/{name}"].digests["sha256"] == digest(SQUASHFS)


def test_colon_on_nexus(store: Nginx, good: str) -> None:
    assert ":" in PRODUCTS
    looked = look(store.url("nexus", good))
    assert looked.names == {"colon-in-path"}
    assert PRODUCTS in looked.one("colon-in-path").message


# Caches and frontends


def test_stale_cache(store: Nginx) -> None:
    tree = Tree()
    root = store.publish("stale", tree)
    url = store.url("cached", "stale")
    assert look(url).names == set()
    assert look(url).names == set()
    index = root / INDEX
    index.write_bytes(index.read_bytes() + b"\n")
    looked = look(url)
    assert looked.names == {"stale-cache"}
    assert INDEX in looked.one("stale-cache").message


def test_index_and_products_of_different_times(store: Nginx) -> None:
    root = store.publish("order", Tree())
    place = root / PRODUCTS
    place.write_text(place.read_text().replace("Mon, 01 Jan 2024", "Tue, 02 Jan 2024"))
    looked = look(store.url("plain", "order"))
    assert looked.names == {"published-out-of-order"}
    assert "is newer than its entry" in looked.one("published-out-of-order").message


@pytest.fixture
def two_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that stands for two loopback addresses; all else is as the system has it."""
    real = socket.getaddrinfo

    def resolve(host: Any, port: Any, *rest: Any, **more: Any) -> list[Any]:
        if host not in ("files.example.test", b"files.example.test"):
            return real(host, port, *rest, **more)
        return [*real("127.0.0.1", port, *rest, **more), *real("127.0.0.2", port, *rest, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def test_frontends_that_differ(store: Nginx, two_addresses: None) -> None:
    tree = Tree()
    tree.write(store.home / "other" / "fronts")
    root = store.publish("fronts", tree)
    assert look(store.front_url("fronts")).names == set()
    (root / INDEX).write_bytes((root / INDEX).read_bytes() + b"\n")
    looked = look(store.front_url("fronts"))
    assert looked.names == {"mirror-skew"}
    assert "127.0.0.1 and 127.0.0.2" in looked.one("mirror-skew").message.replace("`", "")
    assert {r["host"] for r in store.log()} == {f"files.example.test:{store.front}"}
