"""Rules on root images: which one of a version MAAS uses, and what it can deploy."""

from __future__ import annotations

from itertools import compress
from typing import TYPE_CHECKING

from maas_stream_lint.checks.among import being
from maas_stream_lint.checks.words import either, listed, shown
from maas_stream_lint.finding import Place, Severity
from maas_stream_lint.quoting import quoted
from maas_stream_lint.rule import Said, rule
from maas_stream_lint.rulebook import ftypes, is_root

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from maas_stream_lint.imports.trace import Event
    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Item, Version
    from maas_stream_lint.nature import Nature


#: What MAAS says at deployment when it finds no root file: get_curtin_image, maasserver/preseed.py.
NO_IMAGE = (
    "Error generating the URL of curtin's image file.  "
    "No image could be found for the given selection"
)


@rule(
    "MSL510",
    Severity.UNUSABLE,
    on="version",
    among=being(lambda nature, _: len(roots_among(nature.ftypes)) > 1),
)
def several_root_files(version: Version, look: Look) -> Iterator[Said]:
    """The newest version has several root files for one system.

    MAAS: from 3.5 on MAAS expects exactly one root file of the kinds that the OS driver deploys. If
        there are two, each deployment ends with a database error (`get_curtin_image`,
        maasserver/preseed.py). Up to 3.4 the rack takes the first file of the directory, which can
        be either (`_find_image`, provisioningserver/drivers/osystem/__init__.py).
    Why: a stream that offers one system as `root-tgz` and `root-txz` leaves the choice to MAAS, and
        MAAS has no rule for it.
    Fix: keep one root file in the version, and delete the other items.
    Example:
        "root-txz": {
         "ftype": "root-txz",
    """
    roots = version.roots
    if not version.product.image or not version.product.system.stream:
        return  # custom_os has the last one
    drivers = look.deployed(version.product.os)
    deployed = set().union(*drivers.values())
    if sum(i.ftype in deployed for i in roots) < 2:
        return
    told = {}
    stored = [(i, look.stores(i)) for i in roots]
    for line, accepted in drivers.items():
        here = [i for i, lines in stored if i.ftype in accepted and line in lines]
        if len(here) > 1:
            told[line] = here
    if told:
        some = max(told.values(), key=len)
        useless = look.unusable(version.place)
        said = Said(
            f"version {quoted(version.name)} has {len(some)} root files, "
            f"{listed(_ftypes(some))}, expected one",
            "keep one root file in this version, and delete the items of the others",
            place=some[1].place,
            also=(some[0].place, *(i.place for i in some[2:])),
            lines=tuple(line for line in told if line in useless),
            effect="imports all of them and cannot choose one to deploy",
            log=f"get() returned more than one BootResourceFile -- it returned {len(some)}!",
        )
        yield said
        yield said._replace(
            lines=tuple(line for line in told if line not in useless),
            severity=Severity.WARNING,
            effect="deploys whichever its directory lists first",
            log=None,
        )


@rule("MSL511", Severity.UNUSABLE, causes=["only-root-image"])
def only_root_image_gz(event: Event, look: Look) -> Iterator[Said]:
    """MAAS cannot deploy the only root image of an Ubuntu product.

    MAAS: MAAS imports a `root-image.gz`. No OS driver deploys it, so each deployment fails
        (`get_image_filetypes`, drivers/osystem; up to 3.4 `_find_image` in the same place). From
        3.5 on MAAS passes it to the kernel as the root of the live system, which works only if the
        file is a squashfs. Up to 3.4 MAAS always passes the file name `squashfs`.
    Why: `root-image.gz` is the root of the v2 streams, from the time before squashfs.
    Fix: publish the root as `squashfs`, as in Canonical's v3 streams. A `root-image.gz` in the same
        version does no harm.
    Example:
        "root-image.gz": {
         "ftype": "root-image.gz",
    """
    product = look.catalog.product(event.place)
    version = product.newest if product is not None else None
    items = version.items if version is not None else ()
    live = next((item for item in items if item.ftype in look.live_roots), None)
    if version is None or live is None:
        return
    best = either(sorted(look.best_roots))
    yield Said(
        f"the only root of version {quoted(version.name)} to boot from is a "
        f"{quoted(live.ftype or '')}, expected a {best}",
        f"publish a {best} in this version, as Canonical's v3 streams do",
        place=live.place,
        also=event.values["also"],
        effect="imports it, but cannot deploy it",
    )


def _with_doubles(look: Look) -> list[Version]:
    """The newest versions with two items whose files have one name."""
    table = look.catalog.columns
    names = [path and path.rpartition("/")[2] for path in table.paths]
    held = list(table.by_product(names))
    doubled = {alike for alike in set(held) if len(set(alike)) < len(alike)}
    found = compress(table.products, map(doubled.__contains__, held)) if doubled else ()
    return [product.newest for product in found if product.newest is not None]


@rule("MSL512", Severity.UNUSABLE, on="version", among=_with_doubles)
def duplicate_basename(version: Version, look: Look) -> Iterator[Said]:
    """Two items of the newest version have the same file name.

    MAAS: MAAS stores each file of a set under the last part of its `path`, without the folders. The
        second file of a name replaces the first, so the first is missing. Up to 3.7 MAAS warns
        `Hash mismatch for … resourceset=…` (`get_or_create_boot_resource_file`,
        maasserver/bootresources.py). MAAS 3.8 logs nothing
        (`get_or_create_from_simplestreams_file`, maasservicelayer/services/bootresourcefiles.py).
    Why: the paths look different (`…/ga-24.04/kernel/image`, `…/ga-24.04/initrd/image`), but only
        their last part counts.
    Fix: rename one of the files, preferably to its ftype, and correct its `path`.
    Example:
        "path": "noble/amd64/20261015/initrd/image",
    """
    seen: dict[str, Item] = {}
    for item in version.items:
        path = item.path
        if path is None:
            continue
        name = path[path.rfind("/") + 1 :]
        first = seen.setdefault(name, item)
        if first is item or (first.ftype, first.get("sha256")) == (item.ftype, item.get("sha256")):
            continue
        once = look.stores(first)
        lines = tuple(line for line in look.stores(item) if line in once)
        useless = look.unusable(version.place)
        said = Said(
            f"items {quoted(first.key)} and {quoted(item.key)} both have a file named "
            f"{quoted(name)}, expected different names",
            "rename one of the files, preferably to its ftype, and correct its `path`",
            place=item.at("path"),
            also=(first.at("path"),),
            lines=tuple(line for line in lines if line in useless),
            effect=f"keeps only one of the two, so that {quoted(first.key)} or "
            f"{quoted(item.key)} is missing",
        )
        yield said
        yield said._replace(
            lines=tuple(line for line in lines if line not in useless),
            severity=Severity.WARNING,
        )


def _is_by_driver(nature: Nature) -> bool:
    """Whether it is an image that no other rule judges: 504 to 506 and custom_os have others."""
    return nature.image and not nature.ubuntu and nature.system.stream


def _is_undeployed(nature: Nature, look: Look) -> bool:
    """Whether some release line's driver does not deploy one of the product's root images."""
    roots = roots_among(nature.ftypes) if _is_by_driver(nature) else []
    drivers = look.deployed(nature.os).values() if roots else ()
    return any(root not in accepted for accepted in drivers for root in roots)


@rule("MSL513", Severity.UNUSABLE, on="version", among=being(_is_undeployed))
def root_type_vs_os(version: Version, look: Look) -> Iterator[Said]:
    """The driver of the product's `os` does not deploy this kind of root file.

    MAAS: MAAS imports the image and offers it for deployment, which then fails. The driver of an
        `os` lists the kinds that it deploys (`get_image_filetypes`, drivers/osystem; up to 3.4
        `_find_image` in the same place). The drivers of `centos`, `rhel`, `ol` and `suse` deploy a
        tarball (`root-tgz`, `root-txz`, `root-tbz`). Those of `windows`, `esxi` and `ubuntu-core`
        deploy a disk image (`root-dd…`).
    Why: MAAS unpacks a tarball into a file system that it makes, and writes a disk image to the
        disk unchanged. The other steps of a driver fit only one of the two.
    Fix: build the kind that the system needs; packer-maas has templates for both. Or publish the
        file under the `os` whose driver deploys this kind. If only the ftype is wrong, correct the
        ftype and the item's key.
    Example:
        "root-dd.gz": {
         "ftype": "root-dd.gz",
    """
    product, roots = version.product, version.roots
    if not _is_by_driver(product.nature):
        return
    lines, wanted = [], ""
    useless = look.unusable(version.place)
    stored = [(i, look.stores(i)) for i in roots]
    for line, accepted in look.deployed(product.os).items():
        here = [i for i, on in stored if line in on]
        if here and line in useless and not any(i.ftype in accepted for i in here):
            lines.append(line)
            wanted = _kinds(accepted)
    if lines:
        said = Said(
            f"MAAS cannot deploy os {quoted(product.os)} from "
            f"{either(_ftypes(roots))}, expected {wanted}",
            f"publish {wanted}, or use the `os` whose driver deploys this kind of file",
            place=roots[0].at("ftype"),
            also=(product.at("os"),),
            effect="imports the image and offers it for deployment, which then fails",
            log=NO_IMAGE,
        )
        yield from _by_search(said, tuple(lines), look)


@rule("MSL514", Severity.IGNORED)
def squashfs_key(event: Event, look: Look) -> Iterator[Said]:
    """MAAS ignores a `root-image.gz` because another item is keyed `squashfs`.

    MAAS: up to 3.7 MAAS ignores `root-image.gz` if the version has an item with the *key*
        `squashfs`, whatever that item is. It logs nothing (`BootResourceRepoWriter.insert_item`,
        maasserver/bootresources.py). MAAS 3.8 stores both.
    Why: `squashfs` replaced `root-image.gz`, and Canonical's streams use the ftype as key. If the
        item is a squashfs, nothing is lost. If it is something else, MAAS has no root image.
    Fix: if the `squashfs` item is no squashfs, rename its key to its ftype. Otherwise delete the
        `root-image.gz` item, or change nothing.
    Example:
        "squashfs": {
         "ftype": "manifest",
    """
    key, passed_over = event.values["key"], quoted(event.values["ftype"])
    other = event.values.get("item")
    ftype = other.get("ftype") if isinstance(other, dict) else None
    if ftype == key:
        yield Said(
            f"MAAS ignores {passed_over} because of the item {quoted(key)}, expected one of them",
            f"delete the {passed_over} item: MAAS does not need it with a {key}",
            severity=Severity.INFO,
            effect=f"ignores it, logs nothing and uses the {key}, so nothing is lost",
        )
    else:
        yield Said(
            f"MAAS ignores {passed_over} because an item of ftype {shown(ftype)} is keyed "
            f"{quoted(key)}, expected a {key} there",
            f"rename the key {quoted(key)} to the item's ftype, or publish a {key} in it",
            also=(Place(event.place.file, (*event.place.path[:5], key)),),
        )


def roots_among(ftypes: Iterable[str | None]) -> list[str]:
    """The ftypes of items that are root files, one for each item."""
    return [ftype for ftype in ftypes if ftype is not None and is_root(ftype)]


def _by_search(said: Said, lines: tuple[str, ...], look: Look) -> Iterator[Said]:
    """A finding. It has no log line on release lines whose racks find root files by name."""
    by_name = look.where(lambda release: release.deploy("finds-root-by") == "name")
    silent = tuple(line for line in lines if line in by_name)
    if silent:
        yield said._replace(lines=silent, log=None)
    if len(silent) < len(lines):
        yield said._replace(lines=tuple(line for line in lines if line not in by_name))


def _kinds(accepted: tuple[str, ...]) -> str:
    """The root files that a driver deploys, with one word for its many kinds of disk images."""
    disks = [f for f in accepted if ftypes()[f].family == "disk"]
    if len(disks) < 2:
        return either(accepted)
    return f"a `{min(disks, key=len)}` type"


def _ftypes(items: Iterable[Item]) -> list[str]:
    return [str(item.ftype) for item in items]
