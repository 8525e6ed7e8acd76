"""The formats a report can take. A new one is a module here, and a line in ``FORMATS``.

This module imports nothing heavy, as the command line names the formats in its help.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from maas_stream_lint.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Severity
    from maas_stream_lint.output import Style
    from maas_stream_lint.report.joining import Texts


class Format(NamedTuple):
    """A format, whose module is imported only when it is asked for.

    The module has ``render(report, threshold, style)``, and ``join(texts)`` if one text can hold
    the reports on several sources; ``MOST_SOURCES``, if not on any number of them.
    """

    module: str
    purpose: str  #: who reads it, as ``docs/formats.md`` lists it
    colour: bool = False  #: whether a terminal may get it in colour
    edits: bool = False  #: whether it shows the edits that `fixing.suggestions` plans
    counts: bool = False  #: whether ``--statistics`` changes it

    def render(self, report: Report, threshold: Severity, style: Style) -> str | Iterable[str]:
        """The report in this format: a text, or parts of one that are written as they come."""
        made = self._home().render(report, threshold, style)
        return cast("str | Iterable[str]", made)

    def holds(self, sources: int) -> bool:
        """Whether one text can hold the reports on so many sources."""
        home = self._home()
        if not hasattr(home, "join"):
            return sources <= 1
        return sources <= getattr(home, "MOST_SOURCES", sources)

    def join(self, texts: Texts) -> str | Iterable[str]:
        """The reports on several sources as one."""
        return cast("str | Iterable[str]", self._home().join(texts))

    def _home(self) -> Any:
        return import_module(f"maas_stream_lint.report.{self.module}")


FORMATS = {
    "text": Format(
        "text", "people; the default. It groups what several products share.", True, counts=True
    ),
    "compact": Format(
        "compact",
        "editors, `grep`, problem matchers: `file:line:col: CODE name: message [MAAS 2.9-3.7]`",
    ),
    "json": Format("json_", "programs: [json.md](json.md)", counts=True),
    "jsonl": Format("jsonl", "programs that read line by line: [json.md](json.md#json-lines)"),
    "sarif": Format(
        "sarif", "GitHub code scanning, and other collectors of findings (SARIF 2.1.0)", edits=True
    ),
    "github": Format("github", "annotations in pull requests, and a job summary"),
    "gitlab": Format("gitlab", "GitLab's code quality widget"),
    "junit": Format("junit", "test reports of Jenkins, GitLab and others"),
    "markdown": Format("markdown", "tickets, comments, chat", counts=True),
    "html": Format("html_", "people who want to explore: one file, no network"),
}


class Target(NamedTuple):
    """A format, and the file that it goes to; ``None`` is standard output."""

    form: str
    file: str | None = None
