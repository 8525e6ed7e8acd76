"""A stream over HTTP, read-only, for a try-out from a MAAS on the same network."""

from __future__ import annotations

import os
import re
import socket
from email.utils import formatdate, parsedate_to_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import unquote, urlsplit

from maas_stream_lint.errors import LintError, UsageError
from maas_stream_lint.output import printable_path

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds that a client may be silent.
PATIENCE = 60
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class Server(ThreadingHTTPServer):
    """Serves the files below one folder."""

    daemon_threads = True

    def __init__(self, root: Path, host: str, port: int, told: Callable[[str], None]) -> None:
        """``port``: 0 for any free port. ``told``: gets one line for each request.

        Raises UsageError if there is no such folder, LintError if it cannot use the address.
        """
        if not root.is_dir():
            raise UsageError(f"{printable_path(root)} is no directory", "name a stream's")
        self.root = Path(os.path.realpath(root))
        self.told = told
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            super().__init__((host, port), Handler)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            hint = "give another --bind or --port"
            raise LintError(f"cannot listen on {host} port {port}: {why}", hint) from None

    @property
    def url(self) -> str:
        """Where others reach it, as far as this machine can tell."""
        host, port = str(self.server_address[0]), self.server_address[1]
        if host in ("0.0.0.0", "::"):  # noqa: S104 - that is what it was told
            host = _own_address(self.address_family) or socket.gethostname()
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that goes away is no error."""


class Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD."""

    protocol_version = "HTTP/1.1"
    server_version = "maas-stream-lint"
    sys_version = ""
    timeout = PATIENCE
    server: Server

    def do_GET(self) -> None:
        """Send a file, or a part of it."""
        self._answer(body=True)

    def do_HEAD(self) -> None:
        """Say how long a file is, and what it is."""
        self._answer(body=False)

    def log_message(self, form: str, *values: Any) -> None:
        """Tell the server's owner."""
        self.server.told(f"{self.client_address[0]} {form % values}")

    def _answer(self, *, body: bool) -> None:
        place = located(self.server.root, self.path)
        try:
            file = place.open("rb") if place is not None else None
        except OSError:
            file = None
        if file is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        with file:
            self._send(file, str(place), body=body)

    def _send(self, file: BinaryIO, name: str, *, body: bool) -> None:
        about = os.fstat(file.fileno())
        size, changed = about.st_size, formatdate(about.st_mtime, usegmt=True)
        tag = f'"{about.st_mtime_ns:x}-{size:x}-{about.st_ino:x}"'
        if self._known(tag, about.st_mtime):
            self.send_response(HTTPStatus.NOT_MODIFIED)
            self.send_header("ETag", tag)
            self.end_headers()
            return
        part = self._part(size, tag, changed)
        if part is not None and part[0] >= part[1]:
            self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            self.send_header("Content-Range", f"bytes */{size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start, end = part or (0, size)
        self.send_response(HTTPStatus.OK if part is None else HTTPStatus.PARTIAL_CONTENT)
        if part is not None:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
        self.send_header("Content-Length", str(end - start))
        self.send_header("Content-Type", _type(name))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Last-Modified", changed)
        self.send_header("ETag", tag)
        self.end_headers()
        if body and end > start:
            self.connection.sendfile(file, start, end - start)

    def _known(self, tag: str, modified: float) -> bool:
        """Whether the client has the file as it is."""
        tags = self.headers.get("If-None-Match")
        if tags is not None:
            return tag in [each.strip() for each in tags.split(",")] or tags.strip() == "*"
        try:
            since = parsedate_to_datetime(self.headers.get("If-Modified-Since", ""))
        except (TypeError, ValueError):
            return False
        return int(modified) <= since.timestamp()

    def _part(self, size: int, tag: str, changed: str) -> tuple[int, int] | None:
        """The bytes that are asked for, which may be none; ``None``: the whole file."""
        match = _RANGE.fullmatch(self.headers.get("Range", ""))
        fresh = self.headers.get("If-Range", tag) in (tag, changed)
        if match is None or not (match[1] or match[2]) or not fresh:
            return None
        if not match[1]:
            return max(0, size - int(match[2])), size
        return int(match[1]), min(size, int(match[2]) + 1 if match[2] else size)


def located(root: Path, path: str) -> Path | None:
    """The file that a request is about; ``None`` for what is hidden, no file, or not below."""
    try:
        name = unquote(urlsplit(path).path, errors="strict")
    except ValueError:
        return None
    parts = [part for part in name.split("/") if part]
    if not parts or any(part.startswith(".") or "\0" in part for part in parts):
        return None
    place = Path(os.path.realpath(root.joinpath(*parts)))
    return place if place.is_relative_to(root) and place.is_file() else None


def _type(name: str) -> str:
    metadata = name.endswith((".json", ".sjson"))
    return "application/json" if metadata else "application/octet-stream"


def _own_address(family: int) -> str | None:
    """The address that this machine has towards others; nothing is sent to find it."""
    target = "2001:db8::1" if family == socket.AF_INET6 else "192.0.2.1"
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((target, 9))
            return str(probe.getsockname()[0])
        except OSError:
            return None
