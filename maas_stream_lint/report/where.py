"""Where a place is, as seen from the working directory of the run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Place


def is_remote(report: Report) -> bool:
    """Whether the stream was read from a server."""
    return "://" in report.look.stream.base


def file_of(report: Report, place: Place) -> str:
    """A place's file: relative to the working directory if it is below, else its full path or URL.

    A finding on the source itself gets the file that MAAS reads first, because most readers of
    such reports accept no finding without a file.
    """
    path = inner(report, place)
    base = report.look.stream.base
    if is_remote(report):
        return f"{base.rstrip('/')}/{path}"
    whole = os.path.normpath(os.path.join(base, path))  # noqa: PTH118 - a name may be no path
    here = os.path.join(os.getcwd(), "")  # noqa: PTH109, PTH118
    return whole.removeprefix(here).replace(os.sep, "/")


def inner(report: Report, place: Place) -> str:
    """A place's file below the stream's root."""
    return place.file or report.look.stream.start
