"""A stream on disk."""

from __future__ import annotations

import errno
import os
import stat
from functools import cached_property
from typing import TYPE_CHECKING

from maas_stream_lint.errors import UsageError
from maas_stream_lint.records import field, record
from maas_stream_lint.source.answer import Answer, Trouble, printable
from maas_stream_lint.source.budget import Budget
from maas_stream_lint.source.index_path import PLAIN_INDEX, SIGNED_INDEX

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from maas_stream_lint.source.answer import FetchOptions

#: What a user can give as a source.
SOURCE_KINDS = "give a directory that holds streams/v1, a .json or .sjson file, or an http(s) URL"

_SUFFIXES = (".json", ".sjson")
#: What ``urlsplit`` takes out of a URL.
_UNSAFE = str.maketrans("", "", "\t\r\n")


@record(frozen=True)
class LocalTree:
    """A stream on disk, read as a web server with this root would serve it."""

    label: str
    folder: str  #: the root
    index_path: str
    explicit: bool
    max_bytes: int
    budget: Budget | None = field(default=None, compare=False, repr=False)
    by_directory: bool = False  #: whether the user named a directory, and its index was chosen

    @property
    def root(self) -> Path:
        """The root, for what is more than read."""
        from pathlib import Path

        return Path(self.folder)

    @cached_property
    def _real(self) -> str:
        """The root, links followed."""
        return os.path.realpath(self.folder)

    @property
    def base(self) -> str:
        """The root, with a slash at its end."""
        return printable(self.folder).rstrip("/") + "/"

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
        answer = Answer(path, got)
        return self.budget.admit(answer) if self.budget is not None else answer

    def close(self) -> None:
        """Nothing to let go of."""

    def locate(self, path: str) -> str | Trouble:
        """Where ``path`` is on disk, links not followed: names are read as by ``read``."""
        name = file_name(path)
        # Dots go by the text, as in a web server; then links are followed.
        tidy = os.path.normpath(name)
        if name.startswith("/") or tidy.split("/")[0] == "..":
            return Trouble("outside-root", "the path leads out of the tree")
        if "\0" in name or not encodable(name):
            return Trouble("missing", "no such file")
        return f"{self.folder}/{tidy}" + "/" * name.endswith("/")

    def _read(self, path: str) -> bytes | Trouble:
        place = self.locate(path)
        if isinstance(place, Trouble):
            return place
        if not is_within(os.path.realpath(place), self._real):
            return Trouble("outside-root", "the path leads out of the tree through a link")
        # Opening alone can hang (a fifo) or do harm (a device).
        if not stat.S_ISREG(os.stat(place).st_mode):
            return Trouble("not-a-file", "not a regular file")
        with open(place, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > self.max_bytes:
                return Trouble("too-large", f"larger than {self.max_bytes} bytes")
            body = file.read(size + 1)
        if len(body) > size:
            return Trouble("unreadable", "the file grew while it was read")
        return body


def file_name(path: str) -> str:
    """The part of a path that names a file: what ``urlsplit`` takes for the path in a file URL.

    It does without that function, whose module takes 2 ms to import.
    """
    return path.translate(_UNSAFE).partition("#")[0].partition("?")[0]


def is_within(place: str, folder: str) -> bool:
    """Whether an absolute path is that of a folder, or leads into it."""
    return os.path.join(place, "").startswith(os.path.join(folder, ""))


def around(place: str) -> Iterator[str]:
    """The folders around an absolute path, the nearest first."""
    while place != (place := os.path.dirname(place)):
        yield place


def encodable(name: str) -> bool:
    """Whether a name could be on disk: half a surrogate pair cannot."""
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return False
    return True


def open_local(
    label: str, given: str, options: FetchOptions, *, as_tree: bool = False
) -> LocalTree:
    """The tree of a path. Raises UsageError for a path that is no source.

    ``as_tree``: a directory is not the root URL that MAAS is given, but the files that it holds.
    Without a signed index it is judged by its plain one.
    """
    label = printable(label)
    # The text of the path decides, not where links in it lead: ``current/streams/v1/index.json``.
    place = os.path.abspath(given)
    try:
        mode = os.stat(place).st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):
        root, path = _split_local(place)
        # A root without its index is a broken stream, and findings say so.
        if path.startswith("streams/v1/") and _is_metadata(place) and os.path.isdir(root):
            return LocalTree(
                label,
                root,
                path,
                explicit=True,
                max_bytes=options.max_bytes,
                budget=Budget(options),
            )
        raise UsageError(f"{label} does not exist", SOURCE_KINDS) from None
    except OSError as error:
        why = (error.strerror or "unreadable").lower()
        raise UsageError(
            f"cannot open {label}: {why}", "check the path and its permissions"
        ) from None
    if stat.S_ISDIR(mode):
        _refuse_inner_directory(label, place)
        signed, unsigned = f"{place}/{SIGNED_INDEX}", f"{place}/{PLAIN_INDEX}"
        plain = as_tree and not os.path.isfile(signed) and os.path.isfile(unsigned)
        return LocalTree(
            label,
            place,
            PLAIN_INDEX if plain else SIGNED_INDEX,
            explicit=plain,
            max_bytes=options.max_bytes,
            budget=Budget(options),
            by_directory=plain,
        )
    if not stat.S_ISREG(mode) or not _is_metadata(place):
        raise UsageError(f"{label} is not a directory, .json or .sjson file", SOURCE_KINDS)
    root, path = _split_local(place)
    return LocalTree(
        label, root, path, explicit=True, max_bytes=options.max_bytes, budget=Budget(options)
    )


def _is_metadata(place: str) -> bool:
    name = os.path.basename(place)
    return name.endswith(_SUFFIXES) and name not in _SUFFIXES


def _split_local(place: str) -> tuple[str, str]:
    """The root and the path in it; a file outside ``streams/v1`` is linted alone, where it is."""
    before, inside, after = place.partition("/streams/v1/")
    return (before or "/", f"streams/v1/{after}") if inside else os.path.split(place)


def local_root(place: str) -> str:
    """The root of the tree that a path on disk is in: of a directory itself, if it is no part."""
    root, _ = _split_local(os.path.join(place, "-") if os.path.isdir(place) else place)
    return root


def _refuse_inner_directory(label: str, place: str) -> None:
    if os.path.isdir(f"{place}/streams/v1"):
        return
    for root in around(place):
        if os.path.isdir(f"{root}/streams/v1"):
            hint = f"lint the root: {printable(root)}"
            raise UsageError(f"{label} is a directory inside a stream, not its root", hint)
