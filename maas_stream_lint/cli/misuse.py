"""How the program reports a wrong command line: in one line, like every other error."""

from __future__ import annotations

import difflib
from typing import IO, TYPE_CHECKING, Any

import click

from maas_stream_lint.cli.console import complain
from maas_stream_lint.names import EXIT_FAILED

if TYPE_CHECKING:
    from collections.abc import Iterable


class CommandLineError(click.ClickException):
    """A wrong command line: an error in one line, with a way out."""

    exit_code = EXIT_FAILED

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the line to standard error."""
        complain(f"error: {self.message}")


def in_our_words(error: click.UsageError, commands: Iterable[str]) -> click.ClickException:
    """An error of click as one of ours. ``commands``: the names that a typing error may mean."""
    if type(error).__name__ == "NoArgsIsHelpError":
        return error  # its message is the help
    below = error.ctx is not None and error.ctx.parent is not None
    name = f" {error.ctx.info_name}" if below and error.ctx is not None else ""
    hints = [*_meant(error, commands), f"see `maas-stream-lint{name} --help`"]
    return CommandLineError(f"{_what(error)} ({'; '.join(hints)})")


def _what(error: click.UsageError) -> str:
    """What is wrong, without click's capitals and full stop, and with the option in front."""
    if isinstance(error, click.NoSuchOption):
        return f"no such option {error.option_name}"
    if isinstance(error, click.MissingParameter):
        return f"{_name(error)} is missing"
    if isinstance(error, click.BadParameter) and _name(error):
        return f"{_name(error)}: {_lowered(error.message)}"
    return _lowered(error.message)


def _name(error: click.BadParameter) -> str:
    """``--severity`` or ``SOURCE``."""
    if isinstance(error.param, click.Option):
        return max(error.param.opts, key=len)
    if error.param is not None:
        return (error.param.metavar or str(error.param.name)).strip("[].").upper()
    return str(error.param_hint or "")


def _meant(error: click.UsageError, commands: Iterable[str]) -> list[str]:
    if isinstance(error, click.NoSuchOption):
        near = [*(error.possibilities or ())]
    elif error.message.startswith("No such command"):
        near = difflib.get_close_matches(error.message.split("'")[1], [*commands], n=2)
    else:
        return []
    return [f"did you mean {' or '.join(near[:2])}?"] if near else []


def _lowered(message: str) -> str:
    text = message.strip().removesuffix(".")
    return text[:1].lower() + text[1:]
