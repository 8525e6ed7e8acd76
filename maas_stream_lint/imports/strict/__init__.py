"""What MAAS does with a stream where its own client reads it: it validates, then syncs selections.

``fetch`` reads all metadata. ``index_model`` and ``shapes`` judge it: ``fast_path`` what is as
usual, ``nearest`` what a product is meant for, ``fieldtypes`` single values. ``kept_manifest``
stores what is ``fitting``, and ``sync`` makes boot resources of it; ``row_sync`` of many products
at once. The models are data.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from maas_stream_lint.imports.recorder import Recorder
from maas_stream_lint.imports.rows import Offer
from maas_stream_lint.imports.situation import rows_of
from maas_stream_lint.imports.stored import Stored
from maas_stream_lint.imports.strict.fetch import Fetch
from maas_stream_lint.imports.strict.kept_manifest import Manifest
from maas_stream_lint.imports.strict.row_sync import RowSync
from maas_stream_lint.imports.strict.sync import Sync, cached, offered
from maas_stream_lint.imports.trace import Imported

if TYPE_CHECKING:
    from maas_stream_lint.imports.answers import Answers
    from maas_stream_lint.imports.situation import Selection
    from maas_stream_lint.imports.tables import Tables
    from maas_stream_lint.imports.trace import Trace
    from maas_stream_lint.stream import Stream


def simulate(
    stream: Stream,
    answers: Answers,
    tables: Tables,
    selections: tuple[Selection, ...] | None = None,
) -> Trace:
    """The import of one source, nothing stored before.

    ``tables``: of the stream. ``selections``: what the source has selected; ``None``: everything.

    Mirrors ``fetch_manifest_and_update_cache`` and ``SyncSelectionWorkflow``
    (src/maastemporalworker/workflow/bootresource.py).
    """
    recorder = Recorder(answers, "metadata")
    lists = Fetch(recorder, stream, tables).run()
    recorder.stage = "cache"
    Manifest(recorder, stream).fill(lists)
    recorder.stage = "sync"
    trace = recorder.trace
    trace.stored, trace.cache = Stored(), partial(cached, lists)
    trace.offers = lambda: {Offer(*one, None, None) for one in offered(lists)}
    sync = Sync(recorder, lists, trace.stored)
    sync.drop_unwanted()
    if trace.fatal is None:
        _sync_all(sync, selections)
        trace.imported = Imported(sync.imported)
    else:
        trace.beyond = Stored()
        _sync_all(Sync(Recorder(answers, "sync"), lists, trace.beyond), selections)
    return trace


def _sync_all(sync: Sync, selections: tuple[Selection, ...] | None) -> None:
    there = offered(sync.lists)
    # A stream of bootloaders alone gets one empty selection.
    wanted = there or [("", "", "")] if selections is None else rows_of(selections, there)
    sync.suitable = set(wanted)
    RowSync(sync).run(dict.fromkeys(wanted))
