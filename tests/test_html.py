"""The HTML report in a real browser: what opens, by mouse and keyboard, on screen and paper."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import browser
import reports
from maas_stream_lint.api import Report, check
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
  .map(e => e.querySelector('h3').innerText.match(/MSL\\d+/)[0])"""


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
    assert tab.js(HEADS) == ["product", "3.5-3.6"]


def choose(tab: browser.Page, name: str, value: str) -> None:
    tab.js(
        f"{{const s = document.querySelector('[name={name}]'); s.value = {value!r}; "
        "s.dispatchEvent(new Event('input', {bubbles: true}))}"
    )


#: The release lines of a cell's column.
HEAD = """const columns = document.querySelectorAll('thead [data-column]');
  const head = c => columns[c.parentNode.dataset.column].innerText.replaceAll('\\u2013', '-');
"""
HEADS = """[...document.querySelectorAll('thead th')].filter(h => !h.hidden)
  .map(h => h.innerText.replaceAll('\\u2013', '-'))"""


def cells(tab: browser.Page, expression: str) -> Any:
    return tab.js(f"(() => {{{HEAD} return {expression}}})()")


def focused(tab: browser.Page) -> Any:
    return cells(
        tab,
        "(c => c.matches('a.fate') ? head(c) : c.className || c.tagName)(document.activeElement)",
    )


def test_it_works_by_keyboard(tab: browser.Page, pages: dict[str, Path]) -> None:
    tab.open(pages["many"])
    for _ in range(5):  # three fields, the button, the first cell
        tab.press("Tab")
    assert focused(tab) == "2.9-3.4, 3.7"
    assert tab.js("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    tab.press("ArrowDown")
    tab.press("ArrowRight")
    assert focused(tab) == "3.5-3.6"
    assert tab.js(ENTRIES) == []
    tab.press("Enter")
    assert focused(tab) == "panel"
    # Only what bites on these releases; 3.4 has one entry less.
    assert tab.js(ENTRIES) == ["MSL611", "MSL461"]
    assert tab.js("document.querySelector('.only:not([hidden]) span').innerText") == (
        "The findings on MAAS 3.5\N{EN DASH}3.6."
    )
    expanded = "[...document.querySelectorAll('[aria-expanded=true]')].map(head)"
    assert cells(tab, expanded) == ["3.5-3.6"]
    tab.press("Escape")
    assert focused(tab) == "3.5-3.6"
    assert tab.js(ENTRIES) == []
    assert cells(tab, expanded) == []
    tab.press("ArrowLeft")
    tab.press(" ")
    assert tab.js(ENTRIES) == ["MSL611"]
    tab.press("Tab")  # to «show all»
    tab.press("Enter")
    assert tab.js(ENTRIES) == ["MSL611", "MSL461"]
    roles = """[...document.querySelectorAll('a.fate')].every(c => c.role === 'button'
      && document.getElementById(c.getAttribute('aria-controls')).role === 'region')"""
    assert tab.js(roles) is True


def test_an_entry_shows_file_log_and_remedy(tab: browser.Page, pages: dict[str, Path]) -> None:
    tab.open(pages["markup"])
    tab.js("document.querySelector('a.fate').click()")
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
    tab.js("document.querySelectorAll('tbody')[1].querySelector('[data-column=\"0\"] a').focus()")
    tab.press("Enter")
    assert tab.js(ENTRIES) == ["MSL201", "MSL410"]
    assert tab.js("document.querySelectorAll('tbody')[0].contains(document.activeElement)") is True
    tab.press("Escape")
    assert focused(tab) == "2.9-3.7"
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
        tab.js("document.querySelectorAll('a.fate')[4].click()")
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


def test_like_release_lines_share_a_column(tab: browser.Page, pages: dict[str, Path]) -> None:
    tab.open(pages["many"])
    assert tab.js(HEADS) == ["product", "2.9-3.4, 3.7", "3.5-3.6", "3.8"]
    told = tab.js("document.querySelector('.legend').innerText")
    assert "MAAS imports it" in told
    assert "\N{UPWARDS ARROW}" not in told


def test_what_the_arrows_mean_is_told(tab: browser.Page, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("".join(html_.render(check(BROKEN), Severity.UNUSABLE, Style())), "utf-8")
    tab.open(page)
    assert "\N{UPWARDS ARROW}" in tab.js("document.querySelectorAll('tbody')[1].innerText")
    told = tab.js("document.querySelector('.legend').innerText")
    assert "\N{UPWARDS ARROW} the cause is the finding of a row above" in told
    assert "\N{DOWNWARDS ARROW}" not in told


def test_nothing_shows_through_the_sticky_header(tab: browser.Page, pages: dict[str, Path]) -> None:
    tab.open(pages["many"])
    tab.js("document.documentElement.style.scrollBehavior = 'auto'")
    tab.js("document.querySelectorAll('details').forEach(d => { d.open = true })")
    tab.js("scrollTo(0, document.querySelector('.panel').getBoundingClientRect().top + 30)")
    seen = tab.js("""(() => {
      const {left, right} = document.querySelector('table').getBoundingClientRect();
      const head = document.querySelector('thead th').getBoundingClientRect();
      const found = new Set();
      for (let x = Math.ceil(left); x < right; x += 1) {
        const e = document.elementFromPoint(x, head.top + head.height / 2);
        found.add(e.closest('thead') ? 'head' : e.className || e.tagName);
      }
      return [0 < head.top && head.top < 80, [...found]];
    })()""")
    assert seen == [True, ["head"]]
    opaque = "getComputedStyle(document.querySelector('thead th')).backgroundColor"
    assert tab.js(opaque) == tab.js("getComputedStyle(document.body).backgroundColor")


def test_a_narrow_window_shows_the_newest_release(tab: browser.Page, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("".join(html_.render(apart(), Severity.UNUSABLE, Style())), "utf-8")
    tab.size(400, 900)
    for scripts in (True, False):
        tab.open(page, scripts=scripts)
        tab.call("Emulation.setScriptExecutionDisabled", value=False)
        heads = tab.js("document.querySelectorAll('thead th').length")
        assert heads == 11
        place = tab.js(
            "(r => [r.left, r.right])([...document.querySelectorAll('thead th')].at(-1)"
            ".getBoundingClientRect())"
        )
        assert 0 <= place[0] < place[1] <= 400
        assert tab.js("document.querySelector('tbody th').getBoundingClientRect().left") >= 0
    tab.size(1280, 900)


def apart() -> Report:
    """A report of which no two release lines have the same findings."""
    names = [f"com.example:{n}:9:amd64" for n in range(10)]
    stream = reports.tree({name: reports.image("rhel", f"rhel{n}") for n, name in enumerate(names)})
    found = [
        reports.finding(Severity.WARNING, "x", reports.at(name), maas=(line,))
        for name, line in zip(names, reports.ALL, strict=True)
    ]
    return reports.report(found, stream)


def test_commands_can_be_copied(tab: browser.Page, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("".join(html_.render(check(BAD), Severity.UNUSABLE, Style())), "utf-8")
    tab.open(page)
    tab.js("document.querySelector('a.fate[href=\"#d2\"]').click()")
    command = tab.js("document.querySelector('#d2 .command code').textContent")
    assert command.startswith("maas $PROFILE boot-resources create name=custom/jammy")
    # As on a page from a plain http server, which has no other clipboard.
    tab.js("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    tab.js("document.addEventListener('copy', () => { window.copied = String(getSelection()) })")
    tab.js("document.querySelector('#d2 .copy').focus()")
    tab.press("Enter")
    tab.js("new Promise(r => setTimeout(r, 100))")
    assert tab.js("window.copied").strip() == command
    assert tab.js("document.querySelector('#d2 .copy').innerText") == "Copied"


def test_without_script_one_click_selects_a_command(tab: browser.Page, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("".join(html_.render(check(BAD), Severity.UNUSABLE, Style())), "utf-8")
    tab.open(page, "#d2", scripts=False)
    tab.call("Emulation.setScriptExecutionDisabled", value=False)
    assert tab.js("document.querySelectorAll('.copy').length") == 0
    code = "document.querySelector('.command code')"
    assert tab.js(f"getComputedStyle({code}).userSelect") == "all"
    tab.open(page)


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
            tab.js("document.querySelector('a.fate').click()")
            assert tab.js("document.documentElement.scrollWidth") <= width
        right = tab.js("document.querySelector('table').getBoundingClientRect().right")
        # A narrow window scrolls the matrix, and nothing but the matrix.
        assert width < 1280 or right <= tab.js("document.body.getBoundingClientRect().right")
    tab.size(1280, 900)
