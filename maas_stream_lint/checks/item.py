"""Rules on ftypes and keys of items: which items MAAS takes."""

from __future__ import annotations

from functools import lru_cache
from itertools import compress
from typing import TYPE_CHECKING

from maas_stream_lint.checks.among import with_items
from maas_stream_lint.checks.item_paths import leads_out
from maas_stream_lint.checks.item_words import spot, unfit
from maas_stream_lint.checks.words import listed, shown, value_at
from maas_stream_lint.finding import Place, Severity
from maas_stream_lint.objects import column
from maas_stream_lint.quoting import quoted
from maas_stream_lint.rule import Said, cut, rule
from maas_stream_lint.rulebook import ftypes, of_family, streamed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from maas_stream_lint.imports.trace import Event
    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Item


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
        place=spot(event, "ftype", look),
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
            place=spot(event, "ftype", look),
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
    yield unfit(event, "ftype", look, likely, f"add the ftype, {likely}, to the item")


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
        if path is None or _basename(item) != name or leads_out(path) or "://" in path:
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
    among=lambda look: _unpacked_kernels(look),
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
    if not item.version.product.ubuntu:
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


def _unpacked_kernels(look: Look) -> Sequence[Item]:
    """The kernels whose own items name no package."""
    table = look.catalog.columns
    if all(
        column([*compress(table.items, map(look.kernels.__contains__, table.ftypes))], "kpackage")
    ):
        return []  # most streams end here
    kernels = list(look.kernels)  # a value may be of a type that no set takes
    alone = with_items("ftype", "kpackage", odd=lambda own, package: not package and own in kernels)
    return alone(look)


def _has_sibling(place: Place, ftype: str, look: Look) -> bool:
    """Whether the item's version has another item of that ftype."""
    items = value_at(look, Place(place.file, cut(place, "item").path[:-1]))
    siblings = items.values() if isinstance(items, dict) else ()
    return any(isinstance(i, dict) and i.get("ftype") == ftype for i in siblings)


def suggested_ftype(ftype: str, place: Place, look: Look) -> str | None:
    """The ftype that an unknown ftype probably means, judged by its text and the item's key."""
    known = look.releases[-1].ftypes
    near = _nearest(ftype, known) or (place.item if place.item in known else None)
    if near is not None and _has_sibling(place, near, look):
        return None  # so that one is not it
    return near


@lru_cache(maxsize=4096)
def _nearest(ftype: str, known: frozenset[str]) -> str | None:
    """The ftype that a text means, if that is clear."""
    written = ftype[:40].lower().strip()
    for name, ftype_ in ftypes().items():
        if name in known and written in (ftype_.upload, *ftype_.called):
            return name
    carried = sorted(name for name in known if name in ftypes() and ftypes()[name].stream)
    import difflib  # takes longer than most checks

    found = difflib.get_close_matches(written, carried, 1, cutoff=0.75)
    return found[0] if found else None


def _given_up(ftype: str) -> bool:
    """Whether an ftype is a bootloader's that no stream has any more."""
    known = ftypes().get(ftype)
    return known is not None and known.family == "loader" and not known.stream


def _archive() -> str:
    """The ftype of the archives that hold bootloaders."""
    return streamed("loader")[0]


def _such_as(look: Look) -> str:
    """Two ftypes as examples: a live system's and a tarball's."""
    newest = look.releases[-1]
    tarballs = [ftype for ftype in of_family("tarball") if ftype in newest.ftypes]
    examples = (newest.ubuntu_set.roots[0], *tarballs)
    return f"one such as {listed(examples[:2], last='or')}"


def _basename(item: Item) -> str:
    return (item.path or "").rpartition("/")[2]
