"""``preview --rename``: what MAAS would do with a product of another name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from images import INDEX, PRODUCTS, UBUNTU, Tree
from maas_stream_lint.api import check
from maas_stream_lint.cli.main import main
from maas_stream_lint.fixing.renaming import fate, renamed

ODD = "com.example:ubuntu-bases:22.04:amd64"


@pytest.fixture
def root(tmp_path: Path, own_home: Path) -> Path:
    tree = Tree()
    tree.products = {ODD: tree.products[UBUNTU]}
    return tree.write(tmp_path / "tree")


def run(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["preview", str(root / INDEX), *arguments])


def test_a_name_that_works(root: Path) -> None:
    before = (root / PRODUCTS).read_bytes()
    done = run(root, "--rename", f"{ODD}={UBUNTU}", "--maas", "3.5,3.6")
    assert done.stdout.startswith(f"With the name `{UBUNTU}`: on 3.5 and 3.6 MAAS imports it,")
    assert ODD not in done.stdout
    assert (root / PRODUCTS).read_bytes() == before


def test_a_name_that_does_not(root: Path) -> None:
    done = run(root, "--rename", f"{ODD}=com.example:other", "--maas", "3.6")
    assert "on 3.6 MAAS drops it" in done.stdout


def test_the_index_lists_the_new_name(root: Path) -> None:
    report = renamed(check(root / INDEX), {ODD: UBUNTU})
    assert not {"entry-products-stale", "ubuntu-name"} & {f.name for f in report.findings}
    assert "imports it" in fate(report, UBUNTU)


def test_for_programs(root: Path) -> None:
    done = run(root, "--rename", f"{ODD}={UBUNTU}", "--format", "json", "--maas", "3.6")
    assert UBUNTU in json.dumps(json.loads(done.stdout)["maas"]["3.6"])


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("x", "takes OLD=NEW"),
        ("=x", "takes OLD=NEW"),
        (f"{ODD}=", "takes OLD=NEW"),
        ("com.example:ubuntu-bases:22.04:amd46=x", f"did you mean {ODD}?"),
        ("zzz=x", "`preview` lists the products"),
        (f"{ODD}={ODD}", "is called"),
    ],
)
def test_what_cannot_be_meant(root: Path, said: str, told: str) -> None:
    done = run(root, "--rename", said)
    assert (done.exit_code, done.output.count("\n")) == (2, 1)
    assert told in done.output
