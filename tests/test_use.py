"""The corpus of real use: every case, every release line it has a verdict for."""

from __future__ import annotations

import json
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import maas_stream_lint
from maas_stream_lint.rulebook import all_releases
from trees import KEYRING

CASES = {
    path.stem: path for path in sorted((Path(__file__).parent / "usable" / "cases").glob("*.json"))
}
GOOD = Path(__file__).parent.parent / "fixtures/good/every-release/tree/streams/v1/index.json"
RECORDED = date(2026, 11, 25)  #: the day on which MAAS was run
#: What of a verdict is about the import, and is settled in tests/test_conformance.py.
OF_IMPORT = ("maas", "aborted")


def written(case: dict[str, Any], top: Path) -> Path:
    """A case's stream on disk."""
    for path, text in case["files"].items():
        file = top / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())
    return top / str(case["source"])


def used(case: dict[str, Any], top: Path) -> dict[str, Any]:
    """What we say of a case."""
    said = maas_stream_lint.use(
        written(case, top),
        keyring=KEYRING if case["keyring"] else None,
        commissioning=("ubuntu", case["config"]["commissioning_distro_series"]),
        machines=case.get("machines"),
        min_hwe_kernel=case.get("min_hwe_kernel"),
        today=RECORDED,
    )
    verdicts: dict[str, Any] = said.to_dict()["maas"]
    return verdicts


@pytest.mark.parametrize("id_", CASES)
def test_verdicts(id_: str, tmp_path: Path) -> None:
    case = json.loads(CASES[id_].read_text("utf-8"))
    ours = used(case, tmp_path)
    for theirs in case["expected"]:
        for line in theirs["maas"]:
            assert _told(ours[line]) == _told(theirs), f"MAAS {line}"


def _told(verdict: dict[str, Any]) -> dict[str, Any]:
    told = {key: value for key, value in verdict.items() if key not in OF_IMPORT}
    if told["fatal"] is not None:
        told["fatal"] = {key: told["fatal"][key] for key in ("stage", "exception")}
    return told


def test_every_line_has_been_run_or_uses_images_as_one_that_was() -> None:
    run = {
        line
        for path in CASES.values()
        for verdict in json.loads(path.read_text("utf-8"))["expected"]
        for line in verdict["maas"]
    }
    for older, newer in pairwise(all_releases()):
        if newer.line not in run:
            facts = ("drivers", "titles", "release-titles", "deploy")
            assert all(older.data[fact] == newer.data[fact] for fact in facts), newer.line


def test_an_image_that_is_not_selected_is_not_among_the_resources() -> None:
    noble = [{"os": "ubuntu", "release": "noble", "arches": ["amd64"]}]
    for line, verdict in maas_stream_lint.use(GOOD, selections=noble).to_dict()["maas"].items():
        rows = [row["resource"] for row in verdict["resources"]]
        assert rows == ["ubuntu/noble amd64/ga-24.04"], line
        assert list(verdict["releases"]) == ["ubuntu/noble"], line
        assert verdict["architectures"] == ["amd64/generic"], line


def test_what_is_selected_changes_what_a_machine_is_deployed_with() -> None:
    rhel = [{"os": "rhel", "release": "rhel9"}]
    for line in ("3.4", "3.8"):
        alone, all_ = (
            maas_stream_lint.use(GOOD, [line], selections=chosen).to_dict()["maas"][line]
            for chosen in (rhel, None)
        )
        alone, all_ = (one["releases"]["rhel/rhel9"]["deploy"] for one in (alone, all_))
        assert all_["amd64/generic"]["ok"] is True
        assert alone["amd64/generic"]["ok"] == "noble has no kernels available."
