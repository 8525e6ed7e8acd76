"""Which documents could not be read or parsed, so that no report on their stream passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.look import Look
    from maas_stream_lint.stream import Metadata


class Unread(NamedTuple):
    """A document or image file that this run or MAAS could not read or parse."""

    path: str  #: as the metadata has it
    message: str  #: the cause: one clause
    remedy: str  #: what to do about it: one clause
    #: Whether it is a fact about the stream, which a finding tells too: the server answered, or the
    #: text is broken. Otherwise this run could not look, and knows nothing.
    fact: bool


def find_unread(look: Look) -> tuple[Unread, ...]:
    """Everything that could not be read or parsed: metadata first, then image files."""
    metadata = (unread for file in look.stream.files.values() for unread in _unread(file))
    survey = look.survey
    images = survey.unchecked if survey is not None else ()
    of_images = (Unread(i.path, i.trouble.message, i.trouble.hint, fact=False) for i in images)
    return (*metadata, *of_images)


def _unread(file: Metadata) -> Iterator[Unread]:
    trouble = file.answer.trouble
    if trouble is not None:
        yield Unread(file.path, trouble.message, trouble.hint, not trouble.unchecked)
        return
    document = file.best
    flaws = document.flaws if document is not None else []
    flaw = next((flaw for flaw in flaws if flaw.fatal), None)
    if flaw is not None:
        yield Unread(file.path, f"MAAS cannot parse it: {flaw.message}", "correct the text", True)
    elif document is None:
        yield Unread(file.path, "MAAS cannot parse it", "publish it as JSON", True)
