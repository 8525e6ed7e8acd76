"""Rules on which source a MAAS takes an image from. Silent without other sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.checks.words import joined, listed
from maas_stream_lint.finding import Place, Severity
from maas_stream_lint.imports.identity import BOOTLOADER
from maas_stream_lint.quoting import quoted
from maas_stream_lint.rule import Said, rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from maas_stream_lint.beside import Beside
    from maas_stream_lint.imports.trace import Outcome, Shadowed
    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Product, Whole

#: How many places a finding lists beside its own, and how many names.
MOST, NAMED = 20, 4

#: Why a source wins where priorities count.
PRIORITY = "selects it and has the higher priority"
#: What MAAS takes from another source: image, that source, why.
Lost = tuple[str, str, str]


@rule("MSL140", Severity.UNUSABLE, on="stream")
def shadowed_by_source(whole: Whole, look: Look) -> Iterator[Said]:
    """MAAS takes an image from another boot source that offers the same image.

    MAAS: up to 3.7 several sources can make the same claim: os, arch, subarch, kflavor, release and
        label. The source that comes first in the database keeps it (`boot_merge`,
        import_images/download_descriptions.py). 3.8 takes an os, release and arch only from the
        source with the highest priority (`get_all_highest_priority`,
        maasservicelayer/services/bootsourceselections.py). MAAS does not compare versions, and logs
        nothing.
    Why: a new source comes last, so up to 3.7 it loses. On 3.8 it has the higher priority, so it
        wins. Up to 3.7, if somebody saves the *other* source, that source moves behind this one
        (MSL148).
    Fix: select the image in this source only, or give it a `release` of its own, such as
        `acme-jammy`. On 3.8 you can also give this source a higher priority.
    Example:
        "name": "canonical"
    """
    beside = look.beside
    if beside is None:
        return
    found: dict[Lost, tuple[dict[Place, None], list[str]]] = {}
    loaders: dict[str, list[str]] = {}
    won: dict[str, list[str]] = {}
    for alike, outcome, _ in beside.groups:
        strict = outcome.strict
        lost = _outranked(outcome, beside) if strict else _lost_claims(outcome, beside.own)
        for name, winner, key, places in lost:
            if not name:
                loaders.setdefault(winner, []).extend(alike)
                continue
            at, lines = found.setdefault((name, winner, key), ({}, []))
            at.update(dict.fromkeys(places))
            lines += alike
        for winning in outcome.outranked.values():
            if winning.source == beside.own:
                won.setdefault("/".join(winning.wanted), []).extend(alike)
    for (name, winner, key), (at, lines) in found.items():
        first, *more = list(at)
        instead = f"; on {look.span(won[name])} takes it from this source" if name in won else ""
        yield Said(
            f"MAAS never takes {quoted(name)} from this source: the source {quoted(winner)} {key}",
            f"select {quoted(name)} in this source only, or publish this image under another "
            "`release`",
            place=first,
            also=tuple(more[:MOST]),
            lines=tuple(lines),
            effect=f"takes {quoted(name)} from {quoted(winner)}, and logs nothing{instead}",
        )
    for winner, lines in loaders.items():
        yield Said(
            "MAAS never takes the bootloaders of this source: it has had the source "
            f"{quoted(winner)} for longer, which offers the same ones",
            f"nothing to do if machines boot with those of {quoted(winner)}",
            lines=tuple(lines),
            severity=Severity.INFO,
            effect=f"takes the bootloaders of {quoted(winner)}, and logs nothing",
        )


@rule("MSL141", Severity.WARNING, on="stream")
def shadows_source(whole: Whole, look: Look) -> Iterator[Said]:
    """This source's image replaces the image of another boot source.

    MAAS: see MSL140. On 3.8 the source with the higher priority takes the whole os, release and
        arch, with all kernels and flavours. MAAS deletes the images of the other source before it
        knows whether this source can deliver.
    Why: this may be your intention. But a stream with one kernel of a release replaces all kernels
        that Canonical has for it.
    Fix: publish every kernel that machines need, or give the image a `release` of its own.
    Example:
        "name": "canonical"
    """
    beside = look.beside
    if beside is None:
        return
    found: dict[tuple[str, str, str, tuple[str, ...]], list[str]] = {}
    for alike, outcome, _ in beside.groups:
        for loser in beside.others:
            if outcome.strict:
                told = _replaced(outcome, beside, loser.name)
            else:
                told = (
                    (name, key, ())
                    for name, winner, key, _ in _lost_claims(outcome, loser.name)
                    if winner == beside.own and name
                )
            for name, key, kernels in told:
                found.setdefault((name, loser.name, key, kernels), []).extend(alike)
    for (name, other, key, kernels), lines in found.items():
        lacking = f", and lacks its {listed(kernels, NAMED)}" if kernels else ""
        kernel = f"publish {listed(kernels, NAMED)} as well, or " if kernels else ""
        yield Said(
            f"MAAS never takes {quoted(name)} from the source {quoted(other)}: this source "
            f"{key}{lacking}",
            f"{kernel}select {quoted(name)} in {quoted(other)} only, if you want its image",
            lines=tuple(lines),
            severity=Severity.WARNING if kernels else Severity.INFO,
            effect=f"takes {quoted(name)} from this source, and logs nothing",
        )


@rule("MSL144", Severity.UNUSABLE, on="stream")
def winner_lacks_image(whole: Whole, look: Look) -> Iterator[Said]:
    """A boot source has the priority for an image that it lacks, so MAAS has no such image.

    MAAS: 3.8 compares only the priorities of the sources, not their images. It deletes the images
        of the other sources first, and takes nothing from them (`get_all_highest_priority`,
        maasservicelayer/services/bootsourceselections.py). It logs only `No resources to download
        for selection with id N`. It does not use another source, either, if it cannot read the one
        with the highest priority.
    Why: somebody removed an image from this stream and kept its selection.
    Fix: remove the selection from the source that lacks the image, or publish the image there.
    Example:
        "name": "canonical"
    """
    beside = look.beside
    if beside is None:
        return
    found: dict[tuple[str, str, str, bool], list[str]] = {}
    for alike, outcome, _ in beside.groups:
        for loser, winner in outcome.outranked.items():
            has = beside.of(loser.source, loser.wanted)
            failed = winner in outcome.aborted or winner in outcome.download_failed
            lacks = failed or not beside.of(winner.source, winner.wanted)
            if has and lacks and beside.own in (winner.source, loser.source):
                key = ("/".join(winner.wanted), winner.source, loser.source, failed)
                found.setdefault(key, []).extend(alike)
    for (name, winning, losing, failed), lines in found.items():
        who, other = who_is(winning, beside), who_is(losing, beside)
        yield Said(
            f"{who} has the priority for {quoted(name)} and "
            f"{'cannot deliver it' if failed else 'lacks it'}, though {other} has it",
            f"remove the selection of {quoted(name)} from {who}, or "
            + ("repair that source" if failed else "publish it there"),
            lines=tuple(lines),
            effect=f"imports no {quoted(name)}, and deletes the image that {other} gave before",
        )


@rule("MSL147", Severity.UNUSABLE, on="stream")
def source_wins_nothing(whole: Whole, look: Look) -> Iterator[Said]:
    """A boot source wins no image, so MAAS does not take its bootloaders either.

    MAAS: 3.8 downloads the bootloaders of a source together with its selections
        (`filter_products_for_selection`, maasservicelayer/services/image_sync.py). If sources with
        a higher priority have all its selections, MAAS downloads nothing from it.
    Why: you select one image of Canonical's stream, and your own image replaces it. Then MAAS does
        not download Canonical's bootloaders either. A MAAS that already has them keeps them and
        never updates them. A new MAAS boots no machine.
    Fix: publish the bootloaders in the source that wins. Or select another image in the source that
        has the bootloaders.
    Example:
        "name": "canonical"
    """
    beside = look.beside
    if beside is None:
        return
    found: dict[tuple[str, bool], list[str]] = {}
    for alike, outcome, _ in beside.groups:
        if not outcome.strict or outcome.fetch_failed:
            continue
        winning = {row.source for row in outcome.synced}
        losing = {row.source for row in outcome.outranked} - winning
        booting = any(_has_bootloaders(beside, name) for name in winning)
        for name in beside.situation.names:
            if name in losing and _has_bootloaders(beside, name):
                found.setdefault((name, booting), []).extend(alike)
    for (name, booting), lines in found.items():
        who = who_is(name, beside)
        yield Said(
            f"{who} wins no image, so MAAS never takes its bootloaders",
            f"select an image in {who} that no source of a higher priority selects, or publish the "
            "bootloaders in the source that wins",
            lines=tuple(lines),
            severity=Severity.WARNING if booting else Severity.UNUSABLE,
            effect="imports no bootloader of it"
            + ("" if booting else ", and has no other: a fresh MAAS boots no machine"),
        )


@rule("MSL148", Severity.WARNING, on="stream")
def order_decides(whole: Whole, look: Look) -> Iterator[Said]:
    """The order of the boot sources decides which image MAAS takes, and this order can change.

    MAAS: up to 3.7 the first source wins (MSL140), but MAAS does not sort the rows of the sources
        (`BootSource.objects.all()`, maasserver/bootresources.py). A row that MAAS writes moves to
        the end. MAAS writes it for a new URL or keyring, and on 3.3 to 3.7 each time somebody saves
        the source. The web page and the API show the same order. 3.8 compares only the priority.
    Why: somebody renews a keyring, and the next import takes the image from the other source.
    Fix: select each image in one source only.
    Example:
        "name": "canonical"
    """
    beside = look.beside
    if beside is None:
        return
    found: dict[tuple[str, str, int, int], list[str]] = {}
    for alike, first, _ in beside.groups:
        for saved, other in beside.saved_anew(alike[0]):
            change = _change(first, other, beside.own)
            if change:
                files = len(set(other.deleted)), len(set(other.downloads))
                found.setdefault((saved, change, *files), []).extend(alike)
    for (saved, change, deleted, fetched), lines in found.items():
        who = who_is(saved, beside)
        yield Said(
            f"the order of the sources decides: after an edit {who} comes last, and {change}",
            "select each image in one source only",
            lines=tuple(lines),
            effect=f"then deletes {deleted:,} files and downloads {fetched:,}",
        )


def who_is(name: str, beside: Beside) -> str:
    """A source as a message names it."""
    return "this source" if name == beside.own else f"the source {quoted(name)}"


def _lost_claims(outcome: Outcome, loser: str) -> Iterator[tuple[str, str, str, list[Place]]]:
    """The images that MAAS never takes from a source: an earlier source keeps all their claims.

    Each: image (empty for bootloaders), the source that keeps it, the words for that, and the
    products.
    """
    if outcome.fatal is not None:
        return
    chosen = {name for source, name in outcome.chosen or () if source == loser}
    arrived = {(new.file, new.product) for source, new in outcome.imported if source == loser}
    lost: dict[tuple[str, str], list[Shadowed]] = {}
    for claim in outcome.shadowed:
        place = claim.place
        taken = (place.file, place.product) in arrived
        if claim.source == loser and not taken and f"{place.product}/{place.version}" not in chosen:
            os, arch, _, kflavor, release, _ = claim.claim
            name = "" if kflavor == BOOTLOADER else f"{os}/{release}/{arch}"
            lost.setdefault((name, claim.winner), []).append(claim)
    for (name, winner), claims in lost.items():
        subarches = dict.fromkeys(claim.claim[2] for claim in claims)
        labels = dict.fromkeys(claim.claim[5] for claim in claims)
        key = f"subarch {listed(subarches, NAMED)}, label {listed(labels, NAMED)}"
        places = dict.fromkeys(Place(c.place.file, c.place.path[:2]) for c in claims)
        yield name, winner, f"was added to MAAS earlier and offers the same ({key})", list(places)


def _outranked(outcome: Outcome, beside: Beside) -> Iterator[tuple[str, str, str, list[Place]]]:
    """The same for release lines on which priority decides."""
    for loser, winner in outcome.outranked.items():
        products = beside.of(loser.source, loser.wanted)
        if loser.source == beside.own and products:
            places = [product.place for product in products]
            yield "/".join(loser.wanted), winner.source, PRIORITY, places


def _replaced(
    outcome: Outcome, beside: Beside, other: str
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """What this source replaces of another, and the kernels that it lacks."""
    for loser, winner in outcome.outranked.items():
        if loser.source == other and winner.source == beside.own:
            has = _kernels(beside.of(winner.source, winner.wanted))
            kernels = _kernels(beside.of(other, loser.wanted))
            if has and kernels:  # what it lacks as a whole is another rule's
                lacking = tuple(kernel for kernel in kernels if kernel not in has)
                yield "/".join(loser.wanted), PRIORITY, lacking


def _kernels(products: Iterable[Product]) -> dict[str, None]:
    """The kernels of images as people call them: ``hwe-22.04``, ``ga-22.04 lowlatency``."""
    names: dict[str, None] = {}
    for product in products:
        flavour = product.get("kflavor") or "generic"
        parts = [product.get("subarch") or "generic", *([] if flavour == "generic" else [flavour])]
        names[" ".join(parts)] = None
    return names


def _has_bootloaders(beside: Beside, name: str) -> bool:
    return any(product.bootloader for product in beside.catalogs[name].products)


def _change(first: Outcome, other: Outcome, own: str) -> str:
    """What another order changes for a source, as a clause; empty if nothing."""
    if first.fatal is not None or other.fatal is not None:
        return ""
    before, after = (
        {(claim.source, claim.place): claim for claim in outcome.shadowed}
        for outcome in (first, other)
    )
    gained = _names(c for k, c in before.items() if c.source == own and k not in after)
    lost = _names(c for k, c in after.items() if c.source == own and k not in before)
    parts = [f"MAAS takes {listed(gained, NAMED)} from this source"] if gained else []
    if lost:
        winners = dict.fromkeys(c.winner for c in after.values() if c.source == own)
        parts.append(f"MAAS takes {listed(lost, NAMED)} from {listed(winners, NAMED)}")
    return joined(parts)


def _names(claims: Iterable[Shadowed]) -> list[str]:
    """The images that claims belong to; all bootloaders count as one."""
    images = (claim.claim for claim in claims if claim.claim[3] != BOOTLOADER)
    told = ((os, release, arch) for os, arch, _, _, release, _ in images)
    return list(dict.fromkeys("/".join(part) for part in told))
