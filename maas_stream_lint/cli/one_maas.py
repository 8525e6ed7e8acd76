"""The boot sources of one MAAS, as a command line and a configuration name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from maas_stream_lint.cli.configured import is_default
from maas_stream_lint.errors import LintError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.boot_sources import BootSource
    from maas_stream_lint.cli.options import Options
    from maas_stream_lint.configuration.settings import MaasSource, Settings
    from maas_stream_lint.imports.situation import ReadSource
    from maas_stream_lint.source import FetchOptions


class UnreadBesideError(LintError):
    """This machine cannot read a source that the tool judges together with another."""


class OneMaas:
    """Boot sources in the order in which MAAS got them. The tool reads each once."""

    def __init__(self, sources: Sequence[BootSource], other: OneMaas | None = None) -> None:
        """``sources``: all of them. ``other``: a record that has read some of them.

        Raises UsageError if two of them have one name.
        """
        names = [source.name for source in sources]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise UsageError(f"{twice} is named twice", "name each source of the MAAS once")
        self.sources = list(sources)
        self._read: dict[str, ReadSource] = {} if other is None else other._read

    def own(self, options: Options) -> BootSource:
        """The SOURCE of the command."""
        return next(one for one in self.sources if one.source == options.source)

    def read(self, own: BootSource) -> list[ReadSource]:
        """All sources with their metadata.

        Raises UnreadBesideError if this machine cannot read a source beside ``own``.
        """
        from maas_stream_lint.cli.checked import require_read

        found = [self._with_metadata(source, own) for source in self.sources]
        try:
            require_read(one.stream for one in found if not one.down and one.name != own.name)
        except LintError as error:
            raise UnreadBesideError(error.message, error.hint) from None
        return found

    def _with_metadata(self, source: BootSource, own: BootSource) -> ReadSource:
        from maas_stream_lint.boot_sources import read_source

        if source.name not in self._read:
            try:
                self._read[source.name] = read_source(source, as_tree=True)
            except LintError as error:
                if source.name == own.name:
                    raise
                raise UnreadBesideError(error.message, error.hint) from None
        return self._read[source.name]

    def read_with(self, own: BootSource, path: str) -> list[ReadSource]:
        """The same, but with ``own`` at another place."""
        from maas_stream_lint.boot_sources import read_source
        from maas_stream_lint.records import replace

        other = read_source(replace(own, source=path), as_tree=True)
        return [other if source.name == own.name else source for source in self.read(own)]


def with_settings(options: Options, settings: Settings) -> Options:
    """The options with the settings of their source in the configuration's table of the MAAS.

    Flags and the environment override these settings.
    """
    entry = settings.maas_source(options.source)
    if entry is None:
        return options
    ctx = click.get_current_context()
    if entry.keyring is not None and is_default(ctx, "keyring") and is_default(ctx, "no_keyring"):
        keyring = entry.keyring if isinstance(entry.keyring, str) else None
        options = options._replace(keyring=keyring, no_keyring=keyring is None)
    told = not (is_default(ctx, "selections") and is_default(ctx, "selections_file"))
    if entry.selections is not None and not told:
        options = options._replace(selections=entry.selections, selected=())
    return options


def configured(options: Options) -> Options:
    """The options for one source, with its MAAS."""
    settings = click.get_current_context().obj
    (run,) = in_one_maas([with_settings(options, settings)], settings)
    return run


def in_one_maas(
    runs: Sequence[Options], settings: Settings, *, together: bool = False
) -> list[Options]:
    """The options for sources, with their MAAS, if the user described one.

    ``together``: whether all sources belong to one MAAS, because the user named them together.
    """
    if together or runs[0].beside:
        return _named_together(runs, settings)
    return _of_configured(runs, settings)


def _named_together(runs: Sequence[Options], settings: Settings) -> list[Options]:
    beside = [_beside(text, runs[0], settings) for text in runs[0].beside]
    named = [_own(run, settings.maas_source(run.source)) for run in runs]
    maas = OneMaas([*beside, *named])
    return [run._replace(one_maas=maas) for run in runs]


def _of_configured(runs: Sequence[Options], settings: Settings) -> list[Options]:
    """The MAAS of the configuration. A source that it lacks counts as added to it."""
    if not settings.maas_sources:
        return list(runs)
    entries = [settings.maas_source(run.source) for run in runs]
    runs_of = {entry.name: run for entry, run in zip(entries, runs, strict=True) if entry}
    sources = [
        _own(runs_of[entry.name], entry)
        if entry.name in runs_of
        else _of_entry(entry, runs[0].unsigned().fetching())
        for entry in settings.maas_sources
    ]
    maas = OneMaas(sources)
    return [
        run._replace(one_maas=maas if entry else OneMaas([*sources, _own(run, None)], maas))
        for run, entry in zip(runs, entries, strict=True)
    ]


def _own(run: Options, entry: MaasSource | None) -> BootSource:
    """The source of a run. It may be in the configuration."""
    from maas_stream_lint.boot_sources import BootSource
    from maas_stream_lint.records import replace
    from maas_stream_lint.source import without_secrets

    assert run.source is not None
    name = without_secrets(run.source)
    made = BootSource(name, run.source) if entry is None else _of_entry(entry, None)
    return replace(
        made,
        source=run.source,
        selections=run.selecting,
        keyring=run.trusted,
        options=run.fetching(),
    )


def _beside(text: str, run: Options, settings: Settings) -> BootSource:
    """A source that the user named beside another."""
    from maas_stream_lint.boot_sources import BootSource
    from maas_stream_lint.source import without_secrets

    entry = settings.maas_source(text, by_name=True)
    fetch = run.unsigned().fetching()
    if entry is not None:
        return _of_entry(entry, fetch)
    return BootSource(without_secrets(text), text, options=fetch)


def _of_entry(entry: MaasSource, fetch: FetchOptions | None) -> BootSource:
    """A source as the configuration describes it."""
    from maas_stream_lint.boot_sources import BootSource
    from maas_stream_lint.keyring import NOT_SAID
    from maas_stream_lint.selecting import parse_words

    keyring = entry.keyring or None
    return BootSource(
        entry.name,
        entry.source,
        entry.url,
        None if entry.selections is None else parse_words(entry.selections),
        NOT_SAID if entry.keyring is None else keyring or None,  # type: ignore[arg-type]
        entry.priority,
        entry.enabled,
        entry.skip_keyring_verification,
        entry.down,
        fetch,
    )
