"""Which image files the tool looks at, how, and what it observed of each."""

from __future__ import annotations

from operator import attrgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.records import field, record
from maas_stream_lint.source import Unchecked

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from maas_stream_lint.images.content import Content
    from maas_stream_lint.images.listing import OnDisk
    from maas_stream_lint.source import Trouble

#: Of the checksums a stream may give, those that any release looks at.
ALGORITHMS = ("sha256", "sha512", "md5")
_NONE: Mapping[str, str] = MappingProxyType({})
#: What the first bytes of a web page may be taken for.
PAGE_KINDS = ("html", "data", "text")


@record(frozen=True)
class FileOptions:
    """Which image files the tool looks at, and how. Sizes are in bytes."""

    #: ``none``, ``head`` (there, as long as it should be, of the right kind) or ``download`` (the
    #: checksums too). ``None``: ``download`` for a directory, unless it holds metadata alone;
    #: ``head`` for a URL.
    mode: str | None = None
    only: tuple[str, ...] = ()  #: globs of product names; empty: all
    all_versions: bool = False  #: older versions too, which MAAS leaves alone
    jobs: int | None = None  #: files at once; ``None``: one a core, 8 for a URL
    limit_rate: int | None = None  #: bytes a second, of all downloads together
    max_download: int | None = None  #: no file is begun that would lead beyond it
    keep: str | os.PathLike[str] | None = None  #: where good downloads are kept
    cache: bool = True  #: whether hashes are remembered from run to run
    retries: int = 6  #: of a file, in a row and without a byte
    longest_backoff: float = 10.0  #: seconds


class Wanted(NamedTuple):
    """A file that items name: once, however many they are."""

    path: str  #: as the metadata has it
    size: int | None = None  #: what the metadata says
    checksums: Mapping[str, str] = _NONE  #: algorithm → digest; likewise
    listed: bool = False  #: whether it should be an archive whose names matter
    linked: bool = False  #: whether its path leads out of the tree, for lines that join like a link


class Seen:
    """What was seen of one file.

    An object holds only what differs from the defaults: of most files, little is seen.
    """

    path: str
    trouble: Trouble | None = None  #: why it can't be had
    size: int | None = None  #: of what a GET brings, as it is stored
    digests: Mapping[str, str] = _NONE  #: algorithm → digest, lower case
    content: Content | None = None  #: what its first bytes are
    names: tuple[str, ...] | None = None  #: what a tar holds
    cached: bool = False  #: whether the digests are from an earlier run
    # Of a file on disk:
    link: str | None = None  #: where a link leads, from the root, that leads out of it
    on_disk: OnDisk | None = None  #: what the system said of it before it was read
    # Of a file on a server, the URLs without credentials and queries:
    linked: bool = False  #: its path was joined to the base like a link
    status: int | None = None
    url: str | None = None  #: the last one that was asked
    redirects: tuple[str, ...] = ()
    moved: str | None = None  #: the first redirect, like ``302 Found``
    headers: Mapping[str, str] = _NONE  #: a few; keys in lower case
    interim: int | None = None  #: the status of an interim answer, like 103
    partial: bool = False  #: the answer to a request for the whole file was 206
    head: Trouble | None = None  #: why HEAD was refused
    head_size: int | None = None  #: what HEAD says
    ranges: bool | None = None  #: whether a part can be asked for
    encoding: str | None = None  #: Content-Encoding when asked as MAAS asks
    encoded_anyway: bool = False  #: the same when asked for the file as it is
    decoded: Mapping[str, str] = _NONE  #: digests of what MAAS then decodes
    decoded_size: int | None = None
    undecodable: str | None = None  #: why it can't be decoded, in zlib's words
    location: str | None = None  #: the Location of the first redirect, without a login
    #: Whether all bytes came, although the head of the answer had promised more.
    whole: bool = False
    #: Size and digests of the page that came with a status that is not 2xx.
    page: tuple[int, dict[str, str]] | None = None
    faults: tuple[Trouble, ...] = ()  #: what the attempts before the last one met
    seconds: float | None = None  #: how long the body of the whole file took
    cuts: tuple[int, ...] = ()  #: after which bytes the connection broke off
    silence: float = 0.0  #: the longest time without a byte, in seconds
    rate: float | None = None  #: bytes a second, if there were enough to tell
    unkept: str | None = None  #: why this good file could not be kept, in the system's words

    def __init__(self, path: str, **facts: Any) -> None:
        """``facts``: what was seen already."""
        self.path = path
        if facts:
            vars(self).update(facts)

    @property
    def is_page(self) -> bool:
        """Whether the server sent a web page in place of the file."""
        kind = self.content.kind if self.content is not None else "data"
        if kind not in PAGE_KINDS:
            return False
        said = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        # Some servers call everything a page that has no suffix.
        return kind == "html" or said == "text/html"


@record
class Server:
    """What was seen of the server as a whole."""

    #: What the index answers without credentials, if there are any; ``None``: it is the same.
    anonymous: Trouble | None = None
    refused: str | None = None  #: the path that it answers so of
    login: str | None = None  #: where the credentials are from: ``url``, ``netrc`` or ``header``
    encoded_login: bool = False  #: the URL's user or password is percent-encoded
    user_only: bool = False  #: the URL has a user and no password
    untrusted: str | None = None  #: what the system's own certificates say against it
    #: Per address of the host's: a digest of its index, or the trouble with it.
    frontends: dict[str, str] = field(default_factory=dict)
    #: Metadata files that differ when caches are told to ask the server again.
    stale: tuple[str, ...] = ()


@record
class Survey:
    """What was seen of a stream's image files."""

    mode: str  #: one of MODES
    files: dict[str, Seen] = field(default_factory=dict)  #: by path
    wanted: dict[str, Wanted] = field(default_factory=dict)
    server: Server | None = None  #: of remote sources
    #: Of local trees that are known whole: files that no metadata names, with their sizes.
    orphans: dict[str, int] = field(default_factory=dict)
    #: Of local trees: where files of a missing one's name are.
    elsewhere: dict[str, tuple[str, ...]] = field(default_factory=dict)
    #: Files of the version before the newest, where files of the newest are absent.
    older: dict[str, Seen] = field(default_factory=dict)
    metadata_only: bool = False  #: a local tree that holds no image at all, so none was looked for
    skipped: tuple[str, ...] = ()  #: not downloaded, for `max_download`
    interrupted: bool = False  #: stopped before all was seen

    def having(self, fact: str) -> dict[str, Any]:
        """The files of which a fact is known that most files have not, with it, by path."""
        facts = list(map(attrgetter(fact), self.files.values()))
        if facts.count(None) == len(facts):
            return {}
        found = zip(self.files, facts, strict=True)
        return {path: one for path, one in found if one is not None}

    @property
    def unchecked(self) -> tuple[Unchecked, ...]:
        """The image files that this run could not look at, for a reason on its own side."""
        return tuple(
            Unchecked(path, t) for path, t in self.having("trouble").items() if t.unchecked
        )

    @property
    def unkept(self) -> dict[str, str]:
        """Why each good file that ``--keep`` should have kept was not kept, by path."""
        return self.having("unkept")

    @property
    def read(self) -> int:
        """Bytes whose digests were made."""
        return sum(s.size or 0 for s in self.files.values() if s.digests and not s.cached)

    @property
    def hashed(self) -> int:
        """Files whose digests are known."""
        return sum(map(bool, map(attrgetter("digests"), self.files.values())))

    @property
    def recalled(self) -> int:
        """Files whose digests are known from an earlier run."""
        return sum(map(attrgetter("cached"), self.files.values()))
