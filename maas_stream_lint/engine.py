"""Traces and nodes in, findings out; what several release lines have in common is one finding."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from maas_stream_lint.finding import Finding, Path, Place, Severity
from maas_stream_lint.imports import simulate
from maas_stream_lint.imports.trace import Event, Kind, Trace
from maas_stream_lint.model import Catalog
from maas_stream_lint.rule import Rule, Said, cut

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from maas_stream_lint.images.observation import Seen, Survey, Wanted
    from maas_stream_lint.model import Item
    from maas_stream_lint.rulebook import Release
    from maas_stream_lint.stream import Stream

COSTS = {Kind.ABORT: Severity.FATAL, Kind.SELECTION: Severity.IGNORED, Kind.DROP: Severity.IGNORED}

Key = tuple[str, Severity, Place, str]


@dataclass
class Look:
    """All that a rule may look at; no rule does I/O."""

    stream: Stream
    releases: tuple[Release, ...]
    traces: list[Trace]
    survey: Survey | None = None  #: of the image files, if they were looked at
    memo: dict[str, Any] = field(default_factory=dict, repr=False)  #: what several rules work out
    _taken: dict[tuple[str, str | None], tuple[str, ...]] = field(default_factory=dict, repr=False)
    _stored: dict[tuple[tuple[str, ...], str, str | None], tuple[str, ...]] = field(
        default_factory=dict, repr=False
    )

    @cached_property
    def catalog(self) -> Catalog:
        """The stream's nodes."""
        return Catalog(self.stream)

    @property
    def lines(self) -> tuple[str, ...]:
        """The release lines that were asked for, oldest first."""
        return tuple(r.line for r in self.releases)

    def where(self, holds: Any) -> tuple[str, ...]:
        """The release lines for which ``holds(release)`` is true."""
        return tuple(r.line for r in self.releases if holds(r))

    def span(self, lines: Sequence[str]) -> str:
        """Release lines, oldest first, in few words: ``2.9 to 3.7``."""
        first, last = self.lines.index(lines[0]), self.lines.index(lines[-1])
        if len(lines) > 2 and last - first == len(lines) - 1:
            return f"{lines[0]} to {lines[-1]}"
        return " and ".join([", ".join(lines[:-1]), lines[-1]] if len(lines) > 1 else lines)

    def least(self, limit: str) -> int:
        """The narrowest of a column's widths in the lines that were asked for."""
        if limit not in self.memo:
            self.memo[limit] = min(r.limit(limit) or 0 for r in self.releases)
        width: int = self.memo[limit]
        return width

    def takes(self, place: Place) -> tuple[str, ...]:
        """The release lines that import something of the product that a place is in.

        Where the strict engine gives up the whole source, a product with no event of its own counts
        as taken: nothing about itself is in the way.
        """
        return self._takes((place.file, place.product))

    def _takes(self, product: tuple[str, str | None]) -> tuple[str, ...]:
        lines = self._taken.get(product)
        if lines is None:
            lines = self._taken[product] = tuple(
                line
                for lines, strict, known in self._known
                if (product in known) is not strict
                for line in lines
            )
        return lines

    def misnames(self, place: Place) -> tuple[str, ...]:
        """The release lines that drop the product that a place is in for its name alone.

        What else is wrong with it is due as soon as it is named right, so it is told as well.
        """
        product = (place.file, place.product)
        if "misnamed" not in self.memo:
            named: dict[tuple[str, str | None], set[str]] = {}
            for trace in self.traces:
                for event in trace.events:
                    if event.cause == "ubuntu-name":
                        key = (event.place.file, event.place.product)
                        named.setdefault(key, set()).update(trace.lines)
            self.memo["misnamed"] = named
        lines: set[str] = self.memo["misnamed"].get(product, set())
        return tuple(line for line in self.lines if line in lines)

    def stores(self, item: Item) -> tuple[str, ...]:
        """The release lines that download an item of a newest version, if its product is taken."""
        product = item.version.product
        lines, key, ftype = self._takes((product.file.path, product.name)), item.key, item.ftype
        stored = self._stored.get((lines, key, ftype))
        if stored is None:
            stored = self._stored[(lines, key, ftype)] = tuple(
                r.line for r in self.releases if r.line in lines and r.stores(key, ftype)
            )
        dropped = self._passed_over.get(item.place) if self._passed_over else None
        return tuple(line for line in stored if line not in dropped) if dropped else stored

    @cached_property
    def _passed_over(self) -> dict[Place, set[str]]:
        """The items that a strict engine leaves out, though another shape of file has their key."""
        dropped: dict[Place, set[str]] = {}
        for trace in self.traces:
            if trace.strict:
                for event in trace.events:
                    if event.cause == "item-not-taken":
                        dropped.setdefault(event.place, set()).update(trace.lines)
        return dropped

    def downloads(self, item: Item) -> tuple[str, ...]:
        """The release lines that ask for an item's file, or do as soon as its product has a name.

        That is, an item of a product's newest version; of an older one they would if the newer ones
        were taken away.
        """
        named = self.misnames(item.place)
        stored = self.stores(item)
        if not named:
            return stored
        return tuple(
            r.line
            for r in self.releases
            if r.line in stored or (r.line in named and r.stores(item.key, item.ftype))
        )

    @cached_property
    def images(self) -> list[Image]:
        """The image files that were looked at, each with the items that name it."""
        found: dict[str, Image] = {}
        survey = self.survey
        for version in self.catalog.all_versions if survey is not None and survey.files else ():
            for item in version.items:
                seen = survey.files.get(item.path or "") if survey is not None else None
                if survey is None or seen is None:
                    continue
                image = found.get(seen.path)
                if image is None:
                    image = found[seen.path] = Image(seen, survey.wanted[seen.path])
                image.items.append(item)
        return list(found.values())

    @cached_property
    def _known(self) -> list[tuple[tuple[str, ...], bool, set[tuple[str, str | None]]]]:
        """Per trace: the products that the legacy engine takes, or that the strict one does not."""
        known = []
        for trace in self.traces:
            if trace.strict:
                products = {
                    (e.place.file, e.place.product)
                    for e in trace.events
                    if e.kind is not Kind.DROP or e.place.item is None
                }
            else:
                products = {(i.file, i.product) for i in trace.imported}
            known.append((trace.lines, trace.strict, products))
        return known


@dataclass
class _Draft:
    rule: Rule
    said: Said
    place: Place
    severity: Severity
    effects: dict[str, set[str]] = field(default_factory=dict)
    lines: set[str] = field(default_factory=set)
    logs: dict[str, set[str]] = field(default_factory=dict)
    also: dict[Place, None] = field(default_factory=dict)


def look_at(stream: Stream, releases: tuple[Release, ...]) -> Look:
    """Simulate the import for each release line."""
    with no_gc():
        return Look(stream, releases, simulate(stream, releases))


def findings(look: Look, rules: Sequence[Rule]) -> list[Finding]:
    """What the rules say, worst first, then in the stream's order."""
    with no_gc():
        drafts: dict[Key, _Draft] = {}
        _ask_about_events(look, rules, drafts)
        _ask_about_nodes(look, rules, drafts)
        return _finished(look, list(drafts.values()))


@contextmanager
def no_gc() -> Iterator[None]:
    """No cyclic garbage collection: there are no cycles here, and it takes a third of the time."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            if not gc.get_freeze_count():
                # All that is new goes to the oldest generation, so that it is not looked through
                # as soon as collection is on again.
                gc.freeze()
                gc.unfreeze()
            gc.enable()


def _ask_about_events(look: Look, rules: Sequence[Rule], drafts: dict[Key, _Draft]) -> None:
    by_cause: dict[str, list[Rule]] = {}
    for rule in rules:
        for cause in rule.causes:
            by_cause.setdefault(cause, []).append(rule)
    for trace in look.traces:
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
                    draft = _draft(drafts, rule, said, said.place or place, severity)
                    draft.lines.update(trace.lines)
                    done = said.effect or effect(event, trace)
                    draft.effects.setdefault(done, set()).update(trace.lines)
                    line = log_line(event, trace, look.stream) if said.log is None else said.log
                    if line:
                        draft.logs.setdefault(line, set()).update(trace.lines)


def _ask_about_nodes(look: Look, rules: Sequence[Rule], drafts: dict[Key, _Draft]) -> None:
    asked: dict[str, list[Rule]] = {}
    for rule in rules:
        if rule.on is not None:
            asked.setdefault(rule.on, []).append(rule)
    for kind, nodes in _nodes(look):
        for rule in asked.get(kind, ()):
            check = rule.check
            for node in nodes if rule.among is None else rule.among(nodes):
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


def _nodes(look: Look) -> Iterator[tuple[str, Sequence[Any]]]:
    catalog = look.catalog
    yield "stream", [Whole(look)]
    yield "index", catalog.indexes
    yield "entry", [entry for index in catalog.indexes for entry in index.entries]
    yield "file", catalog.files
    yield "product", catalog.products
    yield "version", catalog.newest
    yield "item", catalog.items
    if look.survey is not None and look.survey.mode != "none":
        yield "image", look.images


class Whole:
    """The source as a node."""

    def __init__(self, look: Look) -> None:
        """Of one look."""
        self.stream = look.stream
        self.place = Place(look.stream.start if look.stream.start in look.stream.files else "")


class Image:
    """An image file as a node: what was seen of it, and the items that name it."""

    def __init__(self, seen: Seen, wanted: Wanted) -> None:
        """No item yet."""
        self.seen, self.wanted = seen, wanted
        self.items: list[Item] = []

    @property
    def path(self) -> str:
        """As the metadata has it."""
        return self.seen.path

    @property
    def place(self) -> Place:
        """Where it is first named."""
        return self.items[0].at("path")


def _draft(
    drafts: dict[Key, _Draft], rule: Rule, said: Said, place: Place, severity: Severity
) -> _Draft:
    key = (rule.code, severity, place, said.message)
    draft = drafts.get(key)
    if draft is None:
        draft = drafts[key] = _Draft(rule, said, place, severity)
    draft.also.update(dict.fromkeys(said.also))
    return draft


def effect(event: Event, trace: Trace) -> str:
    """What MAAS does at an event, one clause."""
    told = f"{event.exception}: {event.message}" if event.exception else ""
    if event.kind is Kind.ABORT:
        lost = (
            "discards the whole source"
            if trace.strict
            else "stops the whole import, of every source"
        )
        return f"{lost} ({told})"
    if event.kind is Kind.SELECTION:
        return f"fails every selection that it belongs to ({told})"
    return "drops it with a warning" if event.message else "drops it without a word"


def _effects(effects: dict[str, set[str]], look: Look) -> str:
    """What MAAS does, and what other release lines do at the same thing, if that differs."""
    if len(effects) == 1:
        return next(iter(effects))
    order = look.lines.index
    ranked = sorted(effects.items(), key=lambda effect: min(map(order, effect[1])))
    told, done = [ranked[0][0]], {ranked[0][0].partition(" (")[0]}
    for text, lines in ranked[1:]:
        bare = text.partition(" (")[0]
        if bare and bare not in done:
            done.add(bare)
            told.append(f"on {look.span(sorted(lines, key=order))} {bare}")
    return "; ".join(told)


def log_line(event: Event, trace: Trace, stream: Stream) -> str | None:
    """The line that an event puts into MAAS's log."""
    if event.kind is Kind.DROP:
        return event.message
    if event.kind is Kind.SELECTION:
        return f"Failed to synchronize selection <id>: {event.message}"
    if trace.strict:
        said = _with_url(event, stream)
        return f"Could not fetch manifest for boot source with url {stream.label}: {said}"
    if event.exception in ("OSError", "SignatureMissingException"):
        return f"Failed to import images from {stream.label}: {_with_url(event, stream)}"
    return "Importing boot resources failed."


def _with_url(event: Event, stream: Stream) -> str | None:
    """MAAS names the URL where the simulation, which knows of no server, has the path."""
    path = event.values.get("path")
    if event.message is None or not isinstance(path, str) or "://" not in stream.base:
        return event.message
    url = f"{stream.base.rstrip('/')}/{path}"
    for before, after in (("Unable to open ", ". mirrors="), ("Request to '", "' failed")):
        if event.message.startswith(before + path + after):
            return before + url + event.message.removeprefix(before + path)
    return event.message


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
                effect=_effects(draft.effects, look),
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
