"""The command line: parses, wires, exits.

Only click is imported at the top, so that ``--version`` and ``--help`` answer at once.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from maas_stream_lint import __version__, completion
from maas_stream_lint.errors import LintError, UsageError
from maas_stream_lint.options import (
    CALLED,
    CONFIG,
    FETCH,
    FILES,
    FORMAT,
    FORMS,
    KEYRING,
    MAAS,
    OUTPUT,
    PREFIX,
    RULES,
    SETTINGS,
    SEVERITY,
    Configured,
    converted,
    together,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from maas_stream_lint.api import Report
    from maas_stream_lint.baseline import Comparison
    from maas_stream_lint.finding import Severity
    from maas_stream_lint.images.observation import FileOptions
    from maas_stream_lint.images.progress import Progress
    from maas_stream_lint.report.formats import Target
    from maas_stream_lint.settings import Setting
    from maas_stream_lint.source import FetchOptions

    Command = TypeVar("Command", bound=Callable[..., Any])

#: So many findings that a baseline has and a stream has not are named.
_MOST_GONE = 10
EXIT_FINDINGS, EXIT_FAILED, EXIT_INTERRUPTED = 1, 2, 130  # as in report/verdict.py


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
@together(MAAS, KEYRING, RULES, SEVERITY)
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
@together(FILES, FORMS, OUTPUT, FETCH, CONFIG)
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
    for named in ctx.obj.sources:
        own = {}
        for key, setting in named.values.items():
            name = CALLED.get(key, key)
            if ctx.get_parameter_source(name) in default:
                converted(params[name], ctx, setting)
                many = isinstance(given[name], tuple)
                own[name] = tuple(setting.value) if many else setting.value
        runs.append({**given, **own, "source": named.source})
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
@together(MAAS, KEYRING)
@click.option("--log", is_flag=True, help="Show the log that MAAS would write, too.")
@together(FORMAT, OUTPUT, FETCH, CONFIG)
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
@together(MAAS, KEYRING, RULES, SEVERITY)
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
@together(FORMAT, FETCH, CONFIG)
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
    from maas_stream_lint.fixing import choice, plan, publish

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
        from maas_stream_lint.report import edits

        text = edits.render(planned, choice.choices(report), threshold, out.style(None), done)
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
    from maas_stream_lint.fixing import plan, publish

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
    from maas_stream_lint.fixing.signing import Gpg

    return Gpg(key)


@main.command()
@FORMAT
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
@together(MAAS, KEYRING, FETCH, CONFIG)
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
@together(FORMAT, CONFIG)
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
    for key in SETTINGS:
        variable, setting = f"{PREFIX}{key.upper()}", values.get(key)
        if key == "format":
            # Here, the option of that name is about something else.
            said = forms.resolve_envvar_value(ctx)
            written = converted(forms, ctx, setting) if setting is not None else None
            yield key, said.split() if said else written, variable if said else setting
            continue
        name = CALLED.get(key, key)
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
    from maas_stream_lint.images.observation import FileOptions

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
