"""The bundled fixtures as sources: directories, or a server that answers as a fixture says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from servers import Handler, serve

#: What a fixture calls the server.
HOST = "http://images.example.com"
FIXTURES = Path(__file__).parents[1] / "fixtures"
BAD = sorted(p for p in (FIXTURES / "bad").iterdir() if p.is_dir())
GOOD = sorted(p for p in (FIXTURES / "good").iterdir() if p.is_dir())


def source_of(fixture: Path) -> str:
    given = fixture / "source"
    rest = given.read_text().strip() if given.exists() else "streams/v1/index.json"
    return f"{fixture}/tree/{rest}"


@contextmanager
def opened(fixture: Path) -> Iterator[str]:
    source = source_of(fixture).removeprefix(f"{fixture}/tree/")
    if not source.startswith(HOST):
        yield source_of(fixture)
        return
    with serve(lambda request: answer(request, fixture)) as server:
        yield source.replace(HOST, server.url)


def answer(request: Handler, fixture: Path) -> None:
    asked = f"{request.command} {request.path}"
    host = f"http://{request.headers['Host']}"
    status, headers, body = "HTTP/1.1 200 OK", {}, b""
    place = fixture / "tree" / request.path.lstrip("/")
    given = fixture / "answers"
    for block in given.read_text().split("\n\n") if given.exists() else []:
        line, said, *rest = block.strip().splitlines()
        if line == asked:
            status = said
            headers = dict(h.split(": ", 1) for h in rest if not h.startswith("\t"))
            body = "".join(h.strip() for h in rest if h.startswith("\t")).encode()
    if not body and place.is_file() and " 200 " in status:
        body = place.read_bytes()
        part = re.match(r"bytes=0-(\d+)$", request.headers.get("Range", ""))
        if part and body and not headers:
            status = "HTTP/1.1 206 Partial Content"
            headers = {"Content-Range": f"bytes 0-{min(int(part[1]), len(body) - 1)}/{len(body)}"}
            body = body[: int(part[1]) + 1]
    elif not body and " 200 " in status:
        status = "HTTP/1.1 404 Not Found"
    headers.setdefault("Content-Length", str(len(body)))
    head = [status, *(f"{k}: {v.replace(HOST, host)}" for k, v in headers.items()), "", ""]
    request.send_raw("\r\n".join(head).encode() + (b"" if request.command == "HEAD" else body))
