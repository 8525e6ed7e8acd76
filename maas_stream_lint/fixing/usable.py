"""Fixers for images that MAAS imports but cannot use: platforms of machines, titles of releases."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from maas_stream_lint.finding import Place
from maas_stream_lint.fixing.jsontext import Set
from maas_stream_lint.fixing.proposal import UNSAFE, Part, Proposal
from maas_stream_lint.fixing.registry import fixes
from maas_stream_lint.fixing.relabel import with_subarch
from maas_stream_lint.rulebook import default_system

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.finding import Finding
    from maas_stream_lint.fixing.proposal import Context

GENERIC = "generic"
#: A member of `subarches` that names a kernel, not a platform.
KERNEL = re.compile(r"(ga|hwe)-.+")


@fixes("no-generic-machines", "subarch-not-generic")
def generic_machines(finding: Finding, context: Context) -> Iterator[Proposal]:
    """Common machines have the platform `generic`; an image for another platform keeps that one."""
    product = _product(finding, context)
    listed = _text(product, "subarches") or _text(product, "subarch")
    wanted = {"subarches": _with_generic(listed)}
    if product.get("os", default_system()) != default_system():
        wanted["subarch"] = GENERIC
    platforms = [part for part in listed.split(",") if part and not KERNEL.fullmatch(part)]
    safe = not platforms and "subarch" not in wanted
    yield from _written(finding, product, wanted, None if safe else UNSAFE)


@fixes("platform-not-offered")
def platform(finding: Finding, context: Context) -> Iterator[Proposal]:
    """Name a kernel's platform in the subarches, because every release line reads these."""
    product = _product(finding, context)
    named, subarch = _text(product, "platform"), _text(product, "subarch")
    if named and subarch:
        kernel = subarch if subarch.startswith(f"{named}-") else f"{named}-{subarch}"
        listed = with_subarch(with_subarch(_text(product, "subarches"), named), kernel)
        yield from _written(finding, product, {"subarch": kernel, "subarches": listed}, UNSAFE)


@fixes("release-title-not-a-version")
def title(finding: Finding, context: Context) -> Iterator[Proposal]:
    """A title begins with the version, and keeps its other words."""
    product = _product(finding, context)
    version, said = _text(product, "version"), _text(product, "release_title")
    if re.fullmatch(r"\d+(\.\d+)*", version):
        rest = [word for word in said.split() if word != version]
        yield from _written(finding, product, {"release_title": " ".join([version, *rest])}, None)


def _with_generic(listed: str) -> str:
    return ",".join(dict.fromkeys([GENERIC, *filter(None, listed.split(","))]))


def _product(finding: Finding, context: Context) -> dict[str, Any]:
    product = context.at(Place(finding.place.file, finding.place.path[:2]))
    known = finding.place.product is not None and isinstance(product, dict)
    return product if known else {}


def _text(product: dict[str, Any], name: str) -> str:
    said = product.get(name)
    return said if isinstance(said, str) else ""


def _written(
    finding: Finding, product: dict[str, Any], wanted: dict[str, str], consent: str | None
) -> Iterator[Proposal]:
    changed = {name: value for name, value in wanted.items() if product.get(name) != value}
    if product and changed:
        at = finding.place.path[:2]
        told = " and ".join(f"`{name}`: `{value}`" for name, value in changed.items())
        parts = [Part(finding.place.file, Set((*at, name), v)) for name, v in changed.items()]
        yield Proposal(tuple(parts), f"write {told}", consent)
