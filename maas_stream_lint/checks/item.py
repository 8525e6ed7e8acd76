"""Rules on items: what an item must say about its file, and which items MAAS takes."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from maas_stream_lint.checks.among import naming
from maas_stream_lint.checks.image import COSTS, cost
from maas_stream_lint.checks.words import MANY, kind, listed, shown, value_at
from maas_stream_lint.file_fetch import never_matching
from maas_stream_lint.finding import Place, Severity
from maas_stream_lint.imports.trace import Event
from maas_stream_lint.quoting import quoted
from maas_stream_lint.rule import DEPTHS, Said, rule
from maas_stream_lint.rulebook import ftypes, of_family, streamed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Item, Whole

DIGEST = re.compile(r"[0-9a-f]{64}")
DIGITS = re.compile(r"[0-9a-f]*").fullmatch
DIGEST_IN_ANY_CASE = re.compile(r"[0-9a-fA-F]{64}")
TIB = 2**40
#: No image of today has that size, and region controllers hardly have more space.
LARGE_ITEM, LARGE_STREAM = TIB, 4 * TIB


#: What MAAS does when there is too little disk space, by what it checks, and what it logs.
SHORT_OF_SPACE = {
    "sum": (
        "fails the whole import for lack of disk space",
        "some region controllers don't have enough disk space",
    ),
    "file": ("does not download a file that needs more disk space than there is", ""),
}


@rule("MSL601", Severity.IGNORED)
def unknown_ftype(event: Event, look: Look) -> Iterator[Said]:
    """MAAS does not know the `ftype` of an item.

    MAAS: up to 3.7 MAAS drops the item and warns `Ignoring unsupported filetype(…) from …`
        (`BootResourceRepoWriter.insert_item` and `BOOT_RESOURCE_FILE_TYPE_CHOICES`,
        maasserver/bootresources.py and enum.py). MAAS 3.8 uses the item's key. If it downloads
        items of that key, the unknown ftype fails the whole selection (`BootResourceFileType`,
        maascommon/enums/boot_resources.py). Otherwise it ignores the item.
    Why: uploads and streams have different names for the same files: the upload's `tgz` or `ddgz`
        is `root-tgz` or `root-dd.gz` in a stream. MAAS logs the same warning for a `manifest`. That
        warning is normal and no finding.
    Fix: write the ftype that the message names, and use it as the item's key too.
    Example:
        "ftype": "tgz",
    """
    ftype = event.values["ftype"]
    if _given_up(ftype):
        return  # ftype_bootloader has it
    near = suggested_ftype(ftype, event.place, look)
    wanted = quoted(near) if near else _such_as(look)
    called = f"ftype {quoted(ftype)}" if ftype else "an empty ftype"
    # A bootloader's key is the package that it is built from.
    keyed = near is None or near == event.place.item or near in of_family("loader")
    also = "" if keyed else ", and as the item's key"
    yield Said(
        f"MAAS does not know {called}, expected {wanted}",
        f"write {quoted(near)} as ftype{also}"
        if near
        else "write the ftype of the file's kind, or delete the item if MAAS does not need it",
        place=_spot(event, "ftype", look),
    )


@rule("MSL602", Severity.IGNORED, causes=["unknown-ftype"])
def ftype_bootloader(event: Event, look: Look) -> Iterator[Said]:
    """An item has the ftype `bootloader`, which MAAS no longer knows.

    MAAS: up to 3.4 MAAS stores such an item as a single uncompressed file. MAAS 3.5 removed the
        ftype. MAAS 3.5 to 3.7 drops the item with a warning (`BOOT_RESOURCE_FILE_TYPE_CHOICES`,
        maasserver/enum.py). On MAAS 3.8 it fails every selection of the source, because each
        selection includes the bootloaders (maascommon/enums/boot_resources.py).
    Why: bootloaders now come as archives, which keep all files of one kind together.
    Fix: pack the files into an `archive.tar.xz` and publish the archive, as in Canonical's stream.
        Old MAAS accepts the archive too.
    Example:
        "ftype": "bootloader",
    """
    ftype = event.values["ftype"]
    if _given_up(ftype):
        archive = quoted(_archive())
        yield Said(
            f"MAAS no longer knows ftype {quoted(ftype)}, expected {archive}",
            f"pack the bootloader's files into an {archive} and publish the archive",
            place=_spot(event, "ftype", look),
        )


@rule("MSL603", Severity.FATAL, causes=["missing-ftype", "ftype-not-text"])
def missing_ftype(event: Event, look: Look) -> Iterator[Said]:
    """An item has no `ftype`.

    MAAS: up to 3.7 MAAS stops the whole import, of every source, with `KeyError: 'ftype'` when it
        imports the product (`insert_item`, maasserver/bootresources.py). MAAS 3.8 refuses the file
        and discards the whole source (`ImageFile`, maasservicelayer/simplestreams/models.py).
    Why: the ftype says what the file is. Up to 3.7 the item's key is only a name.
    Fix: add the `ftype`. In most streams it is the same as the item's key.
    Example:
        "boot-kernel": {
         "kpackage": "linux-generic",
    """
    key = event.place.item or ""
    likely = quoted(key) if key in look.releases[-1].ftypes else _such_as(look)
    yield _unfit(event, "ftype", look, likely, f"add the ftype, {likely}, to the item")


@rule("MSL604", Severity.FATAL, causes=["missing-path", "path-not-text"])
def missing_path(event: Event, look: Look) -> Iterator[Said]:
    """An item has no `path`.

    MAAS: up to 3.7 MAAS stops the whole import, of every source: with `KeyError: 'path'` for an
        item that it stores, with a `TypeError` for a path that is not text (`insert_item`,
        maasserver/bootresources.py). MAAS 3.8 refuses the file and discards the whole source
        (`ImageFile`, maasservicelayer/simplestreams/models.py).
    Why: an item without a path names no file.
    Fix: add the file's path, relative to the folder that contains `streams`, or delete the item.
    Example:
        "squashfs": {
         "ftype": "squashfs",
         "sha256":
    """
    yield _unfit(
        event,
        "path",
        look,
        "its file's path, relative to the source",
        "add the file's path, relative to the folder that contains `streams`, or delete the item",
    )


@rule(
    "MSL605",
    Severity.FATAL,
    on="item",
    among=naming("\n/", "../"),
    causes=["unsafe-path-item"],
)
def unsafe_path_item(seen: Event | Item, look: Look) -> Iterator[Said]:
    """An item's `path` leads out of the source.

    MAAS: up to 3.7 MAAS checks the path of every item of every version. It stops the whole import,
        of every source, for an absolute path or one with `..` (`assert_safe_path`,
        simplestreams/util). MAAS 3.8 does not check. It joins the path to the source's URL like a
        link: `/x` leads to the top of the host, `../x` one folder up
        (maasservicelayer/services/image_sync.py).
    Why: a path is relative to the source. Some publishers write paths of their file system instead.
    Fix: write the path relative to the folder that contains `streams`, without `..` and without a
        leading slash. Put the file there.
    Example:
        "path": "/rhel/rhel9/amd64/20261015_01/root-tgz",
    """
    if isinstance(seen, Event):
        path = seen.values["path"]
        at, lines, effect = seen.place, None, None
    else:
        path = seen.path
        if path is None or not _leads_out(path) or "://" in path:
            return
        strict = look.where(lambda release: release.strict)
        lines = tuple(line for line in look.stores(seen) if line in strict)
        at, effect = seen.at("path"), "follows the path like a link, out of the source"
        if not lines:
            return
    yield Said(
        f"path {shown(path)} leads out of the source, expected a path below it",
        "write the path relative to the folder that contains `streams`, without `..` and without a "
        "leading slash",
        place=at,
        lines=lines,
        severity=None if isinstance(seen, Event) else Severity.WARNING,
        effect=effect,
    )


@rule("MSL606", Severity.FATAL, causes=["missing-sha256", "sha256-not-text"])
def missing_sha256(event: Event, look: Look) -> Iterator[Said]:
    """An item has no `sha256`.

    MAAS: up to 3.7 MAAS stops the whole import, of every source. Without any checksum it stops for
        each item of a newest version, selected or not (`ChecksummingContentSource`,
        simplestreams/contentsource). With only `md5` or `sha512` it stops later, with `KeyError:
        'sha256'` (`BootResourceStore.insert`, maasserver/bootresources.py). MAAS 3.8 refuses the
        file and discards the whole source (`ImageFile`, maasservicelayer/simplestreams/models.py).
    Why: MAAS stores files under their sha256 and checks each download against it.
    Fix: add the output of `sha256sum FILE` as `sha256`, in lower case.
    Example:
        "path": "rhel/rhel9/amd64/20261015_01/root-tgz",
        "md5":
    """
    item = value_at(look, _item(event.place))
    others = [name for name in ("md5", "sha512") if isinstance(item, dict) and name in item]
    yield _unfit(
        event,
        "sha256",
        look,
        "one in addition to " + listed(others) if others else "the file's checksum in hex",
        "add the output of `sha256sum FILE` to the item",
    )


@rule(
    "MSL607",
    Severity.FATAL,
    on="item",
    causes=["sha256-no-name"],
    among=lambda items, look: _without_digest(items, look),
)
def sha256_form(seen: Event | Item, look: Look) -> Iterator[Said]:
    """A `sha256` is not 64 lower-case hexadecimal digits.

    MAAS: MAAS imports the metadata, downloads the file and compares its checksum as text, so the
        checksum never matches. Up to 3.4 MAAS then drops the file. MAAS 3.5 to 3.7 tries again for
        two hours, and then the *whole import* fails. MAAS 3.8 fails the selection
        (`write_content_thread`, maasserver/bootresources.py; `LocalBootResourceFile.valid`,
        maasserver/utils/bootresource.py; `AsyncLocalBootResourceFile.valid`,
        maasservicelayer/utils/image_local_files.py).
    Why: some tools write upper-case digits, a prefix, or another checksum.
    Fix: write the output of `sha256sum FILE` unchanged.
    Example:
        "sha256": "6A919FB5C19F04DF
    """
    if isinstance(seen, Event):
        key, sha256 = str(_item(seen.place).path[-1]), seen.values["value"]
        message = f"item {quoted(key)} has {shown(sha256)} as sha256, expected "
        remedy = "write the output of `sha256sum FILE`"
        yield Said(message + "64 lower-case hexadecimal digits", remedy)
        return
    sha256 = seen.get("sha256")
    if sha256 is None or len(sha256) > 64 or DIGEST.fullmatch(sha256):
        return  # an event of its own, or nothing wrong
    lines = look.stores(seen)
    upper = DIGEST_IN_ANY_CASE.fullmatch(sha256) is not None
    for release in look.releases:
        if release.line in lines:
            failed = never_matching(seen, release)
            severity, effect = cost(release, failed)
            yield Said(
                f"item {quoted(seen.key)} has {shown(sha256)} as sha256, expected "
                + ("lower-case digits" if upper else "64 lower-case hexadecimal digits"),
                "write it in lower case" if upper else "write the output of `sha256sum FILE`",
                place=seen.at("sha256"),
                lines=(release.line,),
                severity=severity,
                effect=effect,
                log=failed.log,
            )


@rule("MSL608", Severity.FATAL, causes=["missing-size", "size-not-a-number", "size-out-of-range"])
def missing_size(event: Event, look: Look) -> Iterator[Said]:
    """An item has no `size`, or one that is not a whole number.

    MAAS: up to 3.7 MAAS stops the whole import, of every source, for each item of a newest version,
        selected or not (`Invalid size 'None' at …`, simplestreams/checksum_util; `int()` in
        simplestreams/mirrors and maasserver/bootresources.py). MAAS 3.8 refuses the file and
        discards the whole source (`ImageFile`, maasservicelayer/simplestreams/models.py). The
        database refuses a number that needs more than 64 bits: the import stops, and on MAAS 3.8
        the selection fails.
    Why: MAAS needs the size to reserve disk space and to know when a download is complete.
    Fix: write the file's size in bytes (`stat -c %s FILE`) as a whole number without quotes.
    Example:
        "size": "768M"
    """
    value = value_at(look, _item(event.place).below("size"))
    if value is None and event.values.get("size") is not None:
        value = event.values["size"]  # stands at a higher level
    bits = look.least("file-size-bits")
    if value is None:
        said = "has no `size`"
    elif event.cause == "size-out-of-range":
        said = f"has {shown(value)} as `size`, more than {bits} bits hold"
    else:
        said = f"has {shown(value)} as `size`"
    yield Said(
        f"item {shown(event.place.item)} {said}, expected the file's size in bytes",
        "write the file's size in bytes, as a whole number",
        place=_spot(event, "size", look),
    )


@rule(
    "MSL609",
    Severity.UNUSABLE,
    on="item",
    causes=["size-zero"],
    among=lambda items, look: _without_size(items, look),
)
def size_zero(seen: Event | Item, look: Look) -> Iterator[Said]:
    """An item's `size` is zero or less.

    MAAS: up to 3.4 MAAS counts the set as complete only if the file is empty. MAAS 3.5 to 3.7
        cannot reserve space for the file. It tries again for two hours, and then the *whole import*
        fails (`LocalBootResourceFile.allocate`, maasserver/utils/bootresource.py). On MAAS 3.8 the
        selection fails with a `ZeroDivisionError` before any download (`get_sync_progress`,
        maasservicelayer/services/bootresourcefiles.py).
    Why: a tool that does not know the size writes 0, or the build left an empty file.
    Fix: write the file's size in bytes (`stat -c %s FILE`). If the file is empty, build it again.
    Example:
        "size": 0
    """
    remedy = "write the file's size in bytes; if the file is empty, build it again"
    if isinstance(seen, Event):
        key, size = str(_item(seen.place).path[-1]), seen.values["size"]
        message = f"item {quoted(key)} has {shown(size)} as `size`, expected the size of its file"
        place = seen.place.below("size")
        yield Said(message, remedy, place=place)
        return
    size = seen.get("size")
    number = _number(size)
    if number is None or number > 0:
        return
    simulated = look.where(lambda release: release.strict)
    stored = tuple(line for line in look.stores(seen) if line not in simulated)
    for lines, severity, effect in _lost(stored, look):
        yield Said(
            f"item {quoted(seen.key)} has {shown(size)} as `size`, expected the size of its file",
            remedy,
            place=seen.at("size"),
            lines=lines,
            severity=severity,
            effect=f"never gets the file; it {effect}",
        )


@rule("MSL610", Severity.FATAL)
def item_key_not_ftype(event: Event, look: Look) -> Iterator[Said]:
    """An item that MAAS 3.8 needs has another key than its ftype.

    MAAS: MAAS 3.8 finds items by their *key*: `boot-kernel`, `boot-initrd`, `manifest`, `squashfs`,
        `root-image.gz`, `root-tgz`. It does not find an item under another key, whatever the item's
        ftype. It then refuses the file and discards the whole source (aliases in
        maasservicelayer/simplestreams/models.py). Up to 3.7 only the ftype counts.
    Why: up to 3.7 the key was only a name. `meph2-import` still writes the key `root-image.gz` for
        the `root-tgz` of CentOS.
    Fix: rename the key to the item's ftype. Older MAAS accepts that too.
    Example:
        "root-image.gz": {
         "ftype": "root-tgz",
    """
    ftype, key = event.values["ftype"], event.values["key"]
    yield Said(
        f"an item of ftype {shown(ftype)} has the key {shown(key)}, expected its ftype as key",
        f"rename the key {shown(key)} to {shown(ftype)}",
    )


@rule("MSL611", Severity.FATAL)
def bootloader_item_key(event: Event, look: Look) -> Iterator[Said]:
    """A bootloader version has no item under a key that MAAS 3.8 knows.

    MAAS: MAAS 3.8 finds a bootloader's archive by its *key*, the source package: `grub2-signed`,
        `shim-signed`, `grub2` or `syslinux`. A version with none of them makes the file invalid,
        and MAAS discards the whole source (`BootloaderVersion`,
        maasservicelayer/simplestreams/models.py). Up to 3.7 any key works.
    Why: up to 3.7 the key was only a name. The ftype `archive.tar.xz` made the item a bootloader.
    Fix: rename the key to the item's `src_package`, if that is one of the four. Otherwise use
        Canonical's keys: `shim-signed` and `grub2-signed` for amd64, `syslinux` for pxelinux,
        `grub2` for others.
    Example:
        "grub-archive": {
         "ftype": "archive.tar.xz",
    """
    known = listed(event.values["known"], most=9, last="or")
    keys = listed(event.values["keys"])
    yield Said(
        f"version {shown(event.place.version)} of a bootloader has {keys}, "
        f"expected an item keyed {known}",
        "rename the item's key to the source package that its files come from",
    )


@rule("MSL612", Severity.IGNORED)
def item_not_taken(event: Event, look: Look) -> Iterator[Said]:
    """MAAS 3.8 ignores an item.

    MAAS: MAAS 3.8 downloads only items under certain keys. Of a product with kernel and initrd it
        downloads these two, `squashfs` and `root-image.gz`. Of a product with a root tarball it
        downloads only `root-tgz`, and of a bootloader the four source packages. It ignores all
        other items and logs nothing: a `boot-dtb`, for example, or the kernel of a product that
        also has a `root-tgz` (`get_downloadable_files`, maasservicelayer/simplestreams/models.py).
        Up to 3.7 MAAS stores every known ftype.
    Why: the models of MAAS 3.8 have only the items of Canonical's own stream.
    Fix: if MAAS 3.8 knows the item's ftype as a key, rename the key to the ftype. If MAAS 3.8 does
        not need the item, keep it for older MAAS. A board that boots only with its `boot-dtb` has
        to stay on 3.7.
    Example:
        "boot-dtb": {
         "ftype": "boot-dtb",
    """
    key, ftype = event.values["key"], event.values["ftype"]
    taken = next(
        (
            s.downloads
            for r in look.releases
            if r.strict
            for s in r.shapes
            if s.name == event.values["shape"]
        ),
        (),
    )
    misnamed = ftype in taken and ftype != key
    boots = ftype in (*look.kernels, *look.initrds) and not misnamed
    yield Said(
        f"MAAS does not download item {shown(key)}, expected only "
        f"{listed(taken, most=9, last='or')} and a manifest",
        f"rename the key {shown(key)} to {shown(ftype)}"
        if misnamed
        else "keep it for the MAAS that downloads it, if this MAAS does not need it, or delete it",
        effect="never downloads it, and logs nothing"
        + ("; it cannot boot the image" if boots else ""),
    )


@rule("MSL613", Severity.UNUSABLE, causes=["root-misnamed"])
def basename_not_ftype(event: Event, look: Look) -> Iterator[Said]:
    """Old racks do not find a root file because its name is not its ftype.

    MAAS: up to 3.4 MAAS imports the file. At deployment the rack looks for a file *named*
        `squashfs`, `root-tgz`, `root-dd.gz` and so on. The name is the last part of the item's
        `path` (`_find_image`, provisioningserver/drivers/osystem/__init__.py). From 3.5 on the
        ftype counts.
    Why: `centos7.tar.gz` is the natural name, and nothing says that the name matters.
    Fix: rename the file to its ftype, in a folder of its own, and correct its `path`.
    Example:
        "path": "rhel/rhel9/amd64/20261015_01/rhel9.tar.gz",
    """
    product, name = look.catalog.product(event.place), event.values["file"]
    version = product.newest if product is not None else None
    for item in version.roots if version is not None else ():
        path = item.path
        if path is None or _basename(item) != name or _leads_out(path) or "://" in path:
            continue  # there are worse things to say of it
        yield Said(
            f"the root file is named {quoted(_basename(item))}, expected its ftype "
            f"{shown(item.ftype)}",
            f"rename the file to {shown(item.ftype)}, in a folder of its own, and correct its "
            "`path`",
            place=item.at("path"),
            also=event.values["also"],
            effect="imports the file, but does not find it for deployment",
        )


@rule(
    "MSL614",
    Severity.INFO,
    on="item",
    among=lambda items, look: [
        i for i in items if i.ftype in look.kernels and not i.raw.get("kpackage")
    ],
)
def kernel_without_kpackage(item: Item, look: Look) -> Iterator[Said]:
    """A `boot-kernel` does not name its package.

    MAAS: MAAS boots the kernel, but has no package to install for it. A machine that is deployed
        with this kernel gets the release's default kernel (`get_kpackage_for_node`,
        maasserver/models/bootresource.py; `compose_curtin_kernel_preseed`, maasserver/preseed.py).
    Why: kernel and root image are separate files. The installed system gets its kernel as a
        package.
    Fix: add `kpackage`, such as `linux-generic` or `linux-generic-hwe-24.04`, to the item.
    Example:
        "boot-kernel": {
         "ftype": "boot-kernel",
         "path":
    """
    if item.raw.get("ftype") not in look.kernels or not item.version.product.ubuntu:
        return
    strict = look.where(lambda release: release.strict)
    above = item.get("kpackage") is not None  # where only the legacy engine sees it
    lines = tuple(line for line in look.stores(item) if not above or line in strict)
    if lines:
        yield Said(
            f"item {quoted(item.key)} has no `kpackage`, expected the package of its kernel",
            "add the package, such as `linux-generic`, as `kpackage` to the item",
            lines=lines,
            effect="installs the release's default kernel, whichever kernel the user chooses",
        )


@rule(
    "MSL615",
    Severity.WARNING,
    on="item",
    among=naming("://"),
)
def url_like_path(item: Item, look: Look) -> Iterator[Said]:
    """An item's `path` is a URL.

    MAAS: up to 3.7 MAAS appends it to the source's own URL and requests a file that does not exist
        (`UrlMirrorReader.source`, simplestreams/mirrors). MAAS 3.8 joins it like a link and
        downloads from that other host, not from your mirror (`urljoin` in
        maasservicelayer/services/image_sync.py).
    Why: the files of a stream belong into its tree, so that a copy of the tree is a mirror.
    Fix: put the file into the tree, and write its path relative to the folder that contains
        `streams`.
    Example:
        "path": "https://images.example.com/rhel9/root-tgz",
    """
    lines = look.stores(item)
    if lines:
        yield Said(
            f"path {quoted(item.path or '')} is a URL, expected a path below the source",
            "put the file into the tree, and write its path relative to the folder that contains "
            "`streams`",
            place=item.at("path"),
            lines=lines,
            effect="requests a file that does not exist, or downloads it from that other host",
        )


@rule(
    "MSL618",
    Severity.UNUSABLE,
    on="item",
    among=naming("/\n"),
)
def path_ends_in_slash(item: Item, look: Look) -> Iterator[Said]:
    """An item's `path` ends in a slash, so its file has no name.

    MAAS: every release line takes the part after the last slash as the file's name, and this part
        is empty (`BootResourceStore.insert`, maasserver/bootresources.py; MAAS 3.8:
        `get_or_create_from_simplestreams_file`,
        maasservicelayer/services/bootresourcefiles.py). MAAS then requests a folder from the
        server. The answer is an error or a list of files, and its checksum does not match.
    Why: the path of a folder was written instead of the path of the file in it.
    Fix: write the path of the file.
    Example:
        "path": "rhel9/amd64/20261015_01/",
    """
    lines = look.stores(item)
    if lines:
        yield Said(
            f"path {quoted(item.path)} ends in a slash, expected the path of a file",
            "write the path of the file, not the path of its folder",
            place=item.at("path"),
            lines=lines,
            effect="stores the file without a name, and requests a folder",
        )


@rule("MSL616", Severity.WARNING, on="stream")
def path_contradicted(whole: Whole, look: Look) -> Iterator[Said]:
    """Two items name the same file with different checksums or sizes.

    MAAS: MAAS downloads the file for each of them, and one of the checksums cannot match. Up to 3.4
        MAAS drops that file. MAAS 3.5 to 3.7 tries again for two hours, and then the *whole import*
        fails. MAAS 3.8 fails the selection (`write_content_thread`, maasserver/bootresources.py;
        `valid`, maasserver/utils/bootresource.py and maasservicelayer/utils/image_local_files.py).
    Why: somebody replaced the file and changed only some of the metadata.
    Fix: give each build a folder of its own. Or write the file's real checksum and size into all
        items.
    Example:
        "path": "noble/shared/squashfs",
    """
    if _told_alike(look):
        return
    first: dict[str, Item] = {}
    clashes: dict[str, list[Item]] = {}
    for item in look.catalog.items:
        path = item.raw.get("path")
        if path.__class__ is str:
            one = first.setdefault(path, item)
            if one is not item and _content(one) != _content(item):
                clashes.setdefault(path, [one]).append(item)
    for path, items in clashes.items():
        some = items[:MANY]
        lines = {line for item in some for line in look.stores(item)}
        if lines:
            yield Said(
                f"items {_from(some[0])} and {_from(some[1])} name the same file {shown(path)}, "
                f"but {_difference(some[0], some[1])}, expected equal values",
                "write the file's real checksum and size into all its items",
                place=some[1].at("path"),
                also=tuple(i.at("path") for i in (some[0], *some[2:])),
                lines=tuple(lines),
                effect="downloads the file for each item, and refuses it for at least one",
            )


@rule("MSL617", Severity.WARNING, on="stream")
def absurd_size_total(whole: Whole, look: Look) -> Iterator[Said]:
    """The sizes add up to more than a region controller can store.

    MAAS: MAAS 3.5 to 3.7 adds up the `size` of all files before it downloads any. If a region
        controller has less free space, the whole import fails (`calc_storage_size`,
        maasserver/bootresources.py; `check_disk_space`, maasserver/workflow/bootresource.py, later
        maastemporalworker/workflow/bootresource.py). MAAS 3.8 checks before each file
        (`AsyncLocalBootResourceFile.store`, maasservicelayer/utils/image_local_files.py).
    Why: MAAS trusts the numbers in the metadata, so one wrong digit blocks everything.
    Fix: write the file's real size (`stat -c %s FILE`). If the stream is really that large, select
        only what you need.
    Example:
        "size": 8053063680000
    """
    sizes: dict[Any, int] = {}
    large: list[Item] = []
    most, listings = 2 ** (look.least("file-size-bits") - 1), of_family("listing")
    columns = [look.catalog.item_column(field) for field in ("size", "sha256")]
    for item, given, sha256 in zip(look.catalog.items, *columns, strict=True):
        size = given if given.__class__ is int else _number(given)
        if size is None or not 0 < size < most or item.raw.get("ftype") in listings:
            continue
        sizes[sha256 if sha256.__class__ is str else id(item)] = size
        if size > LARGE_ITEM and len(large) < MANY:
            large.append(item)
    total = sum(sizes.values())
    if not large and total <= LARGE_STREAM:
        return
    stored = {line for item in large for line in look.stores(item)} if large else set(look.lines)
    told = f"item {_from(large[0])} needs {_tib(_size(large[0]))}, and " if large else ""
    for check, releases in look.alike(lambda release: str(release.policy("disk-space"))):
        lines = tuple(release.line for release in releases if release.line in stored)
        if check in SHORT_OF_SPACE and lines:
            effect, log = SHORT_OF_SPACE[check]
            yield Said(
                f"{told}all files need {_tib(total)}, expected less than disks can store",
                "write the file's real size in bytes"
                if large
                else "select only what you need, or make room on all region controllers",
                place=large[0].at("size") if large else None,
                also=tuple(item.at("size") for item in large[1:]),
                lines=lines,
                effect=effect,
                log=log,
            )


def _lost(lines: tuple[str, ...], look: Look) -> Iterator[tuple[tuple[str, ...], Severity, str]]:
    """The lines by what a file costs that MAAS never gets."""
    for failure, releases in look.alike(lambda release: str(release.download("failure"))):
        here = tuple(release.line for release in releases if release.line in lines)
        if here:
            yield here, *COSTS[failure]


# -- places -------------------------------------------------------------------------------------


def _item(place: Place) -> Place:
    return Place(place.file, place.path[: DEPTHS["item"]])


def _spot(event: Event, field: str, look: Look) -> Place:
    """Where a field of the event's item stands, the item itself if it is not there."""
    place = _item(event.place)
    item = value_at(look, place)
    return place.below(field) if isinstance(item, dict) and field in item else place


def _has_sibling(place: Place, ftype: str, look: Look) -> bool:
    """Whether the item's version has another one of that ftype."""
    items = value_at(look, Place(place.file, _item(place).path[:-1]))
    siblings = items.values() if isinstance(items, dict) else ()
    return any(isinstance(i, dict) and i.get("ftype") == ftype for i in siblings)


def _unfit(event: Event, field: str, look: Look, wanted: str, remedy: str) -> Said:
    """A text field that is missing or not text, in the same words on all release lines."""
    place = _spot(event, field, look)
    value = value_at(look, place) if place.path[-1:] == (field,) else None
    said = f"has no {quoted(field)}" if value is None else f"has {kind(value)} as {quoted(field)}"
    return Said(f"item {shown(event.place.item)} {said}, expected {wanted}", remedy, place=place)


# -- values -------------------------------------------------------------------------------------


def suggested_ftype(ftype: str, place: Place, look: Look) -> str | None:
    """The ftype that an unknown one stands for, by its text and by its item's key."""
    known = look.releases[-1].ftypes
    near = _nearest(ftype, known) or (place.item if place.item in known else None)
    if near is not None and _has_sibling(place, near, look):
        return None  # so that one is not it
    return near


@lru_cache(maxsize=4096)
def _nearest(ftype: str, known: frozenset[str]) -> str | None:
    """The ftype that a text stands for, if it is clear."""
    written = ftype[:40].lower().strip()
    for name, ftype_ in ftypes().items():
        if name in known and written in (ftype_.upload, *ftype_.called):
            return name
    carried = sorted(name for name in known if name in ftypes() and ftypes()[name].stream)
    import difflib  # takes longer than most checks

    found = difflib.get_close_matches(written, carried, 1, cutoff=0.75)
    return found[0] if found else None


def _given_up(ftype: str) -> bool:
    """Whether an ftype is a bootloader's, of a kind that no stream carries any more."""
    known = ftypes().get(ftype)
    return known is not None and known.family == "loader" and not known.stream


def _archive() -> str:
    """The ftype of the archives that bootloaders come in."""
    return streamed("loader")[0]


def _such_as(look: Look) -> str:
    """Two ftypes by way of example: of a live system, and of a tarball."""
    newest = look.releases[-1]
    tarballs = [ftype for ftype in of_family("tarball") if ftype in newest.ftypes]
    examples = (newest.ubuntu_set.roots[0], *tarballs)
    return f"one such as {listed(examples[:2], last='or')}"


def _size(item: Item) -> int | None:
    return _number(item.raw.get("size"))


def _number(value: Any) -> int | None:
    """A size as a number, ``None`` for what is none (``missing_size`` has it)."""
    if value.__class__ is int:
        return int(value)
    if not isinstance(value, str) or len(value) > 30:
        return None
    try:
        return int(value)
    except ValueError:
        return None


def _without_digest(items: Sequence[Item], look: Look) -> list[Item]:
    """Items whose own sha256 is not as it should be."""
    sums = look.catalog.item_column("sha256")
    # All at once first: one search in C.
    if {*map(type, sums)} == {str} and {*map(len, sums)} == {64} and DIGITS("".join(sums)):
        return []
    held = zip(items, sums, strict=True)
    return [i for i, sha256 in held if sha256.__class__ is not str or not DIGEST.fullmatch(sha256)]


def _without_size(items: Sequence[Item], look: Look) -> list[Item]:
    """Items whose own size is not as it should be."""
    sizes = look.catalog.item_column("size")
    if {*map(type, sizes)} == {int} and min(sizes) > 0:
        return []
    held = zip(items, sizes, strict=True)
    return [i for i, size in held if size.__class__ is not int or size <= 0]


def _leads_out(path: str) -> bool:
    if "../" not in path and path[:1] != "/":
        return False  # as nearly all are
    return path.startswith(("/", "../", ".../")) or "/../" in path or "/.../" in path


def _basename(item: Item) -> str:
    return (item.path or "").rpartition("/")[2]


def _told_alike(look: Look) -> bool:
    """Whether all items that name a file tell the same of it."""
    columns = [look.catalog.item_column(field) for field in ("path", "sha256", "size")]
    try:
        return len(set(zip(*columns, strict=True))) == len(set(columns[0]))
    except TypeError:  # of a type that no set takes
        return False


def _content(item: Item) -> tuple[Any, Any]:
    return (item.raw.get("sha256"), item.raw.get("size"))


def _from(item: Item) -> str:
    return f"{quoted(item.key)} of {quoted(item.version.product.name)}"


def _difference(one: Item, other: Item) -> str:
    here, there = _content(one), _content(other)
    if here[0] != there[0]:
        return f"sha256 is {_shortly(here[0])} here and {_shortly(there[0])} there"
    return f"size is {shown(here[1])} here and {shown(there[1])} there"


def _shortly(digest: Any) -> str:
    return quoted(digest[:12] + "…") if isinstance(digest, str) and digest else shown(digest)


def _tib(size: int | None) -> str:
    return f"{(size or 0) / TIB:,.1f} TiB"
