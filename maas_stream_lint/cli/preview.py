"""The command ``preview``: what each MAAS release would do with a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from maas_stream_lint.cli import completion
from maas_stream_lint.cli.checked import looked_at, require_read
from maas_stream_lint.cli.configured import Configured
from maas_stream_lint.cli.console import as_json, plain_style, style_for
from maas_stream_lint.cli.one_maas import configured
from maas_stream_lint.cli.options import (
    BESIDE,
    COLOR,
    CONFIG,
    FETCH,
    KEYRING,
    MAAS,
    NO_DATE,
    OUTPUT,
    SELECTIONS,
    TOLD,
    Options,
    together,
)
from maas_stream_lint.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from maas_stream_lint.api import Report
    from maas_stream_lint.output import Style


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
@together(TOLD, OUTPUT, COLOR, NO_DATE, FETCH, CONFIG)
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
    from maas_stream_lint import output as out

    out.check_target(output)
    names = _names(renames)
    _check(machines, wanted)
    options = configured(Options(mode="none", **given))
    if options.one_maas is not None and (machines or wanted):
        raise UsageError(
            "--machine and --wanted work with one source only",
            "leave out --beside; --no-config leaves out the sources of the configuration",
        )
    report = _renamed(looked_at(options), names) if names else looked_at(options)
    if wanted is not None:
        out.write(_answer(report, wanted, form, machines, style_for(output)), output)
    elif form == "json":
        out.write(as_json(_data(report, options, machines)), output)
    else:
        supposed = _fates(report, names)
        out.write(_told(report, form, machines, supposed, style_for(output), log=log), output)


def _answer(
    report: Report, text: str, form: str, machines: Sequence[str], style: Style
) -> str | Iterable[str]:
    from maas_stream_lint.question import parsed
    from maas_stream_lint.report import one_answer

    wanted = parsed(text)
    if form == "json":
        return as_json(one_answer.as_data(report, wanted, machines))
    if form == "markdown":
        return one_answer.as_markdown(report, wanted, plain_style(), machines)
    if form == "html":
        return one_answer.as_html(report, wanted, plain_style(), machines)
    return one_answer.as_text(report, wanted, style, machines)


def _told(
    report: Report,
    form: str,
    machines: Sequence[str],
    supposed: Sequence[str],
    style: Style,
    *,
    log: bool,
) -> str | Iterable[str]:
    if form == "text":
        from maas_stream_lint.report import prediction

        text = prediction.render(report, style, log=log, machines=machines)
        return "".join(f"{line}\n" for line in (*supposed, "")) + text if supposed else text
    from maas_stream_lint.report import previewed

    render = previewed.as_markdown if form == "markdown" else previewed.as_html
    return render(report, plain_style(), machines, supposed, log=log)


def _data(report: Report, options: Options, machines: Sequence[str]) -> dict[str, Any]:
    """The verdicts, each with the fate and the use of the products."""
    from maas_stream_lint import api
    from maas_stream_lint.report.previewed import use_data
    from maas_stream_lint.uses.ubuntu import ubuntu_releases

    maas = options.one_maas
    if maas is not None:
        sources = maas.read(maas.own(options))
        return api.preview(sources, options.lines, commissioning=options.commissioning).to_dict()
    if options.selecting is None:
        said = api.Preview(report.source, report.look).to_dict()
    else:
        assert options.source is not None
        told = api.preview(
            options.source,
            options.lines,
            options.trusted,
            options=options.fetching(),
            selections=options.selecting,
            commissioning=options.commissioning,
        )
        require_read(told.streams)
        said = told.to_dict()
    for one, seen in ((said, report), (said.get("with_index"), report.by_plain_index)):
        if one is not None and seen is not None:
            for line, products in use_data(seen, machines).items():
                one["maas"][line]["products"] = products
    return {**said, "known_releases": ubuntu_releases().to_dict()}


def _check(machines: Sequence[str], wanted: str | None) -> None:
    """Refuse malformed values before any work. Raises UsageError."""
    for machine in machines:
        arch, _, subarch = machine.partition("/")
        if not arch or not subarch or "/" in subarch:
            raise UsageError(f"no architecture of a machine: {machine!r}", "write amd64/generic")
    if wanted is not None:
        from maas_stream_lint.question import parsed

        parsed(wanted)


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

    return [clean(fate(report, name)) for name in names.values()]
