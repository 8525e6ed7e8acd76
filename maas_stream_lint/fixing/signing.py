"""Signs with the user's own gpg; gpg-agent asks for passphrases."""

from __future__ import annotations

import re
import shutil
import subprocess

from maas_stream_lint.errors import LintError, UsageError

#: Seconds; somebody may have to type a passphrase.
PATIENCE = 300


def has_secret(key: str) -> bool:
    """Whether the user's gpg can sign with a key. ``key``: its id, in hexadecimal digits."""
    program = shutil.which("gpg")
    if program is None or not re.fullmatch("[0-9A-Fa-f]{8,40}", key):
        return False
    command = [program, "--batch", "--list-secret-keys", key]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


class Gpg:
    """Signs with one key."""

    def __init__(self, key: str) -> None:
        """``key``: as ``gpg --local-user`` takes it. Raises UsageError if there is no gpg."""
        program = shutil.which("gpg")
        if program is None:
            raise UsageError("gpg is not installed", "install it, or sign elsewhere")
        if not key.strip() or key.startswith("-"):
            raise UsageError("no key to sign with", "give --sign a key's id or address")
        self._program, self._key = program, key

    def __call__(self, text: bytes, clear: bool) -> bytes:
        """The clear-signed text, or a detached signature of it. Raises LintError if gpg fails."""
        kind = ["--clearsign"] if clear else ["--armor", "--detach-sign"]
        command = [self._program, "--batch", "--local-user", self._key, *kind, "--output", "-"]
        try:
            done = subprocess.run(
                command, input=text, capture_output=True, check=False, timeout=PATIENCE
            )
        except subprocess.TimeoutExpired:
            raise LintError(f"gpg did not sign within {PATIENCE} seconds") from None
        except OSError as error:
            raise LintError(f"can't run gpg: {error.strerror}") from None
        if done.returncode or not done.stdout:
            said = [n for n in done.stderr.decode(errors="replace").splitlines() if n.strip()]
            why = "".join(c for c in (said[-1] if said else "no word") if c.isprintable())[:200]
            hint = f"try `gpg --local-user {self._key} --clearsign FILE`; nothing was written"
            raise LintError(f"gpg could not sign: {why.removeprefix('gpg: ')}", hint)
        return done.stdout
