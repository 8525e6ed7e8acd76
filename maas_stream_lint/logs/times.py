"""The times of log lines: the stamps of all kinds of logs, made comparable."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo

_SHORT = re.compile(r"([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d):(\d\d)")
_EVENT = re.compile(r"[A-Z][a-z]{2}, +(\d{1,2}) ([A-Z][a-z]{2})\.? (\d{4}) (\d\d):(\d\d):(\d\d)")
_FULL = re.compile(
    r"(?:[A-Z][a-z]{2} )?(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d+))?"
    r"\s?(Z|UTC|[+-]\d\d:?\d\d)?"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Clock:
    """Reads stamps. What one leaves out, the year or the zone, is taken from the others."""

    def __init__(self, now: datetime | None = None) -> None:
        """``now``: for stamps without a year, if no other has one."""
        self._now = now or datetime.now(timezone.utc)
        self._zone: tzinfo = timezone.utc
        self._year: int | None = None

    def read(self, stamp: str) -> datetime | None:
        """The time that a stamp says, ``None`` for none."""
        try:
            return self._full(stamp) or self._short(stamp) or self._event(stamp) or _number(stamp)
        except (ValueError, OverflowError, OSError):
            return None

    def _full(self, stamp: str) -> datetime | None:
        found = _FULL.match(stamp)
        if found is None:
            return None
        day, time, fraction, zone = found.groups()
        made = datetime.fromisoformat(f"{day}T{time}")
        made += timedelta(microseconds=int(f"{fraction or 0:0<6}"[:6]))
        if zone is not None:
            self._zone = _zone(zone)
        self._year = made.year
        return made.replace(tzinfo=self._zone)

    def _short(self, stamp: str) -> datetime | None:
        found = _SHORT.match(stamp)
        if found is None:
            return None
        month, day, *time = found.groups()
        numbers = [_MONTHS.index(month) + 1, int(day), *map(int, time)]
        made = datetime(self._year or self._now.year, *numbers, tzinfo=self._zone)  # type: ignore[arg-type,misc]
        if self._year is None and made > self._now + timedelta(days=1):
            made = made.replace(year=made.year - 1)
        return made

    def _event(self, stamp: str) -> datetime | None:
        found = _EVENT.match(stamp)
        if found is None:
            return None
        day, month, year, *time = found.groups()
        hour, minute, second = map(int, time)
        return datetime(
            int(year), _MONTHS.index(month) + 1, int(day), hour, minute, second, tzinfo=self._zone
        )


def _zone(said: str) -> tzinfo:
    if said in ("Z", "UTC"):
        return timezone.utc
    sign = -1 if said[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(said[1:3]), minutes=int(said[-2:])))


def _number(stamp: str) -> datetime | None:
    """Seconds since 1970, as journald prints them, or microseconds, as it exports them."""
    if not re.fullmatch(r"\d{10}(?:\.\d+)?|\d{16}", stamp):
        return None
    seconds = float(stamp) / (1e6 if len(stamp) == 16 and "." not in stamp else 1)
    return datetime.fromtimestamp(seconds, timezone.utc)
