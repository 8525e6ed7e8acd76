"""Image files on a server: what it says about them, and what it sends."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

from maas_stream_lint.images.cache import Facts, in_utf8
from maas_stream_lint.images.download import Load, inflated
from maas_stream_lint.images.keeping import Kept, is_kept
from maas_stream_lint.images.local_files import suffices
from maas_stream_lint.images.observation import ALGORITHMS, Seen
from maas_stream_lint.images.pool import Stopped
from maas_stream_lint.images.sniff import HEAD_BYTES, sniff
from maas_stream_lint.rulebook import all_releases
from maas_stream_lint.source import Trouble
from maas_stream_lint.source.http import Refused
from maas_stream_lint.source.retries import PASSING, Retries, may_pass

if TYPE_CHECKING:
    from pathlib import Path

    from maas_stream_lint.images.allowance import Allowance
    from maas_stream_lint.images.cache import HashCache
    from maas_stream_lint.images.observation import FileOptions, Wanted
    from maas_stream_lint.images.pool import Throttle
    from maas_stream_lint.images.progress import Progress
    from maas_stream_lint.source.address import Site
    from maas_stream_lint.source.http import Client, Reply
    from maas_stream_lint.source.library import httpx

#: As MAAS asks: its HTTP libraries undo both encodings before they hash.
AS_MAAS = {"accept-encoding": "gzip, deflate"}
AS_IT_IS = {"accept-encoding": "identity"}
#: A download ends when fewer bytes than this came in this many seconds.
_LEAST_BYTES, _LEAST_SECONDS = 30 * 1024, 30.0
#: After so many failed files in a row, each file gets two attempts. After so many files in a row
#: without any answer, no further file is requested.
_ILL, _DEAD = 8, 24
#: So many missing files are requested a second time.
_DOUBTED = 4
#: MAAS may take the page of an error for the file; of a longer one nothing is said.
_LONGEST_PAGE = 64 * 2**10


class RemoteFiles:
    """The image files below a URL. One object serves all threads, each with a client of its own."""

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
        longest = options.longest_backoff
        self._retries = Retries(options.retries, 0.5, longest, 6 * longest)
        self._ill = Retries(min(1, options.retries), 0.5, longest, 6 * longest)
        self._options = options
        self._cache = cache
        self._throttle = throttle
        self._told = told
        self._stop = stop
        self._lock = threading.Lock()
        self._doubted = 0  # files that were missing at first
        self._failed = 0  # files one after another that may have gone better another time
        self._dead: Trouble | None = None
        self._parts: set[Path] = set()
        self._owners: dict[Path, str] = {}

    def close(self) -> None:
        """Take away what threads leave behind that were given up."""
        for part in tuple(self._parts):
            with suppress(OSError):
                part.unlink(missing_ok=True)

    def probe(self, wanted: Wanted, client: Client) -> Seen:
        """Ask for a file's first bytes, which tells its length and kind, too. Raises Stopped."""
        seen = Seen(wanted.path, linked=wanted.linked)
        url = self._url(seen)
        if url is None:
            return seen
        if self._dead is not None:
            seen.trouble = self._dead
            return seen
        self._retried(seen, lambda: self._probed(wanted, seen, url, client))
        if self._doubts(seen):
            fault = seen.trouble
            self._retried(seen, lambda: self._probed(wanted, seen, url, client))
            if seen.trouble is None and fault is not None:
                seen.faults += (fault,)
        with self._lock:
            failed = seen.trouble is not None and may_pass(seen.trouble)
            self._failed = self._failed + 1 if failed else 0
            if self._failed >= _DEAD and seen.trouble is not None and seen.status is None:
                self._dead = seen.trouble
        return seen

    def _doubts(self, seen: Seen) -> bool:
        """Whether a 404 is worth a second request: the first ones are, as some stores lag."""
        if seen.trouble is None or seen.trouble.kind != "missing" or seen.status is None:
            return False
        with self._lock:
            self._doubted += 1
            return self._doubted <= _DOUBTED

    def head(self, seen: Seen, client: Client) -> None:
        """Ask HEAD, which MAAS never does, and note what that says. Raises Stopped."""
        url = self._url(seen)
        if url is None:
            return

        # What answered GET a moment ago and does not answer now may be busy: that proves nothing.
        with suppress(Refused), closing(client.ask("HEAD", url, AS_IT_IS)) as reply:
            if reply.status // 100 == 2:
                if reply.header("content-encoding") is None:
                    seen.head_size = reply.length
            elif reply.status not in (408, *PASSING):
                seen.head = reply.trouble

    def recall(self, seen: Seen, wanted: Wanted) -> bool:
        """Fill in digests that an earlier run has made; whether that is all that is asked for."""
        if self._options.keep is not None and not is_kept(self._options.keep, wanted, seen):
            return False
        stamp = _stamp(seen)
        known = self._cache.get(in_utf8(f"url:{seen.url}"), stamp) if stamp else None
        if known is None or not suffices(known, wanted):
            return False
        seen.digests, (_, seen.names, _) = known
        seen.cached = True
        return True

    def download(self, wanted: Wanted, seen: Seen, client: Client, allowance: Allowance) -> None:
        """Download a file and hash it; a broken connection is resumed.

        Raises Stopped, and Overspent where more bytes arrive than ``allowance`` has left.
        """
        url = self._url(seen)
        if url is None:
            return
        with Kept(self._options.keep, wanted, self._parts, self._owners) as kept:
            load = Load(wanted, seen, kept)
            self._retried(seen, lambda: self._loaded(load, url, client, allowance), load)
            if seen.trouble is None:
                load.finish()
                kept.good = _fits(wanted, seen)
                self._remember(wanted, seen)
        seen.unkept = kept.unkept if kept.good else None

    def _url(self, seen: Seen) -> httpx.URL | None:
        try:
            return self._site.link(seen.path) if seen.linked else self._site.file_url(seen.path)
        except ValueError:
            seen.trouble = Trouble("missing", "no URL can hold this path")
            return None

    def _retried(self, seen: Seen, attempt: Any, load: Load | None = None) -> None:
        """Make attempts until one succeeds; a pause comes before each further one."""
        done, before = 0, 0
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
                seen.location = refused.location or seen.location
            if self._stop.is_set():  # which breaks connections, too
                seen.trouble = None
                raise Stopped
            if seen.trouble is None or seen.whole:
                return
            if load is not None and load.got >= before + _LEAST_BYTES:
                done, before = 0, load.got  # it makes progress
            done += 1
            policy = self._ill if self._failed >= _ILL else self._retries
            pause = policy.pause(seen.trouble, seen.headers.get("retry-after"), done)
            if pause is None:
                return
            seen.faults += (seen.trouble,)
            self._stop.wait(pause)

    def _probed(self, wanted: Wanted, seen: Seen, url: httpx.URL, client: Client) -> None:
        part = {"range": f"bytes=0-{HEAD_BYTES - 1}"}
        head = self._asked(seen, url, client, {**AS_MAAS, **part})
        seen.encoding = _encoding(seen.headers.get("content-encoding"))
        if head is None and seen.trouble is not None and not _final(seen.trouble):
            # MAAS never asks for a part, so what is said to that proves nothing.
            part = {}
            head = self._asked(seen, url, client, AS_MAAS)
            seen.encoding = _encoding(seen.headers.get("content-encoding"))
            seen.ranges = None if head is None else False
        if head is not None and seen.encoding is not None:
            # Its length and first bytes are those of what was made for the way.
            made, size = head, seen.size
            head = self._asked(seen, url, client, {**AS_IT_IS, **part})
            if head is None and seen.trouble is not None and seen.trouble.status is not None:
                seen.encoded_anyway, seen.trouble = True, None  # it can't be had as it is
                head, seen.size = made, size
            else:
                coding = _encoding(seen.headers.get("content-encoding"))
                seen.encoded_anyway = coding is not None
            if head is not None and seen.encoded_anyway and seen.size != wanted.size:
                head = inflated(head)  # made for the way, whatever was asked for
        if head is not None:
            seen.content = sniff(head, whole=len(head) == seen.size)

    def _asked(
        self, seen: Seen, url: httpx.URL, client: Client, headers: dict[str, str]
    ) -> bytes | None:
        """The file's first bytes, and into ``seen`` how long it is; or the trouble with it."""
        begun = time.monotonic()
        seen.trouble = seen.size = seen.ranges = None
        with closing(client.ask("GET", url, headers)) as reply:
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
                seen.page = _page(reply)
        return None

    @staticmethod
    def may_be_the_file(seen: Seen, wanted: Wanted) -> bool:
        """Whether the page that came with a status is as long as the file: old MAAS takes it."""
        length = seen.headers.get("content-length")
        refused = seen.trouble is not None and seen.trouble.status is not None
        return refused and seen.page is None and length is not None and length == str(wanted.size)

    def _note(self, seen: Seen, reply: Reply) -> None:
        seen.interim = reply.interim or seen.interim
        seen.status, seen.url, seen.redirects = reply.status, reply.url, reply.hops
        seen.moved, seen.location = reply.moved, reply.location
        seen.headers = reply.headers

    def _loaded(self, load: Load, url: httpx.URL, client: Client, allowance: Allowance) -> None:
        """One request for what is still missing, read to its end or where it breaks."""
        seen = load.seen
        headers = dict(AS_MAAS if seen.encoded_anyway else AS_IT_IS)
        if load.got:
            headers["range"] = f"bytes={load.got}-"
            etag = load.kind[0]
            if etag is not None and not etag.startswith("W/"):
                headers["if-range"] = etag
        begun = time.monotonic()
        with closing(client.ask("GET", url, headers)) as reply:
            seen.silence = max(seen.silence, time.monotonic() - begun)
            self._note(seen, reply)
            if reply.status // 100 != 2:
                if load.got and not may_pass(reply.trouble):
                    load.restart(self._told)  # of the whole file it may not say so
                    raise Refused(Trouble("cut", f"{reply.trouble.message} to a part of it"))
                seen.trouble = reply.trouble
                seen.page = seen.page or _page(reply, load.wanted.size)
                return
            self._begin(load, reply)
            reply.allow(max(1.0, patience() - load.seconds))
            load.seconds += time.monotonic() - begun
            try:
                self._pour(load, reply, allowance)
            except Refused as refused:
                if refused.trouble.kind != "cut" or not self._end_whole(load):
                    raise
            finally:
                seen.silence = max(seen.silence, reply.silence)

    def _begin(self, load: Load, reply: Reply) -> None:
        """Go on where the last request ended, or from the start if this answer begins there."""
        part = reply.status == 206 and load.got > 0
        load.seen.partial = reply.status == 206 and not part
        # What MAAS requests is the whole file, and it takes what comes for that.
        start, total = _content_range(reply) if part else (0, reply.length)
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

    def _pour(self, load: Load, reply: Reply, allowance: Allowance) -> None:
        """Take the body as it comes, up to the limit of the download."""
        waited, at_mark = 0.0, load.got  # for the server, not for the limit on the rate
        before = time.monotonic()
        try:
            for piece in reply.pieces():
                pause = time.monotonic() - before
                waited, load.seconds = waited + pause, load.seconds + pause
                data = memoryview(piece)[: load.limit - load.got]
                load.take(data)
                allowance.count(load.arrived)
                self._told.advance(len(data))
                self._throttle.take(len(data))
                if waited > _LEAST_SECONDS:
                    if load.got - at_mark < _LEAST_BYTES:
                        said = f"fewer than {_LEAST_BYTES:,} bytes in {_LEAST_SECONDS:g} s"
                        raise Refused(Trouble("timeout", said))
                    waited, at_mark = 0.0, load.got
                if load.got >= load.limit:
                    break
                before = time.monotonic()
        except Refused as refused:
            if refused.trouble.kind in ("connection", "cut"):
                load.seen.cuts += (load.got,)
            if refused.trouble.kind == "cut" and load.total is not None:
                raise Refused(load.cut()) from None
            raise
        if load.total is not None and load.got < min(load.total, load.limit):
            load.seen.cuts += (load.got,)
            raise Refused(load.cut())

    @staticmethod
    def _end_whole(load: Load) -> bool:
        """Note a file of which all bytes came, although its head had promised more."""
        if load.total is None or load.got >= load.total or not load.is_whole():
            return False
        trouble = load.cut()
        load.finish()
        load.seen.size, load.seen.whole, load.seen.trouble = load.got, True, trouble
        return True

    def _remember(self, wanted: Wanted, seen: Seen) -> None:
        stamp = _stamp(seen)
        if stamp and seen.encoding is None and seen.digests:
            known = seen.digests, Facts(None, seen.names, wanted.listed)
            self._cache.put(in_utf8(f"url:{seen.url}"), stamp, known)


def _fits(wanted: Wanted, seen: Seen) -> bool:
    """Whether what came is what the metadata says."""
    given = wanted.checksums
    return all(seen.digests.get(n) in (None, d) for n, d in given.items()) and (
        wanted.size in (None, seen.size)
    )


def patience() -> float:
    """The longest time that a release line takes for one file, in seconds."""
    return max(float(release.download("total-seconds")) for release in all_releases())


def _page(reply: Reply, size: int | None = None) -> tuple[int, dict[str, str]] | None:
    """Size and digests of the page that comes with a status, if it is short or has ``size``."""
    most = size if size is not None and reply.length == size else _LONGEST_PAGE
    hashers = {name: hashlib.new(name, usedforsecurity=False) for name in ALGORITHMS}
    got = 0
    with suppress(Refused):
        for piece in reply.pieces():
            got += len(piece)
            if got > most:
                return None
            for hasher in hashers.values():
                hasher.update(piece)
        return got, {name: hasher.hexdigest() for name, hasher in hashers.items()}
    return None


def _final(trouble: Trouble) -> bool:
    """Whether a request for the whole file would be answered alike, or can wait for a retry."""
    return trouble.status in (401, 404, 408, 410, *PASSING) or trouble.status is None


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
