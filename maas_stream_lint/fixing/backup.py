"""Copies of the metadata before an edit, in a place that no server serves."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timezone
from itertools import count
from typing import TYPE_CHECKING

from platformdirs import user_state_path

from maas_stream_lint import atomic
from maas_stream_lint.errors import LintError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def default_folder() -> Path:
    """The folder of backups if the user names none: in the user's state folder."""
    return user_state_path("maas-stream-lint") / "backups"


def keep(root: Path, files: Mapping[str, bytes], folder: Path | None = None) -> Path | None:
    """Copy files of a tree into a new folder below ``folder``, and give its path.

    ``files``: path below ``root`` → content; without files there is no backup. The tool never
    overwrites an earlier backup. Raises UsageError if ``folder`` is in the tree, which a server may
    serve, LintError if it cannot write a backup.
    """
    if not files:
        return None
    below = folder if folder is not None else default_folder()
    if below.resolve().is_relative_to(root.resolve()):
        hint = "name a folder outside of it: a web server may serve what is in the tree"
        raise UsageError(f"the backup folder {str(below)!r} is in the stream itself", hint)
    try:
        place = _new_folder(below, root)
        for path, body in files.items():
            kept = place / path
            kept.parent.mkdir(parents=True, exist_ok=True)
            atomic.write(kept, [body])
            with suppress(OSError):
                atomic.take_after(root / path, kept)
            atomic.synced(kept.parent)
    except OSError as error:
        told = f"cannot keep a backup in {str(below)!r}: {(error.strerror or 'unwritable').lower()}"
        raise LintError(told, "give --backup DIR, or --no-backup") from None
    return place


def _new_folder(below: Path, root: Path) -> Path:
    """Make a folder whose name has the time and the tree's name."""
    below.mkdir(parents=True, exist_ok=True)
    stem = f"{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}-{root.resolve().name or 'root'}"
    for number in count(1):
        place = below / (stem if number == 1 else f"{stem}-{number}")
        with suppress(FileExistsError):
            place.mkdir(mode=0o700)
            return place
    raise AssertionError
