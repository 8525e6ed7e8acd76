"""Checks of served streams, and what was found on their files and servers."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace
from typing import Any

from images import INDEX
from maas_stream_lint.api import Report, check
from maas_stream_lint.finding import Finding, Severity
from maas_stream_lint.images.observation import FileOptions, Seen, Survey
from maas_stream_lint.output import Style
from maas_stream_lint.report import text
from maas_stream_lint.source import FetchOptions
from nginx import PASSWORD, TOKEN, USER

BASIC = b64encode(f"{USER}:{PASSWORD}".encode()).decode()
SECRETS = (PASSWORD, TOKEN, BASIC)
#: Families of rules on image files, and on how they are served.
CODES = ("MSL12", "MSL23", "MSL63", "MSL7")
#: Quick where something fails on purpose.
QUICK = FileOptions(retries=2, longest_backoff=0.02)
FETCH = FetchOptions(timeout=5.0, retries=0, backoff=0.001)


class Looked:
    """What a check saw, once it is sure that it tells no secret."""

    def __init__(self, report: Report) -> None:
        self.report = report
        assert report.look.survey is not None
        self.survey: Survey = report.look.survey
        shown = text.render(report, Severity.INFO, Style(200)) + json.dumps(report.to_dict())
        shown += repr(self.survey)
        for secret in SECRETS:
            assert secret not in shown

    @property
    def names(self) -> set[str]:
        """The rules of these families that found something."""
        return {f.name for f in self.report.findings if f.code.startswith(CODES)}

    @property
    def unchecked(self) -> str:
        """The one cause why some of the files could not be looked at, which is no finding."""
        (cause,) = {u.trouble.message for u in self.report.unchecked}
        assert not self.of("file-not-served")
        return cause

    def of(self, name: str) -> list[Finding]:
        """What a rule found."""
        return [f for f in self.report.findings if f.name == name]

    def one(self, name: str) -> Finding:
        """The one thing that a rule found."""
        (finding,) = self.of(name)
        return finding

    def severities(self, name: str) -> dict[str, Severity]:
        """By release line, how bad a rule says that it is."""
        return {line: f.severity for f in self.of(name) for line in f.maas}

    def seen(self, ending: str) -> Seen:
        """What was seen of the file whose path ends so."""
        (seen,) = [s for path, s in self.survey.files.items() if path.endswith(ending)]
        return seen


def look(
    url: str,
    mode: str | None = "head",
    files: FileOptions = QUICK,
    fetch: FetchOptions = FETCH,
    **more: Any,
) -> Looked:
    """Check the stream at a URL; ``more``: options of either kind."""
    names = set(FileOptions.__dataclass_fields__)
    files = replace(files, mode=mode, **{n: v for n, v in more.items() if n in names})
    fetch = replace(fetch, **{n: v for n, v in more.items() if n not in names})
    return Looked(check(url + INDEX, files=files, options=fetch))
