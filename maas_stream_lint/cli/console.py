"""What the program writes to standard error: single lines, and progress."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import click

from maas_stream_lint.errors import UsageError
from maas_stream_lint.names import EXIT_FINDINGS, EXIT_TERMINATED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from maas_stream_lint.images.progress import Progress
    from maas_stream_lint.output import Style

_LONGEST = 60
#: Where values are kept in the ``meta`` of click's context.
_OURS = "maas_stream_lint"
#: The colour of the word that a line begins with.
_COLORS = {"error": "red", "notice": "blue"}


def complain(line: str) -> None:
    """Write one line to standard error, and escape what a terminal might obey."""
    from maas_stream_lint.output import clean
    from maas_stream_lint.terminal import takes_color

    shown = clean(" ".join(line.split()))
    word, colon, rest = shown.partition(":")
    terminal = sys.stderr is not None and sys.stderr.isatty()
    if word in _COLORS and takes_color(terminal, said("color", otherwise="auto")):
        shown = click.style(word + colon, fg=_COLORS[word], bold=True) + rest
        click.echo(shown, err=True, color=True)
    else:
        click.echo(shown, err=True)


def notice(line: str) -> None:
    """Write a line that is no error, unless ``--quiet`` forbids it."""
    if not said("quiet", otherwise=False):
        complain(f"notice: {line}")


def said(name: str, *, otherwise: Any) -> Any:
    """The value of an option on the output of any command: ``color``, ``quiet`` …"""
    ctx = click.get_current_context(silent=True)
    return otherwise if ctx is None else ctx.meta.get(f"{_OURS}.{name}", otherwise)


def remember(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Keep the value of such an option for `said`; the callback of all these options."""
    ctx.meta[f"{_OURS}.{param.name}"] = value
    return value


def style_for(output: str | None = None) -> Style:
    """The style of a text for standard output or a file, as the options want it."""
    from maas_stream_lint import output as out

    wanted = _wanted("verbose", "quiet", "statistics", "exit_zero")
    return out.style(output, said("color", otherwise="auto"))._replace(made=made(), **wanted)


def _wanted(*names: str) -> dict[str, Any]:
    return {name: bool(said(name, otherwise=False)) for name in names}


def plain_style() -> Style:
    """The style of an output for programs."""
    from maas_stream_lint.output import Style

    return Style(made=made())._replace(**_wanted("quiet", "statistics", "exit_zero"))


def made() -> str:
    """The time of this run, in UTC: now, or SOURCE_DATE_EPOCH. Empty with ``--no-date``.

    Raises UsageError if the variable holds no number of seconds.
    """
    if said("no_date", otherwise=False):
        return ""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        moment = time.gmtime(int(epoch) if epoch else None)
    except (ValueError, OverflowError, OSError):
        hint = "give a number of seconds since 1970, or unset it"
        raise UsageError(f"SOURCE_DATE_EPOCH is no time: {epoch!r:.40}", hint) from None
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", moment)


def as_json(data: dict[str, Any], *, dated: bool = True) -> str:
    """An output as JSON, with the tool's version and the date.

    ``dated``: or without the date, which means nothing where no stream was looked at.
    """
    from maas_stream_lint.report import data as data_
    from maas_stream_lint.report.stamp import stamped

    style = plain_style()
    return data_.as_json(stamped(data, style if dated else style._replace(made="")))


def leave(code: int) -> NoReturn:
    """End the program with an exit code. With ``--exit-zero``, findings do not count."""
    sys.exit(counted(code))


def counted(code: int) -> int:
    """The exit code after ``--exit-zero``: with it, findings do not count."""
    return 0 if code == EXIT_FINDINGS and said("exit_zero", otherwise=False) else code


@contextmanager
def terminable() -> Iterator[None]:
    """Clean up before SIGTERM ends the program, as after Ctrl-C: CI systems stop jobs with it."""
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    ):
        yield
        return

    def stop(*_: object) -> None:
        raise SystemExit(EXIT_TERMINATED)

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def current_step() -> Iterator[Callable[[str], None]]:
    """A function that shows the current step of long work: one line in a terminal."""
    if not _on_terminal():
        yield lambda step: None
        return
    try:
        yield lambda step: click.echo(f"\r\033[K{step}", err=True, nl=False)
    finally:
        click.echo("\r\033[K", err=True, nl=False)


def shortened(text: str) -> str:
    """A text of the user or of an exception: quoted, shortened, on one line."""
    shown = " ".join(text.split())
    return repr(shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…")


def progress(*, verbose: bool) -> Progress | None:
    """Where progress goes: to a terminal, or with ``verbose`` to a log."""
    if said("no_progress", otherwise=False):
        return None
    if _on_terminal():
        from maas_stream_lint.report.meter import Bar

        return Bar()
    if verbose:
        from maas_stream_lint.report.meter import Lines

        return Lines()
    return None


def _on_terminal() -> bool:
    """Whether a line that changes can be shown, and nobody forbids it."""
    unwanted = said("no_progress", otherwise=False) or said("quiet", otherwise=False)
    terminal = sys.stderr is not None and sys.stderr.isatty()
    return terminal and os.environ.get("TERM") != "dumb" and not unwanted


def reading() -> Progress | None:
    """Where the progress of reading logs goes: to a terminal only."""
    return progress(verbose=False)
