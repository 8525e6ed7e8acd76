"""Rules on how a server sends image files: redirects, encodings, lengths, broken connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.checks.among import came_otherwise
from maas_stream_lint.checks.image import asking, cost, is_encoding_to_blame, met
from maas_stream_lint.checks.transport import files_asked_for
from maas_stream_lint.checks.words import MANY
from maas_stream_lint.file_fetch import Failed, on_same_server, repeats, undoes
from maas_stream_lint.finding import Place, Severity
from maas_stream_lint.metadata_fetch import is_retried
from maas_stream_lint.quoting import quoted
from maas_stream_lint.rule import Said, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Image, Whole
    from maas_stream_lint.source import Trouble


@rule("MSL720", Severity.FATAL, on="image", among=came_otherwise)
def redirecting_files(image: Image, look: Look) -> Iterator[Said]:
    """The server redirects a file, and not every MAAS release follows.

    MAAS: up to 3.4 follows 30 redirects (requests). 3.5 and 3.6 follow 9 (aiohttp). But most
        attempts fail if the redirect stays on the same host and port. MAAS sends stray bytes after
        each request, and the server answers these with 400 on that connection. 3.7 and 3.8 follow
        none: `Redirect response '302 Found' for url …`. MAAS 3.7 tries for two hours and then fails
        the whole import. On 3.8 the selection fails at once (httpx without `follow_redirects`,
        maascommon/apiclient.py). MAAS follows redirects of metadata, so the source looks good at
        first.
    Why: Nexus and Artifactory with object storage redirect large files, and so do CDNs. Many
        servers redirect http to https.
    Fix: configure the store to send the files itself; in Artifactory, switch "redirect" of the
        storage off. Or give MAAS the URL that the redirects lead to.
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

    MAAS: follows the redirect if the release line follows redirects. Anybody between MAAS and the
        server can then read and change metadata, and with it all images, unless the metadata is
        signed.
    Why: a proxy that ends TLS does not tell the server behind it that the client used https.
    Fix: configure the server to redirect to https, or not at all (`X-Forwarded-Proto`).
    Example:
        "http://cdn.example.com/squashfs"
    """
    if not look.stream.base.lower().startswith("https:"):
        return
    moved: dict[str, tuple[Place, str]] = {}
    for path, file in look.stream.files.items():
        for hop in file.answer.redirects:
            if hop.startswith("http://"):
                moved.setdefault(path, (Place(path), hop))
    for image in files_asked_for(look):
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


@rule("MSL722", Severity.FATAL, on="image", among=came_otherwise)
def content_encoding_on_artifact(image: Image, look: Look) -> Iterator[Said]:
    """The server sends a file with a Content-Encoding.

    MAAS: decodes `gzip` and `deflate` before it hashes a file, and does not decode other encodings
        (requests, aiohttp and httpx alike). 3.5 and 3.6 refuse `br`. So MAAS unpacks a stored
        `.tar.gz` with the header `gzip`, and its size and checksum are wrong. MAAS does not unpack
        a file that the server compresses as `x-gzip`, so its size and checksum are wrong, too. No
        harm is done if the server compresses a plain file as `gzip`, or sends it with a name such
        as `aws-chunked` or `utf-8`.
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
    """The server answers GET but refuses HEAD.

    MAAS: never sends HEAD, so this does no harm to it.
    Why: signed URLs of object stores are valid for one method, and some servers support only GET.
    Fix: nothing needs to be fixed. Other tools that check files by HEAD report them as missing.
    Example:
        HEAD /jammy/amd64/20240101/squashfs
    """
    refused = [image for image in files_asked_for(look) if image.seen.head is not None]
    if refused:
        first = refused[0]
        assert first.seen.head is not None
        yield _served(
            refused,
            f"the server answers GET of {quoted(first.path)}, but refuses HEAD: "
            f"{first.seen.head.message}",
            "nothing for MAAS: it never sends HEAD",
            "sends only GET, so it does not notice",
        )


@rule("MSL724", Severity.WARNING, on="stream")
def length_disagrees(whole: Whole, look: Look) -> Iterator[Said]:
    """HEAD and GET report different lengths for a file.

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
        for image in files_asked_for(look)
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
    """The server sends only whole files, not parts of them.

    MAAS: requests only whole files, and restarts a broken download from the beginning, so this
        does no harm to it.
    Why: some stores and proxies do not support ranges.
    Fix: nothing needs to be fixed for MAAS. Other tools cannot resume a download.
    Example:
        Accept-Ranges: none
    """
    whole_only = [image for image in files_asked_for(look) if image.seen.ranges is False]
    if whole_only:
        yield _served(
            whole_only,
            "the server sends only whole files, and not parts of them",
            "nothing for MAAS: it never requests a part",
            "restarts a broken download from the beginning, as with any server",
        )


@rule("MSL726", Severity.WARNING, on="image", among=came_otherwise)
def download_cut(image: Image, look: Look) -> Iterator[Said]:
    """The connection broke off within a file. This tool got the rest with another request.

    MAAS: restarts the download from the beginning; MAAS 3.4 and older do not retry
        (`download_bootresourcefile`, maastemporalworker/workflow/bootresource.py).
    Why: proxies and load balancers cut long or large downloads, or a server had no resources.
    Fix: raise the limits on time and size of all proxies and servers. In nginx these are
        `proxy_read_timeout`, `proxy_max_temp_file_size` and `send_timeout`.
    Example:
        "cuts": [
    """
    seen = image.seen
    if seen.cuts and seen.trouble is None and seen.digests:
        times = "once" if len(seen.cuts) == 1 else f"{len(seen.cuts)} times"
        lines = asking(image.items, look)
        yield Said(
            f"the download of {quoted(image.path)} broke off {times}, after {seen.cuts[-1]:,} of "
            f"{seen.size or 0:,} bytes",
            "raise the limits on time and size of proxies and servers",
            also=_places(image),
            lines=lines,
            effect=_after_a_break(lines, look),
        )


@rule("MSL727", Severity.WARNING, on="stream")
def passing_fault(whole: Whole, look: Look) -> Iterator[Said]:
    """A request failed at first, and MAAS does not repeat it.

    MAAS: requests metadata once. One 503 for the index or a products file ends the whole import; on
        3.8 MAAS discards the source. Only 3.8 repeats a request, if the server closed the
        connection without an answer. Up to 3.4 MAAS requests an image file once, too. 3.8 does not
        repeat a request for a file after an HTTP error (`RequestsUrlReader`,
        simplestreams/contentsource.py; `download_bootresourcefile`,
        maastemporalworker/workflow/bootresource.py).
    Why: this tool repeats such a request, so the stream looks good, but the next import may fail.
        Busy servers, rate limits and restarts cause such answers.
    Fix: give the server room for the requests of an import, and exempt MAAS from rate limits.
    Example:
        "message": "503 Service Unavailable"
    """
    for path, file in look.stream.files.items():
        faults = file.answer.faults if file.exists else ()
        for fault in faults[:1]:
            lines = look.where(lambda r, f=fault: not is_retried(f, strict=r.strict))  # type: ignore[misc]
            yield _passed(path, fault, Place(path), lines, "loses the metadata of the source")
    for image in files_asked_for(look):
        seen = image.seen
        for fault in seen.faults[:1] if seen.trouble is None and not seen.cuts else ():
            asked = asking(image.items, look)
            lines = look.where(lambda r, f=fault, a=asked: r.line in a and not repeats(r, f))  # type: ignore[misc]
            yield _passed(image.path, fault, image.place, lines, "loses the file")


def _passed(path: str, fault: Trouble, place: Place, lines: tuple[str, ...], lost: str) -> Said:
    return Said(
        f"a request for {quoted(path)} failed before another one succeeded: {fault.message}",
        "give the server room for the requests of an import",
        place=place,
        lines=lines,
        effect=f"does not make the request again, and {lost}",
    )


def _after_a_break(lines: tuple[str, ...], look: Look) -> str:
    """What MAAS does when a download breaks off. Lines that lose only the set do not retry."""
    once = look.where(lambda r: r.line in lines and r.download("failure") == "set")
    again = "restarts the download from the beginning"
    if not once:
        return again
    return "does not retry" if len(once) == len(lines) else f"{again}; {look.span(once)} does not"


def _served(wrong: list[Image], message: str, remedy: str, effect: str) -> Said:
    """Says once what is the same for many files."""
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
