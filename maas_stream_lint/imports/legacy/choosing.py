"""Which products MAAS imports: the claims of all sources, filtered by selections and merged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.imports.identity import BOOTLOADER
from maas_stream_lint.imports.legacy.flattening import Key, key_of
from maas_stream_lint.imports.situation import Selection
from maas_stream_lint.records import field, record
from maas_stream_lint.rulebook import of_family

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from maas_stream_lint.imports.legacy.both_passes import PassRecorder
    from maas_stream_lint.imports.legacy.first_pass import FirstPass
    from maas_stream_lint.imports.legacy.flattening import Claim, Spec
    from maas_stream_lint.imports.legacy.plain_claims import Plain

    Mapping = dict[Spec, Claim]


@record
class Wanted:
    """The product versions that are chosen, of all sources."""

    all_plain: bool = False  #: whether all products of tables are among them
    chosen: set[tuple[int, str, str]] = field(default_factory=set)
    """Each with the number of the source whose claim it is: source, product, version."""
    everything: bool = True  #: no selection limits them
    empty: bool = True  #: no claim is left
    shadowed: list[tuple[int, Spec, Claim, int, Claim]] = field(default_factory=list)
    """Claims that an earlier source keeps: whose, which, the claim, who keeps it, its claim."""

    _keys: set[Key] = field(default_factory=set)
    _plains: list[Plain] = field(default_factory=list)  # whose keys are not among them yet

    @property
    def keys(self) -> set[Key]:
        """What they are found by."""
        for plain in self._plains:
            self._keys.update(plain.keys())
        self._plains.clear()
        return self._keys

    def add(self, number: int, claims: Iterable[Claim], recorder: PassRecorder) -> None:
        """Choose what claims lead to. Most claims of a product are made by one item."""
        for claim in dict.fromkeys(claims):
            self.empty = False
            key = key_of(claim.flat)
            if key is None:
                recorder.no_content_id(claim.place.file)
            else:
                self._keys.add(key)
                self.chosen.add((number, *key[1:]))

    def add_plain(self, plains: list[Plain]) -> None:
        """Choose all products of tables."""
        self.all_plain, self._plains = True, plains
        self.empty = self.empty and not plains


def everything(first: FirstPass, recorder: PassRecorder) -> Wanted:
    """What one source has, everything selected."""
    wanted = Wanted()
    if first.each_holds:
        wanted.add(0, first.claims, recorder)
        wanted.add_plain([plain for file in first.files for plain in file.plains])
    else:
        wanted.add(0, first.mapping.values(), recorder)
    return wanted


def choose(
    mappings: Sequence[Mapping],
    selections: Sequence[tuple[Selection, ...] | None],
    recorders: Sequence[PassRecorder],
) -> Wanted:
    """What all sources have, in their order. ``selections``: each source's own.

    Mirrors ``download_all_image_descriptions`` and ``boot_merge``
    (src/maasserver/import_images/download_descriptions.py): a claim is kept by the first source.
    """
    wanted = Wanted(everything=all(rows is None for rows in selections) and len(mappings) == 1)
    taken: dict[Spec, tuple[int, Claim]] = {}
    for number, mapping in enumerate(mappings):
        own = passing(mapping, selections[number])
        lost = own.keys() & taken.keys()
        free = {spec: claim for spec, claim in own.items() if spec not in lost} if lost else own
        wanted.add(number, free.values(), recorders[number])
        wanted.shadowed += [(number, spec, own[spec], *taken[spec]) for spec in own if spec in lost]
        if number + 1 < len(mappings):
            taken.update((spec, (number, claim)) for spec, claim in free.items())
    return wanted


def passing(mapping: Mapping, selections: tuple[Selection, ...] | None) -> Mapping:
    """The claims of a source that its selections take; all of them where it has no filter."""
    if selections is None:
        return mapping
    filters = [*selections, *_own_filters(mapping)]
    if not filters:
        return mapping
    known: dict[tuple[str, ...], bool] = {}
    found = {}
    for spec, claim in mapping.items():
        os, arch, subarch, _, release, label = spec
        asked = (os, arch, subarch, release, label)
        passes = known.get(asked)
        if passes is None:
            passes = known[asked] = any(row.passes(*asked) for row in filters)
        if passes:
            found[spec] = claim
    return found


def _own_filters(mapping: Mapping) -> list[Selection]:
    """What MAAS adds to a source's selections: its bootloaders and release notifications.

    Mirrors ``BootSource.to_dict`` (src/maasserver/models/bootsource.py).
    """
    found: dict[Selection, None] = {}
    for spec in mapping:
        os, arch, _, kflavor, release, _ = spec
        if kflavor == BOOTLOADER or release in of_family("notice"):
            found[Selection(os, release, (arch,))] = None
    return list(found)
