"""What MAAS does with a stream where python-simplestreams reads it: two passes, a cache between.

Where MAAS raises, an abort is recorded and the walk goes on as if the cause were fixed.

``flattening`` makes one set of fields of file, product, version and item; ``walk`` goes from the
index to the products; ``first_pass`` finds what is on offer, ``claim_rows`` stores it, and
``second_pass`` makes boot resources of it. ``both_passes`` is what the passes share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.imports.legacy.both_passes import PassRecorder
from maas_stream_lint.imports.legacy.claim_rows import ClaimRows
from maas_stream_lint.imports.legacy.first_pass import FirstPass
from maas_stream_lint.imports.legacy.second_pass import SecondPass

if TYPE_CHECKING:
    from maas_stream_lint.imports.answers import Answers
    from maas_stream_lint.imports.legacy.flattening import Shared
    from maas_stream_lint.imports.trace import Trace
    from maas_stream_lint.stream import Stream


def simulate(stream: Stream, answers: Answers, shared: Shared) -> Trace:
    """The import of one source, everything selected, nothing stored before.

    ``shared``: what the imports of other release lines have found already.

    Mirrors ``_import_resources_without_lock`` (src/maasserver/bootresources.py).
    """
    recorder = PassRecorder(answers)
    first = FirstPass(recorder, stream, shared)
    first.walk()
    recorder.stage = "cache"
    ClaimRows(recorder).fill(first.mapping)
    recorder.stage = "writer"
    second = SecondPass(recorder, first)
    second.write()
    recorder.trace.resources, recorder.trace.rows = second.resources(), second.rows()
    recorder.trace.cached = first.cached()
    return recorder.trace
