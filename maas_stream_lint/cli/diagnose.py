"""The command ``diagnose``: from MAAS's log to the cause."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from maas_stream_lint.cli import completion
from maas_stream_lint.cli.configured import Configured
from maas_stream_lint.cli.console import reading
from maas_stream_lint.cli.options import (
    CONFIG,
    FETCH,
    FILES,
    KEYRING,
    MAAS,
    OUTPUT,
    Options,
    together,
)
from maas_stream_lint.errors import UsageError
from maas_stream_lint.names import EXIT_FINDINGS

if TYPE_CHECKING:
    from maas_stream_lint.api import Report

_FORMS = ("text", "json", "markdown", "html")


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
@together(MAAS, KEYRING)
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMS),
    default="text",
    show_default=True,
    help="For people, programs, tickets or browsers.",
)
@together(OUTPUT, FILES, FETCH, CONFIG)
def diagnose(
    sources: tuple[str, ...], logs: tuple[str, ...], form: str, output: str | None, **given: Any
) -> None:
    """Say what a log of MAAS tells: what was lost, why, and what to do about it.

    With SOURCE, a stream as MAAS is given it, each loss is traced to its place in this stream.

    Exit code 0: no trouble with images is in the log. 1: something was lost. 2: it could not be
    done.
    """
    from maas_stream_lint import output as out
    from maas_stream_lint.logs.conclusion import diagnose as diagnosed
    from maas_stream_lint.logs.conclusion import read

    if not logs:
        raise UsageError("no log is named", "give --log FILE, or --log - for standard input")
    out.check_target(output)
    log = read(logs, reading())
    reports = [_report(Options(source=source, **given), log.lines) for source in sources]
    made = diagnosed(log, reports)
    from maas_stream_lint.report.diagnosed_forms import FORMS

    style = out.style(output) if form == "text" else out.Style()
    out.write(FORMS[form](made, style), output)
    if made.troubles:
        sys.exit(EXIT_FINDINGS)


def _report(options: Options, lines: tuple[str, ...]) -> Report:
    """A check of a stream for the release lines that are asked for, else those of the log."""
    from maas_stream_lint.cli.checked import checked

    return checked(options if options.maas else options._replace(maas=lines))
