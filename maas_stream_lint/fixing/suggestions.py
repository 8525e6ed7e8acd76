"""The edits that fix one finding each, as replacements of lines that editors can apply."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.fixing import plan
from maas_stream_lint.fixing.jsontext import ChangeError, apply
from maas_stream_lint.fixing.registry import FIXERS
from maas_stream_lint.fixing.textdiff import changed_lines
from maas_stream_lint.named_tuple import NamedTuple

if TYPE_CHECKING:
    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Finding
    from maas_stream_lint.fixing.jsontext import Change
    from maas_stream_lint.fixing.plan import Edit

#: Of findings times characters: a plan checks the stream again about as often as it has findings
#: to fix. That is half a second or so; beyond it `fix` is the better tool.
MOST_WORK = 2_000_000


class Lines(NamedTuple):
    """The lines to replace: from the start of one to the start of another, counted from 1."""

    start: int
    end: int
    text: str


class Suggestion(NamedTuple):
    """An edit that works without other edits."""

    what: str  #: what is done, in words
    lines: dict[str, list[Lines]]  #: by file, which lines change


def suggestions(report: Report) -> dict[Finding, list[Suggestion]]:
    """The safe edits of a local stream, each made alone; none if that would take long."""
    if not _worth(report):
        return {}
    found: dict[Finding, list[Suggestion]] = {}
    planned = [edit for edit in plan.fix(report).edits if edit.consent is None and not edit.added]
    texts = {path: file.text for path, file in report.look.stream.files.items()}
    known = {(f.code, f.message, f.place): f for f in report.findings}
    for edit in planned:
        finding = known.get((edit.code, edit.reason, edit.place))
        if finding is not None and (changed := _changed(edit, texts)):
            found.setdefault(finding, []).append(Suggestion(edit.what, changed))
    return found


def _worth(report: Report) -> bool:
    """Whether there is something to fix, and the report has already read all files for it."""
    survey = report.look.survey
    read = survey is not None and (survey.mode == "download" or survey.metadata_only)
    mendable = sum(finding.name in FIXERS for finding in report.findings)
    size = sum(len(file.answer.body or b"") for file in report.look.stream.files.values())
    cheap = 0 < mendable * size <= MOST_WORK
    return read and cheap and plan.local_tree(report) is not None


def _changed(edit: Edit, texts: dict[str, str | None]) -> dict[str, list[Lines]]:
    by_file: dict[str, list[Change]] = {}
    for file, change in edit.changes:
        by_file.setdefault(file, []).append(change)
    made = {}
    for file, changes in by_file.items():
        before = texts.get(file)
        if before is None:
            return {}
        try:
            after = apply(before, changes)
        except ChangeError:  # it stands on another edit, and can't be made alone
            return {}
        made[file] = [Lines(*lines) for lines in changed_lines(before, after)]
    return made if all(made.values()) else {}
