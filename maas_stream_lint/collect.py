"""Ask every rule about every event and node; merge what several release lines have in common."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

from maas_stream_lint.effects import COSTS, effect, log_line, merged
from maas_stream_lint.finding import Finding, Path, Place, Severity
from maas_stream_lint.garbage import uncollected
from maas_stream_lint.imports.trace import Kind
from maas_stream_lint.model import Whole
from maas_stream_lint.rule import DEPTHS, NODES, Rule, Said, cut

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from maas_stream_lint.imports.trace import Event, Trace
    from maas_stream_lint.look import Look
    from maas_stream_lint.stream import Stream

Key = tuple[str, Severity, Place, str, tuple[Place, ...]]


#: What some release lines do, and what they log of it: lines, effect, log line.
Told = tuple[tuple[str, ...], str, "str | None"]


class _Draft:
    """What a rule says of one place, with what is told of it so far."""

    __slots__ = ("also", "place", "rule", "said", "severity", "told")

    def __init__(self, rule: Rule, said: Said, place: Place, severity: Severity) -> None:
        self.rule, self.said, self.place, self.severity = rule, said, place, severity
        self.told: list[Told] = []
        self.also: dict[Place, None] = {}


def findings(look: Look, rules: Sequence[Rule]) -> list[Finding]:
    """The findings of the rules, worst first, then in the stream's order."""
    with uncollected():
        drafts: dict[Key, _Draft] = {}
        _ask_about_events(look, rules, drafts)
        _ask_about_nodes(look, rules, drafts)
        alone = [draft for draft in drafts.values() if draft.rule.alone]
        return _finished(look, alone or _mattering(drafts.values(), look))


def _ask_about_events(look: Look, rules: Sequence[Rule], drafts: dict[Key, _Draft]) -> None:
    by_cause: dict[str, list[Rule]] = {}
    for rule in rules:
        for cause in rule.causes:
            by_cause.setdefault(cause, []).append(rule)
    for trace in (*look.traces, *look.use_traces):
        seen: set[tuple[str, Kind, str, Path]] = set()
        for event in trace.events:
            at = event.place
            for rule in by_cause.get(event.cause, ()):
                place = at
                if rule.at is not None:
                    # One product's items all tell the same: asking of the first is enough.
                    once = (rule.code, event.kind, at.file, at.path[: DEPTHS[rule.at]])
                    if once in seen:
                        continue
                    seen.add(once)
                    place = cut(at, rule.at)
                for said in rule.check(event, look):
                    _note_event(look, rule, event, trace, said, said.place or place, drafts)


def _note_event(
    look: Look,
    rule: Rule,
    event: Event,
    trace: Trace,
    said: Said,
    place: Place,
    drafts: dict[Key, _Draft],
) -> None:
    kind = event.kind
    severity = COSTS[kind] if said.severity is None else said.severity
    # An image that is of no use on some lines may be fine on others.
    victims = said.also if kind is Kind.USE else ()
    draft = _draft(drafts, rule, said, place, severity, victims)
    line = log_line(event, trace, look.stream) if said.log is None else said.log
    draft.told.append((trace.lines, said.effect or effect(event, trace), line))


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
    draft.told.append((lines, said.effect or "", said.log))


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
    if said.also:
        draft.also.update(dict.fromkeys(said.also))
    return draft


def _mattering(drafts: Collection[_Draft], look: Look) -> list[_Draft]:
    """Those by which anybody loses anything.

    Of a product that the tree leaves out, only what ends all counts.
    """
    absence = look.absence
    return [
        draft
        for draft in drafts
        if not absence.left_out
        or draft.severity is Severity.FATAL
        or draft.rule.on == "stream"
        or not absence.leaves_out(draft.place.file, draft.place.product)
    ]


def _finished(look: Look, drafts: list[_Draft]) -> list[Finding]:
    located = _located(look.stream, drafts)
    files = {path: i for i, path in enumerate(look.stream.files)}
    together = _Together(look)
    done = []
    for draft in drafts:
        rule, said, place = draft.rule, draft.said, located[draft.place]
        others = [located[other] for other in draft.also if other != draft.place]
        lines, what, logs = together[tuple(draft.told)]
        finding = Finding(
            rule.code,
            rule.name,
            draft.severity,
            said.message,
            lines,
            what,
            said.remedy,
            (place, *others),
            logs[0][1] if logs else None,
            logs,
        )
        where = files.get(place.file, -1), place.line or 0, place.column or 0
        done.append(((-draft.severity, *where, rule.code, said.message), finding))
    done.sort(key=itemgetter(0))
    return [finding for _, finding in done]


class _Together(dict[tuple[Told, ...], Any]):
    """What release lines do together: all lines, the merged effect, and who logs what.

    Findings that are told alike share the answer.
    """

    def __init__(self, look: Look) -> None:
        self._look = look
        self._spans: dict[frozenset[str], tuple[str, ...]] = {}

    def __missing__(self, told: tuple[Told, ...]) -> Any:
        effects: dict[str, set[str]] = {}
        texts: dict[str, set[str]] = {}
        for lines, what, log in told:
            effects.setdefault(what, set()).update(lines)
            if log:
                texts.setdefault(log, set()).update(lines)
        logs = [(self._span(lines), text) for text, lines in texts.items()]
        logs.sort(key=lambda log: self._look.lines.index(log[0][0]))
        span = self._span(set().union(*effects.values()))
        found = self[told] = span, merged(effects, self._look), tuple(logs)
        return found

    def _span(self, chosen: set[str]) -> tuple[str, ...]:
        """Some release lines in order; equal ones are the same object."""
        lines = self._spans.get(key := frozenset(chosen))
        if lines is None:
            lines = self._spans[key] = tuple(n for n in self._look.lines if n in chosen)
        return lines


def _located(stream: Stream, drafts: list[_Draft]) -> dict[Place, Place]:
    """Each place with line and column, asked of each file once."""
    wanted: dict[str, list[Place]] = {}
    places = {p for draft in drafts for p in (draft.place, *draft.also)}
    found: dict[Place, Place] = {p: p for p in places if p.line is not None}
    for place in places - found.keys():
        wanted.setdefault(place.file, []).append(place)
    for file, some in wanted.items():
        metadata = stream.files.get(file)
        document = metadata.best if metadata is not None else None
        at: dict[Path, tuple[int, int]] = {}
        if document is not None and document.fatal is not None:
            at = dict.fromkeys([p.path for p in some], document.position(document.fatal.offset))
        elif document is not None:
            at = document.locate([p.path for p in some])
        for place in some:
            line, column = at.get(place.path, (None, None))
            found[place] = Place(file, place.path, line, column)
    return found
