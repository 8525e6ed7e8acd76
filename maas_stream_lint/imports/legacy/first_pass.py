"""First pass: what is on offer.

Mirrors ``RepoDumper`` (src/maasserver/import_images/download_descriptions.py) by behaviour.
"""

from __future__ import annotations

from functools import cached_property
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
from maas_stream_lint.imports.legacy.plain_claims import Plain, is_generic, plain_of
from maas_stream_lint.imports.legacy.walk import Walk
from maas_stream_lint.imports.rows import Cached, Offer

if TYPE_CHECKING:
    from maas_stream_lint.imports.legacy.both_passes import PassRecorder
    from maas_stream_lint.imports.legacy.products_file import File
    from maas_stream_lint.imports.tables import Table
    from maas_stream_lint.stream import Stream

#: Fields that are looked up of each item, in MAAS's order.
NEEDED = ("arch", "release", "label")
NEEDED_OF_BOOTLOADERS = ("arch", "label")


class FirstPass:
    """The claims that all newest items make."""

    def __init__(self, recorder: PassRecorder, stream: Stream, shared: Shared) -> None:
        """``shared``: what all imports of the stream by this engine have in common."""
        self.recorder = recorder
        self._shared = shared
        self._walk = Walk(recorder, stream, shared, self._take, self._describe)
        self.files: list[File] = []
        self.claims: list[Claim] = []  #: of the products that were looked at one by one
        self._owned: set[Spec] = set()  # what they claim by their own subarches
        self._generic: set[Spec] = set()  # what they take besides, whoever had it
        self._gadgets = False  # whether there is a claim without a subarch of its own

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

    def _take(self, file: File, tables: list[Table]) -> None:
        """Take the claims of the tables, as far as nothing is odd about them."""
        self.files.append(file)
        for table in tables:
            plain = plain_of(self.recorder, Plain(file.path, file.top, table))
            if plain is not None and len(plain):
                file.plains.append(plain)

    def _describe(self, file: File, position: int) -> None:
        """Take the claims of the newest version's items."""
        product = file.walked[position] = Walked(self._flat(file, position))
        flat = product.flat
        items = flat.items(flat.newest)
        if not items:
            self.recorder.drop("newest-version-empty", flat.place.below("versions", flat.newest))
            return
        for item in items:
            if not item.usual and not self.recorder.checksummed(item):
                product.aborted = True
            elif item.base is not product.claimed and self._acceptable(product, item):
                self._claim(product, item)

    def _flat(self, file: File, position: int) -> FlatProduct:
        products = file.products
        name, raw = products.names[position], products.raws[position]
        in_table = position in products.in_tables
        return self._shared.product(file.path, name, file.top, raw, in_table=in_table)

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
        claim, (own, *generic) = self._made(product, item)
        self.claims.append(claim)
        self._gadgets = self._gadgets or claim.os == self.recorder.snap
        self._owned.add(own)
        self._generic.update(generic)
        if self._lacks_release(item.base):
            product.aborted = True
            message = "string index out of range"
            self.recorder.abort("empty-release", item.place, "IndexError", message)

    def _made(self, product: Walked, item: FlatItem) -> tuple[Claim, list[Spec]]:
        own = self._own(item.base)
        product.claimed = item.base
        claim = Claim(item, os=own[0][0], release=own[0][4])
        product.claims.append(claim)
        return claim, own

    def walked(self, file: File, position: int) -> Walked:
        """A product that the pass came to."""
        key = (file.path, position)
        found = file.walked.get(position) or self._shared.walked.get(key)
        if found is None:  # of a table: all items have the fields of the first one
            found = self._shared.walked[key] = Walked(self._flat(file, position))
            self._made(found, found.flat.items(found.flat.newest)[0])
        return found

    @cached_property
    def mapping(self) -> dict[Spec, Claim]:
        """What the cache holds: who claims what."""
        found: dict[Spec, Claim] = {}
        walked = [self.walked(file, at) for file in self.files for at in file.taken]
        for claim in [claim for product in walked for claim in product.claims]:
            free, own = self._specs(claim)
            for spec in free:
                found.setdefault(spec, claim)
            for spec in own:
                found[spec] = claim
        return found

    @cached_property
    def each_holds(self) -> bool:
        """Whether each claim has a subarch of its own to itself, so that it holds something."""
        plains = [plain for file in self.files for plain in file.plains]
        owned = self._owned.union(*(plain.own for plain in plains))
        if self._gadgets or len(owned) != len(self.claims) + sum(map(len, plains)):
            return False
        generic = (plain.generic(self.recorder.ubuntu) for plain in plains)
        return owned.isdisjoint(self._generic.union(*generic))

    def specs(self, product: Walked) -> list[Spec]:
        """What a product claims."""
        made = map(self._specs, product.claims)
        return [spec for free, own in made for spec in (*free, *own)]

    def _specs(self, claim: Claim) -> tuple[list[Spec], list[Spec]]:
        """What a claim consists of, worked out once."""
        if claim.specs is None:
            claim.specs = self._offers(claim.flat)
        return claim.specs

    def _own(self, flat: dict[str, str]) -> list[Spec]:
        """What an item claims in any case: its own subarch first; of a snap, what it offers."""
        os = flat.get("os", self.recorder.ubuntu)
        if os == self.recorder.snap:
            return self._offers(flat)[0]
        type_ = flat.get("bootloader-type")
        release = flat["release"] if type_ is None else type_
        kflavor = flat.get("kflavor", GENERIC) if type_ is None else BOOTLOADER
        subarch = flat.get("subarch", GENERIC)
        own = [(os, flat["arch"], subarch, kflavor, release, flat["label"])]
        if os == self.recorder.ubuntu and "version" in flat:
            subarches = flat.get("subarches", GENERIC)
            if is_generic(flat["version"], release, subarch, subarches):
                own.append((os, flat["arch"], GENERIC, kflavor, release, flat["label"]))
        return own

    def _offers(self, flat: dict[str, str]) -> tuple[list[Spec], list[Spec]]:
        """The claims that an item makes if they are free, and those that it makes in any case.

        Mirrors ``RepoDumper.insert_item``.
        """
        os, arch, label = flat.get("os", self.recorder.ubuntu), flat["arch"], flat["label"]
        if os == self.recorder.snap:
            gadget = flat.get("gadget_snap", GENERIC)
            kernel = flat.get("kernel_snap", GENERIC)
            release = flat["bootloader-type" if "bootloader-type" in flat else "release"]
            return [(os, arch, GENERIC, kernel, f"{release}-{gadget}", label)], []
        own = self._own(flat)
        kflavor, release = own[0][3:5]
        subarches = flat.get("subarches", GENERIC)
        return [(os, arch, s, kflavor, release, label) for s in subarches.split(",")], own

    def _lacks_release(self, flat: dict[str, str]) -> bool:
        """Whether MAAS asks for the first letter of a release that has none."""
        ubuntu = self.recorder.ubuntu
        if flat.get("os", ubuntu) != ubuntu or "version" not in flat:
            return False
        return not flat.get("bootloader-type", flat.get("release"))
