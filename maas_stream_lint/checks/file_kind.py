"""Rules on what image files hold: whether that is what their ftypes say."""

from __future__ import annotations

from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING

from maas_stream_lint.checks.among import being
from maas_stream_lint.checks.image import NEVER, asking, is_newest
from maas_stream_lint.checks.words import MANY, listed
from maas_stream_lint.finding import Severity
from maas_stream_lint.quoting import quoted
from maas_stream_lint.rule import Said, rule
from maas_stream_lint.rulebook import disk_packed_as, ftypes, of_family, streamed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.images.content import Content
    from maas_stream_lint.images.observation import Seen
    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Image, Item, Version
    from maas_stream_lint.nature import Nature


def _misfits(look: Look) -> list[Image]:
    """The image files whose kind is not what an item's ftype says."""
    files = look.survey.files if look.survey is not None else {}
    if not files:
        return []
    # Numbers stand for contents: a set of those takes twice as long.
    contents = {id(seen.content): seen.content for seen in files.values()}
    said = look.of_seen(look.catalog.said_by_all("ftype"))
    held = list(zip(map(id, map(attrgetter("content"), look.seen)), said, strict=True))
    wrong = {kind for kind in {*held} if _wrong(contents[kind[0]], kind[1])}
    named = zip(look.seen, held, strict=True) if wrong else ()
    return look.images_at({seen.path for seen, kind in named if kind in wrong})


def _holds_loaders(nature: Nature, look: Look) -> bool:
    """Whether such a product has the archive of a bootloader, and files were seen."""
    seen = look.survey is not None and bool(look.survey.files)
    return seen and any(ftype in nature.ftypes for ftype in streamed("loader"))


@rule("MSL706", Severity.UNUSABLE, on="image", among=_misfits)
def ddgz_as_root_dd(image: Image, look: Look) -> Iterator[Said]:
    """A compressed disk image has the ftype `root-dd`, which means a tar of a disk image.

    MAAS: tells curtin that a file of ftype `root-dd` is a `dd-tgz`: a tar.gz that holds the disk
        image (`get_image_filetypes` and `_get_image_filetypes`, drivers/osystem). A disk image in a
        plain gzip has the ftype `root-dd.gz`, which curtin calls `dd-gz`.
    Why: the upload names `ddtgz` and `ddgz` differ by one letter, and some READMEs were wrong.
    Fix: write `root-dd.gz` as ftype, as the item's key, and as the file's name.
    Example:
        "ftype": "root-dd"
    """
    content = image.seen.content
    if content is None or not _looked_through(image.seen):
        return
    tarred = _tarred_disk()
    items = [i for i in image.items if i.ftype == tarred]
    name = _plain_disk(content) if items else None
    if name is not None:
        yield from _unusable(
            image,
            look,
            items,
            f"{quoted(image.path)} is {content.in_words()}, but `{tarred}` is a tar of a disk "
            "image",
            f"write `{name}` as ftype and key of the item",
            "has curtin write it to the disk as a tar; curtin then finds no file system",
        )


@rule("MSL707", Severity.UNUSABLE, on="image", among=_misfits)
def tgz_not_a_tarball(image: Image, look: Look) -> Iterator[Said]:
    """A file with a tarball's ftype is no tarball, or holds a disk image.

    MAAS: hands the file to curtin, and curtin unpacks it onto the new file system. That fails for a
        file that is no tar. After a tar of one disk image the machine does not boot
        (`get_curtin_image`, maasserver/preseed.py).
    Why: people pack qcow2 and raw images into a `.tar.gz` for the upload, or rename a `.dd.gz`.
    Fix: pack the root file system itself, with `tar -C ROOT --xattrs -czf …`. Or publish a disk
        image with the ftype `root-dd.gz`, for an os that MAAS deploys from one.
    Example:
        "ftype": "root-tgz"
    """
    content = image.seen.content
    if content is None or not _looked_through(image.seen):
        return
    tarballs = of_family("tarball")
    items = [i for i in image.items if i.ftype in tarballs]
    if items and _wrong(content, items[0].ftype or ""):
        yield from _unusable(
            image,
            look,
            items,
            f"{quoted(image.path)} is {content.in_words()}, "
            f"expected a tarball of a root file system as `{items[0].ftype}`",
            _under_another_name(content, items, "pack the root file system itself with tar"),
            "imports it, and the deployment fails when curtin unpacks it",
        )


@rule("MSL708", Severity.UNUSABLE, on="image", among=_misfits)
def not_what_ftype_says(image: Image, look: Look) -> Iterator[Said]:
    """A file is of another kind than its `ftype` says.

    MAAS: only hashes a file, and never looks at its kind. It imports and offers an initrd that is a
        squashfs, or a disk image that is a tarball. Then a machine fails to boot, or its deployment
        fails (`get_boot_filenames`, maasserver/models/bootresourceset.py; `get_curtin_image`,
        maasserver/preseed.py).
    Why: two items have each other's path, or a script renames the files that it packs.
    Fix: give the item the path of the right file, or the ftype of the file that it names.
    Example:
        "ftype": "boot-kernel"
    """
    content = image.seen.content
    if content is None or not _looked_through(image.seen):
        return
    for ftype, items in _by_ftype(image).items():
        if ftype in of_family("tarball") or not _wrong(content, ftype):
            continue
        if ftype == _tarred_disk() and _plain_disk(content) is not None:
            continue  # ddgz_as_root_dd has it
        yield from _unusable(
            image,
            look,
            items,
            f"{quoted(image.path)} is {content.in_words()}, not a {quoted(ftype)}",
            _under_another_name(content, items, "give the item the path of the right file"),
            "imports it; a machine then fails to boot from it, or its deployment fails",
        )


@rule("MSL710", Severity.UNUSABLE, on="version", among=being(_holds_loaders))
def bootloader_archive_contents(version: Version, look: Look) -> Iterator[Said]:
    """The archives of a bootloader lack a file that machines boot from.

    MAAS: unpacks the archives, and offers files of fixed names to machines. Up to 3.4 each rack
        controller looks for them and logs a missing one (`_link_simplestream_bootloaders`,
        provisioningserver/boot/__init__.py). From 3.5 on nothing checks them, and machines fail to
        boot (`bootloader_files`, maascommon/bootmethods.py).
    Why: names differ between distributions and versions: older syslinux has no `lpxelinux.0`.
    Fix: put the files into one of the version's archives, at the top and with these names.
    Example:
        "os": "grub-efi-signed"
    """
    files = look.survey.files if look.survey is not None else {}
    ftypes_ = streamed("loader") if files else ()
    archives = [item for ftype in ftypes_ for item in version.ftypes.get(ftype, ())]
    seen = [files.get(item.path or "") for item in archives]
    if not archives or any(s is None or s.names is None for s in seen):
        return
    product = version.product
    kind = (product.get("bootloader-type") or "", product.os, product.get("arch") or "")
    held = {_top_name(name) for s in seen if s is not None for name in s.names or ()}
    for release in look.releases:
        missing = [n for n in release.bootloader_files.get(kind, ()) if n not in held]
        lines = [line for line in look.downloads(archives[0]) if line == release.line]
        if missing and lines:
            log: str = release.download("bootloader-log")
            yield Said(
                f"no archive of the version holds {listed(missing, most=6)}, and "
                f"{quoted(kind[2])} machines boot from it",
                "put it into one of the archives, at the top and with this name",
                place=archives[0].at("path"),
                also=tuple(item.at("path") for item in archives[1:]),
                lines=tuple(lines),
                effect="offers the bootloader without it, and machines fail to boot",
                log=log.format(file=missing[0], type=kind[0]),
            )


def _unusable(
    image: Image, look: Look, items: list[Item], message: str, remedy: str, effect: str
) -> Iterator[Said]:
    newest = [item for item in items if is_newest(item)]
    place, *also = [item.at("ftype") for item in newest or items]
    yield Said(
        message,
        remedy,
        place,
        tuple(also[:MANY]),
        asking(newest or items, look),
        Severity.UNUSABLE if newest else Severity.WARNING,
        effect if newest else NEVER,
    )


def _by_ftype(image: Image) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = {}
    for item in image.items:
        if item.ftype is not None:
            found.setdefault(item.ftype, []).append(item)
    return found


@lru_cache(maxsize=1024)
def _wrong(content: Content | None, ftype: str | None) -> bool:
    """Whether a file with these contents cannot have this ftype."""
    wanted = ftypes().get(ftype) if ftype is not None else None
    return content is not None and wanted is not None and content.suits(wanted) is False


def _tarred_disk() -> str | None:
    """The ftype of a disk image in a tar.gz."""
    return disk_packed_as("gzip", "tar")


def _plain_disk(content: Content) -> str | None:
    """The ftype of a compressed disk image that is in no tar; ``None`` for any other content."""
    tarred = _tarred_disk()
    if not content.opened or tarred is None or not _wrong(content, tarred):
        return None
    name = disk_packed_as(content.kind)
    return None if name is None or _wrong(content, name) else name


def _looked_through(seen: Seen) -> bool:
    return seen.trouble is None and not seen.is_page


def _under_another_name(content: Content, items: list[Item], otherwise: str) -> str:
    # An image to deploy does not become right as a file to boot from.
    root = (items[0].ftype or "").startswith("root")
    names = [n for n in content.fitting(ftypes()) if n.startswith("root") or not root]
    if not names:
        return otherwise
    return f"{otherwise}, or write {listed(names[:2], last='or')} as ftype if this one is meant"


def _top_name(name: str) -> str:
    return name.removeprefix("./")
