"""The program: its commands, and what it says when one fails.

This module imports only click, and a command's module when the user calls the command. So
``--version`` answers at once.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import Any

import click

from maas_stream_lint import __version__
from maas_stream_lint.cli.command import (
    HELP,
    HelpfulContext,
    InEnglish,
    at_once,
    write_examples,
)
from maas_stream_lint.cli.console import complain, shortened, terminable
from maas_stream_lint.errors import LintError
from maas_stream_lint.names import EXIT_FAILED, EXIT_INTERRUPTED, VERSION_LINE

#: Each command under its heading in the order of the help, with the module that has it.
GROUPS = {
    "Look at a stream": {"check": "check", "preview": "preview", "compare": "compare"},
    "Make and change one": {
        "fix": "fix",
        "build": "build",
        "prune": "prune",
        "remove": "prune",
        "serve": "serve",
    },
    "Ask what it means": {"explain": "explain", "diagnose": "diagnose", "rules": "rules"},
    "About this program": {
        "config": "config",
        "schema": "schema",
        "completion": "shell",
        "man": "man",
        "docs": "docs",
    },
}
#: What a newcomer does first.
EXAMPLES = (
    ("What is wrong with a stream, on disk or on a server:", "check SOURCE"),
    ("What MAAS's log means:", "diagnose --log /var/log/maas/maas.log"),
    ("What a finding is about:", "explain MSL401"),
)
HOMES = {name: home for group in GROUPS.values() for name, home in group.items()}


class Commands(MutableMapping[str, click.Command]):
    """The commands by name. Each imports the module of a command at its first use."""

    def __init__(self) -> None:
        """Nothing is imported yet."""
        self._known: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        """The command. Raises KeyError for an unknown name."""
        if name not in self._known:
            module = import_module(f"maas_stream_lint.cli.{HOMES[name]}")
            self._known[name] = getattr(module, name)
        return self._known[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        """Replace a command."""
        self._known[name] = command

    def __delitem__(self, name: str) -> None:
        """Forget a command that was replaced."""
        del self._known[name]

    def __iter__(self) -> Iterator[str]:
        """The names, in the order of the help."""
        return iter(HOMES)

    def __len__(self) -> int:
        """How many there are."""
        return len(HOMES)


class Program(InEnglish, click.Group):
    """A group whose failures are one line on standard error, and exit code 2."""

    context_class = HelpfulContext
    commands: MutableMapping[str, click.Command]

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the help."""
        return [*self.commands]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands with their first sentences, under headings; then the examples."""
        from maas_stream_lint.cli.helping import Formatter

        if isinstance(formatter, Formatter):
            formatter.align(HOMES)
        for heading, homes in GROUPS.items():
            with formatter.section(heading):
                commands = {name: self.commands[name] for name in homes}
                formatter.write_dl([(name, _first(known)) for name, known in commands.items()])
        write_examples(formatter, EXAMPLES)

    def make_context(self, *args: Any, **more: Any) -> click.Context:
        """Read the program's own options. Raises click.ClickException for a wrong one."""
        try:
            return super().make_context(*args, **more)
        except click.UsageError as error:
            raise _told(error) from None

    def invoke(self, ctx: click.Context) -> None:
        """Run a command. Show a traceback only with ``--debug``."""
        try:
            with terminable():
                super().invoke(ctx)
            return
        except click.UsageError as error:
            raise _told(error) from None
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            ctx.exit(EXIT_INTERRUPTED)
        except LintError as error:
            complain(f"error: {error}")
        except Exception as error:  # noqa: BLE001 - a crash is our bug, and says so in one line
            if ctx.params.get("debug"):
                import traceback

                traceback.print_exc()
            complain(
                "error: the working directory does not exist any more (change to one that exists)"
                if isinstance(error, OSError) and _is_nowhere()
                else f"error: {type(error).__name__}: {shortened(str(error))}: this is a bug in "
                f"maas-stream-lint {__version__}, not in your stream (please report it, with the "
                "traceback that `maas-stream-lint --debug` shows)"
            )
        ctx.exit(EXIT_FAILED)


def _is_nowhere() -> bool:
    """Whether somebody has removed the working directory."""
    from pathlib import Path

    try:
        Path.cwd()
    except OSError:
        return True
    return False


def _first(command: click.Command) -> str:
    """The first sentence of a command's help."""
    return " ".join((command.help or "").split("\n\n")[0].split()).partition(": ")[0].rstrip(".")


def _told(error: click.UsageError) -> click.ClickException:
    from maas_stream_lint.cli.misuse import in_our_words

    return in_our_words(error, HOMES)


@click.group(cls=Program, context_settings={"help_option_names": HELP})
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def main(debug: bool) -> None:
    """Say exactly what MAAS will do with an image stream, and why.

    SOURCE is a directory that holds streams/v1, the path of an index or products file, or an
    http(s) URL that MAAS is given.
    """


main.commands = Commands()
main.params.insert(0, at_once(["--version"], "Show the version", lambda ctx: VERSION_LINE))
