"""Servers on loopback that answer as a test says, however wrong that is."""

from __future__ import annotations

import copy
import re
import socket
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

from maas_stream_lint.source.library import httpx

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    from images import Tree


#: An old httpx differs, without harm: it writes ``%2f`` as ``%2F`` and requests paths of any
#: length. It does not support a proxy with an https URL.
NEEDS_NEWER = pytest.mark.skipif(
    tuple(map(int, httpx.__version__.split(".")[:2])) < (0, 26), reason="needs httpx 0.26"
)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_GET(self) -> None:
        # A copy, as one object serves all requests of a connection.
        self.server.requests.append(copy.copy(self))
        self.server.respond(self)

    do_HEAD = do_GET  # noqa: N815 - the names are http.server's
    do_CONNECT = do_GET  # noqa: N815

    def send(self, body: bytes = b"", status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def head(self, status: int = 200, **headers: str) -> None:
        """A status line and headers, with nothing after them yet."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def send_part(
        self, body: bytes, etag: str = '"1"', *, cut: int | None = None, **headers: str
    ) -> None:
        """What a good server sends of a file. ``cut``: it hangs up after so many bytes."""
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("range", ""))
        start, end, status, more = 0, len(body), 200, {}
        if asked and self.headers.get("if-range", etag) == etag:
            start, status = int(asked[1]), 206
            end = min(int(asked[2]) + 1, end) if asked[2] else end
            more["Content_Range"] = f"bytes {start}-{end - 1}/{len(body)}"
        self.head(status, Content_Length=str(end - start), ETag=etag, **more, **headers)
        if self.command == "HEAD":
            return
        sent = body[start : end if cut is None else min(end, cut)]
        self.wfile.write(sent)
        self.close_connection = len(sent) < end - start

    def send_raw(self, data: bytes) -> None:
        """All there is to be said, then the end of the connection."""
        self.wfile.write(data)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    """Answers with ``respond``; waits for its threads when closed."""

    daemon_threads = False
    request_queue_size = 64

    def __init__(
        self,
        respond: Callable[[Handler], None],
        tls: ssl.SSLContext | None,
        host: str = "127.0.0.1",
    ) -> None:
        self.connections = 0
        self.accepted: list[socket.socket] = []
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, 0), Handler)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.respond = respond
        self.requests: list[Handler] = []
        self.over = threading.Event()
        shown = f"[{host}]" if ":" in host else "127.0.0.1"
        self.url = f"{'https' if tls else 'http'}://{shown}:{self.server_port}"

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    def sent(self, header: str) -> list[str | None]:
        """The header's value in each request, ``None`` where it was not there."""
        return [request.headers.get(header) for request in self.requests]

    def get_request(self) -> tuple[socket.socket, Any]:
        accepted = super().get_request()
        self.connections += 1
        self.accepted.append(accepted[0])
        return accepted

    def hang_up(self) -> None:
        """End what is left of connections, whose threads would wait for another request."""
        for connection in self.accepted:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, *_: object) -> None:
        """Clients that hang up are what is tested."""


@contextmanager
def serve(
    respond: Callable[[Handler], None] = lambda request: request.send(b"{}"),
    tls: ssl.SSLContext | None = None,
    kind: type[Server] = Server,
    host: str = "127.0.0.1",
) -> Iterator[Server]:
    server = kind(respond, tls, host)
    thread = threading.Thread(target=server.serve_forever, args=(0.005,))
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        thread.join()
        server.hang_up()
        server.server_close()


def publishing(
    tree: Tree,
    odd: Callable[[Handler, bytes], object] = Handler.send_part,
    ending: str = "squashfs",
) -> Callable[[Handler], None]:
    """Serve a stream well, but for files whose path ends so: there it is as ``odd`` says."""
    files = {**tree.files, **tree.metadata}

    def respond(request: Handler) -> None:
        path = unquote(request.path.partition("?")[0]).lstrip("/")
        body = files.get(path)
        if body is None:
            request.send(b"", 404)
        elif path.endswith(ending) and not path.startswith("streams/"):
            odd(request, body)
        else:
            request.send_part(body)

    return respond
