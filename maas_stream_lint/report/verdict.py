"""The verdict on a report, and its exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.finding import Severity
from maas_stream_lint.names import EXIT_FAILED, EXIT_FINDINGS, EXIT_INTERRUPTED
from maas_stream_lint.unread import Unread

if TYPE_CHECKING:
    from maas_stream_lint.api import Report


def exit_code(report: Report, threshold: Severity) -> int:
    """The exit code of ``check``, whatever formats the report is written in.

    A document that the run could not read or parse never passes, even if something hides the
    findings about it.
    """
    if report.look.survey is not None and report.look.survey.interrupted:
        return EXIT_INTERRUPTED
    if report.unchecked or report.look.stream.truncated:
        return EXIT_FAILED
    if fails(report, threshold):
        return EXIT_FINDINGS
    return EXIT_FAILED if report.unread else 0


def unread(report: Report, threshold: Severity) -> tuple[Unread, ...]:
    """The documents that the run could not read or parse. A failing report already names some."""
    hidden = not fails(report, threshold)
    return tuple(one for one in report.unread if hidden or not one.fact)


def unseen(report: Report, threshold: Severity) -> tuple[Unread, ...]:
    """The same, and that the run was interrupted: for forms that show no verdict."""
    found = unread(report, threshold)
    if exit_code(report, threshold) != EXIT_INTERRUPTED:
        return found
    path, message = report.look.stream.start, "the run was interrupted before its end"
    return (*found, Unread(path, message, "run it again", fact=False))


def fails(report: Report, threshold: Severity) -> bool:
    """Whether there is a finding at or above the threshold."""
    return report.worst is not None and report.worst >= threshold


def verdict_word(report: Report, threshold: Severity) -> str:
    """The verdict in a word: ``fails``, ``incomplete``, ``excused`` or ``passes``.

    ``excused``: MAAS imports nothing, but the user has the findings about it ignored.
    """
    if fails(report, threshold):
        return "fails"
    if exit_code(report, threshold):
        return "incomplete"
    return "excused" if _imports_nothing(report) else "passes"


def _imports_nothing(report: Report) -> bool:
    """Whether some release line imports nothing of the stream."""
    stopped = any(trace.fatal is not None for trace in report.look.traces)
    return stopped or any(finding.severity is Severity.FATAL for finding in report.facts)
