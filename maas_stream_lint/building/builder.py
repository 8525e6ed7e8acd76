"""The whole way: look at images, plan products, prove them by a check, write the tree."""

from __future__ import annotations

import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maas_stream_lint.building import draft, making, naming, planning, ubuntu_image, writing
from maas_stream_lint.building.boot_choice import BootChoice
from maas_stream_lint.building.fate import Fate, fates
from maas_stream_lint.building.finished_image import inspect
from maas_stream_lint.building.parts import Refusal
from maas_stream_lint.building.target import Target, said
from maas_stream_lint.images.progress import Quiet
from maas_stream_lint.output import printable_path
from maas_stream_lint.records import record, replace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.api import Report
    from maas_stream_lint.building.finished_image import Image
    from maas_stream_lint.building.parts import Product
    from maas_stream_lint.building.wanted import Wanted
    from maas_stream_lint.fixing.publish import Signer
    from maas_stream_lint.images.progress import Progress
    from maas_stream_lint.rulebook import Release
    from maas_stream_lint.source import FetchOptions


@record(frozen=True)
class Options:
    """How a tree is built."""

    releases: tuple[Release, ...]  #: release lines of MAAS that the stream is for
    prefix: str | None = None  #: of new names; ``None``: that of the tree, or a usual one
    update: bool = False  #: whether the tree has a stream already, to which is added
    sign: Signer | None = None  #: signs all metadata
    keyring: Path | None = None  #: of the stream that is there
    copy: bool = False  #: whether image files are copied even where they could be linked
    dry_run: bool = False  #: whether nothing is written
    skip_refused: bool = False  #: whether the rest is built if images are refused
    boot_keyring: Path | None = None  #: of the streams that kernels and initrds are from
    fetch: FetchOptions | None = None  #: how these streams are read


@record(frozen=True)
class Built:
    """What a run has built, or would have."""

    root: Path
    products: tuple[Product, ...]
    refusals: tuple[Refusal, ...]  #: with one, nothing is written
    fates: tuple[Fate, ...] = ()  #: what becomes of each product; nothing without a check
    written: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The run as in ``rules/schemas/built.json``."""
        return {
            "root": printable_path(self.root),
            "written": self.written,
            "products": [fate.to_dict() for fate in self.fates],
            "refusals": [refusal.to_dict() for refusal in self.refusals],
        }


def build(
    root: Path,
    wanted: Sequence[Wanted],
    options: Options,
    progress: Progress | None = None,
    now: datetime | None = None,
) -> Built:
    """Build a tree below ``root`` from finished images, or add them to the one that is there.

    ``progress``: gets the number of bytes read. ``now``: the time for the metadata. If it refuses
    one image, it writes nothing, unless the options say otherwise. Raises LintError if it cannot
    write the tree, UsageError for wrong arguments.
    """
    told, moment = progress or Quiet(), now or datetime.now(timezone.utc).replace(microsecond=0)
    if options.dry_run:
        with tempfile.TemporaryDirectory() as folder:
            return _built(root, wanted, options, told, moment, Path(folder))
    with writing.locked(root) as stage:
        return _built(root, wanted, options, told, moment, stage)


def _built(
    root: Path,
    wanted: Sequence[Wanted],
    options: Options,
    told: Progress,
    moment: datetime,
    stage: Path,
) -> Built:
    target = Target.of(
        root,
        update=options.update,
        prefix=options.prefix,
        keyring=options.keyring,
        sign=options.sign,
    )
    frame = planning.Frame(options.releases, target.prefix, moment.date(), *target.known)
    images = _inspected(wanted, told)
    products, refusals = _planned(images, wanted, frame, options, stage)
    if not products or (refusals and not options.skip_refused):
        return Built(root, products, refusals)
    known, unproven = _proven(target, products, options, moment)
    refusals += unproven
    if options.dry_run or not known or (refusals and not options.skip_refused):
        return Built(root, products, refusals, known)
    products = _made(tuple(fate.product for fate in known), stage, told)
    known = tuple(replace(f, product=p) for f, p in zip(known, products, strict=True))
    texts = target.written(products, moment)
    files = [file for product in products for file in product.files]
    writing.place_files(root, stage, files, copy=options.copy, progress=told)
    writing.publish(root, texts, target.before)
    return Built(root, products, refusals, known, written=True)


def _proven(
    target: Target, products: tuple[Product, ...], options: Options, moment: datetime
) -> tuple[tuple[Fate, ...], tuple[Refusal, ...]]:
    """The fates of the products that a check approves, and refusals of the others."""
    before = target.findings(options.releases)
    refusals: tuple[Refusal, ...] = ()
    while True:
        report = draft.checked(target.draft(products, moment), options.releases)
        known = fates(products, report, moment.date())
        found = _unproven(products, report, known, before)
        refusals = (*refusals, *found)
        if not found or not options.skip_refused:
            return known, refusals
        paths = {refusal.path for refusal in found}
        products = tuple(p for p in products if p.image.path not in paths)
        if not products:
            return (), refusals


def _made(products: tuple[Product, ...], stage: Path, told: Progress) -> tuple[Product, ...]:
    """The products with all their files at hand."""
    sizes = [
        *(product.image.size for product in products if any(f.pending for f in product.files)),
        *(b.kernel.size + b.initrd.size for p in products if (b := p.boot) and b.source),
    ]
    if not sizes:
        return products
    told.begin(len(sizes), sum(sizes))
    try:
        return tuple(making.made(product, stage, told) for product in products)
    finally:
        told.end()


def _inspected(wanted: Sequence[Wanted], told: Progress) -> list[Image]:
    sizes = [each.path.stat().st_size if each.path.is_file() else 0 for each in wanted]
    told.begin(len(wanted), sum(sizes))
    try:
        return [inspect(each.path, told) for each in wanted]
    finally:
        told.end()


def _planned(
    images: Sequence[Image],
    wanted: Sequence[Wanted],
    frame: planning.Frame,
    options: Options,
    folder: Path,
) -> tuple[tuple[Product, ...], tuple[Refusal, ...]]:
    products: dict[tuple[str, str, str], Product] = {}
    refusals = []
    boots = BootChoice(frame.releases[-1].ubuntu_set, options.boot_keyring, options.fetch)
    for number, (image, each) in enumerate(zip(images, wanted, strict=True)):
        own = folder / str(number)
        own.mkdir()
        try:
            product = _product(image, each, frame, boots, own)
        except planning.RefusedError as refused:
            refusals.append(refused.refusal)
            continue
        twin = products.setdefault(product.key, product)
        if twin is not product:
            os, release, arch = product.key
            why = f"it would be {os}/{release} for {arch}, as {twin.image.path.name} is"
            refusals.append(Refusal(each.path, why, "give one of them another --release"))
    return tuple(products.values()), tuple(refusals)


def _product(
    image: Image, wanted: Wanted, frame: planning.Frame, boots: BootChoice, folder: Path
) -> Product:
    if not ubuntu_image.is_one(image):
        return planning.single_file(image, wanted, frame)
    ubuntu_image.refuse_unfit(image, wanted, frame)
    return ubuntu_image.product(image, wanted, frame, boots.of(image, wanted, folder))


def _unproven(
    products: Sequence[Product],
    report: Report,
    known: Sequence[Fate],
    before: frozenset[tuple[str, str, str]],
) -> tuple[Refusal, ...]:
    """Refusals of products with findings, or that some release line does not deploy.

    ``before``: what it found before, which is not the images' fault.
    """
    by_name = {product.name: product for product in products}
    by_path = {fate.product.image.path: fate for fate in known}
    blamed: dict[Path, list[Refusal]] = {}
    for finding in draft.objections(report, set(by_name)):
        if said(finding) not in before:
            path = by_name.get(finding.place.product or "", products[0]).image.path
            lines = naming.span(finding.maas)
            why = f"on MAAS {lines}, {finding.code} {finding.name}: {finding.message}"
            blamed.setdefault(path, []).append(Refusal(path, why, finding.remedy))
    if not blamed:  # else they may suffer from what others are to blame for
        return tuple(_by_line(fate) for fate in known if fate.refused)
    return tuple(
        refusal
        for path, found in blamed.items()
        for refusal in (
            [_by_line(by_path[path])] if by_path[path].refused and by_path[path].deploys else found
        )
    )


def _by_line(fate: Fate) -> Refusal:
    """The refusal of what some release lines do not deploy."""
    assert fate.objection is not None
    fix = f"give --maas {','.join(fate.deploys)}" if fate.deploys else "upload it"
    return Refusal(fate.product.image.path, fate.objection, fix)
