"""Gives a product another ``os``, as ``--as PRODUCT=OS`` says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from maas_stream_lint.errors import UsageError
from maas_stream_lint.finding import Place
from maas_stream_lint.fixing.installed import fitting, installed, possible, root_of
from maas_stream_lint.fixing.jsontext import Rename, Set
from maas_stream_lint.fixing.proposal import CHOICE, Part, Proposal
from maas_stream_lint.rulebook import default_system, systems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from maas_stream_lint.finding import Finding
    from maas_stream_lint.fixing.installed import Identify
    from maas_stream_lint.fixing.proposal import Context
    from maas_stream_lint.model import Product

#: The rules on products that MAAS drops, or cannot use, because of their name or os.
RULES = ("ubuntu-name", "v3-platform-too-new", "custom-os", "unknown-os")


def parsed(said: Sequence[str]) -> dict[str, str]:
    """``PRODUCT=OS`` → os by product. Raises UsageError for anything else."""
    wanted = {}
    for pair in said:
        product, equals, os = pair.rpartition("=")
        if not (product and equals and os):
            raise UsageError(f"--as takes PRODUCT=OS, not {pair!r}", "`fix` lists the products")
        wanted[product] = os
    return wanted


def proposals(
    wanted: Mapping[str, str], identify: Identify, *, unsafe: bool = False
) -> Callable[[Context], Iterable[tuple[Finding, Proposal]]]:
    """Give each of these products the os that the user names for it.

    ``unsafe``: also if the image or the product says that it holds another system.
    """

    def proposed(context: Context) -> Iterator[tuple[Finding, Proposal]]:
        found = _found(context)
        known = {product.name for product, _ in found}
        for name, os in wanted.items():
            _refuse_unknown(name, os, known, context)
        for product, finding in found:
            if product.name in wanted:
                os = wanted[product.name]
                if not unsafe:
                    _refuse_other(product, os, identify, context)
                as_default = os == default_system()
                made = _as_default(product) if as_default else _as_other(product, os, context)
                yield finding, made

    return proposed


def _found(context: Context) -> list[tuple[Product, Finding]]:
    """The products that can get another os, each with its findings."""
    by_place: dict[tuple[str, str | None], Finding] = {}
    for finding in context.findings:
        if finding.name in RULES and finding.place.product:
            by_place.setdefault((finding.place.file, finding.place.product), finding)
    return [
        (product, by_place[key])
        for product in context.look.catalog.products
        if (key := (product.file.path, product.name)) in by_place
    ]


def _refuse_unknown(name: str, os: str, known: set[str], context: Context) -> None:
    fit = possible(context.look.releases)
    if os not in fit:
        told = f"no driver of MAAS is for the os {os!r} in a stream"
        raise UsageError(told, f"known: {', '.join(fit)}")
    there = {product.name: product for product in context.look.catalog.products}
    if name not in there:
        near = f"did you mean {' or '.join(sorted(known)[:3])}?" if known else "see `preview`"
        raise UsageError(f"the stream has no product {name!r}", near)
    if name not in known and there[name].os != os:
        raise UsageError(
            f"MAAS takes {name!r} as a product of os `{there[name].os}`",
            "--as is for products that MAAS drops for their name or os",
        )


def _refuse_other(product: Product, os: str, identify: Identify, context: Context) -> None:
    """Raise UsageError if the image holds a system that does not work under this os."""
    on_it = installed(product, identify)
    known = on_it.distribution
    if known is None or os in known.os:
        return
    root = root_of(product)
    right = fitting(known, root.ftype if root is not None else None, context.look.releases)
    who = "the image" if on_it.seen else "the metadata"
    told = f"{who} of {product.name!r} says that it is {on_it.title}, not a system of os `{os}`"
    instead = f"--as '{product.name}={right}'" if right else "upload the image"
    raise UsageError(told, f"{instead}; --unsafe makes it `{os}` anyway")


def default_name(product: Product) -> str | None:
    """A name that MAAS accepts for an Ubuntu product; ``None`` if a part of it is missing."""
    version, arch = product.get("version"), product.get("arch")
    if not version or not arch:
        return None
    head = product.name.partition(":")[0] or "com.example"
    return f"{head}:v3:boot:{version}:{arch}:{_subarch(product)}"


def _subarch(product: Product) -> str:
    own = product.get("subarch") or ""
    return own if re.search("ga-|hwe-", own) else f"ga-{product.get('version')}"


def _as_default(product: Product) -> Proposal:
    file, at, name = product.file.path, ("products", product.name), default_name(product)
    if name is None:
        missing = next(key for key in ("version", "arch") if not product.get(key))
        raise UsageError(f"{product.name} has no `{missing}` for a new name", "write it first")
    subarch = _subarch(product)
    fields = {
        "os": default_system(),
        "subarch": subarch,
        "kflavor": product.get("kflavor") or "generic",
        "subarches": with_subarch(product.get("subarches"), subarch),
    }
    moved = ((Place(file, at), Place(file, ("products", name))),)
    parts = [*_set(product, fields), Part(file, Rename(at, name))]
    what = f"make it a product of os `{default_system()}` called `{name}`"
    return Proposal(tuple(parts), what, CHOICE, renamed=moved)


def _as_other(product: Product, os: str, context: Context) -> Proposal:
    fields = {
        "os": os,
        "subarch": "generic",
        "subarches": with_subarch(product.get("subarches"), "generic"),
    }
    title = context.titles().get(os)
    if title is not None and (not product.get("os_title") or product.os in systems()):
        fields["os_title"] = title
    return Proposal(tuple(_set(product, fields)), f"make it a product of os `{os}`", CHOICE)


def with_subarch(said: str | None, subarch: str) -> str:
    """The subarches with one more; without any, MAAS up to the strict engine takes `generic`."""
    several = [part for part in (said or "generic").split(",") if part]
    return ",".join(dict.fromkeys((*several, subarch)))


def _set(product: Product, fields: Mapping[str, Any]) -> list[Part]:
    at = ("products", product.name)
    return [
        Part(product.file.path, Set((*at, key), value))
        for key, value in fields.items()
        if product.raw.get(key) != value
    ]
