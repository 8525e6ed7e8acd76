"""Where MAAS writes a message, and by which program: data of ``rules/log-*.toml``."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from maas_stream_lint.logs.messages import lines_of
from maas_stream_lint.rule_files import release_lines
from maas_stream_lint.rule_tables import rules_table

if TYPE_CHECKING:
    from collections.abc import Iterable


@lru_cache(maxsize=1)
def _places() -> dict[str, list[dict[str, Any]]]:
    places: dict[str, list[dict[str, Any]]] = rules_table("log-places.toml")
    return places


@lru_cache(maxsize=1)
def _programs() -> dict[str, dict[str, str]]:
    programs: dict[str, dict[str, str]] = rules_table("log-programs.toml")
    return programs


def lines_with(program: str) -> set[str]:
    """The release lines that log under the name of a program; all if its name does not tell."""
    spans = (said["maas"] for name, said in _programs().items() if fnmatchcase(program, name))
    span = next(spans, None)
    return set(release_lines() if span is None else lines_of(span))


def written(place: str, maas: Iterable[str]) -> list[tuple[tuple[str, ...], str]]:
    """Where these release lines write it: ``[(lines, where), …]``, oldest first."""
    wanted = set(maas)
    told = []
    for entry in _places()[place]:
        lines = tuple(line for line in lines_of(entry["maas"]) if line in wanted)
        if lines:
            told.append((lines, str(entry["where"])))
    return told
