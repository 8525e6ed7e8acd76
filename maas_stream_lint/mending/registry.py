"""Which function mends what a rule finds; a rule without one can't be mended by metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from maas_stream_lint.finding import Finding
    from maas_stream_lint.mending.proposal import Fixing, Proposal

    Fixer = Callable[[Finding, Fixing], Iterable[Proposal]]

FIXERS: dict[str, Fixer] = {}


def mends(*rules: str) -> Callable[[Fixer], Fixer]:
    """Register a fixer for the rules of these names."""

    def registered(fixer: Fixer) -> Fixer:
        for name in rules:
            assert name not in FIXERS, name
            FIXERS[name] = fixer
        return fixer

    return registered
