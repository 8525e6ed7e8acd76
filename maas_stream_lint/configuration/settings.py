"""The records of a configuration: settings, ignores, and the line of each."""

from __future__ import annotations

from dataclasses import field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from maas_stream_lint.records import record
from maas_stream_lint.source import is_local, local_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from maas_stream_lint.finding import Finding, Severity

NAME, TABLE = "maas-stream-lint.toml", "maas-stream-lint"


class Origin(NamedTuple):
    """The file and line of a setting."""

    file: Path
    line: int

    def __str__(self) -> str:
        """``file:line``, relative to the working directory if it is below."""
        return f"{shown(self.file)}:{self.line}"


class Setting(NamedTuple):
    """A value from a file."""

    value: Any
    origin: Origin


@record(frozen=True)
class Ignore:
    """Findings that are excused, with the reason."""

    product: str | None  #: a glob; ``None``: findings on anything
    rules: tuple[str, ...]  #: as the user wrote them
    codes: frozenset[str]  #: the codes of these rules
    maas: tuple[str, ...] | None  #: release lines; ``None``: all
    reason: str
    until: date | None  #: the last day on which the ignore holds
    origin: Origin

    def covers(self, finding: Finding) -> bool:
        """Whether the ignore is about a finding, on at least one release line."""
        if self.product is not None:
            product = finding.place.product
            if product is None or not fnmatchcase(product, self.product):
                return False
        applies = self.maas is None or not set(self.maas).isdisjoint(finding.maas)
        return applies and finding.code in self.codes

    def ran_out(self, today: date) -> bool:
        """Whether the last day is past."""
        return self.until is not None and today > self.until


@record(frozen=True)
class Listed:
    """A source that ``check`` checks if no SOURCE is named."""

    source: str  #: a URL, or a path relative to the working directory
    values: Mapping[str, Setting]  #: its own settings
    origin: Origin


@record(frozen=True)
class Settings:
    """What a file says, together with the files that it extends."""

    file: Path | None = None  #: ``None``: there is no configuration
    extended: tuple[Path, ...] = ()
    values: Mapping[str, Setting] = field(default_factory=dict)  #: of KEYS
    sources: tuple[Listed, ...] = ()
    #: Code → the severity that its findings get (``None``: they are off), and the origin.
    severities: Mapping[str, tuple[Severity | None, Origin]] = field(default_factory=dict)
    ignores: tuple[Ignore, ...] = ()

    def of(self, source: str | None) -> dict[str, Setting]:
        """The settings for a source: its own, if it is listed, override the common ones."""
        return {**self.values, **next((s.values for s in self.sources if _same(s, source)), {})}


def shown(path: Path) -> str:
    """A path, relative to the working directory if it is below it."""
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
