"""What os-release(5) says, and the lists of packages beside it."""

from __future__ import annotations

import shlex

#: Bytes of such a file that are read.
MAX_BYTES = 65_536


def parse(text: str) -> dict[str, str]:
    """``ID="rocky"`` → ``{"ID": "rocky"}``; lines that are no assignment do not count."""
    found = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and name.isidentifier():
            found[name] = _unquoted(value)
    return found


def packages(status: str) -> list[tuple[str, str]]:
    """Name and version of each installed package in dpkg's ``status``, sorted."""
    found = []
    for stanza in status.split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in stanza.splitlines() if ": " in line and line[0] != " "
        )
        if fields.get("Status", "").endswith(" installed") and "Package" in fields:
            found.append((fields["Package"], fields.get("Version", "")))
    return sorted(found)


def _unquoted(value: str) -> str:
    try:
        return " ".join(shlex.split(value))
    except ValueError:
        return value
