"""What a MAAS answers, typed: its version, boot sources, selections and boot resources.

Shapes: `src/maasserver/api/` version.py, boot_sources.py, boot_source_selections.py and
boot_resources.py. The tool ignores members that are new, gone or of another kind. An answer of
another kind is an error.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from maas_stream_lint.errors import LintError
from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.rule_files import release_lines

if TYPE_CHECKING:
    from maas_stream_lint.logs.maas_client import MaasClient

#: So many boot sources, and boot resources with their files, are asked for.
MOST_SOURCES, MOST_RESOURCES = 100, 2_000


class SelectedImages(NamedTuple):
    """A selection of a boot source."""

    os: str
    release: str
    arches: tuple[str, ...]
    subarches: tuple[str, ...]
    labels: tuple[str, ...]

    def takes(self, os: str, release: str, arch: str) -> bool:
        """Whether it selects an image."""
        wanted = ((self.os, os), (self.release, release))
        return all(a in (b, "*") for a, b in wanted) and bool({arch, "*"} & set(self.arches))

    def as_row(self) -> dict[str, Any]:
        """In the form of ``api.preview``."""
        lists = {name: list(getattr(self, name)) for name in ("arches", "subarches", "labels")}
        return {"os": self.os, "release": self.release, **lists}


class SourceOfMaas(NamedTuple):
    """A boot source."""

    id: int
    url: str
    keyring_file: str  #: a path on the region controller
    keyring: bytes  #: the keyring itself, where MAAS holds it
    enabled: bool
    unverified: bool  #: MAAS looks at no signature
    priority: int | None
    selections: tuple[SelectedImages, ...]


class StoredImage(NamedTuple):
    """A boot resource."""

    name: str  #: ``ubuntu/noble``
    arch: str
    subarch: str
    synced: bool  #: from a stream, and not uploaded
    version: str  #: the newest one, ``""`` if there is none
    complete: bool | None  #: whether MAAS has all files of that; ``None``: nobody was asked
    missing: tuple[str, ...]  #: files of that which it has not


class MaasState(NamedTuple):
    """A MAAS."""

    url: str
    version: str
    line: str | None  #: its release line, ``None`` for one that is not known
    importing: bool | None
    sources: tuple[SourceOfMaas, ...]
    images: tuple[StoredImage, ...]


def read_state(client: MaasClient) -> MaasState:
    """Ask a MAAS for all that concerns images. Raises LintError if it does not answer so."""
    version = _text(_object(client.get("version/"), "version/"), "version")
    listed = _objects(client.get("boot-sources/"), "boot-sources/")[:MOST_SOURCES]
    sources = tuple(_source(client, raw) for raw in listed)
    resources = _objects(client.get("boot-resources/"), "boot-resources/")[:MOST_RESOURCES]
    importing = client.get("boot-resources/", op="is_importing")
    return MaasState(
        client.url,
        version,
        line_of(version),
        importing if isinstance(importing, bool) else None,
        sources,
        tuple(_image(client, raw) for raw in resources),
    )


def line_of(version: str) -> str | None:
    """``3.8.0~beta6`` → ``3.8``, if that is a known release line."""
    line = ".".join(version.split(".")[:2])
    return line if line in release_lines() else None


def _source(client: MaasClient, raw: dict[str, Any]) -> SourceOfMaas:
    number = _number(raw, "id")
    path = f"boot-sources/{number}/selections/"
    selections = _objects(client.get(path), path) if number is not None else []
    return SourceOfMaas(
        number or 0,
        _text(raw, "url"),
        _text(raw, "keyring_filename"),
        _keyring(raw.get("keyring_data")),
        raw.get("enabled") is not False,
        raw.get("skip_keyring_verification") is True,
        _number(raw, "priority"),
        tuple(_selection(one) for one in selections),
    )


def _keyring(data: object) -> bytes:
    """The API gives the keyring in base64."""
    try:
        return base64.b64decode(data, validate=False) if isinstance(data, str) else b""
    except (binascii.Error, ValueError):
        return b""


def _selection(raw: dict[str, Any]) -> SelectedImages:
    lists = (_texts(raw, name) for name in ("arches", "subarches", "labels"))
    return SelectedImages(_text(raw, "os"), _text(raw, "release"), *lists)


def _image(client: MaasClient, raw: dict[str, Any]) -> StoredImage:
    arch, _, subarch = _text(raw, "architecture").partition("/")
    synced = raw.get("type") == "Synced"
    number = _number(raw, "id")
    if not synced or number is None:
        return StoredImage(_text(raw, "name"), arch, subarch, synced, "", None, ())
    path = f"boot-resources/{number}/"
    newest = _newest(_object(client.get(path), path))
    return StoredImage(_text(raw, "name"), arch, subarch, synced, *newest)


def _newest(raw: dict[str, Any]) -> tuple[str, bool | None, tuple[str, ...]]:
    """The newest version of a boot resource, whether it is complete, and what it lacks."""
    sets = raw.get("sets")
    if not isinstance(sets, dict) or not sets:
        return "", False, ()
    name = max(sets)
    newest = sets[name]
    if not isinstance(newest, dict):
        return str(name), None, ()
    files = newest.get("files")
    lacking = [
        str(file)
        for file, about in (files.items() if isinstance(files, dict) else ())
        if isinstance(about, dict) and about.get("complete") is False
    ]
    complete = newest.get("complete")
    return str(name), complete if isinstance(complete, bool) else None, tuple(lacking)


def _object(raw: object, path: str) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise LintError(f"{path} of the API answers with no object", "is this a MAAS?")
    return raw


def _objects(raw: object, path: str) -> list[dict[str, Any]]:
    if not isinstance(raw, list):
        raise LintError(f"{path} of the API answers with no list", "is this a MAAS?")
    return [one for one in raw if isinstance(one, dict)]


def _text(raw: dict[str, Any], name: str) -> str:
    value = raw.get(name)
    return value if isinstance(value, str) else ""


def _number(raw: dict[str, Any], name: str) -> int | None:
    value = raw.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _texts(raw: dict[str, Any], name: str) -> tuple[str, ...]:
    values = raw.get(name)
    if not isinstance(values, list):
        return ("*",)
    return tuple(value for value in values if isinstance(value, str)) or ("*",)
