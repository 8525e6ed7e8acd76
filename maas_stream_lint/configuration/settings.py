"""What a configuration says, as records: settings, ignores, and where each stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from maas_stream_lint.source import is_local, local_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from maas_stream_lint.finding import Finding, Severity

NAME, TABLE = "maas-stream-lint.toml", "maas-stream-lint"


class Origin(NamedTuple):
    """Where in which file a setting stands."""

    file: Path
    line: int

    def __str__(self) -> str:
        """``file:line``, as people find it from where they are."""
        return f"{shown(self.file)}:{self.line}"


class Setting(NamedTuple):
    """A value from a file."""

    value: Any
    origin: Origin


@dataclass(frozen=True)
class Ignore:
    """Findings that are excused, with the reason."""

    product: str | None  #: a glob; ``None``: findings on anything
    rules: tuple[str, ...]  #: as written
    codes: frozenset[str]  #: the rules that are meant
    maas: tuple[str, ...] | None  #: release lines; ``None``: all
    reason: str
    until: date | None  #: the last day on which it holds
    origin: Origin

    def covers(self, finding: Finding) -> bool:
        """Whether it is about a finding, on some release line at least."""
        if self.product is not None:
            product = finding.place.product
            if product is None or not fnmatchcase(product, self.product):
                return False
        bites = self.maas is None or not set(self.maas).isdisjoint(finding.maas)
        return bites and finding.code in self.codes

    def ran_out(self, today: date) -> bool:
        """Whether its last day is over."""
        return self.until is not None and today > self.until


@dataclass(frozen=True)
class Listed:
    """One of the sources that ``check`` alone checks."""

    source: str  #: a URL, or a path as seen from the working directory
    values: Mapping[str, Setting]  #: its own settings
    origin: Origin


@dataclass(frozen=True)
class Settings:
    """What a file says, and those that it extends."""

    file: Path | None = None  #: ``None``: there is none
    extended: tuple[Path, ...] = ()
    values: Mapping[str, Setting] = field(default_factory=dict)  #: of KEYS
    sources: tuple[Listed, ...] = ()
    #: Code → what its findings are taken to be, ``None`` for nothing at all; and where it says so.
    severities: Mapping[str, tuple[Severity | None, Origin]] = field(default_factory=dict)
    ignores: tuple[Ignore, ...] = ()

    def of(self, source: str | None) -> dict[str, Setting]:
        """The settings for a source: those of its own, if it is listed, before the common ones."""
        return {**self.values, **next((s.values for s in self.sources if _same(s, source)), {})}


def shown(path: Path) -> str:
    """A path as seen from the working directory, if it is below it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _same(listed: Listed, source: str | None) -> bool:
    if source is None or is_local(source) != is_local(listed.source):
        return False
    if not is_local(source):
        return source.strip() == listed.source
    return local_path(source) == local_path(listed.source)
