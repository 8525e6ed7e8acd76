"""First pass: what is on offer.

Mirrors ``RepoDumper`` (src/maasserver/import_images/download_descriptions.py) by behaviour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.imports.identity import BOOTLOADER, GENERIC
from maas_stream_lint.imports.legacy.flattening import (
    Claim,
    FlatItem,
    FlatProduct,
    Shared,
    Spec,
    Walked,
)
from maas_stream_lint.imports.legacy.walk import Walk
from maas_stream_lint.imports.rows import Cached, Offer

if TYPE_CHECKING:
    from maas_stream_lint.imports.legacy.both_passes import PassRecorder
    from maas_stream_lint.stream import Stream

#: Fields that are looked up of each item, in MAAS's order.
NEEDED = ("arch", "release", "label")
NEEDED_OF_BOOTLOADERS = ("arch", "label")


class FirstPass:
    """The claims that all newest items make."""

    def __init__(self, recorder: PassRecorder, stream: Stream, shared: Shared) -> None:
        """``shared``: what all imports of the stream by this engine have in common."""
        self.recorder = recorder
        self._walk = Walk(recorder, stream, shared, self._describe)
        self.mapping: dict[Spec, Claim] = {}
        self.walked: list[Walked] = []

    def walk(self) -> None:
        """Go from the index to the newest items."""
        self._walk.walk()

    def cached(self) -> list[Cached]:
        """What MAAS keeps of all that is available, in the order of its rows, each once."""
        rows: dict[Cached, None] = {}
        for claim in dict.fromkeys(self.mapping.values()):
            get = claim.flat.get
            title, codename = get("release_title"), get("release_codename")
            has_eol = get("support_eol") is not None
            rows[Cached(claim.os, claim.release, title, codename, has_eol)] = None
        return list(rows)

    def offers(self) -> set[Offer]:
        """What a form lets users select."""
        return {
            Offer(os, release, arch, subarch, label)
            for os, arch, subarch, _, release, label in self.mapping
        }

    def _describe(self, flat: FlatProduct) -> None:
        """Take the claims of the newest version's items."""
        product = Walked(flat)
        self.walked.append(product)
        if flat.shape is not None:
            first = flat.first()
            if self._is_fine(flat.name, first.base):
                self._claim(product, first)  # all items have its fields, so it speaks for all
                return
        items = flat.items(flat.newest)
        if not items:
            self.recorder.drop(
                "newest-version-empty", product.flat.place.below("versions", product.flat.newest)
            )
            return
        for item in items:
            if not item.usual and not self.recorder.checksummed(item):
                product.aborted = True
            elif item.base is not product.claimed and self._acceptable(product, item):
                self._claim(product, item)

    def _is_fine(self, name: str, fields: dict[str, str]) -> bool:
        """Whether the items with these fields above them are acceptable; nothing is recorded."""
        needed = NEEDED_OF_BOOTLOADERS if "bootloader-type" in fields else NEEDED
        return (
            all(field in fields for field in needed)
            and self.recorder.unsupported(name, fields) is None
        )

    def _acceptable(self, product: Walked, item: FlatItem) -> bool:
        """Whether an item is supported and has the fields that are looked up."""
        if not self.recorder.supported(product.flat.name, item):
            product.dropped = True
            return False
        needed = NEEDED_OF_BOOTLOADERS if "bootloader-type" in item.base else NEEDED
        missing = [name for name in needed if name not in item.base]
        for name in missing:
            self.recorder.abort(f"missing-{name}", item.place, "KeyError", f"'{name}'")
        product.aborted = product.aborted or bool(missing)
        return not missing

    def _claim(self, product: Walked, item: FlatItem) -> None:
        """Make an item's claims: the last to make a claim by its own subarch holds it.

        Items with the same fields above them offer the same: the first of them speaks for all.
        """
        product.claimed = item.base
        shared, own = self._offers(item.base)
        claim = Claim(item, os=shared[0][0], release=shared[0][4])
        for spec in shared:
            self.mapping.setdefault(spec, claim)
        for spec in own:
            self.mapping[spec] = claim
        product.specs += [*shared, *own]
        if self._lacks_release(item.base):
            product.aborted = True
            message = "string index out of range"
            self.recorder.abort("empty-release", item.place, "IndexError", message)

    def _offers(self, flat: dict[str, str]) -> tuple[list[Spec], list[Spec]]:
        """The claims that an item makes if they are free, and those that it makes in any case.

        Mirrors ``RepoDumper.insert_item``.
        """
        os, arch, label = flat.get("os", self.recorder.ubuntu), flat["arch"], flat["label"]
        bootloader = flat.get("bootloader-type")
        release = flat["release"] if bootloader is None else bootloader
        kflavor = flat.get("kflavor", GENERIC) if bootloader is None else BOOTLOADER
        if os == self.recorder.snap:
            gadget = flat.get("gadget_snap", GENERIC)
            kernel = flat.get("kernel_snap", GENERIC)
            return [(os, arch, GENERIC, kernel, f"{release}-{gadget}", label)], []
        subarch, subarches = flat.get("subarch", GENERIC), flat.get("subarches", GENERIC)
        shared = [(os, arch, s, kflavor, release, label) for s in subarches.split(",")]
        own = [(os, arch, subarch, kflavor, release, label)]
        if os == self.recorder.ubuntu and "version" in flat and release:
            kernels = (f"ga-{flat['version']}", f"hwe-{release[0]}")
            if subarch in kernels and GENERIC in subarches:
                own.append((os, arch, GENERIC, kflavor, release, label))
        return shared, own

    def _lacks_release(self, flat: dict[str, str]) -> bool:
        """Whether MAAS asks for the first letter of a release that has none."""
        ubuntu = self.recorder.ubuntu
        if flat.get("os", ubuntu) != ubuntu or "version" not in flat:
            return False
        return not flat.get("bootloader-type", flat.get("release"))
