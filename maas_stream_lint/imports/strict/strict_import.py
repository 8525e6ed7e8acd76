"""One fetch of several sources, and the sync of their selections, into a MAAS that holds images.

Mirrors ``fetch_manifest_and_update_cache`` and ``SyncSelectionWorkflow``
(src/maastemporalworker/workflow/bootresource.py), ``BootSourceSelectionsService`` and
``ImageSyncService`` (src/maasservicelayer/services/).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from maas_stream_lint.imports.recorder import Recorder
from maas_stream_lint.imports.situation import ANY, Row, rows_of
from maas_stream_lint.imports.strict.fetch import Fetch
from maas_stream_lint.imports.strict.kept_manifest import Manifest
from maas_stream_lint.imports.strict.sync import Sync, cached, offered
from maas_stream_lint.imports.trace import Imported, Outcome, commissioning_texts

if TYPE_CHECKING:
    from maas_stream_lint.imports.answers import Answers
    from maas_stream_lint.imports.maas import Maas
    from maas_stream_lint.imports.situation import ReadSource, Situation
    from maas_stream_lint.imports.stored import Dropped, HeldFile, HeldSet
    from maas_stream_lint.imports.strict.fetch import Listed
    from maas_stream_lint.imports.trace import Event

NOT_FETCHED = "Could not fetch manifest for boot source with url {}: {}"
NOTIFIED = (
    "Failed to fetch image manifest for boot source with url {}. Check the logs for more details."
)
ALL_DISABLED = (
    "All the boot sources are disabled. It will not be possible to download new boot resources."
)
GONE = (
    "After boot source (id={}) updates, the boot source selection for {}/{} arch={} is not "
    "available anymore."
)


def import_all(maas: Maas, situation: Situation, answers: Answers) -> Outcome:
    """Fetch and sync once. ``maas`` is what MAAS holds, and is changed."""
    return _Import(maas, situation, answers).run()


class _Import:
    def __init__(self, maas: Maas, situation: Situation, answers: Answers) -> None:
        self.maas = maas
        self.situation = situation
        self.answers = answers
        self.outcome = Outcome(strict=True)
        self.manifests: dict[str, list[Listed]] = maas.manifests  # type: ignore[assignment]
        self.syncs: dict[str, Sync] = {}
        self.waiting: dict[Row, list[tuple[HeldSet, HeldFile]]] = {}

    def run(self) -> Outcome:
        stored = self.maas.stored
        stored.deleted = []
        for name in self.situation.names:
            self.maas.numbers.setdefault(name, len(self.maas.numbers) + 1)
        self._change()
        self.outcome.deleted_by_change = sorted(set(stored.deleted))
        stored.deleted = []
        self._fetch()
        self._make_rows()
        self._look_up()
        self.outcome.note_resources(stored)
        self._download()
        self._clean_up()
        self.outcome.note_kept(stored, self.maas.turn)
        return self.outcome

    # -- what was changed since the last import ----------------------------------------------

    def _change(self) -> None:
        """Images go with their source, or with their selection."""
        kept = set(self.situation.names)
        removed = {name for what, name in self.situation.changes if what == "remove"}
        gone = (set(self.manifests) | {row.source for row in self.maas.rows}) - kept | removed
        for name in gone:
            self.manifests.pop(name, None)
            self.maas.cached.pop(name, None)
        rows = [row for row in self.maas.rows if row.source in gone or not self._is_selected(row)]
        self._drop_images(rows)
        self.maas.rows = [row for row in self.maas.rows if row not in rows]

    def _is_selected(self, row: Row) -> bool:
        selections = self.situation.source(row.source).selections
        return selections is None or any(
            (chosen.os, chosen.release) == (row.os, row.release)
            and (row.arch in chosen.arches or chosen.arches == (ANY,))
            for chosen in selections
        )

    def _drop_images(self, rows: list[Row]) -> None:
        stored = self.maas.stored
        for key in [key for key, held in stored.resources.items() if held.selection in rows]:
            stored.drop_resource(key)

    # -- fetching ----------------------------------------------------------------------------

    def _fetch(self) -> None:
        """All enabled sources in one transaction."""
        enabled = [source for source in self.situation.sources if source.enabled]
        if not enabled:
            self.outcome.fetch_notifications.append(ALL_DISABLED)
        self.outcome.failures = dict.fromkeys(self.situation.names)
        new: dict[str, list[Listed]] = {}
        notified: list[str] = []
        for source in enabled:
            lists, failure = self._fetched(source)
            self.outcome.failures[source.name] = failure
            if failure is None:
                new[source.name] = lists
                continue
            said = source.with_url(failure.message or "")
            if failure.values.get("database"):
                text = self.answers.log_text("database-error").replace("{message}", said)
                self.outcome.fetch.append(("error", NOT_FETCHED.format(source.url, text)))
                self.outcome.fetch_failed = self.answers.log_text("rolled-back")
                return
            self.outcome.fetch.append(("error", NOT_FETCHED.format(source.url, said)))
            notified.append(NOTIFIED.format(source.url))
        self.outcome.fetch_notifications += notified
        self.manifests.update(new)
        for name, lists in new.items():
            self.maas.cached[name] = {(row.os, row.release) for row in cached(lists)}
        if enabled:
            self._tell_gone()
            self._tell_commissioning()

    def _fetched(
        self, source: ReadSource, *, cache: bool = True
    ) -> tuple[list[Listed], Event | None]:
        """What a source lists, and what keeps MAAS from having it. ``cache``: of all rows, too."""
        recorder = Recorder(self.answers, "metadata")
        lists = Fetch(recorder, source.stream, verify=source.verify).run()
        recorder.unreachable(source)
        recorder.stage = "cache"
        if recorder.trace.fatal is None:
            Manifest(recorder, source.stream).fill(lists, cache=cache)
        self.outcome.traces[source.name] = recorder.trace
        self.syncs[source.name] = Sync(
            recorder, lists, self.maas.stored, source.name, self.maas.turn
        )
        return lists, recorder.trace.fatal

    def _tell_gone(self) -> None:
        """After another URL, what is selected and not there."""
        moved = [name for what, name in self.situation.changes if what == "url"]
        for row in self.maas.rows:
            if row.source not in moved or self.outcome.failures.get(row.source) is not None:
                continue
            if row.wanted not in offered(self.manifests.get(row.source, ())):
                number = self.maas.numbers[row.source]
                self.outcome.notifications.append(GONE.format(number, *row.wanted))

    def _tell_commissioning(self) -> None:
        sources = self.situation.sources
        if self.situation.commissioning is None or any(s.selections is None for s in sources):
            return
        selected = {(row.os, row.release) for s in sources for row in s.selections or ()}
        if self.situation.migrated:  # they are made after this
            selected = set()
        self.outcome.notifications += commissioning_texts(
            self.situation.commissioning, selected, set().union(*self.maas.cached.values())
        )

    # -- selections --------------------------------------------------------------------------

    def _make_rows(self) -> None:
        """A row for each architecture that a selection names, or that is there for ``*`` alone.

        Mirrors ``ensure_selections_from_legacy``.
        """
        known = set(self.maas.rows)
        for source in self.situation.sources:
            there = offered(self.manifests.get(source.name, ()))
            rows = there if source.selections is None else rows_of(source.selections, there)
            for wanted in rows:
                row = Row(source.name, *wanted)
                if row not in known:
                    known.add(row)
                    self.maas.rows.append(row)

    def _highest(self) -> list[Row]:
        """Of rows that select the same, that of the enabled source with the highest priority."""
        enabled = {source.name: source for source in self.situation.sources if source.enabled}
        best: dict[tuple[str, str, str], Row] = {}
        for row in self.maas.rows:
            if row.source in enabled:
                other = best.get(row.wanted)
                if other is None or enabled[row.source].priority > enabled[other.source].priority:
                    best[row.wanted] = row
        rows = [(row, best.get(row.wanted)) for row in self.maas.rows]
        self.outcome.outranked = {
            row: winner
            for row, winner in rows
            if winner not in (None, row) and row.source in enabled
        }
        return [row for row, winner in rows if winner == row]

    # -- sync --------------------------------------------------------------------------------

    def _look_up(self) -> None:
        rows = self._highest()
        self.outcome.synced = rows
        products: dict[str, dict[tuple[str, str, str], list[object]]] = {}
        holders = Counter(row.wanted for row in self.maas.rows)
        suitable = set(holders)
        for row in rows:
            undo = self._delete_losers(row) if holders[row.wanted] > 1 else []
            failure = self._sync(row, rows, suitable, products)
            if failure is None:
                for step in undo:
                    step.settle()
            else:
                self.outcome.aborted[row] = failure
                for step in reversed(undo):
                    step.undo()

    def _delete_losers(self, row: Row) -> list[Dropped]:
        """The images of other rows that select the same go first."""
        stored = self.maas.stored
        losers = [
            key
            for key, held in stored.resources.items()
            if held.selection is not None
            and held.selection != row
            and held.selection.wanted == row.wanted
        ]
        return [stored.drop_for_now(key) for key in losers]

    def _sync(
        self,
        row: Row,
        rows: list[Row],
        suitable: set[tuple[str, str, str]],
        products: dict[str, dict[tuple[str, str, str], list[object]]],
    ) -> Event | None:
        """Look a row's files up in the manifest; fetch that if there never was one."""
        source = self.situation.source(row.source)
        if row.source not in self.manifests:
            lists, failure = self._fetched(source, cache=False)
            if failure is not None:
                return failure
            self.manifests[row.source] = lists
        sync = self.syncs.get(row.source)
        if sync is None or sync.lists is not self.manifests[row.source]:
            recorder = Recorder(self.answers, "sync")
            lists = self.manifests[row.source]
            sync = self.syncs[row.source] = Sync(
                recorder, lists, self.maas.stored, row.source, self.maas.turn
            )
            products.pop(row.source, None)
        sync.recorder.stage, sync.suitable = "sync", suitable
        if row.source not in products:
            own = {other.wanted for other in rows if other.source == row.source}
            products[row.source] = sync.products(own)  # type: ignore[assignment]
        before = len(sync.imported)
        failure = sync.sync(row.wanted, products[row.source][row.wanted], row)  # type: ignore[arg-type]
        if failure is None:
            new = Imported(list(sync.imported)[before:])
            self.outcome.imported += [(row.source, item) for item in new]
            if sync.pending:
                self.waiting[row] = sync.pending
            else:
                self.outcome.nothing_to_download.append(row)
        return failure

    def _download(self) -> None:
        """Have all bytes arrive, but those of a source that is down."""
        stored = self.maas.stored
        arrived = set(stored.arrived)
        for row, pending in self.waiting.items():
            down = self.situation.source(row.source).down
            if down and any(file.sha256 not in arrived for _, file in pending):
                self.outcome.download_failed.append(row)
                for held, file in pending:
                    if held.files.get(file.name) is file:
                        stored.drop_file(held, file.name)
                continue
            for _, file in pending:  # a later row may have replaced the file since
                known = file.sha256 in arrived
                (self.outcome.requeued if known else self.outcome.downloads).append(file.sha256)
                sources = self.outcome.from_.setdefault(file.sha256, [])
                sources += [] if row.source in sources else [row.source]
                file.complete = True
                if file.sha256 in stored.needed:
                    stored.arrived.add(file.sha256)

    def _clean_up(self) -> None:
        """Of each boot resource that a synced row brought, the newest set stays.

        Mirrors ``cleanup_boot_resource_sets_for_selection``.
        """
        stored = self.maas.stored
        for resource in stored.resources.values():
            for version in [v for v, held in resource.sets.items() if not held.files]:
                stored.drop_set(resource, version)
            if resource.selection in self.waiting:
                for version in list(resource.sets)[:-1]:
                    stored.drop_set(resource, version)
        stored.drop_empty()
