"""The pages on artifact stores: their checks, run as written, against servers that answer alike.

Neither Nexus nor Artifactory can be had from a registry. So a small server sends the headers and
bodies that they document, of a good configuration and of each mistake that a page names.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from images import Tree
from servers import Handler, serve

pytestmark = [
    pytest.mark.usefixtures("own_home"),
    pytest.mark.skipif(shutil.which("curl") is None, reason="no curl"),
]
RECIPES = Path(__file__).parents[1] / "docs/recipes"
HTML = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><form></form></body></html>"


class Store(NamedTuple):
    """How a store answers: what each of its answers has, a missing file, and a refused login."""

    root: str
    headers: dict[str, str]
    missing: bytes
    kind_of_missing: str
    realm: str


# help.sonatype.com: raw repositories, and the headers of its server
NEXUS = Store(
    "/repository/maas-images/",
    {
        "Server": "Nexus/3.70.0-03 (OSS)",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox allow-forms allow-modals allow-popups",
        "X-XSS-Protection": "1; mode=block",
    },
    b"<!DOCTYPE html><html><body><h1>404</h1>Not Found</body></html>",
    "text/html",
    "Sonatype Nexus Repository Manager",
)
# jfrog.com/help: retrieve an artifact, and the headers of its answers
ARTIFACTORY = Store(
    "/artifactory/maas-images/",
    {
        "X-JFrog-Version": "Artifactory/7.90.10 79010900",
        "X-Artifactory-Id": "0123456789abcdef:-1a2b3c4d:18f0:-8000",
        "X-Artifactory-Node-Id": "artifactory-0",
    },
    json.dumps({"errors": [{"status": 404, "message": "File not found."}]}).encode(),
    "application/json",
    "Artifactory Realm",
)
STORES = {"nexus": NEXUS, "artifactory": ARTIFACTORY}


class Answers:
    """A store with a good stream in it. ``fault``: what is wrong with its set-up."""

    def __init__(self, store: Store, fault: str = "") -> None:
        self.store, self.fault = store, fault
        self.tree = {**Tree().files, **Tree().metadata}

    def __call__(self, request: Handler) -> None:
        path = request.path.partition("?")[0].removeprefix(self.store.root)
        headers = {name.replace("-", "_"): value for name, value in self.store.headers.items()}
        if self.fault == "login":
            realm = f'BASIC realm="{self.store.realm}"'
            request.send(HTML, 401, WWW_Authenticate=realm, Content_Type="text/html", **headers)
        elif path.startswith("moved/"):
            request.send_part(self.tree[path.removeprefix("moved/")])
        elif path not in self.tree:
            if self.fault == "error page":
                request.send(HTML, Content_Type="text/html", **headers)
                return
            request.send(
                self.store.missing, 404, Content_Type=self.store.kind_of_missing, **headers
            )
        elif self.fault == "redirect" and not path.startswith("streams/"):
            where = f"{self.store.root}moved/{path}?X-Amz-Signature=0123"
            request.send(b"", 302, Location=where, **headers)
        else:
            self._file(request, path, headers)

    def _file(self, request: Handler, path: str, headers: dict[str, str]) -> None:
        body = self.tree[path]
        kind = "application/json" if path.endswith(".json") else "application/octet-stream"
        sha1 = hashlib.sha1(body).hexdigest()
        more = {"Accept_Ranges": "bytes", "Content_Type": kind}
        if self.store is ARTIFACTORY:
            name = path.rpartition("/")[2]
            more["X_Checksum_Sha1"] = sha1
            more["X_Checksum_Sha256"] = hashlib.sha256(body).hexdigest()
            more["Content_Disposition"] = f'attachment; filename="{name}"'
        if self.fault == "cache" and path.startswith("streams/"):
            more["Cache_Control"] = "max-age=86400"
        request.send_part(body, f'"{sha1}"', **headers, **more)


def run(name: str, url: str, folder: Path) -> tuple[int, str, str, str, str]:
    """The check of a page, with another URL: the exit code, and what each of its lines says."""
    page = (RECIPES / f"{name}.md").read_text("utf-8")
    (script,) = re.findall(r"^```sh\n(url=.*?)^```$", page, re.DOTALL | re.MULTILINE)
    given = re.match(r"url=https://[^/]+(\S*)", script)
    assert given is not None
    assert given[1] + "/" == STORES[name].root
    script = script.replace(given[0], f"url={url}{given[1]}", 1)
    program = folder / "bin/maas-stream-lint"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m maas_stream_lint "$@"\n')
    program.chmod(0o755)
    first, *parts = script.splitlines()
    env = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
    told = []
    for part in parts:
        done = subprocess.run(
            ["bash", "-c", f"{first}\n{part}"],
            env=env, cwd=folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        told.append(done.stdout.strip())
    status, cached, missing, report = told
    return done.returncode, status, cached, missing, report


@pytest.mark.parametrize("name", STORES)
def test_a_store_that_is_set_up_well(name: str, tmp_path: Path) -> None:
    with serve(Answers(STORES[name])) as server:
        code, first, second, third, report = run(name, server.url, tmp_path)
    assert (first, second, third) == ("200 application/json", "", "404")
    assert code == 0
    assert "passes" in report


@pytest.mark.parametrize("name", STORES)
@pytest.mark.parametrize(
    ("fault", "line", "told", "rules"),
    [
        ("login", 1, r"401 text/html", {"MSL102"}),
        ("cache", 2, r"(?i)cache-control: max-age=86400", set()),
        ("error page", 3, r"200", set()),
        ("redirect", 4, r".*", {"MSL720"}),
    ],
)
def test_each_mistake_shows_in_the_line_that_the_page_names(
    name: str, fault: str, line: int, told: str, rules: set[str], tmp_path: Path
) -> None:
    with serve(Answers(STORES[name], fault)) as server:
        code, *seen = run(name, server.url, tmp_path)
    assert re.match(told, seen[line - 1]), seen
    page = (RECIPES / f"{name}.md").read_text("utf-8")
    for rule in rules:
        assert rule in seen[3]
        assert rule in page
        assert code in (1, 2)
