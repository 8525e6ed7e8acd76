"""Works on many files at once, and stops on request."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import deque
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from maas_stream_lint.runtime import IN_BROWSER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Task = TypeVar("Task")

#: How long threads that were told to stop are waited for, in seconds.
GRACE = 1.0


class Stopped(Exception):  # noqa: N818 - no error: somebody wanted it
    """The run was stopped."""


class Pool:
    """Threads that share tasks.

    No ThreadPoolExecutor: leaving that one waits for every task under way, and so does the end of
    the interpreter.
    """

    def __init__(self, stop: threading.Event, *, waiting: bool = False) -> None:
        """``stop``: set when all should end; each loop that reads checks it.

        ``waiting``: whether the tasks only wait for servers, and leave no work to several cores.
        """
        self._stop = stop
        self._core = _any_core() if waiting else None

    def run(
        self,
        tasks: Iterable[Task],
        jobs: int,
        worker: Callable[[], Callable[[Task], None]],
        hurry: Callable[[], None] = lambda: None,
    ) -> bool:
        """Do all tasks in ``jobs`` threads; whether that was not interrupted.

        Where there are no threads, the caller's does all.
        ``worker`` is called once a thread and gives what does one task there. ``hurry`` wakes those
        who wait for a server. What a task raises, but for Stopped, is raised here.
        """
        left = deque(tasks)
        ends: SimpleQueue[BaseException | None] = SimpleQueue()
        hands = 1 if IN_BROWSER else min(jobs, len(left))
        threads = [
            threading.Thread(target=self._work, args=(left, worker, ends), daemon=True)
            for _ in range(0 if IN_BROWSER else hands)
        ]
        for thread in threads:
            thread.start()
        try:
            if IN_BROWSER:
                self._work(left, worker, ends)
            for _ in range(hands):
                error = ends.get()
                if error is not None:
                    raise error
        except KeyboardInterrupt:
            self._end(left, threads, hurry)
            return False
        except BaseException:
            self._end(left, threads, hurry)
            raise
        return True

    def _end(
        self, left: deque[Any], threads: list[threading.Thread], hurry: Callable[[], None]
    ) -> None:
        self._stop.set()
        left.clear()
        hurry()
        end = time.monotonic() + GRACE
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _work(
        self,
        left: deque[Any],
        worker: Callable[[], Callable[[Any], None]],
        ends: SimpleQueue[BaseException | None],
    ) -> None:
        try:
            if self._core is not None:
                with suppress(OSError):
                    os.sched_setaffinity(0, {self._core})  # of this thread alone
            work = worker()
            while not self._stop.is_set():
                try:
                    task = left.popleft()
                except IndexError:
                    break
                work(task)
        except Stopped:
            ends.put(None)
        except BaseException as error:  # noqa: BLE001 - raised again where somebody sees it
            ends.put(error)
        else:
            ends.put(None)


def _any_core() -> int | None:
    """A core for threads that take turns, as Python makes them: on several, each turn costs more.

    To wake a thread on another core takes longer than what it then does with an answer.
    """
    if not hasattr(os, "sched_getaffinity"):
        return None
    return random.choice(sorted(os.sched_getaffinity(0)))  # noqa: S311 - protects nothing


class Throttle:
    """Holds all threads together down to a rate."""

    def __init__(self, rate: int | None, stop: threading.Event) -> None:
        """``rate``: bytes a second; ``None``: as fast as it goes."""
        self.rate = rate
        self._stop = stop
        self._free = 0.0
        self._lock = threading.Lock()

    @property
    def step(self) -> int:
        """How many bytes to take at a time."""
        return 2**20 if self.rate is None else max(1024, min(2**20, self.rate // 10))

    def take(self, size: int) -> None:
        """Wait until so many bytes may have passed. Raises Stopped."""
        if self.rate is not None:
            with self._lock:
                now = time.monotonic()
                self._free = max(self._free, now) + size / self.rate
                pause = self._free - now
            self._stop.wait(pause)
        if self._stop.is_set():
            raise Stopped
