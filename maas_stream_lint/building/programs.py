"""Other people's programs, which read standard input: run with a list of arguments, no shell."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, cast

from maas_stream_lint.building.streams import STEP
from maas_stream_lint.errors import LintError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

_SHOWN = 200  # characters of what a program says


def found(*names: str) -> str | None:
    """The path of the first of these programs that there is."""
    return next((path for name in names if (path := shutil.which(name))), None)


def feed(command: Sequence[str], source: BinaryIO) -> None:
    """Run a program that reads ``source`` to its end. Raises LintError if it fails.

    What ``source`` raises is raised, once the program has ended.
    """
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stdin is not None
    try:
        with suppress(BrokenPipeError):  # it says itself what is wrong
            while piece := source.read(STEP):
                process.stdin.write(piece)
        with suppress(BrokenPipeError):
            process.stdin.close()
    except BaseException:
        process.kill()
        process.communicate()
        raise
    assert process.stderr is not None
    said = process.stderr.read(2**16).decode(errors="replace")
    process.stderr.close()
    if process.wait() != 0:
        lines = [line for line in said.splitlines() if line.strip()] or ["no word"]
        name = command[0].rpartition("/")[2]
        raise LintError(f"{name} failed: {lines[-1][:_SHOWN]}", "free disk space")


@contextmanager
def filtered(command: Sequence[str], source: BinaryIO) -> Iterator[BinaryIO]:
    """What a program makes of a file, from where the file is read next. It is ended at the end.

    ``source``: an unbuffered file of the system's.
    """
    process = subprocess.Popen(
        command, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    try:
        yield cast("BinaryIO", process.stdout)
    finally:
        process.kill()
        process.stdout.close()
        process.wait()
