"""Fixers for defects of items, based on the files that they name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from maas_stream_lint.checks.item import suggested_ftype
from maas_stream_lint.finding import Place
from maas_stream_lint.fixing.documents import tidied
from maas_stream_lint.fixing.jsontext import Remove, Rename, Set
from maas_stream_lint.fixing.proposal import DROP, UNSAFE, Part, Proposal
from maas_stream_lint.fixing.registry import fixes
from maas_stream_lint.rulebook import disk_packed_as, ftypes, of_family

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.finding import Finding
    from maas_stream_lint.fixing.jsontext import Change
    from maas_stream_lint.fixing.proposal import Context
    from maas_stream_lint.images.observation import Seen

#: A sha256, but for its case.
HEX = re.compile(r"[0-9a-fA-F]{64}")


@fixes("missing-sha256")
def missing_sha256(finding: Finding, context: Context) -> Iterator[Proposal]:
    """The sha256 of the existing file."""
    for place, item in _items(finding, context):
        said = item.get("sha256")
        seen = context.facts(_path(item), ("sha256", "sha512", "md5"))
        if seen is not None and not (isinstance(said, str) and said):
            consent = UNSAFE if _contradicts(item, seen, ("size", "sha512", "md5")) else None
            yield _set(place, "sha256", seen.digests["sha256"], "the sha256 of the file", consent)


@fixes("missing-size", "size-zero")
def missing_size(finding: Finding, context: Context) -> Iterator[Proposal]:
    """The size of the existing file."""
    for place, item in _items(finding, context):
        said = item.get("size")
        seen = context.facts(_path(item), ("sha256", "sha512", "md5"))
        if seen is None or seen.size is None or not seen.size:
            continue
        agrees = isinstance(said, (str, float)) and _number(said) == seen.size
        absent = said is None or said == ""
        told = f"the file's {seen.size:,} bytes"
        other = _contradicts(item, seen, ("sha256", "sha512", "md5"))
        safe = (absent or agrees) and not other
        yield _set(place, "size", seen.size, told, None if safe else UNSAFE)


@fixes("sha256-form")
def lower_case(finding: Finding, context: Context) -> Iterator[Proposal]:
    """Write hexadecimal digits in lower case; any other defect needs the file."""
    for place, item in _items(finding, context):
        said = item.get("sha256")
        if not isinstance(said, str):
            continue
        if HEX.fullmatch(said.strip()):
            yield _set(place, "sha256", said.strip().lower(), "the sha256 in lower case")
        elif (seen := context.facts(_path(item))) is not None:
            yield _set(place, "sha256", seen.digests["sha256"], "the sha256 of the file", UNSAFE)


@fixes("sha256-mismatch", "size-mismatch", "other-checksum-mismatch")
def recomputed(finding: Finding, context: Context) -> Iterator[Proposal]:
    """The size and checksums of the file, if the metadata is wrong."""
    for place, item in _items(finding, context):
        seen = context.facts(_path(item), ("sha256", "sha512", "md5"))
        if seen is None or seen.size is None:
            continue
        wanted: dict[str, Any] = {"size": seen.size, **seen.digests}
        parts = tuple(
            Part(place.file, Set((*place.path, name), value))
            for name, value in wanted.items()
            if name in item and _plain(item[name]) != _plain(value)
        )
        if parts:
            yield Proposal(parts, "write the size and the checksums of the existing file", UNSAFE)


@fixes("unknown-ftype")
def ftype(finding: Finding, context: Context) -> Iterator[Proposal]:
    """The intended ftype, if the file is of that kind."""
    for place, item in _items(finding, context):
        said = str(item.get("ftype") or "")
        near = suggested_ftype(said, place, context.look)
        # A listing needs no check, because MAAS does not use it.
        if near is not None and said not in of_family("listing"):
            agrees = _agrees(near, item, context)
            if agrees is not False:
                yield _renamed(place, item, near, context, None if agrees else UNSAFE)


@fixes("missing-ftype")
def missing_ftype(finding: Finding, context: Context) -> Iterator[Proposal]:
    """An item's key, if that is an ftype."""
    for place, item in _items(finding, context):
        key = str(place.path[-1])
        known = key in context.look.releases[-1].ftypes
        if known and _agrees(key, item, context) is not False and not item.get("ftype"):
            yield _set(place, "ftype", key, f"`{key}`")


@fixes("ddgz-as-root-dd")
def compressed_disk(finding: Finding, context: Context) -> Iterator[Proposal]:
    """The ftype of a compressed disk image that is no tar."""
    for place, item in _items(finding, context):
        seen = context.facts(_path(item))
        kind = seen.content.kind if seen is not None and seen.content is not None else ""
        wanted = disk_packed_as(kind)
        if wanted is not None:
            yield _renamed(place, item, wanted, context, None)


@fixes("squashfs-key")
def passed_over(finding: Finding, context: Context) -> Iterator[Proposal]:
    """Remove a `root-image.gz` whose place a squashfs takes; otherwise correct the keys."""
    place = Place(finding.place.file, finding.place.path[:6])
    best = context.look.releases[-1].ubuntu_set.roots[0]
    squashfs = _held(place, context).get(best)
    if isinstance(squashfs, dict) and squashfs.get("ftype") == best:
        part = Part(place.file, Remove(place.path))
        yield Proposal((part,), f"remove the item `{place.path[-1]}`", DROP)
    else:
        yield from key_is_ftype(finding, context)


@fixes("item-key-not-ftype")
def key_is_ftype(finding: Finding, context: Context) -> Iterator[Proposal]:
    """An item gets its ftype as key, if the key is unused."""
    for place, item in _siblings(finding, context):
        said = item.get("ftype")
        known = (*context.look.releases[-1].ftypes, *of_family("listing"))
        if isinstance(said, str) and said in known:
            yield from _key(place, said, context)


@fixes("bootloader-item-key")
def key_is_package(finding: Finding, context: Context) -> Iterator[Proposal]:
    """A bootloader's item gets its source package as key, if that is one of the four."""
    known = {k for r in context.look.releases for s in _shapes(r) for k in s}
    for place, item in _siblings(finding, context):
        said = item.get("src_package")
        if isinstance(said, str) and said in known:
            yield from _key(place, said, context)


@fixes("unsafe-path-item")
def tidy_path(finding: Finding, context: Context) -> Iterator[Proposal]:
    """A path below the root loses its detours, if the file exists."""
    for place, item in _items(finding, context):
        path = item.get("path")
        tidy = tidied(path) if isinstance(path, str) else None
        if tidy is not None and tidy != path and context.exists(tidy):
            yield _set(place, "path", tidy, f"`{tidy}`")


@fixes("missing-manifest")
def manifest(finding: Finding, context: Context) -> Iterator[Proposal]:
    """Name a manifest that is beside the image."""
    place = Place(finding.place.file, finding.place.path[:4])
    version = context.at(place)
    items = version.get("items") if isinstance(version, dict) else None
    listing = of_family("listing")[0]
    if len(place.path) < 4 or not isinstance(items, dict) or listing in items:
        return
    paths = [i["path"] for i in items.values() if isinstance(i, dict) and _path(i)]
    for path in paths:
        folder, _, name = path.rpartition("/")
        for each in ftypes()[listing].beside:
            beside = f"{folder}/{each.format(stem=name)}".lstrip("/")
            seen = context.facts(beside) if context.exists(beside) else None
            if seen is not None:
                item = {
                    "ftype": listing,
                    "path": beside,
                    "sha256": seen.digests["sha256"],
                    "size": seen.size,
                }
                part = Part(place.file, Set((*place.path, "items", listing), item))
                yield Proposal((part,), f"name the manifest `{beside}`")
                return


def _items(finding: Finding, context: Context) -> Iterator[tuple[Place, dict[str, Any]]]:
    """The items of a finding."""
    known = set()
    for place in finding.places:
        at = Place(place.file, place.path[:6])
        item = context.at(at)
        if place.item is not None and isinstance(item, dict) and at not in known:
            known.add(at)
            yield at, item


def _siblings(finding: Finding, context: Context) -> Iterator[tuple[Place, dict[str, Any]]]:
    """All items of the version of a finding."""
    known = set()
    for place in finding.places:
        at = Place(place.file, (*place.path[:4], "items"))
        items = context.at(at)
        if place.version is not None and isinstance(items, dict) and at not in known:
            known.add(at)
            yield from (
                (at.below(key), item) for key, item in items.items() if isinstance(item, dict)
            )


def _set(place: Place, name: str, value: Any, what: str, consent: str | None = None) -> Proposal:
    part = Part(place.file, Set((*place.path, name), value))
    return Proposal((part,), f"write `{name}`: {what}", consent)


def _renamed(
    place: Place, item: dict[str, Any], ftype_: str, context: Context, consent: str | None
) -> Proposal:
    """Another ftype. The key changes with it if it was the old ftype or is unknown."""
    changes: list[Change] = [Set((*place.path, "ftype"), ftype_)]
    key, free = place.path[-1], ftype_ not in _held(place, context)
    known = context.look.releases[-1].ftypes
    what = f"write `ftype`: `{ftype_}`"
    moved: tuple[tuple[Place, Place | None], ...] = ()
    if key != ftype_ and free and (key == item.get("ftype") or key not in known):
        changes.append(Rename(place.path, ftype_))
        what += ", and rename the item to it"
        moved = ((place, Place(place.file, (*place.path[:-1], ftype_))),)
    return Proposal(tuple(Part(place.file, c) for c in changes), what, consent, renamed=moved)


def _key(place: Place, wanted: str, context: Context) -> Iterator[Proposal]:
    if place.path[-1] != wanted and wanted not in _held(place, context):
        part = Part(place.file, Rename(place.path, wanted))
        moved = ((place, Place(place.file, (*place.path[:-1], wanted))),)
        yield Proposal((part,), f"rename the item to `{wanted}`", renamed=moved)


def _held(place: Place, context: Context) -> dict[str, Any]:
    items = context.at(Place(place.file, place.path[:-1]))
    return items if isinstance(items, dict) else {}


def _agrees(ftype_: str, item: dict[str, Any], context: Context) -> bool | None:
    """Whether the file's first bytes fit an ftype; ``None`` if that is unclear."""
    seen = context.facts(_path(item))
    if seen is None or seen.content is None or ftype_ not in ftypes():
        return None
    return seen.content.suits(ftypes()[ftype_])


def _path(item: dict[str, Any]) -> str:
    path = item.get("path")
    return path if isinstance(path, str) else ""


def _contradicts(item: dict[str, Any], seen: Seen, names: tuple[str, ...]) -> bool:
    """Whether an item contradicts its file: then the file may be wrong."""
    wanted: dict[str, Any] = {"size": seen.size, **seen.digests}
    return any(
        item.get(name) not in (None, "") and _plain(item[name]) != _plain(wanted[name])
        for name in names
        if name in wanted
    )


def _number(said: Any) -> int | None:
    try:
        return int(float(said)) if float(said).is_integer() else None
    except (ValueError, OverflowError):
        return None


def _plain(value: Any) -> Any:
    return str(value).strip().lower()


def _shapes(release: Any) -> Iterator[tuple[str, ...]]:
    if release.strict:
        yield from (s.one_of for s in release.shapes if s.name == "bootloader")
