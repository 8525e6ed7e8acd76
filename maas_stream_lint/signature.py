"""Clear-signed text: what MAAS's two readers make of it, and what gpgv says of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from maas_stream_lint.errors import LintError, UsageError
from maas_stream_lint.records import record

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

#: Seconds that gpgv may take; 14 MB take it a fraction of one.
TIMEOUT = 60

_MESSAGE = "-----BEGIN PGP SIGNED MESSAGE-----"
_SIGNATURE = "-----BEGIN PGP SIGNATURE-----"
_FOOTER = "-----END PGP SIGNATURE-----"

#: gpgv's status keywords (doc/DETAILS of GnuPG): the first of these that occurs decides.
_STATUSES = {
    "BADSIG": "bad",
    "NO_PUBKEY": "no-key",
    "EXPKEYSIG": "expired",
    "EXPSIG": "expired",
    "REVKEYSIG": "expired",
    "GOODSIG": "good",
}

_DETAILS = {
    "good": "good signature by {signer}",
    "bad": "not the text that {signer} signed",
    "no-key": "signed with key {key}, which the keyring does not hold",
    "expired": "the signature by {signer}, or its key, is expired or revoked",
    "unsigned": "no signature",
    "keyring": "the keyring is armored and gpgv reads only binary ones (gpg --dearmor)",
}


class GpgvMissing(LintError):  # noqa: N818 - what is the matter, not what went wrong
    """A signature is to be verified, and there is no gpgv."""

    def __init__(self) -> None:
        """Say so, with the way out."""
        super().__init__("signatures can't be verified without gpgv", "apt install gpgv")


class PayloadError(Exception):
    """The legacy reader fails before it reads JSON."""

    def __init__(self, exception: str, message: str) -> None:
        """``exception``: the class of what MAAS raises. ``message``: its text, or the reason."""
        super().__init__(message)
        self.exception = exception
        self.message = message


@record(frozen=True)
class Payload:
    """What a reader hands to ``json.loads``, and where in the file it is from."""

    text: str
    #: Per line of the text: its line in the file, and how many columns further right it is there.
    #: Lines past the last of these follow on it.
    lines: tuple[tuple[int, int], ...] = ((1, 0),)

    def place(self, line: int, column: int) -> tuple[int, int]:
        """From line and column in the text to those in the file, as ``parse_text`` wants it."""
        if line <= len(self.lines):
            at, shift = self.lines[line - 1]
            return at, column + shift
        return self.lines[-1][0] + line - len(self.lines), column


@record(frozen=True)
class Verification:
    """What gpgv says of a file."""

    good: bool  #: gpgv's exit status was 0, which is all that MAAS looks at (an expired key passes)
    #: ``good``, ``bad``, ``no-key``, ``expired``, ``unsigned``, ``malformed`` or ``keyring``.
    status: str
    key_id: str | None  #: of the key that signed, as far as gpgv got
    detail: str  #: one line, safe to print


def is_clear_signed(text: str) -> bool:
    """Whether both readers take the text for a signed message: nothing may come before it."""
    return text.startswith(_MESSAGE)


def legacy_payload(text: str) -> Payload:
    """The text of a signed message as MAAS up to 3.7 reads it, line by line.

    Lines end wherever ``str.splitlines`` says. MAAS skips the first line after the headline that is
    not empty. That line should be ``Hash:``; without it, MAAS loses the first line of the text.
    MAAS appends further messages of the file.
    """
    if not is_clear_signed(text):
        raise PayloadError("SignatureMissingException", "No signature found!")
    body: list[str] = []
    lines: list[tuple[int, int]] = []
    mode, line, column = "", 1, 0
    for said, whole in zip(text.splitlines(), text.splitlines(keepends=True), strict=True):
        if said == _MESSAGE:
            mode = "header"
        elif not mode:
            raise PayloadError("UnboundLocalError", "more than the PGP header in the first line")
        elif mode == "header":
            mode = "body" if said else mode
        elif said in (_SIGNATURE, _FOOTER):
            mode = "rest"
        elif mode == "body":
            dash = 2 if said.startswith("- ") else 0
            body.append(said[dash:])
            lines.append((line, column + dash))
        line, column = (line + 1, 0) if whole.endswith("\n") else (line, column + len(whole))
    return Payload("".join(f"{said}\n" for said in body), tuple(lines) or ((1, 0),))


def strict_payload(text: str) -> Payload:
    """What MAAS 3.8 reads: of a signed message, from the first brace to the signature's header.

    Where one of the two is missing the slice is as odd as Python makes it with -1. Unsigned text
    is read as it is.
    """
    if not is_clear_signed(text):
        return Payload(text)
    start, end, _ = slice(text.find("{"), text.find(_SIGNATURE)).indices(len(text))
    shift = start - text.rfind("\n", 0, start) - 1
    return Payload(text[start:end], ((text.count("\n", 0, start) + 1, shift),))


def needs_gpgv(raw: bytes) -> bool:
    """Whether the bytes could be signed at all: armored somewhere, or binary from the start."""
    return b"-----BEGIN PGP" in raw or raw[:1] >= b"\x80"


def verify(raw: bytes, keyring: Path | str, *, gpgv: str | None = None) -> Verification:
    """Have gpgv verify a message that holds its own signature, as MAAS has it."""
    return _verify(raw, raw, keyring, gpgv)


def verify_detached(raw: bytes, signature: bytes, keyring: Path | str) -> Verification:
    """Have gpgv verify bytes against a signature that is in a file of its own."""
    return _verify(raw, signature, keyring, None)


def _verify(raw: bytes, signed: bytes, keyring: Path | str, gpgv: str | None) -> Verification:
    from pathlib import Path

    ring = Path(keyring).absolute()  # gpgv looks for a bare name in its home
    armored = _is_armored(ring)
    if not needs_gpgv(signed):
        return Verification(False, "unsigned", None, _DETAILS["unsigned"])
    done = _run(gpgv, ring, raw, None if signed is raw else signed)
    good = done.returncode == 0
    word, key, signer = _decisive(done.stdout)
    status = _STATUSES.get(word, "good" if good else "malformed")
    if status == "no-key" and armored:
        status = "keyring"
    elif status == "good" and not good:
        status = "malformed"  # one signature is fine, and then something else is not
    elif not word and not good and b"-----BEGIN PGP" not in signed:
        status = "unsigned"
    detail = _DETAILS.get(status, "{said}").format(
        key=key, signer=signer or "an unknown key", said=_complaint(done.stderr)
    )
    return Verification(good, status, key or None, detail)


def _is_armored(ring: Path) -> bool:
    try:
        with ring.open("rb") as file:
            return file.read(1024).lstrip().startswith(b"-----BEGIN PGP PUBLIC KEY BLOCK-----")
    except OSError as error:
        hint = "name the file with the public keys of the stream's signers"
        raise UsageError(f"can't read the keyring {ring}: {error.strerror}", hint) from error


def _run(
    gpgv: str | None, ring: Path, raw: bytes, detached: bytes | None
) -> subprocess.CompletedProcess[bytes]:
    # A stream without signatures need not wait for these.
    import shutil
    import subprocess
    import tempfile
    from pathlib import Path

    program = shutil.which(gpgv or "gpgv")
    if program is None:
        raise GpgvMissing
    with tempfile.TemporaryDirectory(prefix="maas-stream-lint-") as home:
        command = [program, "--status-fd=1", f"--keyring={ring}"]
        if detached is not None:
            apart = Path(home, "signature")
            apart.write_bytes(detached)
            command.append(str(apart))
        command.append("-")
        # A home of its own: neither the user's keys nor their settings have a say.
        env = {**os.environ, "LC_ALL": "C", "GNUPGHOME": home}
        try:
            return subprocess.run(
                command, input=raw, capture_output=True, check=False, env=env, timeout=TIMEOUT
            )
        except subprocess.TimeoutExpired as error:
            raise LintError(f"{program} did not answer in {TIMEOUT} seconds") from error
        except OSError as error:
            raise LintError(f"can't run {program}: {error.strerror}") from error


def _decisive(status: bytes) -> tuple[str, str, str]:
    said: dict[str, str] = {}
    for line in status.decode(errors="replace").splitlines():
        word, _, said[word] = line.removeprefix("[GNUPG:] ").partition(" ")
    word = next((word for word in _STATUSES if word in said), "")
    key, _, signer = said.get(word, "").partition(" ")
    return word, _plain(key), _plain(signer)


def _complaint(stderr: bytes) -> str:
    said = [line.partition("gpgv: ")[2] for line in stderr.decode(errors="replace").splitlines()]
    said = [line for line in said if line and line != "the signature could not be verified."]
    return _plain(said[-1]) if said else "gpgv refuses it and gives no reason"


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:200])
