"""The tree that is built into: a new one, or one that has a stream already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.building import draft, existing, metadata_text
from maas_stream_lint.building.draft import Draft
from maas_stream_lint.errors import UsageError
from maas_stream_lint.fixing.publish import signed_forms
from maas_stream_lint.output import printable_path
from maas_stream_lint.records import record
from maas_stream_lint.source import LocalTree, open_source

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime
    from pathlib import Path

    from maas_stream_lint.building.existing import Existing
    from maas_stream_lint.building.parts import Product
    from maas_stream_lint.building.planning import Key
    from maas_stream_lint.finding import Finding
    from maas_stream_lint.fixing.publish import Signer
    from maas_stream_lint.rulebook import Release

#: What names of products and of the stream begin with, unless somebody says otherwise.
PREFIX = "local.maas"


@record
class Target:
    """A tree, and what it holds before."""

    root: Path
    prefix: str  #: of new names
    sign: Signer | None = None
    existing: Existing | None = None  #: the stream that is there

    @classmethod
    def of(
        cls,
        root: Path,
        *,
        update: bool,
        prefix: str | None,
        keyring: Path | None,
        sign: Signer | None,
    ) -> Target:
        """Look at a tree. Raises UsageError if it cannot be what is asked for."""
        if not update:
            if (root / "streams").exists():
                told = f"{printable_path(root)} holds a stream"
                raise UsageError(told, "add to it with --update")
            return cls(root, prefix or PREFIX, sign)
        found = existing.read(root, keyring)
        if sign is not None:
            existing.refuse_unverified(found)
        return cls(root, prefix or found.prefix or PREFIX, sign, found)

    @property
    def known(self) -> tuple[Mapping[str, Collection[str]], Mapping[Key, str]]:
        """The versions of the products that are there, and the names of these."""
        return (self.existing.versions, self.existing.names) if self.existing else ({}, {})

    def draft(self, products: tuple[Product, ...], moment: datetime) -> Draft:
        """The stream that would result, for a check."""
        changed = self._changed(products, moment)
        if self.existing is None:
            return Draft(printable_path(self.root), changed, None)
        plain = self.existing.plain(changed)
        return self.draft_of(plain)

    @property
    def tree(self) -> LocalTree:
        """The tree, as a source."""
        found = open_source(self.root)
        assert isinstance(found, LocalTree)
        return found

    def draft_of(self, texts: Mapping[str, bytes]) -> Draft:
        """The stream that is there, with other metadata."""
        return Draft(printable_path(self.root), texts, self.tree)

    def written(self, products: tuple[Product, ...], moment: datetime) -> dict[str, bytes]:
        """Path → all metadata that has to be written, in this order.

        Raises UsageError where a signature would no longer be valid.
        """
        changed = self._changed(products, moment)
        if self.existing is not None:
            return self.existing.signed(changed, self.sign)
        if self.sign is None:
            return changed
        stems = {path.removesuffix(".json"): body for path, body in changed.items()}
        return signed_forms(stems, self.sign)

    @property
    def before(self) -> dict[str, bytes | None]:
        """Path → what the metadata that is there holds."""
        return self.existing.bodies if self.existing else {}

    def findings(self, releases: tuple[Release, ...]) -> frozenset[tuple[str, str, str]]:
        """What a check of the stream that is there finds, by code, file and message."""
        if self.existing is None:
            return frozenset()
        found = draft.checked(self.draft_of(self.existing.plain({})), releases).findings
        return frozenset(said(finding) for finding in found)

    def _changed(self, products: tuple[Product, ...], moment: datetime) -> dict[str, bytes]:
        if self.existing is None:
            return metadata_text.new_tree(products, self.prefix, moment)
        updated = metadata_text.written(moment)
        changes, made = existing.additions(self.existing, products, self.prefix, updated)
        return {**made, **self.existing.applied(changes)}


def said(finding: Finding) -> tuple[str, str, str]:
    """What makes a finding the same before and after."""
    return finding.code, finding.place.file, finding.message
