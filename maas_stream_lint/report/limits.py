"""What the services take of one report, with the pages that say so. The formats keep to it.

GitHub code scanning: https://docs.github.com/code-security/reference/code-scanning/sarif-files/sarif-support
and https://docs.github.com/code-security/code-scanning/troubleshooting-sarif-uploads/results-exceed-limit

GitHub Actions, annotations: https://github.com/actions/toolkit/blob/main/docs/problem-matchers.md#limitations
and the summary: https://docs.github.com/actions/reference/workflow-commands-for-github-actions

GitLab, JUnit: https://docs.gitlab.com/ci/testing/unit_test_reports/#file-format-and-size-limits
and artifacts: https://docs.gitlab.com/administration/settings/continuous_integration/#set-maximum-artifacts-size
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.output import clean
from maas_stream_lint.report.phrases import count

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Finding, Severity

#: Runs of a SARIF file. GitHub refuses a file with more.
SARIF_RUNS = 20
#: Results of a run that GitHub shows. It refuses a run with more than 25,000.
SARIF_RESULTS = 5_000
#: Places of a result that GitHub shows. It refuses a result with more than 1,000.
SARIF_PLACES = 100
#: Bytes of a SARIF file, packed with gzip. GitHub refuses larger ones.
SARIF_PACKED = 10_000_000
#: Annotations of each kind (error, warning, notice) that GitHub shows of a step.
ANNOTATIONS = 10
#: Bytes of a step's summary: GitHub takes 1 MiB, which leaves some room for other programs.
SUMMARY = 1_000_000
#: Bytes of a JUnit file that GitLab reads.
JUNIT = 30_000_000
#: Bytes of an artifact that GitLab takes, if its administrator changed nothing. It keeps the part
#: of a code quality report that it shows in diffs in a file of a tenth of that
#: (``app/models/ci/pipeline_artifact.rb``, FILE_SIZE_LIMIT).
CODE_QUALITY = 10_000_000


class Rest(NamedTuple):
    """What a report leaves out, because the service takes no more."""

    findings: Sequence[Finding]
    unread: int = 0  #: files that could not be read

    @property
    def worst(self) -> Severity:
        """The highest severity that is left out."""
        return max(finding.severity for finding in self.findings)

    def in_words(self, report: Report, why: str) -> str:
        """How much is left out, why, and the command that shows it."""
        told = []
        if self.unread:
            told.append(f"{count(self.unread, 'file')} that could not be read")
        if self.findings:
            lower = " or lower" if len(self.findings) > 1 else ""
            more = count(len(self.findings), "more finding")
            told.append(f"{more} of severity `{self.worst.label}`{lower}")
        return f"left out, because {why}: {' and '.join(told)}. {see_all(report)}"


def see_all(report: Report) -> str:
    """The command that shows all findings."""
    return f"To see all, run `maas-stream-lint check {shlex.quote(clean(report.source))}`."


def worst_first(findings: Sequence[Finding]) -> list[int]:
    """The positions of findings, worst first; within a severity, each rule in turn.

    So the first findings of each rule are kept, however many findings another rule has.
    """
    seen: dict[str, int] = {}
    keys = []
    for position, finding in enumerate(findings):
        turn = seen[finding.code] = seen.get(finding.code, -1) + 1
        keys.append((-finding.severity, turn, position))
    return [position for *_, position in sorted(keys)]


def largest(most: int, made: Callable[[int], str], size: Callable[[str], int], room: int) -> str:
    """The longest text of at most ``most`` findings, or nearly so, whose size is at most ``room``.

    ``made`` renders a text of at most so many findings.
    """
    while True:
        text = made(most)
        if most <= 1 or (taken := size(text)) <= room:
            return text
        # A little less than its share, as the next findings may be longer.
        most = max(1, min(most - 1, most * room * 19 // (taken * 20)))
