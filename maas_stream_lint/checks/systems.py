"""Rules on the system of a product: whether MAAS has a driver for it, and how MAAS shows it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from maas_stream_lint.checks.words import MANY, joined, listed
from maas_stream_lint.finding import Severity
from maas_stream_lint.quoting import quoted
from maas_stream_lint.rule import Said, rule
from maas_stream_lint.rulebook import default_system, ftypes, systems
from maas_stream_lint.uploads import product_command
from maas_stream_lint.uses.chosen_kernel import System

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from maas_stream_lint.imports.trace import Event
    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Product, Whole
    from maas_stream_lint.nature import Nature

#: How the title of an Ubuntu release ends that MAAS takes for a long-term release.
LTS = "LTS"


@rule("MSL411", Severity.UNUSABLE, causes=["unsupported-os"])
def unknown_os(event: Event, look: Look) -> Iterator[Said]:
    """MAAS has no driver for the product's `os`.

    MAAS: MAAS imports the product, lists it under *Other images* and offers it for deployment. The
        deployment then fails: up to 3.4 the rack reports `No image could be found for the given
        selection`, from 3.5 on the preseed ends with `Unsupported OS` (`get_curtin_image`,
        maasserver/preseed.py). The drivers are in provisioningserver/drivers/osystem, from 3.7 on
        in maascommon/osystem. MAAS 3.5 added `ol` and removed `caringo`.
    Why: each driver knows how to install its system. MAAS cannot install a system without a driver.
    Fix: publish the product under the `os` of its family: AlmaLinux, Rocky and Fedora as `rhel` or
        `centos`, openSUSE and SLES as `suse`. Before 3.5, publish Oracle Linux as `rhel`. MAAS
        cannot import a system without such a family, for example Debian, from a stream. Upload it
        as `custom/…` with `maas $PROFILE boot-resources create`.
    Example:
        "os": "debian",
    """
    product, os = look.catalog.product(event.place), event.values["image"].os
    if product is None:
        return
    lacking = [r for r in look.releases if os not in r.drivers]
    known = {name for r in lacking or look.releases for name in r.drivers if _is_from_streams(name)}
    known = {name for name in known if all(name in r.drivers for r in lacking)} - {os}
    told = "has no driver for" if lacking else "cannot install"
    yield Said(
        f"MAAS {told} os {quoted(os)}, expected one of {', '.join(sorted(known))}",
        _with_a_driver(product, known),
        place=product.at("os"),
        also=event.values["also"][:MANY],
        effect="imports the image and offers it for deployment, which then fails",
    )


@rule("MSL412", Severity.FATAL, causes=["custom-os", "rack-import"])
def custom_os(event: Event, look: Look) -> Iterator[Said]:
    """A product has the `os` `custom`, which MAAS reserves for uploads.

    MAAS: MAAS imports the product as `custom/RELEASE` and cannot use it. From 3.1 on it looks for
        `custom` images among the uploads only, by their bare name (`get_resource_for`,
        maasserver/models/bootresource.py), so a deployment ends with `No image could be found for
        the given selection`. Up to 3.4 each rack imports from the region, whose handler looks for
        the bare name too (`files_handler`, maasserver/bootresources.py) and answers 404. The whole
        import of the rack then fails with `Unable to import boot images`.
    Why: `custom` is for images whose base image the operator chooses. MAAS does not sync them.
    Fix: upload the image: `maas $PROFILE boot-resources create name=custom/NAME
        architecture=amd64/generic base_image=ubuntu/jammy filetype=tgz content@=FILE`. Or publish
        it under the `os` of its family (`rhel`, `centos`, `suse`, `windows`, `esxi`).
    Example:
        "os": "custom",
    """
    product, ends = look.catalog.product(event.place), event.cause == "rack-import"
    if product is None:
        return
    roots = [item.ftype for item in product.newest.roots] if product.newest is not None else []
    roots = [ftype for ftype in roots if ftype is not None and ftypes()[ftype].upload is not None]
    command = f": {product_command(product, roots[0])}" if roots and roots[0] else ""
    yield Said(
        f"os {quoted(product.os)} is for uploaded images; MAAS cannot deploy it from a stream",
        f"use the `os` of its family, or upload the image{command}",
        place=product.at("os"),
        also=event.values["also"][:MANY],
        severity=Severity.FATAL if ends else None,
        effect="imports the image, and then the import of every rack fails, so that machines boot "
        "no new image of any source"
        if ends
        else "imports the image, but never finds it when it deploys a machine",
    )


#: What makes the title that MAAS shows.
TITLES = ("os_title", "release_title")


def _untitled(look: Look) -> list[Product]:
    """The products of other systems than Ubuntu that lack a part of their title."""
    if not any(None in look.catalog.columns.texts(field) for field in TITLES):
        return []
    others = look.catalog.that_are(
        lambda nature: nature.image and not nature.ubuntu and nature.system.stream
    )
    return [product for product in others if None in map(product.get, TITLES)]


@rule(
    "MSL416",
    Severity.INFO,
    on="product",
    among=lambda look: _untitled(look),
)
def no_title(product: Product, look: Look) -> Iterator[Said]:
    """A product other than Ubuntu has no title.

    MAAS: MAAS 2.9 to 3.7 shows `os_title` and `release_title` together, if the product has both
        (`get_product_title`, maasserver/bootsources.py). Otherwise it shows what the OS driver
        makes of the release (`centos7` becomes "CentOS 7"), or the bare `os/release`. MAAS 3.8
        stores no title and always shows one of the latter, although it requires `release_title`
        (MSL434).
    Why: a name like `rhel9-hardened` is clear to its maker, and less clear to the person who has to
        choose an image.
    Fix: add both fields: `"os_title": "Red Hat Enterprise Linux"`, `"release_title": "9 hardened"`.
    Example:
        "release_title": "9"
    """
    if product.ubuntu or not product.system.stream or not product.image:
        return
    lacking = [field for field in TITLES if product.get(field) is None]
    if lacking:
        kept = look.where(lambda release: release.policy("stores-title"))
        yield Said(
            f"{listed(lacking)} {'is' if len(lacking) == 1 else 'are'} missing; MAAS makes one",
            f"add {listed(lacking)} to the product",
            lines=tuple(line for line in look.takes(product.place) if line in kept),
            effect="shows the title that its driver has for the release, or the bare `os/release`",
        )


@rule("MSL417", Severity.INFO, on="stream")
def commissioning_title(whole: Whole, look: Look) -> Iterator[Said]:
    """MAAS does not choose any Ubuntu release of this stream as its commissioning release.

    MAAS: a new MAAS chooses its commissioning and default release among the Ubuntu releases with a
        `release_title` that ends in `LTS` and with a `support_eol`. It takes the one with the
        longest support (`get_available_commissioning_resources`,
        maasserver/models/bootresource.py). If no release qualifies, it chooses none. MAAS keeps a
        release that somebody configured by hand.
    Why: MAAS recognises a long-term release by these two fields only. It does not recognise `24.04
        LTS (Noble)` or `Jammy Jellyfish`.
    Fix: write `"release_title": "24.04 LTS"` and `"support_eol": "2029-05-31"`, as Canonical's
        stream does. Or choose the release in *Settings* > *Commissioning*, if the remedy says so.
        MAAS offers only long-term releases there that Ubuntu itself still supports, and never a
        name of your own (`get_supported_commissioning_releases`, drivers/osystem/ubuntu.py).
    Example:
        "release_title": "24.04 LTS (Noble)",
    """
    releases, named = _unchosen(look)
    for release, products in releases.items():
        for field, said, wrong in (
            (
                "support_eol",
                "ends in `LTS`, but the product has no `support_eol`",
                list(filter(_is_lts, products)),
            ),
            (
                "release_title",
                "does not end in `LTS`",
                [product for product in products if LTS in _title(product)],
            ),
        ):
            if wrong:
                named = True
                by_hand = _by_hand(look, wrong[0], [release])
                yield Said(
                    f"title {quoted(_title(wrong[0]))} of Ubuntu {quoted(release)} {said}",
                    "end `release_title` in `LTS`, and add `support_eol`" + by_hand,
                    place=wrong[0].at(field),
                    also=tuple(p.at(field) for p in wrong[1:MANY]),
                    lines=look.takes(wrong[0].place),
                    effect="does not choose it for commissioning"
                    + (" unless somebody configures it" if by_hand else ""),
                )
                break
    if releases and not named:
        first = next(iter(releases.values()))[0]
        yield Said(
            "no Ubuntu release in this stream has a `release_title` that ends in `LTS`",
            "nothing to do if another source has one; otherwise end `release_title` in `LTS`, and "
            "add `support_eol`" + _by_hand(look, first, releases),
            place=first.at("release_title"),
            lines=look.takes(first.place),
            effect="finds no release in this stream to choose for commissioning",
        )


def _unchosen(look: Look) -> tuple[dict[str, list[Product]], bool]:
    """The Ubuntu releases that MAAS does not choose though they may be meant so, with the images.

    That are all of them, if it chooses none; the second value tells whether it chooses one.
    """

    def boots(nature: Nature) -> bool:
        return nature.ubuntu and look.boots(nature)

    told = look.catalog.said("release", "release_title", "support_eol", of=boots)
    chosen = {release for release, title, end in told if end and (title or "").endswith(LTS)}
    meant = {release for release, title, _ in told if LTS in (title or "") or chosen <= {None}}
    releases: dict[str, list[Product]] = {}
    for product in look.catalog.that_are(boots) if meant - chosen - {None} else ():
        release = product.get("release")
        if release is not None and release in meant and release not in chosen:
            releases.setdefault(release, []).append(product)
    return releases, not chosen <= {None}


def _by_hand(look: Look, product: Product, releases: Iterable[str]) -> str:
    """The rest of a remedy: which releases an administrator can choose; nothing if there is none.

    Only the release lines that take ``product`` count.
    """
    from maas_stream_lint.uses.use_verdict import can_be_set

    lines, today = look.takes(product.place), date.today()
    told = []
    for name in releases:
        system = System(default_system(), name)
        offering = tuple(
            release.line
            for release in look.releases
            if release.line in lines and can_be_set(release, system, today)
        )
        if offering:
            some = "" if offering == lines else f" (MAAS {look.span(offering)})"
            told.append(f"{quoted(name)}{some}")
    return f"; or choose {joined(told, 'or')} in Settings > Commissioning" if told else ""


def _is_from_streams(os: str) -> bool:
    return os not in systems() or systems()[os].stream


def _with_a_driver(product: Product, known: set[str]) -> str:
    """What to do about a product whose ``os`` has no driver."""
    os = product.os
    if os.lower() in known:
        return f"write `{os.lower()}`: MAAS compares the `os` letter by letter"
    from maas_stream_lint.distributions import distribution_called

    entry = distribution_called(os)
    family = next((name for name in entry.os if name in known), None) if entry is not None else None
    if family is not None:
        return f"use the `os` of its family, `{family}`"
    roots = [item.ftype for item in product.newest.roots] if product.newest is not None else []
    ftype = next((f for f in roots if f is not None and ftypes()[f].upload is not None), None)
    if ftype is None:
        return "use the `os` of its family, such as `rhel` for AlmaLinux"
    upload = f"upload the image: {product_command(product, ftype)}"
    if entry is not None:
        return upload
    return f"use the `os` of its family, such as `rhel` for AlmaLinux, or {upload}"


def _title(product: Product) -> str:
    return product.get("release_title") or ""


def _is_lts(product: Product) -> bool:
    """Whether MAAS takes a product for a long-term release."""
    return _title(product).endswith(LTS)
