"""Rules on what several boot sources of one MAAS cost each other. Silent without other sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.checks.sources import who_is
from maas_stream_lint.checks.words import joined, listed
from maas_stream_lint.finding import Severity
from maas_stream_lint.quoting import WHOLE, quoted
from maas_stream_lint.rule import Said, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.beside import Beside
    from maas_stream_lint.finding import Place
    from maas_stream_lint.imports.trace import Outcome
    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Product, Version, Whole

#: How many places a finding lists beside its own, and how many names.
MOST, NAMED = 20, 4


@rule("MSL142", Severity.UNUSABLE, on="stream")
def swaps_with_source(whole: Whole, look: Look) -> Iterator[Said]:
    """Two boot sources write the same boot resource, so MAAS downloads files again at every import.

    MAAS: up to 3.7 imports both if the labels differ, or if one product lists more subarches
        (`boot_merge`, import_images/download_descriptions.py). Each import then deletes the files
        of one source and downloads those of the other. 3.8 does so with bootloaders of one version
        and different bytes (`get_or_create_from_simplestreams_file`,
        maasservicelayer/services/bootresourcefiles.py).
    Why: the image that machines get changes from hour to hour.
    Fix: select the image in one source only, or give one of them another `release`.
    Example:
        "name": "canonical"
    """
    beside = look.beside
    if beside is None:
        return
    found: dict[tuple[tuple[str, ...], tuple[str, ...]], tuple[list[str], dict[Place, None]]] = {}
    for alike_lines, first, again in beside.groups:
        known = {sum_ for own, twin, *_ in _namesakes(first, beside) for sum_ in _sums(own, twin)}
        files = [file for outcome in (first, again) for file in outcome.files]
        alike = {file[0] for file in files if file[4] in known}
        for sources, resources in _swapping(first, again).items():
            apart = tuple(name for name in resources if name not in alike)
            if beside.own in sources and apart:
                lines, places = found.setdefault((sources, apart), ([], {}))
                lines += alike_lines
                places.update(dict.fromkeys(_own_products(look, first, files, apart)))
    for (sources, resources), (lines, places) in found.items():
        others = joined([quoted(name) for name in sources if name != beside.own])
        at = list(places)
        yield Said(
            f"{listed(resources, NAMED)} comes from this source and from {others}, "
            "expected one source for each boot resource",
            "select the image in one source only, or give one of them another `release`",
            place=at[0] if at else None,
            also=tuple(at[1 : MOST + 1]),
            lines=tuple(lines),
            effect="downloads files again, and deletes others, at every import",
        )


@rule("MSL146", Severity.UNUSABLE, on="stream")
def same_names_other_bytes(whole: Whole, look: Look) -> Iterator[Said]:
    """Two boot sources have a product version of the same name with different bytes.

    MAAS: up to 3.7 chooses product versions by `content_id`, name and version, and does not compare
        their source (`BootResourceRepoWriter.insert_item`, maasserver/bootresources.py). So MAAS
        imports the version from both sources, though it chose it in one, and keeps the bytes of the
        later source. Each import downloads the files again and logs `Hash mismatch` for each.
    Why: a mirror was rebuilt from another state of the stream, or a changed image was published
        under the old name of its version.
    Fix: remove one of the sources from MAAS, or copy the mirror again. A changed image needs a
        version name of its own.
    Example:
        "name": "canonical"
    """
    beside = look.beside
    if beside is None:
        return
    found: dict[tuple[str, str, str, str], tuple[Version, list[str]]] = {}
    for alike, first, _ in beside.groups:
        for own, _, other, last in () if first.strict else _namesakes(first, beside):
            key = (own.product.name, own.name, other, last)
            found.setdefault(key, (own, []))[1].extend(alike)
    for (product, version, other, last), (own, lines) in found.items():
        yield Said(
            f"version {quoted(version)} of {quoted(product)} has other bytes here than in the "
            f"source {quoted(other)}, expected the same bytes under the same names",
            f"remove one of the two sources, copy the stream of {quoted(other)} again, or give a "
            "changed image a new version name",
            place=own.place,
            lines=tuple(lines),
            effect=f"imports both, keeps the bytes of {who_is(last, beside)}, and downloads them "
            "again at every import",
        )


@rule("MSL143", Severity.FATAL, on="stream")
def other_source_fails(whole: Whole, look: Look) -> Iterator[Said]:
    """Another boot source of the same MAAS fails, so MAAS does not import this one either.

    MAAS: up to 3.7 ends the import of all sources if it cannot read one of them, or if a product of
        one ends the import (`_import_resources_without_lock`, maasserver/bootresources.py). 3.8
        goes on with the other sources, unless the database refuses a text: then MAAS rolls the
        whole fetch back (`fetch_manifest_and_update_cache`,
        maastemporalworker/workflow/bootresource.py).
    Why: MAAS keeps the old images, so nobody notices for months.
    Fix: fix the other source, or remove it from MAAS until it is fixed.
    Example:
        "name": "canonical"
    """
    beside = look.beside
    if beside is None:
        return
    found: dict[tuple[str, str, str, bool], list[str]] = {}
    for alike, outcome, _ in beside.groups:
        name, event = outcome.fatal_source, outcome.fatal
        if outcome.fetch_failed:
            name = next(n for n, e in outcome.failures.items() if e and e.values.get("database"))
            event = outcome.failures[name]
        if name is not None and event is not None and name != beside.own:
            said = (event.message or "").rpartition("'>: ")[2]
            orders = beside.saved_anew(alike[0])
            always = bool(orders) and all(other.fatal is not None for _, other in orders)
            found.setdefault((name, event.exception or "", said, always), []).extend(alike)
    from shlex import join

    for (name, exception, said, always), lines in found.items():
        label = beside.situation.source(name).stream.label
        command = quoted(join(["maas-stream-lint", "check", label]), WHOLE)
        yield Said(
            f"the source {quoted(name)} fails, and with it every source of this MAAS",
            f"run {command} and fix what it finds; until then, remove the source from MAAS",
            lines=tuple(lines),
            effect=f"imports nothing of any source ({exception}: {said})"
            + (", whichever of them comes first" if always else ""),
        )


@rule("MSL145", Severity.WARNING, on="stream")
def no_selection_beside_others(whole: Whole, look: Look) -> Iterator[Said]:
    """A boot source has no selection, but other sources of the same MAAS have some.

    MAAS: up to 3.7 imports everything from a source that has neither selections nor bootloaders
        (`image_passes_filter`, import_images/download_descriptions.py). From a source without
        selections but with bootloaders, it imports only the bootloaders. When somebody makes the
        first selection, MAAS deletes the other images of the source. 3.8 imports nothing from a
        source without selections, not even bootloaders.
    Why: a new source has no selection yet.
    Fix: select images in the source, or remove it.
    Example:
        "selections": []
    """
    beside = look.beside
    if beside is None or all(source.selections == () for source in beside.situation.sources):
        return
    for source in beside.situation.sources:
        if source.selections != ():
            continue
        done: dict[str, list[str]] = {}
        for alike, outcome, _ in beside.groups:
            told = _taken_unselected(outcome, source.name, beside)
            if told:
                done.setdefault(told, []).extend(alike)
        who = who_is(source.name, beside)
        for told, lines in done.items():
            yield Said(
                f"{who} has no selection, expected at least one",
                f"make a selection in {who}, or remove the source",
                lines=tuple(lines),
                effect=told,
            )


def _taken_unselected(outcome: Outcome, name: str, beside: Beside) -> str:
    """What MAAS imports of a source without selections; empty if nothing at all."""
    if outcome.fatal is not None or outcome.fetch_failed:
        return ""
    if outcome.strict:
        return "imports nothing of it"
    catalog = beside.catalogs[name]
    if any(product.bootloader for product in catalog.products):
        return "imports its bootloaders alone"
    return "imports all that it has; the first selection deletes what is not selected"


def _swapping(first: Outcome, again: Outcome) -> dict[tuple[str, ...], tuple[str, ...]]:
    """The boot resources that an import downloads again although nothing changed, by sources."""
    if not (again.downloads and again.deleted):
        return {}
    moved = {*again.downloads, *again.deleted}
    touched = {file[0] for outcome in (first, again) for file in outcome.files if file[4] in moved}
    sources: dict[str, dict[str, None]] = {}
    for outcome in (first, again):
        for held in (*outcome.resources, *outcome.kept):
            if held["resource"] in touched:
                sources.setdefault(held["resource"], {}).update(dict.fromkeys(held["sources"]))
    found: dict[tuple[str, ...], list[str]] = {}
    for resource, several in sources.items():
        if len(several) > 1:
            found.setdefault(tuple(sorted(several)), []).append(resource)
    return {names: tuple(sorted(resources)) for names, resources in found.items()}


def _own_products(
    look: Look, first: Outcome, files: list[list[Any]], resources: tuple[str, ...]
) -> Iterator[Place]:
    """The products of this source whose files the boot resources hold."""
    sums = {file[4] for file in files if file[0] in resources}
    taken = {(new.file, new.product) for _, new in first.imported}
    for version in look.catalog.newest:
        product = version.product
        if (product.file.path, product.name) in taken and sums.intersection(_sums(version)):
            yield product.place


def _namesakes(first: Outcome, beside: Beside) -> Iterator[tuple[Version, Version, str, str]]:
    """Versions that MAAS imports from two sources under one name, with different bytes.

    Each: this source's version, the other's version, the other source, and the source whose bytes
    MAAS keeps.
    """
    imported: dict[tuple[str, str], dict[str, None]] = {}
    for source, new in first.imported:
        imported.setdefault((new.product, new.version), {})[source] = None
    mine = beside.products(beside.own)
    for (name, version), sources in imported.items():
        if beside.own not in sources or len(sources) < 2 or name not in mine:
            continue
        own = _version(mine[name], version)
        for other in sources:
            theirs = beside.products(other).get(name)
            twin = _version(theirs, version) if theirs is not None else None
            if other != beside.own and own is not None and twin is not None and _differ(own, twin):
                yield own, twin, other, list(sources)[-1]


def _version(product: Product, name: str) -> Version | None:
    newest = product.newest
    if newest is not None and newest.name == name:
        return newest
    return next((version for version in product.older if version.name == name), None)


def _sums(*versions: Version) -> Iterator[str]:
    return (item.raw.get("sha256") or "" for version in versions for item in version.items)


def _differ(own: Version, other: Version) -> bool:
    theirs = {item.key: item.raw.get("sha256") for item in other.items}
    return any(
        theirs.get(item.key, item.raw.get("sha256")) != item.raw.get("sha256") for item in own.items
    )
