"""Rules on the names and kinds of products: which products MAAS takes at all."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from maas_stream_lint.checks.words import joined, listed
from maas_stream_lint.finding import Severity
from maas_stream_lint.quoting import quoted
from maas_stream_lint.rule import Said, rule
from maas_stream_lint.rulebook import all_releases, default_system, ftypes, of_family, releases
from maas_stream_lint.uploads import is_plain, product_command

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from maas_stream_lint.imports.trace import Event
    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Product

#: What MAAS does with a product that it does not take, whether it logs a line or not.
DROPPED = "drops the product and shows no error"


@rule("MSL401", Severity.IGNORED, at="product")
def ubuntu_name(event: Event, look: Look) -> Iterator[Said]:
    """MAAS drops an Ubuntu product because its name lacks `:v2:`, `:v3:` or `:v3+platform:`.

    MAAS: MAAS 2.9 to 3.7 checks the *name* of every product whose `os` contains "ubuntu", in any
        case (`validate_ubuntu`, import_images/download_descriptions.py). The name must contain
        `:v2:` or `:v3:`; MAAS 3.4 and later also accept `:v3+platform:`. MAAS drops a product with
        any other name. The web interface shows nothing. The log says `Ignoring unsupported
        product NAME` once for each item in each of two passes, so one product can fill four lines.
        MAAS 3.8 checks every product with a kernel and an initrd, whatever its `os`, and logs
        nothing (`_multi_file_image_matches_selection`, maasservicelayer/services/image_sync.py).
        MAAS 3.8 accepts any name for a product with a root tarball (`root-tgz`), but it cannot
        deploy Ubuntu without a kernel.
    Why: `v2` and `v3` are the formats of Canonical's own Ubuntu images: one product for each
        kernel, with kernel, initrd and root image. packer-maas and `meph2-import` write names like
        `…:ubuntu-bases:22.04:amd64`, and MAAS does not know the format `ubuntu-bases`.
    Fix: if the product is a kernel, an initrd and a squashfs, give it a name like
        `com.example:v3:boot:22.04:amd64:ga-22.04`. Change the name in the `products` list of the
        index entry too, and sign the files again. If the product is one root tarball or disk image
        (packer-maas), a new name does not help: MAAS cannot deploy it from a stream. Upload it
        instead, on MAAS 3.1 or later: `maas $PROFILE boot-resources create name=custom/jammy
        architecture=amd64/generic base_image=ubuntu/jammy filetype=tgz content@=ubuntu.tar.gz`. If
        the product is not Ubuntu, correct its `os`.
    Example:
        "com.ubuntu.maas.candidate:ubuntu-bases:22.04:amd64": {
    """
    name = event.place.product or ""
    if _first_line_for(name) is not None:
        return  # a case of v3_platform_too_new
    product, os = look.catalog.product(event.place), event.values["os"] or ""
    kind = "an Ubuntu product" if default_system() in os.lower() else "a kernel and initrd product"
    takes = look.takes(event.place)
    strict = [r.line for r in look.releases if r.strict and r.line in takes]
    still = f"; MAAS {joined(strict)} imports its root tarball, but has no kernel to deploy it with"
    hints = _hints(look.lines)
    yield Said(
        f"the name of {kind} must contain {hints}, but {quoted(name)} has none of these",
        _renamed_or_uploaded(name, product, look),
        effect=DROPPED + (still if strict else ""),
    )


@rule("MSL402", Severity.IGNORED, causes=["ubuntu-name"], at="product")
def v3_platform_too_new(event: Event, look: Look) -> Iterator[Said]:
    """A MAAS that is too old for platform kernels drops a `:v3+platform:` product.

    MAAS: up to 3.3, the name of an Ubuntu product must contain `:v2:` or `:v3:`. The text
        `:v3+platform:` contains neither, so MAAS drops the product and logs `Ignoring unsupported
        product NAME` (`UBUNTU_REGEX`,
        provisioningserver/import_images/download_descriptions.py). MAAS 3.4 and later accept it.
    Why: Canonical chose this name so that an old MAAS does not see kernels that are built for one
        platform. The finding is harmless unless somebody needs the platform's kernel.
    Fix: do nothing if only MAAS 3.4 and later need the platform, and leave the older lines out
        with `--maas`. Otherwise upgrade MAAS to 3.4 or later. Do not rename the product to `:v3:`:
        an old MAAS would take the platform's kernel for a general one.
    Example:
        "com.example.maas:v3+platform:boot:22.04:arm64:nvidia-ga-22.04": {
    """
    name = event.place.product or ""
    first = _first_line_for(name)
    if first is not None:
        yield Said(
            f"{quoted(name)} is the name of a platform kernel, which MAAS accepts from {first} on",
            f"do nothing if only MAAS {first} and later need the platform; otherwise upgrade MAAS",
            effect=DROPPED,
        )


@rule("MSL403", Severity.IGNORED, at="product")
def ubuntu_core_name(event: Event, look: Look) -> Iterator[Said]:
    """MAAS drops an Ubuntu Core product because its name lacks `:v4:`.

    MAAS: MAAS 2.9 to 3.7 takes a product with the `os` `ubuntu-core` if its name contains `:v4:`;
        `:v2:` and `:v3:` pass as well. It drops any other and logs `Ignoring unsupported product
        NAME` (`validate_ubuntu`, import_images/download_descriptions.py). MAAS 3.8 does not know
        Ubuntu Core, see MSL405.
    Why: `v4` is the format of Canonical's Ubuntu Core images. MAAS knows the format by the name
        alone.
    Fix: give the product a name like `com.example:v4:ubuntu-core:20:amd64`, in the `products` list
        of the index entry too. Keep it in a source that no MAAS 3.8 uses.
    Example:
        "com.example.maas:ubuntu-core:22:amd64": {
    """
    yield Said(
        "the name of an Ubuntu Core product must contain `:v4:`, but "
        f"{quoted(event.place.product)} does not",
        "give it a name like `PREFIX:v4:ubuntu-core:VERSION:ARCH`, in the index too",
        effect=DROPPED,
    )


@rule("MSL404", Severity.FATAL, at="product")
def ubuntu_core_gadget(event: Event, look: Look) -> Iterator[Said]:
    """The import fails because an Ubuntu Core product has no `gadget_snap`.

    MAAS: MAAS 2.9 to 3.7 names the boot resource `ubuntu-core/RELEASE-GADGET` and reads the gadget
        without a default. The import ends with `KeyError: 'gadget_snap'`
        (`get_or_create_boot_resource`, maasserver/bootresources.py). The list of available images
        uses `generic` instead, so MAAS lists the product before the import fails. MAAS 3.8 refuses
        the file (MSL405).
    Why: an Ubuntu Core image is made for one gadget snap, which knows the board it boots on.
    Fix: add `gadget_snap` to the product, and `kernel_snap` and `gadget_title` with it.
    Example:
        "os": "ubuntu-core",
    """
    yield Said(
        f"Ubuntu Core product {quoted(event.place.product)} has no `gadget_snap`",
        "add `gadget_snap` to the product (`pc` for a PC)",
    )


@rule(
    "MSL405",
    Severity.FATAL,
    causes=["not-modelled"],
    at="product",
    once=["not-modelled-in-38"],
)
def not_modelled(event: Event, look: Look) -> Iterator[Said]:
    """MAAS 3.8 does not know this kind of product and discards the whole source.

    MAAS: MAAS 3.8 knows three kinds of products (`SimpleStreamsProductListFactory.produce`,
        maasservicelayer/simplestreams/models.py): kernel and initrd with a root image, one root
        file under the key `root-tgz`, and bootloaders. A file with any other product is invalid:
        `Got invalid data for the products file`. MAAS then discards the whole source. Other
        products are disk images, `root-txz` and `root-tbz` under these keys, Ubuntu Core and
        release notifications. MAAS 2.9 to 3.7 imports them.
    Why: the client of MAAS 3.8 reads all of a source or none of it, and its models do not have
        these kinds.
    Fix: for one root file, such as a disk image for Windows or ESXi, rename the item's *key* to
        `root-tgz`. Keep the item's `ftype` and file name, and add a `manifest` item. MAAS 3.8 looks
        at the key and stores the file by its ftype. Older MAAS looks at the ftype only. This uses a
        gap in the models of MAAS 3.8, which a later release can close. Otherwise publish the
        product under an index of its own, for example `https://HOST/windows/streams/v1/index.json`,
        and give that source to MAAS up to 3.7 only.
    Example:
        "ftype": "root-dd.gz",
    """
    found = [f for f in event.values.get("ftypes") or () if isinstance(f, str)]
    os = event.values.get("os")
    of = f" of os {quoted(os)}" if isinstance(os, str) else ""
    single = _single_key(look)
    yield Said(
        f"this product{of} holds {listed(found, 4) or 'no known item'}, but MAAS reads only kernel "
        f"and initrd with a root image, one root file keyed {quoted(single)}, and bootloaders",
        _modelled(found, single),
    )


@rule("MSL421", Severity.FATAL, at="item")
def release_notification(event: Event, look: Look) -> Iterator[Said]:
    """The import fails because a release notification does not have the members MAAS needs.

    MAAS: MAAS 2.9 to 3.7 reads `release_notification` of an item with the ftype `notifications`.
        It must be an object with exactly the members `maas_version`, `message` and `version`
        (`ReleaseNotification`, maasserver/release_notifications.py). Without the object the import
        ends with `KeyError: 'release_notification'`, and with other members it ends with a
        `TypeError`. MAAS 3.8 refuses the file (MSL405).
    Why: Canonical uses these items to tell users about new MAAS releases. A mirror hardly needs
        them.
    Fix: remove the products file of the notifications from the index, or write
        `"release_notification": {"maas_version": "3.7.0", "message": "MAAS 3.7 is out",
        "version": 1}`.
    Example:
        "ftype": "notifications",
    """
    expected = "`maas_version`, `message` and `version`"
    if event.place.path[-1] == "release_notification":
        told = f"`release_notification` must be an object with exactly {expected}"
    else:
        told = f"a notification item needs `release_notification` with {expected}"
    yield Said(told, f"give it exactly {expected}, or remove the notification from the stream")


@lru_cache(maxsize=1024)
def _first_line_for(name: str) -> str | None:
    """The first release line that accepts a name which all older ones refuse, if there is one."""
    known = all_releases()
    first = next((r.line for r in known if r.names_default(name)), None)
    return None if first in (None, known[0].line) else first


@lru_cache(maxsize=16)
def _hints(lines: tuple[str, ...]) -> str:
    """What an Ubuntu name can contain, with the first line that accepts it if not all do."""
    parts, known = [], releases(lines)
    for hint in known[-1].ubuntu_hint:
        first = next(r for r in known if hint in r.ubuntu_hint)
        parts.append(hint if first is known[0] else f"{hint} (MAAS {first.line} and later)")
    return joined(parts, "or")


def _renamed_or_uploaded(name: str, product: Product | None, look: Look) -> str:
    """What to do about an Ubuntu product that MAAS drops for its name."""
    if product is not None and product.bootloader:
        known = sorted({os for _, os, _ in look.releases[-1].bootloaders})
        return f"give the bootloader an `os` that MAAS boots, such as {quoted(known[0])}"
    parts = look.releases[-1].ubuntu_set
    found = product.newest.ftypes if product is not None and product.newest is not None else {}
    roots = [f for f in found if f in ftypes() and ftypes()[f].upload is not None]
    if product is not None and roots and parts.kernel not in found:
        return f"upload the image instead: {product_command(product, roots[0])}"
    lacking = [f for f in parts.parts if f not in found]
    more = f", and add {listed(lacking)} to it" if lacking else ""
    return f"name it `{_ubuntu_name(name, product)}`, in the index too{more}"


def _ubuntu_name(name: str, product: Product | None) -> str:
    """A name that MAAS accepts, made of those fields of the product that are plain."""

    def value(field: str, otherwise: str) -> str:
        text = product.get(field) if product is not None else None
        return text if text is not None and is_plain(text) else otherwise

    prefix = name.split(":")[0]
    prefix = prefix if is_plain(prefix) else "com.example"
    version, arch = value("version", "VERSION"), value("arch", "ARCH")
    subarch = value("subarch", "generic")
    if subarch == "generic":
        subarch = f"ga-{version}"
    return f"{prefix}:v3:boot:{version}:{arch}:{subarch}"


def _single_key(look: Look) -> str:
    """The key under which the strict engine reads a single root file."""
    shapes = [shape for release in look.releases if release.strict for shape in release.shapes]
    return next(s.downloads[0] for s in shapes if len(s.downloads) == 1)


def _modelled(found: Sequence[str], single: str) -> str:
    """What to do about a product of a kind that the strict engine does not know."""
    apart = "put the product under an index of its own, and give that source to older MAAS only"
    if found and set(found) <= {*of_family("disk"), *of_family("tarball")} and len(found) == 1:
        return (
            f"rename the item's key to {quoted(single)}, keep its ftype, and add a `manifest` "
            f"item; if a later MAAS release refuses this form, {apart}"
        )
    return apart
