"""Compiles ``rules/`` whenever the package is built or installed: the program starts faster."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompileRules(BuildHookInterface[Any]):
    """Writes the compiled copy of ``rules/`` beside it, also for an editable installation."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the file, which is no part of the repository, and have the wheel take it along."""
        sys.path.insert(0, self.root)
        from maas_stream_lint.rule_tables import COMPILED, compiled

        target = Path(self.root) / "rules" / COMPILED
        target.write_text(compiled(), encoding="utf-8")
        build_data["artifacts"].append(f"rules/{COMPILED}")
