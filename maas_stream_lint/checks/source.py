"""Rules on the source: the URL that MAAS is given, and what its server answers."""

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
    """The URL names no index, and there is no signed one where MAAS then looks.

    MAAS: takes a URL that does not end in `streams/v1/….json` or `.sjson` for a bare root and
        asks for `streams/v1/index.sjson` below it. Up to 3.7 a 404 stops the import from every
        source (`path_from_mirror_url`, simplestreams/util.py); 3.8 discards this source
        (`SimpleStreamsClient.__init__`, maasservicelayer/simplestreams/client.py). None of them
        falls back to `index.json`.
    Why: only a signed index is looked for unasked, so an unsigned stream must be named to the
        end. MAAS's log speaks of the network instead.
    Fix: give MAAS the URL of the index itself, `…/streams/v1/index.json`, or sign the stream and
        publish `index.sjson`. On 3.5 to 3.7 set such a URL with the CLI, `maas $PROFILE
        boot-source update $ID url=…`: the web page puts a slash behind it, and with the slash
        MAAS takes it for a bare root again (`get_bootsource`,
        maasserver/websockets/handlers/bootresource.py).
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
            f"the URL ends in a slash behind its index, so MAAS asks for `{path}` below it: "
            f"{trouble.message}",
            "take off the slash; the web page of MAAS 3.5 to 3.7 adds it, so set the URL with "
            "`maas $PROFILE boot-source update $ID url=…`",
        )
    elif stream.fallback:
        yield Said(
            f"`{path}`, all that MAAS asks a bare root for, can't be had: {trouble.message}; "
            f""
            f"only `{INDEX_JSON}` is there",
            f"give MAAS {_full_url(stream)}, with the CLI on 3.5 to 3.7, or sign the stream",
        )
    else:
        said, plain = trouble.message, stream.json_trouble or trouble
        if plain.message != said:
            said = f"{said}, and {plain.message}"
            trouble = plain if trouble.kind == "missing" else trouble
        yield Said(
            f"neither `{path}` nor `{INDEX_JSON}` can be had below the root: {said}",
            "give MAAS the URL of the directory that holds `streams/v1`, or that of the index file "
            "itself"
            if trouble.kind == "missing"
            else trouble.hint,
        )


@rule("MSL102", Severity.FATAL)
def index_missing(event: Event, look: Look) -> Iterator[Said]:
    """The index that the URL names can't be had.

    MAAS: up to 3.7 stops the import from every source. Of a 404 it says `Unable to open …`; the
        body of any other error page it reads as if it were the index, and complains of its
        contents: `No signature found!` or a JSONDecodeError (`RequestsUrlReader`,
        simplestreams/contentsource.py). 3.8 discards this source: `Request to '…' failed: 403
        Forbidden` (`http_get`, maasservicelayer/simplestreams/client.py).
    Why: the index is the one file that names all the others.
    Fix: open the URL with `curl -i` from the region controller and mend what the server answers.
        S3 says 403 of what is not there. A certificate must be trusted by the system's own list:
        3.8 reads `/etc/ssl/certs/ca-certificates.crt` and nothing else.
    Example:
        GET /streams/v1/index.json
        HTTP/1.1 403 Forbidden
    """
    path = look.stream.index_path
    trouble = look.stream.files[path].trouble
    yield Said(f"the index {quoted(path)} can't be had: {trouble.message}", trouble.hint)


@rule("MSL103", Severity.FATAL)
def url_is_products_file(event: Event, look: Look) -> Iterator[Said]:
    """The URL names a products file where MAAS 3.8 expects an index.

    MAAS: up to 3.7 imports such a file by itself (`sync`, simplestreams/mirrors). 3.8 demands an
        index, with a member `index`, and discards the whole source: `Got invalid data for the
        index file` (`SimpleStreamsIndexList`, maasservicelayer/simplestreams/models.py).
    Why: the old reader goes by the file's `format`, the new one by its place: first comes the
        index.
    Fix: write `streams/v1/index.json` with an entry that names this file, and give MAAS its URL.
        Older MAAS reads that, too.
    Example:
        "format": "products:1.0",
    """
    yield Said(
        f"the source's first file {quoted(event.place.file)} is a products file, expected an index",
        "write `streams/v1/index.json` with an entry that names it, and give MAAS the URL of that",
    )


@rule("MSL104", Severity.UNUSABLE, on="stream")
def index_name_not_index(whole: Whole, look: Look) -> Iterator[Said]:
    """The index has a name under which MAAS 3.8 does not find the images.

    MAAS: up to 3.7 takes any name. 3.8 reads the index, and then makes the URLs of the images by
        cutting `streams/v1/index.json` or `streams/v1/index.sjson` off the source's URL. It cuts
        no other name, so it asks for `…/streams/v1/NAME.json/PATH` and gets a 404 for every image
        (`get_base_url`, maasservicelayer/models/bootsources.py).
    Why: metadata and images take different ways to their URLs, and only one of them knows all
        names.
    Fix: publish the index as `streams/v1/index.json`. Several streams under one root get a root
        each.
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
            effect="reads the metadata, then asks for each image below the index's own URL: 404",
        )


@rule("MSL105", Severity.INFO, on="stream")
def metadata_redirected(whole: Whole, look: Look) -> Iterator[Said]:
    """The server redirects metadata, and may redirect images in the same way.

    MAAS: follows redirects of metadata on every line, and up to 3.6 those of images, too. From
        3.7 on a redirected image fails: `Redirect response '302 Found' for url …` (httpx without
        `follow_redirects`, maascommon/apiclient.py). Nobody is told of a redirect before that.
    Why: artifact stores hand large files to S3 or a CDN, and http is often redirected to https.
        What is fine for metadata is then fatal for the images below the same root.
    Fix: give MAAS the URL that the redirect leads to, and have images served where they are.
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
        "give MAAS the URL that the redirect leads to, and see that images answer without one",
        place=Place(first.path),
        also=tuple(Place(file.path) for file in moved[1:100]),
        lines=lines,
        effect="follows it here, but would fail on an image that is redirected",
    )


@rule("MSL106", Severity.WARNING, on="stream", causes=["metadata-not-read"])
def metadata_not_read(seen: Event | Whole, look: Look) -> Iterator[Said]:
    """Some metadata was too much to be read here, so nothing is said of it.

    MAAS: has no such limit and reads it all, in memory. 3.8 has ten minutes for all sources
        together (`fetch_manifest_and_update_cache`, maastemporalworker/workflow/bootresource.py).
    Why: this check reads files of up to 256 MiB and 2,000 of them, so that no server can keep it
        busy for ever. Canonical's largest file has about 14 MB.
    Fix: see whether that file is what you meant to publish. If it is, split it; check its parts
        one by one.
    Example:
        GET /streams/v1/com.example.maas:v3:download.json
        HTTP/1.1 200 OK
        Content-Length: 300000000
    """
    effect = "reads it, and does what is not foreseen here"
    if isinstance(seen, Event):
        path = seen.values["path"]
        yield Said(
            f"{quoted(path)} was not read: {look.stream.files[path].trouble.message}",
            "see whether it is what you meant to publish; if so, split it",
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
    """The URL of a bare root lacks its slash at the end.

    MAAS: up to 3.7 first asks for URL and index path glued together,
        `http://images.example.com/maasstreams/v1/index.sjson`, and adds the slash only after a
        404 (`UrlMirrorReader.source`, simplestreams/mirrors). 3.5 to 3.7 add it to a URL given on
        the web page, not to one given by API or CLI (LP: #2036759). 3.8 always puts it there.
    Why: a server that answers the glued path with 403, a login page or an error makes MAAS stay
        with it. Without any path the host's name itself is glued: `images.example.comstreams`.
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
        effect=f"asks for {quoted(stream.base + stream.index_path)} first"
        + (", of a host that does not exist, and gives up" if host_only else ""),
    )


@rule("MSL108", Severity.FATAL, causes=["no-signed-index"])
def juju_style_index(event: Event, look: Look) -> Iterator[Said]:
    """The only index has the name that Juju gives it, and MAAS never asks for that.

    MAAS: asks a bare root for `streams/v1/index.sjson` and nothing else, as with MSL101: up to
        3.7 a 404 stops the import from every source (`path_from_mirror_url`,
        simplestreams/util.py), 3.8 discards this source (`SimpleStreamsClient.__init__`,
        maasservicelayer/simplestreams/client.py).
    Why: `juju metadata generate-image` and `json2streams` of the simplestreams tools write
        `index2.json`, and `-` for `:` in the names of the products files. What they write lists
        cloud images by region and endpoint, which are none that MAAS could deploy.
    Fix: if the stream is meant for MAAS, write `streams/v1/index.json` and give MAAS its whole
        URL. If it is Juju's, it is no source for MAAS.
    Example:
        "cloudname": "custom",
        "datatype": "image-ids",
    """
    path = look.stream.juju_index
    if path is not None and not look.stream.fallback:
        yield Said(
            f"{quoted(path)}, as Juju names an index, is all there is, expected "
            f"{quoted(look.stream.index_path)}",
            f"name it `{INDEX_JSON}` and give MAAS the whole URL of that, if it lists images for "
            "MAAS",
        )


@rule("MSL110", Severity.FATAL, on="stream", alone=True)
def foreign_stream(whole: Whole, look: Look) -> Iterator[Said]:
    """The stream is made for another reader: LXD, Incus, Juju or a cloud.

    MAAS: finds no file to boot or deploy from. A field that such products lack, like `label`, stops
        the import of every source up to 3.7 (`RepoDumper.insert_item`,
        maasserver/import_images/download_descriptions.py). 3.8 discards the source
        (`SimpleStreamsProductListFactory.produce`, maasservicelayer/simplestreams/models.py).
    Why: the format is the same, and many programs publish in it. Each reads other fields and files.
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

    MAAS: keeps the URL of a source in a column of 200 characters, so that a longer one can't be
        given to it (`BootSource.url`, maasserver/models/bootsource.py; 3.8: `BootSourceTable`,
        maasservicelayer/db/tables.py).
    Why: artifact stores with deep folders, and links that carry their own key, come to such
        lengths.
    Fix: publish the stream under a shorter path. A signed link is no URL for a source anyway: it
        ends in its key, where MAAS looks for the index.
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
            effect="does not take it as the URL of a source",
        )


def _full_url(stream: Stream) -> str:
    if "://" in stream.base:
        return f"the URL {quoted(stream.base.rstrip('/') + '/' + INDEX_JSON)}"
    return f"the URL of `{INDEX_JSON}`"
