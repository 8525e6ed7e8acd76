"""The lines of MAAS's log, the knowledge of ``rules/log-lines.toml``."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from functools import cached_property, lru_cache

from maas_stream_lint.rulebook import all_releases, rules_root

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover
    import tomli as tomllib

_HOLE = re.compile(r"\{([a-z_]+)\}")

#: Stands among a line's causes for every rule whose findings end an import.
ANY_FATAL = "*fatal"
#: What a line begins with must be so long to be looked for within another text.
SHORTEST_HEAD = 6

#: What log collectors and people put around a line: quotes, time stamps, host names, loggers.
_QUOTES = "\"'`“”\u2018\u2019"
_STAMP = re.compile(
    r"""^(?:
        \[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?\s*(?:Z|UTC|[+-]\d\d:?\d\d)?\]?
      | [A-Z][a-z]{2}\ {1,2}\d{1,2}\ \d\d:\d\d:\d\d
      | \d\d:\d\d:\d\d(?:[.,]\d+)?
    )\s+""",
    re.VERBOSE,
)
#: ``host maas.import-images: ``, ``maas-regiond[12]: ``.
_LOGGER = re.compile(
    r"^(?:\S+\s+)?(?:maas[a-z]*(?:\.[a-z._-]+)*|[a-z._-]*(?:regiond|rackd|worker|snap)[a-z._-]*)(?:\[\d+\])?:\s+",
    re.IGNORECASE,
)
#: ``[warn] ``, ``[regiond] ``, ``WARNING: ``.
_LEVEL = re.compile(
    r"^(?:\[[\w.:#-]+\]|debug|info|warn|warning|error|critical):?\s+", re.IGNORECASE
)
_MODULE = re.compile(r"^(?:[A-Za-z_]\w*\.)+(?=[A-Z]\w*(?::|$))")
_LABEL = re.compile(r"^(?:event|msg|message)=", re.IGNORECASE)


@dataclass(frozen=True)
class LogLine:
    """A line that MAAS can write."""

    name: str
    texts: tuple[str, ...]  #: with ``{holes}``
    meaning: str
    source: str  #: where MAAS writes it
    harmless: bool
    since: str  #: the first release line that writes it
    until: str  #: the last one
    causes: tuple[str, ...]  #: rules, and causes of simulated events, that end in it
    prefix: str  #: what stands in front of it in MAAS's log
    mend: str | None
    simulated: bool  #: whether it is of the metadata passes, which are predicted

    @cached_property
    def heads(self) -> tuple[str, ...]:
        """What the texts begin with: cheaper to compare than to make a pattern."""
        return tuple(text.partition("{")[0].rstrip() for text in self.texts)

    @cached_property
    def patterns(self) -> tuple[re.Pattern[str], ...]:
        """The texts as patterns, their holes named."""
        return tuple(_pattern(text) for text in self.texts)

    @property
    def maas(self) -> tuple[str, ...]:
        """The release lines that write it."""
        order = [r.line for r in all_releases()]
        return tuple(order[order.index(self.since) : order.index(self.until) + 1])


@dataclass(frozen=True)
class Match:
    """A line that was recognised."""

    line: LogLine
    text: str  #: what was recognised, free of time stamp and logger
    holes: dict[str, str]

    @property
    def inner(self) -> Match | None:
        """What the error is that the line quotes, if that is known."""
        return recognise(self.holes.get("error", ""))


@lru_cache(maxsize=1)
def known() -> tuple[LogLine, ...]:
    """Every line there is knowledge of; where two match, the earlier one is meant."""
    raw = tomllib.loads((rules_root() / "log-lines.toml").read_text(encoding="utf-8"))
    order = [r.line for r in all_releases()]
    return tuple(
        LogLine(
            name=entry["name"],
            texts=tuple(entry["texts"]),
            meaning=entry["meaning"],
            source=entry["source"],
            harmless=entry.get("harmless", False),
            since=entry.get("since", order[0]),
            until=entry.get("until", order[-1]),
            causes=tuple(entry.get("causes", ())),
            prefix=entry.get("prefix", ""),
            mend=entry.get("mend"),
            simulated=entry.get("simulated", True),
        )
        for entry in raw["line"]
    )


def recognise(pasted: str) -> Match | None:
    """What a pasted line is; ``None`` if it is not known.

    Several lines are taken for one that was wrapped; else the last one that is known counts: there
    a traceback has its exception.
    """
    lines = [line for line in pasted.splitlines() if line.strip()]
    for text in [" ".join(lines), *reversed(lines)] if len(lines) > 1 else lines:
        match = _recognise_dressed(text)
        if match is not None:
            return match
    return None


def recognise_all(pasted: str) -> list[Match]:
    """Every line in what was pasted, each once: several whole ones, or one as of ``recognise``.

    A line that says no more than that there was an error is left out beside the error itself.
    """
    several = {
        (match.line.name, match.text): match
        for match in map(_recognise_dressed, pasted.splitlines())
        if match is not None
    }
    telling = [m for m in several.values() if ANY_FATAL not in m.line.causes or m.inner is not None]
    if len(several) > 1:
        return telling or [*several.values()]
    one = recognise(pasted)
    return [one] if one is not None else []


def prefixed(text: str) -> str:
    """A line as it stands in MAAS's log: ``maas.import-images: [warn] Ignoring …``."""
    match = _recognise(text)
    return f"{match.line.prefix}{text}" if match is not None else text


def _recognise_dressed(text: str) -> Match | None:
    """What a line is, whatever stands before it."""
    for bare in _undressed(text):
        match = _recognise(bare)
        if match is not None:
            return match
    return _recognise_behind(text)


def _recognise_behind(text: str) -> Match | None:
    """A line behind a head that no pattern here knows: ``maas-region-1 | sh[4711]: …``."""
    found = [
        (at, head)
        for line in known()
        for head in line.heads
        if len(head) >= SHORTEST_HEAD and (at := text.find(head)) > 0 and not text[at - 1].isalnum()
    ]
    for at, _ in sorted(found):
        for bare in (text[at:].strip(), text[at:].strip().rstrip(_QUOTES)):
            match = _recognise(bare)
            if match is not None:
                return match
    return None


def _recognise(text: str) -> Match | None:
    squeezed = " ".join(text.split())
    for line in known():
        if not squeezed.startswith(line.heads):
            continue
        for pattern in line.patterns:
            match = pattern.fullmatch(text)
            if match is not None:
                return Match(line, text, match.groupdict())
    return None


def _undressed(text: str) -> list[str]:
    """The line, and the line freed of one wrapping after another."""
    seen: list[str] = []
    bare = _event(text.strip())
    while bare and bare not in seen:
        seen.append(bare)
        for wrapping in (_STAMP, _LOGGER, _LEVEL, _LABEL, _MODULE):
            bare = wrapping.sub("", bare, count=1).strip()
        if bare and bare not in seen:
            continue
        if len(bare) > 1 and bare[0] in _QUOTES and bare[-1] in _QUOTES:
            bare = bare[1:-1].strip()
    return seen


def _event(text: str) -> str:
    """The event of a line that is JSON, as MAAS's workers log from 3.7 on; else the line."""
    if text.startswith("{"):
        try:
            event = json.loads(text)["event"]
        except (ValueError, LookupError, TypeError, RecursionError):
            return text
        return event if isinstance(event, str) else text
    return text


def _pattern(text: str) -> re.Pattern[str]:
    parts = _HOLE.split(text)
    made = "".join(
        re.escape(part) if i % 2 == 0 else f"(?P<{part}>.*?)" for i, part in enumerate(parts)
    )
    # Spaces may have been folded by whatever carried the line.
    return re.compile(made.replace(r"\ ", r"\s+"), re.DOTALL)
