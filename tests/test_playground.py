"""The playground in a real browser: the package runs there, on a server that only serves files."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any, ClassVar

import pytest

import browser
import site_build
from maas_stream_lint import check
from maas_stream_lint.rule_files import release_lines

pytestmark = [
    site_build.needs_site,
    pytest.mark.skipif(
        browser.CHROMIUM is None and os.environ.get("CI") != "true",
        reason="no chromium; Debian: apt-get install chromium",
    ),
]
ROOT = Path(__file__).parents[1]
BAD = ROOT / "fixtures/bad/MSL401-ubuntu-name/tree"
#: Seconds to start Python in the browser, on a machine that is busy with other things.
PATIENCE = 120.0
DONE = """!document.querySelector('[name=run]').disabled
  && document.querySelector('[name=status]').value"""


class Incomplete(site_build.Files):
    """A server that lacks the package."""

    lacking = True

    def send_head(self) -> Any:
        """Answer 404 for it."""
        if self.lacking and self.path.endswith("packages.zip"):
            return self.send_error(404)
        return super().send_head()


class Listening(site_build.Files):
    """A server that lets every page read its files."""

    heard: ClassVar[list[str]] = []

    def end_headers(self) -> None:
        """Allow that, and note who asked."""
        self.heard.append(self.path)
        self.send_header("Access-Control-Allow-Origin", "*")
        super().end_headers()


@pytest.fixture
def fresh(tab: browser.Page, address: str) -> browser.Page:
    """The page as it is loaded."""
    tab.size(1280, 900)
    tab.visit(f"{address}playground/")
    return tab


@pytest.fixture(scope="module")
def begun(tab: browser.Page, address: str) -> browser.Page:
    """The page where Python runs already: to start it takes longer than all the rest."""
    tab.visit(f"{address}playground/")
    submitted(tab)
    return tab


@pytest.fixture
def page(begun: browser.Page) -> browser.Page:
    """The same, with its form as it was at first."""
    begun.size(1280, 900)
    begun.errors.clear()
    begun.js("document.querySelector('#try').reset()")
    begun.js("document.querySelector('#try').dispatchEvent(new Event('change'))")
    return begun


def choose(page: browser.Page, kind: str) -> None:
    page.js(f"document.querySelector('[name=kind][value={kind}]').click()")


def fill(page: browser.Page, name: str, text: str) -> None:
    page.js(f"document.querySelector('[name={name}]').value = {json.dumps(text)}")


def submitted(page: browser.Page) -> str:
    """Press the button, wait for the answer: what the page says then."""
    page.js("document.querySelector('[name=run]').click()")
    said: str = page.until(DONE, PATIENCE)
    return said


def report_of(page: browser.Page) -> str:
    """The report's HTML. No script of the page may reach into its frame, but the browser may."""
    page.until("document.querySelector('#result iframe').offsetParent !== null")
    url = page.js("document.querySelector('#result iframe').src")
    html: str = page.in_frame(url, "document.readyState === 'complete' && document.body.outerHTML")
    return html


def test_the_first_report(fresh: browser.Page, address: str) -> None:
    fresh.js("document.querySelector('[name=first]').click()")
    assert fresh.until(DONE, PATIENCE).startswith("fails: 1 ignored")
    report = report_of(fresh)
    assert "MSL401" in report
    assert f'href="{address}rules/ubuntu-name/"' in report
    assert fresh.js("document.activeElement.textContent.trim()").startswith("Result")
    assert (
        fresh.js("document.querySelector('iframe').sandbox.contains('allow-same-origin')") is False
    )
    # With other text, the same Python answers again.
    fill(fresh, "products", "[")
    assert submitted(fresh).startswith("fails")
    assert fresh.errors == []


def test_nothing_leaves_the_browser(fresh: browser.Page, address: str) -> None:
    submitted(fresh)
    before = len(fresh.requests)
    assert {
        url for url in fresh.requests if not url.startswith((address, "data:", "blob:"))
    } == set()
    fill(fresh, "selections", "secret/noble/amd64")
    submitted(fresh)
    assert [url for url in fresh.requests[before:] if not url.startswith("blob:")] == []


def test_the_policy_lets_nothing_out(fresh: browser.Page, site: Path, address: str) -> None:
    """Neither a script of the page nor one of its worker reaches another server."""
    with site_build.served(site, Listening) as other:
        given = "{ cache: 'no-store' }"
        ask = f"fetch('{other}', {given}).then(() => 'sent', () => 'refused')"
        worker = f"new Worker(URL.createObjectURL(new Blob([`{ask}.then(postMessage)`])))"
        by_worker = f"new Promise(done => {{ {worker}.onmessage = heard => done(heard.data); }})"
        assert [fresh.js(ask), fresh.js(by_worker)] == ["refused", "refused"]
        assert Listening.heard == []
        # A page without the policy reaches it.
        fresh.visit(f"{address}options/")
        assert [fresh.js(ask), fresh.js(by_worker)] == ["sent", "sent"]
        assert len(Listening.heard) == 2


def submitted_without_work(page: browser.Page) -> str:
    page.js("document.querySelector('[name=run]').click()")
    said: str = page.js("document.querySelector('[name=status]').value")
    return said


def test_a_folder_with_its_images(page: browser.Page, tmp_path: Path) -> None:
    tree = tmp_path / "my mirror"
    shutil.copytree(ROOT / "fixtures/good/with-images/tree", tree)
    image = min(tree.rglob("squashfs"))
    choose(page, "folder")
    page.choose("#folder", tree)
    page.until("document.querySelector('#chosen').textContent.includes('files')")
    assert submitted(page).startswith("passes")
    assert "my mirror" in report_of(page)
    image.write_bytes(image.read_bytes()[:-1] + b"!!")
    assert submitted(page).startswith("A file changed after you chose it. Choose the folder again.")
    page.js("document.querySelector('#chosen').textContent = ''")
    page.choose("#folder", tree)
    page.until("document.querySelector('#chosen').textContent.includes('files')")
    assert submitted(page).startswith("fails")
    assert "MSL7" in report_of(page)
    assert page.errors == []


def test_a_dropped_folder(page: browser.Page, tmp_path: Path) -> None:
    tree = tmp_path / "dropped"
    shutil.copytree(ROOT / "fixtures/bad/MSL401-ubuntu-name/tree", tree)
    choose(page, "folder")
    page.js("document.querySelector('#chosen').textContent = ''")
    page.drop("#drop", tree)
    page.until("document.querySelector('#chosen').textContent.includes('2 files')")
    assert submitted(page).startswith("fails: 1 ignored")
    assert "dropped" in report_of(page)
    assert page.errors == []


def test_a_line_of_the_log(page: browser.Page) -> None:
    choose(page, "line")
    assert submitted(page) == "Done."
    assert "MSL401" in page.js("document.querySelector('#result pre').innerText")
    assert page.js("document.querySelector('#result iframe').offsetParent") is None
    fill(page, "line", "nothing that MAAS says")
    assert submitted(page).startswith("none of these lines is known")
    assert page.js("document.querySelector('#result').hidden") is True
    assert page.errors == []


def test_a_url(fresh: browser.Page, address: str) -> None:
    Listening.heard.clear()
    choose(fresh, "url")
    assert submitted_without_work(fresh) == "Give a URL first."
    with site_build.served(BAD, Listening) as url:
        fill(fresh, "url", f"{url}streams/v1/index.json")
        assert submitted(fresh).startswith("fails: 1 ignored")
        assert "MSL401" in report_of(fresh)
        assert fresh.errors == []
        named = check(BAD, files="none").look.stream.files
        assert {f"/{path}" for path in named} <= set(Listening.heard)
        assert all(path.startswith("/streams/v1/") for path in Listening.heard)
    # The browser could still have the answers, but it asks again.
    fill(fresh, "url", f"{url}streams/v1/index.json")
    host = url.split("/")[2]
    assert submitted(fresh).startswith(f"{host} gives this browser no answer")
    # What is pasted goes to a worker that the policy holds.
    before = len(fresh.requests)
    choose(fresh, "text")
    assert submitted(fresh).startswith("fails: 1 ignored")
    assert {request[: len(address)] for request in fresh.requests[before:]} <= {
        address,
        "blob:" + address[: len(address) - 5],
    }


def test_a_server_that_allows_no_page_to_read_it(fresh: browser.Page) -> None:
    choose(fresh, "url")
    with site_build.served(BAD) as url:
        fill(fresh, "url", url)
        said = submitted(fresh)
    assert said.startswith(f"{url.split('/')[2]} answers, but does not let this page read")
    assert "Access-Control-Allow-Origin" in said
    assert fresh.js("document.querySelector('#result').hidden") is True


def test_markup_in_a_stream_stays_text(page: browser.Page) -> None:
    name = (
        "com.example:</pre><script>parent.postMessage(1)</script><img src=x onerror=alert(1)>:v2:"
    )
    product = {"arch": "amd64", "os": name, "release": name, "versions": {}}
    fill(page, "products", json.dumps({"format": "products:1.0", "products": {name: product}}))
    fill(page, "index", "")
    submitted(page)
    assert "&lt;script&gt;" in report_of(page)
    assert page.errors == []


def test_the_keyboard_is_enough(page: browser.Page) -> None:
    page.js("document.querySelector('[name=kind]:checked').focus()")
    for _ in range(3):
        page.press("ArrowRight")
    assert page.js("document.activeElement.value") == "line"
    page.press("Tab")
    assert page.js("document.activeElement.name") == "line"
    page.press("Tab")
    assert page.js("document.activeElement.name") == "run"
    page.press("Enter")
    assert page.until(DONE, PATIENCE) == "Done."


def test_release_lines_can_be_chosen(page: browser.Page) -> None:
    chosen = "[...document.querySelectorAll('[name=maas]:checked')].map(box => box.value)"
    assert page.js(chosen) == list(release_lines())
    page.js("document.querySelector('[data-pick=newest]').click()")
    assert page.js(chosen) == [release_lines()[-1]]
    assert submitted(page).startswith("fails: 1 unusable")
    page.js("document.querySelector('[name=maas]:checked').click()")
    assert submitted_without_work(page) == "Choose a release line first."


@pytest.mark.parametrize("width", [400, 1280])
def test_nothing_is_cut_off(page: browser.Page, width: int) -> None:
    page.size(width, 800)
    for kind in ("text", "folder", "url", "line"):
        choose(page, kind)
        assert page.js("document.documentElement.scrollWidth") <= width, kind


def test_the_page_tells_what_it_loads(page: browser.Page, address: str) -> None:
    submitted(page)
    told = page.js("document.querySelector('article').innerText")
    loaded = page.js(
        "performance.getEntriesByType('resource').map(entry => entry.decodedBodySize)"
        ".reduce((sum, size) => sum + size, 0)"
    )
    assert loaded < 20 * 2**20
    assert "MiB" in told


def test_metadata_files_alone(fresh: browser.Page) -> None:
    choose(fresh, "folder")
    assert submitted_without_work(fresh) == "Choose a folder or files first."
    fresh.choose("#loose", *(ROOT / "fixtures/bad/MSL401-ubuntu-name/tree/streams/v1").iterdir())
    assert submitted(fresh).startswith("fails: 1 ignored")


def test_it_can_be_stopped_and_begun_again(fresh: browser.Page) -> None:
    fresh.js("document.querySelector('[name=run]').click()")
    assert fresh.js("document.querySelector('[name=stop]').offsetParent !== null")
    fresh.js("document.querySelector('[name=stop]').click()")
    assert fresh.js("document.querySelector('[name=status]').value") == "Stopped."
    assert submitted(fresh).startswith("fails: 1 ignored")


def test_a_server_without_the_files_is_told(fresh: browser.Page, site: Path) -> None:
    with site_build.served(site, Incomplete) as url:
        fresh.visit(f"{url}playground/")
        assert submitted(fresh).startswith("packages.zip: 404 Not Found (Load the page again")
        Incomplete.lacking = False
        assert submitted(fresh).startswith("fails: 1 ignored")
