"""What MAAS does with a stream where its own client reads it: it validates, then syncs selections.

``fetch`` reads all metadata, ``index`` and ``shapes`` judge it (``fast_path`` what is as usual,
``nearest`` what a product is meant for, ``fieldtypes`` single values), ``cache`` stores it, and
``sync`` makes boot resources of the ``products``. ``recorder`` takes down what happens. The models
are data of the release line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.imports.strict.cache import Cache
from maas_stream_lint.imports.strict.fetch import Fetch
from maas_stream_lint.imports.strict.recorder import Recorder
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
    recorder = Recorder(answers)
    lists = Fetch(recorder, stream).run()
    recorder.stage = "cache"
    Cache(recorder, stream).fill(lists)
    recorder.stage = "sync"
    Sync(recorder, lists).run()
    return recorder.trace
