"""Rules on the values of a product's fields that MAAS refuses, overrides or misreads."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from maas_stream_lint.checks.among import with_text
from maas_stream_lint.checks.words import MANY, kind, merged_field, shown, value_at
from maas_stream_lint.finding import Severity
from maas_stream_lint.quoting import WHOLE, quoted
from maas_stream_lint.rule import Said, cut, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.imports.trace import Event
    from maas_stream_lint.look import Look
    from maas_stream_lint.model import File, Product


def _has_blanks(text: str) -> bool:
    return "".join(text.split()) != text


@rule("MSL444", Severity.FATAL)
def rolling_not_boolean(event: Event, look: Look) -> Iterator[Said]:
    """`rolling` is not a boolean.

    MAAS: up to 3.7 MAAS accepts `true` and `false`, and the texts `True`, `False`, `t`, `f`, `1`
        and `0`. Any other value stops the whole import with a ValidationError
        (`BootResource.rolling`, maasserver/models/bootresource.py). MAAS 3.8 does not read it.
    Why: the text `true` in lower case is none of them.
    Fix: write `true` or `false` without quotes, or remove the field.
    Example:
        "rolling": "true",
    """
    place = merged_field("rolling", event, look)
    value = value_at(look, place)
    what = f"the text {shown(value)}" if isinstance(value, str) and value else kind(value)
    yield Said(
        f"`rolling` is {what}, expected `true` or `false`",
        "write `true` or `false` without quotes, or remove the field",
        place=place,
    )


@rule("MSL445", Severity.FATAL)
def support_eol_format(event: Event, look: Look) -> Iterator[Said]:
    """`support_eol` is not a date like `2029-05-31`.

    MAAS: MAAS 2.9 to 3.2 stops the whole import for a value that Django does not read as a date.
        Once MAAS has listed the image, more values stop the import. MAAS 3.3 to 3.7 stops for a
        value that `strptime` with `%Y-%m-%d` does not read (`_update_cache`,
        maasserver/bootsources.py). MAAS 3.8 discards the whole source, also for `support_esm_eol`
        (`support_eol_validator`, maasservicelayer/simplestreams/models.py).
    Why: MAAS reads the date when it lists the image, whether anybody selects it or not.
    Fix: write year, month and day with dashes, or remove the field.
    Example:
        "support_eol": "31 May 2029",
    """
    field, place = str(event.place.path[-1]), event.place
    if not field.startswith("support_"):
        field, place = "support_eol", merged_field("support_eol", event, look)
    value = event.values["value"] if "value" in event.values else event.values["support_eol"]
    yield Said(
        f"`{field}` is {shown(value)}, expected a date like `2029-05-31`",
        "write year, month and day with dashes, or remove the field",
        place=place,
    )


@rule("MSL446", Severity.WARNING, on="file")
def support_eol_passed(file: File, look: Look) -> Iterator[Said]:
    """An Ubuntu release in the stream is out of support.

    MAAS: MAAS still imports and deploys it. The date only decides which long-term release MAAS
        commissions with by default: the one with the longest support
        (`get_available_commissioning_resources`, maasserver/models/bootresource.py; MAAS 3.8:
        `get_available_lts_releases`, maasservicelayer/db/repositories/bootsourcecache.py).
    Why: such an image gets no more security updates. If the product has `support_esm_eol`, the
        later of the two dates counts.
    Fix: remove the product when nobody deploys it any more, or correct the date.
    Example:
        "support_eol": "2019-04-25",
    """
    old: dict[tuple[str, date], list[Product]] = {}
    for product, end in _ended(look):
        if product.file is file and product.ubuntu:
            old.setdefault((product.get("release") or "", end), []).append(product)
    for (release, end), products in old.items():
        yield Said(
            f"support of Ubuntu {quoted(release)} ended on {end.isoformat()}",
            "remove it when nobody deploys it any more, or correct `support_eol`",
            place=products[0].at("support_eol"),
            also=tuple(p.at("support_eol") for p in products[1:MANY]),
            effect="still imports and deploys it",
        )


@rule("MSL447", Severity.IGNORED, at="product")
def identity_overridden(event: Event, look: Look) -> Iterator[Said]:
    """MAAS does not import a product because a field of an item hides a name.

    MAAS: up to 3.7 MAAS merges the fields of product, version and item, and the item's fields win.
        So `content_id`, `product_name` or `version_name` in an item hide the true values. The
        second pass looks for a product or version of that name, finds none, and imports nothing of
        the product. It logs nothing (`ProductMapping`, import_images/product_mapping.py;
        `BootResourceRepoWriter.filter_version`, maasserver/bootresources.py). MAAS 3.8 does not
        read these three fields in an item.
    Why: the library adds these three names itself. A tool that saves merged items writes them into
        the file.
    Fix: delete the member from the item.
    Example:
        "version_name": "20260101_01",
    """
    item = value_at(look, event.place)
    names = item if isinstance(item, dict) else {}
    field = next((f for f in ("version_name", "product_name", "content_id") if f in names), None)
    yield Said(
        f"the item's own {quoted(field or 'name')} {shown(names.get(field))} hides the true one",
        "delete the member from all items of the product",
        place=event.place.below(field) if field else event.place,
        also=(cut(event.place, "product"),),
    )


@rule("MSL448", Severity.IGNORED)
def maas_supported_newer(event: Event, look: Look) -> Iterator[Said]:
    """`maas_supported` asks for a newer MAAS.

    MAAS: up to 3.7 MAAS ignores the product and logs `Ignoring …, requires a newer version of
        MAAS(…)` (`BootResourceRepoWriter.insert_item`, maasserver/bootresources.py). MAAS 3.8 does
        not read the field.
    Why: the field exists to hide an image from releases that cannot use it. This is a finding
        because MAAS does not have the image.
    Fix: do nothing if that is intended. Otherwise lower the version, or remove the field.
    Example:
        "maas_supported": "3.6",
    """
    value = event.values["maas_supported"]
    yield Said(
        f"`maas_supported` is {shown(value)}, which is newer than this MAAS",
        "do nothing if older releases must not have the image; otherwise lower or remove the field",
        place=merged_field("maas_supported", event, look),
    )


@rule("MSL449", Severity.FATAL)
def maas_supported_unparsable(event: Event, look: Look) -> Iterator[Said]:
    """`maas_supported` is not a version.

    MAAS: up to 3.5 MAAS accepts any text. It sorts a text that is no version before all versions.
        MAAS 3.6 and 3.7 stop the whole import with `InvalidVersion`
        (`BootResourceRepoWriter.insert_item`, maasserver/bootresources.py). MAAS 3.8 does not read
        the field.
    Why: people understand `3.5+` or `>=3.5`, but only `3.5` is a version (PEP 440).
    Fix: write the version alone, or remove the field.
    Example:
        "maas_supported": "3.5+",
    """
    yield Said(
        f"`maas_supported` is {shown(event.values['maas_supported'])}, "
        f"expected a version like `{look.lines[0]}`",
        "write the version alone, or remove the field",
        place=merged_field("maas_supported", event, look),
    )


@rule(
    "MSL450",
    Severity.WARNING,
    on="product",
    among=with_text("subarches", odd=_has_blanks),
)
def subarches_spaces(product: Product, look: Look) -> Iterator[Said]:
    """`subarches` contains spaces.

    MAAS: every release line splits the text at its commas and keeps the spaces. So MAAS lists a
        subarch ` ga-24.04`, which no machine and no selection has (`RepoDumper.insert_item`,
        import_images/download_descriptions.py; MAAS 3.8:
        maasservicelayer/builders/bootsourcecache.py).
    Why: the field looks like a list that a person writes, but it is one text.
    Fix: remove the spaces: `generic,ga-24.04`.
    Example:
        "subarches": "generic, ga-24.04",
    """
    subarches = product.raw.get("subarches")
    if not isinstance(subarches, str) or not _has_blanks(subarches) or not product.image:
        return
    yield Said(
        f"`subarches` is {quoted(subarches)}, expected no spaces in it",
        f"write {quoted(','.join(part.strip() for part in subarches.split(',')), WHOLE)}",
        place=product.at("subarches"),
        effect="lists a subarch with a space in its name, which no machine has",
    )


def _ended(look: Look) -> Iterator[tuple[Product, date]]:
    """The products whose support has ended, and when."""
    today, table = date.today(), look.catalog.columns
    columns = [
        [value if value.__class__ is str else None for value in table.own(field)]
        for field in ("support_eol", "support_esm_eol")
    ]
    ends = {
        said: max((end for end in map(_date, said) if end is not None), default=today)
        for said in set(zip(*columns, strict=True))
    }
    if all(end >= today for end in ends.values()):
        return
    for product, said in zip(table.products, zip(*columns, strict=True), strict=True):
        if ends[said] < today:
            yield product, ends[said]


def _date(value: Any) -> date | None:
    return _day(value) if isinstance(value, str) else None


@lru_cache(maxsize=1024)
def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
