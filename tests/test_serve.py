"""``serve``: what it gives, what it keeps to itself, and what it tells MAAS's owner to type."""

from __future__ import annotations

import http.client
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from images import INDEX, PRODUCTS, Tree
from maas_stream_lint.api import check
from maas_stream_lint.building.adding import commands
from maas_stream_lint.building.serving import Server
from maas_stream_lint.cli.main import main
from maas_stream_lint.errors import LintError, UsageError
from maas_stream_lint.finding import Severity


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Server]:
    root = Tree().write(tmp_path / "tree")
    (tmp_path / "secret").write_text("secret")
    (root / ".hidden").mkdir()
    (root / ".hidden/file").write_text("secret")
    (root / "out").symlink_to(tmp_path / "secret")
    (root / "in").symlink_to(root / INDEX)
    server = Server(root, "127.0.0.1", 0, lambda line: None)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def ask(
    server: Server, path: str, method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    line = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=20)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    line.request(method, path, headers=given)
    answer = line.getresponse()
    body = answer.read()
    line.close()
    return answer.status, {k.lower(): v for k, v in answer.getheaders()}, body


def test_maas_would_find_nothing_wrong_with_it(served: Server, own_home: Path) -> None:
    report = check(f"{served.url}{INDEX}", files="download")
    assert [f for f in report.findings if f.severity > Severity.INFO] == []
    assert report.look.survey is not None
    assert report.look.survey.hashed == 3


def test_a_file(served: Server) -> None:
    body = (served.root / INDEX).read_bytes()
    status, headers, given = ask(served, f"/{INDEX}")
    assert (status, given) == (200, body)
    assert headers["content-type"] == "application/json"
    assert headers["accept-ranges"] == "bytes"
    status, headers, given = ask(served, f"/{INDEX}", "HEAD")
    assert (status, headers["content-length"], given) == (200, str(len(body)), b"")
    assert ask(served, "/" + PRODUCTS.replace(":", "%3A"))[0] == 200
    assert ask(served, "/in")[2] == body
    assert ask(served, f"/{INDEX}?v=1")[2] == body


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-9", 206, slice(0, 10)),
        ("bytes=5-", 206, slice(5, None)),
        ("bytes=-7", 206, slice(-7, None)),
        ("bytes=0-999999", 206, slice(0, None)),
        ("bytes=999999-", 416, slice(0, 0)),
        ("bytes=9-5", 416, slice(0, 0)),
        ("bytes=-0", 416, slice(0, 0)),
        ("bytes=0-1,5-6", 200, slice(0, None)),
        ("lines=0-1", 200, slice(0, None)),
        ("bytes=-", 200, slice(0, None)),
    ],
)
def test_ranges(served: Server, asked: str, status: int, part: slice) -> None:
    body = (served.root / INDEX).read_bytes()
    given = ask(served, f"/{INDEX}", Range=asked)
    assert (given[0], given[2]) == (status, body[part])
    if status == 206:
        start = body.index(body[part]) if asked != "bytes=-7" else len(body) - 7
        end = start + len(body[part]) - 1
        assert given[1]["content-range"] == f"bytes {start}-{end}/{len(body)}"


def test_tags(served: Server) -> None:
    path = f"/{INDEX}"
    _, headers, body = ask(served, path)
    tag = headers["etag"]
    assert ask(served, path, If_None_Match=tag)[0] == 304
    assert ask(served, path, If_None_Match='"x", ' + tag)[0] == 304
    assert ask(served, path, If_None_Match='"x"')[0] == 200
    assert ask(served, path, If_Modified_Since=headers["last-modified"])[0] == 304
    assert ask(served, path, If_Modified_Since="soon")[0] == 200
    assert ask(served, path, Range="bytes=1-2", If_Range=tag)[0] == 206
    assert ask(served, path, Range="bytes=1-2", If_Range='"x"')[2] == body
    os.utime(served.root / INDEX, (1, 1))
    assert ask(served, path)[1]["etag"] != tag


@pytest.mark.parametrize(
    "path",
    [
        "/", "/streams", "/streams/", "/nowhere", "/.hidden/file", "/out", "/../secret",
        "/%2e%2e/secret", "/streams/../../secret", "//etc/passwd", "/..%2fsecret", "/a%00b", "/%ff",
        "/streams/v1/../../out",
    ],
)  # fmt: skip
def test_what_it_keeps_to_itself(served: Server, path: str) -> None:
    status, _, body = ask(served, path)
    assert status == 404
    assert b"secret" not in body
    assert b"v1" not in body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_it_only_reads(served: Server, method: str) -> None:
    assert ask(served, f"/{INDEX}", method)[0] == 501
    assert (served.root / INDEX).exists()


def test_the_commands_name_what_is_there(served: Server) -> None:
    lines = commands(served.root, served.url)
    create, select, start = (shlex.split(line) for line in lines)
    assert create[3:5] == ["create", f"url={served.url}{INDEX}"]
    assert select[2:] == [
        "boot-source-selections", "create", "$ID", "os=ubuntu", "release=jammy", "arches=amd64",
        "subarches=*", "labels=*",
    ]  # fmt: skip
    assert start[2:] == ["boot-resources", "import"]


def test_an_address_that_cannot_be_had(served: Server, tmp_path: Path) -> None:
    port = int(served.server_address[1])
    with pytest.raises(LintError, match="cannot listen"):
        Server(served.root, "127.0.0.1", port, lambda line: None)
    with pytest.raises(UsageError, match="is no directory"):
        Server(tmp_path / "nowhere", "127.0.0.1", 0, lambda line: None)


def test_without_a_stream_nothing_is_served(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["serve", str(tmp_path), "--bind", "127.0.0.1", "--port", "0"])
    assert done.exit_code == 2
    assert "holds no stream" in done.stderr


def test_the_command_serves_until_it_is_stopped(tmp_path: Path, own_home: Path) -> None:
    root = Tree().write(tmp_path / "tree")
    command = [sys.executable, "-m", "maas_stream_lint", "serve", str(root)]
    out, err = tmp_path / "out", tmp_path / "err"
    with out.open("w") as said, err.open("w") as told:
        process = subprocess.Popen(
            [*command, "--bind", "127.0.0.1", "--port", "0"], stdout=said, stderr=told
        )
    try:
        for _ in range(600):
            if out.read_text() or process.poll() is not None:
                break
            time.sleep(0.05)
        url = re.match(r"serving (http://127\.0\.0\.1:\d+/)\n", out.read_text())
        assert url is not None
        report = check(f"{url[1]}{INDEX}")
        assert [f for f in report.findings if f.severity > Severity.INFO] == []
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
    assert process.returncode == 0
    assert "boot-source-selections create" in out.read_text()
    assert "GET /streams/v1/index.json" in err.read_text()
