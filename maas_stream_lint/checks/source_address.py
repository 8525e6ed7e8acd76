"""Rules on the source: its URL, and what the server answers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from maas_stream_lint.finding import Place, Severity
from maas_stream_lint.imports.trace import Event
from maas_stream_lint.quoting import quoted
from maas_stream_lint.rule import Said, rule
from maas_stream_lint.stream import INDEX_JSON

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Whole
    from maas_stream_lint.stream import Stream


@rule("MSL101", Severity.FATAL)
def no_signed_index(event: Event, look: Look) -> Iterator[Said]:
    """The URL names no index, and MAAS finds no signed index below it.

    MAAS: takes a URL that does not end in `streams/v1/….json` or `.sjson` for a root, and
        requests `streams/v1/index.sjson` below it. Up to 3.7 a 404 stops the import of every source
        (`path_from_mirror_url`, simplestreams/util.py). 3.8 discards this source
        (`SimpleStreamsClient.__init__`, maasservicelayer/simplestreams/client.py). No release line
        falls back to `index.json`.
    Why: MAAS looks only for a signed index by itself, so the URL of an unsigned stream must
        name its index. MAAS's log mentions the network instead.
    Fix: give MAAS the URL of the index itself, `…/streams/v1/index.json`, or sign the stream and
        publish `index.sjson`. On 3.5 to 3.7 set such a URL with the CLI, `maas $PROFILE boot-source
        update $ID url=…`. The web page adds a slash to it. With the slash, MAAS takes the URL for a
        root again (`get_bootsource`, maasserver/websockets/handlers/bootresource.py).
    Example:
        "path": "streams/v1/com.example.maas:v3:download.json"
    """
    stream = look.stream
    if stream.juju_index is not None and not stream.fallback:
        return  # juju_style_index has it
    path = stream.index_path
    trouble = stream.files[path].trouble
    if re.search(r"[.]s?json/+$", stream.base):
        yield Said(
            f"the URL has a slash after its index, so MAAS requests `{path}` below it: "
            f"{trouble.message}",
            f"remove the slash{_by_cli(look, 'URL')}",
        )
    elif stream.right_url is not None:
        yield Said(
            f"the URL ends inside the stream, so MAAS requests `{path}` below "
            f"{quoted(stream.base)}: {trouble.message}",
            f"give MAAS the URL {quoted(stream.right_url)}",
        )
    elif stream.fallback:
        yield Said(
            f"MAAS requests only `{path}` below a root URL: {trouble.message}; "
            f"only `{INDEX_JSON}` is there",
            f"sign the stream, or give MAAS {_full_url(stream)}{_by_cli(look, _index_url(stream))}",
        )
    else:
        said, plain = trouble.message, stream.json_trouble or trouble
        if plain.message != said:
            said = f"{said}, and {plain.message}"
            trouble = plain if trouble.kind == "missing" else trouble
        yield Said(
            f"the root has neither `{path}` nor `{INDEX_JSON}`: {said}",
            "give MAAS the URL of the directory that holds `streams/v1`, or the URL of the index"
            if trouble.kind == "missing"
            else trouble.hint,
        )


@rule("MSL111", Severity.INFO, on="stream")
def index_needs_its_url(whole: Whole, look: Look) -> Iterator[Said]:
    """The directory has only an unsigned index, so MAAS needs the URL of that index.

    MAAS: takes a URL that does not end in `streams/v1/….json` or `.sjson` for a root, and
        requests `streams/v1/index.sjson` below it. No release line falls back to `index.json`
        (`path_from_mirror_url`, simplestreams/util.py; `SimpleStreamsClient.__init__`,
        maasservicelayer/simplestreams/client.py).
    Why: you gave this check a directory, and it read the index there. With the URL of the
        directory, MAAS would import nothing (MSL101).
    Fix: give MAAS the URL that ends in `/streams/v1/index.json`, or sign the stream and publish
        `index.sjson`.
    Example:
        "format": "index:1.0",
    """
    if look.stream.by_directory:
        yield Said(
            f"MAAS needs the URL that ends in `/{INDEX_JSON}`",
            f"sign the stream, or give MAAS the URL that ends in `/{INDEX_JSON}`"
            f"{_by_cli(look, _index_url(look.stream))}",
            effect="finds no index with the URL of the directory",
        )


@rule("MSL102", Severity.FATAL)
def index_missing(event: Event, look: Look) -> Iterator[Said]:
    """MAAS cannot read the index that the URL names.

    MAAS: up to 3.7 stops the import of every source. After a 404 it logs `Unable to open …`. It
        reads the body of any other error page as the index and fails on its content: `No signature
        found!` or a JSONDecodeError (`RequestsUrlReader`, simplestreams/contentsource.py). 3.8
        discards this source: `Request to '…' failed: 403 Forbidden` (`http_get`,
        maasservicelayer/simplestreams/client.py).
    Why: the index names all other files.
    Fix: request the URL with `curl -i` from the region controller, and correct what the server
        answers. S3 answers 403 for a file that does not exist. The system must trust the
        server's certificate: 3.8 reads only `/etc/ssl/certs/ca-certificates.crt`.
    Example:
        GET /streams/v1/index.json
        HTTP/1.1 403 Forbidden
    """
    path = look.stream.index_path
    trouble = look.stream.files[path].trouble
    yield Said(f"MAAS cannot read the index {quoted(path)}: {trouble.message}", trouble.hint)


@rule("MSL103", Severity.FATAL)
def url_is_products_file(event: Event, look: Look) -> Iterator[Said]:
    """The URL names a products file where MAAS 3.8 expects an index.

    MAAS: up to 3.7 imports such a file by itself (`sync`, simplestreams/mirrors). 3.8 requires an
        index, with a member `index`, and discards the whole source: `Got invalid data for the
        index file` (`SimpleStreamsIndexList`, maasservicelayer/simplestreams/models.py).
    Why: the old reader looks at the file's `format`. The new reader takes the first file for the
        index.
    Fix: write `streams/v1/index.json` with an entry that names this file, and give MAAS the URL
        of that index. Older MAAS reads it, too.
    Example:
        "format": "products:1.0",
    """
    yield Said(
        f"the source's first file {quoted(event.place.file)} is a products file, expected an index",
        "write `streams/v1/index.json` with an entry that names it, and give MAAS its URL",
    )


@rule("MSL104", Severity.UNUSABLE, on="stream")
def index_name_not_index(whole: Whole, look: Look) -> Iterator[Said]:
    """MAAS 3.8 does not find the images because of the index's name.

    MAAS: up to 3.7 takes any name. 3.8 reads the index. For the URLs of the images it removes
        `streams/v1/index.json` or `streams/v1/index.sjson` from the source's URL. It removes no
        other name, so it requests `…/streams/v1/NAME.json/PATH` and gets a 404 for every image
        (`get_base_url`, maasservicelayer/models/bootsources.py).
    Why: MAAS builds the URLs of metadata and of images in different ways, and only one of them
        handles all names.
    Fix: publish the index as `streams/v1/index.json`. Give each of several streams a root of its
        own.
    Example:
        streams/v1/candidate.json
    """
    path = look.stream.index_path
    if not look.stream.explicit or path not in {index.path for index in look.catalog.indexes}:
        return
    lines = tuple(
        release.line
        for release in look.releases
        if (names := release.data["import"].get("index-names"))
        and path.startswith("streams/v1/")
        and path.removeprefix("streams/v1/") not in names
    )
    if lines:
        yield Said(
            f"the index is named {quoted(path)}, expected `{INDEX_JSON}` or its `.sjson`",
            f"publish it as `{INDEX_JSON}` below a root of its own",
            lines=lines,
            effect="reads the metadata, then requests each image below the URL of the index: 404",
        )


@rule("MSL105", Severity.INFO, on="stream")
def metadata_redirected(whole: Whole, look: Look) -> Iterator[Said]:
    """The server redirects metadata, and may redirect images in the same way.

    MAAS: follows redirects of metadata on every line, and up to 3.6 those of images, too. From
        3.7 on a redirected image fails: `Redirect response '302 Found' for url …` (httpx without
        `follow_redirects`, maascommon/apiclient.py). Up to 3.6 MAAS logs no redirect.
    Why: artifact stores redirect large files to S3 or a CDN, and many servers redirect http to
        https. MAAS still reads the metadata, but the images below the same root then fail.
    Fix: give MAAS the URL that the redirect leads to, and serve images without a redirect.
    Example:
        HTTP/1.1 302 Found
        Location: http://images.example.com/cdn/streams/v1/index.json
    """
    lines = look.where(lambda release: not release.download("redirects"))
    moved = [file for file in look.stream.files.values() if file.answer.redirects]
    if not moved or not lines:
        return
    first = moved[0]
    more = f" (and {len(moved) - 1:,} more)" if len(moved) > 1 else ""
    yield Said(
        f"{quoted(first.path)}{more} is redirected, to {quoted(first.answer.redirects[-1])}",
        "give MAAS the URL that the redirect leads to, and serve images without a redirect",
        place=Place(first.path),
        also=tuple(Place(file.path) for file in moved[1:100]),
        lines=lines,
        effect="follows it for metadata, but fails at an image that is redirected",
    )


@rule("MSL106", Severity.WARNING, on="stream", causes=["metadata-not-read"])
def metadata_not_read(seen: Event | Whole, look: Look) -> Iterator[Said]:
    """Some metadata was too large for this tool, so there are no findings on it.

    MAAS: has no such limit and reads all metadata into memory. 3.8 allows ten minutes for all
        sources together (`fetch_manifest_and_update_cache`,
        maastemporalworker/workflow/bootresource.py).
    Why: this tool limits the size and the number of metadata files, so that no server can keep
        it busy or fill its memory. Canonical's largest file has about 14 MB.
    Fix: check whether you meant to publish this file. If so, split it.
    Example:
        GET /streams/v1/com.example.maas:v3:download.json
        HTTP/1.1 200 OK
        Content-Length: 300000000
    """
    effect = "reads it; this tool cannot say with which result"
    if isinstance(seen, Event):
        path = seen.values["path"]
        if look.stream.files[path].trouble.kind != "too-large":
            return  # no finding: the run could not look
        yield Said(
            f"{quoted(path)} was not read: {look.stream.files[path].trouble.message}",
            "check whether you meant to publish this file; if so, split it",
            severity=Severity.WARNING,
            effect=effect,
            log="",
        )
    elif look.stream.truncated:
        yield Said(
            f"there are more metadata files than the {len(look.stream.files):,} that were read",
            "check the others one by one",
            effect=effect,
        )


@rule("MSL107", Severity.WARNING, on="stream")
def url_no_trailing_slash(whole: Whole, look: Look) -> Iterator[Said]:
    """The URL of a root has no slash at its end.

    MAAS: up to 3.7 first joins URL and index path without a slash and requests
        `http://images.example.com/maasstreams/v1/index.sjson`. It adds the slash only after a 404
        (`UrlMirrorReader.source`, simplestreams/mirrors). 3.5 to 3.7 add the slash to a URL from
        the web page, but not to one from the API or CLI (LP: #2036759). 3.8 always adds it.
    Why: MAAS keeps the joined path if the server answers with 403, a login page or an error. If the
        URL has no path, MAAS appends to the host name: `images.example.comstreams`.
    Fix: write the URL with a slash at its end.
    Example:
        http://images.example.com
    """
    stream = look.stream
    if stream.explicit or not re.match(r"https?://", stream.base) or stream.base.endswith("/"):
        return
    lines = look.where(lambda release: release.policy("url-slash") != "always")
    host_only = "/" not in stream.base.partition("://")[2]
    yield Said(
        f"the URL {quoted(stream.base)} has no slash at its end",
        f"give MAAS {quoted(stream.base + '/')}",
        place=Place(""),
        lines=lines,
        severity=Severity.WARNING if host_only else Severity.INFO,
        effect=f"first requests {quoted(stream.base + stream.index_path)}"
        + (", whose host does not exist, and gives up" if host_only else ""),
    )


@rule("MSL108", Severity.FATAL, causes=["no-signed-index"])
def juju_style_index(event: Event, look: Look) -> Iterator[Said]:
    """The only index has the name that Juju uses. MAAS never requests this name.

    MAAS: requests only `streams/v1/index.sjson` below a root, as with MSL101. Up to 3.7 a 404 stops
        the import of every source (`path_from_mirror_url`, simplestreams/util.py). 3.8 discards
        this source (`SimpleStreamsClient.__init__`, maasservicelayer/simplestreams/client.py).
    Why: `juju metadata generate-image` and `json2streams` of the simplestreams tools write
        `index2.json`, and use `-` for `:` in the names of the products files. They list cloud
        images by region and endpoint, and MAAS cannot deploy those.
    Fix: if the stream is meant for MAAS, write `streams/v1/index.json` and give MAAS the URL of
        that file. A stream for Juju is no source for MAAS.
    Example:
        "cloudname": "custom",
        "datatype": "image-ids",
    """
    path = look.stream.juju_index
    if path is not None and not look.stream.fallback:
        yield Said(
            f"the only index is {quoted(path)}, which is Juju's name for it, expected "
            f"{quoted(look.stream.index_path)}",
            f"if it lists images for MAAS, name it `{INDEX_JSON}` and give MAAS its URL",
        )


@rule("MSL110", Severity.FATAL, on="stream", alone=True)
def foreign_stream(whole: Whole, look: Look) -> Iterator[Said]:
    """The stream is made for another reader: LXD, Incus, Juju or a cloud.

    MAAS: finds no file to boot or deploy from. A field that such products lack, like `label`, stops
        the import of every source up to 3.7 (`RepoDumper.insert_item`,
        maasserver/import_images/download_descriptions.py). 3.8 discards the source
        (`SimpleStreamsProductListFactory.produce`, maasservicelayer/simplestreams/models.py).
    Why: many programs use the same format. Each reads different fields and files.
    Fix: remove the source from MAAS. For Ubuntu, use Canonical's stream for MAAS,
        `http://images.maas.io/ephemeral-v3/stable/`, or build a stream from your own images.
    Example:
        "ftype": "incus.tar.xz",
    """
    kind = look.foreign
    if kind is None:
        return
    stopped = [trace for trace in look.traces if trace.fatal is not None]
    yield Said(
        f"the stream holds {kind.title}, and MAAS can use none of them",
        "remove the source from MAAS; images for MAAS are in a stream such as "
        "`http://images.maas.io/ephemeral-v3/stable/`",
        severity=Severity.FATAL if stopped else Severity.IGNORED,
        effect="imports nothing of it"
        + (", and may stop the import of every other source" if stopped else ""),
    )


@rule("MSL109", Severity.UNUSABLE, on="stream")
def url_too_long(whole: Whole, look: Look) -> Iterator[Said]:
    """The URL is longer than MAAS can store.

    MAAS: stores the URL of a source in a column of 200 characters, and refuses a longer one
        (`BootSource.url`, maasserver/models/bootsource.py; 3.8: `BootSourceTable`,
        maasservicelayer/db/tables.py).
    Why: artifact stores with deep folders, and links with a signature, have such long URLs.
    Fix: publish the stream under a shorter path. A signed link cannot be the URL of a source: it
        ends in its signature, where MAAS looks for the index.
    Example:
        http://images.example.com/artifacts/
    """
    stream = look.stream
    url = stream.base + (stream.index_path if stream.explicit else "")
    lines = look.where(lambda release: len(url) > (release.limit("source-url") or len(url)))
    if "://" in url and lines:
        room = min(r.limit("source-url") or 0 for r in look.releases if r.line in lines)
        yield Said(
            f"the URL {quoted(url)} has more than the {room} characters that MAAS stores",
            "publish the stream under a shorter path",
            place=Place(""),
            lines=lines,
            effect="refuses it as the URL of a source",
        )


def _by_cli(look: Look, url: str) -> str:
    """How to set a URL that ends in its index if the web page adds a slash to it."""
    if not look.where(lambda release: release.policy("url-slash") == "web-page"):
        return ""
    return (
        "; the web page adds a slash to it, so set it with "
        f"`maas $PROFILE boot-source update $ID url={url}`"
    )


def _index_url(stream: Stream) -> str:
    """The URL of the plain index below the root, for a command; ``URL`` if the root is unknown.

    The command does not contain a URL that a shell or a terminal could misread.
    """
    root = stream.base.rstrip("/")
    plain = "://" in root and re.fullmatch(r"https?://[\w.:/~%-]+", root, re.ASCII)
    return f"{root if plain else 'URL'}/{INDEX_JSON}"


def _full_url(stream: Stream) -> str:
    if "://" in stream.base:
        return f"the URL {quoted(stream.base.rstrip('/') + '/' + INDEX_JSON)}"
    return f"the URL of `{INDEX_JSON}`"
