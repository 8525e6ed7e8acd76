"""What a rule is about, and what a line of MAAS's log means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from maas_stream_lint import loglines
from maas_stream_lint.effects import log_line
from maas_stream_lint.finding import Severity
from maas_stream_lint.output import Style, clean
from maas_stream_lint.report.groups import sections
from maas_stream_lint.report.page import (
    CODE,
    COLORS,
    GOOD,
    LABEL,
    TITLE,
    Page,
    code,
    severity,
    span,
    styled,
)
from maas_stream_lint.report.text import write_entry
from maas_stream_lint.rulebook import all_releases

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Finding
    from maas_stream_lint.imports.trace import Event, Trace
    from maas_stream_lint.loglines import Match
    from maas_stream_lint.rule import Rule

#: So many rules are named with their titles; beyond, the list would bury the rest.
_MOST_TITLES = 8


def rules(known: Sequence[Rule], style: Style) -> str:
    """The list of rules, by level."""
    page = Page(style)
    wide = max(len(rule.name) for rule in known) + 2
    level = ""
    for rule in known:
        if rule.level != level:
            page.line() if level else None
            page.line(styled(rule.level, TITLE))
            level = rule.level
        head = Text("  ")
        head.append(f"{rule.code}  ", CODE)
        head.append_text(severity(rule.severity))
        head.append(" " * (10 - len(rule.severity.label)))
        head.append(rule.name.ljust(wide))
        title = rule.page.title
        if len(head) + len(title) <= page.width:
            page.hung(head, title, len(head))
        else:
            page.line(head)
            page.line(code(title, LABEL), indent=20)
    return page.text()


def rule_page(rule: Rule, report: Report | None, style: Style) -> str:
    """A rule's page, and what it finds in a stream."""
    page = Page(style)
    head = styled(f"{rule.code} ", CODE)
    head.append(rule.name, TITLE)
    head.append(f" · {rule.level} · ", LABEL)
    head.append_text(severity(rule.severity))
    page.line(head)
    page.line()
    page.line(code(rule.page.title, TITLE))
    for label, body in (
        ("MAAS", rule.page.maas),
        ("why", rule.page.why),
        ("fix", rule.page.fix),
    ):
        page.line()
        for number, paragraph in enumerate(body.split("\n\n")):
            page.field(label * (not number), " ".join(paragraph.split()), indent=0, width=6)
    page.line()
    page.line(styled("for example", LABEL))
    for line in rule.page.example.splitlines():
        page.line(styled(line.rstrip(), CODE), indent=6)
    if report is not None:
        _findings(page, [f for f in report.findings if f.code == rule.code], report)
    return page.text()


def log_page(match: Match, known: Sequence[Rule], report: Report | None, style: Style) -> str:
    """What a line of the log means, which rules end in it, and what causes it in a stream."""
    page = Page(style)
    line = match.line
    page.line(styled(clean(f"{line.prefix}{match.text}"), TITLE), hang=2)
    head = styled(f"MAAS {span(line.maas, [r.line for r in all_releases()])} · ", LABEL)
    head.append("harmless", GOOD) if line.harmless else head.append(
        "not harmless", COLORS["ignored"]
    )
    page.line(head)
    page.line()
    page.line(" ".join(line.meaning.split()))
    inner = match.inner
    if inner is not None:
        page.line()
        page.field("error", " ".join(inner.line.meaning.split()), indent=0, width=7)
    mend = line.mend or (inner and inner.line.mend)
    if mend:
        page.line()
        page.field("fix", mend, indent=0, width=7)
    involved = _rules(inner or match, known)
    if involved:
        page.line()
        page.line(styled("rules that find the cause", TITLE))
        _rule_list(page, involved)
    page.line()
    page.field("source", styled(line.source, LABEL), indent=0, width=7)
    if report is not None:
        _in_stream(page, match, involved, report)
    elif involved:
        page.line()
        page.line("Add `--source SOURCE` to see what causes it in your stream.")
    return page.text()


def _in_stream(page: Page, match: Match, involved: list[Rule], report: Report) -> None:
    predicted = _predicted(match, report)
    page.line()
    told = Text.assemble((clean(report.source), TITLE))
    if predicted:
        known = [r.line for r in all_releases()]
        told.append(f": predicted here for MAAS {span(predicted, known)}")
    elif match.line.simulated:
        told.append(": not predicted here")
    else:
        told.append(": not predicted, as only the import of metadata is simulated")
    page.line(told)
    # Where it is known not to come from here, findings like its causes would mislead.
    foreign = match.line.simulated and not predicted
    found = [] if foreign else _causes(match, involved, report)
    _findings(page, found, report, quiet=match.line.harmless)


def _rule_list(page: Page, involved: list[Rule]) -> None:
    if len(involved) > _MOST_TITLES:
        page.line(Text(", ".join(r.name for r in involved)), indent=2)
        return
    for rule in involved:
        head = styled(f"  {rule.code} ", CODE)
        head.append(f"{rule.name}  ")
        page.hung(head, code(rule.page.title, LABEL), 9)


def _findings(page: Page, found: list[Finding], report: Report, *, quiet: bool = False) -> None:
    if not found:
        page.line("" if quiet else "No finding in this stream causes it.")
    else:
        page.line()
    for section in sections(found):
        page.line(styled(clean(section.title), TITLE))
        before = None
        for entry in section.entries:
            write_entry(page, entry, report, named=not section.product, before=before)
            before = entry


def _rules(match: Match, known: Sequence[Rule]) -> list[Rule]:
    """The rules that a line's causes stand for."""
    wanted = set(match.line.causes)
    field = match.holes.get("field", "").replace("_", "-")
    # KeyError: 'arch' is about the one field.
    wanted = {cause for cause in wanted if field and field in cause} or wanted
    return [
        rule
        for rule in known
        if rule.name in wanted
        or wanted.intersection(rule.causes)
        or (loglines.ANY_FATAL in wanted and rule.severity is Severity.FATAL)
    ]


def _predicted(match: Match, report: Report) -> tuple[str, ...]:
    """The release lines that would write the pasted line, or one like it."""
    hit = {
        line
        for trace in report.look.traces
        if any(_same(match, text) for text in _said(trace, report))
        or (_any_fatal(match) and trace.fatal is not None)
        for line in trace.lines
        if line in match.line.maas
    }
    return tuple(line for line in report.look.lines if line in hit)


def _any_fatal(match: Match) -> bool:
    """Whether whatever ends an import ends in this line."""
    return loglines.ANY_FATAL in match.line.causes and "error" not in match.holes


def _said(trace: Trace, report: Report) -> list[str]:
    """All that a simulated import would log."""
    said = [text for lines in trace.log.values() for _, text in lines]
    ends = [] if trace.fatal is None else [trace.fatal]
    for event in [*ends, *trace.aborted.values()]:
        said += _words(event, trace, report)
    return said


def _words(event: Event, trace: Trace, report: Report) -> list[str]:
    """What of an event a log may show: its line, and its exception."""
    words = [log_line(event, trace, report.look.stream)]
    if event.exception is not None:
        words += [f"{event.exception}: {event.message}", event.message]
    return [word for word in words if word is not None]


def _same(match: Match, text: str) -> bool:
    """Whether a predicted text is the pasted one, but for what differs from run to run."""
    if text == match.text:
        return True
    for pattern in match.line.patterns:
        found = pattern.fullmatch(text)
        if found is not None:
            holes = found.groupdict()
            return all(
                _alike(hole, value, holes[hole])
                for hole, value in match.holes.items()
                if hole in holes
            )
    return False


#: Holes whose text is of one machine or run: an URL may be written in many ways, numbers change.
_LOOSE = frozenset({"url", "selection", "mirrors", "rest", "command", "number", "proxy"})


def _alike(hole: str, pasted: str, predicted: str) -> bool:
    if hole == "error":
        ours, theirs = loglines.recognise(predicted), loglines.recognise(pasted)
        if ours is not None and theirs is not None:
            return ours.line is theirs.line
    return hole in _LOOSE or pasted == predicted


def _causes(match: Match, involved: list[Rule], report: Report) -> list[Finding]:
    """The findings behind the line: those that predict it; failing these, those of its rules."""
    on_its_lines = [f for f in report.findings if set(f.maas) & set(match.line.maas)]
    if _any_fatal(match):
        return [f for f in on_its_lines if f.severity is Severity.FATAL]
    told = [f for f in on_its_lines if any(_same(match, text) for _, text in f.logs)]
    if told:
        return told
    causes = {
        (event.cause, event.place.product)
        for trace in report.look.traces
        for event in trace.events
        if any(_same(match, word) for word in _words(event, trace, report))
    }
    codes = {rule.code: {rule.name, *rule.causes} for rule in involved}
    mine = [f for f in on_its_lines if f.code in codes]
    exact = [f for f in mine if any(c in codes[f.code] and p == f.place.product for c, p in causes)]
    return exact or mine
