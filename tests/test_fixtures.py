"""Every rule against its fixture, ``fixtures/bad/CODE-name/``, and good streams that are silent.

A fixture is a folder: ``tree/`` is the stream; ``source`` (optional) what follows the tree in the
source, ``streams/v1/index.json`` if absent; ``keyring.gpg`` (optional) the boot source's keyring;
``expected.txt`` the findings of the rule. Where ``source`` is a URL, a server is up for as long as
it is read. It serves the tree, but for what ``answers`` (optional) answers: blocks of a request's
line, the answer's and its headers. ``UPDATE_FIXTURES=1 pytest tests/test_fixtures.py`` writes
``expected.txt`` anew.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from maas_stream_lint.api import check
from maas_stream_lint.checks import all_rules
from maas_stream_lint.finding import Finding, Severity
from maas_stream_lint.rule import Rule
from test_remote import Handler, serve

#: What a fixture calls the server.
HOST = "http://images.example.com"
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
    with opened(fixture) as source:
        return check(source, keyring=keyring if keyring.exists() else None, select=select).findings


@contextmanager
def opened(fixture: Path) -> Iterator[str]:
    source = source_of(fixture).removeprefix(f"{fixture}/tree/")
    if not source.startswith(HOST):
        yield source_of(fixture)
        return
    with serve(lambda request: answer(request, fixture)) as server:
        yield source.replace(HOST, server.url)


def answer(request: Handler, fixture: Path) -> None:
    asked = f"GET {request.path}"
    given = fixture / "answers"
    for block in given.read_text().split("\n\n") if given.exists() else []:
        line, status, *headers = block.strip().splitlines()
        if line == asked:
            said = dict(header.split(": ", 1) for header in headers)
            host = f"http://{request.headers['Host']}"
            head = [status, *(f"{k}: {v.replace(HOST, host)}" for k, v in said.items())]
            request.send_raw("\r\n".join([*head, "", ""]).encode())
            return
    body = fixture / "tree" / request.path.lstrip("/")
    if body.is_file():
        request.send(body.read_bytes())
    else:
        request.send(status=404)


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
    seen = re.sub(r"http://127.0.0.1:\d+", HOST, "".join(f"{line_of(f)}\n" for f in found))
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
        for p in (FIXTURES / "bad" / f"{rule.code}-{rule.name}").rglob("*")
        if p.is_file() and p.name != "expected.txt"
    )
    assert _squeezed(page.example) in text


def _squeezed(text: str) -> str:
    return "".join(text.split())
