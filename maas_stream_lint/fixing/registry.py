"""Which function fixes the findings of a rule. Without a function, no edit can fix them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from maas_stream_lint.finding import Finding
    from maas_stream_lint.fixing.proposal import Context, Proposal

    Fixer = Callable[[Finding, Context], Iterable[Proposal]]

FIXERS: dict[str, Fixer] = {}


def fixes(*rules: str) -> Callable[[Fixer], Fixer]:
    """Register a fixer for the rules of these names."""

    def registered(fixer: Fixer) -> Fixer:
        for name in rules:
            assert name not in FIXERS, name
            FIXERS[name] = fixer
        return fixer

    return registered
