"""Which paths MAAS refuses to follow."""

from __future__ import annotations

from typing import Any


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
