"""Every rule against its fixture, ``fixtures/bad/CODE-name/``, and good streams that are silent.

A fixture is a folder. ``tree/`` is the stream, and ``expected.txt`` the findings of the rule. The
other files are optional. ``source`` is what follows the tree in the source, by default
``streams/v1/index.json``. ``keyring.gpg`` is the boot source's keyring; an empty file means that it
has none. ``maas.json`` is what MAAS selects and commissions with, and its other sources. If
``source`` is a URL, a server runs while the check reads it. The server serves the tree, except what
``answers`` answers. Its blocks have a request's line, the answer's line and headers and, after a
tab, its body. ``seen.json`` is what a run saw of files and the server, if that needs more than a
fixture: certificates, two servers, time. ``test_served.py`` tests how a run sees this, with real
servers. ``UPDATE_FIXTURES=1 pytest tests/test_fixtures.py`` writes ``expected.txt`` anew.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bundled import BAD, FIXTURES, GOOD, HOST, opened
from maas_stream_lint.api import check
from maas_stream_lint.boot_sources import BootSource
from maas_stream_lint.checks import all_rules
from maas_stream_lint.collect import findings
from maas_stream_lint.finding import Finding, Severity
from maas_stream_lint.keyring import NOT_SAID, Unsaid
from maas_stream_lint.look import Look
from maas_stream_lint.rule import Rule, selected
from maas_stream_lint.rulebook import all_releases
from maas_stream_lint.source import Trouble

RULES = {f"{r.code}-{r.name}": r for r in all_rules()}


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def keyring_of(fixture: Path) -> Path | Unsaid | None:
    keyring = fixture / "keyring.gpg"
    if not keyring.exists():
        return NOT_SAID
    return keyring if keyring.stat().st_size else None


def findings_of(fixture: Path, select: tuple[str, ...] = ()) -> tuple[Finding, ...]:
    file = fixture / "maas.json"
    told = json.loads(file.read_text("utf-8")) if file.exists() else {}
    if "beside" in told:
        told["beside"] = [
            BootSource(**{**other, "source": fixture / other["source"]}) for other in told["beside"]
        ]
    with opened(fixture) as source:
        report = check(source, keyring=keyring_of(fixture), select=select, **told)
    overlay = fixture / "seen.json"
    if not overlay.exists():
        return report.findings
    see(report.look, json.loads(overlay.read_text()))
    # A look remembers what it was asked before.
    return tuple(findings(replace(report.look), selected(all_rules(), select)))


def see(look: Look, seen: dict[str, Any]) -> None:
    """Put down as seen what the fixture says."""
    assert look.survey is not None
    look.stream.base = seen.get("base", look.stream.base)
    for path, said in seen.get("files", {}).items():
        for name, value in said.items():
            assert hasattr(look.survey.files[path], name)
            if name == "faults":
                value = [Trouble(**fault) for fault in value]
            setattr(
                look.survey.files[path], name, tuple(value) if isinstance(value, list) else value
            )
    for path, said in seen.get("metadata", {}).items():
        file = look.stream.files[path]
        file.answer = replace(file.answer, **said)
    for name, value in seen.get("server", {}).items():
        assert hasattr(look.survey.server, name)
        if name == "anonymous":
            value = Trouble("unauthorized", value.removeprefix("HTTP/1.1 "), 401)
        setattr(look.survey.server, name, value)


def line_of(finding: Finding) -> str:
    place = finding.place
    lines = ranges(finding.maas, [release.line for release in all_releases()])
    return (
        f"{place.file or '.'}:{place.line or '-'}:{place.column or '-'}: {finding.severity.label} "
        f"{finding.code} [{lines}] {finding.message}"
    )


def ranges(lines: Sequence[str], known: Sequence[str]) -> str:
    """Release lines, open where they reach the oldest or the newest: ``-3.4,3.8-``.

    So a new line that answers as the one before it changes no ``expected.txt``.
    """
    runs: list[list[str]] = []
    for before, line in zip(("", *known), known, strict=False):
        if line in lines:
            runs += [] if runs and runs[-1][-1] == before else [[]]
            runs[-1].append(line)
    if runs == [list(known)]:
        return "all"
    return ",".join(_range(run, known) for run in runs)


def _range(run: list[str], known: Sequence[str]) -> str:
    first = "" if run[0] == known[0] else run[0]
    last = "" if run[-1] == known[-1] else run[-1]
    return run[0] if len(run) == 1 and first and last else f"{first}-{last}"


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("1 2 3 4 5", "all"),
        ("1 2", "-2"),
        ("1", "-1"),
        ("5", "5-"),
        ("2", "2"),
        ("2 3", "2-3"),
        ("1 3 5", "-1,3,5-"),
    ],
)
def test_ranges_are_open_at_the_ends(lines: str, told: str) -> None:
    assert ranges(lines.split(), ["1", "2", "3", "4", "5"]) == told


def test_every_rule_has_a_fixture_and_every_fixture_a_rule() -> None:
    assert {p.name for p in BAD} == set(RULES)


@pytest.mark.parametrize("fixture", BAD, ids=lambda p: p.name)
def test_bad(fixture: Path) -> None:
    rule = RULES[fixture.name]
    found = findings_of(fixture, (rule.code,))
    seen = re.sub(r"http://127.0.0.1:\d+", HOST, "".join(f"{line_of(f)}\n" for f in found))
    expected = fixture / "expected.txt"
    if os.environ.get("UPDATE_FIXTURES"):
        expected.write_text(seen)
    assert seen, f"{fixture.name} finds nothing"
    assert seen == expected.read_text()


@pytest.mark.parametrize("fixture", GOOD, ids=lambda p: p.name)
def test_good(fixture: Path) -> None:
    """A good stream has nothing above a warning, on any release line it is meant for."""
    assert [line_of(f) for f in findings_of(fixture) if f.severity > Severity.WARNING] == []


@pytest.mark.parametrize("rule", all_rules(), ids=lambda r: r.code)
def test_page_is_whole_and_its_example_is_in_the_fixture(rule: Rule) -> None:
    page = rule.page
    assert page.title.endswith(".")
    assert len(page.maas) > 40
    assert page.why
    assert page.fix
    text = "".join(
        _squeezed(p.read_bytes().decode("utf-8", "replace"))
        for p in (FIXTURES / "bad" / f"{rule.code}-{rule.name}").rglob("*")
        if p.is_file() and p.name != "expected.txt"
    )
    assert _squeezed(page.example) in text


def _squeezed(text: str) -> str:
    return "".join(text.split())
