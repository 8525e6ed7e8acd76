"""The URL that the MAAS of a log has: the one that the user names, or the URL of its index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.logs.instream import predicted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maas_stream_lint.api import Report
    from maas_stream_lint.logs.tally import Entry


def index_meant(report: Report, entries: Iterable[Entry]) -> str | None:
    """The index whose URL MAAS has, if its URL cannot be the checked root.

    MAAS fails at a bare root without a signed index. If the log shows later steps instead, the boot
    source names the index itself.
    """
    stream = report.look.stream
    if not stream.fallback or any(predicted(entry.match, report) for entry in entries):
        return None
    return f"{report.source.rstrip('/')}/{stream.start}"
