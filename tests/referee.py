"""Servers that give the answers of ``tests/downloads``, and what MAAS made of them."""

from __future__ import annotations

import gzip
import io
import json
import random
import re
import tarfile
import zlib
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from images import digest
from servers import Handler, Server, serve

if TYPE_CHECKING:
    import ssl

FOLDER = Path(__file__).parent / "downloads"
CASES = [json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))]
INDEX, PRODUCTS = "streams/v1/index.json", "streams/v1/p.json"
HTML = b"<!DOCTYPE html><html><body>Please log in</body></html>\n"
ABOUT = {"datatype": "image-downloads", "updated": "Mon, 01 Jan 2024 00:00:00 +0000"}


def _tarball() -> bytes:
    made, out = random.Random(1), io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name in ("etc/passwd", "usr/bin/env", "bin/sh", "lib/x", "usr/lib/y", "var/z"):
            about = tarfile.TarInfo(name)
            about.size = 40_000
            archive.addfile(about, io.BytesIO(made.randbytes(about.size)))
    return out.getvalue()


FILE = _tarball()


def documents(changed: dict[str, Any]) -> dict[str, bytes]:
    """The bodies that a case's answers name. ``changed``: what differs of the one tarball."""
    more = dict(changed)
    more.update(more.pop("extra", {}))
    if "size" in more:
        more["size"] = len(FILE) + int(more["size"]) - 240_830
    if "sha256" in more:
        more["sha256"] = digest(FILE).upper()
    item = {"ftype": "root-tgz", "path": "f/root-tgz", "sha256": digest(FILE), "size": len(FILE)}
    manifest = {"ftype": "manifest", "path": "f/m", "sha256": digest(b"m"), "size": 1}
    product = {
        "arch": "amd64",
        "label": "stable",
        "os": "centos",
        "release": "centos8",
        "release_title": "CentOS 8 é",
        "version": "8",
        "subarch": "generic",
        "subarches": "generic",
        "os_title": "CentOS",
        "versions": {"20240101": {"items": {"root-tgz": {**item, **more}, "manifest": manifest}}},
    }
    name = "com.example:v3:centos8:amd64"
    entry = {**ABOUT, "format": "products:1.0", "path": PRODUCTS, "products": [name]}
    index = {"format": "index:1.0", **ABOUT, "index": {"com.example:é": entry}}
    products = {"content_id": "com.example:é", **ABOUT, "format": "products:1.0"}
    products["products"] = {name: product}  # type: ignore[assignment]
    return {
        "file": FILE,
        "index": json.dumps(index, indent=1, ensure_ascii=False).encode(),
        "products": json.dumps(products, indent=1, ensure_ascii=False).encode(),
        "manifest": b"m",
        "html": HTML,
        "empty": b"",
        "gz-short": gzip.compress(FILE)[:150],
    }


def _raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


MADE = {
    "gzip": lambda body: gzip.compress(body, mtime=0),
    "deflate": zlib.compress,
    "rawdeflate": _raw_deflate,
    # Neither can be undone here; their first bytes are what matters.
    "br": lambda body: b"\x1b\xff\xfe\xc3\x28\xee" + zlib.compress(body),
    "zstd": lambda body: b"\x28\xb5\x2f\xfd" + zlib.compress(body),
    "bom": lambda body: b"\xef\xbb\xbf" + body,
    "latin1": lambda body: body.decode().encode("latin-1"),
    "utf16": lambda body: body.decode().encode("utf-16"),
    "first": lambda body: body[:100_000],
    "from0-999": lambda body: body[:1000],
    "longer": lambda body: body + bytes(1000),
    "muchlonger": lambda body: body + bytes(3_000_000),
    "shorter": lambda body: body[:-1000],
    "changed": lambda body: body[:-1] + bytes([body[-1] ^ 1]),
}


def body_of(said: str, bodies: dict[str, bytes]) -> bytes:
    """``gzip(gzip(file))`` in bytes."""
    outer = re.fullmatch(r"([\w-]+)\((.*)\)", said)
    return MADE[outer[1]](body_of(outer[2], bodies)) if outer else bodies[said]


class Play:
    """A case's server: its answers in turn, and everything else served well."""

    def __init__(self, case: dict[str, Any]) -> None:
        self.answers = case["server"]["answers"]
        self.bodies = documents(case["server"]["given"].get("tree", {}))
        self.asked: Counter[str] = Counter()
        self.places: dict[str, str] = {}

    def __call__(self, request: Handler) -> None:
        path = unquote(urlsplit(request.path).path).removeprefix("/images/")
        answers = self.answers.get(path)
        if answers is None:
            self._well(request, path)
            return
        if request.command == "HEAD":
            request.send(b"", 405)
            return
        answer = answers[min(self.asked[path], len(answers) - 1)]
        self.asked[path] += 1
        self._answer(request, path, answer)

    def _well(self, request: Handler, path: str) -> None:
        known = {INDEX: "index", PRODUCTS: "products", "f/m": "manifest"}
        below = request.path.startswith("/images/")
        if path in known and below:
            request.send(self.bodies[known[path]])
        elif below and not path.startswith("streams/"):
            request.send_part(self.bodies["file"])
        else:
            request.send(b"", 404)

    def _answer(self, request: Handler, path: str, answer: dict[str, Any]) -> None:
        request.server.over.wait(answer.get("wait", 0))
        if answer.get("close_at_once"):
            request.close_connection = True
            return
        login = answer.get("auth")
        if login is not None:
            sent = request.headers["authorization"]
            if sent != "Basic " + b64encode(login.encode()).decode():
                challenge = {"WWW_Authenticate": 'Basic realm="x"', "Content_Type": "text/html"}
                request.send(HTML, 401, **challenge)
                return
        body = body_of(answer.get("body", "empty"), self.bodies)
        if answer.get("ranges") and "cut" not in answer:
            request.send_part(body)
            return
        self._send(request, answer, body)

    def _send(self, request: Handler, answer: dict[str, Any], body: bytes) -> None:
        status = answer.get("status", "200 OK")
        head = [f"HTTP/1.1 {status}"]
        for name, value in answer.get("headers", {}).items():
            head.append(f"{name}: {value.format(**self.places)}")
        if answer.get("chunked"):
            head.append("Transfer-Encoding: chunked")
        elif answer.get("length", 0) is not None and status[:3] not in ("204", "304"):
            extra = answer["length"] - _of_case(answer) if "length" in answer else 0
            head.append(f"Content-Length: {len(body) + extra}")
        early = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" if answer.get("early") else b""
        request.wfile.write(early + "\r\n".join(head).encode() + b"\r\n\r\n")
        cut = answer.get("cut")
        sent = body if cut is None else body[:cut]
        if answer.get("chunked"):
            sent = (
                b"%x\r\n%b\r\n" % (len(body), sent)
                if cut is None
                else b"%x\r\n%b"
                % (
                    len(body),
                    sent,
                )
            )
            sent += b"0\r\n\r\n" * (cut is None)
        step, pause = answer.get("drip") or answer.get("stall") or (len(sent) or 1, 0)
        for at in range(0, len(sent), step):
            request.wfile.write(sent[at : at + step])
            if at + step < len(sent) and (at == 0 or "drip" in answer):
                request.server.over.wait(pause)
        whole = cut is None and answer.get("length", 0) == 0
        request.close_connection = not whole


def _of_case(answer: dict[str, Any]) -> int:
    """How long the body was where a case gives the length in bytes."""
    return {"index": 348, "products": 880}.get(answer.get("body", ""), 240_830)


class Played(NamedTuple):
    """The servers of a case."""

    source: Server  #: where its stream is
    plain: Server  #: the same over plain http
    other: Server  #: what stands for another host
    proxy: Server  #: hands all that it is asked on to the stream


@contextmanager
def playing(case: dict[str, Any], tls: ssl.SSLContext | None = None) -> Iterator[Played]:
    """The servers of a case. ``tls``: how its source speaks, if its base is https."""
    play = Play(case)
    host = "::1" if case["server"]["given"].get("base") == "v6" else "127.0.0.1"

    def relay(request: Handler) -> None:
        request.path = urlsplit(request.path).path
        play(request)

    with (
        serve(play) as plain,
        serve(play) as other,
        serve(relay) as proxy,
        serve(play, tls, host=host) as source,
    ):
        base = plain.url + "/images"
        play.places = {
            "base": base,
            "abs": "/images",
            "other": other.url.replace("127.0.0.1", "localhost") + "/images",
            "tls": base.replace("http:", "https:"),
            "userinfo": base.replace("//", "//u2:p2@"),
        }
        if not tls and host == "127.0.0.1":
            source = plain
        yield Played(source, plain, other, proxy)


def plain(text: str, played: Played) -> str:
    """A log text with the case's names for its servers, and without lengths and digests."""
    names = (
        (played.source.url, "http://127.0.0.1:8000"),
        (played.plain.url, "http://127.0.0.1:8000"),
        (played.other.url, "http://localhost:8001"),
    )
    for url, name in names:
        text = text.replace(url, name).replace(url.replace("127.0.0.1", "localhost"), name)
    text = re.sub(r"https?://127\.0\.0\.1:84\d\d", "http://127.0.0.1:8000", text)
    text = re.sub(r"host 127\.0\.0\.1:\d+", "host 127.0.0.1: N", text)
    text = re.sub(r"//[^/@']*@", "//", text)
    text = text.replace("(stderr of regiond, a traceback) ", "").replace("builtins.", "")
    text = re.sub(r" \(traceback; not caught.*", "", text)
    text = re.sub(r"\b[0-9a-fA-F]{64}\b", "DIGEST", text)
    text = re.sub(r"\d+ (more )?(bytes|expected)", r"N \1\2", text)
    text = re.sub(
        r"(size|expected|received|line|column|char|position|c:|port=)\s?\d+", r"\1 N", text
    )
    # The source's own URL stands there as `URL`.
    text = re.sub(r"((?:images from|with url) )\S+?(: )", r"\1URL\2", text)
    return text.replace("_ssl.c:1006", "_ssl.c: N")
