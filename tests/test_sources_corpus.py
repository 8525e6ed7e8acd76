"""What a check says of several sources, held to what real MAAS made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from maas_stream_lint import check
from maas_stream_lint.finding import Finding
from maas_stream_lint.rulebook import releases
from told import commissioning_of, corpus, sources_of

#: First imports.
CASES = {id_: case for id_, case in corpus("several").items() if "sources" in case}


def verdicts(case: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {line: verdict for verdict in case["expected"] for line in verdict["maas"]}


def of(found: dict[str, tuple[Finding, ...]], code: str, line: str) -> list[tuple[str, Finding]]:
    """The findings of a rule on a release line, with the source that was checked."""
    return [
        (source, finding)
        for source, several in found.items()
        for finding in several
        if finding.code == code and line in finding.maas
    ]


@pytest.fixture(params=CASES)
def judged(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A case, and the findings on each of its sources."""
    case = CASES[request.param]
    lines = list(verdicts(case))
    told = sources_of(tmp_path, case["sources"])
    found = {
        source.name: check(
            source,
            lines,
            files="none",
            select=("MSL14",),
            commissioning=commissioning_of(case),
            beside=told,
        ).findings
        for source in told
        if not source.down
    }
    return case, found


def test_what_never_arrives_was_not_imported(judged: Any) -> None:
    case, found = judged
    for line, verdict in verdicts(case).items():
        imported = {(source, name.split("/")[0]) for source, name in verdict["imported"]}
        for source, finding in of(found, "MSL140", line):
            for place in finding.places:
                if place.product is not None:
                    assert (source, place.product) not in imported, (line, finding.message)


def test_what_fails_for_all_does(judged: Any) -> None:
    """Named on each line where another source ends the import of all, and on no other."""
    case, found = judged
    for line, verdict in verdicts(case).items():
        (release,) = releases([line])
        ended = bool(verdict["fetch_failed"] if release.strict else verdict["fatal"])
        told = of(found, "MSL143", line)
        assert not told or ended, line
        if ended and not release.strict:
            culprit = verdict["fatal"]["source"]
            assert {source for source, _ in told} == found.keys() - {culprit}, line
            assert all(f"`{culprit}`" in finding.message for _, finding in told)


def test_what_wins_nothing_gives_nothing(judged: Any) -> None:
    case, found = judged
    for line, verdict in verdicts(case).items():
        for source, finding in of(found, "MSL147", line):
            own = finding.message.startswith("this source")
            loser = source if own else finding.message.split("`")[1]
            assert not verdict["synced"].get(loser), line
            assert loser not in {name for name, _ in verdict["imported"]}, line


def test_what_is_replaced_is_not_kept(judged: Any) -> None:
    """Where priorities decide, nothing of the os, release and architecture stays of the loser."""
    case, found = judged
    for line, verdict in verdicts(case).items():
        (release,) = releases([line])
        for source, finding in of(found, "MSL141", line) if release.strict else ():
            image, loser = finding.message.split("`")[1:4:2]
            name, _, arch = image.rpartition("/")
            kept = [h for h in verdict["kept"] if h["resource"].startswith(f"{name} {arch}/")]
            assert all(loser not in held["sources"] for held in kept), line
            assert any(source in held["sources"] for held in kept), line
