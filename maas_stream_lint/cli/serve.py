"""The command ``serve``: a stream over HTTP, for a try-out."""

from __future__ import annotations

from pathlib import Path

import click

from maas_stream_lint.cli import completion, parameters
from maas_stream_lint.cli.command import Command
from maas_stream_lint.cli.console import complain, style_for
from maas_stream_lint.cli.options import COLOR, together


@click.command(cls=Command)
@click.argument("root", metavar="DIR", shell_complete=completion.folder)
@click.option(
    "--bind",
    "host",
    metavar="ADDRESS",
    default="0.0.0.0",  # noqa: S104 - MAAS is on another machine
    show_default=True,
    help="The address to listen on; 127.0.0.1 for this machine only.",
)
@click.option(
    "--port",
    type=parameters.Whole(0, 65535),
    default=8000,
    show_default=True,
    metavar="N",
    help="The port; 0 for any free port.",
)
@together(COLOR)
def serve(root: str, host: str, port: int) -> None:
    """Serve a stream over HTTP, read-only, until Ctrl-C.

    Use this for a try-out from a MAAS on the same network: everybody there can read the folder. The
    server lists no folders, and serves no hidden files and no links that lead out of the folder.
    The tool prints the commands that add the stream to MAAS.

    Exit code 0: stopped by Ctrl-C. 2: the tool could not serve the stream.
    """
    from maas_stream_lint import output as out
    from maas_stream_lint.building import adding, serving
    from maas_stream_lint.report import served

    out.check_target(None)
    server = serving.Server(Path(root), host, port, complain)
    with server:
        text = served.render(server.url, adding.commands(Path(root), server.url), style_for())
        out.write(text, None)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            complain("stopped")
