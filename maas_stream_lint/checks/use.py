"""Rules on the use of imported images: kernels that MAAS knows, machines that find the images."""

from __future__ import annotations

import re
from itertools import islice
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
VERSION = r"[0-9]{1,2}\.[0-9]{2}"


@rule("MSL451", Severity.UNUSABLE, on="stream", causes=["kernel-of-unknown-release"])
def unknown_kernel_release(seen: Event | Whole, look: Look) -> Iterator[Said]:
    """A kernel's name contains a release that MAAS does not know.

    MAAS: compares kernels by the version of their release. It looks for the release in the data of
        distro-info, then among the releases and titles of the stream. It also finds a release whose
        title starts with the text (`get_release`, maasserver/utils/osystems.py). For any other text
        it raises `ga-24.04.1 not found amongst the known Ubuntu releases!`, and no form handles
        that. The operating system does not matter: MAAS compares the kernels of all complete sets.
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
    """Kernels of systems other than Ubuntu. MAAS lists these, too."""
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

    MAAS: lists the kernels in `subarches`, with those of the images, where users choose the minimum
        kernel of a machine (`get_supported_kernel_compatibility_levels`, up to 3.3
        `get_supported_hwe_kernels`, maasserver/models/bootresource.py). A kernel of an unknown
        release makes this list fail: `ga-99.04 not found amongst the known Ubuntu releases!`. MAAS
        still deploys and commissions machines.
    Why: then nobody can choose the minimum kernel of any machine, whatever its image.
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
    """No image of an architecture lists `generic`, so nobody can add a common machine.

    MAAS: a machine can have an architecture that the `subarches` of a complete Ubuntu image name,
        except kernels, or that of its platform (`get_usable_architectures`,
        maasserver/models/bootresource.py). Common machines are `amd64/generic`. Without this
        architecture MAAS cannot add or enlist them, though the image is complete.
    Why: an image of another source may list `generic`. Then MAAS loses nothing.
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

    MAAS: deploys a release only with a kernel that is as new as the release
        (`release_a_newer_than_b` in `get_working_kernel`, up to 3.3 `validate_hwe_kernel`,
        maasserver/utils/osystems.py). A kernel has the version of its release. A release of your
        own has the version in its title.
    Why: usually somebody copied another product and left one field unchanged, such as `ga-22.04`
        under `noble`.
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
    """An Ubuntu release has no kernel for commissioning.

    MAAS: up to 3.3 commissions a machine from the directory `generic` of a rack, unless the machine
        has a minimum kernel. A rack fills this directory from a `ga-…` kernel with `kflavor`
        `generic`, or from `hwe-` with the first letter of the release (`RepoWriter.insert_item`,
        provisioningserver/import_images/download_resources.py). From 3.4 on MAAS chooses a kernel.
    Why: the stream has only `hwe-…` kernels, or only kernels of another flavour. MAAS deploys such
        a kernel if a user chooses it, but commissions no machine with it.
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
        dashes must have a known release as its second part. A name of one word must have a title in
        the stream. From 3.4 on MAAS reads a name with a part `ga` or `hwe` as a kernel. `rolling`
        is newer than every kernel that is not rolling.
    Why: a name such as `jammy-acme` looks right, and MAAS imports and offers the release.
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

    MAAS: needs a version for a release that distro-info does not know. It takes the first word of
        `release_title`, splits it at dots and converts the parts to numbers
        (`get_release_version_from_string`, maasserver/utils/osystems.py). If that word is no
        version, every deployment and commissioning fails with `invalid literal for int() with base
        10: 'Acme'`.
    Why: people read the title, so `Acme Linux 22.04` looks right.
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
    """There is no Ubuntu image of an architecture, and MAAS needs one to install other systems.

    MAAS: boots the commissioning release, which is Ubuntu, to install any system but Ubuntu
        (`get_boot_config_for_machine`, maasserver/rpc/boot.py). Without an Ubuntu image of the
        machine's architecture, the deployment fails: `noble has no kernels available.`
    Why: usually the Ubuntu image comes from another source, such as images.maas.io.
    Fix: keep an Ubuntu image of the architecture selected in any source, or add one to this stream.
    Example:
        "os": "centos",
    """
    for products, (arch,), lines, _ in _advised(look, without_ubuntu):
        yield Said(
            f"this stream has no Ubuntu image for {quoted(arch)} machines, and MAAS needs one to "
            f"install {listed([p.os for p in products[:1]])}",
            f"select an Ubuntu release for {quoted(arch)} in another source, if there is none yet",
            place=products[0].at("arch"),
            also=tuple(p.at("arch") for p in products[1:MANY]),
            lines=lines,
            effect="needs the commissioning release of another source to deploy it",
        )


@rule("MSL459", Severity.UNUSABLE, causes=["not-for-generic-machines"])
def subarch_not_generic(event: Event, look: Look) -> Iterator[Said]:
    """An image is not for generic machines.

    MAAS: looks for an image of the machine's platform, which is `generic` for common machines. The
        platform must be the product's `subarch` or a member of `subarches`, where spaces count
        (`get_resource_for`, maasserver/models/bootresource.py). Up to 3.4 the platform must be the
        `subarch`, because a rack stores the image in a directory of that name
        (`RepoWriter.insert_item`, provisioningserver/import_images/download_resources.py).
    Why: only an Ubuntu product's `subarch` is a kernel. Other systems boot the commissioning
        release. Up to 3.3 MAAS also looks for an Ubuntu image without a `ga-` kernel by `generic`.
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
            f"subarches {_told(subarches)} lack `generic`, so MAAS does not find the image for "
            "generic machines",
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
    """MAAS takes the kernel of another release because its name starts the same.

    MAAS: looks for kernels of all releases whose name *starts* with the release's name, and
        compares the architecture in the same way (`get_hwe_kernels`,
        maasserver/models/bootresource.py). If the first kernel belongs to another release, MAAS
        then looks for the boot files under the exact name, and does not find them.
    Why: this does harm if the release itself lacks that kernel: `jammy` has only `hwe-22.04`, and
        `jammy-acme` has `ga-22.04`.
    Fix: publish the kernel for this release, too. Or rename the other release so that its name does
        not start with this release's name.
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
        "start the same",
        place=_field(event, field, look),
        also=event.values["also"][:MANY],
        effect="chooses that kernel, and then does not find its files",
    )


@rule("MSL462", Severity.WARNING, on="stream")
def platform_not_offered(whole: Whole, look: Look) -> Iterator[Said]:
    """A kernel is for a platform that no machine in MAAS can have.

    MAAS: from 3.4 on a kernel is for the platform in the field `platform`, or else for the platform
        in its name, such as `nvidia-ga-22.04`. A machine can have the platforms that `platform`,
        `supported_platforms` and `subarches` name (`get_usable_architectures`,
        maasserver/models/bootresource.py). 3.8 keeps only `subarches`
        (`_from_simplestreams_multi_file_product`, maasservicelayer/builders/bootresources.py).
    Why: on 3.8 no machine can have the platform, or MAAS takes the kernel for generic machines.
    Fix: name the platform in the subarch (`nvidia-ga-22.04`) and in `subarches`. That works from
        3.4 to 3.8. MAAS 3.3 and older do not read such a subarch as a kernel (MSL418): they need a
        name that begins with `ga-` or `hwe-`. So no spelling works for all. Keep the product
        unchanged for MAAS 3.3 and older, and publish the changed product for newer MAAS in a stream
        of its own.
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
        (`get_usable_architectures`, maasserver/models/bootresource.py). From 3.4 on MAAS looks for
        kernels by their own platform (`get_hwe_kernels`). Up to 3.3 a machine boots from the
        directory of its platform. So such a machine gets no kernel.
    Why: this does no harm to generic machines, and another source may have the kernel.
    Fix: delete the platform from `subarches`, or list it in `supported_platforms` of a kernel that
        runs on it.
    Example:
        "subarches": "generic,ga-22.04,xgene-uboot",
    """
    for products, (architecture,), lines, _ in _advised(look, without_kernel):
        yield Said(
            f"MAAS offers {quoted(architecture)} as architecture, but there is no kernel for it",
            f"delete {quoted(architecture.partition('/')[2])} from `subarches`, or publish a "
            "kernel for it",
            place=products[0].at("subarches"),
            also=tuple(p.at("subarches") for p in products[1:MANY]),
            lines=lines,
            effect="offers it, and then boots no machine of this architecture",
        )


@rule(
    "MSL464",
    Severity.UNUSABLE,
    causes=["not-booted", "set-incomplete", "platform-with-kernel", "rack-lacks-root"],
)
def image_of_no_use(event: Event, look: Look) -> Iterator[Said]:
    """MAAS imports an image that no machine can use.

    MAAS: the simulated MAAS fails for every machine that the image could be for. The message says
        why. The log line comes from `get_working_kernel`, `get_boot_filenames` or
        `get_curtin_image` (maasserver).
    Why: no other rule knows this cause. For example, one file of a set replaces another.
    Fix: compare the product with one that works, field by field. The release, the subarch and the
        names of the files matter.
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
        told = f": it finds kernel {quoted(event.values['twice'])}, which it chooses, twice"
    if taken is not None:
        told = f": it takes the root of {quoted(f'{taken.release}/{taken.arch}')} instead"
    yield Said(
        f"MAAS imports {quoted(event.place.product or '')}, but cannot {verb} it{told}",
        "compare the product with one that works: release, subarch and file names",
        also=event.values["also"][:MANY],
    )


# -- what the rules share ---------------------------------------------------------------------


def _field(event: Event, field: str, look: Look) -> Place:
    """The place of a field of the event's product."""
    product = look.catalog.product(event.place)
    return event.place if product is None else product.at(field)


def _own_kernel(event: Event, look: Look) -> str:
    """The kernel that a product should have, as far as the product shows its version."""
    product = look.catalog.product(event.place)
    version = product.get("version") if product is not None else None
    number = re.match(VERSION, version or "")
    return f"`ga-{number.group()}`" if number else "`ga-` and the version of the release"


def _as_of(kernel: str) -> str:
    """How old the list of releases is, if a kernel may belong to a later release."""
    version, known = re.search(VERSION, kernel), ubuntu_releases()
    newer = version is not None and known.may_be_newer(version.group())
    return f" (as of {known.told})" if newer else ""


def flaw_of(kernel: str) -> str | None:
    """Why MAAS cannot parse a kernel's name, in the words of MAAS 3.4 and later."""
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
    """The advice on images, by the products that a finding names."""
    found: dict[tuple[tuple[str, ...], tuple[str, ...]], tuple[list[Product], list[str], Any]] = {}
    for lines, simulation in look.used:
        for advice in advise(simulation):
            names_ = (name for image in advice.images for name in image.products)
            nodes = (look.catalog.named(*name) for name in names_)
            products = list(islice(filter(None, nodes), MANY))
            names = tuple([product.name for product in products])
            if products:
                found.setdefault((advice.about, names), (products, [], advice.log))[1].extend(lines)
    return [
        (products, about, tuple(lines), log) for (about, _), (products, lines, log) in found.items()
    ]


def listed_kernel(look: Look, cause: str, told: str, remedy: str) -> Iterator[Said]:
    """Members of `subarches` that make the list of minimum kernels fail for one cause."""
    for products, (raised, text), lines, log in _advised(look, listed_kernels):
        if raised == cause:
            yield Said(
                f"subarches lists {quoted(text)}, {told}{_as_of(text)}",
                remedy,
                place=products[0].at("subarches"),
                also=tuple(p.at("subarches") for p in products[1:MANY]),
                lines=lines,
                severity=Severity.WARNING,
                effect="deploys it, but cannot list kernels for a machine's minimum kernel",
                log=log,
            )


def _unread_platform(product: Product, look: Look) -> Iterator[Said]:
    """A platform in a field that a release line does not read: the kernel counts as generic."""
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
