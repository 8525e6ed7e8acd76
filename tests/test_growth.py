"""The work of a check grows with the number of products, whatever is odd about them.

Tables and runs of products make the common stream cheap. Here odd products interrupt them, so that
each run has only a few rows. Nothing may then look at all rows for each run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.streams import tree
from images import INDEX
from maas_stream_lint.checks import all_rules
from maas_stream_lint.collect import findings
from maas_stream_lint.look import look_at
from maas_stream_lint.rulebook import all_releases
from maas_stream_lint.stream import load
from steps import grows_linearly
from trees import MemoryTree

if TYPE_CHECKING:
    from collections.abc import Callable

    from maas_stream_lint.look import Look
    from maas_stream_lint.stream import Stream

KINDS = ("platform", "defects", "all-defects")
PRODUCTS = 300
#: A part of the work is the same for each stream, so linear work grows less than fourfold.
MOST = 4


def parsed(products: int, kind: str) -> Stream:
    stream = load(MemoryTree(tree(products, 1, kind), INDEX))
    assert all(file.best is not None for file in stream.files.values())
    return stream


def looked(products: int, kind: str) -> Look:
    return look_at(parsed(products, kind), all_releases())


@pytest.mark.parametrize("kind", KINDS)
def test_imports_take_linear_work(kind: str) -> None:
    def simulate(products: int) -> Callable[[], object]:
        stream = parsed(products, kind)
        return lambda: look_at(stream, all_releases())

    assert grows_linearly(simulate, PRODUCTS, MOST)


@pytest.mark.parametrize("kind", KINDS)
def test_rules_take_linear_work(kind: str) -> None:
    def judge(products: int) -> Callable[[], object]:
        look = looked(products, kind)
        return lambda: findings(look, list(all_rules()))

    assert grows_linearly(judge, PRODUCTS, MOST)
