"""Rules on products: what MAAS takes by name and kind, what is doubled, what boots and shows."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from maas_stream_lint.checks.use import flaw_of, listed_kernel
from maas_stream_lint.finding import Severity
from maas_stream_lint.imports.trace import Event
from maas_stream_lint.quoting import quoted
from maas_stream_lint.rule import Said, rule
from maas_stream_lint.rulebook import all_releases

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from maas_stream_lint.finding import Place
    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Product, Whole
    from maas_stream_lint.rulebook import Release

#: No finding needs more further places than these.
MANY = 100
#: Values that may be put into a command or a name that we propose.
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,60}")
#: What `boot-resources create` calls the root files that packer-maas builds.
UPLOADS = {"root-tgz": "tgz", "root-dd.gz": "ddgz"}
#: Fields of a bootloader's item that only bootloaders have.
PACKAGE = ("src_package", "src_release", "src_version")
#: Also where there is a line in the log: nobody reads it.
DROPPED = "drops it, and shows no error"
#: What MAAS says where it expects one boot resource (`get_boot_filenames`, maasserver/rpc/boot.py).
SEVERAL = "get() returned more than one BootResource -- it returned {count}!"
READABLE = "write it like `ga-24.04`, `hwe-24.04-edge` or `nvidia-ga-24.04`"
UPLOAD = "`maas $PROFILE boot-resources create`"

# -- names that MAAS does not take ------------------------------------------------------------


@rule("MSL401", Severity.IGNORED, at="product")
def ubuntu_name(event: Event, look: Look) -> Iterator[Said]:
    """An Ubuntu product is dropped, because its name lacks `:v2:`, `:v3:` or `:v3+platform:`.

    MAAS: 2.9 to 3.7 look at the product's *name* as soon as `os` contains "ubuntu", in any case
        (`validate_ubuntu`, import_images/download_descriptions.py). It must contain `:v2:` or
        `:v3:`, from 3.4 on `:v3+platform:` will do too. Anything else is dropped. The web
        interface says nothing; the log says `Ignoring unsupported product NAME`, once for each
        item and each of two passes, so one product may fill four lines. 3.8 asks the same of
        every product with kernel and initrd, whatever its `os`, and drops it without a word
        (`_multi_file_image_matches_selection`, maasservicelayer/services/image_sync.py). A
        product with a root tarball (`root-tgz`) it takes under any name. As Ubuntu without a
        kernel it still can't be deployed there.
    Why: `v2` and `v3` are formats of Canonical's own Ubuntu images: kernel, initrd and a root
        image, one product for each kernel. packer-maas and `meph2-import` name what they build
        `…:ubuntu-bases:22.04:amd64`, which to MAAS is a format it does not know.
    Fix: if the product is one root tarball or disk image (packer-maas), no name will help: such
        an image is not for a stream. Upload it, from MAAS 3.1 on with the release it is built on:
        `maas $PROFILE boot-resources create name=custom/jammy architecture=amd64/generic
        base_image=ubuntu/jammy filetype=tgz content@=ubuntu.tar.gz`. If it is kernel, initrd and
        squashfs, name it `com.example:v3:boot:22.04:amd64:ga-22.04`, in the index entry's
        `products` too, and sign again. If it is no Ubuntu at all, say so in `os`.
    Example:
        "com.ubuntu.maas.candidate:ubuntu-bases:22.04:amd64": {
    """
    name = event.place.product or ""
    if _since("ubuntu", name) is not None:
        return  # a case of v3_platform_too_new
    product, os = look.catalog.product(event.place), event.values["os"] or ""
    kind = "an Ubuntu product's" if "ubuntu" in os.lower() else "a kernel and initrd product's"
    takes = look.takes(event.place)
    strict = [r.line for r in look.releases if r.strict and r.line in takes]
    still = f"; {_and(strict)} takes its root tarball all the same, but has no kernel for it"
    yield Said(
        f"{kind} name must contain {_hints(look)}, and {quoted(name)} has none of these",
        _renamed_or_uploaded(name, product),
        effect=DROPPED + (still if strict else ""),
    )


@rule("MSL402", Severity.IGNORED, causes=["ubuntu-name"], at="product")
def v3_platform_too_new(event: Event, look: Look) -> Iterator[Said]:
    """A platform kernel's product (`:v3+platform:`) is offered to a MAAS that is too old for it.

    MAAS: up to 3.3 an Ubuntu product's name must contain `:v2:` or `:v3:`, and `:v3+platform:` is
        neither, so the product is dropped with `Ignoring unsupported product NAME`
        (`UBUNTU_REGEX`, provisioningserver/import_images/download_descriptions.py). 3.4 and later
        take it.
    Why: the name was chosen so that an old MAAS, which does not know kernels built for a
        platform, would not see them. So this is harmless as long as nobody waits for the
        platform's kernel.
    Fix: nothing, if only MAAS 3.4 and later need the platform; leave out the older lines with
        `--maas`. Else move the machines' MAAS to 3.4 or later. Renaming to `:v3:` would let the
        old MAAS import a kernel that it then mistakes for one of its own.
    Example:
        "com.example.maas:v3+platform:boot:22.04:arm64:nvidia-ga-22.04": {
    """
    name = event.place.product or ""
    first = _since("ubuntu", name)
    if first is not None:
        yield Said(
            f"{quoted(name)} is a platform kernel's name, which MAAS takes from {first} on",
            f"nothing, if only MAAS {first} and later need the platform; else upgrade MAAS",
            effect=DROPPED,
        )


@rule("MSL403", Severity.IGNORED, at="product")
def ubuntu_core_name(event: Event, look: Look) -> Iterator[Said]:
    """An Ubuntu Core product is dropped, because its name lacks `:v4:`.

    MAAS: 2.9 to 3.7 take a product with `os` exactly `ubuntu-core` if its name contains `:v4:`
        (`:v2:` and `:v3:` pass as well), and else drop it with `Ignoring unsupported product
        NAME` (`validate_ubuntu`, import_images/download_descriptions.py). 3.8 has no Ubuntu Core
        at all, see MSL405.
    Why: `v4` is the format of Canonical's Ubuntu Core images, told by the name alone.
    Fix: name the product like `com.example:v4:ubuntu-core:20:amd64`, in the index entry's
        `products` too, and keep it in a source that no MAAS 3.8 is given.
    Example:
        "com.example.maas:ubuntu-core:22:amd64": {
    """
    name = event.place.product or ""
    yield Said(
        f"an Ubuntu Core product's name must contain `:v4:`, and {quoted(name)} does not",
        "name it like `PREFIX:v4:ubuntu-core:VERSION:ARCH`, in the index too",
        effect=DROPPED,
    )


@rule("MSL404", Severity.FATAL, at="product")
def ubuntu_core_gadget(event: Event, look: Look) -> Iterator[Said]:
    """An Ubuntu Core product has no `gadget_snap`, and the import fails on it.

    MAAS: 2.9 to 3.7 name the boot resource `ubuntu-core/RELEASE-GADGET` and take the gadget from
        the product without a default, so the import ends in `KeyError: 'gadget_snap'`
        (`get_or_create_boot_resource`, maasserver/bootresources.py). The listing before it is
        kinder and uses `generic`, so the product shows up first. 3.8 refuses the file anyway
        (MSL405).
    Why: an Ubuntu Core image is made for one gadget, which knows the board it boots on.
    Fix: add `gadget_snap`, and while at it `kernel_snap` and `gadget_title`, to the product.
    Example:
        "os": "ubuntu-core",
    """
    yield Said(
        f"Ubuntu Core product {quoted(event.place.product)} has no `gadget_snap`",
        "add `gadget_snap` (for a PC `pc`) to the product",
    )


@rule(
    "MSL405",
    Severity.FATAL,
    causes=["not-modelled-in-38"],
    at="product",
    once=["not-modelled-in-38"],
)
def not_modelled(event: Event, look: Look) -> Iterator[Said]:
    """A product is of a kind that MAAS 3.8 does not know, and that costs it the whole source.

    MAAS: 3.8 knows three kinds of products: kernel and initrd with a root image, a lone
        `root-tgz`, and bootloaders (`SimpleStreamsProductListFactory.produce`,
        maasservicelayer/simplestreams/models.py). A file that holds anything else (disk images
        `root-dd*`, `root-txz`, `root-tbz`, Ubuntu Core, release notifications) is refused as `Got
        invalid data for the products file`, and the source with it. 2.9 to 3.7 import these.
    Why: the new client takes all of a source or nothing, and its models leave these kinds out.
    Fix: put such products under an index of their own, say
        `https://HOST/windows/streams/v1/index.json`, and give that source only to MAAS up to 3.7.
        To 3.8, upload the image with `maas $PROFILE boot-resources create`.
    Example:
        "ftype": "root-dd.gz",
    """
    ftypes = [f for f in event.values.get("ftypes") or () if isinstance(f, str)]
    os = event.values.get("os")
    holds = ", ".join(quoted(f) for f in ftypes[:4]) or "nothing of these"
    of = f" of os {quoted(os)}" if isinstance(os, str) else ""
    yield Said(
        f"this product{of} holds {holds}, where MAAS reads kernel and initrd with a root image, "
        "a lone `root-tgz`, or bootloaders",
        "move it under an index of its own that only older MAAS are given"
        + (
            ""
            if ftypes == ["notifications"]
            else f"; for the newer, upload the image with {UPLOAD}"
        ),
    )


# -- bootloaders ------------------------------------------------------------------------------


@rule("MSL406", Severity.IGNORED, at="product")
def bootloader_name(event: Event, look: Look) -> Iterator[Said]:
    """A bootloader is dropped, because its name lacks `:1:`.

    MAAS: all lines demand `:1:` in the name of a product that has a `bootloader-type`
        (`validate_bootloader`, import_images/download_descriptions.py; 3.8
        `_bootloader_matches_selection`, maasservicelayer/services/image_sync.py). Up to 3.7 the
        log says `Ignoring unsupported product NAME`, 3.8 says nothing.
    Why: `1` is the format of Canonical's bootloader products, told by the name alone.
    Fix: name it like Canonical's, `com.example:1:grub-efi-signed:uefi:amd64`, in the index
        entry's `products` too.
    Example:
        "com.example.maas:bootloaders:grub-efi-signed:uefi:amd64": {
    """
    yield Said(
        f"a bootloader's name must contain `:1:`, and {quoted(event.place.product)} does not",
        "name it like `PREFIX:1:OS:TYPE:ARCH`, in the index too",
        effect=DROPPED,
    )


@rule("MSL407", Severity.IGNORED, at="product")
def bootloader_unsupported(event: Event, look: Look) -> Iterator[Said]:
    """A bootloader is dropped, because MAAS boots no such combination of type, os and arch.

    MAAS: all lines know just four (`SUPPORTED_BOOTLOADERS`,
        import_images/download_descriptions.py; 3.8 maasservicelayer/services/image_sync.py),
        compared letter by letter: `pxe` `pxelinux` `i386`, `uefi` `grub-efi-signed` `amd64`,
        `uefi` `grub-efi` `arm64` and `open-firmware` `grub-ieee1275` `ppc64el`. Up to 3.7 the log
        says `Ignoring unsupported product NAME`, 3.8 says nothing.
    Why: for each of the four MAAS has the code that writes its boot configuration. `pxelinux` is
        wanted as `i386`, and boots amd64 machines too; `conf/bootloaders.yaml` of maas-images
        builds it as `amd64` since 2023, so even a fresh tree of Canonical's own tool has this.
    Fix: set `bootloader-type`, `os` and `arch` to one of the four, if the files are what they
        say. Other bootloaders are of no use to MAAS: leave them out.
    Example:
        "os": "pxelinux",
    """
    given = tuple(event.values.get(field) for field in ("type", "os", "arch"))
    boots = look.releases[-1].boots
    nearest = max(sorted(boots), key=lambda known: _likeness(known, given))
    fields = zip(("bootloader-type", "os", "arch"), given, nearest, strict=True)
    wrong = {field: right for field, has, right in fields if has != right}
    if _likeness(nearest, given) >= 3 and given[2] in (None, *boots[nearest]):
        remedy = "set " + _and([f"`{field}` to `{right}`" for field, right in wrong.items()])
        remedy += ", or leave it out if the stream has that one too"
    else:
        known = "; ".join(" ".join(f"`{part}`" for part in one) for one in sorted(boots))
        remedy = f"leave it out; what MAAS boots is (type, os, arch) {known}"
    product = look.catalog.product(event.place)
    yield Said(
        "MAAS boots no bootloader of type {}, os {} and arch {}".format(*map(quoted, given)),
        remedy,
        also=tuple(product.at(field) for field in wrong) if product is not None else (),
        effect=DROPPED,
    )


@rule("MSL408", Severity.FATAL, causes=["bootloader-fields", "missing-bootloader-type"], at="item")
def bootloader_fields(event: Event, look: Look) -> Iterator[Said]:
    """A bootloader lacks a field that MAAS 3.8 demands, and that costs it the whole source.

    MAAS: 3.8 wants `arches` and `bootloader-type` of a bootloader product, and `src_package`,
        `src_release` and `src_version` of each of its items, all as text (`BootloaderProduct`,
        `BootloaderItem`, maasservicelayer/simplestreams/models.py). Without, the file is refused
        as `Got invalid data for the products file`, and the source with it. 2.9 to 3.7 read none
        but `bootloader-type`; without that a product is taken for an image, which needs a
        `release`.
    Why: Canonical's bootloaders are unpacked from Ubuntu packages, and say from which.
    Fix: add what is missing. `arches` repeats `arch`; the `src_` fields name the Ubuntu source
        package, its release and its version, as in `grub2-signed`, `noble`, `1.202`. MAAS only
        stores them, so any text will do.
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
    yield Said(
        f"bootloader {where} has no {_and([f'`{f}`' for f in lacking])}",
        "add "
        + _and([f"`{f}`" for f in lacking])
        + (", the Ubuntu source package that the files are of" if field in PACKAGE else "")
        + (" with the value of `arch`" if field == "arches" else ""),
    )


@rule("MSL409", Severity.UNUSABLE, on="stream")
def bootloader_alone(whole: Whole, look: Look) -> Iterator[Said]:
    """A source has bootloaders and no image, so that MAAS 3.8 never fetches them.

    MAAS: 3.8 syncs each selection (os, release, arch) of a source by itself, and fetches the
        source's bootloaders along with it (`filter_products_for_selection`,
        maasservicelayer/services/image_sync.py). Where there is no image there is nothing to
        select, so nothing is ever fetched. 2.9 to 3.7 want all bootloaders without being asked
        (`to_dict`, maasserver/models/bootsource.py).
    Why: up to 3.7 a source of bootloaders alone was a tidy thing to have.
    Fix: name the bootloaders' products file in the index of a source that has images too.
    Example:
        "bootloader-type": "uefi",
    """
    products = look.catalog.products
    loaders = [product for product in products if product.bootloader]
    if not loaders or any(product.image for product in products):
        return
    strict = set(look.where(lambda release: release.strict))
    lines = tuple(line for line in look.takes(loaders[0].place) if line in strict)
    if lines:
        yield Said(
            f"this source has bootloaders ({len(loaders):,}) and no image to select",
            "name the bootloaders' products file in the index of a source that has images too",
            place=loaders[0].place,
            also=tuple(p.place for p in loaders[1:MANY]),
            lines=lines,
            effect="fetches bootloaders along with a selected image of the same source only",
        )


@rule("MSL410", Severity.INFO, on="stream")
def no_bootloaders(whole: Whole, look: Look) -> Iterator[Said]:
    """A stream has images for an architecture, but no bootloader for it.

    MAAS: every line boots machines with the bootloaders of its sources: `pxelinux` (i386, for
        amd64 too), `grub-efi-signed` (amd64), `grub-efi` (arm64), `grub-ieee1275` (ppc64el)
        (`bootloader_arches`, provisioningserver/boot/). Which source they are from is all the
        same, so this is fine if another one has them. On 3.8 they come only along with a selected
        image of their own source.
    Why: the bootloaders are a products file of their own. `sstream-mirror` with a filter on
        Ubuntu releases leaves them out, and a mirror made like that has nothing to boot from.
    Fix: mirror them as well (a second `sstream-mirror` with `'os~(grub*|pxelinux)'`), or keep
        `https://images.maas.io/ephemeral-v3/stable/` as a second source.
    Example:
        "arch": "arm64",
    """
    loaders = [product for product in look.catalog.products if product.bootloader]
    wanted: dict[str, Product] = {}
    for product in look.catalog.products:
        arch = product.get("arch")
        if arch is not None and arch not in wanted and product.image:
            wanted[arch] = product
    without: dict[tuple[str, ...], list[str]] = {}
    for release in look.releases:
        have = {
            arch
            for loader in loaders
            if release.line in look.takes(loader.place)
            for arch in release.boots.get(_triple(loader), ())
        }
        bootable = {arch for arches in release.boots.values() for arch in arches}
        lacking = tuple(sorted(wanted.keys() & bootable - have))
        if lacking:
            without.setdefault(lacking, []).append(release.line)
    for lacking, lines in without.items():
        yield Said(
            f"no bootloader for {_and([f'`{arch}`' for arch in lacking])} is in this stream",
            "add the bootloaders' products file, or make sure that another source has it",
            also=tuple(wanted[arch].at("arch") for arch in lacking),
            lines=tuple(lines),
            effect="boots these machines only with a bootloader of another source",
        )


# -- systems that MAAS cannot deploy ----------------------------------------------------------


@rule("MSL411", Severity.UNUSABLE, causes=["unsupported-os"])
def unknown_os(event: Event, look: Look) -> Iterator[Said]:
    """MAAS has no driver for the product's `os`.

    MAAS: imports the product, lists it under *Other images* and offers it for deployment, which
        then fails. Up to 3.4 the rack reports no image for it (`No image could be found for the
        given selection`), from 3.5 on the preseed ends in `Unsupported OS` (`get_curtin_image`,
        maasserver/preseed.py). The drivers are in provisioningserver/drivers/osystem, from 3.7 on
        in maascommon/osystem: `ol` is there from 3.5 on, `caringo` up to 3.4.
    Why: each driver knows how its system is installed; for one without a driver nobody does.
    Fix: publish it under the `os` of its family: AlmaLinux, Rocky and Fedora as `rhel` or
        `centos`, Oracle Linux before 3.5 as `rhel`, openSUSE and SLES as `suse`. What has no
        family there (Debian, for one) is not for a stream: upload it as `custom/…` with `maas
        $PROFILE boot-resources create`.
    Example:
        "os": "debian",
    """
    product = look.catalog.product(event.place)
    os = event.values["image"].os
    lacking = [r for r in look.releases if os not in r.drivers]
    known = set.intersection(*(set(r.drivers) for r in lacking or look.releases)) - {"custom", os}
    told = (
        f"MAAS has no driver for os {quoted(os)}, expected one of {', '.join(sorted(known))}"
        if lacking
        else f"MAAS cannot install os {quoted(os)}, expected one of {', '.join(sorted(known))}"
    )
    lower = os.lower()
    yield Said(
        told,
        f"write it `{lower}`: MAAS compares it letter by letter"
        if lower in known
        else "use the `os` of its family (say `rhel` for AlmaLinux), or upload the image as "
        f"`custom/…` with {UPLOAD}",
        place=product.at("os") if product is not None else event.place,
        also=event.values["also"][:MANY],
        effect="imports it and offers it for deployment, which then fails",
    )


@rule("MSL412", Severity.FATAL, causes=["custom-os", "rack-import"])
def custom_os(event: Event, look: Look) -> Iterator[Said]:
    """A product says `os: custom`, which MAAS reserves for uploads.

    MAAS: imports it as `custom/RELEASE`, and can't use it: from 3.1 on `custom` is looked for
        among the uploaded images only, by the bare name (`get_resource_for`,
        maasserver/models/bootresource.py), so deployment ends in `No image could be found for the
        given selection`. Up to 3.4 it is worse: each rack imports from the region, whose handler
        looks for the bare name as well (`files_handler`, maasserver/bootresources.py) and answers
        404, so that the whole import of the rack fails with `Unable to import boot images`.
    Why: `custom` stands for "the operator knows"; it has a base image and is nobody's to sync.
    Fix: upload the image: `maas $PROFILE boot-resources create name=custom/NAME
        architecture=amd64/generic base_image=ubuntu/jammy filetype=tgz content@=FILE`. Or publish
        it under the `os` of its family (`rhel`, `centos`, `suse`, `windows`, `esxi`).
    Example:
        "os": "custom",
    """
    product = look.catalog.product(event.place)
    ends = event.cause == "rack-import"
    yield Said(
        "os `custom` is for uploaded images, MAAS can't deploy it from a stream",
        f"upload it with {UPLOAD}, or use the `os` of its family",
        place=product.at("os") if product is not None else event.place,
        also=event.values["also"][:MANY],
        severity=Severity.FATAL if ends else None,
        effect="imports it, and then the import of every rack fails, so that no machine boots any "
        "new image"
        if ends
        else "imports it, but never finds it when a machine is deployed",
    )


# -- two products that are one ----------------------------------------------------------------


@rule("MSL413", Severity.IGNORED, at="product")
def duplicate_tuple(event: Event, look: Look) -> Iterator[Said]:
    """Another product says the same of itself in all that counts, and only one is imported.

    MAAS: 2.9 to 3.7 list each product by os, release, arch, label, kflavor and each of its
        subarches (`RepoDumper.insert_item`, import_images/download_descriptions.py). Of two that
        claim the same, the later in the stream gets its `subarch` and the earlier the rest of
        `subarches`. One that is left with nothing is not imported, and no log says so; or, if its
        name and `content_id` are those of the other, only in the other's version. 3.8 puts both
        into one boot resource (MSL414).
    Why: the product's name plays no part in it, so two names are no two images.
    Fix: remove one of the two, or give them different `label`, `release` or `subarch`, whatever
        it is that tells them apart.
    Example:
        "com.example.maas:v3:boot:24.04:amd64:ga-24.04:rebuilt": {
    """
    place: Place = event.values["place"]
    instead = event.values.get("instead")
    this = "this one never" if instead is None else f"of this one version {quoted(instead)}"
    yield Said(
        f"{_apart(place, event.place)} claims the same os, release, arch, label, kflavor and "
        f"subarches as {_apart(event.place, place)}",
        "remove one of the two, or tell them apart by `release`, `label` or `subarch`",
        also=(place._replace(path=place.path[:2]),),
        effect=f"imports the other, and {this}, without a word",
    )


@rule("MSL414", Severity.WARNING, on="stream")
def same_resource_twice(whole: Whole, look: Look) -> Iterator[Said]:
    """Two products that MAAS imports make one boot resource, and overwrite each other.

    MAAS: a boot resource is `os/release` for `arch/subarch`, with the kernel flavour in the
        subarch (`get_or_create_boot_resource`, maasserver/bootresources.py; 3.8
        `BootResourceBuilder.from_simplestreams_product`,
        maasservicelayer/builders/bootresources.py); from 3.6 on the product's `version` counts
        too. `label` does not: `stable` and `candidate` of one image are one resource. Their
        versions become sets of it, of which MAAS keeps the newest; of equal version names, the
        later product's files replace the earlier's.
    Why: which of the two a machine gets depends on the order of the stream.
    Fix: publish one of the two here and the other in a source of its own, or give them different
        `release` or `subarch`.
    Example:
        "label": "candidate",
    """
    found: dict[tuple[str, str, tuple[Place, ...]], list[str]] = {}
    for release, name, architecture, products in look.twins:
        versions: dict[str | None, list[Place]] = {}
        for product in products:
            version = product.get("version") if _tells_versions_apart(release) else None
            versions.setdefault(version, []).append(product.place)
        for alike in versions.values():
            if len(alike) > 1:
                found.setdefault((name, architecture, tuple(alike)), []).append(release.line)
    for (name, architecture, places), lines in found.items():
        others = f" (and {len(places) - 2:,} more)" if len(places) > 2 else ""
        yield Said(
            f"{_apart(places[0], places[-1])} and {_apart(places[-1], places[0])}{others} are both "
            f"{quoted(name)} for {quoted(architecture)}",
            "keep one of them in this source, or tell them apart by `release` or `subarch`",
            place=places[-1],
            also=places[:MANY],
            lines=tuple(lines),
            effect="makes one boot resource of them, in which one replaces the other",
        )


@rule("MSL415", Severity.UNUSABLE, on="stream")
def alias_conflict(whole: Whole, look: Look) -> Iterator[Said]:
    """One os, release, arch and subarch is published with two `version`s.

    MAAS: from 3.6 on the product's `version` is part of what tells boot resources apart (as
        `alias`, maasserver/models/bootresource.py; 3.8
        maasservicelayer/builders/bootresources.py), but they are still looked for without it. So
        two resources of one name come to be, and when a machine boots, the search that expects
        one (`_get_files_map`, maasserver/rpc/boot.py) ends in `get() returned more than one
        BootResource`. Up to 3.5 the two are one resource (MSL414).
    Why: `version` is meant as another name of `release` (`24.04` for `noble`), so it must be the
        same for all products of a release.
    Fix: give all products of the release the same `version`; a build's number or date belongs
        into the name of the version below `versions`.
    Example:
        "version": "24.04.1",
    """
    found: dict[tuple[str, str, tuple[tuple[str | None, Place], ...]], list[str]] = {}
    for release, name, architecture, products in look.twins:
        if _tells_versions_apart(release):
            versions = {product.get("version"): product.at("version") for product in products}
            if len(versions) > 1:
                key = (name, architecture, tuple(versions.items()))
                found.setdefault(key, []).append(release.line)
    for (name, architecture, versions_at), lines in found.items():
        told = [quoted(version) if version else "none" for version, _ in versions_at[:4]]
        unusable = set(look.unusable(versions_at[0][1]))
        lost = tuple(line for line in lines if line in unusable)
        said = Said(
            f"{quoted(name)} for {quoted(architecture)} is published with several `version`s: "
            + ", ".join(told),
            "give all products of a release the same `version`",
            place=versions_at[-1][1],
            also=tuple(at for _, at in versions_at[:MANY]),
            lines=lost,
            effect="makes a boot resource of each, and then fails when a machine asks for the one",
            log=SEVERAL.format(count=len(versions_at)),
        )
        yield said
        yield replace(
            said,
            lines=tuple(line for line in lines if line not in unusable),
            severity=Severity.WARNING,
            effect="makes a boot resource of each, and deploys the one that it made first",
            log=None,
        )


# -- titles, commissioning, kernels -----------------------------------------------------------


@rule("MSL416", Severity.INFO, on="product")
def no_title(product: Product, look: Look) -> Iterator[Said]:
    """A product other than Ubuntu does not give both halves of its title.

    MAAS: 2.9 to 3.7 show `os_title` and `release_title` together, if both are there
        (`get_product_title`, maasserver/bootsources.py), else what the OS driver makes of the
        release (`centos7` becomes "CentOS 7"), else the bare `os/release`. 3.8 keeps no title and
        shows one of the latter, though it demands `release_title` (MSL434).
    Why: `rhel9-hardened` says more to its maker than to whoever has to choose.
    Fix: add both: `"os_title": "Red Hat Enterprise Linux"`, `"release_title": "9 hardened"`.
    Example:
        "release_title": "9"
    """
    if product.os in ("ubuntu", "custom") or not product.image:
        return
    lacking = [f"`{f}`" for f in ("os_title", "release_title") if product.get(f) is None]
    if lacking:
        kept = look.where(lambda release: release.policy("stores-title"))
        yield Said(
            f"{quoted(product.name)} has no {' and no '.join(lacking)}, and so no title",
            f"add {_and(lacking)} to the product",
            lines=tuple(line for line in look.takes(product.place) if line in kept),
            effect="shows the title that its driver has for the release, or the bare `os/release`",
        )


@rule("MSL417", Severity.INFO, on="stream")
def commissioning_title(whole: Whole, look: Look) -> Iterator[Said]:
    """An Ubuntu release can't become the commissioning release by itself.

    MAAS: a new MAAS chooses its commissioning and default release among the Ubuntu releases whose
        `release_title` ends in `LTS` and which have a `support_eol`, and takes the one supported
        longest (`get_available_commissioning_resources`, maasserver/models/bootresource.py). If
        none is so, it chooses none. A release configured by hand is not affected.
    Why: MAAS knows which release is an LTS only from these two fields of the stream. `24.04 LTS
        (Noble)` is none to it, and neither is `Jammy Jellyfish`.
    Fix: write `"release_title": "24.04 LTS"` and `"support_eol": "2029-05-31"` as Canonical's
        stream does, or choose the release in *Settings* > *Commissioning*.
    Example:
        "release_title": "24.04 LTS (Noble)",
    """
    releases: dict[str, list[Product]] = {}
    for product in look.catalog.products:
        release = product.get("release")
        if release is not None and product.ubuntu and _boots(product):
            releases.setdefault(release, []).append(product)
    named = False
    for release, products in releases.items():
        if any(_marked(product) and product.get("support_eol") for product in products):
            named = True
            continue
        for field, said, wrong in (
            (
                "support_eol",
                "ends in `LTS`, but there is no `support_eol`",
                list(filter(_marked, products)),
            ),
            (
                "release_title",
                "does not end in `LTS`",
                [p for p in products if "LTS" in _title(p)],
            ),
        ):
            if wrong:
                named = True
                yield Said(
                    f"title {quoted(_title(wrong[0]))} of Ubuntu {quoted(release)} {said}",
                    "let `release_title` end in `LTS`, and give `support_eol`",
                    place=wrong[0].at(field),
                    also=tuple(p.at(field) for p in wrong[1:MANY]),
                    lines=look.takes(wrong[0].place),
                    effect="does not choose it for commissioning unless it is told to",
                )
                break
    if releases and not named:
        first = next(iter(releases.values()))[0]
        yield Said(
            "no Ubuntu release in this stream has a `release_title` that ends in `LTS`",
            "fine, if another source has one; else let `release_title` end in `LTS`, or choose the "
            "commissioning release by hand",
            place=first.at("release_title"),
            lines=look.takes(first.place),
            effect="finds no release here to choose for commissioning by itself",
        )


@rule("MSL418", Severity.UNUSABLE, causes=["subarch-no-kernel"])
def ubuntu_generic_subarch(event: Event, look: Look) -> Iterator[Said]:
    """An Ubuntu release has only products with subarch `generic`, and so no kernel to choose.

    MAAS: lists as kernels the subarches `ga-…` and `hwe-…` of complete Ubuntu sets
        (`get_hwe_kernels`, maasserver/models/bootresource.py); from 3.4 on a platform may stand
        before. `generic` is none, so deploying the release ends in `noble has no kernels
        available.` (`get_working_kernel`, up to 3.3 `validate_hwe_kernel`,
        maasserver/utils/osystems.py).
    Why: to MAAS the subarch of an Ubuntu product *is* its kernel. `generic` belongs into
        `subarches`, and tells that a kernel runs on common machines.
    Fix: for the release's own kernel write `"subarch": "ga-24.04"`, `"subarches":
        "generic,ga-24.04"`, `"kflavor": "generic"`, and end the product's name in `:ga-24.04`.
    Example:
        "subarch": "generic",
    """
    product = look.catalog.product(event.place)
    if product is None or product.get("subarch") not in (None, "", "generic"):
        return  # subarch_no_kernel has it
    version = product.get("version")
    kernel = f"`ga-{version}`" if version and PLAIN.fullmatch(version) else "`ga-VERSION`"
    yield Said(
        f"Ubuntu {quoted(product.get('release'))} for {quoted(product.get('arch'))} has only "
        "subarch `generic`, which names no kernel",
        f"name the kernel: `subarch` {kernel}, `subarches` `generic` and {kernel}",
        place=product.at("subarch"),
        also=event.values["also"][:MANY],
        effect="imports it, but has no kernel to deploy it with",
    )


@rule(
    "MSL419",
    Severity.UNUSABLE,
    on="stream",
    causes=["kernel-unparsable", "kernel-of-unknown-release"],
)
def subarch_unparsable(seen: Event | Whole, look: Look) -> Iterator[Said]:
    """A subarch can't be read as a kernel's name, and takes MAAS's lists of kernels down with it.

    MAAS: from 3.4 on reads `[platform-](ga|hwe[-edge])-release[-flavour][-edge]`
        (`parse_subarch_kernel_string`, maasserver/utils/osystems.py), the flavour included that
        it puts there itself. With both `ga` and `hwe` it fails with `Kernel … has multiple
        channels specified!`, with nothing after the channel with `Kernel … has no release
        specified`. It does so whenever kernels are listed, for any release (`get_hwe_kernels`,
        maasserver/models/bootresource.py). `subarches` are read alike where the least kernel of a
        machine is to be chosen; there the image still deploys. Up to 3.3 `ga-hwe-22.04` is a kernel
        of a release `hwe`, which MAAS does not know.
    Why: one such image that is complete is enough to break the list for all.
    Fix: write `ga-24.04`, `hwe-24.04`, `hwe-24.04-edge` or `nvidia-ga-24.04`, and the flavour
        into `kflavor` only.
    Example:
        "subarch": "ga-hwe-22.04",
    """
    if isinstance(seen, Event):
        product, text = look.catalog.product(seen.place), str(seen.values["kernel"])
        flaw = flaw_of(text)
        if flaw is None:
            return  # unknown_kernel_release has it
        yield Said(
            f"subarch {quoted(text)} is no kernel MAAS can read: it {flaw}",
            READABLE,
            place=product.at("subarch") if product is not None else seen.place,
            also=seen.values["also"][:MANY],
            effect="imports it, and from then on fails to list any kernels",
        )
    else:
        yield from listed_kernel(
            look, "kernel-unparsable", "which is no kernel that MAAS can read", READABLE
        )


@rule("MSL420", Severity.WARNING, on="product")
def subarch_not_in_subarches(product: Product, look: Look) -> Iterator[Said]:
    """A product's `subarch` is not among its own `subarches`.

    MAAS: `subarches` are what the image supports, and an image is found by each of them; that it
        supports its own `subarch` MAAS adds by itself (`supports_subarch`,
        maasserver/models/bootresource.py). So nothing is lost, but one of the two fields is not
        what was meant. 3.8 lists a root tarball by `subarches` alone (`BootSourceCacheBuilder`,
        maasservicelayer/builders/bootsourcecache.py).
    Why: it is mostly a slip: a release's number was changed in one field and not in the other,
        and then a machine that asks for the one in `subarches` gets this image.
    Fix: list the product's own `subarch` in `subarches`, without spaces: `generic,ga-24.04`.
    Example:
        "subarches": "generic,ga-22.04",
    """
    subarch, subarches = product.get("subarch"), product.get("subarches")
    if subarch is None or subarches is None or product.bootloader:
        return
    if subarch in (offered := subarches.split(",")):
        return
    if subarch not in subarches or subarch.strip() not in map(str.strip, offered):
        yield Said(
            f"subarch {quoted(subarch)} is not among `subarches` {quoted(subarches)}",
            f"correct one of the two, as in `subarches` {quoted(f'{subarches},{subarch}')}",
            place=product.at("subarches"),
            also=(product.at("subarch"),),
            lines=look.takes(product.place),
            effect="imports it for these subarches and for its own",
        )


@rule("MSL421", Severity.FATAL, at="item")
def release_notification(event: Event, look: Look) -> Iterator[Said]:
    """A release notification has not the members that MAAS demands, and the import fails on it.

    MAAS: 2.9 to 3.7 read an item with ftype `notifications` in passing: its
        `release_notification` must be an object with exactly `maas_version`, `message` and
        `version` (`ReleaseNotification`, maasserver/release_notifications.py). Without it the
        import ends in `KeyError: 'release_notification'`, with a member too few or too many in
        `TypeError`. 3.8 refuses any such file (MSL405).
    Why: these are notices of new MAAS releases that Canonical shows to users; a mirror hardly
        needs them.
    Fix: remove the notifications' products file from the index, or write
        `"release_notification": {"maas_version": "3.7.0", "message": "MAAS 3.7 is out",
        "version": 1}`.
    Example:
        "ftype": "notifications",
    """
    expected = "`maas_version`, `message` and `version`"
    if event.place.path[-1] == "release_notification":
        told = f"`release_notification` must be an object with exactly {expected}"
    else:
        told = f"a `notifications` item needs `release_notification` with {expected}"
    yield Said(told, f"give it exactly {expected}, or leave the notification out of the stream")


# -- what the rules share ---------------------------------------------------------------------


def _apart(place: Place, other: Place) -> str:
    """The product's name, and the file if another product has the same one."""
    file = f" of {quoted(place.file)}" if place.product == other.product else ""
    return quoted(place.product) + file


def _and(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def _since(kind: str, name: str) -> str | None:
    """The first release line whose pattern a name fits."""
    return next((r.line for r in all_releases() if r.names[kind].search(name)), None)


def _hints(look: Look) -> str:
    """What an Ubuntu name may hold, with the line since when if not all have it."""
    parts = []
    for hint in look.releases[-1].ubuntu_hint:
        first = next(r for r in look.releases if hint in r.ubuntu_hint)
        parts.append(hint if first is look.releases[0] else f"(from {first.line}) {hint}")
    return " or ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _renamed_or_uploaded(name: str, product: Product | None) -> str:
    """What to do about an Ubuntu product that is dropped for its name."""
    ftypes = (
        set(product.newest.ftypes) if product is not None and product.newest is not None else set()
    )
    roots = sorted(f for f in ftypes if f.startswith("root-") and f != "root-image.gz")

    def value(field: str, otherwise: str) -> str:
        text = product.get(field) if product is not None else None
        return text if text is not None and PLAIN.fullmatch(text) else otherwise

    if product is not None and product.bootloader:
        return "give the bootloader one of the `os` that MAAS boots, say `grub-efi-signed`"
    release, arch = value("release", "RELEASE"), value("arch", "ARCH")
    if roots and "boot-kernel" not in ftypes:
        return (
            f"upload the image instead: `maas $PROFILE boot-resources create name=custom/{release} "
            f"architecture={arch}/generic base_image=ubuntu/{release} "
            f"filetype={UPLOADS.get(roots[0], 'FILETYPE')} content@=FILE`"
        )
    version = value("version", "VERSION")
    subarch = value("subarch", "generic")
    if subarch == "generic":
        subarch = f"ga-{version}"
    prefix = name.split(":")[0]
    prefix = prefix if PLAIN.fullmatch(prefix) else "com.example"
    lacking = [f"`{f}`" for f in ("boot-kernel", "boot-initrd", "squashfs") if f not in ftypes]
    more = f", and give it {_and(lacking)}" if lacking else ""
    return f"name it `{prefix}:v3:boot:{version}:{arch}:{subarch}`, in the index too{more}"


def _likeness(known: tuple[str, str, str], values: tuple[Any, ...]) -> int:
    """How near a bootloader is to one that MAAS knows: its type and arch weigh more than its os."""
    return sum(w for w, a, b in zip((2, 1, 2), known, values, strict=True) if a == b)


def _triple(loader: Product) -> tuple[str, str, str]:
    return (loader.get("bootloader-type") or "", loader.os, loader.get("arch") or "")


def _boots(product: Product) -> bool:
    """Whether its newest version has what commissions a machine."""
    ftypes = product.newest.ftypes if product.newest is not None else {}
    return (
        "boot-kernel" in ftypes
        and "boot-initrd" in ftypes
        and ("squashfs" in ftypes or "root-image.gz" in ftypes)
    )


def _title(product: Product) -> str:
    return product.get("release_title") or ""


def _marked(product: Product) -> bool:
    """Whether MAAS takes it for an LTS."""
    return _title(product).endswith("LTS")


def _tells_versions_apart(release: Release) -> bool:
    return "alias" in release.policy("resource-key")
