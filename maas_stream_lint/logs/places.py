"""Where MAAS writes a message: the data of ``rules/log-places.toml``."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from maas_stream_lint.logs.messages import lines_of
from maas_stream_lint.rule_files import rules_text

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterable


@lru_cache(maxsize=1)
def _places() -> dict[str, list[dict[str, Any]]]:
    places: dict[str, list[dict[str, Any]]] = tomllib.loads(rules_text("log-places.toml"))
    return places


def written(place: str, maas: Iterable[str]) -> list[tuple[tuple[str, ...], str]]:
    """Where these release lines write it: ``[(lines, where), …]``, oldest first."""
    wanted = set(maas)
    told = []
    for entry in _places()[place]:
        lines = tuple(line for line in lines_of(entry["maas"]) if line in wanted)
        if lines:
            told.append((lines, str(entry["where"])))
    return told
