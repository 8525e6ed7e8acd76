"""Streams in S3: an S3-compatible server on loopback, by both kinds of endpoint that buckets have.

The server takes the place of a proxy, so that a bucket has the very host that it has at Amazon.
"""

from __future__ import annotations

import http.client
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import maas_stream_lint.api as api
from images import Tree
from maas_stream_lint.finding import Severity
from maas_stream_lint.rulebook import all_releases

pytestmark = [
    pytest.mark.usefixtures("own_home"),
    pytest.mark.skipif(shutil.which("npm") is None, reason="no npm; Debian: apt-get install npm"),
]

HERE = Path(__file__).parent / "s3"
PAGE = (Path(__file__).parents[1] / "docs/recipes/s3.md").read_text("utf-8")
BUCKET, SITE = "images-example-com", "images-example-com-website"
REST = f"http://{BUCKET}.s3.eu-central-1.amazonaws.com"
WEBSITE = f"http://{SITE}.s3-website.eu-central-1.amazonaws.com"
INDEX = "streams/v1/index.json"


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server with two buckets, one of them a website with a redirect rule."""
    folder = tmp_path_factory.mktemp("s3")
    for name in ("package.json", "package-lock.json", "serve.js", "website.xml"):
        shutil.copy(HERE / name, folder)
    install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    done = subprocess.run(install, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"npm cannot fetch the server: {done.stderr[-300:]}")
    command = ["node", "serve.js", folder / "data", BUCKET, SITE]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield int(server.stdout.readline())
        server.terminate()


@pytest.fixture
def bucket(s3: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """The server, reached under the names of Amazon, with a good stream in both buckets."""
    for name in (BUCKET, SITE):
        upload(s3, name, "maas/")
        upload(s3, name, "")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{s3}")
    return s3


def upload(port: int, bucket: str, prefix: str) -> None:
    """As the page says: images, then the products files, then the index."""
    tree = {**Tree().files, **Tree().metadata}
    for path in sorted(tree, key=lambda path: (path.startswith("streams"), path == INDEX)):
        kept = "no-cache" if path.startswith("streams") else "public, max-age=31536000"
        headers = {"Cache-Control": kept, "Content-Type": kind(path)}
        with connected(port) as connection:
            connection.request("PUT", f"/{bucket}/{prefix}{path}", tree[path], headers)
            assert connection.getresponse().status == 200


def kind(path: str) -> str:
    return "application/json" if path.endswith(".json") else "application/octet-stream"


@contextmanager
def connected(port: int) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        yield connection
    finally:
        connection.close()


def serious(report: api.Report) -> list[str]:
    return [f"{f.code} {f.message}" for f in report.findings if f.severity >= Severity.WARNING]


@pytest.mark.parametrize("host", [REST, WEBSITE], ids=["virtual host", "website"])
def test_a_stream_in_a_bucket_is_good(bucket: int, host: str) -> None:
    report = api.check(f"{host}/maas/{INDEX}", files="download")
    assert serious(report) == []
    assert report.look.survey is not None
    assert len(report.look.survey.files) == len(Tree().files) - 1  # MAAS reads no manifest


def test_a_redirect_rule_of_the_website_loses_images(bucket: int) -> None:
    report = api.check(f"{WEBSITE}/moved/{INDEX}", files="head")
    severe = [f for f in report.findings if f.severity >= Severity.IGNORED]
    found = [f for f in severe if f.code == "MSL720"]
    lost = {line for f in found for line in f.maas}
    follow = {r.line for r in all_releases() if r.download("redirects")}
    assert lost == {r.line for r in all_releases()} - follow


def test_an_object_that_is_missing_is_found(bucket: int) -> None:
    path = next(iter(Tree().files))
    with connected(bucket) as connection:
        connection.request("DELETE", f"/{BUCKET}/maas/{path}")
        assert connection.getresponse().status == 204
    report = api.check(f"{REST}/maas/{INDEX}", files="head")
    assert "MSL701" in {finding.code for finding in report.findings}


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl")
@pytest.mark.parametrize("host", [REST, WEBSITE], ids=["virtual host", "website"])
def test_the_check_of_the_page_passes(bucket: int, host: str, tmp_path: Path) -> None:
    (script,) = re.findall(r"^```sh\n(url=.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert re.search(r"^url=https://images-example-com\.s3\.eu-central-1\.", script)
    script = re.sub(r"^url=\S+", f"url={host}/maas", script)
    program = tmp_path / "bin/maas-stream-lint"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m maas_stream_lint "$@"\n')
    program.chmod(0o755)
    env = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-ec", script], env=env, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    first, second, third, *report = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert first.startswith("200 application/json")
    assert first.split()[2:] == []
    assert second.lower() == "cache-control: no-cache"
    assert third == "404"
    assert "passes" in "\n".join(report)
