"""The types of options' values, and the checks of these values."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from maas_stream_lint.names import SEVERITIES, SEVERITY_WORDS

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

A_DAY = 86_400.0


def listed(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> list[str]:
    """``("3.5,3.6", "3.8")`` → ``["3.5", "3.6", "3.8"]``."""
    parts = [part.strip() for value in given for part in value.split(",")]
    if not all(parts):
        raise click.BadParameter("the list has an empty part")
    return parts


def pair(ctx: click.Context, param: click.Parameter, given: str | None) -> tuple[str, str] | None:
    """``ubuntu/noble`` → ``("ubuntu", "noble")``."""
    if given is None:
        return None
    os, _, release = (part.strip() for part in given.partition("/"))
    if not os or not release or "/" in release:
        raise click.BadParameter("expected OS/RELEASE, like ubuntu/noble")
    return os, release


def headers(
    ctx: click.Context, param: click.Parameter, given: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    """``("Name: value",)`` → ``(("Name", "value"),)``. No message repeats a value."""
    made = []
    for text in given:
        name, colon, value = text.partition(":")
        if not colon or not name.strip():
            raise click.BadParameter("expected 'Name: value'")
        made.append((name.strip(), value.strip()))
    return tuple(made)


def one_keyring(ctx: click.Context, param: click.Parameter, given: Any) -> Any:
    """Either a keyring, or no keyring: a command line cannot say both."""
    other = "keyring" if param.name == "no_keyring" else "no_keyring"
    origins = [ctx.get_parameter_source(name) for name in (str(param.name), other)]
    if given and ctx.params.get(other) and origins == [ParameterSource.COMMANDLINE] * 2:
        raise click.BadParameter("--keyring and --no-keyring cannot be combined")
    return given


class Whole(click.IntRange):
    """A whole number whose bounds are told in words."""

    def _describe_range(self) -> str:
        """As click's help and errors show it."""
        return f"{self.min} or more" if self.max is None else f"{self.min} to {self.max}"


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
            self.fail(f"{value!r} is not a size; write 500M or 2G", param, ctx)
        return size


class Level(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A severity in upper or lower case, or another tool's word for one: ``error``, ``note``."""

    name = "severity"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """``ERROR`` → ``unusable``."""
        word = str(value).strip().lower()
        level = SEVERITY_WORDS.get(word, word)
        if level not in SEVERITIES:
            known = f"{', '.join(SEVERITIES)}; {', '.join(SEVERITY_WORDS)}"
            self.fail(f"{value!r} is not a severity; use one of {known}", param, ctx)
        return level

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The severities that begin with this text."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(word) for word in SEVERITIES if word.startswith(incomplete.lower())]


_AGES = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}


class Age(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A length of time: ``3d``, ``12h``, ``0``."""

    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """``12h`` → timedelta(hours=12)."""
        from datetime import timedelta

        if not isinstance(value, str):
            return value
        match = re.fullmatch(r"(\d{1,6})\s*([mhdw])|0", value.strip().lower())
        if match is None:
            self.fail(f"{value!r} is not a length of time; write 3d, 12h or 0", param, ctx)
        return timedelta(seconds=int(match[1]) * _AGES[match[2]] if match[1] else 0)


def token(ctx: click.Context, param: click.Parameter, given: str | None) -> str | None:
    """The token in an environment variable or a file.

    No message repeats the token or the value of the option: people give the token itself by
    mistake.
    """
    if given is None:
        return None
    if param.name == "token_file":
        from pathlib import Path

        try:
            held = Path(given).read_text("utf-8").strip()
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "it is not text"
            raise click.BadParameter(f"cannot read the file: {why.lower()}") from None
    else:
        held = os.environ.get(given, "").strip()
    if not held:
        what = "file" if param.name == "token_file" else "environment variable"
        raise click.BadParameter(f"there is no such {what}, or it holds no token")
    return held


def seconds(ctx: click.Context, param: click.Parameter, given: float | None) -> float | None:
    """A number of seconds, up to a day."""
    if given is not None and not 0 < given <= A_DAY:  # NaN is neither
        raise click.BadParameter("expected more than 0 seconds and at most a day")
    return given


class Form(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A format of the report, and the file that it goes to: ``sarif=out.sarif``, ``text``."""

    name = "form"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """``sarif=out.sarif`` → its Target."""
        if not isinstance(value, str):
            return value
        from maas_stream_lint.report.formats import FORMATS, Target

        form, equals, file = value.partition("=")
        if form not in FORMATS:
            self.fail(f"{form!r} is not a format; use one of {', '.join(FORMATS)}", param, ctx)
        if equals and not file:
            self.fail(f"{value!r} names no file", param, ctx)
        return Target(form, file or None)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The formats whose names begin with this text."""
        from click.shell_completion import CompletionItem

        from maas_stream_lint.report.formats import FORMATS

        return [CompletionItem(form) for form in FORMATS if form.startswith(incomplete)]


class FormOption(click.Option):
    """An option whose help names the formats when it is shown."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The option's lines in ``--help``."""
        from maas_stream_lint.report.formats import FORMATS

        self.help = (
            f"{', '.join(FORMATS)}. With =FILE to that file, otherwise to standard output. "
            "Repeatable: --format sarif=out.sarif --format text.  [default: text; in GitHub "
            "Actions also github]"
        )
        return super().get_help_record(ctx)
