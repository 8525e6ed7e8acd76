"""The progress of the image files on standard error: a bar, or a line every few seconds."""

from __future__ import annotations

import sys
import threading
import time

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

#: Seconds before the bar appears; shorter runs show none.
PATIENCE = 1.0
#: Seconds between two lines where there is no terminal.
PAUSE = 10.0


class Bar:
    """A bar of files and bytes, which appears when the run takes long."""

    def __init__(self) -> None:
        """Show nothing yet."""
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._shown: Progress | None = None
        self._files = self._size = self._done = self._read = 0
        self._task: TaskID | None = None

    def begin(self, files: int, size: int) -> None:
        """Wait a while, then show the bar."""
        self._files, self._size = files, size
        if files:
            self._timer = threading.Timer(PATIENCE, self._show)
            self._timer.daemon = True
            self._timer.start()

    def advance(self, size: int) -> None:
        """Advance by this many bytes."""
        with self._lock:
            self._read += size
            self._move()

    def finished(self, path: str) -> None:
        """Advance by one file."""
        with self._lock:
            self._done += 1
            self._move()

    def end(self) -> None:
        """Remove the bar."""
        if self._timer is not None:
            self._timer.cancel()
        with self._lock:
            shown, self._shown, self._files = self._shown, None, 0
        if shown is not None:
            shown.stop()

    def _show(self) -> None:
        with self._lock:
            if not self._files:
                return
            self._shown = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=None),
                *([DownloadColumn(binary_units=True), TransferSpeedColumn()] if self._size else []),
                TimeRemainingColumn(compact=True),
                console=Console(stderr=True),
                transient=True,
                expand=True,
            )
            self._task = self._shown.add_task("", total=self._size or self._files)
            self._move()
            self._shown.start()

    def _move(self) -> None:
        if self._shown is not None and self._task is not None:
            told = f"{self._done:,} of {self._files:,} files"
            done = self._read if self._size else self._done
            self._shown.update(self._task, description=told, completed=done)


class Lines:
    """A line every few seconds."""

    def __init__(self) -> None:
        """Write nothing yet."""
        self._lock = threading.Lock()
        self._files = self._size = self._done = self._read = 0
        self._next = 0.0

    def begin(self, files: int, size: int) -> None:
        """Write how much there is to do."""
        self._files, self._size = files, size
        self._next = time.monotonic() + PAUSE
        if files:
            self._say()

    def advance(self, size: int) -> None:
        """Count this many more bytes."""
        with self._lock:
            self._read += size
            if time.monotonic() >= self._next:
                self._say()

    def finished(self, path: str) -> None:
        """Count one more file."""
        with self._lock:
            self._done += 1
            if time.monotonic() >= self._next or self._done == self._files:
                self._say()

    def end(self) -> None:
        """Write nothing more."""

    def _say(self) -> None:
        self._next = time.monotonic() + PAUSE
        read = f", {_mib(self._read)} of {_mib(self._size)} MiB" if self._size else ""
        sys.stderr.write(f"checked {self._done:,} of {self._files:,} files{read}\n")
        sys.stderr.flush()


def _mib(size: int) -> str:
    return f"{size / 2**20:,.0f}"
