"""The command ``completion``: what makes a shell complete the program's words."""

from __future__ import annotations

import click

from maas_stream_lint.cli.command import Command

_SHELLS = ("bash", "zsh", "fish")


@click.command(
    cls=Command,
    examples=[
        ("To be evaluated in ~/.bashrc or ~/.zshrc:", "completion bash"),
        ("To be kept in ~/.config/fish/completions/maas-stream-lint.fish:", "completion fish"),
    ],
)
@click.argument("shell", type=click.Choice(_SHELLS, case_sensitive=False))
def completion(shell: str) -> None:
    """Print the script that makes bash, zsh or fish complete commands, options and values.

    The shell asks the program itself, so an update of the program needs no new script.
    """
    from click.shell_completion import get_completion_class

    from maas_stream_lint import output as out
    from maas_stream_lint.cli.main import main

    out.check_target(None)
    known = get_completion_class(shell)
    assert known is not None
    made = known(main, {}, "maas-stream-lint", "_MAAS_STREAM_LINT_COMPLETE")
    # Not `source()`, which runs bash to ask for its version.
    out.write(made.source_template % made.source_vars(), None)
