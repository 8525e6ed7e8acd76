"""The data of ``rules/messages`` is whole."""

from __future__ import annotations

import re

import pytest

from maas_stream_lint.logs import anchors
from maas_stream_lint.logs.messages import HOLE, Message, message, names
from maas_stream_lint.logs.places import written
from maas_stream_lint.rule_files import product_names, release_lines, rule_codes, rules_root
from maas_stream_lint.rulebook import all_releases

ABOUT = {"stream", "network", "maas", "image", "upload", "machine"}
STEPS = {
    "",
    "read",
    "cached",
    "start",
    "source",
    "file",
    "synced",
    "end",
    "skipped",
    "cancelled",
    "part-done",
    "part-failed",
    "failed",
}
LEVELS = {
    *("debug", "info", "warn", "error", "critical"),
    *("exception", "notification", "banner", "event", "answer", "console"),
}
_LONGEST_SENTENCE = 25


@pytest.mark.parametrize("name", names())
def test_a_message_is_whole(name: str) -> None:
    known = message(name)
    assert known.about in ABOUT
    assert known.step in STEPS
    assert known.maas
    assert set(known.rules) <= set(rule_codes())
    assert known.remedy or not known.lost
    for pattern in known.patterns:
        assert pattern.maas
        assert pattern.level in LEVELS
        assert pattern.source
        assert written(pattern.place, pattern.maas)
        assert set(pattern.allowed) <= set(HOLE.findall(pattern.text))
        assert bool(pattern.logger) <= (
            pattern.level in {"debug", "info", "warn", "error", "critical"}
        )
    assert all(case.rule in rule_codes() for case in known.cases)


@pytest.mark.parametrize("name", names())
def test_sentences_are_short(name: str) -> None:
    known = message(name)
    for text in (known.meaning, known.otherwise, *(case.says for case in known.cases)):
        for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z`])", text):
            words = re.sub(r"`[^`]*`", "code", sentence).split()
            assert len(words) <= _LONGEST_SENTENCE, sentence


def test_the_quick_reading_of_the_files_is_that_of_toml() -> None:
    quick: dict[str, int] = {}
    for anchor in anchors.anchors():
        assert anchor.part in message(anchor.name).patterns[anchor.number].text
        quick[anchor.name] = quick.get(anchor.name, 0) + 1
    assert quick == {name: len(message(name).patterns) for name in names()}


def test_anchors_are_long_enough_to_be_rare() -> None:
    assert [a for a in anchors.anchors() if len(a.part) < 7] == []


def test_the_quick_reading_of_names_is_that_of_the_rulebook() -> None:
    for release in all_releases():
        quick = product_names()[release.line]
        assert quick == {kind: pattern.pattern for kind, pattern in release.names.items()}


def test_lines_and_codes_are_those_of_the_rulebook() -> None:
    from maas_stream_lint.checks import all_rules

    assert release_lines() == tuple(release.line for release in all_releases())
    assert rule_codes() == {rule.name: rule.code for rule in all_rules()}


def test_no_two_messages_have_the_same_text() -> None:
    seen: dict[str, Message] = {}
    for name in names():
        for pattern in message(name).patterns:
            key = f"{pattern.text}{bool(pattern.allowed)}"
            assert key not in seen, pattern.text
            seen[key] = message(name)


def test_every_file_is_a_message() -> None:
    files = [p for p in (rules_root() / "messages").iterdir() if p.name != "__pycache__"]
    assert {p.suffix for p in files} == {".toml"}
