"""The command ``preview``: what each MAAS release would make of a stream."""

from __future__ import annotations

from typing import Any

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
    Options,
    together,
)


@click.command(cls=Configured)
@click.argument("source", shell_complete=completion.source)
@together(MAAS, KEYRING)
@click.option("--log", is_flag=True, help="Also show the log that MAAS would write.")
@together(FORMAT, OUTPUT, FETCH, CONFIG)
def preview(log: bool, form: str, output: str | None, **given: Any) -> None:
    """Show what each MAAS release would do with a stream.

    The preview lists the products that MAAS imports and the boot resources that MAAS creates.
    Exit code 2: the preview failed.
    """
    from maas_stream_lint import api
    from maas_stream_lint import output as out

    out.check_target(output)
    options = Options(mode="none", **given)
    if form == "json":
        from maas_stream_lint.report.data import as_json

        assert options.source is not None
        made = api.preview(
            options.source, options.lines, options.trusted, options=options.fetching()
        )
        text = as_json(made.to_dict())
    else:
        from maas_stream_lint.report import prediction

        text = prediction.render(checked(options), out.style(output), log=log)
    out.write(text, output)
