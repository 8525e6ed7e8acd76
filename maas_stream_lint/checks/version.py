"""Rules on versions: the one that MAAS takes, and how versions sort."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from maas_stream_lint.checks.words import either, listed, shown
from maas_stream_lint.finding import Place, Severity
from maas_stream_lint.model import has_items
from maas_stream_lint.quoting import quoted
from maas_stream_lint.rule import Said, rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from maas_stream_lint.imports.strict.fieldtypes import Problem
    from maas_stream_lint.imports.trace import Event
    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Product


@rule("MSL501", Severity.FATAL, at="product")
def no_versions(event: Event, look: Look) -> Iterator[Said]:
    """A product has no versions.

    MAAS: up to 3.7 MAAS imports nothing of it and logs nothing (`BasicMirrorWriter.sync_products`,
        simplestreams/mirrors). MAAS 3.8 needs a `versions` object with at least one member. One
        product without it makes the file invalid, and MAAS discards the whole source (`Product`,
        maasservicelayer/simplestreams/models.py).
    Why: MAAS downloads the files of versions. A tool removed the last version of the product and
        left the product.
    Fix: publish a version, or remove the product from the file and its name from the index entry.
    Example:
        "versions": {}
    """
    yield Said(
        f"product {shown(event.place.product)} has no versions, expected at least one",
        "publish a version of it, or remove the product from the file and from the index entry",
        place=_field(event.place, "versions", look),
    )


@rule("MSL502", Severity.FATAL)
def newest_version_empty(event: Event, look: Look) -> Iterator[Said]:
    """MAAS imports nothing of a product because its newest version has no items.

    MAAS: up to 3.7 MAAS chooses the version by its name alone, before it looks at the items. If
        that version is empty, MAAS imports nothing, although older versions are complete, and logs
        nothing (`BasicMirrorWriter.sync_products` with `max_items` 1). MAAS 3.8 refuses the file
        and discards the whole source (maasservicelayer/simplestreams/models.py).
    Why: somebody announced the version before its files existed, or emptied it and left it in the
        stream.
    Fix: delete the empty version, or add its items. Publish the files first and the metadata after
        them.
    Example:
        "20261101": {
         "items": {}
        }
    """
    version = event.place.version
    product = look.catalog.product(event.place)
    older = None
    if product is not None:
        names = sorted(product.versions, reverse=True)
        others = (name for name in names if name != version)
        older = next((name for name in others if has_items(product.versions[name])), None)
    yield Said(
        f"version {shown(version)}, which MAAS takes, has no items, expected the image's files",
        f"delete version {shown(version)}, so that MAAS takes {shown(older)}, or publish its files"
        if older is not None
        else f"publish the files of version {shown(version)}, or delete the product",
    )


@rule("MSL503", Severity.FATAL)
def old_version_partial(event: Event, look: Look) -> Iterator[Said]:
    """An older version is incomplete, so MAAS 3.8 discards the whole source.

    MAAS: MAAS 3.8 checks *every* version of every product, not only the newest. One version that
        does not fit makes the file invalid, and MAAS discards the whole source
        (`SimpleStreamsProductListFactory.produce`, maasservicelayer/simplestreams/models.py). Up to
        3.7 MAAS checks older versions for unsafe paths only.
    Why: an older tool published the old version, often without a `manifest`, and nobody has checked
        it since.
    Fix: delete the old version, because MAAS takes the newest one anyway. Or add what the old
        version lacks.
    Example:
        "20260901": {
         "items": {
          "boot-initrd": {
    """
    problems: list[Problem] = event.values["problems"]
    told = "; ".join(dict.fromkeys(_problem_in_words(p) for p in problems[:4]))
    yield Said(
        f"older version {shown(event.place.version)} {told}, expected every version to be complete",
        f"delete this version, because MAAS takes {shown(event.values['newest'])}, or complete it",
    )


@rule("MSL508", Severity.WARNING, on="product", among=lambda look: _unevenly_named(look))
def version_sort(product: Product, look: Look) -> Iterator[Said]:
    """MAAS does not take the version that people count as the newest.

    MAAS: MAAS sorts version names as *text* and takes the last one. So `9` comes after `20250101`,
        `20250101_9` after `20250101_10`, and `latest` after every date (up to 3.7 `resolve_work`,
        simplestreams/util; MAAS 3.8: `sorted` by `version_name`,
        maasservicelayer/simplestreams/models.py). MAAS logs nothing and never imports the newer
        versions.
    Why: people count versions as numbers. The tenth build of a day, or a word among the dates,
        stops all updates.
    Fix: choose names that sort as text and as numbers alike: `YYYYMMDD_NN` with leading zeros. The
        paths of the files can stay.
    Example:
        "20261015_10": {
    """
    names = product.versions
    if len(names) < 2 or product.newest is None:
        return
    taken = product.newest.name
    rank = _natural(taken)
    newer = max(names, key=_natural)
    if _natural(newer) > rank:
        yield Said(
            f"MAAS takes version {quoted(taken)}, which sorts last as text, "
            f"but {quoted(newer)} looks newer",
            f"rename or delete version {quoted(taken)}; names like `20261015_01`, with leading "
            "zeros, sort as text and as numbers alike",
            place=product.newest.place,
            also=(product.place.below("versions", newer),),
            effect=f"imports {quoted(taken)} and never {quoted(newer)}",
        )


def _unevenly_named(look: Look) -> list[Product]:
    """The products whose versions may not sort alike as text and as numbers."""
    even: dict[tuple[str, ...], bool] = {}
    found = []
    for product in look.catalog.columns.odd_in_versions:
        held = product.raw.get("versions")
        names = tuple(held) if held.__class__ is dict else ()
        if names not in even:
            even[names] = _is_even(names)
        if not even[names]:
            found.append(product)
    return found


def _is_even(names: Sequence[str]) -> bool:
    """Whether names sort alike as text and as numbers, as most do."""
    joined = "".join(names)
    return len(names) < 2 or (
        joined.isascii() and joined.isdigit() and len({len(n) for n in names}) == 1
    )


def _natural(name: str) -> list[tuple[int, int, str]]:
    """A key that compares digits as numbers, from the first digit on."""
    key = []
    for at, part in enumerate(re.split(r"([0-9]+)", name)[1:]):
        digits = part.lstrip("0")
        # Longer means greater; int() refuses more digits than a hostile name may have.
        key.append((1, len(digits), digits) if at % 2 == 0 else (0, 0, part))
    return key


def _problem_in_words(problem: Problem) -> str:
    """What is wrong with a version, as words that follow its name."""
    item = problem.path[5] if len(problem.path) > 5 else None
    if problem.cause == "newest-version-empty":
        return "has no items"
    if problem.cause == "missing-root-image":
        return f"lacks {either(problem.values['known'])}"
    if problem.cause == "bootloader-item-key":
        return f"has none of the items {listed(problem.values['known'])}"
    if problem.cause == "item-key-not-ftype":
        return f"keys {shown(problem.values['ftype'])} as {shown(item)}"
    if item is None:
        return f"lacks {shown(problem.values.get('key'))}"
    field = shown(problem.values.get("field"))
    if problem.values.get("value") is None:
        return f"lacks {field} in {shown(item)}"
    return f"has a wrong {field} in {shown(item)}"


def _field(place: Place, field: str, look: Look) -> Place:
    """A product's field, or the product if it lacks the field."""
    product = look.catalog.product(place)
    return place if product is None else product.at(field)
