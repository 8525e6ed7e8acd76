"""The messages that MAAS writes about images: the data of ``rules/messages/``, typed."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.rule_files import release_lines, rules_root
from maas_stream_lint.rule_tables import rules_table

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What varies in a text: ``{product}``.
HOLE = re.compile(r"\{([a-z][a-z0-9_]*)\}")


class Pattern(NamedTuple):
    """One wording of a message, with the release lines that use it."""

    text: str  #: with ``{holes}``
    maas: tuple[str, ...]  #: release lines, oldest first
    level: str  #: MAAS's own word (``warn``), or what it is instead: ``exception``, ``banner`` …
    place: str  #: where it is written, a key of ``rules/log-places.toml``
    logger: str  #: what stands before it in the log, ``""`` where nothing does
    source: str  #: MAAS's file and function
    shared: bool = False  #: other programs say it, too
    inside: bool = False  #: if shared: it may stand inside another text
    wraps: bool = False  #: what its last hole holds is meant instead, if that is known
    allowed: Mapping[str, tuple[str, ...]] = MappingProxyType({})  #: hole → what it may hold

    @property
    def literal(self) -> int:
        """How many characters are fixed: the more there are, the surer is a match."""
        return len(HOLE.sub("", self.text)) + 100 * bool(self.allowed)

    @property
    def regex(self) -> re.Pattern[str]:
        """The text as a pattern, its holes named."""
        return _compiled(self.text)

    @property
    def prefix(self) -> str:
        """What stands in front of it in MAAS's log: ``maas.import-images: [warn] ``.

        Nothing does in the log of the workers, which is JSON.
        """
        return f"{self.logger}: [{self.level}] " if self.logger and self.place != "worker" else ""


class Case(NamedTuple):
    """What the text in a hole tells by itself."""

    hole: str
    rule: str
    says: str
    remedy: str
    has: str | None = (
        None  #: fits if the names of this kind of product fit (``names`` of a release)
    )
    newer: bool = False  #: fits if only some release lines take the name
    words: tuple[str, ...] = ()  #: fits if one of these is in the text
    #: hole of the remedy → what may fill it: the one that the text names, else the first
    take: Mapping[str, tuple[str, ...]] = MappingProxyType({})


class Message(NamedTuple):
    """One message, or a family that means the same."""

    id: str
    about: str  #: ``stream``, ``network``, ``maas``, ``image``, ``upload`` or ``machine``
    lost: bool  #: whether something is lost
    meaning: str
    patterns: tuple[Pattern, ...]
    rules: tuple[str, ...] = ()  #: names of the rules that find the cause in a stream
    fatal: bool = False  #: whether whatever ends an import is a cause
    otherwise: str = ""  #: what else it can be
    remedy: str = ""
    simulated: bool = False  #: whether the simulated import of metadata predicts it
    used: bool = False  #: whether the simulated use of images predicts it, for their own machines
    traceback: bool = False  #: whether it only says that an exception follows
    each_item: bool = False  #: whether MAAS writes it once for each item of a product
    step: str = ""  #: what it is in the course of an import: ``start``, ``source``, ``end`` …
    cases: tuple[Case, ...] = ()

    @property
    def maas(self) -> tuple[str, ...]:
        """The release lines that write it in any wording."""
        wanted = {line for pattern in self.patterns for line in pattern.maas}
        return tuple(line for line in release_lines() if line in wanted)


@cache
def message(name: str) -> Message:
    """The message of a name. Raises FileNotFoundError for one that is not known."""
    return _typed(name, rules_table(f"messages/{name}.toml"))


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """The names of all messages."""
    return tuple(sorted(entry.stem for entry in (rules_root() / "messages").glob("*.toml")))


def lines_of(span: str) -> tuple[str, ...]:
    """``3.5-3.7`` → the release lines from 3.5 to 3.7; ``3.5-`` has no end."""
    first, _, last = span.partition("-")
    known = release_lines()
    return known[known.index(first) : known.index(last) + 1 if last else None]


def _typed(name: str, raw: dict[str, Any]) -> Message:
    wording = {key: raw.pop(key, "") for key in ("maas", "level", "logger", "place", "source")}
    patterns = tuple(_pattern({**wording, **entry}) for entry in raw.pop("patterns"))
    cases = tuple(_case(entry) for entry in raw.pop("cases", ()))
    raw["meaning"] = " ".join(raw["meaning"].split())
    raw["rules"] = tuple(raw.get("rules", ()))
    return Message(id=name, patterns=patterns, cases=cases, **raw)


def _pattern(raw: dict[str, Any]) -> Pattern:
    allowed = {hole: tuple(values) for hole, values in raw.pop("allowed", {}).items()}
    return Pattern(**{**raw, "maas": lines_of(raw["maas"])}, allowed=allowed)


def _case(raw: dict[str, Any]) -> Case:
    take = {hole: tuple(values) for hole, values in raw.get("take", {}).items()}
    return Case(**{**raw, "words": tuple(raw.get("words", ())), "take": take})


@cache
def _compiled(text: str) -> re.Pattern[str]:
    return re.compile(_regex(text), re.DOTALL)


def _regex(text: str) -> str:
    """Holes take as little as they can; one beside a slash holds neither slash nor blank."""
    parts = HOLE.split(text)
    made = ""
    for number, part in enumerate(parts):
        if number % 2 == 0:
            # Blanks may have been folded by whatever carried the line.
            made += re.sub(r"(?:\\ )+", r"\\s+", re.escape(part))
            continue
        before, after = parts[number - 1], parts[number + 1]
        last = number == len(parts) - 2 and not after
        if before.endswith("/") or after.startswith("/"):
            hole = r"[^/\s]+" if last else r"[^/\s]+?"
        elif not before and number == 1:
            hole = r"\S+?"
        else:
            hole = ".*" if last else ".*?"
        made += f"(?P<{part}>{hole})"
    return made if not parts[-1] else made + r"(?!\w)"
