"""Rules on what imported images are good for: kernels that MAAS knows, machines that find them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from maas_stream_lint.checks.words import MANY, listed
from maas_stream_lint.finding import Severity
from maas_stream_lint.imports.identity import GENERIC
from maas_stream_lint.imports.trace import Event
from maas_stream_lint.quoting import quoted
from maas_stream_lint.rule import Said, rule
from maas_stream_lint.uses.advice import (
    kernels_of_others,
    listed_kernels,
    platforms,
    without_generic,
    without_kernel,
    without_ubuntu,
)
from maas_stream_lint.uses.kernel import parse
from maas_stream_lint.uses.refusal import Refusal
from maas_stream_lint.uses.ubuntu import ubuntu_releases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from maas_stream_lint.finding import Place
    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Product, Whole
    from maas_stream_lint.uses.advice import Advice
    from maas_stream_lint.uses.simulation import Simulation

#: A version that may be put into a kernel's name that we propose.
VERSION = re.compile(r"[0-9]{1,2}\.[0-9]{2}")


@rule("MSL451", Severity.UNUSABLE, on="stream", causes=["kernel-of-unknown-release"])
def unknown_kernel_release(seen: Event | Whole, look: Look) -> Iterator[Said]:
    """A kernel's name contains a release that MAAS does not know.

    MAAS: compares kernels by the version of their release. It looks the release up in the data of
        distro-info, then among the releases and titles of the stream; a text that one of these
        starts with is enough (`get_release`, maasserver/utils/osystems.py). For any other it raises
        `ga-24.04.1 not found amongst the known Ubuntu releases!`, which no form catches. The
        operating system does not matter: every complete set counts.
    Why: MAAS sorts all kernels of a list before it shows or chooses one (`get_hwe_kernels`,
        maasserver/models/bootresource.py). So one such name breaks the choice of a kernel for its
        release, and the lists of kernels for all images of all sources.
    Fix: name the kernel by the release's version: `ga-24.04`. A point release has no kernel name.
    Example:
        "subarch": "ga-24.04.1",
    """
    if not isinstance(seen, Event):
        yield from _kernels_of_others(look)
        return
    kernel = str(seen.values["kernel"])
    if flaw_of(kernel) is not None:
        return  # subarch_unparsable has it
    yield Said(
        f"subarch {quoted(kernel)} names a kernel of a release that MAAS does not know"
        + _as_of(kernel),
        f"write {_own_kernel(seen, look)} as `subarch` and in `subarches`",
        place=_field(seen, "subarch", look),
        also=seen.values["also"][:MANY],
        effect="imports it, and from then on fails to list the kernels of all images",
    )


def _kernels_of_others(look: Look) -> Iterator[Said]:
    """Kernels of other systems than Ubuntu, which MAAS lists all the same."""
    for products, (_, kernel), lines, log in _advised(look, kernels_of_others):
        system = products[0].os
        yield Said(
            f"MAAS cannot compare subarch {quoted(kernel)} of os {quoted(system)} with other "
            "kernels",
            "write `generic` as `subarch` and in `subarches`: only Ubuntu products have kernels",
            place=products[0].at("subarch"),
            also=tuple(p.at("subarch") for p in products[1:MANY]),
            lines=lines,
            effect="imports it, and from then on fails to list the kernels of all images",
            log=log,
        )


@rule("MSL452", Severity.WARNING, on="stream")
def unknown_listed_kernel(whole: Whole, look: Look) -> Iterator[Said]:
    """A member of `subarches` names a kernel of a release that MAAS does not know.

    MAAS: lists the kernels in `subarches` together with those that are there, where the least
        kernel of a machine is chosen (`get_supported_kernel_compatibility_levels`, up to 3.3
        `get_supported_hwe_kernels`, maasserver/models/bootresource.py). One of an unknown release
        ends the list in `ga-99.04 not found amongst the known Ubuntu releases!`. Machines are
        deployed and commissioned all the same.
    Why: the least kernel can then be chosen for no machine, whatever its image.
    Fix: delete the member from `subarches`, or correct its version.
    Example:
        "subarches": "generic,ga-24.04,ga-99.04",
    """
    yield from listed_kernel(
        look,
        "kernel-of-unknown-release",
        "of a release that MAAS does not know",
        "delete it from `subarches`, or correct its version",
    )


@rule("MSL453", Severity.WARNING, on="stream")
def no_generic_machines(whole: Whole, look: Look) -> Iterator[Said]:
    """No image of an architecture lists `generic`, so that no common machine can be added.

    MAAS: a machine may have the architectures that the `subarches` of complete Ubuntu images name,
        without kernels, and those of their platforms (`get_usable_architectures`,
        maasserver/models/bootresource.py). Common machines are `amd64/generic`. Without that one,
        MAAS cannot add or enlist them, though the image is complete.
    Why: an image of another source may list `generic`; then nothing is lost.
    Fix: list `generic` in `subarches`.
    Example:
        "subarches": "ga-24.04",
    """
    for products, (arch,), lines, _ in _advised(look, without_generic):
        first = products[0]
        subarches = first.get("subarches")
        told = "there are no `subarches`" if subarches is None else quoted(subarches)
        yield Said(
            f"no image for {quoted(arch)} lists `generic` in `subarches`: {told}",
            "list `generic` in `subarches`, unless another source has an Ubuntu image for it",
            place=first.at("subarches"),
            also=tuple(p.at("subarches") for p in products[1:MANY]),
            lines=lines,
            effect=f"does not offer {quoted(f'{arch}/{GENERIC}')} as architecture of a machine",
        )


@rule("MSL454", Severity.UNUSABLE, causes=["kernel-too-old"])
def kernel_older_than_release(event: Event, look: Look) -> Iterator[Said]:
    """An Ubuntu product's kernel is older than its release.

    MAAS: deploys a release only with a kernel that is as new (`release_a_newer_than_b` in
        `get_working_kernel`, up to 3.3 `validate_hwe_kernel`, maasserver/utils/osystems.py). The
        version of a kernel is that of its release, for a release of your own that of its title.
    Why: `ga-22.04` under `noble` is mostly a copy of another product with one field left as it was.
    Fix: write the release's own kernel, such as `ga-24.04`, as `subarch` and in `subarches`. For a
        release of your own, begin `release_title` with the version that the kernel has.
    Example:
        "subarch": "ga-22.04",
    """
    product = look.catalog.product(event.place)
    release = product.get("release") if product is not None else None
    yield Said(
        f"kernel {quoted(str(event.values['kernel']))} is older than release "
        f"{quoted(release or '')}, which it belongs to",
        f"publish a kernel of the release, such as {_own_kernel(event, look)}, or correct "
        "`release_title` if the release is your own",
        place=_field(event, "subarch", look),
        also=event.values["also"][:MANY],
        effect="imports it, but chooses no kernel that is older than the release",
    )


@rule("MSL455", Severity.UNUSABLE, causes=["no-generic-directory"])
def no_generic_kernel(event: Event, look: Look) -> Iterator[Said]:
    """No kernel of an Ubuntu release is for commissioning.

    MAAS: up to 3.3 commissions a machine from the directory `generic` of a rack, unless the machine
        has a least kernel. A rack fills it from a `ga-…` kernel with `kflavor` `generic`, or from
        `hwe-` with the first letter of the release (`RepoWriter.insert_item`,
        provisioningserver/import_images/download_resources.py). From 3.4 on it chooses a kernel.
    Why: a stream of `hwe-…` kernels, or of kernels of another flavour, deploys if the kernel is
        chosen by hand, but no machine can be commissioned with it.
    Fix: publish the `ga-…` kernel of the release with `"kflavor": "generic"`, too.
    Example:
        "kflavor": "lowlatency",
    """
    product = look.catalog.product(event.place)
    if product is None or product.get("kflavor") is None:
        return  # missing_kflavor has it
    subarch, flavour = product.get("subarch") or GENERIC, product.get("kflavor")
    other = flavour != GENERIC
    yield Said(
        f"kernel {quoted(subarch)} of kflavor {quoted(flavour or '')} cannot commission machines, "
        "expected a `ga-` kernel of kflavor `generic` beside it",
        f"publish {_own_kernel(event, look)} with kflavor `generic` for this release, too",
        place=product.at("kflavor" if other else "subarch"),
        also=event.values["also"][:MANY],
        effect="deploys it with this kernel, but commissions no machine with it",
    )


@rule("MSL456", Severity.UNUSABLE, causes=["release-unknown"])
def release_name(event: Event, look: Look) -> Iterator[Said]:
    """MAAS cannot compare an Ubuntu release with kernels, because of its name.

    MAAS: compares a release with kernels as if it were a kernel itself
        (`get_release_version_from_string`, maasserver/utils/osystems.py). Up to 3.3 a name with
        dashes must have a known release as its second part, and a name of one word a title of the
        stream. From 3.4 on a part `ga` or `hwe` makes it a kernel. `rolling` is newer than every
        kernel that is not rolling.
    Why: a name such as `jammy-acme` reads well, and is imported and offered.
    Fix: name the release with one word, such as `acme`, and give it a `release_title` that begins
        with its version (`22.04 Acme`) and a `release_codename`.
    Example:
        "release": "noble-hwe",
    """
    product = look.catalog.product(event.place)
    release = product.get("release") if product is not None else None
    yield Said(
        f"release {quoted(release or '')} is no name that MAAS can compare with kernels",
        "name the release with one word, such as `acme`, with a `release_title` that begins with "
        "its version, such as `22.04 Acme`, and a `release_codename`",
        place=_field(event, "release", look),
        also=event.values["also"][:MANY],
        effect="imports it and offers it, but fails to choose a kernel for it",
    )


@rule("MSL457", Severity.UNUSABLE, causes=["version-not-a-number"])
def release_title_not_a_version(event: Event, look: Look) -> Iterator[Said]:
    """The title of a release of your own does not begin with a version.

    MAAS: takes the `release_title` up to the first blank for the version of a release that
        distro-info does not know, splits it at dots and makes numbers of it
        (`get_release_version_from_string`, maasserver/utils/osystems.py). A word ends in `invalid
        literal for int() with base 10: 'Acme'` at every deployment and commissioning.
    Why: the title is what people read, so `Acme Linux 22.04` looks right.
    Fix: begin `release_title` with the version: `22.04 Acme`.
    Example:
        "release_title": "Acme Linux 22.04",
    """
    text = str(event.values["kernel"])
    titled = [p for p in look.catalog.products if _starts(p, text)]
    own = look.catalog.product(event.place)
    product = titled[0] if titled and own not in titled else own
    title = product.get("release_title") if product is not None else None
    yield Said(
        f"release_title {quoted(title or '')} does not begin with a version, expected one like "
        "`22.04 Acme`",
        "begin `release_title` with the version of the release, such as `22.04 Acme`",
        place=product.at("release_title") if product is not None else event.place,
        also=(event.place, *event.values["also"])[:MANY],
        effect="imports it, but fails to choose a kernel for it",
    )


@rule("MSL458", Severity.INFO, on="stream", of_all=True)
def no_commissioning_image(whole: Whole, look: Look) -> Iterator[Said]:
    """There is no Ubuntu image of an architecture, which all other systems are installed from.

    MAAS: boots the commissioning release, which is Ubuntu, to install any system but Ubuntu
        (`get_boot_config_for_machine`, maasserver/rpc/boot.py). Without one of the machine's
        architecture deployment ends in `noble has no kernels available.`
    Why: that image mostly comes from another source, such as images.maas.io.
    Fix: keep an Ubuntu image of the architecture selected in any source, or add one to this stream.
    Example:
        "os": "centos",
    """
    for products, (arch,), lines, _ in _advised(look, without_ubuntu):
        yield Said(
            f"no Ubuntu image in this stream commissions {quoted(arch)} machines, which "
            f"{listed([p.os for p in products[:1]])} is installed from",
            f"select an Ubuntu release for {quoted(arch)} in another source, if there is none yet",
            place=products[0].at("arch"),
            also=tuple(p.at("arch") for p in products[1:MANY]),
            lines=lines,
            effect="needs the commissioning release of another source to deploy it",
        )


@rule("MSL459", Severity.UNUSABLE, causes=["not-for-generic-machines"])
def subarch_not_generic(event: Event, look: Look) -> Iterator[Said]:
    """An image is not for generic machines.

    MAAS: looks an image up by the machine's platform, which is `generic` on common machines: it
        must be the product's `subarch` or stand in `subarches`, where blanks count
        (`get_resource_for`, maasserver/models/bootresource.py). Up to 3.4 it must be the `subarch`,
        since a rack keeps the image in a directory of that name (`RepoWriter.insert_item`,
        provisioningserver/import_images/download_resources.py).
    Why: only an Ubuntu product's `subarch` is a kernel. The others boot the commissioning release.
        Up to 3.3 an Ubuntu image without a `ga-` kernel is looked up by `generic`, too.
    Fix: write `generic` as `subarch` and as `subarches`; for Ubuntu list `generic` in `subarches`.
    Example:
        "subarch": "custom",
    """
    product = look.catalog.product(event.place)
    if product is None:
        return
    subarch, subarches = product.get("subarch"), product.get("subarches")
    if product.ubuntu:
        yield Said(
            f"subarches {_told(subarches)} leave out `generic`, so that no generic machine finds "
            "the image",
            "list `generic` in `subarches`",
            place=product.at("subarches"),
            also=event.values["also"][:MANY],
            effect="imports it and offers it, but does not find it for generic machines",
        )
        return
    yield Said(
        f"subarch {_told(subarch)} with subarches {_told(subarches)} is not for generic machines, "
        "expected `generic` as both",
        "write `generic` as `subarch` and as `subarches`",
        place=product.at("subarch" if subarch not in (None, GENERIC) else "subarches"),
        also=(product.at("subarches"), *event.values["also"])[:MANY],
        effect="imports it and offers it, but does not find it for generic machines",
    )


@rule("MSL460", Severity.UNUSABLE, causes=["kernel-of-other-release"])
def kernel_of_other_release(event: Event, look: Look) -> Iterator[Said]:
    """MAAS takes the kernel of another release, whose name starts alike.

    MAAS: looks for the kernels of a release among all whose name *starts* with it, and for their
        architecture likewise (`get_hwe_kernels`, maasserver/models/bootresource.py). If the first
        one is another release's, the boot files are then looked for under the exact name, where
        they are not.
    Why: it matters if the release itself has no such kernel: `jammy` with `hwe-22.04` alone, beside
        `jammy-acme` with `ga-22.04`.
    Fix: publish the kernel for this release, too, or rename the other release so that its name does
        not start with this one.
    Example:
        "release": "jammy",
    """
    product = look.catalog.product(event.place)
    release = product.get("release") if product is not None else None
    arch = product.get("arch") if product is not None else None
    kernel, owner = quoted(str(event.values["kernel"])), event.values["owner"]
    own = quoted(f"{release or ''}/{arch or ''}")
    other = quoted(f"{owner.release}/{owner.arch}") if owner is not None else "another release"
    field = "arch" if owner is not None and owner.release == release else "release"
    yield Said(
        f"MAAS takes kernel {kernel} of {other} for {own}, which has no such kernel",
        f"publish {kernel} for {own}, too, or rename the other {field} so that its name does not "
        "start alike",
        place=_field(event, field, look),
        also=event.values["also"][:MANY],
        effect="chooses that kernel, and then does not find its files",
    )


@rule("MSL462", Severity.WARNING, on="stream")
def platform_not_offered(whole: Whole, look: Look) -> Iterator[Said]:
    """A kernel is for a platform that MAAS does not know of.

    MAAS: from 3.4 on a kernel is for the platform in the field `platform`, else for that in its
        name, such as `nvidia-ga-22.04`. A machine can have the platforms that `platform`,
        `supported_platforms` and `subarches` name (`get_usable_architectures`,
        maasserver/models/bootresource.py). 3.8 keeps `subarches` alone
        (`_from_simplestreams_multi_file_product`, maasservicelayer/builders/bootresources.py).
    Why: on 3.8 no machine can have the platform, or the kernel becomes one for generic machines.
    Fix: name the platform in the subarch (`nvidia-ga-22.04`) and in `subarches`; that works from
        3.4 to 3.8. To 3.3 and older such a subarch is no kernel (MSL418), and no spelling serves
        both: they take a kernel only by a name that begins with `ga-` or `hwe-`. Keep the product
        as it is for them, and publish the one for newer MAAS in a stream of its own.
    Example:
        "platform": "nvidia",
    """
    for (product, *_), (platform,), lines, _ in _advised(look, platforms):
        subarch = product.get("subarch") or ""
        named = subarch if platform in subarch.split("-") else f"{platform}-{subarch}"
        yield Said(
            f"kernel {quoted(subarch)} is for platform {quoted(platform)}, which no machine can "
            "have",
            f"write `subarch` {quoted(named)}, and list it and {quoted(platform)} in `subarches`",
            place=product.at("subarches"),
            lines=lines,
            effect="does not offer the platform as architecture of a machine, unless another "
            "source does",
        )
    for said, alike in look.catalog.by("platform").items():
        for product in alike if said != (None,) else ():
            yield from _unread_platform(product, look)


@rule("MSL463", Severity.WARNING, on="stream")
def platform_without_kernel(whole: Whole, look: Look) -> Iterator[Said]:
    """`subarches` lists a platform for which there is no kernel.

    MAAS: offers every member of `subarches` that is no kernel as architecture of a machine
        (`get_usable_architectures`, maasserver/models/bootresource.py). Kernels are looked for by
        their own platform (`get_hwe_kernels`, from 3.4 on); up to 3.3 a machine boots from the
        directory of its platform. So such a machine gets none.
    Why: generic machines are not affected, and another source may have the kernel.
    Fix: delete the platform from `subarches`, or list it in `supported_platforms` of a kernel that
        runs on it.
    Example:
        "subarches": "generic,ga-22.04,xgene-uboot",
    """
    for products, (architecture,), lines, _ in _advised(look, without_kernel):
        yield Said(
            f"{quoted(architecture)} is offered as architecture, but no kernel is for it",
            f"delete {quoted(architecture.partition('/')[2])} from `subarches`, or publish a "
            "kernel for it",
            place=products[0].at("subarches"),
            also=tuple(p.at("subarches") for p in products[1:MANY]),
            lines=lines,
            effect="offers it, and then boots no machine of it",
        )


@rule(
    "MSL464",
    Severity.UNUSABLE,
    causes=["not-booted", "set-incomplete", "platform-with-kernel", "rack-lacks-root"],
)
def image_of_no_use(event: Event, look: Look) -> Iterator[Said]:
    """MAAS imports an image that no machine can use.

    MAAS: the simulated MAAS fails at every machine that the image may be for, and the message is
        what it says. The function is the one that the log line comes from: `get_working_kernel`,
        `get_boot_filenames` or `get_curtin_image` (maasserver).
    Why: no other rule knows this cause. One file of a set that takes the place of another is such a
        cause.
    Fix: compare the product with one that works, field by field; the release, the subarch and the
        names of the files are what counts.
    Example:
        "path": "noble/amd64/20261015/root/boot-kernel",
    """
    if event.cause == "set-incomplete" and _is_explained(event, look):
        return
    verb = "commission" if event.values["commissions"] else "deploy"
    lacking = event.values.get("lacking")
    taken = event.values.get("taken")
    told = f": its set lacks {listed(lacking)}" if lacking else ""
    if "twice" in event.values:
        told = f": kernel {quoted(event.values['twice'])}, which it chooses, is there twice"
    if taken is not None:
        told = f": it takes the root of {quoted(f'{taken.release}/{taken.arch}')} instead"
    yield Said(
        f"MAAS imports {quoted(event.place.product or '')}, but cannot {verb} it{told}",
        "compare the product with one that works: release, subarch and file names",
        also=event.values["also"][:MANY],
    )


# -- what the rules share ---------------------------------------------------------------------


def _field(event: Event, field: str, look: Look) -> Place:
    """Where a field of the event's product stands."""
    product = look.catalog.product(event.place)
    return event.place if product is None else product.at(field)


def _own_kernel(event: Event, look: Look) -> str:
    """The kernel that a product should have, as far as it tells its version."""
    product = look.catalog.product(event.place)
    version = product.get("version") if product is not None else None
    number = VERSION.match(version or "")
    return f"`ga-{number.group()}`" if number else "`ga-` and the version of the release"


def _as_of(kernel: str) -> str:
    """How old the list of releases is, if a kernel may be of one that came later."""
    version, known = VERSION.search(kernel), ubuntu_releases()
    newer = version is not None and known.may_be_newer(version.group())
    return f" (as of {known.told})" if newer else ""


def flaw_of(kernel: str) -> str | None:
    """Why a kernel's name can't be taken apart, in MAAS's words from 3.4 on."""
    try:
        parse(kernel)
    except Refusal as refusal:
        return refusal.text.removeprefix(f"Kernel {kernel} ").rstrip("!")
    return None


def _told(text: str | None) -> str:
    return "missing" if text is None else quoted(text)


def _starts(product: Product, text: str) -> bool:
    """Whether MAAS finds a product's release by a text."""
    names = (product.get("release"), product.get("release_title"))
    return any(name is not None and name.startswith(text) for name in names)


def _is_explained(event: Event, look: Look) -> bool:
    """Whether another rule says why a set is not whole."""
    product = look.catalog.product(event.place)
    newest = product.newest if product is not None else None
    if newest is None:
        return True
    lacking = event.values["lacking"]
    if not newest.roots if not lacking else any(f not in newest.ftypes for f in lacking):
        return True  # missing_boot_kernel and the like
    names = [item.path.rpartition("/")[2] for item in newest.items if item.path is not None]
    if len(set(names)) < len(names):
        return True  # duplicate_basename
    return look.stumbles(event.place)


#: Products, what is said of them, and the release lines that it holds on.
Advised = tuple["list[Product]", tuple[str, ...], tuple[str, ...], "str | None"]


def _advised(look: Look, advise: Callable[[Simulation], Iterator[Advice]]) -> list[Advised]:
    """What is odd about the images, by products."""
    found: dict[tuple[tuple[str, ...], tuple[str, ...]], tuple[list[Product], list[str], Any]] = {}
    for lines, simulation in look.used:
        for advice in advise(simulation):
            names_ = [name for image in advice.images for name in image.set.products]
            products = list(filter(None, [look.catalog.named(*name) for name in names_]))
            names = tuple(product.name for product in products)
            if products:
                found.setdefault((advice.about, names), (products, [], advice.log))[1].extend(lines)
    return [
        (products, about, tuple(lines), log) for (about, _), (products, lines, log) in found.items()
    ]


def listed_kernel(look: Look, cause: str, told: str, remedy: str) -> Iterator[Said]:
    """Members of `subarches` that end the list of least kernels for one cause."""
    for products, (raised, text), lines, log in _advised(look, listed_kernels):
        if raised == cause:
            yield Said(
                f"subarches lists {quoted(text)}, {told}{_as_of(text)}",
                remedy,
                place=products[0].at("subarches"),
                also=tuple(p.at("subarches") for p in products[1:MANY]),
                lines=lines,
                severity=Severity.WARNING,
                effect="deploys it, but cannot list the least kernels that a machine may want",
                log=log,
            )


def _unread_platform(product: Product, look: Look) -> Iterator[Said]:
    """A platform in a field that a release line does not read, so that the kernel is generic."""
    platform, subarch = product.get("platform"), product.get("subarch") or ""
    if platform in (None, GENERIC) or not product.ubuntu or platform in subarch.split("-"):
        return
    parses = look.where(lambda release: release.use("kernel-names") == "parsed")
    unread = look.where(lambda r: "platform" not in r.policy("resource-extra"))
    lines = tuple(n for n in look.takes(product.place) if n in parses and n in unread)
    if lines:
        named = f"{platform}-{subarch}"
        yield Said(
            f"MAAS does not read platform {quoted(platform or '')}, and takes kernel "
            f"{quoted(subarch)} for a generic one",
            f"write `subarch` {quoted(named)}, and list it and {quoted(platform or '')} in "
            "`subarches`",
            place=product.at("platform"),
            lines=lines,
            effect="boots generic machines with it",
        )
