"""Rules on the paths of items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.checks.among import naming
from maas_stream_lint.checks.item_words import named_with_product, unfit
from maas_stream_lint.checks.words import MANY, shown
from maas_stream_lint.finding import Severity
from maas_stream_lint.imports.trace import Event
from maas_stream_lint.quoting import quoted
from maas_stream_lint.rule import Said, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Item, Whole
    from maas_stream_lint.product_columns import ProductColumns


@rule("MSL604", Severity.FATAL, causes=["missing-path", "path-not-text"])
def missing_path(event: Event, look: Look) -> Iterator[Said]:
    """An item has no `path`.

    MAAS: up to 3.7 MAAS stops the whole import, of every source. It fails with `KeyError: 'path'`
        for an item that it stores, or with a `TypeError` for a path that is not text
        (`insert_item`, maasserver/bootresources.py). MAAS 3.8 refuses the file and discards the
        whole source (`ImageFile`, maasservicelayer/simplestreams/models.py).
    Why: an item without a path names no file.
    Fix: add the file's path, relative to the folder that contains `streams`, or delete the item.
    Example:
        "squashfs": {
         "ftype": "squashfs",
         "sha256":
    """
    yield unfit(
        event,
        "path",
        look,
        "its file's path, relative to the source",
        "add the file's path, relative to the folder that contains `streams`, or delete the item",
    )


@rule(
    "MSL605",
    Severity.FATAL,
    on="item",
    among=naming("\n/", "../"),
    causes=["unsafe-path-item"],
)
def unsafe_path_item(seen: Event | Item, look: Look) -> Iterator[Said]:
    """An item's `path` leads out of the source.

    MAAS: up to 3.7 MAAS checks the path of every item of every version. It stops the whole import,
        of every source, for an absolute path or one with `..` (`assert_safe_path`,
        simplestreams/util). MAAS 3.8 does not check. It joins the path to the source's URL like a
        link: `/x` leads to the top of the host, `../x` one folder up
        (maasservicelayer/services/image_sync.py).
    Why: a path is relative to the source. Some publishers write paths of their file system instead.
    Fix: write the path relative to the folder that contains `streams`, without `..` and without a
        leading slash. Put the file there.
    Example:
        "path": "/rhel/rhel9/amd64/20261015_01/root-tgz",
    """
    if isinstance(seen, Event):
        path = seen.values["path"]
        at, lines, effect = seen.place, None, None
    else:
        path = seen.path
        if path is None or not leads_out(path) or "://" in path:
            return
        strict = look.where(lambda release: release.strict)
        lines = tuple(line for line in look.stores(seen) if line in strict)
        at, effect = seen.at("path"), "follows the path like a link, out of the source"
        if not lines:
            return
    yield Said(
        f"path {shown(path)} leads out of the source, expected a path below it",
        "write the path relative to the folder that contains `streams`, without `..` and without a "
        "leading slash",
        place=at,
        lines=lines,
        severity=None if isinstance(seen, Event) else Severity.WARNING,
        effect=effect,
    )


@rule(
    "MSL615",
    Severity.WARNING,
    on="item",
    among=naming("://"),
)
def url_like_path(item: Item, look: Look) -> Iterator[Said]:
    """An item's `path` is a URL.

    MAAS: up to 3.7 MAAS appends it to the source's own URL and requests a file that does not exist
        (`UrlMirrorReader.source`, simplestreams/mirrors). MAAS 3.8 joins it like a link and
        downloads from that other host, not from your mirror (`urljoin` in
        maasservicelayer/services/image_sync.py).
    Why: the files of a stream belong into its tree, so that a copy of the tree is a mirror.
    Fix: put the file into the tree, and write its path relative to the folder that contains
        `streams`.
    Example:
        "path": "https://images.example.com/rhel9/root-tgz",
    """
    lines = look.stores(item)
    if lines:
        yield Said(
            f"path {quoted(item.path or '')} is a URL, expected a path below the source",
            "put the file into the tree, and write its path relative to the folder that contains "
            "`streams`",
            place=item.at("path"),
            lines=lines,
            effect="requests a file that does not exist, or downloads it from that other host",
        )


@rule(
    "MSL618",
    Severity.UNUSABLE,
    on="item",
    among=naming("/\n"),
)
def path_ends_in_slash(item: Item, look: Look) -> Iterator[Said]:
    """An item's `path` ends in a slash, so its file has no name.

    MAAS: every release line takes the part after the last slash as the file's name, and this part
        is empty (`BootResourceStore.insert`, maasserver/bootresources.py; MAAS 3.8:
        `get_or_create_from_simplestreams_file`,
        maasservicelayer/services/bootresourcefiles.py). MAAS then requests a folder from the
        server. The answer is an error or a list of files, and its checksum does not match.
    Why: the path of a folder was written instead of the path of the file in it.
    Fix: write the path of the file.
    Example:
        "path": "rhel9/amd64/20261015_01/",
    """
    lines = look.stores(item)
    if lines:
        yield Said(
            f"path {quoted(item.path)} ends in a slash, expected the path of a file",
            "write the path of the file, not the path of its folder",
            place=item.at("path"),
            lines=lines,
            effect="stores the file without a name, and requests a folder",
        )


@rule("MSL616", Severity.WARNING, on="stream")
def path_contradicted(whole: Whole, look: Look) -> Iterator[Said]:
    """Two items name the same file with different checksums or sizes.

    MAAS: MAAS downloads the file for each of them, and one of the checksums cannot match. Up to 3.4
        MAAS drops that file. MAAS 3.5 to 3.7 tries again for two hours, and then the *whole import*
        fails. MAAS 3.8 fails the selection (`write_content_thread`, maasserver/bootresources.py;
        `valid`, maasserver/utils/bootresource.py and maasservicelayer/utils/image_local_files.py).
    Why: somebody replaced the file and changed only some of the metadata.
    Fix: give each build a folder of its own. Or write the file's real checksum and size into all
        items.
    Example:
        "path": "noble/shared/squashfs",
    """
    table = look.catalog.columns
    for path, rows in _clashing(table).items():
        some = [table.item(row) for row in rows[:MANY]]
        lines = {line for item in some for line in look.stores(item)}
        if lines:
            yield Said(
                f"items {named_with_product(some[0])} and {named_with_product(some[1])} "
                f"name the same file {shown(path)}, "
                f"but {_difference(some[0], some[1])}, expected equal values",
                "write the file's real checksum and size into all its items",
                place=some[1].at("path"),
                also=tuple(i.at("path") for i in (some[0], *some[2:])),
                lines=tuple(lines),
                effect="downloads the file for each item, and refuses it for at least one",
            )


def leads_out(path: str) -> bool:
    """Whether a path leads out of the stream's folder."""
    if "../" not in path and path[:1] != "/":
        return False  # as nearly all are
    return path.startswith(("/", "../", ".../")) or "/../" in path or "/.../" in path


def _clashing(table: ProductColumns) -> dict[str, list[int]]:
    """The rows of items that name one file and differ in its checksum or size, by its path."""
    columns = [table.of_items(field) for field in ("sha256", "size")]
    if all([*map(column.__getitem__, table.firsts)] == column for column in columns):
        return {}  # as it should be, told by C
    contents = list(zip(*columns, strict=True))
    first: dict[str, int] = {}
    clashes: dict[str, list[int]] = {}
    for row, path in enumerate(table.of_items("path")):
        if path.__class__ is str:
            one = first.setdefault(path, row)
            if contents[one] != contents[row]:
                clashes.setdefault(path, [one]).append(row)
    return clashes


def _content(item: Item) -> tuple[Any, Any]:
    return (item.raw.get("sha256"), item.raw.get("size"))


def _difference(one: Item, other: Item) -> str:
    here, there = _content(one), _content(other)
    if here[0] != there[0]:
        return f"sha256 is {_shortly(here[0])} here and {_shortly(there[0])} there"
    return f"size is {shown(here[1])} here and {shown(there[1])} there"


def _shortly(digest: Any) -> str:
    return quoted(digest[:12] + "…") if isinstance(digest, str) and digest else shown(digest)
