"""Every rule against its fixture: ``fixtures/bad/CODE-name/``, and good streams that must be silent.

A fixture is a folder: ``tree/`` is the stream; ``source`` (optional) what follows the tree in the source,
``streams/v1/index.json`` if absent; ``keyring.gpg`` (optional) the boot source's keyring; ``expected.txt`` the
findings of the rule. ``UPDATE_FIXTURES=1 pytest tests/test_fixtures.py`` writes ``expected.txt`` anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from maas_stream_lint.api import check
from maas_stream_lint.checks import all_rules
from maas_stream_lint.finding import Finding, Severity
from maas_stream_lint.rule import Rule

FIXTURES = Path(__file__).parents[1] / "fixtures"
BAD = sorted(p for p in (FIXTURES / "bad").iterdir() if p.is_dir())
GOOD = sorted(p for p in (FIXTURES / "good").iterdir() if p.is_dir())
RULES = {f"{r.code}-{r.name}": r for r in all_rules()}


def source_of(fixture: Path) -> str:
    given = fixture / "source"
    rest = given.read_text().strip() if given.exists() else "streams/v1/index.json"
    return f"{fixture}/tree/{rest}"


def findings_of(fixture: Path, select: tuple[str, ...] = ()) -> tuple[Finding, ...]:
    keyring = fixture / "keyring.gpg"
    return check(source_of(fixture), keyring=keyring if keyring.exists() else None, select=select).findings


def line_of(finding: Finding) -> str:
    place = finding.place
    lines = ",".join(finding.maas)
    return (
        f"{place.file or '.'}:{place.line or '-'}:{place.column or '-'}: {finding.severity.label} "
        f"{finding.code} [{lines}] {finding.message}"
    )


def test_every_rule_has_a_fixture_and_every_fixture_a_rule() -> None:
    assert {p.name for p in BAD} == set(RULES)


@pytest.mark.parametrize("fixture", BAD, ids=lambda p: p.name)
def test_bad(fixture: Path) -> None:
    rule = RULES[fixture.name]
    found = findings_of(fixture, (rule.code,))
    seen = "".join(f"{line_of(f)}\n" for f in found)
    expected = fixture / "expected.txt"
    if os.environ.get("UPDATE_FIXTURES"):
        expected.write_text(seen)
    assert seen, f"{fixture.name} finds nothing"
    assert seen == expected.read_text()


@pytest.mark.parametrize("fixture", GOOD, ids=lambda p: p.name)
def test_good(fixture: Path) -> None:
    """A good stream has nothing above a warning, on any release line it is meant for."""
    assert [line_of(f) for f in findings_of(fixture) if f.severity > Severity.WARNING] == []


@pytest.mark.parametrize("rule", all_rules(), ids=lambda r: r.code)
def test_page_is_whole_and_its_example_is_in_the_fixture(rule: Rule) -> None:
    page = rule.page
    assert page.title.endswith(".")
    assert len(page.maas) > 40
    assert page.why
    assert page.mend
    text = "".join(
        _squeezed(p.read_bytes().decode("utf-8", "replace"))
        for p in (FIXTURES / "bad" / f"{rule.code}-{rule.name}" / "tree").rglob("*")
        if p.is_file()
    )
    assert _squeezed(page.example) in text


def _squeezed(text: str) -> str:
    return "".join(text.split())
