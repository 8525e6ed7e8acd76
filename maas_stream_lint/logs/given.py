"""How the MAAS of a log was given its source: as the user names it, or by its index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.logs.instream import predicted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maas_stream_lint.api import Report
    from maas_stream_lint.logs.tally import Entry


def index_meant(report: Report, entries: Iterable[Entry]) -> str | None:
    """The index that MAAS was given, where the root that was checked cannot be what it was given.

    MAAS does not get beyond a bare root that has no signed index. If the log does not tell of that,
    but of what comes later, the boot source names the index itself.
    """
    stream = report.look.stream
    if not stream.fallback or any(predicted(entry.match, report) for entry in entries):
        return None
    return f"{report.source.rstrip('/')}/{stream.start}"
