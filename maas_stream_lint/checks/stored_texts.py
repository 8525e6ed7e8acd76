"""Rules on texts that MAAS's database, forms or cache refuse."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from maas_stream_lint.checks.among import with_text
from maas_stream_lint.checks.words import kind, merged_field, value_at
from maas_stream_lint.finding import Place, Severity
from maas_stream_lint.imports.trace import Event
from maas_stream_lint.quoting import quoted
from maas_stream_lint.rule import Said, cut, rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Product, Whole
    from maas_stream_lint.rulebook import Release


#: What MAAS stores under one name, and the fields that it can come from.
SOURCES = {
    "release": ("release", "gadget_snap"),
    "kflavor": ("kflavor", "kernel_snap"),
    "subarch": ("subarch", "subarches"),
    "subarches": ("subarch", "subarches"),
    "title": ("os_title", "release_title", "gadget_title"),
    "os/release": ("os", "release", "gadget_snap", "bootloader-type"),
    "arch/subarch": ("arch", "subarch", "kflavor"),
    "file name": ("path",),
}


#: Those that are in the cache as well, which has the narrower columns.
CACHED = ("os/release", "arch/subarch", "kflavor", "label")


@rule("MSL439", Severity.FATAL)
def number_instead_of_text(event: Event, look: Look) -> Iterator[Said]:
    """A field has a number, or another value that is not text.

    MAAS: up to 3.7 MAAS turns a number into text, and ignores a list or an object. MAAS 3.8 needs
        text and discards the whole source (maasservicelayer/simplestreams/models.py).
    Why: YAML turns `version: 24.04` into a number, and `version: 22.10` into 22.1.
    Fix: put the value in double quotes, here and in the file that the stream is made from.
    Example:
        "version": 9,
    """
    yield Said(
        f"`{event.values['field']}` is {kind(event.values['value'])}, "
        "expected text in double quotes",
        "put the value in double quotes, here and in the file that the stream is made from",
    )


@rule("MSL440", Severity.FATAL, on="stream", causes=["slash-in-name"], at="product")
def slash_in_name(seen: Event | Whole, look: Look) -> Iterator[Said]:
    """An `os`, `release`, `arch` or `subarch` contains a slash.

    MAAS: MAAS names an image `OS/RELEASE` and `ARCH/SUBARCH`, and later splits the name at its
        slashes: `ValueError: too many values to unpack` (`get_resource_identity`,
        maasserver/bootresources.py). Up to 3.4 the first import can pass. Then every later import
        fails, of any source, until somebody deletes the image by hand. MAAS 3.5 to 3.7 fails at
        once. MAAS 3.8 fails the selection of the product (maasservicelayer/services/image_sync.py).
        If the `arch` has a slash, it looks for the part before the slash: `AssertionError: No
        suitable selection found for boot resource`.
    Why: an uploaded image is called `custom/web`, but `release` is only the part after the slash.
    Fix: write a dash instead of the slash.
    Example:
        "release": "rhel9/web",
    """
    if isinstance(seen, Event):
        yield _slashed(cut(seen.place, "product"), look)
        return
    slashed = [
        product
        for product in _saying_slash(look)
        if any("/" in name for name in _names(product)) and product.image
    ]
    for trace in look.traces if slashed else ():
        told = {cut(e.place, "product") for e in trace.events if e.cause == "slash-in-name"}
        taken = {Place(i.file, ("products", i.product)) for i in trace.imported}
        for product in slashed:
            if trace.strict or product.place not in taken or product.place in told:
                continue
            late = look.where(lambda r: r.policy("splits-identity") != "always")
            said = _slashed(product.place, look)
            yield Said(
                said.message,
                said.remedy,
                said.place,
                lines=tuple(line for line in trace.lines if line in late),
                severity=Severity.UNUSABLE,
                effect="imports the image once; every later import fails, of any source",
            )


@rule("MSL441", Severity.FATAL, causes=["too-long-for-cache", "too-long-to-store"])
def too_long_for_cache(event: Event, look: Look) -> Iterator[Said]:
    """A field is longer than its column in MAAS's database.

    MAAS: MAAS has 32 characters for `os`, `arch`, `subarch`, `kflavor`, `release`, `label` and
        `bootloader-type`, on 3.8 also for the version's name. It has 255 for titles and file names,
        and 64 for `sha256` (maasserver/models/bootsourcecache.py and bootresource*.py;
        maasservicelayer/db/tables.py). A longer text is a database error. Up to 3.7 the error stops
        the whole import. On MAAS 3.8 the error rolls back the lists of images of *every* source,
        and MAAS shows no notification. If a text of a file is too long, the selection fails there.
    Why: MAAS refuses the image when it lists it, before anybody selects it. A build that makes
        names of branch and commit makes longer and longer ones.
    Fix: shorten the text. `os` and `release` have room for 20 characters only if somebody selects
        the image (MSL442).
    Example:
        "release": "rhel9-web-frontend-with-monitoring",
    """
    width = int(event.values["width"])
    column, whole = str(event.values["field"]), str(event.values["value"])
    if column in CACHED:
        width = min((r.limit("cache-key") or width for r in look.releases), default=width)
    subject, place, value = _blamed(event, look, lambda text: len(text) > width)
    if column == "version":  # stored together with the os
        width -= len(whole) - len(value)
    yield Said(
        f"{subject} is {len(value):,} characters long, expected {width:,} at most",
        f"shorten it to {width:,} characters",
        place=place,
    )


@rule(
    "MSL442",
    Severity.UNUSABLE,
    on="product",
    among=lambda look: _long(look),
)
def too_long_to_select(product: Product, look: Look) -> Iterator[Said]:
    """Nobody can select an image whose `os` or `release` has more than 20 characters.

    MAAS: MAAS lists the image. But it stores os and release of a selection in columns of 20
        characters, so the selection ends with an error (maasserver/models/bootsourceselection.py;
        MAAS 3.8: `BootSourceSelectionTable`, maasservicelayer/db/tables.py).
    Why: the column of listed images is wider than the column of selected images.
    Fix: shorten the text to 20 characters.
    Example:
        "release": "rhel9-web-frontend-v2",
    """
    for field, value in (("os", product.os), ("release", product.get("release") or "")):
        size = len(value)
        if size <= look.least("selection"):
            continue
        lines = look.where(partial(_listed_alone, size))
        if lines and product.image:
            room = min(r.limit("selection") or 0 for r in look.releases if r.line in lines)
            yield Said(
                f"{quoted(value)} in `{field}` is {size} characters long, expected {room} at most",
                f"shorten it to {room} characters",
                place=product.at(field),
                lines=lines,
                effect="lists the image, but fails when somebody selects it",
            )


@rule("MSL443", Severity.FATAL, causes=["nul-in-text", "lone-surrogate-stored"])
def nul_in_text(event: Event, look: Look) -> Iterator[Said]:
    r"""A text that MAAS stores contains a zero character or half a character.

    MAAS: PostgreSQL accepts neither `\u0000` nor a surrogate like `\ud83d` without its other half.
        Up to 3.7 the error stops the whole import if the line stores the field
        (maasserver/models/bootsourcecache.py, bootresource.py). MAAS 3.8 stores the whole file.
        Such a text in any field that it knows rolls back the lists of images of *every* source, and
        MAAS shows no notification (maasservicelayer/services/image_manifests.py).
    Why: JSON can hold these characters as escapes, so no program refuses them before the database
        does. They come from binary data, or from a text that was cut in the middle of an emoji.
    Fix: write the text without the character.
    Example:
        "release_title": "9\u0000",
    """
    nul = event.cause == "nul-in-text"
    subject, place, _ = _blamed(event, look, lambda text: "\0" in text if nul else _halved(text))
    yield Said(
        f"{subject} contains {'a zero character' if nul else 'half a character'}",
        "write the text without that character",
        place=place,
    )


def _long(look: Look) -> Sequence[Product]:
    """The products with an os or release that some release line may refuse."""
    least = look.least("selection")
    return with_text("os", "release", odd=lambda text: len(text) > least)(look)


_saying_slash = with_text("os", "release", "arch", "subarch", odd=lambda text: "/" in text)


def _names(product: Product) -> list[str]:
    names = [product.raw.get(field) for field in ("os", "release", "arch", "subarch")]
    return [name if isinstance(name, str) else "" for name in names]


def _slashed(product: Place, look: Look) -> Said:
    for field in ("os", "release", "arch", "subarch"):
        value = value_at(look, product.below(field))
        if isinstance(value, str) and "/" in value:
            return Said(
                f"`{field}` is {quoted(value)}, expected it without a slash",
                "write a dash instead of the slash",
                product.below(field),
            )
    return Said(
        "the image's name has more than one slash, expected `os/release`",
        "write dashes instead of slashes in `os`, `release`, `arch` and `subarch`",
        product,
    )


def _blamed(event: Event, look: Look, guilty: Callable[[str], bool]) -> tuple[str, Place, str]:
    """The text that the database refuses, as a message names it; its place; the text itself."""
    column, whole = str(event.values["field"]), str(event.values["value"])
    if column == "version name" or (event.place.path and whole == event.place.path[-1]):
        version = event.place
        if column == "version name":
            version = cut(event.place, "version")
            if version.version is None:
                version = version.below("versions", whole)
        return f"the name {quoted(whole)}", version, whole
    if event.place.path[-1:] == (column,):
        return f"{quoted(whole)} in `{column}`", event.place, whole
    for field in SOURCES.get(column, (column,)):
        place = merged_field(field, event, look)
        value = value_at(look, place) if place.path[-1:] == (field,) else None
        if isinstance(value, str):
            parts = value.split(",") if field == "subarches" else [value]
            parts = value.split("/")[-1:] if field == "path" else parts
            part = next((p for p in parts if guilty(p)), None)
            if part is not None:
                return f"{quoted(part)} in `{field}`", place, part
    at = event.place if len(event.place.path) < 2 else merged_field(column, event, look)
    return f"{quoted(whole)} in `{column}`", at, whole


def _listed_alone(size: int, release: Release) -> bool:
    """Whether a release can list an os or release of that length, but not store its selection."""
    listed = release.limit("cache-key") or size
    return (release.limit("selection") or size) < size <= listed


def _halved(text: str) -> bool:
    return any("\ud800" <= c <= "\udfff" for c in text)
