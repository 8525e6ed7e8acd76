"""Known findings: a file of them, and which findings of a report are new.

Rule, file, product, item and message identify a finding. The parts that change with every version
do not count: lines, version names, numbers and checksums.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maas_stream_lint import __version__
from maas_stream_lint.errors import UsageError
from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.names import MODES
from maas_stream_lint.records import field, record, replace
from maas_stream_lint.source import is_local, local_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Finding

KIND, VERSION = "maas-stream-lint baseline", 1
_ANEW = "write a new one with --write-baseline"

_DIGEST = re.compile(r"\b[0-9a-f]{32,128}\b")
#: Not the number in `amd64` or `v3`, which are names.
_NUMBER = re.compile(r"(?<![A-Za-z\d])\d+(?:[.,_-]\d+)*")


class Known(NamedTuple):
    """What identifies a finding."""

    source: str | None  #: relative to the baseline's folder; ``None``: there is only one
    code: str
    file: str
    product: str | None
    item: str | None
    message: str  #: with ``#`` for the parts that change

    def order(self) -> tuple[str, ...]:
        """To sort by."""
        return tuple(part or "" for part in self)

    def reworded(self) -> Known:
        """The same without the message."""
        return self._replace(message="")

    def __str__(self) -> str:
        """For people, one line."""
        where = [part for part in (self.source, self.file, self.product, self.item) if part]
        return " · ".join([self.code, *where])


Counts = dict[Known, Counter[str]]  # how many there are on each release line


@record
class Baseline:
    """Known findings."""

    counts: Counts = field(default_factory=dict)
    mode: str = MODES[
        0
    ]  #: how closely image files were checked, for the most closely checked source
    tool: str = __version__  #: the version of maas-stream-lint that wrote it

    def render(self) -> str:
        """The file: sorted JSON with one entry on each line, so that a diff shows changes."""
        head = {"kind": KIND, "version": VERSION, "tool": self.tool, "files": self.mode}
        entries = [json.dumps(entry) for entry in _entries(self.counts)]
        body = ",\n".join(f"    {entry}" for entry in entries)
        lines = [f"  {json.dumps(key)}: {json.dumps(value)},\n" for key, value in head.items()]
        return (
            "{\n"
            + "".join(lines)
            + '  "findings": ['
            + (f"\n{body}\n  " if body else "")
            + "]\n}\n"
        )


def of(reports: Sequence[Report], folder: Path) -> Baseline:
    """A baseline with all findings of some reports, for a file in ``folder``."""
    made = Baseline()
    for report in reports:
        source = source_name(report, folder) if len(reports) > 1 else None
        for finding in report.findings:
            key = _known(finding, source)
            made.counts.setdefault(key, Counter()).update(finding.maas)
        made.mode = max(made.mode, _mode(report), key=MODES.index)
    return made


def read(path: str) -> Baseline:
    """The baseline in a file. Raises UsageError for a file that is not a baseline."""
    try:
        text = Path(path).read_text("utf-8")
        data = json.loads(text)
    except OSError as error:
        why = (error.strerror or "unreadable").lower()
        hint = "write it first with --write-baseline"
        raise UsageError(f"cannot read the baseline {path!r}: {why}", hint) from None
    except (ValueError, RecursionError) as error:
        line = f"{path}:{error.lineno}" if isinstance(error, json.JSONDecodeError) else path
        raise UsageError(f"{line}: the baseline is not JSON", _ANEW) from None
    if not isinstance(data, dict) or data.get("kind") != KIND:
        raise UsageError(f"{path!r} is not a baseline", _ANEW)
    if data.get("version") != VERSION:
        hint = f"this one knows version {VERSION}; {_ANEW}"
        raise UsageError(f"{path!r} was written by another maas-stream-lint", hint)
    try:
        return _parsed(data)
    except (KeyError, TypeError, ValueError):
        raise UsageError(f"the baseline {path!r} is damaged", _ANEW) from None


def source_name(report: Report, folder: Path) -> str:
    """The name of a report's source, independent of where the folder is."""
    if not is_local(report.source):
        return report.source
    return Path(os.path.relpath(local_path(report.source), folder)).as_posix()


class Comparison:
    """Reports compared with a baseline, one after another.

    Each entry matches as many findings as it counts.
    """

    def __init__(self, known: Baseline, folder: Path) -> None:
        """``folder``: that of the baseline."""
        self.known, self._folder = known, folder
        self._left: Counts = {key: counts.copy() for key, counts in known.counts.items()}
        self._kept = Baseline(mode=known.mode)
        self._reports: list[tuple[str, Report]] = []
        # Another version may word messages differently; then the other parts must be the same.
        self._loose: dict[Known, list[Known]] = {}
        for key in known.counts if known.tool != __version__ else ():
            self._loose.setdefault(key.reworded(), []).append(key)

    def compare(self, reports: Sequence[Report]) -> tuple[list[Report], list[str]]:
        """The reports with only new findings; and, in words, known findings that are gone."""
        taken = [self.take(report) for report in reports]
        gone = self.gone()
        counted = []
        for number, report in enumerate(taken):
            name = source_name(report, self._folder)
            # An entry without a source is counted once.
            here = [
                key for key in gone if key.source == name or (key.source is None and not number)
            ]
            aside = report.set_aside
            assert aside is not None
            counted.append(replace(report, set_aside=aside._replace(gone=len(here))))
        return counted, [f"{key} · MAAS {', '.join(lines)}" for key, lines in gone.items()]

    def take(self, report: Report) -> Report:
        """The report with only new findings, on the release lines on which they are new."""
        from maas_stream_lint.api import SetAside

        source = source_name(report, self._folder)
        self._reports.append((source, report))
        left = {number: set(f.maas) for number, f in enumerate(report.findings)}
        for loosely in (False, True):
            for number, finding in enumerate(report.findings):
                left[number] -= self._use(finding, source, left[number], loosely=loosely)
        found = []
        known = 0
        for number, finding in enumerate(report.findings):
            rest = finding.on(left[number])
            known += rest is not finding
            found += [rest] if rest is not None else []
        aside = report.set_aside or SetAside()
        return replace(
            report,
            findings=tuple(found),
            untouched=report.facts,
            set_aside=aside._replace(known=known),
        )

    def _use(self, finding: Finding, source: str, wanted: set[str], *, loosely: bool) -> set[str]:
        used: set[str] = set()
        for name in (source, None):
            key = _known(finding, name)
            for held in self._loose.get(key.reworded(), ()) if loosely else [key]:
                counts = self._left.get(held, Counter())
                for line in wanted - used:
                    if counts[line] > 0:
                        counts[line] -= 1
                        used.add(line)
                        self._kept.counts.setdefault(key, Counter())[line] += 1
        return used

    def gone(self) -> dict[Known, list[str]]:
        """Entries that the run could have found and did not, with their release lines."""
        found: dict[Known, list[str]] = {}
        for key, counts in sorted(self._left.items(), key=lambda pair: pair[0].order()):
            lines = [line for line in counts if counts[line] > 0 and self._looked_for(key, line)]
            if lines:
                found[key] = sorted(lines, key=_line_order)
        return found

    def rest(self) -> Baseline:
        """The baseline without what is gone: what was found again, or could not be found."""
        gone = self.gone()
        for key, counts in self._left.items():
            for line, number in counts.items():
                if number > 0 and line not in gone.get(key, ()):
                    self._kept.counts.setdefault(key, Counter())[line] += number
                    self._kept.tool = (
                        self.known.tool
                    )  # because this entry has the words of that version
        for _, report in self._reports:
            self._kept.mode = max(self._kept.mode, _mode(report), key=MODES.index)
        self._left = {}
        return self._kept

    def _looked_for(self, key: Known, line: str) -> bool:
        return any(
            key.source in (None, source)
            and line in report.look.lines
            and report.looked_for([key.code], self.known.mode)
            for source, report in self._reports
        )


def normal(message: str, versions: Iterable[str]) -> str:
    """A message without the parts that change from version to version."""
    for version in sorted(set(versions), key=len, reverse=True):
        # Only as a word or a step of a path: a version may be named `a`.
        if version:
            message = re.sub(rf"(?<![\w.]){re.escape(version)}(?![\w])", "#", message)
    return _NUMBER.sub("#", _DIGEST.sub("#", message))


def _known(finding: Finding, source: str | None) -> Known:
    place = finding.place
    versions = [p.version for p in finding.places if p.version is not None]
    message = normal(finding.message, versions)
    return Known(source, finding.code, place.file, place.product, place.item, message)


def _mode(report: Report) -> str:
    return report.look.survey.mode if report.look.survey is not None else MODES[0]


def _entries(counts: Counts) -> Iterator[dict[str, Any]]:
    for key in sorted(counts, key=Known.order):
        by_number: dict[int, list[str]] = {}
        for line in sorted(counts[key], key=_line_order):
            if counts[key][line] > 0:
                by_number.setdefault(counts[key][line], []).append(line)
        told = {name: value for name, value in key._asdict().items() if value is not None}
        for number, lines in sorted(by_number.items()):
            yield {**told, "maas": lines, "count": number}


def _parsed(data: dict[str, Any]) -> Baseline:
    made = Baseline(mode=MODES[MODES.index(data["files"])], tool=_text(data["tool"]))
    for entry in data["findings"]:
        told: dict[str, Any] = {"source": None, "product": None, "item": None}
        told |= {name: _text(entry[name]) for name in Known._fields if name in entry}
        known = Known(**told)
        number = entry["count"]
        if type(number) is not int or number < 1 or not re.fullmatch(r"MSL\d{3}", known.code):
            raise ValueError
        if not isinstance(entry["maas"], list):
            raise TypeError
        for line in entry["maas"]:
            _line_order(_text(line))
            made.counts.setdefault(known, Counter())[line] += number
    return made


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _line_order(line: str) -> tuple[int, ...]:
    return tuple(int(part) for part in line.split("."))
