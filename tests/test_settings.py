"""The configuration: where it is found, what it may say, what goes before what, what it does."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from click.testing import CliRunner, Result

import reports
from maas_stream_lint.api import Report, SetAside, check
from maas_stream_lint.cli.configured import settings_of
from maas_stream_lint.cli.main import main
from maas_stream_lint.configuration import settings
from maas_stream_lint.configuration.overrides import apply_settings
from maas_stream_lint.configuration.reading import load
from maas_stream_lint.configuration.search import find
from maas_stream_lint.configuration.settings import Settings
from maas_stream_lint.finding import Finding, Severity
from maas_stream_lint.names import CONFIG_KEYS
from maas_stream_lint.report.formats import FORMATS
from maas_stream_lint.rule import needs_files
from maas_stream_lint.rule_files import rules_root

ROOT = Path(__file__).parents[1]
BAD = ROOT / "fixtures/bad/MSL401-ubuntu-name/tree"
GOOD = ROOT / "fixtures/good/every-release/tree"
INDEX = "streams/v1/index.json"
TODAY = date(2026, 11, 24)

pytestmark = pytest.mark.usefixtures("here")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory that nothing above says anything of, with a bad and a good stream."""
    for name in [n for n in os.environ if n.startswith("MAAS_STREAM_LINT_")]:
        monkeypatch.delenv(name)
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    place = tmp_path / "here"
    shutil.copytree(BAD, place / "bad")
    shutil.copytree(GOOD, place / "good")
    (place / ".git").mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return place


def write(text: str, name: str = settings.NAME) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def read(text: str) -> Settings:
    return load(write(text))


def run(*args: str, **env: str) -> Result:
    return CliRunner().invoke(main, args, env=env, catch_exceptions=False)


def told(*args: str, **env: str) -> dict[str, Any]:
    """What ``config`` says, by key."""
    result = run("config", *args, "--format", "json", **env)
    assert result.exit_code == 0, result.stderr
    return {one["key"]: one for one in json.loads(result.stdout)["settings"]}


# Where it is found.


def test_nothing_is_found() -> None:
    assert find() is None
    assert settings_of({}) == Settings()


def test_it_is_found_above_the_source_then_here(here: Path, tmp_path: Path) -> None:
    mine, theirs = write(""), write("", "trees/maas-stream-lint.toml")
    shutil.copytree("bad", "trees/bad")
    assert find() == here / mine
    there = "trees/bad"
    for source in (there, f"{there}/{INDEX}", f"file://{here}/{there}", "trees/not/there.json"):
        assert find(source) == here / theirs
    assert find("good") == here / mine
    assert find("http://example.com/") == here / mine
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert find(str(elsewhere)) == here / mine


@pytest.mark.parametrize("folder", ["bad", "bad/streams", "bad/streams/v1"])
def test_it_is_not_found_in_the_checked_tree(
    here: Path, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tree from somebody else must not say how it is checked; one's own repository may."""
    planted = write('[severities]\nMSL = "off"\n', f"{folder}/maas-stream-lint.toml").absolute()
    (here / "link").symlink_to("bad")
    for source in ("bad", f"bad/{INDEX}", f"file://{here}/bad", f"link/{INDEX}"):
        assert find(source) is None
    assert run("check", f"bad/{INDEX}", "--files", "none").exit_code == 1
    # A working directory inside the tree changes nothing.
    monkeypatch.chdir(here / folder)
    assert (find(f"{here}/bad") is None) is (folder != "bad")
    # The whole tree is the working directory: it is one's own, and the report names the file.
    monkeypatch.chdir(here / "bad")
    assert (find(INDEX) == planted) is (folder == "bad")
    done = run("check", INDEX, "--files", "none", "--config", str(planted))
    assert done.exit_code == 0
    assert "settings from" in done.stdout


def test_the_search_ends_at_the_repository(here: Path) -> None:
    write("", "../maas-stream-lint.toml")
    assert find() is None
    assert find("bad") is None
    (here / ".git").rmdir()
    assert find() == here.parent / settings.NAME
    # A work tree has a file of that name.
    write("gitdir: elsewhere", ".git")
    assert find() is None


def test_the_first_directory_that_has_one_ends_the_search(here: Path) -> None:
    write("", "a/b/pyproject.toml")
    write("[tool.maas-stream-lint]\n", "a/pyproject.toml")
    write("")
    assert find("a/b") == here / "a/pyproject.toml"
    write("", "a/maas-stream-lint.toml")
    assert find("a/b") == here / "a/maas-stream-lint.toml"


@pytest.mark.parametrize(
    "text",
    ["[project]\nname = 'maas-stream-lint'\n", "[tool.ruff]\n", "[tool]\nmaas-stream-lint = 1\n"],
)
def test_a_project_that_says_nothing_to_us(text: str) -> None:
    write(text, "pyproject.toml")
    assert find() is None


def test_a_project_s_table() -> None:
    path = write("[project]\nname = 'x'\n\n[tool.maas-stream-lint]\njobs = 3\n", "pyproject.toml")
    assert find() == path.absolute()
    (jobs,) = load(path).values.values()
    assert (jobs.value, str(jobs.origin)) == (3, "pyproject.toml:5")


def test_another_project_s_broken_file_is_none_of_our_business() -> None:
    write("[tool.ruff\n", "pyproject.toml")
    assert run("check", f"good/{INDEX}", "--files", "none").exit_code == 0


# What it may say.

EVERYTHING = """\
sources = ["bad", {source = "https://example.com/maas/", files = "none", maas = ["3.8"]}]
maas = ["3.6", "3.8"]
commissioning = "ubuntu/noble"
keyring = "keys/mine.gpg"
select = ["MSL4", "missing-boot-kernel"]
ignore = ["MSL410"]
severity = "warning"
format = "json"
files = "head"
only = ["*amd64*"]
jobs = 2
timeout = 5.5

[severities]
ubuntu-name = "fatal"
MSL4 = "info"
MSL504 = "off"

[[ignores]]
product = "com.ubuntu*"
rules = ["MSL401", "MSL5"]
maas = ["3.6"]
reason = "known"
until = 2027-01-31
"""


def test_everything_there_is(here: Path) -> None:
    seen = read(EVERYTHING)
    schema = json.loads((rules_root() / "schemas/config.json").read_text("utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    assert {*CONFIG_KEYS, "extends", "sources", "severities", "ignores"} == {*schema["properties"]}
    assert {key: setting.value for key, setting in seen.values.items()} == {
        "maas": ["3.6", "3.8"],
        "commissioning": "ubuntu/noble",
        "keyring": "keys/mine.gpg",
        "select": ["MSL4", "missing-boot-kernel"],
        "ignore": ["MSL410"],
        "severity": "warning",
        "format": ["json"],
        "files": "head",
        "only": ["*amd64*"],
        "jobs": 2,
        "timeout": 5.5,
    }
    assert [setting.origin.line for setting in seen.values.values()] == list(range(2, 13))
    assert [listed.source for listed in seen.sources] == ["bad", "https://example.com/maas/"]
    assert {k: s.value for k, s in seen.sources[1].values.items()} == {
        "files": "none",
        "maas": ["3.8"],
    }
    assert seen.severities["MSL401"][0] is Severity.FATAL
    assert seen.severities["MSL402"][0] is Severity.INFO
    assert seen.severities["MSL504"][0] is None
    (ignore,) = seen.ignores
    assert (ignore.product, ignore.maas, ignore.until) == (
        "com.ubuntu*",
        ("3.6",),
        date(2027, 1, 31),
    )
    assert {"MSL401", "MSL504"} < ignore.codes
    assert str(ignore.origin) == "maas-stream-lint.toml:19"


def test_a_day_may_be_text() -> None:
    seen = read('[[ignores]]\nrules = ["MSL4"]\nreason = "x"\nuntil = "2027-01-31"\n')
    assert seen.ignores[0].until == date(2027, 1, 31)


def test_windows_may_have_written_it() -> None:
    Path(settings.NAME).write_bytes(b"\xef\xbb\xbf# x\r\n\r\njobs = 2\r\n")
    assert load(Path(settings.NAME)).values["jobs"].origin.line == 3


ERRORS = [
    # text, what is said after the file's name
    ("a = [\n", "is not TOML"),
    ("\njbos = 2\n", ":2: jbos: unknown key (did you mean jobs?)"),
    ("baseline = 'x'\n", ":1: baseline: unknown key (known: extends, sources, maas"),
    ("JOBS = 2\n", ":1: JOBS: unknown key (did you mean jobs?)"),
    (
        "\n\ntoken = 'hunter2'\n",
        ":3: token: secrets must not be in a configuration (use",
    ),
    (
        "[headers]\nAuthorization = 'hunter2'\n",
        ":1: headers: secrets must not be in a configuration",
    ),
    ("token_env = 'X'\n", ":1: token_env: secrets must not be in a configuration"),
    ("maas = '3.6'\n", ":1: maas: expected a list or a table, got text"),
    (
        "maas = [\n'3.6',\n3.8]\n",
        ':3: maas[1]: expected text in quotes, got a number (write "3.8")',
    ),
    ("maas = []\n", ":1: maas: is empty"),
    ("maas = ['3.8', '1.9']\n", ":1: maas[1]: no MAAS release line '1.9' (known: 2.9, 3.0"),
    ("keyring = ''\n", ":1: keyring: is empty"),
    ("keyring = 3\n", ':1: keyring: expected text in quotes, got a number (write "3")'),
    ("keyring = true\n", ":1: keyring: expected text in quotes, got true"),
    (
        "select = ['ubunto-name']\n",
        ":1: select[0]: no rule 'ubunto-name' (did you mean ubuntu-name?)",
    ),
    ("ignore = [\n\n'MSL999']\n", ":3: ignore[0]: no rule 'MSL999' (see"),
    ("ignore = ['what']\n", ":1: ignore[0]: no rule 'what' (see `maas-stream-lint rules`)"),
    (
        "severity = 'warn'\n",
        (
            ":1: severity: expected one of fatal, ignored, unusable, warning, info, error, note "
            "(did you mean warning?)"
        ),
    ),
    ("severity = 3\n", ":1: severity: expected one of fatal"),
    (
        "severities.MSL401 = 'of'\n",
        (
            ":1: severities.MSL401: expected one of fatal, ignored, unusable, warning, info, "
            "error, note, off "
            "(did you mean off?)"
        ),
    ),
    (
        "[severities]\n\nubuntu-names = 'off'\n",
        ":3: severities.ubuntu-names: no rule 'ubuntu-names' (did you mean ubuntu-name?)",
    ),
    ("format = 3\n", ":1: format: expected text in quotes or a list, got a number"),
    ("files = 'all'\n", ":1: files: expected one of none, head, download"),
    ("only = '*'\n", ":1: only: expected a list, got text"),
    ("only = [{}]\n", ":1: only[0]: expected text in quotes, got a table"),
    ("jobs = 0\n", ":1: jobs: expected 1 or more"),
    ("jobs = 1000\n", ":1: jobs: expected 128 at most"),
    ("jobs = 1.5\n", ":1: jobs: expected a whole number, got a number"),
    ("timeout = 0\n", ":1: timeout: expected more than 0"),
    ("timeout = inf\n", ":1: timeout: expected 86400 at most"),
    ("timeout = 'soon'\n", ":1: timeout: expected a number, got text"),
    ("sources = []\n", ":1: sources: is empty"),
    ("sources = ['']\n", ":1: sources[0]: is empty"),
    ("sources = [3]\n", ":1: sources[0]: expected text in quotes or a table, got a number"),
    (
        "[[sources]]\nsource = 'x'\n[[sources]]\nmaas = ['3.8']\n",
        ":3: sources[1]: `source` is missing",
    ),
    ("[[sources]]\nsource = 'x'\nformat = 'json'\n", ":3: sources[0].format: unknown key"),
    ("[[sources]]\nsource = 'x'\nmaas = ['3.x']\n", ":3: sources[0].maas[0]: no MAAS release line"),
    (
        "sources = ['https://me:hunter2@example.com/']\n",
        ":1: sources[0]: credentials must not be in a configuration",
    ),
    ("sources = ['file://host/x']\n", ":1: sources[0]: a file URL cannot name a host"),
    (
        "[[ignores]]\nrules = ['MSL4']\n",
        ":1: ignores[0]: `reason` is missing (Why that is all right",
    ),
    ("[[ignores]]\nreason = 'x'\n", ":1: ignores[0]: `rules` is missing"),
    ("[[ignores]]\nreason = ''\nrules = ['MSL4']\n", ":2: ignores[0].reason: is empty"),
    ("[[ignores]]\nreason = 'x'\nrules = ['MSL4', 'x']\n", ":3: ignores[0].rules[1]: no rule 'x'"),
    (
        "[[ignores]]\nreason = 'x'\nrules = ['MSL4']\nmaas = ['4']\n",
        ":4: ignores[0].maas[0]: no MAAS",
    ),
    (
        "[[ignores]]\nreason = 'x'\nrules = ['MSL4']\nuntil = 'soon'\n",
        ":4: ignores[0].until: expected a date (write it like 2027-01-31)",
    ),
    (
        "[[ignores]]\nreason = 'x'\nrules = ['MSL4']\nuntil = '2027-02-30'\n",
        ":4: ignores[0].until: 2027-02-30 is not a date",
    ),
    (
        "[[ignores]]\nreason = 'x'\nrules = ['MSL4']\nuntil = 2027-01-01T00:00:00\n",
        ":4: ignores[0].until: expected a date",
    ),
    (
        "[[ignores]]\nreason = 'x'\nrules = ['MSL4']\nprodukt = 'x'\n",
        ":4: ignores[0].produkt: unknown key (did you mean product?)",
    ),
    ("extends = 'nowhere.toml'\n", ":1: extends: there is no file nowhere.toml"),
    ("extends = ['good', 'x']\n", ":1: extends[0]: there is no file good"),
    ("extends = 3\n", ":1: extends: expected text in quotes or a list, got a number"),
    ("jobs = 0\n\n[[ignores]]\n", ":1: jobs: expected 1 or more; 2 more errors"),
]


@pytest.mark.parametrize(("text", "expected"), ERRORS, ids=lambda part: str(part)[:40])
def test_what_it_must_not_say(text: str, expected: str) -> None:
    write(text)
    result = run("check", f"good/{INDEX}")
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.removeprefix(f"error: {settings.NAME}").lstrip().startswith(expected), line
    assert "hunter2" not in line
    # Whoever has to go on can.
    assert run("check", f"good/{INDEX}", "--no-config", "--files", "none").exit_code == 0
    assert run("check", "--help").exit_code == 0


@pytest.mark.parametrize(
    ("key", "value"),
    [("format", "yaml"), ("format", ["sarif=x", "yml"]), ("timeout", float("nan"))],
)
def test_what_only_the_option_knows(key: str, value: Any) -> None:
    write(f"\n{key} = {value if value != value else json.dumps(value)}\n")
    result = run("check", f"good/{INDEX}")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {settings.NAME}:2: {key}: ")


def test_severities_have_the_words_of_other_tools(here: Path) -> None:
    seen = read('severity = "error"\n[severities]\nMSL4 = "note"\nMSL5 = "error"\n')
    assert seen.values["severity"].value == "unusable"
    assert seen.severities["MSL401"][0] is Severity.INFO
    assert seen.severities["MSL504"][0] is Severity.UNUSABLE
    assert run("check", f"good/{INDEX}").exit_code == 0


def test_a_file_that_cannot_be_read(here: Path) -> None:
    Path(settings.NAME).write_bytes(b"\xff")
    assert "is not UTF-8" in run("check", "good").stderr
    for name, why in (("nowhere.toml", "no such file"), ("good", "is a directory")):
        result = run("check", "good", "--config", name)
        assert result.exit_code == 2
        assert result.stderr.startswith(f"error: cannot read {name}: {why}")
    write("[tool.ruff]\n", "pyproject.toml")
    assert "has no [tool.maas-stream-lint]" in run("config", "--config", "pyproject.toml").stderr
    assert "choose one" in run("config", "--config", "x", "--no-config").stderr


def test_the_example_in_the_documentation() -> None:
    example, table = re.findall(
        r"```toml\n(.*?)```", (ROOT / "docs/configuration.md").read_text(), re.S
    )
    seen = read(example)
    assert {*seen.values} == {*CONFIG_KEYS}
    assert len(seen.sources) == 2
    assert seen.severities["MSL417"][0] is None
    assert seen.ignores[0].until == date(2027, 3, 31)
    # What is commented out is right, too.
    write("", "../common.toml")
    assert read(re.sub(r"^# (?=extends)", "", example, flags=re.M)).extended
    # And nothing is left out.
    schema = json.loads((rules_root() / "schemas/config.json").read_text("utf-8"))
    (ignored,) = (schema["properties"]["ignores"]["items"]["properties"],)
    for key in (*schema["properties"], *ignored):
        assert re.search(rf"^(# )?\[*{key}\b", example, re.MULTILINE), key
    maas = schema["properties"]["maas"]["properties"]
    canonical, own = read(table).maas_sources
    assert (canonical.name, canonical.selections) == ("canonical", ("ubuntu/noble/amd64",))
    assert (own.priority, own.enabled, own.down) == (7, True, False)
    for key in (*maas, *maas["sources"]["items"]["properties"]):
        assert re.search(rf"^\[*(maas[.])?{key}\b", table, re.MULTILINE), key


ODD = [
    *('""', '"x"', '"\\u0000"', '"~/x"', '"~nobody-here/x"', '"file:"', '"http://["', "1", "-1"),
    *("nan", "true", "1979-05-27", "07:32:00", "[]", "[[]]", "{}", "{a = 1}", '["*", 1]'),
    *('["\\u0000"]', '{source = "\\u0000"}', '[{source = "http://["}]'),
    *('[{rules = ["MSL4"], reason = "x"}]', "[{}]"),
]  # fmt: skip


@pytest.mark.parametrize(
    "key", [*CONFIG_KEYS, "extends", "sources", "severities", "ignores", '""', '"a.b"']
)
def test_nothing_odd_is_a_crash(key: str) -> None:
    for value in ODD:
        write(f"{key} = {value}\n")
        result = run("config")  # what is not foreseen is raised
        assert result.exit_code in (0, 2)
        assert (result.exit_code == 0) is (result.stderr == ""), result.stderr
        assert len(result.stderr.splitlines()) <= 1


# extends


def test_extends(here: Path) -> None:
    write(
        'jobs = 1\nkeyring = "a.gpg"\nmaas = ["3.6"]\nseverities.MSL4 = "info"\n'
        '[[ignores]]\nrules = ["MSL4"]\nreason = "base"\n',
        "base/one.toml",
    )
    write("jobs = 2\ntimeout = 3\n", "base/two.toml")
    seen = read(
        'extends = ["base/one.toml", "base/two.toml"]\nmaas = ["3.8"]\n'
        'severities.MSL401 = "off"\n[[ignores]]\nrules = ["MSL5"]\nreason = "own"\n'
    )
    got = {key: (s.value, settings.shown(s.origin.file)) for key, s in seen.values.items()}
    assert got == {
        "jobs": (2, "base/two.toml"),
        "keyring": ("base/a.gpg", "base/one.toml"),
        "maas": (["3.8"], settings.NAME),
        "timeout": (3, "base/two.toml"),
    }
    assert seen.severities["MSL401"][0] is None
    assert seen.severities["MSL402"][0] is Severity.INFO
    assert [i.reason for i in seen.ignores] == ["base", "own"]
    assert [settings.shown(p) for p in seen.extended] == ["base/one.toml", "base/two.toml"]
    assert seen.file == here / settings.NAME


def test_what_extends_itself() -> None:
    write('extends = "a/b.toml"\n')
    write('\nextends = "../maas-stream-lint.toml"\n', "a/b.toml")
    result = run("config")
    assert result.exit_code == 2
    assert result.stderr.startswith(
        "error: a/b.toml:2: extends: the files extend each other in a circle: "
        "maas-stream-lint.toml → a/b.toml → maas-stream-lint.toml"
    )


def test_two_may_extend_one() -> None:
    write("jobs = 7\n", "base.toml")
    for name in ("a.toml", "b.toml"):
        write('extends = "base.toml"\n', name)
    assert read('extends = ["a.toml", "b.toml"]\n').values["jobs"].value == 7


# What goes before what.

VALUES: dict[str, tuple[Any, str, str]] = {
    # key: in the file, in the environment, as a flag
    "maas": (["3.5"], "3.6", "3.7"),
    "keyring": ("a.gpg", "b.gpg", "c.gpg"),
    "select": (["MSL4"], "MSL5", "MSL6"),
    "ignore": (["MSL410"], "MSL501", "MSL601"),
    "severity": ("fatal", "ignored", "info"),
    "files": ("none", "head", "download"),
    "only": (["a*"], "b*", "c*"),
    "jobs": (2, "3", "4"),
    "timeout": (2.5, "3.5", "4.5"),
}


def plain(value: Any) -> str:
    return ",".join(value) if isinstance(value, list) else str(value)


@pytest.mark.parametrize("key", VALUES)
def test_flag_then_environment_then_file_then_default(key: str) -> None:
    in_file, in_environment, as_flag = VALUES[key]
    variable = f"MAAS_STREAM_LINT_{key.upper()}"
    flag = [f"--{key}", as_flag]
    assert told()[key]["from"] == {"kind": "default"}
    write(f"\n{key} = {json.dumps(in_file)}\n")
    seen = told()[key]
    assert seen["value"] == in_file
    assert seen["from"] == {"kind": "file", "file": settings.NAME, "line": 2}
    seen = told(**{variable: in_environment})[key]
    assert plain(seen["value"]) == in_environment
    assert seen["from"] == {"kind": "environment", "name": variable}
    seen = told(*flag, **{variable: in_environment})[key]
    assert plain(seen["value"]) == as_flag
    assert seen["from"] == {"kind": "flag", "name": f"--{key}"}
    assert told("--no-config")[key]["from"] == {"kind": "default"}


def test_the_format_of_check_is_not_that_of_config() -> None:
    write('format = "json"\n')
    assert run("config").stdout.startswith("configuration  maas-stream-lint.toml\n")
    assert told()["format"]["value"] == ["json"]
    seen = told(MAAS_STREAM_LINT_FORMAT="sarif=x text")["format"]
    assert (seen["value"], seen["from"]["kind"]) == (["sarif=x", "text"], "environment")
    assert run("check", f"good/{INDEX}").stdout.startswith("{")
    assert run("check", f"good/{INDEX}", "--format", "text").stdout.startswith("stream ")
    assert run("preview", f"good/{INDEX}").stdout.startswith("stream ")


def test_a_source_s_own_settings_go_before_the_common_ones() -> None:
    write(
        'maas = ["3.5"]\njobs = 2\n[[sources]]\nsource = "good"\nmaas = ["3.8"]\n'
        '[[sources]]\nsource = "http://example.com/"\njobs = 3\n'
    )
    assert told("good/")["maas"]["value"] == ["3.8"]
    assert told("good/")["jobs"]["value"] == 2
    assert told("bad")["maas"]["value"] == ["3.5"]
    assert told("http://example.com/")["jobs"]["value"] == 3
    assert told("good", "--maas", "3.6")["maas"]["value"] == ["3.6"]
    assert told("good", MAAS_STREAM_LINT_MAAS="3.6")["maas"]["value"] == ["3.6"]


def test_the_file_may_be_named() -> None:
    write("jobs = 1\n")
    write("jobs = 2\n", "other.toml")
    assert told("--config", "other.toml")["jobs"]["value"] == 2
    assert told(MAAS_STREAM_LINT_CONFIG="other.toml")["jobs"]["value"] == 2
    assert (
        told("--config", settings.NAME, MAAS_STREAM_LINT_CONFIG="other.toml")["jobs"]["value"] == 1
    )
    assert told("--no-config", MAAS_STREAM_LINT_CONFIG="other.toml")["jobs"]["value"] is None


def test_config_for_people() -> None:
    write(EVERYTHING)
    seen = run("config").stdout
    assert re.search(r"^  timeout +5\.5 +maas-stream-lint\.toml:12$", seen, re.MULTILINE)
    assert re.search(r"^  https://example\.com/maas/ +maas 3\.8, files none ", seen, re.MULTILINE)
    assert re.search(r"^  MSL504 +off +maas-stream-lint\.toml:17$", seen, re.MULTILINE)
    assert "MSL401, MSL5 on com.ubuntu* with MAAS 3.6  known (until 2027-01-31)" in seen
    assert "none" in run("config", "--no-config").stdout.splitlines()[0]


def test_other_commands_heed_it_too() -> None:
    write('maas = ["3.6"]\n')
    assert list(json.loads(run("preview", "bad", "--format", "json").stdout)["maas"]) == ["3.6"]
    assert "3.8" not in run("fix", f"bad/{INDEX}").stdout
    assert (
        "3.7"
        not in run("explain", "MSL401", "--source", f"bad/{INDEX}").stdout.split("example")[-1]
    )


# What check does with it.


def test_check_alone_checks_all_that_are_listed() -> None:
    write(f'sources = ["good/{INDEX}", "bad/{INDEX}"]\nfiles = "none"\nmaas = ["3.7", "3.8"]\n')
    result = run("check")
    assert result.exit_code == 1
    assert re.findall(r"^stream (\S+)", result.stdout, re.MULTILINE) == [
        f"good/{INDEX}",
        f"bad/{INDEX}",
    ]
    said = json.loads(run("check", "--format", "json").stdout)
    assert [one["source"] for one in said] == [f"good/{INDEX}", f"bad/{INDEX}"]
    alone = json.loads(run("check", f"bad/{INDEX}", "--format", "json").stdout)
    assert alone == said[1]
    assert "set_aside" not in alone["summary"]


def test_one_that_is_listed_alone_is_a_list_too() -> None:
    write(f'sources = ["good/{INDEX}"]\nfiles = "none"\n')
    result = run("check", "--format", "json")
    assert result.exit_code == 0
    assert len(json.loads(result.stdout)) == 1


def test_each_has_its_threshold_and_the_worst_counts() -> None:
    write(
        f'files = "none"\n[[sources]]\nsource = "bad/{INDEX}"\nseverity = "fatal"\n'
        f'[[sources]]\nsource = "good/{INDEX}"\n'
    )
    assert run("check").exit_code == 0
    assert run("check", "--severity", "unusable").exit_code == 1
    write(f'files = "none"\nsources = ["nowhere", "bad/{INDEX}"]\n')
    result = run("check")
    assert result.exit_code == 2
    assert "MSL401" in result.stdout
    assert result.stderr.startswith("error: nowhere: nowhere does not exist")


def test_check_alone_with_nothing_listed() -> None:
    result = run("check")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: no source is given (give one, or list `sources`")


def test_sources_are_relative_to_the_file(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(f'sources = ["bad/{INDEX}"]\n')
    (here / "deep/er").mkdir(parents=True)
    monkeypatch.chdir(here / "deep/er")
    assert f"stream {here}/bad/{INDEX}" in run("check").stdout


def test_python_s_check_knows_no_configuration() -> None:
    write('ignore = ["MSL401"]\nmaas = ["3.8"]\n', "bad/maas-stream-lint.toml")
    report = check(f"bad/{INDEX}")
    assert "MSL401" in {f.code for f in report.findings}
    assert report.set_aside is None
    assert len(report.look.lines) > 1


def test_formats_and_their_files(here: Path) -> None:
    write('files = "none"\nformat = ["sarif=out.sarif", "compact"]\n', "deep/x.toml")
    result = run("check", f"bad/{INDEX}", "--config", "deep/x.toml")
    assert result.stdout.startswith("bad/")
    assert json.loads((here / "deep/out.sarif").read_text())["version"] == "2.1.0"


@pytest.mark.parametrize("name", ["../out.html", "/tmp/out.html", "~/out.html", "up/out.html"])
def test_outputs_stay_below_the_configuration(
    here: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (here / "deep").mkdir()
    (here / "deep" / "up").symlink_to(tmp_path)
    write(f'files = "none"\nformat = ["html={name}"]\n', "deep/x.toml")
    before = sorted(tmp_path.rglob("*"))
    result = run("check", f"bad/{INDEX}", "--config", "deep/x.toml")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: deep/x.toml:2: format: the output {name} is outside")
    assert sorted(tmp_path.rglob("*")) == before
    # A flag is the user's own word.
    assert run("check", f"bad/{INDEX}", "--no-config", f"--format=html={tmp_path}/o").exit_code == 1


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[severities]\nMSL401 = 'info'\n", True),
        ("[severities]\nMSL801 = 'info'\n", False),  # there is no such finding
        ("[[ignores]]\nrules = ['MSL504']\nreason = 'known'\n", True),
        ("ignore = ['MSL504']\n", True),
        ("severity = 'fatal'\n", True),
        ("timeout = 5\n", False),
    ],
)
def test_the_report_names_the_file_that_changed_it(text: str, named: bool) -> None:
    path = write(text)
    result = run("check", f"bad/{INDEX}", "--files", "none")
    assert (f"settings from {path}" in " ".join(result.stdout.split())) is named
    said = json.loads(run("check", f"bad/{INDEX}", "--files", "none", "--format", "json").stdout)
    assert said["summary"].get("configuration") == ([str(path)] if named else None)
    # A flag overrides the file, which then changes nothing.
    flags = ["--severity", "info", "--ignore", "MSL401", "--no-config"]
    assert "settings from" not in run("check", f"bad/{INDEX}", "--files", "none", *flags).stdout


@pytest.mark.parametrize("form", FORMATS)
def test_several_sources_in_each_format(form: str) -> None:
    write(f'sources = ["good/{INDEX}", "bad/{INDEX}"]\nfiles = "none"\n')
    result = run("check", "--format", form)
    if not FORMATS[form].holds(2):
        assert result.exit_code == 2
        assert f"{form} cannot hold several sources" in result.stderr
        return
    assert result.exit_code == 1
    each = [run("check", f"{s}/{INDEX}", "--format", form).stdout for s in ("good", "bad")]
    if form in ("compact", "jsonl", "github"):
        assert result.stdout == "".join(each)
    elif form in ("text", "markdown"):
        assert result.stdout == "\n".join(each)
    elif form == "junit":
        whole = ElementTree.fromstring(result.stdout)
        roots = [ElementTree.fromstring(text) for text in each]
        for count in ("tests", "failures"):
            assert int(whole.attrib[count]) == sum(int(root.attrib[count]) for root in roots)
        names = [suite.attrib["name"] for suite in whole]
        assert len(names) == len(set(names)) == sum(map(len, roots))
    else:
        said, parts = json.loads(result.stdout), [json.loads(text) for text in each]
        if form == "json":
            assert said == parts
        elif form == "gitlab":
            assert said == parts[0] + parts[1]
        else:
            ids = [r.pop("automationDetails")["id"] for r in said["runs"]]
            assert ids == [f"maas-stream-lint/{s}/{INDEX}/" for s in ("good", "bad")]
            assert said["runs"] == parts[0]["runs"] + parts[1]["runs"]


# apply_settings


def made(*found: Finding, maas: tuple[str, ...] | None = None) -> Report:
    products = {f.place.product: reports.image("rhel", "9") for f in found if f.place.product}
    return reports.report(list(found), reports.tree(products), maas)  # type: ignore[arg-type]


def known(product: str, code: str = "MSL401", **more: Any) -> Finding:
    severity = more.pop("severity", Severity.IGNORED)
    return reports.finding(severity, f"about `{product}`", reports.at(product), code=code, **more)


def applied(report: Report, text: str, **more: Any) -> tuple[Report, list[str]]:
    (one,), notices = apply_settings([report], read(text), TODAY, **more)
    return one, notices


def ignore(**given: Any) -> str:
    given = {"rules": ["MSL401"], "reason": "we know", **given}
    return "[[ignores]]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in given.items())


def test_nothing_set_is_the_same_report() -> None:
    report = made(known("a"))
    assert applied(report, "jobs = 2\n") == (report, [])


def test_severities() -> None:
    report = made(known("a"), known("b", "MSL402"), known("c", "MSL504"))
    got, notices = applied(
        report, '[severities]\nMSL4 = "info"\nMSL402 = "fatal"\nmissing-boot-kernel = "off"\n'
    )
    assert [(f.code, f.severity.label) for f in got.findings] == [
        ("MSL402", "fatal"),
        ("MSL401", "info"),
    ]
    assert notices == []
    assert got.facts == report.findings
    assert got.set_aside is None


def test_an_ignore_excuses() -> None:
    report = made(known("com.a:x"), known("com.b:x"), known("com.a:y", "MSL402"))
    got, notices = applied(report, ignore(product="com.a:*"))
    assert {f.place.product for f in got.findings} == {"com.b:x", "com.a:y"}
    assert got.set_aside == SetAside(excused=1)
    assert got.to_dict()["summary"]["set_aside"] == {"excused": 1, "known": 0, "gone": 0}
    assert notices == []


def test_an_ignore_of_some_release_lines() -> None:
    text = "Ignoring unsupported product a"
    logs = ((("2.9", "3.7"), text), (("3.8",), "other"))
    finding = known("a", maas=("2.9", "3.7", "3.8"), log=text, logs=logs)
    got, _ = applied(made(finding), ignore(maas=["2.9", "3.7"]))
    (left,) = got.findings
    assert (left.maas, left.log, left.logs) == (("3.8",), "other", ((("3.8",), "other"),))
    assert got.set_aside == SetAside(excused=1)


def test_an_ignore_without_product_is_about_anything() -> None:
    whole = reports.finding(Severity.FATAL, "x", reports.at("a")._replace(path=()), code="MSL401")
    assert applied(made(whole, known("a")), ignore())[0].findings == ()
    assert applied(made(whole), ignore(product="*"))[0].findings == (whole,)


@pytest.mark.parametrize(
    ("until", "holds"), [("2026-11-25", True), ("2026-11-24", True), ("2026-11-23", False)]
)
def test_an_ignore_with_a_last_day(until: str, holds: bool) -> None:
    report = made(known("a"))
    got, notices = applied(report, ignore(until=until))
    assert (got.findings == ()) is holds
    assert (got.worst is None) is holds
    if holds:
        assert notices == []
    else:
        (notice,) = notices
        assert notice.startswith(f"{settings.NAME}:1: this ignore expired on {until}")
        assert "count again (reason: we know)" in notice


def test_an_ignore_that_ran_out_and_matches_nothing_is_told_of() -> None:
    _, (notice,) = applied(made(known("b", "MSL402")), ignore(until="2020-01-01"))
    assert "are gone, so remove it" in notice


def test_an_ignore_that_matches_nothing_is_told_of() -> None:
    report = made(known("b"))
    text = ignore(product="a")
    _, (notice,) = applied(report, text)
    assert notice == f"{settings.NAME}:1: this ignore matches nothing (MSL401 on a): remove it"
    # Not if it could not match.
    assert applied(report, text, whole=False)[1] == []
    narrow = made(known("b"), maas=("3.8",))
    assert applied(narrow, ignore(product="a", maas=["3.7"]))[1] == []
    assert applied(report, ignore(rules=["MSL702"]))[1] == []


def test_an_ignore_is_used_if_any_source_needs_it() -> None:
    both, notices = apply_settings(
        [made(known("a")), made(known("b"))], read(ignore(product="a")), TODAY
    )
    assert [len(r.findings) for r in both] == [0, 1]
    assert notices == []


def test_ignores_on_the_command_line(here: Path) -> None:
    write('files = "none"\nignore = ["MSL410", "MSL504", "MSL8"]\n' + ignore())
    result = run("check", f"bad/{INDEX}")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "passes · no findings · 1 excused" in result.stdout
    # What MAAS makes of it does not change by being excused.
    assert "drops the one product (ubuntu-name)" in result.stdout
    write('files = "none"\n' + ignore(until="2020-01-01"))
    result = run("check", f"bad/{INDEX}")
    assert result.exit_code == 1
    assert result.stderr.startswith("notice: maas-stream-lint.toml:2: this ignore expired")


@pytest.mark.parametrize(
    "tree", sorted(ROOT.glob("fixtures/bad/MSL[67]*/tree")), ids=lambda p: p.parent.name
)
def test_which_rules_need_files(tree: Path) -> None:
    source = tree / INDEX
    if source.exists():
        looked, blind = (
            {f.code for f in check(source, files=m).findings} for m in ("download", "none")
        )
        assert not any(map(needs_files, blind))
        assert all(map(needs_files, looked - blind))


def test_without_a_file_nothing_of_it_is_imported() -> None:
    script = (
        "import sys\nfrom click.testing import CliRunner\n"
        "from maas_stream_lint.cli.main import main\n"
        f"done = CliRunner().invoke(main, ['check', 'good/{INDEX}', '--files', 'none'])\n"
        "assert done.exit_code == 0\n"
        "print('jsonschema' in sys.modules)"
    )
    seen: Callable[[], str] = lambda: subprocess.run(  # noqa: E731
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert seen() == "False"
    write("jobs = 1\n")
    assert seen() == "True"
