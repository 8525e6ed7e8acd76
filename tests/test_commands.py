"""What counts as a command in a text, and how a text is cut at it."""

from __future__ import annotations

import pytest

from maas_stream_lint.report.commands import Part, is_command, parts


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("maas $PROFILE boot-resources import", True),
        ("sudo snap restart maas", True),
        ("maas", False),
        ("date ", False),
        ("maas $PROFILE boot-source update $ID url=…", False),
        ("24.04 LTS", False),
        ("maas.import-images: [warn] x", False),
    ],
)
def test_commands(code: str, said: bool) -> None:
    assert is_command(code) is said


def test_a_text_is_cut_at_its_commands() -> None:
    told = "set `kflavor`, then run `maas $P import`. Or `maas $P read`, and wait"
    assert list(parts(told)) == [
        Part("set `kflavor`, then run"),
        Part("maas $P import", command=True),
        Part("Or"),
        Part("maas $P read", command=True),
        Part("and wait"),
    ]


@pytest.mark.parametrize("told", ["", "`", "a ` b", "`maas x", "nothing to run"])
def test_a_text_without_commands(told: str) -> None:
    assert [part.text for part in parts(told)] == [told.strip()] * bool(told.strip())
