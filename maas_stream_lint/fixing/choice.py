"""What the owner of an Ubuntu image that MAAS ignores can really do about it.

The facts are those of the release data: which drivers deploy which root files, and which names an
Ubuntu product needs (`get_image_filetypes`, drivers/osystem; `validate_product`, MAAS's
import_images/download_descriptions.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maas_stream_lint.errors import UsageError
from maas_stream_lint.finding import Place
from maas_stream_lint.fixing.jsontext import Rename, Set
from maas_stream_lint.fixing.proposal import CHOICE, Part, Proposal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Finding
    from maas_stream_lint.fixing.proposal import Context
    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Product

RULES = ("ubuntu-name", "v3-platform-too-new", "custom-os", "unknown-os")
#: What an Ubuntu set needs to boot, and what stands in for the last.
PARTS = ("boot-kernel", "boot-initrd", "squashfs")
#: Drivers that no stream's image is meant for.
NOT_FOR_STREAMS = ("custom", "ubuntu", "ubuntu-core", "onie", "caringo")
#: What `maas boot-resources create` calls a root file.
UPLOADS = {
    "root-tgz": "tgz",
    "root-tbz": "tbz",
    "root-txz": "txz",
    "root-dd": "ddtgz",
    "root-dd.tar": "ddtar",
    "root-dd.raw": "ddraw",
    "root-dd.bz2": "ddbz2",
    "root-dd.gz": "ddgz",
    "root-dd.xz": "ddxz",
    "root-dd.tar.bz2": "ddtbz",
    "root-dd.tar.xz": "ddtxz",
}


@dataclass(frozen=True, slots=True)
class Way:
    """One thing that can be done."""

    title: str  #: a few words
    told: str  #: what it takes and brings
    command: str | None  #: what to type for it


@dataclass(frozen=True, slots=True)
class Choice:
    """A product, and what can be done about it."""

    product: str
    ways: tuple[Way, ...]


def choices(report: Report) -> list[Choice]:
    """What can be done about each product that MAAS drops for its name or its os."""
    names = {
        (f.place.file, f.place.product): f
        for f in report.findings
        if f.name in RULES and f.place.product
    }
    look = report.look
    found = []
    for product in look.catalog.products:
        if (product.file.path, product.name) in names:
            found.append(Choice(product.name, tuple(_ways(product, look, report.source))))
    return found


def proposals(os: str) -> Callable[[Context], Iterable[tuple[Finding, Proposal]]]:
    """Make each such product one of ``os``: what ``--as`` asks for."""

    def proposed(context: Context) -> Iterator[tuple[Finding, Proposal]]:
        known = {name for release in context.look.releases for name in release.drivers}
        if os not in known or os in ("custom", "onie"):
            fit = ", ".join(sorted(known - {"custom", "onie"}))
            raise UsageError(f"no driver of MAAS is for the os {os!r} in a stream", f"known: {fit}")
        for finding in _found(context):
            product = context.look.catalog.product(finding.place)
            if product is not None:
                yield (
                    finding,
                    _as_ubuntu(product, context)
                    if os == "ubuntu"
                    else _as_other(product, os, context),
                )

    return proposed


def _found(context: Context) -> Iterator[Finding]:
    known = set()
    for finding in context.findings:
        key = (finding.place.file, finding.place.product)
        if finding.name in RULES and finding.place.product and key not in known:
            known.add(key)
            yield finding


def _ways(product: Product, look: Look, source: str) -> Iterator[Way]:
    newest = product.newest
    held = newest.ftypes if newest is not None else {}
    missing = [part for part in PARTS if part not in held]
    everywhere = look.span(look.lines)
    name = _ubuntu_name(product)
    if missing:
        lacks = " and ".join([", ".join(missing[:-1]), missing[-1]] if missing[1:] else missing)
        told = (
            f"with a name like `{name}` MAAS {everywhere} imports it, but without {lacks} it can "
            "neither boot nor deploy: publish them, too"
        )
    else:
        told = f"with a name like `{name}` MAAS {everywhere} imports, boots and deploys it"
    yield Way("as an Ubuntu product", told, f"maas-stream-lint fix {source} --as ubuntu")
    roots = [ftype for ftype in held if ftype.startswith("root-")]
    for ftype in roots[:1]:
        yield from _other(product, ftype, look, source)
        kind = UPLOADS.get(ftype)
        if kind is not None:
            release = product.get("release") or "RELEASE"
            yield Way(
                "as an upload",
                "no stream at all: MAAS keeps it under Custom images, deploys it with the kernel "
                "of the base image, and needs no metadata for it",
                f"maas $PROFILE boot-resources create name=custom/{release} "
                f"architecture={product.get('arch') or 'amd64'}/generic "
                f"base_image=ubuntu/{release} filetype={kind} content@=FILE",
            )


def _other(product: Product, ftype: str, look: Look, source: str) -> Iterator[Way]:
    by_os: dict[str, list[str]] = {}
    for release in look.releases:
        for os, accepts in release.drivers.items():
            if os not in NOT_FOR_STREAMS and ftype in accepts:
                by_os.setdefault(os, []).append(release.line)
    if not by_os:
        return
    told = "; ".join(f"`{os}` on {look.span(lines)}" for os, lines in by_os.items())
    yield Way(
        "as another os in the single-file form",
        f"the drivers that deploy `{ftype}` are {told}. Like every os but Ubuntu these boot by the "
        "commissioning image, which unpacks the file; MAAS then treats the machine as one of that "
        f"os.{_found_again(product, ftype, look)}{_not_read(product, ftype, look)}",
        f"maas-stream-lint fix {source} --as {next(iter(by_os))}",
    )


def _found_again(product: Product, ftype: str, look: Look) -> str:
    """Which release lines look the root file up by its name, and whether they would find it."""
    lines = [r.line for r in look.releases if r.deploy("finds-root-by") == "name"]
    newest = product.newest
    paths = [i.path for i in newest.items if i.ftype == ftype and i.path] if newest else []
    if not lines or not paths:
        return ""
    name = paths[0].rpartition("/")[2]
    span = look.span(lines)
    if name == ftype:
        return f" MAAS {span} finds it again by its name `{name}`, later ones by its ftype."
    return f" MAAS {span} looks for a file called `{ftype}` and will not find `{name}`: rename it."


def _not_read(product: Product, ftype: str, look: Look) -> str:
    """Which release lines do not read such a file at all."""
    lines = [
        r.line
        for r in look.releases
        if r.strict and not any(ftype in s.downloads for s in r.shapes)
    ]
    if not lines:
        return ""
    return (
        f" MAAS {look.span(lines)} does not read `{ftype}` and drops the whole source for it: keep "
        "it in a source of its own."
    )


def _ubuntu_name(product: Product) -> str:
    head = product.name.partition(":")[0] or "com.example"
    version = product.get("version") or "VERSION"
    return f"{head}:v3:boot:{version}:{product.get('arch') or 'ARCH'}:{_subarch(product)}"


def _subarch(product: Product) -> str:
    own = product.get("subarch") or "generic"
    return own if re.search("ga-|hwe-", own) else f"ga-{product.get('version') or 'VERSION'}"


def _as_ubuntu(product: Product, context: Context) -> Proposal:
    file, at = product.file.path, ("products", product.name)
    for needed in ("version", "arch"):
        if not product.get(needed):
            hint = f"write its `{needed}` first"
            raise UsageError(f"{product.name} has no `{needed}` to be named by", hint)
    subarch, name = _subarch(product), _ubuntu_name(product)
    fields: dict[str, Any] = {"os": "ubuntu", "subarch": subarch, "kflavor": "generic"}
    several = [p for p in (product.get("subarches") or "generic").split(",") if p]
    fields["subarches"] = ",".join(several + [subarch] * (subarch not in several))
    parts = [
        Part(file, Set((*at, key), value))
        for key, value in fields.items()
        if product.raw.get(key) != value
    ]
    moved = ((Place(file, at), Place(file, ("products", name))),)
    parts.append(Part(file, Rename(at, name)))
    return Proposal(tuple(parts), f"make it the Ubuntu product `{name}`", CHOICE, renamed=moved)


def _as_other(product: Product, os: str, context: Context) -> Proposal:
    file, at = product.file.path, ("products", product.name)
    fields = {"os": os, "subarch": "generic", "subarches": "generic"}
    title = context.titles().get(os)
    if title is not None:
        fields["os_title"] = title
    parts = [
        Part(file, Set((*at, key), value))
        for key, value in fields.items()
        if product.raw.get(key) != value
    ]
    return Proposal(tuple(parts), f"make it a product of os `{os}`", CHOICE)
