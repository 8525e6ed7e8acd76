"""What MAAS does with a stream where its own client reads it: it validates, then syncs selections.

``fetch`` reads all metadata. ``index_model`` and ``shapes`` judge it: ``fast_path`` what is as
usual, ``nearest`` what a product is meant for, ``fieldtypes`` single values. ``kept_manifest``
stores what is ``fitting``, and ``sync`` makes boot resources of it. The models are data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.imports.recorder import Recorder
from maas_stream_lint.imports.stored import Stored
from maas_stream_lint.imports.strict.fetch import Fetch
from maas_stream_lint.imports.strict.kept_manifest import Manifest
from maas_stream_lint.imports.strict.sync import Sync, cached

if TYPE_CHECKING:
    from maas_stream_lint.imports.answers import Answers
    from maas_stream_lint.imports.trace import Trace
    from maas_stream_lint.stream import Stream


def simulate(stream: Stream, answers: Answers) -> Trace:
    """The import of one source, everything selected, nothing stored before.

    Mirrors ``fetch_manifest_and_update_cache`` and ``SyncSelectionWorkflow``
    (src/maastemporalworker/workflow/bootresource.py).
    """
    recorder = Recorder(answers, "metadata")
    lists = Fetch(recorder, stream).run()
    recorder.stage = "cache"
    Manifest(recorder, stream).fill(lists)
    recorder.stage = "sync"
    trace = recorder.trace
    trace.stored, trace.cached = Stored(), cached(lists)
    sync = Sync(recorder, lists, trace.stored)
    sync.drop_unwanted()
    if trace.fatal is None:
        _sync_all(sync)
        trace.imported = list(sync.imported)
    else:
        trace.beyond = Stored()
        _sync_all(Sync(Recorder(answers, "sync"), lists, trace.beyond))
    return trace


def _sync_all(sync: Sync) -> None:
    selections = sync.all_selections()
    sync.suitable = set(selections)
    for selection, products in selections.items():
        sync.sync(selection, products)
