"""Rules on the image files themselves: whether they are there, whole, and what they should be."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from maas_stream_lint.absence import is_absent
from maas_stream_lint.checks.words import listed
from maas_stream_lint.file_fetch import Failed, fetch
from maas_stream_lint.finding import Place, Severity
from maas_stream_lint.images.content import STREAM_KINDS, better, described, suits
from maas_stream_lint.quoting import quoted
from maas_stream_lint.rule import Said, rule
from maas_stream_lint.rulebook import disk_packed_as, ftypes, of_family, streamed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from maas_stream_lint.images.content import Content
    from maas_stream_lint.images.observation import Seen
    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Image, Item, Product, Version, Whole
    from maas_stream_lint.rulebook import Release

#: What a failed download costs, and how bad that is.
COSTS = {
    "set": (Severity.IGNORED, "drops the file, and with it the image's set as incomplete"),
    "import": (Severity.FATAL, "fails the whole import, of every source"),
    "selection": (Severity.IGNORED, "fails every selection that the file belongs to"),
}
NEVER = "does not download it unless the newer versions are removed"
#: A finding names so many of the places that it is about.
MANY = 100
#: What to do about a file that its server does not send, by the kind of trouble.
_SERVING = {
    "unreadable": "allow the web server's user to read it",
    "unauthorized": "allow reading it without a login",
    "forbidden": "allow everybody to read it; S3 also answers 403 for a file that does not exist",
    "": "request it with `curl -v` from the region controller, and correct what the server answers",
}


@rule("MSL701", Severity.FATAL, on="image")
def file_missing(image: Image, look: Look) -> Iterator[Said]:
    """A file that the metadata names is not there.

    MAAS: imports the metadata, then asks for the file and gets a 404. Up to 3.4 it deletes the
        image's set as incomplete (`perform_write`, maasserver/bootresources.py). From 3.5 to 3.7 it
        asks again for two hours. Then the *import of every source* fails, with every good file
        (`download_bootresourcefile` and `SyncBootResourcesWorkflow`,
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


@rule("MSL702", Severity.FATAL, on="image")
def file_not_served(image: Image, look: Look) -> Iterator[Said]:
    """The server does not send a file that may be there.

    MAAS: asks without a login, and takes any status but 2xx for a failure. Up to 3.4 only a 404 is
        an error: MAAS hashes the body of any other error page as the file (`RequestsUrlReader`,
        simplestreams/contentsource.py). The cost is that of a missing file.
    Why: S3 answers 403 for a missing file and for a private one. Some stores need a login for files
        but not for the index. Proxies and caches may fail on large files.
    Fix: ask for the file from the region controller with `curl -v`, and correct what the server
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
    elif not (trouble.unchecked or is_absent(seen) or _is_moved(seen)):
        yield from _failed(
            image,
            look,
            f"the server does not send {quoted(image.path)}: {trouble.message}",
            _SERVING.get(trouble.kind, _SERVING[""]),
            causes=("status", "redirect", "loop", "closed", "cut", "endless", "path", "other"),
        )


@rule("MSL703", Severity.FATAL, on="image")
def size_mismatch(image: Image, look: Look) -> Iterator[Said]:
    """A file is not as long as its `size` says.

    MAAS: up to 3.4 the checksum fails, too, and MAAS drops the file. From 3.5 to 3.7 it tries for
        two hours, and then the whole import fails: `beyond EOF` for a longer file, `Invalid
        checksum` for a shorter one (`LocalBootResourceFile`, maasserver/utils/bootresource.py).
        MAAS 3.8 fails the selection: `Downloaded file size does not match expected size`
        (maasservicelayer/utils/image_local_files.py).
    Why: an upload was cut off, or somebody rebuilt the image without new metadata.
    Fix: upload the file again, or write the size and the checksum of the right file.
    Example:
        "size": 4096
    """
    seen = image.seen
    size = _length(seen)
    if seen.trouble is not None or size is None or _is_html(seen):
        return
    for said, items in _grouped(image, "size").items():
        if not said.isdecimal() or int(said) == size:
            continue
        if is_encoding_to_blame(items[0], seen):
            continue  # content_encoding_on_artifact has it
        cut = f"; the connection broke off after {seen.cuts[-1]:,}" if seen.cuts else ""
        yield from _failed(
            image,
            look,
            f"{quoted(image.path)} has {size:,} bytes, expected {int(said):,} as its size "
            f"says{cut}",
            "upload it again, or write size and sha256 of the right file",
            items=items,
            field="size",
            causes=("too-long", "too-short"),
        )


@rule("MSL704", Severity.FATAL, on="image")
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
    if seen.trouble is not None or found is None or _is_html(seen):
        return
    for said, items in _grouped(image, "sha256").items():
        wrong_size = any(_size_differs(item, seen) for item in items)
        if said.lower() == found or wrong_size:
            continue
        if is_encoding_to_blame(items[0], seen):
            continue  # content_encoding_on_artifact has it
        what = f", {described(seen.content)}" if seen.content is not None else ""
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


@rule("MSL705", Severity.IGNORED, on="image")
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
    if seen.trouble is not None or _is_html(seen):
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


@rule("MSL706", Severity.UNUSABLE, on="image")
def ddgz_as_root_dd(image: Image, look: Look) -> Iterator[Said]:
    """A compressed disk image has the ftype `root-dd`, which means a tar of a disk image.

    MAAS: tells curtin `dd-tgz` for the ftype `root-dd`: a tar.gz that holds the disk image
        (`get_image_filetypes` and `_get_image_filetypes`, drivers/osystem). For a disk image in a
        plain gzip the ftype is `root-dd.gz`, and curtin's name is `dd-gz`.
    Why: the upload names `ddtgz` and `ddgz` differ by one letter, and some READMEs were wrong.
    Fix: write `root-dd.gz` as ftype, as the item's key, and as the file's name.
    Example:
        "ftype": "root-dd"
    """
    content = image.seen.content
    if content is None or not _looked_through(image.seen):
        return
    tarred = _tarred_disk()
    items = [i for i in image.items if i.ftype == tarred]
    name = _plain_disk(content) if items else None
    if name is not None:
        yield from _unusable(
            image,
            look,
            items,
            f"{quoted(image.path)} is {described(content)}, and `{tarred}` a tar of a disk image",
            f"write `{name}` as ftype and key of the item",
            "has curtin write it to the disk as a tar; curtin then finds no file system",
        )


@rule("MSL707", Severity.UNUSABLE, on="image")
def tgz_not_a_tarball(image: Image, look: Look) -> Iterator[Said]:
    """A file with a tarball's ftype is no tarball, or holds a disk image.

    MAAS: hands the file to curtin, and curtin unpacks it onto the new file system. That fails for a
        file that is no tar. After a tar of one disk image the machine does not boot
        (`get_curtin_image`, maasserver/preseed.py).
    Why: people pack qcow2 and raw images into a `.tar.gz` for the upload, or rename a `.dd.gz`.
    Fix: pack the root file system itself, with `tar -C ROOT --xattrs -czf …`. Or publish a disk
        image with the ftype `root-dd.gz`, for an os that MAAS deploys from one.
    Example:
        "ftype": "root-tgz"
    """
    content = image.seen.content
    if content is None or not _looked_through(image.seen):
        return
    tarballs = of_family("tarball")
    items = [i for i in image.items if i.ftype in tarballs]
    if items and _wrong(content, items[0].ftype or ""):
        yield from _unusable(
            image,
            look,
            items,
            f"{quoted(image.path)} is {described(content)}, "
            f"expected a tarball of a root file system as `{items[0].ftype}`",
            _under_another_name(content, items, "pack the root file system itself with tar"),
            "imports it, and the deployment fails when curtin unpacks it",
        )


@rule("MSL708", Severity.UNUSABLE, on="image")
def not_what_ftype_says(image: Image, look: Look) -> Iterator[Said]:
    """A file is of another kind than its `ftype` says.

    MAAS: only hashes a file, and never looks at its kind. It imports and offers an initrd that is a
        squashfs, or a disk image that is a tarball. Then a machine fails to boot, or its deployment
        fails (`get_boot_filenames`, maasserver/models/bootresourceset.py; `get_curtin_image`,
        maasserver/preseed.py).
    Why: two items have each other's path, or a script renames the files that it packs.
    Fix: give the item the path of the right file, or the ftype of the file that it names.
    Example:
        "ftype": "boot-kernel"
    """
    content = image.seen.content
    if content is None or not _looked_through(image.seen):
        return
    for ftype, items in _by_ftype(image).items():
        if ftype in of_family("tarball") or not _wrong(content, ftype):
            continue
        if ftype == _tarred_disk() and _plain_disk(content) is not None:
            continue  # ddgz_as_root_dd has it
        yield from _unusable(
            image,
            look,
            items,
            f"{quoted(image.path)} is {described(content)}, not a {quoted(ftype)}",
            _under_another_name(content, items, "give the item the path of the right file"),
            "imports it; a machine then fails to boot from it, or its deployment fails",
        )


@rule("MSL709", Severity.FATAL, on="image")
def html_instead_of_file(image: Image, look: Look) -> Iterator[Said]:
    """The server sends a web page instead of an image, with status 200.

    MAAS: takes the page for the file, and its checksum is wrong. Up to 3.4 it drops the file. From
        3.5 to 3.7 it downloads it again for two hours, and then the whole import fails. MAAS 3.8
        fails the selection (`download_bootresourcefile`).
    Why: it is a login page, an error page or a directory listing, from a server that does not
        answer 404 or 401.
    Fix: let everybody read the file without a login, or correct the path. Make the server answer
        an error with an error status.
    Example:
        Content-Type: text/html
    """
    seen = image.seen
    if seen.trouble is not None or not _is_html(seen):
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


@rule("MSL710", Severity.UNUSABLE, on="version")
def bootloader_archive_contents(version: Version, look: Look) -> Iterator[Said]:
    """The archives of a bootloader lack a file that machines boot from.

    MAAS: unpacks the archives, and offers files of fixed names to machines. Up to 3.4 each rack
        controller looks for them and logs a missing one (`_link_simplestream_bootloaders`,
        provisioningserver/boot/__init__.py). From 3.5 on nothing checks them, and machines fail to
        boot (`bootloader_files`, maascommon/bootmethods.py).
    Why: names differ between distributions and versions: older syslinux has no `lpxelinux.0`.
    Fix: put the files into one of the version's archives, at the top and with these names.
    Example:
        "os": "grub-efi-signed"
    """
    files = look.survey.files if look.survey is not None else {}
    ftypes_ = streamed("loader") if files else ()
    archives = [item for ftype in ftypes_ for item in version.ftypes.get(ftype, ())]
    seen = [files.get(item.path or "") for item in archives]
    if not archives or any(s is None or s.names is None for s in seen):
        return
    product = version.product
    kind = (product.get("bootloader-type") or "", product.os, product.get("arch") or "")
    held = {_top_name(name) for s in seen if s is not None for name in s.names or ()}
    for release in look.releases:
        missing = [n for n in release.bootloader_files.get(kind, ()) if n not in held]
        lines = [line for line in look.downloads(archives[0]) if line == release.line]
        if missing and lines:
            log: str = release.download("bootloader-log")
            yield Said(
                f"no archive of the version holds {listed(missing, most=6)}, and "
                f"{quoted(kind[2])} machines boot from it",
                "put it into one of the archives, at the top and with this name",
                place=archives[0].at("path"),
                also=tuple(item.at("path") for item in archives[1:]),
                lines=tuple(lines),
                effect="offers the bootloader without it, and machines fail to boot",
                log=log.format(file=missing[0], type=kind[0]),
            )


@rule("MSL711", Severity.INFO, on="stream")
def orphan_file(whole: Whole, look: Look) -> Iterator[Said]:
    """No metadata names a file in the tree.

    MAAS: never asks for it. `meph2-util find-orphans` lists the same files.
    Why: somebody removed a version from the metadata and left its files, or uploaded a file to
        another path than the metadata has.
    Fix: delete it two hours after publishing, when no reader has old metadata. Or name it in the
        metadata.
    Example:
        "path": "jammy/amd64/20240101/squashfs"
    """
    orphans = look.survey.orphans if look.survey is not None else {}
    if not orphans:
        return
    largest = sorted(orphans, key=lambda path: (-orphans[path], path))
    total = sum(orphans.values())
    number = "1 file" if len(orphans) == 1 else f"{len(orphans):,} files"
    yield Said(
        f"no metadata names {number} of {total:,} bytes: {listed(largest)}",
        "delete what nobody needs, or name it in the metadata",
        place=Place(largest[0]),
        also=tuple(Place(path) for path in largest[1:MANY]),
        effect="never asks for it",
    )


@rule("MSL712", Severity.WARNING, on="stream")
def one_file_two_checksums(whole: Whole, look: Look) -> Iterator[Said]:
    """One file on disk has two paths, and their items have different checksums.

    MAAS: downloads both paths. One has the wrong checksum and fails; that is another finding.
    Why: the paths are links to one file, and somebody replaced the image behind one of them.
    Fix: give each path its own file, or both items the checksum of the file.
    Example:
        "path": "jammy/amd64/20240102/squashfs"
    """
    by_inode: dict[tuple[int, int], list[Image]] = {}
    for image in look.images:
        if image.seen.inode is not None:
            by_inode.setdefault(image.seen.inode, []).append(image)
    for same in by_inode.values():
        digests = {(image.items[0].get("sha256") or "").lower() for image in same}
        if len(same) > 1 and len(digests) > 1:
            yield Said(
                f"{listed([image.path for image in same])} are one file on disk, with "
                f"{len(digests)} different sha256 in the metadata",
                "give each path its own file, or both items the sha256 of the file",
                place=same[0].items[0].at("sha256"),
                also=tuple(image.items[0].at("sha256") for image in same[1:MANY]),
                effect="downloads both, and refuses at least one",
            )


@rule("MSL714", Severity.INFO, on="stream")
def partial_mirror(whole: Whole, look: Look) -> Iterator[Said]:
    """The tree has no file of some products, and files of others.

    MAAS: asks for the files of a product only if a selection takes the product. So a mirror without
        the others serves every MAAS whose selections match it. A selection of a missing product
        fails as for a missing file.
    Why: `sstream-mirror` and `rsync` copy the products that a filter names, and keep the signed
        metadata as it is. So the metadata names the other products, too.
    Fix: select in MAAS only what the mirror has, or mirror the rest.
    Example:
        "path": "noble/amd64/20240101/squashfs"
    """
    left = list(look.absence.left_out.values())
    if not left:
        return
    names = [product.name for product in left]
    number = (
        "1 product has none of its"
        if len(left) == 1
        else f"{len(left):,} products have none of their"
    )
    yield Said(
        f"{number} files here, as in a mirror of a part: {listed(names)}",
        f"in MAAS, select only {listed(_selections(look.absence.served), most=12)}",
        also=tuple(product.place for product in left[:MANY]),
        effect="asks for these files only if a selection takes the product",
    )


@rule("MSL713", Severity.WARNING, on="image")
def link_leaves_root(image: Image, look: Look) -> Iterator[Said]:
    """A file is a link to somewhere outside of the tree.

    MAAS: does not see links: the web server or the copying tool decides. nginx follows links, and
        other servers refuse them. `rsync -a` and `aws s3 sync` copy the link, or nothing.
    Why: people keep large images in one place and link them into trees.
    Fix: put the file itself into the tree, or a hard link. Or make sure that every program which
        publishes the tree follows links.
    Example:
        "path": "jammy/amd64/20240101/squashfs"
    """
    if image.seen.link is not None:
        lines = asking(image.items, look)
        yield Said(
            f"{quoted(image.path)} is a link out of the tree, to {quoted(image.seen.link)}",
            "put the file itself there, or publish the tree with tools that follow links",
            lines=lines,
            effect="gets the file only if the server follows such links",
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
    """What it costs, release by release, that MAAS does not get a file.

    ``causes``: those of ``file_fetch`` that the rule is about. ``certain``: MAAS refuses the file
    even if what was observed does not say by which of them.
    """
    named = image.items if items is None else items
    newest = [item for item in named if _is_newest(item)]
    old = [item for item in named if not _is_newest(item)]
    if not newest:
        place, *also = [item.at(field) for item in old]
        lines = tuple(
            line
            for line in asking(old, look)
            if certain or cause_on(line, image, old[0], look) in causes
        )
        yield Said(message, remedy, place, tuple(also[:MANY]), lines, Severity.WARNING, NEVER, "")
        return
    place, *also = [item.at(field) for item in newest]
    lines = asking(newest, look)
    for release in look.releases:
        failed = met(image, newest[0], release, look)
        if failed is None and certain:
            failed = Failed("checksum", "", release.download("attempts") != "one")
        if release.line not in lines or failed is None or failed.cause not in causes:
            continue
        severity, effect = cost(release, failed)
        more = tuple(also[:MANY])
        line = (release.line,)
        yield Said(message, remedy, place, more, line, severity, effect, failed.log)


def met(image: Image, item: Item, release: Release, look: Look) -> Failed | None:
    """Why a release line does not get the file of an item; ``None`` if it gets it."""
    base = look.stream.base if "://" in look.stream.base else ""
    url = f"{base.rstrip('/')}/{image.path}" if base else image.path
    return fetch(image.seen, item, release, url)


def cause_on(line: str, image: Image, item: Item, look: Look) -> str | None:
    """The cause of that on one line."""
    release = next(r for r in look.releases if r.line == line)
    failed = met(image, item, release, look)
    return failed.cause if failed is not None else None


def cost(release: Release, failed: Failed) -> tuple[Severity, str]:
    """What a failure costs on a release line: how bad that is, and what MAAS does."""
    severity, effect = COSTS[release.download("failure")]
    if failed.cause == "endless":
        effect = f"reads the empty answer without an end, fills the memory, then {effect}"
    elif failed.retried:
        effect = f"tries for {release.download('total-seconds') // 3600} hours, then {effect}"
    return severity, effect


def _unusable(
    image: Image, look: Look, items: list[Item], message: str, remedy: str, effect: str
) -> Iterator[Said]:
    newest = [item for item in items if _is_newest(item)]
    place, *also = [item.at("ftype") for item in newest or items]
    yield Said(
        message,
        remedy,
        place,
        tuple(also[:MANY]),
        asking(newest or items, look),
        Severity.UNUSABLE if newest else Severity.WARNING,
        effect if newest else NEVER,
    )


def asking(items: Iterable[Item], look: Look) -> tuple[str, ...]:
    """The release lines that ask for the file of any of these items."""
    lines = {line for item in items for line in look.downloads(item)}
    return tuple(line for line in look.lines if line in lines)


def _is_newest(item: Item) -> bool:
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
    """Whether redirects are what is wrong: ``redirecting_files`` has that."""
    return bool(seen.redirects) and seen.trouble is not None and seen.trouble.kind == "redirects"


def _is_left_out(image: Image, look: Look) -> bool:
    """Whether only products that the tree leaves out name a file."""
    return all(
        look.absence.leaves_out(item.version.product.file.path, item.version.product.name)
        for item in image.items
    )


def _where_it_may_be(image: Image, look: Look) -> str:
    """What to do about a missing file, by what else is in the tree."""
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


def _selections(products: list[Product]) -> list[str]:
    """The selections that products serve, as ``os/release/arch``."""
    found = {
        f"{product.os}/{product.get('release')}/{product.get('arch')}"
        for product in products
        if product.image and product.get("release") and product.get("arch")
    }
    return sorted(found)


def _by_ftype(image: Image) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = {}
    for item in image.items:
        if item.ftype is not None:
            found.setdefault(item.ftype, []).append(item)
    return found


def _is_html(seen: Seen) -> bool:
    """Whether a web page came where no item would want one."""
    kind = seen.content.kind if seen.content is not None else "data"
    said = seen.headers.get("content-type", "").partition(";")[0].strip().lower()
    # Some servers call everything a page that has no suffix.
    return kind == "html" or (said == "text/html" and kind in ("data", "text"))


@lru_cache(maxsize=1024)
def _wrong(content: Content, ftype: str) -> bool:
    """Whether a file of these contents can't be of that ftype."""
    table = ftypes()
    return ftype in table and suits(content, table[ftype]) is False


def _tarred_disk() -> str | None:
    """The ftype of a disk image in a tar.gz."""
    return disk_packed_as("gzip", "tar")


def _plain_disk(content: Content) -> str | None:
    """The ftype of a compressed disk image that is in no tar; ``None`` for any other content."""
    tarred = _tarred_disk()
    if content.kind not in STREAM_KINDS or tarred is None or not _wrong(content, tarred):
        return None
    name = disk_packed_as(content.kind)
    return None if name is None or _wrong(content, name) else name


def _looked_through(seen: Seen) -> bool:
    return seen.trouble is None and not _is_html(seen)


def _size_differs(item: Item, seen: Seen) -> bool:
    size, found = item.get("size"), _length(seen)
    return size is not None and size.isdecimal() and found is not None and int(size) != found


def _length(seen: Seen) -> int | None:
    """How long the file is that MAAS gets, once it has undone what the server did to it."""
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
    """The checksum of an item's that a release line goes by while it reads the file."""
    release = next(r for r in look.releases if r.line == line)
    order: list[str] = release.download("checksums")
    return next((name for name in order if item.get(name)), None)


def _under_another_name(content: Content, items: list[Item], otherwise: str) -> str:
    # An image to deploy does not become right as a file to boot from.
    root = (items[0].ftype or "").startswith("root")
    names = [n for n in better(content, ftypes()) if n.startswith("root") or not root]
    if not names:
        return otherwise
    return f"{otherwise}, or write {listed(names[:2], last='or')} as ftype if this one is meant"


def _top_name(name: str) -> str:
    return name.removeprefix("./")
