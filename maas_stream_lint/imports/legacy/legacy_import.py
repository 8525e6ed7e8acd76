"""One import of several sources into a MAAS that may hold images: both passes over all of them.

Mirrors ``_import_resources_without_lock`` (src/maasserver/bootresources.py) and
``cache_boot_sources`` (src/maasserver/bootsources.py).
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from maas_stream_lint.imports.legacy.both_passes import NOTHING, PassRecorder
from maas_stream_lint.imports.legacy.choosing import choose
from maas_stream_lint.imports.legacy.claim_rows import ClaimRows
from maas_stream_lint.imports.legacy.finishing import finish
from maas_stream_lint.imports.legacy.first_pass import FirstPass
from maas_stream_lint.imports.legacy.second_pass import SecondPass
from maas_stream_lint.imports.legacy.storing import Store
from maas_stream_lint.imports.trace import Outcome, Shadowed, commissioning_texts

if TYPE_CHECKING:
    from maas_stream_lint.imports.answers import Answers
    from maas_stream_lint.imports.legacy.flattening import Shared
    from maas_stream_lint.imports.maas import Maas
    from maas_stream_lint.imports.situation import ReadSource, Selection, Situation
    from maas_stream_lint.imports.trace import Event

FAILED = "Failed to import images from {}: {}"
UNSIGNED = "Failed to import images from {} ({}). Verify network connectivity and try again."
LOGGED_UNSIGNED = (
    "Failed to download image descriptions with Simplestreams ({}). Verify network connectivity."
)
NOT_CACHED = "Unable to update boot sources cache."
#: What MAAS catches while it fills its cache; anything else ends the import there.
CAUGHT = ("OSError", "ConnectionError", "SignatureMissingException")


def import_all(
    maas: Maas, situation: Situation, answers: Answers, shared: dict[str, Shared]
) -> Outcome:
    """Import once. ``maas`` is what MAAS holds, and is changed. ``shared``: by source."""
    return _Import(maas, situation, answers, shared).run()


class _Import:
    def __init__(
        self, maas: Maas, situation: Situation, answers: Answers, shared: dict[str, Shared]
    ) -> None:
        self.maas = maas
        self.situation = situation
        self.answers = answers
        by_name = {source.name: source for source in situation.sources}
        self.sources = [by_name[name] for name in self._order()]
        each = answers.policy("contents") == "each-file"
        self.outcome = Outcome(
            counts_each=each, order=tuple(source.name for source in self.sources)
        )
        self.recorders = [PassRecorder(answers) for _ in self.sources]
        self.firsts = [
            FirstPass(recorder, source.stream, shared[source.name])
            for source, recorder in zip(self.sources, self.recorders, strict=True)
        ]

    def _order(self) -> list[str]:
        """The order of the rows in the table's file: a row that is written goes to its end."""
        order = [name for name in self.maas.order if name in self.situation.names]
        order += [name for name in self.situation.names if name not in order]
        for what, name in self.situation.changes:
            if name in order and self._is_written(what, name):
                order.remove(name)
                order.append(name)
        self.maas.order = order
        return order

    def _is_written(self, what: str, name: str) -> bool:
        """Whether a change writes the row of the source itself."""
        if what in ("add", "url"):
            return True
        if what != "edit":
            return False
        changed = self.maas.identities.get(name) != self.situation.source(name).identity
        return changed or bool(self.answers.policy("writes-unchanged"))

    def run(self) -> Outcome:
        self.maas.identities = {source.name: source.identity for source in self.sources}
        self.outcome.traces = {
            source.name: recorder.trace
            for source, recorder in zip(self.sources, self.recorders, strict=True)
        }
        stored = self.maas.stored
        stored.deleted = []
        if self._fill_cache():
            self._notify()
            self._choose_and_write()
        self.outcome.note_kept(stored, self.maas.turn)
        return self.outcome

    # -- the first pass ---------------------------------------------------------------------

    def _fill_cache(self) -> bool:
        """Each source by itself. Whether the import goes on."""
        failed = False
        for source, recorder, first in zip(self.sources, self.recorders, self.firsts, strict=True):
            first.walk()
            recorder.unreachable(source)
            recorder.stage = "cache"
            if recorder.trace.fatal is None:
                ClaimRows(recorder).fill(first)
            fatal = recorder.trace.fatal
            if fatal is None:
                self.maas.cached[source.name] = {(row.os, row.release) for row in first.cached()}
            elif fatal.exception in CAUGHT:
                failed = True
                self._report(source, fatal)
            else:
                self._end(1, source, fatal)
                return False
        if failed:
            self.outcome.bootsources.append(("error", NOT_CACHED))
        return True

    def _report(self, source: ReadSource, fatal: Event) -> None:
        """What the log and the users are told of a source that failed."""
        said = source.with_url(fatal.message or "")
        if fatal.exception == "SignatureMissingException":
            told = UNSIGNED.format(source.url, said)
            logged = LOGGED_UNSIGNED.format(said)
        else:
            told = logged = FAILED.format(source.url, said)
        self.outcome.errors.append(escape(told))
        self.outcome.bootsources.append(("error", logged))

    def _notify(self) -> None:
        rows = self._selections()
        if self.situation.commissioning is not None and rows is not None:
            available = set().union(*self.maas.cached.values())
            selected = {(row.os, row.release) for row in rows}
            self.outcome.notifications += commissioning_texts(
                self.situation.commissioning, selected, available
            )

    def _selections(self) -> list[Selection] | None:
        if any(source.selections is None for source in self.sources):
            return None
        return [row for source in self.sources for row in source.selections or ()]

    # -- the second pass --------------------------------------------------------------------

    def _choose_and_write(self) -> None:
        for source, recorder in zip(self.sources, self.recorders, strict=True):
            if recorder.trace.fatal is not None:
                self._end(2, source, recorder.trace.fatal)
                return
        for recorder in self.recorders:
            recorder.stage = "descriptions"
        wanted = choose(
            [first.mapping for first in self.firsts],
            [source.selections for source in self.sources],
            self.recorders,
        )
        if any(recorder.trace.fatal for recorder in self.recorders):
            self._fail_in_second()
            return
        self.outcome.chosen = sorted(
            {
                (self.sources[number].name, f"{product}/{version}")
                for number, product, version in wanted.chosen
            }
        )
        self.outcome.shadowed = [
            Shadowed(
                self.sources[loser].name, lost.place, spec, self.sources[winner].name, kept.place
            )
            for loser, spec, lost, winner, kept in wanted.shadowed
        ]
        if wanted.empty:
            self.outcome.writer.append(("warning", NOTHING))
            return
        store = Store(self.maas.stored, self.maas.turn, told=True)
        for source, recorder, first in zip(self.sources, self.recorders, self.firsts, strict=True):
            recorder.stage = "writer"
            SecondPass(recorder, first, store, source.name).write(wanted)
            self.outcome.writer += recorder.trace.log["writer"]
            self.outcome.imported += [(source.name, new) for new in recorder.trace.imported]
            if recorder.trace.fatal is not None:
                self._end(2, source, recorder.trace.fatal)
                return
        self.outcome.note_resources(self.maas.stored)
        finish(self.recorders[-1], store, self._selections(), self.outcome)

    def _fail_in_second(self) -> None:
        for source, recorder in zip(self.sources, self.recorders, strict=True):
            if recorder.trace.fatal is not None:
                self._end(2, source, recorder.trace.fatal)
                return

    def _end(self, number: int, source: ReadSource, fatal: Event) -> None:
        self.outcome.fatal = fatal
        self.outcome.fatal_pass, self.outcome.fatal_source = number, source.name
        self.outcome.note_resources(self.maas.stored)
