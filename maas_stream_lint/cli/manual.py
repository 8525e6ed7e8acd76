"""The man page, made from the commands: their helps, options and examples."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

import click

from maas_stream_lint import __version__
from maas_stream_lint.cli.command import Command
from maas_stream_lint.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENDS = """\
.SH EXIT STATUS
.TP
.B 0
Nothing at or above \\fB\\-\\-severity\\fR.
.TP
.B 1
Findings.
.TP
.B 2
The run could not be made; the last line on standard error says why.
.TP
.B 130
Interrupted. What was seen so far is reported.
.SH ENVIRONMENT
.TP
.BR NO_COLOR ", " FORCE_COLOR ", " CLICOLOR ", " CLICOLOR_FORCE
Never or always colour the report.
.TP
.B COLUMNS
The width of the report, also in a pipe.
.TP
.B FORCE_HYPERLINK
0: no links in the report. 1: links in every terminal but a dumb one.
.TP
.BR http_proxy ", " https_proxy ", " no_proxy
How a URL is reached.
.TP
.B XDG_CACHE_HOME
Where checksums of earlier runs are kept.
.SH FILES
.TP
.I ~/.netrc
Logins for servers.
.SH EXAMPLES
.TP
What is wrong with a mirror, for the newest MAAS:
.EX
maas\\-stream\\-lint check mirror \\-\\-maas latest
.EE
.TP
What a line of the log means:
.EX
maas\\-stream\\-lint explain "Ignoring unsupported product com.example:jammy"
.EE
.SH SEE ALSO
.BR gpgv (1),
.BR sstream\\-mirror (1)
"""


def page() -> str:
    """The whole page in roff. The page has no date, because each build would then differ."""
    return "".join(f"{line}\n" for line in _lines()) + _ENDS


def _lines() -> Iterator[str]:
    context = click.Context(main, info_name="maas-stream-lint", **main.context_settings)
    yield f'.TH MAAS\\-STREAM\\-LINT 1 "" "maas\\-stream\\-lint {__version__}" "User commands"'
    yield ".SH NAME"
    yield "maas\\-stream\\-lint \\- says exactly what MAAS will do with an image stream, and why"
    yield ".SH SYNOPSIS"
    for name, command in main.commands.items():
        below = click.Context(command, info_name=name, parent=context, **command.context_settings)
        pieces = " ".join(command.collect_usage_pieces(below))
        yield f".B maas\\-stream\\-lint {_text(name)}"
        yield _text(pieces)
        yield ".br"
    yield ".SH DESCRIPTION"
    yield from _paragraphs(main.help or "")
    yield ".SH OPTIONS"
    yield from _options(main, context)
    for name, command in main.commands.items():
        below = click.Context(command, info_name=name, parent=context, **command.context_settings)
        yield f".SH {_text(name).upper()}"
        yield from _paragraphs(command.help or "")
        yield from _options(command, below)
        yield from _examples(command)


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    found = command.headings(context) if isinstance(command, Command) else {"": _own(context)}
    for heading, records in found.items():
        if len(found) > 1:
            yield f'.SS "{_text(heading)}"'
        for name, about in records:
            yield ".TP"
            yield f".B {_text(name)}"
            yield _text(about)


def _own(context: click.Context) -> list[tuple[str, str]]:
    """The options of the program itself."""
    records = (param.get_help_record(context) for param in context.command.get_params(context))
    return [record for record in records if record is not None]


def _examples(command: click.Command) -> Iterator[str]:
    if isinstance(command, Command) and command.examples:
        yield ".SS Examples"
        for purpose, arguments in command.examples:
            yield ".TP"
            yield _text(purpose)
            yield ".EX"
            yield _text(f"maas-stream-lint {arguments}")
            yield ".EE"


def _paragraphs(text: str) -> Iterator[str]:
    for number, part in enumerate(re.split(r"\n\s*\n", text.strip())):
        if number:
            yield ".PP"
        yield _text(part)


def _text(text: str) -> str:
    """A text that roff does not read as commands."""
    plain = " ".join(text.split()).replace("\\", "\\e").replace("-", "\\-")
    plain = re.sub(r"`([^`]*)`", r"\\fB\1\\fR", plain)
    lines = textwrap.wrap(plain, 79, break_long_words=False, break_on_hyphens=False)
    return "\n".join(f"\\&{line}" if line.startswith((".", "'")) else line for line in lines)
