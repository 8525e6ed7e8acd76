"""Fixers for what is wrong with items, by the files that they name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from maas_stream_lint.checks.item import suggested_ftype
from maas_stream_lint.finding import Place
from maas_stream_lint.images.sniff import suits
from maas_stream_lint.mending.documents import tidied
from maas_stream_lint.mending.jsontext import Remove, Rename, Set
from maas_stream_lint.mending.proposal import DROP, UNSAFE, Part, Proposal
from maas_stream_lint.mending.registry import mends
from maas_stream_lint.rulebook import ftypes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.finding import Finding
    from maas_stream_lint.images.observation import Seen
    from maas_stream_lint.mending.jsontext import Change
    from maas_stream_lint.mending.proposal import Fixing

#: A sha256, but for its case.
HEX = re.compile(r"[0-9a-fA-F]{64}")
#: A manifest that lies beside an image, by the names that builders give it.
MANIFESTS = ("manifest", "{stem}.manifest", "squashfs.manifest", "root.manifest")


@mends("missing-sha256")
def missing_sha256(finding: Finding, fixing: Fixing) -> Iterator[Proposal]:
    """The sha256 of the file that is there."""
    for place, item in _items(finding, fixing):
        said = item.get("sha256")
        seen = fixing.facts(_path(item), ("sha256", "sha512", "md5"))
        if seen is not None and not (isinstance(said, str) and said):
            consent = UNSAFE if _contradicts(item, seen, ("size", "sha512", "md5")) else None
            yield _set(place, "sha256", seen.digests["sha256"], "the sha256 of the file", consent)


@mends("missing-size", "size-zero")
def missing_size(finding: Finding, fixing: Fixing) -> Iterator[Proposal]:
    """The length of the file that is there."""
    for place, item in _items(finding, fixing):
        said = item.get("size")
        seen = fixing.facts(_path(item), ("sha256", "sha512", "md5"))
        if seen is None or seen.size is None or not seen.size:
            continue
        agrees = isinstance(said, (str, float)) and _number(said) == seen.size
        absent = said is None or said == ""
        told = f"the file's {seen.size:,} bytes"
        other = _contradicts(item, seen, ("sha256", "sha512", "md5"))
        safe = (absent or agrees) and not other
        yield _set(place, "size", seen.size, told, None if safe else UNSAFE)


@mends("sha256-form")
def lower_case(finding: Finding, fixing: Fixing) -> Iterator[Proposal]:
    """Hexadecimal digits are written in lower case; anything else takes the file."""
    for place, item in _items(finding, fixing):
        said = item.get("sha256")
        if not isinstance(said, str):
            continue
        if HEX.fullmatch(said.strip()):
            yield _set(place, "sha256", said.strip().lower(), "the sha256 in lower case")
        elif (seen := fixing.facts(_path(item))) is not None:
            yield _set(place, "sha256", seen.digests["sha256"], "the sha256 of the file", UNSAFE)


@mends("sha256-mismatch", "size-mismatch", "other-checksum-mismatch")
def recomputed(finding: Finding, fixing: Fixing) -> Iterator[Proposal]:
    """What the file is, if it is the metadata that is wrong."""
    for place, item in _items(finding, fixing):
        seen = fixing.facts(_path(item), ("sha256", "sha512", "md5"))
        if seen is None or seen.size is None:
            continue
        wanted: dict[str, Any] = {"size": seen.size, **seen.digests}
        parts = tuple(
            Part(place.file, Set((*place.path, name), value))
            for name, value in wanted.items()
            if name in item and _plain(item[name]) != _plain(value)
        )
        if parts:
            yield Proposal(parts, "write length and checksums of the file that is there", UNSAFE)


@mends("unknown-ftype")
def ftype(finding: Finding, fixing: Fixing) -> Iterator[Proposal]:
    """The ftype that was meant, if the file is of that kind."""
    for place, item in _items(finding, fixing):
        said = str(item.get("ftype") or "")
        near = suggested_ftype(said, place, fixing.look)
        if near is not None and said != "manifest":  # that is one, though MAAS has no use for it
            agrees = _agrees(near, item, fixing)
            if agrees is not False:
                yield _renamed(place, item, near, fixing, None if agrees else UNSAFE)


@mends("missing-ftype")
def missing_ftype(finding: Finding, fixing: Fixing) -> Iterator[Proposal]:
    """An item's key, if that is an ftype."""
    for place, item in _items(finding, fixing):
        key = str(place.path[-1])
        known = key in fixing.look.releases[-1].ftypes
        if known and _agrees(key, item, fixing) is not False and not item.get("ftype"):
            yield _set(place, "ftype", key, f"`{key}`")


@mends("ddgz-as-root-dd")
def compressed_disk(finding: Finding, fixing: Fixing) -> Iterator[Proposal]:
    """The ftype of a compressed disk image that is no tar."""
    for place, item in _items(finding, fixing):
        seen = fixing.facts(_path(item))
        kind = seen.content.kind if seen is not None and seen.content is not None else ""
        wanted = {"gzip": "root-dd.gz", "xz": "root-dd.xz", "bzip2": "root-dd.bz2"}.get(kind)
        if wanted is not None:
            yield _renamed(place, item, wanted, fixing, None)


@mends("squashfs-key")
def passed_over(finding: Finding, fixing: Fixing) -> Iterator[Proposal]:
    """A `root-image.gz` beside a squashfs, which takes its place, goes; else keys are mended."""
    place = Place(finding.place.file, finding.place.path[:6])
    squashfs = _held(place, fixing).get("squashfs")
    if isinstance(squashfs, dict) and squashfs.get("ftype") == "squashfs":
        part = Part(place.file, Remove(place.path))
        yield Proposal((part,), f"take the item `{place.path[-1]}` out", DROP)
    else:
        yield from key_is_ftype(finding, fixing)


@mends("item-key-not-ftype")
def key_is_ftype(finding: Finding, fixing: Fixing) -> Iterator[Proposal]:
    """An item is called by its ftype, where nothing else is."""
    for place, item in _siblings(finding, fixing):
        said = item.get("ftype")
        known = (*fixing.look.releases[-1].ftypes, "manifest")
        if isinstance(said, str) and said in known:
            yield from _key(place, said, fixing)


@mends("bootloader-item-key")
def key_is_package(finding: Finding, fixing: Fixing) -> Iterator[Proposal]:
    """A bootloader's item is called by its source package, if that is one of the four."""
    known = {k for r in fixing.look.releases for s in _shapes(r) for k in s}
    for place, item in _siblings(finding, fixing):
        said = item.get("src_package")
        if isinstance(said, str) and said in known:
            yield from _key(place, said, fixing)


@mends("unsafe-path-item")
def tidy_path(finding: Finding, fixing: Fixing) -> Iterator[Proposal]:
    """A path below the root is written without detours, if the file is there."""
    for place, item in _items(finding, fixing):
        path = item.get("path")
        tidy = tidied(path) if isinstance(path, str) else None
        if tidy is not None and tidy != path and fixing.exists(tidy):
            yield _set(place, "path", tidy, f"`{tidy}`")


@mends("missing-manifest")
def manifest(finding: Finding, fixing: Fixing) -> Iterator[Proposal]:
    """A manifest that lies beside the image is named."""
    place = Place(finding.place.file, finding.place.path[:4])
    version = fixing.at(place)
    items = version.get("items") if isinstance(version, dict) else None
    if len(place.path) < 4 or not isinstance(items, dict) or "manifest" in items:
        return
    paths = [i["path"] for i in items.values() if isinstance(i, dict) and _path(i)]
    for path in paths:
        folder, _, name = path.rpartition("/")
        for each in MANIFESTS:
            beside = f"{folder}/{each.format(stem=name)}".lstrip("/")
            seen = fixing.facts(beside) if fixing.exists(beside) else None
            if seen is not None:
                item = {
                    "ftype": "manifest",
                    "path": beside,
                    "sha256": seen.digests["sha256"],
                    "size": seen.size,
                }
                part = Part(place.file, Set((*place.path, "items", "manifest"), item))
                yield Proposal((part,), f"name the manifest `{beside}`")
                return


def _items(finding: Finding, fixing: Fixing) -> Iterator[tuple[Place, dict[str, Any]]]:
    """The items that a finding is about."""
    known = set()
    for place in finding.places:
        at = Place(place.file, place.path[:6])
        item = fixing.at(at)
        if place.item is not None and isinstance(item, dict) and at not in known:
            known.add(at)
            yield at, item


def _siblings(finding: Finding, fixing: Fixing) -> Iterator[tuple[Place, dict[str, Any]]]:
    """All items of the version that a finding is about."""
    known = set()
    for place in finding.places:
        at = Place(place.file, (*place.path[:4], "items"))
        items = fixing.at(at)
        if place.version is not None and isinstance(items, dict) and at not in known:
            known.add(at)
            yield from (
                (at.below(key), item) for key, item in items.items() if isinstance(item, dict)
            )


def _set(place: Place, name: str, value: Any, what: str, consent: str | None = None) -> Proposal:
    part = Part(place.file, Set((*place.path, name), value))
    return Proposal((part,), f"write `{name}`: {what}", consent)


def _renamed(
    place: Place, item: dict[str, Any], ftype_: str, fixing: Fixing, consent: str | None
) -> Proposal:
    """Another ftype, and the key with it where that was the old one or none that is known."""
    changes: list[Change] = [Set((*place.path, "ftype"), ftype_)]
    key, free = place.path[-1], ftype_ not in _held(place, fixing)
    known = fixing.look.releases[-1].ftypes
    what = f"write `ftype`: `{ftype_}`"
    moved: tuple[tuple[Place, Place | None], ...] = ()
    if key != ftype_ and free and (key == item.get("ftype") or key not in known):
        changes.append(Rename(place.path, ftype_))
        what += ", and call the item so"
        moved = ((place, Place(place.file, (*place.path[:-1], ftype_))),)
    return Proposal(tuple(Part(place.file, c) for c in changes), what, consent, renamed=moved)


def _key(place: Place, wanted: str, fixing: Fixing) -> Iterator[Proposal]:
    if place.path[-1] != wanted and wanted not in _held(place, fixing):
        part = Part(place.file, Rename(place.path, wanted))
        moved = ((place, Place(place.file, (*place.path[:-1], wanted))),)
        yield Proposal((part,), f"call the item `{wanted}`", renamed=moved)


def _held(place: Place, fixing: Fixing) -> dict[str, Any]:
    items = fixing.at(Place(place.file, place.path[:-1]))
    return items if isinstance(items, dict) else {}


def _agrees(ftype_: str, item: dict[str, Any], fixing: Fixing) -> bool | None:
    """Whether the file's first bytes suit an ftype; ``None`` if nobody can tell."""
    seen = fixing.facts(_path(item))
    if seen is None or seen.content is None or ftype_ not in ftypes():
        return None
    return suits(seen.content, ftypes()[ftype_])


def _path(item: dict[str, Any]) -> str:
    path = item.get("path")
    return path if isinstance(path, str) else ""


def _contradicts(item: dict[str, Any], seen: Seen, names: tuple[str, ...]) -> bool:
    """Whether what an item says of its file is not so: then it may be the file that is wrong."""
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
