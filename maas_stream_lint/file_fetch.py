"""What a release line gets when it requests an image file, predicted from what was observed."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from maas_stream_lint.absence import ABSENT
from maas_stream_lint.records import record
from maas_stream_lint.source import Trouble
from maas_stream_lint.source.codings import codings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_stream_lint.images.observation import Seen
    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Item
    from maas_stream_lint.rulebook import Release


#: Codings that change the bytes; others are names that somebody gave to a plain file.
_COMPRESSING = ("x-gzip", "gzip", "deflate", "br", "zstd", "compress", "x-compress")
_UNPRINTABLE = r"[\x00-\x1f\x7f]"


@record(frozen=True)
class Failed:
    """Why a release line does not get a file."""

    #: ``status``, ``redirect``, ``loop``, ``stray-chunk``, ``closed``, ``cut``, ``endless``,
    #: ``path``, ``interim``, ``encoding``, ``too-long``, ``too-short``, ``checksum`` or ``other``
    cause: str
    log: str  #: MAAS's own words, ``""`` where they are not known
    retried: bool  #: whether it ends only after MAAS has tried for its whole time


def fetch(seen: Seen, item: Item, release: Release, url: str) -> Failed | None:
    """What the line meets when it requests an item's file; ``None`` if it gets the file.

    ``url``: of the first request. ``[download]`` of the line's data says what its client does.
    """
    return _Fetch(seen, item, release, url).run()


def never_matching(release: Release) -> Failed:
    """What the line meets if the sha256 of an item is none that any file has."""
    # Words that name the checksum which it found are not known.
    named = "" if release.download("texts").get("mismatch") else "checksum"
    return _failed(release, "checksum", named, {})


def _failed(release: Release, cause: str, text: str, values: dict[str, object]) -> Failed:
    """A failure with the line's own words; ``text``: their key, ``""`` if they are not known."""
    download = release.download
    template = download("texts").get(text, "")
    final = cause in ("status", "redirect") and download("attempts") == "all-but-status"
    retried = download("attempts") != "one" and not final
    if not template:
        return Failed(cause, "", retried)
    end = "timeout-log" if retried and "timeout-log" in release.data["download"] else ""
    whole: str = download(end or "failure-log")
    return Failed(cause, whole.format(text=template.format(**values), selection="<id>"), retried)


class _Fetch:
    def __init__(self, seen: Seen, item: Item, release: Release, url: str) -> None:
        self.seen = seen
        self.item = item
        self.release = release
        self.url = url

    def run(self) -> Failed | None:
        if self.seen.linked and self.release.download("joins") != "urljoin":
            return None  # it refuses the path, and requests nothing
        return self._named() or self._interim() or self._moved() or self._answered()

    def _named(self) -> Failed | None:
        """What the path itself does, before any request."""
        refuses = self.release.download("texts").get("invalid-url")
        if refuses and re.search(_UNPRINTABLE, self.seen.path):
            return self._failed("path", "invalid-url")
        return None

    def _interim(self) -> Failed | None:
        """The failure if MAAS takes an interim answer, which has no body, for the file."""
        if self.seen.interim is None or not self.release.download("reads-interim"):
            return None
        return self._mismatch("interim", 0, None)

    def _moved(self) -> Failed | None:
        """What redirects do, before anything else."""
        seen, most = self.seen, self.release.download("redirects")
        looped = seen.trouble is not None and seen.trouble.kind == "redirects"
        if not (seen.redirects or looped):
            return None
        if not most:
            return self._failed("redirect", status=seen.moved or "302 Found", url=self.url)
        if looped or len(seen.redirects) > most:
            return self._failed("loop", url=self.url)
        stray = self.release.download("stray-chunk")
        if stray and hops_on_one_server(self.url, seen.redirects) > 1:
            return self._failed("stray-chunk", url=seen.redirects[0])
        return None

    def _answered(self) -> Failed | None:
        seen, trouble = self.seen, self.seen.trouble
        status = trouble.status if trouble is not None else seen.status
        if status in self.release.download("endless-status"):
            return self._failed("endless")
        if trouble is None:
            return self._encoded() or self._compared()
        if trouble.kind in ABSENT and trouble.status is None:  # on disk: a server answers 404
            return self._refused(Trouble("missing", "404 Not Found", 404))
        if trouble.status is not None:
            return self._refused(trouble)
        if trouble.kind in ("connection", "cut"):
            return self._broken(trouble)
        if trouble.kind == "tls" and not self.release.download("verifies-tls"):
            return None  # it goes on, and nobody knows with what
        return self._failed("other")

    def _refused(self, trouble: Trouble) -> Failed | None:
        """A status that is not 2xx: a failure, or a page that MAAS takes for the file."""
        failing = self.release.download("failing-status")
        status = trouble.status or 0
        if failing == "404" and status == 404:
            return self._failed("status", "missing")
        if failing == "404":
            page = self.seen.page
            if page is not None and self._compared_to(*page) is None:
                return None  # the page is the file
            return self._mismatch("status", *(page or (None, None)))
        if status >= int(failing.removeprefix(">=")):
            what = "redirect" if status // 100 == 3 and self.seen.location else "status"
            asked = self.seen.url or self.url
            return self._failed("status", what, status=trouble.message, url=asked)
        return self._compared_to(*(self.seen.page or (0, None)))

    def _broken(self, trouble: Trouble) -> Failed | None:
        if trouble.kind == "connection":
            return self._failed("closed")
        if not self.release.download("texts").get("cut"):
            if self.seen.whole:
                return self._compared_to(trouble.got, self.seen.digests)
            return self._mismatch("cut", trouble.got, None)
        chunks = trouble.expected is None and "cut-chunks" in self.release.download("texts")
        return self._failed("cut", "cut-chunks" if chunks else "cut", trouble=trouble)

    def _encoded(self) -> Failed | None:
        chain = codings(self.seen.encoding)
        for coding in chain:
            what = self.release.download("cannot-undo").get(coding)
            if what:
                asked = self.seen.url or self.url
                return self._failed("encoding", "cannot-undo", what=what, url=asked)
        if undoes(self.release, self.seen.encoding) and self.seen.undecodable is not None:
            return self._failed("encoding", "undecodable", coding=chain[-1])
        return None

    def _compared(self) -> Failed | None:
        """The file itself, as the line has it after it has undone what it undoes."""
        seen = self.seen
        undone = undoes(self.release, seen.encoding)
        if seen.encoding and not seen.encoded_anyway and not undone and not seen.decoded:
            if all(coding in _COMPRESSING for coding in codings(seen.encoding)):
                return self._failed("encoding", "")
        elif undone and (seen.encoded_anyway or seen.decoded):
            return self._compared_to(seen.decoded_size, seen.decoded)
        return self._compared_to(seen.size, seen.digests)

    def _compared_to(self, size: int | None, digests: Mapping[str, str] | None) -> Failed | None:
        wanted = self.item.size
        found = digests or {}
        if wanted is not None and size is not None and size != wanted:
            cause = "too-long" if size > wanted else "too-short"
            return self._mismatch(cause, size, found)
        for name in self.release.download("checksums"):
            given = self.item.get(name)
            if given:
                if found.get(name) is not None and found[name] != given:
                    return self._mismatch("checksum", size, found, name)
                break
        return self._stored(found)

    def _stored(self, found: Mapping[str, str]) -> Failed | None:
        """A line that reads by one checksum stores by another."""
        template = self.release.data["download"].get("mismatch-log")
        digest, said = found.get("sha256"), self.item.get("sha256")
        if not template or digest is None or said in (None, digest):
            return None
        log = template.format(image=_ident(self.item), found=digest, expected=said)
        return Failed("checksum", log, retried=False)

    def _mismatch(
        self,
        cause: str,
        size: int | None,
        found: Mapping[str, str] | None,
        algorithm: str | None = None,
    ) -> Failed:
        texts = self.release.download("texts")
        if not texts.get("mismatch"):
            return self._failed(cause)
        order = self.release.download("checksums")
        name = algorithm or next((n for n in order if self.item.get(n)), "sha256")
        digest = (found or {}).get(name)
        if size == 0:
            import hashlib

            digest = hashlib.new(name, b"", usedforsecurity=False).hexdigest()
        if digest is None or size is None:
            return self._failed(cause, "")
        return self._failed(
            cause,
            "mismatch" if size else "mismatch-empty",
            algorithm=name,
            found=digest,
            said=self.item.get(name),
            size=size,
            wanted=self.item.get("size"),
        )

    def _failed(self, cause: str, text: str | None = None, **values: object) -> Failed:
        """A failure with the line's own words; ``text``: their key, the cause if there is none."""
        key = cause if text is None else text
        return _failed(self.release, cause, key, self._values(values))

    def _values(self, values: dict[str, object]) -> dict[str, object]:
        """What a text names."""
        status, _, reason = str(values.get("status", "")).partition(" ")
        trouble = values.get("trouble")
        kind = "Server error" if status >= "5" else "Client error"
        if status.startswith("3"):
            kind = "Redirect response"
        return {
            "url": self.url,
            "location": self.seen.location or "",
            "detail": self.seen.undecodable or "",
            "got": getattr(trouble, "got", None),
            "expected": getattr(trouble, "expected", None),
            **values,
            "status": status,
            "reason": reason,
            "kind": kind,
        }


def _ident(item: Item) -> str:
    """What MAAS calls a file in its log."""
    product = item.version.product
    names = (product.os, product.get("arch"), product.get("subarch"), product.get("release"))
    filename = (item.path or "").rpartition("/")[2]
    return "/".join([*(name or "generic" for name in names), item.version.name, filename])


def repeats(release: Release, fault: Trouble) -> bool:
    """Whether a line requests a file again after a fault."""
    attempts = release.download("attempts")
    return bool(attempts == "all" or (attempts != "one" and fault.status is None))


def hops_on_one_server(url: str, redirects: tuple[str, ...]) -> int:
    """How many redirects lead to the host and port that sent them."""
    from urllib.parse import urlsplit

    places = [urlsplit(place).netloc for place in (url, *redirects)]
    return sum(a == b for a, b in pairwise(places))


def on_same_server(seen: Seen, look: Look) -> bool:
    """Whether a redirect of a file stays on its server."""
    return hops_on_one_server(look.stream.base, seen.redirects) > 0


def undoes(release: Release, encoding: str | None) -> bool:
    """Whether a line undoes a Content-Encoding; otherwise it leaves the bytes as they come."""
    chain = codings(encoding)
    known = all(coding in release.download("undoes") for coding in chain)
    return bool(chain) and known and (len(chain) == 1 or bool(release.download("undoes-chains")))
