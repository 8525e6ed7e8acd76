"""The options of the command line: what they take, and where else a value may come from.

Only click is imported at the top, so that ``--version`` and ``--help`` answer at once.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from maas_stream_lint import completion
from maas_stream_lint.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from maas_stream_lint.settings import Setting, Settings

    Command = TypeVar("Command", bound=Callable[..., Any])

A_DAY = 86_400.0
MODES = ("none", "head", "download")
SEVERITIES = ("fatal", "ignored", "unusable", "warning", "info")


#: Keys of a configuration whose parameters are called otherwise.
CALLED = {"files": "mode", "format": "forms"}
PREFIX = "MAAS_STREAM_LINT_"


class Configured(click.Command):
    """A command whose options have values from the environment and a file, too."""

    def __init__(self, *args: Any, **more: Any) -> None:
        """Name the environment variables."""
        super().__init__(*args, **more)
        for param in self.params:
            if (key := self.key_of(param)) is not None:
                param.envvar = PREFIX + key.upper()

    def key_of(self, param: click.Parameter) -> str | None:
        """The key of the configuration that is about an option."""
        key = next((key for key, name in CALLED.items() if name == param.name), param.name)
        return key if key in SETTINGS else None

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Look for the file first, as it says what the options' defaults are."""
        given = self.make_parser(ctx).parse_args(list(args))[0]
        help_option = self.get_help_option(ctx)
        helps = help_option is not None and given.get(help_option.name) is True
        if not helps and not ctx.resilient_parsing:
            said = {name: v for name, v in given.items() if isinstance(v, (str, bool))}
            ctx.obj = settings_of(said)
            ctx.default_map = self._defaults(ctx, ctx.obj.of(said.get("source")))
        return super().parse_args(ctx, args)

    def _defaults(self, ctx: click.Context, values: dict[str, Setting]) -> dict[str, Any]:
        found = {}
        for param in self.params:
            key = self.key_of(param)
            if key in values:
                found[str(param.name)] = converted(param, ctx, values[key])
        return found


#: As in `settings.KEYS`, which is not worth an import for `--help`.
SETTINGS = (
    *("maas", "keyring", "select", "ignore", "severity"),
    *("format", "files", "only", "jobs", "timeout"),
)


def settings_of(given: dict[str, Any]) -> Settings:
    """The configuration that a command's options lead to."""
    from maas_stream_lint import settings

    named = given.get("config")
    if given.get("no_config"):
        if named:
            raise UsageError("--config and --no-config can't go together", "choose one")
        return settings.Settings()
    named = named or os.environ.get(f"{PREFIX}CONFIG")
    return settings.load(Path(named) if named else settings.find(given.get("source")))


def converted(param: click.Parameter, ctx: click.Context, setting: Setting) -> Any:
    """A value of a file as an option would take it; what is wrong with it is said with its line."""
    several = isinstance(setting.value, list)
    values = setting.value if several else [setting.value]
    try:
        if several and not param.multiple:
            raise click.BadParameter("expected one value, got a list")
        for value in values:
            param.type.convert(value, param, ctx)
        if param.callback is not None:
            param.callback(ctx, param, tuple(values) if param.multiple else setting.value)
    except click.BadParameter as error:
        key = next((key for key, name in CALLED.items() if name == param.name), param.name)
        raise UsageError(f"{setting.origin}: {key}: {error.message}") from None
    return values if param.multiple else setting.value


def listed(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> list[str]:
    """``("3.5,3.6", "3.8")`` → ``["3.5", "3.6", "3.8"]``."""
    parts = [part.strip() for value in given for part in value.split(",")]
    if not all(parts):
        raise click.BadParameter("a part of the list is empty")
    return parts


def _headers(
    ctx: click.Context, param: click.Parameter, given: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    """``("Name: value",)`` → ``(("Name", "value"),)``. A value may be a secret: never repeat it."""
    headers = []
    for text in given:
        name, colon, value = text.partition(":")
        if not colon or not name.strip():
            raise click.BadParameter("expected 'Name: value'")
        headers.append((name.strip(), value.strip()))
    return tuple(headers)


_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


class Size(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A number of bytes: ``500M``, ``1.5G``, ``2GiB``."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """``500M`` → 524288000."""
        if isinstance(value, int):
            return value
        match = re.fullmatch(r"(\d{1,12}(?:\.\d{1,6})?)\s*([kmgt]?)(?:i?b)?", value.strip().lower())
        size = int(float(match[1]) * _UNITS[match[2]]) if match is not None else 0
        if size < 1:
            self.fail(f"{value!r} is no size; write 500M, or 2G", param, ctx)
        return size


def _token(ctx: click.Context, param: click.Parameter, given: str | None) -> str | None:
    """The token that an environment variable or a file holds. It is never repeated."""
    if given is None:
        return None
    if param.name == "token_file":
        try:
            token = Path(given).read_text("utf-8").strip()
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "it is no text"
            raise click.BadParameter(f"cannot read {given!r}: {why.lower()}") from None
    else:
        token = os.environ.get(given, "").strip()
    if not token:
        raise click.BadParameter(f"{given!r} holds no token")
    return token


def _seconds(ctx: click.Context, param: click.Parameter, given: float | None) -> float | None:
    if given is not None and not 0 < given <= A_DAY:  # NaN is neither
        raise click.BadParameter("expected more than 0 seconds, and no more than a day")
    return given


def together(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several options as one decorator, in their order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


MAAS = click.option(
    "--maas",
    callback=listed,
    multiple=True,
    metavar="LINES",
    shell_complete=completion.release_lines,
    help="MAAS release lines, like 3.6 or 3.5,3.8; repeatable. Default: all that are known.",
)
KEYRING = click.option(
    "--keyring",
    metavar="FILE",
    shell_complete=completion.source,
    help="The boot source's keyring. Default: none is configured in MAAS either.",
)
FETCH = together(
    click.option(
        "--header",
        "headers",
        callback=_headers,
        multiple=True,
        metavar="'NAME: VALUE'",
        help="Send a header to the stream's server; repeatable. ~/.netrc is read too.",
    ),
    click.option(
        "--token-env",
        callback=_token,
        metavar="NAME",
        help="An environment variable that holds a bearer token for the stream's server.",
    ),
    click.option(
        "--token-file",
        callback=_token,
        metavar="FILE",
        shell_complete=completion.source,
        help="A file that holds such a token.",
    ),
    click.option(
        "--ca-bundle",
        metavar="FILE",
        shell_complete=completion.source,
        help="Certificates to trust instead of the system's.",
    ),
    click.option(
        "--timeout",
        type=float,
        callback=_seconds,
        metavar="SECONDS",
        help="For a connection, and each silence of the server.  [default: 20]",
    ),
    click.option(
        "--max-redirects",
        type=click.IntRange(min=0),
        metavar="N",
        help="Redirects to follow for a document.  [default: 5]",
    ),
)
FILES = together(
    click.option(
        "--files",
        "mode",
        type=click.Choice(MODES),
        help="How closely image files are looked at: not at all; whether they are there, as long "
        "and of the kind they should be; or their checksums, too.  [default: download for a "
        "directory, head for a URL]",
    ),
    click.option(
        "--only",
        multiple=True,
        metavar="GLOB",
        help="Look only at the files of products with such names; repeatable.",
    ),
    click.option("--all-versions", is_flag=True, help="Look at the files of older versions, too."),
    click.option(
        "--jobs",
        type=click.IntRange(1, 128),
        metavar="N",
        help="Files at once.  [default: one a core, 8 for a URL]",
    ),
    click.option(
        "--limit-rate",
        type=Size(),
        metavar="SIZE",
        help="Bytes a second for all downloads together, like 10M.",
    ),
    click.option(
        "--max-download",
        type=Size(),
        metavar="SIZE",
        help="Begin no download that would lead beyond this, like 5G.",
    ),
    click.option(
        "--keep",
        metavar="DIR",
        shell_complete=completion.folder,
        help="Keep downloaded files that are as they should be.",
    ),
    click.option(
        "--no-cache", is_flag=True, help="Neither use nor keep the checksums of earlier runs."
    ),
    click.option(
        "--verbose", is_flag=True, help="Tell how far the files are where there is no terminal."
    ),
)
RULES = together(
    click.option(
        "--select",
        callback=listed,
        multiple=True,
        metavar="CODES",
        shell_complete=completion.rules,
        help="Only these rules: codes, prefixes like MSL4, or names; repeatable.",
    ),
    click.option(
        "--ignore",
        callback=listed,
        multiple=True,
        metavar="CODES",
        shell_complete=completion.rules,
        help="Not these rules.",
    ),
)
SEVERITY = click.option(
    "--severity",
    type=click.Choice(SEVERITIES),
    default="unusable",
    show_default=True,
    help="Exit 1 if a finding at or above this is there, or left.",
)
FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For people, or for programs.",
)
CONFIG = together(
    click.option(
        "--config",
        metavar="FILE",
        expose_value=False,
        help="The configuration.  [default: maas-stream-lint.toml or pyproject.toml, above a local "
        "SOURCE or here]",
    ),
    click.option("--no-config", is_flag=True, expose_value=False, help="Read no such file."),
)
OUTPUT = click.option(
    "--output",
    metavar="FILE",
    shell_complete=completion.source,
    help="Write the result to a file, at once or not at all.",
)


class Form(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A form of the report, and the file that it goes to: ``sarif=out.sarif``, ``text``."""

    name = "form"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """``sarif=out.sarif`` → its Target."""
        from maas_stream_lint.report.formats import FORMATS, Target

        if not isinstance(value, str):
            return value
        form, equals, file = value.partition("=")
        if form not in FORMATS:
            self.fail(f"{form!r} is none of {', '.join(FORMATS)}", param, ctx)
        if equals and not file:
            self.fail(f"{value!r} names no file", param, ctx)
        return Target(form, file or None)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        """The names that begin so."""
        from maas_stream_lint.report.formats import FORMATS

        return [
            click.shell_completion.CompletionItem(f) for f in FORMATS if f.startswith(incomplete)
        ]


class FormOption(click.Option):
    """Names the forms in its help, which are not known before they are asked for."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The option's lines in ``--help``."""
        from maas_stream_lint.report.formats import FORMATS

        self.help = (
            f"{', '.join(FORMATS)}; to a file, or to standard output. Repeatable: "
            "--format sarif=out.sarif --format text.  [default: text; inside GitHub Actions "
            "github, too]"
        )
        return super().get_help_record(ctx)


FORMS = click.option(
    "--format", "forms", cls=FormOption, type=Form(), multiple=True, metavar="FORM[=FILE]"
)
