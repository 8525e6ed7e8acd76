"""Image files on a server: what it says of them, and what it sends."""

from __future__ import annotations

import hashlib
import os
import random
import re
import threading
import time
import zlib
from contextlib import closing, suppress
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maas_stream_lint.errors import LintError, UsageError
from maas_stream_lint.images.local_files import asked, whole_listing
from maas_stream_lint.images.observation import Seen
from maas_stream_lint.images.pool import Stopped
from maas_stream_lint.images.sniff import HEAD_BYTES, sniff
from maas_stream_lint.images.wire import Refused
from maas_stream_lint.source import Trouble, encodable
from maas_stream_lint.source.address import PASSING, seconds_asked

if TYPE_CHECKING:
    from types import TracebackType

    import httpx

    from maas_stream_lint.images.cache import HashCache
    from maas_stream_lint.images.observation import FileOptions, Wanted
    from maas_stream_lint.images.pool import Throttle
    from maas_stream_lint.images.progress import Progress
    from maas_stream_lint.images.wire import Reply, Wire
    from maas_stream_lint.source.address import Site

#: As MAAS asks: httpx and requests take either, and undo it before they hash.
AS_MAAS = {"accept-encoding": "gzip, deflate"}
AS_IT_IS = {"accept-encoding": "identity"}
#: A download is given up when fewer bytes than this came in this many seconds.
_LEAST_BYTES, _LEAST_SECONDS = 30 * 1024, 30.0
#: No file is longer; one whose length nobody tells is not read beyond.
_LONGEST = 2**40
#: Archives that are kept in memory to be listed.
_LISTED = 64 * 2**20
#: After so many files that failed, one after another, none is tried more than twice; and after so
#: many that no server answered for, none is asked for any more.
_ILL, _DEAD = 8, 24
#: Too few bytes say nothing of a rate.
_RATED = 2**20


class RemoteFiles:
    """The image files below a URL. One object serves all threads, each with a Wire of its own."""

    def __init__(
        self,
        site: Site,
        options: FileOptions,
        cache: HashCache,
        throttle: Throttle,
        told: Progress,
        stop: threading.Event,
    ) -> None:
        """``told``: of bytes that are read. ``stop``: set when all should end."""
        self._site = site
        self._options = options
        self._cache = cache
        self._throttle = throttle
        self._told = told
        self._stop = stop
        self._lock = threading.Lock()
        self._failed = 0  # files one after another that may have gone better another time
        self._dead: Trouble | None = None
        self._parts: set[Path] = set()

    def close(self) -> None:
        """Take away what threads leave behind that were given up."""
        for part in tuple(self._parts):
            with suppress(OSError):
                part.unlink(missing_ok=True)

    def probe(self, wanted: Wanted, wire: Wire) -> Seen:
        """Ask for a file's first bytes, which tells its length and kind, too. Raises Stopped."""
        seen = Seen(wanted.path)
        url = self._url(seen)
        if url is None:
            return seen
        if self._dead is not None:
            seen.trouble = self._dead
            return seen
        self._retried(seen, lambda: self._probed(wanted, seen, url, wire))
        with self._lock:
            failed = seen.trouble is not None and _passing(seen.trouble)
            self._failed = self._failed + 1 if failed else 0
            if self._failed >= _DEAD and seen.trouble is not None and seen.status is None:
                self._dead = seen.trouble
        return seen

    def head(self, seen: Seen, wire: Wire) -> None:
        """Ask HEAD, which MAAS never does, and note what that says. Raises Stopped."""
        url = self._url(seen)
        if url is None:
            return

        # What answered GET a moment ago and does not answer now may be busy: that proves nothing.
        with suppress(Refused), closing(wire.ask("HEAD", url, AS_IT_IS)) as reply:
            if reply.status // 100 == 2:
                if reply.header("content-encoding") is None:
                    seen.head_size = reply.length
            elif reply.status not in (408, *PASSING):
                seen.head = reply.trouble

    def recall(self, seen: Seen, wanted: Wanted) -> bool:
        """Fill in digests that an earlier run has made; whether that is all that is asked for."""
        if self._options.keep is not None and not _is_kept(self._options.keep, wanted, seen):
            return False
        stamp = _stamp(seen)
        facts = self._cache.get(f"url:{seen.url}", stamp) if stamp else None
        if facts is None or (wanted.listed and "names" not in facts):
            return False
        if not facts["digests"].keys() >= set(asked(wanted)):
            return False
        names = facts.get("names")
        seen.names = tuple(names) if isinstance(names, list) else None
        seen.digests, seen.cached = facts["digests"], True
        return True

    def download(self, wanted: Wanted, seen: Seen, wire: Wire) -> None:
        """Bring a file, hash it on the way, go on where the connection broke. Raises Stopped."""
        url = self._url(seen)
        if url is None:
            return
        with _Kept(self._options.keep, wanted, self._parts) as kept:
            load = _Load(wanted, seen, kept)
            self._retried(seen, lambda: self._loaded(load, url, wire), load)
            if seen.trouble is None:
                load.finish()
                kept.good = _fits(wanted, seen)
                self._remember(wanted, seen)

    def _url(self, seen: Seen) -> httpx.URL | None:
        try:
            return self._site.url(seen.path)
        except ValueError:
            seen.trouble = Trouble("missing", "no URL can hold this path")
            return None

    def _retried(self, seen: Seen, attempt: Any, load: _Load | None = None) -> None:
        """Make attempts until one succeeds; what may pass is tried again after a pause."""
        tries, before = 0, 0
        while True:
            if self._stop.is_set():
                raise Stopped
            try:
                seen.trouble = None
                attempt()
            except Refused as refused:
                seen.trouble = refused.trouble
                seen.redirects = refused.hops or seen.redirects
                seen.moved = refused.moved or seen.moved
            if self._stop.is_set():  # which breaks connections, too
                seen.trouble = None
                raise Stopped
            if seen.trouble is None:
                return
            if load is not None and load.got >= before + _LEAST_BYTES:
                tries, before = 0, load.got  # it gets on
            tries += 1
            most = self._options.retries if self._failed < _ILL else min(1, self._options.retries)
            if not _passing(seen.trouble) or tries > most:
                return
            pause = self._pause(seen, tries)
            if pause is None:
                return
            self._stop.wait(pause)

    def _pause(self, seen: Seen, tries: int) -> float | None:
        """Seconds to wait before the next try, ``None`` if the server wants too many."""
        wait = seconds_asked(seen.headers.get("retry-after", ""))
        if wait is not None and seen.trouble is not None and seen.trouble.status is not None:
            return wait if wait <= 6 * self._options.longest_backoff else None
        spread = random.uniform(0.5, 1)  # noqa: S311 - spreads load, guards nothing
        return float(min(self._options.longest_backoff, 0.5 * 2 ** (tries - 1)) * spread)

    def _probed(self, wanted: Wanted, seen: Seen, url: httpx.URL, wire: Wire) -> None:
        part = {"range": f"bytes=0-{HEAD_BYTES - 1}"}
        head = self._asked(seen, url, wire, {**AS_MAAS, **part})
        seen.encoding = _encoding(seen.headers.get("content-encoding"))
        if head is None and seen.trouble is not None and not _final(seen.trouble):
            # MAAS never asks for a part, so what is said to that proves nothing.
            part = {}
            head = self._asked(seen, url, wire, AS_MAAS)
            seen.encoding = _encoding(seen.headers.get("content-encoding"))
            seen.ranges = None if head is None else False
        if head is not None and seen.encoding is not None:
            # Its length and first bytes are those of what was made for the way.
            made, size = head, seen.size
            head = self._asked(seen, url, wire, {**AS_IT_IS, **part})
            if head is None and seen.trouble is not None and seen.trouble.status is not None:
                seen.encoded_anyway, seen.trouble = True, None  # it can't be had as it is
                head, seen.size = made, size
            else:
                coding = _encoding(seen.headers.get("content-encoding"))
                seen.encoded_anyway = coding is not None
            if head is not None and seen.encoded_anyway and seen.size != wanted.size:
                head = _inflated(head)  # made for the way, whatever was asked for
        if head is not None:
            seen.content = sniff(head, whole=len(head) == seen.size)

    def _asked(
        self, seen: Seen, url: httpx.URL, wire: Wire, headers: dict[str, str]
    ) -> bytes | None:
        """The file's first bytes, and into ``seen`` how long it is; or the trouble with it."""
        begun = time.monotonic()
        seen.trouble = seen.size = seen.ranges = None
        with closing(wire.ask("GET", url, headers)) as reply:
            seen.silence = max(seen.silence, time.monotonic() - begun)
            self._note(seen, reply)
            if reply.status == 206 and "range" in headers:
                start, total = _content_range(reply)
                if start == 0:
                    seen.size, seen.ranges = total, True
                    return reply.read(HEAD_BYTES)
                seen.trouble = Trouble("status", "206 with another part than was asked for", 206)
            elif reply.status == 416 and _content_range(reply)[1] == 0:
                seen.size = 0
                return b""
            elif reply.status // 100 == 2:
                seen.size = reply.length
                head = reply.read(HEAD_BYTES)
                if seen.size is None and len(head) < HEAD_BYTES:
                    seen.size = len(head)
                if "range" in headers and len(head) == HEAD_BYTES != seen.size:
                    seen.ranges = False
                return head
            else:
                seen.trouble = reply.trouble
        return None

    def _note(self, seen: Seen, reply: Reply) -> None:
        seen.status, seen.url, seen.redirects = reply.status, reply.url, reply.hops
        seen.moved = reply.moved
        seen.headers = reply.headers

    def _loaded(self, load: _Load, url: httpx.URL, wire: Wire) -> None:
        """One request for what is still missing, read to its end or where it breaks."""
        seen = load.seen
        headers = dict(AS_MAAS if seen.encoded_anyway else AS_IT_IS)
        if load.got:
            headers["range"] = f"bytes={load.got}-"
            etag = load.kind[0]
            if etag is not None and not etag.startswith("W/"):
                headers["if-range"] = etag
        begun = time.monotonic()
        with closing(wire.ask("GET", url, headers)) as reply:
            seen.silence = max(seen.silence, time.monotonic() - begun)
            self._note(seen, reply)
            if reply.status // 100 != 2:
                if load.got and not _passing(reply.trouble):
                    load.restart(self._told)  # of the whole file it may not say so
                    raise Refused(Trouble("cut", f"{reply.trouble.message} to a part of it"))
                seen.trouble = reply.trouble
                return
            self._begin(load, reply)
            reply.allow(None)
            load.seconds += time.monotonic() - begun
            try:
                self._pour(load, reply)
            finally:
                seen.silence = max(seen.silence, reply.silence)

    def _begin(self, load: _Load, reply: Reply) -> None:
        """Go on where the last request ended, or from the start if this answer begins there."""
        start, total = _content_range(reply) if reply.status == 206 else (0, reply.length)
        kind = (reply.header("etag"), reply.header("last-modified"), total)
        changed = any(a != b for a, b in zip(kind, load.kind, strict=True) if a and b)
        if load.got and (start != load.got or changed):
            load.restart(self._told)
        if start != load.got:
            raise Refused(Trouble("cut", "the file changed, or another part of it came"))
        load.kind = kind
        encoding = _encoding(reply.header("content-encoding"))
        # Where the end is not told, the connection's end can be told from the file's all the same.
        load.total = load.seen.size if total is None and encoding is None else total
        load.decode(encoding)

    def _pour(self, load: _Load, reply: Reply) -> None:
        buffer = memoryview(bytearray(self._throttle.step))
        most = load.limit
        waited, at_mark = 0.0, load.got  # for the server, not for ourselves
        while load.got < most:
            before = time.monotonic()
            try:
                size = reply.read_into(buffer[: min(len(buffer), most - load.got)])
            except Refused as refused:
                if refused.trouble.kind == "connection":
                    load.seen.cuts += (load.got,)
                raise
            pause = time.monotonic() - before
            waited, load.seconds = waited + pause, load.seconds + pause
            if not size:
                break
            load.take(buffer[:size])
            self._told.advance(size)
            self._throttle.take(size)
            if waited > _LEAST_SECONDS:
                if load.got - at_mark < _LEAST_BYTES:
                    said = f"fewer than {_LEAST_BYTES:,} bytes in {_LEAST_SECONDS:g} s"
                    raise Refused(Trouble("timeout", said))
                waited, at_mark = 0.0, load.got
        if load.total is not None and load.got < min(load.total, most):
            load.seen.cuts += (load.got,)
            said = f"the server broke off after {load.got:,} of {load.total:,} bytes"
            raise Refused(Trouble("cut", said))

    def _remember(self, wanted: Wanted, seen: Seen) -> None:
        stamp = _stamp(seen)
        if stamp and seen.encoding is None and seen.digests:
            facts: dict[str, Any] = {"digests": seen.digests}
            if wanted.listed:
                facts["names"] = seen.names
            self._cache.put(f"url:{seen.url}", stamp, facts)


class _Load:
    """A download, with all that must outlive a broken connection."""

    def __init__(self, wanted: Wanted, seen: Seen, kept: _Kept) -> None:
        self.wanted = wanted
        self.seen = seen
        self.got = 0
        self.total: int | None = None
        #: ETag, Last-Modified and length, which all parts have in common.
        self.kind: tuple[str | None, str | None, int | None] = (None, None, None)
        self.seconds = 0.0
        self._kept = kept
        #: Whatever unpacks to more than this is not the file that is wanted.
        self._longest = _LONGEST if wanted.size is None else wanted.size + 2**20
        self._begin()

    def _begin(self) -> None:
        make = hashlib.new
        self._hashers = {n: make(n, usedforsecurity=False) for n in asked(self.wanted)}
        self._decoded = {n: make(n, usedforsecurity=False) for n in asked(self.wanted)}
        self._head = bytearray()
        self._archive = BytesIO() if self.wanted.listed else None
        self._inflater: Any = None
        self._decoded_size = 0

    @property
    def limit(self) -> int:
        """How far to read: a file that says to be longer than it should is not read to its end."""
        if self.total is not None:
            return self.total
        return self._longest

    def decode(self, encoding: str | None) -> None:
        """Undo what MAAS would undo, beside."""
        if encoding in ("gzip", "x-gzip") and not self.got:
            self._inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)

    def restart(self, told: Progress) -> None:
        """Begin anew: what was had so far is of no use."""
        told.advance(-self.got)
        self.got = 0
        self._kept.restart()
        self._begin()

    def take(self, data: memoryview) -> None:
        """Hash further bytes."""
        if len(self._head) < HEAD_BYTES:
            self._head += data[: HEAD_BYTES - len(self._head)]
        for hasher in self._hashers.values():
            hasher.update(data)
        if self._inflater is not None:
            self._decode(data)
        if self._archive is not None:
            self._archive.write(data)
            if self._archive.tell() > _LISTED:
                self._archive = None
        self._kept.write(data)
        self.got += len(data)

    def _decode(self, data: memoryview) -> None:
        left: Any = data
        try:
            while left and not self._inflater.eof:
                piece = self._inflater.decompress(left, 2**20)
                self._decoded_size += len(piece)
                if self._decoded_size > self._longest:
                    self._inflater = None
                    return
                for hasher in self._decoded.values():
                    hasher.update(piece)
                left = self._inflater.unconsumed_tail
        except zlib.error:
            self._inflater = None

    def finish(self) -> None:
        """All has come: note what it is."""
        seen = self.seen
        seen.size = self.got
        seen.digests = {name: hasher.hexdigest() for name, hasher in self._hashers.items()}
        if self._inflater is not None:
            seen.decoded = {name: hasher.hexdigest() for name, hasher in self._decoded.items()}
            seen.decoded_size = self._decoded_size
        head = bytes(self._head)
        if self._inflater is not None and seen.size != self.wanted.size:
            head = _inflated(head)
        seen.content = sniff(head, whole=len(head) == seen.size)
        if self._archive is not None:
            self._archive.seek(0)
            seen.names = whole_listing(self._archive)
        if self.got >= _RATED and self.seconds > 0:
            seen.rate = self.got / self.seconds


class _Kept:
    """Where a download is kept: written beside, and put in place only when it is good."""

    def __init__(
        self, folder: str | os.PathLike[str] | None, wanted: Wanted, parts: set[Path]
    ) -> None:
        """``parts``: all that are being written."""
        self.good = False
        self._parts = parts
        self._place = _place_in(Path(folder), wanted.path) if folder is not None else None
        self._beside: Path | None = None
        self._file: Any = None

    def __enter__(self) -> _Kept:
        if self._place is not None:
            name = f".{os.getpid()}-{threading.get_ident()}.part"
            self._beside = self._place.with_name(name)
            try:
                self._place.parent.mkdir(parents=True, exist_ok=True)
                self._parts.add(self._beside)
                self._file = self._beside.open("xb")
            except OSError as error:
                raise _unwritable(self._place, error) from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._beside is None or self._place is None or self._file is None:
            return
        try:
            if self.good and error is None:
                self._file.flush()
                os.fsync(self._file.fileno())
            self._file.close()
            if self.good and error is None:
                self._beside.replace(self._place)
        except OSError as trouble:
            raise _unwritable(self._place, trouble) from None
        finally:
            self._beside.unlink(missing_ok=True)
            self._parts.discard(self._beside)

    def write(self, data: memoryview) -> None:
        """Write further bytes."""
        if self._file is not None:
            try:
                self._file.write(data)
            except OSError as error:
                assert self._place is not None
                raise _unwritable(self._place, error) from None

    def restart(self) -> None:
        """Forget what was written."""
        if self._file is not None:
            self._file.seek(0)
            self._file.truncate()


def _place_in(folder: Path, path: str) -> Path | None:
    """Where a path of the metadata is kept, which is below ``folder`` whatever it says.

    ``None`` for one that no disk can hold, of which the metadata's rules tell.
    """
    tidy = os.path.normpath("/" + path.split("?")[0].split("#")[0]).lstrip("/")
    if not tidy or "\0" in tidy or not encodable(tidy):
        return None
    place = folder / tidy
    # A link below the folder may lead elsewhere.
    if not Path(os.path.realpath(place)).is_relative_to(os.path.realpath(folder)):
        hint = "give --keep a folder without links"
        raise UsageError(f"{path!r} would be kept outside of {str(folder)!r}", hint)
    return place


def _is_kept(folder: str | os.PathLike[str], wanted: Wanted, seen: Seen) -> bool:
    with suppress(OSError, UsageError):
        place = _place_in(Path(folder), wanted.path)
        return place is None or place.stat().st_size == seen.size
    return False


def _unwritable(place: Path, error: OSError) -> LintError:
    why = (error.strerror or "unwritable").lower()
    return LintError(f"cannot write {str(place)!r}: {why}", "see to the folder given with --keep")


def _fits(wanted: Wanted, seen: Seen) -> bool:
    """Whether what came is what the metadata says."""
    given = wanted.checksums
    return all(seen.digests.get(n) in (None, d) for n, d in given.items()) and (
        wanted.size in (None, seen.size)
    )


def _passing(trouble: Trouble) -> bool:
    """Whether another try may go better."""
    if trouble.status is not None:
        return trouble.status in (408, 429) or trouble.status >= 500
    return trouble.kind in ("connection", "timeout", "cut")


def _final(trouble: Trouble) -> bool:
    """Whether a request for the whole file would be answered alike, or can wait for a retry."""
    return trouble.status in (401, 404, 408, 410, *PASSING) or trouble.status is None


def _inflated(head: bytes) -> bytes:
    """The first bytes of what a gzip holds; what is none stays as it is."""
    with suppress(zlib.error):
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head, HEAD_BYTES)
    return head


def _encoding(said: str | None) -> str | None:
    coding = (said or "").strip().lower()
    return None if coding in ("", "identity") else coding[:40]


def _content_range(reply: Reply) -> tuple[int | None, int | None]:
    """Start and length of the whole, of a ``Content-Range``."""
    said = re.fullmatch(
        r"bytes\s+(?:(\d{1,18})-\d{1,18}|\*)/(\d{1,18}|\*)", reply.header("content-range") or ""
    )
    if said is None:
        return None, None
    start, total = said.groups()
    return (
        int(start) if start is not None else None,
        int(total) if total != "*" else None,
    )


def _stamp(seen: Seen) -> str | None:
    """What changes with a file's content; ``None`` where the server tells nothing of the kind."""
    etag, modified = seen.headers.get("etag"), seen.headers.get("last-modified")
    if etag is None and modified is None:
        return None
    return f"{seen.size}:{etag}:{modified}"
