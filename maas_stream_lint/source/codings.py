"""The codings of a Content-Encoding, and which of them MAAS undoes."""

from __future__ import annotations

#: The codings that MAAS undoes.
UNDONE = ("gzip", "deflate")


def codings(encoding: str | None) -> tuple[str, ...]:
    """The codings of a Content-Encoding in lower case; ``identity`` is none."""
    parts = (part.strip().lower() for part in (encoding or "").split(","))
    return tuple(part for part in parts if part not in ("", "identity"))
