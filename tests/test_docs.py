"""The documents: commands that exist, output that is real, rules and dependencies that are named.

``UPDATE_DOCS=1 pytest tests/test_docs.py`` writes the output in README.md anew.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from maas_stream_lint.checks import all_rules
from maas_stream_lint.cli import main
from maas_stream_lint.rulebook import all_releases

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
DOCS = [
    p
    for pattern in ("*.md", "rules/*.md", "bench/*.md", "docs/**/*.md")
    for p in sorted(ROOT.glob(pattern))
]
CONSOLE = re.compile(r"```console\n\$ (?P<command>.+)\n(?P<output>[\s\S]*?)```\n")
TESTS = (
    "python3 -m venv .venv && .venv/bin/pip install -q -e '.[test]' "
    "&& .venv/bin/python -m pytest -n auto"
)


def shown(command: str) -> str:
    words = shlex.split(command)
    assert words[0] == "maas-stream-lint"
    done = CliRunner().invoke(main, words[1:], catch_exceptions=False)
    assert done.exit_code in (0, 1)
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())


def test_output_in_the_readme_is_real(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert CONSOLE.search(README)
    fresh = CONSOLE.sub(
        lambda m: f"```console\n$ {m['command']}\n{shown(m['command'])}```\n", README
    )
    if os.environ.get("UPDATE_DOCS"):
        (ROOT / "README.md").write_text(fresh, "utf-8")
    assert fresh == README


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
        assert option in options | {"--version", "--kind"}, option


def test_every_command_and_option_is_in_the_readme() -> None:
    for name, command in main.commands.items():
        assert f"`maas-stream-lint {name}" in README
        for parameter in command.params:
            for option in parameter.opts:
                assert not option.startswith("--") or f"`{option}" in README, option


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    named = set(re.findall(r"`([a-z0-9-]+)`", CONTRIBUTING.split("## Dependencies")[1]))
    assert {re.split(r"[><=; ]", line)[0] for line in needed} <= named


def test_release_lines_in_the_readme() -> None:
    lines = [r.line for r in all_releases()]
    assert f"from {lines[0]} to {lines[-1]}" in README


def test_corpus_figures_in_the_readme() -> None:
    from trees import corpus

    cases = corpus()
    verdicts = sum(len(v["maas"]) for case in cases for v in case["expected"])
    assert f"{len(cases)} small streams with {verdicts:,} verdicts" in " ".join(README.split())
