"""A stream on disk. The tool adds or removes versions and products, and keeps the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.building import metadata_text
from maas_stream_lint.building.planning import GENERIC, Key
from maas_stream_lint.catalog import Catalog
from maas_stream_lint.errors import UsageError
from maas_stream_lint.fixing import jsontext
from maas_stream_lint.fixing.jsontext import Set
from maas_stream_lint.fixing.plan import signature_of
from maas_stream_lint.fixing.publish import named, signed_forms
from maas_stream_lint.output import printable_path
from maas_stream_lint.records import record
from maas_stream_lint.source import open_source
from maas_stream_lint.stream import load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from maas_stream_lint.building.parts import Product
    from maas_stream_lint.fixing.jsontext import Change
    from maas_stream_lint.fixing.publish import Signer
    from maas_stream_lint.model import Entry, File
    from maas_stream_lint.model import Product as Known
    from maas_stream_lint.stream import Metadata

#: Fields of a product that follow its newest version.
_FOLLOWING = ("version", "support_eol")


@record
class Existing:
    """A stream on disk, whose metadata can be read whole."""

    root: Path
    catalog: Catalog

    @property
    def bodies(self) -> dict[str, bytes | None]:
        """Path → content of each file, in all its forms, as it was read."""
        files = self.catalog.stream.files.values()
        answers = [a for f in files for a in (f.answer, f.twin, f.detached) if a is not None]
        return {answer.path: answer.body for answer in answers}

    @property
    def prefix(self) -> str | None:
        """The first part of its products files' names; ``None`` if it has none."""
        return next((_id(f).partition(":")[0] for f in self.catalog.files if _id(f)), None)

    @property
    def versions(self) -> dict[str, list[str]]:
        """Product name → the names of its versions."""
        return {product.name: list(product.versions) for product in self.catalog.products}

    @property
    def names(self) -> dict[Key, str]:
        """The key of a boot resource in MAAS → the name of its product."""
        return {_key(product): product.name for product in reversed(self.catalog.products)}

    def plain(self, changed: Mapping[str, bytes]) -> dict[str, bytes]:
        """All metadata as if nothing were signed, with what is ``changed``."""
        whole = {path: text.encode("utf-8", "surrogatepass") for path, text in self.texts().items()}
        stems = {_stem(path): body for path, body in {**whole, **changed}.items()}
        return {f"{stem}.json": named(body, ".json", stems) for stem, body in stems.items()}

    def texts(self) -> dict[str, str]:
        """Path → JSON of each file, without its signature."""
        return {path: _text(metadata) for path, metadata in self.catalog.stream.files.items()}

    def applied(self, changes: Mapping[str, list[Change]]) -> dict[str, bytes]:
        """Path → the new content of each file that changes."""
        known = self.texts()
        texts = {path: jsontext.apply(known[path], wanted) for path, wanted in changes.items()}
        return {
            path: text.encode("utf-8", "surrogatepass")
            for path, text in texts.items()
            if text != known[path]
        }

    def signed(self, changed: Mapping[str, bytes], sign: Signer | None) -> dict[str, bytes]:
        """All that has to be written, products files first.

        Raises UsageError if a signature would no longer be valid, and there is no key to sign with.
        """
        files = self.catalog.stream.files
        if sign is None:
            for path in changed:
                stale = signature_of(files[path]) if path in files else None
                if stale is not None:
                    hint = "give --sign KEYID, or build a tree of its own"
                    raise UsageError(f"the signature in {stale} would no longer be valid", hint)
            return {path: changed[path] for path in sorted(changed, key=self._turn)}
        whole = {path: text.encode("utf-8", "surrogatepass") for path, text in self.texts().items()}
        whole |= changed
        ordered = sorted(whole, key=self._turn)
        return signed_forms({_stem(path): whole[path] for path in ordered}, sign)

    def _turn(self, path: str) -> int:
        """The position of a file: after the files that it names, so that the index comes last."""
        known = list(self.catalog.stream.files)
        return -known.index(path) if path in known else -len(known)


def read(root: Path, keyring: Path | None = None) -> Existing:
    """The stream below a folder. Raises UsageError if not all of its metadata can be read.

    ``keyring``: what its signatures are verified by.
    """
    index = root / metadata_text.INDEX
    if not index.is_file() and not index.with_suffix(".sjson").is_file():
        raise UsageError(f"{printable_path(root)} holds no stream", "build one first")
    source = open_source(index if index.is_file() else root)
    stream = load(source, keyring)
    for path, metadata in stream.files.items():
        if metadata.best is None or metadata.best.fatal is not None:
            hint = f"see `maas-stream-lint check {printable_path(root)}`"
            raise UsageError(f"{path} cannot be read, so nothing is changed", hint)
    if stream.truncated:
        raise UsageError(f"{printable_path(root)} has too many files of metadata", "split it")
    return Existing(root, Catalog(stream))


def refuse_unverified(existing: Existing) -> None:
    """Raise UsageError if the tool would sign content that nobody has verified."""
    for path, metadata in existing.catalog.stream.files.items():
        stale = signature_of(metadata)
        if stale is None:
            continue
        seen = [metadata.verification, metadata.detached_verification]
        if not any(v is not None and v.status == "good" for v in seen):
            told = next((v.detail for v in seen if v is not None), "nobody has verified it")
            hint = "give --keyring FILE with the key that signed it"
            raise UsageError(f"{path} is signed, and is not signed again: {told}", hint)


def additions(
    existing: Existing, products: tuple[Product, ...], prefix: str, updated: str
) -> tuple[dict[str, list[Change]], dict[str, bytes]]:
    """The edits that add products or versions, by path; and the products files that are new."""
    changes: dict[str, list[Change]] = {}
    fresh: dict[str, list[Product]] = {}
    for product in products:
        file = _home(existing, product)
        if file is None:
            fresh.setdefault(product.form, []).append(product)
            continue
        changes.setdefault(file.path, []).extend(_added(file, product))
        names = {p.name for p in products if _home(existing, p) is file}
        _note_change(existing, file, names, updated, changes)
    made = {}
    for form, own in fresh.items():
        name = _free_id(existing, metadata_text.content_id(prefix, form))
        path = metadata_text.path_of(name)
        made[path] = metadata_text.text(metadata_text.products_file(own, name, updated))
        entry = metadata_text.entry(path, (p.name for p in own), updated)
        index = existing.catalog.indexes[0]
        at = changes.setdefault(index.path, [Set(("updated",), updated)])
        at.append(Set(("index", name), entry))
    return changes, made


def _note_change(
    existing: Existing,
    file: File,
    names: set[str],
    updated: str,
    changes: dict[str, list[Change]],
) -> None:
    """Say in a products file and in the index that it has changed, and which products it has."""
    changes[file.path].append(Set(("updated",), updated))
    for entry in entries(existing, file):
        at = changes.setdefault(entry.index.path, [Set(("updated",), updated)])
        path = ("index", entry.content_id)
        listed = entry.raw.get("products")
        if isinstance(listed, list):
            new = sorted(names - {n for n in listed if isinstance(n, str)})
            edits = [Set((*path, "products", len(listed) + i), n) for i, n in enumerate(new)]
        else:
            known = {product.name for product in file.products} | names
            edits = [Set((*path, "products"), sorted(known))]
        at += [edit for edit in [Set((*path, "updated"), updated), *edits] if edit not in at]


def _added(file: File, product: Product) -> Iterator[Change]:
    """The edits that add a product, or a version to the product that it is."""
    at = ("products", product.name)
    known = next((p for p in file.products if p.name == product.name), None)
    if known is None:
        yield Set(at, metadata_text.product_member(product))
        return
    following = {*_FOLLOWING, *product.said}
    if known.raw.get("release_title") == known.raw.get("version"):
        following.add("release_title")  # nobody has thought of a better one
    for name in sorted(following):
        value = product.fields.get(name)
        if value is not None and known.raw.get(name) not in (None, value):
            yield Set((*at, name), value)
    yield Set((*at, "versions", product.version_name), product.version())


def _home(existing: Existing, product: Product) -> File | None:
    """The products file that a product is in, or goes to: one that has products of its form."""
    for file in existing.catalog.files:
        if any(known.name == product.name for known in file.products):
            return file
    fitting = (f for f in existing.catalog.files if _forms(f) == {product.form})
    return next((f for f in fitting if entries(existing, f)), None)


def _forms(file: File) -> set[str | None]:
    """The forms of a file's products: 3.8 takes no file that mixes them."""
    return {_form(product) for product in file.products}


def _form(product: Known) -> str | None:
    if product.bootloader:
        return None
    return "multi-file" if product.ubuntu else "single-file"


def entries(existing: Existing, file: File) -> list[Entry]:
    """The entries of all indexes that lead to a products file."""
    stem = _stem(file.path)
    return [
        entry
        for index in existing.catalog.indexes
        for entry in index.entries
        if _stem(entry.names or "") == stem
    ]


def _key(product: Known) -> Key:
    get = product.get
    return (
        product.os,
        get("release") or "",
        get("arch") or "",
        get("subarch") or GENERIC,
        get("kflavor") or GENERIC,
    )


def _free_id(existing: Existing, wanted: str) -> str:
    """A content id that no entry has, whose file does not exist."""
    taken = {entry.content_id for index in existing.catalog.indexes for entry in index.entries}
    names = [wanted, *(f"{wanted}-{number}" for number in range(2, 100))]
    return next(
        name
        for name in names
        if name not in taken and not (existing.root / metadata_text.path_of(name)).exists()
    )


def _id(file: File) -> str:
    found: Any = file.raw.get("content_id")
    return found if isinstance(found, str) else ""


def _stem(path: str) -> str:
    return path.removesuffix(".sjson").removesuffix(".json")


def _text(metadata: Metadata) -> str:
    assert metadata.best is not None
    return metadata.best.text
