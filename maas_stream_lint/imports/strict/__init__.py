"""What MAAS does with a stream where its own client reads it: it validates, then syncs selections.

``fetch`` reads all metadata. ``index_model`` and ``shapes`` judge it: ``fast_path`` what is as
usual, ``nearest`` what a product is meant for, ``fieldtypes`` single values. ``kept_manifest``
stores what is ``fitting``, and ``sync`` makes boot resources of it. The models are data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.imports.recorder import Recorder
from maas_stream_lint.imports.strict.fetch import Fetch
from maas_stream_lint.imports.strict.kept_manifest import Manifest
from maas_stream_lint.imports.strict.sync import Sync

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
    Sync(recorder, lists).run()
    if recorder.trace.fatal is not None:
        # What would follow, were the causes fixed: nothing of it is reported as an import.
        scratch = Recorder(answers, "sync")
        Sync(scratch, lists).run()
        recorder.trace.rows, recorder.trace.cached = scratch.trace.rows, scratch.trace.cached
    return recorder.trace
