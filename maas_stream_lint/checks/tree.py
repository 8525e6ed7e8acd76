"""Rules on the tree of image files: files that no metadata names, and links that lead out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.checks.among import came_otherwise
from maas_stream_lint.checks.image import asking
from maas_stream_lint.checks.words import MANY, listed
from maas_stream_lint.finding import Place, Severity
from maas_stream_lint.quoting import quoted
from maas_stream_lint.rule import Said, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Image, Product, Whole


@rule("MSL711", Severity.INFO, on="stream")
def orphan_file(whole: Whole, look: Look) -> Iterator[Said]:
    """No metadata names a file in the tree.

    MAAS: never requests the file. `meph2-util find-orphans` lists the same files.
    Why: somebody removed a version from the metadata and left its files, or uploaded a file to
        another path than the metadata has.
    Fix: delete the file two hours after you publish the metadata, when no reader has old metadata.
        Or name the file in the metadata.
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

    MAAS: downloads both paths. One download has the wrong checksum and fails; that is another
        finding.
    Why: the paths are links to one file, and somebody replaced the image behind one of them.
    Fix: give each path its own file, or both items the checksum of the file.
    Example:
        "path": "jammy/amd64/20240102/squashfs"
    """
    files = look.survey.files if look.survey is not None else {}
    inodes = [seen.on_disk.inode for seen in files.values() if seen.on_disk is not None]
    if len({*inodes}) == len(inodes):
        return
    by_inode: dict[tuple[int, int], list[Image]] = {}
    for image in look.images:
        about = image.seen.on_disk
        if about is not None:
            by_inode.setdefault((about.device, about.inode), []).append(image)
    for same in by_inode.values():
        if len(same) < 2:
            continue
        digests = {(image.items[0].get("sha256") or "").lower() for image in same}
        if len(digests) > 1:
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
    """The tree has files of some products, and no files of others.

    MAAS: requests the files of a product only if a selection takes the product. So this mirror
        works for every MAAS that selects only the products it has. A selection of another product
        fails as with a missing file.
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
    number = "1 product has" if len(left) == 1 else f"{len(left):,} products have"
    without = f"{number} no files here"
    served = _selections(look.absence.served)
    yield Said(
        f"only {listed(served)} {'has' if len(served) == 1 else 'have'} files here"
        if served
        else without,
        f"in MAAS, select only {listed(served, most=12)}; {without}: {listed(names)}",
        also=tuple(product.place for product in left[:MANY]),
        effect="asks for these files only if a selection takes the product",
    )


@rule("MSL713", Severity.WARNING, on="image", among=came_otherwise)
def link_leaves_root(image: Image, look: Look) -> Iterator[Said]:
    """A file is a link that leads out of the tree.

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


def _selections(products: list[Product]) -> list[str]:
    """The selections that products serve, as ``os/release/arch``."""
    found = {
        f"{product.os}/{product.get('release')}/{product.get('arch')}"
        for product in products
        if product.image and product.get("release") and product.get("arch")
    }
    return sorted(found)
