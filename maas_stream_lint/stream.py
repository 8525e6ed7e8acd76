"""A source's metadata files, fetched and parsed once, as each engine would read them."""

from __future__ import annotations

import os
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

from maas_stream_lint import document, signature
from maas_stream_lint.errors import UsageError
from maas_stream_lint.keyring import NOT_SAID, as_keyring
from maas_stream_lint.metadata_fetch import Body, Refused, fetch, refused_at
from maas_stream_lint.records import field, record, replace
from maas_stream_lint.source import Trouble, Unchecked, file_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from maas_stream_lint.document import Document
    from maas_stream_lint.keyring import GivenKeyring, Keyring
    from maas_stream_lint.source import Answer, Source

#: A stream that names more metadata files than this is not read to its end.
MAX_FILES = 2000

INDEX_JSON = "streams/v1/index.json"
#: What the tools around Juju call an index.
JUJU_INDEXES = ("streams/v1/index2.sjson", "streams/v1/index2.json")


@record(frozen=True)
class Failure:
    """Why MAAS cannot use a file, in the words of its own exception."""

    cause: str
    exception: str
    message: str


@record(frozen=True)
class Reading:
    """What one engine reads from a file: its data, a failure, or both.

    It is both if MAAS gives up although the tool can parse the text (a bad signature). So the same
    run can look at the rest of the stream.
    """

    failure: Failure | None = None
    document: Document | None = None

    @property
    def parsed(self) -> bool:
        """Whether there is data to go on with."""
        return self.document is not None and not any(f.fatal for f in self.document.flaws)

    @property
    def data(self) -> Any:
        """The JSON value, aliases not expanded."""
        return self.document.data if self.document is not None else None


@record
class Metadata:
    """One metadata file of the stream."""

    path: str  #: as the index (or the source) names it
    answer: Answer
    keyring: Keyring
    detached: Answer | None = None  #: ``PATH.gpg`` beside a ``.json``, where there is one
    twin: Answer | None = None  #: the ``.sjson`` beside a ``.json`` and the other way round
    _documents: dict[str | tuple[str, int], Document] = field(default_factory=dict, repr=False)

    @property
    def exists(self) -> bool:
        """Whether the source has the file."""
        return self.answer.has_body

    @property
    def trouble(self) -> Trouble:
        """Why the file can't be had, where it does not exist."""
        return self.answer.trouble or refused_at(self.answer) or Trouble("missing", "no such file")

    @cached_property
    def text(self) -> str | None:
        """The file's text as UTF-8, ``None`` where it is not."""
        try:
            return self.answer.body.decode("utf-8") if self.answer.body is not None else None
        except UnicodeDecodeError:
            return None

    @property
    def misread_charset(self) -> str | None:
        """The charset of the answer's head by which MAAS 3.8 misreads a text that is UTF-8."""
        got = fetch(self.answer, strict=True)
        if not isinstance(got, Body) or got.charset == "utf-8" or self.text is None:
            return None
        try:
            return got.charset if got.text != self.text else None
        except UnicodeDecodeError:
            return got.charset

    @cached_property
    def signed(self) -> bool:
        """Whether the text is a clear-signed message."""
        return self.text is not None and signature.is_clear_signed(self.text)

    @cached_property
    def verification(self) -> signature.Verification | None:
        """What gpgv says of the file; ``None`` without a keyring. Raises GpgvMissing."""
        if not isinstance(self.keyring, str) or self.answer.body is None:
            return None
        return signature.verify(self.answer.body, self.keyring)

    @cached_property
    def detached_verification(self) -> signature.Verification | None:
        """What gpgv says of ``PATH.gpg``; ``None`` without one or a keyring. Raises GpgvMissing."""
        if not isinstance(self.keyring, str) or self.answer.body is None:
            return None
        if self.detached is None or self.detached.body is None:
            return None
        return signature.verify_detached(self.answer.body, self.detached.body, self.keyring)

    @cached_property
    def twin_document(self) -> Document | None:
        """The JSON of the twin, ``None`` without one, whatever its signature."""
        if self.twin is None:
            return None
        return Metadata(self.twin.path, self.twin, None).best

    def legacy(self, *, signed: bool) -> Reading:
        """The file as MAAS up to 3.7 reads it.

        ``signed``: the policy of the whole import, by the index's name. Mirrors
        ``MirrorReader.read_json`` (simplestreams/mirrors), ``read_signed`` (simplestreams/util)
        and ``get_signing_policy`` (MAAS, import_images/helpers.py).
        """
        unread = self._unread()
        if unread is not None:
            return unread
        got = fetch(self.answer, strict=False)
        if isinstance(got, Refused):
            return Reading(Failure("file-missing", got.exception, got.message))
        if got is not None and self.answer.trouble is not None:
            return self._error_page(got, signed=signed)
        if got is not None:
            return self._legacy_text(got, signed=signed)
        # `open` itself refuses such a path, with a ValueError that is not logged.
        exception = "OSError" if _openable(self.path) else "ValueError"
        message = f"Unable to open {self.path}. mirrors=[]"
        return Reading(Failure("file-missing", exception, message))

    def _error_page(self, got: Body, *, signed: bool) -> Reading:
        """Up to 3.7 only a 404 is an error: the body of a 403 or 500 is read as the document."""
        reading = self._legacy_text(got, signed=signed)
        data = reading.data
        if reading.failure is not None:
            exception, message = reading.failure.exception, reading.failure.message
        elif isinstance(data, dict) and data.get("format") in ("index:1.0", "products:1.0"):
            return reading
        else:
            form = data.get("format", "UNSPECIFIED") if isinstance(data, dict) else "UNSPECIFIED"
            exception, message = "TypeError", f"Unknown format '{form}' in '{self.path}'"
        return Reading(Failure("file-missing", exception, message))

    def _legacy_text(self, got: Body, *, signed: bool) -> Reading:
        text = self._decoded(got)
        if text is None:
            return self._unparsed(got.data)
        if not signed:
            return self._parsed(text, None)
        if not signature.is_clear_signed(text):
            failure = Failure("unsigned-sjson", "SignatureMissingException", "No signature found!")
            return self._parsed(text, failure)
        failure_or_none = self._legacy_signature()
        try:
            payload = signature.legacy_payload(text)
        except signature.PayloadError as error:
            return Reading(failure_or_none or Failure("not-json", "UnboundLocalError", str(error)))
        return self._parsed(text, failure_or_none, payload)

    def strict(self, *, verify: bool | None = None) -> Reading:
        """The file as MAAS 3.8 reads it.

        ``verify``: whether its signature is looked at; ``None``: if there is a keyring.

        Mirrors ``SimpleStreamsClient.http_get`` and ``_parse_response``
        (src/maasservicelayer/simplestreams/client.py).
        """
        unread = self._unread()
        if unread is not None:
            return unread
        got = fetch(self.answer, strict=True)
        if isinstance(got, Refused):
            return Reading(Failure("file-missing", got.exception, got.message))
        if got is None:
            what = self.answer.trouble.message if self.answer.trouble else "404 Not Found"
            if self.answer.trouble and self.answer.trouble.kind in ("missing", "outside-root"):
                what = "404 Not Found"
            return Reading(_client("file-missing", f"Request to '{self.path}' failed: {what}"))
        try:
            own = got.charset == "utf-8" and got.part == "body"
            text = self.text if own and self.text is not None else got.text
        except UnicodeDecodeError as error:
            undecoded = Failure("not-utf8", "UnicodeDecodeError", str(error))
            plain = self._decoded(got)
            if plain is None:
                return Reading(undecoded, self._unparsed(got.data).document)
            return self._parsed(plain, undecoded)
        failure = None
        if verify is not False and not self._verified(needed=bool(verify)):
            cause = "bad-signature" if self.signed else "unsigned-file"
            failure = _client(cause, "Failed to verify PGP signature.")
        payload = signature.strict_payload(text) if self.signed else None
        reading = self._parsed(text, failure, payload, got.charset)
        if reading.failure is not None and reading.failure.cause == "not-json":
            message = f"Request to '{self.path}' failed: not a valid JSON file."
            return Reading(_client("not-json", message), reading.document)
        return reading

    def _verified(self, *, needed: bool) -> bool:
        """Whether the signature is good. ``needed``: no keyring is a bad signature."""
        if self.verification is not None:
            return self.verification.good
        return not needed or (self.keyring is NOT_SAID and self.signed)

    @cached_property
    def best(self) -> Document | None:
        """The most readable view of the file, for rules and places."""
        reading = self.strict()
        if not reading.parsed or self.misread_charset is not None:
            legacy = self.legacy(signed=self.signed)
            reading = legacy if legacy.parsed or reading.document is None else reading
        return reading.document

    def _unread(self) -> Reading | None:
        """MAAS may read it; what this run could not read, it does not judge."""
        if self.answer.trouble is None or not self.answer.trouble.unchecked:
            return None
        return Reading(Failure("metadata-not-read", "", self.answer.trouble.message))

    def _legacy_signature(self) -> Failure | None:
        if self.keyring is NOT_SAID:
            return None
        if self.verification is None:
            return Failure(
                "no-keyring",
                "CalledProcessError",
                "Command 'gpgv' returned non-zero exit status 2.",
            )
        if not self.verification.good:
            return Failure(
                "bad-signature",
                "CalledProcessError",
                "Command 'gpgv' returned non-zero exit status 2.",
            )
        return None

    def _decoded(self, got: Body) -> str | None:
        """What a client of MAAS got: mostly the file's own bytes, which are decoded once."""
        if got.part == "body":
            return self.text
        try:
            return got.data.decode("utf-8")
        except UnicodeDecodeError:
            return None

    def _unparsed(self, body: bytes) -> Reading:
        parsed = self._documents.setdefault("", document.parse(body))
        return Reading(Failure("not-utf8", "UnicodeDecodeError", parsed.flaws[0].message), parsed)

    def _parsed(
        self,
        text: str,
        failure: Failure | None,
        payload: signature.Payload | None = None,
        charset: str = "utf-8",
    ) -> Reading:
        key = payload.text.strip() if payload is not None else (charset, len(text))
        parsed = self._documents.get(key)
        if parsed is None:
            places = payload.place if payload is not None else None
            parsed = document.parse_text(payload.text if payload else text, places=places)
            self._documents[key] = parsed
        fatal = next((f for f in parsed.flaws if f.fatal), None)
        if failure is None and fatal is not None:
            failure = Failure("not-json", "JSONDecodeError", fatal.message)
        return Reading(failure, parsed)


@record
class Stream:
    """Everything that was read of a source."""

    label: str  #: what the user gave, without credentials; the ``source`` of reports
    index_path: str  #: the file that MAAS asks for first
    explicit: bool  #: whether the user named that file; else MAAS makes it up from a bare root
    base: str
    keyring: Keyring
    files: dict[str, Metadata]
    truncated: bool = False  #: more files were named than MAX_FILES
    json_trouble: Trouble | None = None  #: with ``index.json``, where neither index can be had
    #: an index under Juju's name, where there is no other or the other is empty
    by_directory: bool = False  #: whether the user named a directory, and its index was chosen
    juju_index: str | None = None
    #: The URL that MAAS needs, tried, where the given one ends in ``streams`` or ``streams/v1``.
    right_url: str | None = None

    @property
    def incomplete(self) -> bool:
        """Whether this run could not read some of the metadata."""
        return self.truncated or bool(self.unchecked)

    @property
    def unchecked(self) -> tuple[Unchecked, ...]:
        """The metadata files that this run could not read, for a reason on its own side."""
        troubles = ((path, file.answer.trouble) for path, file in self.files.items())
        return tuple(Unchecked(path, t) for path, t in troubles if t is not None and t.unchecked)

    @property
    def fallback(self) -> bool:
        """Whether the bare root lacks ``index.sjson`` and ``index.json`` was read instead."""
        missing = self.index_path not in self.files or not self.files[self.index_path].exists
        return missing and not self.explicit and INDEX_JSON in self.files

    @property
    def start(self) -> str:
        """The file to begin with: MAAS's, or the one to go on with where that is missing."""
        return INDEX_JSON if self.fallback else self.index_path

    def by_plain_index(self) -> Stream | None:
        """The same stream as MAAS reads it with the URL of its plain index.

        ``None`` where the source is no root URL, or has a signed index, or none at all. Requests
        nothing: all files are known.
        """
        if not self.fallback or "://" not in self.base:
            return None
        return replace(
            self,
            label=f"{self.base.rstrip('/')}/{INDEX_JSON}",
            index_path=INDEX_JSON,
            explicit=True,
            files={path: file for path, file in self.files.items() if path != self.index_path},
        )


def load(
    source: Source,
    keyring: GivenKeyring = None,
    known: Callable[[str], Metadata | None] | None = None,
) -> Stream:
    """Read all metadata that the index names, nested indexes included.

    ``keyring``: the boot source's keyring; ``None`` if MAAS has none, `keyring.NOT_SAID` if
    nobody said, so that signatures count as good. ``known``: files that
    were read before, which then need not be read and parsed again. Raises UsageError for a keyring
    that is not there; everything wrong with the stream itself becomes data.
    """
    ring = as_keyring(keyring)
    if isinstance(ring, str) and not os.path.isfile(ring):
        raise UsageError(f"no keyring file {ring!r}", "give the keyring file that MAAS has")
    stream = Stream(
        label=source.label,
        index_path=source.index_path,
        explicit=source.explicit,
        base=source.base,
        keyring=ring,
        files={},
        by_directory=getattr(source, "by_directory", False),
    )
    known = known or (lambda path: None)
    _read(source, stream, source.index_path, known)
    first = stream.files[source.index_path]
    if not (first.exists or source.explicit or first.trouble.unchecked):
        _read(source, stream, INDEX_JSON, known)
        if not stream.files[INDEX_JSON].exists:
            stream.json_trouble = stream.files.pop(INDEX_JSON).trouble
            if stream.json_trouble.kind == "missing":
                stream.juju_index = _juju_index(source)
                stream.right_url = _right_url(source)
    queue = [stream.start]
    while queue:
        for path in _named(stream.files[queue.pop()]):
            if path in stream.files:
                continue
            if len(stream.files) >= MAX_FILES:
                stream.truncated = True
                return stream
            _read(source, stream, path, known)
            queue.append(path)
    if _is_empty(stream.files[stream.start]):
        stream.juju_index = _juju_index(source)
    return stream


def _juju_index(source: Source) -> str | None:
    """The index that the source has under Juju's name."""
    return next((path for path in JUJU_INDEXES if _optional(source, path)), None)


def _is_empty(index: Metadata) -> bool:
    """Whether an index names no file at all."""
    data = index.best.data if index.best is not None else None
    return isinstance(data, dict) and data.get("index") == {}


def _right_url(source: Source) -> str | None:
    """The URL for MAAS if the given URL ends inside the stream; else ``None``."""
    inside = re.fullmatch(r"(https?://.+/)streams(/v1)?/*", source.base)
    if inside is None:
        return None
    folder = "" if inside[2] else "v1/"
    if _optional(source, f"{folder}index.sjson"):
        return inside[1]
    return f"{inside[1]}{INDEX_JSON}" if _optional(source, f"{folder}index.json") else None


def expanded(data: Any) -> Any:
    """A copy of ``data`` with ``_aliases`` expanded as up to 3.7; ``data`` itself if it has none.

    An alias maps a member's name and text to further members, which are put beside it, at every
    depth. Raises what MAAS would raise (KeyError for an unknown alias, TypeError, RecursionError).
    Mirrors ``expand_tree`` (simplestreams/util).
    """
    refs = data.get("_aliases") if isinstance(data, dict) else None
    if not isinstance(refs, dict) or not refs:
        return data
    from copy import deepcopy  # few streams have aliases

    data = deepcopy(data)
    _expand(data, data["_aliases"])
    return data


def _expand(data: Any, refs: dict[str, Any]) -> None:
    if isinstance(data, dict):
        for key, value in list(data.items()):
            current = data.get(key, value)
            if key != "_aliases" and refs.get(key) and current and isinstance(current, str):
                data.update(refs[key][current])
        for value in data.values():
            _expand(value, refs)
    elif isinstance(data, list):
        for value in data:
            _expand(value, refs)


def _read(
    source: Source, stream: Stream, path: str, known: Callable[[str], Metadata | None]
) -> None:
    before = known(path)
    if before is not None:
        stream.files[path] = before
        return
    read = Metadata(path, source.read(path), stream.keyring)
    stream.files[path] = read
    _ = read.verification  # now, so that nothing later does I/O
    if read.exists and path.endswith(".json"):
        read.detached = _optional(source, path + ".gpg")
        _ = read.detached_verification
        read.twin = _optional(source, path.removesuffix(".json") + ".sjson")
    elif read.exists and path.endswith(".sjson"):
        read.twin = _optional(source, path.removesuffix(".sjson") + ".json")
    if read.text is not None:
        read.answer.keep_as(read.text)  # a stream is large: once is enough


def _optional(source: Source, path: str) -> Answer | None:
    answer = source.read(path)
    return answer if answer.body is not None else None


def _named(read: Metadata) -> Iterator[str]:
    """The paths that a file names, if it is an index."""
    data = read.best.data if read.best is not None else None
    views = [data]
    try:
        views.append(expanded(data))
    except Exception:  # noqa: BLE001 - whatever is wrong with the aliases, the simulation says it
        views.append(None)
    seen = set()
    for view in views:
        for path in _entry_paths(view):
            if path not in seen:
                seen.add(path)
                yield path


def _entry_paths(data: Any) -> Iterator[str]:
    if not isinstance(data, dict):
        return
    entries: list[Any] = []
    if isinstance(data.get("index"), dict):
        entries += data["index"].values()
    if isinstance(data.get("indexes"), list):
        entries += data["indexes"]
    for entry in entries:
        if isinstance(entry, dict) and isinstance(entry.get("path"), str) and entry["path"]:
            yield entry["path"]


def _openable(path: str) -> bool:
    """Whether ``open`` looks for the file at all: it refuses names that no disk can hold.

    The name is what ``UrlContentSource._urlinfo`` (simplestreams/contentsource.py) makes of a path:
    a query and a fragment are not of it.
    """
    name = file_name(path)
    try:
        name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return "\0" not in name


def _client(cause: str, message: str) -> Failure:
    return Failure(cause, "SimpleStreamsClientException", message)
