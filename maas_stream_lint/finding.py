"""What a rule says: a finding, its severity and its places."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any

from maas_stream_lint.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Container

#: Steps from a document's top to a value: member names, and list positions as integers.
Path = tuple[str | int, ...]


class Severity(IntEnum):
    """How much MAAS loses, least first."""

    INFO = 0
    WARNING = 1
    UNUSABLE = 2  #: imported, yet it can't be deployed, commissioned or found
    IGNORED = 3  #: MAAS drops this product, version or item, or on 3.8 the selection it is in
    FATAL = 4  #: MAAS drops a whole source or import

    @property
    def label(self) -> str:
        """The name users write: ``fatal``, ``ignored`` …"""
        return self.name.lower()


class Place(NamedTuple):
    """A spot in the stream's metadata. Line and column count from 1 and are filled in last."""

    file: str  #: path below the source's root, with ``/``; ``""`` is the source itself
    path: Path = ()
    line: int | None = None
    column: int | None = None

    @property
    def pointer(self) -> str:
        """The path as a JSON pointer (RFC 6901)."""
        return "".join("/" + str(s).replace("~", "~0").replace("/", "~1") for s in self.path)

    @property
    def product(self) -> str | None:
        """The name of the product that the place is in."""
        path = self.path
        return str(path[1]) if len(path) > 1 and path[0] == "products" else None

    @property
    def version(self) -> str | None:
        """The name of the version that the place is in."""
        return self._step("versions", 2) if self.product is not None else None

    @property
    def item(self) -> str | None:
        """The key of the item that the place is in."""
        return self._step("items", 4) if self.version is not None else None

    def below(self, *steps: str | int) -> Place:
        """The place some steps further down."""
        return Place(self.file, (*self.path, *steps))

    def _step(self, member: str, at: int) -> str | None:
        if len(self.path) > at + 1 and self.path[at] == member:
            return str(self.path[at + 1])
        return None

    def to_dict(self) -> dict[str, Any]:
        """The place in the form of the JSON report."""
        said: dict[str, Any] = {
            "file": self.file,
            "pointer": self.pointer,
            "line": self.line,
            "column": self.column,
        }
        for name in ("product", "version", "item"):
            value = getattr(self, name)
            if value is not None:
                said[name] = value
        return said


class Finding(NamedTuple):
    """One thing that is wrong, where, for which release lines, and what to do about it."""

    code: str  #: ``MSL401``
    name: str  #: ``ubuntu-name``
    severity: Severity
    message: str  #: one sentence, lower case, that names the value and what was expected
    maas: tuple[str, ...]  #: the release lines it affects, oldest first
    effect: str  #: what MAAS does, one clause
    remedy: str  #: what to do about it
    places: tuple[Place, ...]  #: the primary one first
    log: str | None = None  #: the very line MAAS would write
    #: the same per group of release lines, where they word it differently
    logs: tuple[tuple[tuple[str, ...], str], ...] = ()
    #: whether no selection takes what it is about, and nobody else loses anything
    passed_over: bool = False

    @property
    def place(self) -> Place:
        """The primary place."""
        return self.places[0]

    def on(self, lines: Container[str]) -> Finding | None:
        """The finding on only these release lines."""
        maas = tuple(line for line in self.maas if line in lines)
        if maas == self.maas or not maas:
            return self if maas else None
        told = ((tuple(line for line in group if line in lines), t) for group, t in self.logs)
        logs = tuple((group, text) for group, text in told if group)
        return self._replace(maas=maas, logs=logs, log=logs[0][1] if logs else None)

    def to_dict(self) -> dict[str, Any]:
        """The finding in the form of the JSON report."""
        return {
            "code": self.code,
            "name": self.name,
            "severity": self.severity.label,
            "message": self.message,
            "maas": list(self.maas),
            "effect": self.effect,
            "log": self.log,
            "logs": [{"maas": list(lines), "text": text} for lines, text in self.logs],
            "remedy": self.remedy,
            "places": [place.to_dict() for place in self.places],
        }
