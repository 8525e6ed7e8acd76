"""JUnit XML: a case for each product and group of release lines that find the same in it.

A suite holds the cases of one group of release lines; one more suite is for the stream as a whole.
A file keeps to what GitLab takes (``limits``), with the worst cases.
"""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.output import Style, clean
from maas_stream_lint.report import compact
from maas_stream_lint.report.limits import JUNIT, Rest, see_all
from maas_stream_lint.report.phrases import brief, count, maas
from maas_stream_lint.report.stamp import TOOL
from maas_stream_lint.report.verdict import unseen
from maas_stream_lint.report.where import file_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Finding, Severity
    from maas_stream_lint.report.groups import Owner
    from maas_stream_lint.report.joining import Texts
    from maas_stream_lint.unread import Unread

#: The most findings of a case that are told in full.
_MOST_IN_CASE = 100
#: Bytes that are kept for what stands around the cases.
_OVERHEAD = 200_000
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'

#: Characters that XML cannot hold and ``clean`` keeps.
_NOT_XML = str.maketrans({"\ufffe": "\\ufffe", "\uffff": "\\uffff"})


class Case(NamedTuple):
    """What was found in one product, or in the stream as a whole, on like release lines."""

    suite: str
    name: str
    lines: tuple[str, ...]
    findings: list[Finding]
    unseen: Sequence[Unread] = ()

    def fails(self, threshold: Severity) -> bool:
        """Whether a finding is at or above the threshold."""
        return any(finding.severity >= threshold for finding in self.findings)


def render(report: Report, threshold: Severity, style: Style) -> Iterator[str]:
    """Findings at or above the threshold fail a case; others are in its output."""
    cases = [_whole_stream(report, threshold), *_products(report)]
    texts: dict[int, str] = {}
    taken = 0
    room = JUNIT // style.sharing - _OVERHEAD
    rest: list[int] = []
    for number in sorted(range(len(cases)), key=lambda number: _rank(cases[number])):
        case = cases[number]
        # In ASCII, because standard output may not be UTF-8.
        text = _case(report, case, threshold).encode("ascii", "xmlcharrefreplace").decode()
        if taken + len(text) > room:
            rest.append(number)
        else:
            texts[number] = text
            taken += len(text)
    kept = {number: cases[number] for number in sorted(texts)}
    if rest:
        more, text = _rest(report, [cases[number] for number in rest], threshold)
        kept[-1], texts[-1] = more, text
    yield from _document(kept, texts, threshold, style)


def _rank(case: Case) -> tuple[bool, int]:
    """What could not be read first, then the worst."""
    return not case.unseen, -max((finding.severity for finding in case.findings), default=-1)


def _rest(report: Report, cases: list[Case], threshold: Severity) -> tuple[Case, str]:
    """A case that says how much is left out. It fails if a case fails that is left out."""
    found = [finding for case in cases for finding in case.findings]
    why = f"GitLab takes {JUNIT // 10**6} MB"
    told = f"{count(len(cases), 'case')} left out, because {why}. {see_all(report)}"
    case = Case("stream", "more findings", report.look.lines, found)
    head = f'    <testcase classname="{_xml(case.suite)}" name="{case.name}">'
    if case.fails(threshold):
        label = Rest(found).worst.label
        inside = f'<failure type="{label}" message="{_xml(told)}"/>'
    else:
        inside = f"<system-out>{_xml(told)}</system-out>"
    return case, f"{head}{inside}</testcase>\n"


def _document(
    cases: dict[int, Case], texts: dict[int, str], threshold: Severity, style: Style
) -> Iterator[str]:
    suites: dict[str, list[int]] = {}
    for number, case in cases.items():
        suites.setdefault(case.suite, []).append(number)
    yield _HEAD
    yield f'<testsuites name="maas-stream-lint" {_counts(cases.values(), threshold)}>\n'
    for name, numbers in suites.items():
        counts = _counts([cases[number] for number in numbers], threshold)
        # The form has no room for a zone: it is UTC.
        when = f' timestamp="{style.made.removesuffix("Z")}"' if style.made else ""
        yield f'  <testsuite name="{_xml(name)}" {counts} skipped="0"{when}>\n'
        yield f'    <properties><property name="tool" value="{TOOL}"/></properties>\n'
        yield from (texts[number] for number in numbers)
        yield "  </testsuite>\n"
    yield "</testsuites>\n"


def _counts(cases: Collection[Case], threshold: Severity) -> str:
    failures = sum(case.fails(threshold) for case in cases)
    errors = sum(bool(case.unseen) for case in cases)
    return f'tests="{len(cases)}" failures="{failures}" errors="{errors}"'


def join(texts: Texts) -> str:
    """All suites of all sources, with numbers in front, as names may come twice."""
    whole = ElementTree.Element("testsuites", name="maas-stream-lint")
    for number, text in enumerate(texts, 1):
        root = ElementTree.fromstring("".join(text))  # noqa: S314 - of our own making
        for count_ in ("tests", "failures", "errors"):
            whole.set(count_, str(int(whole.get(count_, 0)) + int(root.get(count_, 0))))
        for suite in root:
            for named in (suite, *suite) if len(texts) > 1 else ():
                key = "classname" if named is not suite else "name"
                named.set(key, f"source {number}: {named.get(key)}")
            whole.append(suite)
    return f"{_HEAD}{ElementTree.tostring(whole, 'unicode')}\n"


def _whole_stream(report: Report, threshold: Severity) -> Case:
    found = [finding for finding in report.findings if finding.place.product is None]
    lines = report.look.lines
    return Case("stream", "the stream as a whole", lines, found, unseen(report, threshold))


def _products(report: Report) -> list[Case]:
    """The cases of each product, by suite: the oldest release lines first."""
    owned: dict[Owner, list[Finding]] = {
        (product.file.path, product.name): [] for product in report.look.catalog.products
    }
    for finding in report.findings:
        product = finding.place.product
        if product is not None:
            owned.setdefault((finding.place.file, product), []).append(finding)
    names = _names(list(owned))
    order = {line: number for number, line in enumerate(report.look.lines)}
    cases = [
        Case(maas(lines), names[owner], lines, alike)
        for owner, found in owned.items()
        for lines, alike in _alike(found, report.look.lines)
    ]
    return sorted(cases, key=lambda case: [order[line] for line in case.lines])


def _alike(
    found: list[Finding], lines: Sequence[str]
) -> list[tuple[tuple[str, ...], list[Finding]]]:
    """Release lines that have the same of these findings, each group with what it has."""
    groups: dict[tuple[int, ...], list[str]] = {}
    for line in lines:
        has = tuple(number for number, finding in enumerate(found) if line in finding.maas)
        groups.setdefault(has, []).append(line)
    return [(tuple(alike), [found[number] for number in has]) for has, alike in groups.items()]


def _names(owners: Sequence[Owner]) -> dict[Owner, str]:
    """The names of cases: with the file where two products have the same name."""
    known = Counter(name for _, name in owners)
    return {(file, name): f"{name} ({file})" if known[name] > 1 else name for file, name in owners}


def _case(report: Report, case: Case, threshold: Severity) -> str:
    head = f'classname="{_xml(case.suite)}" name="{_xml(brief(case.name))}"'
    found = case.findings
    if found:
        head += f' file="{_xml(file_of(report, found[0].place))}"'
    bad = [f for f in found if f.severity >= threshold]
    rest = [f for f in found if f.severity < threshold]
    inside = _error(case.unseen)
    if bad:
        first = f"{bad[0].code} {bad[0].name}: {bad[0].message}"
        more = f" (and {count(len(bad) - 1, 'more finding')})" if len(bad) > 1 else ""
        inside += f'      <failure type="{bad[0].severity.label}" message="{_xml(first)}{more}">'
        inside += f"{_body(report, bad, case.lines)}</failure>\n"
    if rest:
        inside += f"      <system-out>{_body(report, rest, case.lines)}</system-out>\n"
    if not inside:
        return f"    <testcase {head}/>\n"
    return f"    <testcase {head}>\n{inside}    </testcase>\n"


def _body(report: Report, found: list[Finding], lines: tuple[str, ...]) -> str:
    """Findings as text: the first of them, and how many more there are."""
    told = [_finding_in_lines(report, finding, lines) for finding in found[:_MOST_IN_CASE]]
    if len(found) > _MOST_IN_CASE:
        told.append(f"{count(len(found) - _MOST_IN_CASE, 'more finding')}. {see_all(report)}")
    return _text("\n\n".join(told))


def _finding_in_lines(report: Report, finding: Finding, asked: tuple[str, ...]) -> str:
    lines = [compact.line(report, finding)]
    if finding.effect:
        lines.append(f"MAAS {clean(finding.effect)}")
    lines += [f"log: {brief(text)}" for whose, text in finding.logs if set(whose) & set(asked)]
    return "\n".join([*lines, f"fix: {clean(finding.remedy)}"])


def _error(unseen: Sequence[Unread]) -> str:
    """The error of the stream's case, which says what could not be read or parsed."""
    if not unseen:
        return ""
    said = [f"{clean(one.path)}: {clean(one.message)} ({clean(one.remedy)})" for one in unseen]
    first = _xml(f"could not be read: {brief(said[0])}")
    return f'      <error type="not-read" message="{first}">{_text(chr(10).join(said))}</error>\n'


def _xml(text: str) -> str:
    return escape(clean(text).translate(_NOT_XML))


def _text(lines: str) -> str:
    """Lines that are clean already, with XML's own characters escaped."""
    return escape(lines.translate(_NOT_XML), quote=False)
