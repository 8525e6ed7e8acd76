"""Real runs of MAAS's HTTP code against odd servers: the same costs, on the same release lines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import referee
from maas_stream_lint.api import Report, check
from maas_stream_lint.finding import Severity
from maas_stream_lint.images.observation import FileOptions
from maas_stream_lint.source import FetchOptions

pytestmark = pytest.mark.usefixtures("own_home")

#: How bad a cost is. The referee's words for it begin so.
COSTS = {
    "nothing": None,
    "a retry": None,
    "the whole import": Severity.FATAL,
    "this source's refresh": Severity.FATAL,
    "the region's worker process": Severity.FATAL,
    "the file's set": Severity.IGNORED,
    "the selection": Severity.IGNORED,
}
#: Cases in which this tool knows less than MAAS, or does more.
UNKNOWN = {
    "i-length-too-small": "aiohttp's complaint quotes the bytes that are left over",
    "f-100-continue": "the HTTP library does not show interim answers",
    "f-404-once": "a 404 is not requested again",
    "f-path-absolute-url": "nothing is requested from other hosts that metadata names",
    "f-path-lead-slash": "only the download ran; MAAS's check of paths refuses it before",
    "f-path-dotdot": "only the download ran; MAAS's check of paths refuses it before",
    "f-redirect-userinfo": "a login in a redirect is not sent",
    "i-redirect-userinfo": "a login in a redirect is not sent",
}
RUN = [
    case
    for case in referee.CASES
    if not {"base", "proxyenv"} & case["server"]["given"].keys() and case["id"] not in UNKNOWN
]


def run(case: dict[str, Any], home: Path) -> tuple[Report, Callable[[str], str]]:
    given = case["server"]["given"]
    if given.get("netrc"):
        (home / ".netrc").write_text("machine 127.0.0.1 login user password pw\n")
    with referee.playing(case) as (server, other):
        base = f"{server.url}/images/"
        if "login" in given:
            base = base.replace("//", f"//{given['login']}@")
        files = FileOptions(mode="download", retries=2, longest_backoff=0.5, cache=False)
        options = FetchOptions(timeout=15, backoff=0.001)
        report = check(base + referee.INDEX, files=files, options=options)
        return report, lambda text: referee.plain(text, server, other)


def worst(report: Report, line: str) -> Severity | None:
    found = [f.severity for f in report.facts if line in f.maas and f.severity >= Severity.IGNORED]
    return max(found, default=None)


def logs_of(report: Report, line: str) -> list[str]:
    return [
        text
        for f in report.facts
        if f.severity >= Severity.IGNORED
        for lines, text in f.logs
        if line in lines
    ]


def real_logs(expected: dict[str, Any]) -> list[str]:
    """What MAAS logged, without the answers to its own stray bytes."""
    told = expected["log"] or []
    logs = told if isinstance(told, list) else [told]
    if any("not caught by the handler" in log for log in logs):
        return ["Importing boot resources failed."]  # the traceback follows
    return [log for log in logs if "400, message='Bad Request'" not in log]


def passes(case: dict[str, Any]) -> bool:
    """Whether the server does better at a later request."""
    return any(len(answers) > 1 for answers in case["server"]["answers"].values())


@pytest.mark.parametrize("case", RUN, ids=lambda case: case["id"])
def test_case(case: dict[str, Any], own_home: Path) -> None:
    report, plain = run(case, own_home)
    wrong = []
    for expected in case["expected"]:
        cost = next(s for told, s in COSTS.items() if expected["costs"].startswith(told))
        real = [plain(log) for log in real_logs(expected)]
        slow = "heartbeat timeout" in real
        for line in expected["maas"]:
            found = worst(report, line)
            warned = any(line in f.maas and f.severity is Severity.WARNING for f in report.facts)
            if found is None and (passes(case) or (slow and warned)):
                continue  # it may pass at the next import, so a warning is all there is
            said = [plain(text) for text in logs_of(report, line)]
            # Without the file's digest, or the page behind a login, MAAS's text is not known.
            unknown = not said and (
                "InvalidChecksum" in str(real) or "login" in case["server"]["given"]
            )
            if found != cost:
                wrong.append(f"{line}: {found}, not {cost}: {real}")
            elif cost is None or not real or slow or unknown:
                continue
            elif not any(log in text for log in real for text in said):
                wrong.append(f"{line}: {said}, not {real}")
    assert not wrong, "\n".join(wrong)


def test_a_login_is_in_no_log(own_home: Path) -> None:
    for case in RUN:
        if "login" in case["server"]["given"]:
            report, _ = run(case, own_home)
            assert "pw@" not in str(report.to_dict())
            assert "p%40w" not in str(report.to_dict())
