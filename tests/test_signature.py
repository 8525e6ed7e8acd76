"""The readers of signed text against MAAS's own, and gpgv against keys made here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maas_stream_lint import signature
from maas_stream_lint.document import parse_text
from maas_stream_lint.errors import LintError, UsageError
from maas_stream_lint.signature import (
    GpgvMissing,
    PayloadError,
    is_clear_signed,
    legacy_payload,
    needs_gpgv,
    strict_payload,
    verify,
    verify_detached,
)

CORPUS = Path(__file__).parent / "conformance"
CASES = sorted((CORPUS / "cases").glob("sign-*.json"))
#: Those whose index is signed and whose verdict on 3.8 hangs on the index alone.
SIGNED = [
    case
    for case in CASES
    if (told := json.loads(case.read_text()))["keyring"]
    and told["source"] == ""
    and case.stem != "sign-other-key-products"
]
HEADLINE = "-----BEGIN PGP SIGNED MESSAGE-----"
ARMOR = "-----BEGIN PGP SIGNATURE-----\n\niQEz\n-----END PGP SIGNATURE-----\n"
TEXT = '{\n "format": "index:1.0",\n "index": {}\n}\n'
repeatable = settings(derandomize=True, deadline=None)
PAST = "20200101T000000"
#: Later than the keys, however long a busy machine takes to make them.
THEN = "20200101T060000"


@dataclass
class Keys:
    """A GnuPG home with a key that is good, one that is in no keyring, and two out of date."""

    home: Path
    ring: Path

    def gpg(self, *arguments: str, text: str = "") -> bytes:
        command = ["gpg", "--batch", "--quiet", "--passphrase", "", *arguments]
        environment = {**os.environ, "GNUPGHOME": str(self.home), "LC_ALL": "C"}
        done = subprocess.run(
            command, input=text.encode(), capture_output=True, check=True, env=environment
        )
        return done.stdout

    def sign(self, text: str = TEXT, *options: str, user: str = "good@example.org") -> str:
        return self.gpg(*options, "--local-user", user, "--clearsign", text=text).decode()


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Any:
    if not shutil.which("gpg") or not shutil.which("gpgv"):
        pytest.skip("needs gpg and gpgv")
    home = tmp_path_factory.mktemp("gnupg")
    home.chmod(0o700)
    made = Keys(home, home / "ring.gpg")
    old = "--faked-system-time", PAST
    for options, name, life in [
        ((), "good", "0"),
        ((), "other", "0"),
        (old, "old-key", "1d"),
        (old, "old-signature", "0"),
    ]:
        user = f"{name} <{name}@example.org>"
        made.gpg(*options, "--quick-gen-key", user, "ed25519", "sign", life)
    known = "good@example.org", "old-key@example.org", "old-signature@example.org"
    made.ring.write_bytes(made.gpg("--export", *known))
    (home / "armored.asc").write_bytes(made.gpg("--export", "--armor", *known))
    yield made
    environment = {**os.environ, "GNUPGHOME": str(home)}
    subprocess.run(["gpgconf", "--kill", "all"], env=environment, check=False)


def of_peer(text: str) -> str | type[Exception]:
    """What python-simplestreams itself makes of it."""
    util = pytest.importorskip("simplestreams.util", reason="without the extra `peer`")
    try:
        return str(util.read_signed(text, checked=False))
    except (util.SignatureMissingException, UnboundLocalError) as error:
        return type(error)


def of_ours(text: str) -> str | type[Exception]:
    util = pytest.importorskip("simplestreams.util", reason="without the extra `peer`")
    try:
        return legacy_payload(text).text
    except PayloadError as error:
        known = util.SignatureMissingException, UnboundLocalError
        return {kind.__name__: kind for kind in known}[error.exception]


lines = st.sampled_from(
    [
        HEADLINE,
        "-----BEGIN PGP SIGNATURE-----",
        "-----END PGP SIGNATURE-----",
        "Hash: SHA512",
        "",
        " ",
        '{"a": 1}',
        "- -----BEGIN PGP SIGNED MESSAGE-----",
        "- - x",
        "-",
        "- ",
        "{ü",
    ]
)
ends = st.sampled_from(
    ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", " ", "\n\n", ""]
)
messages = st.lists(st.tuples(lines, ends)).map(lambda made: "".join(map("".join, made)))


@repeatable
@given(messages)
def test_legacy_payload_is_that_of_simplestreams(text: str) -> None:
    for whole in (text, f"{HEADLINE}\n{text}", f"{HEADLINE}\nHash: SHA512\n\n{text}"):
        assert of_ours(whole) == of_peer(whole)


@repeatable
@given(messages, st.booleans())
def test_every_character_of_a_payload_is_where_it_says(text: str, strict: bool) -> None:
    whole = f"{HEADLINE}\nHash: SHA512\n\n{text}"
    payload = strict_payload(whole) if strict else legacy_payload(whole)
    file_lines = whole.split("\n")
    for number, said in enumerate(payload.text.split("\n")[:-1], 1):
        for column, character in enumerate(said, 1):
            line, at = payload.place(number, column)
            assert file_lines[line - 1][at - 1] == character


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_payloads_of_the_corpus(case: Path) -> None:
    for text in json.loads(case.read_text())["files"].values():
        assert of_ours(text) == of_peer(text)


@pytest.mark.parametrize("case", SIGNED, ids=lambda case: case.stem)
def test_gpgv_agrees_with_the_corpus(case: Path, keys: Keys) -> None:
    told = json.loads(case.read_text())
    found = verify(told["files"]["streams/v1/index.sjson"].encode(), CORPUS / "keyring.gpg")
    fatal = {line: seen["fatal"] for seen in told["expected"] for line in seen["maas"]}["3.8"]
    refused = fatal is not None and fatal["message"].startswith("Failed to verify PGP")
    assert found.good is not refused


def test_hash_header_is_optional_for_the_strict_reader_only() -> None:
    text = f"{HEADLINE}\n\n{TEXT}{ARMOR}"
    assert strict_payload(text).text == TEXT
    assert legacy_payload(text).text == TEXT.split("\n", 1)[1]


def test_strict_reader_slices_with_minus_one() -> None:
    assert strict_payload(f"{HEADLINE}\n\n[1]").text == ""
    assert strict_payload(f"{HEADLINE}\n\n[1]\n{ARMOR}").text == ""
    assert strict_payload(f"{HEADLINE}\n\n{{}}\n").text == "{}"
    assert strict_payload(f"{HEADLINE}\nComment: {{\n\n{{}}\n{ARMOR}").text == "{\n\n{}\n"
    assert strict_payload(TEXT).text == TEXT


def test_legacy_reader_gives_up_as_maas_does() -> None:
    with pytest.raises(PayloadError, match="No signature found!") as caught:
        legacy_payload(f"\n{HEADLINE}\n")
    assert caught.value.exception == "SignatureMissingException"
    with pytest.raises(PayloadError, match="first line") as caught:
        legacy_payload(f"{HEADLINE} \n\n{TEXT}")
    assert caught.value.exception == "UnboundLocalError"


def test_places_of_a_signed_document_are_those_of_the_file() -> None:
    text = f'{HEADLINE}\r\nHash: SHA512\r\n\r\n{{\r\n-  "a": [\r\n  7]}}\r\n{ARMOR}'
    payload = legacy_payload(text)
    document = parse_text(payload.text, payload.place)
    assert document.data == {"a": [7]}
    assert document.locate([(), ("a",), ("a", 0)]) == {
        (): (4, 1),
        ("a",): (5, 4),
        ("a", 0): (6, 3),
    }
    assert payload.place(5, 1) == (7, 1)
    payload = strict_payload(f'{HEADLINE}\n\n  {{\n "a": 1}}\n{ARMOR}')
    assert parse_text(payload.text, payload.place).locate([(), ("a",)]) == {
        (): (3, 3),
        ("a",): (4, 2),
    }
    cut = parse_text(legacy_payload(f"{HEADLINE}\nHash: X\n\n{{\n").text)
    assert cut.fatal is not None
    assert legacy_payload(HEADLINE).place(1, 1) == (1, 1)


def test_good_signatures(keys: Keys) -> None:
    found = verify(keys.sign().encode(), keys.ring)
    assert (found.good, found.status) == (True, "good")
    assert found.key_id is not None
    assert found.detail == "good signature by good <good@example.org>"
    for text in (TEXT.replace("\n", "\r\n"), f"- a\n-----b\n{TEXT}", "ü{}\n"):
        signed = keys.sign(text)
        assert verify(signed.encode(), str(keys.ring)).good
        assert is_clear_signed(signed)
        assert of_ours(signed) == "\n" + text.replace("\r\n", "\n")
    assert verify(("note\n" + keys.sign() + "more\n").encode(), keys.ring).good


def test_a_relative_keyring_is_not_looked_up_in_the_users_home(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(keys.ring.parent)
    assert verify(keys.sign().encode(), "ring.gpg").good


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda text: text.replace("index:1.0", "index:2.0"), "bad"),
        (lambda text: text.replace('"index"', '"index"\0'), "bad"),
        (lambda text: text[: text.index("-----BEGIN PGP SIGNATURE")], "malformed"),
        (lambda text: text[: text.index("-----BEGIN PGP SIGNATURE") + 60], "malformed"),
        (lambda text: text + text, "malformed"),
        (lambda text: TEXT, "unsigned"),
        (lambda text: "", "unsigned"),
        (lambda text: "\ufeff" + TEXT, "unsigned"),
    ],
)
def test_bad_signatures(keys: Keys, change: Any, status: str) -> None:
    found = verify(change(keys.sign()).encode(), keys.ring)
    assert (found.good, found.status) == (False, status)
    assert found.detail
    assert "\n" not in found.detail


def test_a_key_that_the_keyring_does_not_hold(keys: Keys) -> None:
    found = verify(keys.sign(user="other@example.org").encode(), keys.ring)
    assert (found.good, found.status) == (False, "no-key")
    assert found.key_id is not None
    assert found.key_id in found.detail


def test_expiry_does_not_keep_gpgv_from_accepting(keys: Keys) -> None:
    of_key = keys.sign(TEXT, "--faked-system-time", THEN, user="old-key@example.org")
    late = "--faked-system-time", THEN, "--default-sig-expire", "1"
    of_signature = keys.sign(TEXT, *late, user="old-signature@example.org")
    for signed in (of_key, of_signature):
        found = verify(signed.encode(), keys.ring)
        exit_status = subprocess.run(
            ["gpgv", f"--keyring={keys.ring}", "-"],
            input=signed.encode(),
            capture_output=True,
            check=False,
        ).returncode
        assert found.status == "expired"
        assert found.good is (exit_status == 0)


def test_detached_signatures(keys: Keys) -> None:
    made = keys.gpg("--local-user", "good@example.org", "--detach-sign", "--armor", text=TEXT)
    assert verify_detached(TEXT.encode(), made, keys.ring).good
    assert verify_detached(b"other", made, keys.ring).status == "bad"
    assert verify_detached(TEXT.encode(), b"{}", keys.ring).status == "unsigned"


def test_keyrings_that_gpgv_cannot_use(keys: Keys, tmp_path: Path) -> None:
    found = verify(keys.sign().encode(), keys.home / "armored.asc")
    assert (found.good, found.status) == (False, "keyring")
    assert "gpg --dearmor" in found.detail
    for nothing in (tmp_path / "none.gpg", tmp_path):
        with pytest.raises(UsageError, match="can't read the keyring"):
            verify(b"{}", nothing)


def test_without_gpgv(keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signed = keys.sign().encode()
    with pytest.raises(GpgvMissing, match="apt install gpgv"):
        verify(signed, keys.ring, gpgv=str(tmp_path / "gpgv"))
    assert verify(b"{}", keys.ring, gpgv=str(tmp_path / "gpgv")).status == "unsigned"
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 9\n")
    slow.chmod(0o755)
    monkeypatch.setattr(signature, "TIMEOUT", 0.05)
    with pytest.raises(LintError, match="did not answer"):
        verify(signed, keys.ring, gpgv=str(slow))


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b"\0\0", b"-----", b"\x80", b"\x85\x01\xff" * 9, b"-----BEGIN PGP\xff\0"]
)
def test_any_bytes_get_an_answer(keys: Keys, raw: bytes) -> None:
    found = verify(raw, keys.ring)
    assert found.good is False
    assert found.status in {"unsigned", "malformed"}
    assert needs_gpgv(raw) is (raw[:1] >= b"\x80" or b"BEGIN PGP" in raw)
