"""The change of each image when one stream replaces another, in few kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.garbage import uncollected
from maas_stream_lint.imports.joint import simulate_situations
from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.records import record, replace
from maas_stream_lint.rulebook import releases
from maas_stream_lint.selecting import default_selections

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from maas_stream_lint.comparison import Comparison
    from maas_stream_lint.imports.trace import Outcome

#: The kinds of change, worst first, with what each means.
FATAL, SWAPS, REMOVED, REGRESSED, STRANDED = "fatal", "swaps", "removed", "regressed", "stranded"
PARTIAL, REPUBLISHED, UPDATED, ADDED = "partial", "republished", "updated", "added"
MEANING = {
    FATAL: "the import fails, and MAAS keeps its old images",
    SWAPS: "MAAS downloads it again at every import: two products are one boot resource",
    REMOVED: "MAAS deletes it",
    REGRESSED: "MAAS goes back to an older version",
    STRANDED: "it left the stream; MAAS keeps it, and never updates it",
    PARTIAL: "it loses files",
    REPUBLISHED: "its content changes under the same version",
    UPDATED: "MAAS downloads another version",
    ADDED: "MAAS downloads it for the first time",
}


class Change(NamedTuple):
    """The change of one boot resource."""

    kind: str  #: a key of MEANING
    resource: str  #: ``os/release arch/subarch``
    before: str | None = None  #: the version that MAAS has
    after: str | None = None  #: the version that MAAS has then
    lost: tuple[str, ...] = ()  #: the ftypes of files that it loses


@record(frozen=True)
class Changes:
    """The changes on release lines that all see the same."""

    lines: tuple[str, ...]
    changes: tuple[Change, ...]  #: worst first
    fetched: int  #: bytes that MAAS downloads
    deleted: int  #: bytes that MAAS deletes
    fatal: str | None  #: the error that ends the import
    log: tuple[tuple[str, str], ...]  #: lines that MAAS logs: level, text; each once
    notices: tuple[str, ...]  #: what the user interface shows

    def of(self, *kinds: str) -> list[Change]:
        """The changes of some kinds."""
        return [change for change in self.changes if change.kind in kinds]


class _Image(NamedTuple):
    version: str
    files: dict[str, tuple[str, str]]  #: name → ftype and sha256


def changes_of(comparison: Comparison) -> list[Changes]:
    """The changes of a comparison, one entry for the release lines that see the same."""
    thirds = _thirds(comparison)
    alike: dict[tuple[object, ...], Changes] = {}
    for line in comparison.lines:
        first, second = comparison.of(line)
        seen = _seen(line, first, second, thirds.get(line))
        key = (seen.changes, seen.fetched, seen.deleted, seen.fatal)
        known = alike.get(key)
        alike[key] = seen if known is None else replace(known, lines=(*known.lines, line))
    return list(alike.values())


def _thirds(comparison: Comparison) -> dict[str, Outcome]:
    """One more import of the same, on the release lines where that may change anything."""
    lines = [line for line in comparison.lines if comparison.of(line)[1].may_swap]
    if not lines:
        return {}
    with uncollected():
        again = replace(comparison.after, changes=())
        chosen = releases(lines)
        defaults = {release.line: default_selections(release) for release in chosen}
        imports = [comparison.before, comparison.after, again]
        found = simulate_situations(imports, chosen, defaults)
    return {line: third for _, _, third in found for line in third.lines}


def _seen(line: str, first: Outcome, second: Outcome, third: Outcome | None) -> Changes:
    """What a release line sees. ``third``: one more import, where it may differ."""
    fatal = _fatal(second)
    old, new = _images(first), _images(second)
    found = [] if fatal else list(_changes(old, new))
    if fatal is None:
        swapping = _touched(second, third) if third is not None else []
        found += [Change(SWAPS, name, new[name].version) for name in swapping if name in new]
        found += [
            Change(STRANDED, name, image.version)
            for name, image in new.items()
            if name in old and name not in second.renewed
        ]
    else:
        found = [Change(FATAL, "every image")]
    order = list(MEANING)
    found.sort(key=lambda change: (order.index(change.kind), change.resource))
    sizes = {file[4]: int(file[5] or 0) for outcome in (first, second) for file in outcome.files}
    texts = [*second.finalize, *second.writer, *second.bootsources, *second.fetch]
    return Changes(
        (line,),
        tuple(dict.fromkeys(found)),
        sum(sizes.get(sha256, 0) for sha256 in set(second.downloads)),
        sum(sizes.get(sha256, 0) for sha256 in set(second.deleted)),
        fatal,
        tuple(dict.fromkeys((level, text) for level, text in texts)),
        tuple(dict.fromkeys(second.notifications)),
    )


def _fatal(outcome: Outcome) -> str | None:
    if outcome.strict:
        failed = [event for event in outcome.failures.values() if event is not None]
        event = failed[0] if failed and len(failed) == len(outcome.failures) else None
    else:
        event = outcome.fatal
    return f"{event.exception}: {event.message}" if event is not None else outcome.fetch_failed


def _images(outcome: Outcome) -> dict[str, _Image]:
    """The image that MAAS uses of each boot resource: the newest row of its sets."""
    newest = {held["resource"]: held["version"] for held in outcome.kept}
    images = {name: _Image(version, {}) for name, version in newest.items()}
    for resource, version, name, ftype, sha256, *_ in outcome.files:
        if newest.get(resource) == version:
            images[resource].files[name] = (ftype, sha256)
    return images


def _changes(old: dict[str, _Image], new: dict[str, _Image]) -> Iterator[Change]:
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if before is None or after is None:
            if after is not None:
                yield Change(ADDED, name, None, after.version)
            elif before is not None:
                yield Change(REMOVED, name, before.version)
            continue
        versions = (before.version, after.version)
        lost = _ftypes(before) - _ftypes(after)
        if lost:
            yield Change(PARTIAL, name, *versions, lost=tuple(sorted(lost)))
        if before.version != after.version:
            newer = after.version > before.version
            yield Change(UPDATED if newer else REGRESSED, name, *versions)
        elif not lost and set(before.files.values()) != set(after.files.values()):
            yield Change(REPUBLISHED, name, *versions)


def _ftypes(image: _Image) -> set[str]:
    return {ftype for ftype, _ in image.files.values()}


def _touched(second: Outcome, third: Outcome) -> list[str]:
    """The boot resources that one more import of the same stream downloads again."""
    again = set(third.downloads)
    resources = {file[0] for file in third.files if file[4] in again}
    return sorted(resources & {file[0] for file in second.files})


def worst_first(kinds: Iterable[str]) -> list[str]:
    """Kinds of change, each once, worst first."""
    given = set(kinds)
    return [kind for kind in MEANING if kind in given]
