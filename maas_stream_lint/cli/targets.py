"""Where each format of a report goes, and the code that writes it there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from maas_stream_lint.cli import console
from maas_stream_lint.errors import UsageError
from maas_stream_lint.report.formats import FORMATS, Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Severity


def targets(forms: Sequence[Target], output: str | None, *, sources: int = 1) -> list[Target]:
    """Where each format goes. Raises UsageError before any work."""
    from maas_stream_lint import documentation
    from maas_stream_lint import output as out

    documentation.address()
    given = list(forms)
    if not given:
        given = [Target("text")]
        if os.environ.get("GITHUB_ACTIONS") == "true":
            given.append(Target("github"))
    if console.said("statistics", otherwise=False):
        _require_counts(given)
    loose = [target for target in given if target.file is None]
    if len(loose) > 1 and forms:
        names = " and ".join(target.form for target in loose)
        raise UsageError(f"{names} cannot share one output", "name files: --format FORM=FILE")
    if output is not None and not loose:
        raise UsageError(
            "--output has no effect, because every format has its own file", "leave it out"
        )
    first = loose[0] if loose else None
    made = [target._replace(file=output) if target is first else target for target in given]
    files = [os.path.realpath(target.file) for target in made if target.file is not None]
    if len(set(files)) < len(files):
        raise UsageError("two formats cannot share one file", "name another file for one of them")
    for target in made:
        out.check_target(target.file)
        if not FORMATS[target.form].holds(sources):
            few = FORMATS[target.form].holds(2)
            told = f"{sources} sources" if few else "several sources"
            raise UsageError(
                f"{target.form} cannot hold {told}", f"name {'fewer' if few else 'one source'}"
            )
    return made


def _require_counts(given: Sequence[Target]) -> None:
    """Refuse ``--statistics`` where no output has them."""
    known = [name for name, form in FORMATS.items() if form.counts]
    if not any(target.form in known for target in given):
        forms = " and ".join(dict.fromkeys(target.form for target in given))
        raise UsageError(
            f"--statistics has no effect on {forms}", f"add --format {' or '.join(known)}"
        )


def write(
    reports: Sequence[Report],
    thresholds: Sequence[Severity],
    wanted: Sequence[Target],
    *,
    alone: bool,
) -> None:
    """Write reports in all formats: files first, so that they exist even if a reader stops early.

    ``alone``: there is one report on a source that the user named, and not a list of one.
    """
    from maas_stream_lint import output as out

    if any(FORMATS[target.form].edits for target in wanted):
        from maas_stream_lint.fixing.suggestions import suggestions
        from maas_stream_lint.records import replace

        reports = [replace(report, edits=suggestions(report)) for report in reports]
    pairs = list(zip(reports, thresholds, strict=True))
    beside = [target.form for target in wanted if target.file is None]
    for form, file in sorted(wanted, key=lambda target: target.file is None):
        known = FORMATS[form]
        style = console.style_for(file) if known.colour else console.plain_style()
        style = style._replace(sharing=len(pairs))
        texts = [known.render(report, threshold, style) for report, threshold in pairs]
        text = texts[0] if alone else known.join(texts)
        if file is None and len(beside) > 1 and form != "github":
            import secrets

            from maas_stream_lint.report.github import guarded

            text = guarded("".join(text), secrets.token_hex(16))
        out.write(text, file)
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary and any(target.form == "github" for target in wanted):
        from maas_stream_lint.report import github, limits

        room = limits.SUMMARY // max(1, len(pairs))
        for report, threshold in pairs:
            out.append(github.summary(report, threshold, console.plain_style(), room), summary)
