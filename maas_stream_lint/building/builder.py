"""The whole way: look at images, plan products, prove them by a check, write the tree."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maas_stream_lint.building import draft, making, metadata_text, planning, ubuntu_image, writing
from maas_stream_lint.building.boot_choice import BootChoice
from maas_stream_lint.building.fate import Fate, fates
from maas_stream_lint.building.finished_image import inspect
from maas_stream_lint.building.parts import Refusal
from maas_stream_lint.errors import UsageError
from maas_stream_lint.images.progress import Quiet
from maas_stream_lint.output import printable_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.api import Report
    from maas_stream_lint.building.finished_image import Image
    from maas_stream_lint.building.parts import Product
    from maas_stream_lint.building.wanted import Wanted
    from maas_stream_lint.images.progress import Progress
    from maas_stream_lint.rulebook import Release
    from maas_stream_lint.source import FetchOptions

#: What names of products and of the stream begin with, unless somebody says otherwise.
PREFIX = "local.maas"


@dataclass(frozen=True)
class Options:
    """How a tree is built."""

    releases: tuple[Release, ...]  #: release lines of MAAS that the stream is for
    prefix: str = PREFIX
    copy: bool = False  #: whether image files are copied even where they could be linked
    dry_run: bool = False  #: whether nothing is written
    boot_keyring: Path | None = None  #: of the streams that kernels and initrds are from
    fetch: FetchOptions | None = None  #: how these streams are read


@dataclass(frozen=True)
class Built:
    """What a run has built, or would have."""

    root: Path
    products: tuple[Product, ...]
    refusals: tuple[Refusal, ...]  #: with one, nothing is written
    report: Report | None = None  #: of a check of the tree as it is, or would be
    written: bool = False

    @property
    def fates(self) -> tuple[Fate, ...]:
        """What becomes of each product; nothing where nothing was checked."""
        return fates(self.products, self.report) if self.report else ()

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
    """Build a new tree below ``root`` from finished images.

    ``progress``: is told of the bytes of the images. ``now``: the time that the metadata says.
    Nothing is written if one image is refused. Raises LintError if it can't be written, UsageError
    for what can't be meant.
    """
    told, moment = progress or Quiet(), now or datetime.now(timezone.utc).replace(microsecond=0)
    if (root / "streams").exists():
        raise UsageError(f"{printable_path(root)} holds a stream", "add to it with --update")
    images = _inspected(wanted, told)
    frame = planning.Frame(options.releases, options.prefix, moment.date(), {})
    with tempfile.TemporaryDirectory() as folder:
        products, refusals = _planned(images, wanted, frame, options, Path(folder))
        if refusals or not products:
            return Built(root, products, refusals)
        report = _proof(root, products, options, moment)
        refusals = _unproven(products, report)
        if refusals or options.dry_run:
            return Built(root, products, refusals, report)
        with writing.locked(root) as stage:
            products = _made(products, stage, told)
            report = _proof(root, products, options, moment)
            files = [file for product in products for file in product.files]
            writing.place_files(root, stage, files, copy=options.copy, progress=told)
            writing.publish(root, metadata_text.new_tree(products, options.prefix, moment))
    return Built(root, products, (), report, written=True)


def _proof(root: Path, products: tuple[Product, ...], options: Options, moment: datetime) -> Report:
    """What a check of the stream that would result finds."""
    texts = metadata_text.new_tree(products, options.prefix, moment)
    return draft.checked(draft.Draft(printable_path(root), texts, None), options.releases)


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


def _unproven(products: Sequence[Product], report: Report) -> tuple[Refusal, ...]:
    """Refusals of what a check finds fault with: nothing of that is published."""
    by_name = {product.name: product for product in products}
    found = draft.objections(report, set(by_name))
    refusals = []
    for finding in found:
        product = by_name.get(finding.place.product or "", products[0])
        why = f"{finding.code} {finding.name}: {finding.message}"
        refusals.append(Refusal(product.image.path, why, finding.remedy))
    return tuple(refusals)
