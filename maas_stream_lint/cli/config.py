"""The command ``config``: all settings of ``check``, and where each is from."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from maas_stream_lint.cli import completion
from maas_stream_lint.cli.check import check
from maas_stream_lint.cli.configured import CALLED, Configured, converted, variable
from maas_stream_lint.cli.console import as_json
from maas_stream_lint.cli.options import CONFIG, FORMAT, together
from maas_stream_lint.names import CONFIG_KEYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.configuration.settings import Setting


@click.command(cls=Configured)
@click.argument("source", required=False, shell_complete=completion.source)
@together(FORMAT, CONFIG)
def config(source: str | None, form: str, **given: Any) -> None:
    """Show each setting of `check`, its value, and where the value is from.

    A flag overrides an environment variable, which overrides the file. In the file, the settings
    of SOURCE override the common ones.
    """
    from maas_stream_lint import output as out
    from maas_stream_lint.report import origins

    out.check_target(None)
    ctx = click.get_current_context()
    said = origins.described(ctx.obj, _values_and_origins(ctx, ctx.obj.of(source), given))
    out.write(as_json(said, dated=False) if form == "json" else origins.render(said), None)


config.params[1:1] = [p for p in check.params if p.envvar and p.name != "forms"]


def _values_and_origins(
    ctx: click.Context, values: dict[str, Setting], given: dict[str, Any]
) -> Iterator[tuple[str, Any, str | Setting | None]]:
    """Key, value and origin of each setting: the name of a flag or variable, a file, or nothing."""
    from maas_stream_lint import documentation

    forms = next(p for p in check.params if p.name == "forms")
    for key in CONFIG_KEYS:
        named, setting = variable(key), values.get(key)
        if key == "format":
            # Here, the option of that name is about something else.
            said = forms.resolve_envvar_value(ctx)
            written = converted(forms, ctx, setting) if setting is not None else None
            yield key, said.split() if said else written, named if said else setting
            continue
        if key == documentation.KEY:
            said_by = named if named in os.environ else setting
            yield key, documentation.address() or None, said_by
            continue
        name = CALLED.get(key, key)
        if key == "commissioning" and given[name] is not None:
            given[name] = "/".join(given[name])
        origin = ctx.get_parameter_source(name)
        if origin is ParameterSource.COMMANDLINE:
            yield key, given[name], f"--{key}"
        elif origin is ParameterSource.ENVIRONMENT:
            yield key, given[name], named
        else:
            yield key, given[name], setting
