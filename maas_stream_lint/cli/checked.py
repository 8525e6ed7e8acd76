"""A check with the options that a command was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.cli.console import progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.api import Report
    from maas_stream_lint.cli.options import Options
    from maas_stream_lint.logs.tally import Entry


def checked_for(options: Options, entries: Sequence[Entry]) -> Report:
    """The report on the source as the MAAS of a log was given it."""
    from maas_stream_lint.logs.given import index_meant

    report = checked(options)
    index = index_meant(report, entries)
    return report if index is None else checked(options._replace(source=index))


def checked(options: Options) -> Report:
    """The report on the source that is named. Raises LintError if it could not be made."""
    from dataclasses import replace

    from maas_stream_lint import api

    assert options.source is not None
    report = api.check(
        options.source,
        options.lines,
        options.trusted,
        select=options.select,
        ignore=options.ignore,
        files=options.looking(),
        progress=progress(verbose=options.verbose),
        options=options.fetching(),
        selections=options.selecting,
        commissioning=options.commissioning,
    )
    return replace(report, configured=options.configured)
