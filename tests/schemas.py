"""The schemas of what is written, closed: a member that no schema names is an error."""

from __future__ import annotations

import json
from typing import Any

import jsonschema

from maas_stream_lint import __version__
from maas_stream_lint.report.data import as_json
from maas_stream_lint.rule_files import rules_root

#: The lowest jsonschema knows no newer draft, and passes over the few keywords that came later.
Validator = getattr(jsonschema, "Draft202012Validator", jsonschema.Draft7Validator)


def validator(name: str) -> Any:
    schema = json.loads((rules_root() / "schemas" / f"{name}.json").read_text("utf-8"))
    Validator.check_schema(schema)
    return Validator(closed(schema))


def closed(schema: Any) -> Any:
    """The schema with nothing allowed that it does not name: what is written must be documented."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: closed(value) for key, value in schema.items()}
    if isinstance(made.get("properties"), dict) and made.get("type") == "object":
        made.setdefault("additionalProperties", False)
    return made


REPORT, PREVIEW, FIX = validator("report"), validator("preview"), validator("fix")
USE, WANTED = validator("use"), validator("wanted")
COMPARE = validator("compare")
BUILT, PRUNED = validator("built"), validator("pruned")


def through_text(data: dict[str, Any]) -> Any:
    text = as_json(data)
    assert text.isascii()
    return json.loads(text)


def as_library(text: str) -> Any:
    """The JSON of a command without what it says of itself: what the library gives."""
    said = json.loads(text)
    assert said.pop("tool") == {"name": "maas-stream-lint", "version": __version__}
    said.pop("date", None)
    return said
