"""Servers that encode whatever is asked for, and what MAAS makes of it."""

from __future__ import annotations

import gzip
import time
import zlib
from collections.abc import Callable

import pytest

from images import SQUASHFS, Tree, digest
from looks import Looked, look
from maas_stream_lint.finding import Severity
from servers import Handler, publishing, serve

pytestmark = pytest.mark.usefixtures("own_home")


def encoding(
    encode: Callable[[bytes], bytes] = gzip.compress, *, length: bool = True, said: str = "gzip"
) -> Callable[[Handler, bytes], None]:
    """Encode every answer, and tell its length or not."""

    def odd(request: Handler, body: bytes) -> None:
        packed = encode(body)
        about = {"Content_Length": str(len(packed))} if length else {"Connection": "close"}
        request.head(200, Content_Encoding=said, ETag='"1"', **about)
        if request.command == "GET":
            request.wfile.write(packed)
        request.close_connection = not length

    return odd


def see(odd: Callable[[Handler, bytes], object], mode: str, tree: Tree | None = None) -> Looked:
    with serve(publishing(tree or Tree(), odd)) as server:
        return look(server.url + "/", mode)


def severities(looked: Looked) -> set[Severity]:
    return {f.severity for f in looked.of("content-encoding-on-artifact")}


@pytest.mark.parametrize("length", [True, False])
@pytest.mark.parametrize("mode", ["head", "download"])
def test_good_file(mode: str, length: bool) -> None:
    """MAAS decodes it and finds what the metadata says."""
    looked = see(encoding(length=length), mode)
    assert looked.names == {"content-encoding-on-artifact"}
    assert severities(looked) == {Severity.INFO}
    seen = looked.seen("squashfs")
    assert seen.encoded_anyway
    assert seen.content is not None
    if mode == "download":
        assert seen.decoded["sha256"] == digest(SQUASHFS)
        assert seen.decoded_size == len(SQUASHFS)


def test_bad_file() -> None:
    tree = Tree()
    tree.items["squashfs"]["sha256"] = digest(b"other")
    looked = see(encoding(), "download", tree)
    assert looked.names == {"sha256-mismatch"}
    assert f"has the sha256 `{digest(SQUASHFS)}`" in looked.of("sha256-mismatch")[0].message


def test_bad_length() -> None:
    tree = Tree()
    tree.items["squashfs"]["size"] = 17
    looked = see(encoding(), "download", tree)
    assert "has 3,020 bytes, expected 17" in looked.of("size-mismatch")[0].message


@pytest.mark.parametrize("encode", [lambda body: body, lambda body: gzip.compress(body)[:-30]])
@pytest.mark.parametrize("mode", ["head", "download"])
def test_what_is_called_gzip_and_is_none(mode: str, encode: Callable[[bytes], bytes]) -> None:
    looked = see(encoding(encode), mode)
    assert looked.names & {"content-encoding-on-artifact", "size-mismatch"}
    if mode == "download":
        assert max(f.severity for f in looked.report.findings) == Severity.FATAL


@pytest.mark.parametrize("mode", ["head", "download"])
def test_other_encodings(mode: str) -> None:
    looked = see(encoding(zlib.compress, said="deflate"), mode)
    assert "content-encoding-on-artifact" in looked.names


@pytest.mark.parametrize("mode", ["head", "download"])
def test_server_that_has_it_encoded_alone(mode: str) -> None:
    """Who asks for the file as it is gets a refusal, and MAAS the file."""

    def odd(request: Handler, body: bytes) -> None:
        if "gzip" in (request.headers["accept-encoding"] or "") or request.command == "HEAD":
            encoding()(request, body)
        else:
            request.send(b"", 406)

    looked = see(odd, mode)
    assert looked.names == {"content-encoding-on-artifact"}
    assert severities(looked) == {Severity.INFO}
    assert looked.seen("squashfs").digests or mode == "head"


def test_bomb() -> None:
    bomb = gzip.compress(bytes(2**20)) * 4000  # 4 MiB, of which 4 GiB come
    start = time.monotonic()
    looked = see(encoding(lambda body: bomb), "download")
    assert time.monotonic() - start < 10
    assert "size-mismatch" in looked.names
    pack = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    one = b"".join(pack.compress(bytes(2**20)) for _ in range(300)) + pack.flush()
    looked = see(encoding(lambda body: one), "download")
    assert looked.seen("squashfs").decoded_size in (None, 0) or (
        (looked.seen("squashfs").decoded_size or 0) < 4 * 2**20
    )


def test_encoded_file_is_not_remembered() -> None:
    with serve(publishing(Tree(), encoding())) as server:
        for _ in range(2):
            look(server.url + "/", "download")
        whole = [r for r in server.requests if r.command == "GET" and not r.headers["range"]]
    assert len([r for r in whole if r.path.endswith("squashfs")]) == 2
