"""What `fix` promises, over the corpus and made streams: proven, idempotent, and nothing worse."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from maas_stream_lint.api import Report
from maas_stream_lint.checks import all_rules
from maas_stream_lint.engine import findings, look_at
from maas_stream_lint.finding import Finding, Place, Severity
from maas_stream_lint.mending.jsontext import Rename
from maas_stream_lint.mending.plan import Edit, Plan, diff_of, fix
from maas_stream_lint.outcome import FATAL, IGNORED, IMPORTED, NOTICE, UNUSABLE, rows
from maas_stream_lint.rulebook import all_releases
from maas_stream_lint.stream import load
from made import streams
from trees import KEYRING, MemoryTree, corpus, tree_of

CASES = {case["id"]: case for case in corpus()}
NOW = datetime(2026, 11, 1, tzinfo=timezone.utc)
ORDER = (FATAL, IGNORED, UNUSABLE, NOTICE, IMPORTED)
RANK = {outcome: min(rank, 3) for rank, outcome in enumerate(ORDER)}
#: Some rule says so of the whole stream; what it points at may become another thing.
SUMMARIES = {"good-products-lost"}


def reported(tree: MemoryTree, *, keyring: bool) -> Report:
    look = look_at(load(tree, KEYRING if keyring else None), all_releases())  # type: ignore[arg-type]
    return Report(tree.label, look, tuple(findings(look, all_rules())))


def fixed_tree(tree: MemoryTree, plan: Plan) -> MemoryTree:
    start = plan.after.look.stream.start
    given = tree.given if start == plan.before.look.stream.start else start
    return MemoryTree({**tree.files, **plan.files}, given)


def said(found: Iterable[Finding]) -> list[Any]:
    return [f.to_dict() for f in found]


class Names:
    """What things are called once all edits are made."""

    def __init__(self, plan: Plan) -> None:
        self.steps: list[tuple[str, tuple[Any, ...], str]] = []
        self.dropped = {
            (file, change.path)
            for edit in plan.edits
            if edit.consent is not None
            for file, change in edit.changes
            if type(change).__name__ == "Remove"
        }
        for edit in plan.edits:
            for file, change in edit.changes:
                if isinstance(change, Rename):
                    self.steps.append((file, change.path, change.key))

    def now(self, place: Place) -> tuple[str, tuple[Any, ...]]:
        path = place.path
        for file, old, key in self.steps:
            if file == place.file and path[: len(old)] == old:
                path = (*old[:-1], key, *path[len(old) :])
        return place.file, path


def judge(tree: MemoryTree, *, keyring: bool, unsafe: bool) -> Plan:
    report = reported(tree, keyring=keyring)
    plan = fix(report, unsafe, unsafe, now=NOW)
    again = fixed_tree(tree, plan)
    fresh = reported(again, keyring=keyring)
    assert said(fresh.findings) == said(plan.after.findings)
    assert not fix(fresh, unsafe, unsafe, now=NOW).edits
    assert_nothing_new(plan)
    assert_gone(plan)
    assert_nothing_worse(plan)
    assert_only_edits_differ(tree, plan)
    json.dumps(plan.to_dict())
    for edit in plan.edits:
        assert unsafe or edit.consent is None
        assert edit.what
        assert edit.reason
    return plan


def assert_gone(plan: Plan) -> None:
    names = Names(plan)
    left = {(f.code, f.message, names_of(f.place)) for f in plan.after.findings}
    for edit in plan.edits:
        for place in (names_of(edit.place), names.now(edit.place)):
            assert (edit.code, edit.reason, place) not in left, edit


def names_of(place: Place) -> tuple[str, tuple[Any, ...]]:
    return place.file, place.path


def fates(report: Report) -> dict[tuple[str, str], dict[str, int]]:
    """How well each product fares on each line."""
    lines = report.look.lines
    return {
        (row.file, row.product): dict(
            zip(lines, (RANK[o] for o in row.outcomes), strict=True)
        )
        for row in rows(report.look, report.findings)
    }


def pairs(plan: Plan) -> list[tuple[tuple[str, str], tuple[str, str] | None]]:
    """Each product before, and after: ``None`` if it was dropped."""
    names, after = Names(plan), fates(plan.after)
    found: list[tuple[tuple[str, str], tuple[str, str] | None]] = []
    for file, product in fates(plan.before):
        _, path = names.now(Place(file, ("products", product)))
        key = (file, str(path[1]))
        if key not in after:
            moved = [k for k in after if k[1] == key[1]]
            key = moved[0] if moved else key
        found.append(((file, product), key if key in after else None))
    return found


def assert_nothing_worse(plan: Plan) -> None:
    before, after, names = fates(plan.before), fates(plan.after), Names(plan)
    for old, new in pairs(plan):
        if new is None:
            assert any(
                edit.consent is not None and old[1] in repr(edit.changes) for edit in plan.edits
            ) or names.dropped, old
            continue
        for line, rank in before[old].items():
            assert after[new][line] >= rank, (old, line)


def assert_nothing_new(plan: Plan) -> None:
    names = Names(plan)
    known: dict[Any, set[str]] = {}
    for finding in plan.before.findings:
        file, path = names.now(finding.place)
        for each in (file, "*"):
            known.setdefault((finding.name, each, path[:6]), set()).update(finding.maas)
    before, after = fates(plan.before), fates(plan.after)
    better: dict[tuple[str, str], set[str]] = {}
    for old, new in pairs(plan):
        if new is not None:
            better[new] = {n for n, rank in before[old].items() if after[new][n] > rank}
    some = set().union(*better.values()) if better else set()
    seen_before = plan.before.look.stream.files
    for finding in plan.after.findings:
        place = finding.place
        if finding.name in SUMMARIES:
            continue
        if place.file not in seen_before:
            continue
        if any((finding.name, each, place.path[:6]) in known for each in (place.file, "*")):
            continue
        key = (place.file, place.product)
        hidden = better.get(key, set()) if place.product is not None else some
        assert finding.severity < Severity.IGNORED, finding
        assert hidden or finding.severity is Severity.INFO, finding


def assert_only_edits_differ(tree: MemoryTree, plan: Plan) -> None:
    touched = {file for edit in plan.edits for file, _ in edit.changes}
    added = {path for edit in plan.edits for path in edit.added}
    assert set(plan.files) <= touched | added
    for path, body in plan.files.items():
        if path in tree.files and path not in added:
            assert body != tree.files[path], path
    if plan.files:
        assert diff_of(plan)


@pytest.mark.parametrize("unsafe", [False, True], ids=["safe", "unsafe"])
@pytest.mark.parametrize("name", sorted(CASES))
def test_corpus(name: str, unsafe: bool) -> None:
    case: dict[str, Any] = CASES[name]
    judge(tree_of(case), keyring=case["keyring"], unsafe=unsafe)


@settings(
    max_examples=500, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(streams())
def test_made_streams_safe(tree: MemoryTree) -> None:
    judge(tree, keyring=False, unsafe=False)


@settings(
    max_examples=500, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(streams())
def test_made_streams_unsafe(tree: MemoryTree) -> None:
    judge(tree, keyring=False, unsafe=True)
