"""The documents: commands that exist, output that is real, rules and dependencies that are named.

``python docs/tools/shown.py`` writes the output that documents show, the picture and the man page
anew; ``UPDATE_DOCS=1 pytest tests/test_docs.py`` does that, too.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from itertools import takewhile
from pathlib import Path

import click
import pytest

import picture
import shown
import staging
import tables
from maas_stream_lint.checks import all_rules
from maas_stream_lint.cli import manual
from maas_stream_lint.cli.main import main
from maas_stream_lint.rulebook import all_releases
from shown import CONSOLE, DOCS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
OPTIONS = (ROOT / "docs" / "options.md").read_text("utf-8")
TESTS = (
    "python3 -m venv .venv && .venv/bin/pip install -q -e '.[test]' "
    "&& .venv/bin/python -m pytest -n auto"
)


@pytest.mark.parametrize(
    "path",
    [p for p in DOCS if re.search(f"```console\n|{tables.MARK}", p.read_text("utf-8"))],
    ids=lambda p: p.name,
)
def test_output_and_tables_in_documents_are_real(path: Path) -> None:
    text = path.read_text("utf-8")
    fresh = tables.with_tables(shown.with_output(text))
    if os.environ.get("UPDATE_DOCS"):
        path.write_text(fresh, "utf-8")
    assert fresh == text


def test_the_script_finds_what_is_not_current(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [(path, text) for path, text in shown.made() if path.suffix != ".md"]
    monkeypatch.setattr(shown, "made", lambda: made)
    assert shown.stale(write=False) == []
    path, text = made[0]
    monkeypatch.setattr(shown, "made", lambda: [(path, f"{text} "), *made[1:]])
    assert shown.stale(write=False) == [path.relative_to(ROOT).as_posix()]
    assert path.read_text("utf-8") == text


def test_what_fails_is_not_shown() -> None:
    for command in ("maas-stream-lint check nowhere", "echo x"):
        with pytest.raises(ValueError, match="cannot be shown"):
            shown.printed(command)


def test_documents_link_to_what_is_on_the_site() -> None:
    for uri, home in staging.written().items():
        if uri.endswith(".md"):
            staging.for_site((ROOT / home).read_text("utf-8"), uri, home)


def test_there_is_real_output() -> None:
    assert sum(bool(CONSOLE.search(p.read_text("utf-8"))) for p in DOCS) >= 1


def test_the_picture_is_real() -> None:
    output = shown.printed(shown.PICTURED, shown.PICTURED_IN, color=True)
    fresh = picture.picture(shown.PICTURED, output)
    if os.environ.get("UPDATE_DOCS"):
        shown.PICTURE.write_text(fresh, "utf-8")
    assert fresh == shown.PICTURE.read_text("utf-8")
    # What the eye sees is what was printed, and nothing comes from elsewhere.
    seen = "".join(picture.words(fresh).split())
    assert seen == "".join(f"$ {shown.PICTURED}\n{click.unstyle(output)}".split())
    assert "http" not in fresh.replace("http://www.w3.org/2000/svg", "")
    assert "docs/img/report.svg" in README


def test_the_man_page_is_of_these_commands() -> None:
    fresh = manual.page()
    kept = ROOT / "man" / "maas-stream-lint.1"
    if os.environ.get("UPDATE_DOCS"):
        kept.write_text(fresh, "utf-8")
    assert fresh == kept.read_text("utf-8")


def test_readme_stays_one_screen() -> None:
    assert len(README.splitlines()) <= 70


def test_the_two_commands() -> None:
    blocks = [block.strip() for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)]
    assert TESTS in blocks
    (first,) = [b for b in blocks if b.startswith("python3 -m venv") and " check " in b]
    assert (ROOT / first.split()[-1]).is_file()
    ci = (ROOT / ".ci" / "run").read_text("utf-8")
    assert ci.rstrip().endswith(TESTS)


@pytest.mark.parametrize("path", DOCS, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_what_is_named_exists(path: Path) -> None:
    text = path.read_text("utf-8")
    codes = {rule.code for rule in all_rules()}
    assert set(re.findall(r"\bMSL\d{3}\b", text)) <= codes
    for target in re.findall(r"\]\(([^)#:]+)\)", re.sub(r"`[^`]*`", "", text)):
        assert (path.parent / target).exists(), target
    for command in re.findall(r"`maas-stream-lint (\w+)", text):
        assert command in main.commands, command
    options = {o for c in [main, *main.commands.values()] for p in c.params for o in p.opts}
    for option in re.findall(r"(?<![\w-])`(--[a-z-]+)", text):
        assert option in options | {
            "--version",
            "--help",
            "--check",
            "--kind",
            "--user",
            "--read-only",
            "--tmpfs",
        }, option


def test_every_command_and_option_is_documented() -> None:
    for name, command in main.commands.items():
        assert f"`maas-stream-lint {name}" in README
        assert f"`maas-stream-lint {name}" in OPTIONS
        for parameter in command.params:
            for option in parameter.opts:
                told = re.search(rf"[` ]{option}\b", README + OPTIONS)
                assert not option.startswith("--") or told, option


def commands() -> list[tuple[str, str]]:
    """Every command line in a block of shell, with its file."""
    found = []
    for path in DOCS:
        for block in re.findall(r"^ *```sh\n(.*?)^ *```", path.read_text("utf-8"), re.M | re.S):
            for line in re.sub(r"\\\n", " ", block).splitlines():
                hit = re.match(r"\s*(?:\S*/)?maas-stream-lint (\w.*)", line)
                hit = hit or re.match(r".* maas-stream-lint ((?:check|fix|preview) .*)", line)
                if hit and "pip install" not in line:
                    found.append((path.name, hit[1]))
    return found


def test_there_are_commands_in_documents() -> None:
    assert len(commands()) > 10


@pytest.mark.parametrize(("name", "line"), commands())
def test_commands_in_documents_are_taken(
    name: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = list(takewhile(lambda word: word != ">", shlex.split(line, comments=True)))
    monkeypatch.setenv("ARTIFACTORY_TOKEN", "token")
    main.commands[words[0]].make_context(words[0], words[1:])


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    needed = [*project["dependencies"], *(line for extra in extras.values() for line in extra)]
    named = set(re.findall(r"`([a-z0-9-]+)`", CONTRIBUTING.split("## Dependencies")[1]))
    assert {re.split(r"[][><=; ]", line)[0] for line in needed} <= named


def test_release_lines_in_the_readme() -> None:
    lines = [r.line for r in all_releases()]
    told = re.compile(r"(?<= release line )from [\d.]+ to \d+\.\d+")
    text = (ROOT / "README.md").read_text("utf-8")
    assert told.search(text)
    fresh = told.sub(f"from {lines[0]} to {lines[-1]}", text)
    if os.environ.get("UPDATE_DOCS"):
        (ROOT / "README.md").write_text(fresh, "utf-8")
    assert fresh == (ROOT / "README.md").read_text("utf-8")


def test_corpus_figures() -> None:
    from trees import corpus

    trust = (ROOT / "docs" / "trust.md").read_text("utf-8")
    cases = corpus()
    verdicts = sum(len(v["maas"]) for case in cases for v in case["expected"])
    assert f"{len(cases)} small streams with {verdicts:,} verdicts" in " ".join(trust.split())
