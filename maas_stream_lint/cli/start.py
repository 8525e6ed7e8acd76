"""Where the program starts: the work before Python imports click, which takes most of a start."""

from __future__ import annotations

import gc
import sys

#: So many new objects start a garbage collection. Python's own number, 700, starts dozens of them
#: while modules are imported, and they find nothing.
_OBJECTS = 100_000


def start() -> None:
    """Run the command line, or answer ``--version`` without it."""
    gc.set_threshold(_OBJECTS)
    if sys.argv[1:] == ["--version"] and _said():
        return
    from maas_stream_lint.cli.main import main

    try:
        main()
    finally:
        # At its end, Python looks through all objects for garbage, except through frozen ones.
        gc.freeze()


def _said() -> bool:
    """Print the version. If that fails, the command line prints it, and says why it cannot."""
    import os

    from maas_stream_lint.names import VERSION_LINE

    try:
        os.write(1, f"{VERSION_LINE}\n".encode())
    except OSError:
        return False
    return True
