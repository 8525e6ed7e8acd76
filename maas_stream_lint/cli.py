"""The command line: parses, wires, exits.

Only click is imported at the top, so that ``--version`` and ``--help`` answer at once.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from maas_stream_lint import __version__, completion
from maas_stream_lint.errors import LintError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from maas_stream_lint.api import Report
    from maas_stream_lint.baseline import Comparison
    from maas_stream_lint.finding import Severity
    from maas_stream_lint.images.progress import Progress
    from maas_stream_lint.images.seen import FileOptions
    from maas_stream_lint.report.formats import Target
    from maas_stream_lint.settings import Setting, Settings
    from maas_stream_lint.source import FetchOptions

    Command = TypeVar("Command", bound=Callable[..., Any])

#: So many findings that a baseline has and a stream has not are named.
_MOST_GONE = 10
EXIT_FINDINGS, EXIT_FAILED, EXIT_INTERRUPTED = 1, 2, 130  # as in report/verdict.py
A_DAY = 86_400.0
MODES = ("none", "head", "download")
SEVERITIES = ("fatal", "ignored", "unusable", "warning", "info")


class Program(click.Group):
    """A group whose failures are one line on standard error, and exit code 2."""

    def invoke(self, ctx: click.Context) -> None:
        """Run a command. A traceback is shown with ``--debug`` only."""
        try:
            super().invoke(ctx)
            return
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            ctx.exit(EXIT_INTERRUPTED)
        except LintError as error:
            _complain(f"error: {error}")
        except Exception as error:  # noqa: BLE001 - a crash is our bug, and says so in one line
            if ctx.params.get("debug"):
                import traceback

                traceback.print_exc()
            _complain(
                f"error: {type(error).__name__}: {_short(str(error))}: this is a bug in "
                f"maas-stream-lint {__version__}, not in your stream (please report it, with the "
                "traceback that `maas-stream-lint --debug` shows)"
            )
        ctx.exit(EXIT_FAILED)


#: Keys of a configuration whose parameters are called otherwise.
_CALLED = {"files": "mode", "format": "forms"}
_PREFIX = "MAAS_STREAM_LINT_"


class Configured(click.Command):
    """A command whose options have values from the environment and a file, too."""

    def __init__(self, *args: Any, **more: Any) -> None:
        """Name the environment variables."""
        super().__init__(*args, **more)
        for param in self.params:
            if (key := self.key_of(param)) is not None:
                param.envvar = _PREFIX + key.upper()

    def key_of(self, param: click.Parameter) -> str | None:
        """The key of the configuration that is about an option."""
        key = next((key for key, name in _CALLED.items() if name == param.name), param.name)
        return key if key in _SETTINGS else None

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Look for the file first, as it says what the options' defaults are."""
        given = self.make_parser(ctx).parse_args(list(args))[0]
        help_option = self.get_help_option(ctx)
        helps = help_option is not None and given.get(help_option.name) is True
        if not helps and not ctx.resilient_parsing:
            said = {name: v for name, v in given.items() if isinstance(v, (str, bool))}
            ctx.obj = _settings(said)
            ctx.default_map = self._defaults(ctx, ctx.obj.of(said.get("source")))
        return super().parse_args(ctx, args)

    def _defaults(self, ctx: click.Context, values: dict[str, Setting]) -> dict[str, Any]:
        found = {}
        for param in self.params:
            key = self.key_of(param)
            if key in values:
                found[str(param.name)] = _converted(param, ctx, values[key])
        return found


#: As in `settings.KEYS`, which is not worth an import for `--help`.
_SETTINGS = (
    *("maas", "keyring", "select", "ignore", "severity"),
    *("format", "files", "only", "jobs", "timeout"),
)


def _settings(given: dict[str, Any]) -> Settings:
    from maas_stream_lint import settings

    named = given.get("config")
    if given.get("no_config"):
        if named:
            raise UsageError("--config and --no-config can't go together", "choose one")
        return settings.Settings()
    named = named or os.environ.get(f"{_PREFIX}CONFIG")
    return settings.load(Path(named) if named else settings.find(given.get("source")))


def _converted(param: click.Parameter, ctx: click.Context, setting: Setting) -> Any:
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
        key = next((key for key, name in _CALLED.items() if name == param.name), param.name)
        raise UsageError(f"{setting.origin}: {key}: {error.message}") from None
    return values if param.multiple else setting.value


def _listed(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> list[str]:
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


def _options(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


_maas = click.option(
    "--maas",
    callback=_listed,
    multiple=True,
    metavar="LINES",
    shell_complete=completion.release_lines,
    help="MAAS release lines, like 3.6 or 3.5,3.8; repeatable. Default: all that are known.",
)
_keyring = click.option(
    "--keyring",
    metavar="FILE",
    shell_complete=completion.source,
    help="The boot source's keyring. Default: none is configured in MAAS either.",
)
_fetch = _options(
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
_files = _options(
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
_format = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For people, or for programs.",
)
_config = _options(
    click.option(
        "--config",
        metavar="FILE",
        expose_value=False,
        help="The configuration.  [default: maas-stream-lint.toml or pyproject.toml, above a local "
        "SOURCE or here]",
    ),
    click.option("--no-config", is_flag=True, expose_value=False, help="Read no such file."),
)
_output = click.option(
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


_formats = click.option(
    "--format", "forms", cls=FormOption, type=Form(), multiple=True, metavar="FORM[=FILE]"
)


@click.group(
    cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80}
)
@click.version_option(__version__, prog_name="maas-stream-lint")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def main(debug: bool) -> None:
    """Say exactly what MAAS will do with an image stream, and why.

    SOURCE is a directory that holds streams/v1, the path of an index or products file, or an
    http(s) URL as MAAS is given it.
    """


@main.command(cls=Configured)
@click.argument("source", required=False, shell_complete=completion.source)
@_options(_maas, _keyring)
@click.option(
    "--select",
    callback=_listed,
    multiple=True,
    metavar="CODES",
    shell_complete=completion.rules,
    help="Only these rules: codes, prefixes like MSL4, or names; repeatable.",
)
@click.option(
    "--ignore",
    callback=_listed,
    multiple=True,
    metavar="CODES",
    shell_complete=completion.rules,
    help="Not these rules.",
)
@click.option(
    "--severity",
    type=click.Choice(SEVERITIES),
    default="unusable",
    show_default=True,
    help="Exit 1 if there is a finding at or above this.",
)
@click.option(
    "--baseline", metavar="FILE", help="Findings that this file holds are known and do not count."
)
@click.option(
    "--write-baseline",
    metavar="FILE",
    help="Write all findings to such a file; with --baseline, those of it that are still there.",
)
@click.option(
    "--fix", "mend", is_flag=True, help="First make all safe edits in place, like `fix --in-place`."
)
@_options(_files, _formats, _output, _fetch, _config)
def check(
    source: str | None,
    forms: tuple[Target, ...],
    output: str | None,
    baseline: str | None,
    write_baseline: str | None,
    **given: Any,
) -> None:
    """Say what is wrong with a stream, for which MAAS, and what to do about it.

    Without SOURCE all that the configuration lists are checked.

    Exit code 0: nothing at or above --severity. 1: findings. 2: the check could not be made, or
    not of all metadata. 130: stopped before all files were looked at. Of several sources the worst
    counts.
    """
    from maas_stream_lint import output as out
    from maas_stream_lint.report.verdict import exit_code

    runs = _runs(click.get_current_context(), source, given)
    targets = _targets(forms, output, several=len(runs) > 1)
    if write_baseline is not None:
        out.check_target(write_baseline)
    known = _comparison(baseline)
    reports, thresholds, failed = _reports(runs, alone=source is not None)
    reports = _settled(reports, whole=source is None)
    if write_baseline is not None and known is None:
        known = _recorded(reports, write_baseline)
    if known is not None:
        reports = _new_to(known, reports, baseline)
    codes = [exit_code(*pair) for pair in zip(reports, thresholds, strict=True)]
    incomplete = any(report.look.stream.incomplete for report in reports)
    whole = not (failed or incomplete or EXIT_INTERRUPTED in codes)
    if whole and write_baseline is not None and known is not None:
        out.write(known.rest().render(), write_baseline)
    _write(reports, thresholds, targets, alone=source is not None)
    if EXIT_FAILED in codes:
        _complain("error: some metadata was too much to be read, and nothing is known of it")
    sys.exit(max([*codes, EXIT_FAILED * failed]))


def _runs(ctx: click.Context, source: str | None, given: dict[str, Any]) -> list[dict[str, Any]]:
    """The values of all options for each source: a listed one has some of its own."""
    if source is not None:
        return [{**given, "source": source}]
    if not ctx.obj.sources:
        raise UsageError("no source is named", "name one, or list `sources` in a configuration")
    params = {param.name: param for param in ctx.command.params}
    default = (click.core.ParameterSource.DEFAULT, click.core.ParameterSource.DEFAULT_MAP)
    runs = []
    for listed in ctx.obj.sources:
        own = {}
        for key, setting in listed.values.items():
            name = _CALLED.get(key, key)
            if ctx.get_parameter_source(name) in default:
                _converted(params[name], ctx, setting)
                many = isinstance(given[name], tuple)
                own[name] = tuple(setting.value) if many else setting.value
        runs.append({**given, **own, "source": listed.source})
    return runs


def _reports(
    runs: list[dict[str, Any]], *, alone: bool
) -> tuple[list[Report], list[Severity], bool]:
    """A report on each source with its threshold, and whether one could not be checked."""
    from maas_stream_lint.finding import Severity
    from maas_stream_lint.report.verdict import exit_code

    reports: list[Report] = []
    thresholds = []
    failed = False
    for run in runs:
        try:
            reports.append(_report(run))
        except LintError as error:
            if alone:
                raise
            _complain(f"error: {run['source']}: {error}")
            failed = True
        else:
            thresholds.append(Severity[run["severity"].upper()])
            if exit_code(reports[-1], thresholds[-1]) == EXIT_INTERRUPTED:
                break
    return reports, thresholds, failed


def _report(run: dict[str, Any]) -> Report:
    from maas_stream_lint import api

    given = dict(run)
    source, maas, keyring, select, ignore, mend, verbose = map(
        given.pop, ("source", "maas", "keyring", "select", "ignore", "mend", "verbose")
    )
    del given["severity"]
    report = api.check(
        source,
        maas or None,
        keyring,
        select=select,
        ignore=ignore,
        files=_file_options(given),
        progress=_progress(verbose=verbose),
        options=_fetch_options(given),
    )
    return _mended(report, select, ignore) if mend else report


def _settled(reports: list[Report], *, whole: bool) -> list[Report]:
    """The reports as the configuration wants them."""
    from datetime import datetime, timezone

    from maas_stream_lint.settings import apply_settings

    settings = click.get_current_context().obj
    today = datetime.now(timezone.utc).date()
    whole = whole or not settings.sources
    reports, notices = apply_settings(reports, settings, today, whole=whole)
    for notice in notices:
        _complain(f"notice: {notice}")
    return reports


def _comparison(path: str | None) -> Comparison | None:
    if path is None:
        return None
    from maas_stream_lint import baseline

    return baseline.Comparison(baseline.read(path), Path(path).absolute().parent)


def _recorded(reports: list[Report], path: str) -> Comparison:
    from maas_stream_lint import baseline

    folder = Path(path).absolute().parent
    return baseline.Comparison(baseline.of(reports, folder), folder)


def _new_to(known: Comparison, reports: list[Report], path: str | None) -> list[Report]:
    """The reports with only what is new; what is gone is said."""
    reports, gone = known.compare(reports)
    for one in gone[:_MOST_GONE]:
        _complain(f"notice: gone from {path}: {one}")
    if gone:
        more = f"{len(gone) - _MOST_GONE:,} more are gone; " if len(gone) > _MOST_GONE else ""
        _complain(f"notice: {more}--write-baseline {path} takes them out of the file")
    return reports


@main.command(cls=Configured)
@click.argument("source", shell_complete=completion.source)
@_options(_maas, _keyring)
@click.option("--log", is_flag=True, help="Show the log that MAAS would write, too.")
@_options(_format, _output, _fetch, _config)
def preview(
    source: str,
    maas: list[str],
    keyring: str | None,
    log: bool,
    form: str,
    output: str | None,
    **fetch: Any,
) -> None:
    """Show what each MAAS release would make of a stream.

    Which products it imports, the boot resources that result, and the log it writes. Exit code 2:
    the preview could not be made.
    """
    from maas_stream_lint import api
    from maas_stream_lint import output as out

    out.check_target(output)
    options = _fetch_options(fetch)
    lines = maas or None
    if form == "json":
        from maas_stream_lint.report import json_

        text = json_.render(api.preview(source, lines, keyring, options=options).to_dict())
    else:
        from maas_stream_lint.report import preview as preview_

        report = api.check(source, lines, keyring, options=options, files="none")
        text = preview_.render(report, out.style(output), log=log)
    out.write(text, output)


@main.command(cls=Configured)
@click.argument("source", shell_complete=completion.source)
@_options(_maas, _keyring)
@click.option(
    "--select",
    callback=_listed,
    multiple=True,
    metavar="CODES",
    help="Only mend what these rules find, as for `check`.",
)
@click.option("--ignore", callback=_listed, multiple=True, metavar="CODES", help="Not these rules.")
@click.option("--in-place", is_flag=True, help="Edit the tree itself, which has to be a directory.")
@click.option("--diff", "as_diff", is_flag=True, help="Only print the edits as a unified diff.")
@click.option("--dry-run", is_flag=True, help="Only list the edits. This is the default.")
@click.option(
    "--output",
    "target",
    metavar="DIR",
    shell_complete=completion.folder,
    help="Write the whole mended tree of metadata there.",
)
@click.option("--with-files", is_flag=True, help="With --output: link or copy image files, too.")
@click.option("--no-backup", is_flag=True, help="With --in-place: keep no *.orig of what changes.")
@click.option(
    "--unsafe",
    is_flag=True,
    help="Also make edits that may be wrong: checksums that differ from the file, a products file "
    "split by kind, versions renamed.",
)
@click.option(
    "--drop-broken", is_flag=True, help="Also take out products and versions that block others."
)
@click.option(
    "--as",
    "as_os",
    metavar="OS",
    help="Make what MAAS drops for its name a product of this os: ubuntu, rhel, …",
)
@click.option("--sign", metavar="KEYID", help="Sign all metadata with this key of gpg's.")
@click.option(
    "--severity",
    type=click.Choice(SEVERITIES),
    default="unusable",
    show_default=True,
    help="Exit 1 if a finding at or above this is left.",
)
@_options(_format, _fetch, _config)
def fix(
    source: str,
    maas: list[str],
    keyring: str | None,
    select: list[str],
    ignore: list[str],
    in_place: bool,
    as_diff: bool,
    dry_run: bool,
    target: str | None,
    with_files: bool,
    no_backup: bool,
    unsafe: bool,
    drop_broken: bool,
    as_os: str | None,
    sign: str | None,
    severity: str,
    form: str,
    **fetch: Any,
) -> None:
    """Mend a stream's metadata, each edit with its reason.

    Edits are made only if a new check shows that they do good. Exit code 0: nothing at or above
    --severity is left. 1: something is. 2: it could not be done; nothing was written.
    """
    from maas_stream_lint import output as out
    from maas_stream_lint.finding import Severity
    from maas_stream_lint.mending import choice, plan, publish

    ways = {"--in-place": in_place, "--output": target, "--diff": as_diff, "--dry-run": dry_run}
    given = [name for name, value in ways.items() if value]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} can't go together", "choose one")
    if with_files and target is None:
        raise UsageError("--with-files goes with --output", "give --output DIR")
    if no_backup and not in_place:
        raise UsageError("--no-backup goes with --in-place", "leave it out")
    out.check_target(None)
    signer = _signer(sign)
    rules = _names_of_rules(select, ignore)
    report = _checked(source, maas, keyring, fetch)
    planned = plan.fix(
        report,
        unsafe,
        drop_broken,
        signs=signer is not None,
        only=rules if select or ignore else None,
        first=choice.proposals(as_os) if as_os is not None else None,
    )
    done = None
    if target is not None or (in_place and (planned.files or signer)):
        where = publish.apply(
            planned, target, sign=signer, backup=not no_backup, with_files=with_files
        )
        done = out.printable_path(where)
        if signer is not None:
            planned = publish.seen_signed(planned, where)
    planned = plan.of_rules(planned, rules)
    threshold = Severity[severity.upper()]
    if form == "json":
        from maas_stream_lint.report import json_

        text = json_.render(planned.to_dict())
    elif as_diff:
        text = plan.diff_of(planned)
    else:
        from maas_stream_lint.report import mending

        text = mending.render(planned, choice.choices(report), threshold, out.style(None), done)
    out.write(text, None)
    if planned.after.worst is not None and planned.after.worst >= threshold:
        sys.exit(EXIT_FINDINGS)


def _targets(forms: Sequence[Target], output: str | None, *, several: bool = False) -> list[Target]:
    """Where each form goes. Raises UsageError before any work is done for nothing."""
    from maas_stream_lint import output as out
    from maas_stream_lint.report.formats import Target
    from maas_stream_lint.report.several import SEVERAL

    given = list(forms)
    if not given:
        given = [Target("text")]
        if os.environ.get("GITHUB_ACTIONS") == "true":
            given.append(Target("github"))
    loose = [target for target in given if target.file is None]
    if len(loose) > 1 and forms:
        names = " and ".join(target.form for target in loose)
        raise UsageError(f"{names} can't share one output", "name files: --format FORM=FILE")
    if output is not None and not loose:
        raise UsageError("--output has no format to go with", "each has a file of its own")
    first = loose[0] if loose else None
    targets = [target._replace(file=output) if target is first else target for target in given]
    files = [os.path.realpath(target.file) for target in targets if target.file is not None]
    if len(set(files)) < len(files):
        raise UsageError("two formats can't share one file", "name another file for one of them")
    for target in targets:
        out.check_target(target.file)
        if several and target.form not in SEVERAL:
            raise UsageError(f"{target.form} can't hold several sources", "name one")
    return targets


def _write(
    reports: Sequence[Report],
    thresholds: Sequence[Severity],
    targets: Sequence[Target],
    *,
    alone: bool,
) -> None:
    """Write reports in all forms; to files first, so that they are there whoever reads.

    ``alone``: there is one report, which is not the only one of a list.
    """
    from maas_stream_lint import output as out
    from maas_stream_lint.report.formats import FORMATS
    from maas_stream_lint.report.several import SEVERAL

    pairs = list(zip(reports, thresholds, strict=True))
    beside = [target.form for target in targets if target.file is None]
    for form, file in sorted(targets, key=lambda target: target.file is None):
        known = FORMATS[form]
        style = out.style(file) if known.colour else out.Style()
        texts = [known.render(report, threshold, style) for report, threshold in pairs]
        text = texts[0] if alone else SEVERAL[form](texts)
        if file is None and len(beside) > 1 and form != "github":
            import secrets

            from maas_stream_lint.report.github import guarded

            text = guarded("".join(text), secrets.token_hex(16))
        out.write(text, file)
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary and any(target.form == "github" for target in targets):
        from maas_stream_lint.report import github

        room = github.MAX_SUMMARY // max(1, len(pairs))
        for report, threshold in pairs:
            out.append(github.summary(report, threshold, room), summary)


def _mended(report: Report, select: list[str], ignore: list[str]) -> Report:
    """Make the safe edits of the rules that are looked at, and say what is left."""
    from maas_stream_lint.mending import plan, publish

    rules = _names_of_rules(select, ignore)
    planned = plan.fix(report, only=rules)
    if planned.files:
        publish.apply(planned)
    for edit in planned.edits:
        _complain(f"mended {edit.code} {edit.name}: {edit.what}")
        if edit.warning is not None:
            _complain(f"but {edit.warning}")
    return plan.of_rules(planned, rules).after


def _names_of_rules(select: list[str], ignore: list[str]) -> frozenset[str]:
    from maas_stream_lint.checks import all_rules
    from maas_stream_lint.rule import selected

    return frozenset(rule.name for rule in selected(all_rules(), select, ignore))


def _checked(source: str, maas: list[str], keyring: str | None, fetch: dict[str, Any]) -> Report:
    from maas_stream_lint import api

    options = _fetch_options(fetch)
    return api.check(
        source, maas or None, keyring, options=options, progress=_progress(verbose=False)
    )


def _signer(key: str | None) -> Any:
    if key is None:
        return None
    from maas_stream_lint.mending.signing import Gpg

    return Gpg(key)


@main.command()
@_format
def rules(form: str) -> None:
    """List the rules."""
    from maas_stream_lint import output as out
    from maas_stream_lint.checks import all_rules

    out.check_target(None)
    if form == "json":
        from maas_stream_lint.report import json_

        text = json_.render(json_.rules(all_rules()))
    else:
        from maas_stream_lint.report import explain as explain_

        text = explain_.rules(all_rules(), out.style(None))
    out.write(text, None)


@main.command(cls=Configured)
@click.argument(
    "words",
    metavar="CODE|NAME|LOG-LINE",
    nargs=-1,
    required=True,
    shell_complete=completion.rules,
)
@click.option(
    "--source",
    shell_complete=completion.source,
    help="Show what causes the line, or breaks the rule, in this stream.",
)
@_options(_maas, _keyring, _fetch, _config)
def explain(
    words: tuple[str, ...],
    source: str | None,
    maas: list[str],
    keyring: str | None,
    **fetch: Any,
) -> None:
    """Explain a rule, or a line pasted from MAAS's log.

    Paste the line as it is, with its time stamp and logger; best in quotes. Several lines are
    explained one after the other.
    """
    from maas_stream_lint import api, loglines
    from maas_stream_lint import output as out
    from maas_stream_lint.checks import all_rules
    from maas_stream_lint.report import explain as explain_

    out.check_target(None)
    known = all_rules()
    what = " ".join(words)
    rule = next((r for r in known if what.strip().lower() in (r.code.lower(), r.name)), None)
    matches = [] if rule is not None else loglines.recognise_all(what)
    if rule is None and not matches:
        raise UsageError(
            f"no rule and no line of MAAS's log: {_short(what)}", _nearest(what, known)
        )
    report = None
    if source is not None:
        report = api.check(
            source,
            maas or None,
            keyring,
            options=_fetch_options(fetch),
            progress=_progress(verbose=False),
        )
    if rule is not None:
        text = explain_.rule_page(rule, report, out.style(None))
    else:
        pages = [explain_.log_page(match, known, report, out.style(None)) for match in matches]
        text = "\n\n".join(pages)
    out.write(text, None)


@main.command(
    cls=Configured,
    params=[p for p in check.params if p.name == "source" or (p.envvar and p.name != "forms")],
)
@_options(_format, _config)
def config(source: str | None, form: str, **given: Any) -> None:
    """Show all settings of `check`, the value of each, and where it is from.

    A flag goes before an environment variable, that before the file; in the file, what it says of
    SOURCE before what it says of all.
    """
    from maas_stream_lint import output as out
    from maas_stream_lint.report import config as config_

    out.check_target(None)
    ctx = click.get_current_context()
    said = config_.described(ctx.obj, _told(ctx, ctx.obj.of(source), given))
    if form == "json":
        from maas_stream_lint.report import json_

        text = json_.render(said)
    else:
        text = config_.render(said)
    out.write(text, None)


def _told(
    ctx: click.Context, values: dict[str, Setting], given: dict[str, Any]
) -> Iterator[tuple[str, Any, str | Setting | None]]:
    """Key, value and origin of each setting: the name of what says so, a file, or nothing."""
    from click.core import ParameterSource

    forms = next(p for p in check.params if p.name == "forms")
    for key in _SETTINGS:
        variable, setting = f"{_PREFIX}{key.upper()}", values.get(key)
        if key == "format":
            # Here, the option of that name is about something else.
            said = forms.resolve_envvar_value(ctx)
            written = _converted(forms, ctx, setting) if setting is not None else None
            yield key, said.split() if said else written, variable if said else setting
            continue
        name = _CALLED.get(key, key)
        origin = ctx.get_parameter_source(name)
        if origin is ParameterSource.COMMANDLINE:
            yield key, given[name], f"--{key}"
        elif origin is ParameterSource.ENVIRONMENT:
            yield key, given[name], variable
        else:
            yield key, given[name], setting


def _fetch_options(given: dict[str, Any]) -> FetchOptions:
    from maas_stream_lint.source import FetchOptions

    tokens = [given.pop(name, None) for name in ("token_env", "token_file")]
    said = {name: value for name, value in given.items() if value not in (None, ())}
    for token in filter(None, tokens):
        said["headers"] = (*said.get("headers", ()), ("Authorization", f"Bearer {token}"))
    return FetchOptions(**said)


def _file_options(given: dict[str, Any]) -> FileOptions:
    """Those of the options that are about image files; they are taken out of ``given``."""
    from maas_stream_lint.images.seen import FileOptions

    names = ("mode", "only", "all_versions", "jobs", "limit_rate", "max_download", "keep")
    said = {name: given.pop(name) for name in names}
    return FileOptions(**said, cache=not given.pop("no_cache"))


def _progress(*, verbose: bool) -> Progress | None:
    """Who is told how far the files are: a terminal, or, if asked for, a log."""
    if sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        from maas_stream_lint.report.progress import Bar

        return Bar()
    if verbose:
        from maas_stream_lint.report.progress import Lines

        return Lines()
    return None


def _short(text: str) -> str:
    shown = " ".join(text.split())
    return repr(shown if len(shown) <= 60 else shown[:59] + "…")


def _nearest(what: str, known: Sequence[Any]) -> str:
    import difflib

    near = difflib.get_close_matches(what.strip().lower(), [r.name for r in known], n=3, cutoff=0.5)
    if not near:
        return "see `maas-stream-lint rules`, or paste one whole line of the log"
    return f"did you mean {' or '.join(near)}?"


def _complain(line: str) -> None:
    from maas_stream_lint.output import clean

    click.echo(clean(" ".join(line.split())), err=True)
