"""Rules on versions: the one that MAAS takes, and the files that it needs."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from maas_stream_lint.checks.among import holding
from maas_stream_lint.checks.words import listed, shown
from maas_stream_lint.finding import Place, Severity
from maas_stream_lint.imports.trace import Event
from maas_stream_lint.model import Version
from maas_stream_lint.quoting import quoted
from maas_stream_lint.rule import Said, rule
from maas_stream_lint.rulebook import ftypes, is_root, of_family
from maas_stream_lint.uploads import product_command

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from maas_stream_lint.imports.strict.fieldtypes import Problem
    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Item, Product
    from maas_stream_lint.rulebook import UbuntuSet

#: What any root file is called, where one is like another.
ROOT = "root image"
#: What MAAS says at deployment when it finds no root file: get_curtin_image, maasserver/preseed.py.
NO_IMAGE = (
    "Error generating the URL of curtin's image file.  "
    "No image could be found for the given selection"
)


@rule("MSL501", Severity.FATAL, at="product")
def no_versions(event: Event, look: Look) -> Iterator[Said]:
    """A product has no versions.

    MAAS: up to 3.7 MAAS imports nothing of it and logs nothing (`BasicMirrorWriter.sync_products`,
        simplestreams/mirrors). MAAS 3.8 needs a `versions` object with at least one member. One
        product without it makes the file invalid, and MAAS discards the whole source (`Product`,
        maasservicelayer/simplestreams/models.py).
    Why: MAAS downloads the files of versions; a product is only the frame around them. A tool that
        removed the last version has left the empty frame.
    Fix: publish a version, or remove the product from the file and its name from the index entry.
    Example:
        "versions": {}
    """
    yield Said(
        f"product {shown(event.place.product)} has no versions, expected at least one",
        "publish a version of it, or remove the product from the file and from the index entry",
        place=_field(event.place, "versions", look),
    )


@rule("MSL502", Severity.FATAL)
def newest_version_empty(event: Event, look: Look) -> Iterator[Said]:
    """MAAS imports nothing of a product because its newest version has no items.

    MAAS: up to 3.7 MAAS chooses the version by its name alone, before it looks at the items. If
        that version is empty, MAAS imports nothing, although older versions are complete, and logs
        nothing (`BasicMirrorWriter.sync_products` with `max_items` 1). MAAS 3.8 refuses the file
        and discards the whole source (maasservicelayer/simplestreams/models.py).
    Why: somebody announced the version before its files existed, or emptied it and left it in the
        stream.
    Fix: delete the empty version, or add its items. Publish the files first and the metadata after
        them.
    Example:
        "20261101": {
         "items": {}
        }
    """
    version = event.place.version
    product = look.catalog.product(event.place)
    older = None
    if product is not None:
        older = next((o for o in _names(product) if o != version and _items(product, o)), None)
    yield Said(
        f"version {shown(version)}, which MAAS takes, has no items, expected the image's files",
        f"delete version {shown(version)}, so that MAAS takes {shown(older)}, or publish its files"
        if older is not None
        else f"publish the files of version {shown(version)}, or delete the product",
    )


@rule("MSL503", Severity.FATAL)
def old_version_partial(event: Event, look: Look) -> Iterator[Said]:
    """An older version is incomplete, so MAAS 3.8 discards the whole source.

    MAAS: MAAS 3.8 checks *every* version of every product, not only the newest. One version that
        does not fit makes the file invalid, and MAAS discards the whole source
        (`SimpleStreamsProductListFactory.produce`, maasservicelayer/simplestreams/models.py). Up to
        3.7 MAAS checks older versions for unsafe paths only.
    Why: an older tool published the old version, often without a `manifest`, and nobody has checked
        it since.
    Fix: delete the old version, because MAAS takes the newest one anyway. Or add what the old
        version lacks.
    Example:
        "20260901": {
         "items": {
          "boot-initrd": {
    """
    problems: list[Problem] = event.values["problems"]
    told = "; ".join(dict.fromkeys(_problem_in_words(p) for p in problems[:4]))
    yield Said(
        f"older version {shown(event.place.version)} {told}, expected every version to be complete",
        f"delete this version, because MAAS takes {shown(event.values['newest'])}, or complete it",
    )


@rule(
    "MSL504",
    Severity.FATAL,
    on="version",
    among=holding(lambda ftypes, look: not look.kernels.issubset(ftypes)),
    causes=["missing-boot-kernel"],
)
def missing_boot_kernel(seen: Event | Version, look: Look) -> Iterator[Said]:
    """An Ubuntu product's newest version has no kernel.

    MAAS: up to 3.7 MAAS imports the other files. The set cannot boot a machine and offers no kernel
        (`commissionable`, maasserver/models/bootresourceset.py). MAAS 3.8 does not know such a
        product: it refuses the file and discards the whole source (`MultiFileImageVersion`,
        maasservicelayer/simplestreams/models.py).
    Why: MAAS boots every machine over the network with kernel and initrd of an Ubuntu set. It
        deploys Ubuntu only with a kernel to choose.
    Fix: publish `boot-kernel` and `boot-initrd` with the squashfs, as in Canonical's stream. If the
        image brings its own kernel, upload it with `maas $PROFILE boot-resources create`.
    Example:
        "items": {
         "boot-initrd": {
    """
    yield from _missing(0, seen, look)


@rule(
    "MSL505",
    Severity.FATAL,
    on="version",
    among=holding(lambda ftypes, look: not look.initrds.issubset(ftypes)),
    causes=["missing-boot-initrd"],
)
def missing_boot_initrd(seen: Event | Version, look: Look) -> Iterator[Said]:
    """An Ubuntu product's newest version has no initrd.

    MAAS: up to 3.7 MAAS imports the other files. MAAS does not commission machines with a set that
        has no initrd, and offers none of its kernels (`commissionable`,
        maasserver/models/bootresourceset.py). MAAS 3.8 refuses the file and discards the whole
        source (`MultiFileImageVersion`, maasservicelayer/simplestreams/models.py).
    Why: a machine gets kernel and initrd over the network. The initrd then downloads the root
        image.
    Fix: publish `boot-initrd` with `boot-kernel`, both from the same build of the kernel.
    Example:
        "items": {
         "boot-kernel": {
    """
    yield from _missing(1, seen, look)


@rule(
    "MSL506",
    Severity.FATAL,
    on="version",
    among=lambda _, look: [
        version
        for kinds, alike in look.catalog.by_ftypes.items()
        if not _best_roots(look).issubset(kinds)
        for version in alike
        if not _roots(kinds) or version.product.ubuntu
    ],
    causes=["missing-root-image", "missing-root-tgz"],
)
def missing_root_image(seen: Event | Version, look: Look) -> Iterator[Said]:
    """The newest version has no root image.

    MAAS: up to 3.7 MAAS imports the other files. MAAS does not commission machines with an Ubuntu
        set that has no `squashfs` or `root-image.gz`, and does not offer its kernel
        (`commissionable`, maasserver/models/bootresourceset.py). It has nothing to deploy from the
        set of another system (`get_curtin_image`, maasserver/preseed.py). MAAS 3.8 needs `squashfs`
        or `root-image.gz` with kernel and initrd, or else `root-tgz`, by the item's *key*. It
        refuses a file with any other version and discards the whole source
        (maasservicelayer/simplestreams/models.py).
    Why: the root image is the system itself. Kernel and initrd only start it.
    Fix: publish the root image with the other files: `squashfs` for Ubuntu, `root-tgz` for other
        systems.
    Example:
        "items": {
         "boot-initrd": {
    """
    if isinstance(seen, Event):
        known = seen.values.get("known") or [seen.values.get("key")]
        yield Said(
            f"version {shown(seen.place.version)} has no root image, expected {_either(known)}",
            f"publish {_either(known)} in this version, under that key",
        )
    elif seen.product.ubuntu:
        yield from _missing(2, seen, look)
    elif (
        seen.product.image
        and seen.items
        and not seen.roots
        and seen.ftypes.keys() <= ftypes().keys()
    ):
        lines = look.takes(seen.place)
        if not lines and all(item.ftype in of_family("listing") for item in seen.items):
            lines = _untroubled(seen, look)
        if lines:
            yield Said(
                f"version {quoted(seen.name)}, which MAAS takes, has no root image, "
                f"only {listed(seen.ftypes) or 'items without ftype'}",
                f"publish the system's root image in this version, such as a {_tarball(look)}",
                lines=lines,
                severity=Severity.UNUSABLE,
                effect="has nothing to deploy",
            )


@rule(
    "MSL507",
    Severity.UNUSABLE,
    on="product",
    among=lambda products, _: [p for p in products if not _alike(p.versions.values())],
)
def newest_version_partial(product: Product, look: Look) -> Iterator[Said]:
    """The newest version lacks a file that the version before it has.

    MAAS: MAAS takes the version with the greatest name, complete or not. It counts a set as
        complete when it has downloaded all files that the *version* names. Then it deletes the
        older set, which was good (`resource_set_cleaner`, maasserver/bootresources.py; MAAS 3.8:
        `cleanup_boot_resource_sets_for_selection`, maasservicelayer/services/image_sync.py). MAAS
        3.8 refuses a version without kernel, initrd or root image before that.
    Why: the build of one file failed, or somebody wrote the metadata before all files existed. The
        image worked before, and MAAS has to download it again to go back.
    Fix: publish the missing file in the newest version. Or delete that version, so that MAAS keeps
        the older one.
    Example:
        "20261101": {
         "items": {
          "boot-initrd": {
    """
    if product.newest is None or not product.newest.items:
        return
    older, lost = _lost(product.newest, look)
    lines = look.takes(product.place)
    if older is None or not lost or not lines:
        return
    newest = product.newest
    vital = product.ubuntu and not lost.keys().isdisjoint((*look.kernels, *look.initrds, ROOT))
    yield Said(
        f"version {quoted(newest.name)}, which MAAS takes, has no "
        f"{_either(lost.values())}, which {quoted(older.name)} has",
        f"publish it in {quoted(newest.name)}, or delete that version, so that MAAS keeps "
        f"{quoted(older.name)}",
        place=newest.place,
        also=(older.place,),
        lines=lines,
        severity=Severity.UNUSABLE if vital else Severity.WARNING,
        effect="imports it, cannot boot or deploy it, and deletes the older image that works"
        if vital
        else "imports it, and deletes the older image that has the file",
    )


@rule("MSL508", Severity.WARNING, on="product")
def version_sort(product: Product, look: Look) -> Iterator[Said]:
    """MAAS does not take the version that people count as the newest.

    MAAS: MAAS sorts version names as *text* and takes the last one. So `9` comes after `20250101`,
        `20250101_9` after `20250101_10`, and `latest` after every date (up to 3.7 `resolve_work`,
        simplestreams/util; MAAS 3.8: `sorted` by `version_name`,
        maasservicelayer/simplestreams/models.py). MAAS logs nothing and never imports the newer
        versions.
    Why: people count versions as numbers. The tenth build of a day, or a word among the dates,
        stops all updates.
    Fix: choose names that sort as text and as numbers alike: `YYYYMMDD_NN` with leading zeros. The
        paths of the files can stay.
    Example:
        "20261015_10": {
    """
    names = product.versions
    if len(names) < 2 or product.newest is None or _of_one_length(names):
        return
    taken = product.newest.name
    rank = _natural(taken)
    newer = max(names, key=_natural)
    if _natural(newer) > rank:
        yield Said(
            f"MAAS takes version {quoted(taken)}, which is the last as text, "
            f"but {quoted(newer)} looks newer",
            f"rename or delete version {quoted(taken)}; names like `20261015_01`, with leading "
            "zeros, sort as text and as numbers alike",
            place=product.newest.place,
            also=(product.place.below("versions", newer),),
            effect=f"imports {quoted(taken)} and never {quoted(newer)}",
        )


@rule("MSL509", Severity.FATAL)
def missing_manifest(event: Event, look: Look) -> Iterator[Said]:
    """A version has no item keyed `manifest`.

    MAAS: MAAS 3.8 needs a `manifest` in every version, except for bootloaders. Without it MAAS
        refuses the file and discards the whole source, although it never downloads the manifest
        (`MultiFileImageVersion`, `SingleFileImageVersion`,
        maasservicelayer/simplestreams/models.py). Up to 3.7 MAAS ignores the manifest with a
        harmless warning.
    Why: Canonical's stream always has one, the list of installed packages. `meph2-import` adds it
        only if the build left one.
    Fix: write the list of packages to a file in the image's folder; the list can be short. Name the
        file in an item with key and ftype `manifest`, and with `path`, `sha256` and `size`.
    Example:
        "items": {
         "root-tgz": {
    """
    yield Said(
        f"version {shown(event.place.version)} has no item keyed `manifest`, expected one "
        "in every version",
        "write the image's package list to a file and name the file in an item `manifest`, with "
        "ftype, path, sha256 and size",
    )


@rule(
    "MSL510",
    Severity.UNUSABLE,
    on="version",
    among=holding(lambda ftypes, _: len(_roots(ftypes)) > 1),
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
        yield replace(
            said,
            lines=tuple(line for line in told if line not in useless),
            severity=Severity.WARNING,
            effect="deploys whichever its directory lists first",
            log=None,
        )


@rule("MSL511", Severity.UNUSABLE, causes=["only-root-image"])
def only_root_image_gz(event: Event, look: Look) -> Iterator[Said]:
    """The only root of an Ubuntu product is one that MAAS cannot deploy.

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
    live = [i for i in version.roots if i.ftype in look.live_roots] if version is not None else []
    if version is None or not live:
        return
    best = _either(sorted(_best_roots(look)))
    yield Said(
        f"the only root of version {quoted(version.name)} to boot from is a "
        f"{quoted(live[0].ftype or '')}, expected a {best}",
        f"publish a {best} in this version, as Canonical's v3 streams do",
        place=live[0].place,
        also=event.values["also"],
        effect="imports it, but cannot deploy it",
    )


@rule("MSL512", Severity.UNUSABLE, on="version")
def duplicate_basename(version: Version, look: Look) -> Iterator[Said]:
    """Two items of the newest version have the same file name.

    MAAS: MAAS stores each file of a set under the last part of its `path`, without the folders. The
        second file of a name replaces the first, which is then missing. Up to 3.7 MAAS warns `Hash
        mismatch for … resourceset=…` (`get_or_create_boot_resource_file`,
        maasserver/bootresources.py). MAAS 3.8 logs nothing
        (`get_or_create_from_simplestreams_file`, maasservicelayer/services/bootresourcefiles.py).
    Why: the paths look different (`…/ga-24.04/kernel/image`, `…/ga-24.04/initrd/image`), but only
        their last part counts.
    Fix: rename one of the files, preferably to its ftype, and correct its `path`.
    Example:
        "path": "noble/amd64/20261015/initrd/image",
    """
    if len(version.items) < 2:
        return
    paths = [item.path for item in version.items if item.path is not None]
    if len({path[path.rfind("/") + 1 :] for path in paths}) == len(paths):
        return
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
        yield replace(
            said,
            lines=tuple(line for line in lines if line not in useless),
            severity=Severity.WARNING,
        )


def _undeployed(versions: Sequence[Version], look: Look) -> list[Version]:
    """Those of a system whose driver, on some release line, does not deploy one of their roots."""
    known: dict[tuple[str, frozenset[str]], bool] = {}
    found = []
    for kinds, alike in look.catalog.by_ftypes.items():
        roots = frozenset(_roots(kinds))
        for version in alike if roots else ():
            os = version.product.os
            odd = known.get((os, roots))
            if odd is None:
                drivers = look.deployed(os).values()
                odd = known[(os, roots)] = any(not roots <= set(accepted) for accepted in drivers)
            if odd:
                found.append(version)
    return found


@rule("MSL513", Severity.UNUSABLE, on="version", among=_undeployed)
def root_type_vs_os(version: Version, look: Look) -> Iterator[Said]:
    """The driver of the product's `os` does not deploy this kind of root file.

    MAAS: MAAS imports the image and offers it for deployment, which then fails. The driver of an
        `os` lists the kinds that it deploys: `centos`, `rhel`, `ol` and `suse` a tarball
        (`root-tgz`, `root-txz`, `root-tbz`), `windows`, `esxi` and `ubuntu-core` a disk image
        (`root-dd…`) (`get_image_filetypes`, drivers/osystem; up to 3.4 `_find_image` in the same
        place).
    Why: MAAS unpacks a tarball into a file system that it makes, and writes a disk image to the
        disk unchanged. The other steps of a driver fit only one of the two.
    Fix: build the kind that the system needs; packer-maas has templates for both. Or publish the
        file under the `os` whose driver deploys this kind. If only the ftype is wrong, correct the
        ftype and the item's key.
    Example:
        "root-dd.gz": {
         "ftype": "root-dd.gz",
    """
    product = version.product
    if not product.image or product.ubuntu or not product.system.stream:
        return  # 504 to 506 and custom_os have these
    roots = version.roots
    if not roots:
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
            f"{_either(_ftypes(roots))}, expected {wanted}",
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


# -- what is missing ----------------------------------------------------------------------------


def _missing(part: int, seen: Event | Version, look: Look) -> Iterator[Said]:
    """A missing part of an Ubuntu set. If several are missing, the rule of the first tells all."""
    if isinstance(seen, Event):
        key = str(seen.values["key"])
        yield Said(
            f"version {shown(seen.place.version)} has no {quoted(key)}", _whole_set(seen, look)
        )
        return
    if not seen.product.ubuntu or not seen.items:
        return
    for parts, releases in look.alike(lambda release: release.ubuntu_set):
        has = [*_vital(seen, parts), *_misspelt(seen, look)]
        lacking = [f for f in parts.parts if f not in has]
        if not lacking or lacking[0] != parts.parts[part]:
            continue
        if not _lost(seen, look)[1].keys().isdisjoint((parts.kernel, parts.initrd, ROOT)):
            continue  # newest_version_partial has it, where an older version is better
        here = {release.line for release in releases}
        lines, misnamed = look.takes(seen.place), look.misnames(seen.place)
        useless = look.unusable(seen.place)
        on = tuple(n for n in (*lines, *misnamed) if n in here and (n in useless or n in misnamed))
        if on:
            yield Said(
                f"version {quoted(seen.name)}, which MAAS takes, has no {_either(lacking)}",
                _whole_set(seen, look),
                lines=on,
                severity=Severity.UNUSABLE,
                effect="could not boot or deploy it under any name"
                if misnamed
                else "imports it, but cannot boot or deploy it",
            )


def _whole_set(seen: Event | Version, look: Look) -> str:
    """What to do about an Ubuntu set that lacks a part."""
    best = listed(sorted(_best_roots(look)), last="or").replace("`", "")
    told = f"publish kernel, initrd and {best} together"
    product = look.catalog.product(seen.place)
    found = product.newest.ftypes if product is not None and product.newest is not None else ()
    root = next((f for f in found if f in ftypes() and ftypes()[f].upload is not None), None)
    if product is None or root is None:
        return told
    return f"{told}, or upload the image: {product_command(product, root)}"


def _roots(ftypes: Iterable[str | None]) -> list[str]:
    """The ftypes of items that are root files, one for each item."""
    return [ftype for ftype in ftypes if ftype is not None and is_root(ftype)]


def _best_roots(look: Look) -> frozenset[str]:
    """The roots that Ubuntu's images have best."""
    return frozenset(release.ubuntu_set.roots[0] for release in look.releases)


def _only_live_roots(version: Version, look: Look) -> bool:
    """Whether an Ubuntu version has roots that a machine boots from, and none but these."""
    roots = version.roots
    return bool(roots) and version.product.ubuntu and {i.ftype for i in roots} <= look.live_roots


def _squashfs_key_has(version: Version, look: Look) -> bool:
    """Whether an item is keyed by the root that replaces the others."""
    return any(item.key in _best_roots(look) for item in version.items)


def _vital(version: Version, parts: UbuntuSet) -> list[str]:
    """What a version has of the parts of an Ubuntu set, any root as good as the best."""
    found = [f for f in (parts.kernel, parts.initrd) if f in version.ftypes]
    return found if version.ftypes.keys().isdisjoint(parts.roots) else [*found, parts.roots[0]]


def _misspelt(version: Version, look: Look) -> list[str]:
    """Keys of items whose ftype is missing or unknown, which rules on items tell."""
    known = look.ftypes
    return [item.key for item in version.items if item.ftype not in known]


def _alike(versions: Iterable[dict[str, Any]]) -> bool:
    """Whether all versions hold items of the same keys."""
    try:
        keys = [version["items"].keys() for version in versions]
    except (AttributeError, KeyError):
        return False
    return keys[1:] == keys[:-1]


def _lost(newest: Version, look: Look) -> tuple[Version | None, dict[str, str]]:
    """The version before the newest, and what it has that the newest lacks."""
    product = newest.product
    name = next((n for n in _names(product) if n != newest.name and _items(product, n)), None)
    if name is None:
        return None, {}
    older = Version(product, name, product.versions[name])
    if older.raw["items"].keys() <= newest.raw["items"].keys():
        return older, {}  # as it should be, told at a glance
    now = _parts(newest, look)
    return older, {part: name for part, name in _parts(older, look).items() if part not in now}


def _parts(version: Version, look: Look) -> dict[str, str]:
    """The parts of a version and their names: keys for a bootloader, ftypes for others.

    All roots count as one part. Of Ubuntu, only a root counts that a machine boots from.
    """
    product = version.product
    if product.bootloader:
        return {item.key: item.key for item in version.items}
    files = (*of_family("listing"), *of_family("notice"))
    parts = {f: f for f in version.ftypes if not is_root(f) and f not in files}
    roots = [f for f in version.ftypes if is_root(f)]
    if product.ubuntu:
        roots = [f for f in roots if f in look.live_roots]
        return {**parts, ROOT: roots[0]} if roots else parts
    return {**parts, ROOT: ROOT} if roots else parts


def _untroubled(version: Version, look: Look) -> tuple[str, ...]:
    """The release lines that stumble over nothing in a version's product."""
    product = version.product.place
    return tuple(
        line
        for trace in look.traces
        if not any(
            e.place.file == product.file and e.place.path[:2] == product.path for e in trace.events
        )
        for line in trace.lines
    )


def _names(product: Product) -> list[str]:
    return sorted(product.versions, reverse=True)


def _items(product: Product, version: str) -> bool:
    items = product.versions[version].get("items")
    return isinstance(items, dict) and bool(items)


# -- order --------------------------------------------------------------------------------------


def _of_one_length(names: Iterable[str]) -> bool:
    """Whether names sort alike as text and as numbers; most streams have such names."""
    joined = "".join(names)
    return joined.isascii() and joined.isdigit() and len({len(n) for n in names}) == 1


def _natural(name: str) -> list[tuple[int, int, str]]:
    """A key that compares digits as numbers, from the first digit on."""
    key = []
    for at, part in enumerate(re.split(r"([0-9]+)", name)[1:]):
        digits = part.lstrip("0")
        # Longer means greater; int() refuses more digits than a hostile name may have.
        key.append((1, len(digits), digits) if at % 2 == 0 else (0, 0, part))
    return key


# -- root files ---------------------------------------------------------------------------------


def _by_search(said: Said, lines: tuple[str, ...], look: Look) -> Iterator[Said]:
    """A finding, without its log line on lines whose racks find root files by name."""
    by_name = look.where(lambda release: release.deploy("finds-root-by") == "name")
    silent = tuple(line for line in lines if line in by_name)
    if silent:
        yield replace(said, lines=silent, log=None)
    if len(silent) < len(lines):
        yield replace(said, lines=tuple(line for line in lines if line not in by_name))


# -- words --------------------------------------------------------------------------------------


def _problem_in_words(problem: Problem) -> str:
    """What is wrong with a version, worded to follow its name."""
    item = problem.path[5] if len(problem.path) > 5 else None
    if problem.cause == "newest-version-empty":
        return "has no items"
    if problem.cause == "missing-root-image":
        return f"lacks {_either(problem.values['known'])}"
    if problem.cause == "bootloader-item-key":
        return f"has none of the items {listed(problem.values['known'])}"
    if problem.cause == "item-key-not-ftype":
        return f"keys {shown(problem.values['ftype'])} as {shown(item)}"
    if item is None:
        return f"lacks {shown(problem.values.get('key'))}"
    field = shown(problem.values.get("field"))
    if problem.values.get("value") is None:
        return f"lacks {field} in {shown(item)}"
    return f"has a wrong {field} in {shown(item)}"


def _tarball(look: Look) -> str:
    """The usual ftype of other systems' root files."""
    known = look.releases[-1].ftypes
    return quoted(next(ftype for ftype in of_family("tarball") if ftype in known))


def _kinds(accepted: tuple[str, ...]) -> str:
    """The root files that a driver deploys: kinds of disk images are too many to name."""
    disks = [f for f in accepted if ftypes()[f].family == "disk"]
    if len(disks) < 2:
        return _either(accepted)
    return f"a `{min(disks, key=len)}` type"


def _either(names: Iterable[str]) -> str:
    return listed(names, last="or")


def _ftypes(items: Iterable[Item]) -> list[str]:
    return [str(item.ftype) for item in items]


def _field(place: Place, field: str, look: Look) -> Place:
    """A product's field, or the product where it has none of that name."""
    product = look.catalog.product(place)
    return place if product is None else product.at(field)
