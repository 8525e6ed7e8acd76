"""The command ``check``: what is wrong with streams, in all requested formats."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from maas_stream_lint.cli import completion
from maas_stream_lint.cli.asking import LIVE, asked, runs_of
from maas_stream_lint.cli.checked import TRUNCATED, checked, complain_of_unkept
from maas_stream_lint.cli.configured import CALLED, Configured, converted, is_default
from maas_stream_lint.cli.console import complain, leave, notice, said
from maas_stream_lint.cli.one_maas import UnreadBesideError, in_one_maas, with_settings
from maas_stream_lint.cli.options import (
    BESIDE,
    COLOR,
    CONFIG,
    EXIT_ZERO,
    FETCH,
    FILES,
    FORMS,
    JUDGED,
    KEYRING,
    MAAS,
    NO_DATE,
    NO_PROGRESS,
    OUTPUT,
    QUIET,
    RULES,
    SELECTIONS,
    SEVERITY,
    STATISTICS,
    VERBOSE,
    Options,
    together,
)
from maas_stream_lint.errors import LintError, UsageError
from maas_stream_lint.names import EXIT_FAILED, EXIT_INTERRUPTED, RESULT_KEYS

if TYPE_CHECKING:
    from pathlib import Path

    from maas_stream_lint.api import Report
    from maas_stream_lint.baseline import Comparison
    from maas_stream_lint.configuration.settings import Listed
    from maas_stream_lint.finding import Severity
    from maas_stream_lint.report.formats import Target

#: The most findings that are named as gone from the baseline.
_MOST_GONE = 10


@click.command(
    cls=Configured,
    examples=[
        ("What is wrong with a mirror, for the newest MAAS:", "check mirror --maas latest"),
        ("What MAAS gets from a server, every byte:", "check URL --files download"),
        (
            "In a pipeline: a report to keep, and only what fails on the screen:",
            "check mirror --quiet --format sarif=out.sarif --format text",
        ),
    ],
)
@click.argument("sources", metavar="[SOURCE]...", nargs=-1, shell_complete=completion.source)
@together(MAAS, KEYRING, SELECTIONS, BESIDE, LIVE, RULES, SEVERITY, EXIT_ZERO)
@together(
    click.option(
        "--baseline", metavar="FILE", help="Known findings, which do not affect the exit code."
    ),
    click.option(
        "--write-baseline",
        metavar="FILE",
        help="Write a baseline with all findings. With --baseline: remove those that are gone.",
    ),
    click.option(
        "--fix", is_flag=True, help="First make all safe edits in the tree, like `fix --in-place`."
    ),
    heading=JUDGED,
)
@together(
    FILES, FORMS, OUTPUT, COLOR, QUIET, VERBOSE, STATISTICS, NO_PROGRESS, NO_DATE, FETCH, CONFIG
)
def check(
    sources: tuple[str, ...],
    forms: tuple[Target, ...],
    output: str | None,
    baseline: str | None,
    write_baseline: str | None,
    **given: Any,
) -> None:
    """Say what is wrong with a stream, for which MAAS, and what to do about it.

    With several SOURCEs, check each, and all of them together as the boot sources of one MAAS,
    added in this order. Without SOURCE, check every source that the configuration lists.

    Exit code 0: no finding of --severity or worse. 1: such findings. 2: the check failed, or some
    metadata could not be read. 130: interrupted. With several sources, the highest code counts.
    """
    if said("quiet", otherwise=False) and given["verbose"]:
        raise UsageError("--quiet and --verbose cannot be combined", "choose one")
    with ExitStack() as kept:
        _check(sources, Options(**given), kept, forms, output, baseline, write_baseline)


def _check(
    sources: tuple[str, ...],
    options: Options,
    kept: ExitStack,
    forms: tuple[Target, ...],
    output: str | None,
    baseline: str | None,
    write_baseline: str | None,
) -> None:
    from maas_stream_lint import output as out
    from maas_stream_lint.cli.targets import targets, write
    from maas_stream_lint.report.verdict import exit_code

    runs, all_of_maas = _runs(click.get_current_context(), sources, options, kept)
    alone = len(sources) == 1
    wanted = targets(forms, output, sources=len(runs))
    if write_baseline is not None:
        out.check_target(write_baseline)
    known = _comparison(baseline)
    reports, thresholds, failed = _reports(runs, alone=alone)
    failed = failed or not all_of_maas
    reports = _settled(reports, whole=not sources)
    if write_baseline is not None and known is None:
        known = _recorded(reports, write_baseline)
    if known is not None:
        reports = _new_to(known, reports, baseline)
    codes = [exit_code(*pair) for pair in zip(reports, thresholds, strict=True)]
    whole = not (failed or EXIT_FAILED in codes or EXIT_INTERRUPTED in codes)
    whole = whole and not any(report.unread for report in reports)
    if whole and write_baseline is not None and known is not None:
        out.write(known.rest().render(), write_baseline)
    elif write_baseline is not None:
        complain(f"error: {write_baseline} was not written, because the check is incomplete")
    write(reports, thresholds, wanted, alone=alone)
    for report, threshold in zip(reports, thresholds, strict=True):
        _complain_of_unread(report, threshold)
    unkept = [complain_of_unkept(report) for report in reports]
    leave(max([*codes, EXIT_FAILED * (failed or any(unkept))]))


def _complain_of_unread(report: Report, threshold: Severity) -> None:
    """Name the documents that the run could not read or parse: one line for each cause."""
    from maas_stream_lint.report.verdict import unread

    causes: dict[tuple[str, str], list[str]] = {}
    for one in unread(report, threshold):
        causes.setdefault((one.message, one.remedy), []).append(one.path)
    for (message, remedy), (first, *others) in causes.items():
        more = f" and {len(others):,} more files" if others else ""
        what = f"{first}{more} of {report.source}"
        complain(f"error: {what} could not be checked: {message} ({remedy})")
    if report.look.stream.truncated:
        complain(f"error: {TRUNCATED.format(report.source)}")


def _runs(
    ctx: click.Context, sources: tuple[str, ...], given: Options, kept: ExitStack
) -> tuple[list[Options], bool]:
    """The options for each source. A listed source has some of its own.

    Also whether these are all sources of the live MAAS. ``kept`` keeps what the runs need until
    they are over.
    """
    state = asked(given)
    if state is not None:
        if sources or given.beside:
            hint = "leave out one of them"
            raise UsageError("SOURCE and --maas-url can't go together", hint)
        return runs_of(state, given, kept)
    settings = ctx.obj
    named = sources or [one.source for one in settings.sources]
    named = named or [one.source for one in settings.maas_sources if not one.down]
    if not named:
        raise UsageError("no source is given", "give one, or list `sources` in a configuration")
    runs = [_run(ctx, source, given, listed=len(sources) != 1) for source in named]
    return in_one_maas(runs, settings, together=len(sources) > 1), True


def _run(ctx: click.Context, source: str, given: Options, *, listed: bool = False) -> Options:
    """The options for one source. ``listed``: whether they do not have its own settings yet."""
    own = next((one for one in ctx.obj.sources if listed and one.is_meant(source)), None)
    run = given._replace(
        **(_own(ctx, own) if own is not None else {}),
        source=source,
        configured=_files_used(ctx, source),
    )
    return with_settings(run, ctx.obj)


def _files_used(ctx: click.Context, source: str) -> tuple[str, ...]:
    """The configuration files whose settings change the report on a source."""
    from maas_stream_lint.configuration.settings import shown

    values = ctx.obj.of(source)
    used = [values[key] for key in RESULT_KEYS if key in values and is_default(ctx, key)]
    used += ctx.obj.maas_sources
    return tuple(sorted({shown(setting.origin.file) for setting in used}))


def _own(ctx: click.Context, listed: Listed) -> dict[str, Any]:
    """A listed source's own settings, without those that a flag or the environment overrides."""
    params = {param.name: param for param in ctx.command.params}
    own = {}
    for key, setting in listed.values.items():
        if is_default(ctx, key):
            name = CALLED.get(key, key)
            value = converted(params[name], ctx, setting)
            own[name] = tuple(value) if isinstance(value, list) else value
    return own


def _reports(runs: list[Options], *, alone: bool) -> tuple[list[Report], list[Severity], bool]:
    """A report on each source, its threshold, and whether any source could not be checked."""
    from maas_stream_lint.report.verdict import exit_code
    from maas_stream_lint.source import without_secrets

    reports: list[Report] = []
    thresholds = []
    failed = False
    unread: dict[str, None] = {}
    for run in runs:
        try:
            report = _alone_if_need_be(run, unread) if not alone else checked(run)
            reports.append(_fixed(report, run) if run.fix else report)
        except LintError as error:
            if alone:
                raise
            complain(f"error: {without_secrets(run.source or '')}: {error}")
            failed = True
        else:
            thresholds.append(run.threshold)
            if exit_code(reports[-1], thresholds[-1]) == EXIT_INTERRUPTED:
                break
    for why in unread:
        complain(f"error: {why}: the other sources were judged without it")
    return reports, thresholds, failed or bool(unread)


def _alone_if_need_be(run: Options, unread: dict[str, None]) -> Report:
    """A report on one of several sources; without the others if the run cannot read one of them."""
    try:
        return checked(run)
    except UnreadBesideError as error:
        unread[str(error)] = None
        return checked(run._replace(one_maas=None))


def _settled(reports: list[Report], *, whole: bool) -> list[Report]:
    """The reports with the changes that the configuration makes."""
    settings = click.get_current_context().obj
    if settings.file is None:
        return reports
    from datetime import datetime, timezone

    from maas_stream_lint.configuration.overrides import apply_settings

    today = datetime.now(timezone.utc).date()
    whole = whole or not settings.sources
    reports, notices = apply_settings(reports, settings, today, whole=whole)
    for line in notices:
        notice(line)
    return reports


def _comparison(path: str | None) -> Comparison | None:
    if path is None:
        return None
    from maas_stream_lint import baseline

    return baseline.Comparison(baseline.read(path), _folder_of(path))


def _recorded(reports: list[Report], path: str) -> Comparison:
    from maas_stream_lint import baseline

    folder = _folder_of(path)
    return baseline.Comparison(baseline.of(reports, folder), folder)


def _folder_of(path: str) -> Path:
    from pathlib import Path

    return Path(path).absolute().parent


def _new_to(known: Comparison, reports: list[Report], path: str | None) -> list[Report]:
    """The reports with only new findings. Notices name known findings that are gone."""
    reports, gone = known.compare(reports)
    for one in gone[:_MOST_GONE]:
        notice(f"gone from {path}: {one}")
    if gone:
        more = f"{len(gone) - _MOST_GONE:,} more are gone; " if len(gone) > _MOST_GONE else ""
        notice(f"{more}--write-baseline {path} removes them from the file")
    return reports


def _fixed(report: Report, options: Options) -> Report:
    """Make the safe edits of the selected rules, and say what is left."""
    from maas_stream_lint.fixing import plan, publish

    rules = options.rules()
    planned = plan.fix(report, only=rules)
    backup = publish.write(planned).backup if planned.files else None
    for edit in planned.edits:
        complain(f"fixed {edit.code} {edit.name}: {edit.what}")
        if edit.warning is not None:
            complain(f"but {edit.warning}")
    if backup is not None:
        complain(f"the old metadata is in {backup}")
    return plan.of_rules(planned, rules).after
