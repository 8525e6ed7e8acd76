"""The start and the end of the program: the work around click, which takes most of a start."""

from __future__ import annotations

import atexit
import gc
import os
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
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            _end(end.code or 0)
        raise


def _said() -> bool:
    """Print the version. If that fails, the command line prints it, and says why it cannot."""
    from maas_stream_lint.names import VERSION_LINE

    try:
        os.write(1, f"{VERSION_LINE}\n".encode())
    except OSError:
        return False
    return True


def _end(code: int) -> None:
    """End the process without freeing all objects first, one by one, as Python does it.

    What was registered with ``atexit`` runs. Python itself ends the process if a thread still runs,
    if the output cannot be written, and if somebody traces or profiles the run.
    """
    import threading

    if threading.active_count() > 1 or sys.getprofile() or sys.gettrace():
        return
    atexit._run_exitfuncs()
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except (OSError, ValueError):
        return
    os._exit(code)
