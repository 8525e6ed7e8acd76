"""What MAAS up to 3.7 does with a stream: two passes of the simplestreams library, a cache between.

Where MAAS raises, an abort is recorded and the walk goes on as if the cause were mended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.imports.database import Database
from maas_stream_lint.imports.descriptions import Descriptions
from maas_stream_lint.imports.journal import Journal
from maas_stream_lint.imports.writer import Writer

if TYPE_CHECKING:
    from maas_stream_lint.imports.answers import Answers
    from maas_stream_lint.imports.flat import Shared
    from maas_stream_lint.imports.trace import Trace
    from maas_stream_lint.stream import Stream


def simulate(stream: Stream, answers: Answers, shared: Shared) -> Trace:
    """The import of one source, everything selected, nothing stored before.

    ``shared``: what the imports of other release lines have found already.

    Mirrors ``_import_resources_without_lock`` (maasserver/bootresources.py).
    """
    journal = Journal(answers)
    described = Descriptions(journal, stream, shared)
    described.walk()
    journal.stage = "cache"
    database = Database(journal)
    database.cache(described.mapping)
    journal.stage = "writer"
    writer = Writer(journal, database, described)
    writer.write()
    journal.trace.resources, journal.trace.rows = writer.resources(), writer.rows()
    journal.trace.cached = described.cached()
    return journal.trace
