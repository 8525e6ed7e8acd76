"""JUnit XML: a suite a release line, a case a product, and one for the stream as a whole."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from maas_stream_lint.output import Style, clean
from maas_stream_lint.report import compact
from maas_stream_lint.report.phrases import brief, count
from maas_stream_lint.report.verdict import unread
from maas_stream_lint.report.where import file_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Finding, Severity
    from maas_stream_lint.report.groups import Owner
    from maas_stream_lint.report.joining import Texts
    from maas_stream_lint.unread import Unread

Case = tuple[str, "list[Finding]"]  # what it is called, and what was found

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'

#: Characters that XML cannot hold and ``clean`` keeps.
_NOT_XML = str.maketrans({"\ufffe": "\\ufffe", "\uffff": "\\uffff"})


def render(report: Report, threshold: Severity, style: Style) -> Iterator[str]:
    """Findings at or above the threshold fail a case; others are in its output."""
    # In ASCII, because standard output may not be UTF-8.
    for part in _parts(report, threshold):
        yield part.encode("ascii", "xmlcharrefreplace").decode()


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


def _parts(report: Report, threshold: Severity) -> Iterator[str]:
    stream, owned = _by_owner(report)
    unseen = unread(report, threshold)
    whole: list[Case] = [("the stream as a whole", stream)]
    suites = [("stream", report.look.lines, whole)]
    names = _names(list(owned))
    for line in report.look.lines:
        cases = [
            (names[owner], [f for f in found if line in f.maas]) for owner, found in owned.items()
        ]
        suites.append((f"MAAS {line}", (line,), cases))
    failed = [sum(_fails(found, threshold) for _, found in cases) for _, _, cases in suites]
    tests = sum(len(cases) for _, _, cases in suites)
    yield _HEAD
    errors = int(bool(unseen))
    counts = f'tests="{tests}" failures="{sum(failed)}" errors="{errors}"'
    yield f'<testsuites name="maas-stream-lint" {counts}>\n'
    for (name, lines, cases), failures in zip(suites, failed, strict=True):
        errors = int(cases is whole and bool(unseen))
        counts = f'tests="{len(cases)}" failures="{failures}" errors="{errors}" skipped="0"'
        yield f'  <testsuite name="{_xml(name)}" {counts}>\n'
        for title, found in cases:
            error = _error(unseen) if cases is whole else ""
            yield _case(report, name, lines, title, found, threshold, error)
        yield "  </testsuite>\n"
    yield "</testsuites>\n"


def _by_owner(report: Report) -> tuple[list[Finding], dict[Owner, list[Finding]]]:
    """The findings on the stream, and those on each product, which may be none."""
    owned: dict[Owner, list[Finding]] = {
        (product.file.path, product.name): [] for product in report.look.catalog.products
    }
    stream: list[Finding] = []
    for finding in report.findings:
        product = finding.place.product
        if product is None:
            stream.append(finding)
        else:
            owned.setdefault((finding.place.file, product), []).append(finding)
    return stream, owned


def _names(owners: Sequence[Owner]) -> dict[Owner, str]:
    """The names of cases: with the file where two products have the same name."""
    known = [name for _, name in owners]
    return {
        (file, name): f"{name} ({file})" if known.count(name) > 1 else name for file, name in owners
    }


def _case(
    report: Report,
    suite: str,
    lines: tuple[str, ...],
    title: str,
    found: list[Finding],
    threshold: Severity,
    error: str,
) -> str:
    head = f'classname="{_xml(suite)}" name="{_xml(brief(title))}"'
    if found:
        head += f' file="{_xml(file_of(report, found[0].place))}"'
    bad = [f for f in found if f.severity >= threshold]
    rest = [f for f in found if f.severity < threshold]
    inside = error
    if bad:
        first = f"{bad[0].code} {bad[0].name}: {bad[0].message}"
        more = f" (and {count(len(bad) - 1, 'more finding')})" if len(bad) > 1 else ""
        body = "\n\n".join(_finding_in_lines(report, finding, lines) for finding in bad)
        inside += f'      <failure type="{bad[0].severity.label}" message="{_xml(first)}{more}">'
        inside += f"{_text(body)}</failure>\n"
    if rest:
        body = "\n\n".join(_finding_in_lines(report, finding, lines) for finding in rest)
        inside += f"      <system-out>{_text(body)}</system-out>\n"
    if not inside:
        return f"    <testcase {head}/>\n"
    return f"    <testcase {head}>\n{inside}    </testcase>\n"


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


def _fails(found: list[Finding], threshold: Severity) -> bool:
    return any(finding.severity >= threshold for finding in found)


def _xml(text: str) -> str:
    return escape(clean(text).translate(_NOT_XML))


def _text(lines: str) -> str:
    """Lines that are clean already, with XML's own characters escaped."""
    return escape(lines.translate(_NOT_XML), quote=False)
