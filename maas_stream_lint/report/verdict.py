"""The verdict on a report, and the exit code that says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.names import EXIT_FAILED, EXIT_FINDINGS, EXIT_INTERRUPTED

if TYPE_CHECKING:
    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Severity


def exit_code(report: Report, threshold: Severity) -> int:
    """The exit code of ``check``, whatever formats the report is written in."""
    if report.look.survey is not None and report.look.survey.interrupted:
        return EXIT_INTERRUPTED
    if report.unchecked or report.look.stream.truncated:
        return EXIT_FAILED
    return EXIT_FINDINGS if fails(report, threshold) else 0


def fails(report: Report, threshold: Severity) -> bool:
    """Whether there is a finding at or above the threshold."""
    return report.worst is not None and report.worst >= threshold


def verdict_word(report: Report, threshold: Severity) -> str:
    """The verdict in a word: ``fails``, ``incomplete`` or ``passes``."""
    if fails(report, threshold):
        return "fails"
    return "incomplete" if exit_code(report, threshold) else "passes"
