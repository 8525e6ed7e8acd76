"""Rules on the image files themselves: whether they are there, and whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.absence import is_absent
from maas_stream_lint.checks.among import came_otherwise
from maas_stream_lint.checks.words import MANY, listed
from maas_stream_lint.file_fetch import Failed, fetch
from maas_stream_lint.finding import Severity
from maas_stream_lint.quoting import quoted
from maas_stream_lint.rule import Said, rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from maas_stream_lint.images.observation import Seen
    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Image, Item
    from maas_stream_lint.rulebook import Release

#: What a failed download costs, and how bad that is.
COSTS = {
    "set": (Severity.IGNORED, "drops the file, and with it the image's set as incomplete"),
    "import": (Severity.FATAL, "fails the whole import, of every source"),
    "selection": (Severity.IGNORED, "fails every selection that the file belongs to"),
}
NEVER = "does not download it unless the newer versions are removed"
#: Why no file comes although the server answers, or does not.
_UNSERVED = ("status", "redirect", "loop", "closed", "cut", "endless", "path", "interim", "other")
#: What to do about a file that its server does not send, by the kind of trouble.
_SERVING = {
    "unreadable": "allow the web server's user to read it",
    "unauthorized": "allow reading it without a login",
    "forbidden": "allow everybody to read it; S3 also answers 403 for a file that does not exist",
    "": "request it with `curl -v` from the region controller, and correct what the server answers",
}


@rule("MSL701", Severity.FATAL, on="image", among=came_otherwise)
def file_missing(image: Image, look: Look) -> Iterator[Said]:
    """A file that the metadata names is not there.

    MAAS: imports the metadata, then requests the file and gets a 404. Up to 3.4 it deletes the
        image's set as incomplete (`perform_write`, maasserver/bootresources.py). From 3.5 to 3.7 it
        repeats the request for two hours. Then the *import of every source* fails, and MAAS gets
        none of the good files (`download_bootresourcefile` and `SyncBootResourcesWorkflow`,
        maasserver/workflow/bootresource.py). MAAS 3.8 fails the selection at once
        (maastemporalworker/workflow/bootresource.py).
    Why: paths start at the directory that holds `streams`. People often upload files after the
        metadata, to another folder, or not at all.
    Fix: publish the file at its path before the metadata that names it, or correct the path. If
        the files of a new version come later, remove the version until they are there.
    Example:
        "path": "jammy/amd64/20240101/squashfs"
    """
    trouble = image.seen.trouble
    if trouble is None or not is_absent(image.seen) or _is_left_out(image, look):
        return
    yield from _failed(
        image,
        look,
        f"the file {quoted(image.path)} is not there: {trouble.message}",
        _where_it_may_be(image, look),
        causes=("status",),
    )


@rule("MSL702", Severity.FATAL, on="image", among=came_otherwise)
def file_not_served(image: Image, look: Look) -> Iterator[Said]:
    """The server does not send a file that may be there.

    MAAS: requests the file without a login. From 3.5 on any status but 2xx is a failure. Up to 3.4
        only a 404 is an error: MAAS hashes the body of any other error page as the file
        (`RequestsUrlReader`, simplestreams/contentsource.py). MAAS loses the same as with a missing
        file.
    Why: S3 answers 403 for a missing file and for a private one. Some stores need a login for files
        but not for the index. Proxies and caches may fail on large files.
    Fix: request the file with `curl -v` from the region controller, and correct what the server
        answers. Everybody must be able to read the files without a login.
    Example:
        HTTP/1.1 403 Forbidden
    """
    seen, trouble = image.seen, image.seen.trouble
    if trouble is None:
        yield from _failed(
            image,
            look,
            f"MAAS cannot request {quoted(image.path)}, which holds a control character",
            "rename the file",
            causes=("path",),
        )
        yield from _failed(
            image,
            look,
            f"the server answers {seen.status} for {quoted(image.path)}, without a body",
            _SERVING[""],
            causes=("endless",),
        )
        yield from _failed(
            image,
            look,
            f"the server sends an interim answer ({seen.interim}) before {quoted(image.path)}, "
            "and MAAS takes it for the file",
            "switch the interim answers off, in nginx `early_hints`",
            causes=("interim",),
        )
    elif not (trouble.unchecked or is_absent(seen) or _is_moved(seen)):
        yield from _failed(
            image,
            look,
            f"the server does not send {quoted(image.path)}: {trouble.message}",
            _SERVING.get(trouble.kind, _SERVING[""]),
            causes=_UNSERVED,
        )


@rule("MSL703", Severity.FATAL, on="image", among=came_otherwise)
def size_mismatch(image: Image, look: Look) -> Iterator[Said]:
    """A file is not as long as its `size` says.

    MAAS: up to 3.4 the checksum fails, too, and MAAS drops the file. From 3.5 to 3.7 MAAS tries for
        two hours. Then the whole import fails: `beyond EOF` for a longer file, `Invalid checksum`
        for a shorter one (`LocalBootResourceFile`, maasserver/utils/bootresource.py). MAAS 3.8
        fails the selection: `Downloaded file size does not match expected size`
        (maasservicelayer/utils/image_local_files.py).
    Why: an upload was cut off, or somebody rebuilt the image without new metadata.
    Fix: upload the file again, or write the size and the checksum of the right file.
    Example:
        "size": 4096
    """
    seen = image.seen
    size = _length(seen)
    if seen.trouble is not None or size is None or seen.is_page:
        return
    for said, items in _grouped(image, "size").items():
        if not said.isdecimal() or int(said) == size:
            continue
        if is_encoding_to_blame(items[0], seen):
            continue  # content_encoding_on_artifact has it
        cut = f"; the connection broke off after {seen.cuts[-1]:,}" if seen.cuts else ""
        part = ": the server answers 206 to a request for the whole file" if seen.partial else ""
        yield from _failed(
            image,
            look,
            f"{quoted(image.path)} has {size:,} bytes, expected {int(said):,} as its size "
            f"says{cut}{part}",
            "upload it again, or write size and sha256 of the right file",
            items=items,
            field="size",
            causes=("too-long", "too-short"),
        )


@rule("MSL704", Severity.FATAL, on="image", among=came_otherwise)
def sha256_mismatch(image: Image, look: Look) -> Iterator[Said]:
    """A file's sha256 is not what the metadata says.

    MAAS: up to 3.4 drops the file (`Failed to finalize boot image …`, `write_content_thread`,
        maasserver/bootresources.py). From 3.5 to 3.7 it downloads the file again for two hours.
        Then the whole import fails: `Invalid checksum` (`download_bootresourcefile`). MAAS 3.8
        fails the one selection: `Invalid SHA256 checksum`.
    Why: somebody rebuilt the image and published the old metadata, or an upload or a cache changed
        bytes.
    Fix: find out which of the two is right. Then upload the file again, or write the output of
        `sha256sum FILE`.
    Example:
        "sha256": "00000000
    """
    seen = image.seen
    found = seen.decoded.get("sha256") or seen.digests.get("sha256")
    if seen.trouble is not None or found is None or seen.is_page:
        return
    for said, items in _grouped(image, "sha256").items():
        wrong_size = any(_size_differs(item, seen) for item in items)
        if said.lower() == found or wrong_size:
            continue
        if is_encoding_to_blame(items[0], seen):
            continue  # content_encoding_on_artifact has it
        what = f", {seen.content.in_words()}" if seen.content is not None else ""
        cut = f", cut after {seen.cuts[-1]:,}" if seen.cuts else ""
        yield from _failed(
            image,
            look,
            f"{quoted(image.path)} has the sha256 {quoted(found)}, expected {quoted(said)} "
            f"(seen: {seen.size or 0:,} bytes{what}{cut})",
            "upload the file again, or write its sha256: the output of `sha256sum`",
            items=items,
            field="sha256",
            causes=("checksum",),
        )


@rule("MSL705", Severity.IGNORED, on="image", among=came_otherwise)
def other_checksum_mismatch(image: Image, look: Look) -> Iterator[Said]:
    """A file's sha512 or md5 is not what the metadata says.

    MAAS: checks only sha256 from 3.5 on. Up to 3.4 the library checks the strongest checksum that
        the item has. So a wrong sha512 loses the file although its sha256 is right
        (`ChecksummingContentSource`, simplestreams/contentsource.py; `checksummer`,
        simplestreams/checksum_util.py). MAAS never checks an md5 beside a sha256.
    Why: somebody updated one checksum with the image, and not the other.
    Fix: write the output of `sha512sum` or `md5sum`, or remove all checksums but sha256.
    Example:
        "sha512": "00000000
    """
    seen = image.seen
    if seen.trouble is not None or seen.is_page:
        return
    for name in ("sha512", "md5"):
        raw = seen.digests.get(name)
        found = seen.decoded.get(name) or raw
        if found is None:
            continue
        for said, items in _grouped(image, name).items():
            if said.lower() in (found, raw) or any(_size_differs(item, seen) for item in items):
                continue
            lines = asking(items, look)
            losing = tuple(line for line in lines if _strongest(look, line, items[0]) == name)
            message = (
                f"{quoted(image.path)} has the {name} {quoted(found)}, expected {quoted(said)}"
            )
            remedy = f"write the output of `{name}sum`, or remove the {name}"
            place, *also = [item.at(name) for item in items]
            for severity, told, effect in (
                (Severity.IGNORED, losing, COSTS["set"][1]),
                (
                    Severity.INFO,
                    tuple(line for line in lines if line not in losing),
                    "does not check it",
                ),
            ):
                release = next((r for r in look.releases if r.line in told), None)
                failed = met(image, items[0], release, look) if release is not None else None
                log = failed.log if failed is not None and severity > Severity.INFO else ""
                yield Said(message, remedy, place, tuple(also[:MANY]), told, severity, effect, log)


@rule("MSL709", Severity.FATAL, on="image", among=came_otherwise)
def html_instead_of_file(image: Image, look: Look) -> Iterator[Said]:
    """The server sends a web page instead of an image, with status 200.

    MAAS: hashes the page as the file, and the checksum is wrong. Up to 3.4 it drops the file. From
        3.5 to 3.7 it downloads the page again for two hours, and then the whole import fails. MAAS
        3.8 fails the selection (`download_bootresourcefile`).
    Why: the page is a login page, an error page or a directory listing. The server should answer
        401 or 404.
    Fix: let everybody read the file without a login, or correct the path. Make the server answer
        an error with an error status.
    Example:
        Content-Type: text/html
    """
    seen = image.seen
    if seen.trouble is not None or not seen.is_page:
        return
    if seen.digests and seen.digests.get("sha256") in _grouped(image, "sha256"):
        return
    where = f" from {quoted(seen.url)}" if seen.url is not None else ""
    yield from _failed(
        image,
        look,
        f"{quoted(image.path)} is an HTML page{where}, expected an image",
        "allow reading it without a login, or correct the path",
        causes=("too-long", "too-short", "checksum", "encoding"),
        certain=True,
    )


def _failed(
    image: Image,
    look: Look,
    message: str,
    remedy: str,
    *,
    items: list[Item] | None = None,
    field: str = "path",
    causes: tuple[str, ...],
    certain: bool = False,
) -> Iterator[Said]:
    """What each release line loses when it does not get a file.

    ``causes``: the causes of ``file_fetch`` that the rule is about. ``certain``: MAAS refuses the
    file even if the observation does not show which of the causes applies.
    """
    named = image.items if items is None else items
    newest = [item for item in named if is_newest(item)]
    old = [item for item in named if not is_newest(item)]
    if not newest:
        place, *also = [item.at(field) for item in old]
        lines = tuple(
            line
            for line in asking(old, look)
            if certain or cause_on(line, image, old[0], look) in causes
        )
        yield Said(message, remedy, place, tuple(also[:MANY]), lines, Severity.WARNING, NEVER, "")
        return
    refused: list[tuple[Release, Failed]] = []
    for release in look.releases:
        failed = met(image, newest[0], release, look)
        if failed is None and certain:
            failed = Failed("checksum", "", release.download("attempts") != "one")
        if failed is not None and failed.cause in causes:
            refused.append((release, failed))
    if not refused:
        return  # as with nearly every file
    place, *also = [item.at(field) for item in newest]
    lines = asking(newest, look)
    for release, failed in refused:
        if release.line in lines:
            severity, effect = cost(release, failed)
            more = tuple(also[:MANY])
            line = (release.line,)
            yield Said(message, remedy, place, more, line, severity, effect, failed.log)


def met(image: Image, item: Item, release: Release, look: Look) -> Failed | None:
    """Why a release line does not get the file of an item; ``None`` if it gets it."""
    alike = look.downloads_as[release.line]
    asked = (id(item), alike.line)
    if asked not in image.met:
        image.met[asked] = _met(image, item, alike, look)
    failed: Failed | None = image.met[asked]
    return failed


def _met(image: Image, item: Item, release: Release, look: Look) -> Failed | None:
    base = f"{look.stream.base.rstrip('/')}/" if "://" in look.stream.base else ""
    if not image.seen.linked:
        return fetch(image.seen, item, release, f"{base}{image.path}")
    from urllib.parse import urljoin

    return fetch(image.seen, item, release, urljoin(base, image.path))


def cause_on(line: str, image: Image, item: Item, look: Look) -> str | None:
    """Why one release line does not get the file."""
    release = next(r for r in look.releases if r.line == line)
    failed = met(image, item, release, look)
    return failed.cause if failed is not None else None


def cost(release: Release, failed: Failed) -> tuple[Severity, str]:
    """The severity of a failure on a release line, and what MAAS does."""
    severity, effect = COSTS[release.download("failure")]
    if failed.cause == "endless":
        effect = f"reads the empty answer without an end, fills the memory, then {effect}"
    elif failed.retried:
        effect = f"tries for {release.download('total-seconds') // 3600} hours, then {effect}"
    return severity, effect


def asking(items: Iterable[Item], look: Look) -> tuple[str, ...]:
    """The release lines that request the file of any of these items."""
    lines = {line for item in items for line in look.downloads(item)}
    return tuple(line for line in look.lines if line in lines)


def is_newest(item: Item) -> bool:
    """Whether an item is of its product's newest version."""
    version = item.version
    return version is version.product.newest


def _grouped(image: Image, field: str) -> dict[str, list[Item]]:
    """The items by the value of a field; items without the field are absent."""
    found: dict[str, list[Item]] = {}
    for item in image.items:
        said = item.get(field)
        if said:
            found.setdefault(said, []).append(item)
    return found


def _is_moved(seen: Seen) -> bool:
    """Whether redirects are the defect: ``redirecting_files`` reports them."""
    return bool(seen.redirects) and seen.trouble is not None and seen.trouble.kind == "redirects"


def _is_left_out(image: Image, look: Look) -> bool:
    """Whether only products that the tree leaves out name a file."""
    return all(
        look.absence.leaves_out(item.version.product.file.path, item.version.product.name)
        for item in image.items
    )


def _where_it_may_be(image: Image, look: Look) -> str:
    """What to do about a missing file; the rest of the tree decides."""
    version = image.items[0].version
    product = version.product
    before = look.absence.whole_before.get((product.file.path, product.name))
    newest = product.newest
    if before is not None and newest is not None and newest.name == version.name:
        return (
            f"publish the files, or remove version {quoted(version.name)} until they are "
            f"there: {quoted(before)} is whole"
        )
    near = look.survey.elsewhere.get(image.path, ()) if look.survey is not None else ()
    unnamed = [path for path in near if path not in look.paths]
    if unnamed:
        return f"move {listed(unnamed, last='or')} there, or correct the path"
    return "publish the file before the metadata that names it, or correct the path"


def _size_differs(item: Item, seen: Seen) -> bool:
    size, found = item.get("size"), _length(seen)
    return size is not None and size.isdecimal() and found is not None and int(size) != found


def _length(seen: Seen) -> int | None:
    """The length of the file that MAAS gets, after it has undone the encoding of the server."""
    return seen.decoded_size if seen.decoded else seen.size


def is_encoding_to_blame(item: Item, seen: Seen) -> bool:
    """Whether the file is right in one of its two forms: as it comes, or decoded."""
    if not seen.encoding:
        return False
    if not seen.digests:
        return seen.size is not None and item.get("size") == str(seen.size)
    said = (item.get("sha256") or "").lower(), item.get("size") or ""
    forms = (
        (seen.digests.get("sha256"), str(seen.size)),
        (seen.decoded.get("sha256"), str(seen.decoded_size)),
    )
    return said in forms


def _strongest(look: Look, line: str, item: Item) -> str | None:
    """The checksum of an item that a release line compares while it reads the file."""
    release = next(r for r in look.releases if r.line == line)
    order: list[str] = release.download("checksums")
    return next((name for name in order if item.get(name)), None)
