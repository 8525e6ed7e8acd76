"""A live MAAS: asked over HTTP, read-only, and each of its images told."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from maas_api import (
    KEY,
    SIGNED,
    Maas,
    boot_source,
    detail,
    resource,
    selection,
    serving,
    serving_files,
)
from maas_stream_lint.cli.main import main
from maas_stream_lint.errors import LintError, UsageError
from maas_stream_lint.logs.api_key import ApiKey, given_key, parsed_key, profile
from maas_stream_lint.logs.maas_client import MaasClient, api_root
from maas_stream_lint.logs.maas_state import line_of, read_state

ROOT = Path(__file__).parents[1]
SCHEMA = json.loads((ROOT / "rules/schemas/diagnose.json").read_text("utf-8"))
GOOD = "good/ubuntu/tree/streams/v1/index.json"
BAD = "bad/MSL401-ubuntu-name/tree/streams/v1/index.json"
#: A release of each shape of the answers.
VERSIONS = {"2.9": "2.9.2", "3.7": "3.7.3", "3.8": "3.8.0~beta6"}


@pytest.fixture
def maas() -> Iterator[Maas]:
    """A MAAS, and beside it the server of its streams."""
    with serving() as served, serving_files(ROOT / "fixtures") as streams:
        served.streams = streams
        yield served


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAAS_API_KEY", KEY)


def run(maas: Maas, *args: str) -> Result:
    return CliRunner().invoke(main, ["diagnose", "--maas-url", maas.url, "--files", "none", *args])


def told(maas: Maas, *args: str) -> dict[str, Any]:
    result = run(maas, *args, "--format", "json")
    assert result.exit_code in (0, 1), result.output
    made = json.loads(result.stdout)
    jsonschema.Draft202012Validator(SCHEMA).validate(made)
    server: dict[str, Any] = made["maas_server"]
    return server


def fill(maas: Maas, line: str, url: str = GOOD, **more: Any) -> None:
    rows = [resource(n, name, arch, line) for n, (name, arch) in enumerate(
        [("ubuntu/noble", "amd64/ga-24.04"), ("ubuntu/gone", "amd64/generic")], 1)]  # fmt: skip
    maas.fill(
        line,
        VERSIONS[line],
        boot_source(url if ":" in url else f"{maas.streams}/{url}", line, **more),
        [selection("ubuntu", "noble", "amd64")],
        rows,
    )


@pytest.mark.parametrize("line", VERSIONS)
def test_each_image_is_told(line: str, maas: Maas) -> None:
    fill(maas, line)
    made = told(maas)
    assert (made["version"], made["line"], made["importing"]) == (VERSIONS[line], line, False)
    states = {(image["name"], image["arch"]): image["state"] for image in made["images"]}
    assert states["ubuntu/noble", "amd64"] == "taken"
    assert states["ubuntu/gone", "amd64"] == "gone from the stream"


@pytest.mark.parametrize("line", VERSIONS)
def test_only_gets_are_sent_and_each_is_signed(line: str, maas: Maas) -> None:
    fill(maas, line)
    told(maas)
    assert len(maas.asked) >= 6
    for method, _, authorization in maas.asked:
        assert method == "GET"
        assert all(part in authorization for part in SIGNED)


def test_an_image_that_is_not_selected(maas: Maas) -> None:
    fill(maas, "3.7")
    maas.answers["boot-sources/1/selections/"] = [selection("ubuntu", "jammy", "arm64")]
    states = {image["name"]: image["state"] for image in told(maas)["images"]}
    assert states["ubuntu/noble"] == "not selected"


def test_an_image_that_is_not_imported_yet(maas: Maas) -> None:
    fill(maas, "3.7")
    maas.answers["boot-resources/"] = []
    images = {image["name"]: image for image in told(maas)["images"]}
    assert images["ubuntu/noble"]["state"] == "not imported yet"


def test_an_incomplete_image_names_its_files(maas: Maas) -> None:
    fill(maas, "3.7")
    row = maas.answers["boot-resources/"][0]
    maas.answers["boot-resources/1/"] = detail(row, complete=False)
    image = next(i for i in told(maas)["images"] if i["name"] == "ubuntu/noble")
    assert (image["state"], image["missing"]) == ("incomplete", ["squashfs"])


def test_a_refused_image_has_its_cause(maas: Maas) -> None:
    fill(maas, "3.7", BAD)
    image = next(i for i in told(maas)["images"] if i["state"] == "refused")
    assert image["finding"]["code"] == "MSL401"
    result = run(maas)
    assert result.exit_code == 1
    assert "MSL401 ubuntu-name" in result.stdout


def test_a_keyring_that_maas_holds_is_used(maas: Maas) -> None:
    keyring = (ROOT / "tests/conformance/keyring.gpg").read_bytes()
    fill(maas, "3.7", keyring_data=base64.b64encode(keyring).decode(), keyring_filename="")
    assert told(maas)["sources"][0]["notes"] == []


def test_a_keyring_that_is_elsewhere_is_said(maas: Maas) -> None:
    fill(maas, "3.7")
    (note,) = told(maas)["sources"][0]["notes"]
    assert "not-on-this-machine.gpg" in note


def test_a_disabled_source_is_not_checked(maas: Maas) -> None:
    fill(maas, "3.8", enabled=False)
    (source,) = told(maas)["sources"]
    assert (source["findings"], source["notes"]) == (None, ["MAAS has disabled it"])
    assert "gone from the stream" not in run(maas).stdout


def test_a_source_that_cannot_be_read_is_a_note(maas: Maas) -> None:
    for url, note in (("http://127.0.0.1:99999/", "valid host"), ("file:///etc", "no http://")):
        fill(maas, "3.7", url)
        result = run(maas, "--format", "json")
        made = json.loads(result.stdout)["maas_server"]
        assert result.exit_code == 2, "nothing is known of it"
        assert note in made["sources"][0]["notes"][-1]
        assert made["images"] == []
        assert "No source of this MAAS could be checked" in run(maas).stdout


@pytest.mark.parametrize("url", ["http://u:s3cret@127.0.0.1:99999/", "file://u:s3cret@h/etc"])
@pytest.mark.parametrize("command", ["check", "diagnose"])
def test_a_source_that_nobody_can_read_does_not_pass(url: str, command: str, maas: Maas) -> None:
    fill(maas, "3.7")
    maas.answers["boot-sources/"].append({**boot_source(url, "3.7"), "id": 2})
    maas.answers["boot-sources/2/selections/"] = []
    done = CliRunner().invoke(main, [command, "--maas-url", maas.url, "--files", "none"])
    assert done.exit_code == 2
    assert "s3cret" not in done.output
    maas.answers["boot-sources/"][-1]["enabled"] = False
    done = CliRunner().invoke(main, [command, "--maas-url", maas.url, "--files", "none"])
    assert done.exit_code != 2


def test_of_a_source_that_this_machine_cannot_reach_no_image_is_judged(maas: Maas) -> None:
    fill(maas, "3.7", "http://127.0.0.1:9/")
    result = run(maas, "--format", "json")
    server = json.loads(result.stdout)["maas_server"]
    assert (result.exit_code, server["images"]) == (2, [])
    assert server["sources"][0]["findings"] is None
    assert "127.0.0.1:9 refused the connection" in server["sources"][0]["notes"][-1]
    assert "No source of this MAAS could be checked" in run(maas).stdout


def test_the_log_of_the_maas_goes_with_it(maas: Maas, tmp_path: Path) -> None:
    fill(maas, "3.7", BAD)
    log = ROOT / "tests/logs/first-report.log"
    result = run(maas, "--log", str(log), "--format", "json")
    message = next(m for m in json.loads(result.stdout)["messages"] if m["lost"])
    assert message["streams"][0]["findings"][0]["code"] == "MSL401"


#: What a server may answer instead, and what is said.
ODD: dict[str, tuple[str, Any, str]] = {
    "html": ("version/", (200, {}, b"<html>"), "does not answer in JSON"),
    "not a MAAS": ("version/", (404, {}, b"Not Found"), "answers 404"),
    "key": (
        "boot-sources/",
        (401, {}, b"Authorization Error: Invalid API key."),
        "refuses the API key",
    ),
    "forbidden": ("boot-sources/", (403, {}, b"no"), "refuses the API key"),
    "redirect": ("version/", (302, {"Location": "http://127.0.0.1:9/elsewhere"}, b""), "redirects"),
    "object for a list": ("boot-sources/", {"items": []}, "answers with no list"),
    "list for an object": ("version/", [], "answers with no object"),
    "text for a list": ("boot-resources/", "none", "answers with no list"),
    "deep": ("version/", (200, {}, b"[" * 100_000), "does not answer in JSON"),
    "broken": ("boot-resources/", (500, {}, b"\xff\xfe"), "answers 500"),
    "bytes": ("version/", (200, {}, b"\xff\xfe\x00"), "does not answer in JSON"),
}


@pytest.mark.parametrize("case", ODD)
def test_odd_answers_are_one_line(case: str, maas: Maas) -> None:
    path, answer, said = ODD[case]
    fill(maas, "3.7")
    maas.answers[path] = answer
    result = run(maas)
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not any(secret in result.output for secret in KEY.split(":"))


def test_a_redirect_is_not_followed(maas: Maas) -> None:
    with serving() as other:
        fill(maas, "3.7")
        maas.answers["version/"] = (302, {"Location": f"{other.url}/api/2.0/version/"}, b"")
        run(maas)
        assert other.asked == []


HOSTILE: list[Any] = [
    None,
    3,
    "x",
    [],
    {},
    {"id": "x"},
    {"id": True, "url": 3},
    {"id": -1, "arches": "amd64"},
]


@pytest.mark.parametrize("name", ["boot-sources/", "boot-sources/1/selections/", "boot-resources/"])
def test_hostile_members_are_passed_over(name: str, maas: Maas) -> None:
    fill(maas, "3.7")
    maas.answers[name] = [*HOSTILE, *maas.answers[name]]
    for number in (-1, 1, 2):
        maas.answers.setdefault(f"boot-resources/{number}/", {"sets": {"1": 3}})
        maas.answers.setdefault(f"boot-sources/{number}/selections/", [])
    result = run(maas, "--format", "json")
    # Of a source without a usable URL nothing is known.
    assert result.exit_code in ((2,) if name == "boot-sources/" else (0, 1))
    images = json.loads(result.stdout)["maas_server"]["images"]
    states = {image["name"]: image["state"] for image in images}
    assert states["ubuntu/noble"] in ("taken", "not imported yet", "incomplete")


@pytest.mark.parametrize(
    "sets", [None, [], {}, {"1": None}, {"1": {"files": []}}, {"1": {"complete": "no"}}]
)
def test_odd_sets_do_no_harm(sets: Any, maas: Maas) -> None:
    fill(maas, "3.7")
    maas.answers["boot-resources/1/"] = {"sets": sets}
    told(maas)


def test_escapes_of_a_server_are_harmless(maas: Maas) -> None:
    fill(maas, "3.7", "http://127.0.0.1:9/\x1b[31m\x1b]0;x\x07")
    maas.answers["version/"]["version"] = "3.7.0\x1b[2J"
    result = run(maas)
    assert "\x1b" not in result.output


def test_the_key_is_in_no_output(maas: Maas) -> None:
    fill(maas, "3.7", BAD)
    for form in ("text", "json", "html", "markdown"):
        assert not any(secret in run(maas, "--format", form).output for secret in KEY.split(":"))
    assert "tsecret" not in repr(parsed_key(KEY))


def test_a_dead_server_is_one_line() -> None:
    result = CliRunner().invoke(main, ["diagnose", "--maas-url", "http://127.0.0.1:9/MAAS"])
    assert result.exit_code == 2
    assert "cannot be asked" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("given", "root"),
    [
        ("http://h:5240/MAAS", "http://h:5240/MAAS/api/2.0/"),
        ("http://h:5240/MAAS/", "http://h:5240/MAAS/api/2.0/"),
        ("http://h:5240", "http://h:5240/MAAS/api/2.0/"),
        ("https://h/MAAS/api/2.0/", "https://h/MAAS/api/2.0/"),
    ],
)
def test_the_url_as_people_give_it(given: str, root: str) -> None:
    assert api_root(given) == root


@pytest.mark.parametrize(
    "given", ["h:5240", "ftp://h/", "http://", "http://user:pw@h/MAAS", "http://h:99999/"]
)
def test_urls_that_cannot_be_meant(given: str) -> None:
    with pytest.raises(UsageError) as error:
        api_root(given)
    assert "pw" not in str(error.value)


@pytest.mark.parametrize("text", ["", "a", "a:b", "a:b:c:d", "a::c", "a:b:\x00", "a:b:c\nx"])
def test_keys_that_are_none_are_not_repeated(text: str, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(text)
    with pytest.raises(UsageError) as error:
        given_key(str(file))
    assert not text or text not in str(error.value).replace("a:b", "") or len(text) < 2


def test_a_key_file_goes_before_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("x:y:z\n")
    assert given_key(str(file)) == ApiKey("x", "y", "z")
    assert given_key(None) == ApiKey(*KEY.split(":"))


def test_a_profile_of_the_maas_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, maas: Maas
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("MAAS_API_KEY")
    database = sqlite3.connect(tmp_path / ".maascli.db")
    database.execute("CREATE TABLE profiles (id INTEGER PRIMARY KEY, name TEXT, data BLOB)")
    data = {"url": f"{maas.url}/api/2.0/", "credentials": KEY.split(":"), "name": "admin"}
    database.execute("INSERT INTO profiles (name, data) VALUES (?, ?)", ("admin", json.dumps(data)))
    database.execute("INSERT INTO profiles (name, data) VALUES (?, ?)", ("bad", "{"))
    database.commit()
    database.close()
    assert profile("admin") == (f"{maas.url}/api/2.0/", ApiKey(*KEY.split(":")))
    for name in ("bad", "none"):
        with pytest.raises(UsageError):
            profile(name)
    fill(maas, "3.7")
    result = CliRunner().invoke(main, ["diagnose", "--profile", "admin", "--files", "none"])
    assert result.exit_code == 1
    assert "gone from the stream" in result.stdout


@pytest.mark.parametrize(
    ("version", "line"),
    [("3.8.0~beta6", "3.8"), ("2.9.2", "2.9"), ("9.9.9", None), ("", None), ("x", None)],
)
def test_the_line_of_a_version(version: str, line: str | None) -> None:
    assert line_of(version) == line


def test_a_release_line_that_is_not_known_is_said(maas: Maas) -> None:
    fill(maas, "3.8")
    maas.answers["version/"]["version"] = "9.9.1"
    assert "9.9.1 is not known" in " ".join(run(maas).stdout.split())


def test_too_much_is_refused(maas: Maas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("maas_stream_lint.logs.maas_client._MOST_BYTES", 10)
    fill(maas, "3.7")
    client = MaasClient(maas.url, parsed_key(KEY))
    try:
        with pytest.raises(LintError, match="too much"):
            read_state(client)
    finally:
        client.close()


def checked(maas: Maas, *args: str) -> Result:
    return CliRunner().invoke(main, ["check", "--maas-url", maas.url, "--files", "none", *args])


def test_check_takes_the_sources_from_there(maas: Maas) -> None:
    fill(maas, "3.7", BAD)
    maas.answers["boot-sources/1/selections/"] = [selection("ubuntu", "jammy", "amd64")]
    result = checked(maas)
    assert result.exit_code == 1
    assert "MSL401 ubuntu-name" in result.stdout
    assert "MAAS 3.7" in result.stdout
    assert "MAAS 3.8" not in result.stdout
    assert not any(secret in result.output for secret in KEY.split(":"))


def test_check_takes_the_selections_from_there(maas: Maas) -> None:
    fill(maas, "3.7", BAD)
    result = checked(maas)
    assert "MSL130 selection-matches-nothing" in result.stdout
    assert "1 product that no selection takes (MSL401" in " ".join(result.stdout.split())


def test_check_of_a_maas_without_sources(maas: Maas) -> None:
    fill(maas, "3.8", enabled=False)
    result = checked(maas)
    assert result.exit_code == 2
    assert "no source that can be checked" in result.stderr
    assert "can't go together" in checked(maas, "somewhere").stderr
