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
    item_content,
    item_paths,
    joint_imports,
    kernel_names,
    link_paths,
    missing_fields,
    product_names,
    root_images,
    selection,
    signed_files,
    source_address,
    sources,
    stored_texts,
    systems,
    transfer,
    transport,
    tree,
    use,
    version,
    version_parts,
)
from maas_stream_lint.rule import Rule

if TYPE_CHECKING:
    from types import ModuleType

#: One module a family; a new module is named here, a new rule nowhere.
MODULES: tuple[ModuleType, ...] = (
    source_address,
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
    missing_fields,
    stored_texts,
    use,
    version,
    version_parts,
    root_images,
    item,
    item_paths,
    item_content,
    image,
    file_kind,
    tree,
    transport,
    link_paths,
    transfer,
    signed_files,
)


@lru_cache(maxsize=1)
def all_rules() -> tuple[Rule, ...]:
    """Every rule there is."""
    found = {r.code: r for module in MODULES for r in vars(module).values() if isinstance(r, Rule)}
    return tuple(found[code] for code in sorted(found))
