"""A root tarball as a squashfs: owners, devices and attributes are kept, and nobody needs root."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.building.programs import feed, found
from maas_stream_lint.building.streams import Hashing, opened
from maas_stream_lint.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from maas_stream_lint.building.finished_image import Image
    from maas_stream_lint.images.progress import Progress

#: What Canonical's images are compressed with, and every kernel of an Ubuntu can read.
_COMPRESSION = "xz"
_COMMANDS = {
    "tar2sqfs": ("--no-skip", "--quiet", "--force", "--compressor", _COMPRESSION),
    "sqfstar": ("-quiet", "-no-progress", "-comp", _COMPRESSION),
}


def command(target: Path) -> list[str]:
    """The program that writes ``target`` from a tar on its standard input.

    Raises UsageError, which names the packages, if there is none.
    """
    for name, options in _COMMANDS.items():
        path = found(name)
        if path is not None:
            return [path, *options, str(target)]
    hint = "apt install squashfs-tools-ng, or squashfs-tools 4.5 or newer"
    raise UsageError("no program makes a squashfs of a tarball: tar2sqfs or sqfstar", hint)


def squashfs(image: Image, target: Path, progress: Progress) -> None:
    """Write the tree of a tarball as a squashfs. Raises LintError.

    ``progress``: is told of the bytes of the tarball.
    """
    words = command(target)
    with image.path.open("rb") as file:
        feed(words, opened(image.content.kind, Hashing(file, progress.advance)))
