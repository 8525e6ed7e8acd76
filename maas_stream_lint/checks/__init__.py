"""All rules, in the order of their codes."""

from __future__ import annotations

from functools import lru_cache
from types import ModuleType

from maas_stream_lint.checks import product, version
from maas_stream_lint.rule import Rule

#: One module a level; a new one is named here, a new rule nowhere.
MODULES: tuple[ModuleType, ...] = (product, version)


@lru_cache(maxsize=1)
def all_rules() -> tuple[Rule, ...]:
    """Every rule there is."""
    found = [r for module in MODULES for r in vars(module).values() if isinstance(r, Rule)]
    return tuple(sorted(found, key=lambda r: r.code))
