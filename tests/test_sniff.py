"""First bytes of files: made samples of every kind, hostile ones, and what suits which ftype."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import re
import struct
import tarfile
import tracemalloc
import zlib
from collections.abc import Callable, Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from maas_stream_lint.images import sniff as module
from maas_stream_lint.images.bounds import Bounds
from maas_stream_lint.images.content import KINDS, Content
from maas_stream_lint.images.sniff import HEAD_BYTES, sniff, tar_names
from maas_stream_lint.rulebook import all_releases, ftypes

NOISE = random.Random(7).randbytes(600_000)


def at(*parts: tuple[int, bytes], size: int = HEAD_BYTES, fill: bytes = NOISE) -> bytes:
    """Noise with marks in it."""
    made = bytearray(fill[:size].ljust(size, b"\0"))
    for where, mark in parts:
        made[where : where + len(mark)] = mark
    return bytes(made)


def starts(mark: bytes) -> bytes:
    return at((0, mark))


def mbr(kind: int = 0x83, status: int = 0x80, start: int = 2048) -> bytes:
    entry = struct.pack("<B3sB3sII", status, b"\0" * 3, kind, b"\0" * 3, start, 409_600)
    return entry + bytes(48) + b"\x55\xaa"


def disk(size: int = 20_000) -> bytes:
    return at((446, mbr()), size=size)


def qcow2(size: int = 20_000) -> bytes:
    return at((0, b"QFI\xfb\0\0\0\3"), size=size)


def tarred(
    *members: tuple[str, bytes | None], form: int = tarfile.GNU_FORMAT, end: bytes = b""
) -> bytes:
    """A tar of files, and of folders where there is no content."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as tar:
        for name, data in members:
            entry = tarfile.TarInfo(name)
            entry.type = tarfile.DIRTYPE if data is None else tarfile.REGTYPE
            entry.size = len(data or b"")
            tar.addfile(entry, io.BytesIO(data or b""))
    return file.getvalue() + end


def lzma_alone(data: bytes) -> bytes:
    return lzma.compress(data, lzma.FORMAT_ALONE)


CPIO = b"070701" + b"0" * 104 + b"kernel\0" + NOISE[:2000]
EXT4 = at((0, bytes(1024)), (1024, b"\0\0\1\0"), (1048, b"\2\0\0\0"), (1080, b"\x53\xef"))
BZIMAGE = at((0, b"MZ"), (0x1FE, b"\x55\xaa"), (0x202, b"HdrS"), (0x3C, b"\x80\0\0\0PE\0\0"))
ARM64 = at((0, b"MZ\x40\xfa"), (0x38, b"ARM\x64"), size=20_000)
PE = at((0, b"MZ"), (0x3C, struct.pack("<I", 0x80)), (0x80, b"PE\0\0"))
ROOT = tarred(("./", None), ("./bin", None), ("./etc", None), ("./etc/hostname", b"maas\n"))
DISK_TAR = tarred(("root-dd", disk()))
QCOW2_TAR = tarred(("disk.qcow2", qcow2()))

PLAIN: dict[str, list[bytes]] = {
    "empty": [b""],
    "zeros": [bytes(1), bytes(HEAD_BYTES)],
    "squashfs": [starts(b"hsqs"), starts(b"sqsh")],
    "zstd": [starts(b"\x28\xb5\x2f\xfd")],
    "lz4": [starts(b"\x04\x22\x4d\x18"), starts(b"\x02\x21\x4c\x18")],
    "lzop": [starts(b"\x89LZO\0\r\n\x1a\n")],
    "cpio": [
        CPIO,
        CPIO.replace(b"070701", b"070702"),
        CPIO.replace(b"070701", b"070707"),
        struct.pack("<13H", 0o70707, *[1] * 9, 7, 0, 0) + b"kernel\0" + NOISE[:900],
        struct.pack(">13H", 0o70707, *[1] * 9, 7, 0, 0) + b"kernel\0" + NOISE[:900],
    ],
    "bzimage": [BZIMAGE],
    "zimage": [at((0x24, b"\x18\x28\x6f\x01"))],
    "arm64-image": [ARM64],
    "riscv-image": [at((0, b"MZ"), (0x38, b"RSC\x05"))],
    "s390-kernel": [
        at(
            (
                0,
                bytes.fromhex(
                    "0008000080010000 0200001860000050 0200006860000050".replace(" ", "")
                ),
            )
        )
    ],
    "elf": [starts(b"\x7fELF\2\1\1")],
    "pe": [PE, starts(b"MZ\0\0zimg")],
    "uimage": [starts(b"\x27\x05\x19\x56")],
    "dtb": [starts(b"\xd0\x0d\xfe\xed")],
    "fit": [at((0, b"\xd0\x0d\xfe\xed"), (0x48, b"\0\0\0\1images\0\0"))],
    "qcow2": [qcow2()],
    "vmdk": [starts(b"KDMV\1\0\0\0"), starts(b"COWD"), b"# Disk DescriptorFile\nversion=1\n"],
    "vhd": [starts(b"conectix")],
    "vhdx": [starts(b"vhdxfile")],
    "vdi": [at((0, b"<<< Oracle VM"), (0x40, b"\x7f\x10\xda\xbe"))],
    "iso9660": [at((32_769, b"CD001"), size=40_000)],
    "disk": [
        disk(),
        at((446, mbr(0xEE, 0, 1)), (512, b"EFI PART")),
        at((446, mbr(0xEE, 0, 1))),  # GPT of 4,096-byte sectors, of which only this is in reach
        at((512, b"EFI PART")),
        at((446, mbr(0, 0x80, 0) + b""), (450, b"\x17")),  # isohybrid
    ],
    "ext4": [EXT4],
    "xfs": [starts(b"XFSB")],
    "ntfs": [at((0, b"\xeb\x52\x90NTFS    "), (446, mbr()))],
    "fat": [at((0x36, b"FAT16   "), (510, b"\x55\xaa")), at((0x52, b"FAT32   "))],
    "zip": [starts(b"PK\3\4"), b"PK\5\6" + bytes(18)],
    "7z": [starts(b"7z\xbc\xaf\x27\x1c")],
    "rpm": [starts(b"\xed\xab\xee\xdb")],
    "deb": [starts(b"!<arch>\ndebian-binary   ")],
    "ar": [starts(b"!<arch>\nlibx.o/ ")],
    "pgp": [b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n"],
    "html": [b"\n<!DOCTYPE html><title>404</title>", b"\xef\xbb\xbf<HTML>", b"<head></head>"],
    "xml": [b'<?xml version="1.0"?><Error/>'],
    "json": [b'{"format": "products:1.0"}', b" [1, 2]", b"{}", b"[]", b"[\n"],
    "text": [b"404 not found\n", "Schlüssel\n".encode(), b"[section]\nx = 1\n", b"#!/bin/sh\n"],
    "data": [
        NOISE[:HEAD_BYTES],
        b"\xff\xfe",
        b"MZ\x90\0",
        at((510, b"\x55\xaa")),  # the table behind it is noise
        at((446, bytes(64)), (510, b"\x55\xaa")),  # or empty
        at((0x202, b"HdrS")),
        b"hsq\xff",
        b"text with \0 in it",
    ],
}

#: Compressed, and tars: the file, what is in it, the first member of the tar.
LAYERED: dict[str, tuple[bytes, tuple[str, ...], str | None]] = {
    "root in a tar": (ROOT, ("tar", "tree"), "./bin"),
    "root tgz": (gzip.compress(ROOT), ("gzip", "tar", "tree"), "./bin"),
    "root txz": (lzma.compress(ROOT), ("xz", "tar", "tree"), "./bin"),
    "root tbz": (bz2.compress(ROOT), ("bzip2", "tar", "tree"), "./bin"),
    "root tlz": (lzma_alone(ROOT), ("lzma", "tar", "tree"), "./bin"),
    "file below etc": (tarred(("etc/hostname", b"x")), ("tar", "tree"), "etc/hostname"),
    "other folder": (tarred(("images", None)), ("tar", "folder"), "images"),
    "docker": (tarred((".dockerenv", b""), ("bin", None)), ("tar", "empty"), ".dockerenv"),
    "disk in tgz": (gzip.compress(DISK_TAR), ("gzip", "tar", "disk"), "root-dd"),
    "qcow2 in tgz": (gzip.compress(QCOW2_TAR), ("gzip", "tar", "qcow2"), "disk.qcow2"),
    "qcow2 by content": (tarred(("disk.img", qcow2())), ("tar", "qcow2"), "disk.img"),
    "disk by name": (tarred(("x.raw", NOISE[:9_000])), ("tar", "disk"), "x.raw"),
    "disk of zeros": (tarred(("DISK.IMG", bytes(9_000))), ("tar", "disk"), "DISK.IMG"),
    "unknown in tar": (tarred(("x", NOISE[:9_000])), ("tar", "data"), "x"),
    "boot loader": (lzma.compress(tarred(("bootx64.efi", PE))), ("xz", "tar", "pe"), "bootx64.efi"),
    "disk.gz": (gzip.compress(disk()), ("gzip", "disk"), None),
    "disk.xz": (lzma.compress(disk()), ("xz", "disk"), None),
    "ext4.gz": (gzip.compress(EXT4), ("gzip", "ext4"), None),
    "initrd.gz": (gzip.compress(CPIO), ("gzip", "cpio"), None),
    "initrd.xz": (lzma.compress(CPIO), ("xz", "cpio"), None),
    "initrd.lzma": (lzma_alone(CPIO), ("lzma", "cpio"), None),
    "kernel.gz": (gzip.compress(ARM64), ("gzip", "arm64-image"), None),
    "noise.gz": (gzip.compress(NOISE[:9_000]), ("gzip", "data"), None),
    "gzip.gz": (gzip.compress(gzip.compress(NOISE[:9_000])), ("gzip", "gzip"), None),
    "zeros.gz": (gzip.compress(bytes(9_000_000)), ("gzip", "zeros"), None),
    "zeros.bz2": (bz2.compress(bytes(9_000_000)), ("bzip2", "zeros"), None),
    "noise.bz2": (bz2.compress(NOISE), ("bzip2",), None),
    "iso.gz": (
        gzip.compress(at((32_769, b"CD001"), fill=b"", size=60_000)),
        ("gzip", "iso9660"),
        None,
    ),
    "second stream": (gzip.compress(b"") + gzip.compress(disk()), ("gzip", "disk"), None),
    "gzip cut off": (gzip.compress(disk())[:12], ("gzip",), None),
    "gzip spoilt": (b"\x1f\x8b\x08\0" + NOISE[:4_000], ("gzip",), None),
    "xz spoilt": (b"\xfd7zXZ\0" + NOISE[:4_000], ("xz",), None),
    "no tar": (at((257, b"ustar\0")), ("data",), None),
    "long name": (
        tarred(("./" + "d/" * 80 + "x.qcow2", qcow2())),
        ("tar", "qcow2"),
        "./" + "d/" * 80 + "x.qcow2",
    ),
    "long pax name": (
        tarred(("é" * 60 + ".img", disk()), form=tarfile.PAX_FORMAT),
        ("tar", "disk"),
        "é" * 60 + ".img",
    ),
}


@pytest.mark.parametrize(
    ("kind", "head"), [(kind, head) for kind, heads in PLAIN.items() for head in heads]
)
def test_plain_kinds(kind: str, head: bytes) -> None:
    reach = 65_536 if kind == "iso9660" else HEAD_BYTES
    assert sniff(head[:reach], whole=len(head) <= reach) == Content((kind,))
    assert Content((kind,)).in_words() == KINDS[kind]


@pytest.mark.parametrize("name", LAYERED)
def test_layers(name: str) -> None:
    data, layers, member = LAYERED[name]
    found = sniff(data[:HEAD_BYTES], whole=len(data) <= HEAD_BYTES)
    assert (found.layers, found.member) == (layers, member)
    assert (found.kind, found.inside) == ((*layers, None))[:2]


def test_every_kind_has_a_sample() -> None:
    seen = {kind for _, layers, _ in LAYERED.values() for kind in layers}
    assert seen | set(PLAIN) == set(KINDS)


def test_an_old_tar_without_a_magic_is_told_by_its_sum() -> None:
    old = bytearray(tarred(("bin/ls", b"x" * 900), form=tarfile.USTAR_FORMAT))
    old[257:265] = bytes(8)
    old[148:156] = b"%06o\0 " % (sum(old[:148]) + sum(old[156:512]) + 256)
    assert sniff(bytes(old)).layers == ("tar", "tree")
    old[0] ^= 1
    assert sniff(bytes(old)).layers == ("data",)


def test_a_sparse_file_is_told_by_its_content_only_where_that_comes_first() -> None:
    for first, kind in ((0, "qcow2"), (1 << 20, "disk")):
        raw = bytearray(tarred(("disk.img", qcow2())))
        raw[156:157] = b"S"
        raw[386:410] = b"%011o\0%011o\0" % (first, 20_000)
        raw[148:156] = b"%06o\0 " % (sum(raw[:148]) + sum(raw[156:512]) + 256)
        assert sniff(bytes(raw)).layers == ("tar", kind)


@pytest.mark.parametrize("short", [b"", b"x", NOISE[:511]])
def test_too_little_of_a_compressed_file_says_nothing(short: bytes) -> None:
    data = gzip.compress(short + NOISE)
    for end in range(10, 400, 7):
        assert sniff(data[:end]).layers == ("gzip",)


# ---- hostile


TOPS = [*(head[:2_000] for heads in PLAIN.values() for head in heads)]
TOPS += [data[:2_000] for data, _, _ in LAYERED.values()]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=3_000), st.booleans())
@example(b"\x1f\x8b\x08", True)
@example(b"BZh91AY&SY", True)
@example(b"MZ", True)
@example(b"\xc7\x71", False)
def test_any_bytes_are_something(head: bytes, whole: bool) -> None:
    found = sniff(head, whole=whole)
    assert set(found.layers) <= set(KINDS)
    assert found.in_words()
    for wanted in ftypes().values():
        assert found.suits(wanted) in (True, False, None)
    assert set(found.fitting(ftypes())) <= set(ftypes())
    tar_names(io.BytesIO(head))


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(TOPS),
    st.integers(0, 2_000),
    st.lists(st.tuples(st.integers(0, 1_999), st.binary(min_size=1, max_size=8)), max_size=6),
    st.sampled_from([bytes, gzip.compress, lzma.compress, bz2.compress, lzma_alone]),
)
def test_cut_and_spoilt_samples_are_something(
    head: bytes, end: int, spots: list[tuple[int, bytes]], press: Callable[[bytes], bytes]
) -> None:
    spoilt = bytearray(head)
    for where, mark in spots:
        spoilt[where : where + len(mark)] = mark
    for data in (press(bytes(spoilt))[:end], press(bytes(spoilt[:end]))):
        assert set(sniff(data).layers) <= set(KINDS)
        tar_names(io.BytesIO(data))


def bomb() -> bytes:
    """A gibibyte of zeros, gzip'd; but for the header, each sixteenth of it is the same."""
    stream = zlib.compressobj(9, wbits=31)
    parts = [stream.compress(bytes(1 << 26)) + stream.flush(zlib.Z_FULL_FLUSH) for _ in range(2)]
    return parts[0] + parts[1] * 15


BOMBS = {
    "gzip": bomb,
    "bzip2": lambda: bz2.compress(bytes(1 << 25)),
    "xz": lambda: lzma.compress(bytes(1 << 25)),
    "lzma": lambda: lzma_alone(bytes(1 << 25)),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_expands_no_further_than_is_looked_at(kind: str) -> None:
    data = BOMBS[kind]()
    tracemalloc.start()
    try:
        assert sniff(data, whole=True).layers == (kind, "zeros")
        assert tracemalloc.get_traced_memory()[1] < 10_000_000  # 8 are xz's own dictionary
    finally:
        tracemalloc.stop()


def test_an_xz_that_wants_gigabytes_stays_closed() -> None:
    alone = bytearray(lzma_alone(disk()))
    alone[1:5] = (1 << 31).to_bytes(4, "little")
    assert sniff(bytes(alone)).layers == ("lzma",)


# ---- what suits


def test_every_ftype_of_every_release_is_in_the_table_and_every_pattern_can_be() -> None:
    table = ftypes()
    assert {f for release in all_releases() for f in release.ftypes} <= set(table)
    pattern = re.compile(r"[a-z0-9-]+(\([a-z0-9-]+(\([a-z0-9-]+\))?\))?")
    for wanted in table.values():
        for layers in wanted.usual + wanted.also + wanted.perhaps + wanted.but_not:
            assert set(layers) <= set(KINDS)
            assert pattern.fullmatch("(".join(layers) + ")" * (len(layers) - 1)) or not layers
    assert ftypes() is table


def said(text: str) -> Content:
    return Content(tuple(text.rstrip(")").split("(")))


#: ftype → what suits, what does not, and what can't be told.
VERDICTS: dict[str, tuple[str, str, str]] = {
    "squashfs": ("squashfs", "ext4 gzip gzip(squashfs) html empty data zeros tar(tree)", ""),
    "boot-kernel": (
        "bzimage arm64-image riscv-image zimage s390-kernel elf pe uimage fit gzip(arm64-image)",
        "gzip(tar(tree)) gzip(cpio) gzip(disk) cpio squashfs html text empty zeros dtb tar xz disk",
        "gzip gzip(data) data",
    ),
    "boot-initrd": (
        "cpio gzip(cpio) xz(cpio) lzma(cpio) bzip2(cpio) zstd lz4 lzop uimage",
        "tar gzip(tar(tree)) gzip(disk) squashfs gzip(squashfs) bzimage html data empty",
        "gzip xz bzip2 gzip(data) xz(data)",
    ),
    "boot-dtb": ("dtb", "bzimage fit text gzip data", ""),
    "root-tgz": (
        "gzip(tar(tree)) gzip(tar) xz(tar(folder)) bzip2(tar(empty)) tar(tree)",
        (
            "gzip(disk) gzip(data) disk gzip(tar(disk)) gzip(tar(qcow2)) tar(vmdk) xz(tar(vhd)) "
            "zstd lzma(tar(tree)) lzma squashfs zip qcow2 gzip(zeros) html"
        ),
        "gzip xz bzip2",
    ),
    "root-txz": ("xz(tar(tree)) gzip(tar(tree))", "xz(disk) xz(tar(disk)) lz4", "bzip2 xz"),
    "root-tbz": ("bzip2(tar(tree)) gzip(tar(tree))", "bzip2(tar(disk)) bzip2(disk)", "bzip2"),
    "root-image.gz": ("gzip(ext4)", "ext4 gzip(tar(tree)) gzip(disk) squashfs", "gzip gzip(data)"),
    "root-dd": (
        "gzip(tar(disk))",
        (
            "gzip(disk) gzip(data) gzip(tar(qcow2)) gzip(tar(tree)) gzip(tar(text)) "
            "gzip(tar(gzip)) tar(disk) xz(tar(disk)) disk xz bzip2"
        ),
        "gzip gzip(tar) gzip(tar(data)) gzip(tar(zeros)) gzip(tar(folder))",
    ),
    "root-dd.tar": (
        "tar(disk) gzip(tar(disk)) xz(tar(disk))",
        "disk gzip(disk) tar(tree) tar(qcow2) gzip(tar(tree)) lzma(tar(disk))",
        "tar tar(data) gzip bzip2 xz gzip(tar)",
    ),
    "root-dd.raw": (
        "disk",
        "gzip gzip(disk) xz tar tar(disk) qcow2 vhd vhdx vmdk squashfs html empty text",
        "data zeros ext4 fat iso9660",
    ),
    "root-dd.gz": (
        "gzip(disk)",
        "disk gzip(tar(disk)) gzip(qcow2) gzip(gzip) gzip(tar) xz(disk) xz bzip2 tar(disk)",
        "gzip gzip(data) gzip(zeros) zip",
    ),
    "root-dd.xz": (
        "xz(disk) lzma(disk)",
        "xz(tar(disk)) gzip(disk) xz(vmdk) zstd",
        "xz lzma(data)",
    ),
    "root-dd.bz2": ("bzip2(disk)", "bzip2(tar) gzip xz(disk) disk", "bzip2 bzip2(zeros)"),
    "root-dd.tar.xz": ("xz(tar(disk))", "xz(disk) gzip(tar(disk)) xz(tar(qcow2))", "xz xz(tar)"),
    "root-dd.tar.bz2": ("bzip2(tar(disk))", "bzip2(disk) xz(tar(disk)) tar(disk)", "bzip2"),
    "archive.tar.xz": (
        "xz(tar(pe)) xz(tar) gzip(tar(pe)) bzip2(tar(pe)) tar(pe) lzma(tar(pe))",
        "zip deb xz(disk) xz(data) zstd text pe html",
        "xz gzip bzip2",
    ),
    "bootloader": ("pe elf data text empty zeros gzip", "", ""),
    "self-extracting": ("text elf data", "", ""),
    "manifest": ("text json empty", "", ""),
    "notifications": ("empty text disk", "", ""),
}


def verdicts() -> Iterator[tuple[str, str, bool | None]]:
    for ftype, columns in VERDICTS.items():
        for texts, verdict in zip(columns, (True, False, None), strict=True):
            yield from ((ftype, text, verdict) for text in texts.split())


@pytest.mark.parametrize(("ftype", "text", "verdict"), [*verdicts()])
def test_what_suits_an_ftype(ftype: str, text: str, verdict: bool | None) -> None:
    assert set(VERDICTS) == set(ftypes())
    assert said(text).suits(ftypes()[ftype]) is verdict


@pytest.mark.parametrize(
    ("text", "ftypes_"),
    [
        ("gzip(tar(tree))", "root-tgz"),
        ("gzip(tar)", "root-tgz root-dd"),
        ("gzip(tar(data))", "root-tgz root-dd"),
        ("gzip(tar(disk))", "root-dd"),
        ("gzip(tar(qcow2))", ""),
        ("xz(tar(tree))", "root-txz archive.tar.xz"),
        ("xz(tar(pe))", "root-txz archive.tar.xz"),
        ("bzip2(tar(disk))", "root-dd.tar.bz2"),
        ("gzip(disk)", "root-dd.gz"),
        ("gzip(data)", "root-dd.gz boot-kernel boot-initrd root-image.gz"),
        ("xz(disk)", "root-dd.xz"),
        ("disk", "root-dd.raw"),
        ("tar(disk)", "root-dd.tar"),
        ("tar(tree)", ""),
        ("gzip(ext4)", "root-image.gz root-dd.gz"),
        ("squashfs", "squashfs"),
        ("bzimage", "boot-kernel"),
        ("gzip(cpio)", "boot-initrd"),
        ("qcow2", ""),
        ("html", ""),
        ("data", ""),
        ("gzip", ""),
        ("bzip2", ""),
    ],
)
def test_better_ftypes_come_likeliest_first(text: str, ftypes_: str) -> None:
    assert said(text).fitting(ftypes()) == ftypes_.split()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (said("gzip(disk)"), "a gzip'd raw disk image"),
        (said("xz(cpio)"), "an xz'd cpio archive"),
        (said("lzma(elf)"), "an lzma'd ELF file"),
        (said("gzip(zeros)"), "gzip'd zero bytes"),
        (said("bzip2(data)"), "bzip2'd unknown data"),
        (said("gzip(xz)"), "gzip'd xz data"),
        (said("bzip2"), "bzip2 data"),
        (said("gzip(html)"), "a gzip'd HTML page"),
        (said("gzip(tar)"), "a gzip'd tar"),
        (
            Content(("gzip", "tar", "qcow2"), "disk.qcow2"),
            "a gzip'd tar that begins with `disk.qcow2`",
        ),
        (
            Content(("tar", "disk"), "root-dd"),
            "a tar that begins with `root-dd` (a raw disk image)",
        ),
        (Content(("xz", "tar", "tree"), "./bin"), "an xz'd tar that begins with `./bin`"),
    ],
)
def test_words(content: Content, words: str) -> None:
    assert content.in_words() == words


# ---- names


PRESSED: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "xz": lzma.compress,
    "lzma": lzma_alone,
    "bzip2": bz2.compress,
    "many streams": lambda data: b"".join(
        gzip.compress(data[at : at + 9_000]) for at in range(0, len(data), 9_000)
    ),
}
FORMS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]


def many(form: int) -> bytes:
    long = "d" * 90 + "/" + "e" * 90
    strange = "x/é" if form != tarfile.USTAR_FORMAT else "x/e"
    return tarred(
        *(("./", None), ("bootx64.efi", NOISE[:70_001]), ("grub/", None), ("grub/empty", b"")),
        *((long, b"y" * 511), (strange, b"z" * 512), ("a" * 100, b""), ("last", b"w" * 513)),
        form=form,
    )


@pytest.mark.parametrize("press", PRESSED)
@pytest.mark.parametrize("form", FORMS)
def test_names_are_those_that_tarfile_finds(press: str, form: int) -> None:
    data = many(form)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        wanted = tuple(tar.getnames())
    assert len(wanted) == 8
    found = tar_names(io.BytesIO(PRESSED[press](data)))
    assert found == (wanted, True)


@pytest.mark.parametrize("size", [17, 101, 600])
def test_names_do_not_depend_on_how_a_file_comes(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tarred(("a", NOISE[:3_000]), ("b", b""), form=tarfile.PAX_FORMAT)
    monkeypatch.setattr(module, "_PIECE", size)
    for press in (gzip.compress, lzma.compress, bz2.compress):
        parts = [press(data[at : at + 999]) for at in range(0, len(data), 999)]
        for padding in (b"", bytes(4), bytes(1_000)):
            file = io.BytesIO(padding.join(parts) + b"\0" + NOISE[:50])
            assert tar_names(file) == (("a", "b"), True)


def test_links_have_no_data_and_folders_no_slash() -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, kind in (("l", tarfile.SYMTYPE), ("h", tarfile.LNKTYPE), ("d/", tarfile.DIRTYPE)):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname, entry.size = kind, "x" * 150, 999
            tar.addfile(entry)
    assert tar_names(io.BytesIO(file.getvalue())) == (("l", "h", "d"), True)


def test_bounds_of_names() -> None:
    data = gzip.compress(tarred(*((str(n), b"") for n in range(30))))
    assert tar_names(io.BytesIO(data), Bounds(names=30)) == (tuple(map(str, range(30))), True)
    assert tar_names(io.BytesIO(data), Bounds(names=29)) == (tuple(map(str, range(29))), False)
    long = tar_names(io.BytesIO(tarred(("n" * 100_000, b""), ("x", b""))))
    assert long == (("n" * 4_096, "x"), True)


def test_a_tar_that_is_cut_off_is_not_whole() -> None:
    data = many(tarfile.GNU_FORMAT)
    for end in (70_000, 40_000):
        found = tar_names(io.BytesIO(data[:end]))
        assert found == ((".", "bootx64.efi"), False)
    pressed = gzip.compress(data)
    assert tar_names(io.BytesIO(pressed[:-9_000])) == ((".", "bootx64.efi"), False)
    spoilt = bytearray(data)
    spoilt[1024 + 70_144] ^= 1  # the name of the third member
    assert tar_names(io.BytesIO(bytes(spoilt))) == ((".", "bootx64.efi"), False)


@pytest.mark.parametrize(
    "data",
    [b"", b"x", NOISE, gzip.compress(NOISE), disk(), starts(b"\x28\xb5\x2f\xfd"), ROOT[:511]],
)
def test_no_tar_has_no_names(data: bytes) -> None:
    assert tar_names(io.BytesIO(data)) is None


def test_a_tar_of_nothing_is_a_tar() -> None:
    assert tar_names(io.BytesIO(gzip.compress(tarred()))) == ((), True)


def test_headers_that_lie_end_it() -> None:
    """A size below zero made tarfile loop (CVE-2025-8194); pax records of no length did, too."""
    for field in (b"\xff" * 12, b"-0000000777\0", b"99999999999\0", b"\x80" + b"\xff" * 11):
        raw = bytearray(tarred(("a", b"x" * 600), ("b", b"")))
        raw[124:136] = field
        raw[148:156] = b"%06o\0 " % (sum(raw[:148]) + sum(raw[156:512]) + 256)
        found = tar_names(io.BytesIO(bytes(raw)))
        assert found is None or not found.whole
    pax = tarred(("é", b""), form=tarfile.PAX_FORMAT)
    for record in (b"0 path=", b"9999 path=", b"5 path=", b"999999999 path="):
        assert tar_names(io.BytesIO(pax.replace(b"12 path=", record, 1))) is not None
    endless = pax[:1024] * 50
    assert tar_names(io.BytesIO(endless)) is None


def test_a_bomb_is_gone_through_in_bounds() -> None:
    bounds = Bounds(archive=20_000_000)
    header = tarfile.TarInfo("huge.img")
    header.size = 1 << 40
    data = header.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 24)
    for press in (gzip.compress, bz2.compress, lzma.compress):
        pressed = press(data)
        file = io.BytesIO(pressed * 3)
        tracemalloc.start()
        try:
            assert tar_names(file, bounds) == (("huge.img",), False)
            assert tracemalloc.get_traced_memory()[1] < 10_000_000
        finally:
            tracemalloc.stop()
    empties = io.BytesIO(gzip.compress(b"") * 100_000)
    assert tar_names(empties) is None
    assert empties.tell() < 500_000


def test_what_cannot_be_read_is_the_callers_to_hear_of() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError("disk on fire")

    with pytest.raises(OSError, match="on fire"):
        tar_names(Broken())


@pytest.mark.parametrize(
    ("length", "kind"), [(1 << 24, "lzma"), (1 << 37, "lzma"), (1 << 39, None)]
)
def test_an_lzma_file_may_tell_its_length(length: int, kind: str | None) -> None:
    """Up to a quarter of a terabyte, as xz's own decoder believes it."""
    head = b"\x5d" + (1 << 23).to_bytes(4, "little") + length.to_bytes(8, "little") + b"\0" + NOISE
    assert (sniff(head[:HEAD_BYTES]).kind == "lzma") is (kind == "lzma")
