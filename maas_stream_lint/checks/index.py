"""Rules on the index: its own members, its entries, and the files that these name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.checks.words import kind, listed, shown, value_at
from maas_stream_lint.finding import Place, Severity
from maas_stream_lint.imports.paths import unsafe_path
from maas_stream_lint.imports.trace import Event
from maas_stream_lint.quoting import quoted
from maas_stream_lint.rule import Said, cut, rule
from maas_stream_lint.stream import expanded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Entry, Index, Whole

MOMENT = "a time like `Sun, 01 Nov 2026 10:00:00 +0000`"
#: Steps from an index to an entry.
ENTRY = 2


# -- the index itself -------------------------------------------------------------------------


@rule("MSL201", Severity.FATAL)
def index_format(event: Event, look: Look) -> Iterator[Said]:
    """The index's `format` is not `index:1.0`.

    MAAS: up to 3.7 stops the import from every source with `TypeError: Unknown format '…' in '…'`
        (`sync`, simplestreams/mirrors). 3.8 only demands that it be text, if it is there at all,
        and does not look at which (`SimpleStreamsIndexList`,
        maasservicelayer/simplestreams/models.py).
    Why: the old reader tells an index from a products file by this member alone.
    Fix: write `"format": "index:1.0"` at the top of the index.
    Example:
        "format": "index:2.0",
    """
    yield Said(
        f"`format` is {_found(event, 'format', look)}, expected `index:1.0`",
        'write `"format": "index:1.0"` at the top of the index',
        place=_member(event.place.file, "format", look),
    )


@rule("MSL202", Severity.FATAL)
def index_updated(event: Event, look: Look) -> Iterator[Said]:
    """The index's `updated` is missing, or in a form that MAAS 3.8 can't read.

    MAAS: up to 3.7 never looks at it. 3.8 discards the whole source unless it is like `Sun, 01
        Nov 2026 10:00:00 +0000` or ISO 8601: `Got invalid data for the index file`
        (`updated_validator`, maasservicelayer/simplestreams/models.py).
    Why: the usual slip is `GMT` or `UTC` at the end, where the model wants `+0000`.
    Fix: write the time of publication with a numeric offset: `date -uR` prints it.
    Example:
        "updated": "Sun, 01 Nov 2026 10:00:00 GMT"
    """
    yield Said(
        f"`updated` is {_found(event, 'updated', look)}, expected {MOMENT}",
        "write the time of publication with a numeric offset, as `date -uR` prints it",
        place=_member(event.place.file, "updated", look),
    )


@rule("MSL203", Severity.FATAL, on="index", causes=["index-empty"])
def index_empty(seen: Event | Index, look: Look) -> Iterator[Said]:
    """The index names no files.

    MAAS: up to 3.7 imports nothing of an empty `index`; if no other source has images, the log
        says `Unable to import boot images, no image descriptions avaliable.` Without `index`, or
        with one that is no object, it stops the import from every source with a TypeError
        (`check_tree_paths`, simplestreams/mirrors). 3.8 discards the source in all these cases:
        `Got invalid data for the index file` (`SimpleStreamsIndexList`,
        maasservicelayer/simplestreams/models.py).
    Why: mostly a tool has written the index before the products files, or its filter let none
        pass.
    Fix: write an entry for each products file, with `path`, `format`, `updated` and `products`.
    Example:
        "index": {},
    """
    remedy = "write an entry with `path`, `format`, `updated` and `products` for each products file"
    if isinstance(seen, Event):
        file = seen.place.file
        index = value_at(look, Place(file, ("index",)))
        if isinstance(index, dict):
            what = "is empty"
        else:
            what = "is missing" if not _member(file, "index", look).path else f"is {kind(index)}"
        yield Said(
            f"`index` {what}, expected an object with an entry for each products file",
            remedy,
            place=_member(file, "index", look),
        )
    elif seen.raw.get("index") == {}:
        yield Said(
            "`index` is empty, expected an object with an entry for each products file",
            remedy,
            place=seen.place.below("index"),
            lines=look.where(lambda release: not release.strict),
            severity=Severity.WARNING,
            effect="imports nothing from this source",
        )


@rule("MSL215", Severity.FATAL, causes=["index-names-itself", "entry-nested-index"])
def index_names_itself(event: Event, look: Look) -> Iterator[Said]:
    """An index names itself, or another that leads back to it.

    MAAS: up to 3.7 reads the index again and again until Python gives up, and stops the import
        from every source with `RecursionError: maximum recursion depth exceeded` (`sync_index`,
        simplestreams/mirrors). 3.8 reads what an index names as products files, and refuses an
        index there anyway.
    Why: a tool that lists all `.json` files below `streams/v1` lists the index, too.
    Fix: take the entry out.
    Example:
        "path": "streams/v1/index.json",
    """
    path, place = event.values.get("path"), event.place
    if path is None:  # of the strict engine, which only says that it is no products file
        path = place.file
        if path != look.stream.start:
            return  # a case of entry_nested_index
        named = (entry for index in look.catalog.indexes for entry in index.entries)
        place = next((e.place.below("path") for e in named if e.names == path), place)
    yield Said(
        f"{quoted(str(path))} leads back to the index that names it",
        "take the entry out of the index",
        place=place,
    )


@rule("MSL216", Severity.WARNING, on="stream")
def aliases_used(whole: Whole, look: Look) -> Iterator[Said]:
    """A file uses `_aliases`, which MAAS 3.8 does not expand.

    MAAS: up to 3.7 puts what an alias stands for beside the member that uses it (`expand_tree`,
        simplestreams/util.py). 3.8 knows no aliases: what they stand for is missing, which is
        mostly a fault of its own (maasservicelayer/simplestreams/models.py).
    Why: aliases are part of simplestreams, but no MAAS stream has needed them.
    Fix: write out what they stand for, and drop `_aliases`.
    Example:
        "_aliases": {
    """
    lines = look.where(lambda release: release.strict)
    if not lines:
        return
    for path, file in look.stream.files.items():
        data = file.best.data if file.best is not None else None
        if not isinstance(data, dict) or not isinstance(data.get("_aliases"), dict):
            continue
        try:
            used = expanded(data) != data
        except Exception:  # noqa: BLE001, S112 - aliases_broken says what is wrong with them
            continue
        if used:
            yield Said(
                "`_aliases` is used, expected all members to be written out",
                "write out what the aliases stand for, and drop `_aliases`",
                place=Place(path, ("_aliases",)),
                lines=lines,
                effect="does not expand it, so that what it stands for is missing",
            )


@rule("MSL217", Severity.FATAL)
def aliases_broken(event: Event, look: Look) -> Iterator[Said]:
    """A file's `_aliases` can't be expanded.

    MAAS: up to 3.7 stops the import from every source with the exception that its reader stumbles
        into: a KeyError for an alias that is not defined, a TypeError or ValueError for one that
        is no object, a RecursionError for one that leads back to itself (`expand_tree`,
        simplestreams/util.py); and for one that makes an index of a products file or the other way
        round (`check_tree_paths`, simplestreams/mirrors). 3.8 does not look at `_aliases`.
    Why: once a member has an alias, every text in the file under that name must be one.
    Fix: write out what the aliases stand for, and drop `_aliases`.
    Example:
        "label": "stable",
    """
    why = {
        "KeyError": f"none is defined for {quoted((event.message or '')[1:-1])}",
        "RecursionError": "it leads back to itself",
    }
    what = why.get(event.exception or "", "an alias must be an object")
    said = f"`_aliases` can't be expanded: {what}"
    if "format" in event.values:
        said = f"`_aliases` turn the file's `format` into {quoted(event.values['format'])}"
    yield Said(
        said,
        "write out what the aliases stand for, and drop `_aliases`",
    )


@rule("MSL218", Severity.FATAL)
def reserved_member(event: Event, look: Look) -> Iterator[Said]:
    """An object brings the very member that MAAS 3.8 adds to it.

    MAAS: up to 3.7 overwrites or ignores it. 3.8 hands the key of each entry, product and version
        on as `name`, `product_name` and `version_name`. One that is there already is given twice:
        `TypeError: … got multiple values for keyword argument 'name'`, and the whole source is
        discarded (`preprocess_index` and its like, maasservicelayer/simplestreams/models.py). An
        item keyed `version_name` takes the place of the version's name, and is no text.
    Why: the key is the name; saying it again was harmless for ten years.
    Fix: drop the member.
    Example:
        "name": "Ubuntu images"
    """
    member = quoted(str(event.values["member"]))
    yield Said(
        f"there is a member {member}, which MAAS makes of the object's own key",
        f"drop {member}",
    )


@rule("MSL219", Severity.WARNING, on="index")
def one_file_two_entries(index: Index, look: Look) -> Iterator[Said]:
    """Several entries name the same file.

    MAAS: reads the file once for each of them. Nothing is lost and nothing gained: up to 3.7 the
        second reading repeats the first (`sync_index`, simplestreams/mirrors), on 3.8 each
        product is listed twice (`get_all_products`, maasservicelayer/simplestreams/client.py).
    Why: mostly one entry was copied and its `path` forgotten. Then another file is named by none.
    Fix: correct the `path`, or drop the entry that is too many.
    Example:
        "com.example.maas:bases-download": {
            "datatype": "image-downloads",
            "format": "products:1.0",
            "path": "streams/v1/com.example.maas:v3:download.json",
    """
    named: dict[str, list[Entry]] = {}
    for entry in index.entries:
        if entry.names is not None:
            named.setdefault(entry.names, []).append(entry)
    for path, entries in named.items():
        if len(entries) > 1:
            keys = listed(entry.content_id for entry in entries)
            yield Said(
                f"{quoted(path)} is named by {len(entries)} entries: {keys}",
                "correct the `path` that was copied, or drop the entry",
                place=entries[1].place.below("path"),
                also=tuple(entry.place.below("path") for entry in (entries[0], *entries[2:100])),
                effect="reads the file once for each",
            )


# -- entries ----------------------------------------------------------------------------------


@rule("MSL204", Severity.FATAL, at="entry")
def entry_path_missing(event: Event, look: Look) -> Iterator[Said]:
    """An entry names no file.

    MAAS: up to 3.7 skips it without a word (`sync_index`, simplestreams/mirrors). 3.8 demands a
        path and discards the whole source; an empty one it asks the server for (`IndexContent`,
        maasservicelayer/simplestreams/models.py).
    Why: the entry's key is a name for people. Only `path` leads to a file.
    Fix: write the path of the products file, from the root of the stream.
    Example:
        "com.example.maas:v3:download": {
            "datatype": "image-downloads",
            "format": "products:1.0",
            "products": [
    """
    yield Said(
        f"the entry {_key(event)} has no `path`",
        "write the path of its products file, from the root: `streams/v1/….json`",
        effect=None if event.exception else "skips the entry, and all that is in its file",
    )


@rule("MSL205", Severity.IGNORED, causes=["entry-format-missing", "entry-format-not-text"])
def entry_format_missing(event: Event, look: Look) -> Iterator[Said]:
    """An entry's `format` is not `products:1.0`, so MAAS skips its file without a word.

    MAAS: up to 3.7 reads the file of an entry only if its `format` is `products:1.0` or
        `index:1.0`, and logs nothing about the others (`sync_index`, simplestreams/mirrors). 3.8
        only demands that it be text, if it is there (`IndexContent`,
        maasservicelayer/simplestreams/models.py).
    Why: this is the quietest way to lose a whole file. The index looks right, the source works,
        and the images just are not there.
    Fix: write `"format": "products:1.0"` into the entry; that of the file itself does not count
        here.
    Example:
        "com.example.maas:v3:download": {
            "datatype": "image-downloads",
            "path": "streams/v1/com.example.maas:v3:download.json",
    """
    entry = cut(event.place, "entry")
    value = event.values.get("value", event.values.get("format"))
    what = "has no `format`" if value is None else f"has the `format` {shown(value)}"
    yield Said(
        f"the entry {_key(event)} {what}, expected `products:1.0`",
        'write `"format": "products:1.0"` into the entry',
        place=entry if value is None else None,
        effect=None if event.exception else "skips the file of this entry without a word",
    )


@rule("MSL206", Severity.FATAL)
def entry_updated_missing(event: Event, look: Look) -> Iterator[Said]:
    """An entry's `updated` is missing, or in a form that MAAS 3.8 can't read.

    MAAS: up to 3.7 never looks at it. 3.8 discards the whole source unless it is like `Sun, 01
        Nov 2026 10:00:00 +0000` or ISO 8601: `Got invalid data for the index file`
        (`IndexContent`, maasservicelayer/simplestreams/models.py).
    Why: 3.8 demands it in the index, in each of its entries, and in each products file.
    Fix: copy the `updated` of the products file, with a numeric offset: `date -uR` prints it.
    Example:
        "updated": "2026-11-01 at noon"
    """
    value = event.values.get("value")
    what = "has no `updated`" if value is None else f"has the `updated` {shown(value)}"
    yield Said(
        f"the entry {_key(event)} {what}, expected {MOMENT}",
        "copy the `updated` of its products file, with a numeric offset, as `date -uR` prints it",
    )


@rule("MSL207", Severity.FATAL)
def entry_products_missing(event: Event, look: Look) -> Iterator[Said]:
    """An entry lacks its list of products.

    MAAS: up to 3.7 never looks at it. 3.8 demands a list of texts, which may be empty, and
        discards the whole source without one: `Got invalid data for the index file`
        (`IndexContent`, maasservicelayer/simplestreams/models.py).
    Why: the list lets a reader see what is in a file without fetching it. MAAS itself never uses
        it, and yet demands it.
    Fix: list the names of all products of the file, sorted.
    Example:
        "com.example.maas:v3:download": {
            "datatype": "image-downloads",
            "format": "products:1.0",
            "path": "streams/v1/com.example.maas:v3:download.json",
            "updated": "Sun, 01 Nov 2026 10:00:00 +0000"
    """
    value = event.values.get("value")
    if isinstance(value, list):
        what = "lists products that are no text"
    else:
        what = "has no `products`" if value is None else f"has as `products` {kind(value)}"
    yield Said(
        f"the entry {_key(event)} {what}, expected a list of product names",
        "list the names of all products of the file, or write an empty list",
    )


@rule("MSL208", Severity.WARNING, on="entry")
def entry_products_stale(entry: Entry, look: Look) -> Iterator[Said]:
    """An entry's list of products is not what its file holds.

    MAAS: goes by the file and compares the two on no line (`sync_index`, simplestreams/mirrors;
        `IndexContent`, maasservicelayer/simplestreams/models.py).
    Why: index and file are from two different runs, or one of them is an old copy from a cache.
        Other readers of simplestreams do go by the list.
    Fix: write the index anew from the files, and publish it last.
    Example:
        "products": [
            "com.example.maas:v3:boot:22.04:amd64:ga-22.04"
        ],
    """
    listed_names = entry.raw.get("products")
    products = value_at(look, Place(entry.names or "", ("products",)))
    if not isinstance(listed_names, list) or not isinstance(products, dict):
        return
    names = {name for name in listed_names if isinstance(name, str)}
    only_here, only_there = sorted(names - set(products)), sorted(set(products) - names)
    parts = []
    if only_here:
        parts.append(f"{listed(only_here)} only in the list")
    if only_there:
        parts.append(f"{listed(only_there)} only in the file")
    if parts:
        yield Said(
            f"`products` is not what {quoted(entry.names or '')} holds: {'; '.join(parts)}",
            "write the index anew from the files, and publish it last",
            place=entry.place.below("products"),
            effect="goes by the file",
        )


@rule("MSL209", Severity.FATAL)
def entry_datatype(event: Event, look: Look) -> Iterator[Said]:
    """An entry's `datatype` is one that MAAS 3.8 does not know.

    MAAS: up to 3.7 never looks at it. 3.8 takes `image-downloads`, `image-ids` or none; for any
        other it refuses the *whole index*, and with it the source (`Datatype`,
        maasservicelayer/simplestreams/models.py). That hits the `release-notifications` that
        older MAAS reads.
    Why: 3.8 has an enumeration of two types, and one entry that does not fit spoils all.
    Fix: write `"datatype": "image-downloads"`. Keep release notifications under an index that no
        MAAS 3.8 reads.
    Example:
        "datatype": "release-notifications",
    """
    value = event.values.get("value")
    yield Said(
        f"the entry {_key(event)} has the `datatype` {shown(value)}, expected `image-downloads` "
        "or `image-ids`",
        "keep release notifications under an index that no MAAS 3.8 reads"
        if value == "release-notifications"
        else 'write `"datatype": "image-downloads"` into the entry',
    )


@rule("MSL210", Severity.WARNING, on="entry")
def entry_content_id_mismatch(entry: Entry, look: Look) -> Iterator[Said]:
    """An entry's key is not the `content_id` of the file that it names.

    MAAS: goes by the file's own `content_id` and compares the two on no line (`sync_products`,
        simplestreams/mirrors; maasservicelayer/simplestreams/models.py).
    Why: mostly the `path` of one entry went to another. Mirroring tools that file by `content_id`
        then put things into the wrong place.
    Fix: name the entry after the file's `content_id`, or correct its `path`.
    Example:
        "content_id": "com.example.maas:v3:download",
    """
    own = value_at(look, Place(entry.names or "", ("content_id",)))
    if isinstance(own, str) and own != entry.content_id:
        yield Said(
            f"the entry {quoted(entry.content_id)} names a file with the `content_id` {shown(own)}",
            "name the entry after the file's `content_id`, or correct its `path`",
            also=(Place(entry.names or "", ("content_id",)),),
            effect="goes by the file's own `content_id`",
        )


@rule("MSL214", Severity.FATAL, causes=["entry-not-an-object", "entry-path-not-text"])
def entry_not_an_object(event: Event, look: Look) -> Iterator[Said]:
    """An entry of the index is no object, or its `path` is no text.

    MAAS: up to 3.7 stops the import from every source with an AttributeError or a TypeError
        (`check_tree_paths` and `sync_index`, simplestreams/mirrors). 3.8 discards the whole
        source (`preprocess_index`, maasservicelayer/simplestreams/models.py).
    Why: an entry says more of a file than where it is: `format`, `updated`, `products`.
    Fix: write an object with `path`, `format`, `updated` and `products`.
    Example:
        "com.example.maas:v3:download": "streams/v1/com.example.maas:v3:download.json"
    """
    value = event.values.get("value", event.values.get("path"))
    if event.cause == "entry-path-not-text":
        what = f"has as `path` {kind(value)}, expected text"
    elif isinstance(value, dict):
        what = "has no `name`"  # a list of entries, which only 3.8 takes
    else:
        what = f"is {kind(value)}, expected an object"
    yield Said(
        f"the entry {_key(event)} {what}",
        "write an object with `path`, `format`, `updated` and `products`",
    )


# -- the files that entries name --------------------------------------------------------------


@rule("MSL211", Severity.FATAL)
def entry_file_missing(event: Event, look: Look) -> Iterator[Said]:
    """The index names a file that can't be had.

    MAAS: up to 3.7 stops the import from every source: `I/O error while syncing boot images`. Of
        a 403 or 500 it reads the error page as if it were the file, and complains of its contents
        (`RequestsUrlReader`, simplestreams/contentsource.py). 3.8 discards this source: `Request
        to '…' failed: 404 Not Found` (`http_get`, maasservicelayer/simplestreams/client.py).
    Why: a mirror is half done, an upload was refused, or the index was published before its
        files.
    Fix: publish the file, then the index; or drop the entry. `:` in a name upsets some proxies:
        the file may have any name, as long as `path` says so.
    Example:
        "path": "streams/v1/com.example.maas:v3:daily.json",
    """
    path = str(event.values["path"])
    trouble = look.stream.files[path].trouble
    yield Said(
        f"the index names {quoted(path)}, which can't be had: {trouble.message}", trouble.hint
    )


@rule("MSL212", Severity.FATAL)
def entry_nested_index(event: Event, look: Look) -> Iterator[Said]:
    """The index names another index.

    MAAS: up to 3.7 follows it (`sync`, simplestreams/mirrors). 3.8 reads every file that an index
        names as a products file, and discards the whole source: `Got invalid data for the
        products file` (`get_all_products`, maasservicelayer/simplestreams/client.py).
    Why: the new reader goes one level deep.
    Fix: move the entries of the inner index into the outer one.
    Example:
        "format": "index:1.0",
        "path": "streams/v1/stable.json",
    """
    if event.place.file == look.stream.start:
        return  # a case of index_names_itself
    yield Said(
        f"{quoted(event.place.file)} is an index named by another, expected a products file",
        "move its entries into the index that names it",
    )


@rule("MSL213", Severity.FATAL, on="entry", causes=["unsafe-path-index"])
def unsafe_path_index(seen: Event | Entry, look: Look) -> Iterator[Said]:
    """An entry's path could lead out of the stream.

    MAAS: up to 3.7 refuses a path that is absolute, starts with `../` or has `/../` in it, and
        stops the import from every source: `TypeError: Path '…' is absolute path`
        (`assert_safe_path`, simplestreams/util.py). 3.8 puts it behind the source's URL as it is
        (`get_product`, maasservicelayer/simplestreams/client.py).
    Why: to a mirroring tool such a path would be the place to write to.
    Fix: write the path from the root of the stream, without a slash in front and without dots.
    Example:
        "path": "/streams/v1/com.example.maas:v3:download.json",
    """
    remedy = "write the path from the root of the stream: `streams/v1/….json`"
    if isinstance(seen, Event):
        path = seen.values["path"]
        yield Said(f"the path {shown(path)} could lead out of the stream", remedy)
    elif seen.names is not None and unsafe_path(seen.names) and _exists(seen.names, look):
        yield Said(
            f"the path {shown(seen.names)} could lead out of the stream",
            remedy,
            place=seen.place.below("path"),
            lines=look.where(lambda release: release.strict),
            severity=Severity.WARNING,
            effect="puts it behind the source's URL as it is",
        )


def _exists(path: str, look: Look) -> bool:
    metadata = look.stream.files.get(path)
    return metadata is not None and metadata.exists


def _key(event: Event) -> str:
    """The entry's key, or its number in a list."""
    return quoted(str(event.place.path[1])) if len(event.place.path) >= ENTRY else "of the index"


def _member(file: str, name: str, look: Look) -> Place:
    """Where a member of a file stands, the file itself if it is not there."""
    data = value_at(look, Place(file))
    return Place(file, (name,) if isinstance(data, dict) and name in data else ())


def _found(event: Event, name: str, look: Look) -> str:
    at = _member(event.place.file, name, look)
    return shown(value_at(look, at)) if at.path else "missing"
