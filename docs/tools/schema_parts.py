"""What the schemas of streams are made of: types, texts that a column takes, words of rule pages."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from maas_stream_lint.checks import all_rules
from maas_stream_lint.imports.answers import sizes
from maas_stream_lint.imports.strict.fieldtypes import WHITE_SPACE
from maas_stream_lint.rule import Rule
from maas_stream_lint.rulebook import Release, ftypes, unmissed_ftypes

Schema = dict[str, Any]

#: What flattening keeps as text (``stringitems``, simplestreams/util).
KEPT = ["string", "number", "boolean"]
_MONTHS = "(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_DAYS = "(Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_DAY, _MONTH = "(0?[1-9]|[12][0-9]|3[01])", "(0?[1-9]|1[0-2])"
_HOUR, _MINUTE = "([01]?[0-9]|2[0-3])", "([0-5]?[0-9])"
_ZONE = r"(Z|[+-][0-9]{2}:?[0-5][0-9](:?[0-5][0-9](\.[0-9]{1,6})?)?)"
_CLOCK = r"([01][0-9]|2[0-3])(:?[0-5][0-9](:?[0-5][0-9]([.,][0-9]+)?)?)?"
#: ISO 8601 as ``fromisoformat`` takes it.
ISO_DATE = (
    "[0-9]{4}(-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])|(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])"
    "|-?W(0[1-9]|[1-4][0-9]|5[0-3])(-?[1-7])?)"
)
ISO_MOMENT = rf"{ISO_DATE}([\s\S]{_CLOCK}{_ZONE}?)?"


@lru_cache(maxsize=1)
def rules_by_cause() -> dict[str, Rule]:
    """Cause of an event → the rule that words it."""
    return {cause: rule for rule in all_rules() for cause in (*rule.causes, rule.name)}


def told(schema: Schema, *causes: str) -> Schema:
    """A schema with the title and the description of the first of these causes that has a rule.

    Raises KeyError if none has one.
    """
    known = rules_by_cause()
    rules = [known[cause] for cause in causes if cause in known]
    if not rules:
        raise KeyError(causes)
    page, more = rules[0].page, list(dict.fromkeys(rule.code for rule in rules[1:]))
    see = f" See also {', '.join(more)}." if more else ""
    fix = " ".join(page.fix.split())
    about = f"{' '.join(page.title.split())} Fix: {fix}{see}"
    return {"title": f"{rules[0].code} {rules[0].name}", "description": about, **schema}


def any_case(pattern: str) -> str:
    """A regular expression whose letters match in any case, in the syntax that all dialects share.

    Letters of escapes (``\\d``) and of classes (``[a-z]``) must not occur in it.
    """
    return re.sub(r"[A-Za-z]", lambda m: f"[{m[0].lower()}{m[0].upper()}]", pattern)


def text(width: int | None = None, *, slash: bool = True, nul: bool = False) -> Schema:
    """A text that a database column takes: no longer than ``width``, without NUL.

    ``slash``: whether a slash may be in it. ``nul``: whether a NUL may be.
    """
    odd = ("" if nul else "\\u0000") + ("" if slash else "/")
    made: Schema = {"type": "string"}
    if odd:
        made["pattern"] = f"^[^{odd}]*$"
    if width is not None:
        made["maxLength"] = width
    return made


def listed_text(width: int) -> Schema:
    """A text of parts with commas between them, each no longer than ``width``."""
    part = f"[^,\\u0000]{{0,{width}}}"
    return {"type": "string", "pattern": f"^{part}(,{part})*$"}


def stored_sizes(release: Release) -> Schema:
    """The sizes that the line's database stores, as numbers."""
    known = sizes(release)
    return {"minimum": known[0], "maximum": known[-1]}


def numeral(fraction: str = "") -> Schema:
    """A text that is a whole number. ``fraction``: what may follow the digits."""
    blanks = f"[{WHITE_SPACE}]*".encode("unicode_escape").decode("ascii").replace("\\x", "\\u00")
    return {"type": "string", "pattern": f"^{blanks}[+-]?[0-9]+(_[0-9]+)*{fraction}{blanks}$"}


def moment() -> Schema:
    """A time as ``updated_validator`` takes it (3.8, maasservicelayer/simplestreams/models.py)."""
    mail = (
        rf"{any_case(_DAYS)},\s+{_DAY}\s+{any_case(_MONTHS)}\s+[0-9]{{4}}\s+{_HOUR}:{_MINUTE}:"
        rf"([0-5]?[0-9]|6[01])\s+{any_case('Z').join(_ZONE.split('Z'))}"
    )
    return {"type": "string", "pattern": f"^({mail}|{ISO_MOMENT})$"}


def day() -> Schema:
    """A day as ``support_eol_validator`` takes it (3.8, the same file)."""
    loose = r"[0-9]{1,4}-" + f"{_MONTH}-{_DAY}"
    return {"type": "string", "pattern": f"^({loose}|{ISO_DATE})$"}


def calendar_day() -> Schema:
    """A day as ``%Y-%m-%d`` and Django's date field take it (``_update_cache``, bootsources.py)."""
    return {"type": "string", "pattern": f"^[0-9]{{4}}-{_MONTH}-{_DAY}$"}


def file_name(width: int) -> str:
    """A pattern for paths: the name of the file is no longer than ``width``."""
    return f"(^|/)[^/\\u0000]{{0,{width}}}$"


def absent(name: str) -> Schema:
    """An object without a member."""
    return {"not": {"required": [name]}}


def each(schema: Schema) -> Schema:
    """An object all of whose members fit."""
    return {"additionalProperties": schema}


def unmissed() -> list[str]:
    """The ftypes that no one misses, in the order of the data."""
    return [name for name in ftypes() if name in unmissed_ftypes()]


def boots(release: Release) -> list[Schema]:
    """The bootloaders that MAAS boots from; a member that stands elsewhere is not judged."""
    members = ("bootloader-type", "os", "arch")
    return [
        {"properties": {name: {"const": value} for name, value in zip(members, known, strict=True)}}
        for known in sorted(release.bootloaders)
    ]
