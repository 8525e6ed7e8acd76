"""The corpus of real imports: every case, every release line it has a verdict for."""

from __future__ import annotations

import json
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from maas_stream_lint.api import preview
from maas_stream_lint.imports import simulate
from maas_stream_lint.rulebook import all_releases
from maas_stream_lint.stream import load
from trees import KEYRING, agree, corpus, tree_of

CASES = {case["id"]: case for case in corpus()}
LINES = [release.line for release in all_releases()]
#: The lines that the corpus has verdicts of.
JUDGED = sorted(
    {line for case in CASES.values() for verdict in case["expected"] for line in verdict["maas"]}
)
#: (line, the one before) where the files give no difference but the version.
TWINS = [
    (new.line, old.line)
    for old, new in pairwise(all_releases())
    if {**new.data, "line": old.line, "version": old.version} == old.data
]


@cache
def simulated(id_: str) -> dict[str, dict[str, Any]]:
    case = CASES[id_]
    stream = load(tree_of(case), KEYRING if case["keyring"] else None)
    return {
        line: trace.to_verdict()
        for trace in simulate(stream, all_releases())
        for line in trace.lines
    }


def expected(case: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {line: verdict for verdict in case["expected"] for line in verdict["maas"]}


def disagreements(seen: dict[str, Any], case: dict[str, Any]) -> str:
    """A page on what differs; empty if nothing does."""
    said = []
    for line, verdict in expected(case).items():
        for key in agree(seen[line], verdict):
            member = "fatal" if key == "stage" else key
            ours, theirs = _short(seen[line].get(member)), _short(verdict.get(member))
            said.append(f"MAAS {line}, {key}:\n  ours   {ours}\n  MAAS's {theirs}")
    return "\n".join([f"{case['id']}: {case['description']}", *said]) if said else ""


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=True, sort_keys=True)
    return text if len(text) <= 1500 else f"{text[:1500]}…"


@pytest.mark.parametrize("id_", CASES)
def test_verdicts(id_: str) -> None:
    wrong = disagreements(simulated(id_), CASES[id_])
    assert not wrong, wrong


def test_every_judged_line_is_known_and_the_corpus_is_whole() -> None:
    assert set(JUDGED) <= set(LINES)
    assert len(CASES) >= 409


@pytest.mark.parametrize(("line", "elder"), TWINS)
def test_lines_that_differ_in_their_version_only(line: str, elder: str) -> None:
    """Of 3.0 to 3.2 there are no verdicts. Only a ``maas_supported`` asks for the version."""
    odd = [
        id_
        for id_, case in CASES.items()
        if not any("maas_supported" in text for text in case["files"].values())
        and simulated(id_)[line] != simulated(id_)[elder]
    ]
    assert odd == []


def test_preview_of_real_directories(tmp_path: Path) -> None:
    """The same through the public function and the disk."""
    wrong = []
    for id_, case in CASES.items():
        root = tmp_path / id_
        root.mkdir()
        for path, text in case["files"].items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text.encode("utf-8", "surrogatepass"))
        source = f"{root}/{case['source']}"
        seen = preview(source, keyring=KEYRING if case["keyring"] else None).to_dict()
        assert list(seen) == ["source", "maas"]
        assert list(seen["maas"]) == LINES
        json.dumps(seen)
        wrong.append(disagreements(seen["maas"], case))
    wrong = [page for page in wrong if page]
    assert not wrong, "\n\n".join(wrong)
