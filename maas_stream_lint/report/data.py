"""Plain data for programs, as JSON; the forms are described in ``rules/schemas/``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maas_stream_lint.rule import Rule


def as_json(data: Any) -> str:
    """JSON in ASCII: whatever a stream holds, it can be piped and shown anywhere."""
    return json.dumps(data, indent=2, allow_nan=False) + "\n"


def rules(known: Iterable[Rule]) -> dict[str, Any]:
    """The list of rules."""
    return {
        "version": 1,
        "rules": [
            {
                "code": rule.code,
                "name": rule.name,
                "severity": rule.severity.label,
                "level": rule.level,
                "title": rule.page.title,
            }
            for rule in known
        ],
    }
