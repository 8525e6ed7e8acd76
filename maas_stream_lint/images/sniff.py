"""What a file is by its first bytes."""

from __future__ import annotations

import bz2
import codecs
import lzma
import re
import time
import zlib
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Protocol

from maas_stream_lint.images.bounds import BOUNDS
from maas_stream_lint.images.content import DISK_SUFFIXES, STREAM_KINDS, Content, suffix
from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.records import record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO, Literal

    from maas_stream_lint.images.bounds import Bounds

#: How many first bytes to sniff. The farthest mark is ext4's, at 1,080. With the other bytes a gzip
#: or xz yields its tar's first header and the file behind it. The tool does not recognise a plain
#: ISO 9660 image, which would take 32 KiB and 6 bytes. It does not look into a bzip2 either,
#: because its blocks mostly need some 100 KiB.
HEAD_BYTES = 4_096

#: The most decompressed bytes to look at, whatever the head expands to.
OPENED_BYTES = 65_536

#: Kinds with a weak mark or none: the name of a tar's member says more.
_VAGUE = (None, "data", "zeros")
#: The offset of a mark, the mark, and its kind. The first match decides: a kernel may also be a PE.
_MARKS = (
    (0, b"hsqs", "squashfs"),
    (0, b"sqsh", "squashfs"),
    (0, b"\x1f\x8b\x08", "gzip"),
    (0, b"\xfd7zXZ\0", "xz"),
    (0, b"\x28\xb5\x2f\xfd", "zstd"),
    (0, b"\x04\x22\x4d\x18", "lz4"),
    (0, b"\x02\x21\x4c\x18", "lz4"),  # the legacy frame, which is what kernels read
    (0, b"\x89LZO\0\r\n\x1a\n", "lzop"),
    (0, b"070701", "cpio"),
    (0, b"070702", "cpio"),
    (0, b"070707", "cpio"),
    (0x202, b"HdrS", "bzimage"),
    (0x38, b"ARM\x64", "arm64-image"),
    (0x38, b"RSC\x05", "riscv-image"),
    (0x24, b"\x18\x28\x6f\x01", "zimage"),
    # The first two channel programs of arch/s390/boot/head.S, later ipl_data.c, of Linux.
    (8, b"\x02\x00\x00\x18\x60\x00\x00\x50\x02\x00\x00\x68\x60\x00\x00\x50", "s390-kernel"),
    (0, b"\x7fELF", "elf"),
    (0, b"MZ\0\0zimg", "pe"),
    (0, b"\x27\x05\x19\x56", "uimage"),
    (0, b"\xd0\x0d\xfe\xed", "dtb"),
    (0, b"QFI\xfb", "qcow2"),
    (0, b"KDMV", "vmdk"),
    (0, b"COWD", "vmdk"),
    (0, b"# Disk DescriptorFile", "vmdk"),
    (0, b"conectix", "vhd"),
    (0, b"vhdxfile", "vhdx"),
    (0x40, b"\x7f\x10\xda\xbe", "vdi"),
    (0, b"XFSB", "xfs"),
    (3, b"NTFS    ", "ntfs"),
    (0x36, b"FAT12   ", "fat"),
    (0x36, b"FAT16   ", "fat"),
    (0x52, b"FAT32   ", "fat"),
    (0, b"PK\3\4", "zip"),
    (0, b"PK\5\6", "zip"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z"),
    (0, b"\xed\xab\xee\xdb", "rpm"),
    (0, b"!<arch>\ndebian-binary", "deb"),
    (0, b"!<arch>\n", "ar"),
    (0, b"-----BEGIN PGP ", "pgp"),
)

_HTML = ("<!doctype html", "<html", "<head", "<body")
_JSON = re.compile(r'\s*(?:\{\s*(?:["}]|\Z)|\[\s*(?:["\[\]{\d-]|true|false|null|\Z))')
_CONTROLS = bytes(set(range(32)) - set(b"\b\t\n\f\r\x1b")) + b"\x7f"

#: Folders at the top of a root file system; curtin's own and snapd's are in images for MAAS.
_ROOTS = re.compile(
    "bin|boot|curtin|dev|etc|home|lib|lib32|lib64|libx32|lost\\+found|media|mnt|opt|proc|root|run|"
    "sbin|snap|srv|sys|system-data|tmp|usr|var"
)

_BLOCK = 512  # of a tar; also as much as one needs to say that a file is nothing that is known
_EXTRAS = 8  # headers about one member; pax and GNU take two or three
_RECORD = re.compile(rb"(\d{1,9}) ([^=\n]{1,256})=")
_NAME_BYTES = 4_096  # PATH_MAX; a tar may hold names of gigabytes
_PIECE = 16_384
_FIRST = 1_024  # of what a compression holds: enough for the first header of a tar
_STREAMS = 16_384  # one after the other in a file; each costs time, though it may hold nothing
_MEMORY = 128 * 1024 * 1024  # xz -9 takes half; a dictionary may be said to be 4 GiB

#: What hostile or broken data makes a decompressor raise.
_BROKEN = (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, MemoryError)


class Listing(NamedTuple):
    """The names in a tar."""

    names: tuple[str, ...]
    whole: bool  #: there are no further ones: neither a bound was met nor broken data


def sniff(head: bytes, *, whole: bool = False) -> Content:
    """Tell what a file is from its first ``HEAD_BYTES``. ``whole``: these are all it has."""
    kind = _kind(head, whole or not head) or "data"
    layers: list[str | None] = [kind]
    rest: Iterator[bytes] = iter(())
    if kind in STREAM_KINDS:
        opened = _Opened(kind, head)
        rest = iter(opened)
        head = next(rest, b"")
        kind = _kind(head, whole=False) or ""
        if kind != "tar":  # no further bytes make something else of a tar
            head += b"".join(rest)
            kind = _kind(head, opened.whole) or ""
        layers.append(kind)
    member = None
    if kind == "tar":
        held, member = _first_in_tar(_Tape(chain((head,), rest)))
        layers.append(held)
    return Content(tuple(layer for layer in layers if layer), member)


def tar_names(file: BinaryIO, bounds: Bounds = BOUNDS) -> Listing | None:
    """List the names in a tar, compressed or not; ``None`` if it is none. Unpacks nothing.

    Names are cut at 4,096 bytes; what in them is not UTF-8 is replaced.
    """
    spent, end = 0, time.monotonic() + bounds.seconds

    def counted(pieces: Iterator[bytes]) -> Iterator[bytes]:
        nonlocal spent
        for piece in pieces:
            spent += len(piece)
            if spent > bounds.archive or time.monotonic() > end:
                return
            yield piece

    pieces = counted(iter(lambda: file.read(_PIECE), b""))
    head = next(pieces, b"")
    kind = _kind(head, whole=False)
    source: Iterator[bytes] = chain((head,), pieces)
    if kind in STREAM_KINDS:
        source = counted(_inflated(kind, source))
    names: list[str] = []
    try:
        for member in _members(_Tape(source)):
            if len(names) == bounds.names:
                return Listing(tuple(names), whole=False)
            names.append(member.name)
    except _BrokenOffError:
        return Listing(tuple(names), whole=False) if names else None
    return Listing(tuple(names), whole=True)


# ---- one layer


def _kind(head: bytes, whole: bool) -> str | None:
    """Tell the outermost layer; ``None`` if it has no mark, but too little of it is there."""
    for at, mark, kind in _marks_of(head[:2]):
        if head.startswith(mark, at):
            if kind == "bzimage" and not head.startswith(b"\x55\xaa", 0x1FE):
                continue
            if kind == "dtb" and b"\0\0\0\1images\0" in head[:HEAD_BYTES]:
                return "fit"
            return kind
    for kind, is_one in _TESTS:
        if is_one(head):
            return kind
    if len(head) < _BLOCK and not whole:
        return None
    if not head.strip(b"\0"):
        return "zeros" if head else "empty"
    return _text(head, whole) or "data"


@lru_cache(maxsize=512)
def _marks_of(start: bytes) -> tuple[tuple[int, bytes, str], ...]:
    """The marks that something which starts so can bear, in their order."""
    return tuple(known for known in _MARKS if known[0] or known[1].startswith(start))


def _is_bzip2(head: bytes) -> bool:
    begun = head.startswith((b"1AY&SY", b"\x17\x72\x45\x38\x50\x90"), 4)
    return begun and head.startswith(b"BZh") and head[3:4] in b"123456789"


def _is_lzma(head: bytes) -> bool:
    """Look as closely as xz's own lzma_alone_decoder does, for want of a magic number."""
    dictionary, length = int.from_bytes(head[1:5], "little"), int.from_bytes(head[5:13], "little")
    bits = dictionary.bit_length()
    usual = dictionary in (1 << bits >> 1, 3 << bits >> 2, 0xFFFF_FFFF) and bits > 12
    sized = length == 0xFFFF_FFFF_FFFF_FFFF or 0 < length < 1 << 38
    return len(head) > 13 and head[0] == 0x5D and usual and sized and not head[13]


def _is_old_cpio(head: bytes) -> bool:
    order: Literal["little", "big"] = "little" if head.startswith(b"\xc7\x71") else "big"
    if len(head) < 26 or not head.startswith((b"\xc7\x71", b"\x71\xc7")):
        return False
    end = 26 + int.from_bytes(head[20:22], order)
    return 27 < end <= 26 + _NAME_BYTES and head[end - 1 : end] in (b"\0", b"")


def _is_tar(head: bytes) -> bool:
    """Whether it begins with a header whose sum is right, as every tar since v7 has."""
    if len(head) < _BLOCK or not head[0]:
        return False
    block, given = head[:_BLOCK], _number(head[148:156])
    if given is None:
        return False
    unsigned = 256 + _sum(block) - sum(block[148:156])
    if given == unsigned:
        return True
    # Some old tars add up chars, which are signed on most machines.
    return given == unsigned - 256 * sum(b > 127 for b in block[:148] + block[156:])


def _sum(block: bytes) -> int:
    """The sum of the bytes of a block: the lower half of an Adler-32 is the sum of 256, and 1."""
    halves = block[: _BLOCK // 2], block[_BLOCK // 2 :]
    return sum((zlib.adler32(half) & 0xFFFF) - 1 for half in halves)


def _is_pe(head: bytes) -> bool:
    at = int.from_bytes(head[60:64], "little")
    return head.startswith(b"MZ") and at >= 64 and head.startswith(b"PE\0\0", at)


def _is_disk(head: bytes) -> bool:
    if head.startswith(b"EFI PART", 512) or head.startswith(b"EFI PART", 4096):
        return True
    if not head.startswith(b"\x55\xaa", 510):
        return False
    entries = [head[at : at + 16] for at in range(446, 510, 16)]
    bootable = all(entry[0] in (0, 0x80) for entry in entries)
    # A boot sector alone has neither; isohybrid's first partition starts at sector 0.
    return bootable and any(entry[4] and any(entry[12:]) for entry in entries)


def _is_ext4(head: bytes) -> bool:
    inodes, block_size = head[1024:1028], head[1048:1052]
    marked = head.startswith(b"\x53\xef", 1080)
    return marked and any(inodes) and int.from_bytes(block_size, "little") <= 6


def _is_iso9660(head: bytes) -> bool:
    # Out of reach in a file's head, though not in what a compressed one opens to.
    return head.startswith(b"CD001", 32_769)


_TESTS = (
    ("bzip2", _is_bzip2),
    ("lzma", _is_lzma),
    ("cpio", _is_old_cpio),
    ("tar", _is_tar),
    ("pe", _is_pe),
    ("disk", _is_disk),
    ("ext4", _is_ext4),
    ("iso9660", _is_iso9660),
)


def _text(head: bytes, whole: bool) -> str | None:
    odd = len(head) - len(head.translate(None, _CONTROLS))
    if b"\0" in head or odd * 50 > len(head):
        return None
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head, final=whole)
    except UnicodeDecodeError:
        return None
    start = text.lstrip()[:64].lower()
    if start.startswith(_HTML):
        return "html"
    if start.startswith("<?xml"):
        return "xml"
    return "json" if _JSON.match(text) else "text"


class _BrokenOffError(Exception):
    """What a stream or a tar should have next is not there, or is not sound."""


# ---- what is compressed


class _Stream(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Gunzip:
    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=31)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        made = self._stream.decompress(self._stream.unconsumed_tail + data, max_length)
        self.needs_input = len(made) < max_length
        return made


def _stream(kind: str) -> _Stream:
    if kind == "gzip":
        return _Gunzip()
    if kind == "bzip2":
        return bz2.BZ2Decompressor()
    form = lzma.FORMAT_XZ if kind == "xz" else lzma.FORMAT_ALONE
    return lzma.LZMADecompressor(form, memlimit=_MEMORY)


class _Opened:
    """The beginning of what a compression holds, decompressed as far as somebody reads it."""

    def __init__(self, kind: str, head: bytes) -> None:
        self.whole = False  # whether all of it was read
        self._kind = kind
        self._head = head[: 1 << 20]  # any bzip2 block

    def __iter__(self) -> Iterator[bytes]:
        head, left = self._head, OPENED_BYTES
        pieces = (head[at : at + _PIECE] for at in range(0, len(head), _PIECE))
        try:
            for piece in _inflated(self._kind, pieces, _FIRST):
                yield piece[:left]
                left -= len(piece)
                if left < 0:
                    return
        except _BrokenOffError:
            return
        self.whole = True


def _inflated(kind: str, pieces: Iterator[bytes], step: int = OPENED_BYTES) -> Iterator[bytes]:
    """Decompress a bounded piece at a time. ``step``: the most of the first; it doubles."""
    rest = b""
    for _ in range(_STREAMS):  # pigz may write several, pbzip2 and bgzip do
        stream = _stream(kind)
        while not stream.eof:
            piece = b""
            if stream.needs_input:
                piece, rest = rest or next(pieces, b""), b""
                if not piece:
                    raise _BrokenOffError
            try:
                made = stream.decompress(piece, step)
            except _BROKEN as error:
                raise _BrokenOffError from error
            yield made
            step = min(2 * step, OPENED_BYTES)
        rest = stream.unused_data
        while len(rest := rest.lstrip(b"\0")) < 16 and (piece := next(pieces, b"")):
            rest += piece  # zeros are what tapes, and xz itself, pad with
        if _kind(rest, whole=False) != kind:  # nobody minds what else is behind a stream
            return
    raise _BrokenOffError


# ---- what is in a tar
#
# Not tarfile: it wants whole files, takes any length of a name, and some versions of it loop on
# headers that lie. Of sixty lines of our own we know how long they take.


@record(frozen=True)
class _Member:
    name: str
    is_file: bool
    size: int  # of what the tar holds of it
    sound: bool  # the tar holds its first bytes first; sparse files may begin elsewhere


class _Tape:
    """Reads on through pieces of any length."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._piece = b""
        self._start = 0  # of the piece, in the whole
        self.at = 0

    def read(self, count: int) -> bytes:
        parts = []
        while count and self._more():
            part = self._piece[self.at - self._start :][:count]
            parts.append(part)
            self.at += len(part)
            count -= len(part)
        return b"".join(parts)

    def skip_to(self, at: int) -> None:
        while self.at < at and self._more():
            self.at = min(at, self._start + len(self._piece))

    def _more(self) -> bool:
        while self.at >= self._start + len(self._piece):
            self._start += len(self._piece)
            self._piece = b""
            for piece in self._pieces:
                self._piece = piece
                break
            else:
                return False
        return True


def _first_in_tar(tape: _Tape) -> tuple[str | None, str | None]:
    """Tell the kind and the name of what a tar begins with, where its own folder does not count."""
    try:
        for member in _members(tape):
            if member.name not in ("", "."):
                return _held(member, tape), member.name
    except _BrokenOffError:
        pass
    return None, None


def _held(member: _Member, tape: _Tape) -> str | None:
    top, _, below = member.name.removeprefix("./").lstrip("/").partition("/")
    if _ROOTS.fullmatch(top) and (below or not member.is_file):
        return "tree"
    if not member.is_file:
        return "folder"
    kind = None
    if member.sound:
        data = tape.read(min(member.size, OPENED_BYTES))
        if data or not member.size:
            kind = _kind(data, whole=len(data) == member.size)
    return DISK_SUFFIXES.get(suffix(member.name), kind) if kind in _VAGUE else kind


def _members(tape: _Tape) -> Iterator[_Member]:
    """Go through a tar as tarfile does: by headers of which the sum is right, up to a zero one."""
    said: dict[str, str] = {}  # by the headers before, of the next member
    extra = 0
    while True:
        block = tape.read(_BLOCK)
        if block == bytes(_BLOCK):
            return
        size = _number(block[124:136])
        if not _is_tar(block) or size is None or extra > _EXTRAS:
            raise _BrokenOffError
        mode, start = block[156:157], tape.at
        if mode in (b"x", b"X", b"g", b"L", b"K"):
            extra += 1
            data = tape.read(min(size, OPENED_BYTES))
            if mode in (b"x", b"X"):
                said |= _records(data)
            elif mode == b"L":
                said["path"] = _name(data)
            tape.skip_to(start + _padded(size))
            continue
        sound = "sparse" not in said
        if mode == b"S":
            sound = _number(block[386:398]) == 0 and (_number(block[398:410]) or 0) >= _BLOCK
            more = block[482:483]
            while more not in (b"", b"\0"):
                more = tape.read(_BLOCK)[504:505]
        name = said.get("sparse") or said.get("path") or _plain_name(block)
        size = _number(said.get("size", "").encode()) or size
        start = tape.at
        is_file = mode in (b"0", b"\0", b"7", b"S") and not (mode == b"\0" and name.endswith("/"))
        # Links, devices and folders have no data, whatever size they say; unknown modes have.
        bare = mode in (b"1", b"2", b"3", b"4", b"5", b"6") or (mode == b"\0" and not is_file)
        held = 0 if bare else size
        yield _Member(name.rstrip("/"), is_file, held, sound)
        tape.skip_to(start + _padded(held))
        said, extra = {}, 0


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _number(field: bytes) -> int | None:
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    try:
        return max(int(field.partition(b"\0")[0].strip() or b"0", 8), 0)
    except ValueError:
        return None


def _name(field: bytes) -> str:
    return field.partition(b"\0")[0][:_NAME_BYTES].decode(errors="replace")


def _plain_name(block: bytes) -> str:
    name = _name(block[:100])
    # GNU tar keeps other things where POSIX has a prefix.
    prefix = _name(block[345:500]) if block.startswith(b"ustar\0", 257) else ""
    return f"{prefix}/{name}" if prefix else name


def _records(data: bytes) -> dict[str, str]:
    """Read what of a pax header matters here: ``path``, ``size``, ``sparse`` (the true name)."""
    found = {}
    at = 0
    while record := _RECORD.match(data, at):
        length, key = int(record[1]), record[2].decode(errors="replace")
        end = at + length
        if end <= record.end() or end > len(data):
            break
        value = data[record.end() : end - 1]
        if key == "size":
            found["size"] = oct(int(value)) if value.isdigit() and len(value) < 20 else ""
        elif key in ("path", "GNU.sparse.name"):
            found["path" if key == "path" else "sparse"] = _name(value)
        elif key.startswith("GNU.sparse."):
            found.setdefault("sparse", "")
        at = end
    return found
