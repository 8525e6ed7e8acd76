"""The command ``preview``: what each MAAS release would make of a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from maas_stream_lint.cli import completion
from maas_stream_lint.cli.checked import checked
from maas_stream_lint.cli.configured import Configured
from maas_stream_lint.cli.options import (
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

if TYPE_CHECKING:
    from maas_stream_lint.api import Report


@click.command(cls=Configured)
@click.argument("source", shell_complete=completion.source)
@together(MAAS, KEYRING, SELECTIONS)
@click.option("--log", is_flag=True, help="Also show the log that MAAS would write.")
@click.option(
    "--rename",
    "renames",
    metavar="OLD=NEW",
    multiple=True,
    help="Suppose that a product has another name. Repeatable.",
)
@together(FORMAT, OUTPUT, FETCH, CONFIG)
def preview(
    log: bool, renames: tuple[str, ...], form: str, output: str | None, **given: Any
) -> None:
    """Show what each MAAS release would do with a stream.

    The preview lists the products that MAAS imports and the boot resources that MAAS creates.
    Exit code 2: the preview failed.
    """
    from maas_stream_lint import api
    from maas_stream_lint import output as out

    out.check_target(output)
    names = _names(renames)
    options = Options(mode="none", **given)
    if form == "json":
        from maas_stream_lint.report.data import as_json
        from maas_stream_lint.source import tree_index

        assert options.source is not None
        made = api.preview(
            tree_index(options.source) or options.source,
            options.lines,
            options.trusted,
            options=options.fetching(),
            selections=options.selecting,
            commissioning=options.commissioning,
        )
        if names:
            supposed = _renamed(checked(options), names)
            made = api.Preview(supposed.source, supposed.look)
        text = as_json(made.to_dict())
    else:
        from maas_stream_lint.report import prediction

        report = _renamed(checked(options), names) if names else checked(options)
        text = prediction.render(report, out.style(output), log=log)
        text = "".join(f"{line}\n" for line in _fates(report, names)) + text
    out.write(text, output)


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
