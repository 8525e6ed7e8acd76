"""A file checked against its schema, with violations in words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from maas_stream_lint.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maas_stream_lint.configuration.lines import Page
    from maas_stream_lint.configuration.tomlplaces import Key

#: Keys that people may try: secrets must not be in a file that everybody reads.
_SECRETS = {"header", "headers", "token", "token-env", "token-file", "password", "netrc"}
NO_SECRETS = "use --token-env, --token-file, --header or ~/.netrc"


def validate(page: Page, data: dict[str, Any], schema_name: str = "config") -> None:
    """Raise the first violation, by line, of a schema of ``rules/schemas/``."""
    # Imported only if there is a file, because the import takes longer than a small check.
    import jsonschema

    from maas_stream_lint.rule_files import rules_root

    schema = json.loads((rules_root() / "schemas" / f"{schema_name}.json").read_text("utf-8"))
    del schema["$id"]  # jsonschema 3 would try to fetch it
    said = {
        words: None
        # Draft 7 has all that these schemas use, and jsonschema 3 knows nothing newer.
        for error in jsonschema.Draft7Validator(schema).iter_errors(_plain(data))
        for words in _worded(error)
    }
    if said:
        first = page.error(*min(said, key=lambda words: page.origin(words[0]).line))
        more = len(said) - 1
        wanted = f"; {more} more {'errors' if more > 1 else 'error'}" if more else ""
        raise UsageError(first.message + wanted, first.hint)


def _plain(value: Any) -> Any:
    """A TOML value as JSON: dates become text."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, (str, int, float)) else value.isoformat()


_KINDS = {
    "string": "text in quotes",
    "array": "a list",
    "object": "a table",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
}


def _worded(error: Any) -> Iterable[tuple[Key, str, str | None]]:
    """A violation in words: key, message, hint. Values may be secrets, so few are repeated."""
    key: Key = tuple(error.absolute_path)
    value, wanted = error.instance, error.validator_value
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        for name in value:
            if name.lower().replace("_", "-") in _SECRETS:
                yield (*key, name), "secrets must not be in a configuration", NO_SECRETS
            elif name not in known:
                hint = near(name, known) or "known: " + ", ".join(known)
                yield (*key, name), "unknown key", hint
    elif error.validator == "required":
        for name in wanted:
            if name not in value:
                purpose = error.schema["properties"][name].get("description")
                yield key, f"`{name}` is missing", purpose and purpose.rstrip(".")
    elif error.validator == "type":
        kinds = [wanted] if isinstance(wanted, str) else wanted
        told = " or ".join(_KINDS[kind] for kind in kinds)
        quote = "string" in kinds and isinstance(value, (int, float)) and value not in (True, False)
        yield key, f"expected {told}, got {_kind(value)}", f'write "{value}"' if quote else None
    elif error.validator == "enum":
        known = ", ".join(wanted)
        close = near(value, wanted) if isinstance(value, str) else None
        yield key, f"expected one of {known}", close
    elif error.validator == "pattern":
        yield key, "expected a date", "write it like 2027-01-31"
    elif error.validator in ("minLength", "minItems"):
        yield key, "is empty", "write a value, or remove the key"
    else:
        bounds = {
            "minimum": f"{wanted} or more",
            "exclusiveMinimum": f"more than {wanted}",
            "maximum": f"{wanted} at most",
        }
        yield key, f"expected {bounds[error.validator]}", None


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    names = ((str, "text"), (list, "a list"), (dict, "a table"))
    return next((name for kind, name in names if isinstance(value, kind)), "a number")


def near(given: str, known: Iterable[str]) -> str | None:
    """``did you mean …?``, if something known looks like it."""
    import difflib  # takes longer than to read a file

    found = difflib.get_close_matches(given.lower().replace("_", "-"), list(known), n=1, cutoff=0.6)
    found = found or difflib.get_close_matches(given.upper(), list(known), n=1, cutoff=0.8)
    return f"did you mean {found[0]}?" if found else None
