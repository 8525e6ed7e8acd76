"""Remedies that depend on what else is in the stream."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from maas_stream_lint.api import check

TREE = Path(__file__).parents[1] / "fixtures/bad/MSL315-good-products-lost/tree"
BAD = "com.example.maas:rhel-bases:8:amd64"


def way_out(tree: Path) -> str:
    report = check(tree, files="none", select=["MSL315"])
    (remedy,) = {finding.remedy for finding in report.findings}
    return remedy


def test_a_bad_product_beside_good_ones_is_taken_out_of_its_file() -> None:
    assert "remove it from `streams/v1/" in way_out(TREE)


def test_a_file_of_bad_products_alone_is_taken_out_of_the_index(tmp_path: Path) -> None:
    """What would be left of the file is a products file without products, which MAAS refuses."""
    tree = shutil.copytree(TREE, tmp_path / "tree")
    folder = tree / "streams/v1"
    index = json.loads((folder / "index.json").read_text())
    (file,) = [p for p in folder.glob("com*.json") if BAD in p.read_text()]
    whole = json.loads(file.read_text())
    own = {**whole, "content_id": "own", "products": {BAD: whole["products"].pop(BAD)}}
    file.write_text(json.dumps(whole))
    (folder / "own.json").write_text(json.dumps(own))
    (entry,) = [e for e in index["index"].values() if e["path"].endswith(file.name)]
    index["index"]["own"] = {**entry, "path": "streams/v1/own.json", "products": [BAD]}
    entry["products"] = sorted(whole["products"])
    (folder / "index.json").write_text(json.dumps(index))
    assert "remove `streams/v1/own.json` from the index" in way_out(tree)
