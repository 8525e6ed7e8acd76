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


def spot(report: Report, place: Place) -> str:
    """``file:line:column`` as an editor and a terminal take it, or as much of it as there is."""
    if not place.file:
        return "the source itself"
    file = file_of(report, place)
    return file if place.line is None else f"{file}:{place.line}:{place.column}"


def link_of(report: Report, place: Place) -> str:
    """The URL of a place's file: ``file:`` with this machine's name, or that of the server.

    Empty for the source itself, and for a URL that holds what no terminal should get.
    """
    if not place.file:
        return ""
    file = file_of(report, place)
    if is_remote(report):
        return file if file.isascii() and file.isprintable() and " " not in file else ""
    from urllib.parse import quote

    whole = os.path.abspath(file)  # noqa: PTH100 - a name may be no path
    host = os.uname().nodename if hasattr(os, "uname") else ""
    return f"file://{host}{quote(os.fsencode(whole))}"


def inner(report: Report, place: Place) -> str:
    """A place's file below the stream's root."""
    return place.file or report.look.stream.start
