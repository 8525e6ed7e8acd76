"""What the playground asks of the package, without a browser."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

import httpx2_jsfetch
import play
import site_build
from maas_stream_lint import check
from maas_stream_lint.images import pool
from maas_stream_lint.rule_files import release_lines

ROOT = Path(__file__).parents[1]
BAD = ROOT / "fixtures/bad/MSL401-ubuntu-name/tree/streams/v1"
INDEX = (BAD / "index.json").read_text("utf-8")
(PRODUCTS,) = (path.read_text("utf-8") for path in BAD.glob("*-download.json"))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def asked(name: str, **question: Any) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(getattr(play, name)(json.dumps(question)))
    return answer


def checked(source: str, **more: Any) -> dict[str, Any]:
    given = {"maas": list(release_lines()), "selections": "", "images": True, **more}
    return asked("check", source=source, **given)


def layout(*names: str) -> dict[str, Any]:
    return asked("layout", names=names)


def test_a_pasted_stream_is_checked_as_the_command_line_does() -> None:
    source = asked("paste", index=INDEX, products=PRODUCTS)["source"]
    answer = checked(source)
    assert answer["verdict"] == "fails"
    for finding in check(BAD.parents[1]).findings:
        assert finding.code in answer["html"]
    assert "Content-Security-Policy" in answer["html"]


def test_only_the_chosen_release_lines_are_told() -> None:
    source = asked("paste", index=INDEX, products=PRODUCTS)["source"]
    assert "ubuntu-name" not in checked(source, maas=["3.8"])["html"]


def test_only_the_chosen_selections_are_told() -> None:
    source = asked("paste", index=INDEX, products=PRODUCTS)["source"]
    assert "MSL130" in checked(source, selections="ubuntu/noble/amd64 ubuntu/focal/arm64")["html"]
    assert "error" not in checked(source, selections="default")
    assert "is no selection" in checked(source, selections="noble")["error"]


@pytest.mark.parametrize(
    ("index", "products", "source", "files"),
    [
        (INDEX, "", "pasted", {"index.json"}),
        ("", PRODUCTS, "pasted/streams/v1/products.json", {"products.json"}),
        ("{", PRODUCTS, "pasted", {"index.json", "products.json"}),
        ('{"index": []}', "{}", "pasted", {"index.json", "products.json"}),
        (
            f"{play._SIGNED}\nHash: SHA512\n\n{{}}\n",
            f"{play._SIGNED}\n",
            "pasted",
            {"index.sjson", "products.sjson"},
        ),
    ],
)
def test_where_pasted_text_goes(index: str, products: str, source: str, files: set[str]) -> None:
    assert asked("paste", index=index, products=products) == {"source": source}
    assert {path.name for path in Path("pasted/streams/v1").iterdir()} == files
    assert "error" not in checked(source)


@pytest.mark.parametrize(
    "path",
    [
        *("../up.json", "/etc/x.json", "streams/../../x.json", "", "a//b.json", "\0", "x" * 4000),
        *(None, 3, "streams/v1/index.json", "streams/v1/\u202e.json"),
    ],
)
def test_a_pasted_index_leads_nowhere_else(path: Any, tmp_path: Path) -> None:
    index = json.dumps({"format": "index:1.0", "index": {"a": {"path": path}}})
    asked("paste", index=index, products=PRODUCTS)
    found = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert found == {"pasted/streams/v1/index.json", "pasted/streams/v1/products.json"}
    assert Path("pasted/streams/v1/index.json").read_text("utf-8") == index


def test_what_was_pasted_before_is_gone() -> None:
    asked("paste", index=INDEX, products=PRODUCTS)
    asked("paste", index="", products=PRODUCTS)
    assert [path.name for path in Path("pasted/streams/v1").iterdir()] == ["products.json"]


def test_a_folder_is_laid_out_as_it_is() -> None:
    names = ["m/streams/v1/index.json", "m/streams/v1/a.json", "m/ubuntu/x", "other/y"]
    assert layout(*names) == {
        "folder": "m",
        "source": "m",
        "paths": ["streams/v1/index.json", "streams/v1/a.json", "ubuntu/x", None],
    }


def test_the_outermost_stream_is_meant() -> None:
    told = layout("m/old/streams/v1/index.json", "m/streams/v1/index.json")
    assert told["paths"] == ["old/streams/v1/index.json", "streams/v1/index.json"]


def test_a_folder_inside_a_stream_is_put_where_it_belongs() -> None:
    assert layout("streams/v1/index.json")["paths"] == ["streams/v1/index.json"]
    assert layout("v1/index.json", "v1/a.json", "v1/note.txt") == {
        "folder": "pasted",
        "source": "pasted",
        "paths": ["streams/v1/index.json", "streams/v1/a.json", None],
    }


def test_a_lone_products_file_is_checked_alone() -> None:
    assert layout("a.json")["source"] == "pasted/streams/v1/a.json"
    assert layout("index.sjson")["source"] == "pasted"


@pytest.mark.parametrize("name", ["../m/streams/v1/index.json", "/m//streams/v1/./index.json"])
def test_names_lead_nowhere_else(name: str) -> None:
    assert layout(name)["paths"] == ["streams/v1/index.json"]


def test_what_is_no_stream_is_refused() -> None:
    assert "no file of metadata" in layout("m/ubuntu/x")["error"]
    assert "no file of metadata" in layout()["error"]
    assert "more than 50,000 files" in layout(*map(str, range(play.MOST_FILES + 1)))["error"]
    assert "nothing to check" in asked("paste", index=" ", products="")["error"]
    assert checked("nowhere")["hint"].startswith("give a directory")


def test_a_bug_is_told_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(play, "_layout", lambda _: 1 / 0)
    told = layout("a.json")
    assert told["error"] == "ZeroDivisionError: division by zero"
    assert "bug in maas-stream-lint" in told["hint"]


def test_a_line_is_explained() -> None:
    line = "maas.import-images: [warn] Ignoring unsupported product com.example:jammy"
    text = asked("explain", text=line, width=60)["text"]
    assert "MSL401" in text
    assert "\x1b" not in text
    assert "--source" not in text


@pytest.mark.parametrize("text", ["", "hello", "\x1b[31m", "a" * (play.MOST_LOG + 1)])
def test_what_is_no_line_of_a_log(text: str) -> None:
    assert asked("explain", text=text, width=80).keys() == {"error", "hint"}


def test_images_are_read_without_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "fixtures/good/with-images/tree", "m")
    monkeypatch.setattr(pool, "IN_BROWSER", True)
    before = threading.active_count()
    assert "image files" in checked("m")["summary"]
    assert checked("m")["verdict"] == "passes"
    (image,) = sorted(Path("m").rglob("squashfs"))[:1]
    image.write_bytes(image.read_bytes()[:-1] + b"!")
    assert "checksum" in checked("m")["html"]
    assert checked("m", images=False)["verdict"] == "passes"
    assert threading.active_count() == before


def fetched(url: str, file: str) -> dict[str, Any]:
    """What the worker tells of a file that it fetched."""
    try:
        answer = urlopen(url, timeout=20)
    except HTTPError as error:
        answer = error
    with answer:
        Path(file).write_bytes(answer.read())
        told = {"url": url, "status": answer.status, "reason": answer.reason, "file": file}
        return told | {"headers": list(answer.headers.items()), "moved": None}


def checked_url(url: str, given: Mapping[str, dict[str, Any]] | None = None) -> dict[str, Any]:
    """The answer to a URL, with a worker that fetches what it is asked for.

    ``given``: what it tells instead of files, by how their URLs end.
    """
    numbers, answers = count(), []
    options = {"url": url, "maas": list(release_lines()), "selections": ""}
    while True:
        answer = asked("check_url", **options, answers=answers)
        if "wanted" not in answer:
            return answer
        assert not {one["url"] for one in answers}.intersection(answer["wanted"])
        for wanted in answer["wanted"]:
            told = [one for end, one in (given or {}).items() if wanted.endswith(end)]
            answers.append(
                {"url": wanted} | told[0] if told else fetched(wanted, f"f{next(numbers)}")
            )


@pytest.fixture
def _fetching(monkeypatch: pytest.MonkeyPatch) -> None:
    httpx2 = pytest.importorskip("httpx2", reason="the playground is built with httpx2")
    monkeypatch.setattr(httpx2, "HTTPTransport", httpx2_jsfetch.JavascriptFetchTransport)


@pytest.mark.usefixtures("_fetching")
def test_a_url_is_checked_as_the_command_line_does() -> None:
    before = threading.active_count()
    with site_build.served(BAD.parents[1]) as url:
        answer = checked_url(f"{url}streams/v1/index.json")
        assert answer["verdict"] == "fails"
        assert "note" not in answer
        expected = check(f"{url}streams/v1/index.json", files="none")
    codes = {finding.code for finding in expected.findings}
    assert "MSL401" in codes
    assert {code for code in codes if code in answer["html"]} == codes
    assert threading.active_count() <= before + 1


@pytest.mark.usefixtures("_fetching")
def test_a_file_that_the_browser_does_not_get_is_no_finding() -> None:
    with site_build.served(BAD.parents[1]) as url:
        answer = checked_url(f"{url}streams/v1/index.json", {"-download.json": {"refused": "cors"}})
    assert answer["verdict"] == "incomplete"
    assert "does not let this page read the answers" in answer["html"]


@pytest.mark.usefixtures("_fetching")
@pytest.mark.parametrize("why", play._REFUSALS)
def test_a_server_that_the_browser_does_not_get_is_one_sentence(why: str) -> None:
    answer = checked_url("https://images.example.com/", {"": {"refused": why}})
    assert answer.keys() == {"error", "hint"}
    assert answer["error"].startswith("images.example.com ")
    assert ("Access-Control-Allow-Origin" in answer["hint"]) is (why == "cors")


@pytest.mark.usefixtures("_fetching")
def test_redirects_are_told_as_what_they_are() -> None:
    with site_build.served(BAD.parents[1]) as url:
        moved = fetched(f"{url}streams/v1/index.json", "index") | {
            "url": f"{url}streams/v1/index.json",
            "moved": "https://user:secret@cdn.example.com/index.json?token=secret",
        }
        note = checked_url(f"{url}streams/v1/index.json", {"/index.json": moved})["note"]
    assert "redirects to https://cdn.example.com/index.json" in note
    assert "secret" not in note


@pytest.mark.parametrize(
    "url", ["images.example.com", "ftp://x/", "https://user:secret@x/", "http://[/", "http://a b/"]
)
def test_what_is_no_url_of_a_stream(url: str) -> None:
    answer = asked("check_url", url=url, maas=["3.8"], selections="", answers=[])
    assert answer.keys() == {"error", "hint"}
    assert "secret" not in answer["error"] + answer["hint"]
    assert "bug" not in answer["hint"]
