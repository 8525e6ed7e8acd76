"""A command whose help groups its options and ends with examples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: The attribute of an option that holds the heading it stands under in the help.
HEADING = "heading"
#: The names of the option that shows the help.
HELP = ["-h", "--help"]
#: The heading of options that have none, and of ``--help`` where there are others.
OWN, GENERAL = "Options", "General"


class HelpfulContext(click.Context):
    """A context whose help breaks lines between words, as wide as a report, in colour if wanted."""

    def make_formatter(self) -> click.HelpFormatter:
        """What writes the help. Python imports its module only for that."""
        from maas_stream_lint.cli.helping import formatter

        return formatter()


class InEnglish(click.Command):
    """A command whose option ``--help`` is not translated, because the rest of the help is not.

    click looks for a translation of its own option. For that it imports `locale`, which takes 1 ms.
    """

    _help: click.Option | None = None

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """The option that shows the help; always the same one."""
        if self._help is None:
            self._help = at_once(self.get_help_option_names(ctx), "Show this message", _help_of)
        return self._help


def at_once(
    names: Sequence[str], purpose: str, told: Callable[[click.Context], str]
) -> click.Option:
    """An option that ends the program: it shows a text, whatever else the user gave."""

    def show(ctx: click.Context, param: click.Parameter, given: bool) -> None:
        if given and not ctx.resilient_parsing:
            click.echo(told(ctx), color=ctx.color)
            ctx.exit()

    return click.Option(
        list(names),
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=show,
        help=f"{purpose} and exit.",
    )


def _help_of(ctx: click.Context) -> str:
    return ctx.get_help()


class Command(InEnglish):
    """A command whose help has headings for its options and examples at the end."""

    context_class = HelpfulContext

    def __init__(self, *args: Any, examples: Sequence[tuple[str, str]] = (), **more: Any) -> None:
        """``examples``: the purpose of each, and the arguments after the program's name."""
        super().__init__(*args, **more)
        # Also where somebody runs the command without the program: click keeps its help option.
        self.context_settings.setdefault("help_option_names", HELP)
        self.examples = tuple(examples)

    def headings(self, ctx: click.Context) -> dict[str, list[tuple[str, str]]]:
        """Heading → the options below it, each with its help; those without a heading are first."""
        found: dict[str, list[tuple[str, str]]] = {OWN: []}
        last = self.get_help_option(ctx)
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None and isinstance(param, click.Option):
                own = GENERAL if param is last and len(found) > 1 else OWN
                found.setdefault(getattr(param, HEADING, own), []).append(record)
        return {heading: records for heading, records in found.items() if records}

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, and the examples below them."""
        from maas_stream_lint.cli.helping import Formatter

        found = self.headings(ctx)
        if isinstance(formatter, Formatter):
            formatter.align(name for records in found.values() for name, _ in records)
        for heading, records in found.items():
            with formatter.section(heading):
                formatter.write_dl(records)
        write_examples(formatter, self.examples)


def write_examples(formatter: click.HelpFormatter, examples: Sequence[tuple[str, str]]) -> None:
    """Write commands to copy, each below what it is for."""
    if not examples:
        return
    with formatter.section("Examples"):
        left = " " * formatter.current_indent
        for number, (purpose, arguments) in enumerate(examples):
            if number:
                formatter.write_paragraph()
            formatter.write(f"{left}{purpose}\n{left}  maas-stream-lint {arguments}\n")
