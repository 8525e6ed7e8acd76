"""What a configuration changes in finished reports: severities, and excused findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.configuration.settings import shown
from maas_stream_lint.records import replace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from maas_stream_lint.api import Report
    from maas_stream_lint.configuration.settings import Ignore, Origin, Settings
    from maas_stream_lint.finding import Finding


def apply_settings(
    reports: Sequence[Report], settings: Settings, today: date, *, whole: bool = True
) -> tuple[list[Report], list[str]]:
    """The reports with other severities and without excused findings; and notices for the user.

    ``whole``: whether the run checked everything that the ignores could match. An expired ignore
    excuses nothing. A notice names each ignore that is expired or matches nothing.
    """
    if not settings.severities and not settings.ignores:
        return list(reports), []
    matched: set[int] = set()
    made = [_applied(report, settings, today, matched) for report in reports]
    notices = []
    for number, ignore in enumerate(settings.ignores):
        if ignore.ran_out(today):
            after = "count again" if number in matched else "are gone, so remove it"
            notices.append(
                f"{ignore.origin}: this ignore expired on {ignore.until}, and its findings "
                f"{after} (reason: {ignore.reason})"
            )
        elif whole and number not in matched and any(_could_match(ignore, r) for r in reports):
            what = ", ".join(ignore.rules) + (f" on {ignore.product}" if ignore.product else "")
            notices.append(f"{ignore.origin}: this ignore matches nothing ({what}): remove it")
    return made, notices


def _applied(report: Report, settings: Settings, today: date, matched: set[int]) -> Report:
    from maas_stream_lint.api import SetAside

    kept = []
    excused = 0
    used: set[Origin] = set()
    for finding in report.findings:
        level, origin = settings.severities.get(finding.code, (finding.severity, None))
        if origin is not None and level is not finding.severity:
            used.add(origin)
        if level is None:
            continue
        left: Finding | None = finding._replace(severity=level)
        for number, ignore in enumerate(settings.ignores):
            if not ignore.covers(finding):
                continue
            matched.add(number)
            if left is not None and not ignore.ran_out(today):
                used.add(ignore.origin)
                left = left.on(set(left.maas) - set(ignore.maas or left.maas))
        excused += left is None or left.maas != finding.maas
        kept += [left] if left is not None else []
    # Findings are shown worst first; equals keep their order.
    kept.sort(key=lambda f: -f.severity)
    aside = report.set_aside or SetAside()
    return replace(
        report,
        findings=tuple(kept),
        untouched=report.facts,
        configured=tuple(sorted({*report.configured, *(shown(o.file) for o in used)})),
        set_aside=aside._replace(excused=excused) if settings.ignores else report.set_aside,
    )


def _could_match(ignore: Ignore, report: Report) -> bool:
    """Whether the run could have found what an ignore matches."""
    return report.looked_for(ignore.codes) and (
        ignore.maas is None or not set(ignore.maas).isdisjoint(report.look.lines)
    )
