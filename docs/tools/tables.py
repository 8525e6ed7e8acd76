"""The tables of ``docs/`` that are lists of something in the code: commands, options, formats.

A document holds one between ``<!-- table: NAME -->`` and ``<!-- end -->``. ``shown.py`` writes it.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import click

from maas_stream_lint.cli.main import main
from maas_stream_lint.report.formats import FORMATS
from maas_stream_lint.rulebook import all_releases

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What a document with such a table holds.
MARK = "<!-- table: "
_TABLE = re.compile(r"(<!-- table: (?P<name>[a-z -]+) -->\n)[\s\S]*?(\n<!-- end -->)")


#: Commands whose own options have a table of their own.
_OWN = ("fix", "build", "prune", "serve")


def with_tables(text: str) -> str:
    """A document with its tables as they should be. Raises KeyError for a name that is unknown."""
    return _TABLE.sub(lambda m: f"{m[1]}\n{_table(m['name'])}{m[3]}", text)


def _table(name: str) -> str:
    return "".join(f"{line}\n" for line in _TABLES[name]())


def _commands() -> Iterator[str]:
    yield "| command | |"
    yield "|---|---|"
    for name, command in main.commands.items():
        pieces = [
            p for p in command.collect_usage_pieces(_context(name, command)) if p != "[OPTIONS]"
        ]
        yield f"| `maas-stream-lint {' '.join([name, *map(_cell, pieces)])}` | {_cell(_sentence(command))} |"


def _sentence(command: click.Command) -> str:
    return " ".join((command.help or "").split("\n\n")[0].split())


def _options() -> Iterator[str]:
    """What several commands take, or one that has no table of its own."""
    yield "| option | of | |"
    yield "|---|---|---|"
    for (option, about), homes in _homes().items():
        if homes not in ([name] for name in _OWN):
            yield f"| {option} | {_of(homes)} | {about} |"


def _options_of(command: str) -> Iterator[str]:
    yield "| option | |"
    yield "|---|---|"
    for (option, about), homes in _homes().items():
        if homes == [command]:
            yield f"| {option} | {about} |"


def _homes() -> dict[tuple[str, str], list[str]]:
    """Option and help → the commands that have it."""
    found: dict[tuple[str, str], list[str]] = {}
    for name, command in main.commands.items():
        for parameter in command.params:
            record = parameter.get_help_record(_context(name, command))
            if record is not None and isinstance(parameter, click.Option):
                option, about = record
                key = f"`{_cell(option)}`", _cell(about)
                found.setdefault(key, []).append(name)
    return found


def _context(name: str, command: click.Command) -> click.Context:
    program = click.Context(main, info_name="maas-stream-lint", **main.context_settings)
    return click.Context(command, info_name=name, parent=program)


def _of(homes: list[str]) -> str:
    others = [name for name in main.commands if name not in homes]
    if len(others) == 1:
        return f"all but `{others[0]}`"
    return ", ".join(f"`{name}`" for name in homes)


def _formats() -> Iterator[str]:
    yield "| format | is for |"
    yield "|---|---|"
    for name, form in FORMATS.items():
        yield f"| `{name}` | {form.purpose} |"


def _release_lines() -> Iterator[str]:
    yield "| MAAS | this tool knows it from version |"
    yield "|---|---|"
    for release in all_releases():
        yield f"| {release.line} | {release.version} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("*.orig", "`*.orig`")


_TABLES = {
    "commands": _commands,
    "options": _options,
    **{f"options of {name}": partial(_options_of, name) for name in _OWN},
    "formats": _formats,
    "release lines": _release_lines,
}
