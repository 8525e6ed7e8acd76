"""Where a stream is read from: a directory on disk, or a URL.

``answer`` holds the vocabulary, ``local`` and ``remote`` read, ``opening`` chooses between them.
``address`` says which URL may get which credentials, ``index_path`` which file MAAS asks for first.
"""

from maas_stream_lint.source.answer import (
    Answer,
    FetchOptions,
    Source,
    Trouble,
    Unchecked,
    printable,
)
from maas_stream_lint.source.index_path import SIGNED_INDEX, split_source
from maas_stream_lint.source.local import LocalTree, encodable, file_name, local_root
from maas_stream_lint.source.opening import (
    is_local,
    local_path,
    open_source,
    tree_index,
    without_secrets,
)

__all__ = [
    "SIGNED_INDEX",
    "Answer",
    "FetchOptions",
    "LocalTree",
    "Source",
    "Trouble",
    "Unchecked",
    "encodable",
    "file_name",
    "is_local",
    "local_path",
    "local_root",
    "open_source",
    "printable",
    "split_source",
    "tree_index",
    "without_secrets",
]
