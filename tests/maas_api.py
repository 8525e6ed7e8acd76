"""A MAAS that answers by API 2.0: a real HTTP server with the shapes of 2.9, 3.7 and 3.8."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

KEY = "ckey:tkey:tsecret"
#: How the key must come: OAuth 1.0a, PLAINTEXT.
SIGNED = ('oauth_signature_method="PLAINTEXT"', 'oauth_consumer_key="ckey"', 'oauth_token="tkey"',
          'oauth_signature="%26tsecret"')  # fmt: skip


def version(said: str, *, subversion: str = "") -> dict[str, Any]:
    return {"capabilities": ["authenticate-api"], "version": said, "subversion": subversion}


def boot_source(url: str, line: str, **more: Any) -> dict[str, Any]:
    """A boot source; 3.8 has more members."""
    made = {
        "created": "2018-12-04T18:11:31.894",
        "updated": "2018-12-04T18:20:08.070",
        "url": url,
        "keyring_filename": "/usr/share/keyrings/not-on-this-machine.gpg",
        "keyring_data": "",
        "id": 1,
        "resource_uri": "/MAAS/api/2.0/boot-sources/1/",
    }
    if line == "3.8":
        made |= {
            "name": "Boot Source 1",
            "enabled": True,
            "priority": 1,
            "skip_keyring_verification": True,
        }
    return {**made, **more}


def selection(os: str, release: str, *arches: str) -> dict[str, Any]:
    return {
        "os": os, "release": release, "arches": list(arches), "subarches": ["*"], "labels": ["*"],
        "id": 1, "boot_source_id": 1, "resource_uri": "/MAAS/api/2.0/boot-sources/1/selections/1/",
    }  # fmt: skip


def resource(number: int, name: str, architecture: str, line: str) -> dict[str, Any]:
    """A row of the list."""
    made = {
        "id": number, "type": "Synced", "name": name, "architecture": architecture,
        "resource_uri": f"/MAAS/api/2.0/boot-resources/{number}/",
    }  # fmt: skip
    return made if line == "2.9" else {**made, "last_deployed": None}


def detail(row: dict[str, Any], *, complete: bool = True) -> dict[str, Any]:
    """The resource with its sets."""
    file = {
        "filename": "squashfs",
        "filetype": "squashfs",
        "sha256": "0" * 64,
        "size": 10,
        "complete": complete,
    }
    if not complete:
        file["progress"] = 0.0
    files = {"squashfs": file}
    kept = {
        "version": "20260101",
        "label": "stable",
        "size": 10,
        "complete": complete,
        "files": files,
    }
    return {**row, "sets": {"20260101": kept}}


class Maas:
    """What it answers, and what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[tuple[str, str, str]] = []  #: method, path, authorization
        self.url = ""
        self.streams = ""  #: where its streams are

    def fill(
        self, line: str, said: str, source: dict[str, Any], selections: list[Any], rows: list[Any]
    ) -> None:
        self.answers = {
            "version/": version(said),
            "boot-sources/": [source],
            "boot-sources/1/selections/": selections,
            "boot-resources/": rows,
            "boot-resources/?op=is_importing": False,
            **{f"boot-resources/{row['id']}/": detail(row) for row in rows},
        }


@contextmanager
def serving() -> Iterator[Maas]:
    """A server on a free port of this machine."""
    maas = Maas()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            maas.asked.append((self.command, self.path, self.headers.get("Authorization", "")))
            answer = maas.answers.get(self.path.removeprefix("/MAAS/api/2.0/"))
            status, headers = 200, {"Content-Type": "application/json"}
            if answer is None:
                status, answer = 404, "Not Found"
            if isinstance(answer, tuple):
                status, headers, answer = answer
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - http.server wants these names

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    maas.url = f"http://127.0.0.1:{server.server_address[1]}/MAAS"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield maas
    finally:
        server.shutdown()
        server.server_close()


class _Files(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def serving_files(folder: Path) -> Iterator[str]:
    """The URL of a server of files."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
