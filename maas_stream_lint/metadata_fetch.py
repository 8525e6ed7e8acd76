"""What MAAS gets when it requests a metadata file, predicted from what a server answered."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Any

from maas_stream_lint.records import record
from maas_stream_lint.rulebook import all_releases
from maas_stream_lint.source import Trouble
from maas_stream_lint.source.codings import codings

if TYPE_CHECKING:
    from maas_stream_lint.source import Answer


@record(frozen=True)
class Body:
    """The bytes that MAAS takes for the document, and the charset that it decodes them with."""

    answer: Answer
    part: str  #: of the answer: ``body``, ``raw`` or ``error_body``; ``""`` if they are none
    charset: str = "utf-8"

    @property
    def data(self) -> bytes:
        """The bytes."""
        return getattr(self.answer, self.part) or b"" if self.part else b""

    @property
    def text(self) -> str:
        """The document. Raises UnicodeDecodeError."""
        return self.data.decode(self.charset)


@record(frozen=True)
class Refused:
    """Why MAAS gets no document: the exception, and its text (``""`` where it is not known)."""

    exception: str
    message: str


def facts_of(*, strict: bool) -> dict[str, Any]:
    """The ``[metadata]`` table of the oldest line with an engine: its HTTP client."""
    release = next(r for r in all_releases() if r.strict is strict)
    facts: dict[str, Any] = release.data["metadata"]
    return facts


def fetch(answer: Answer, *, strict: bool) -> Body | Refused | None:
    """What the client of an engine reads from an answer; ``None`` for a missing document.

    Mirrors ``RequestsUrlReader`` (simplestreams/contentsource.py) and
    ``SimpleStreamsClient.http_get`` (maasservicelayer/simplestreams/client.py).
    """
    facts = facts_of(strict=strict)
    trouble = answer.trouble
    if len(answer.redirects) > facts["redirects"]:
        return _refused(facts, "redirects", answer)
    if answer.interim is not None and facts["reads-interim"]:
        return Body(answer, "")
    if trouble is None:
        return _body(answer, facts) if answer.has_body else None
    if trouble.status is not None and answer.error_body is not None:
        failing = facts["failing-status"]
        fails = trouble.status == 404 if failing == "404" else trouble.status >= int(failing[2:])
        return None if fails else Body(answer, "error_body", _charset(answer, facts))
    cause = _cause(trouble)
    return _refused(facts, cause, answer) if cause in facts["errors"] else None


def refused_at(answer: Answer) -> Trouble | None:
    """What is the matter with an answer that came, and that some client of MAAS refuses."""
    if not answer.has_body:
        return None
    encoding = answer.headers.get("content-encoding", "")[:40]
    if answer.undecodable is not None:
        return Trouble("encoding", f"the body is not what `Content-Encoding: {encoding}` says")
    if answer.interim is not None:
        return Trouble("status", f"the server sends an interim answer ({answer.interim}) first")
    if codings(encoding):
        return Trouble("encoding", f"MAAS cannot decode `Content-Encoding: {encoding}`")
    if answer.redirects:
        return Trouble("redirects", f"{len(answer.redirects)} redirects")
    return None


def is_retried(fault: Trouble, *, strict: bool) -> bool:
    """Whether MAAS itself requests a document again after a fault."""
    attempts = facts_of(strict=strict)["attempts"]
    return bool(attempts == "again-if-closed" and fault.kind == "connection")


def _body(answer: Answer, facts: dict[str, Any]) -> Body | Refused:
    said = answer.headers.get("content-encoding", "")
    chain = codings(said)
    charset = _charset(answer, facts)
    for coding in chain:
        if coding in facts["cannot-undo"]:
            return _refused(facts, "cannot-undo", answer, what=facts["cannot-undo"][coding])
    known = bool(chain) and all(coding in facts["undoes"] for coding in chain)
    if known and len(chain) == 1 and not facts["any-case"] and said.strip() != chain[0]:
        return _refused(facts, "undecodable", answer, coding=said.strip())
    if not known or (len(chain) > 1 and not facts["undoes-chains"]):
        return Body(answer, "raw" if answer.raw is not None else "body", charset)
    if answer.undecodable is not None:
        return _refused(facts, "undecodable", answer, coding=said.strip())
    return Body(answer, "body", charset)


def _charset(answer: Answer, facts: dict[str, Any]) -> str:
    if facts["charset"]:
        for part in answer.headers.get("content-type", "").split(";")[1:]:
            name, _, value = part.strip().partition("=")
            if name.lower() == "charset":
                try:
                    return codecs.lookup(value.strip("\"' ")).name
                except (LookupError, ValueError):
                    break
    return "utf-8"


def _cause(trouble: Trouble) -> str:
    if trouble.kind == "cut" and trouble.expected is None:
        return "cut-chunks"
    return "closed" if trouble.kind == "connection" else trouble.kind


def _refused(facts: dict[str, Any], cause: str, answer: Answer, **values: str) -> Refused:
    """The exception of a cause that the data knows, with its values put in."""
    from urllib.parse import urlsplit

    exception, text = facts["errors"][cause]
    url = urlsplit(answer.first_url or answer.path)
    trouble = answer.trouble
    got, expected = (trouble.got, trouble.expected) if trouble is not None else (None, None)
    message = text.format(
        **{
            "url": answer.first_url,
            "host": url.hostname,
            "port": url.port or (443 if url.scheme == "https" else 80),
            "target": url.path,
            "detail": answer.undecodable or (trouble.message.partition(": ")[2] if trouble else ""),
            "coding": answer.headers.get("content-encoding", "").strip(),
            "got": got,
            "more": (expected or 0) - (got or 0),
            **values,
        }
    )
    return Refused(exception, message)
