"""Pages of the site in a real browser: the search, links and code, wide and narrow."""

from __future__ import annotations

import os

import pytest

import browser
import site_build

pytestmark = [
    site_build.needs_site,
    pytest.mark.skipif(
        browser.CHROMIUM is None and os.environ.get("CI") != "true",
        reason="no chromium; Debian: apt-get install chromium",
    ),
]


@pytest.mark.parametrize("path", ["", "rules/missing-size/", "releases/", "smallest-trees/"])
@pytest.mark.parametrize("width", [400, 1280])
def test_pages_fit_and_load_nothing_from_elsewhere(
    tab: browser.Page, address: str, path: str, width: int
) -> None:
    tab.size(width, 800)
    tab.visit(address + path)
    assert tab.js("document.documentElement.scrollWidth") <= width
    assert {url for url in tab.requests if not url.startswith((address, "data:"))} == set()
    assert tab.errors == []


def test_links_in_a_text_are_underlined(tab: browser.Page, address: str) -> None:
    tab.visit(f"{address}trust/")
    styles = """[...document.querySelectorAll('article p a[href], article li a[href]')]
      .map(link => getComputedStyle(link).textDecorationLine)"""
    assert set(tab.js(styles)) == {"underline"}


def test_code_is_reached_by_keyboard(tab: browser.Page, address: str) -> None:
    tab.visit(f"{address}recipes/nginx/")
    tab.js("document.querySelector('pre code').focus()")
    assert tab.js("document.activeElement.tagName") == "CODE"


def test_the_search_finds_a_rule(tab: browser.Page, address: str) -> None:
    tab.size(1280, 800)
    tab.visit(address)
    tab.until("document.querySelector('.md-search__button') !== null")
    tab.js("document.querySelector('.md-search__button').click()")
    tab.until("document.activeElement.shadowRoot !== null")
    tab.type("missing-size")
    links = "[...document.activeElement.shadowRoot.querySelectorAll('a')].map(link => link.href)"
    tab.until(f"{links}.length > 0")
    assert tab.js(links)[0].startswith(f"{address}rules/missing-size/")
    assert tab.errors == []
