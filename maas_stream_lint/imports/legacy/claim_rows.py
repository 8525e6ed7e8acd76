"""The cache between the passes: one row for each claim, with what the web page shows.

Mirrors ``_update_cache`` (src/maasserver/bootsources.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.imports.columns import unfit
from maas_stream_lint.imports.legacy.flattening import SPEC, product_title

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from maas_stream_lint.imports.answers import Answers
    from maas_stream_lint.imports.legacy.both_passes import PassRecorder
    from maas_stream_lint.imports.legacy.first_pass import FirstPass
    from maas_stream_lint.imports.legacy.flattening import Claim

#: The fields that rows are made of, each with the column that it goes into.
FIELDS = {
    **dict.fromkeys(("os", "arch", "release", "label", "kflavor"), "cache-key"),
    **dict.fromkeys(("subarch", "subarches", "bootloader-type"), "cache-key"),
    **dict.fromkeys(("release_codename", "release_title"), "cache-title"),
    **dict.fromkeys(("os_title", "gadget_title"), None),
}
#: The field that a row's date is made of.
EOL = "support_eol"


class ClaimRows:
    """The rows, as far as the database takes them."""

    def __init__(self, recorder: PassRecorder) -> None:
        """``recorder``: gets what the database refuses."""
        self.recorder = recorder

    def fill(self, first: FirstPass) -> None:
        """Store a row for each claim of a first pass."""
        odd = self._odd(first.claims)
        judged: set[int] = set()  # several claims of a product may have the same fields
        for spec, claim in first.mapping.items() if odd else ():
            if claim in odd:
                for column, value in zip(SPEC, spec, strict=True):
                    self.recorder.stores("cache-key", column, value, claim.place)
                if id(claim.flat) not in judged:
                    judged.add(id(claim.flat))
                    self._titles(claim)
                    self._support_eol(claim)

    def _odd(self, held: Iterable[Claim]) -> set[Claim]:
        """The claims of which some text does not fit: each text of a field is judged once."""
        claims = list(held)
        # The release of a snap has the gadget's name in it.
        odd = {claim for claim in claims if claim.os == self.recorder.snap}
        for field in (*FIELDS, EOL):
            texts = {claim.flat[field] for claim in claims if field in claim.flat}
            wrong = refused_texts(self.recorder.answers, field, texts)
            if wrong:
                odd.update(claim for claim in claims if claim.flat.get(field) in wrong)
        return odd

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


def refused_texts(
    answers: Answers,
    field: str,
    texts: Collection[str],
    unfit: Callable[[Answers, str | None, Collection[str]], set[str]] = unfit,
) -> set[str]:
    """The texts of a field that the database does not take. ``unfit``: which a column refuses."""
    if field == EOL:
        return {text for text in set(texts) if not answers.dated(text)}
    if field == "subarches":
        return {one for one in set(texts) if unfit(answers, FIELDS[field], one.split(","))}
    return unfit(answers, FIELDS[field], texts)
