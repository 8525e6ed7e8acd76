"""The cache between the passes: one row for each claim, with what the web page shows.

Mirrors ``_update_cache`` (src/maasserver/bootsources.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.imports.columns import plain, refusal
from maas_stream_lint.imports.legacy.flattening import SPEC, Claim, Spec, product_title

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maas_stream_lint.imports.legacy.both_passes import PassRecorder
    from maas_stream_lint.imports.legacy.first_pass import FirstPass

#: The fields that rows are made of, each with the column that it goes into.
FIELDS = {
    **dict.fromkeys(("os", "arch", "release", "label", "kflavor"), "cache-key"),
    **dict.fromkeys(("subarch", "subarches", "bootloader-type"), "cache-key"),
    **dict.fromkeys(("release_codename", "release_title"), "cache-title"),
    **dict.fromkeys(("os_title", "gadget_title"), None),
}
#: Fields that a row holds beside the claim.
TITLES = ("release_codename", "release_title", "bootloader-type", "os_title", "gadget_title")


class ClaimRows:
    """The rows, as far as the database takes them."""

    def __init__(self, recorder: PassRecorder) -> None:
        """``recorder``: gets what the database refuses."""
        self.recorder = recorder

    def fill(self, first: FirstPass) -> None:
        """Store a row for each claim of a first pass."""
        if not self._all_fit(first.holders):
            self._judge_each(first.mapping)

    def _all_fit(self, claims: Iterable[Claim]) -> bool:
        """Whether each text that occurs in a field fits wherever it does: most come often."""
        flats = [claim.flat for claim in claims]
        answers = self.recorder.answers
        for field, column in FIELDS.items():
            for text in {flat[field] for flat in flats if field in flat}:
                parts = text.split(",") if field == "subarches" else (text,)
                if any(refusal(answers, column, part) is not None for part in parts):
                    return False
        if any(flat.get("os") == self.recorder.snap for flat in flats):
            return False  # its release has the gadget's name in it
        dates = {flat["support_eol"] for flat in flats if "support_eol" in flat}
        return all(map(answers.dated, dates))

    def _judge_each(self, mapping: dict[Spec, Claim]) -> None:
        judged: set[int] = set()
        fine: set[str] = set()  # the same few texts come again in thousands of rows
        for spec, claim in mapping.items():
            if fine.issuperset(spec):
                pass
            elif plain(spec):
                fine.update(spec)
            else:
                for column, value in zip(SPEC, spec, strict=True):
                    self.recorder.stores("cache-key", column, value, claim.place)
            if id(claim.flat) in judged:
                continue
            judged.add(id(claim.flat))
            texts = [text for text in map(claim.flat.get, TITLES) if text is not None]
            if not fine.issuperset(texts):
                if plain(texts):
                    fine.update(texts)
                else:
                    self._titles(claim)
            self._support_eol(claim)

    def _titles(self, claim: Claim) -> None:
        flat, at = claim.flat, claim.place
        for column in ("release_codename", "release_title"):
            self.recorder.stores("cache-title", column, flat.get(column), at)
        self.recorder.stores(
            "cache-key", "bootloader-type", flat.get("bootloader-type"), claim.place
        )
        self.recorder.stores(None, "title", product_title(flat), at)

    def _support_eol(self, claim: Claim) -> None:
        eol = claim.flat.get("support_eol")
        if eol is None or self.recorder.answers.dated(eol):
            return
        message = f"time data '{eol}' does not match format '%Y-%m-%d'"
        values = {"support_eol": eol}
        self.recorder.abort("support-eol-format", claim.place, "ValueError", message, values=values)
