"""Rules on the files that a version needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.checks.among import being
from maas_stream_lint.checks.root_images import roots_among
from maas_stream_lint.checks.words import either, listed, shown
from maas_stream_lint.finding import Severity
from maas_stream_lint.imports.trace import Event
from maas_stream_lint.quoting import quoted
from maas_stream_lint.rule import Said, rule
from maas_stream_lint.rulebook import ftypes, is_root, of_family
from maas_stream_lint.uploads import product_command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Product, Version
    from maas_stream_lint.nature import Nature
    from maas_stream_lint.rulebook import UbuntuSet


#: What any root file is called, where one is like another.
ROOT = "root image"


@rule(
    "MSL504",
    Severity.FATAL,
    on="version",
    among=being(lambda nature, look: nature.ubuntu and not look.kernels.issubset(nature.ftypes)),
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
    among=being(lambda nature, look: nature.ubuntu and not look.initrds.issubset(nature.ftypes)),
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
    among=being(lambda nature, look: _lacks_root(nature, look)),
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
            f"version {shown(seen.place.version)} has no root image, expected {either(known)}",
            f"publish {either(known)} in this version, under that key",
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
            lines = look.untroubled(seen.place)
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
    among=lambda look: _with_other_items(look),
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
        f"{either(lost.values())}, which {quoted(older.name)} has",
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


def _lacks_root(nature: Nature, look: Look) -> bool:
    """Whether a version has no root; for Ubuntu, none to boot from on some release line."""
    held = set(nature.ftypes)
    if nature.ubuntu:
        return any(held.isdisjoint(parts.roots) for parts, _ in look.ubuntu_sets)
    return not roots_among(nature.ftypes)


def _missing(part: int, seen: Event | Version, look: Look) -> Iterator[Said]:
    """A missing part of an Ubuntu set. The rule of the first missing part names all of them."""
    if isinstance(seen, Event):
        key = str(seen.values["key"])
        yield Said(
            f"version {shown(seen.place.version)} has no {quoted(key)}", _whole_set(seen, look)
        )
        return
    if not seen.product.ubuntu or not seen.items:
        return
    for parts, here in look.ubuntu_sets:
        has = [*_vital(seen, parts), *_misspelt(seen, look)]
        lacking = [f for f in parts.parts if f not in has]
        if not lacking or lacking[0] != parts.parts[part]:
            continue
        if not _lost(seen, look)[1].keys().isdisjoint((parts.kernel, parts.initrd, ROOT)):
            continue  # newest_version_partial has it, where an older version is better
        lines, misnamed = look.takes(seen.place), look.misnames(seen.place)
        useless = look.unusable(seen.place)
        on = tuple(n for n in (*lines, *misnamed) if n in here and (n in useless or n in misnamed))
        if on:
            yield Said(
                f"version {quoted(seen.name)}, which MAAS takes, has no {either(lacking)}",
                _whole_set(seen, look),
                lines=on,
                severity=Severity.UNUSABLE,
                effect="could not boot or deploy it under any name"
                if misnamed
                else "imports it, but cannot boot or deploy it",
            )


def _whole_set(seen: Event | Version, look: Look) -> str:
    """What to do about an Ubuntu set that lacks a part."""
    best = listed(sorted(look.best_roots), last="or").replace("`", "")
    told = f"publish kernel, initrd and {best} together"
    product = look.catalog.product(seen.place)
    found = product.newest.ftypes if product is not None and product.newest is not None else ()
    root = next((f for f in found if f in ftypes() and ftypes()[f].upload is not None), None)
    if product is None or root is None:
        return told
    return f"{told}, or upload the image: {product_command(product, root)}"


def _vital(version: Version, parts: UbuntuSet) -> list[str]:
    """The parts of an Ubuntu set that a version has. Any root counts as the best one."""
    found = [f for f in (parts.kernel, parts.initrd) if f in version.ftypes]
    return found if version.ftypes.keys().isdisjoint(parts.roots) else [*found, parts.roots[0]]


def _misspelt(version: Version, look: Look) -> list[str]:
    """Keys of items whose ftype is missing or unknown. Rules on items report these."""
    known = look.ftypes
    return [item.key for item in version.items if item.ftype not in known]


def _with_other_items(look: Look) -> list[Product]:
    """The products with versions whose items do not all have the same keys."""
    several = look.catalog.columns.odd_in_versions
    return [product for product in several if not _alike(product.raw.get("versions"))]


def _alike(versions: Any) -> bool:
    """Whether all versions hold items of the same keys."""
    try:
        keys = [version["items"].keys() for version in versions.values()]
    except (AttributeError, KeyError, TypeError):
        return False
    return keys[1:] == keys[:-1]


def _lost(newest: Version, look: Look) -> tuple[Version | None, dict[str, str]]:
    """The version before the newest, and what it has that the newest lacks."""
    older = newest.before
    if older is None or older.raw["items"].keys() <= newest.raw["items"].keys():
        return older, {}  # as it should be, told at a glance
    now = _parts(newest, look)
    return older, {part: name for part, name in _parts(older, look).items() if part not in now}


def _parts(version: Version, look: Look) -> dict[str, str]:
    """The parts of a version and their names: keys for a bootloader, ftypes for others.

    All roots count as one part. For Ubuntu, only a root that a machine boots from counts.
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


def _tarball(look: Look) -> str:
    """The usual ftype of other systems' root files."""
    known = look.releases[-1].ftypes
    return quoted(next(ftype for ftype in of_family("tarball") if ftype in known))
