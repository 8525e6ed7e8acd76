"""The command ``preview``: what each MAAS release would make of a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from maas_stream_lint.cli import completion
from maas_stream_lint.cli.checked import looked_at, require_read
from maas_stream_lint.cli.configured import Configured
from maas_stream_lint.cli.one_maas import configured
from maas_stream_lint.cli.options import (
    BESIDE,
    CONFIG,
    FETCH,
    FORMAT,
    KEYRING,
    MAAS,
    OUTPUT,
    SELECTIONS,
    Options,
    together,
)
from maas_stream_lint.errors import UsageError

if TYPE_CHECKING:
    from maas_stream_lint.api import Preview, Report, ToldPreview


@click.command(cls=Configured)
@click.argument("source", shell_complete=completion.source)
@together(MAAS, KEYRING, SELECTIONS, BESIDE)
@click.option("--log", is_flag=True, help="Also show the log that MAAS would write.")
@click.option(
    "--rename",
    "renames",
    metavar="OLD=NEW",
    multiple=True,
    help="Suppose that a product has another name. Repeatable.",
)
@click.option(
    "--machine",
    "machines",
    metavar="ARCH/SUBARCH",
    multiple=True,
    help="Say what MAAS does with this machine, like amd64/generic. Repeatable.  "
    "[default: the machine that can do most with an image]",
)
@click.option(
    "--wanted",
    metavar="OS/RELEASE/ARCH",
    help="Only say whether a machine can deploy this, like ubuntu/jammy/amd64, and if not, why.",
)
@together(FORMAT, OUTPUT, FETCH, CONFIG)
def preview(
    log: bool,
    renames: tuple[str, ...],
    machines: tuple[str, ...],
    wanted: str | None,
    form: str,
    output: str | None,
    **given: Any,
) -> None:
    """Show what each MAAS release would do with a stream.

    The preview lists the products that MAAS imports, the boot resources that MAAS creates, and
    which machine MAAS commissions and deploys with them. Exit code 2: the preview failed.
    """
    from maas_stream_lint import api
    from maas_stream_lint import output as out

    out.check_target(output)
    names = _names(renames)
    _check(form, machines, wanted)
    options = configured(Options(mode="none", **given))
    if options.one_maas is not None and (machines or wanted):
        raise UsageError(
            "--machine and --wanted look at one source alone",
            "leave out --beside; --no-config leaves out the sources of the configuration",
        )
    if form == "json":
        from maas_stream_lint.report.data import as_json

        made = _predicted(options)
        require_read(made.streams)
        if names:
            supposed = _renamed(looked_at(options), names)
            made = api.Preview(supposed.source, supposed.look)
        text = as_json(made.to_dict())
    else:
        from maas_stream_lint.report import prediction

        report = _renamed(looked_at(options), names) if names else looked_at(options)
        if wanted is not None:
            from maas_stream_lint.report.one_answer import parsed, render_wanted

            text = render_wanted(report, parsed(wanted), out.style(output), machines)
        else:
            text = prediction.render(report, out.style(output), log=log, machines=machines)
        text = "".join(f"{line}\n" for line in _fates(report, names)) + text
    out.write(text, output)


def _predicted(options: Options) -> Preview | ToldPreview:
    """What MAAS makes of the source, or of all sources of one MAAS."""
    from maas_stream_lint import api
    from maas_stream_lint.source import tree_index

    assert options.source is not None
    maas = options.one_maas
    if maas is not None:
        sources = maas.read(maas.own(options))
        return api.preview(sources, options.lines, commissioning=options.commissioning)
    return api.preview(
        tree_index(options.source) or options.source,
        options.lines,
        options.trusted,
        options=options.fetching(),
        selections=options.selecting,
        commissioning=options.commissioning,
    )


def _check(form: str, machines: tuple[str, ...], wanted: str | None) -> None:
    """Refuse what is malformed before any work is done. Raises UsageError."""
    for machine in machines:
        arch, _, subarch = machine.partition("/")
        if not arch or not subarch or "/" in subarch:
            raise UsageError(f"no architecture of a machine: {machine!r}", "write amd64/generic")
    if wanted is not None:
        from maas_stream_lint.report.one_answer import parsed

        parsed(wanted)
    if form == "json" and (machines or wanted):
        raise UsageError(
            "--machine and --wanted are for the text format",
            "for JSON, call maas_stream_lint.use() from Python",
        )


def _names(renames: tuple[str, ...]) -> dict[str, str]:
    if not renames:
        return {}
    from maas_stream_lint.fixing.renaming import parsed

    return parsed(renames)


def _renamed(report: Report, names: dict[str, str]) -> Report:
    from maas_stream_lint.fixing.renaming import renamed

    return renamed(report, names)


def _fates(report: Report, names: dict[str, str]) -> list[str]:
    """What MAAS does with each product under its new name."""
    if not names:
        return []
    from maas_stream_lint.fixing.renaming import fate
    from maas_stream_lint.output import clean

    return [*(clean(fate(report, name)) for name in names.values()), ""]
