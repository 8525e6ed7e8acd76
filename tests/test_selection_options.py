"""``--selection``, ``--selections`` and ``--commissioning``; the same in a configuration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from images import INDEX, UBUNTU, Tree, item
from maas_stream_lint.cli.main import main


def run(*given: object) -> Result:
    return CliRunner().invoke(main, list(map(str, given)))


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The metadata of a stream: jammy is good, and noble has no kernel."""
    made = Tree()
    made.product(
        "com.example:v3:boot:24.04:amd64:ga-24.04",
        {
            "squashfs": item("squashfs", "noble/squashfs", b"hsqs"),
            "manifest": item("manifest", "m", b"x"),
        },
        os="ubuntu",
        release="noble",
        release_title="24.04 LTS",
        version="24.04",
        subarch="ga-24.04",
        subarches="generic,ga-24.04",
    )
    root = tmp_path / "tree"
    for path, body in made.metadata.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(body)
    monkeypatch.chdir(tmp_path)
    return root / INDEX


def told(done: Result) -> str:
    return " ".join(done.output.split())


def test_what_nobody_selects_costs_nothing(source: Path) -> None:
    assert run("check", "--no-config", source, "--maas", "3.6").exit_code == 1
    done = run("check", "--no-config", source, "--maas", "3.6", "--selection", "ubuntu/jammy/amd64")
    assert done.exit_code == 0, done.output
    assert "imports 1 of 2 products, 1 not selected" in told(done)


def test_a_selection_that_matches_nothing(source: Path) -> None:
    done = run("check", "--no-config", source, "--maas", "3.6", "--selection", "ubuntu/jamy/amd64")
    assert done.exit_code == 1
    assert "select `ubuntu/jammy/amd64`" in told(done)


def test_a_file_of_the_api(source: Path, tmp_path: Path) -> None:
    row = {"os": "ubuntu", "release": "jammy", "arches": ["amd64"], "labels": ["*"], "id": 1}
    (tmp_path / "selections.json").write_text(json.dumps([row]))
    given = ("--no-config", source, "--maas", "3.6", "--selections", "selections.json")
    assert run("check", *given).exit_code == 0
    assert "not selected" in run("preview", *given).output


def test_the_default_differs_by_release_line(source: Path) -> None:
    given = ("--no-config", source, "--selection", "default", "--maas", "3.5,3.6")
    (row,) = [x for x in run("preview", *given).output.splitlines() if x.startswith(UBUNTU)]
    assert "imported" in row
    assert "not selected" in row


def test_json_has_what_is_chosen(source: Path) -> None:
    given = ("--no-config", source, "--maas", "3.6", "--selection", "ubuntu/jammy/amd64")
    verdict = json.loads(run("preview", *given, "--format", "json").output)["maas"]["3.6"]
    assert verdict["chosen"] == [f"{UBUNTU}/20240101"]


def test_commissioning(source: Path) -> None:
    given = ("--no-config", source, "--maas", "3.6", "--selection", "ubuntu/jammy/amd64")
    done = run("check", *given, "--commissioning", "ubuntu/noble")
    assert "commissioning-not-selected" in done.output
    assert run("check", *given, "--commissioning", "ubuntu/jammy").exit_code == 0


@pytest.mark.parametrize(
    "given",
    [
        ("--selection", "ubuntu"),
        ("--selection", "default", "--selection", "ubuntu/jammy/amd64"),
        ("--selections", "none.json"),
        ("--commissioning", "noble"),
    ],
)
def test_wrong_values(source: Path, given: tuple[str, ...]) -> None:
    done = run("check", "--no-config", source, *given)
    assert done.exit_code == 2
    assert "Traceback" not in done.output


def test_the_configuration_has_them_for_each_source(source: Path, tmp_path: Path) -> None:
    (tmp_path / "maas-stream-lint.toml").write_text(
        f'sources = [{{ source = "tree/{INDEX}", selections = ["ubuntu/jammy/amd64"] }}]\n'
        'maas = ["3.6"]\n'
    )
    assert run("check").exit_code == 0
    assert run("check", source, "--selection", "ubuntu/noble/amd64").exit_code == 1
    (tmp_path / "maas-stream-lint.toml").write_text('selections = "jammy"\n')
    done = run("check", source)
    assert done.exit_code == 2
    assert "maas-stream-lint.toml:1" in done.output
