"""The JSON outputs against their schemas, over all fixtures and a sample of the corpus."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from maas_stream_lint.api import Preview, Report, check, preview, use
from maas_stream_lint.checks import all_rules
from maas_stream_lint.collect import findings
from maas_stream_lint.finding import Severity
from maas_stream_lint.look import look_at
from maas_stream_lint.rulebook import all_releases
from maas_stream_lint.stream import load
from schemas import FIX, PREVIEW, REPORT, USE, through_text
from trees import KEYRING, corpus, tree_of

ROOT = Path(__file__).parents[1]
FIXTURES = sorted(p for p in (ROOT / "fixtures").glob("*/*") if (p / "tree").is_dir())
CASES = corpus()[::7]


def counts_agree(said: dict[str, Any]) -> bool:
    summary = said["summary"]
    levels = [f["severity"] for f in said["findings"]]
    return summary["findings"] == len(levels) and all(
        summary[s.label] == levels.count(s.label) for s in Severity
    )


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_fixtures(fixture: Path) -> None:
    keyring = fixture / "keyring.gpg"
    trusted = keyring if keyring.exists() else None
    for source in (fixture / "tree", fixture / "tree/streams/v1/index.json"):
        if not source.exists():
            continue
        said = through_text(check(source, keyring=trusted).to_dict())
        REPORT.validate(said)
        assert counts_agree(said)
        PREVIEW.validate(through_text(preview(source, keyring=trusted).to_dict()))
        USE.validate(through_text(use(source, keyring=trusted).to_dict()))


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["id"])
def test_corpus(case: dict[str, Any]) -> None:
    look = look_at(load(tree_of(case), KEYRING if case["keyring"] else None), all_releases())  # type: ignore[arg-type]
    said = through_text(Report("case", look, tuple(findings(look, all_rules()))).to_dict())
    REPORT.validate(said)
    assert counts_agree(said)
    PREVIEW.validate(through_text(Preview("case", look).to_dict()))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("version",), 2),
        (("summary", "fatal"), -1),
        (("findings", 0, "severity"), "bad"),
        (("findings", 0, "places"), []),
        (("findings", 0, "maas"), ["3.6.1"]),
        (("findings", 0, "places", 0, "line"), 0),
    ],
)
def test_the_schema_refuses(path: tuple[Any, ...], value: Any) -> None:
    said = check(ROOT / "fixtures/bad/MSL401-ubuntu-name/tree").to_dict()
    holder: Any = said
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    assert not REPORT.is_valid(said)


def test_the_documentation_shows_each_kind_of_output() -> None:
    """That the examples are real is for test_docs; here, that they are those of the schemas."""
    text = (ROOT / "docs/json.md").read_text("utf-8")
    blocks = re.findall(r"```console\n\$ .*--format json\n([\s\S]*?)```", text)
    report, verdicts, fixed = map(json.loads, blocks)
    REPORT.validate(report)
    PREVIEW.validate(verdicts)
    FIX.validate(fixed)
