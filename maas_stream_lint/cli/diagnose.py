"""The command ``diagnose``: from MAAS's log, or from a live MAAS, to the cause."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from maas_stream_lint.cli import completion
from maas_stream_lint.cli.asking import LIVE, asked
from maas_stream_lint.cli.configured import Configured
from maas_stream_lint.cli.console import complain, leave, plain_style, progress, reading, style_for
from maas_stream_lint.cli.options import (
    COLOR,
    CONFIG,
    EXIT_ZERO,
    FETCH,
    FILES,
    KEYRING,
    MAAS,
    NO_DATE,
    NO_PROGRESS,
    OUTPUT,
    PROGRESS,
    TOLD,
    Options,
    together,
)
from maas_stream_lint.errors import LintError, UsageError
from maas_stream_lint.names import EXIT_FAILED, EXIT_FINDINGS

if TYPE_CHECKING:
    from maas_stream_lint.api import Report
    from maas_stream_lint.keyring import GivenKeyring
    from maas_stream_lint.logs.conclusion import LogRead
    from maas_stream_lint.logs.live import Live
    from maas_stream_lint.logs.maas_state import MaasState


@click.command(cls=Configured)
@click.argument("sources", metavar="[SOURCE]...", nargs=-1, shell_complete=completion.source)
@click.option(
    "--log",
    "logs",
    multiple=True,
    metavar="FILE",
    shell_complete=completion.source,
    help="A log: maas.log, regiond.log, syslog, output of journalctl, a compressed one, a folder, "
    "an archive, or standard input (-); repeatable.",
)
@together(LIVE, MAAS, KEYRING)
@together(FILES, TOLD, OUTPUT, COLOR, NO_DATE, PROGRESS, NO_PROGRESS, EXIT_ZERO, FETCH, CONFIG)
def diagnose(
    sources: tuple[str, ...],
    logs: tuple[str, ...],
    form: str,
    output: str | None,
    **given: Any,
) -> None:
    """Say what a log of MAAS, or a live MAAS, tells: what was lost, why, and what to do about it.

    With SOURCE, a stream as MAAS is given it, each loss is traced to its place in this stream. With
    --maas-url, the streams are those of that MAAS, and each of its images is told.

    Exit code 0: no trouble with images. 1: something is lost. 2: it could not be done, or a stream
    could not be read; nothing is said of this stream then.
    """
    from maas_stream_lint import output as out
    from maas_stream_lint.logs.conclusion import LogRead, read
    from maas_stream_lint.logs.conclusion import diagnose as diagnosed

    options = Options(**given)
    out.check_target(output)
    state = asked(options)
    if not logs and state is None:
        raise UsageError("no log is named", "give --log FILE, --log - or --maas-url URL")
    log = read(logs, reading()) if logs else LogRead()
    live, reached = _live(state, options) if state is not None else (None, True)
    reports = _reports([options._replace(source=source) for source in sources], log)
    named = len(reports)
    if live is not None:
        reports += [fate.report for fate in live.sources if fate.report is not None]
    made = diagnosed(log, reports, live, len(sources) - named)
    from maas_stream_lint.report.diagnosed_forms import FORMS

    style = style_for(output) if form == "text" else plain_style()
    out.write(FORMS[form](made, style), output)
    if named < len(sources) or not reached:
        sys.exit(EXIT_FAILED)
    if made.troubles or (live is not None and live.troubled):
        leave(EXIT_FINDINGS)


def _reports(runs: list[Options], log: LogRead) -> list[Report]:
    """The checks of the streams for the release lines that are asked for, else those of the log.

    Those that could be read: of the others, the log is not told to have no cause there.
    """
    from maas_stream_lint.cli.checked import checked_for, complain_of_unkept

    reports = []
    for run in runs:
        lined = run if run.maas else run._replace(maas=log.lines)
        try:
            reports.append(checked_for(lined, log.tally.entries))
        except UsageError:
            raise
        except LintError as error:
            complain(f"error: {error}")
        else:
            complain_of_unkept(reports[-1])
    return reports


def _live(state: MaasState, options: Options) -> tuple[Live, bool]:
    """What becomes of the images of a MAAS, and whether this machine could read its streams."""
    from maas_stream_lint import api
    from maas_stream_lint.cli.checked import require_read
    from maas_stream_lint.logs.live import look_at_maas

    fetching = options.unsigned().fetching()
    streams = []

    def check(source: str, line: str, keyring: GivenKeyring) -> Report:
        shown = progress(verbose=options.verbose)
        files = options.looking()
        made = api.check(source, [line], keyring, files=files, progress=shown, options=fetching)
        streams.append(made.look.stream)
        require_read(streams[-1:])
        return made

    live = look_at_maas(state, check)
    return live, not (live.unread or any(stream.unchecked for stream in streams))
