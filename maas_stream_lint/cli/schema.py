"""The command ``schema``: a JSON schema of a stream's documents, or of the tool's own files."""

from __future__ import annotations

import click

from maas_stream_lint.cli import completion
from maas_stream_lint.cli.command import Command


def _known(ctx: click.Context, param: click.Parameter, given: str) -> str:
    """The name of a schema."""
    from maas_stream_lint.rule_files import schema_names

    if given not in schema_names():
        raise click.BadParameter(f"no schema {given!r}; use one of {', '.join(schema_names())}")
    return given


def _line(ctx: click.Context, param: click.Parameter, given: str | None) -> str | None:
    """``3.6.5`` → ``3.6``; the newest line for ``None``."""
    from maas_stream_lint.rule_files import release_lines

    known = release_lines()
    line = None if given is None else ".".join(given.strip().lower().lstrip("v").split(".")[:2])
    if line == "latest":
        return known[-1]
    if line is not None and line not in known:
        raise click.BadParameter(f"no MAAS release line {given!r}; use one of {', '.join(known)}")
    return line


@click.command(cls=Command)
@click.argument("kind", default="products", callback=_known, shell_complete=completion.schemas)
@click.option(
    "--maas",
    "line",
    metavar="LINE",
    callback=_line,
    shell_complete=completion.release_lines,
    help="The release line whose import the schema describes.  [default: the newest]",
)
def schema(kind: str, line: str | None) -> None:
    """Print a JSON schema, for editors and check-jsonschema.

    KIND is `index`, `products`, or the kind of a products file: `bootloader`, `multi-file` or
    `single-file`. `config` is the schema of the configuration, and `images` the schema of the list
    that `build` reads. The others describe what commands print as JSON.
    """
    from maas_stream_lint import output as out
    from maas_stream_lint.rule_files import release_lines, rules_text, stream_schema_names

    of_streams = kind in stream_schema_names()
    if line is not None and not of_streams:
        raise click.UsageError(f"--maas and {kind} cannot be combined: one schema is for all lines")
    folder = f"schemas/streams/{line or release_lines()[-1]}" if of_streams else "schemas"
    out.check_target(None)
    out.write(rules_text(f"{folder}/{kind}.json"), None)
