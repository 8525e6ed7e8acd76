"""A root URL with only the plain index: as MAAS is given it, and with the URL of that index."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from maas_stream_lint import BootSource, check, preview
from maas_stream_lint.cli.main import main
from schemas import FIX, PREVIEW, through_text
from servers import Server, serve

TREE = Path(__file__).parents[1] / "fixtures/bad/MSL439-number-instead-of-text/tree"
PLAIN, SIGNED = "streams/v1/index.json", "streams/v1/index.sjson"

pytestmark = pytest.mark.usefixtures("own_home")


@pytest.fixture
def server() -> Iterator[Server]:
    def respond(request: Any) -> None:
        file = TREE / request.path.lstrip("/")
        if file.is_file():
            request.send(file.read_bytes())
        else:
            request.send(b"", 404)

    with serve(respond) as served:
        yield served


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments], catch_exceptions=False)


def flat(text: str) -> str:
    return " ".join(text.split())


def test_preview_goes_on_with_the_index_that_is_there(server: Server) -> None:
    root, index = f"{server.url}/", f"{server.url}/{PLAIN}"
    before = len(server.requests)
    told = flat(run("preview", root).stdout)
    given, _, other = told.partition(f"with {index} ")
    assert "as given MAAS 2.9\N{EN DASH}3.7 imports nothing" in given
    assert f"give MAAS the URL `{index}`" in given
    assert other == flat(run("preview", index).stdout).removeprefix(f"stream {index} ")
    # The other reading is of the documents that are known.
    asked = server.paths[before:]
    assert asked.count("/" + PLAIN) == 2, "once for each run"


def test_preview_answers_what_is_wanted_in_both_readings(server: Server) -> None:
    told = flat(
        run("preview", f"{server.url}/", "--wanted", "rhel/9/amd64", "--maas", "3.8").stdout
    )
    assert "as given MAAS 3.8 imports nothing of this source" in told
    assert f"with {server.url}/{PLAIN} MAAS 3.8: " in told


@pytest.mark.parametrize("more", [[], ["--selection", "rhel/rhel9/amd64"]])
def test_preview_in_json(server: Server, more: list[str]) -> None:
    root, index = f"{server.url}/", f"{server.url}/{PLAIN}"
    said, other = (
        json.loads(run("preview", source, "--format", "json", *more).stdout)
        for source in (root, index)
    )
    PREVIEW.validate(said)
    assert said["maas"]["3.6"]["fatal"]["message"] == f"Unable to open {SIGNED}. mirrors=[]"
    inner = said["with_index"]
    assert {"source", "maas"} <= inner.keys()
    assert inner == {key: other[key] for key in inner}
    assert "with_index" not in other


def test_preview_of_several_sources_in_python(server: Server) -> None:
    made = [BootSource("a", f"{server.url}/"), BootSource("b", f"{server.url}/{PLAIN}")]
    said = through_text(preview(made, ["3.6"]).to_dict())
    PREVIEW.validate(said)
    assert said["source"] == {"a": f"{server.url}/", "b": f"{server.url}/{PLAIN}"}
    assert said["with_index"]["source"] == dict.fromkeys("ab", f"{server.url}/{PLAIN}")


def test_fix_shows_both_and_still_fails(server: Server) -> None:
    root, index = f"{server.url}/", f"{server.url}/{PLAIN}"
    done = run("fix", root, "--ignore", "MSL7")
    told = flat(done.stdout)
    assert done.exit_code == 1, "the URL as given imports nothing"
    assert told.index("as given") < told.index(f"with {index}") < told.index("Edits")
    assert "would fix everything · 1 edit in 1 file · 0 findings left, 1 with the URL as" in told
    said = json.loads(run("fix", root, "--ignore", "MSL7", "--format", "json").stdout)
    FIX.validate(said)
    assert said["left"][0]["code"] == "MSL101"
    assert "MSL101" not in {finding["code"] for finding in said["with_index"]["left"]}
    assert said["with_index"]["source"] == index
    assert said["with_index"]["before"]["fatal"] == 1
    assert said["with_index"]["after"]["fatal"] == 0


def test_fix_of_some_rules_shows_these_in_both(server: Server) -> None:
    said = json.loads(run("fix", f"{server.url}/", "--select", "MSL4", "--format", "json").stdout)
    assert said["left"] == said["with_index"]["left"]
    assert {finding["code"][:4] for finding in said["left"]} == {"MSL4"}


def test_explain_shows_a_rule_in_both(server: Server) -> None:
    root, index = f"{server.url}/", f"{server.url}/{PLAIN}"
    told = flat(run("explain", "MSL101", "--source", root).stdout)
    given, _, other = told.partition(f"with {index} ")
    assert f"as given {root} The stream as a whole fatal MSL101" in given
    assert other == "No finding in this stream causes it."
    told = flat(run("explain", "MSL410", "--source", root).stdout)
    assert told.endswith(f"with {index} as above")


def test_explain_shows_a_log_line_in_both(server: Server) -> None:
    root, index = f"{server.url}/", f"{server.url}/{PLAIN}"
    line = f"Unable to open {SIGNED}. mirrors=[]"
    told = flat(run("explain", line, "--source", root).stdout)
    assert f"{root}: predicted here for MAAS 2.9\N{EN DASH}3.7" in told
    assert f"{index}: not predicted with this URL" in told
    said = json.loads(run("explain", line, "--source", root, "--format", "json").stdout)
    message = said["messages"][0]
    assert message["predicted"]
    assert message["with_index"] == {"source": index, "predicted": [], "findings": []}


def test_check_has_one_reading(server: Server) -> None:
    told = run("check", f"{server.url}/").stdout
    assert "MSL101" in told
    assert "as given" not in told


@pytest.mark.parametrize("source", [TREE, TREE / PLAIN])
def test_a_directory_and_an_index_have_one_reading(source: Path) -> None:
    assert check(source).by_plain_index is None
    assert "as given" not in run("preview", str(source)).stdout
    assert "with_index" not in preview(source).to_dict()


@pytest.mark.parametrize("form", ["markdown", "html"])
@pytest.mark.parametrize("more", [[], ["--wanted", "rhel/9/amd64"]])
def test_other_formats_name_both_readings(server: Server, form: str, more: list[str]) -> None:
    told = run("preview", f"{server.url}/", "--format", form, *more).stdout
    assert "as given, MAAS 3.8" in told
    assert told.index("as given, MAAS 3.8") < told.index(f"{server.url}/{PLAIN}")
