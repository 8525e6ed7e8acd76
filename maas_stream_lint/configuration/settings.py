"""The records of a configuration: settings, ignores, and the line of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.errors import LintError
from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.records import field, record
from maas_stream_lint.source import is_local, local_path, tree_index

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

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
    """Findings that the user excuses, with the reason."""

    product: str | None  #: a glob; ``None``: findings on anything
    rules: tuple[str, ...]  #: as the user wrote them
    codes: frozenset[str]  #: the codes of these rules
    maas: tuple[str, ...] | None  #: release lines; ``None``: all
    reason: str
    until: date | None  #: the last day on which the ignore holds
    origin: Origin

    def covers(self, finding: Finding) -> bool:
        """Whether the ignore matches a finding, on at least one release line."""
        if self.product is not None:
            from fnmatch import fnmatchcase

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
    """A source that ``check`` checks without SOURCE."""

    source: str  #: a URL, or a path relative to the working directory
    values: Mapping[str, Setting]  #: its own settings
    origin: Origin

    def is_meant(self, text: str | None) -> bool:
        """Whether a text names the same source."""
        return _same(self.source, text)


@record(frozen=True)
class MaasSource:
    """A boot source of the reader's MAAS."""

    name: str
    source: str  #: a URL, or a path relative to the working directory
    url: str | None  #: the URL that MAAS is given, if that is another
    selections: tuple[str, ...] | None  #: as the command line has them; ``None``: not said
    keyring: str | bool | None  #: a path; ``False``: MAAS has none; ``None``: not said
    priority: int | None
    enabled: bool
    skip_keyring_verification: bool | None
    down: bool
    origin: Origin

    def is_meant(self, text: str) -> bool:
        """Whether a text names the same source. A directory counts as the index in it."""
        return _same(_index_of(self.source), _index_of(text))


@record(frozen=True)
class Settings:
    """What a file says, together with the files that it extends."""

    file: Path | None = None  #: ``None``: there is no configuration
    extended: tuple[Path, ...] = ()
    values: Mapping[str, Setting] = field(default_factory=dict)  #: of KEYS
    sources: tuple[Listed, ...] = ()
    maas_sources: tuple[MaasSource, ...] = ()  #: in the order in which they were made
    #: Code → the severity that its findings get (``None``: they are off), and the origin.
    severities: Mapping[str, tuple[Severity | None, Origin]] = field(default_factory=dict)
    ignores: tuple[Ignore, ...] = ()

    def of(self, source: str | None) -> dict[str, Setting]:
        """The settings for a source: its own, if it is listed, override the common ones."""
        own = (listed.values for listed in self.sources if listed.is_meant(source))
        return {**self.values, **next(own, {})}

    def maas_source(self, text: str | None, *, by_name: bool = False) -> MaasSource | None:
        """The boot source of the MAAS that a text names. ``by_name``: also by its name."""
        if text is None:
            return None
        named = [one for one in self.maas_sources if by_name and one.name == text]
        return next(
            (one for one in (*named, *self.maas_sources) if one in named or one.is_meant(text)),
            None,
        )


def shown(path: Path) -> str:
    """A path, relative to the working directory if it is below it."""
    from pathlib import Path

    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _index_of(source: str) -> str:
    try:
        return tree_index(source) or source
    except LintError:  # it is not there
        return source


def _same(listed: str, source: str | None) -> bool:
    if source is None or is_local(source) != is_local(listed):
        return False
    if not is_local(source):
        return source.strip() == listed
    return local_path(source) == local_path(listed)
