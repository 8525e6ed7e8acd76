"""The command ``man``: the manual page, to read or to install."""

from __future__ import annotations

import sys

import click

from maas_stream_lint.cli.command import Command
from maas_stream_lint.cli.options import OUTPUT, together


@click.command(
    cls=Command,
    examples=[
        ("To read it:", "man"),
        ("To install it, where pip did not:", "man --output maas-stream-lint.1"),
    ],
)
@together(OUTPUT)
def man(output: str | None) -> None:
    """Show the manual page. Into a file or a pipe, write its source for man(1)."""
    from maas_stream_lint import output as out
    from maas_stream_lint.cli.manual import page

    out.check_target(output)
    text = page()
    if output is None and sys.stdout.isatty() and _shown(text):
        return
    out.write(text, output)


def _shown(text: str) -> bool:
    """Show the page with man(1) and its pager. False if there is no such program."""
    import shutil
    import subprocess

    program = shutil.which("man")
    if program is None:
        return False
    # No shell; the page goes through a pipe.
    done = subprocess.run([program, "-l", "-"], input=text, text=True, check=False)
    return done.returncode == 0
