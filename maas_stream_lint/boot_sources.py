"""The boot sources that a MAAS has, as a user names them, and their metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.errors import UsageError
from maas_stream_lint.imports.situation import ReadSource, Selection, Situation
from maas_stream_lint.keyring import NOT_SAID, as_keyring
from maas_stream_lint.records import field, record, replace
from maas_stream_lint.source import open_source
from maas_stream_lint.source.answer import Answer, Trouble
from maas_stream_lint.stream import load

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

    from maas_stream_lint.keyring import GivenKeyring
    from maas_stream_lint.rulebook import Release
    from maas_stream_lint.source import FetchOptions
    from maas_stream_lint.stream import Stream

    #: What a boot source selects: a list of ``{"os", "release", "arches", "subarches", "labels"}``;
    #: ``"default"``: what a fresh MAAS selects; ``None``: every selection that it can serve.
    Given = Sequence[Mapping[str, Any] | Selection] | str | None

#: What a user may have done to a MAAS between two imports.
CHANGES = ("add", "remove", "url", "edit", "selections", "priority", "enabled")


@record(frozen=True)
class BootSource:
    """A boot source of a MAAS."""

    name: str
    source: str | os.PathLike[str]  #: where to read it: a directory, an index or a URL
    url: str | None = None  #: what MAAS is given, where that is not where it is read
    selections: Given = None
    keyring: GivenKeyring = NOT_SAID  #: ``None``: MAAS has none; left out: nobody said
    priority: int | None = None  #: on 3.8; ``None``: its position, the last one highest
    enabled: bool = True  #: on 3.8
    #: On 3.8, whether signatures count. ``None``: they do if there is a keyring.
    skip_keyring_verification: bool | None = None
    down: bool = False  #: MAAS cannot reach it
    options: FetchOptions | None = field(default=None, repr=False)  #: how to read it


def parse_selections(rows: Given) -> tuple[Selection, ...] | None:
    """Selections as the engines take them; ``None`` for ``None`` and for ``default``.

    Raises UsageError for what is none.
    """
    if rows is None:
        return None
    from maas_stream_lint.selecting import DEFAULT, selections_of

    if rows == DEFAULT:
        return None
    if isinstance(rows, str):
        raise UsageError(f"no selections {rows!r}", f"give a list of them, or {DEFAULT!r}")
    return tuple(
        row if isinstance(row, Selection) else selections_of([dict(row)], "selections")[0]
        for row in rows
    )


def selections_by_line(
    rows: Given, releases: Sequence[Release]
) -> dict[str, tuple[Selection, ...]] | None:
    """What each release line selects; ``None`` if unknown. Raises UsageError."""
    if rows is None:
        return None
    from maas_stream_lint.selecting import default_selections

    chosen = parse_selections(rows)
    return {
        release.line: default_selections(release) if chosen is None else chosen
        for release in releases
    }


def read_situation(
    sources: Sequence[BootSource | ReadSource],
    *,
    commissioning: tuple[str, str] | None = None,
    changes: Iterable[Sequence[str]] = (),
    migrated: bool = False,
) -> Situation:
    """A MAAS with these sources. Reads the metadata of those that are not read yet.

    ``changes``: what was done since the last import, each what and to which source. ``migrated``:
    whether the strict engine makes its selections from those of before. Raises LintError if a
    source cannot be read, UsageError for names that are not told apart and changes of no kind.
    """
    names = [source.name for source in sources]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"two boot sources are called {twice!r}", "give each a name of its own")
    made = []
    for what, name in changes:
        if what not in CHANGES:
            raise UsageError(f"no change {what!r}", "known: " + ", ".join(CHANGES))
        made.append((what, name))
    read = tuple(
        replace(source, number=number)
        if isinstance(source, ReadSource)
        else read_source(source, number)
        for number, source in enumerate(sources, 1)
    )
    return Situation(read, commissioning, tuple(made), migrated)


def read_source(given: BootSource, number: int = 1, *, as_tree: bool = False) -> ReadSource:
    """A source with its metadata. Raises LintError if it cannot be read.

    ``number``: its position among the sources, from 1. ``as_tree``: whether a directory without a
    signed index is judged by its plain one.
    """
    opened = open_source(given.source, options=given.options, as_tree=as_tree)
    try:
        stream = load(_Down(opened) if given.down else opened, given.keyring)
    finally:
        opened.close()
    return with_stream(given, stream, number)


def with_stream(given: BootSource, stream: Stream, number: int = 1) -> ReadSource:
    """A source whose metadata is already read."""
    from maas_stream_lint.selecting import DEFAULT

    keyring = as_keyring(given.keyring)
    url = stream.label if given.url is None else given.url
    skip = given.skip_keyring_verification
    return ReadSource(
        given.name,
        url,
        stream,
        parse_selections(given.selections),
        given.selections == DEFAULT,
        given.priority,
        given.enabled,
        given.down,
        None if skip is None else not skip,
        (url, keyring, skip),
        number,
    )


class _Down:
    """A source that refuses every connection."""

    def __init__(self, source: Any) -> None:
        self.label, self.base = source.label, source.base
        self.index_path, self.explicit = source.index_path, source.explicit

    def read(self, path: str) -> Answer:
        return Answer(path, None, Trouble("connection", "connection refused"))

    def close(self) -> None:
        """Nothing is open."""
