"""The documentation's site: builds strictly, all links and anchors lead somewhere, it is whole."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from maas_stream_lint.checks import all_rules
from maas_stream_lint.logs.messages import names
from maas_stream_lint.rulebook import all_releases

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("mkdocs") is None, reason="without the test extra"
)


class Links(HTMLParser):
    """The links and anchors of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        for name in ("id", "name"):
            if given.get(name):
                self.anchors.add(given[name] or "")
        if tag == "a" and given.get("href"):
            self.targets.append(given["href"] or "")
        for name in ("src", "href"):
            if tag in ("img", "script", "link") and given.get(name):
                self.loaded.append(given[name] or "")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", target],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return target


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Links]:
    return {path: Links(path.read_text("utf-8")) for path in site.rglob("*.html")}


def inner(site: Path, page: Path, target: str) -> Iterator[tuple[Path, str]]:
    """The file and anchor that a link of this site leads to."""
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or page.name == "404.html":
        return
    there = page
    if parts.path:
        there = (page.parent / unquote(parts.path)).resolve()
        assert there.is_relative_to(site.resolve()), f"{page}: {target}"
        if there.is_dir():
            there /= "index.html"
    yield there, unquote(parts.fragment)


def test_every_link_and_anchor_leads_somewhere(site: Path, pages: dict[Path, Links]) -> None:
    by_path = {path.resolve(): links for path, links in pages.items()}
    seen, broken = 0, []
    for page, links in pages.items():
        for target in links.targets + links.loaded:
            for there, anchor in inner(site, page, target):
                seen += 1
                known_page = by_path.get(there.resolve())
                if not there.is_file():
                    broken.append(f"{page.relative_to(site)}: {target}")
                elif anchor and known_page is not None and anchor not in known_page.anchors:
                    broken.append(f"{page.relative_to(site)}: {target}: no such anchor")
    assert seen > 1000
    assert broken == []


def test_nothing_is_loaded_from_elsewhere(pages: dict[Path, Links]) -> None:
    foreign = {
        target
        for links in pages.values()
        for target in links.loaded
        if urlsplit(target).netloc not in ("", "localhost")
    }
    assert foreign == set()


def text_of(path: Path) -> str:
    return re.sub(r"<[^>]*>", "", path.read_text("utf-8"))


def test_each_rule_has_a_page_with_examples(site: Path) -> None:
    mended = 0
    for rule in all_rules():
        page = text_of(site / "rules" / rule.name / "index.html")
        for part in (rule.code, "What MAAS does", "Why", "Fix", "Failing example"):
            assert part in page, (rule.name, part)
        squeezed = "".join(page.split())
        first = (ROOT / f"fixtures/bad/{rule.code}-{rule.name}/expected.txt").read_text("utf-8")
        assert any(f"{f}onMAAS" in squeezed for f in first.split() if f.isalpha()), rule.name
        mended += "Passing example" in page
        fixed = ROOT / f"fixtures/bad/{rule.code}-{rule.name}/fixed.diff"
        if fixed.exists() and fixed.stat().st_size:
            assert "makes of it" in page or "answers with the file itself" in page, rule.name
    assert mended > 0.7 * len(all_rules())


def test_the_list_of_rules_names_all(site: Path) -> None:
    page = text_of(site / "rules" / "index.html")
    assert [r.code for r in all_rules() if r.code not in page or r.name not in page] == []


def test_codes_in_documents_lead_to_their_rules(site: Path) -> None:
    page = (site / "recipes" / "nginx" / "index.html").read_text("utf-8")
    assert re.search(r'<a href="\.\./\.\./rules/redirecting-files/"[^>]*>MSL720</a>', page)


def test_release_differences_are_whole_and_explained(site: Path) -> None:
    import release_pages

    page = text_of(site / "releases" / "index.html")
    explained = release_pages.explanations()
    differing = release_pages.differing()
    assert len(differing) > 20
    assert [key for key in differing if not explained.get(key)] == []
    for key in differing:
        assert (key.partition(".")[2] or key) in page
    for release in all_releases():
        assert release.version in page
        for shape in release.shapes if release.strict else ():
            assert all(field in page for field in [*shape.product, *shape.downloads])


def test_every_log_line_is_there(site: Path, pages: dict[Path, Links]) -> None:
    listed = text_of(site / "log-lines" / "index.html")
    for name in names():
        assert (site / "messages" / name / "index.html") in pages
    assert "Ignoring unsupported product {product}" in listed


def test_nothing_of_the_site_is_kept_in_the_checkout() -> None:
    assert "/site/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert not (ROOT / "docs" / "rules").exists()
