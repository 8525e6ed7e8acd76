"""A check with the options that a command was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.cli.console import complain, progress

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from maas_stream_lint.api import Report
    from maas_stream_lint.cli.options import Options
    from maas_stream_lint.logs.tally import Entry
    from maas_stream_lint.stream import Stream

#: So many files are named of those that were not kept.
_MOST_UNKEPT = 10
#: That a source has too many products files.
TRUNCATED = "{} names more metadata files than this tool reads"


def checked_for(options: Options, entries: Sequence[Entry]) -> Report:
    """The report on the source, with the URL that the MAAS of a log has.

    Raises LintError if it could not be made, or if this run could not read some metadata.
    """
    from maas_stream_lint.logs.given import index_meant

    report = checked(options)
    index = index_meant(report, entries)
    if index is not None:
        report = checked(options._replace(source=index))
    require_read([report.look.stream])
    return report


def looked_at(options: Options) -> Report:
    """The report on a source, for a command that predicts what MAAS makes of all of it.

    Raises LintError if it could not be made, or if this run could not read some metadata.
    """
    report = checked(options)
    require_read([report.look.stream])
    return report


def require_read(streams: Iterable[Stream]) -> None:
    """Raise LintError if this run did not read a metadata file, for a reason on its own side."""
    from maas_stream_lint.errors import LintError

    for stream in streams:
        for one in stream.unchecked:
            what = f"{one.path} of {stream.label} could not be checked"
            raise LintError(f"{what}: {one.trouble.message}", one.trouble.hint)
        if stream.truncated:
            hint = "split the stream into several sources"
            raise LintError(TRUNCATED.format(stream.label), hint)


def checked(options: Options) -> Report:
    """The report on the named source. Raises LintError if the check is not possible."""
    from maas_stream_lint import api
    from maas_stream_lint.records import replace

    assert options.source is not None
    maas = options.one_maas
    own = maas.own(options) if maas is not None else None
    report = api.check(
        own or options.source,
        options.lines,
        options.trusted,
        select=options.select,
        ignore=options.ignore,
        files=options.looking(),
        progress=progress(verbose=options.verbose),
        options=options.fetching(),
        selections=options.selecting,
        commissioning=options.commissioning,
        beside=maas.read(own) if maas is not None and own is not None else (),
    )
    return replace(report, configured=options.configured)


def complain_of_unkept(report: Report) -> bool:
    """Name each correct file that `--keep` could not keep; whether there is any."""
    survey = report.look.survey
    unkept = survey.unkept if survey is not None else {}
    if not unkept:
        return False
    from maas_stream_lint.report.phrases import brief

    for path, why in list(unkept.items())[:_MOST_UNKEPT]:
        what = f"{brief(path)} of {report.source} is correct but was not kept: {why}"
        complain(f"error: {what} (download it under another name)")
    if len(unkept) > _MOST_UNKEPT:
        complain(f"error: {len(unkept) - _MOST_UNKEPT:,} more files were not kept")
    return True
