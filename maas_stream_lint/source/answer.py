"""What a source of metadata is, and what it answers: the vocabulary of this package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from maas_stream_lint.records import field, record

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

_HINTS = {
    "missing": "publish it, or correct the path that names it",
    "outside-root": "name it by a path below the root of the stream",
    "not-a-file": "publish a plain file there",
    "unreadable": "allow the web server's user to read it",
    "unauthorized": "allow reading without a login",
    "forbidden": "allow everybody to read it; S3 also answers 403 for a file that does not exist",
    "status": "look into the server's log",
    "tls": "install a certificate that is valid for this host name today",
    "redirects": "give MAAS the URL that the redirects lead to",
    "encoding": "configure the server to send it without that Content-Encoding",
    "refused": "check the port of the URL, and whether the server runs",
    "unknown-host": "check the spelling of the host name, and this machine's DNS",
    "unreachable": "check this machine's network and its firewall",
    "timeout": "try again, or allow more time with --timeout",
    "untrusted": "give the certificate of its authority with --ca-bundle",
    "not-tls": "if that port speaks http, write http:// in the URL",
    "handshake": "compare the TLS versions of the server with those of this machine's OpenSSL",
    "out-of-time": "allow more time with --deadline",
    "too-large": "check whether you meant to publish this file; if so, split it",
}

#: The kinds of trouble between this machine and the server, which say nothing of the stream.
_UNCHECKED = frozenset(
    (
        *("refused", "unknown-host", "unreachable", "timeout", "proxy"),
        *("untrusted", "not-tls", "handshake", "too-large", "out-of-time"),
    )
)


@record(frozen=True)
class Trouble:
    """Why a document or an image file could not be read, or what a server answered instead."""

    #: An answer of the server, or the state of a file: ``missing``, ``forbidden``,
    #: ``unauthorized``, ``status``, ``redirects``, ``encoding``, ``tls``, ``connection``, ``cut``,
    #: ``unreadable``, ``outside-root`` or ``not-a-file``. ``tls``: no client accepts the
    #: certificate. ``connection``: the answer is not HTTP, or the server closed without one.
    #: No answer: ``refused``,
    #: ``unknown-host``, ``unreachable``, ``timeout``, ``proxy``, ``untrusted``, ``not-tls``,
    #: ``handshake``, ``too-large`` or ``out-of-time``.
    kind: str
    message: str  #: for people, without secrets; ``404 Not Found`` if the server answered so
    status: int | None = None  #: the HTTP status, if the server answered
    remedy: str | None = None  #: what to do about it, if the kind alone does not say
    # Of a body that broke off, in bytes:
    got: int | None = None  #: what came
    expected: int | None = None  #: what its head promised

    @property
    def hint(self) -> str:
        """What to do about it: one clause."""
        general = "request it from the region controller with `curl`"
        return self.remedy or _HINTS.get(self.kind, general)

    @property
    def unchecked(self) -> bool:
        """Whether this run could not look, so that nothing is known: it is no finding."""
        return self.kind in _UNCHECKED


@record(frozen=True)
class Unchecked:
    """A document or an image file that this run could not look at.

    It is no finding, since it says nothing about the stream. But a run with one never passes: its
    exit code is 2. `Stream.unchecked`, `Survey.unchecked` and `Report.unchecked` list them.
    """

    path: str  #: as the metadata has it
    trouble: Trouble  #: ``trouble.message`` is the cause, ``trouble.hint`` what to try


@record(frozen=True)
class Answer:
    """What a source answered for one path."""

    path: str  #: the path as the metadata has it
    body: bytes | None  #: without its Content-Encoding; ``None`` if there is trouble
    trouble: Trouble | None = None
    # Only remote sources fill in the rest.
    status: int | None = None
    first_url: str | None = None  #: the URL of the path itself
    url: str | None = None  #: the last URL of the request; never with credentials or a query
    redirects: tuple[str, ...] = ()  #: the URLs that the server redirected to, in order
    headers: Mapping[str, str] = field(default_factory=dict)  #: some; the keys in lower case
    raw: bytes | None = None  #: the body with its Content-Encoding, if it has one
    undecodable: str | None = None  #: why ``raw`` cannot be decoded, in zlib's words
    faults: tuple[Trouble, ...] = ()  #: what the attempts before this one met
    seconds: float = 0.0  #: how long the last attempt took
    interim: int | None = None  #: the status of an interim answer before it, like 103
    #: The body of an answer whose status is not 2xx, at most 64 KiB: MAAS up to 3.7 reads it as
    #: the document.
    error_body: bytes | None = None

    def keep_as(self, text: str) -> None:
        """Hold the body as the text that it is in UTF-8, which somebody holds anyway."""
        self.__dict__.pop("body", None)
        self.__dict__["_text"] = text

    def __getattr__(self, name: str) -> Any:
        """The body, made again from the text that it is held as."""
        if name == "body" and "_text" in self.__dict__:
            return self.__dict__["_text"].encode()
        raise AttributeError(name)

    @property
    def has_body(self) -> bool:
        """Whether there is a body."""
        return "_text" in self.__dict__ or self.body is not None


@record(frozen=True)
class FetchOptions:
    """How sources are read. Local sources use ``max_bytes`` only. Times are in seconds."""

    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)  #: may hold secrets
    ca_bundle: str | os.PathLike[str] | None = None  #: replaces the system's CA certificates
    timeout: float = 20.0  #: for a connection, and for each pause of the server
    deadline: float = 300.0  #: for one document, with all its redirects and retries
    max_bytes: int = 256 * 2**20  #: of one document, after decompression
    max_total_bytes: int = 256 * 2**20  #: of all documents together, after decompression
    max_values: int = 8_000_000  #: JSON values of all documents together
    total_deadline: float = 600.0  #: for all documents together
    until: float | None = None  #: the moment of ``time.monotonic`` when the run must end
    max_redirects: int = 30  #: as many as the most patient HTTP client of MAAS follows
    retries: int = 2  #: attempts after the first one
    backoff: float = 0.5  #: the pause before the first retry; it doubles with each retry
    longest_wait: float = 10.0  #: a longer ``Retry-After`` ends the attempts


class Source(Protocol):
    """A tree of metadata files. Readers need not know whether it is local or remote."""

    @property
    def label(self) -> str:
        """What the user gave, without credentials: the ``source`` of reports."""

    @property
    def base(self) -> str:
        """The URL or directory in front of the index path, without credentials."""

    @property
    def index_path(self) -> str:
        """The path that MAAS asks for first."""

    @property
    def explicit(self) -> bool:
        """Whether the user named a metadata file; otherwise MAAS adds an index path to a root."""

    def read(self, path: str) -> Answer:
        """The document at ``path``, or the trouble with it. Raises nothing."""

    def close(self) -> None:
        """Close all connections."""


def printable(text: str) -> str:
    """``text`` in characters that any report can hold: names on disk need not be UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode()
