"""Rules on bootloaders: which ones MAAS takes, and whether machines have one to boot with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.checks.words import MANY, joined, listed
from maas_stream_lint.finding import Severity
from maas_stream_lint.quoting import quoted
from maas_stream_lint.rule import Said, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.imports.trace import Event
    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Product, Whole
    from maas_stream_lint.nature import Nature
    from maas_stream_lint.rulebook import Release

#: Fields of a product that say which bootloader it is.
FIELDS = ("bootloader-type", "os", "arch")
#: Fields of a bootloader's item that only bootloaders have.
PACKAGE = ("src_package", "src_release", "src_version")
#: What MAAS does with a bootloader that it does not take, whether it logs a line or not.
DROPPED = "drops the bootloader and shows no error"

#: A bootloader: type, os, arch.
Triple = tuple[str, str, str]


@rule("MSL406", Severity.IGNORED, at="product")
def bootloader_name(event: Event, look: Look) -> Iterator[Said]:
    """MAAS drops a bootloader because its name lacks `:1:`.

    MAAS: every release line requires `:1:` in the name of a product that has a `bootloader-type`
        (`validate_bootloader`, import_images/download_descriptions.py; MAAS 3.8:
        `_bootloader_matches_selection`, maasservicelayer/services/image_sync.py). Up to 3.7 the
        log says `Ignoring unsupported product NAME`. MAAS 3.8 logs nothing.
    Why: `1` is the format of Canonical's bootloader products. MAAS knows the format by the name
        alone.
    Fix: give the product a name like Canonical's, `com.example:1:grub-efi-signed:uefi:amd64`, in
        the `products` list of the index entry too.
    Example:
        "com.example.maas:bootloaders:grub-efi-signed:uefi:amd64": {
    """
    yield Said(
        f"the name of a bootloader must contain `:1:`, but {quoted(event.place.product)} does not",
        "give it a name like `PREFIX:1:OS:TYPE:ARCH`, in the index too",
        effect=DROPPED,
    )


@rule("MSL407", Severity.IGNORED, at="product")
def bootloader_unsupported(event: Event, look: Look) -> Iterator[Said]:
    """MAAS drops a bootloader because it boots no such combination of type, os and arch.

    MAAS: every release line knows four combinations (`SUPPORTED_BOOTLOADERS`,
        import_images/download_descriptions.py; MAAS 3.8:
        maasservicelayer/services/image_sync.py) and compares them letter by letter: `pxe`
        `pxelinux` `i386`, `uefi` `grub-efi-signed` `amd64`, `uefi` `grub-efi` `arm64` and
        `open-firmware` `grub-ieee1275` `ppc64el`. Up to 3.7 the log says `Ignoring unsupported
        product NAME`. MAAS 3.8 logs nothing.
    Why: MAAS can write the boot configuration of these four only. It wants `pxelinux` as `i386`,
        which boots amd64 machines too. `conf/bootloaders.yaml` of maas-images has built `pxelinux`
        as `amd64` since 2023, so even a new tree from Canonical's own tool has this finding. If the
        stream also has the accepted form, MAAS loses nothing and the severity is `info`.
    Fix: set `bootloader-type`, `os` and `arch` to one of the four, if the files are of that kind.
        Remove other bootloaders: MAAS cannot use them.
    Example:
        "os": "pxelinux",
    """
    given = tuple(event.values.get(field) for field in ("type", "os", "arch"))
    boots = look.releases[-1].boots
    nearest = _nearest(given, look.releases[-1])
    fields = zip(FIELDS, given, nearest, strict=True)
    wrong = {field: right for field, has, right in fields if has != right}
    same_machines = _likeness(nearest, given) >= 3 and given[2] in (None, *boots[nearest])
    twin = _taken(nearest, look) if same_machines else None
    if twin is not None:
        remedy = f"nothing to do: {quoted(twin.name)} boots the same machines"
    elif same_machines:
        remedy = "set " + joined([f"`{field}` to `{right}`" for field, right in wrong.items()])
    else:
        known = "; ".join(" ".join(f"`{part}`" for part in one) for one in sorted(boots))
        remedy = f"remove it; MAAS boots only these (type, os, arch): {known}"
    product = look.catalog.product(event.place)
    yield Said(
        "MAAS boots no {1} of type {0} for {2}".format(*map(quoted, given)),
        remedy,
        also=tuple(product.at(field) for field in wrong) if product is not None else (),
        severity=Severity.INFO if twin is not None else None,
        effect=DROPPED if twin is None else f"{DROPPED}, and loses nothing",
    )


@rule("MSL408", Severity.FATAL, causes=["bootloader-fields", "missing-bootloader-type"], at="item")
def bootloader_fields(event: Event, look: Look) -> Iterator[Said]:
    """MAAS 3.8 discards the whole source because a bootloader lacks a field.

    MAAS: MAAS 3.8 needs `arches` and `bootloader-type` in a bootloader product, and `src_package`,
        `src_release` and `src_version` in each of its items, all as text (`BootloaderProduct`,
        `BootloaderItem`, maasservicelayer/simplestreams/models.py). Without them the file is
        invalid, `Got invalid data for the products file`, and MAAS discards the whole source. MAAS
        2.9 to 3.7 reads only `bootloader-type`. A product without it counts as an image, which
        needs a `release`.
    Why: Canonical unpacks its bootloaders from Ubuntu packages and names these packages.
    Fix: add the missing fields. `arches` repeats `arch`. The `src_` fields name the Ubuntu source
        package, its release and its version: `grub2-signed`, `noble`, `1.202`. MAAS only stores
        them, so any text works.
    Example:
        "size": 400000,
        "src_package": "syslinux"
    """
    field = event.values["field"]
    product = look.catalog.product(event.place)
    lacking = [field]
    if field in PACKAGE and product is not None and product.newest is not None:
        item = next((i for i in product.newest.items if i.key == event.place.item), None)
        if item is not None:
            lacking = [f for f in PACKAGE if item.raw.get(f) is None]
    where = f"item {quoted(event.place.item)}" if event.place.item is not None else "product"
    what = listed(lacking)
    if field in PACKAGE:
        what += ", the Ubuntu source package that the files come from"
    yield Said(
        f"bootloader {where} has no {listed(lacking)}",
        f"add {what}" + (" with the value of `arch`" if field == "arches" else ""),
    )


@rule("MSL409", Severity.UNUSABLE, on="stream", of_all=True)
def bootloader_alone(whole: Whole, look: Look) -> Iterator[Said]:
    """MAAS 3.8 never downloads the bootloaders of a source that has no image.

    MAAS: MAAS 3.8 syncs each selection (os, release, arch) of a source separately, and downloads
        the source's bootloaders with it (`filter_products_for_selection`,
        maasservicelayer/services/image_sync.py). A source without images has nothing to select, so
        MAAS downloads nothing. MAAS 2.9 to 3.7 downloads all bootloaders without a selection
        (`to_dict`, maasserver/models/bootsource.py).
    Why: up to 3.7 a source with nothing but bootloaders worked.
    Fix: name the products file of the bootloaders in the index of a source that has images too.
    Example:
        "bootloader-type": "uefi",
    """
    if any(nature.image for nature in look.catalog.natures):
        return
    loaders = look.catalog.that_are(_is_loader)
    if not loaders:
        return
    strict = set(look.where(lambda release: release.strict))
    lines = tuple(line for line in look.takes(loaders[0].place) if line in strict)
    if lines:
        yield Said(
            f"this source has bootloaders ({len(loaders):,}) and no image to select",
            "name the products file of the bootloaders in the index of a source with images",
            place=loaders[0].place,
            also=tuple(p.place for p in loaders[1:MANY]),
            lines=lines,
            effect="downloads bootloaders only together with a selected image of the same source",
        )


@rule("MSL410", Severity.INFO, on="stream", of_all=True)
def no_bootloaders(whole: Whole, look: Look) -> Iterator[Said]:
    """A stream has images for an architecture, but no bootloader for it.

    MAAS: every release line boots machines with the bootloaders of its sources: `pxelinux` (i386,
        for amd64 too), `grub-efi-signed` (amd64), `grub-efi` (arm64) and `grub-ieee1275` (ppc64el)
        (`bootloader_arches`, provisioningserver/boot/). Any source can have them, so nothing is
        wrong if another source does. MAAS 3.8 downloads bootloaders only together with a selected
        image of the same source.
    Why: bootloaders have a products file of their own. `sstream-mirror` with a filter on Ubuntu
        releases leaves them out, so such a mirror boots no machine by itself.
    Fix: mirror the bootloaders as well, by a second `sstream-mirror` with `'os~(grub*|pxelinux)'`.
        Or keep `https://images.maas.io/ephemeral-v3/stable/` as a second source.
    Example:
        "arch": "arm64",
    """
    catalogs = [look.catalog, *(look.beside.catalogs.values() if look.beside is not None else ())]
    loaders = [loader for catalog in catalogs for loader in catalog.that_are(_is_loader)]
    images = look.catalog.firsts("arch", lambda nature: nature.image)
    wanted = {arch: product for arch, product in images.items() if arch is not None}
    without: dict[tuple[str, ...], list[str]] = {}
    for release in look.releases:
        # One that MAAS drops counts: what is wrong with it is told of it.
        have = {arch for loader in loaders for arch in _machines(loader, release)}
        bootable = {arch for arches in release.boots.values() for arch in arches}
        lacking = tuple(sorted(wanted.keys() & bootable - have))
        if lacking:
            without.setdefault(lacking, []).append(release.line)
    for lacking, lines in without.items():
        yield Said(
            f"this stream has no bootloader for {listed(lacking, 9)}",
            "add the products file of the bootloaders, or make sure that another source has it",
            also=tuple(wanted[arch].at("arch") for arch in lacking),
            lines=tuple(lines),
            effect="boots these machines only with a bootloader of another source",
        )


def _machines(loader: Product, release: Release) -> tuple[str, ...]:
    """The architectures of machines that a bootloader is meant for."""
    triple = _triple(loader)
    return release.boots.get(triple) or release.boots[_nearest(triple, release)]


def _taken(triple: Triple, look: Look) -> Product | None:
    """A bootloader of a kind that every release line takes."""
    alike = (loader for loader in look.catalog.that_are(_is_loader) if _triple(loader) == triple)
    first = next(alike, None)
    return first if first is not None and look.takes(first.place) == look.lines else None


def _nearest(given: tuple[Any, ...], release: Release) -> Triple:
    """The bootloader that MAAS boots and that is most similar to a given one."""
    return max(sorted(release.boots), key=lambda known: _likeness(known, given))


def _likeness(known: Triple, values: tuple[Any, ...]) -> int:
    """How similar a bootloader is to one that MAAS knows: type and arch weigh more than os."""
    return sum(w for w, a, b in zip((2, 1, 2), known, values, strict=True) if a == b)


def _is_loader(nature: Nature) -> bool:
    return nature.bootloader


def _triple(loader: Product) -> Triple:
    return (loader.get("bootloader-type") or "", loader.os, loader.get("arch") or "")
