"""The documentation's site: builds strictly, all links and anchors lead somewhere, it is whole."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import build_site
import links
import release_changes
import release_pages
import repository_links
import site_build
import staging
from maas_stream_lint.checks import all_rules
from maas_stream_lint.logs.messages import names
from maas_stream_lint.rulebook import all_releases

ROOT = Path(__file__).parents[1]
pytestmark = site_build.needs_site


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, links.Page]:
    return links.pages(site)


def test_every_link_and_anchor_leads_somewhere(site: Path, pages: dict[Path, links.Page]) -> None:
    assert sum(len(page.targets) for page in pages.values()) > 1000
    assert links.faults(site) == []


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ('<a href="nowhere/">', "no such page or file"),
        ('<a href="other.html#nowhere">', "no such anchor"),
        ('<a href="../up.html">', "leads out of the site"),
        ('<img src="none.png">', "no such page or file"),
        ('<img src="https://cdn.example.com/a.png">', "loaded from elsewhere"),
        ('<script src="//cdn.example.com/a.js">', "loaded from elsewhere"),
        ('<link rel="stylesheet" href="https://fonts.example.com/">', "loaded from elsewhere"),
        ('<link rel="canonical" href="https://docs.example.com/">', None),
        ('<a href="https://example.com/">', None),
        ('<a href="other.html#there">', None),
    ],
)
def test_the_checker_of_links(body: str, why: str | None, tmp_path: Path) -> None:
    (tmp_path / "other.html").write_text('<p id="there">')
    (tmp_path / "index.html").write_text(body)
    found = links.faults(tmp_path)
    assert [fault.rpartition(": ")[2] for fault in found] == ([why] if why else [])


def test_a_broken_link_ends_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mkdocs.yml").write_text("site_name: broken\n")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# Here\n\n[nowhere](other.md)\n")
    monkeypatch.setattr(
        build_site, "stage", lambda made: shutil.copytree(tmp_path, made, dirs_exist_ok=True)
    )
    monkeypatch.setattr(build_site, "_prepare_playground", lambda docs: None)
    with pytest.raises(build_site.BuildError, match="page does not exist"):
        build_site.build(tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_each_address_is_one_setting(site: Path) -> None:
    """The site says where it is, and where the repository is."""
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        if page.name == "index.html":
            where = page.parent.relative_to(site).as_posix().removeprefix(".")
            url = f"{site_build.ADDRESS}{where}{'/' if where else ''}"
            assert re.search(rf'<link[^>]*href="?{re.escape(url)}"?[ >]', text), page
    assert site_build.ADDRESS in (site / "sitemap.xml").read_text("utf-8")
    gitlab = text_of(site / "recipes/gitlab/index.html")
    assert "project: team/lint" in gitlab
    assert "$CI_SERVER_HOST/team/lint.git@v" in gitlab
    assert "GROUP" not in gitlab
    hook = text_of(site / "recipes/pre-commit/index.html")
    assert f"repo: {site_build.REPOSITORY}" in hook
    assert "OWNER" not in hook
    # Only a repository on GitHub is an action of GitHub's.
    assert "OWNER/maas-stream-lint@v" in text_of(site / "recipes/github/index.html")


def test_an_action_is_named_by_its_repository() -> None:
    recipe = (ROOT / "docs/recipes/github.md").read_text("utf-8")
    made = repository_links.filled(recipe, "https://github.com/team/lint")
    assert "uses: team/lint@v" in made
    assert "OWNER" not in made
    assert repository_links.filled(recipe, "") == recipe


def test_read_the_docs_takes_its_configuration() -> None:
    program = Path(sys.executable).parent / "check-jsonschema"
    command = [program, "--builtin-schema", "vendor.readthedocs", ROOT / ".readthedocs.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_address_of_the_site_is_in_its_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mkdocs.yml").write_text("site_name: x\nsite_url: !ENV [SITE_URL, '']\n")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# Here\n")
    monkeypatch.setenv(build_site._PUBLISHED, "https://docs.example.com/lint/")
    build_site._zensical(tmp_path)
    page = (tmp_path / "site" / "index.html").read_text("utf-8")
    assert '<link rel="canonical" href="https://docs.example.com/lint/">' in page


def test_nothing_but_a_site_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("dear")
    with pytest.raises(build_site.BuildError, match="holds something else than a site"):
        build_site.build(tmp_path)
    assert (tmp_path / "letters.txt").read_text() == "dear"


def test_a_document_links_to_nothing_outside_of_the_site() -> None:
    text = "[one](../README.md) [other](../tests/conftest.py#x)"
    with pytest.raises(staging.Astray, match=r"docs/a\.md links to tests/conftest\.py"):
        staging.for_site(text, "a.md", "docs/a.md")


def test_code_can_be_scrolled_with_the_keyboard(site: Path) -> None:
    page = (site / "recipes/nginx/index.html").read_text("utf-8")
    blocks = re.findall(r"<pre[^>]*>(?:<span></span>)?<code[^>]*>", page)
    assert blocks
    assert all('tabindex="0"' in block for block in blocks)


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
    page = text_of(site / "releases" / "index.html")
    explained = release_pages.explanations()
    differing = release_changes.differing()
    assert len(differing) > 20
    assert [key for key in differing if not explained.get(key)] == []
    for key in differing:
        assert (key.partition(".")[2] or key) in page
    for release in all_releases():
        assert release.version in page
        for shape in release.shapes if release.strict else ():
            assert all(field in page for field in [*shape.product, *shape.downloads])


def test_every_change_of_a_release_is_a_sentence() -> None:
    unsaid: dict[str, None] = {}
    for key in release_changes.differing():
        known = release_changes.words(key)
        told = {"has", "lacks"} <= known.keys() or "told-by" in known
        values = [dict(release_changes.leaves(r.data)).get(key) for r in all_releases()]
        if not told and not all(release_changes.sentence(key, value) for value in values):
            unsaid[key] = None
    assert list(unsaid) == [], "write a sentence in docs/tools/changes.toml"
    for key in release_changes.differing():
        for line, text in release_changes.changes(key):
            assert line in text.partition("**,")[0]
            assert text.endswith(".")


def test_changes_of_a_list_name_how_long_they_hold() -> None:
    told = [text for _, text in release_changes.changes("import.ftypes")]
    assert "**From 3.5 on**, MAAS drops files of the ftype `bootloader`." in told


def test_every_log_line_is_there(site: Path, pages: dict[Path, links.Page]) -> None:
    listed = text_of(site / "log-lines" / "index.html")
    for name in names():
        assert (site / "messages" / name / "index.html") in pages
    assert "Ignoring unsupported product {product}" in listed


def test_nothing_of_the_site_is_kept_in_the_checkout() -> None:
    assert "/site/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert not (ROOT / "docs" / "rules").exists()
