"""Rules on servers of metadata and files: logins, certificates, caches, mirrors, speed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from maas_stream_lint.checks.file import CHARSET_REMEDY, misnamed_charset
from maas_stream_lint.checks.image import cost
from maas_stream_lint.checks.words import MANY, listed, moment
from maas_stream_lint.file_fetch import Failed
from maas_stream_lint.finding import Place, Severity
from maas_stream_lint.quoting import quoted
from maas_stream_lint.rule import Said, rule

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from maas_stream_lint.images.observation import Seen, Server
    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Entry, Image, Whole
    from maas_stream_lint.rulebook import Release


#: How far time zones are apart at most, and how long a publisher writes at one stream.
_FARTHEST_ZONES, _WRITING = timedelta(hours=14, minutes=30), timedelta(minutes=1)


@rule("MSL120", Severity.FATAL, on="stream")
def needs_credentials(whole: Whole, look: Look) -> Iterator[Said]:
    """The server requires a login, and MAAS has only the login in its URL.

    MAAS: sends the user and password of the source's URL for metadata and files on every line. It
        sends no header or token of yours. Up to 3.7 it reads a 401 or 403 page as if it were the
        index (`RequestsUrlReader`, simplestreams/contentsource.py). Up to 3.7 MAAS sends a
        percent-encoded login undecoded for metadata, and up to 3.4 also for files. There it sends
        the password `None` for a user without one. Logs of 3.7 and 3.8 show the URL with its
        password.
    Why: stores such as Artifactory and Nexus allow no anonymous reading by default.
    Fix: allow anonymous reading of the stream, if necessary only for the addresses of the region
        controllers. Or put user and password into the source's URL in MAAS.
    Example:
        HTTP/1.1 401 Unauthorized
    """
    server = server_of(look)
    if server is None or server.anonymous is None:
        return
    if server.encoded_login or server.user_only:
        yield from _misread_login(server, look)
    in_url = server.login == "url"
    what = f" to {quoted(server.refused)}" if server.refused is not None else ""
    yield Said(
        f"without credentials the server answers {server.anonymous.message}{what}, and MAAS "
        + ("has only those in the URL" if in_url else f"has none (yours are from {_from(server)})"),
        "allow anonymous reading"
        + ("" if in_url else ", or put user and password into the URL that MAAS is given"),
        severity=Severity.INFO if in_url else Severity.FATAL,
        effect="keeps the URL with its password, sends it, and may log it"
        if in_url
        else "is refused, and imports nothing of this source",
    )


@rule("MSL121", Severity.FATAL, on="stream")
def tls_not_system_trusted(whole: Whole, look: Look) -> Iterator[Said]:
    """The server's certificate is valid only with the certificates that you gave this tool.

    MAAS: verifies the server for metadata on every line. 3.8 uses only
        `/etc/ssl/certs/ca-certificates.crt` (`SYSTEM_CA_FILE`). Older lines use the certificates of
        the requests library or of `REQUESTS_CA_BUNDLE`. From 3.5 on MAAS downloads files without
        verification, so only half of the source looks broken.
    Why: companies have their own certificate authority. A snap or a container does not see the
        certificates that the host trusts, and MAAS 3.8 ignores `SSL_CERT_FILE`.
    Fix: install the authority's certificate on every region controller, with
        `update-ca-certificates`, or use a certificate of a public one.
    Example:
        self-signed certificate in certificate chain
    """
    server = server_of(look)
    if server is not None and server.untrusted is not None:
        yield Said(
            f"the certificates of this system do not verify the server: {server.untrusted}",
            "add the certificate authority to those of the region controllers "
            "(`update-ca-certificates`)",
            severity=Severity.WARNING,
            effect="refuses the server if its region controller trusts no more than this machine",
        )


@rule("MSL122", Severity.WARNING, on="stream")
def mirror_skew(whole: Whole, look: Look) -> Iterator[Said]:
    """The addresses of the host serve different indexes.

    MAAS: requests each file from the address that comes first at that moment. So it reads the index
        from one address and requests files from another. That one may lack the files, and answers
        404 (see file-missing).
    Why: somebody updates the mirrors behind one name one after another.
    Fix: update the files of all mirrors before the index of any mirror, or keep old files for a
        day.
    Example:
        "192.0.2.1":
    """
    server = server_of(look)
    if server is None or len(set(server.frontends.values())) < 2:
        return
    groups: dict[str, list[str]] = {}
    for address, said in server.frontends.items():
        groups.setdefault(said, []).append(address)
    told = " and ".join(listed(addresses, last="and") for addresses in groups.values())
    yield Said(
        f"the host's addresses do not serve the same index: {told} differ",
        "update all of them before the index changes on any",
        effect="gets the index of one address, and requests the files from another",
    )


@rule("MSL123", Severity.WARNING, on="stream")
def stale_cache(whole: Whole, look: Look) -> Iterator[Said]:
    """A cache in front of the stream serves old metadata.

    MAAS: sends no `Cache-Control` and uses what it gets: an old index, or a new index with old
        products files. The image files that these name may be gone.
    Why: by default, stores that act as a proxy keep metadata for a day, and also a 404.
    Fix: forbid caching of everything below `streams/` (`Cache-Control: no-cache`). Everything else
        can be cached for long: images never change under one path.
    Example:
        Age: 4000
    """
    server = server_of(look)
    if server is None or not server.stale:
        return
    first = server.stale[0]
    headers = look.stream.files[first].answer.headers
    age = headers.get("age", "")
    aged = f", which is {int(age):,} s old" if age.isdecimal() and len(age) < 10 else ""
    yield Said(
        f"a cache serves {listed(server.stale)}{aged}; the server has another version",
        "serve `streams/` with `Cache-Control: no-cache`, and empty the cache now",
        place=Place(first),
        also=tuple(Place(path) for path in server.stale[1:]),
        effect="imports what the stream was some time ago, and may ask for files that are gone",
    )


@rule("MSL124", Severity.WARNING, on="stream")
def slow_mirror(whole: Whole, look: Look) -> Iterator[Said]:
    """Files come so slowly that MAAS restarts their downloads, or does not get them in time.

    MAAS: from 3.5 on restarts a download from the beginning after 10 seconds without a byte. On
        3.7, 5 MiB must arrive in that time; each further attempt needs half as much, down to 256
        KiB. 3.5 and 3.6 restart after an hour. After two hours the whole import fails; on 3.8 the
        selection fails (`HEARTBEAT_TIMEOUT`, `BASE_CHUNK_SIZE` and `DOWNLOAD_TIMEOUT`,
        maastemporalworker/workflow/bootresource.py).
    Why: the store downloads the file from far away before it sends a byte, the connection is
        limited, or a proxy is busy.
    Fix: copy the files to a server near MAAS, and lift its limits on speed.
    Example:
        "silence": 12.5
    """
    for release in look.releases:
        beat: int = release.download("heartbeat-seconds")
        if not beat:
            continue
        least: int = release.download("heartbeat-bytes")
        slow = [
            image
            for image in files_asked_for(look)
            if image.seen.silence > beat
            or (image.seen.rate is not None and image.seen.rate * beat < least)
            or _takes_too_long(image.seen, release)
        ]
        if slow:
            first = max(slow, key=lambda image: (image.seen.silence > beat, image.seen.silence))
            yield Said(
                f"{_pace(first.seen, beat)} from {quoted(first.path)}"
                + (f", and {len(slow) - 1:,} more are as slow" if len(slow) > 1 else ""),
                "copy the files to a server near MAAS, without a limit on speed",
                place=first.place,
                also=tuple(image.place for image in slow[:MANY] if image is not first),
                lines=(release.line,),
                effect=f"restarts a download from the beginning after {beat} seconds "
                + (f"with less than {least:,} bytes" if least else "without a byte"),
            )


@rule("MSL125", Severity.WARNING, on="stream")
def slow_metadata(whole: Whole, look: Look) -> Iterator[Said]:
    """The metadata comes so slowly that MAAS 3.8 refreshes no source.

    MAAS: 3.8 reads the index and all products files of a source one after another, and tells
        Temporal only between sources that it is alive. After 30 seconds without such a sign,
        Temporal ends the refresh of every source. It makes three attempts in all
        (`fetch_manifest_and_update_cache`, maastemporalworker/workflow/bootresource.py). MAAS 3.7
        and older wait without a limit.
    Why: the connection is slow, the store downloads from far away, or the stream has many large
        products files.
    Fix: copy the metadata to a server near MAAS, and split off products that MAAS does not use.
    Example:
        "seconds": 12.5
    """
    seconds = sum(file.answer.seconds for file in look.stream.files.values())
    for release in look.releases:
        limit: int = release.data["metadata"]["refresh-seconds"]
        if limit and seconds > limit:
            slowest = max(look.stream.files.values(), key=lambda file: file.answer.seconds)
            yield Said(
                f"all metadata together takes {seconds:.0f} s to arrive, most of it "
                f"{quoted(slowest.path)}",
                "copy the metadata to a server near MAAS, or split off what MAAS does not use",
                place=Place(slowest.path),
                lines=(release.line,),
                effect=f"ends the refresh of every source after {limit} s without a sign of life, "
                f"{release.data['metadata']['refresh-attempts']} times",
            )


@rule("MSL126", Severity.WARNING, on="stream")
def wrong_charset(whole: Whole, look: Look) -> Iterator[Said]:
    """The server names a charset that a metadata file does not have.

    MAAS: 3.8 decodes metadata by the charset of the `Content-Type`. If the file has another
        charset, MAAS shows garbled titles (`http_get`, maasservicelayer/simplestreams/client.py).
        If it cannot decode the file, it discards the source (MSL308). MAAS 3.7 and older always
        read UTF-8.
    Why: Apache has `AddDefaultCharset ISO-8859-1`, or somebody set the type of the file in a
        bucket.
    Fix: configure the server to send `Content-Type: application/json` without a charset.
    Example:
        Content-Type: application/json; charset=iso-8859-1
    """
    lines = look.where(lambda release: bool(release.data["metadata"]["charset"]))
    for path, file in look.stream.files.items() if lines else ():
        charset = file.misread_charset
        if charset is not None and file.strict(verify=False).failure is None:
            yield Said(
                misnamed_charset(charset),
                CHARSET_REMEDY,
                place=Place(path),
                lines=lines,
                effect="shows titles with wrong characters",
            )


@rule("MSL230", Severity.WARNING, on="entry")
def published_out_of_order(entry: Entry, look: Look) -> Iterator[Said]:
    """The server sends an index and a products file of different ages.

    MAAS: does not compare the two. It requests the image files that the products file names. They
        may be gone, or not there yet.
    Why: somebody uploaded the index before the products, or a cache kept an old file. This rule
        ignores a difference of whole hours, within a minute. Canonical's own files have such a
        difference, because their times come from two time zones.
    Fix: publish image files first, then products files, then the index. Forbid caching of metadata.
    Example:
        "updated": "Mon, 01 Jan 2024 00:00:00 +0000"
    """
    if server_of(look) is None or entry.names is None:
        return
    metadata = look.stream.files.get(entry.names)
    document = metadata.best if metadata is not None else None
    if metadata is None or document is None or not isinstance(document.data, dict):
        return
    said, own = moment(entry.raw.get("updated")), moment(document.data.get("updated"))
    if said is None or own is None or _same_moment(said, own):
        return
    headers = metadata.answer.headers
    hints = [f"{name}: {headers[name]}" for name in ("last-modified", "age") if name in headers]
    told = f" ({', '.join(hints)})" if hints else ""
    which = "older" if own < said else "newer"
    yield Said(
        f"{quoted(entry.names)} is {which} than its entry: updated {own:%Y-%m-%d %H:%M:%S}, and "
        f"{said:%Y-%m-%d %H:%M:%S} by the index{told}",
        "publish products before the index, and forbid caching of both",
        place=entry.place.below("updated"),
        also=(Place(entry.names, ("updated",)),),
        effect="imports by the products file as it is, whatever the index says",
    )


def _same_moment(one: datetime, other: datetime) -> bool:
    """Whether two times mean one moment in two time zones."""
    apart = abs(one - other)
    beyond = apart % timedelta(hours=1)
    return apart < _FARTHEST_ZONES and min(beyond, timedelta(hours=1) - beyond) <= _WRITING


def _misread_login(server: Server, look: Look) -> Iterator[Said]:
    """Findings on release lines that send another login than the URL means."""
    index = look.stream.start
    what = "is percent-encoded" if server.encoded_login else "has no password"
    for release in look.releases:
        decodes = release.data["metadata"]["undoes-login"]
        severity, effect = Severity.FATAL, "is refused, and imports nothing of this source"
        if server.refused != index:  # metadata is there for everybody
            decodes = release.download("undoes-login")
            severity, effect = cost(release, Failed("status", "", retried=False))
        if not decodes:
            sent = "sends it without decoding it" if server.encoded_login else "sends `None` as it"
            yield Said(
                f"the login in the URL {what}, and MAAS {sent}",
                "use a login with letters and digits only, and with a password",
                lines=(release.line,),
                severity=severity,
                effect=effect,
            )


def _takes_too_long(seen: Seen, release: Release) -> bool:
    """Whether a file needs more time than one attempt, or than one heartbeat if that is shorter."""
    limit = release.download("attempt-seconds") or release.download("total-seconds")
    if limit and seen.rate and (seen.size or 0) / seen.rate > limit:
        return True
    least: int = release.download("heartbeat-least")
    beat: int = release.download("heartbeat-seconds")
    return seen.seconds is not None and (seen.size or 0) < least and seen.seconds > beat


def server_of(look: Look) -> Server | None:
    """The server that this run requested image files from, if any."""
    return look.survey.server if look.survey is not None else None


def files_asked_for(look: Look) -> list[Image]:
    """The image files that this run requested from a server."""
    return look.images if server_of(look) is not None else []


def _from(server: Server) -> str:
    return {"netrc": "`~/.netrc`", "header": "a header"}.get(server.login or "", "elsewhere")


def _pace(seen: Seen, beat: int) -> str:
    if seen.silence > beat:
        return f"no byte for {seen.silence:.0f} s"
    if seen.rate is None:
        return f"{seen.size or 0:,} bytes in {seen.seconds or 0:.0f} s"
    return f"{seen.rate or 0:,.0f} bytes a second"
