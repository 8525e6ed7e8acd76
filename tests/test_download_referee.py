"""Real runs of MAAS's HTTP code against odd servers: the same costs, on the same release lines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

import referee
from authority import make_authority, server_context
from maas_stream_lint.api import Report, check
from maas_stream_lint.finding import Severity
from maas_stream_lint.images.observation import FileOptions
from maas_stream_lint.source import FetchOptions

Runner: TypeAlias = Callable[[dict[str, Any]], tuple[Report, Callable[[str], str]]]

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
#: Release lines of a case that are not compared, and why.
UNKNOWN = {
    # The text is aiohttp's complaint about the bytes that are left over, which it quotes.
    "i-length-too-small": ("3.8",),
    # A stream cannot send this tool to another host, so it is not known what that answers.
    "f-path-absolute-url": ("2.9", "3.4", "3.5", "3.6", "3.7", "3.8"),
    # Only the download ran. The whole MAAS refuses the path in its metadata, as the case says of
    # 2.9 and 3.4.
    "f-path-lead-slash": ("3.5", "3.6", "3.7"),
    "f-path-dotdot": ("3.5", "3.6", "3.7"),
    # A login that a server invents is sent nowhere: it could be for a host of this network.
    "f-redirect-userinfo": ("3.5", "3.6"),
    "i-redirect-userinfo": ("3.8",),
}
#: The certificates of https sources, by the case's name for its base.
CERTIFICATES = {"good": "server", "expired": "expired", "self": "self"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("authority")
    make_authority(place)
    return place


@pytest.fixture
def run(
    own_home: Path, authority: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[dict[str, Any]], tuple[Report, Callable[[str], str]]]:
    def checked(case: dict[str, Any]) -> tuple[Report, Callable[[str], str]]:
        given = case["server"]["given"]
        if given.get("netrc"):
            (own_home / ".netrc").write_text("machine 127.0.0.1 login user password pw\n")
        certificate = CERTIFICATES.get(given.get("base", ""))
        tls = server_context(authority, certificate) if certificate else None
        bundle = None
        if given.get("caenv"):
            for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
                monkeypatch.setenv(name, str(authority / "ca.pem"))
        elif certificate:
            # A certificate that vouches for itself says nothing, unless it was got past.
            bundle = authority / ("self.pem" if certificate == "self" else "ca.pem")
        with referee.playing(case, tls) as played:
            if given.get("proxyenv") or given.get("proxycfg"):
                monkeypatch.setenv("http_proxy", played.proxy.url)
            if given.get("noproxy"):
                monkeypatch.setenv("no_proxy", "127.0.0.1")
            base = f"{played.source.url}/images/"
            if "login" in given:
                base = base.replace("//", f"//{given['login']}@")
            files = FileOptions(mode="download", retries=2, longest_backoff=0.5, cache=False)
            options = FetchOptions(timeout=15, backoff=0.001, ca_bundle=bundle)
            report = check(base + referee.INDEX, files=files, options=options)
            asked = sum(server.connections for server in played)
            assert asked or certificate, "a run that requests nothing proves nothing"
            proxied = bool(given.keys() & {"proxyenv", "proxycfg"}) and not given.get("noproxy")
            assert bool(played.proxy.requests) is proxied
        return report, lambda text: referee.plain(text, played)

    return checked


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
    uncaught = expected["exception"] == "builtins.TypeError"
    if uncaught or any("not caught by the handler" in log for log in logs):
        return ["Importing boot resources failed."]  # the traceback follows
    return [log for log in logs if "400, message='Bad Request'" not in log]


def passes(case: dict[str, Any]) -> bool:
    """Whether the server does better at a later request."""
    return any(len(answers) > 1 for answers in case["server"]["answers"].values())


def trust_is_not_known(case: dict[str, Any]) -> bool:
    """Whether MAAS reads the source depends on what its region controller trusts."""
    given = case["server"]["given"]
    return given.get("base") == "self" or bool(given.get("caenv"))


@pytest.mark.parametrize("case", referee.CASES, ids=lambda case: case["id"])
def test_case(case: dict[str, Any], run: Runner) -> None:
    report, plain = run(case)
    assert not report.unchecked
    wrong = []
    for expected in case["expected"]:
        cost = next(s for told, s in COSTS.items() if expected["costs"].startswith(told))
        real = [plain(log) for log in real_logs(expected)]
        slow = "heartbeat timeout" in real
        for line in expected["maas"]:
            if line in UNKNOWN.get(case["id"], ()):
                continue
            found = worst(report, line)
            warned = any(line in f.maas and f.severity is Severity.WARNING for f in report.facts)
            if found is None and (passes(case) or (slow and warned)):
                continue  # it may pass at the next import, so a warning is all there is
            if cost is not None and trust_is_not_known(case):
                assert warned
                assert "MSL121" in {f.code for f in report.facts}
                continue
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


def test_what_is_not_compared_is_of_a_case() -> None:
    """A line that is left out is one that the case has."""
    lines = {case["id"]: {m for e in case["expected"] for m in e["maas"]} for case in referee.CASES}
    assert all(set(left_out) <= lines[case] for case, left_out in UNKNOWN.items())


def test_a_login_is_in_no_log(run: Runner) -> None:
    for case in referee.CASES:
        if "login" in case["server"]["given"]:
            report, _ = run(case)
            assert "pw@" not in str(report.to_dict())
            assert "p%40w" not in str(report.to_dict())
