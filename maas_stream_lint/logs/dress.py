"""The form of a line of a log: the text before a message, and the text after it.

Formats: rsyslog's files and maas.log, regiond.log, and journald (short, ISO, full, JSON, export).
Also pebble's view of the snap, docker, the JSON of MAAS's own services, and MAAS's list of events.
"""

from __future__ import annotations

import re
from typing import Any

from maas_stream_lint.named_tuple import NamedTuple

_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
# Patterns are compiled when a text may have them, which most pasted ones have not.
_STAMP = rf"""(?x)\[?(?P<stamp>
        (?:[A-Z][a-z]{{2}}\ )?\d{{4}}-\d\d-\d\d[T\ ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?
            (?:\s?(?:Z|UTC|[A-Z]{{3,4}}(?=\s)|[+-]\d\d:?\d\d))?
      | (?:{_MONTHS})\ {{1,2}}\d{{1,2}}\ \d\d:\d\d:\d\d(?:\.\d+)?
      | [A-Z][a-z]{{2}},\ \d{{1,2}}\ (?:{_MONTHS})\.?\ \d{{4}}\ \d\d:\d\d:\d\d
      | \d\d:\d\d:\d\d(?:[.,]\d+)?
      | \d{{10}}\.\d+
    )\]?\s+(?:\|\s+)?"""
_LEVELS = "debug|info|notice|warn|warning|error|critical|fatal"
_BEFORE = re.compile(r"(?:>\s*)+|<\d{1,3}>|[\w.-]+\s+\|\s|(?:message|MESSAGE|msg|event)=")
_IDENT = re.compile(
    r"(?:(?P<host>[^\s\[\]]+)\s+)?(?P<ident>[\w./@-]+?)(?:\[(?P<pid>\d+)\])?:(?:\s|(?=\{)|$)"
)
_SERVICE = re.compile(r"\[(?P<ident>[a-z][a-z-]*d|[a-z]+-[a-z-]+|maas[\w-]*)\]\s+")
_LOGGER = re.compile(rf"(?P<logger>[\w.-]+):\s+\[(?P<level>{_LEVELS})\](?:\s|$)", re.IGNORECASE)
_LEVEL = re.compile(rf"(?:\[(?P<a>{_LEVELS})\]:?|(?P<b>{_LEVELS}):)\s+", re.IGNORECASE)
_PID = re.compile(r"(?:[A-Z]{3,4}\s+)?\[\d[\d-]*\]:?\s")
_REPEATED = r"(?s)message repeated (?P<n>\d+) times: \[\s?(?P<text>.*?)\]?$"
#: Last character → what may stand behind a message.
_TAILS = {
    ")": (
        r"\s\([x\u00d7]\s?(?P<n>\d+)\)$",
        r"(?s)\s\(\{'(?:activity|workflow|attempt|namespace)\w*':.*$",
    ),
    "]": (r"\s\[[a-z]\w*(?:\.[\w-]+)+(?:[:\s]\w+)?\]$",),
    "}": (r'(?s)"(?:,\s*"\w+":\s*(?:".*?"|[\w.{\[-]+))+,?\s*\}?$', r'"\s*\}$'),
    '"': (r'(?s)"(?:,\s*"\w+":\s*(?:".*?"|[\w.{\[-]+))+$',),
}
_OURS = re.compile(
    r"maas|temporal|regiond|rackd|sstreams|simplestreams|provisioningserver|pebble|apiserver",
    re.IGNORECASE,
)
#: Programs that only pass on what others say.
_CARRIERS = frozenset(
    {"sh", "bash", "docker", "dockerd", "supervisord", "snap", "cloud-init", "logger"}
)

#: Keys of JSON records, by who writes them: MAAS's services, journald, docker.
_TEXT_KEYS = ("message", "MESSAGE", "event", "msg", "log")
_LOGGER_KEYS = ("logger", "name")
_STAMP_KEYS = ("timestamp", "time", "__REALTIME_TIMESTAMP")
_LEVEL_KEYS = ("level", "PRIORITY")
_TRACE_KEYS = ("exc_info", "exception", "traceback")
_PRIORITIES = ("critical", "critical", "critical", "error", "warn", "info", "info", "debug")
#: A JSON record that was cut, or whose end was.
_CUT_JSON = r'(?s)"(?:message|MESSAGE|event|msg|log)"\s*:\s*"(?P<text>(?:[^"\\]|\\.)*)'
_DEEPEST = 3


class Record(NamedTuple):
    """One line of a log, taken apart."""

    text: str  #: the message, without what stands before and behind it
    stamp: str = ""
    ident: str = ""  #: the program, as syslog names it
    logger: str = ""
    level: str = ""
    times: int = 1  #: how often the log has it
    more: tuple[str, ...] = ()  #: further lines of the message: a traceback

    @property
    def ours(self) -> bool | None:
        """Whether a part of MAAS says it; ``None`` if nothing tells."""
        told = f"{self.ident} {self.logger}"
        if _OURS.search(told):
            return True
        foreign = self.ident and self.ident.rpartition("/")[2] not in _CARRIERS
        return False if foreign else None

    @property
    def continues(self) -> bool:
        """Whether it is a further line of the message before it."""
        return self.text[:1] in ("\t", " ") or self.text.startswith("Traceback (")


def undressed(line: str, depth: int = 0) -> Record:
    """Take one line of a log apart, whatever format it is in."""
    line = line.rstrip("\r\n\0")
    if "#0" in line:
        line = line.replace("#012", "\n").replace("#011", "\t")
    record = Record(line) if line[:1] in ("\t", " ") else _prefix(line)
    body = record.text.lstrip()
    if body.startswith("{") and depth < _DEEPEST:
        inner = _of_json(body, depth)
        if inner is not None:
            return _merged(record, inner)
    return _split(_tails(record))


def _prefix(line: str) -> Record:
    """Take the time, host, program and logger off, in whatever order they come."""
    record = Record(line)
    for _ in range(2):
        rest = _BEFORE.sub("", record.text, count=1) if _BEFORE.match(record.text) else record.text
        stamp = re.match(_STAMP, rest) if _may_be_stamp(rest) else None
        if stamp is not None:
            rest = rest[stamp.end() :]
            record = record._replace(stamp=record.stamp or stamp["stamp"])
        record = record._replace(text=rest)
        if stamp is None or not stamp[0].rstrip().endswith("|"):
            record = _named(record, after_stamp=stamp is not None)
        if stamp is None:
            break
    return _repeated(record)


def _may_be_stamp(text: str) -> bool:
    """Whether a text begins like a time: with a digit, or the name of a day or month."""
    return text[:1].isdigit() or text[:1] == "[" or (text[:1].isupper() and text[3:4] in (" ", ","))


def _named(record: Record, *, after_stamp: bool) -> Record:
    """Take the program and the logger off."""
    if after_stamp and _PID.match(record.text) is not None:
        # PostgreSQL's own log: `2026-11-25 10:00:00 UTC [4711] ERROR:  …`.
        return record._replace(ident=record.ident or "unknown")
    service = _SERVICE.match(record.text)
    if service is not None:
        record = record._replace(ident=service["ident"], text=record.text[service.end() :])
    if service is None and not _LOGGER.match(record.text):
        ident = _IDENT.match(record.text)
        if ident is not None and (ident["pid"] or (after_stamp and ident["host"])):
            rest = record.text[ident.end() :]
            named = ident["ident"]
            record = record._replace(ident=record.ident or named, text=rest)
            if named.startswith("maas."):
                record = record._replace(logger=named)
    return _levelled(record)


def _levelled(record: Record) -> Record:
    logger = _LOGGER.match(record.text)
    if logger is not None:
        rest = record.text[logger.end() :]
        return record._replace(logger=logger["logger"], level=logger["level"].lower(), text=rest)
    level = _LEVEL.match(record.text)
    if level is not None:
        said = (level["a"] or level["b"]).lower()
        return record._replace(level=record.level or said, text=record.text[level.end() :])
    return record


def _repeated(record: Record) -> Record:
    found = re.match(_REPEATED, record.text) if record.text.startswith("message rep") else None
    if found is None:
        return record
    # rsyslog shortens a run of equal lines to the first of them and this one.
    again = record._replace(text=found["text"], times=int(found["n"]))
    return _levelled(again)


def _tails(record: Record) -> Record:
    """Take off what is behind the message, and may hold how often it came."""
    text = record.text.rstrip()
    times = record.times
    for tail in _TAILS.get(text[-1:], ()):
        found = re.search(tail, text)
        if found is not None and found.start() > 0:
            text = text[: found.start()]
            times = max(times, int(found.groupdict().get("n") or 1))
    return record._replace(text=text, times=times)


def _split(record: Record) -> Record:
    first, newline, rest = record.text.partition("\n")
    return record._replace(text=first, more=tuple(rest.split("\n"))) if newline else record


def _of_json(text: str, depth: int) -> Record | None:
    """The record that a line of JSON is, ``None`` if it holds no message."""
    import json

    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        cut = re.search(_CUT_JSON, text)
        return None if cut is None else undressed(_unescaped(cut["text"]), depth + 1)
    if not isinstance(raw, dict):
        return None
    said = _first(raw, _TEXT_KEYS)
    if said is None:
        return None
    inner = undressed(said, depth + 1)
    level = _first(raw, _LEVEL_KEYS) or ""
    trace = _first(raw, _TRACE_KEYS) or ""
    return inner._replace(
        stamp=inner.stamp or _first(raw, _STAMP_KEYS) or "",
        ident=inner.ident or str(raw.get("SYSLOG_IDENTIFIER") or raw.get("_COMM") or ""),
        logger=inner.logger or _first(raw, _LOGGER_KEYS) or "",
        level=inner.level or _level(level),
        more=(*inner.more, *trace.splitlines()),
    )


def _level(said: str) -> str:
    """A level as MAAS writes it; journald has the number of a priority."""
    return _PRIORITIES[int(said)] if re.fullmatch("[0-7]", said) else said.lower()


def _merged(outer: Record, inner: Record) -> Record:
    return inner._replace(
        stamp=inner.stamp or outer.stamp,
        ident=inner.ident or outer.ident,
        logger=inner.logger or outer.logger,
        level=inner.level or outer.level,
        times=max(inner.times, outer.times),
    )


def _first(raw: dict[str, Any], keys: tuple[str, ...]) -> str | None:
    """The first of some members that is a text; journald writes odd bytes as a list."""
    for key in keys:
        value = raw.get(key)
        if isinstance(value, str):
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if isinstance(value, list) and all(isinstance(b, int) and 0 <= b < 256 for b in value):
            return bytes(value).decode("utf-8", "replace")
    return None


def _unescaped(text: str) -> str:
    import json

    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return text
