"""The database: what it refuses, and the cache between the passes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.imports.answers import SHORT, plain
from maas_stream_lint.imports.flat import SPEC, Claim, Spec, product_title

if TYPE_CHECKING:
    from maas_stream_lint.imports.journal import Journal

#: Fields that a row of the cache holds beside its tuple.
TITLES = ("release_codename", "release_title", "bootloader-type", "os_title", "gadget_title")


class Database:
    """What Django and PostgreSQL refuse to store, by the columns' widths and types."""

    def __init__(self, journal: Journal) -> None:
        """Refusals go into the journal."""
        self.journal = journal

    def cache(self, mapping: dict[Spec, Claim]) -> None:
        """``_update_cache``: a row a tuple, as far as the database takes it."""
        judged: set[int] = set()
        fine: set[str] = set()  # the same few texts come again in thousands of tuples
        for spec, claim in mapping.items():
            if fine.issuperset(spec):
                pass
            elif plain(spec):
                fine.update(spec)
            else:
                for column, value in zip(SPEC, spec, strict=True):
                    self.fits("cache-key", column, value, claim)
            if id(claim.flat) in judged:
                continue
            judged.add(id(claim.flat))
            flat = claim.flat
            texts = [text for text in map(flat.get, TITLES) if text is not None]
            if not fine.issuperset(texts):
                if plain(texts):
                    fine.update(texts)
                else:
                    self._titles(flat, claim)
            eol = flat.get("support_eol")
            if eol is not None and not self.journal.answers.dated(eol):
                self.journal.abort(
                    "support-eol-format",
                    claim.place,
                    "ValueError",
                    f"time data '{eol}' does not match format '%Y-%m-%d'",
                    values={"support_eol": eol},
                )

    def _titles(self, flat: dict[str, str], claim: Claim) -> None:
        for column in ("release_codename", "release_title"):
            self.fits("cache-title", column, flat.get(column), claim)
        self.fits("cache-key", "bootloader-type", flat.get("bootloader-type"), claim)
        self.fits(None, "title", product_title(flat), claim)

    def fits(self, limit: str | None, column: str, value: str | None, claim: Claim) -> bool:
        """Whether the database takes a text: its width, no NUL, no lone surrogate."""
        if not value or (len(value) <= SHORT and value.isascii() and value.isprintable()):
            return True
        if limit is None and (
            value.isprintable() or self.journal.answers.policy("extras") == "text"
        ):
            return True
        values = {"field": column, "value": value}
        if limit is not None and len(value) > SHORT:
            width = self.journal.answers.too_long(limit, len(value))
            if width is not None:
                cause = "too-long-for-cache" if limit.startswith("cache") else "too-long-to-store"
                self.journal.abort(
                    cause,
                    claim.place,
                    "DataError",
                    f"value too long for type character varying({width})",
                    values={**values, "width": width},
                )
                return False
        if value.isascii():
            if "\0" in value:
                self.journal.abort(
                    "nul-in-text",
                    claim.place,
                    "ValueError",
                    "A string literal cannot contain NUL (0x00) characters.",
                    values=values,
                )
                return False
            return True
        return self._encodes(value, claim, values)

    def _encodes(self, value: str, claim: Claim, values: dict[str, Any]) -> bool:
        try:
            value.encode()
        except UnicodeEncodeError as error:
            self.journal.abort(
                "lone-surrogate-stored",
                claim.place,
                "UnicodeEncodeError",
                str(error),
                values=values,
            )
            return False
        if "\0" in value:
            self.journal.abort(
                "nul-in-text",
                claim.place,
                "ValueError",
                "A string literal cannot contain NUL (0x00) characters.",
                values=values,
            )
            return False
        return True
