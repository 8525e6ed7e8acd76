"""Rules on how files are served: redirects, encodings, logins, certificates, caches, speed."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from maas_stream_lint.checks.file import CHARSET_REMEDY, misnamed_charset
from maas_stream_lint.checks.image import asking, cost, is_encoding_to_blame, met
from maas_stream_lint.checks.words import MANY, listed, moment
from maas_stream_lint.file_fetch import Failed, on_same_server, repeats, undoes
from maas_stream_lint.finding import Place, Severity
from maas_stream_lint.metadata_fetch import is_retried
from maas_stream_lint.quoting import quoted
from maas_stream_lint.rule import Said, rule

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from maas_stream_lint.images.observation import Seen, Server
    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Entry, Image, Item, Whole
    from maas_stream_lint.rulebook import Release
    from maas_stream_lint.source import Trouble

#: What is not read alike by everybody; what parts the paths that are searched in one go.
ODD = re.compile(r"[^A-Za-z0-9._~/:@!$&'()*,;=\n-]")
#: How far time zones are apart at most, and how long a publisher writes at one stream.
_FARTHEST_ZONES, _WRITING = timedelta(hours=14, minutes=30), timedelta(minutes=1)
#: Servers that are known to stumble over a colon.
COLON_HATERS = ("nexus", "artifactory")


@rule("MSL120", Severity.FATAL, on="stream")
def needs_credentials(whole: Whole, look: Look) -> Iterator[Said]:
    """The server requires a login, and MAAS has only the login in its URL.

    MAAS: sends the user and password of the source's URL for metadata and files on every line. It
        sends no header or token of yours. Up to 3.7 it reads a 401 or 403 page as if it were the
        index (`RequestsUrlReader`, simplestreams/contentsource.py). It sends a percent-encoded
        login undecoded for metadata up to 3.7, and for files up to 3.4; a user without a password
        gets the password `None` there. Logs of 3.7 and 3.8 show the URL with its password.
    Why: stores such as Artifactory and Nexus allow no anonymous reading by default.
    Fix: allow anonymous reading of the stream, for the addresses of the region controllers if
        need be; or put user and password into the URL that MAAS is given.
    Example:
        HTTP/1.1 401 Unauthorized
    """
    server = _server(look)
    if server is None or server.anonymous is None:
        return
    if server.encoded_login or server.user_only:
        yield from _misread_login(server, look)
    in_url = server.login == "url"
    what = f" to {quoted(server.refused)}" if server.refused is not None else ""
    yield Said(
        f"without credentials the server answers {server.anonymous.message}{what}, and MAAS "
        + (
            "has those of the URL alone" if in_url else f"has none (yours are from {_from(server)})"
        ),
        "allow anonymous reading"
        + ("" if in_url else ", or put user and password into the URL that MAAS is given"),
        severity=Severity.INFO if in_url else Severity.FATAL,
        effect="keeps the URL with its password, sends it, and may log it"
        if in_url
        else "is refused, and imports nothing of this source",
    )


@rule("MSL121", Severity.FATAL, on="stream")
def tls_not_system_trusted(whole: Whole, look: Look) -> Iterator[Said]:
    """Only certificates that were given here vouch for the server.

    MAAS: verifies the server for metadata on every line: 3.8 by `/etc/ssl/certs/
        ca-certificates.crt` and nothing else (`SYSTEM_CA_FILE`), the lines before by what
        requests brings or `REQUESTS_CA_BUNDLE` names. Files from 3.5 on are fetched unverified, so
        that only half of the source looks broken.
    Why: companies have their own certificate authority. A snap or a container does not see the
        certificates that the host trusts, and MAAS 3.8 ignores `SSL_CERT_FILE`.
    Fix: install the authority's certificate on every region controller, with
        `update-ca-certificates`, or use a certificate of a public one.
    Example:
        self-signed certificate in certificate chain
    """
    server = _server(look)
    if server is not None and server.untrusted is not None:
        yield Said(
            f"the system's certificates do not vouch for the server: {server.untrusted}",
            "add the certificate authority to the region controllers' own "
            "(`update-ca-certificates`)",
            severity=Severity.WARNING,
            effect="refuses the server if its region controller trusts no more than this machine",
        )


@rule("MSL122", Severity.WARNING, on="stream")
def mirror_skew(whole: Whole, look: Look) -> Iterator[Said]:
    """The host has several addresses that serve different indexes.

    MAAS: requests each file from whichever address comes first. So it gets the index of one and
        requests files from another, which has them not yet or no longer (a 404, see file-missing).
    Why: mirrors behind one name are updated one after another.
    Fix: update all of them before the index changes on any, or keep old files for a day.
    Example:
        "192.0.2.1":
    """
    server = _server(look)
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

    MAAS: sends no `Cache-Control` and takes what it gets: an old index, or a new index with old
        products, whose files may be gone.
    Why: proxying stores keep metadata for a day by default, and a 404 as well.
    Fix: forbid caching of everything below `streams/` (`Cache-Control: no-cache`). Everything else
        can be cached for long: images never change under one path.
    Example:
        Age: 4000
    """
    server = _server(look)
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
        3.7, 5 MiB must come in that time; each further attempt halves it, down to 256 KiB. 3.5 and
        3.6 restart after an hour. After two hours the whole import fails, on 3.8 the selection
        (`HEARTBEAT_TIMEOUT`, `BASE_CHUNK_SIZE` and `DOWNLOAD_TIMEOUT`,
        maastemporalworker/workflow/bootresource.py).
    Why: a store that fetches from far away before it sends a byte, a throttled line, a busy proxy.
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
            for image in _images(look)
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
        Temporal only between sources that it is alive. After 30 seconds without that, Temporal ends
        the refresh of every source, and makes three attempts in all
        (`fetch_manifest_and_update_cache`, maastemporalworker/workflow/bootresource.py). MAAS 3.7
        and older wait as long as bytes may come.
    Why: a slow line, a store that fetches from far away, or a stream of many large products files.
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

    MAAS: 3.8 decodes metadata by the charset of the `Content-Type`, and shows garbled titles if
        that is not the file's (`http_get`, maasservicelayer/simplestreams/client.py). If it cannot
        decode the file, it discards the source (MSL308). MAAS 3.7 and older always read UTF-8.
    Why: Apache's `AddDefaultCharset ISO-8859-1`, or a type of file that was set in a bucket.
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
    """The index and a products file are of different times.

    MAAS: does not compare the two. It takes the products file that it gets, and requests the files
        that it names; they may be gone, or not there yet.
    Why: the index was uploaded before the products, or a cache kept one of them. A difference of
        whole hours, give or take a minute, is not told: Canonical's own files have one, because
        their times are of two time zones.
    Fix: publish files first, then products, then the index, and forbid caching of metadata.
    Example:
        "updated": "Mon, 01 Jan 2024 00:00:00 +0000"
    """
    if _server(look) is None or entry.names is None:
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


@rule("MSL630", Severity.INFO, on="stream")
def colon_in_path(whole: Whole, look: Look) -> Iterator[Said]:
    """A path holds a colon, which some stores refuse.

    MAAS: takes any path that a URL can hold, and Canonical's own metadata is called
        `com.ubuntu.maas:stable:v3:download.sjson`.
    Why: Nexus as a proxy refuses a colon (`Illegal character in scheme name`, 400), Artifactory
        allows none in names of repositories, and Windows none in files.
    Fix: if you use such a store, name the file with `-` instead; MAAS takes any name. You cannot
        change the paths of a signed stream that you copied.
    Example:
        "path": "jammy/amd64/20240101/image:squashfs"
    """
    if ":" not in look.path_text:
        return
    named = [(path, names) for path, names in look.paths.items() if ":" in path]
    if not any(hater in _software(look) for hater in COLON_HATERS):
        named = [each for each in named if not each[0].startswith("streams/")]
    if named:
        yield _odd(named, "a colon, which Nexus as a proxy and other stores refuse", Severity.INFO)


@rule("MSL631", Severity.IGNORED, on="stream")
def path_needs_encoding(whole: Whole, look: Look) -> Iterator[Said]:
    """A path holds characters that clients and servers write in URLs in different ways.

    MAAS: adds the path to the base as it is and leaves the rest to its HTTP library; `?` and `#`
        end it there (`_urlinfo`, simplestreams/contentsource.py). 3.8 joins it like a link
        (`urljoin`): it requests `f/a` for `f//a`, and takes a first folder with a colon for the
        scheme of a URL.
    Why: S3 and Nexus read `+` as a blank, and Tomcat answers 400 to `^` or `[`. Each client
        encodes characters outside ASCII in its own way.
    Fix: rename files to letters, digits, `.`, `-`, `_` and `/`.
    Example:
        "path": "jammy/amd64/20240101+1/squashfs"
    """
    yield from _joined_as_links(look)
    if not ODD.search(look.path_text):
        return
    named = [(path, at) for path, at in look.paths.items() if ODD.search(path)]
    if named:
        odd = sorted({c for path, _ in named for c in ODD.findall(path)})
        what = f"{listed(odd, most=5)}, which servers and stores read in different ways"
        yield _odd(named, what, Severity.WARNING)


@rule("MSL720", Severity.FATAL, on="image")
def redirecting_files(image: Image, look: Look) -> Iterator[Said]:
    """A file's URL redirects, and not every MAAS release follows.

    MAAS: up to 3.4 follows 30 redirects (requests). 3.5 and 3.6 follow 9 (aiohttp), but most
        attempts fail if the redirect stays on the same host and port: MAAS sends stray bytes after
        each request, which the server answers with 400 on that connection. 3.7 and 3.8 follow
        none: `Redirect response '302 Found' for url …`. On 3.7 MAAS tries for two hours and then
        fails the whole import; on 3.8 the selection fails at once (httpx without
        `follow_redirects`, maascommon/apiclient.py). MAAS follows redirects of metadata, so the
        source looks good at first.
    Why: Nexus and Artifactory over object storage, CDNs and redirects from http to https send files
        like that.
    Fix: configure the store to send the files itself (in Artifactory, switch "redirect" of the
        storage off), or give MAAS the URL that the redirects lead to.
    Example:
        HTTP/1.1 302 Found
    """
    hops = image.seen.redirects
    if not hops:
        return
    chain = " → ".join(quoted(hop) for hop in hops[:3])
    message = f"the server redirects {quoted(image.path)} to {chain}"
    remedy = "serve it without a redirect, or give MAAS the URL that the redirects lead to"
    lines = asking(image.items, look)
    follows = []
    for release in look.releases:
        if release.line not in lines:
            continue
        failed = met(image, image.items[0], release, look)
        if failed is not None and failed.cause in ("redirect", "stray-chunk", "loop"):
            severity, effect = cost(release, failed)
            log = failed.log
        elif release.download("stray-chunk") and on_same_server(image.seen, look):
            severity, log = Severity.WARNING, ""
            effect = "follows, but most attempts fail with a 400 that stray bytes of MAAS cause"
        else:
            follows.append(release.line)
            continue
        yield Said(
            message,
            remedy,
            also=_places(image),
            lines=(release.line,),
            severity=severity,
            effect=effect,
            log=log,
        )
    if follows:
        yield Said(
            message,
            "nothing for these releases; serve it without a redirect before you upgrade",
            also=_places(image),
            lines=tuple(follows),
            severity=Severity.INFO,
            effect="follows",
        )


@rule("MSL721", Severity.WARNING, on="stream")
def redirect_to_http(whole: Whole, look: Look) -> Iterator[Said]:
    """A redirect leads from https to plain http.

    MAAS: follows it if it follows redirects at all. Anybody on the way can then read and change
        metadata, and with it all images, unless it is signed.
    Why: a proxy that ends TLS does not tell the server behind it that the client used https.
    Fix: configure the server to redirect to https, or not at all (`X-Forwarded-Proto`).
    Example:
        "http://cdn.example.com/squashfs"
    """
    if urlsplit(look.stream.base).scheme != "https":
        return
    moved: dict[str, tuple[Place, str]] = {}
    for path, file in look.stream.files.items():
        for hop in file.answer.redirects:
            if hop.startswith("http://"):
                moved.setdefault(path, (Place(path), hop))
    for image in _images(look):
        for hop in image.seen.redirects:
            if hop.startswith("http://"):
                moved.setdefault(image.path, (image.place, hop))
    if moved:
        (place, hop), *others = moved.values()
        more = f", and {len(others):,} more like it" if others else ""
        yield Said(
            f"{quoted(next(iter(moved)))} is redirected from https to {quoted(hop)}{more}",
            "configure the server to redirect to https, or not at all",
            place=place,
            also=tuple(at for at, _ in others[:MANY]),
            effect="follows it without encryption, if it follows redirects",
        )


@rule("MSL722", Severity.FATAL, on="image")
def content_encoding_on_artifact(image: Image, look: Look) -> Iterator[Said]:
    """The server sends a file with a Content-Encoding.

    MAAS: undoes `gzip` and `deflate` before it hashes, and leaves a file with any other coding as
        it comes (requests, aiohttp and httpx alike). 3.5 and 3.6 refuse `br`. So a stored `.tar.gz`
        with the header `gzip` is unpacked, and its size and checksum are wrong; a file that is
        compressed on the way as `x-gzip` stays compressed, with the same result. `gzip` on the way
        is harmless, and so are names such as `aws-chunked` or `utf-8` on a file that is stored
        plain.
    Why: `gzip on` for all types, Apache's `AddEncoding x-gzip .gz`, or an upload that set
        `Content-Encoding` in a bucket.
    Fix: switch compression off for everything but text, and delete the `Content-Encoding` of the
        stored objects.
    Example:
        Content-Encoding: gzip
    """
    seen = image.seen
    if seen.encoding is None or seen.trouble is not None:
        return
    told = f"the server sends {quoted(image.path)} with `Content-Encoding: {seen.encoding}`"
    lines, item = asking(image.items, look), image.items[0]
    harmless = []
    for release in look.releases:
        if release.line not in lines:
            continue
        failed = met(image, item, release, look)
        stored = seen.encoded_anyway and not seen.digests and is_encoding_to_blame(item, seen)
        if failed is None and stored and undoes(release, seen.encoding):
            failed = Failed("too-long", "", release.download("attempts") != "one")
        if failed is None:
            harmless.append(release.line)
            continue
        if failed.cause != "encoding" and not is_encoding_to_blame(item, seen):
            continue  # the file itself is wrong
        severity, effect = cost(release, failed)
        undone = undoes(release, seen.encoding)
        why = "and MAAS undoes it" if undone else "which MAAS does not undo"
        yield Said(
            f"{told}, {why}",
            "switch the encoding off for images, and delete it from stored objects",
            also=_places(image),
            lines=(release.line,),
            severity=severity,
            effect=effect,
            log=failed.log,
        )
    if harmless:
        yield Said(
            told,
            "nothing for these releases; switch the encoding off for images all the same",
            also=_places(image),
            lines=tuple(harmless),
            severity=Severity.INFO,
            effect="gets the file as it should be",
        )


@rule("MSL723", Severity.INFO, on="stream")
def head_refused(whole: Whole, look: Look) -> Iterator[Said]:
    """The server answers GET, and refuses HEAD.

    MAAS: never sends HEAD, so this does no harm to it.
    Why: signed URLs of object stores are valid for one method, and some servers support only GET.
    Fix: nothing needs to be fixed. Other tools that check files by HEAD report them as missing.
    Example:
        HEAD /jammy/amd64/20240101/squashfs
    """
    refused = [image for image in _images(look) if image.seen.head is not None]
    if refused:
        first = refused[0]
        assert first.seen.head is not None
        yield _served(
            refused,
            f"HEAD of {quoted(first.path)} is answered {first.seen.head.message}, GET is not",
            "nothing for MAAS: it never sends HEAD",
            "sends only GET, so it does not notice",
        )


@rule("MSL724", Severity.WARNING, on="stream")
def length_disagrees(whole: Whole, look: Look) -> Iterator[Said]:
    """HEAD and GET tell different lengths of a file.

    MAAS: sends only GET. A proxy between MAAS and the server may send HEAD first, and then wait
        for bytes that never come.
    Why: Artifactory's remote repositories pass HEAD on to another server, and caches keep the
        length of an older file.
    Fix: remove the file from the cache; in Artifactory, switch "Bypass HEAD requests" on.
    Example:
        HEAD /jammy/amd64/20240101/squashfs
    """
    wrong = [
        image
        for image in _images(look)
        if image.seen.head_size is not None and image.seen.size not in (None, image.seen.head_size)
    ]
    if wrong:
        seen = wrong[0].seen
        yield _served(
            wrong,
            f"HEAD says that {quoted(seen.path)} has {seen.head_size:,} bytes, GET {seen.size:,}",
            "empty the cache in front; in Artifactory, switch on `Bypass HEAD requests`",
            "sends only GET, but a proxy may wait for the bytes that HEAD promised",
        )


@rule("MSL725", Severity.INFO, on="stream")
def no_range_support(whole: Whole, look: Look) -> Iterator[Said]:
    """The server sends no part of a file, only the whole.

    MAAS: requests only whole files, and restarts a broken download from the beginning, so this
        does no harm to it.
    Why: some stores and proxies do not support ranges.
    Fix: nothing needs to be fixed for MAAS. Other tools cannot resume a download.
    Example:
        Accept-Ranges: none
    """
    whole_only = [image for image in _images(look) if image.seen.ranges is False]
    if whole_only:
        yield _served(
            whole_only,
            "the server sends whole files only, and no part of one",
            "nothing for MAAS: it never requests a part",
            "restarts a broken download from the beginning, as with any server",
        )


@rule("MSL726", Severity.WARNING, on="image")
def download_cut(image: Image, look: Look) -> Iterator[Said]:
    """The connection broke off within a file, and a further request brought the rest.

    MAAS: restarts the download from the beginning; MAAS 3.4 and older do not retry
        (`download_bootresourcefile`, maastemporalworker/workflow/bootresource.py).
    Why: proxies and load balancers cut long or large downloads, or a server had no resources.
    Fix: raise the limits on time and size along the way (`proxy_read_timeout`,
        `proxy_max_temp_file_size`, `send_timeout` of nginx).
    Example:
        "cuts": [
    """
    seen = image.seen
    if seen.cuts and seen.trouble is None and seen.digests:
        times = "once" if len(seen.cuts) == 1 else f"{len(seen.cuts)} times"
        lines = asking(image.items, look)
        yield Said(
            f"{quoted(image.path)} broke off {times}, after {seen.cuts[-1]:,} of "
            f"{seen.size or 0:,} bytes",
            "raise the limits on time and size of proxies and servers",
            also=_places(image),
            lines=lines,
            effect=_after_a_break(lines, look),
        )


@rule("MSL727", Severity.WARNING, on="stream")
def passing_fault(whole: Whole, look: Look) -> Iterator[Said]:
    """A request failed at first, and MAAS does not make it again.

    MAAS: requests metadata once: one 503 for the index or a products file loses the whole import,
        on 3.8 the source (only 3.8 makes a request again, if the connection was closed without an
        answer). Up to 3.4 it requests an image file once, too; 3.8 does not repeat a request that
        an HTTP status ended (`RequestsUrlReader`, simplestreams/contentsource.py;
        `download_bootresourcefile`, maastemporalworker/workflow/bootresource.py).
    Why: this tool makes such a request again, so the stream looks good, and the next import may
        fail. Busy servers, rate limits and restarts answer like that.
    Fix: give the server room for the requests of an import, and exempt MAAS from rate limits.
    Example:
        "message": "503 Service Unavailable"
    """
    for path, file in look.stream.files.items():
        faults = file.answer.faults if file.exists else ()
        for fault in faults[:1]:
            lines = look.where(lambda r, f=fault: not is_retried(f, strict=r.strict))  # type: ignore[misc]
            yield _passed(path, fault, Place(path), lines, "loses the metadata of the source")
    for image in _images(look):
        seen = image.seen
        for fault in seen.faults[:1] if seen.trouble is None and not seen.cuts else ():
            asked = asking(image.items, look)
            lines = look.where(lambda r, f=fault, a=asked: r.line in a and not repeats(r, f))  # type: ignore[misc]
            yield _passed(image.path, fault, image.place, lines, "loses the file")


def _same_moment(one: datetime, other: datetime) -> bool:
    """Whether two times are of one moment, as people of two time zones write it."""
    apart = abs(one - other)
    beyond = apart % timedelta(hours=1)
    return apart < _FARTHEST_ZONES and min(beyond, timedelta(hours=1) - beyond) <= _WRITING


def _passed(path: str, fault: Trouble, place: Place, lines: tuple[str, ...], lost: str) -> Said:
    return Said(
        f"{quoted(path)} came only after another attempt; before: {fault.message}",
        "give the server room for the requests of an import",
        place=place,
        lines=lines,
        effect=f"does not make the request again, and {lost}",
    )


def _joined_as_links(look: Look) -> Iterator[Said]:
    """Paths of image files that mean something else where MAAS joins them like links."""
    lines = look.where(lambda release: release.download("joins") == "urljoin")
    for path, item in look.paths.items() if lines else ():
        if not (":" in path or "//" in path) or path.startswith("streams/") or "://" in path:
            continue
        if re.match(r"[A-Za-z][\w+.-]*:", path.split("/")[0]):
            what = f"the first folder of {quoted(path)} holds a colon"
            severity = Severity.IGNORED
            effect = "takes it for the scheme of a URL, and cannot request it"
        elif "//" in path:
            what = f"{quoted(path)} holds two slashes in a row"
            severity = Severity.WARNING
            effect = "requests it with one slash, which S3 takes for another file"
        else:
            continue
        remedy = "rename the folder, or write one slash and publish the file there"
        place = _place(item)
        yield Said(what, remedy, place=place, lines=lines, severity=severity, effect=effect)


def _misread_login(server: Server, look: Look) -> Iterator[Said]:
    """That release lines send another login than the URL means."""
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
    """Whether a file does not arrive in the time of an attempt, or of a heartbeat if short."""
    limit = release.download("attempt-seconds") or release.download("total-seconds")
    if limit and seen.rate and (seen.size or 0) / seen.rate > limit:
        return True
    least: int = release.download("heartbeat-least")
    beat: int = release.download("heartbeat-seconds")
    return seen.seconds is not None and (seen.size or 0) < least and seen.seconds > beat


def _after_a_break(lines: tuple[str, ...], look: Look) -> str:
    """What MAAS does when a download breaks off: lines that lose only the set do not retry."""
    once = look.where(lambda r: r.line in lines and r.download("failure") == "set")
    again = "restarts the download from the beginning"
    if not once:
        return again
    return "does not retry" if len(once) == len(lines) else f"{again}; {look.span(once)} does not"


def _server(look: Look) -> Server | None:
    return look.survey.server if look.survey is not None else None


def _images(look: Look) -> list[Image]:
    return look.images if _server(look) is not None else []


def _served(wrong: list[Image], message: str, remedy: str, effect: str) -> Said:
    """What is the same of many files is said once."""
    more = f" (and {len(wrong) - 1:,} more)" if len(wrong) > 1 else ""
    return Said(
        message + more,
        remedy,
        place=wrong[0].place,
        also=tuple(image.place for image in wrong[1:MANY]),
        effect=effect,
    )


def _places(image: Image) -> tuple[Place, ...]:
    return tuple(item.at("path") for item in image.items[1:MANY])


def _software(look: Look) -> str:
    """What the server says to be, in lower case."""
    start = look.stream.files.get(look.stream.start)
    return start.answer.headers.get("server", "").lower() if start is not None else ""


def _from(server: Server) -> str:
    return {"netrc": "`~/.netrc`", "header": "a header"}.get(server.login or "", "elsewhere")


def _pace(seen: Seen, beat: int) -> str:
    if seen.silence > beat:
        return f"no byte for {seen.silence:.0f} s"
    if seen.rate is None:
        return f"{seen.size or 0:,} bytes in {seen.seconds or 0:.0f} s"
    return f"{seen.rate or 0:,.0f} bytes a second"


def _place(names: Entry | Item) -> Place:
    return names.place.below("path")


def _odd(named: list[tuple[str, Entry | Item]], what: str, severity: Severity) -> Said:
    path, names = named[0]
    more = f" (and {len(named) - 1:,} more)" if len(named) > 1 else ""
    return Said(
        f"{quoted(path)}{more} holds {what}",
        "rename the file to letters, digits, `.`, `-`, `_` and `/`, and correct its path",
        place=_place(names),
        also=tuple(_place(each) for _, each in named[1:MANY]),
        severity=severity,
        effect="requests the path as it is; some servers do not accept it",
    )
