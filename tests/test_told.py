"""Imports with selections, over an earlier import, and of several sources: every recorded case."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from maas_stream_lint import BootSource, UsageError, compare, preview
from maas_stream_lint.checks import all_rules
from maas_stream_lint.collect import findings
from maas_stream_lint.imports.joint import simulate_situations
from maas_stream_lint.imports.situation import ReadSource, Situation
from maas_stream_lint.look import look_at
from maas_stream_lint.rulebook import all_releases
from maas_stream_lint.stream import Stream, load
from made import INDEX, streams
from schemas import COMPARE, PREVIEW, through_text
from told import commissioning_of, corpus, differences, keyring_of, sources_of, written
from trees import MemoryTree

SELECTIONS, SECOND, SEVERAL = (corpus(kind) for kind in ("selections", "second", "several"))
LINES = [release.line for release in all_releases()]


def test_the_corpora_are_whole() -> None:
    assert (len(SELECTIONS), len(SECOND), len(SEVERAL)) >= (43, 26, 70)


@pytest.mark.parametrize("id_", SELECTIONS)
def test_selections(id_: str, tmp_path: Path) -> None:
    case = SELECTIONS[id_]
    source = written(tmp_path / "tree", case["files"], case["source"])
    seen = preview(
        source,
        keyring=keyring_of(case),
        selections=case["selections"],
        commissioning=commissioning_of(case),
    ).to_dict()
    assert list(seen["maas"]) == LINES
    PREVIEW.validate(through_text(seen))
    assert not differences(seen["maas"], case), differences(seen["maas"], case)


@pytest.mark.parametrize("id_", SECOND)
def test_second_imports(id_: str, tmp_path: Path) -> None:
    case = SECOND[id_]
    before, after = (
        written(tmp_path / side, case[side], case["source"]) for side in ("before", "after")
    )
    seen = compare(before, after, selections=case["selections"], keyring=keyring_of(case)).to_dict()
    COMPARE.validate(through_text(seen))
    assert not differences(seen["maas"], case), differences(seen["maas"], case)


@pytest.mark.parametrize("id_", SEVERAL)
def test_several_sources(id_: str, tmp_path: Path) -> None:
    case = SEVERAL[id_]
    commissioning = commissioning_of(case)
    if "sources" in case:
        sources = sources_of(tmp_path, case["sources"])
        seen = preview(sources, commissioning=commissioning).to_dict()
    else:
        sides = [sources_of(tmp_path / s, case[s]["sources"]) for s in ("before", "after")]
        seen = compare(*sides, changes=case["changes"], commissioning=commissioning).to_dict()
    (PREVIEW if "sources" in case else COMPARE).validate(through_text(seen))
    assert not differences(seen["maas"], case), differences(seen["maas"], case)


@pytest.mark.parametrize("id_", sorted(SECOND)[::3])
def test_a_stream_compared_with_itself(id_: str, tmp_path: Path) -> None:
    """Nothing comes and nothing goes, unless two things swap at every import."""
    case = SECOND[id_]
    if id_ in ("second-same-basename", "second-two-labels"):
        pytest.skip("it swaps at every import")
    tree = written(tmp_path / "tree", case["before"], case["source"])
    seen = compare(tree, tree, keyring=keyring_of(case)).to_dict()
    for line, verdict in seen["maas"].items():
        assert (verdict["downloads"], verdict["deleted"]) == ([], []), line


def test_everything_new_is_a_first_import(tmp_path: Path) -> None:
    """A MAAS that holds nothing, because its source had nothing, imports as a fresh one."""
    case = SELECTIONS["sel-default"]
    rows = [{"os": "ubuntu", "release": "noble"}, {"os": "ubuntu", "release": "jammy"}]
    empty = {
        path: json.dumps({**json.loads(text), "index": {}})
        for path, text in case["files"].items()
        if path.endswith("index.json")
    }
    before = written(tmp_path / "empty", empty, case["source"])
    after = written(tmp_path / "tree", case["files"], case["source"])
    second = compare(before, after, selections=rows).to_dict()["maas"]
    first = preview(after, selections=rows).to_dict()["maas"]
    for line in LINES:
        assert second[line]["imported"] == first[line]["imported"] != [], line
        assert second[line]["deleted"] == [], line


@pytest.mark.parametrize(
    ("selections", "told"),
    [
        ([{"release": "noble"}], "needs the texts `os` and `release`"),
        ([{"os": "ubuntu", "release": "noble", "arches": "amd64"}], "is no list of texts"),
    ],
)
def test_selections_that_are_none(selections: list[dict[str, object]], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        preview("fixtures/good/ubuntu/tree", selections=selections)


def test_sources_of_one_name() -> None:
    with pytest.raises(UsageError, match="two boot sources are called 'a'"):
        preview([BootSource("a", "x"), BootSource("a", "y")])


MADE = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
#: The rules on what swaps at every import: two products, or two files, on one row.
SWAPS = ("MSL414", "MSL512")


def situation(stream: Stream) -> Situation:
    return Situation((ReadSource("own", "http://images.example.com/", stream),))


@MADE
@given(tree=streams())
def test_made_streams_imported_twice(tree: MemoryTree) -> None:
    """A second import of the same changes nothing, but for swaps that the check tells of."""
    stream = load(tree)  # type: ignore[arg-type]
    both = [situation(stream), situation(stream)]
    look = look_at(stream, all_releases())
    told = findings(look, [rule for rule in all_rules() if rule.code in SWAPS])
    swapping = {line for finding in told for line in finding.maas}
    for first, second in simulate_situations(both, all_releases(), {}):
        for line in second.lines:
            # `compare` looks for swaps only where a row was written twice.
            if line not in swapping or not first.may_swap:
                assert (second.downloads, second.deleted) == ([], []), line


@MADE
@given(tree=streams())
def test_everything_new_is_a_first_import_of_made_streams(tree: MemoryTree) -> None:
    """Nothing was there, so the import does, says, fetches and leaves what a first one does."""
    stream = load(tree)  # type: ignore[arg-type]
    index = {"format": "index:1.0", "updated": "Sun, 01 Nov 2026 10:00:00 +0000", "index": {}}
    empty = load(MemoryTree({INDEX: json.dumps(index).encode()}, INDEX))  # type: ignore[arg-type]
    after = simulate_situations([situation(empty), situation(stream)], all_releases(), {})
    for (alone,) in simulate_situations([situation(stream)], all_releases(), {}):
        for line in alone.lines:
            second = next(pair[1] for pair in after if line in pair[1].lines)
            for part in ("imported", "downloads", "deleted", "kept", "files", "writer", "finalize"):
                assert getattr(second, part) == getattr(alone, part), (line, part)
            assert second.renewed == alone.renewed, line
            assert {held["resource"] for held in alone.kept} <= alone.renewed, line
            ends = [o.fatal and (o.fatal.exception, o.fatal.message) for o in (alone, second)]
            assert ends[0] == ends[1], line
