"""Which image files a stream's metadata leads to, and a look at them."""

from __future__ import annotations

import json
from functools import partial
from itertools import compress, repeat
from operator import and_
from typing import TYPE_CHECKING, Any

from maas_stream_lint import document, signature
from maas_stream_lint.absence import absent_paths
from maas_stream_lint.errors import UsageError
from maas_stream_lint.images.listing import METADATA, holds_metadata_alone, walk
from maas_stream_lint.images.observation import ALGORITHMS, FileOptions, Survey, Wanted
from maas_stream_lint.names import MODES
from maas_stream_lint.records import replace
from maas_stream_lint.rulebook import streamed
from maas_stream_lint.source import FetchOptions, LocalTree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from maas_stream_lint.images.progress import Progress
    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Item
    from maas_stream_lint.source import Source
    from maas_stream_lint.stream import Stream

#: So many files of older versions tell enough.
_MOST_OLDER = 256
_METADATA = (".json", ".sjson")
#: Between two line ends, a path that leads out of the tree has one of these.
_LEADING_OUT = ("..", "\n/", "://")


def inspect_files(
    look: Look,
    source: Source,
    options: FileOptions,
    fetch: FetchOptions | None = None,
    told: Progress | None = None,
) -> Survey:
    """Look at the files that the metadata names. Raises LintError where that can't be done."""
    wanted = partial(wanted_files, look, options)
    survey = _inspected(look, wanted, source, options, fetch, told)
    behind = {wanted.path: wanted for wanted in _of_versions_before(look, survey, options)}
    if behind:
        near = replace(options, mode="head", keep=None)
        survey.older = _inspected(look, lambda: behind, source, near, fetch, None).files
    return survey


def _of_versions_before(look: Look, survey: Survey, options: FileOptions) -> Iterator[Wanted]:
    """Of each product whose newest version lacks files, the files of the version before it."""
    known: set[str] = set()
    gone = absent_paths(survey)
    for product in look.catalog.products if gone else ():
        if product.newest is None or not any(i.path in gone for i in product.newest.items):
            continue
        before = next(product.older, None)
        for item in before.items if before is not None else ():
            path = item.path
            if path and path not in known and _leads_into_the_tree(path) and look.downloads(item):
                known.add(path)
                yield _of(item, path)
        if len(known) > _MOST_OLDER:
            return


def _inspected(
    look: Look,
    wanted: Callable[[], dict[str, Wanted]],
    source: Source,
    options: FileOptions,
    fetch: FetchOptions | None,
    told: Progress | None,
) -> Survey:
    if options.mode is not None and options.mode not in MODES:
        raise UsageError(f"no way to look at files: {options.mode!r}", "known: " + ", ".join(MODES))
    if options.mode == "none":
        return Survey("none")
    if isinstance(source, LocalTree):
        if options.mode is None and holds_metadata_alone(source.folder):
            return Survey("none", metadata_only=True)
        # What hashes files takes as long to import as a small stream takes to lint.
        from maas_stream_lint.images.inspection import inspect_local

        named = None if options.only else partial(_named, look, source)
        return inspect_local(source, wanted(), options, named, told)
    from maas_stream_lint.source.remote import RemoteTree

    if isinstance(source, RemoteTree):
        from maas_stream_lint.images.inspection import inspect_remote

        files = look.stream.files
        metadata = {path: files[path].answer for path in {look.stream.start: None, **files}}
        fetch = fetch or FetchOptions()
        return inspect_remote(source, wanted(), options, fetch, metadata, told)
    return Survey("none")


def wanted_files(look: Look, options: FileOptions) -> dict[str, Wanted]:
    """The files that some release asks for, by their paths, as the metadata has them."""
    found: dict[str, Wanted] = {}
    links = "://" in look.stream.base and look.where(lambda r: r.download("joins") == "urljoin")
    every = options.all_versions
    # One search in the paths of the newest versions tells whether each path must be looked at.
    inside = not (every or any(text in look.path_text for text in _LEADING_OUT))
    for wanted in _of_all_versions(look, options) if every else _of_newest(look, options):
        path = wanted.path
        if path in found:
            continue
        if inside or _leads_into_the_tree(path):
            found[path] = wanted
        elif links and _leads_to_the_server(path):
            found[path] = wanted._replace(linked=True)
    return found


def _of_all_versions(look: Look, options: FileOptions) -> Iterator[Wanted]:
    for version in look.catalog.all_versions:
        if not options.only or _is_meant(version.product.name, options.only):
            for item in version.items:
                if item.path is not None and look.downloads(item):
                    yield _of(item, item.path)


def _of_newest(look: Look, options: FileOptions) -> Iterator[Wanted]:
    """The same of the newest versions alone, which are in the catalog's table."""
    table, loaders = look.catalog.columns, streamed("loader")
    asked: Sequence[bool] = look.downloaded
    if None in table.paths:
        asked = list(map(and_, asked, map(bool, table.paths)))
    if options.only:
        meant = [_is_meant(product.name, options.only) for product in table.products]
        asked = list(map(and_, asked, table.spread(meant)))
    paths, sizes = compress(table.paths, asked), compress(table.sizes_said, asked)
    listed = map(loaders.__contains__, compress(table.ftypes, asked))
    sums: list[dict[str, str]] = [{} for one in asked if one]
    for name in filter(table.occurs, ALGORITHMS):
        for found, text in zip(sums, compress(table.texts_of_items(name), asked), strict=True):
            if text:
                found[name] = text.lower()
    # As many calls of the class would take twice as long.
    return map(tuple.__new__, repeat(Wanted), zip(paths, sizes, sums, listed, repeat(False)))


def _is_meant(name: str, globs: Sequence[str]) -> bool:
    from fnmatch import fnmatchcase

    return any(fnmatchcase(name, glob) for glob in globs)


def _of(item: Item, path: str) -> Wanted:
    digests = {name: text.lower() for name in ALGORITHMS if (text := item.get(name))}
    return Wanted(path, item.size, digests, item.ftype in streamed("loader"))


def _leads_into_the_tree(path: str) -> bool:
    """Other paths have findings of their own, and are not to be asked for."""
    up = ".." in path and ".." in path.split("/")
    return not (up or path.startswith("/") or "://" in path)


def _leads_to_the_server(path: str) -> bool:
    """Whether a path that is joined like a link stays on the source's server."""
    return not path.startswith("//") and "://" not in path


def _named(look: Look, tree: LocalTree) -> frozenset[str] | None:
    """All paths that metadata below the root names, be it of this stream or of another."""
    others = paths_of_others(tree, look.stream, set(look.stream.files))
    if others is None:
        return None
    return others | {item.path for v in look.catalog.all_versions for item in v.items if item.path}


def paths_of_others(tree: LocalTree, stream: Stream, own: set[str]) -> frozenset[str] | None:
    """All paths that metadata below a tree's root names which is not the stream's.

    ``own``: paths of the metadata that is. ``None`` if not all metadata can be read, the stream's
    included.
    """
    if stream.truncated or any(file.best is None for file in stream.files.values()):
        return None
    named, read = set(), {str(tree.root / path) for path in own}
    try:
        folders = walk(tree.root, f"{METADATA}/")
        paths = [folder + name for folder, names in folders for name in names]
    except OverflowError:
        return None
    for path in sorted(paths):
        if not path.endswith(_METADATA) or str(tree.root / path) in read:
            continue
        found = _paths_in(tree, path)
        if found is None:
            return None
        named |= found
    return frozenset(named)


def _paths_in(tree: LocalTree, path: str) -> set[str] | None:
    """The paths of a products file's items; ``None`` if it can't be read within the bounds."""
    body = tree.read(path).body
    if body is None:
        return None
    try:
        text, flaw = document.decode(body)
        if flaw is not None:
            return None
        if signature.is_clear_signed(text):
            text = signature.strict_payload(text).text
        data: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    found = set()
    for product in _values(data, "products"):
        for version in _values(product, "versions"):
            for item in _values(version, "items"):
                if isinstance(item, dict) and isinstance(item.get("path"), str):
                    found.add(item["path"])
    return found


def _values(holder: Any, member: str) -> list[Any]:
    inner = holder.get(member) if isinstance(holder, dict) else None
    return list(inner.values()) if isinstance(inner, dict) else []
