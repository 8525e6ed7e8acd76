"""A stream with some of its metadata changed in memory."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from maas_stream_lint.source import Answer, Trouble
from maas_stream_lint.stream import Metadata

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_stream_lint.source import LocalTree
    from maas_stream_lint.stream import Stream

#: Stands for what gpg will write: nothing here looks at the signature itself.
_SIGNED = """-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA512

{}
-----BEGIN PGP SIGNATURE-----

=none
-----END PGP SIGNATURE-----
"""


class Overlay:
    """A source that reads changed files from memory, and others as the first check read them."""

    def __init__(
        self,
        stream: Stream,
        tree: LocalTree | None,
        changed: Mapping[str, bytes],
        start: str | None = None,
        *,
        signs: bool = False,
    ) -> None:
        """``tree``: where to find files that the check has not read yet.

        ``start``: the index, if it is not the stream's own. ``signs``: whether the tool will sign
        changed files again, with their other forms.
        """
        self.label, self.base = stream.label, stream.base
        self.index_path = start or stream.index_path
        self.explicit = start is not None or stream.explicit
        self.by_directory = stream.by_directory
        self._stream = stream
        self._tree = tree
        self._changed = {plain_path(path): body for path, body in changed.items()}
        self._signs = signs
        self._answers: dict[str, Answer] = {}
        for path, metadata in stream.files.items():
            self._answers[path] = metadata.answer
            if metadata.detached is not None:
                self._answers[f"{path}.gpg"] = metadata.detached
            if metadata.twin is not None:
                self._answers[metadata.twin.path] = metadata.twin

    def known(self, path: str) -> Metadata | None:
        """A file of the stream, as read before or as it will be."""
        before = self._stream.files.get(path)
        body = self._changed.get(plain_path(path))
        if before is None or body is None:
            return before
        signed = self._signs and before.signed
        made = Metadata(path, Answer(path, _signed(body) if signed else body), before.keyring)
        made.twin = before.twin
        if self._signs and before.twin is not None:
            made.twin = Answer(before.twin.path, body if signed else _signed(body))
        # An edit makes neither a bad signature good nor an unsigned file signed.
        vars(made)["verification"] = before.verification
        return made

    def read(self, path: str) -> Answer:
        """The changed file, else the earlier answer, else the file on disk."""
        body = self._changed.get(plain_path(path))
        if body is not None:
            return Answer(path, body)
        if path.endswith(".gpg") and plain_path(path.removesuffix(".gpg")) in self._changed:
            return _missing(path)  # it is not a signature of that any more
        known = self._answers.get(path)
        if known is not None:
            return known
        return self._tree.read(path) if self._tree is not None else _missing(path)

    def close(self) -> None:
        """There is nothing to close."""


def plain_path(path: str) -> str:
    """The one path that all spellings of a file have in common: ``./a//b?c`` is ``a/b``."""
    name = path.split("?")[0].split("#")[0]
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _signed(body: bytes) -> bytes:
    text = body.decode("utf-8", "surrogatepass").removesuffix("\n")
    escaped = re.sub("^-", "- -", text, flags=re.MULTILINE)
    return _SIGNED.format(escaped).encode("utf-8", "surrogatepass")


def _missing(path: str) -> Answer:
    return Answer(path, None, Trouble("missing", "no such file"), status=404)
