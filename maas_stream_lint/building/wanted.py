"""The user's options for one image: all that the image itself does not say."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING

from maas_stream_lint.errors import UsageError
from maas_stream_lint.records import record

if TYPE_CHECKING:
    from pathlib import Path

#: Becomes a part of names and paths.
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]*")
_WORDS = ("os", "release", "version", "arch", "label", "name", "version_name")


@record(frozen=True)
class Wanted:
    """An image, and its options. ``None``: not given, so the image must say it."""

    path: Path
    os: str | None = None  #: as MAAS calls it
    release: str | None = None
    version: str | None = None  #: of the operating system, like ``9.4``
    arch: str | None = None  #: as MAAS calls it, like ``amd64``
    label: str = "stable"
    title: str | None = None  #: becomes ``release_title``
    name: str | None = None  #: goes before the codename of an Ubuntu's own release
    version_name: str | None = None  #: of the version in the metadata; default: today and a serial
    boot_from: str | None = None  #: a stream that has the kernel and initrd
    kernel: Path | None = None
    initrd: Path | None = None
    base_image: str | None = None  #: of an upload, where no stream can carry the image
    image_initrd: bool = False  #: whether kernel and initrd are taken from the image

    def __post_init__(self) -> None:
        """Raise UsageError for what can't be a part of a name and of a path."""
        for field in fields(self):
            given = getattr(self, field.name)
            if field.name in _WORDS and given is not None and not WORD.fullmatch(given):
                option = field.name.replace("_", "-")
                hint = "use letters, digits, dots, dashes, plus signs and underscores"
                raise UsageError(f"{given!r} can't be the {option} of {self.path.name}", hint)
