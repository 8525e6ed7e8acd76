"""A live MAAS and its streams: the fate of each image, with its own sources and selections."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maas_stream_lint import outcome
from maas_stream_lint.errors import LintError
from maas_stream_lint.finding import Severity
from maas_stream_lint.keyring import NOT_SAID
from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.rule_files import release_lines
from maas_stream_lint.source.address import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Finding
    from maas_stream_lint.keyring import GivenKeyring
    from maas_stream_lint.logs.maas_state import (
        MaasState,
        SourceOfMaas,
        StoredImage,
    )
    from maas_stream_lint.model import Product

#: What can become of an image, the worst first.
REFUSED, INCOMPLETE, GONE, MISSING, UNUSABLE, UNSELECTED, TAKEN = (
    *("refused", "incomplete", "gone from the stream", "not imported yet"),
    *("imported but unusable", "not selected", "taken"),
)
TROUBLES = (REFUSED, INCOMPLETE, GONE, MISSING, UNUSABLE)


class ImageFate(NamedTuple):
    """The fate of one image: an operating system's release for an architecture."""

    name: str  #: ``ubuntu/noble``, of a bootloader ``grub-efi/uefi``
    arch: str
    state: str
    source: str  #: URL of the boot source that offers it, ``""`` if none does
    selected: bool
    finding: Finding | None  #: why it is refused or unusable
    missing: tuple[str, ...]  #: files that MAAS has not

    @property
    def minor(self) -> bool:
        """Whether nothing is lost by it, as another product of the stream serves instead."""
        return self.finding is not None and self.finding.severity <= Severity.WARNING


class SourceFate(NamedTuple):
    """What a check of one boot source says."""

    source: SourceOfMaas
    report: Report | None
    notes: tuple[str, ...]  #: what could not be looked at, and why

    @property
    def unread(self) -> bool:
        """Whether MAAS reads it, but it could not be read from here."""
        return self.report is None and self.source.enabled


class Live(NamedTuple):
    """A live MAAS and the fates of its images."""

    state: MaasState
    line: str  #: the release line that its streams are judged for
    sources: tuple[SourceFate, ...]
    images: tuple[ImageFate, ...]

    @property
    def troubled(self) -> list[ImageFate]:
        """The images that something is wrong with, though MAAS selects or has them."""
        return [image for image in self.images if image.state in TROUBLES and not image.minor]

    @property
    def unread(self) -> list[SourceFate]:
        """The sources whose images are not known."""
        return [fate for fate in self.sources if fate.unread]

    def to_dict(self) -> dict[str, Any]:
        """As ``maas_server`` in ``rules/schemas/diagnose.json``."""
        return {
            "url": self.state.url,
            "version": self.state.version,
            "line": self.line,
            "importing": self.state.importing,
            "sources": [
                {
                    "url": shown(fate.source.url),
                    "enabled": fate.source.enabled,
                    "selections": [one.as_row() for one in fate.source.selections],
                    "findings": len(fate.report.findings) if fate.report is not None else None,
                    "notes": list(fate.notes),
                }
                for fate in self.sources
            ],
            "images": [
                {
                    **image._asdict(),
                    "source": shown(image.source),
                    "missing": list(image.missing),
                    "finding": image.finding.to_dict() if image.finding is not None else None,
                }
                for image in self.images
            ],
        }


def look_at_maas(state: MaasState, check: Callable[[str, str, GivenKeyring], Report]) -> Live:
    """Judge each of a MAAS's sources as it reads them, and each of its images.

    ``check``: makes a report on a source's URL for a release line, with a keyring.
    """
    line = state.line or release_lines()[-1]
    fates = tuple(_of_source(source, line, check) for source in state.sources)
    return Live(state, line, fates, tuple(_images(state, fates, line)))


def _of_source(
    source: SourceOfMaas, line: str, check: Callable[[str, str, GivenKeyring], Report]
) -> SourceFate:
    why = unfit(source)
    if why is not None:
        return SourceFate(source, None, (why,))
    with held_keyring(source) as (keyring, note):
        notes = (note,) if note else ()
        try:
            return SourceFate(source, check(source.url, line, keyring), notes)
        except LintError as error:
            return SourceFate(source, None, (*notes, str(error)))


def unfit(source: SourceOfMaas) -> str | None:
    """Why a source is not checked, ``None`` if it is."""
    if not source.enabled:
        return "MAAS has disabled it"
    if not source.url.lower().startswith(("http://", "https://")):
        # A path would be one of the region controller, and not of this machine.
        return "it is no http:// or https:// URL"
    return None


@contextmanager
def held_keyring(source: SourceOfMaas) -> Iterator[tuple[GivenKeyring, str]]:
    """The keyring of a source as a file, and what is to be said of it."""
    if source.unverified:
        yield NOT_SAID, ""
    elif source.keyring:
        number, path = tempfile.mkstemp(prefix="maas-stream-lint-", suffix=".gpg")
        try:
            with os.fdopen(number, "wb") as file:
                file.write(source.keyring)
            yield path, ""
        finally:
            Path(path).unlink(missing_ok=True)
    elif source.keyring_file and Path(source.keyring_file).is_file():
        yield source.keyring_file, ""
    elif source.keyring_file:
        yield (
            NOT_SAID,
            f"its keyring {source.keyring_file} is not here, so signatures count as good",
        )
    else:
        yield None, ""


def _images(state: MaasState, fates: tuple[SourceFate, ...], line: str) -> Iterator[ImageFate]:
    offered: dict[tuple[str, str], ImageFate] = {}
    stored: dict[tuple[str, str], list[StoredImage]] = {}
    for image in state.images:
        if image.synced:
            stored.setdefault((image.name, image.arch), []).append(image)
    for fate in fates:
        for found in _offered(fate, stored, line):
            known = offered.get((found.name, found.arch))
            # Of two sources that offer an image, the one that does better tells.
            if known is None or _rank(found) > _rank(known):
                offered[found.name, found.arch] = found
    looked = all(fate.report is not None for fate in fates)
    for (name, arch), images in stored.items():
        # What could not be looked at may well offer it.
        if (name, arch) not in offered and looked:
            lacking = tuple(file for image in images for file in image.missing)
            offered[name, arch] = ImageFate(name, arch, GONE, "", False, None, lacking)
    yield from sorted(offered.values(), key=lambda image: (_rank(image), image.name, image.arch))


def _rank(image: ImageFate) -> int:
    return (*TROUBLES, UNSELECTED, TAKEN).index(image.state)


def _offered(
    fate: SourceFate, stored: dict[tuple[str, str], list[StoredImage]], line: str
) -> Iterator[ImageFate]:
    """Each image of a source's stream."""
    report = fate.report
    if report is None:
        return
    rows = outcome.rows(report.look, report.facts)
    position = report.look.lines.index(line)
    for product, row in zip(report.look.catalog.products, rows, strict=True):
        name, arch = _name(product), product.get("arch") or ""
        if product.notification or not arch:
            continue
        os_, _, release = name.partition("/")
        selected = product.bootloader or any(
            one.takes(os_, release, arch) for one in fate.source.selections
        )
        have = stored.get((name, arch), [])
        state = _state(row.outcomes[position], selected, have)
        fate_of_it = row.outcomes[position]
        finding = _why(report, product, fate_of_it) if state in (REFUSED, UNUSABLE) else None
        lacking = tuple(file for image in have for file in image.missing)
        yield ImageFate(name, arch, state, fate.source.url, selected, finding, lacking)


def _name(product: Product) -> str:
    second = product.get("bootloader-type") if product.bootloader else product.get("release")
    return f"{product.os}/{second or ''}"


def _state(fate: str, selected: bool, have: list[StoredImage]) -> str:
    if fate in (outcome.FATAL, outcome.IGNORED):
        return REFUSED
    if not selected:
        return UNSELECTED
    if not have:
        return MISSING
    if any(image.complete is False for image in have):
        return INCOMPLETE
    return UNUSABLE if fate == outcome.UNUSABLE else TAKEN


def _why(report: Report, product: Product, fate: str) -> Finding | None:
    """What decides a product's fate: a finding of that severity, else the worst there is."""
    here = (product.file.path, product.name)
    mine = [f for f in report.facts if (f.place.file, f.place.product) == here]
    known = mine or [*report.facts]
    deciding = [f for f in known if f.severity.label == fate]
    return next(iter(deciding), max(known, key=lambda f: f.severity, default=None))
