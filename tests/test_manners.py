"""Options that people know from other linters, help, and how a wrong command line is told."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from maas_stream_lint import __version__, output
from maas_stream_lint.cli.main import main
from maas_stream_lint.errors import UsageError
from maas_stream_lint.names import SEVERITIES
from maas_stream_lint.rulebook import all_releases, releases

ROOT = Path(__file__).parents[1]
BAD = str(ROOT / "fixtures/bad/MSL401-ubuntu-name/tree/streams/v1/index.json")
GOOD = str(ROOT / "fixtures/good/every-release/tree/streams/v1/index.json")
LINES = [release.line for release in all_releases()]


def run(*args: str) -> Result:
    return CliRunner().invoke(main, args)


# -- release lines and severities -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("3.5-3.7", ["3.5", "3.6", "3.7"]),
        ("3.5\N{EN DASH}3.6", ["3.5", "3.6"]),  # as a report writes it
        ("3.7-3.7", ["3.7"]),
        (f"{LINES[-2]}+", LINES[-2:]),
        (f"{LINES[-2]}-", LINES[-2:]),
        ("latest", LINES[-1:]),
        ("LATEST", LINES[-1:]),
        (f"{LINES[-2]}-latest", LINES[-2:]),
        ("v3.4", ["3.4"]),
        ("V3.4.1 - v3.5", ["3.4", "3.5"]),
    ],
)
def test_ranges_of_release_lines(said: str, meant: list[str]) -> None:
    assert [release.line for release in releases([said])] == meant
    seen = json.loads(run("check", GOOD, "--maas", said, "--format", "json").stdout)
    assert seen["summary"]["maas"] == meant


def test_a_list_of_ranges() -> None:
    seen = run("check", GOOD, "--maas", "2.9,3.5-3.6", "--maas", "latest", "--format", "json")
    assert json.loads(seen.stdout)["summary"]["maas"] == ["2.9", "3.5", "3.6", LINES[-1]]


@pytest.mark.parametrize("said", ["3.7-3.5", "-3.4", "3", "+", "-", "3.5-3.6-3.7", "4.0", "lates"])
def test_what_is_no_release_line(said: str) -> None:
    with pytest.raises(UsageError):
        releases([said])


@pytest.mark.parametrize(
    ("said", "code"), [("error", 1), ("ERROR", 1), ("Fatal", 0), ("IGNORED", 1), ("note", 1)]
)
def test_severities_in_any_case_and_other_words(said: str, code: int) -> None:
    assert run("check", BAD, "--severity", said).exit_code == code


def test_note_is_info_and_error_is_not() -> None:
    assert run("check", GOOD, "--severity", "note").exit_code == 1
    assert run("check", GOOD, "--severity", "error").exit_code == 0


# -- what is shown --------------------------------------------------------------------------------


def test_quiet_says_what_fails_and_nothing_else(tmp_path: Path) -> None:
    seen = run("check", GOOD, "-q")
    assert (seen.exit_code, seen.output) == (0, "")
    seen = run("check", BAD, "--quiet")
    assert seen.exit_code == 1
    assert "MSL401" in seen.stdout
    assert "MSL806" not in seen.stdout
    # Errors stay.
    assert run("check", "nowhere", "-q").stderr.startswith("error: ")
    # Programs get everything.
    machine = run("check", BAD, "-q", "--format", "json").stdout
    assert machine == run("check", BAD, "--format", "json").stdout


def test_quiet_of_several_sources_has_no_empty_lines(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text(f"sources = [{GOOD!r}, {BAD!r}, {GOOD!r}]\n")
    seen = run("check", "-q", "--config", str(config))
    assert seen.stdout.startswith("stream ")
    assert seen.stdout.count("stream ") == 1


def test_quiet_and_verbose_are_not_combined() -> None:
    seen = run("check", BAD, "-q", "-v")
    assert (seen.exit_code, seen.stdout) == (2, "")


def test_verbose_tells_advice_in_full() -> None:
    brief, full = run("check", GOOD).stdout, run("check", GOOD, "-v").stdout
    assert "    fix   " not in brief
    assert full.count("    fix   ") == 1


def test_exit_zero_forgives_findings_alone(tmp_path: Path) -> None:
    assert run("check", BAD).exit_code == 1
    assert run("check", BAD, "--exit-zero").exit_code == 0
    assert run("check", BAD, "--exit-zero").stdout == run("check", BAD).stdout
    assert run("check", "nowhere", "--exit-zero").exit_code == 2
    assert run("fix", BAD, "--exit-zero").exit_code == 0
    told = json.loads(run("check", BAD, "--exit-zero", "--format", "sarif").stdout)
    (invocation,) = told["runs"][0]["invocations"]
    assert (invocation["exitCode"], invocation["executionSuccessful"]) == (0, True)


def test_statistics() -> None:
    seen = run("check", BAD, "--statistics")
    assert seen.exit_code == 1
    counts = re.findall(r"^ *(\d+)  (\w+) +(MSL\d+)  \S+$", seen.stdout, re.MULTILINE)
    assert [code for _, _, code in counts] == ["MSL401", "MSL504", "MSL410", "MSL806"]
    assert seen.stdout.splitlines()[-2].startswith("fails · ")


def test_statistics_that_no_output_has() -> None:
    seen = run("check", BAD, "--statistics", "--format", "sarif", "--format", "junit=x.xml")
    assert seen.exit_code == 2
    assert seen.stderr == (
        "error: --statistics has no effect on sarif and junit (add --format text or json or "
        "markdown)\n"
    )


COLOURED = [
    ("check", BAD),
    ("preview", BAD),
    ("fix", BAD),
    ("rules", "MSL4"),
    ("explain", "MSL401"),
    ("explain", "Ignoring unsupported product com.example:jammy"),
]


@pytest.mark.parametrize("words", COLOURED, ids=lambda words: " ".join(words)[:20])
def test_colour(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    plain = run(*words).stdout
    painted = run(*words, "--color", "always").stdout
    assert "\x1b[" not in plain
    assert "\x1b[" in painted
    assert click.unstyle(painted) == plain
    assert run(*words, "--color", "NEVER").stdout == plain
    monkeypatch.setenv("CLICOLOR_FORCE", "1")
    assert run(*words).stdout == painted
    assert run(*words, "--color", "never").stdout == plain
    monkeypatch.setenv("NO_COLOR", "1")
    assert run(*words, "--color", "always").stdout == painted


def test_a_diff_in_colour_says_the_same() -> None:
    words = ("fix", str(ROOT / "fixtures/bad/MSL602-size-not-number/tree"), "--diff")
    if not Path(words[1]).is_dir():
        words = ("fix", str(a_fixable_tree()), "--diff")
    plain = run(*words).stdout
    painted = run(*words, "--color", "always").stdout
    assert plain.startswith("--- ")
    assert click.unstyle(painted) == plain
    assert re.search(r"^\x1b\[31m-", painted, re.MULTILINE)
    assert re.search(r"^\x1b\[32m\+", painted, re.MULTILINE)


def test_a_terminal_obeys_no_character_of_a_diff(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = shutil.copytree(a_fixable_tree(), tmp_path / "tree")
    for document in (tree / "streams/v1").iterdir():
        content = json.loads(document.read_text("utf-8"))
        hostile = json.dumps({"x\x9b2J\x7f": 1, **content}, ensure_ascii=False)
        document.write_text(hostile, "utf-8")
    words = ("fix", str(tree), "--diff", "--color", "never")
    assert "\x9b2J" in run(*words).stdout  # for `patch`, byte for byte
    monkeypatch.setattr(output, "on_terminal", lambda: True)
    shown = run(*words).stdout
    assert "\\x9b2J\\x7f" in shown
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown)


def a_fixable_tree() -> Path:
    """A tree of a fixture that `fix` has an edit for."""
    for folder in sorted((ROOT / "fixtures/bad").iterdir()):
        if (folder / "tree").is_dir() and run("fix", str(folder / "tree"), "--diff").stdout:
            return folder / "tree"
    raise AssertionError("no fixture has an edit")


# -- rules ----------------------------------------------------------------------------------------


def listed(*words: str) -> list[str]:
    return re.findall(r"^  (MSL\d+)", run("rules", *words).stdout, re.MULTILINE)


def test_rules_can_be_chosen() -> None:
    assert set(listed()) > set(listed("MSL4")) > set(listed("MSL4", "--severity", "fatal"))
    assert all(code.startswith("MSL4") for code in listed("msl4"))
    assert listed("ubuntu-name", "MSL504") == ["MSL401", "MSL504"]
    assert listed("MSL401,MSL504") == ["MSL401", "MSL504"]
    told = json.loads(run("rules", "MSL4", "--severity", "FATAL", "--format", "json").stdout)
    assert {rule["severity"] for rule in told["rules"]} == {"fatal"}
    assert run("rules", "--severity", "info").stdout == run("rules").stdout
    assert run("rules", "no-such-rule").exit_code == 2


@pytest.mark.parametrize("width", ["80", "120"])
def test_rules_are_a_table(width: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", width)
    lines = [line for line in run("rules").stdout.splitlines() if line.startswith(" ")]
    assert max(map(len, lines)) <= int(width)
    rows = [line for line in lines if line.startswith("  MSL")]
    columns = {re.match(r"  MSL\d+  \w+ +\S+ +(?=\S)", row).end() for row in rows}  # type: ignore[union-attr]
    assert len(columns) == 1


# -- help and errors ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(main.commands))
def test_help_names_each_option_once_under_a_heading(name: str) -> None:
    text = run(name, "--help").stdout
    options = [option for param in main.commands[name].params for option in param.opts]
    for option in options:
        if option.startswith("--"):
            hits = re.findall(rf"^  (?:-\w, )?{option}(?: |$)", text, re.MULTILINE)
            assert len(hits) == 1, option
    assert text.index("Usage: ") == 0
    assert max(map(len, text.splitlines())) <= 80


def test_examples_of_the_help_are_taken() -> None:
    for name, command in main.commands.items():
        for _, arguments in getattr(command, "examples", ()):
            words = [word.strip("'") for word in arguments.split()]
            assert words[0] == name
            command.make_context(name, words[1:])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["check", "--sverity", "x"], "no such option --sverity (did you mean --severity?; see"),
        (["chek"], "no such command 'chek' (did you mean check"),
        (["check", "x", "--severity", "x"], "--severity: 'x' is not a severity; use one of"),
        (["preview"], "SOURCE is missing (see `maas-stream-lint preview --help`)"),
        (["check", "x", "--jobs", "0"], "--jobs: 0 is not in the range"),
        (["check", "x", "--files", "all"], "--files: 'all' is not one of"),
        (["rules", "--format"], "option '--format' requires an argument"),
        (["--nope"], "no such option --nope (see `maas-stream-lint --help`)"),
        (["check", "nowhere"], "nowhere does not exist (give a directory"),
        (["check", "x", "--maas", "1.0"], "no MAAS release line '1.0' (known: "),
    ],
)
def test_each_error_is_one_line_with_a_way_out(words: list[str], told: str) -> None:
    seen = run(*words)
    assert (seen.exit_code, seen.stdout) == (2, "")
    (line,) = seen.stderr.splitlines()
    assert line.startswith("error: ")
    assert told in line
    assert line.endswith(")")


def test_severities_are_completed() -> None:
    (option,) = [p for p in main.commands["check"].params if p.name == "severity"]
    ctx = click.Context(main.commands["check"])
    assert [item.value for item in option.type.shell_complete(ctx, option, "")] == [*SEVERITIES]


# -- completion, man page, documentation ----------------------------------------------------------


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_what_a_shell_reads(shell: str) -> None:
    seen = run("completion", shell.upper())
    assert seen.exit_code == 0
    assert f"_MAAS_STREAM_LINT_COMPLETE={shell}_complete" in seen.stdout
    program = shutil.which(shell)
    if program is not None:
        check = {"fish": "--no-execute"}.get(shell, "-n")
        done = subprocess.run([program, check], input=seen.stdout, text=True, check=False)
        assert done.returncode == 0
    assert run("completion", "tcsh").exit_code == 2


def test_bash_completes(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("needs bash")
    program = tmp_path / "maas-stream-lint"
    program.write_text(
        f"#!/bin/sh\nexec {sys.executable} -c 'from maas_stream_lint.cli.main import main; "
        'main(prog_name="maas-stream-lint")\' "$@"\n'
    )
    program.chmod(0o755)
    script = (
        'eval "$(maas-stream-lint completion bash)"; COMP_WORDS=(maas-stream-lint che); '
        "COMP_CWORD=1; _maas_stream_lint_completion maas-stream-lint; echo ${COMPREPLY[@]}"
    )
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run([bash, "-c", script], env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "check\n"


def test_the_man_page_is_printed_into_a_pipe(tmp_path: Path) -> None:
    kept = (ROOT / "man" / "maas-stream-lint.1").read_text("utf-8")
    assert run("man").stdout == kept
    assert run("man", "--output", str(tmp_path / "page.1")).exit_code == 0
    assert (tmp_path / "page.1").read_text("utf-8") == kept
    assert '.SS "Image files"' in kept
    if shutil.which("man"):
        env = {
            **os.environ,
            "MANWIDTH": "80",
            "PAGER": "cat",
            "MANPAGER": "cat",
            "LC_ALL": "C.UTF-8",
        }
        done = subprocess.run(
            ["man", "--warnings", "-l", "-"], input=kept, env=env, capture_output=True, text=True
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert "MAAS-STREAM-LINT(1)" in done.stdout


def test_docs_prints_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAAS_STREAM_LINT_DOCS_URL", "https://example.com/docs")
    assert run("docs").stdout == "https://example.com/docs/\n"
    for word in ("MSL401", "msl401", "ubuntu-name"):
        assert run("docs", word).stdout == "https://example.com/docs/rules/ubuntu-name/\n"
    assert "no rule 'MSL999'" in run("docs", "MSL999").stderr
    seen: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: not seen.append(url))
    assert run("docs", "MSL401", "--open").output == ""
    assert seen == ["https://example.com/docs/rules/ubuntu-name/"]
    monkeypatch.setattr("webbrowser.open", lambda url: False)
    assert run("docs", "--open").stderr.startswith("error: no browser opens https://example.com/")
    monkeypatch.setenv("MAAS_STREAM_LINT_DOCS_URL", "")
    assert "maas-stream-lint explain MSL401" in run("docs", "MSL401").stderr


# -- what made an output, and when ----------------------------------------------------------------

#: Commands whose JSON tells it.
TELLING = [
    ("check", BAD),
    ("preview", BAD),
    ("compare", BAD, GOOD),
    ("fix", BAD),
    ("diagnose", "--log", str(ROOT / "tests/logs/lines.txt")),
    ("explain", "MSL401", "--source", BAD),
]


@pytest.mark.parametrize("words", [("rules", "MSL4"), ("explain", "MSL401"), ("config",)])
def test_json_about_no_stream_tells_the_version(words: tuple[str, ...]) -> None:
    said = json.loads(run(*words, "--format", "json").stdout)
    assert said["tool"]["version"] == __version__
    assert "date" not in said


@pytest.mark.parametrize("words", TELLING, ids=lambda words: words[0])
def test_json_tells_version_and_time(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1718548898")
    said = json.loads(run(*words, "--format", "json").stdout)
    assert said["tool"] == {"name": "maas-stream-lint", "version": __version__}
    assert said["date"] == "2024-06-16T14:41:38Z"
    assert "date" not in json.loads(run(*words, "--format", "json", "--no-date").stdout)
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    now = datetime.now(timezone.utc)
    said = datetime.fromisoformat(
        json.loads(run(*words, "--format", "json").stdout)["date"].replace("Z", "+00:00")
    )
    assert now - timedelta(seconds=1) <= said <= now + timedelta(minutes=5)


@pytest.mark.parametrize("form", ["markdown", "html"])
@pytest.mark.parametrize(
    "words",
    [*TELLING[1:3], (*TELLING[1], "--wanted", "ubuntu/jammy/amd64"), TELLING[4]],
    ids=["preview", "compare", "wanted", "diagnose"],
)
def test_pages_tell_version_and_time(
    words: tuple[str, ...], form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1718548898")
    told = f"maas-stream-lint {__version__}, 2024-06-16 14:41:38 UTC"
    assert told in run(*words, "--format", form).stdout
    still = run(*words, "--format", form, "--no-date").stdout
    assert f"maas-stream-lint {__version__}" in still
    assert "14:41:38" not in still


@pytest.mark.parametrize("form", ["json", "jsonl", "sarif", "junit", "markdown", "html"])
def test_each_format_tells_version_and_time(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1718548898")
    seen = run("check", BAD, "--format", form).stdout
    assert __version__ in seen
    assert re.search(r"2024-06-16[T ]14:41:38", seen)
    assert seen == run("check", BAD, "--format", form).stdout
    still = run("check", BAD, "--format", form, "--no-date").stdout
    assert "14:41:38" not in still
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    assert "1970-01-01" in run("check", BAD, "--format", form).stdout
    assert still == run("check", BAD, "--format", form, "--no-date").stdout


@pytest.mark.parametrize("said", ["yesterday", "1e9", "9" * 30])
def test_a_time_that_is_none(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", said)
    seen = run("check", BAD, "--format", "json")
    assert (seen.exit_code, seen.stdout) == (2, "")
    assert seen.stderr.startswith("error: SOURCE_DATE_EPOCH is no time: ")
    assert run("check", BAD, "--format", "json", "--no-date").exit_code == 1


# -- what a program gets --------------------------------------------------------------------------


def test_a_rule_and_what_it_finds_as_json() -> None:
    def explained(*words: str) -> dict[str, Any]:
        (page,) = json.loads(run("explain", *words, "--format", "json").stdout)["rules"]
        return dict(page)

    page = explained("MSL401", "--source", BAD)
    (finding,) = page["findings"]
    assert (page["code"], finding["code"]) == ("MSL401", "MSL401")
    assert explained("MSL608", "--source", BAD)["findings"] == []
    assert "findings" not in explained("MSL401")


@pytest.mark.parametrize("words", [("preview", BAD), ("compare", GOOD, BAD), ("fix", BAD)])
def test_more_metadata_than_is_read(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maas_stream_lint.stream.MAX_FILES", 1)
    seen = run(*words)
    assert (seen.exit_code, seen.stdout) == (2, "")
    assert re.fullmatch(
        r"error: \S+ names more metadata files than this tool reads \(split .*\)\n", seen.stderr
    )


def test_a_working_directory_that_was_removed(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    program = [sys.executable, "-m", "maas_stream_lint", "check", GOOD]
    script = 'rmdir "$PWD" && exec "$@"'
    seen = subprocess.run(
        ["sh", "-c", script, "sh", *program],
        cwd=gone,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert seen.returncode == 2
    assert seen.stderr == (
        "error: the working directory does not exist any more (change to one that exists)\n"
    )
