"""The types that fields may have, judged as pydantic's lax mode does, and problems with them."""

from __future__ import annotations

import math
import re
import sys
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from maas_stream_lint.records import field, record

if sys.version_info >= (3, 11):
    date_fromisoformat, datetime_fromisoformat = date.fromisoformat, datetime.fromisoformat
else:  # pragma: no cover
    from backports.datetime_fromisoformat import date_fromisoformat, datetime_fromisoformat

if TYPE_CHECKING:
    from maas_stream_lint.finding import Path

WHOLE_NUMBER = r"[+-]?\d+(?:_\d+)*(?:\.0+)?"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_ZERO_FOR_DIGIT = str.maketrans("123456789", "000000000")
#: What pydantic takes off around a number: Unicode's white space. ``str.strip`` takes off more.
WHITE_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)


@record(frozen=True)
class Problem:
    """One value that does not have the type or shape that MAAS needs."""

    cause: str
    path: Path
    exception: str | None = None  #: ``None``: pydantic refuses it, in words of its own
    message: str | None = None
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def crashes(self) -> bool:
        """Whether MAAS's own code fails on it, so that no further shape is tried."""
        return self.exception is not None


def number(value: Any) -> int:
    """A whole number as pydantic's lax mode takes it. Raises ValueError.

    A whole number of JSON may have any size; one that is written as a fraction must fit 64 bits.
    """
    if isinstance(value, (bool, int)):
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value) or value != int(value) or abs(value) >= 2**63:
            raise ValueError(value)
        return int(value)
    if isinstance(value, str):
        text = value.strip(WHITE_SPACE)
        if re.fullmatch(WHOLE_NUMBER, text, re.ASCII):
            return int(text.split(".")[0])
    raise ValueError(value)


def moment(value: Any) -> None:
    """Judge an ``updated``: raises ValueError for a text that is no time, TypeError for no text.

    Mirrors ``updated_validator`` (3.8, maasservicelayer/simplestreams/models.py).
    """
    if isinstance(value, str) and _is_usual_moment(value):
        return
    try:
        datetime.strptime(value, "%a, %d %b %Y %H:%M:%S %z")
    except ValueError:
        datetime_fromisoformat(value)


def _is_usual_moment(text: str) -> bool:
    """Whether it is a time like ``Sun, 01 Nov 2026 10:00:00 +0000``.

    Importing what ``strptime`` needs takes long, and so does making a regular expression of it.
    """
    weekday, month, sign = text[:3], text[8:11], text[26:27]
    form = f"{weekday}, 00 {month} 0000 00:00:00 {sign}0000"
    usual = weekday in _DAYS and month in _MONTHS and sign in ("+", "-")
    if not usual or text.translate(_ZERO_FOR_DIGIT) != form or text[29] > "5":
        return False
    year, day = int(text[12:16]), int(text[5:7])
    hour, minute, second = int(text[17:19]), int(text[20:22]), int(text[23:25])
    try:
        datetime(year, _MONTHS.index(month) + 1, day, hour, minute, second)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=1024)
def _day(value: str) -> None:
    try:
        year, month, day = (int(part) for part in value.split("-"))
        date(year, month, day)
    except ValueError:
        date_fromisoformat(value)


def day(value: Any) -> None:
    """Judge a ``support_eol``: raises ValueError, or what MAAS's own code would fail with.

    Mirrors ``support_eol_validator`` (3.8, maasservicelayer/simplestreams/models.py).
    """
    if value is None:
        return
    if not isinstance(value, str):
        raise AttributeError(f"'{type(value).__name__}' object has no attribute 'split'")
    _day(value)


def fits_type(value: Any, kind: str, datatypes: list[str]) -> bool:
    """Whether a value that is present is of the type. Raises what MAAS's own code would."""
    if kind[-1:] == "~":
        if value is None:
            return True
        kind = kind[:-1]
    kind = kind.rstrip("?")
    try:
        if kind == "text":
            return isinstance(value, str)
        if kind == "number":
            number(value)
        elif kind == "moment":
            moment(value)
        elif kind == "date":
            day(value)
        elif kind == "datatype":
            return isinstance(value, str) and value in datatypes
        elif kind == "texts":
            return isinstance(value, list) and all(isinstance(v, str) for v in value)
    except ValueError:
        return False
    return True


def refused(
    data: dict[str, Any], name: str, kind: str, datatypes: list[str]
) -> tuple[str | None, str | None] | None:
    """Judge a field: ``None`` if it fits, else the exception and text of MAAS's own failure.

    Both are ``None`` where pydantic refuses the field in an orderly way.
    """
    if name not in data:
        return None if kind[-1] in "?~" else (None, None)
    try:
        return None if fits_type(data[name], kind, datatypes) else (None, None)
    except Exception as error:  # noqa: BLE001 - whatever MAAS's own code would fail with
        return (type(error).__name__, str(error))


def no_mapping(cause: str, at: Path, value: Any) -> Problem:
    """What comes of a node that is no object."""
    kind = type(value).__name__
    message = f"argument after ** must be a mapping, not {kind}"
    return Problem(cause, at, "TypeError", message, {"value": value})


def twice(at: Path, member: str) -> Problem:
    """What comes of a reserved member, which MAAS fills in itself."""
    message = f"got multiple values for keyword argument '{member}'"
    return Problem("reserved-member", (*at, member), "TypeError", message, {"member": member})
