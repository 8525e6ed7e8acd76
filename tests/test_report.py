"""The reports for people, whole. ``UPDATE_SNAPSHOTS=1`` writes them anew: read them."""

from __future__ import annotations

import re

import pytest
from rich.cells import cell_len

import reports
from maas_stream_lint.api import Report
from maas_stream_lint.finding import Severity
from maas_stream_lint.output import Style, clean
from maas_stream_lint.report import prediction
from maas_stream_lint.report import text as text_
from maas_stream_lint.report.groups import merged, sections
from maas_stream_lint.report.page import Page, some, span
from reports import snapshot

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
MADE = {"many": reports.many, "hostile": reports.hostile, "clean": reports.clean}
KNOWN = reports.ALL


def text(report: Report, style: Style | None = None) -> str:
    return text_.render(report, Severity.UNUSABLE, style or Style())


@pytest.mark.parametrize("name", MADE)
def test_check(name: str) -> None:
    snapshot(f"check-{name}", text(MADE[name]()))


@pytest.mark.parametrize("name", ["hostile", "clean"])
def test_preview(name: str) -> None:
    snapshot(f"preview-{name}", prediction.render(MADE[name](), Style(), log=True))


@pytest.mark.parametrize("name", MADE)
def test_colour_adds_nothing_but_colour(name: str) -> None:
    report = MADE[name]()
    painted = text(report, Style(color=True))
    assert painted != text(report)
    assert ESCAPES.sub("", painted) == text(report)


@pytest.mark.parametrize("width", [40, 80, 100])
@pytest.mark.parametrize("name", MADE)
def test_lines_are_as_wide_as_their_words_allow(name: str, width: int) -> None:
    report = MADE[name]()
    style = Style(width)
    for line in (text(report, style) + prediction.render(report, style, log=True)).splitlines():
        longest = max((cell_len(word) for word in line.split()), default=0)
        # Beside a label stands at least one word.
        assert cell_len(line) <= max(width, 20 + longest) or "  " in line.strip()
        assert line == line.rstrip()


def test_nothing_from_a_stream_reaches_the_terminal_raw() -> None:
    report = reports.hostile()
    for seen in (text(report), prediction.render(report, Style(), log=True)):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202e\ud800-\udfff]", seen)
        # Brackets are no markup.
        assert "[bold red]x[/]" in seen
        assert "日本" in seen


def test_what_many_share_is_one_entry_with_a_count() -> None:
    seen = text(reports.many())
    assert seen.count("MSL421 missing-kflavor") == 1
    assert "120 products: " in seen
    assert "and 117 more" in seen
    assert len(seen.splitlines()) < 60


def test_a_command_is_told_by_example() -> None:
    texts = [f"upload it: `maas create name={n}`" for n in "abcde"]
    assert merged(texts) == "upload it: `…`"
    assert merged(texts, example=True) == "upload it: `maas create name=a` (and so for each)"
    assert merged(texts[:1], example=True) == texts[0]


def test_sections_are_worst_first_then_advice() -> None:
    made = sections(reports.many().findings)
    assert [s.title for s in made] == [
        "com.example:rhel-bases:9:amd64",
        "Shared by several products",
        "Advice on the stream as a whole",
    ]
    assert [len(e.findings) for s in made for e in s.entries] == [2, 1, 120, 1]


def test_a_name_of_megabytes_is_cut() -> None:
    image = reports.image("rhel", "rhel9")
    report = reports.report([], reports.tree({"k" * 1_000_000: image}))
    for seen in (text(report), prediction.render(report, Style(), log=True)):
        assert len(seen) < 10_000


@pytest.mark.parametrize(
    ("lines", "asked", "said"),
    [
        (reports.LEGACY, (), "2.9–3.7"),  # noqa: RUF001
        (("3.5", "3.8"), (), "3.5, 3.8"),
        (("2.9", "3.0", "3.4", "3.6", "3.7"), (), "2.9–3.0, 3.4, 3.6–3.7"),  # noqa: RUF001
        (reports.ALL, reports.ALL, "all"),
        (("3.6",), ("3.6",), "3.6"),
        (("3.8", "3.5"), ("3.5", "3.8"), "all"),
    ],
)
def test_span(lines: tuple[str, ...], asked: tuple[str, ...], said: str) -> None:
    assert span(lines, KNOWN, asked) == said


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["`a` is odd", "`a` is odd"], "`a` is odd"),
        (["`a` of `x` is odd", "`b` of `x` is odd"], "`a`/`b` of `x` is odd"),
        ([f"`{c}` is odd" for c in "abcde"], "`…` is odd"),
        (["`a` in `1`", "`b` in `2`"], "`a`/`b` in `…`"),
        (["has 3 items", "has 4 items"], "has 3/4 items"),
        (["one thing", "another"], "one thing"),
    ],
)
def test_merged(texts: list[str], said: str) -> None:
    assert merged(texts) == said


def test_some() -> None:
    assert some(["a"]) == "a"
    assert some(["a", "b"]) == "a and b"
    assert some(list("abcd")) == "a, b, c and d"
    assert some(list("abcde")) == "a, b, c and 2 more"


def test_clean_keeps_what_is_harmless() -> None:
    assert clean("plain `x` é 日本 😀") == "plain `x` é 日本 😀"
    assert clean("a\tb\x1b\u2028") == "a\\tb\\x1b\\u2028"


def test_long_words_are_never_broken() -> None:
    page = Page(Style(40))
    page.field("at", "x" * 60 + " and `code with spaces` and more words", indent=4, width=6)
    lines = page.text().splitlines()
    assert lines[0] == "    at    " + "x" * 60
    assert "`code with spaces`" in "\n".join(lines)
