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

from maas_stream_lint import __version__
from maas_stream_lint.errors import LintError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from maas_stream_lint.api import Report
    from maas_stream_lint.images.progress import Progress
    from maas_stream_lint.images.seen import FileOptions
    from maas_stream_lint.source import FetchOptions

    Command = TypeVar("Command", bound=Callable[..., Any])

EXIT_FINDINGS, EXIT_FAILED, EXIT_INTERRUPTED = 1, 2, 130
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
    help="MAAS release lines, like 3.6 or 3.5,3.8; repeatable. Default: all that are known.",
)
_keyring = click.option(
    "--keyring",
    metavar="FILE",
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
        "--token-file", callback=_token, metavar="FILE", help="A file that holds such a token."
    ),
    click.option(
        "--ca-bundle", metavar="FILE", help="Certificates to trust instead of the system's."
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
_output = click.option(
    "--output", metavar="FILE", help="Write the result to a file, at once or not at all."
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


@main.command()
@click.argument("source")
@_options(_maas, _keyring)
@click.option(
    "--select",
    callback=_listed,
    multiple=True,
    metavar="CODES",
    help="Only these rules: codes, prefixes like MSL4, or names; repeatable.",
)
@click.option("--ignore", callback=_listed, multiple=True, metavar="CODES", help="Not these rules.")
@click.option(
    "--severity",
    type=click.Choice(SEVERITIES),
    default="unusable",
    show_default=True,
    help="Exit 1 if there is a finding at or above this.",
)
@click.option(
    "--fix", "mend", is_flag=True, help="First make all safe edits in place, like `fix --in-place`."
)
@_options(_files, _format, _output, _fetch)
def check(
    source: str,
    maas: list[str],
    keyring: str | None,
    select: list[str],
    ignore: list[str],
    severity: str,
    mend: bool,
    form: str,
    output: str | None,
    **more: Any,
) -> None:
    """Say what is wrong with a stream, for which MAAS, and what to do about it.

    Exit code 0: nothing at or above --severity. 1: findings. 2: the check could not be made, or
    not of all metadata. 130: stopped before all files were looked at.
    """
    from maas_stream_lint import api
    from maas_stream_lint import output as out
    from maas_stream_lint.finding import Severity

    out.check_target(output)
    report = api.check(
        source,
        maas or None,
        keyring,
        select=select,
        ignore=ignore,
        files=_file_options(more),
        progress=_progress(verbose=more.pop("verbose")),
        options=_fetch_options(more),
    )
    if mend:
        report = _mended(report, select, ignore)
    threshold = Severity[severity.upper()]
    if form == "json":
        from maas_stream_lint.report import json_

        text = json_.render(report.to_dict())
    else:
        from maas_stream_lint.report import text as text_

        text = text_.render(report, threshold, out.style(output))
    out.write(text, output)
    if report.look.survey is not None and report.look.survey.interrupted:
        sys.exit(EXIT_INTERRUPTED)
    if report.worst is not None and report.worst >= threshold:
        sys.exit(EXIT_FINDINGS)
    if report.look.stream.incomplete:
        raise LintError("some metadata was too much to be read, and nothing is known of it")


@main.command()
@click.argument("source")
@_options(_maas, _keyring)
@click.option("--log", is_flag=True, help="Show the log that MAAS would write, too.")
@_options(_format, _output, _fetch)
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


@main.command()
@click.argument("source")
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
    "--output", "target", metavar="DIR", help="Write the whole mended tree of metadata there."
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
@_options(_format, _fetch)
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


@main.command()
@click.argument("words", metavar="CODE|NAME|LOG-LINE", nargs=-1, required=True)
@click.option("--source", help="Show what causes the line, or breaks the rule, in this stream.")
@_options(_maas, _keyring, _fetch)
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
