"""Which paths MAAS refuses to follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def unsafe_path(path: Any) -> str | None:
    """MAAS's words on a path that it refuses, ``None`` for a safe one.

    Mirrors ``assert_safe_path`` (simplestreams/util).
    """
    if path is None or path == "":
        return None
    path = str(path)
    if path.startswith("/"):
        return f"Path '{path}' is absolute path"
    for start in ("../", ".../"):
        if path.startswith(start):
            return f"Path '{path}' starts with '{start}'"
    for part in ("/../", "/.../"):
        if part in path:
            return f"Path '{path}' contains '{part}'"
    return None


def all_harmless(versions: Iterable[Any]) -> bool:
    """Whether all items are objects with paths that can't leave the tree, told at a glance."""
    try:
        return are_harmless([i["path"] for v in versions for i in v["items"].values()])
    except (AttributeError, KeyError, TypeError):
        return False


def are_harmless(paths: Iterable[str]) -> bool:
    """Whether no path can leave the tree. Raises TypeError if one is no text."""
    joined = "\n".join(paths)
    return not (joined.startswith("/") or "\n/" in joined or "../" in joined)
