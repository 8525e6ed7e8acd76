"""The log that MAAS would write in an import, for release lines with equal logs."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from maas_stream_lint.logs.matching import prefixed
from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.report.phrases import brief

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

    from maas_stream_lint.imports.trace import Event, Outcome, Trace
    from maas_stream_lint.look import Look

#: The stages of the log in words.
_STAGES = {
    "descriptions": "listing the products (MAAS does this twice in an import, and logs it twice)",
    "cache": "caching what users can select",
    "writer": "recording what to download",
}
#: What a manifest's line says, for people who see it for the first time.
MANIFESTS = (
    "`Ignoring unsupported filetype(manifest)` is harmless: MAAS does not use manifests, "
    "and logs this for each of them. Keep them: newer MAAS releases need them."
)


class Run(NamedTuple):
    """Equal lines in a row, or lines on manifests in a row."""

    text: str
    times: int
    manifest: bool

    @property
    def more(self) -> str:
        """How many more there are, if any."""
        if self.times == 1:
            return ""
        if self.manifest:
            return f"  (and {self.times - 1:,} more manifests)"
        return f"  ({self.times:,} times)"


class PredictedLog(NamedTuple):
    """What some release lines log."""

    lines: tuple[str, ...]
    stages: tuple[tuple[str, tuple[Run, ...]], ...]  #: in words, with their lines
    end: str | None  #: what the import ends in
    silent: bool  #: whether MAAS logs nothing about the products that it drops

    @property
    def remark(self) -> str | None:
        """A remark on a log without lines."""
        if self.silent:
            return "logs nothing about the products that it drops"
        return None if self.stages or self.end is not None else "no warnings"

    @property
    def manifests(self) -> bool:
        """Whether there are lines on manifests."""
        return any(run.manifest for _, runs in self.stages for run in runs)


def predicted_logs(traces: Sequence[Trace], lines: Sequence[str]) -> Iterator[PredictedLog]:
    """The logs, oldest line first. ``lines``: the release lines that the user named."""
    for alike, (trace, *_) in agreeing(traces, lines, _key):
        stages = tuple(
            (_STAGES.get(stage, stage), tuple(_runs(said)))
            for stage, said in trace.log.items()
            if said
        )
        end = in_words(trace.fatal) if trace.fatal is not None else None
        yield PredictedLog(alike, stages, end and brief(prefixed(end)), trace.strict)


def logs_of(look: Look) -> Iterator[PredictedLog]:
    """The logs of the MAAS of a look, for all its sources, oldest line first."""
    if look.beside is None:
        yield from predicted_logs(look.traces, look.lines)
        return
    found: dict[Hashable, tuple[list[str], Outcome]] = {}
    for line in look.lines:
        seen = look.beside.first(line)
        found.setdefault(_joint_key(seen), ([], seen))[0].append(line)
    for lines, seen in found.values():
        stages = tuple((stage, tuple(_runs(list(said)))) for stage, said in _joint(seen) if said)
        end = in_words(seen.fatal) if seen.fatal is not None else seen.fetch_failed
        yield PredictedLog(tuple(lines), stages, end and brief(prefixed(end)), seen.strict)


def _joint(seen: Outcome) -> Iterator[tuple[str, Sequence[tuple[str, str]]]]:
    """The log of an import of several sources, by stages."""
    described = [line for t in seen.traces.values() for line in t.log.get("descriptions", ())]
    yield _STAGES["descriptions"], described
    yield "reading the sources", [*seen.bootsources, *seen.fetch]
    yield _STAGES["writer"], seen.writer
    yield "finishing", seen.finalize


def _joint_key(seen: Outcome) -> Hashable:
    end = in_words(seen.fatal) if seen.fatal is not None else seen.fetch_failed
    return (seen.strict, end, tuple((stage, tuple(said)) for stage, said in _joint(seen)))


def agreeing(
    traces: Sequence[Trace], lines: Sequence[str], key: Callable[[Trace], Hashable]
) -> list[tuple[tuple[str, ...], list[Trace]]]:
    """Release lines put together where ``key(trace)`` is the same."""
    found: dict[Hashable, list[Trace]] = {}
    for trace in traces:
        found.setdefault(key(trace), []).append(trace)
    order = {line: i for i, line in enumerate(lines)}
    groups = [
        (tuple(sorted((line for t in alike for line in t.lines), key=order.__getitem__)), alike)
        for alike in found.values()
    ]
    return sorted(groups, key=lambda group: order[group[0][0]])


def in_words(event: Event) -> str:
    """An event as Python's traceback ends."""
    return f"{event.exception}: {event.message}" if event.exception else str(event.message)


def _key(trace: Trace) -> Hashable:
    fatal = trace.fatal and in_words(trace.fatal)
    return (trace.strict, fatal, tuple((s, tuple(said)) for s, said in trace.log.items()))


def _runs(said: Iterable[tuple[str, str]]) -> Iterator[Run]:
    for _, run in itertools.groupby(said, key=_kind):
        texts = [text for _, text in run]
        yield Run(brief(prefixed(texts[0])), len(texts), _is_manifest(texts[0]))


def _kind(line: tuple[str, str]) -> str:
    return "" if _is_manifest(line[1]) else line[1]


def _is_manifest(text: str) -> bool:
    return text.startswith("Ignoring unsupported filetype(manifest)")
