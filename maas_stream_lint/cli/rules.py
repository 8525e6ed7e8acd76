"""The command ``rules``: the list of all rules."""

from __future__ import annotations

import click

from maas_stream_lint.cli.options import FORMAT


@click.command()
@FORMAT
def rules(form: str) -> None:
    """List the rules."""
    from maas_stream_lint import output as out
    from maas_stream_lint.checks import all_rules

    out.check_target(None)
    if form == "json":
        from maas_stream_lint.report import data

        text = data.as_json(data.rules(all_rules()))
    else:
        from maas_stream_lint.report import rule_pages

        text = rule_pages.rules(all_rules(), out.style(None))
    out.write(text, None)
