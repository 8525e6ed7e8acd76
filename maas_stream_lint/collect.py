"""Ask every rule about every event and node; merge what several release lines have in common."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

from maas_stream_lint.effects import COSTS, effect, log_line, merged
from maas_stream_lint.finding import Finding, Path, Place, Severity
from maas_stream_lint.garbage import uncollected
from maas_stream_lint.imports.trace import Kind
from maas_stream_lint.model import Whole
from maas_stream_lint.records import record
from maas_stream_lint.rule import NODES, Rule, Said, cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.look import Look
    from maas_stream_lint.stream import Stream

Key = tuple[str, Severity, Place, str, tuple[Place, ...]]


@record
class _Draft:
    rule: Rule
    said: Said
    place: Place
    severity: Severity
    effects: dict[str, set[str]] = field(default_factory=dict)
    lines: set[str] = field(default_factory=set)
    logs: dict[str, set[str]] = field(default_factory=dict)
    also: dict[Place, None] = field(default_factory=dict)


def findings(look: Look, rules: Sequence[Rule]) -> list[Finding]:
    """The findings of the rules, worst first, then in the stream's order."""
    with uncollected():
        drafts: dict[Key, _Draft] = {}
        _ask_about_events(look, rules, drafts)
        _ask_about_nodes(look, rules, drafts)
        alone = [draft for draft in drafts.values() if draft.rule.alone]
        return _finished(look, alone or [d for d in drafts.values() if _matters(d, look)])


def _ask_about_events(look: Look, rules: Sequence[Rule], drafts: dict[Key, _Draft]) -> None:
    by_cause: dict[str, list[Rule]] = {}
    for rule in rules:
        for cause in rule.causes:
            by_cause.setdefault(cause, []).append(rule)
    for trace in (*look.traces, *look.use_traces):
        seen: set[tuple[str, Kind, Place]] = set()
        for event in trace.events:
            for rule in by_cause.get(event.cause, ()):
                place = cut(event.place, rule.at)
                if rule.at is not None:
                    # One product's items all tell the same: asking of the first is enough.
                    if (rule.code, event.kind, place) in seen:
                        continue
                    seen.add((rule.code, event.kind, place))
                for said in rule.check(event, look):
                    severity = COSTS[event.kind] if said.severity is None else said.severity
                    # An image that is of no use on some lines may be fine on others.
                    victims = said.also if event.kind is Kind.USE else ()
                    draft = _draft(drafts, rule, said, said.place or place, severity, victims)
                    draft.lines.update(trace.lines)
                    done = said.effect or effect(event, trace)
                    draft.effects.setdefault(done, set()).update(trace.lines)
                    line = log_line(event, trace, look.stream) if said.log is None else said.log
                    if line:
                        draft.logs.setdefault(line, set()).update(trace.lines)


def _ask_about_nodes(look: Look, rules: Sequence[Rule], drafts: dict[Key, _Draft]) -> None:
    asked: dict[str, list[Rule]] = {}
    partial = look.stream.incomplete
    for rule in rules:
        if rule.on is not None and not (rule.of_all and partial):
            asked.setdefault(rule.on, []).append(rule)
    for kind in NODES:
        for rule in asked.get(kind, ()):
            check = rule.check
            for node in _nodes(kind, look) if rule.among is None else rule.among(look):
                for said in check(node, look):
                    _note(look, rule, node, said, drafts)


def _note(look: Look, rule: Rule, node: Any, said: Said, drafts: dict[Key, _Draft]) -> None:
    lines = look.lines if said.lines is None else said.lines
    if not lines:
        return
    severity = rule.severity if said.severity is None else said.severity
    place = said.place or node.place
    draft = _draft(drafts, rule, said, place, severity)
    draft.lines.update(lines)
    draft.effects.setdefault(said.effect or "", set()).update(lines)
    if said.log:
        draft.logs.setdefault(said.log, set()).update(lines)


def _nodes(kind: str, look: Look) -> Sequence[Any]:
    """All nodes of one of the kinds that rules can ask for."""
    catalog = look.catalog
    match kind:
        case "stream":
            return [Whole(look.stream)]
        case "index":
            return catalog.indexes
        case "entry":
            return [entry for index in catalog.indexes for entry in index.entries]
        case "file":
            return catalog.files
        case "product":
            return catalog.products
        case "version":
            return catalog.newest
        case "item":
            return catalog.items
    return look.images if look.survey is not None and look.survey.mode != "none" else ()


def _draft(
    drafts: dict[Key, _Draft],
    rule: Rule,
    said: Said,
    place: Place,
    severity: Severity,
    victims: tuple[Place, ...] = (),
) -> _Draft:
    """The draft of what a rule says. ``victims``: what tells it from another of the same words."""
    key = (rule.code, severity, place, said.message, victims)
    draft = drafts.get(key)
    if draft is None:
        draft = drafts[key] = _Draft(rule, said, place, severity)
    draft.also.update(dict.fromkeys(said.also))
    return draft


def _matters(draft: _Draft, look: Look) -> bool:
    """Whether anybody loses anything: of a product that the tree leaves out, only what ends all."""
    place = draft.place
    return (
        draft.severity is Severity.FATAL
        or draft.rule.on == "stream"
        or not look.absence.leaves_out(place.file, place.product)
    )


def _finished(look: Look, drafts: list[_Draft]) -> list[Finding]:
    located = _located(look.stream, drafts)
    order = {line: i for i, line in enumerate(look.lines)}
    files = {path: i for i, path in enumerate(look.stream.files)}
    done = []
    for draft in drafts:
        logs = sorted(
            (
                (tuple(sorted(lines, key=order.__getitem__)), text)
                for text, lines in draft.logs.items()
            ),
            key=lambda pair: order[pair[0][0]],
        )
        places = (draft.place, *(p for p in draft.also if p != draft.place))
        done.append(
            Finding(
                code=draft.rule.code,
                name=draft.rule.name,
                severity=draft.severity,
                message=draft.said.message,
                maas=tuple(sorted(draft.lines, key=order.__getitem__)),
                effect=merged(draft.effects, look),
                remedy=draft.said.remedy,
                places=tuple(located[p] for p in places),
                log=logs[0][1] if logs else None,
                logs=tuple(logs),
            )
        )
    done.sort(
        key=lambda f: (
            -f.severity,
            files.get(f.place.file, -1),
            f.place.line or 0,
            f.place.column or 0,
            f.code,
            f.message,
        )
    )
    return done


def _located(stream: Stream, drafts: list[_Draft]) -> dict[Place, Place]:
    """Each place with line and column, asked of each file once."""
    wanted: dict[str, set[Path]] = {}
    places = {p for draft in drafts for p in (draft.place, *draft.also)}
    found: dict[Place, Place] = {p: p for p in places if p.line is not None}
    for place in places - found.keys():
        wanted.setdefault(place.file, set()).add(place.path)
    for file, paths in wanted.items():
        metadata = stream.files.get(file)
        document = metadata.best if metadata is not None else None
        at: dict[Path, tuple[int, int]] = {}
        if document is not None and document.fatal is not None:
            at = dict.fromkeys(paths, document.position(document.fatal.offset))
        elif document is not None:
            at = document.locate(paths)
        for path in paths:
            line, column = at.get(path, (None, None))
            found[Place(file, path)] = Place(file, path, line, column)
    return found
