"""Whether an initrd can boot the root of MAAS: a squashfs that it downloads over HTTP."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, BinaryIO, cast

from maas_stream_lint.building.programs import filtered, found
from maas_stream_lint.building.streams import BROKEN, Borrowed, opened
from maas_stream_lint.distributions import network_root
from maas_stream_lint.images.sniff import HEAD_BYTES, sniff

if TYPE_CHECKING:
    import io
    from pathlib import Path

#: Bytes of an initrd that are looked through, after decompression.
MOST = 2 * 2**30
#: A script is not longer.
_LONGEST_SCRIPT = 2**18
_HEADER = 110  # of a cpio member, and of its name's padding: see cpio(5), «New ASCII Format»
_MAGIC = (b"070701", b"070702")
_PROGRAMS = {"zstd": ("zstd", "-dc"), "lz4": ("lz4", "-dc")}


class UnopenedError(Exception):
    """An initrd can't be looked into; the text says why."""


def boots_network_root(path: Path) -> bool:
    """Whether one of its scripts mounts ``root=squash:http://…``.

    An initrd is one cpio archive after the other, the last one compressed
    (Documentation/driver-api/early-userspace/buffer-format.rst of Linux). Raises UnopenedError if
    it can't be looked into, OSError if it can't be read.
    """
    mark, _ = network_root()
    with path.open("rb", buffering=0) as file:
        at = 0
        while True:
            file.seek(at)
            head = file.read(HEAD_BYTES) or b""
            padding = len(head) - len(head.lstrip(b"\0"))
            if not head:
                return False
            if padding == len(head):
                at += padding
                continue
            at += padding
            file.seek(at)
            head = head[padding:]
            if head.startswith(_MAGIC):
                reader = _Reader(cast("BinaryIO", file))
                if _holds(reader, mark):
                    return True
                at += reader.at
                continue
            with ExitStack() as stack:
                return _holds(_Reader(_inside(head, file, stack)), mark)


class _Reader:
    """Reads on, with a bound."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.at = 0

    def read(self, size: int) -> bytes:
        parts = []
        while size and (part := self._file.read(min(size, 2**20))):
            parts.append(part)
            size -= len(part)
            self.at += len(part)
        return b"".join(parts)

    def skip(self, size: int) -> None:
        while size and (part := self._file.read(min(size, 2**20))):
            size -= len(part)
            self.at += len(part)


def _inside(head: bytes, file: io.FileIO, stack: ExitStack) -> BinaryIO:
    kind = sniff(head).kind
    if kind in _PROGRAMS:
        program, *options = _PROGRAMS[kind]
        path = found(program)
        if path is None:
            raise UnopenedError(f"it is {kind} data, and {program} is not installed")
        return stack.enter_context(filtered([path, *options], cast("BinaryIO", file)))
    if kind in ("gzip", "xz", "lzma", "bzip2"):
        return opened(kind, Borrowed(cast("BinaryIO", file)))
    raise UnopenedError("it is no initrd")


def _holds(reader: _Reader, mark: bytes) -> bool:
    """Whether a script in a cpio archive has a text in it. Stops behind the archive's end."""
    seen = 0
    try:
        while reader.at < MOST:
            header = reader.read(_HEADER)
            if not header.startswith(_MAGIC):
                if not seen:
                    raise UnopenedError("it is no initrd")
                return False
            seen += 1
            size, length = int(header[54:62], 16), int(header[94:102], 16)
            name = reader.read(min(length, 4096)).rstrip(b"\0")
            reader.skip(-(_HEADER + length) % 4)
            if name == b"TRAILER!!!":
                return False
            body = reader.read(min(size, _LONGEST_SCRIPT))
            if body.startswith(b"#!") and mark in body:
                return True
            reader.skip(size - len(body) + -size % 4)
    except BROKEN as error:
        raise UnopenedError("it is cut, or broken") from error
    raise UnopenedError("it holds more than an initrd should")
