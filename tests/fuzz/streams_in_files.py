"""What the fuzz targets share: streams as one JSON file each, and what must hold for any of them.

A corpus file is ``{PATH: TEXT, …}``: the metadata of a stream, by the paths below its root.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from maas_stream_lint.api import Preview, Report, check
from maas_stream_lint.errors import LintError
from maas_stream_lint.fixing.plan import diff_of, fix

CORPUS = Path(__file__).parent / "corpus"
INDEX = "streams/v1/index.json"

Stream = dict[str, str]


def corpus() -> dict[str, Stream]:
    """Every stream of the corpus, by its name."""
    return {p.stem: json.loads(p.read_text()) for p in sorted(CORPUS.glob("*.json"))}


def write(root: Path, stream: Stream) -> None:
    """Write a stream below a new folder; what no disk can hold is left out."""
    for path, text in stream.items():
        place = root / path
        if place.resolve().is_relative_to(root.resolve()):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(text.encode("utf-8", "surrogatepass"))


def hold(source: str, *, fixes: bool = True, **more: Any) -> Report | None:
    """Check, preview and fix a source: whatever it holds, that ends, and gives valid JSON.

    Nothing but LintError may be raised. ``None``: the source could not be checked.
    """
    try:
        report = check(source, **more)
    except LintError:
        return None
    as_json(report.to_dict())
    as_json(Preview(report.source, report.look).to_dict())
    if fixes:
        plan = fix(report, True, True)
        as_json(plan.to_dict())
        diff_of(plan)
        for body in plan.files.values():
            json.loads(body)
    return report


def as_json(said: Any) -> None:
    """Everything that is said to programs is JSON and UTF-8."""
    json.dumps(said, allow_nan=False, ensure_ascii=False).encode("utf-8", "surrogatepass")
