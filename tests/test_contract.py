"""What docs/contract.md promises: exit codes, and codes of rules that are given once.

``UPDATE_DOCS=1 pytest tests/test_contract.py`` adds the lines of new rules to rules/codes.toml.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import maas_stream_lint
from maas_stream_lint.checks import all_rules
from maas_stream_lint.cli.main import main
from maas_stream_lint.rule import LEVELS, selected

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
CODES = ROOT / "rules" / "codes.toml"
CONTRACT = (ROOT / "docs" / "contract.md").read_text("utf-8")
BAD = "fixtures/bad/MSL401-ubuntu-name/tree/streams/v1/index.json"
GOOD = "fixtures/good/rhel/tree/streams/v1/index.json"

#: Command line → exit code, one line for each way there is to end.
EXITS = [
    ("--version", 0),
    ("check --help", 0),
    (f"check {GOOD}", 0),
    (f"check {BAD} --severity fatal", 0),
    (f"check {BAD}", 1),
    (f"check {BAD} --format json", 1),
    (f"fix {BAD}", 1),
    (f"fix {GOOD}", 0),
    (f"preview {BAD}", 0),
    ("rules", 0),
    ("explain MSL401", 0),
    ("explain nothing-like-it", 2),
    ("check", 2),
    ("check nowhere", 2),
    (f"check {GOOD} --no-such-option", 2),
    (f"check {GOOD} --maas 1.0", 2),
    (f"check {GOOD} --select MSL999", 2),
    (f"check {GOOD} --output nowhere/report.txt", 2),
    ("preview nowhere", 2),
    ("no-such-command", 2),
]


def recorded() -> dict[str, dict[str, Any]]:
    return tomllib.loads(CODES.read_text("utf-8"))


def problems(codes: dict[str, dict[str, Any]], rules: dict[str, str]) -> list[str]:
    """What of the promise the rules (code → name) break."""
    told = []
    for code, entry in codes.items():
        if "retired" in entry:
            if code in rules:
                told.append(f"{code} was {entry['name']}, which is retired: take a new code")
        elif code not in rules:
            told.append(
                f"{code} {entry['name']} is gone: bring it back, or retire it by "
                f'`retired = "why, and what to do instead"` in rules/codes.toml'
            )
        elif rules[code] != entry["name"]:
            told.append(
                f"{code} was {entry['name']} and is {rules[code]} now: keep the old name in "
                "`once`, or give the new rule a new code and retire this one"
            )
    names = {
        name: code
        for code, entry in codes.items()
        for name in (entry["name"], *entry.get("once", ()))
    }
    for code, name in rules.items():
        if code not in codes:
            told.append(f"{code} {name} is new: UPDATE_DOCS=1 pytest tests/test_contract.py")
        if names.get(name, code) != code:
            told.append(f"the name {name} belongs to {names[name]}, and is {code}'s now")
    return told


def test_no_code_is_lost_renamed_or_given_again() -> None:
    rules = {rule.code: rule.name for rule in all_rules()}
    known = recorded()
    new = {code: name for code, name in rules.items() if code not in known}
    if new and os.environ.get("UPDATE_DOCS"):
        text = CODES.read_text("utf-8")
        head = text[: text.index("\nMSL") + 1]
        lines = [line for line in text.splitlines() if line.startswith("MSL")]
        lines += [f'{code} = {{ name = "{name}" }}' for code, name in new.items()]
        CODES.write_text(head + "".join(f"{line}\n" for line in sorted(lines)), "utf-8")
        known = recorded()
    assert problems(known, rules) == []
    assert list(known) == sorted(known)


def test_what_would_break_the_promise_is_noticed() -> None:
    codes: dict[str, dict[str, Any]] = {
        "MSL101": {"name": "a", "once": ["y"]},
        "MSL102": {"name": "b", "retired": "0.2: never seen"},
        "MSL103": {"name": "c"},
    }
    fine = {"MSL101": "a", "MSL103": "c"}
    assert problems(codes, fine) == []
    (gone,) = problems(codes, {"MSL101": "a"})
    assert "MSL103 c is gone" in gone
    assert "retired =" in gone
    (renamed,) = problems(codes, {"MSL101": "a", "MSL103": "z"})
    assert "MSL103 was c and is z now" in renamed
    assert any("retired: take a new code" in p for p in problems(codes, {**fine, "MSL102": "b"}))
    assert any("is new" in p for p in problems(codes, {**fine, "MSL104": "d"}))
    assert any("belongs to MSL101" in p for p in problems(codes, {**fine, "MSL104": "y"}))
    assert any("belongs to MSL102" in p for p in problems(codes, {**fine, "MSL104": "b"}))


def test_old_names_mean_the_same_rule() -> None:
    known = {code: entry["once"] for code, entry in recorded().items() if "once" in entry}
    assert known == {rule.code: list(rule.once) for rule in all_rules() if rule.once}
    old = [(rule, name) for rule in all_rules() for name in rule.once]
    assert old
    for rule, name in old:
        assert selected(all_rules(), [name]) == [rule]
        told = CliRunner().invoke(main, ["explain", name]).output
        assert told.startswith(f"{rule.code} {rule.name}")


def test_each_code_says_its_level() -> None:
    for digit, level in LEVELS.items():
        said = {"file": "image file"}.get(level, level)
        assert f"{digit} {said}" in " ".join(CONTRACT.split())
    assert {rule.code[3] for rule in all_rules()} <= set(LEVELS)


@pytest.mark.parametrize(("line", "code"), EXITS, ids=[line for line, _ in EXITS])
def test_exit_codes(line: str, code: int, monkeypatch: pytest.MonkeyPatch, own_home: Path) -> None:
    monkeypatch.chdir(ROOT)
    assert CliRunner().invoke(main, line.split()).exit_code == code


SIGNED = "fixtures/bad/MSL809-signature-not-verified/tree/streams/v1/index.sjson"


def test_no_keyring_said_is_no_failure(monkeypatch: pytest.MonkeyPatch, own_home: Path) -> None:
    monkeypatch.chdir(ROOT)
    silent = CliRunner().invoke(main, ["check", SIGNED, "--format", "json"])
    found = [f for f in json.loads(silent.stdout)["findings"] if f["code"].startswith("MSL8")]
    assert [(f["code"], f["severity"]) for f in found] == [("MSL809", "info")]
    assert "--keyring" in found[0]["remedy"]
    none = CliRunner().invoke(main, ["check", SIGNED, "--no-keyring"])
    assert (silent.exit_code, none.exit_code) == (0, 1)
    assert "MSL809" in CONTRACT
    for keyring in ({}, {"keyring": None}):
        findings = maas_stream_lint.check(ROOT / SIGNED, **keyring).findings
        assert ("MSL809" in {f.code for f in findings}) is not keyring


@pytest.fixture
def hiding(tmp_path: Path, own_home: Path) -> Path:
    """A bad stream whose own configuration ignores what is wrong with it."""
    tree = tmp_path / "tree"
    shutil.copytree(ROOT / Path(BAD).parents[2], tree)
    (tree / "maas-stream-lint.toml").write_text('ignore = ["MSL"]\n', "utf-8")
    (tmp_path / "elsewhere").mkdir()
    return tree


@pytest.mark.parametrize(
    ("where", "named", "is_read"),
    [("elsewhere", False, False), ("tree", False, True), ("elsewhere", True, True)],
)
def test_a_tree_does_not_choose_how_it_is_judged(
    hiding: Path, monkeypatch: pytest.MonkeyPatch, where: str, named: bool, is_read: bool
) -> None:
    monkeypatch.chdir(hiding.parent / where)
    config = hiding / "maas-stream-lint.toml"
    line = ["check", str(hiding), "--format", "json", *(["--config", str(config)] * named)]
    done = CliRunner().invoke(main, line)
    report = json.loads(done.stdout)
    assert (report["findings"] == []) is is_read
    assert ("configuration" in report["summary"]) is is_read
    assert (done.exit_code == 0) is is_read


def test_a_configuration_writes_below_its_folder_only(
    hiding: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(hiding)
    (hiding / "maas-stream-lint.toml").write_text('format = "json=../out.json"\n', "utf-8")
    assert CliRunner().invoke(main, ["check", str(hiding)]).exit_code == 2
    assert not (hiding.parent / "out.json").exists()


def test_a_crash_is_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object, **__: object) -> None:
        raise RuntimeError("our bug")

    monkeypatch.setattr("maas_stream_lint.api.check", crash)
    assert CliRunner().invoke(main, ["check", "anything"]).exit_code == 2


def test_an_interrupted_run_ends_with_130() -> None:
    code = (
        "import os, signal, maas_stream_lint.api as api, maas_stream_lint.cli.main as cli\n"
        "api.check = lambda *a, **k: os.kill(os.getpid(), signal.SIGINT)\n"
        "cli.main(['check', 'anything'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (130, b"")


def test_the_page_names_every_exit_code() -> None:
    table = CONTRACT.split("## Exit codes")[1].split("\n## ")[0]
    assert re.findall(r"^\| (\d+) \|", table, re.MULTILINE) == ["0", "1", "2", "130"]


@pytest.mark.parametrize("name", maas_stream_lint.__all__)
def test_public_names_exist(name: str) -> None:
    assert getattr(maas_stream_lint, name, None) is not None
