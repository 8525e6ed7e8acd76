"""What the program writes to standard error: single lines, and progress."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from maas_stream_lint.names import EXIT_TERMINATED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from maas_stream_lint.images.progress import Progress

_LONGEST = 60


def complain(line: str) -> None:
    """Write one line to standard error, with escapes for what a terminal might obey."""
    from maas_stream_lint.output import clean

    click.echo(clean(" ".join(line.split())), err=True)


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
    """Give what shows the current step of long work: one line of a terminal, removed at the end."""
    if sys.stderr is None or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
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
    if sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        from maas_stream_lint.report.meter import Bar

        return Bar()
    if verbose:
        from maas_stream_lint.report.meter import Lines

        return Lines()
    return None


def reading() -> Progress | None:
    """Where the progress of reading logs goes: to a terminal only."""
    return progress(verbose=False)
