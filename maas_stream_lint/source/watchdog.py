"""A limit on the whole time of an exchange: the timeouts of sockets restart with every byte."""

from __future__ import annotations

import re
import socket
import threading
import time
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from maas_stream_lint.runtime import IN_BROWSER

if TYPE_CHECKING:
    from collections.abc import Iterator

#: How often the watchdog looks for exchanges that take too long, in seconds.
_PULSE = 0.1
#: The most bytes that are read at once.
_LARGEST = 2**20
#: The head of an interim answer. Every client of MAAS waits for more after a 100.
_INTERIM = re.compile(rb"HTTP/1\.[01] (1(?!00)\d\d)\b")


class Connections:
    """The open sockets of one HTTP client, each as long as it lives."""

    def __init__(self) -> None:
        """No socket yet."""
        self._sockets: dict[int, weakref.ref[socket.socket]] = {}
        self.made = 0  #: how many there were so far
        #: The status of the last interim answer, which the HTTP library does not show.
        self.interim: int | None = None

    def add(self, opened: Any) -> None:
        """Remember the socket of a network stream of the HTTP library, and watch what it reads."""
        alive = {n: known for n, known in self._sockets.items() if known() is not None}
        alive[self.made] = weakref.ref(opened.get_extra_info("socket"))
        # Replaced and not changed: the watchdog's thread may go through it now.
        self._sockets = alive
        self.made += 1
        stream, read = weakref.ref(opened), type(opened).read

        most = 0

        def watched(max_bytes: int, timeout: float | None = None) -> bytes:
            nonlocal most
            wanted = max(max_bytes, most)
            came: bytes = read(stream(), wanted, timeout)
            # What comes faster than it is read is a long body: larger pieces cost less.
            most = min(2 * most or 2 * max_bytes, _LARGEST) if len(came) >= wanted else 0
            if came[:6] == b"HTTP/1" and (found := _INTERIM.match(came)):
                self.interim = int(found[1])
            return came

        opened.read = watched

    def cut(self) -> None:
        """Wake the threads that wait for one of these sockets."""
        for opened in self._opened():
            with suppress(OSError, ValueError):
                # Not the method of SSLSocket: it removes the TLS state that the reader uses.
                socket.socket.shutdown(opened, socket.SHUT_RDWR)

    def close(self, made: int) -> None:
        """Close all but the first ``made`` sockets: the library forgets some to SOCKS proxies."""
        for opened in self._opened(made):
            opened.close()

    def _opened(self, made: int = 0) -> Iterator[socket.socket]:
        for number, reference in self._sockets.items():
            if number >= made and (opened := reference()) is not None:
                yield opened


class Lease:
    """One exchange under watch: a request, and its answer up to the last byte."""

    __slots__ = ("connections", "end", "late")

    def __init__(self, connections: Connections, end: float | None) -> None:
        """``end``: a moment of ``time.monotonic``; ``None``: no limit on the whole time."""
        self.connections = connections
        self.end = end
        self.late = False  #: whether the watchdog cut the connection off

    def learn(self, event: str, info: dict[str, Any]) -> None:
        """Learn of a new connection: the ``trace`` extension of the HTTP library calls this."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self.connections.add(info["return_value"])
            if self.late:
                self.connections.cut()

    def expire(self) -> None:
        """Cut the connection off."""
        self.late, self.end = True, None
        self.connections.cut()


class Watchdog:
    """Cuts connections off whose exchange takes too long. Serves all threads.

    Where there are no threads, a browser makes the connections, and limits their time.
    """

    def __init__(self) -> None:
        """Nothing is under watch yet."""
        self._lock = threading.Lock()
        self._leases: dict[Lease, None] = {}
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self.stopped = False  #: whether ``cut_all`` was called

    def watch(self, lease: Lease) -> None:
        """Watch an exchange until ``release``."""
        with self._lock:
            self._leases[lease] = None
            if self._thread is None and not IN_BROWSER:
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()

    def release(self, lease: Lease) -> None:
        """Stop watching an exchange."""
        with self._lock:
            self._leases.pop(lease, None)

    def cut_all(self) -> None:
        """Wake all threads that wait for a server, for good."""
        with self._lock:
            self.stopped = True
            for lease in self._leases:
                lease.expire()

    def close(self) -> None:
        """End the watch."""
        self._over.set()

    def _run(self) -> None:
        while not self._over.wait(_PULSE):
            now = time.monotonic()
            with self._lock:
                for lease in self._leases:
                    if lease.end is not None and lease.end < now:
                        lease.expire()
