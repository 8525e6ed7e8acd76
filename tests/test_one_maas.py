"""Several boot sources of one MAAS: named together, beside another, or in a configuration."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bundled import BAD
from maas_stream_lint.cli.main import main
from schemas import COMPARE, PREVIEW
from servers import Handler, serve

SHADOWED = next(path for path in BAD if path.name.startswith("MSL140-"))
TITLED = next(path for path in BAD if path.name.startswith("MSL457-"))
INDEX = "streams/v1/index.json"
TABLE = f"""\
[maas]
lines = ["3.6", "3.8"]
commissioning = "ubuntu/noble"
[[maas.sources]]
name = "canonical"
source = "first"
url = "http://images.example.com/{INDEX}"
selections = ["ubuntu/noble"]
[[maas.sources]]
name = "own"
source = "second/{INDEX}"
selections = ["ubuntu/noble"]
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two streams of the same image, by other names."""
    shutil.copytree(SHADOWED / "beside", tmp_path / "first")
    shutil.copytree(SHADOWED / "tree", tmp_path / "second")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*given: object) -> Result:
    return CliRunner().invoke(main, [str(each) for each in given])


def codes(*given: object) -> list[tuple[str, str, tuple[str, ...]]]:
    """Source, code and release lines of the findings on several sources, less the usual ones."""
    reports = json.loads(run("check", "--format", "json", *given).stdout)
    return [
        (report["source"], finding["code"], tuple(finding["maas"]))
        for report in (reports if isinstance(reports, list) else [reports])
        for finding in report["findings"]
        if finding["code"].startswith("MSL14")
    ]


def test_sources_that_are_named_together_are_those_of_one_maas() -> None:
    """Up to one line the first wins, from the next on the last, and each report says so."""
    assert codes("first", "second", "--maas", "3.6,3.8") == [
        ("first", "MSL140", ("3.8",)),
        ("first", "MSL148", ("3.6",)),
        ("first", "MSL141", ("3.6",)),
        ("second", "MSL140", ("3.6",)),
        ("second", "MSL148", ("3.6",)),
        ("second", "MSL141", ("3.8",)),
    ]
    turned = codes("second", "first", "--maas", "3.6,3.8", "--select", "MSL140")
    assert turned == [("second", "MSL140", ("3.8",)), ("first", "MSL140", ("3.6",))]


def test_one_alone_is_judged_alone() -> None:
    assert codes("second") == []


def test_a_source_beside_is_not_reported_on() -> None:
    found = codes("second", "--beside", "first", "--maas", "3.6,3.8", "--select", "MSL140")
    assert found == [("second", "MSL140", ("3.6",))]
    done = run("check", "second", "--beside", "first", "--maas", "3.6")
    assert "imports nothing, 1 shadowed by another source" in " ".join(done.output.split())
    assert done.exit_code == 1


def test_the_table_of_a_configuration(here: Path) -> None:
    (here / "maas-stream-lint.toml").write_text(TABLE)
    both = codes("--select", "MSL140")
    assert both == [("first", "MSL140", ("3.8",)), (f"second/{INDEX}", "MSL140", ("3.6",))]
    assert codes("second", "--select", "MSL140") == [("second", "MSL140", ("3.6",))]
    done = run("check", "second", "--format", "json")
    assert json.loads(done.stdout)["summary"]["configuration"] == ["maas-stream-lint.toml"]
    assert codes("second", "--no-config") == []


def test_a_source_that_the_table_lacks_is_added_to_it(here: Path) -> None:
    (here / "maas-stream-lint.toml").write_text(TABLE)
    shutil.copytree("second", "third")
    found = codes("third", "--selection", "ubuntu/noble", "--select", "MSL140")
    assert found == [("third", "MSL140", ("3.6",))]
    assert list(json.loads(run("preview", "third", "--format", "json").stdout)["source"]) == [
        *("canonical", "own", "third")
    ]


def test_beside_replaces_the_table_and_takes_names_of_it(here: Path) -> None:
    (here / "maas-stream-lint.toml").write_text(TABLE)
    given = ("second", "--beside", "canonical", "--maas", "3.6", "--format", "json")
    assert json.loads(run("preview", *given).stdout)["source"] == {
        "canonical": f"http://images.example.com/{INDEX}",
        "own": "second",
    }


def test_a_selection_on_the_command_line_goes_before_the_table(here: Path) -> None:
    (here / "maas-stream-lint.toml").write_text(TABLE)
    assert codes("second", "--selection", "ubuntu/jammy", "--select", "MSL140") == []


def test_fix_uses_the_selections_of_the_table(here: Path) -> None:
    """What is planned and proven is judged with them."""
    shutil.rmtree("second")
    shutil.copytree(TITLED / "tree", "second")
    lines = ("--maas", "3.6,3.8", "--format", "json")
    told = json.loads(run("fix", "second", *lines).stdout)
    assert [edit["code"] for edit in told["edits"]] == ["MSL457"]
    (here / "maas-stream-lint.toml").write_text(TABLE.replace("ubuntu/noble", "ubuntu/xenial"))
    selected = json.loads(run("fix", "second", *lines).stdout)
    assert selected["edits"] == []
    assert "MSL130" in {finding["code"] for finding in selected["left"]}
    flags = ("--selection", "ubuntu/xenial", "--commissioning", "ubuntu/xenial", "--no-config")
    assert json.loads(run("fix", "second", *lines, *flags).stdout) == selected


@pytest.mark.parametrize("form", ["text", "json", "markdown", "html"])
def test_preview_of_all_sources(form: str) -> None:
    given = ("--beside", "first", "--format", form, "--maas", "3.6,3.8", "--log")
    done = run("preview", "second", *given)
    assert done.exit_code == 0, done.output
    if form == "json":
        PREVIEW.validate(json.loads(done.stdout))
        return
    text = " ".join(done.output.split())
    assert "Ignoring unsupported filetype(manifest) from com.other.maas:v3" in text
    assert "shadowed" in text
    if form != "text":
        return
    assert "shadowed MAAS takes it from another source" in text
    assert "boot-initrd, boot-kernel, squashfs from first MAAS 3.8" in text
    assert text.count("squashfs from second") == 1


def test_compare_beside_another_source(here: Path) -> None:
    """What the new stream brings never arrives where another source has it."""
    shutil.copytree("second", "newer")
    for path in Path("newer").rglob("*download.json"):
        path.write_text(path.read_text().replace("20261015", "20261101"))
    told = run("compare", "second", "newer", "--maas", "3.6,3.8").output
    assert told.count("20261015 → 20261101") == 1
    beside = ("--beside", "first", "--maas", "3.6,3.8")
    done = run("compare", "second", "newer", *beside, "--format", "json")
    COMPARE.validate(json.loads(done.stdout))
    lines = json.loads(done.stdout)["maas"]
    assert lines["3.6"]["downloads"] == []
    assert lines["3.8"]["imported"]
    done = run("compare", "second", "newer", *beside)
    assert "MAAS 3.6  downloads 0 bytes" in done.output
    assert "before first, second" in done.output


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("check", "first", "first"), "first is named twice"),
        (("check", "first", "--beside", "nowhere"), "nowhere does not exist"),
        (("check", "first", "--beside", "http://127.0.0.1:9/"), "could not be checked"),
        (("preview", "first", "--beside", "second", "--wanted", "ubuntu/noble/amd64"), "--beside"),
    ],
)
def test_what_cannot_be_judged(given: tuple[str, ...], told: str) -> None:
    """A source that this machine cannot read never passes."""
    done = run(*given)
    assert (done.exit_code, done.stdout) == (2, "")
    assert told in done.stderr


def test_one_of_several_that_cannot_be_read_costs_the_others_no_report() -> None:
    done = run("check", "second", "http://127.0.0.1:9/", "--format", "json")
    assert done.exit_code == 2
    assert next(report["source"] for report in json.loads(done.stdout)) == "second"
    assert "the other sources were judged without it" in done.stderr


def test_headers_go_to_the_source_alone() -> None:
    def respond(request: Handler) -> None:
        place = Path("first") / request.path.lstrip("/")
        request.send(
            place.read_bytes() if place.is_file() else b"", 200 if place.is_file() else 404
        )

    with serve(respond) as server:
        run("check", "second", "--beside", f"{server.url}/{INDEX}", "--header", "X-Secret: hunter2")
        assert server.requests
        assert {request.headers.get("X-Secret") for request in server.requests} == {None}


def test_a_source_that_is_down_ends_the_import_of_all(here: Path) -> None:
    (here / "maas-stream-lint.toml").write_text(
        TABLE.replace('name = "canonical"', 'name = "canonical"\ndown = true')
    )
    assert codes("second", "--select", "MSL143") == [("second", "MSL143", ("3.6",))]
    done = run("check", "second", "--select", "MSL14", "--maas", "3.6")
    assert "another source fails" in " ".join(done.output.split())
    # It is not checked by itself: there is nothing that MAAS would read.
    assert {source for source, *_ in codes()} == {f"second/{INDEX}"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[maas.sources]]\nname = "x"\n', ":1: maas.sources[0]: `source` is missing"),
        ('[maas]\nline = ["3.6"]\n', ":2: maas.line: unknown key (did you mean lines?)"),
        ('[maas]\nlines = ["9.9"]\n', ":2: maas.lines[0]: no MAAS release line '9.9'"),
        (
            '[[maas.sources]]\nsource = "a"\n[[maas.sources]]\nsource = "a"\n',
            ":3: maas.sources[1]: two sources are called a",
        ),
        (
            '[[maas.sources]]\nsource = "a"\nkeyring = true\n',
            ":3: maas.sources[0].keyring: true is no keyring",
        ),
        (
            '[[maas.sources]]\nsource = "a"\nselections = ["noble"]\n',
            ":3: maas.sources[0].selections: `noble` is no selection",
        ),
        (
            '[[maas.sources]]\nsource = "a"\nurl = "http://me:hunter2@example.com/"\n',
            ":3: maas.sources[0].url: credentials must not be in a configuration",
        ),
        (
            '[[maas.sources]]\nsource = "a"\nenabled = "no"\n',
            ":3: maas.sources[0].enabled: expected true or false, got text",
        ),
    ],
)
def test_what_a_table_must_not_say(here: Path, text: str, told: str) -> None:
    (here / "maas-stream-lint.toml").write_text(text)
    done = run("check", "first")
    assert (done.exit_code, done.stdout) == (2, "")
    assert told in done.stderr
    assert "hunter2" not in done.stderr


def test_config_shows_the_table(here: Path) -> None:
    (here / "maas-stream-lint.toml").write_text(TABLE)
    said = json.loads(run("config", "--format", "json").stdout)
    assert [one["name"] for one in said["maas_sources"]] == ["canonical", "own"]
    assert said["maas_sources"][1]["from"]["line"] == 9
    settings = {one["key"]: one["value"] for one in said["settings"]}
    assert (settings["maas"], settings["commissioning"]) == (["3.6", "3.8"], "ubuntu/noble")
    shown = run("config").stdout
    assert "maas sources" in shown
    assert "selections ubuntu/noble" in shown
