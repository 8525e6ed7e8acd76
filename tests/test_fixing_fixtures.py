"""Every fixer on the fixture of its rule: what ``fix`` writes there, read whole, and its JSON.

``fixed.diff`` in a fixture is what ``fix --unsafe --drop-broken --diff`` prints;
``UPDATE_FIXTURES=1`` writes it anew.
"""

from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path

import pytest

from bundled import BAD, opened
from maas_stream_lint.api import check
from maas_stream_lint.fixing.plan import FIXERS, Plan, diff_of, fix
from schemas import FIX, through_text

NOW = datetime(2026, 11, 1, tzinfo=timezone.utc)
#: Fixed for these release lines only: older ones lose by it.
LINES = {"platform-not-offered": ["3.4", "3.5", "3.6", "3.7", "3.8"]}
FIXABLE = [p for p in BAD if p.name.partition("-")[2] in FIXERS]


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def planned(fixture: Path, *, agreed: bool) -> Plan:
    keyring = fixture / "keyring.gpg"
    with opened(fixture) as source:
        lines = LINES.get(fixture.name.partition("-")[2])
        report = check(source, lines, keyring=keyring if keyring.exists() else None)
        return fix(report, agreed, agreed, signs=keyring.exists(), now=NOW)


def test_every_fixer_has_a_fixture() -> None:
    assert {p.name.partition("-")[2] for p in FIXABLE} == set(FIXERS)


def test_no_fixer_is_lost() -> None:
    """What ``fix`` once wrote of a fixture has its fixer still."""
    assert {p for p in BAD if (p / "fixed.diff").exists()} == set(FIXABLE)


@pytest.mark.parametrize("fixture", FIXABLE, ids=lambda p: p.name)
def test_fixed(fixture: Path) -> None:
    name = fixture.name.partition("-")[2]
    plan = planned(fixture, agreed=True)
    expected, seen = fixture / "fixed.diff", diff_of(plan)
    if os.environ.get("UPDATE_FIXTURES"):
        expected.write_bytes(seen.encode("utf-8", "surrogateescape"))
    assert seen.encode("utf-8", "surrogateescape") == expected.read_bytes()
    left = {(f.name, f.message, f.place.file, f.place.path) for f in plan.after.findings}
    mended = [edit for edit in plan.edits if edit.name == name]
    assert mended, plan.failed
    for edit in mended:
        assert (name, edit.reason, edit.place.file, edit.place.path) not in left


@pytest.mark.parametrize("fixture", BAD, ids=lambda p: p.name)
def test_json(fixture: Path) -> None:
    for agreed in (False, True):
        plan = planned(fixture, agreed=agreed)
        FIX.validate(through_text(plan.to_dict()))
        assert agreed or all(edit.consent is None for edit in plan.edits)
