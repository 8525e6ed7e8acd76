"""Rules on a MAAS that has other boot sources beside this one. Silent where none was told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.finding import Place, Severity
from maas_stream_lint.quoting import quoted
from maas_stream_lint.rule import Said, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.beside import Beside
    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Product, Whole

#: How many places a finding lists beside its own.
MOST = 20


@rule("MSL140", Severity.UNUSABLE, on="stream")
def shadowed_by_source(whole: Whole, look: Look) -> Iterator[Said]:
    """Another boot source of the same MAAS offers the same, and MAAS takes it from there.

    MAAS: up to 3.7 the source that comes first in the database keeps a claim that several make
        (`boot_merge`, import_images/download_descriptions.py). 3.8 takes an os, release and arch
        from the source with the highest priority alone (`get_all_highest_priority`,
        maasservicelayer/services/bootsourceselections.py). Versions are not compared, and no log
        says it.
    Why: a source that is added comes last, so up to 3.7 it loses; on 3.8 it has the higher
        priority, so it wins. Up to 3.7 saving the *other* source moves it behind this one.
    Fix: remove the selection from the other source, give the image a `release` of its own, or on
        3.8 raise the priority of this source.
    Example:
        "name": "canonical"
    """
    if look.beside is None:
        return
    found: dict[tuple[str, str], tuple[list[Product], list[str]]] = {}
    for release in look.releases:
        lost = _lost_to_priority if release.strict else _lost_claims
        for product, winner in lost(look, look.beside, release.line):
            key = (_identity(product), winner)
            products, lines = found.setdefault(key, ([], []))
            products += [] if product in products else [product]
            lines += [] if release.line in lines else [release.line]
    for (image, winner), (products, lines) in found.items():
        yield Said(
            f"{quoted(image)} of this source is never imported: MAAS takes it from the source "
            f"{quoted(winner)}, expected one source for each image",
            f"remove the selection of {quoted(image)} from {quoted(winner)}, or publish this image "
            "under another `release`",
            place=products[0].place,
            also=tuple(product.place for product in products[:MOST]),
            lines=tuple(lines),
            effect="imports the other source's image, and logs nothing",
        )


@rule("MSL141", Severity.WARNING, on="stream")
def shadows_source(whole: Whole, look: Look) -> Iterator[Said]:
    """This source takes an image's place that another boot source has as well.

    MAAS: see MSL140. On 3.8 the source with the higher priority takes the whole os, release and
        arch: all kernels and flavours of the other source go with it, and MAAS deletes its images
        before it knows whether this source can deliver.
    Why: this may be wanted. But a stream with one kernel of a release replaces all that Canonical
        has of it.
    Fix: publish every kernel that machines need, or give the image a `release` of its own.
    Example:
        "name": "canonical"
    """
    if look.beside is None:
        return
    found: dict[tuple[str, str], list[str]] = {}
    for release in look.releases:
        if not release.strict:
            continue
        outcome = look.beside.first(release.line)
        won = {row.wanted for row in outcome.synced if row.source == look.beside.own}
        for source in look.beside.others:
            for product in look.beside.images(source.name):
                if _wanted(product) in won:
                    lines = found.setdefault((_identity(product), source.name), [])
                    lines += [] if release.line in lines else [release.line]
    for (image, other), lines in found.items():
        yield Said(
            f"{quoted(image)} of this source replaces all that the source {quoted(other)} has of "
            "it, kernels and flavours included",
            f"publish every kernel of {quoted(image)} that machines need, or give the image a "
            "`release` of its own",
            lines=tuple(lines),
            effect="deletes the other source's images, and logs nothing",
        )


@rule("MSL142", Severity.UNUSABLE, on="stream")
def swaps_with_source(whole: Whole, look: Look) -> Iterator[Said]:
    """Two boot sources write the same boot resource, so MAAS downloads files again at every import.

    MAAS: up to 3.7 imports both where the labels differ, or where one product lists a subarch more
        (`boot_merge`, import_images/download_descriptions.py), or where products, versions and
        `content_id`s are called alike and the bytes differ. Each import then deletes the one's
        files and fetches the other's. 3.8 does so with bootloaders of one version and other bytes
        (`get_or_create_from_simplestreams_file`, maasservicelayer/services/bootresourcefiles.py).
    Why: the image that machines get changes from hour to hour.
    Fix: select the image in one source only, or give one of them another `release`, or another
        name of its version.
    Example:
        "name": "canonical"
    """
    if look.beside is None:
        return
    found: dict[tuple[str, ...], list[str]] = {}
    for release in look.releases:
        again = look.beside.again(release.line)
        shared = {
            held["resource"] for held in again.kept + again.resources if len(held["sources"]) > 1
        }
        if again.downloads and again.deleted:
            key = tuple(sorted(shared)) or ("a boot resource",)
            found.setdefault(key, []).append(release.line)
    for resources, lines in found.items():
        others = " and ".join(quoted(source.name) for source in look.beside.others)
        yield Said(
            f"{', '.join(map(quoted, resources))} comes from this source and from {others}, "
            "expected one source for each boot resource",
            "select the image in one source only, or give one of them another `release`",
            lines=tuple(lines),
            effect="downloads files again, and deletes others, at every import",
        )


@rule("MSL143", Severity.FATAL, on="stream")
def other_source_fails(whole: Whole, look: Look) -> Iterator[Said]:
    """Another boot source of the same MAAS fails, and this one is not imported, either.

    MAAS: up to 3.7 one source that cannot be read, or that holds a product which ends the import,
        ends the import of all (`_import_resources_without_lock`, maasserver/bootresources.py). 3.8
        goes on with the others, unless the database refuses a text: then it rolls the whole fetch
        back (`fetch_manifest_and_update_cache`, maastemporalworker/workflow/bootresource.py).
    Why: old images stay, so that nobody notices for months.
    Fix: fix the other source, or remove it from MAAS until it is fixed.
    Example:
        "name": "canonical"
    """
    if look.beside is None:
        return
    found: dict[tuple[str, str, str], list[str]] = {}
    for release in look.releases:
        outcome = look.beside.first(release.line)
        name, event = outcome.fatal_source, outcome.fatal
        if outcome.fetch_failed:
            name = next(n for n, e in outcome.failures.items() if e and e.values.get("database"))
            event = outcome.failures[name]
        if name is not None and event is not None and name != look.beside.own:
            said = (event.message or "").rpartition("'>: ")[2]
            key = (name, event.exception or "", said)
            found.setdefault(key, []).append(release.line)
    for (name, exception, said), lines in found.items():
        yield Said(
            f"the source {quoted(name)} fails, and with it every source of this MAAS",
            f"run `maas-stream-lint check` on {quoted(name)}, and remove it from MAAS until it is "
            "fixed",
            lines=tuple(lines),
            effect=f"imports nothing of any source ({exception}: {said})",
        )


@rule("MSL144", Severity.UNUSABLE, on="stream")
def winner_lacks_image(whole: Whole, look: Look) -> Iterator[Said]:
    """A boot source wins an image that it does not have, so MAAS has none.

    MAAS: 3.8 asks only for the priority of a source, not for what it has. It deletes the images of
        the others first, and takes nothing from them (`get_all_highest_priority`,
        maasservicelayer/services/bootsourceselections.py). The log says no more than
        `No resources to download for selection with id N`.
    Why: an image left this stream, and the selection of it stayed.
    Fix: remove the selection from the source that lacks the image, or publish the image there.
    Example:
        "name": "canonical"
    """
    if look.beside is None:
        return
    found: dict[tuple[str, str, str], list[str]] = {}
    for release in look.releases:
        if not release.strict:
            continue
        for row in look.beside.first(release.line).synced:
            have = [
                name
                for name in look.beside.situation.names
                if any(_wanted(product) == row.wanted for product in look.beside.images(name))
            ]
            if have and row.source not in have and look.beside.own in (row.source, *have):
                key = ("/".join(row.wanted), row.source, have[0])
                found.setdefault(key, []).append(release.line)
    for (image, winner, loser), lines in found.items():
        yield Said(
            f"the source {quoted(winner)} has the priority for {quoted(image)} and lacks it, so "
            f"the image of {quoted(loser)} is deleted",
            f"remove the selection of {quoted(image)} from {quoted(winner)}, or publish it there",
            lines=tuple(lines),
            effect="deletes the image, and imports none",
        )


@rule("MSL145", Severity.WARNING, on="stream")
def no_selection_beside_others(whole: Whole, look: Look) -> Iterator[Said]:
    """A boot source has no selection, beside others that have some.

    MAAS: up to 3.7 imports everything from a source without selections and bootloaders, and only
        the bootloaders from one that has any (`image_passes_filter`,
        import_images/download_descriptions.py). The first selection that is made there deletes the
        rest. 3.8 imports nothing from it, bootloaders included.
    Why: a source that was just added has no selection yet.
    Fix: select images in it, or remove it.
    Example:
        "selections": []
    """
    if look.beside is None:
        return
    sources = look.beside.situation.sources
    if all(source.selections == () for source in sources):
        return
    for source in sources:
        if source.selections == ():
            yield Said(
                f"the source {quoted(source.name)} has no selection, expected at least one",
                f"make a selection in {quoted(source.name)}, or remove the source",
                effect="imports all of it or its bootloaders alone, on newer lines nothing",
            )


def _lost_claims(look: Look, beside: Beside, line: str) -> Iterator[tuple[Product, str]]:
    """The images that MAAS imports from this source alone, and not beside the others."""
    outcome = beside.first(line)
    if outcome.fatal is not None:
        return
    trace = next(trace for trace in look.traces if line in trace.lines)
    chosen = {new.product for source, new in outcome.imported if source == beside.own}
    for file, name in dict.fromkeys((new.file, new.product) for new in trace.imported):
        product = look.catalog.product(Place(file, ("products", name)))
        if product is not None and product.image and name not in chosen:
            winner = _offering(product, beside)
            if winner is not None:
                yield product, winner


def _lost_to_priority(look: Look, beside: Beside, line: str) -> Iterator[tuple[Product, str]]:
    winners = {row.wanted: row.source for row in beside.first(line).synced}
    for product in beside.images(beside.own):
        winner = winners.get(_wanted(product), beside.own)
        own = look.catalog.product(product.place)
        if winner != beside.own and own is not None:
            yield own, winner


def _offering(product: Product, beside: Beside) -> str | None:
    """Another source that has the same os, release and arch."""
    for source in beside.others:
        if any(_wanted(other) == _wanted(product) for other in beside.images(source.name)):
            return source.name
    return None


def _wanted(product: Product) -> tuple[str, str, str]:
    return product.os, product.get("release") or "", product.get("arch") or ""


def _identity(product: Product) -> str:
    return "/".join(_wanted(product))
