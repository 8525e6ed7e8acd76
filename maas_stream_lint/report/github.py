"""Workflow commands: what GitHub Actions shows beside the lines of a pull request.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions

There are as many as GitHub shows of a step (``limits``), the worst first.
"""

from __future__ import annotations

from itertools import chain, zip_longest
from typing import TYPE_CHECKING

from maas_stream_lint.finding import Severity
from maas_stream_lint.output import Style, clean
from maas_stream_lint.report.groups import Entry, sections, told_each
from maas_stream_lint.report.limits import ANNOTATIONS, SUMMARY, Rest
from maas_stream_lint.report.phrases import brief, count, maas, some
from maas_stream_lint.report.verdict import unseen
from maas_stream_lint.report.where import file_of, is_remote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from maas_stream_lint.api import Report
    from maas_stream_lint.report.joining import Texts
    from maas_stream_lint.unread import Unread

_KINDS = ("error", "warning", "notice")
#: The fewest annotations of a kind that one of several sources gets: one, and how many more.
_FEWEST = 2


def render(report: Report, threshold: Severity, style: Style) -> Iterator[str]:
    """One annotation for like findings, up to what GitHub shows of each kind."""
    most = max(_FEWEST, ANNOTATIONS // style.sharing)
    by_kind: dict[str, list[Entry | Unread]] = {kind: [] for kind in _KINDS}
    by_kind["error"] += unseen(report, threshold)
    entries = [
        entry for section in sections(told_each(report.findings)) for entry in section.entries
    ]
    for entry in sorted(entries, key=lambda entry: -entry.first.severity):
        by_kind[_kind(entry.first.severity)].append(entry)
    full = next((kind for kind in _KINDS if len(by_kind[kind]) > most), None)
    left: list[Entry | Unread] = []
    for kind, found in by_kind.items():
        # The annotation that says how many more there are takes a place, too.
        room = most - (kind == full)
        yield from (_told(report, one) for one in found[:room])
        left += found[room:]
    if full is not None:
        yield _rest(report, full, left)


def _told(report: Report, one: Entry | Unread) -> str:
    if isinstance(one, Entry):
        return annotation(report, one)
    told = _data(f"{clean(one.path)}: {clean(one.message)}\nfix: {clean(one.remedy)}")
    return f"::error title=could not be read::{told}\n"


def _rest(report: Report, kind: str, left: list[Entry | Unread]) -> str:
    """What has no annotation."""
    found = [finding for one in left if isinstance(one, Entry) for finding in one.findings]
    rest = Rest(found, sum(not isinstance(one, Entry) for one in left))
    why = f"GitHub shows {ANNOTATIONS} annotations of a kind for each step"
    return f"::{kind} title=more findings::{_data(rest.in_words(report, why))}\n"


def join(texts: Texts) -> Iterable[str]:
    """The annotations of all reports; if there are too many, the worst of each source first."""
    several = ["".join(text).splitlines(keepends=True) for text in texts]
    in_turns = [line for lines in zip_longest(*several) for line in lines if line is not None]
    by_kind = {kind: [one for one in in_turns if one.startswith(f"::{kind} ")] for kind in _KINDS}
    if all(len(lines) <= ANNOTATIONS for lines in by_kind.values()):
        yield from chain.from_iterable(several)
        return
    for kind, lines in by_kind.items():
        room = len(lines) if len(lines) <= ANNOTATIONS else ANNOTATIONS - 1
        yield from lines[:room]
        if lines[room:]:
            more = count(len(lines) - room, "more annotation")
            why = f"GitHub shows {ANNOTATIONS} of a kind for each step"
            told = f"left out, because {why}: {more}. To see all, check one source at a time."
            yield f"::{kind} title=more findings::{told}\n"


def annotation(report: Report, entry: Entry) -> str:
    """``::error file=…,line=…,col=…,title=…::message`` on a line of its own."""
    finding = entry.first
    place = finding.place
    where = {"line": place.line or 1, "col": place.column or 1}
    title = f"{finding.code} {finding.name} [{maas(finding.maas)}]"
    # GitHub has no lines of a server's file to point at.
    at = {} if is_remote(report) else {"file": clean(file_of(report, place)), **where}
    told = ",".join(f"{name}={_property(str(v))}" for name, v in {**at, "title": title}.items())
    return f"::{_kind(finding.severity)} {told}::{_data(_message(report, entry))}\n"


def guarded(text: str, token: str) -> str:
    """A text that GitHub shows as it is, whatever commands an untrusted stream puts into it."""
    return f"::stop-commands::{token}\n{text}::{token}::\n"


def summary(report: Report, threshold: Severity, style: Style, room: int = SUMMARY) -> str:
    """The job summary, no longer than GitHub accepts."""
    from maas_stream_lint.report import markdown

    told = markdown.render(report, threshold, style)
    if len(told.encode()) <= room:
        return told
    return markdown.render(report, threshold, style, findings=False)


def _message(report: Report, entry: Entry) -> str:
    finding = entry.first
    lines = [clean(entry.message)]
    if is_remote(report):
        lines.append(f"in {clean(file_of(report, finding.place))}, line {finding.place.line or 1}")
    if len(entry.findings) > 1 and entry.products:
        told = some([brief(name) for name in entry.products])
        lines.append(f"{count(len(entry.products), 'product')}: {told}")
    if finding.effect:
        lines.append(f"MAAS {clean(finding.effect)}")
    if finding.log:
        lines.append(f"log: {brief(finding.log)}")
    return "\n".join([*lines, f"fix: {clean(finding.remedy)}"])


def _kind(severity: Severity) -> str:
    if severity >= Severity.UNUSABLE:
        return "error"
    return "warning" if severity is Severity.WARNING else "notice"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
