"""What MAAS does with a stream that python-simplestreams reads: two passes, a cache between.

Where MAAS raises, the engine records an abort and goes on as if the cause were fixed.

``flattening`` makes one set of fields from file, product, version and item. ``walk`` goes from the
index to the products. ``first_pass`` lists the products on offer, and ``claim_rows`` stores them.
``choosing`` picks the selected ones, and ``second_pass`` makes boot resources of them with
``storing``. ``plain_claims`` and ``by_table`` are the passes over tables of products, with
``products_file`` between them. ``finishing`` downloads and deletes. ``both_passes`` is what the
passes share. ``legacy_import`` imports several sources into a MAAS that already has images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.imports.legacy.both_passes import NOTHING, PassRecorder
from maas_stream_lint.imports.legacy.choosing import choose, everything
from maas_stream_lint.imports.legacy.claim_rows import ClaimRows
from maas_stream_lint.imports.legacy.first_pass import FirstPass
from maas_stream_lint.imports.legacy.second_pass import SecondPass
from maas_stream_lint.imports.legacy.storing import Store
from maas_stream_lint.imports.stored import Stored

if TYPE_CHECKING:
    from maas_stream_lint.imports.answers import Answers
    from maas_stream_lint.imports.legacy.flattening import Shared
    from maas_stream_lint.imports.situation import Selection
    from maas_stream_lint.imports.trace import Trace
    from maas_stream_lint.stream import Stream


def simulate(
    stream: Stream,
    answers: Answers,
    shared: Shared,
    selections: tuple[Selection, ...] | None = None,
) -> Trace:
    """The import of one source into an empty MAAS.

    ``shared``: what the imports of other release lines have found already. ``selections``: what
    MAAS has selected of the source; ``None``: everything.

    Mirrors ``_import_resources_without_lock`` (src/maasserver/bootresources.py).
    """
    recorder = PassRecorder(answers)
    first = FirstPass(recorder, stream, shared)
    first.walk()
    recorder.stage = "cache"
    ClaimRows(recorder).fill(first)
    recorder.stage = "writer"
    recorder.trace.stored = Stored()
    recorder.trace.cache, recorder.trace.offers = first.cached, first.offers
    if selections is None:
        wanted = everything(first, recorder)
    else:
        wanted = choose([first.mapping], [selections], [recorder])
    if wanted.empty and recorder.trace.fatal is None:
        recorder.trace.say("writer", "warning", NOTHING)
        return recorder.trace
    second = SecondPass(recorder, first, Store(recorder.trace.stored))
    second.write(wanted)
    return recorder.trace
