"""Fixers for defects of the index, its entries and products files as a whole."""

from __future__ import annotations

import json
import posixpath
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from maas_stream_lint.finding import Place
from maas_stream_lint.fixing.jsontext import Remove, RemoveDuplicates, Rename, Set
from maas_stream_lint.fixing.proposal import DROP, UNSAFE, Part, Proposal, moment, written
from maas_stream_lint.fixing.registry import fixes
from maas_stream_lint.records import replace
from maas_stream_lint.rulebook import of_family
from maas_stream_lint.stream import INDEX_JSON, expanded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.finding import Finding
    from maas_stream_lint.fixing.proposal import Context

INDEX_FORMAT, PRODUCTS_FORMAT = "index:1.0", "products:1.0"
#: Both mean images; the other value is for ids of clouds.
DATATYPE = "image-downloads"


@fixes("index-format", "file-format")
def form(finding: Finding, context: Context) -> Iterator[Proposal]:
    """The content of a document decides its ``format``."""
    file, data = finding.place.file, context.data(finding.place.file)
    if isinstance(data, dict) and ("index" in data) != ("products" in data):
        wanted = INDEX_FORMAT if "index" in data else PRODUCTS_FORMAT
        yield _set(file, ("format",), wanted)


@fixes("index-updated", "file-updated")
def updated(finding: Finding, context: Context) -> Iterator[Proposal]:
    """The same time in a form that every release reads; else the newest known time."""
    file, data = finding.place.file, context.data(finding.place.file)
    if isinstance(data, dict):
        yield _set(file, ("updated",), written(_updated(data, context)))


@fixes("entry-updated-missing")
def entry_updated(finding: Finding, context: Context) -> Iterator[Proposal]:
    """An entry gets the time of the file that it names."""
    entry = context.at(_entry(finding))
    if isinstance(entry, dict):
        data = _named(entry, context)
        when = moment(entry.get("updated")) or _updated(data or {}, context)
        yield _set(finding.place.file, (*finding.place.path[:2], "updated"), written(when))


@fixes("entry-format-missing")
def entry_format(finding: Finding, context: Context) -> Iterator[Proposal]:
    """An entry gets the format of the file that it names."""
    entry = context.at(_entry(finding))
    data = _named(entry, context) if isinstance(entry, dict) else None
    if data is not None and "products" in data:
        yield _set(finding.place.file, (*finding.place.path[:2], "format"), PRODUCTS_FORMAT)


@fixes("entry-products-missing", "entry-products-stale")
def entry_products(finding: Finding, context: Context) -> Iterator[Proposal]:
    """An entry gets a list of the products of the file that it names."""
    entry = context.at(_entry(finding))
    data = _named(entry, context) if isinstance(entry, dict) else None
    if data is not None and isinstance(data.get("products"), dict):
        names = sorted(data["products"])
        yield _set(
            finding.place.file,
            (*finding.place.path[:2], "products"),
            names,
            f"list the {len(names):,} products of the file in `products`",
        )


@fixes("entry-datatype", "file-datatype")
def datatype(finding: Finding, context: Context) -> Iterator[Proposal]:
    """A file with images gets the datatype for images."""
    place = finding.place
    if place.path[:1] == ("index",):
        entry = context.at(_entry(finding))
        data = _named(entry, context) if isinstance(entry, dict) else None
        path: Any = (*place.path[:2], "datatype")
    else:
        data, path = context.data(place.file), ("datatype",)
    if isinstance(data, dict) and _holds_images(data):
        yield _set(place.file, path, DATATYPE)


@fixes("entry-path-missing")
def entry_path(finding: Finding, context: Context) -> Iterator[Proposal]:
    """An entry gets the path of the only file that has its content id."""
    key = finding.place.path[1] if len(finding.place.path) > 1 else None
    found = []
    for path in context.metadata_beside():
        body = context.read(path)
        if body is not None and _loaded(body).get("content_id") == key:
            found.append(path)
    if len(found) == 1 and isinstance(key, str):
        yield _set(finding.place.file, ("index", key, "path"), found[0])


@fixes("entry-content-id-mismatch")
def entry_content_id(finding: Finding, context: Context) -> Iterator[Proposal]:
    """An entry gets the content id of the file that it names as its key."""
    entry = context.at(_entry(finding))
    data = _named(entry, context) if isinstance(entry, dict) else None
    index = context.at(Place(finding.place.file, ("index",)))
    wanted = data.get("content_id") if data is not None else None
    if isinstance(wanted, str) and wanted and isinstance(index, dict) and wanted not in index:
        change = Rename(finding.place.path[:2], wanted)
        yield Proposal((Part(finding.place.file, change),), f"rename the entry to `{wanted}`")


@fixes("file-content-id")
def content_id(finding: Finding, context: Context) -> Iterator[Proposal]:
    """A file gets the key of its only entry as content id."""
    file = finding.place.file
    keys = {
        entry.content_id
        for index in context.look.catalog.indexes
        for entry in index.entries
        if entry.names == file
    }
    if len(keys) == 1 and (key := keys.pop()):
        yield _set(file, ("content_id",), key)


@fixes("index-empty")
def rebuilt(finding: Finding, context: Context) -> Iterator[Proposal]:
    """Write the entries of an empty index from the products files beside it."""
    file, data = finding.place.file, context.data(finding.place.file)
    entries = {}
    for path in context.metadata_beside():
        beside = _loaded(context.read(path) or b"")
        key = beside.get("content_id")
        if isinstance(key, str) and key and isinstance(beside.get("products"), dict):
            entries[key] = entry_of(path, beside, context)
    if entries and isinstance(data, dict) and not data.get("index"):
        yield _set(file, ("index",), entries, f"list the {len(entries)} products files beside it")


@fixes("url-is-products-file")
def index_written(finding: Finding, context: Context) -> Iterator[Proposal]:
    """A products file without an index gets one that names it."""
    file, data = finding.place.file, context.data(finding.place.file)
    key = data.get("content_id") if isinstance(data, dict) else None
    path = INDEX_JSON
    if not isinstance(key, str) or not file.startswith("streams/v1/") or context.exists(path):
        return
    index = {
        "format": INDEX_FORMAT,
        "index": {key: entry_of(file, data, context)},
        "updated": written(_updated(data, context)),
    }
    yield Proposal(
        (),
        f"write the index `{path}`, which names the file; give MAAS its URL",
        added={path: index},
    )


@fixes("unsafe-path-index")
def entry_path_tidy(finding: Finding, context: Context) -> Iterator[Proposal]:
    """A path below the root loses its detours, if the file exists."""
    entry = context.at(_entry(finding))
    path = entry.get("path") if isinstance(entry, dict) else None
    if isinstance(path, str) and (tidy := tidied(path)) and context.exists(tidy):
        yield _set(finding.place.file, (*finding.place.path[:2], "path"), tidy)


@fixes("mixed-signing-index-plain", "mixed-signing-index-signed")
def same_signing(finding: Finding, context: Context) -> Iterator[Proposal]:
    """If there are both forms, a plain index names plain files, and a signed index signed files."""
    for index in context.look.catalog.indexes:
        for entry in index.entries:
            path = entry.names or ""
            signed = index.path.endswith(".sjson")
            have, want = (".json", ".sjson") if signed else (".sjson", ".json")
            other = path.removesuffix(have) + want
            if path.endswith(have) and context.exists(other):
                at = ("index", entry.content_id, "path")
                moved = ((Place(path), Place(other)),)
                yield replace(_set(index.path, at, other), renamed=moved)


@fixes("entry-file-missing", "file-products-empty", "index-names-itself")
def entry_dropped(finding: Finding, context: Context) -> Iterator[Proposal]:
    """Remove an entry whose file is missing or empty."""
    for place in finding.places:
        if place.path[:1] == ("index",) and len(place.path) >= 2:
            yield _drop(place.file, place.path[:2], f"remove the entry `{place.path[1]}`")
            return
    for index in context.look.catalog.indexes:
        for entry in index.entries:
            if entry.names == finding.place.file:
                path = ("index", entry.content_id)
                yield _drop(index.path, path, f"remove the entry `{entry.content_id}`")


@fixes("reserved-member")
def reserved(finding: Finding, context: Context) -> Iterator[Proposal]:
    """Remove a member that MAAS fills in from the object's key, and that no release reads."""
    path = finding.place.path
    holder = context.at(finding.place)
    names = {2: ("name", "product_name"), 4: ("version_name",)}
    if len(path) in (3, 5) and not isinstance(holder, dict):
        yield _drop(finding.place.file, path, f"remove `{path[-1]}`", consent=None)
        return
    for name in names.get(len(path), ()):
        if isinstance(holder, dict) and name in holder and f"`{name}`" in finding.message:
            yield _drop(finding.place.file, (*path, name), f"remove `{name}`", consent=None)


@fixes("aliases-used")
def aliases(finding: Finding, context: Context) -> Iterator[Proposal]:
    """Write the members of the aliases in full, and remove the aliases."""
    file, data = finding.place.file, context.data(finding.place.file)
    try:
        whole = expanded(data)
    except Exception:  # noqa: BLE001 - then nothing can fix it, and aliases-broken says so
        return
    changes = [Part(file, change) for change in _differences((), data, whole)]
    changes.append(Part(file, Remove(("_aliases",))))
    yield Proposal(
        tuple(changes), "write the members of the aliases in full, and remove `_aliases`"
    )


@fixes("duplicate-key")
def duplicates(finding: Finding, context: Context) -> Iterator[Proposal]:
    """Of a key that occurs twice, keep the last one, because MAAS reads that one."""
    part = Part(finding.place.file, RemoveDuplicates(finding.place.path))
    what = f"keep only the last `{finding.place.path[-1]}`"
    yield Proposal((part,), what, consent=UNSAFE)


@fixes("file-shape-mixed")
def split(finding: Finding, context: Context) -> Iterator[Proposal]:
    """Split a file with products of several kinds into one file for each kind, as 3.8 needs it."""
    file, data = finding.place.file, context.data(finding.place.file)
    index = context.look.stream.start
    entries = context.at(Place(index, ("index",)))
    key = data.get("content_id") if isinstance(data, dict) else None
    if not isinstance(entries, dict) or not isinstance(key, str) or not file.endswith(".json"):
        return
    products = data.get("products")
    kinds: dict[str, dict[str, Any]] = {}
    for name, product in (products if isinstance(products, dict) else {}).items():
        kinds.setdefault(_kind(product, context), {})[name] = product
    if len(kinds) < 2:
        return
    others = list(kinds)[1:]
    parts = [Part(file, Remove(("products", name))) for kind in others for name in kinds[kind]]
    added, renamed = {}, []
    head = {name: value for name, value in data.items() if name != "products"}
    for kind in others:
        path, named = _free(file.removesuffix(".json"), key, kind, entries, context)
        added[path] = {**head, "content_id": named, "products": kinds[kind]}
        parts.append(Part(index, Set(("index", named), entry_of(path, added[path], context))))
        renamed += [
            (Place(file, ("products", name)), Place(path, ("products", name)))
            for name in kinds[kind]
        ]
    what = f"move the {' and '.join(others)} products into files of their own"
    yield Proposal(tuple(parts), what, UNSAFE, added, tuple(renamed))


def _free(
    stem: str, key: str, kind: str, entries: dict[str, Any], context: Context
) -> tuple[str, str]:
    """An unused path and content id."""
    endings = chain([kind], (f"{kind}-{number}" for number in count(2)))
    names = ((f"{stem}-{ending}.json", f"{key}-{ending}") for ending in endings)
    return next((p, n) for p, n in names if n not in entries and not context.exists(p))


def entry_of(path: str, data: dict[str, Any], context: Context) -> dict[str, Any]:
    """An index's entry for a products file."""
    return {
        "datatype": data.get("datatype") or DATATYPE,
        "format": PRODUCTS_FORMAT,
        "path": path,
        "products": sorted(data["products"]),
        "updated": written(_updated(data, context)),
    }


def tidied(path: str) -> str | None:
    """A path without detours, from the root; ``None`` if it leads out of there."""
    tidy = posixpath.normpath(path.lstrip("/"))
    return None if tidy in (".", "..") or tidy.startswith("../") else tidy


def _set(file: str, path: Any, value: Any, what: str | None = None) -> Proposal:
    told = what or f"write `{path[-1]}`: `{value}`"
    return Proposal((Part(file, Set(path, value)),), told)


def _drop(file: str, path: Any, what: str, consent: str | None = DROP) -> Proposal:
    gone = ((Place(file, path), None),) if path[0] == "products" else ()
    return Proposal((Part(file, Remove(path)),), what, consent, renamed=gone)


def _entry(finding: Finding) -> Place:
    return Place(finding.place.file, finding.place.path[:2])


def _named(entry: dict[str, Any], context: Context) -> dict[str, Any] | None:
    path = entry.get("path")
    data = context.data(path) if isinstance(path, str) else None
    return data if isinstance(data, dict) else None


def _updated(data: dict[str, Any], context: Context) -> Any:
    """The time of a document: its own, else the newest time of its documents, else now."""
    own = moment(data.get("updated"))
    if own is not None:
        return own
    entries = data.get("index")
    times = []
    for entry in entries.values() if isinstance(entries, dict) else ():
        if isinstance(entry, dict):
            times += [
                moment(entry.get("updated")),
                moment((_named(entry, context) or {}).get("updated")),
            ]
    return max((t for t in times if t is not None), default=context.now)


def _holds_images(data: dict[str, Any]) -> bool:
    """Whether there are products and all of them have items with paths."""
    products = data.get("products")
    if not isinstance(products, dict) or not products:
        return False
    notices = of_family("notice")
    return all(
        any(item.get("path") and item.get("ftype") not in notices for item in _items(product))
        for product in products.values()
    )


def _items(product: Any) -> Iterator[dict[str, Any]]:
    versions = product.get("versions") if isinstance(product, dict) else None
    for version in versions.values() if isinstance(versions, dict) else ():
        items = version.get("items") if isinstance(version, dict) else None
        for item in items.values() if isinstance(items, dict) else ():
            if isinstance(item, dict):
                yield item


def _kind(product: Any, context: Context) -> str:
    """Which of the strict engine's shapes of file a product is for."""
    if isinstance(product, dict) and "bootloader-type" in product:
        return "bootloader"
    kernels = [release.ubuntu_set.kernel for release in context.look.releases]
    boots = any(item.get("ftype") in kernels for item in _items(product))
    return "multi-file" if boots else "single-file"


def _loaded(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _differences(path: Any, before: Any, after: Any) -> Iterator[Set]:
    """The values to write so that one tree becomes the other. The second tree lacks nothing."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in after.items():
            if key not in before:
                yield Set((*path, key), value)
            elif path or key != "_aliases":
                yield from _differences((*path, key), before[key], value)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, value in enumerate(after):
            yield from _differences((*path, number), before[number], value)
    elif before != after:
        yield Set(path, after)
