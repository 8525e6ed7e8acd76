"""A gpg home of its own with a key, for tests that sign."""

from __future__ import annotations

import subprocess
from pathlib import Path

#: Whose key it is.
USER = "Test <test@example.com>"


class Keys:
    """A gpg home with a key to sign with; ``ring`` holds the public half."""

    def __init__(self, home: Path) -> None:
        self.home, self.ring = home, home / "ring.gpg"

    def gpg(self, *arguments: str, given: bytes = b"") -> bytes:
        command = ["gpg", "--batch", "--quiet", "--passphrase", "", *arguments]
        return subprocess.run(command, check=True, capture_output=True, input=given).stdout

    def verify(self, *files: Path) -> None:
        command = ["gpgv", "-q", f"--keyring={self.ring}", *map(str, files)]
        subprocess.run(command, check=True, capture_output=True)
