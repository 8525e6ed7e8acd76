"""The HTML report in a real browser: what opens, by mouse and keyboard, on screen and paper."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import browser
import reports
from maas_stream_lint.api import check
from maas_stream_lint.finding import Severity
from maas_stream_lint.output import Style
from maas_stream_lint.report import html_

pytestmark = pytest.mark.skipif(
    browser.CHROMIUM is None, reason="no chromium; Debian: apt-get install chromium"
)
BAD = Path(__file__).parents[1] / "fixtures/bad/MSL401-ubuntu-name/tree"
#: Its index ends the import, so nothing is wrong with the product.
BROKEN = BAD.parents[1] / "MSL201-index-format/tree/streams/v1/index.json"
MADE = {"many": reports.many, "markup": reports.markup, "hostile": reports.hostile}
#: Rows that can be seen, by what stands at their left.
ROWS = """[...document.querySelectorAll('tbody')].filter(b => !b.hidden)
  .map(b => b.querySelector('th').innerText.split('\\n')[0])"""
#: The rules whose entries can be seen.
ENTRIES = """[...document.querySelectorAll('.entry')]
  .filter(e => e.checkVisibility({contentVisibilityAuto: true}))
  .map(e => e.querySelector('h3 a').innerText)"""


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Page]:
    with browser.page(tmp_path_factory.mktemp("chromium")) as page:
        page.size(1280, 900)
        yield page


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    made = {}
    for name, report in MADE.items():
        made[name] = folder / f"{name}.html"
        text = "".join(html_.render(report(), Severity.UNUSABLE, Style()))
        made[name].write_text(text, "utf-8")
    return made


@pytest.fixture(autouse=True)
def quiet(tab: browser.Page) -> Iterator[None]:
    """Whatever a test does: nothing is fetched, and the console has nothing to complain of."""
    tab.media()
    yield
    assert tab.errors == []
    assert [url for url in tab.requests if not url.startswith(("file:", "data:"))] == []
    assert len(tab.requests) <= 2  # the file itself, and its empty icon


@pytest.mark.parametrize("name", MADE)
def test_nothing_of_a_stream_runs_or_becomes_an_element(
    name: str, tab: browser.Page, pages: dict[str, Path]
) -> None:
    tab.open(pages[name])
    assert tab.js("document.scripts.length") == 1
    assert tab.js("document.querySelectorAll('style').length") == 1
    assert (
        tab.js("[...document.querySelectorAll('*')].some(e => e.hasAttribute('onload'))") is False
    )
    assert tab.js("document.images.length") == 0


def test_the_policy_lets_nothing_else_run(tab: browser.Page, pages: dict[str, Path]) -> None:
    tab.open(pages["many"])
    tab.js(
        "{const s = document.createElement('script'); s.text = 'window.ran = 1'; "
        "document.body.append(s)}"
    )
    assert tab.js("window.ran") is None
    tab.call("Runtime.evaluate", expression="1")
    assert all("Content Security Policy" in error for error in tab.errors)
    tab.errors.clear()


def test_it_filters(tab: browser.Page, pages: dict[str, Path]) -> None:
    tab.open(pages["many"])
    whole, lone, alike = tab.js(ROWS)
    assert (whole, lone, alike) == (
        "the stream as a whole",
        "com.example:rhel-bases:9:amd64",
        "120 products",
    )
    tab.js("document.querySelector('[name=text]').focus()")
    tab.type("MISSING-KFLAVOR")
    assert tab.js(ROWS) == [alike]
    assert tab.js("document.querySelector('output').value") == "1 of 3 rows"
    tab.js("document.querySelector('[type=reset]').click()")
    assert tab.js("new Promise(r => setTimeout(() => r(document.querySelector('output').value)))")
    assert tab.js(ROWS) == [whole, lone, alike]
    choose(tab, "severity", str(Severity.IGNORED.value))
    assert tab.js(ROWS) == [lone, alike]
    choose(tab, "line", "3.5")
    assert tab.js(ROWS) == [lone]
    heads = (
        "[...document.querySelectorAll('thead th')].filter(h => !h.hidden).map(h => h.innerText)"
    )
    assert tab.js(heads) == ["product", "3.5"]


def choose(tab: browser.Page, name: str, value: str) -> None:
    tab.js(
        f"{{const s = document.querySelector('[name={name}]'); s.value = {value!r}; "
        "s.dispatchEvent(new Event('input', {bubbles: true}))}"
    )


def focused(tab: browser.Page) -> Any:
    return tab.js(
        "(c => c.matches('td a') ? c.parentNode.dataset.line : c.className || c.tagName)"
        "(document.activeElement)"
    )


def test_it_works_by_keyboard(tab: browser.Page, pages: dict[str, Path]) -> None:
    tab.open(pages["many"])
    for _ in range(5):  # three fields, the button, the first cell
        tab.press("Tab")
    assert focused(tab) == "2.9"
    assert tab.js("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    tab.press("ArrowDown")
    for _ in range(6):
        tab.press("ArrowRight")
    assert focused(tab) == "3.5"
    assert tab.js(ENTRIES) == []
    tab.press("Enter")
    assert focused(tab) == "panel"
    # Only what bites on that release; 3.4 has one entry less.
    assert tab.js(ENTRIES) == ["MSL611", "MSL461"]
    expanded = (
        "[...document.querySelectorAll('[aria-expanded=true]')].map(c => c.parentNode.dataset.line)"
    )
    assert tab.js(expanded) == ["3.5"]
    tab.press("Escape")
    assert focused(tab) == "3.5"
    assert tab.js(ENTRIES) == []
    assert tab.js(expanded) == []
    tab.press("ArrowLeft")
    tab.press(" ")
    assert tab.js(ENTRIES) == ["MSL611"]
    tab.press("Tab")  # to «show all»
    tab.press("Enter")
    assert tab.js(ENTRIES) == ["MSL611", "MSL461"]
    roles = """[...document.querySelectorAll('td > a')].every(c => c.role === 'button'
      && document.getElementById(c.getAttribute('aria-controls')).role === 'region')"""
    assert tab.js(roles) is True


def test_an_entry_shows_file_log_and_remedy(tab: browser.Page, pages: dict[str, Path]) -> None:
    tab.open(pages["markup"])
    tab.js("document.querySelector('td a').click()")
    shown = tab.js("document.querySelector('.entry').innerText")
    assert "<script>alert(1)</script>" in shown
    assert "\\u202e" in shown
    assert "maas.import-images: [warn] Ignoring unsupported product <script>" in shown
    assert tab.js("document.querySelectorAll('.entry .line').length") == 5
    assert tab.js("document.querySelector('.entry .hit').innerText").split()[1] == "7"


def test_the_value_in_question_is_marked(tab: browser.Page, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("".join(html_.render(check(BAD), Severity.UNUSABLE, Style())), "utf-8")
    tab.open(page)
    marks = tab.js("[...document.querySelectorAll('mark')].map(m => m.textContent)")
    assert '"com.ubuntu.maas.candidate:ubuntu-bases:22.04:amd64"' in marks


def test_a_cell_leads_to_the_row_that_is_to_blame(tab: browser.Page, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("".join(html_.render(check(BROKEN), Severity.UNUSABLE, Style())), "utf-8")
    tab.open(page)
    assert len(tab.js(ROWS)) == 2
    tab.js("document.querySelectorAll('tbody')[1].querySelector('[data-line=\"3.7\"] a').focus()")
    tab.press("Enter")
    assert tab.js(ENTRIES) == ["MSL201", "MSL410"]
    assert tab.js("document.querySelectorAll('tbody')[0].contains(document.activeElement)") is True
    tab.press("Escape")
    assert focused(tab) == "3.7"
    assert tab.js("document.querySelectorAll('tbody')[1].contains(document.activeElement)") is True


def test_without_script_a_cell_leads_to_its_findings(
    tab: browser.Page, pages: dict[str, Path]
) -> None:
    tab.open(pages["many"], "#d2", scripts=False)
    tab.call("Emulation.setScriptExecutionDisabled", value=False)
    assert tab.js(ENTRIES) == ["MSL611", "MSL461"]
    assert tab.js("document.querySelector('form').hidden") is True
    tab.open(pages["many"])


def test_paper_shows_all(tab: browser.Page, pages: dict[str, Path]) -> None:
    tab.open(pages["many"])
    tab.media(kind="print")
    heights = "[...document.querySelectorAll('.entry')].map(e => e.getBoundingClientRect().height)"
    assert all(height > 20 for height in tab.js(heights))
    assert tab.js("getComputedStyle(document.querySelector('form')).display") == "none"


def test_dark_and_light(tab: browser.Page, pages: dict[str, Path]) -> None:
    seen = []
    for scheme in ("light", "dark"):
        tab.media(scheme=scheme)
        tab.open(pages["many"])
        tab.js("document.querySelectorAll('td a')[13].click()")
        seen.append(tab.js("getComputedStyle(document.body).backgroundColor"))
        picture = tab.screenshot()
        assert picture.startswith(b"\x89PNG")
        if folder := os.environ.get("SCREENSHOTS"):
            (Path(folder) / f"report-{scheme}.png").write_bytes(picture)
        assert tab.js(CONTRAST) >= 4.5
    assert seen == ["rgb(255, 255, 255)", "rgb(20, 23, 27)"]


#: The least contrast of any text on its own background, by WCAG's formula.
CONTRAST = """(() => {
  const rgb = s => s.match(/[\\d.]+/g).map(Number);
  const light = c => c.slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const back = e => {
    for (; e; e = e.parentElement) {
      const s = getComputedStyle(e).backgroundColor;
      if (s.startsWith('rgb(')) return rgb(s);
    }
    return [255, 255, 255];
  };
  return Math.min(...[...document.querySelectorAll('body *')]
    .filter(e => e.tagName !== 'SCRIPT')
    .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
    .map(e => {
      const [a, b] = [light(rgb(getComputedStyle(e).color)), light(back(e))].sort((x, y) => y - x);
      return (a + 0.05) / (b + 0.05);
    }));
})()"""


def test_five_hundred_products_are_few_rows_or_quick_ones(
    tab: browser.Page, tmp_path: Path
) -> None:
    page = tmp_path / "big.html"
    page.write_text("".join(html_.render(reports.many(500), Severity.UNUSABLE, Style())), "utf-8")
    assert page.stat().st_size < 200_000
    tab.open(page)
    assert len(tab.js(ROWS)) == 3


def test_it_is_no_wider_than_the_window(tab: browser.Page, pages: dict[str, Path]) -> None:
    for width in (1280, 800, 400):
        tab.size(width, 900)
        for page in pages.values():
            tab.open(page)
            tab.js("document.querySelector('td a').click()")
            assert tab.js("document.documentElement.scrollWidth") <= width
        right = tab.js("document.querySelector('table').getBoundingClientRect().right")
        # A narrow window scrolls the matrix, and nothing but the matrix.
        assert width < 1280 or right <= tab.js("document.body.getBoundingClientRect().right")
    tab.size(1280, 900)
