"""The forms a report can take. A new one is a module here, and a line in ``FORMATS``."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Severity
    from maas_stream_lint.output import Style


class Format(NamedTuple):
    """Where a form is made; its module is imported only when it is asked for."""

    module: str
    function: str = "render"
    colour: bool = False  #: whether a terminal may get it in colour

    def render(self, report: Report, threshold: Severity, style: Style) -> str | Iterable[str]:
        """The report in this form: a text, or parts of one that are written as they come."""
        home = import_module(f"maas_stream_lint.report.{self.module}")
        made = getattr(home, self.function)(report, threshold, style)
        return cast("str | Iterable[str]", made)


FORMATS = {
    "text": Format("text", colour=True),
    "compact": Format("compact"),
    "json": Format("json_", "report"),
    "jsonl": Format("jsonl"),
    "sarif": Format("sarif"),
    "github": Format("github"),
    "gitlab": Format("gitlab"),
    "junit": Format("junit"),
    "markdown": Format("markdown"),
    "html": Format("html_"),
}


class Target(NamedTuple):
    """A form, and the file that it goes to; ``None`` is standard output."""

    form: str
    file: str | None = None
