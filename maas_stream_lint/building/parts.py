"""What is built: a product with one version and its files; or the reason why it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.output import printable_path
from maas_stream_lint.records import field, record

if TYPE_CHECKING:
    from pathlib import Path

    from maas_stream_lint.building.boot_files import BootFiles
    from maas_stream_lint.building.finished_image import Image, Stamp


@record(frozen=True)
class File:
    """A file of a version, and where it is from."""

    key: str  #: of the item
    ftype: str
    path: str  #: in the tree
    sha256: str
    size: int
    source: Path | None = None  #: a file on disk
    stamp: Stamp | None = None  #: of ``source``, when it was hashed
    body: bytes | None = None  #: what it holds, where it is no file yet
    pending: bool = False  #: whether it has to be made first: its digest and size are nobody's yet
    more: dict[str, str] = field(default_factory=dict)  #: further members of the item

    def item(self) -> dict[str, Any]:
        """The item, as metadata has it."""
        told = {"ftype": self.ftype, "path": self.path, "sha256": self.sha256, "size": self.size}
        return {**told, **self.more}


@record(frozen=True)
class Product:
    """A product of one version."""

    image: Image
    name: str
    form: str  #: ``multi-file`` or ``single-file``; those of one form share a products file
    fields: dict[str, str]
    version_name: str
    files: tuple[File, ...]
    notes: tuple[str, ...] = ()  #: what its owner should know
    said: frozenset[str] = frozenset()  #: fields that somebody has said
    boot: BootFiles | None = None  #: kernel and initrd, of an image that boots by its own

    @property
    def key(self) -> tuple[str, str, str]:
        """What MAAS tells images apart by: os, release, arch."""
        return self.fields["os"], self.fields["release"], self.fields["arch"]

    def version(self) -> dict[str, Any]:
        """The version, as metadata has it."""
        return {"items": {file.key: file.item() for file in self.files}}


@record(frozen=True)
class Refusal:
    """An image that no stream can carry, or not yet."""

    path: Path
    why: str
    fix: str  #: what to do instead
    command: str | None = None  #: the same, to be typed

    def to_dict(self) -> dict[str, Any]:
        """The refusal, for programs."""
        told = {"image": printable_path(self.path), "why": self.why, "fix": self.fix}
        return {**told, "command": self.command}
