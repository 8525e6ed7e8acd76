"""Which kind of source a text means: a directory, a file or a URL."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from maas_stream_lint.errors import UsageError
from maas_stream_lint.source.answer import FetchOptions
from maas_stream_lint.source.local import SOURCE_KINDS, open_local

if TYPE_CHECKING:
    from maas_stream_lint.source.answer import Source

#: Another ``name:`` is no scheme without slashes: products files have names such as
#: ``com.ubuntu.maas:stable.json``.
_SCHEMES = ("http", "https", "file")
#: ``user:password@host`` before any slash.
_LOGIN = r"[^/@]*:[^@]*@[^@]"


def open_source(
    source: str | os.PathLike[str],
    *,
    options: FetchOptions | None = None,
    as_tree: bool = False,
) -> Source:
    """The tree of a directory, a file, or an http, https or file URL.

    ``as_tree``: whether a directory without a signed index is judged by its plain one; otherwise
    it stands for the root URL that MAAS is given.
    Requests nothing yet. Raises UsageError for a ``source`` of no such kind.
    """
    options = options or FetchOptions()
    text = os.fspath(source).strip()
    if not text:
        raise UsageError("no source is named", SOURCE_KINDS)
    scheme = _scheme(text)
    if scheme in ("http", "https"):
        # The HTTP library takes longer to import than a check of a local tree.
        from maas_stream_lint.source.remote import RemoteTree

        return RemoteTree(text, options)
    if scheme not in ("", "file"):
        raise UsageError(f"{scheme}:// is not a kind of source that MAAS reads", SOURCE_KINDS)
    if not scheme and "@" in text and re.match(_LOGIN, text) and not os.path.lexists(text):
        # What follows may be a password, so it is not quoted.
        hint = "write http:// or https:// before it"
        raise UsageError("the source looks like a URL with a login, and has no scheme", hint)
    return open_local(text, _file_path(text) if scheme else text, options, as_tree=as_tree)


def tree_index(source: str) -> str | None:
    """The plain index of a directory without a signed one; ``None`` for all other sources."""
    if not is_local(source):
        return None
    opened = open_source(source, as_tree=True)
    if not getattr(opened, "by_directory", False):
        return None
    return f"{source.rstrip('/')}/{opened.index_path}"


def without_secrets(source: str) -> str:
    """A source as messages may name it: of a URL without its login and query."""
    if "://" not in source:
        return source
    place, query, _ = source.partition("#")[0].partition("?")
    return re.sub(r"^([^/]*//)[^/]*@", r"\1", place) + ("?…" if query else "")


def is_local(source: str) -> bool:
    """Whether a source is on disk."""
    return _scheme(source.strip()) in ("", "file")


def local_path(source: str) -> str:
    """The path of a source on disk; it need not exist."""
    text = source.strip()
    given = _file_path(text) if _scheme(text) else text
    return os.path.abspath(given)


def _scheme(text: str) -> str:
    """The scheme of a URL, in lower case; empty for a path."""
    name, slashes, _ = text.lower().partition("://")
    if slashes and re.fullmatch(r"[a-z][a-z0-9+.-]*", name):
        return name
    name, colon, _ = name.partition(":")
    return name if colon and name in _SCHEMES else ""


def _file_path(url: str) -> str:
    """The path of a file URL; like simplestreams, without decoding ``%20``."""
    rest = url[len("file:") :]
    if rest.startswith("//"):
        host, slash, rest = rest[2:].partition("/")
        if host not in ("", "localhost") or not slash:
            raise UsageError(
                "a file URL cannot name a host", "write file:///path, or just the path"
            )
        rest = "/" + rest
    return rest
