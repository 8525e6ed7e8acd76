"""A stream held in memory, and the conformance corpus."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maas_stream_lint.source.answer import Answer

CORPUS = Path(__file__).parent / "conformance"
KEYRING = CORPUS / "keyring.gpg"


@dataclass
class MemoryTree:
    """A source whose files are a dict, read as a disk would."""

    files: dict[str, bytes]
    given: str
    label: str = "memory"
    base: str = "memory"

    @property
    def explicit(self) -> bool:
        return self.given.endswith((".json", ".sjson"))

    @property
    def index_path(self) -> str:
        return self.given if self.explicit else "streams/v1/index.sjson"

    def read(self, path: str) -> Answer:
        name = path.split("?")[0].split("#")[0]
        parts = [p for p in name.split("/") if p not in ("", ".")]
        inside = ".." not in parts and not name.startswith("/") and not name.endswith("/")
        body = self.files.get("/".join(parts)) if inside else None
        return Answer(path, body, status=404 if body is None else None)

    def close(self) -> None:
        pass


def corpus() -> list[dict[str, Any]]:
    """Every conformance case, by id."""
    return [json.loads(p.read_text("utf-8")) for p in sorted((CORPUS / "cases").glob("*.json"))]


def tree_of(case: dict[str, Any]) -> MemoryTree:
    """A case's stream."""
    files = {path: text.encode("utf-8", "surrogatepass") for path, text in case["files"].items()}
    return MemoryTree(files, case["source"])


def agree(seen: dict[str, Any], said: dict[str, Any]) -> list[str]:
    """What of a verdict differs, by the corpus's definition of agreement."""
    wrong = []
    if (seen["fatal"] is None) != (said["fatal"] is None):
        wrong.append("fatal")
    elif said["fatal"] and seen["fatal"]["stage"] != said["fatal"]["stage"]:
        wrong.append("stage")
    if seen["log"] != said["log"]:
        wrong.append("log")
    if said["fatal"] is None and seen["fatal"] is None:
        wrong += [
            key for key in ("imported", "resources") if _sorted(seen[key]) != _sorted(said[key])
        ]
        selections = [
            sorted(tuple(a["selection"]) for a in v.get("aborted", [])) for v in (seen, said)
        ]
        if selections[0] != selections[1]:
            wrong.append("aborted")
    return wrong


def _sorted(values: list[Any]) -> list[str]:
    return sorted(json.dumps(v, sort_keys=True) for v in values)
