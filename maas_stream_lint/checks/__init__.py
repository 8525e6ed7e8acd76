"""All rules, in the order of their codes."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from maas_stream_lint.checks import (
    bootloaders,
    doubles,
    fields,
    file,
    file_kind,
    image,
    index,
    item,
    joint_imports,
    kernel_names,
    product_names,
    selection,
    signature,
    source,
    sources,
    systems,
    transport,
    tree,
    use,
    version,
)
from maas_stream_lint.rule import Rule

if TYPE_CHECKING:
    from types import ModuleType

#: One module a family; a new module is named here, a new rule nowhere.
MODULES: tuple[ModuleType, ...] = (
    source,
    selection,
    sources,
    joint_imports,
    index,
    file,
    product_names,
    bootloaders,
    systems,
    doubles,
    kernel_names,
    fields,
    use,
    version,
    item,
    image,
    file_kind,
    tree,
    transport,
    signature,
)


@lru_cache(maxsize=1)
def all_rules() -> tuple[Rule, ...]:
    """Every rule there is."""
    found = {r.code: r for module in MODULES for r in vars(module).values() if isinstance(r, Rule)}
    return tuple(found[code] for code in sorted(found))
