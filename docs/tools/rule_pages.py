"""A page for each rule: its docstring, and its fixture as a failing example and, fixed, as a passing one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from maas_stream_lint.api import check
from maas_stream_lint.checks import all_rules
from maas_stream_lint.finding import Severity
from maas_stream_lint.fixing import plan
from maas_stream_lint.images.observation import FileOptions
from maas_stream_lint.output import clean
from maas_stream_lint.rule import LEVELS
from maas_stream_lint.rulebook import all_releases
from written import capital, cell, fence, lines, paragraphs, prose, severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.rule import Rule

FIXTURES = Path(__file__).parents[2] / "fixtures"
#: What a passing example is taken from where no edit fixes the failing one; the first that fits.
GOOD = ("ubuntu", "with-images", "every-release", "rhel")
#: Lines shown above and below the place of a finding, of a diff in all, and characters of a line.
ABOVE, BELOW, LONGEST, WIDEST = 4, 6, 60, 140
#: Findings of the example that are shown.
MOST = 3

_FINDING = re.compile(
    r"(?P<file>.+?):(?P<line>\d+|-):(?:\d+|-): (?P<severity>[a-z]+) MSL\d{3} "
    r"\[(?P<lines>[^\]]*)\] (?P<message>.*)"
)
_KEY = re.compile(r'^\s*"((?:[^"\\]|\\.)*)":')
_ANSWER = """\
HTTP/1.1 200 OK
Content-Length: 3020
Accept-Ranges: bytes"""
_INTRO = {
    "source": "What MAAS is given: the URL, and what answers there.",
    "index": "`streams/v1/index.json` or `index.sjson`.",
    "products file": "The documents that the index names, as a whole.",
    "product": "Names, kinds and fields of products.",
    "version": "Which version is taken, and what it has to have.",
    "item": "What the metadata says of each file.",
    "file": "The image files themselves, on disk or on a server.",
    "signature": "Signatures and keyrings.",
}


@dataclass(frozen=True)
class Seen:
    """A line of a fixture's ``expected.txt``."""

    file: str
    line: int | None
    severity: str
    maas: tuple[str, ...]
    message: str


@lru_cache(maxsize=1)
def names() -> dict[str, str]:
    """Code → name, of all rules."""
    return {rule.code: rule.name for rule in all_rules()}


def navigation() -> dict[str, dict[str, str]]:
    """Level → name of a rule → its page."""
    levels: dict[str, dict[str, str]] = {level: {} for level in LEVELS.values()}
    for rule in all_rules():
        levels[rule.level][rule.name] = f"rules/{rule.name}.md"
    return {level.capitalize(): pages for level, pages in levels.items() if pages}


def pages() -> dict[str, str]:
    """All pages of rules, and the list of them."""
    made = {f"rules/{rule.name}.md": page(rule) for rule in all_rules()}
    old = {
        f"rules/{name}.md": f"# {name}\n\nThis rule is called [{rule.name}]({rule.name}.md) now.\n"
        for rule in all_rules()
        for name in rule.once
    }
    return {"rules/index.md": index(), **made, **old}


def index() -> str:
    """All rules by level."""
    parts = [
        "# Rules",
        (
            f"{len(all_rules())} rules in {len(LEVELS)} levels; the first digit of the code is the level. "
            "`maas-stream-lint explain CODE` shows a rule's page, `maas-stream-lint rules` this list. "
            "The severity is the worst that a rule reports; the release lines are those of its example."
        ),
    ]
    for level in LEVELS.values():
        of_level = [rule for rule in all_rules() if rule.level == level]
        if not of_level:
            continue
        rows = ["| code | rule | severity | MAAS | |", "|---|---|---|---|---|"]
        for rule in of_level:
            maas = {line for seen in expected(rule) for line in seen.maas}
            rows.append(
                f"| `{rule.code}` | [{rule.name}]({rule.name}.md) | "
                f"{severity(rule.severity.label)} | {lines(maas)} | {cell(prose(rule.page.title))} |"
            )
        parts += [f"## {level.capitalize()}", _INTRO[level], "\n".join(rows)]
    return "\n\n".join(parts) + "\n"


def page(rule: Rule) -> str:
    """One rule's page."""
    told = rule.page
    parts = [
        f"# {rule.name}",
        (
            f'<p class="facts"><code>{rule.code}</code> · {rule.level} · '
            f"{severity(rule.severity.label)}</p>"
        ),
        f"**{prose(told.title)}**",
        _strip(rule),
        "## What MAAS does",
        capital(paragraphs(told.maas)),
        "## Why",
        capital(paragraphs(told.why)),
        "## Fix",
        capital(paragraphs(told.fix)),
        "## Failing example",
        *_failing(rule),
    ]
    passing = list(_passing(rule))
    if passing:
        parts += ["## Passing example", *passing]
    return "\n\n".join(parts) + "\n"


def expected(rule: Rule) -> list[Seen]:
    """What is found in a rule's fixture."""
    found = []
    for text in (_home(rule) / "expected.txt").read_text("utf-8").splitlines():
        match = _FINDING.fullmatch(text)
        if match is not None:
            line = None if match["line"] == "-" else int(match["line"])
            maas = tuple(_spelled_out(match["lines"]))
            found.append(Seen(match["file"], line, match["severity"], maas, match["message"]))
    return found


def _spelled_out(ranges: str) -> Iterator[str]:
    """Every release line of some ranges: ``-3.4,3.8-``, or ``all``."""
    known = [release.line for release in all_releases()]
    for one in ["-"] if ranges == "all" else ranges.split(","):
        first, dash, last = one.partition("-")
        start = known.index(first) if first else 0
        end = known.index(last) if last else (start if not dash else len(known) - 1)
        yield from known[start : end + 1]


def _home(rule: Rule) -> Path:
    return FIXTURES / "bad" / f"{rule.code}-{rule.name}"


def _strip(rule: Rule) -> str:
    worst: dict[str, str] = {}
    for seen in expected(rule):
        for line in seen.maas:
            now = worst.get(line)
            if now is None or Severity[seen.severity.upper()] > Severity[now.upper()]:
                worst[line] = seen.severity
    cells = [
        f'<li class="{worst.get(r.line, "none")}"><b>{r.line}</b>'
        + (severity(worst[r.line]) if r.line in worst else "silent")
        + "</li>"
        for r in all_releases()
    ]
    label = "What each MAAS release line makes of the example below"
    return f'<ul class="strip" aria-label="{label}">{"".join(cells)}</ul>'


def _failing(rule: Rule) -> Iterator[str]:
    example = clean_lines(rule.page.example)
    seen = expected(rule)
    first = next((s for s in seen if s.line is not None), None)
    shown = None
    if first is not None and first.line is not None:
        text = _text(_home(rule) / "tree" / first.file)
        if text is not None:
            shown = _excerpt(text, first.line, first.file)
    if shown is None or _squeezed(example) not in _squeezed(shown):
        language = "http" if example.startswith("HTTP/") else "json" if '"' in example else "text"
        yield fence(example, language)
    if shown is not None:
        yield shown
    for one in seen[:MOST]:
        where = "" if one.line is None else f", {clean(one.file)} line {one.line}"
        title = f"{one.severity} on MAAS {lines(one.maas)}{where}".replace('"', "'")
        yield f'!!! failure "{title}"\n    {prose(clean(one.message))}'
    if len(seen) > MOST:
        yield f"And {len(seen) - MOST} more."


def _passing(rule: Rule) -> Iterator[str]:
    if (_home(rule) / "answers").exists() or (_home(rule) / "seen.json").exists():
        yield "Nothing is wrong with the metadata here. A server that MAAS takes answers with the file itself:"
        yield fence(_ANSWER, "http")
        return
    fixed = _fixed(rule)
    if fixed is not None:
        diff, flags = fixed
        yield f"What `maas-stream-lint fix{flags} --diff` makes of it:"
        yield fence(diff, "diff")
        return
    first = next((s for s in expected(rule) if s.line is not None), None)
    if first is None or first.line is None:
        return
    text = _text(_home(rule) / "tree" / first.file)
    if text is None:
        return
    found = _like(rule, text, first)
    if found is not None:
        yield "As it stands in a stream that passes:"
        yield found


def _fixed(rule: Rule) -> tuple[str, str] | None:
    """What the tool's own edits change in the fixture, and the flags that this takes."""
    home = _home(rule)
    given, keyring = home / "source", home / "keyring.gpg"
    rest = given.read_text("utf-8").strip() if given.exists() else "streams/v1/index.json"
    if "://" in rest or (home / "seen.json").exists():
        return None
    report = check(
        f"{home}/tree/{rest}",
        keyring=keyring if keyring.exists() else None,
        files=FileOptions(cache=False),
    )
    for flags in ("", " --unsafe", " --drop-broken"):
        planned = plan.fix(
            report, unsafe=" --unsafe" in flags, drop_broken="drop" in flags, only={rule.name}
        )
        if planned.edits:
            return _cut(plan.diff_of(planned)), flags
    # Another rule's edit may fix this.
    kept = home / "fixed.diff"
    if kept.exists() and kept.stat().st_size:
        return _cut(kept.read_text("utf-8")), " --unsafe --drop-broken"
    return None


def _cut(diff: str) -> str:
    lines = [line[:WIDEST] for line in diff.splitlines()]
    if len(lines) > LONGEST:
        lines = [*lines[:LONGEST], f"… {len(lines) - LONGEST} more lines"]
    return clean_lines("\n".join(lines))


def _like(rule: Rule, text: str, seen: Seen) -> str | None:
    """The place in a good stream that is most like a bad one: the same key, or the same level."""
    assert seen.line is not None
    bad = text.splitlines()
    line = bad[seen.line - 1] if seen.line <= len(bad) else ""
    key = _KEY.match(line)
    is_index = Path(seen.file).name.startswith("index")
    wanted = []
    if key is not None and not line.rstrip().endswith("{"):
        wanted.append((f'"{key[1]}":', 0))
    # The first node of the rule's level is on the line below its parent.
    parents = {"product": '"products": {', "version": '"versions": {', "item": '"items": {'}
    wanted.append((parents[rule.level], 1) if rule.level in parents else ('"format":', 0))
    for anchor, below in wanted:
        for name in GOOD:
            for path in sorted((FIXTURES / "good" / name / "tree" / "streams" / "v1").iterdir()):
                if path.name.startswith("index") is not is_index:
                    continue
                good = path.read_text("utf-8")
                for number, text in enumerate(good.splitlines(), 1):
                    if text.strip().startswith(anchor):
                        return _excerpt(good, number + below, f"streams/v1/{path.name}")
    return None


def _excerpt(text: str, number: int, file: str) -> str:
    """The lines around one of a file."""
    all_lines = text.splitlines()
    first = max(1, number - ABOVE)
    part = all_lines[first - 1 : number + BELOW]
    body = "\n".join(clean(line.replace("\t", "  ")[:WIDEST]) for line in part)
    return fence(
        body,
        "json",
        title=clean(file).replace('"', "'"),
        linenums=first,
        hl_lines=number - first + 1,
    )


def _text(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def clean_lines(text: str) -> str:
    """A text of several lines without what a reader can't see."""
    return "\n".join(clean(line) for line in text.splitlines())


def _squeezed(text: str) -> str:
    return "".join(text.split())
