"""Fixers for defects of products and their versions."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from maas_stream_lint.finding import Place
from maas_stream_lint.fixing.jsontext import Move, Remove, Rename, Set
from maas_stream_lint.fixing.proposal import DROP, UNSAFE, Part, Proposal, moment
from maas_stream_lint.fixing.registry import fixes
from maas_stream_lint.fixing.relabel import with_subarch
from maas_stream_lint.rulebook import default_system

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.finding import Finding, Path
    from maas_stream_lint.fixing.proposal import Context

#: An Ubuntu release's number, alone in a product's name.
NUMBER = re.compile(r"(?<![\d.])(\d{2}\.\d{2})(?![\d.])")
#: Dates as people write them, without forms in which day and month could be confused.
DATES = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d"),
    *("%d %B %Y", "%d %b %Y", "%B %d, %Y", "%b %d, %Y", "%B %d %Y", "%b %d %Y"),
)


@fixes("missing-release-title")
def release_title(finding: Finding, context: Context) -> Iterator[Proposal]:
    """A release gets its number as title, with LTS if it is one, or else its name."""
    product = _product(finding, context)
    title = _title_of(product)
    if title:
        yield _field(finding, "release_title", title)


@fixes("commissioning-title")
def lts_title(finding: Finding, context: Context) -> Iterator[Proposal]:
    """A long-term release gets LTS at the end of its title; the rest of the title stays."""
    product = _product(finding, context)
    said = product.get("release_title")
    if isinstance(said, str) and said and not said.endswith("LTS") and _is_lts(product):
        yield _field(finding, "release_title", _title_of(product), consent=UNSAFE)


@fixes("no-title")
def os_title(finding: Finding, context: Context) -> Iterator[Proposal]:
    """An os gets the title of its driver."""
    product = _product(finding, context)
    os, wanted = product.get("os"), {}
    if not product.get("os_title") and isinstance(os, str):
        wanted["os_title"] = context.titles().get(os, "")
    if not product.get("release_title"):
        wanted["release_title"] = _title_of(product)
    if wanted and all(wanted.values()):
        parts = [
            Part(finding.place.file, Set((*_at(finding), key), value))
            for key, value in wanted.items()
        ]
        told = " and ".join(f"`{key}`: `{value}`" for key, value in wanted.items())
        yield Proposal(tuple(parts), f"write {told}")


@fixes("missing-os")
def ubuntu_os(finding: Finding, context: Context) -> Iterator[Proposal]:
    """Without an os MAAS takes a product for Ubuntu. If its name also says so, it is Ubuntu."""
    name = finding.place.product or ""
    if any(release.names_default(name) for release in context.look.releases):
        yield _field(finding, "os", default_system())


@fixes("missing-subarch")
def subarch(finding: Finding, context: Context) -> Iterator[Proposal]:
    """Without a subarch MAAS takes `generic`. The subarches always contain the subarch."""
    product = _product(finding, context)
    own, several = product.get("subarch"), product.get("subarches")
    if own is None and not _is_ubuntu(product):
        yield _field(finding, "subarch", "generic")
    if several is None and (own is not None or not _is_ubuntu(product)):
        named = own if isinstance(own, str) and own else "generic"
        yield _field(finding, "subarches", with_subarch(None, named))


@fixes("missing-kflavor")
def kflavor(finding: Finding, context: Context) -> Iterator[Proposal]:
    """A kernel without a flavour gets the generic one."""
    yield _field(finding, "kflavor", "generic")


@fixes("missing-version")
def version(finding: Finding, context: Context) -> Iterator[Proposal]:
    """The version is the only number in the product's name, or else its release."""
    product = _product(finding, context)
    name = finding.place.product or ""
    numbers = set(NUMBER.findall(name))
    if not numbers and not _is_ubuntu(product):
        numbers = {part for part in name.split(":") if re.fullmatch(r"\d+(\.\d+)*", part)}
    release = product.get("release")
    if len(numbers) == 1:
        yield _field(finding, "version", numbers.pop())
    elif not _is_ubuntu(product) and isinstance(release, str) and release:
        yield _field(finding, "version", release)


@fixes("missing-label")
def label(finding: Finding, context: Context) -> Iterator[Proposal]:
    """The label is unknown; `stable` is the usual one."""
    yield _field(finding, "label", "stable", consent=UNSAFE)


@fixes("field-below-product")
def raised(finding: Finding, context: Context) -> Iterator[Proposal]:
    """Move a field with one value for a whole product up to the product itself."""
    found = re.match(r"`([^`]+)`", finding.message)
    product = _product(finding, context)
    if found is None or found[1] in product:
        return
    name, at = found[1], _at(finding)
    values, below = _below(product, name)
    top = context.at(Place(finding.place.file, (name,)))
    if not values and isinstance(top, (str, int, float)) and not isinstance(top, bool):
        yield _field(finding, name, str(top))
    elif len(values) == 1 and isinstance(value := values.pop(), str):
        file = finding.place.file
        first, *others = below
        parts = [Part(file, Move((*at, *first), (*at, name)))]
        parts += [Part(file, Remove((*at, *path))) for path in others]
        yield Proposal(tuple(parts), f"move `{name}` (`{value}`) up to the product")


@fixes("number-instead-of-text")
def quoted_number(finding: Finding, context: Context) -> Iterator[Proposal]:
    """A number becomes the text that MAAS up to 3.7 makes from it; but 24.10 is not 24.1."""
    value = context.at(finding.place)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        named = {n for n in NUMBER.findall(finding.place.product or "") if float(n) == value}
        text = named.pop() if len(named) == 1 else str(value)
        part = Part(finding.place.file, Set(finding.place.path, text))
        yield Proposal((part,), f'write `"{text}"` in quotes')


@fixes("subarches-spaces")
def spaces(finding: Finding, context: Context) -> Iterator[Proposal]:
    """Separate subarches only with commas."""
    for place in finding.places:
        said = context.at(place)
        if isinstance(said, str):
            kept = ",".join(part.strip() for part in said.split(",") if part.strip())
            part = Part(place.file, Set(place.path, kept))
            yield Proposal((part,), f"write `{place.path[-1]}`: `{kept}`")


@fixes("subarch-not-in-subarches")
def listed_subarch(finding: Finding, context: Context) -> Iterator[Proposal]:
    """Add the subarch to the subarches."""
    product = _product(finding, context)
    own, several = product.get("subarch"), product.get("subarches")
    if isinstance(own, str) and isinstance(several, str):
        yield _field(finding, "subarches", ",".join([p for p in several.split(",") if p] + [own]))


@fixes("support-eol-format")
def support_eol(finding: Finding, context: Context) -> Iterator[Proposal]:
    """Write a date in another form as YYYY-MM-DD. Remove a text that is no date only if allowed."""
    product = _product(finding, context)
    for path in [("support_eol",), *_below(product, "support_eol")[1]]:
        place = Place(finding.place.file, (*_at(finding), *path))
        said = context.at(place)
        if said is None or (isinstance(said, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", said)):
            continue
        date = _date(said)
        if date is not None:
            part = Part(place.file, Set(place.path, date.isoformat()))
            yield Proposal((part,), f"write `support_eol`: `{date.isoformat()}`")
        else:
            part = Part(place.file, Remove(place.path))
            yield Proposal((part,), "remove `support_eol`", consent=UNSAFE)


@fixes("maas-supported-unparsable")
def maas_supported(finding: Finding, context: Context) -> Iterator[Proposal]:
    """A `maas_supported` that is no version says nothing."""
    for place in finding.places:
        if place.path[-1:] == ("maas_supported",):
            part = Part(place.file, Remove(place.path))
            yield Proposal((part,), "remove `maas_supported`", consent=UNSAFE)


@fixes("rolling-not-boolean")
def rolling(finding: Finding, context: Context) -> Iterator[Proposal]:
    """Other words for yes and no become a boolean."""
    words = {"true": True, "yes": True, "y": True, "false": False, "no": False, "n": False}
    for place in finding.places:
        said = str(context.at(place)).strip().lower()
        if place.path[-1:] == ("rolling",) and said in words:
            part = Part(place.file, Set(place.path, words[said]))
            yield Proposal((part,), f"write `rolling`: `{said in ('true', 'yes', 'y')}`".lower())


@fixes("bootloader-unsupported")
def loader_arch(finding: Finding, context: Context) -> Iterator[Proposal]:
    """MAAS knows a bootloader by one arch, although it boots machines of others: PXELINUX."""
    product = _product(finding, context)
    said, arch = product.get("os"), product.get("arch")
    for (_, os, own), machines in context.look.releases[-1].boots.items():
        if os == said and own != arch and arch in machines:
            yield _field(finding, "arch", own, consent=UNSAFE)


@fixes("bootloader-fields")
def arches(finding: Finding, context: Context) -> Iterator[Proposal]:
    """A bootloader's `arches` is its `arch`."""
    for place in finding.places:
        at = place.path[:2]
        product = context.at(Place(place.file, at))
        arch = product.get("arch") if isinstance(product, dict) else None
        if isinstance(arch, str) and arch and isinstance(product, dict) and "arches" not in product:
            part = Part(place.file, Set((*at, "arches"), arch))
            yield Proposal((part,), f"write `arches`: `{arch}`")


@fixes("no-versions")
def product_dropped(finding: Finding, context: Context) -> Iterator[Proposal]:
    """Remove a product without a version."""
    file, name = finding.place.file, finding.place.product
    products = context.at(Place(file, ("products",)))
    if name is not None and isinstance(products, dict):
        yield _dropped(Place(file, _at(finding)), "product")


@fixes("newest-version-empty", "old-version-partial", "newest-version-partial")
def version_dropped(finding: Finding, context: Context) -> Iterator[Proposal]:
    """Remove an incomplete version, if there is another."""
    versions = _product(finding, context).get("versions")
    name = finding.place.version
    if name is None and isinstance(versions, dict) and versions:
        name = max(versions)  # the finding is about the newest
    if name is not None and isinstance(versions, dict) and len(versions) > 1:
        yield _dropped(Place(finding.place.file, (*_at(finding), "versions", name)), "version")


@fixes("version-sort")
def natural(finding: Finding, context: Context) -> Iterator[Proposal]:
    """The last number in the names of versions gets leading zeros, up to the longest."""
    versions = _product(finding, context).get("versions")
    names = list(versions) if isinstance(versions, dict) else []
    split = [re.fullmatch(r"(.*?)(\d+)", name) for name in names]
    heads = {m[1] for m in split if m is not None}
    if len(heads) != 1 or not all(split):
        return
    wide = max(len(m[2]) for m in split if m is not None)
    wanted = {
        name: f"{m[1]}{m[2].zfill(wide)}"
        for name, m in zip(names, split, strict=True)
        if m is not None
    }
    if len(set(wanted.values())) < len(names):
        return
    file, at = finding.place.file, (*_at(finding), "versions")
    changed = {name: new for name, new in wanted.items() if name != new}
    yield Proposal(
        tuple(Part(file, Rename((*at, name), new)) for name, new in changed.items()),
        "call " + ", ".join(f"`{name}` `{new}`" for name, new in list(changed.items())[:3]),
        UNSAFE,
        renamed=tuple(
            (Place(file, (*at, name)), Place(file, (*at, new))) for name, new in changed.items()
        ),
    )


def _at(finding: Finding) -> Path:
    return finding.place.path[:2]


def _product(finding: Finding, context: Context) -> dict[str, Any]:
    product = context.at(Place(finding.place.file, _at(finding)))
    known = finding.place.product is not None and isinstance(product, dict)
    return product if known else {}


def _field(finding: Finding, name: str, value: str, consent: str | None = None) -> Proposal:
    part = Part(finding.place.file, Set((*_at(finding), name), value))
    return Proposal((part,), f"write `{name}`: `{value}`", consent)


def _dropped(place: Place, what: str) -> Proposal:
    part = Part(place.file, Remove(place.path))
    return Proposal(
        (part,), f"remove the {what} `{place.path[-1]}`", DROP, renamed=((place, None),)
    )


def _below(product: dict[str, Any], name: str) -> tuple[set[Any], list[Path]]:
    """The values of a field in a product's versions and items, and their places."""
    values: set[Any] = set()
    paths: list[Path] = []
    versions = product.get("versions")
    for key, version in versions.items() if isinstance(versions, dict) else ():
        holders: list[tuple[Path, Any]] = [(("versions", key), version)]
        items = version.get("items") if isinstance(version, dict) else None
        for item, raw in items.items() if isinstance(items, dict) else ():
            holders.append((("versions", key, "items", item), raw))
        for path, holder in holders:
            if isinstance(holder, dict) and name in holder:
                value = holder[name]
                values.add(value if isinstance(value, (str, int, float)) else None)
                paths.append((*path, name))
    return values, paths


def _date(said: Any) -> date | None:
    """The day that a text means, if it is unambiguous; else ``None``."""
    text = str(said).strip() if isinstance(said, (str, int)) else ""
    for form in DATES:
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    when = moment(text)
    return when.date() if when is not None else None


def _is_ubuntu(product: dict[str, Any]) -> bool:
    """Whether a product names the system that MAAS assumes for products without ``os``."""
    return bool(product.get("os") == default_system())


def _is_lts(product: dict[str, Any]) -> bool:
    """Ubuntu's long-term releases are those of April in even years."""
    said = product.get("version")
    number = re.fullmatch(r"(\d\d)\.04", said) if isinstance(said, str) else None
    return _is_ubuntu(product) and number is not None and int(number[1]) % 2 == 0


def _title_of(product: dict[str, Any]) -> str:
    release, number = product.get("release"), product.get("version")
    if _is_ubuntu(product) and isinstance(number, str) and number:
        return f"{number} LTS" if _is_lts(product) else number
    return release if isinstance(release, str) else ""
