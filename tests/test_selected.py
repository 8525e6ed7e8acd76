"""``check`` with selections: what they take, what they pass over, and what that is worth."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bundled import FIXTURES
from maas_stream_lint import UsageError, check
from maas_stream_lint.finding import Severity
from maas_stream_lint.imports import simulate
from maas_stream_lint.imports.situation import Selection
from maas_stream_lint.rulebook import all_releases
from maas_stream_lint.stream import load
from made import streams
from trees import MemoryTree, corpus, tree_of

MISNAMED = FIXTURES / "bad" / "MSL401-ubuntu-name" / "tree"
NO_ARCH = FIXTURES / "bad" / "MSL430-missing-arch" / "tree"
GOOD = FIXTURES / "good" / "ubuntu" / "tree"


def found(tree: Any, code: str, **told: Any) -> list[tuple[str, int]]:
    report = check(tree / "streams/v1/index.json", files="none", select=(code,), **told)
    return [(f.severity.label, len(f.maas)) for f in report.findings]


def test_what_nobody_selects_costs_nothing() -> None:
    """The dropped product is told all the same, as what it is to this MAAS."""
    everything = found(MISNAMED, "MSL401")
    assert "ignored" in dict(everything)
    other = [{"os": "ubuntu", "release": "xenial", "arches": ["amd64"]}]
    assert {severity for severity, _ in found(MISNAMED, "MSL401", selections=other)} == {"info"}
    same = [{"os": "ubuntu", "release": "jammy"}]
    assert found(MISNAMED, "MSL401", selections=same) == everything


def test_what_ends_the_import_stays_fatal() -> None:
    """Whoever selects another release has no images, either."""
    other = [{"os": "ubuntu", "release": "xenial", "arches": ["amd64"]}]
    assert found(NO_ARCH, "MSL430") == found(NO_ARCH, "MSL430", selections=other)


def test_default_selections_are_each_lines_own() -> None:
    report = check(GOOD, files="none", selections="default", select=("MSL130",))
    (row,) = [f for f in report.findings if "focal" in f.message]
    assert row.maas == ("2.9", "3.0", "3.1", "3.2", "3.3", "3.4")
    assert "3.8" not in {line for f in report.findings for line in f.maas}


def test_selections_of_no_kind() -> None:
    with pytest.raises(UsageError, match="no selections 'noble'"):
        check(GOOD, selections="noble")


def narrowed(tree: MemoryTree, row: Selection) -> None:
    """A selection that takes less makes no verdict worse for what it takes."""
    stream = load(tree)  # type: ignore[arg-type]
    lines = all_releases()
    wide = {line: t for t in simulate(stream, lines) for line in t.lines}
    rows = {release.line: (row,) for release in lines}
    for trace in simulate(stream, lines, rows):
        for line in trace.lines:
            whole = wide[line]
            if trace.fatal is not None:
                assert whole.fatal is not None, line
            elif whole.fatal is None:
                assert set(trace.imported) <= set(whole.imported), line


@settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(tree=streams(), release=st.sampled_from(["noble", "jammy", "rhel9", "*"]))
def test_made_streams(tree: MemoryTree, release: str) -> None:
    narrowed(tree, Selection("*", release, ("amd64",)))


@pytest.mark.parametrize("case", corpus()[::9], ids=lambda case: case["id"])
def test_corpus(case: dict[str, Any]) -> None:
    narrowed(tree_of(case), Selection("ubuntu", "jammy", ("amd64",)))


def test_findings_are_sorted_by_what_they_cost() -> None:
    other = [{"os": "ubuntu", "release": "xenial"}]
    report = check(MISNAMED, files="none", selections=other)
    costs = [finding.severity for finding in report.findings]
    assert costs == sorted(costs, reverse=True)
    assert Severity.INFO in costs
