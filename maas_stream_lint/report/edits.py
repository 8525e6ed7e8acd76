"""A plan of edits for people: edits, what is left, and choices."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.text import Text

from maas_stream_lint.output import Style, clean, printable_path
from maas_stream_lint.report.page import (
    CODE,
    COLORS,
    GOOD,
    LABEL,
    TITLE,
    Page,
    code,
    count,
    severity,
    styled,
)
from maas_stream_lint.report.phrases import brief as brief_
from maas_stream_lint.report.readings import write_as_given
from maas_stream_lint.report.where import link_of, spot

if TYPE_CHECKING:
    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Finding, Severity
    from maas_stream_lint.fixing.choice import Choice
    from maas_stream_lint.fixing.plan import Edit, Plan
    from maas_stream_lint.fixing.publish import Written

_INDENT, _LABELS = 4, 6
ELSEWHERE = (
    "Somebody else has signed this stream, so the tool offers no edit: an edited file would not "
    "fit its signature. Ask its publisher to fix it. If it is your own stream, give `--sign KEYID`."
)
#: How the lines of a diff look, by what they begin with.
_DIFF = {"---": TITLE, "+++": TITLE, "@@": CODE, "-": "red", "+": "green"}
#: The most edits of one rule that are shown; the rest is counted.
_FEW = 5


def render(
    plan: Plan, choices: list[Choice], threshold: Severity, style: Style, written: Written | None
) -> str:
    """The plan. ``written``: where it was written, if it was."""
    page = Page(style)
    page.hung(styled("stream ", LABEL), styled(clean(plan.before.source), TITLE), 7)
    write_as_given(page, plan.after)
    _edits(page, "Edits", plan.edits, plan.before)
    _edits(page, "Edits that take a flag", plan.refused, plan.before)
    failed = "Edits that were tried, and that fix nothing or do harm elsewhere"
    _edits(page, failed, plan.failed, plan.before)
    for choice in choices:
        _choice(page, choice)
    if plan.signed_elsewhere:
        page.line()
        page.line(code(ELSEWHERE), hang=2)
    left = left_of(plan, threshold)
    _left(page, left, {edit.name for edit in plan.refused})
    page.line()
    others = f"{_as_given(plan, threshold)}{_below(plan, threshold)}"
    _summary(page, plan, left, written, others)
    return page.text()


def painted(diff: str, style: Style, *, shown: bool = False) -> str:
    """A unified diff in colour, if there is colour: what goes in red, what comes in green.

    ``shown``: whether it goes to a terminal, which obeys no character of the stream then. Else it
    is one that `patch` takes, byte for byte.
    """
    if not style.color and not shown:
        return diff
    page = Page(style)
    for line in diff.removesuffix("\n").split("\n"):
        look = next((look for start, look in _DIFF.items() if line.startswith(start)), "")
        # Tabs stay: who sees a diff sees how a file is indented.
        page.verbatim(styled("\t".join(map(clean, line.split("\t"))), look))
    return page.text()


def left_of(plan: Plan, threshold: Severity) -> list[Finding]:
    """The findings that count, and that the edits leave; of a root URL, those by its index."""
    return _counting(_after(plan), threshold)


def _after(plan: Plan) -> Report:
    return plan.after.by_plain_index or plan.after


def _counting(report: Report, threshold: Severity) -> list[Finding]:
    return [finding for finding in report.findings if finding.severity >= threshold]


def _as_given(plan: Plan, threshold: Severity) -> str:
    """How many findings are left on a root URL as it was given."""
    if plan.after.by_plain_index is None:
        return ""
    return f", {len(_counting(plan.after, threshold)):,} with the URL as given"


def _below(plan: Plan, threshold: Severity) -> str:
    """How many findings are left that do not count."""
    others = len(_after(plan).findings) - len(left_of(plan, threshold))
    return f" · {others:,} below `{threshold.label}`" if others else ""


def brief(plan: Plan, threshold: Severity) -> str:
    """What the edits do and leave, on one line, to go with a diff."""
    left = left_of(plan, threshold)
    kinds = Counter(f"{f.severity.label} {f.code} {f.name}" for f in left)
    names = [kind + (f" ({times:,} times)" if times > 1 else "") for kind, times in kinds.items()]
    told = f": {', '.join(names)}" if names else ""
    told = f"{_as_given(plan, threshold)}{told}{_below(plan, threshold)}"
    verdict = _verdict(plan, left, "would fix")[0]
    return f"{verdict} · {count(len(left), 'finding')} left{told}"


def _verdict(plan: Plan, left: list[Finding], verb: str) -> tuple[str, str]:
    """Whether that is all, and in which colour that is said."""
    if not plan.edits:
        return ("no edit can fix this", COLORS["ignored"]) if left else ("nothing to fix", GOOD)
    return (f"{verb} a part", COLORS["ignored"]) if left else (f"{verb} everything", GOOD)


def _edits(page: Page, title: str, edits: tuple[Edit, ...], report: Report) -> None:
    if not edits:
        return
    page.line()
    page.line(styled(title, TITLE))
    by_rule: dict[str, list[Edit]] = {}
    for edit in edits:
        by_rule.setdefault(edit.name, []).append(edit)
    for same in by_rule.values():
        first = same[0]
        head = Text("  ")
        head.append(f"{first.code} ", CODE)
        head.append(first.name)
        if first.consent is not None:
            head.append(f" · {first.consent}", COLORS["warning"])
        page.line(head, hang=_INDENT)
        for edit in same[:_FEW]:
            page.line(code(edit.what, TITLE), indent=_INDENT)
            at = page.linked(brief_(spot(report, edit.place)), link_of(report, edit.place))
            _field(page, "at", at)
            if edit.warning is not None:
                _field(page, "but", styled(edit.warning, COLORS["unusable"]))
        if len(same) > _FEW:
            page.line(styled(f"and {len(same) - _FEW:,} more", LABEL), indent=_INDENT)
        _field(page, "why", first.reason)


def _choice(page: Page, choice: Choice) -> None:
    page.line()
    page.line(styled("What can be done about ", TITLE).append(clean(choice.product)), hang=2)
    for number, way in enumerate(choice.ways, 1):
        page.line(Text(f"  {number} ").append(way.title, TITLE), hang=_INDENT)
        page.line(code(way.told), indent=_INDENT)
        if way.command is not None:
            page.verbatim(f"      {clean(way.command)}")


def _left(page: Page, left: list[Finding], offered: set[str]) -> None:
    if not left:
        return
    page.line()
    page.line(styled("Left, because an edit of the metadata cannot fix it", TITLE))
    seen: dict[tuple[str, str], int] = {}
    for finding in left:
        seen[(finding.code, finding.remedy)] = seen.get((finding.code, finding.remedy), 0) + 1
    shown: set[tuple[str, str]] = set()
    for finding in left:
        key = (finding.code, finding.remedy)
        if key in shown:
            continue
        shown.add(key)
        head = Text("  ")
        head.append_text(severity(finding.severity))
        head.append(f"  {finding.code} ", CODE)
        head.append(finding.name)
        if seen[key] > 1:
            head.append(f" · {seen[key]:,} times", LABEL)
        page.line(head, hang=_INDENT)
        page.line(code(finding.message), indent=_INDENT)
        remedy = "see the flag above" if finding.name in offered else finding.remedy
        page.steps("do", remedy, indent=_INDENT, width=_LABELS)


def _summary(
    page: Page, plan: Plan, left: list[Finding], written: Written | None, others: str
) -> None:
    told = styled(*_verdict(plan, left, "would fix" if written is None else "fixed"))
    if plan.edits or left:
        told.append(f" · {count(len(plan.edits), 'edit')} in {count(len(plan.files), 'file')}")
    if plan.refused:
        told.append(f", {len(plan.refused):,} more with a flag")
    told.append(f" · {count(len(left), 'finding')} left{others}")
    if written is None:
        told.append(" · nothing was written")
    else:
        told.append(f" · written to {printable_path(written.where)}")
    page.line(told, hang=2)
    if written is not None and written.backup is not None:
        page.line(styled(f"the old metadata is in {printable_path(written.backup)}", LABEL), hang=2)


def _field(page: Page, label: str, text: Text | str) -> None:
    page.field(label, text, indent=_INDENT, width=_LABELS)
