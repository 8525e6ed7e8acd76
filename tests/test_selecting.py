"""Selections from the command line, from files of either API, and those of a fresh MAAS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from maas_stream_lint.errors import UsageError
from maas_stream_lint.imports.situation import Selection
from maas_stream_lint.rulebook import all_releases
from maas_stream_lint.selecting import default_selections, parse_selection, read_selections


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ubuntu/noble/amd64", Selection("ubuntu", "noble", ("amd64",))),
        ("ubuntu/noble", Selection("ubuntu", "noble")),
        ("ubuntu/noble/amd64|arm64", Selection("ubuntu", "noble", ("amd64", "arm64"))),
        (
            "os=centos,release=9,arch=amd64,subarch=generic|x,label=stable",
            Selection("centos", "9", ("amd64",), ("generic", "x"), ("stable",)),
        ),
        ("release=*, os=*", Selection("*", "*")),
    ],
)
def test_texts(text: str, expected: Selection) -> None:
    assert parse_selection(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ubuntu",
        "a/b/c/d",
        "ubuntu//amd64",
        "os=ubuntu",
        "os=a,release=b,os=c",
        "os=a,kflavor=b",
    ],
)
def test_other_texts(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_selection(text)
    assert text in str(raised.value) or not text


def written(folder: Path, data: Any) -> Path:
    path = folder / "selections.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data), "utf-8")
    return path


def test_the_older_api(tmp_path: Path) -> None:
    row = {"os": "ubuntu", "release": "bionic", "arches": ["amd64"], "subarches": ["*"]}
    row |= {"labels": ["stable"], "id": 1, "boot_source_id": 1, "resource_uri": "/MAAS/api/2.0/…"}
    selection = Selection("ubuntu", "bionic", ("amd64",), ("*",), ("stable",))
    assert read_selections(written(tmp_path, [row])) == (selection,)
    assert read_selections(written(tmp_path, row)) == (selection,)
    assert read_selections(written(tmp_path, [])) == ()


def test_the_newer_api(tmp_path: Path) -> None:
    item = {"kind": "Image", "id": 3, "os": "ubuntu", "release": "noble", "architecture": "amd64"}
    data = {"items": [item], "total": 1, "kind": "ImageList"}
    assert read_selections(written(tmp_path, data)) == (Selection("ubuntu", "noble", ("amd64",)),)


@pytest.mark.parametrize(
    "data",
    [
        "",
        "{",
        "[1]",
        "null",
        "[" * 99_999,
        " " * (2**20 + 1),
        [{"os": "a"}],
        [{"os": "a", "release": 1}],
        [{"os": "a", "release": "b", "arches": "amd64"}],
    ],
)
def test_other_files(tmp_path: Path, data: Any) -> None:
    with pytest.raises(UsageError, match=r"selections\.json"):
        read_selections(written(tmp_path, data))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_selections(tmp_path / "none")


def test_each_release_line_has_a_default() -> None:
    for release in all_releases():
        (selection,) = default_selections(release)
        assert (selection.os, selection.arches) == ("ubuntu", ("amd64",))
