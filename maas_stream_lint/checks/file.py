"""Rules on products files as a whole: text, members, and good products that a bad one stops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.checks.words import kind, listed, shown, value_at
from maas_stream_lint.finding import Place, Severity
from maas_stream_lint.imports.trace import Kind
from maas_stream_lint.quoting import quoted
from maas_stream_lint.rule import Said, cut, rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from maas_stream_lint.document import Document
    from maas_stream_lint.imports.trace import Event, Trace
    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Product, Whole
    from maas_stream_lint.stream import Metadata

#: How many further places a finding lists, and how many of them at most belong to the cause.
MOST, MANY = 100, 20

#: The strict engine's shapes as people call them.
SHAPES = {
    "bootloader": "bootloaders",
    "multi-file": "images with kernel and initrd",
    "single-file": "lone root tarballs",
}

#: What to do about a text that is not JSON, by the kind of its flaw.
TEXT_REMEDIES = {
    "bom": "save the file as UTF-8 without a byte order mark",
    "empty": "publish the file again: it is empty where MAAS reads it",
    "html": "look at the answer with `curl -i`: the server sends an error or login page instead",
    "nul-bytes": "publish the file again: an upload or a mirror has lost its content",
    "trailing-text": "end the file with the closing bracket: two writes may have got into one file",
    "not-utf8": "save the file as plain UTF-8, neither compressed nor UTF-16",
    "too-deep": "write the stream again: no stream is nested like this",
    "huge-number": "write the intended number",
}

CHARSET_REMEDY = "configure the server to send `charset=utf-8` for it, or no charset"
KEPT = "`content_id`, `datatype`, `format`, `updated` and `products`"


@rule("MSL301", Severity.FATAL)
def file_shape_mixed(event: Event, look: Look) -> Iterator[Said]:
    """One products file holds products of several kinds.

    MAAS: up to 3.7 accepts it. MAAS 3.8 knows three kinds of products file: bootloaders, images
        with kernel and initrd (Ubuntu), and lone root tarballs (`root-tgz`). It accepts a file only
        if all products are of one kind. Otherwise it discards the whole source
        (`SimpleStreamsProductListFactory.produce`, maasservicelayer/simplestreams/models.py).
    Why: each kind has its own model, and MAAS compares a file with one model as a whole.
    Fix: write a products file for each kind and name all of them in the index. Give each file a
        `content_id` of its own.
    Example:
        "com.example.maas:rhel-bases:9:amd64": {
    """
    kinds: dict[str, list[str]] = event.values["kinds"]
    most = max(kinds, key=lambda shape: len(kinds[shape]))
    others = [name for shape, names in kinds.items() if shape != most for name in names]
    yield Said(
        f"the file mixes {', '.join(f'{SHAPES[k]} ({len(n):,})' for k, n in kinds.items())}, "
        "expected products of one kind",
        f"move {listed(others)} into a products file for each kind, and name it in the index",
        also=tuple(event.place.below(name) for name in others[:MOST]),
    )


@rule("MSL302", Severity.FATAL)
def file_products_empty(event: Event, look: Look) -> Iterator[Said]:
    """A products file's `products` is empty.

    MAAS: up to 3.7 finds nothing in the file and goes on. 3.8 discards the whole source
        (`SimpleStreamsProductList.preprocess_products`, maasservicelayer/simplestreams/models.py).
    Why: a job that builds a stream may write the file before its first product, or remove the last
        one. On 3.8 that also loses the products of all other files.
    Fix: remove the file from the index until it has a product.
    Example:
        "products": {}
    """
    yield Said(
        "`products` is empty, expected at least one product",
        f"remove {quoted(event.place.file)} from the index until it has a product",
    )


@rule("MSL303", Severity.FATAL, causes=["file-products-missing", "products-not-an-object"])
def file_products_missing(event: Event, look: Look) -> Iterator[Said]:
    """A products file has no `products`, or they are not an object.

    MAAS: up to 3.7 stops the whole import with `KeyError: 'products'` or an AttributeError
        (`check_tree_paths` and `BasicMirrorWriter.sync_products` of the simplestreams library).
        MAAS 3.8 discards the whole source (maasservicelayer/simplestreams/models.py). It takes a
        list only in the form that MAAS itself writes.
    Why: `products` maps each product's name to the product.
    Fix: put the products under `products`, each under its name. If this is not a products file,
        remove it from the index.
    Example:
        "format": "products:1.0",
        "updated": "Sun, 01 Nov 2026 10:00:00 +0000"
    """
    value = value_at(look, Place(event.place.file, ("products",)))
    missing = event.cause == "file-products-missing"
    yield Said(
        f"`products` is {'missing' if missing else kind(value)}, expected an object",
        "put the products under `products`, each under its name, or remove the file from the index",
    )


@rule("MSL304", Severity.FATAL)
def file_content_id(event: Event, look: Look) -> Iterator[Said]:
    """A products file has no `content_id`.

    MAAS: up to 3.7 stops the whole import with `KeyError: 'content_id'`
        (`BasicMirrorWriter.sync_products` of the simplestreams library). The second pass of MAAS
        finds products by `content_id` (`BootResourceRepoWriter`, maasserver/bootresources.py). MAAS
        3.8 discards the whole source (`SimpleStreamsProductList`,
        maasservicelayer/simplestreams/models.py).
    Why: `content_id` names the content of the file. The index lists the file under the same name.
    Fix: add `content_id` at the top of the file, with the key of the file's entry in the index.
    Example:
        "datatype": "image-downloads",
        "format": "products:1.0",
    """
    entry = _entry_of(event.place.file, look)
    yield Said(
        f"`content_id` is {_lacking(event, 'content_id', look)}, expected text",
        f"add `content_id` at the top of the file: {entry or 'the key of its entry in the index'}",
        place=_member(event, "content_id", look),
    )


@rule("MSL305", Severity.FATAL)
def file_format(event: Event, look: Look) -> Iterator[Said]:
    """A products file's `format` is not `products:1.0`.

    MAAS: up to 3.7 stops the whole import with `TypeError: Unknown format '…' in '…'`
        (`BasicMirrorWriter.sync` of the simplestreams library). MAAS 3.8 accepts any text and an
        absent `format`, and discards the source for anything else (`SimpleStreamsProductList`,
        maasservicelayer/simplestreams/models.py).
    Why: the library uses `format` to tell an index from a products file.
    Fix: write `"format": "products:1.0"` at the top of the file.
    Example:
        "format": "products:2.0"
    """
    yield Said(
        f"`format` is {_lacking(event, 'format', look)}, expected `products:1.0`",
        'write `"format": "products:1.0"` at the top of the file',
        place=_member(event, "format", look),
    )


@rule("MSL306", Severity.FATAL)
def file_updated(event: Event, look: Look) -> Iterator[Said]:
    """A products file's `updated` is missing, or in a form that MAAS 3.8 can't read.

    MAAS: up to 3.7 does not read it. MAAS 3.8 discards the whole source unless the text is like
        `Sun, 01 Nov 2026 10:00:00 +0000` or ISO 8601 (`updated_validator`,
        maasservicelayer/simplestreams/models.py).
    Why: the usual mistake is `GMT` or `UTC` at the end. The model expects `+0000`.
    Fix: write the time of publication with a numeric offset: `date -uR` prints it.
    Example:
        "updated": "Sun, 01 Nov 2026 10:00:00 GMT"
    """
    yield Said(
        f"`updated` is {_lacking(event, 'updated', look)}, expected a time like "
        "`Sun, 01 Nov 2026 10:00:00 +0000`",
        "write the time of publication with a numeric offset, as `date -uR` prints it",
        place=_member(event, "updated", look),
    )


@rule("MSL307", Severity.FATAL)
def file_datatype(event: Event, look: Look) -> Iterator[Said]:
    """A products file's `datatype` is neither `image-downloads` nor `image-ids`.

    MAAS: up to 3.7 does not read it. MAAS 3.8 discards the whole source (`Datatype`,
        maasservicelayer/simplestreams/models.py). It does so for `release-notifications`, too:
        Canonical's streams had such a file, and older MAAS shows its messages.
    Why: MAAS 3.8 knows two types, and requires one of them in every file.
    Fix: write `"datatype": "image-downloads"`. Keep release notifications under an index that no
        MAAS 3.8 reads.
    Example:
        "datatype": "image-files"
    """
    value = value_at(look, Place(event.place.file, ("datatype",)))
    notes = value == "release-notifications"
    strict = look.where(lambda release: release.strict)
    yield Said(
        f"`datatype` is {_lacking(event, 'datatype', look)}, "
        "expected `image-downloads` or `image-ids`",
        f"keep release notifications under an index that MAAS {look.span(strict)} does not read"
        if notes
        else 'write `"datatype": "image-downloads"` at the top of the file',
        place=_member(event, "datatype", look),
    )


@rule("MSL308", Severity.FATAL, causes=["not-json", "not-utf8"])
def not_json(event: Event, look: Look) -> Iterator[Said]:
    """A metadata file is not JSON.

    MAAS: up to 3.7 stops the whole import with a JSONDecodeError or UnicodeDecodeError and logs
        `Importing boot resources failed.` with a traceback (`MirrorReader.read_json`, simplestreams
        library). It treats only a 404 as an HTTP error, and parses the error page of a 403 or 500.
        MAAS 3.8 discards the source: `Request to '…' failed: not a valid JSON file.` MAAS 3.8
        decodes the file by the charset of the `Content-Type`, if there is one. MAAS 3.7 and older
        always decode UTF-8 (`SimpleStreamsClient.http_get`,
        maasservicelayer/simplestreams/client.py).
    Why: the usual causes are a cut upload, a page from a server or proxy, a byte order mark from an
        editor, and a trailing comma.
    Fix: correct the text at the place given. `python3 -m json.tool FILE` stops at the same place.
        If the file is signed, sign it again.
    Example:
        "products": {},
        }
    """
    metadata = look.stream.files.get(event.place.file)
    misread = _misread(metadata) if metadata is not None else None
    if misread is not None:
        yield misread
        return
    document = metadata.best if metadata is not None else None
    flaw = document.fatal if document is not None else None
    said = flaw.message if flaw is not None else event.message or ""
    status = metadata.answer.status if metadata is not None else None
    answered = f" (the server answered {status})" if status not in (None, 200) else ""
    yield Said(
        f"the file is not JSON: {said}{answered}",
        TEXT_REMEDIES.get(
            flaw.kind if flaw is not None else "",
            "correct the text there; `python3 -m json.tool FILE` stops at the same place",
        ),
    )


def _misread(metadata: Metadata) -> Said | None:
    """Why only some release lines cannot parse a file: the head of the answer misleads them."""
    if metadata.best is None or metadata.best.fatal is not None:
        return None
    if metadata.misread_charset is not None:
        return Said(misnamed_charset(metadata.misread_charset), CHARSET_REMEDY)
    if metadata.answer.interim is not None:
        return Said(
            f"the server sends an interim answer ({metadata.answer.interim}) before the file, and "
            "MAAS takes it for the file",
            "switch the interim answers off, in nginx `early_hints`",
        )
    return None


def misnamed_charset(charset: str) -> str:
    """What is wrong with a ``Content-Type``."""
    return f"the server says `charset={charset}` of a file that is UTF-8, and MAAS believes it"


@rule("MSL309", Severity.FATAL)
def not_an_object(event: Event, look: Look) -> Iterator[Said]:
    """A metadata file is JSON, but not an object.

    MAAS: up to 3.7 stops the whole import with `AttributeError: '…' object has no attribute 'get'`
        (`BasicMirrorWriter.sync` of the simplestreams library). 3.8 discards the whole source
        (maasservicelayer/simplestreams/client.py).
    Why: an index and a products file are objects, `{…}`. A list of products is another format.
    Fix: publish the file in the form of simplestreams, or remove it from the index.
    Example:
        [
         "com.example.maas:rhel-bases:9:amd64"
        ]
    """
    value = value_at(look, event.place)
    first = event.place.file == look.stream.start
    yield Said(
        f"the file is {kind(value)}, expected an object with "
        f"{'`format`, `index` and `updated`' if first else KEPT}",
        "publish the file in the form of simplestreams"
        + ("" if first else ", or remove it from the index"),
    )


@rule("MSL311", Severity.WARNING, on="stream")
def duplicate_key(whole: Whole, look: Look) -> Iterator[Said]:
    """A key occurs twice in one object.

    MAAS: uses the last value on every release line, and logs nothing (Python's `json.loads`).
    Why: if two products have one name, MAAS loses the first. If an item has two `path`s, MAAS may
        use the wrong one. Templates and merges by hand write such files; programs that write JSON
        do not.
    Fix: keep the right one and delete the other. If you need both, for example two products of one
        name, rename one.
    Example:
        "label": "stable",
        "label": "candidate",
    """
    for path, document in _documents(look):
        for flaw in document.flaws:
            if flaw.kind == "duplicate-key":
                yield Said(
                    f"the key {quoted(str(flaw.path[-1]))} occurs twice in one object",
                    "keep the right one and delete the other",
                    place=Place(path, flaw.path),
                    effect="takes the last one, and never sees the other",
                )


@rule("MSL312", Severity.WARNING, on="stream")
def not_a_number(whole: Whole, look: Look) -> Iterator[Said]:
    """A file holds `NaN` or `Infinity`, which JSON does not have.

    MAAS: reads it on every release line, because Python's `json.loads` does. Where MAAS needs a
        number, as in `size`, it refuses the value: that is another finding.
    Why: other readers, such as `jq`, refuse the whole file. A failed computation usually causes it.
    Fix: write the intended number, or remove the member.
    Example:
        "compression_ratio": NaN,
    """
    yield from _oddities("nan", "which JSON does not have", "write the intended number", look)


@rule("MSL313", Severity.WARNING, on="stream")
def lone_surrogate(whole: Whole, look: Look) -> Iterator[Said]:
    r"""A text holds half a character: an escape like `\ud83d` without its other half.

    MAAS: reads it on every release line, as Python's `json.loads` does. If MAAS stores the text
        in its database, the import fails: that is another finding (MSL443).
    Why: no program can write the text as UTF-8, so other tools refuse the file. The usual cause is
        a text that was cut in the middle of an emoji.
    Fix: write the whole character, or delete the escape.
    Example:
        "note": "ready \ud83d",
    """
    stored = {
        (line, event.place.file)
        for trace in look.traces
        for event in trace.events
        if event.cause == "lone-surrogate-stored"
        for line in trace.lines
    }
    for said in _oddities(
        "lone-surrogate",
        "half a character",
        "write the whole character, or delete the escape",
        look,
    ):
        assert said.place is not None
        file = said.place.file
        lines = tuple(line for line in look.lines if (line, file) not in stored)
        yield Said(said.message, said.remedy, said.place, said.also, lines, effect=said.effect)


@rule(
    "MSL314",
    Severity.FATAL,
    causes=[
        "product-not-an-object",
        "versions-not-an-object",
        "version-not-an-object",
        "items-not-an-object",
        "item-not-an-object",
    ],
)
def malformed_node(event: Event, look: Look) -> Iterator[Said]:
    """A product, a version or an item is not an object.

    MAAS: up to 3.7 stops the whole import with an AttributeError (`check_tree_paths` of the
        simplestreams library goes through every version of every product). MAAS 3.8 discards the
        whole source (maasservicelayer/simplestreams/models.py).
    Why: `products`, `versions` and `items` are objects, and so are their members. A list, a text or
        `null` does not fit there.
    Fix: write it as an object. If it has no content yet, remove it instead of writing `null`.
    Example:
        "versions": [
    """
    what = event.cause.removesuffix("-not-an-object")
    name = str(event.place.path[-1])
    called = f"`{what}`" if name == what else f"the {what} {quoted(name)}"
    value = event.values["value"] if "value" in event.values else value_at(look, event.place)
    yield Said(
        f"{called} is {kind(value)}, expected an object",
        "write it as an object, or remove it",
    )


@rule("MSL315", Severity.IGNORED, on="stream")
def good_products_lost(whole: Whole, look: Look) -> Iterator[Said]:
    """MAAS does not import good products, because of a bad one.

    MAAS: up to 3.7 reads all products in one run. An exception over one product ends the whole
        import, of this source and of every other (`_import_resources`,
        maasserver/bootresources.py). MAAS 3.8 judges a products file as a whole, and discards the
        source for one bad file (`SimpleStreamsClient.get_all_products`,
        maasservicelayer/simplestreams/client.py). A product that fails later fails its selection:
        all products of the same os, release and arch. A bootloader fails every selection
        (maasservicelayer/services/image_sync.py).
    Why: MAAS's log names the bad product at best. This finding names the good ones: the images that
        will be missing.
    Fix: fix the bad product; its own finding says how. Until then, remove it from the products
        file, and MAAS imports the good ones. If it is the only product of its file, remove the file
        from the index. Sign the changed files again.
    Example:
        "com.example.maas:rhel-bases:8:amd64": {
    """
    for trace in look.traces:
        for bad, good in _losses(trace, look):
            one = len(bad) == 1
            many = "product" if len(good) == 1 else "products"
            named = listed((_name(p) for p in bad), 2)
            yield Said(
                f"{'one bad product' if one else f'{len(bad):,} bad products'}, {named}, "
                f"{'keeps' if one else 'keep'} MAAS from importing {len(good):,} good {many}: "
                f"{listed(_name(p) for p in good)}",
                _way_out(bad, trace, look),
                # Of many, none is the one to look at.
                place=bad[0] if one else Place(bad[0].file, ("products",)),
                also=tuple(good if one and trace.fatal is None else (*bad[:MANY], *good[:MOST])),
                lines=trace.lines,
                effect="imports none of them, although nothing is wrong with them"
                if len(good) > 1
                else "does not import it, although nothing is wrong with it",
            )


def _losses(trace: Trace, look: Look) -> Iterator[tuple[list[Place], list[Place]]]:
    """Groups of bad products, each with the good products that MAAS loses because of them."""
    if trace.fatal is not None:
        if trace.fatal.place.product is not None:
            bad = _culprits(trace, Kind.ABORT)
            good = [place for place in _otherwise_imported(trace, look) if place not in bad]
            if good:
                yield list(bad), good
        return
    lost: dict[Place, list[Place]] = {}
    if trace.aborted:
        here = trace.imported.products
        for product in _untroubled(trace, look):
            if (product.file.path, product.name) not in here:
                event = _refusal(product, trace)
                if event is not None:
                    lost.setdefault(cut(event.place, "product"), []).append(product.place)
    for culprit, good in lost.items():
        yield [culprit], good


def _culprits(trace: Trace, kind_: Kind) -> dict[Place, None]:
    return {
        cut(e.place, "product"): None
        for e in trace.events
        if e.kind is kind_ and e.place.product is not None
    }


def _otherwise_imported(trace: Trace, look: Look) -> Iterable[Place]:
    """The products that the import would have taken without its exceptions."""
    if trace.strict:
        return [product.place for product in _untroubled(trace, look)]
    return dict.fromkeys(Place(i.file, ("products", i.product)) for i in trace.imported)


def _untroubled(trace: Trace, look: Look) -> Iterator[Product]:
    """Products with something to import, which cause no event."""
    troubled = {
        (e.place.file, e.place.product)
        for e in trace.events
        if e.kind is not Kind.DROP or e.place.item is None
    }
    table = look.catalog.columns
    for product, items in zip(table.products, table.sizes, strict=True):
        if items and (product.file.path, product.name) not in troubled:
            yield product


def _refusal(product: Product, trace: Trace) -> Event | None:
    """The event that fails a product's selection."""
    if product.bootloader:  # it comes with every selection
        return next(iter(trace.aborted.values()))
    os, release, arch = (str(product.raw.get(f)) for f in ("os", "release", "arch"))
    return trace.aborted.get((os, release, arch))


def _way_out(bad: list[Place], trace: Trace, look: Look) -> str:
    """What makes MAAS import the good products at once."""
    there = {file.path: file.products for file in look.catalog.files}
    files, named = sorted({p.file for p in bad}), {(p.file, p.product) for p in bad}
    emptied = [f for f in files if all((f, p.name) in named for p in there.get(f, ()))]
    others = [path for path in files if path not in emptied]
    one, it = ("one", "it") if len(bad) == 1 else ("ones", "them")
    ways = [f"{it} from {listed(others)}"] if others else []
    ways += [f"{listed(emptied)} from the index"] if emptied else []
    elsewhere = any(e.kind is Kind.ABORT and e.place.product is None for e in trace.events)
    also = "; fix the other fatal findings, too" if elsewhere else ""
    return f"fix the bad {one}; until then, remove {' and '.join(ways)}{also}"


def _name(place: Place) -> str:
    return place.product or ""


def _documents(look: Look) -> Iterator[tuple[str, Document]]:
    for path, metadata in look.stream.files.items():
        document = metadata.best
        if document is not None and document.flaws:
            yield path, document


def _oddities(kind_: str, what: str, remedy: str, look: Look) -> Iterator[Said]:
    """One finding in each file for all flaws of one kind. These flaws have no path."""
    for path, document in _documents(look):
        found = [flaw for flaw in document.flaws if flaw.kind == kind_]
        if found:
            words = list(dict.fromkeys(flaw.message.split(" ")[0] for flaw in found))
            places = [Place(path, (), *document.position(f.offset)) for f in found[:20]]
            times = f" ({len(found):,} times)" if len(found) > 1 else ""
            yield Said(
                f"the file holds {listed(words)}{times}, {what}",
                remedy,
                place=places[0],
                also=tuple(places[1:]),
                effect="reads it, but other tools refuse the file",
            )


def _member(event: Event, name: str, look: Look) -> Place:
    """The place of a member of the file, or the file itself if the member is absent."""
    data: Any = value_at(look, Place(event.place.file))
    return Place(event.place.file, (name,) if isinstance(data, dict) and name in data else ())


def _lacking(event: Event, name: str, look: Look) -> str:
    at = _member(event, name, look)
    return shown(value_at(look, at)) if at.path else "missing"


def _entry_of(file: str, look: Look) -> str | None:
    """The key of the index entry that names a file."""
    for index in look.catalog.indexes:
        for entry in index.entries:
            if entry.names == file:
                return quoted(entry.content_id)
    return None
