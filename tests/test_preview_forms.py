"""The forms of ``preview`` beside text: each says of every product what it is good for."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import browser
from images import INDEX, UBUNTU, Tree
from maas_stream_lint.cli.main import main
from schemas import PREVIEW, WANTED
from test_html import CONTRAST

ROOT = Path(__file__).parents[1] / "fixtures"
FIXTURES = sorted(ROOT.glob("*/*/tree"))
GOOD = ROOT / "good/every-release/tree"
#: Its kernel is chosen only where somebody asks for it, and on some lines not at all.
ALIKE = ROOT / "bad/MSL460-kernel-of-other-release/tree"
HOSTILE = "com.example:v3:boot:<b>|`x`:amd64"


def shown(root: Path, form: str, *arguments: str) -> str:
    done = CliRunner().invoke(main, ["preview", str(root), "--format", form, *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def data(root: Path, *arguments: str) -> Any:
    return json.loads(shown(root, "json", *arguments))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return Tree().write(tmp_path / "tree") / INDEX


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda p: p.parent.name)
def test_json_is_as_its_schema_says(fixture: Path) -> None:
    done = CliRunner().invoke(main, ["preview", str(fixture), "--format", "json"])
    if done.exit_code == 0:
        PREVIEW.validate(json.loads(done.stdout))


def test_json_says_what_each_product_is_good_for(root: Path) -> None:
    said = data(root, "--maas", "3.3,3.6", "--machine", "amd64/generic", "--machine", "amd64/foo")
    for line, kernel in (("3.3", "generic"), ("3.6", "ga-22.04")):
        (product,) = [one for one in said["maas"][line]["products"] if one["product"] == UBUNTU]
        (image,) = product["images"]
        assert (product["outcome"], image["resource"]) == (
            "imported",
            "ubuntu/jammy amd64/ga-22.04",
        )
        assert (image["heading"], image["title"]) == (
            "Ubuntu",
            'Ubuntu 22.04 LTS "Jammy Jellyfish"',
        )
        fine, other = image["machines"]
        assert fine["commission"] is fine["deploy"] is fine["deploy_by_default"] is True
        assert (fine["kernel"], fine["boot_from"]) == ("ga-22.04", "ubuntu/jammy")
        assert kernel in fine["told"]
        assert other["machine"] == "amd64/foo"
        assert other["commission"] is not True


def test_json_with_selections(root: Path) -> None:
    said = data(root, "--maas", "3.6", "--selection", "ubuntu/noble/amd64")
    PREVIEW.validate(said)
    outcomes = {one["product"]: one["outcome"] for one in said["maas"]["3.6"]["products"]}
    assert outcomes[UBUNTU] == "not selected"


@pytest.mark.parametrize(
    ("wanted", "deploys"), [("ubuntu/jammy/amd64", True), ("ubuntu/noble/amd64", False)]
)
def test_the_answer_as_json(root: Path, wanted: str, deploys: bool) -> None:
    said = data(root, "--wanted", wanted, "--machine", "amd64/generic")
    WANTED.validate(said)
    assert said["machines"] == ["amd64/generic"]
    assert {answer["deploys"] for answer in said["maas"].values()} == {deploys}


def test_the_answer_names_the_finding() -> None:
    said = data(ALIKE, "--wanted", "ubuntu/jammy-acme/amd64", "--maas", "2.9,3.8")["maas"]
    assert said["2.9"]["finding"]["code"] == "MSL456"
    assert said["3.8"] == {**said["3.8"], "deploys": True, "finding": None}


def test_the_answer_in_other_forms() -> None:
    asked = ("--wanted", "ubuntu/jammy-acme/amd64", "--maas", "2.9,3.8")
    told = shown(ALIKE, "markdown", *asked)
    assert "**MAAS 2.9: no**: imported, but amd64/generic neither commissions" in told
    assert "  - MSL456 release `jammy-acme`" in told
    assert "**MAAS 3.8: yes**" in told
    page = shown(ALIKE, "html", *asked)
    assert 'MAAS 2.9 <span class="verdict fails">no</span>' in page
    assert "<dt>MSL456</dt>" in page


def test_markdown(root: Path) -> None:
    told = shown(GOOD, "markdown")
    assert "| product | 2.9\N{EN DASH}3.3 | 3.4\N{EN DASH}3.8 |" in told
    row = next(line for line in told.splitlines() if "24.04:arm64" in line)
    assert (
        "imported<br>`arm64/generic` commissions and deploys with kernel ga-24\\.04"
        in row.replace("ga-24.04", "ga-24\\.04")
    )
    assert 'in the UI: Ubuntu / Ubuntu 24.04 LTS "Noble Numbat"' in row
    assert "- imported: MAAS imports it" in told


def test_html_and_log(root: Path) -> None:
    page = shown(root, "html", "--log", "--maas", "3.4,3.6")
    assert "<script" not in page
    assert "<code>amd64/generic</code> commissions and deploys with kernel ga-22.04" in page
    assert "in the UI: Ubuntu / Ubuntu 22.04 LTS" in page
    assert "<h2>Log of MAAS 3.4, 3.6</h2>" in page
    assert "### Log of MAAS 3.4, 3.6" in shown(root, "markdown", "--log", "--maas", "3.4,3.6")


def test_a_hostile_name_is_no_markup(tmp_path: Path) -> None:
    tree = Tree()
    tree.products[HOSTILE] = tree.products.pop(UBUNTU)
    root = tree.write(tmp_path / "t") / INDEX
    page = shown(root, "html")
    assert "<b>|" not in page
    assert "&lt;b&gt;" in page
    row = next(line for line in shown(root, "markdown").splitlines() if "com.example" in line)
    assert re.search(r"(?<!\\)\|`x`", row) is None


@pytest.mark.skipif(
    browser.CHROMIUM is None, reason="no chromium; Debian: apt-get install chromium"
)
def test_in_a_browser(tmp_path: Path) -> None:
    with browser.page(tmp_path / "chromium") as tab:
        for number, arguments in enumerate([(), ("--log",), ("--wanted", "ubuntu/jammy/amd64")]):
            page = tmp_path / f"{number}.html"
            page.write_text(shown(ALIKE, "html", *arguments), "utf-8")
            for width in (1280, 400):
                for scheme in ("light", "dark"):
                    tab.size(width, 900)
                    tab.media(scheme=scheme)
                    tab.open(page)
                    assert tab.js("document.documentElement.scrollWidth") <= width
                    assert tab.js(CONTRAST) >= 4.5
                    assert tab.errors == []
