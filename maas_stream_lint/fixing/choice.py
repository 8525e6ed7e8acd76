"""What a user can do about an image that MAAS drops because of its name or os.

What works comes first, and nothing that cannot boot is on offer. The facts come from the release
data: which drivers deploy which root files, and what an Ubuntu image needs (``rules/``).
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from maas_stream_lint import uploads
from maas_stream_lint.fixing.installed import deploying, fitting, installed, root_of
from maas_stream_lint.fixing.plan import local_tree
from maas_stream_lint.fixing.relabel import RULES, default_name
from maas_stream_lint.records import record
from maas_stream_lint.rulebook import default_system, ftypes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.api import Report
    from maas_stream_lint.fixing.installed import Identify, Installed
    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Item, Product

#: A directory for what `build` makes, in printed commands.
NEW = "NEW-STREAM"


@record(frozen=True)
class Way:
    """One way out."""

    title: str  #: a few words
    told: str  #: what it needs and what it gives
    command: str | None  #: the command for it


@record(frozen=True)
class Choice:
    """A product, and the ways out for it."""

    product: str
    ways: tuple[Way, ...]


def choices(report: Report, identify: Identify = lambda path: {}) -> list[Choice]:
    """The ways out for each product that MAAS drops because of its name or os.

    ``identify``: returns the system on an image file.
    """
    found = {(f.place.file, f.place.product) for f in report.findings if f.name in RULES}
    return [
        Choice(product.name, tuple(_ways(product, installed(product, identify), report)))
        for product in report.look.catalog.products
        if (product.file.path, product.name) in found
    ]


def _ways(product: Product, on_it: Installed, report: Report) -> Iterator[Way]:
    look = report.look
    if on_it.is_default:
        yield from _renamed(product, look, report.source)
    else:
        yield from _other(product, on_it, look, report.source)
    root = root_of(product)
    if root is not None and ftypes()[root.ftype or ""].upload is not None:
        yield _upload(product, root, on_it, report)
        if on_it.is_default and ftypes()[root.ftype or ""].family == "tarball":
            yield _built(root, look, report)


def _renamed(product: Product, look: Look, source: str) -> Iterator[Way]:
    """An Ubuntu product that has all that a boot needs, except the right name."""
    newest, name = product.newest, default_name(product)
    held = newest.ftypes if newest is not None else {}
    lines = [
        release.line
        for release in look.releases
        if {release.ubuntu_set.kernel, release.ubuntu_set.initrd} <= held.keys()
        and held.keys() & set(release.ubuntu_set.roots)
    ]
    if lines and name is not None:
        told = f"with the name `{name}` MAAS {look.span(lines)} imports, boots and deploys it"
        command = _fix(source, product, default_system())
        yield Way("give it a name that MAAS accepts", told, command)


def _other(product: Product, on_it: Installed, look: Look, source: str) -> Iterator[Way]:
    """A product that works under the os of its family."""
    root = root_of(product)
    ftype = root.ftype if root is not None else None
    os = fitting(on_it.distribution, ftype, look.releases)
    if root is None or ftype is None or os is None or os == product.os:
        return
    lines = deploying(os, ftype, look.releases)
    told = (
        f"MAAS {look.span(lines)} deploys `{ftype}` of os `{os}`. The machine boots with the "
        "commissioning image, so an Ubuntu stream has to be there, too."
        f"{_found_again(root, look)}{_not_read(ftype, look)}"
    )
    yield Way(f"make it a product of os `{os}`", told, _fix(source, product, os))


def _fix(source: str, product: Product, os: str) -> str:
    return shlex.join(["maas-stream-lint", "fix", source, "--as", f"{product.name}={os}"])


def _upload(product: Product, root: Item, on_it: Installed, report: Report) -> Way:
    release = product.get("release") or ""
    name = release if uploads.is_plain(release) else "NAME"
    arch = product.get("arch") or ""
    known = on_it.distribution
    why = f" {known.why_not}." if known is not None and known.why_not else ""
    command = uploads.command(
        _file(root, report),
        root.ftype or "",
        name=name,
        title=product.get("release_title") or name,
        arch=arch if uploads.is_plain(arch) else "ARCH",
        base_image=on_it.base_image,
    )
    told = f"MAAS shows it under Custom images, and needs no metadata for it.{why}"
    return Way("upload it", told, command)


def _built(root: Item, look: Look, report: Report) -> Way:
    parts = look.releases[-1].ubuntu_set.parts
    told = (
        f"`build` repacks the tarball as {parts[2]}, adds {parts[0]} and {parts[1]} of the same "
        "release from Canonical's stream, and writes metadata that MAAS accepts"
    )
    command = ["maas-stream-lint", "build", "--output", NEW, str(_file(root, report))]
    return Way("build a stream from it", told, shlex.join(command))


def _file(root: Item, report: Report) -> Path:
    """Where the image is on this machine, or what to download first."""
    tree = local_tree(report)
    place = tree.locate(root.path) if tree is not None and root.path else None
    return Path(place) if isinstance(place, str) else Path((root.path or "FILE").rpartition("/")[2])


def _found_again(root: Item, look: Look) -> str:
    """Which release lines look for the root file by its name, and would not find it."""
    lines = [r.line for r in look.releases if r.deploy("finds-root-by") == "name"]
    name = (root.path or "").rpartition("/")[2]
    if not lines or name == root.ftype:
        return ""
    return f" MAAS {look.span(lines)} looks for a file called `{root.ftype}`: rename `{name}`."


def _not_read(ftype: str, look: Look) -> str:
    """Which release lines do not read such a file at all."""
    strict = [r for r in look.releases if r.strict]
    lines = [r.line for r in strict if not any(ftype in shape.downloads for shape in r.shapes)]
    if not lines:
        return ""
    return f" MAAS {look.span(lines)} does not read `{ftype}`: keep it in a source of its own."
