"""Rules on whose image a MAAS with several boot sources takes. Silent where none was told."""

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
    """Another boot source of the same MAAS offers the same, and MAAS takes it from there.

    MAAS: up to 3.7 the source that comes first in the database keeps a claim that several make
        (`boot_merge`, import_images/download_descriptions.py). A claim is an os, arch, subarch,
        kflavor, release and label. 3.8 takes an os, release and arch from the source with the
        highest priority alone (`get_all_highest_priority`,
        maasservicelayer/services/bootsourceselections.py). Versions are not compared, and no log
        says it.
    Why: a source that is added comes last, so up to 3.7 it loses. On 3.8 it has the higher
        priority, so it wins. Up to 3.7 saving the *other* source moves it behind this one
        (MSL148).
    Fix: select the image in this source alone, or give it a `release` of its own, like
        `acme-jammy`. On 3.8 a higher priority of this source works, too.
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
            f"{quoted(name)} of this source never arrives: the source {quoted(winner)} {key}",
            f"select {quoted(name)} in this source alone, or publish this image under another "
            "`release`",
            place=first,
            also=tuple(more[:MOST]),
            lines=tuple(lines),
            effect=f"takes {quoted(name)} from {quoted(winner)}, and logs nothing{instead}",
        )
    for winner, lines in loaders.items():
        yield Said(
            f"bootloaders of this source never arrive: the source {quoted(winner)}, made earlier, "
            "offers the same",
            f"nothing to do if machines boot with those of {quoted(winner)}",
            lines=tuple(lines),
            severity=Severity.INFO,
            effect=f"takes the bootloaders of {quoted(winner)}, and logs nothing",
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
            f"{quoted(name)} of the source {quoted(other)} never arrives: this source "
            f"{key}{lacking}",
            f"{kernel}select {quoted(name)} in {quoted(other)} alone if its image is wanted",
            lines=tuple(lines),
            severity=Severity.WARNING if kernels else Severity.INFO,
            effect=f"takes {quoted(name)} from this source, and logs nothing",
        )


@rule("MSL144", Severity.UNUSABLE, on="stream")
def winner_lacks_image(whole: Whole, look: Look) -> Iterator[Said]:
    """A boot source wins an image that it does not have, so MAAS has none.

    MAAS: 3.8 asks only for the priority of a source, not for what it has. It deletes the images of
        the others first, and takes nothing from them (`get_all_highest_priority`,
        maasservicelayer/services/bootsourceselections.py). The log says no more than
        `No resources to download for selection with id N`. Nor does it turn to another source
        where that of the highest priority cannot be read.
    Why: an image left this stream, and the selection of it stayed.
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
    """A boot source wins no image, so MAAS takes no bootloader from it, either.

    MAAS: 3.8 fetches the bootloaders of a source together with its selections
        (`filter_products_for_selection`, maasservicelayer/services/image_sync.py). If other sources
        with a higher priority have all of its selections, MAAS never looks at it.
    Why: one image of one's own that replaces the only selected one of Canonical's stream also
        keeps out Canonical's bootloaders. A MAAS that has them keeps them, and never updates them.
        A fresh one boots no machine.
    Fix: publish the bootloaders in the source that wins, or select another image in the source
        that has them.
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
            f"{who} wins no image, so its bootloaders never arrive",
            f"select an image in {who} that no source of a higher priority selects, or publish the "
            "bootloaders in the source that wins",
            lines=tuple(lines),
            severity=Severity.WARNING if booting else Severity.UNUSABLE,
            effect="imports no bootloader of it"
            + ("" if booting else ", and has no other: a fresh MAAS boots no machine"),
        )


@rule("MSL148", Severity.WARNING, on="stream")
def order_decides(whole: Whole, look: Look) -> Iterator[Said]:
    """The order of the boot sources decides which image MAAS takes, and that order is not fixed.

    MAAS: up to 3.7 the first source wins (MSL140), and the rows have no order of their own
        (`BootSource.objects.all()`, maasserver/bootresources.py). A row that is written goes to the
        end: by a new URL or keyring, on 3.3 to 3.7 by any save. The web page and the API show the
        same order. 3.8 goes by priority alone.
    Why: somebody renews a keyring, and the next import takes the image from the other source.
    Fix: select each image in one source alone.
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
            f"the order of the sources decides: once {who} is edited, it comes last, and {change}",
            "select each image in one source alone",
            lines=tuple(lines),
            effect=f"then deletes {deleted:,} files and downloads {fetched:,}",
        )


def who_is(name: str, beside: Beside) -> str:
    """A source as a message names it."""
    return "this source" if name == beside.own else f"the source {quoted(name)}"


def _lost_claims(outcome: Outcome, loser: str) -> Iterator[tuple[str, str, str, list[Place]]]:
    """What of a source never arrives, since an earlier source keeps all that it claims.

    Image (empty for bootloaders), who keeps it, how that is said, and the products.
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
        yield name, winner, f"was made earlier and offers the same ({key})", list(places)


def _outranked(outcome: Outcome, beside: Beside) -> Iterator[tuple[str, str, str, list[Place]]]:
    """The same where priority decides."""
    for loser, winner in outcome.outranked.items():
        products = beside.of(loser.source, loser.wanted)
        if loser.source == beside.own and products:
            places = [product.place for product in products]
            yield "/".join(loser.wanted), winner.source, PRIORITY, places


def _replaced(
    outcome: Outcome, beside: Beside, other: str
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """What this source replaces of another, and the kernels that it has not."""
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
    """What another order changes for a source, as a clause; empty if it changes nothing."""
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
    """The images that claims are of; bootloaders are all alike."""
    images = (claim.claim for claim in claims if claim.claim[3] != BOOTLOADER)
    told = ((os, release, arch) for os, arch, _, _, release, _ in images)
    return list(dict.fromkeys("/".join(part) for part in told))
