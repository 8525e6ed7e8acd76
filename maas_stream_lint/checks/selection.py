"""Rules on what MAAS selects of the stream. Silent if this run does not know the selections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.checks.words import joined
from maas_stream_lint.finding import Severity
from maas_stream_lint.imports.situation import ANY
from maas_stream_lint.quoting import quoted
from maas_stream_lint.rule import Said, rule
from maas_stream_lint.selected import is_selected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from maas_stream_lint.imports.situation import Selection
    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Product, Whole
    from maas_stream_lint.rulebook import Release

#: Selections that MAAS refuses or that take nothing, with what it says to them on which lines.
Refused = dict["Selection", dict[str, list[str]]]


@rule("MSL130", Severity.UNUSABLE, on="stream")
def selection_matches_nothing(whole: Whole, look: Look) -> Iterator[Said]:
    """A selection of the boot source takes no product of the stream.

    MAAS: compares os, release and arch as texts, and up to 3.7 the subarch and label as well
        (`image_passes_filter`, maasserver/import_images/download_descriptions.py; 3.8
        `filter_products_for_selection`, maasservicelayer/services/image_sync.py). MAAS imports no
        image for a selection that takes nothing. It logs that only if there is no other selection.
    Why: MAAS's own form offers only what the stream had when MAAS last read it. So such a selection
        names a release that has left the stream, or spells it differently.
    Fix: select what the finding names, or remove the selection.
    Example:
        "release": "bionic"
    """
    if look.selections is None:
        return
    from difflib import get_close_matches  # takes longer than most checks

    found: Refused = {}
    takes = _Taking(look)
    for release in look.releases:
        for row in look.selections.get(release.line, ()):
            for one in _by_arch(row):
                if not takes(one, strict=release.strict):
                    told = found.setdefault(one, {})
                    told.setdefault(_refusal(one, look, release), []).append(release.line)
    offered = sorted({_told(p.os, p.get("release"), p.get("arch")) for p in _images(look)})
    for row, refusals in found.items():
        text = _told(row.os, row.release, "|".join(row.arches))
        near = get_close_matches(text, offered, n=1, cutoff=0.0)
        least = [f"{name} {quoted('|'.join(values))}" for name, values in _narrow(row)]
        limits = f" with {' and '.join(least)}" if least else ""
        yield Said(
            f"the selection {quoted(text)}{limits} takes no product, expected one that does",
            f"select {quoted(near[0])}, or remove the selection" if near else "remove it",
            lines=_lines(refusals),
            effect=f"imports nothing for it, and logs nothing{_refusing(refusals, look)}",
        )


@rule("MSL132", Severity.WARNING, on="stream")
def selection_refused(whole: Whole, look: Look) -> Iterator[Said]:
    """MAAS's own form refuses to make a selection like this one.

    MAAS: the form accepts an os and release of the list of available images
        (`BootSourceSelectionForm.clean`, maasserver/forms/__init__.py). It accepts architectures,
        subarches and labels that the list has for this release, or `*` for all. 3.8 accepts an os,
        release and arch of the list (maasservicelayer/services/bootsourceselections.py). An
        existing selection still works: MAAS compares its values when it imports.
    Why: somebody made the selection when the stream had more images, or wrote it into the database.
        Nobody can make this selection again in a new MAAS.
    Fix: select what the stream has. Leave out the values that it lacks.
    Example:
        "labels": ["stable", "candidate"]
    """
    if look.selections is None:
        return
    from maas_stream_lint.selecting import default_selections

    found: Refused = {}
    takes = _Taking(look)
    for release in look.releases:
        usual = default_selections(release)
        for row in look.selections.get(release.line, ()):
            refusal = _refusal(row, look, release) if row not in usual else ""
            if refusal and all(takes(one, strict=release.strict) for one in _by_arch(row)):
                found.setdefault(row, {}).setdefault(refusal, []).append(release.line)
    for row, refusals in found.items():
        text = _told(row.os, row.release, "|".join(row.arches))
        yield Said(
            f"the selection {quoted(text)} names values that no product of the stream has",
            "select by values that products of the stream have",
            lines=_lines(refusals),
            effect=f"imports what the selection takes{_refusing(refusals, look)}",
        )


@rule("MSL131", Severity.UNUSABLE, on="stream")
def commissioning_not_selected(whole: Whole, look: Look) -> Iterator[Said]:
    """The release that MAAS commissions with is not selected, or not in the stream.

    MAAS: looks for a selection with exactly this os and release (`*` does not count), and for the
        release in the list of available images (`check_commissioning_series_selected`,
        maasserver/bootsources.py). MAAS notifies its users of what it does not find. It logs
        nothing. Other boot sources of the same MAAS may have the image.
    Why: without this image MAAS cannot enlist or commission machines.
    Fix: select the release, publish it, or choose another one in *Settings* > *Commissioning*.
    Example:
        "commissioning": ["ubuntu", "noble"]
    """
    if look.commissioning is None or look.selections is None:
        return
    os, release = look.commissioning
    name = f"{os}/{release}"
    offered = any((p.os, p.get("release")) == (os, release) for p in _every_image(look))
    unselected = [
        r.line
        for r in look.releases
        if not any((row.os, row.release) == (os, release) for row in _every_row(look, r))
    ]
    remedy = "choose another release in Settings > Commissioning"
    if not offered:
        yield Said(
            f"the commissioning release {quoted(name)} is not in this stream, expected an image",
            f"publish {quoted(name)}, add another boot source that has it, or {remedy}",
            effect="commissions no machine with images of this stream",
        )
    elif unselected:
        yield Said(
            f"the commissioning release {quoted(name)} is not selected, expected a selection",
            f"select {quoted(name)}, or {remedy}",
            lines=tuple(unselected),
            effect="commissions no machine with images of this stream",
        )


def _every_image(look: Look) -> Iterator[Product]:
    """The images of all boot sources."""
    if look.beside is None:
        return _images(look)
    return (image for name in look.beside.situation.names for image in look.beside.images(name))


def _every_row(look: Look, release: Release) -> Iterable[Selection]:
    """The selections of all boot sources."""
    if look.beside is None:
        return look.selections[release.line] if look.selections is not None else ()
    return look.beside.selections(release)


def _images(look: Look) -> Iterator[Product]:
    return (product for product in look.catalog.products if product.image)


def _by_arch(row: Selection) -> Iterator[Selection]:
    """One selection for each architecture that a selection names."""
    if ANY in row.arches or not row.arches:
        yield row
    else:
        yield from (row._replace(arches=(arch,)) for arch in row.arches)


class _Taking:
    """Whether a selection takes a product. Each engine answers once."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._known: dict[tuple[Selection, bool], bool] = {}

    def __call__(self, row: Selection, *, strict: bool) -> bool:
        key = (row, strict)
        if key not in self._known:
            self._known[key] = _takes(row, self._look, strict=strict)
        return self._known[key]


def _takes(row: Selection, look: Look, *, strict: bool) -> bool:
    if any(is_selected(product, (row,), strict=strict) for product in _images(look)):
        return True
    # Nobody needs to select a bootloader, but whoever does gets it.
    return any(
        row.os == product.os and row.release == product.get("bootloader-type")
        for product in look.catalog.products
        if product.bootloader
    )


def _lines(refusals: Mapping[str, list[str]]) -> tuple[str, ...]:
    return tuple(line for lines in refusals.values() for line in lines)


def _refusing(refusals: Mapping[str, list[str]], look: Look) -> str:
    """What MAAS's form says when somebody makes such a selection again, by release lines."""
    told = [(text, lines) for text, lines in refusals.items() if text]
    if not told:
        return ""
    apart = len(refusals) > 1
    parts = [f"{quoted(t)}{f' ({look.span(lines)})' if apart else ''}" for t, lines in told]
    return f"; its form refuses to make it again: {joined(parts)}"


def _refusal(row: Selection, look: Look, release: Release) -> str:
    """What MAAS's form says to such a selection; empty if it accepts that or nobody knows.

    Mirrors ``BootSourceSelectionForm.clean`` (src/maasserver/forms/__init__.py).
    """
    trace = next(trace for trace in look.traces if release.line in trace.lines)
    if trace.fatal is not None:
        return ""
    known = [one for one in trace.offered if (one.os, one.release) == (row.os, row.release)]
    if release.strict:
        arches = {one.arch for one in known}
        lacking = [arch for arch in row.arches if arch not in (ANY, *arches)]
        text = str(release.selections("refused-row"))
        return text.format(os=row.os, release=row.release, arch=lacking[0]) if lacking else ""
    if not known:
        text = str(release.selections("refused-release"))
        return text.format(os=row.os, release=row.release)
    columns = (
        (row.arches, {one.arch for one in known}),
        (row.subarches, {one.subarch for one in known}),
        (row.labels, {one.label for one in known}),
    )
    for values, have in columns:
        if any(value not in (ANY, *have) for value in values):
            return str(release.selections("refused-values")).format(values=list(values))
    return ""


def _narrow(row: Selection) -> list[tuple[str, tuple[str, ...]]]:
    """The values that limit a selection beyond os, release and arch."""
    parts = (("subarch", row.subarches), ("label", row.labels))
    return [(name, values) for name, values in parts if ANY not in values]


def _told(os: str, release: str | None, arch: str | None) -> str:
    return "/".join(part for part in (os, release, arch) if part)
