"""No sentence that a user or a maintainer reads has more than 25 words."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sentences import (
    Sentence,
    of_comments,
    of_docstrings,
    of_markdown,
    of_texts,
    of_values,
    sentences,
)

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The words of a sentence at most.
MOST = 25
ROOT = Path(__file__).parent.parent


def too_long(found: Iterable[Sentence]) -> list[str]:
    """Each sentence that is too long, with its place and its number of words."""
    return [f"{s.place}: {s.words} words: {s.text}" for s in found if s.words > MOST]


@pytest.mark.parametrize("pattern", ["*.md", "docs/**/*.md", "rules/*.md", "bench/*.md"])
def test_documents(pattern: str) -> None:
    found = [s for path in ROOT.glob(pattern) for s in of_markdown(path)]
    assert found
    assert too_long(found) == []


@pytest.mark.parametrize("folder", ["maas_stream_lint", "docs/tools", "bench", "tests"])
def test_docstrings_and_comments(folder: str) -> None:
    paths = sorted((ROOT / folder).rglob("*.py"))
    assert paths
    found = (s for p in paths for s in (*of_docstrings(p, at_least=MOST), *of_comments(p)))
    assert too_long(found) == []


def test_messages_and_help() -> None:
    paths = sorted((ROOT / "maas_stream_lint").rglob("*.py"))
    assert too_long(s for path in paths for s in of_texts(path, at_least=MOST)) == []


def test_messages_of_maas_log() -> None:
    paths = sorted(ROOT.glob("rules/messages/*.toml"))
    found = [s for p in paths for s in of_values(p, tomllib.loads(p.read_text()))]
    assert found
    assert too_long(found) == []


def test_descriptions_in_schemas() -> None:
    paths = sorted(ROOT.glob("rules/schemas/*.json"))
    found = [s for p in paths for s in of_values(p, json.loads(p.read_text()))]
    assert found
    assert too_long(found) == []


def test_findings_of_the_fixtures() -> None:
    found = [
        sentence
        for path in ROOT.glob("fixtures/bad/*/expected.txt")
        for line in path.read_text().splitlines()
        for sentence in sentences(str(path), line.partition("] ")[2])
    ]
    assert found
    assert too_long(found) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("MAAS drops it. It logs nothing.", [3, 3]),
        ("maas-stream-lint checks. curtin fails!", [2, 2]),
        ("MAAS 3.8 reads `a b c`, `d` and `e` of a file.", [7]),
        ("The file (`read_text`, simplestreams/util.py) is\nhere.", [4]),
        ("See https://example.com/a.b/c and src/a.py.", [2]),
        ("One:\n\n- two words\n- three more words", [1, 2, 3]),
        ("It is 1,000 times [as fast](docs/trust.md).", [6]),
    ],
)
def test_words_of_sentences(text: str, words: list[int]) -> None:
    assert [sentence.words for sentence in sentences("here", text)] == words
