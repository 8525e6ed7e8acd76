"""Files that no metadata names any more, and since when: clients keep an old index for a while."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from maas_stream_lint import atomic
from maas_stream_lint.records import field, record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import timedelta
    from pathlib import Path

#: In the tree, hidden.
NAME = ".pruned.maas-stream-lint.json"
_MOST = 64 * 2**20  # bytes of it that are read


@record
class Ledger:
    """Path → when its last version was taken out of the metadata."""

    root: Path
    since: dict[str, datetime] = field(default_factory=dict)

    @classmethod
    def read(cls, root: Path) -> Ledger:
        """The ledger of a tree. An unreadable one counts as empty, so that files stay."""
        try:
            place = root / NAME
            data: Any = json.loads(place.read_bytes()) if place.stat().st_size < _MOST else {}
            pairs = data["since"].items()
            return cls(root, {path: datetime.fromisoformat(text) for path, text in pairs})
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return cls(root)

    def note(self, paths: Mapping[str, int], now: datetime) -> None:
        """Note that no metadata names these files now, and forget all others."""
        self.since = {path: self.since.get(path, now) for path in paths}

    def due(self, path: str, now: datetime, grace: timedelta) -> bool:
        """Whether a file has been out of the metadata for long enough."""
        since = self.since.get(path)
        return since is not None and _aware(since) <= now - grace

    def forget(self, paths: Iterable[str]) -> None:
        """These files are gone. Raises OSError."""
        for path in paths:
            self.since.pop(path, None)
        self.write()

    def write(self) -> None:
        """Keep it in the tree; an empty one is removed. Raises OSError."""
        place = self.root / NAME
        if not self.since:
            place.unlink(missing_ok=True)
            return
        said = {"since": {path: when.isoformat() for path, when in sorted(self.since.items())}}
        atomic.replace(place, [(json.dumps(said, indent=1) + "\n").encode()])


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=timezone.utc)
