"""The smallest right trees: each is imported by every release line, and nothing in them is idle."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import small_trees
from maas_stream_lint import check, use
from maas_stream_lint.api import Report
from maas_stream_lint.finding import Severity


def written(documents: dict[str, Any], tree: Path) -> Path:
    for path, document in documents.items():
        place = tree / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(document), "utf-8")
    return tree


def checked(tree: Path) -> Report:
    return check(tree, files="none")


def used(tree: Path) -> Any:
    return use(tree / "streams/v1/index.json").to_dict()["maas"]


def members(node: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The way to each member that holds no others."""
    for key, value in node.items():
        if isinstance(value, dict):
            yield from members(value, (*at, key))
        else:
            yield (*at, key)


def without(documents: dict[str, Any], way: tuple[str, ...]) -> dict[str, Any]:
    less = copy.deepcopy(documents)
    node: Any = less
    for key in way[:-1]:
        node = node[key]
    del node[way[-1]]
    return less


@pytest.mark.parametrize("name", small_trees.KINDS)
def test_it_is_right_and_nothing_in_it_is_idle(name: str, tmp_path: Path) -> None:
    home = small_trees.FIXTURES / name / "tree"
    documents = small_trees.documents(home)
    told = {finding.name for finding in checked(home).findings}
    verdicts = used(home)
    assert all(verdict["fatal"] is None and verdict["resources"] for verdict in verdicts.values())
    idle = []
    for way in members(documents):
        tree = written(without(documents, way), tmp_path)
        report = checked(tree)
        worse = report.worst is not None and report.worst > Severity.INFO
        if not worse and {f.name for f in report.findings} <= told and used(tree) == verdicts:
            idle.append(way)
    assert idle == []


def test_every_smallest_fixture_is_on_the_page() -> None:
    fixtures = {path.name for path in small_trees.FIXTURES.glob("smallest-*")}
    assert fixtures == small_trees.KINDS.keys()
    page = small_trees.page()
    for name in fixtures:
        for path in small_trees.documents(small_trees.FIXTURES / name / "tree"):
            assert f'title="{path}"' in page
