"""Rules on signatures: which files need one, whether it is valid, and the other forms of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.checks.words import MANY, listed
from maas_stream_lint.finding import Place, Severity
from maas_stream_lint.imports.trace import Event
from maas_stream_lint.keyring import NOT_SAID
from maas_stream_lint.quoting import quoted
from maas_stream_lint.rule import Said, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Whole
    from maas_stream_lint.signature import Verification
    from maas_stream_lint.stream import Metadata

#: What to do about a signature that is not valid, by what gpgv says.
REMEDIES = {
    "bad": "sign the file again, and change nothing in it after that",
    "no-key": "give MAAS a keyring with this key, or sign with a key that MAAS has",
    "expired": "sign with a valid key, and give MAAS a keyring with that key",
    "keyring": "convert the keyring to a binary one: `gpg --dearmor < keyring.asc > keyring.gpg`",
}


@rule("MSL801", Severity.FATAL)
def unsigned_sjson(event: Event, look: Look) -> Iterator[Said]:
    """A file that must be signed is not signed.

    MAAS: up to 3.7 MAAS verifies the index and all files that it names, unless the source's URL
        ends in `.json` (`get_signing_policy`, import_images/helpers.py). A text without a signature
        stops the import of every source: `No signature found!` (`read_signed`,
        simplestreams/util.py). MAAS 3.8 verifies every file, unless the source's
        `skip_keyring_verification` is on: `Failed to verify PGP signature.` (`_parse_response`,
        maasservicelayer/simplestreams/client.py).
    Why: the name `.sjson` says that the file is signed. MAAS's log blames the network, because an
        error page with status 200 looks the same.
    Fix: sign it with `gpg --clearsign --output index.sjson index.json`, and each products file in
        the same way. Or publish plain `.json` and give MAAS the URL of `index.json`.
    Example:
        {
         "format": "index:1.0",
    """
    start, path = _index(look), event.place.file
    if path != start and not look.stream.files[start].signed and start.endswith(".sjson"):
        path = start  # one cause, told of the index
    text = look.stream.files[path].best
    fatal = text.fatal if text is not None else None
    what = "is not signed" if fatal is None else f"is not signed and contains {fatal.message}"
    yield Said(
        f"{quoted(path)} {what}, expected a clear-signed message",
        "sign it with `gpg --clearsign`, or publish plain `.json` and give MAAS the URL of "
        "`index.json`"
        if fatal is None
        else "see with `curl -i` what the server sends instead",
        place=Place(path),
        also=(event.place,),
    )


@rule("MSL802", Severity.FATAL)
def bad_signature(event: Event, look: Look) -> Iterator[Said]:
    """A signature is not valid.

    MAAS: up to 3.7 gpgv verifies each file with the source's keyring. If that fails, MAAS stops the
        import of every source. Only the traceback mentions signatures (`read_signed`,
        simplestreams/util.py). MAAS 3.8 discards this source: `Failed to verify PGP signature.
        Command 'gpgv …' returned the following error: …`, unless the source's
        `skip_keyring_verification` is on (`_validate_pgp_signature`,
        maasservicelayer/simplestreams/client.py).
    Why: somebody changed the file after it was signed, or signed it with a key that is not in the
        keyring. A mirror that filters or renames must sign again, with its own key.
    Fix: sign the file exactly as you publish it. Give MAAS a keyring with the public key of the
        signer: `gpg --export KEY > keyring.gpg`. gpgv reads binary keyrings only.
    Example:
        -----BEGIN PGP SIGNED MESSAGE-----
    """
    path, start = event.place.file, _index(look)
    seen, first = look.stream.files[path].verification, look.stream.files[start].verification
    if seen is None:
        return
    if _same_trouble(seen, first):
        path = start  # one key is missing, not one a file
    yield Said(
        f"the signature of {quoted(path)} is not valid: {seen.detail}",
        REMEDIES.get(seen.status, "sign the file again with `gpg --clearsign`"),
        place=Place(path),
        also=(event.place,),
    )


@rule("MSL803", Severity.FATAL)
def no_keyring(event: Event, look: Look) -> Iterator[Said]:
    """The stream is signed, and MAAS has no keyring to verify it with.

    MAAS: up to 3.7 MAAS verifies a source whose URL does not end in `.json` with the source's own
        keyring (`keyring_filename` or `keyring_data`). If the key is not in it, MAAS stops the
        import of every source (`read_signed`, simplestreams/util.py). MAAS 3.8 does the same unless
        the source's `skip_keyring_verification` is on. With `--no-keyring`, this check assumes that
        the setting is on.
    Why: `--no-keyring` says that MAAS has no keyring for this source. This check judges the rest as
        if the signature were valid.
    Fix: give the boot source its keyring in MAAS. For Canonical's stream that is
        `/usr/share/keyrings/ubuntu-cloudimage-keyring.gpg` of the package
        `ubuntu-cloudimage-keyring`. Then run this check again with `--keyring FILE`.
    Example:
        -----BEGIN PGP SIGNED MESSAGE-----
    """
    start = _index(look)
    yield Said(
        f"{quoted(start)} is signed, and MAAS has no keyring for this source",
        "give the boot source its keyring in MAAS, or give MAAS the URL of an unsigned index",
        place=Place(start),
        also=(event.place,),
    )


@rule("MSL804", Severity.FATAL)
def mixed_signing_index_signed(event: Event, look: Look) -> Iterator[Said]:
    """A signed index names a file that is not signed.

    MAAS: up to 3.7 MAAS decides by the name of the index whether to verify signatures. It then
        requires a signature of every file that the index names. Without it, MAAS stops the import
        of every source: `No signature found!` (`get_signing_policy`, import_images/helpers.py).
        MAAS 3.8 verifies every file, unless the source's `skip_keyring_verification` is on
        (`_parse_response`, maasservicelayer/simplestreams/client.py).
    Why: it is not enough to sign the index. Each `path` in it must lead to a signed file.
    Fix: sign the file, too. Name the `.sjson` in the index, and then sign the index.
    Example:
        "path": "streams/v1/com.example.maas:v3:download.json",
    """
    path = event.place.file
    signed = _twin(look.stream.files[path], ".sjson")
    yield Said(
        f"the index is signed, but it names {quoted(path)}, which is not signed",
        f"name {quoted(signed)} in the index instead, and sign the index again"
        if signed
        else "sign it with `gpg --clearsign`, name the result in the index, and sign that again",
    )


@rule("MSL805", Severity.FATAL)
def mixed_signing_index_plain(event: Event, look: Look) -> Iterator[Said]:
    """A file is signed where MAAS expects plain JSON.

    MAAS: up to 3.7 MAAS treats a source whose URL ends in `.json` as unsigned, with all files that
        its index names. It reads the header of the signature as JSON, and a JSONDecodeError stops
        the import of every source (`get_signing_policy`, import_images/helpers.py). MAAS 3.8
        removes a signature from any file (`_parse_response`,
        maasservicelayer/simplestreams/client.py).
    Why: older MAAS cannot read signed and plain files under one index.
    Fix: name the plain `.json` of the file in a plain index, or give MAAS the URL of a signed
        index.
    Example:
        "path": "streams/v1/com.example.maas:v3:download.sjson",
    """
    path, start = event.place.file, _index(look)
    plain = _twin(look.stream.files[path], ".json")
    where = "under a name for" if path == start else f"under plain {quoted(start)}, expected"
    yield Said(
        f"{quoted(path)} is a signed message {where} plain JSON",
        f"name {quoted(plain)} in the index instead"
        if plain and path != start
        else "publish it as plain JSON, or give MAAS the URL of a signed `index.sjson`",
    )


@rule(
    "MSL806",
    Severity.FATAL,
    on="stream",
    causes=["unsigned-stream"],
    once=["unsigned-json-on-38"],
)
def unsigned_stream(seen: Event | Whole, look: Look) -> Iterator[Said]:
    """The stream is not signed, and MAAS 3.8 may require a signature.

    MAAS: up to 3.7 MAAS verifies nothing of a source whose URL ends in `.json`. MAAS 3.8 verifies
        every file of a source, whatever its name, unless the source's `skip_keyring_verification`
        is on. Otherwise it discards the source: `Failed to verify PGP signature.`
        (`_parse_response`, maasservicelayer/simplestreams/client.py). The switch is on for `.json`
        sources from before the upgrade, and for new ones from the CLI and the v2 API. With the v3
        API it is off unless the request sets it (`BootSourceRequest`,
        maasapiserver/v3/api/public/models/requests).
    Why: the source's settings now decide about verification. Up to 3.7 the file's name decided.
    Fix: switch `skip_keyring_verification` on for this source. Or sign the stream and give MAAS the
        URL of `index.sjson`. If you give this check a keyring, it assumes that the switch is off.
    Example:
        "format": "index:1.0",
    """
    start = _index(look)
    message = f"{quoted(start)} is not signed; MAAS needs `skip_keyring_verification` to read it"
    remedy = "switch `skip_keyring_verification` on for this source, or sign the stream"
    if isinstance(seen, Event):
        yield Said(message, remedy, place=Place(start), also=(seen.place,))
        return
    index = look.stream.files[start]
    verified = isinstance(look.stream.keyring, str)
    if not verified and look.stream.explicit and index.exists and not index.signed:
        yield Said(
            "the index is unsigned; set `skip_keyring_verification`",
            remedy,
            lines=look.where(lambda release: release.policy("signatures") == "every-document"),
            severity=Severity.INFO,
            effect="discards the source if verification is on for it",
        )


@rule("MSL809", Severity.INFO, on="stream")
def signature_not_verified(whole: Whole, look: Look) -> Iterator[Said]:
    """The stream is signed, and this run did not verify the signatures.

    MAAS: up to 3.7 verifies every file of a source whose URL does not end in `.json`, with the
        keyring of that source. If this fails, MAAS stops the import of every source (`read_signed`,
        simplestreams/util.py). 3.8 verifies every file unless the source's
        `skip_keyring_verification` is on (`_parse_response`,
        maasservicelayer/simplestreams/client.py).
    Why: no option said which keyring MAAS has, so this run assumed that every signature is valid.
    Fix: run the check again with `--keyring FILE`, the keyring that MAAS has for this source. For
        Canonical's stream this is `/usr/share/keyrings/ubuntu-cloudimage-keyring.gpg` of the
        package `ubuntu-cloudimage-keyring`. If MAAS has no keyring for this source, use
        `--no-keyring`.
    Example:
        -----BEGIN PGP SIGNED MESSAGE-----
    """
    start = _index(look)
    index = look.stream.files[start]
    if look.stream.keyring is NOT_SAID and index.exists and index.signed:
        yield Said(
            "this run did not verify the signatures; give `--keyring FILE`",
            "run the check again with `--keyring FILE`, the keyring that MAAS has for this source",
            effect="verifies each file with the keyring of this source",
        )


@rule("MSL807", Severity.WARNING, on="stream")
def sjson_differs_from_json(whole: Whole, look: Look) -> Iterator[Said]:
    """The signed and the plain form of a file differ.

    MAAS: MAAS reads one of the two: the index by its URL, a products file by the index's `path`
        (`path_from_mirror_url`, simplestreams/util.py). It never reads the other.
    Why: somebody wrote one and not the other. An old `.sjson` with a new `.json` means that signing
        failed. Two MAAS with two URLs of one stream then see different images.
    Fix: write both in one run, and sign last. Of an index, only `.sjson` and `.json` in each `path`
        should differ.
    Example:
        -----BEGIN PGP SIGNED MESSAGE-----
    """
    files = look.stream.files
    for path, file in files.items():
        if (
            file.twin is None
            or file.best is None
            or (path.endswith(".sjson") and file.twin.path in files)
        ):
            continue
        what = _difference(file)
        if what is not None:
            plain, signed = sorted((path, file.twin.path))
            yield Said(
                f"{quoted(plain)} and {quoted(signed)} differ: {what}",
                "write both in one run, and sign last",
                place=Place(path),
                effect=f"reads {quoted(path)}; with another URL it reads the other file",
            )


@rule("MSL808", Severity.WARNING, on="stream")
def detached_signature_bad(whole: Whole, look: Look) -> Iterator[Said]:
    """The detached signature of a file is not valid.

    MAAS: MAAS never reads `.json.gpg`. It reads clear-signed `.sjson` files only (`read_signed`,
        simplestreams/util.py; `_parse_response`, maasservicelayer/simplestreams/client.py).
    Why: the signature belongs to an older file. A mirror script or an auditor that verifies it
        fails. The `.sjson` may be old too.
    Fix: sign again after each change: `gpg --detach-sign --output index.json.gpg index.json`. Or
        delete the signature.
    Example:
        "updated": "Mon, 02 Nov 2026 10:00:00 +0000"
    """
    for path, file in look.stream.files.items():
        seen = file.detached_verification
        if seen is not None and not seen.good:
            yield Said(
                f"{quoted(f'{path}.gpg')} does not verify {quoted(path)}: {seen.detail}",
                "sign the file again, or delete the signature",
                place=Place(path),
                effect="does not read it",
            )


@rule("MSL810", Severity.WARNING, on="stream")
def signing_key_expired(whole: Whole, look: Look) -> Iterator[Said]:
    """The key that signed a file has expired.

    MAAS: MAAS accepts the file on every release line, because gpgv ends without an error
        (`read_signed`, simplestreams/util.py; `_validate_pgp_signature`,
        maasservicelayer/simplestreams/client.py).
    Why: other readers refuse the file, and so can a later version of gpgv. The publisher
        has probably forgotten to renew the key.
    Fix: extend the life of the key with `gpg --quick-set-expire FINGERPRINT 2y`, and give MAAS a
        keyring with the new public key. Or sign with another key.
    Example:
        -----BEGIN PGP SIGNED MESSAGE-----
    """
    expired = [
        path
        for path, file in look.stream.files.items()
        if file.verification is not None
        and file.verification.good
        and file.verification.status == "expired"
    ]
    if expired:
        seen = look.stream.files[expired[0]].verification
        assert seen is not None
        yield Said(
            f"the signature of {quoted(expired[0])} is too old: {seen.detail}",
            "extend the life of the key, and give MAAS a keyring with the new public key",
            place=Place(expired[0]),
            also=tuple(Place(path) for path in expired[1:MANY]),
            effect="still accepts the signature",
        )


def _index(look: Look) -> str:
    return look.stream.start


def _same_trouble(seen: Verification, first: Verification | None) -> bool:
    """Whether the index's signature fails for the same reason as a file's: key or keyring."""
    if first is None or first.good or seen.status not in ("no-key", "expired", "keyring"):
        return False
    return (seen.status, seen.key_id) == (first.status, first.key_id)


def _twin(file: Metadata, suffix: str) -> str | None:
    return file.twin.path if file.twin is not None and file.twin.path.endswith(suffix) else None


def _difference(file: Metadata) -> str | None:
    """What differs between a file and its twin; ``None`` if nothing that matters."""
    own, other = file.best, file.twin_document
    if own is None or other is None:
        return None
    if own.text.strip() == other.text.strip():
        return None
    if own.fatal is not None:
        return None  # said of the file itself
    if other.fatal is not None:
        return f"the second contains {other.fatal.message}"
    ours, theirs = _comparable(own.data), _comparable(other.data)
    if ours == theirs:
        return None
    if not isinstance(ours, dict) or not isinstance(theirs, dict):
        return "they have nothing in common"
    for member in ("index", "products"):
        mine, its = ours.get(member), theirs.get(member)
        if isinstance(mine, dict) and isinstance(its, dict) and mine != its:
            return listed(sorted(k for k in {*mine, *its} if mine.get(k) != its.get(k)))
    return listed(sorted(k for k in {*ours, *theirs} if ours.get(k) != theirs.get(k)))


def _comparable(data: Any) -> Any:
    """The data to compare. The paths of an index are those of the plain index."""
    index = data.get("index") if isinstance(data, dict) else None
    if not isinstance(index, dict):
        return data
    return {**data, "index": {key: _plain(entry) for key, entry in index.items()}}


def _plain(entry: Any) -> Any:
    path = entry.get("path") if isinstance(entry, dict) else None
    if not isinstance(path, str) or not path.endswith(".sjson"):
        return entry
    return {**entry, "path": path.removesuffix(".sjson") + ".json"}
