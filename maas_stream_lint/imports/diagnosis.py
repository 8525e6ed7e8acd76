"""Why a document fits none of the strict engine's models, in the stream's own terms.

Pydantic's first refusal says little about which product of a file is the bad one, so each product
is held against the shape it is nearest to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maas_stream_lint.imports.fieldtypes import Problem, no_mapping, twice, wrong
from maas_stream_lint.imports.glance import all_usual, is_usual, open_fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.finding import Path
    from maas_stream_lint.rulebook import Release, Shape

#: What a failed member is called, where it is not ``missing-MEMBER``.
FILE_CAUSES = {
    "content_id": "file-content-id",
    "datatype": "file-datatype",
    "format": "file-format",
    "updated": "file-updated",
}
ENTRY_CAUSES = {
    "path": "entry-path-missing",
    "updated": "entry-updated-missing",
    "datatype": "entry-datatype",
    "format": "entry-format-not-text",
    "products": "entry-products-missing",
}
PRODUCT_CAUSES = {"arches": "bootloader-fields"}
ITEM_CAUSES = dict.fromkeys(("src_package", "src_release", "src_version"), "bootloader-fields")
#: No shape but the multi-file one has them.
BOOT_FILES = frozenset({"boot-kernel", "boot-initrd"})
NOT_TEXT = {"path": "path-not-text", "sha256": "sha256-not-text", "ftype": "ftype-not-text"}


@dataclass(frozen=True)
class IndexCheck:
    """An index's files, and the problems that make MAAS refuse it."""

    paths: list[tuple[str, Path]]  #: each with the place that names it
    problems: list[Problem]

    @property
    def ok(self) -> bool:
        """Whether the index fits the model."""
        return not self.problems


def diagnose(data: dict[str, Any], release: Release) -> list[Problem]:
    """Every cause, file members first, then each product against the shape it is nearest to."""
    problems = list(_file_problems(data, release))
    products = data.get("products")
    if not isinstance(products, dict) or not products:
        return problems
    kinds: dict[str, list[str]] = {}
    for name, product in products.items():
        at: Path = ("products", name)
        if not isinstance(product, dict):
            problems.append(no_mapping("product-not-an-object", at, product).problem)
            continue
        shape = nearest(product, release)
        if shape is None:
            problems.append(Problem("not-modelled-in-38", at, values=_item_summary(product)))
            continue
        kinds.setdefault(shape.name, []).append(name)
        problems += _product_problems(data, product, at, shape)
    if len(kinds) > 1:
        problems.append(Problem("file-shape-mixed", ("products",), values={"kinds": kinds}))
    return problems


def nearest(product: dict[str, Any], release: Release) -> Shape | None:
    """The shape that a product is meant for, ``None`` if the strict engine has none like it."""
    shapes = {shape.name: shape for shape in release.shapes}
    if "bootloader-type" in product:
        return shapes["bootloader"]
    keys, ftypes = set(), set()
    for version in _members(product.get("versions")):
        items = version.get("items")
        for key, item in items.items() if isinstance(items, dict) else ():
            if key in BOOT_FILES:
                return shapes["multi-file"]
            keys.add(key)
            if isinstance(item, dict) and isinstance(item.get("ftype"), str):
                ftypes.add(item["ftype"])
    known = keys | ftypes
    if known & BOOT_FILES:
        return shapes["multi-file"]
    if "root-tgz" in known:
        return shapes["single-file"]
    if known & set(shapes["bootloader"].one_of) or "archive.tar.xz" in ftypes:
        return shapes["bootloader"]
    if known & {"squashfs", "root-image.gz"}:
        return shapes["multi-file"]
    if (
        any(k.startswith("root-") or k == "notifications" for k in known)
        or product.get("os") == "ubuntu-core"
    ):
        return None
    name = "multi-file" if product.get("os") in (None, "ubuntu") else "single-file"
    return shapes[name]


def _members(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield from (v for v in value.values() if isinstance(v, dict))


def _item_summary(product: dict[str, Any]) -> dict[str, Any]:
    ftypes = {
        item["ftype"]
        for version in _members(product.get("versions"))
        for item in _members(version.get("items"))
        if isinstance(item.get("ftype"), str) and item["ftype"] != "manifest"
    }
    return {"ftypes": sorted(ftypes), "os": product.get("os")}


def _file_problems(data: dict[str, Any], release: Release) -> Iterator[Problem]:
    for name, kind in release.models["file"].items():
        refused = wrong(data, name, kind, release.models["datatypes"])
        if refused is not None:
            yield Problem(
                FILE_CAUSES[name],
                (name,) if name in data else (),
                *refused,
                {"value": data.get(name)},
            )
    products = data.get("products")
    if "products" not in data:
        yield Problem("file-products-missing", ())
    elif products == {}:
        yield Problem("file-products-empty", ("products",))
    elif not isinstance(products, dict):
        yield Problem("products-not-an-object", ("products",), values={"value": products})


def _product_problems(
    data: dict[str, Any], product: dict[str, Any], at: Path, shape: Shape
) -> Iterator[Problem]:
    if "product_name" in product:
        yield twice(at, "product_name").problem
    for name, kind in open_fields(product, shape).items():
        refused = wrong(product, name, kind, [])
        if refused is not None:
            yield _field_problem(data, product, name, at, *refused)
    versions = product.get("versions")
    if not versions and (isinstance(versions, dict) or "versions" not in product):
        yield Problem("no-versions", at)
        return
    if not isinstance(versions, dict):
        yield Problem("versions-not-an-object", (*at, "versions"), values={"value": versions})
        return
    if all_usual(versions, shape):
        return
    newest = max(versions)
    for vername, version in versions.items():
        where: Path = (*at, "versions", vername)
        if not isinstance(version, dict):
            yield no_mapping("version-not-an-object", where, version).problem
            continue
        problems = list(_version_problems(version, where, shape))
        if vername != newest and problems and not any(p.exception for p in problems):
            yield Problem(
                "old-version-partial", where, values={"problems": problems, "newest": newest}
            )
        else:
            yield from problems


def _field_problem(
    data: dict[str, Any],
    product: dict[str, Any],
    name: str,
    at: Path,
    exception: str | None,
    message: str | None,
) -> Problem:
    value = product.get(name)
    values = {"field": name, "value": value}
    if value is None:
        elsewhere = _elsewhere(data, product, name)
        if elsewhere is not None:
            return Problem("field-below-product", at, values={**values, "level": elsewhere})
        cause = PRODUCT_CAUSES.get(name, f"missing-{name.replace('_', '-')}")
        return Problem(cause, (*at, name) if name in product else at, values=values)
    cause = "support-eol-format" if name == "support_eol" else "number-instead-of-text"
    return Problem(cause, (*at, name), exception, message, values)


def _elsewhere(data: dict[str, Any], product: dict[str, Any], name: str) -> str | None:
    """The level at which a field stands that the product lacks."""
    if isinstance(data.get(name), str):
        return "file"
    for version in _members(product.get("versions")):
        if isinstance(version.get(name), str):
            return "version"
        if any(isinstance(item.get(name), str) for item in _members(version.get("items"))):
            return "item"
    return None


def _version_problems(version: dict[str, Any], at: Path, shape: Shape) -> Iterator[Problem]:
    if "version_name" in version:
        yield twice(at, "version_name").problem
    items = version.get("items", {})
    if not isinstance(items, dict):
        yield no_mapping("items-not-an-object", (*at, "items"), items).problem
        return
    merged = {**version, **items}
    for name, kind in shape.version.items():
        refused = wrong(merged, name, kind, [])
        if refused is not None:
            where = (*at, "items", name) if name in items else (*at, name)
            yield Problem("support-eol-format", where, *refused, {"value": merged.get(name)})
    if not items:
        yield Problem("newest-version-empty", at)
        return
    for key in shape.required:
        yield from _key_problems(merged, items, key, at, shape)
    for key in shape.one_of:
        if merged.get(key) is not None:
            yield from _item_problems(merged[key], (*at, "items", key), shape)
    if shape.one_of and all(merged.get(key) is None for key in shape.one_of):
        yield _no_root(items, at, shape)


def _key_problems(
    merged: dict[str, Any], items: dict[str, Any], key: str, at: Path, shape: Shape
) -> Iterator[Problem]:
    if merged.get(key) is not None:
        yield from _item_problems(merged[key], (*at, "items", key), shape)
        return
    other = _keyed_otherwise(items, (key,))
    if other is not None:
        yield Problem(
            "item-key-not-ftype", (*at, "items", other), values={"key": other, "ftype": key}
        )
    else:
        yield Problem(f"missing-{key}", at, values={"key": key, "shape": shape.name})


def _no_root(items: dict[str, Any], at: Path, shape: Shape) -> Problem:
    if shape.name == "bootloader":
        return Problem(
            "bootloader-item-key", at, values={"keys": sorted(items), "known": list(shape.one_of)}
        )
    other = _keyed_otherwise(items, shape.one_of)
    if other is not None:
        return Problem(
            "item-key-not-ftype",
            (*at, "items", other),
            values={"key": other, "ftype": items[other]["ftype"]},
        )
    return Problem("missing-root-image", at, values={"known": list(shape.one_of)})


def _keyed_otherwise(items: dict[str, Any], ftypes: tuple[str, ...]) -> str | None:
    return next(
        (
            k
            for k, i in items.items()
            if isinstance(i, dict) and i.get("ftype") in ftypes and k not in ftypes
        ),
        None,
    )


def _item_problems(item: Any, at: Path, shape: Shape) -> Iterator[Problem]:
    if not isinstance(item, dict):
        yield Problem("item-not-an-object", at, values={"value": item})
        return
    if is_usual(item, shape):
        return
    for name, kind in shape.item.items():
        if wrong(item, name, kind, []) is None:
            continue
        value = item.get(name)
        where = (*at, name) if name in item else at
        if value is None:
            cause = ITEM_CAUSES.get(name, f"missing-{name}")
        else:
            cause = (
                "size-not-a-number"
                if name == "size"
                else NOT_TEXT.get(name, "number-instead-of-text")
            )
        yield Problem(
            cause, where, values={"field": name, "value": value, "size": value, "key": at[-1]}
        )


def check_index(data: dict[str, Any], release: Release) -> IndexCheck:
    """Whether an index fits its model.

    Mirrors ``SimpleStreamsIndexList`` (3.8, maasservicelayer/simplestreams/models.py).
    """
    datatypes = release.models["datatypes"]
    problems: list[Problem] = []
    paths: list[tuple[str, Path]] = []
    index, entries = data.get("index"), data.get("indexes")
    named: list[tuple[Path, Any]] = []
    if index and isinstance(index, dict):
        named = [(("index", key), entry) for key, entry in index.items()]
    elif isinstance(entries, list):
        named = [(("indexes", i), entry) for i, entry in enumerate(entries)]
    else:
        cause = (
            "url-is-products-file" if "products" in data and "index" not in data else "index-empty"
        )
        problems.append(
            Problem(cause, ("index",) if "index" in data else (), values={"index": index})
        )
    for at, entry in named:
        if not isinstance(entry, dict):
            problems.append(no_mapping("entry-not-an-object", at, entry).problem)
            continue
        if at[0] == "index" and "name" in entry:
            problems.append(twice(at, "name").problem)
        if at[0] == "indexes" and not isinstance(entry.get("name"), str):
            problems.append(Problem("entry-not-an-object", at, values={"value": entry}))
        problems += _entry_problems(entry, at, release.models["entry"], datatypes)
        if entry.get("path") == "":
            problems.append(
                Problem(
                    "entry-path-missing",
                    (*at, "path"),
                    message="Request to '' failed: 404 Not Found",
                )
            )
        elif isinstance(entry.get("path"), str):
            paths.append((entry["path"], (*at, "path")))
    for name, kind in release.models["index"].items():
        refused = wrong(data, name, kind, datatypes)
        if refused is not None:
            problems.append(
                Problem(
                    f"index-{name}",
                    (name,) if name in data else (),
                    *refused,
                    {"value": data.get(name), "format": data.get(name)},
                )
            )
    return IndexCheck(paths, problems)


def _entry_problems(
    entry: dict[str, Any], at: Path, fields: dict[str, str], datatypes: list[str]
) -> Iterator[Problem]:
    for name, kind in fields.items():
        refused = wrong(entry, name, kind, datatypes)
        if refused is None:
            continue
        cause = ENTRY_CAUSES[name]
        if name == "path" and entry.get("path") is not None:
            cause = "entry-path-not-text"
        yield Problem(
            cause,
            (*at, name) if name in entry else at,
            *refused,
            {"value": entry.get(name), "path": entry.get("path")},
        )
