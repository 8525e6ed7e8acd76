"""Rules on the index: its own members, its entries, and the files that the entries name."""

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
    """MAAS does not know the `format` of the index.

    MAAS: up to 3.7 MAAS stops the import of every source for any other `format` than `index:1.0`:
        `TypeError: Unknown format '…' in '…'` (`sync`, simplestreams/mirrors). MAAS 3.8 accepts any
        text, and an index without `format` (`SimpleStreamsIndexList`,
        maasservicelayer/simplestreams/models.py).
    Why: the old client recognises an index by this member alone.
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
    """The index has no `updated` that MAAS 3.8 can read.

    MAAS: up to 3.7 MAAS does not read it. MAAS 3.8 needs a time like `Sun, 01 Nov 2026 10:00:00
        +0000` or an ISO 8601 time. Otherwise it discards the whole source: `Got invalid data for
        the index file` (`updated_validator`, maasservicelayer/simplestreams/models.py).
    Why: the usual mistake is `GMT` or `UTC` at the end, where the model needs `+0000`.
    Fix: write the time of publication with a numeric offset. `date -uR` prints it.
    Example:
        "updated": "Sun, 01 Nov 2026 10:00:00 GMT"
    """
    yield Said(
        f"`updated` is {_found(event, 'updated', look)}, expected {MOMENT}",
        "write the time of publication with a numeric offset; `date -uR` prints it",
        place=_member(event.place.file, "updated", look),
    )


@rule("MSL203", Severity.FATAL, on="index", causes=["index-empty"])
def index_empty(seen: Event | Index, look: Look) -> Iterator[Said]:
    """The index names no files, so MAAS imports nothing from this source.

    MAAS: up to 3.7 MAAS imports nothing of an empty `index`. The log says `Unable to import boot
        images, no image descriptions avaliable.` only if no other source has images. If `index` is
        missing or is no object, MAAS stops the import of every source with a TypeError
        (`check_tree_paths`, simplestreams/mirrors). MAAS 3.8 discards the source in all these
        cases: `Got invalid data for the index file` (`SimpleStreamsIndexList`,
        maasservicelayer/simplestreams/models.py).
    Why: a tool wrote the index before the products files, or its filter let no file pass.
        `json2streams --juju-format` writes its entries to `index2.json` and leaves `index.json`
        empty.
    Fix: write an entry for each products file, with `path`, `format`, `updated` and `products`. If
        the entries are in `index2.json`, give MAAS the URL of that file (up to 3.7), or copy the
        entries to `index.json`.
    Example:
        "index": {},
    """
    remedy = "write an entry with `path`, `format`, `updated` and `products` for each products file"
    if look.stream.juju_index is not None:
        other = quoted(look.stream.juju_index)
        remedy = f"the entries are in {other}: copy them, or give MAAS the URL of that file"
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
            severity=Severity.IGNORED,
            effect="imports nothing from this source",
        )


@rule("MSL215", Severity.FATAL, causes=["index-names-itself", "entry-nested-index"])
def index_names_itself(event: Event, look: Look) -> Iterator[Said]:
    """An index names itself, or another index that leads back to it.

    MAAS: up to 3.7 MAAS reads the index again and again until Python gives up. It then stops the
        import of every source with `RecursionError: maximum recursion depth exceeded`
        (`sync_index`, simplestreams/mirrors). MAAS 3.8 reads every file that an index names as a
        products file, and refuses an index there.
    Why: a tool that lists all `.json` files below `streams/v1` lists the index too.
    Fix: remove the entry.
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
        "remove the entry from the index",
        place=place,
    )


@rule("MSL216", Severity.WARNING, on="stream")
def aliases_used(whole: Whole, look: Look) -> Iterator[Said]:
    """A file uses `_aliases`, which MAAS 3.8 does not expand.

    MAAS: up to 3.7 MAAS adds the members of an alias to the object that uses it (`expand_tree`,
        simplestreams/util.py). MAAS 3.8 does not know aliases, so these members are missing. That
        usually causes another finding (maasservicelayer/simplestreams/models.py).
    Why: aliases are part of simplestreams, but no stream of MAAS has needed them.
    Fix: write the members of the alias into each object that uses it, and remove `_aliases`.
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
                "the file uses `_aliases`, expected all members in full",
                "write the members of the aliases in full, and remove `_aliases`",
                place=Place(path, ("_aliases",)),
                lines=lines,
                effect="does not expand the aliases, so their members are missing",
            )


@rule("MSL217", Severity.FATAL)
def aliases_broken(event: Event, look: Look) -> Iterator[Said]:
    """MAAS cannot expand a file's `_aliases`.

    MAAS: up to 3.7 MAAS stops the import of every source with an exception of its reader. An
        undefined alias raises a KeyError. An alias that is no object raises a TypeError or
        ValueError. An alias that leads back to itself raises a RecursionError (`expand_tree`,
        simplestreams/util.py). An alias that changes the file's `format` fails too
        (`check_tree_paths`, simplestreams/mirrors). MAAS 3.8 does not read `_aliases`.
    Why: once a member name has an alias, every text under that name in the file must be an alias.
    Fix: write the members of the alias into each object that uses it, and remove `_aliases`.
    Example:
        "label": "stable",
    """
    why = {
        "KeyError": f"there is no alias {quoted((event.message or '')[1:-1])}",
        "RecursionError": "an alias leads back to itself",
    }
    what = why.get(event.exception or "", "an alias must be an object")
    said = f"MAAS cannot expand `_aliases`: {what}"
    if "format" in event.values:
        said = f"`_aliases` change the file's `format` to {quoted(event.values['format'])}"
    yield Said(
        said,
        "write the members of the aliases in full, and remove `_aliases`",
    )


@rule("MSL218", Severity.FATAL)
def reserved_member(event: Event, look: Look) -> Iterator[Said]:
    """An object has a member that MAAS 3.8 fills in itself.

    MAAS: up to 3.7 MAAS overwrites or ignores the member. MAAS 3.8 passes the key of each entry,
        product and version to its models as `name`, `product_name` and `version_name`. If the
        object already has that member, MAAS passes it twice and fails: `TypeError: … got multiple
        values for keyword argument 'name'`. It then discards the whole source (`preprocess_index`
        and similar functions, maasservicelayer/simplestreams/models.py). An item with the key
        `version_name` hides the version's name, and is no text.
    Why: the key is already the name. Up to 3.7 a repeated name did no harm.
    Fix: remove the member.
    Example:
        "name": "Ubuntu images"
    """
    member = quoted(str(event.values["member"]))
    yield Said(
        f"{member} is a reserved member: MAAS fills it in from the object's key",
        f"remove {member}",
    )


@rule("MSL219", Severity.WARNING, on="index")
def one_file_two_entries(index: Index, look: Look) -> Iterator[Said]:
    """Several entries of the index name the same file.

    MAAS: MAAS reads the file once for each entry. Nothing is lost: up to 3.7 the second reading
        repeats the first (`sync_index`, simplestreams/mirrors), and MAAS 3.8 lists each product
        twice (`get_all_products`, maasservicelayer/simplestreams/client.py).
    Why: somebody copied an entry and did not change its `path`. No entry names the other file then.
    Fix: correct the `path`, or remove the extra entry.
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
                f"{len(entries)} entries name {quoted(path)}: {keys}",
                "correct the copied `path`, or remove the extra entry",
                place=entries[1].place.below("path"),
                also=tuple(entry.place.below("path") for entry in (entries[0], *entries[2:100])),
                effect="reads the file once for each entry",
            )


# -- entries ----------------------------------------------------------------------------------


@rule("MSL204", Severity.FATAL, at="entry")
def entry_path_missing(event: Event, look: Look) -> Iterator[Said]:
    """An entry of the index names no file.

    MAAS: up to 3.7 MAAS skips the entry and logs nothing (`sync_index`, simplestreams/mirrors).
        MAAS 3.8 needs a path and discards the whole source without one. It requests an empty path
        from the server (`IndexContent`, maasservicelayer/simplestreams/models.py).
    Why: the entry's key is a name for people. Only `path` leads to a file.
    Fix: write the path of the products file, relative to the root of the stream.
    Example:
        "com.example.maas:v3:download": {
            "datatype": "image-downloads",
            "format": "products:1.0",
            "products": [
    """
    yield Said(
        f"the entry {_key(event)} has no `path`",
        "write the path of its products file, relative to the root: `streams/v1/….json`",
        effect=None if event.exception else "skips the entry and its file, and logs nothing",
    )


@rule("MSL205", Severity.IGNORED, causes=["entry-format-missing", "entry-format-not-text"])
def entry_format_missing(event: Event, look: Look) -> Iterator[Said]:
    """MAAS skips a products file because its entry has another `format` than `products:1.0`.

    MAAS: up to 3.7 MAAS reads the file of an entry only if the entry's `format` is `products:1.0`
        or `index:1.0`. It logs nothing about other entries (`sync_index`, simplestreams/mirrors).
        MAAS 3.8 accepts any text, and an entry without `format` (`IndexContent`,
        maasservicelayer/simplestreams/models.py).
    Why: MAAS loses a whole file without any message. The index looks right and the source works,
        but the images are missing.
    Fix: write `"format": "products:1.0"` into the entry. The `format` of the file itself does not
        count here.
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
        effect=None if event.exception else "skips the file of this entry, and logs nothing",
    )


@rule("MSL206", Severity.FATAL)
def entry_updated_missing(event: Event, look: Look) -> Iterator[Said]:
    """An entry of the index has no `updated` that MAAS 3.8 can read.

    MAAS: up to 3.7 MAAS does not read it. MAAS 3.8 needs a time like `Sun, 01 Nov 2026 10:00:00
        +0000` or an ISO 8601 time. Otherwise it discards the whole source: `Got invalid data for
        the index file` (`IndexContent`, maasservicelayer/simplestreams/models.py).
    Why: MAAS 3.8 needs the time in the index, in each of its entries and in each products file.
    Fix: copy the `updated` of the products file, with a numeric offset. `date -uR` prints such a
        time.
    Example:
        "updated": "2026-11-01 at noon"
    """
    value = event.values.get("value")
    what = "has no `updated`" if value is None else f"has the `updated` {shown(value)}"
    yield Said(
        f"the entry {_key(event)} {what}, expected {MOMENT}",
        "copy the `updated` of its products file, with a numeric offset; `date -uR` prints it",
    )


@rule("MSL207", Severity.FATAL)
def entry_products_missing(event: Event, look: Look) -> Iterator[Said]:
    """An entry of the index has no list of products.

    MAAS: up to 3.7 MAAS does not read it. MAAS 3.8 needs a list of texts, which can be empty.
        Without a list it discards the whole source: `Got invalid data for the index file`
        (`IndexContent`, maasservicelayer/simplestreams/models.py).
    Why: the list tells a reader what a file holds before it downloads the file. MAAS requires the
        list, but does not use it.
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
        what = "lists products that are not text"
    else:
        what = "has no `products`" if value is None else f"has {kind(value)} as `products`"
    yield Said(
        f"the entry {_key(event)} {what}, expected a list of product names",
        "list the names of all products of the file, or write an empty list",
    )


@rule("MSL208", Severity.WARNING, on="entry")
def entry_products_stale(entry: Entry, look: Look) -> Iterator[Said]:
    """An entry of the index lists other products than its file holds.

    MAAS: MAAS uses the file. No release line compares it with the list (`sync_index`,
        simplestreams/mirrors; `IndexContent`, maasservicelayer/simplestreams/models.py).
    Why: the index and the file are from two different runs, or one of them is an old copy from a
        cache. Other readers of simplestreams use the list.
    Fix: generate the index from the files, and publish it last.
    Example:
        "products": [
            "com.example.maas:v3:boot:22.04:amd64:ga-22.04"
        ],
    """
    listed_names = entry.raw.get("products")
    products = value_at(look, Place(entry.names or "", ("products",)))
    if not isinstance(listed_names, list) or not isinstance(products, dict):
        return
    if listed_names == list(products):
        return  # as most are
    names = {name for name in listed_names if isinstance(name, str)}
    only_here, only_there = sorted(names - products.keys()), sorted(products.keys() - names)
    parts = []
    if only_here:
        parts.append(f"only the list has {listed(only_here)}")
    if only_there:
        parts.append(f"only the file has {listed(only_there)}")
    if parts:
        yield Said(
            f"`products` differs from {quoted(entry.names)}: {'; '.join(parts)}",
            "generate the index from the files, and publish it last",
            place=entry.place.below("products"),
            effect="uses the file and ignores the list",
        )


@rule("MSL209", Severity.FATAL)
def entry_datatype(event: Event, look: Look) -> Iterator[Said]:
    """MAAS 3.8 does not know the `datatype` of an entry and discards the whole source.

    MAAS: up to 3.7 MAAS does not read it. MAAS 3.8 accepts `image-downloads`, `image-ids` or no
        `datatype`. Any other value makes the *whole index* invalid, and MAAS discards the source
        (`Datatype`, maasservicelayer/simplestreams/models.py). One such value is
        `release-notifications`, which older MAAS reads.
    Why: MAAS 3.8 has a list of two types, and one wrong entry makes the index invalid.
    Fix: write `"datatype": "image-downloads"`. Keep release notifications under an index that no
        MAAS 3.8 reads.
    Example:
        "datatype": "release-notifications",
    """
    value = event.values.get("value")
    strict = look.where(lambda release: release.strict)
    yield Said(
        f"the entry {_key(event)} has the `datatype` {shown(value)}, expected `image-downloads` "
        "or `image-ids`",
        f"keep release notifications under an index that MAAS {look.span(strict)} does not read"
        if value == "release-notifications"
        else 'write `"datatype": "image-downloads"` into the entry',
    )


@rule("MSL210", Severity.WARNING, on="entry")
def entry_content_id_mismatch(entry: Entry, look: Look) -> Iterator[Said]:
    """The key of an entry is not the `content_id` of its file.

    MAAS: MAAS uses the file's own `content_id`. No release line compares the two (`sync_products`,
        simplestreams/mirrors; maasservicelayer/simplestreams/models.py).
    Why: usually the entry has the `path` of another file. Mirroring tools that sort files by
        `content_id` then store them in the wrong place.
    Fix: rename the entry to the file's `content_id`, or correct its `path`.
    Example:
        "content_id": "com.example.maas:v3:download",
    """
    own = value_at(look, Place(entry.names or "", ("content_id",)))
    if isinstance(own, str) and own != entry.content_id:
        yield Said(
            f"the entry {quoted(entry.content_id)} names a file with the `content_id` {shown(own)}",
            "rename the entry to the file's `content_id`, or correct its `path`",
            also=(Place(entry.names or "", ("content_id",)),),
            effect="uses the file's own `content_id`",
        )


@rule("MSL214", Severity.FATAL, causes=["entry-not-an-object", "entry-path-not-text"])
def entry_not_an_object(event: Event, look: Look) -> Iterator[Said]:
    """An entry of the index is no object, or its `path` is no text.

    MAAS: up to 3.7 MAAS stops the import of every source with an AttributeError or a TypeError
        (`check_tree_paths` and `sync_index`, simplestreams/mirrors). MAAS 3.8 discards the whole
        source (`preprocess_index`, maasservicelayer/simplestreams/models.py).
    Why: an entry tells more about a file than its path: `format`, `updated` and `products`.
    Fix: write an object with `path`, `format`, `updated` and `products`.
    Example:
        "com.example.maas:v3:download": "streams/v1/com.example.maas:v3:download.json"
    """
    value = event.values.get("value", event.values.get("path"))
    if event.cause == "entry-path-not-text":
        what = f"has {kind(value)} as `path`, expected text"
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
    """The index names a metadata file that MAAS cannot read.

    MAAS: up to 3.7 MAAS stops the import of every source: `I/O error while syncing boot images`. If
        the server answers 403 or 500, MAAS reads the error page as if it were the file, and fails
        on its content (`RequestsUrlReader`, simplestreams/contentsource.py). MAAS 3.8 discards this
        source: `Request to '…' failed: 404 Not Found` (`http_get`,
        maasservicelayer/simplestreams/client.py).
    Why: a mirror is incomplete, an upload was refused, or the index was published before its files.
    Fix: publish the file, and then the index, or remove the entry. Some proxies do not accept `:`
        in a name. The file can have any name that is also in `path`.
    Example:
        "path": "streams/v1/com.example.maas:v3:daily.json",
    """
    path = str(event.values["path"])
    trouble = look.stream.files[path].trouble
    yield Said(
        f"MAAS cannot read {quoted(path)}, which the index names: {trouble.message}", trouble.hint
    )


@rule("MSL212", Severity.FATAL, causes=["entry-nested-index", "index-chain-too-deep"])
def entry_nested_index(event: Event, look: Look) -> Iterator[Said]:
    """The index names another index, which MAAS 3.8 does not read.

    MAAS: up to 3.7 MAAS follows it (`sync`, simplestreams/mirrors). After 500 indexes that name
        each other Python gives up, and MAAS stops the import of every source. MAAS 3.8 reads every
        file that an index names as a products file, and discards the whole source: `Got invalid
        data for the products file` (`get_all_products`, maasservicelayer/simplestreams/client.py).
    Why: the client of MAAS 3.8 reads one level only.
    Fix: move the entries of the inner index into the outer one.
    Example:
        "format": "index:1.0",
        "path": "streams/v1/stable.json",
    """
    if event.place.file == look.stream.start:
        return  # a case of index_names_itself
    if (depth := event.values.get("depth")) is not None:
        yield Said(
            f"{depth} indexes name each other, of which {quoted(event.place.file)} is the last",
            "move the entries of all of them into the first index",
        )
        return
    yield Said(
        f"an index names the index {quoted(event.place.file)}, expected a products file",
        "move its entries into the first index",
    )


@rule("MSL213", Severity.FATAL, on="entry", causes=["unsafe-path-index"])
def unsafe_path_index(seen: Event | Entry, look: Look) -> Iterator[Said]:
    """The path of an entry leads out of the stream.

    MAAS: up to 3.7 MAAS refuses a path that is absolute, starts with `../` or contains `/../`. It
        then stops the import of every source: `TypeError: Path '…' is absolute path`
        (`assert_safe_path`, simplestreams/util.py). MAAS 3.8 adds the path to the source's URL
        unchanged (`get_product`, maasservicelayer/simplestreams/client.py).
    Why: a mirroring tool would write to such a path.
    Fix: write the path relative to the root of the stream, without a leading slash and without
        `..`.
    Example:
        "path": "/streams/v1/com.example.maas:v3:download.json",
    """
    remedy = "write the path relative to the root of the stream: `streams/v1/….json`"
    if isinstance(seen, Event):
        path = seen.values["path"]
        yield Said(f"the path {shown(path)} leads out of the stream", remedy)
    elif seen.names is not None and unsafe_path(seen.names) and _exists(seen.names, look):
        yield Said(
            f"the path {shown(seen.names)} leads out of the stream",
            remedy,
            place=seen.place.below("path"),
            lines=look.where(lambda release: release.strict),
            severity=Severity.WARNING,
            effect="adds the path to the source's URL unchanged",
        )


def _exists(path: str, look: Look) -> bool:
    metadata = look.stream.files.get(path)
    return metadata is not None and metadata.exists


def _key(event: Event) -> str:
    """The entry's key, or its number in a list."""
    return quoted(str(event.place.path[1])) if len(event.place.path) >= ENTRY else "of the index"


def _member(file: str, name: str, look: Look) -> Place:
    """The place of a member of the file, or the file itself if the member is absent."""
    data = value_at(look, Place(file))
    return Place(file, (name,) if isinstance(data, dict) and name in data else ())


def _found(event: Event, name: str, look: Look) -> str:
    at = _member(event.place.file, name, look)
    return shown(value_at(look, at)) if at.path else "missing"
