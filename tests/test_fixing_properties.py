"""What `fix` promises, over the corpus and made streams: proven, idempotent, and nothing worse."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from datetime import datetime, timezone
from functools import reduce
from operator import getitem
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from maas_stream_lint.api import Report
from maas_stream_lint.checks import all_rules
from maas_stream_lint.collect import findings
from maas_stream_lint.finding import Finding, Place, Severity
from maas_stream_lint.fixing.jsontext import Change, Move, Remove, Rename, Set
from maas_stream_lint.fixing.plan import Plan, diff_of, fix
from maas_stream_lint.look import look_at
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
Spot = tuple[str, tuple[Any, ...]]


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
        self.steps = [step for edit in plan.edits for step in edit.moved]

    def now(self, place: Place) -> Spot | None:
        """Where a thing is by now; ``None`` if an edit says that it was taken out."""
        spot = spot_of(place)
        for old, new in self.steps:
            if old.file == spot[0] and spot[1][: len(old.path)] == old.path:
                if new is None:
                    return None
                spot = (new.file, (*new.path, *spot[1][len(old.path) :]))
        return spot


def spot_of(place: Place) -> Spot:
    return place.file, place.path


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
    assert_the_useless_is_announced(plan)
    assert_only_edits_differ(tree, plan)
    json.dumps(plan.to_dict())
    for edit in plan.edits:
        assert unsafe or edit.consent is None
        assert edit.what
        assert edit.reason
    return plan


def assert_gone(plan: Plan) -> None:
    names = Names(plan)
    left = {(f.code, f.message, spot_of(f.place)) for f in plan.after.findings}
    for edit in plan.edits:
        for spot in (spot_of(edit.place), names.now(edit.place)):
            assert (edit.code, edit.reason, spot) not in left, edit


def fates(report: Report) -> dict[tuple[str, str], dict[str, int]]:
    """How well each product fares on each line."""
    lines = report.look.lines
    return {
        (row.file, row.product): dict(zip(lines, (RANK[o] for o in row.outcomes), strict=True))
        for row in rows(report.look, report.findings)
    }


def assert_nothing_worse(plan: Plan) -> None:
    before, after, names = fates(plan.before), fates(plan.after), Names(plan)
    for (file, product), fate in before.items():
        now = names.now(Place(file, ("products", product)))
        if now is not None:
            for line, rank in fate.items():
                assert after[now[0], now[1][1]][line] >= rank, (product, line)


def assert_nothing_new(plan: Plan) -> None:
    """A finding is new unless it was there, or MAAS does more now and so gets to see it."""
    names = Names(plan)
    known: dict[Any, list[Finding]] = {}
    for finding in plan.before.findings:
        known.setdefault((finding.name, names.now(finding.place)), []).append(finding)
    better = better_lines(plan, names)
    some = set().union(*better.values())
    cured = mended_lines(plan, names)
    agreed = any(edit.consent for edit in plan.edits)
    for finding in plan.after.findings:
        place = finding.place
        if finding.name in SUMMARIES or place.file not in plan.before.look.stream.files:
            continue
        if agreed and finding.severity is Severity.INFO:
            continue
        was = known.get((finding.name, spot_of(place)), [])
        hidden = cured.get(None, set()) | (some if place.product is None else set())
        for each in finding.places:
            key = (each.file, each.product)
            hidden = hidden | better.get(key, set()) | cured.get(key, set())
        assert set(finding.maas) - {n for f in was for n in f.maas} <= hidden, finding
        worst = max((f.severity for f in was), default=Severity.UNUSABLE)
        assert finding.severity <= worst, finding


def mended_lines(plan: Plan, names: Names) -> dict[Any, set[str]]:
    """The lines on which a finding is gone, by the product, or ``None`` for more."""
    left = {(f.name, spot_of(f.place), f.message) for f in plan.after.findings}
    cured: dict[Any, set[str]] = {}
    for finding in plan.before.findings:
        spot = names.now(finding.place)
        if (finding.name, spot, finding.message) not in left:
            place = Place(*spot) if spot is not None else finding.place
            key = (place.file, place.product) if place.product else None
            cured.setdefault(key, set()).update(finding.maas)
    return cured


def better_lines(plan: Plan, names: Names) -> dict[tuple[str, str | None], set[str]]:
    """The lines that now do more with a product, by where it is now."""
    after = fates(plan.after)
    better: dict[tuple[str, str | None], set[str]] = {}
    for (file, product), fate in fates(plan.before).items():
        now = names.now(Place(file, ("products", product)))
        if now is not None:
            key = (now[0], str(now[1][1]))
            better[key] = {line for line, rank in fate.items() if after[key][line] > rank}
    return better


def assert_the_useless_is_announced(plan: Plan) -> None:
    """What MAAS now imports though it can't be used is said by an edit."""
    after, names = fates(plan.after), Names(plan)
    for (file, product), fate in fates(plan.before).items():
        now = names.now(Place(file, ("products", product)))
        if now is None:
            continue
        new = after[now[0], now[1][1]]
        if any(new[line] == RANK[UNUSABLE] > rank for line, rank in fate.items()):
            assert any(edit.warning for edit in plan.edits), product


def assert_only_edits_differ(tree: MemoryTree, plan: Plan) -> None:
    """The written files are what the edits say of the old ones, in value, and line for line."""
    made: dict[str, Any] = {}
    for edit in plan.edits:
        for file, change in edit.changes:
            if file not in made and file in tree.files:
                made[file] = json.loads(tree.files[file])
            if file in made:
                changed(made[file], change)
    assert set(plan.files) <= made.keys() | {p for edit in plan.edits for p in edit.added}
    for path, data in made.items():
        assert json.loads(plan.files[path]) == data, path
        old, new = tree.files[path].split(b"\n"), plan.files[path].split(b"\n")
        kept = set(new)
        gone = sum(line not in kept and line + b"," not in kept for line in old)
        changes = [(e, c) for e in plan.edits for f, c in e.changes if f == path]
        assert gone <= sum(math.inf if e.consent else lines_of(c) for e, c in changes), path
    assert bool(plan.files) == bool(diff_of(plan))


def lines_of(change: Change) -> float:
    """How many lines a change may touch at most: what it takes out has no bound here."""
    return 3 if isinstance(change, Rename) or not replaces(change) else math.inf


def replaces(change: Change) -> bool:
    """Whether a change may take more than a line out."""
    return not isinstance(change, Set) or isinstance(change.value, (dict, list))


def changed(data: Any, change: Change) -> None:
    """Make a change to a value."""
    *steps, last = change.path
    holder = reduce(getitem, steps, data)
    if isinstance(change, Set):
        holder[last] = change.value
    elif isinstance(change, Remove):
        del holder[last]
    elif isinstance(change, Rename):
        holder[change.key] = holder.pop(last)
    elif isinstance(change, Move):
        reduce(getitem, change.to[:-1], data)[change.to[-1]] = holder.pop(last)


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
