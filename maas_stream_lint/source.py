"""Where a stream is read from: names and URLs, and a directory on disk."""

from __future__ import annotations

import errno
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from maas_stream_lint.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What MAAS asks for when its URL names no metadata file. It never falls back to ``index.json``.
SIGNED_INDEX = "streams/v1/index.sjson"

_METADATA = re.compile(r"streams/v1/.*[.](sjson|json)$")
#: A lone ``name:`` is no scheme: products files are called ``com.ubuntu.maas:stable.json``.
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://|(https?|file):", re.IGNORECASE)
_SUFFIXES = (".json", ".sjson")
_HINTS = {
    "missing": "publish it, or mend the path that names it",
    "outside-root": "name it by a path below the root of the stream",
    "not-a-file": "publish a plain file there",
    "unreadable": "give whoever serves it the right to read it",
    "unauthorized": "let MAAS read it without logging in",
    "forbidden": "let everybody read it; S3 says so, too, of what is not there",
    "status": "see the log of the server",
    "tls": "serve a certificate that the region controller's system trusts",
    "redirects": "give MAAS the URL that the redirects lead to",
    "encoding": "have the server send it as it is",
}
_KINDS = "give a directory that holds streams/v1, a .json or .sjson file, or an http(s) URL"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a document could not be had."""

    #: ``missing``, ``forbidden``, ``unauthorized``, ``status``, ``too-large``, ``unreadable``,
    #: ``timeout``, ``tls``, ``connection``, ``redirects``, ``encoding``, ``outside-root`` or
    #: ``not-a-file``
    kind: str
    message: str  #: for people, no secrets; ``404 Not Found`` where the server said so
    status: int | None = None  #: of HTTP

    @property
    def hint(self) -> str:
        """What to do about it, one clause."""
        return _HINTS.get(self.kind, "ask for it from the region controller with `curl`")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a source had to say about one path."""

    path: str  #: as asked for, which is as the metadata has it
    body: bytes | None  #: free of Content-Encoding; ``None`` when there is trouble
    trouble: Trouble | None = None
    #: the rest is of remote sources only
    status: int | None = None
    url: str | None = None  #: the last one asked; here and below without credentials and queries
    redirects: tuple[str, ...] = ()  #: the URLs redirected to, in order
    headers: Mapping[str, str] = field(default_factory=dict)  #: a few; keys in lower case
    #: of a status that is not 2xx, up to 64 KiB: MAAS up to 3.7 takes it for the document
    error_body: bytes | None = None


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """How sources are read. Only ``max_bytes`` matters for local ones. Times are in seconds."""

    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)  #: may hold secrets
    ca_bundle: str | os.PathLike[str] | None = None  #: trusted instead of the system's
    timeout: float = 20.0  #: for a connection, and for each silence of the server
    deadline: float = 300.0  #: for one document, with all its redirects and retries
    max_bytes: int = 256 * 2**20  #: of one document, decompressed
    max_redirects: int = 5
    retries: int = 2  #: after the first try
    backoff: float = 0.5  #: before the first retry; doubles with each
    longest_wait: float = 10.0  #: a ``Retry-After`` beyond it is not waited for


class Source(Protocol):
    """A tree of metadata files, near or far; those who read it cannot tell."""

    @property
    def label(self) -> str:
        """What the user gave, without credentials; the ``source`` of reports."""

    @property
    def base(self) -> str:
        """The URL or directory in front of the index path, without credentials."""

    @property
    def index_path(self) -> str:
        """The path that MAAS asks for first."""

    @property
    def explicit(self) -> bool:
        """Whether the user named a metadata file, not a root for MAAS to add an index path to."""

    def read(self, path: str) -> Answer:
        """The document at ``path``, or the trouble with it; raises nothing."""

    def close(self) -> None:
        """Let go of connections."""


def open_source(source: str | os.PathLike[str], *, options: FetchOptions | None = None) -> Source:
    """The tree that a directory, a file, or an http, https or file URL stands for.

    Nothing is fetched yet. Raises UsageError when ``source`` cannot be meant.
    """
    options = options or FetchOptions()
    text = os.fspath(source).strip()
    if not text:
        raise UsageError("no source is named", _KINDS)
    match = _SCHEME.match(text)
    scheme = (match[1] or match[2]).lower() if match else ""
    if scheme in ("http", "https"):
        # httpx takes longer to import than a local tree takes to lint.
        from maas_stream_lint.remote import RemoteTree

        return RemoteTree(text, options)
    if scheme not in ("", "file"):
        raise UsageError(f"{scheme}:// is not a kind of source MAAS reads", _KINDS)
    return _open_local(text, _file_path(text) if scheme else text, options.max_bytes)


def is_local(source: str) -> bool:
    """Whether a source is read from disk."""
    match = _SCHEME.match(source.strip())
    return match is None or (match[1] or match[2]).lower() == "file"


def local_path(source: str) -> Path:
    """Where a source on disk is, which need not exist."""
    text = source.strip()
    given = _file_path(text) if _SCHEME.match(text) else text
    return Path(os.path.normpath(Path(given).absolute()))


def split_source(text: str) -> tuple[str, str, bool]:
    """The base, the index path, and whether ``text`` names the latter.

    Mirrors ``path_from_mirror_url`` (simplestreams/util.py) and ``SimpleStreamsClient.__init__``
    (MAAS 3.8, maasservicelayer/simplestreams/client.py). Both search in the text of the URL: one
    that goes on after ``.json``, with a query or fragment, is a base as a whole.
    """
    match = _METADATA.search(text)
    if match is None:
        return text, SIGNED_INDEX, False
    return text[: match.start()], match[0], True


def printable(text: str) -> str:
    """``text`` in characters any report can hold: names on disk need not be UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode()


@dataclass(frozen=True, slots=True)
class LocalTree:
    """A stream on disk, read as a web server with this root would serve it."""

    label: str
    root: Path
    index_path: str
    explicit: bool
    max_bytes: int

    @property
    def base(self) -> str:
        """The root, with a slash at its end."""
        return printable(str(self.root)).rstrip("/") + "/"

    def read(self, path: str) -> Answer:
        """The file at ``path`` below the root.

        Mirrors ``UrlContentSource._urlinfo`` (simplestreams/contentsource.py), which takes
        ``root/path`` for a file URL: ``?`` and ``#`` end the name, ``%20`` stands for itself.
        """
        try:
            got = self._read(path)
        except (FileNotFoundError, NotADirectoryError):
            got = Trouble("missing", "no such file")
        except OSError as error:
            kind = "missing" if error.errno == errno.ENAMETOOLONG else "unreadable"
            got = Trouble(kind, (error.strerror or "the file cannot be read").lower())
        if isinstance(got, Trouble):
            return Answer(path, None, got)
        return Answer(path, got)

    def close(self) -> None:
        """Nothing to let go of."""

    def locate(self, path: str) -> str | Trouble:
        """Where ``path`` is on disk, links not followed: names are read as by ``read``."""
        try:
            name = urlsplit("file:///" + path).path[1:]
        except ValueError:
            return Trouble("missing", "no such file")
        # Dots go by the text, as in a web server; then links are followed.
        tidy = os.path.normpath(name)
        if name.startswith("/") or tidy.split("/")[0] == "..":
            return Trouble("outside-root", "the path leads out of the tree")
        if "\0" in name or not encodable(name):
            return Trouble("missing", "no such file")
        return f"{self.root}/{tidy}" + "/" * name.endswith("/")

    def _read(self, path: str) -> bytes | Trouble:
        place = self.locate(path)
        if isinstance(place, Trouble):
            return place
        if not Path(os.path.realpath(place)).is_relative_to(os.path.realpath(self.root)):
            return Trouble("outside-root", "the path leads out of the tree through a link")
        # Opening alone can hang (a fifo) or do harm (a device).
        if not stat.S_ISREG(os.stat(place).st_mode):  # noqa: PTH116 - Path drops a final slash
            return Trouble("not-a-file", "not a regular file")
        with Path(place).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > self.max_bytes:
                return Trouble("too-large", f"larger than {self.max_bytes} bytes")
            body = file.read(size + 1)
        if len(body) > size:
            return Trouble("unreadable", "the file grew while it was read")
        return body


def encodable(name: str) -> bool:
    """Whether a name could be on disk: half a surrogate pair cannot."""
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return False
    return True


def _file_path(url: str) -> str:
    """The path of a file URL; like simplestreams, without decoding ``%20``."""
    rest = url[len("file:") :]
    if rest.startswith("//"):
        host, slash, rest = rest[2:].partition("/")
        if host not in ("", "localhost") or not slash:
            raise UsageError("a file URL can name no host", "write file:///path, or just the path")
        rest = "/" + rest
    return rest


def _open_local(label: str, given: str, max_bytes: int) -> LocalTree:
    label = printable(label)
    # The text of the path decides, not where links in it lead: ``current/streams/v1/index.json``.
    place = Path(os.path.normpath(Path(given).absolute()))
    try:
        mode = place.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):
        root, path = _split_local(place)
        # A root without its index is a broken stream, and findings say so.
        if path.startswith("streams/v1/") and place.suffix in _SUFFIXES and _is_directory(root):
            return LocalTree(label, root, path, explicit=True, max_bytes=max_bytes)
        raise UsageError(f"{label} does not exist", _KINDS) from None
    except OSError as error:
        why = (error.strerror or "unreadable").lower()
        raise UsageError(f"cannot open {label}: {why}", "check the path and its rights") from None
    if stat.S_ISDIR(mode):
        _refuse_inner_directory(label, place)
        return LocalTree(label, place, SIGNED_INDEX, explicit=False, max_bytes=max_bytes)
    if not stat.S_ISREG(mode) or place.suffix not in _SUFFIXES:
        raise UsageError(f"{label} is not a directory, .json or .sjson file", _KINDS)
    root, path = _split_local(place)
    return LocalTree(label, root, path, explicit=True, max_bytes=max_bytes)


def _split_local(place: Path) -> tuple[Path, str]:
    """The root and the path in it; a file outside ``streams/v1`` is linted alone, where it is."""
    before, inside, after = str(place).partition("/streams/v1/")
    return (Path(before or "/"), f"streams/v1/{after}") if inside else (place.parent, place.name)


def _refuse_inner_directory(label: str, place: Path) -> None:
    if _is_directory(place / "streams/v1"):
        return
    for root in place.parents:
        if _is_directory(root / "streams/v1"):
            hint = f"lint the root: {printable(str(root))}"
            raise UsageError(f"{label} is a directory inside a stream, not its root", hint)


def _is_directory(place: Path) -> bool:
    try:
        return stat.S_ISDIR(place.stat().st_mode)
    except OSError:
        return False
