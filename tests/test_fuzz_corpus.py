"""Each stream that the fuzz targets begin with, and each that one of them broke."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent / "fuzz"))
from streams_in_files import INDEX, corpus, hold, write


@pytest.mark.parametrize("name", corpus())
def test_corpus(tmp_path: Path, own_home: Path, name: str) -> None:
    write(tmp_path / "tree", corpus()[name])
    assert hold(str(tmp_path / "tree" / INDEX)) is not None
