"""Rules on the checksums and sizes of items."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import filterfalse
from typing import TYPE_CHECKING, Any

from maas_stream_lint.checks.among import with_items
from maas_stream_lint.checks.image import COSTS, cost
from maas_stream_lint.checks.item_words import named_with_product, spot, unfit
from maas_stream_lint.checks.words import MANY, listed, shown, value_at
from maas_stream_lint.file_fetch import never_matching
from maas_stream_lint.finding import Severity
from maas_stream_lint.imports.trace import Event
from maas_stream_lint.objects import are, consists_of
from maas_stream_lint.quoting import quoted
from maas_stream_lint.rule import Said, cut, rule
from maas_stream_lint.rulebook import of_family, releases

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Item, Whole


DIGITS = b"0123456789abcdef"
#: How many texts are searched at once: copies of all of them would be as large as the stream.
PART = 1000


DIGEST_IN_ANY_CASE = r"[0-9a-fA-F]{64}"


TIB = 2**40


#: No image of today has that size, and region controllers hardly have more space.
LARGE_ITEM, LARGE_STREAM = TIB, 4 * TIB


#: What MAAS does when there is too little disk space, by what it checks, and what it logs.
SHORT_OF_SPACE = {
    "sum": (
        "fails the whole import for lack of disk space",
        "some region controllers don't have enough disk space",
    ),
    "file": ("does not download a file that needs more disk space than there is", ""),
}


@rule("MSL606", Severity.FATAL, causes=["missing-sha256", "sha256-not-text"])
def missing_sha256(event: Event, look: Look) -> Iterator[Said]:
    """An item has no `sha256`.

    MAAS: up to 3.7 MAAS stops the whole import, of every source. Without any checksum it stops for
        each item of a newest version, selected or not (`ChecksummingContentSource`,
        simplestreams/contentsource). With only `md5` or `sha512` it stops later, with `KeyError:
        'sha256'` (`BootResourceStore.insert`, maasserver/bootresources.py). MAAS 3.8 refuses the
        file and discards the whole source (`ImageFile`, maasservicelayer/simplestreams/models.py).
    Why: MAAS stores files under their sha256 and checks each download against it.
    Fix: add the output of `sha256sum FILE` as `sha256`, in lower case.
    Example:
        "path": "rhel/rhel9/amd64/20261015_01/root-tgz",
        "md5":
    """
    item = value_at(look, cut(event.place, "item"))
    others = [name for name in ("md5", "sha512") if isinstance(item, dict) and name in item]
    yield unfit(
        event,
        "sha256",
        look,
        "one in addition to " + listed(others) if others else "the file's checksum in hex",
        "add the output of `sha256sum FILE` to the item",
    )


@rule(
    "MSL607",
    Severity.FATAL,
    on="item",
    causes=["sha256-no-name"],
    among=lambda look: _without_digest(look),
)
def sha256_form(seen: Event | Item, look: Look) -> Iterator[Said]:
    """A `sha256` is not 64 lower-case hexadecimal digits.

    MAAS: MAAS imports the metadata, downloads the file and compares its checksum as text, so the
        checksum never matches. Up to 3.4 MAAS then drops the file. MAAS 3.5 to 3.7 tries again for
        two hours, and then the *whole import* fails. MAAS 3.8 fails the selection
        (`write_content_thread`, maasserver/bootresources.py; `LocalBootResourceFile.valid`,
        maasserver/utils/bootresource.py; `AsyncLocalBootResourceFile.valid`,
        maasservicelayer/utils/image_local_files.py).
    Why: some tools write upper-case digits, a prefix, or another checksum.
    Fix: write the output of `sha256sum FILE` unchanged.
    Example:
        "sha256": "6A919FB5C19F04DF
    """
    if isinstance(seen, Event):
        key, sha256 = str(cut(seen.place, "item").path[-1]), seen.values["value"]
        message = f"item {quoted(key)} has {shown(sha256)} as sha256, expected "
        remedy = "write the output of `sha256sum FILE`"
        yield Said(message + "64 lower-case hexadecimal digits", remedy)
        return
    sha256 = seen.get("sha256")
    if sha256 is None or len(sha256) > 64 or _is_digest(sha256):
        return  # an event of its own, or nothing wrong
    stored, place = look.stores(seen), seen.at("sha256")
    upper = re.fullmatch(DIGEST_IN_ANY_CASE, sha256) is not None
    message = f"item {quoted(seen.key)} has {shown(sha256)} as sha256, expected " + (
        "lower-case digits" if upper else "64 lower-case hexadecimal digits"
    )
    remedy = "write it in lower case" if upper else "write the output of `sha256sum FILE`"
    for lines, (severity, effect, log) in _mismatches(look.lines):
        on = tuple(line for line in lines if line in stored)
        if on:
            yield Said(message, remedy, place, (), on, severity, effect, log)


@rule("MSL608", Severity.FATAL, causes=["missing-size", "size-not-a-number", "size-out-of-range"])
def missing_size(event: Event, look: Look) -> Iterator[Said]:
    """An item has no `size`, or one that is not a whole number.

    MAAS: up to 3.7 MAAS stops the whole import, of every source, for each item of a newest version,
        selected or not (`Invalid size 'None' at …`, simplestreams/checksum_util; `int()` in
        simplestreams/mirrors and maasserver/bootresources.py). MAAS 3.8 refuses the file and
        discards the whole source (`ImageFile`, maasservicelayer/simplestreams/models.py). The
        database refuses a number that needs more than 64 bits: the import stops, and on MAAS 3.8
        the selection fails.
    Why: MAAS needs the size to reserve disk space and to know when a download is complete.
    Fix: write the file's size in bytes (`stat -c %s FILE`) as a whole number without quotes.
    Example:
        "size": "768M"
    """
    value = value_at(look, cut(event.place, "item").below("size"))
    if value is None and event.values.get("size") is not None:
        value = event.values["size"]  # stands at a higher level
    bits = look.least("file-size-bits")
    if value is None:
        said = "has no `size`"
    elif event.cause == "size-out-of-range":
        said = f"has {shown(value)} as `size`, more than {bits} bits hold"
    else:
        said = f"has {shown(value)} as `size`"
    yield Said(
        f"item {shown(event.place.item)} {said}, expected the file's size in bytes",
        "write the file's size in bytes, as a whole number",
        place=spot(event, "size", look),
    )


@rule(
    "MSL609",
    Severity.UNUSABLE,
    on="item",
    causes=["size-zero"],
    among=with_items("size", odd=lambda size: size.__class__ is not int or size <= 0),
)
def size_zero(seen: Event | Item, look: Look) -> Iterator[Said]:
    """An item's `size` is zero or less.

    MAAS: up to 3.4 MAAS counts the set as complete only if the file is empty. MAAS 3.5 to 3.7
        cannot reserve space for the file. It tries again for two hours, and then the *whole import*
        fails (`LocalBootResourceFile.allocate`, maasserver/utils/bootresource.py). If they have the
        file with another size, it fails at once with a `ZeroDivisionError` (`sync_progress`,
        maasserver/models/bootresourcefile.py). On MAAS 3.8 the selection fails with the same
        error before any download (`get_sync_progress`,
        maasservicelayer/services/bootresourcefiles.py).
    Why: a tool that does not know the size writes 0, or the build left an empty file.
    Fix: write the file's size in bytes (`stat -c %s FILE`). If the file is empty, build it again.
    Example:
        "size": 0
    """
    remedy = "write the file's size in bytes; if the file is empty, build it again"
    if isinstance(seen, Event):
        key, size = str(cut(seen.place, "item").path[-1]), seen.values["size"]
        message = f"item {quoted(key)} has {shown(size)} as `size`, expected the size of its file"
        place = seen.place.below("size")
        yield Said(message, remedy, place=place)
        return
    size = seen.get("size")
    number = _number(size)
    if number is None or number > 0:
        return
    simulated = look.where(lambda release: release.strict)
    stored = tuple(line for line in look.stores(seen) if line not in simulated)
    for lines, severity, effect in _lost(stored, look):
        yield Said(
            f"item {quoted(seen.key)} has {shown(size)} as `size`, expected the size of its file",
            remedy,
            place=seen.at("size"),
            lines=lines,
            severity=severity,
            effect=f"never gets the file; it {effect}",
        )


@rule("MSL617", Severity.WARNING, on="stream")
def absurd_size_total(whole: Whole, look: Look) -> Iterator[Said]:
    """The sizes add up to more than a region controller can store.

    MAAS: MAAS 3.5 to 3.7 adds up the `size` of all files before it downloads any. If a region
        controller has less free space, the whole import fails (`calc_storage_size`,
        maasserver/bootresources.py; `check_disk_space`, maasserver/workflow/bootresource.py, later
        maastemporalworker/workflow/bootresource.py). MAAS 3.8 checks before each file
        (`AsyncLocalBootResourceFile.store`, maasservicelayer/utils/image_local_files.py).
    Why: MAAS trusts the numbers in the metadata, so one wrong digit blocks everything.
    Fix: write the file's real size (`stat -c %s FILE`). If the stream is really that large, select
        only what you need.
    Example:
        "size": 8053063680000
    """
    if _are_plainly_small(look.catalog.columns.of_items("size")):
        return
    total, large = _needed(look)
    if not large and total <= LARGE_STREAM:
        return
    stored = {line for item in large for line in look.stores(item)} if large else set(look.lines)
    told = (
        f"item {named_with_product(large[0])} needs {_tib(_size(large[0]))}, and " if large else ""
    )
    for check, alike in look.alike(lambda release: str(release.policy("disk-space"))):
        lines = tuple(release.line for release in alike if release.line in stored)
        if check in SHORT_OF_SPACE and lines:
            effect, log = SHORT_OF_SPACE[check]
            yield Said(
                f"{told}all files need {_tib(total)}, expected less than disks can store",
                "write the file's real size in bytes"
                if large
                else "select only what you need, or make room on all region controllers",
                place=large[0].at("size") if large else None,
                also=tuple(item.at("size") for item in large[1:]),
                lines=lines,
                effect=effect,
                log=log,
            )


def _are_plainly_small(sizes: Sequence[Any]) -> bool:
    """Whether all files fit on disks, even if each were needed as often as it is named."""
    return (
        are(sizes, int)
        and all(0 < size <= LARGE_ITEM for size in (min(sizes, default=1), max(sizes, default=1)))
        and sum(sizes) <= LARGE_STREAM
    )


def _needed(look: Look) -> tuple[int, list[Item]]:
    """The bytes that all files need, each counted once, and the first items that are too large."""
    table = look.catalog.columns
    most, listings = 2 ** (look.least("file-size-bits") - 1), of_family("listing")
    given, sums, ftypes = (table.of_items(field) for field in ("size", "sha256", "ftype"))
    numbers = given if are(given, int) else map(_number, given)
    kept = [ftype not in listings for ftype in ftypes]
    names = sums if are(sums, str) else [s if s.__class__ is str else n for n, s in enumerate(sums)]
    sizes: dict[Any, int] = {}
    large: list[Item] = []
    for row, (name, size) in enumerate(zip(names, numbers, strict=True)):
        if size is not None and 0 < size < most and kept[row]:
            sizes[name] = size
            if size > LARGE_ITEM and len(large) < MANY:
                large.append(table.item(row))
    return sum(sizes.values()), large


@lru_cache(maxsize=16)
def _mismatches(
    lines: tuple[str, ...],
) -> list[tuple[tuple[str, ...], tuple[Severity, str, str]]]:
    """The release lines, grouped by what comes of a checksum that never matches."""
    groups: dict[tuple[Severity, str, str], list[str]] = {}
    for release in releases(lines):
        failed = never_matching(release)
        groups.setdefault((*cost(release, failed), failed.log), []).append(release.line)
    return [(tuple(alike), said) for said, alike in groups.items()]


def _lost(lines: tuple[str, ...], look: Look) -> Iterator[tuple[tuple[str, ...], Severity, str]]:
    """The release lines, grouped by what each loses with a file that it never gets."""
    for failure, alike in look.alike(lambda release: str(release.download("failure"))):
        here = tuple(release.line for release in alike if release.line in lines)
        if here:
            yield here, *COSTS[failure]


def _size(item: Item) -> int | None:
    return _number(item.raw.get("size"))


def _number(value: Any) -> int | None:
    """A size as a number; ``None`` for any other value, which ``missing_size`` reports."""
    if value.__class__ is int:
        return int(value)
    if not isinstance(value, str) or len(value) > 30:
        return None
    try:
        return int(value)
    except ValueError:
        return None


def _without_digest(look: Look) -> Sequence[Item]:
    """Items whose own sha256 is missing or has another form."""
    table = look.catalog.columns
    sums = table.of_items("sha256")
    if not are(sums, str, type(None)):
        return with_items("sha256", odd=lambda own: not _is_digest(own))(look)
    if None not in sums and {*map(len, sums)} <= {64}:
        parts = (sums[at : at + PART] for at in range(0, len(sums), PART))
        if all(map(_are_hexadecimal, parts)):
            return []  # most streams end here, after a search in C
    odd = {None, *filterfalse(_is_digest, {*sums} - {None})}
    return [table.item(row) for row, own in enumerate(sums) if own in odd]


def _is_digest(own: Any) -> bool:
    return own.__class__ is str and len(own) == 64 and _are_hexadecimal([own])


def _are_hexadecimal(texts: Sequence[str]) -> bool:
    """Whether all texts consist of hexadecimal digits in lower case."""
    return consists_of("".join(texts), DIGITS)


def _tib(size: int | None) -> str:
    return f"{(size or 0) / TIB:,.1f} TiB"
