"""The command ``rules``: the list of all rules, or of some."""

from __future__ import annotations

import click

from maas_stream_lint.cli import completion, parameters
from maas_stream_lint.cli.command import Command
from maas_stream_lint.cli.configured import settings_of, take_site
from maas_stream_lint.cli.console import as_json, style_for
from maas_stream_lint.cli.options import COLOR, FORMAT, together


@click.command(
    cls=Command,
    examples=[
        ("All rules on products:", "rules MSL4"),
        ("Rules whose finding can cost a whole import:", "rules --severity fatal"),
    ],
)
@click.argument("words", metavar="[CODE|NAME]...", nargs=-1, shell_complete=completion.rules)
@click.option(
    "--severity",
    type=parameters.Level(),
    metavar="SEVERITY",
    help="Only rules whose worst finding is of this severity or a worse one.",
)
@together(FORMAT, COLOR)
def rules(words: tuple[str, ...], severity: str | None, form: str) -> None:
    """List the rules: all of them, or those that codes, their beginnings (MSL4) or names mean."""
    from maas_stream_lint import output as out
    from maas_stream_lint.checks import all_rules
    from maas_stream_lint.finding import Severity
    from maas_stream_lint.rule import selected

    out.check_target(None)
    take_site(settings_of({}))
    named = [word for given in words for word in given.split(",") if word]
    least = Severity[severity.upper()] if severity is not None else min(Severity)
    known = [rule for rule in selected(all_rules(), named) if rule.severity >= least]
    if form == "json":
        from maas_stream_lint.report import data

        text = as_json(data.rules(known), dated=False)
    else:
        from maas_stream_lint.report import rule_pages

        text = rule_pages.rules(known, style_for())
    out.write(text, None)
