"""An image file, looked at and hashed in one pass."""

from __future__ import annotations

import errno
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from maas_stream_lint.building import disk, tarball
from maas_stream_lint.building.streams import Hashing, opened
from maas_stream_lint.errors import UsageError
from maas_stream_lint.images.sniff import HEAD_BYTES, sniff
from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.records import record

if TYPE_CHECKING:
    import os

    from maas_stream_lint.images.content import Content
    from maas_stream_lint.images.progress import Progress


class Stamp(NamedTuple):
    """What changes if somebody writes to a file."""

    size: int
    modified: int
    changed: int
    device: int
    inode: int


@record(frozen=True)
class Image:
    """What a file is, and what is on it."""

    path: Path
    content: Content  #: what its first bytes say
    sha256: str
    size: int
    stamp: Stamp  #: as it was when it was read
    tree: tarball.Tree | None = None  #: what a root tarball holds
    disk: disk.Disk | None = None  #: what a disk image holds

    @property
    def arch(self) -> str | None:
        """The architecture, ``None`` if the image does not tell."""
        found = self.tree or self.disk
        return found.arch if found else None

    @property
    def broken(self) -> str | None:
        """Why it can't be read to its end, ``None`` if it can."""
        found = self.tree or self.disk
        return found.broken if found else None


def inspect(path: Path, progress: Progress) -> Image:
    """Look at an image. Raises UsageError if it can't be read.

    ``progress``: is told of the bytes.
    """
    try:
        if stat.S_ISFIFO(path.stat().st_mode):  # to open one waits for a writer
            raise OSError(errno.EINVAL, "a pipe, not a file")
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            content = sniff(head, whole=len(head) < HEAD_BYTES)
            file.seek(0)
            before = stamp(path)
            reader = Hashing(file, progress.advance)
            tree, on_disk = _inside(content, reader)
            digest = reader.finish()
    except OSError as error:
        why = (error.strerror or "unreadable").lower()
        raise UsageError(
            f"cannot read {str(path)!r}: {why}", "check the path and its permissions"
        ) from None
    finally:
        progress.finished(str(path))
    unchanged(path, before)
    return Image(path, content, digest, before.size, before, tree, on_disk)


def stamp(path: Path) -> Stamp:
    """A file's stamp. Raises OSError."""
    seen = path.stat()
    return Stamp(seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_dev, seen.st_ino)


def unchanged(path: str | os.PathLike[str], before: Stamp) -> None:
    """Raise UsageError if a file is not what it was: its checksum would no longer be valid."""
    # A further link changes the change time alone.
    now = stamp(Path(path))
    if now._replace(changed=0) != before._replace(changed=0):
        raise UsageError(f"{str(path)!r} changed while it was read", "wait until it is finished")


def _inside(content: Content, reader: Hashing) -> tuple[tarball.Tree | None, disk.Disk | None]:
    layers = content.layers
    compressed = layers[0] not in ("tar", "disk")
    inner = (*layers[1:], "") if compressed else layers
    if inner[0] == "tar":
        return tarball.look(opened(layers[0], reader)), None
    if inner[0] == "disk":
        return None, disk.look(opened(layers[0], reader))
    return None, None
