"""Commands whose options also take values from the environment and a configuration."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from maas_stream_lint.cli.command import Command
from maas_stream_lint.errors import UsageError
from maas_stream_lint.names import CONFIG_KEYS

if TYPE_CHECKING:
    from maas_stream_lint.configuration.settings import Setting, Settings

#: Keys of a configuration whose parameters have another name.
CALLED = {"files": "mode", "format": "forms"}
_KEYS = {name: key for key, name in CALLED.items()}
PREFIX = "MAAS_STREAM_LINT_"


class Configured(Command):
    """A command whose options also take values from the environment and a file."""

    def __init__(self, *args: Any, **more: Any) -> None:
        """Name the environment variables."""
        super().__init__(*args, **more)
        self._parser: Any = None
        for param in self.params:
            if (key := self.key_of(param)) is not None:
                param.envvar = variable(key)

    def key_of(self, param: click.Parameter) -> str | None:
        """The key of the configuration for an option."""
        key = _key(param)
        return key if key in CONFIG_KEYS else None

    def make_parser(self, ctx: click.Context) -> Any:
        """The parser of the arguments; the same one for both times that they are parsed."""
        if self._parser is None or self._parser.ctx is not ctx:
            self._parser = super().make_parser(ctx)
        return self._parser

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the configuration first, because it gives the options their defaults."""
        given = self.make_parser(ctx).parse_args(list(args))[0]
        help_option = self.get_help_option(ctx)
        helps = help_option is not None and given.get(help_option.name) is True
        if not helps and not ctx.resilient_parsing:
            said = {name: v for name, v in given.items() if isinstance(v, (str, bool))}
            several = given.get("sources")
            several = several if isinstance(several, (tuple, list)) else ()
            if several:
                said["source"] = several[0]
            ctx.obj = settings_of(said)
            take_site(ctx.obj)
            alone = said.get("source") if not several or len(several) == 1 else None
            ctx.default_map = self._defaults(ctx, ctx.obj.of(alone))
        return super().parse_args(ctx, args)

    def _defaults(self, ctx: click.Context, values: dict[str, Setting]) -> dict[str, Any]:
        found = {}
        for param in self.params:
            key = self.key_of(param)
            if key in values:
                found[str(param.name)] = converted(param, ctx, values[key])
        return found


def variable(key: str) -> str:
    """The environment variable of a key of the configuration."""
    return PREFIX + key.upper().replace("-", "_")


def is_default(ctx: click.Context, key: str) -> bool:
    """Whether neither a flag nor the environment gives a value."""
    origin = ctx.get_parameter_source(CALLED.get(key, key))
    return origin in (None, ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP)


def settings_of(given: dict[str, Any]) -> Settings:
    """The configuration that applies to a command's options."""
    from maas_stream_lint.configuration import search
    from maas_stream_lint.configuration.settings import Settings

    named = given.get("config")
    if given.get("no_config"):
        if named:
            raise UsageError("--config and --no-config cannot be combined", "choose one")
        return Settings()
    named = named or os.environ.get(f"{PREFIX}CONFIG")
    file = search.as_path(named) if named else search.find(given.get("source"))
    if file is None:
        return Settings()
    from maas_stream_lint.configuration.reading import load

    return load(file)


def take_site(settings: Settings) -> None:
    """Make the links of this run from the address in a configuration, if it has one."""
    from maas_stream_lint import documentation

    site = settings.values.get(documentation.KEY)
    documentation.configure(site and site.value)


def converted(param: click.Parameter, ctx: click.Context, setting: Setting) -> Any:
    """A value of a file, converted as the option does it. Errors name its line."""
    several = isinstance(setting.value, list)
    values = setting.value if several else [setting.value]
    try:
        if several and not param.multiple:
            raise click.BadParameter("expected one value, not a list")
        for value in values:
            param.type.convert(value, param, ctx)
        if param.callback is not None:
            param.callback(ctx, param, tuple(values) if param.multiple else setting.value)
    except click.BadParameter as error:
        raise UsageError(f"{setting.origin}: {_key(param)}: {error.message}") from None
    return values if param.multiple else setting.value


def _key(param: click.Parameter) -> str | None:
    return _KEYS.get(param.name or "", param.name)
