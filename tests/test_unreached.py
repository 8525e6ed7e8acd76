"""What this machine cannot reach is no prediction: exit code 2, one cause, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from maas_stream_lint.cli.main import main

GOOD = str(Path(__file__).parents[1] / "fixtures/good/ubuntu/tree")
#: Nothing listens on this port of the test's own machine.
DEAD = "http://127.0.0.1:9/maas/"


@pytest.mark.parametrize(
    "command",
    [
        ("preview", DEAD),
        ("preview", DEAD, "--format", "json"),
        ("preview", DEAD, "--selection", "ubuntu/noble", "--format", "json"),
        ("preview", DEAD, "--wanted", "ubuntu/noble/amd64"),
        ("compare", GOOD, DEAD),
        ("compare", DEAD, GOOD, "--format", "markdown"),
        ("fix", DEAD),
        ("fix", DEAD, "--diff"),
        ("explain", "MSL401", "--source", DEAD),
        ("explain", "Ignoring unsupported product a:b", "--source", DEAD),
    ],
    ids=" ".join,
)
def test_a_server_that_this_machine_cannot_reach_is_no_prediction(
    command: tuple[str, ...], own_home: Path
) -> None:
    done = CliRunner().invoke(main, [*command, "--no-config"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "could not be checked: 127.0.0.1:9 refused the connection (" in done.stderr


def test_a_log_is_told_without_the_stream_that_this_machine_cannot_reach(own_home: Path) -> None:
    log = str(Path(__file__).parent / "logs/first-report.log")
    alone = CliRunner().invoke(main, ["diagnose", "--log", log, "--no-config"])
    done = CliRunner().invoke(main, ["diagnose", DEAD, "--log", log, "--no-config"])
    assert done.exit_code == 2
    told, usual = (text.stdout.rpartition("\n\n") for text in (done, alone))
    assert told[0] == usual[0]
    assert "it could not be read" in " ".join(told[2].split())
    assert "Name the stream" not in done.stdout
    assert "could not be checked: 127.0.0.1:9 refused the connection (" in done.stderr


def test_a_directory_is_a_tree_for_compare_as_well(own_home: Path) -> None:
    done = CliRunner().invoke(main, ["compare", GOOD, GOOD, "--no-config", "--maas", "3.6"])
    assert done.exit_code == 0
    assert "no image changes" in done.stdout


def test_what_is_not_predicted_is_one_line(own_home: Path) -> None:
    """Which engine would have read it does not matter."""
    done = CliRunner().invoke(main, ["check", DEAD, "--no-config"])
    lines = [line for line in done.stdout.splitlines() if "is not predicted" in line]
    assert len(lines) == 1
    assert "image files not" in done.stdout
    assert "0 image files found" not in done.stdout


def test_a_login_on_the_command_line_is_in_no_message(own_home: Path) -> None:
    for sources in (
        ["http://u:s3cret@127.0.0.1:9/a/"],
        ["http://u:s3cret@[::1/", "x://u:s3cret@h"],
    ):
        done = CliRunner().invoke(main, ["check", *sources, "--no-config"])
        assert done.exit_code == 2
        assert "s3cret" not in done.output
    both = ["http://u:s3cret@127.0.0.1:9/a/", "http://v:s3cret@127.0.0.1:9/b/"]
    assert "s3cret" not in CliRunner().invoke(main, ["check", *both, "--no-config"]).output
