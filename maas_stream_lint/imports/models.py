"""Whether a document fits the strict engine's models, and if not, everything that is in the way.

``fit`` and ``check_index`` decide as pydantic does for MAAS 3.8's models (field types in
``rules/releases/``); ``diagnose`` then names each cause in the stream's own terms, since pydantic's
first refusal says little about which product of a file is the bad one.
"""

from __future__ import annotations

import math
import re
import sys
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if sys.version_info >= (3, 11):
    date_fromisoformat, datetime_fromisoformat = date.fromisoformat, datetime.fromisoformat
else:  # pragma: no cover
    from backports.datetime_fromisoformat import date_fromisoformat, datetime_fromisoformat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.finding import Path
    from maas_stream_lint.rulebook import Release, Shape

#: What a failed member is called, where it is not ``missing-MEMBER``.
ITEM_CAUSES = {
    "src_package": "bootloader-fields",
    "src_release": "bootloader-fields",
    "src_version": "bootloader-fields",
}
PRODUCT_CAUSES = {"arches": "bootloader-fields"}
NOT_TEXT = {"path": "path-not-text", "sha256": "sha256-not-text", "ftype": "ftype-not-text"}
WHOLE_NUMBER = re.compile(r"[+-]?\d+(?:_\d+)*(?:\.0*)?", re.ASCII)


class Invalid(Exception):
    """The document does not fit this model; another may be tried."""


class Crash(Exception):
    """MAAS's own code fails with another exception, so no further model is tried."""

    def __init__(self, cause: str, path: Path, exception: str, message: str, **values: Any) -> None:
        """See Problem for the parts."""
        super().__init__(message)
        self.problem = Problem(cause, path, exception, message, values)


@dataclass(frozen=True)
class Problem:
    """One cause for a document's refusal."""

    cause: str
    path: Path
    exception: str | None = None  #: ``None``: pydantic's refusal, which the client words anew
    message: str | None = None
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Version:
    """The newest version of a product that fits."""

    name: str
    step: str | int  #: where it stands under ``versions``
    items: dict[str, Any]  #: what stands under ``items``
    merged: dict[str, Any]  #: the same beside the version's own members, as the model reads it

    def steps(self, key: str) -> Path:
        """The way from the product to an item."""
        inside: Path = ("items", key) if key in self.items else (key,)
        return ("versions", self.step, *inside)


@dataclass(frozen=True)
class Product:
    """A product that fits its file's shape."""

    name: str
    path: Path
    fields: dict[str, Any]
    versions: tuple[Version, ...]  #: only the newest

    @property
    def newest(self) -> Version:
        """The version MAAS takes: the greatest name as text."""
        return self.versions[0]


@dataclass(frozen=True)
class Fit:
    """The shape that a products file fits, or the problems that keep it from any."""

    shape: Shape | None
    products: list[Product]
    problems: list[Problem]


@dataclass(frozen=True)
class IndexCheck:
    """An index's files, and the problems that make MAAS refuse it."""

    paths: list[tuple[str, Path]]  #: each with the place that names it
    problems: list[Problem]

    @property
    def ok(self) -> bool:
        """Whether the index fits the model."""
        return not self.problems


# -- field types ------------------------------------------------------------------------------


def number(value: Any) -> int:
    """A whole number as pydantic's lax mode takes it. Raises ValueError."""
    if isinstance(value, (bool, int)):
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value) or value != int(value):
            raise ValueError(value)
        return int(value)
    if isinstance(value, str):
        text = value.strip()
        if WHOLE_NUMBER.fullmatch(text):
            return int(text.split(".")[0])
    raise ValueError(value)


def moment(value: Any) -> None:
    """Judge an ``updated``: raises ValueError for a text that is no time, TypeError for no text.

    Mirrors ``updated_validator`` (3.8, maasservicelayer/simplestreams/models.py).
    """
    try:
        datetime.strptime(value, "%a, %d %b %Y %H:%M:%S %z")
    except ValueError:
        datetime_fromisoformat(value)


@lru_cache(maxsize=1024)
def _day(value: str) -> None:
    try:
        year, month, day = (int(part) for part in value.split("-"))
        date(year, month, day)
    except ValueError:
        date_fromisoformat(value)


def day(value: Any) -> None:
    """Judge a ``support_eol``: raises ValueError, or what MAAS's own code would fail with.

    Mirrors ``support_eol_validator`` (3.8, maasservicelayer/simplestreams/models.py).
    """
    if value is None:
        return
    if not isinstance(value, str):
        raise AttributeError(f"'{type(value).__name__}' object has no attribute 'split'")
    _day(value)


def _fits(value: Any, kind: str, datatypes: list[str]) -> bool:
    """Whether a value that is present is of the type. Raises what MAAS's own code would."""
    if kind[-1:] == "~":
        if value is None:
            return True
        kind = kind[:-1]
    kind = kind.rstrip("?")
    try:
        if kind == "text":
            return isinstance(value, str)
        if kind == "number":
            number(value)
        elif kind == "moment":
            moment(value)
        elif kind == "date":
            day(value)
        elif kind == "datatype":
            return isinstance(value, str) and value in datatypes
        elif kind == "texts":
            return isinstance(value, list) and all(isinstance(v, str) for v in value)
    except ValueError:
        return False
    return True


def _check(
    data: dict[str, Any],
    fields: dict[str, str],
    datatypes: list[str],
    at: Path,
    causes: dict[str, str],
) -> None:
    """Raise Invalid unless all fields fit; Crash where MAAS's own code fails on one of them."""
    ok = True
    for name, kind in fields.items():
        if name not in data:
            ok = ok and kind[-1] in "?~"
            continue
        try:
            ok = _fits(data[name], kind, datatypes) and ok
        except Exception as error:
            cause = causes.get(name, f"{name.replace('_', '-')}-format")
            raise Crash(
                cause, (*at, name), type(error).__name__, str(error), value=data[name], field=name
            ) from None
    if not ok:
        raise Invalid


# -- products files ---------------------------------------------------------------------------


def fit(data: dict[str, Any], release: Release) -> Fit:
    """The shape of a products file; the last one that matches wins.

    Mirrors ``SimpleStreamsProductListFactory.produce`` (3.8, maasservicelayer/simplestreams/models.py).
    """
    found: Fit | None = None
    for shape in release.shapes:
        try:
            found = Fit(shape, _products(data, shape, release), [])
        except Invalid:
            continue
        except Crash as crash:
            seen = [crash.problem]
            seen += [
                p
                for p in diagnose(data, release)
                if (p.cause, p.path) != (seen[0].cause, seen[0].path)
            ]
            return Fit(None, [], seen)
    return found or Fit(
        None, [], diagnose(data, release) or [Problem("file-fits-no-model", ("products",))]
    )


def _products(data: dict[str, Any], shape: Shape, release: Release) -> list[Product]:
    raw = data.get("products")
    if raw and isinstance(raw, dict):
        products = [_product(name, product, shape, release) for name, product in raw.items()]
    elif isinstance(raw, list):
        products = [_listed_product(i, product, shape, release) for i, product in enumerate(raw)]
    else:
        raise Invalid
    _check(
        data, release.models["file"], release.models["datatypes"], (), {"updated": "file-updated"}
    )
    return products


def _product(name: str, raw: Any, shape: Shape, release: Release) -> Product:
    at: Path = ("products", name)
    if not isinstance(raw, dict):
        raise _no_mapping("product-not-an-object", at, raw)
    if "product_name" in raw:
        raise _twice(at, "product_name")
    return _checked_product(name, raw, at, shape, release)


def _listed_product(index: int, raw: Any, shape: Shape, release: Release) -> Product:
    """A product of a file whose ``products`` is a list: what MAAS writes to its own database."""
    if not isinstance(raw, dict) or not isinstance(raw.get("product_name"), str):
        raise Invalid
    return _checked_product(raw["product_name"], raw, ("products", index), shape, release)


def _checked_product(
    name: str, raw: dict[str, Any], at: Path, shape: Shape, release: Release
) -> Product:
    versions = raw.get("versions")
    built: list[Version] = []
    if versions and isinstance(versions, dict):
        for vername, version in versions.items():
            merged = _version(vername, version, (*at, "versions", vername), shape)
            name_kept: str = merged.get("version_name", vername)  # an item of that key takes its place
            if not built or name_kept >= built[0].name:
                built = [Version(name_kept, vername, version.get("items", {}), merged)]
    elif isinstance(versions, list):
        built = _listed_versions(versions, at, shape)
    _check(raw, shape.product, [], at, {"support_eol": "support-eol-format"})
    if not (versions and isinstance(versions, dict)) and not isinstance(versions, list):
        raise Invalid
    return Product(name, at, raw, tuple(built))


def _listed_versions(versions: list[Any], at: Path, shape: Shape) -> list[Version]:
    built = []
    for index, version in enumerate(versions):
        where: Path = (*at, "versions", index)
        if not isinstance(version, (dict, str, list)):
            raise _no_mapping("version-not-an-object", where, version)
        if not isinstance(version, dict):
            raise Invalid
        merged = _merged(version, where)
        if not isinstance(merged.get("version_name"), str):
            raise Invalid
        _checked_version(merged, where, shape)
        built.append(Version(merged["version_name"], index, version.get("items", {}), merged))
    return sorted(built, key=lambda v: v.name)[-1:]


def _version(name: str, raw: Any, at: Path, shape: Shape) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise _no_mapping("version-not-an-object", at, raw)
    if "version_name" in raw:
        raise _twice(at, "version_name")
    merged = _merged(raw, at)
    if not isinstance(merged.get("version_name", name), str):
        raise Invalid
    _checked_version(merged, at, shape)
    return merged


def _merged(raw: dict[str, Any], at: Path) -> dict[str, Any]:
    """Items beside the version's own members: ``preprocess_items``."""
    if "items" not in raw:
        return raw
    items = raw["items"]
    if not isinstance(items, dict):
        raise _no_mapping("items-not-an-object", (*at, "items"), items)
    return {**raw, **items} if len(raw) > 1 else items


def _checked_version(merged: dict[str, Any], at: Path, shape: Shape) -> None:
    dated = {k: v for k, v in shape.version.items() if k in merged}
    if dated:
        _check(merged, dated, [], at, dict.fromkeys(dated, "support-eol-format"))
    for key in shape.required:
        if not _item_fits(merged.get(key), shape):
            raise Invalid
    some = not shape.one_of
    for key in shape.one_of:
        item = merged.get(key)
        if item is not None:
            if not _item_fits(item, shape):
                raise Invalid
            some = True
    if not some:
        raise Invalid


def _item_fits(item: Any, shape: Shape) -> bool:
    return isinstance(item, dict) and (_plainly_fits(item, shape) or _closely_fits(item, shape))


def _plainly_fits(item: dict[str, Any], shape: Shape) -> bool:
    """Whether an item is as items should be; asked of every item there is, so without detours."""
    needed, types, options = shape.plain_item
    try:
        if tuple(map(type, needed(item))) != types:
            return False
    except KeyError:
        return False
    for name in options:
        value = item.get(name)
        if value is not None and value.__class__ is not str:
            return False
    return True


def _closely_fits(item: dict[str, Any], shape: Shape) -> bool:
    for name, kind in shape.item.items():
        if name in item:
            if not _fits(item[name], kind, []):
                return False
        elif kind[-1] not in "?~":
            return False
    return True


def _no_mapping(cause: str, at: Path, value: Any) -> Crash:
    kind = type(value).__name__
    return Crash(
        cause, at, "TypeError", f"argument after ** must be a mapping, not {kind}", value=value
    )


def _twice(at: Path, member: str) -> Crash:
    return Crash(
        "reserved-member",
        (*at, member),
        "TypeError",
        f"got multiple values for keyword argument '{member}'",
        member=member,
    )


def kept_texts(data: dict[str, Any], shape: Shape) -> Iterator[tuple[Path, str]]:
    """The texts of a fitting products file that MAAS stores: the models' own members."""
    if isinstance(data.get("content_id"), str):
        yield ("content_id",), data["content_id"]
    products = data["products"]
    for name, product in products.items() if isinstance(products, dict) else ():
        at: Path = ("products", name)
        yield at, name
        yield from _texts(product, shape.product, at)
        versions = product["versions"]
        for vername, version in versions.items() if isinstance(versions, dict) else ():
            yield (*at, "versions", vername), vername
            items = version.get("items", {})
            for key in shape.item_keys:
                if isinstance(items.get(key), dict):
                    yield from _texts(
                        items[key], shape.item, (*at, "versions", vername, "items", key)
                    )


def _texts(holder: dict[str, Any], fields: dict[str, str], at: Path) -> Iterator[tuple[Path, str]]:
    for name in fields:
        if isinstance(holder.get(name), str):
            yield (*at, name), holder[name]


# -- why a products file fits no shape --------------------------------------------------------


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
            problems.append(_no_mapping("product-not-an-object", at, product).problem)
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
            keys.add(key)
            if isinstance(item, dict) and isinstance(item.get("ftype"), str):
                ftypes.add(item["ftype"])
    known = keys | ftypes
    if known & {"boot-kernel", "boot-initrd"}:
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
    names = {
        "content_id": "file-content-id",
        "datatype": "file-datatype",
        "format": "file-format",
        "updated": "file-updated",
    }
    for name, kind in release.models["file"].items():
        wrong = _wrong(data, name, kind, release.models["datatypes"])
        if wrong is not None:
            yield Problem(
                names[name], (name,) if name in data else (), *wrong, {"value": data.get(name)}
            )
    products = data.get("products")
    if "products" not in data:
        yield Problem("file-products-missing", ())
    elif products == {}:
        yield Problem("file-products-empty", ("products",))
    elif not isinstance(products, dict):
        yield Problem("products-not-an-object", ("products",), values={"value": products})


def _wrong(
    data: dict[str, Any], name: str, kind: str, datatypes: list[str]
) -> tuple[str | None, str | None] | None:
    """``None`` for a field that fits, else the exception and text that come of it."""
    if name not in data:
        return None if kind[-1] in "?~" else (None, None)
    try:
        return None if _fits(data[name], kind, datatypes) else (None, None)
    except Exception as error:  # noqa: BLE001 - whatever MAAS's own code would fail with
        return (type(error).__name__, str(error))


def _product_problems(
    data: dict[str, Any], product: dict[str, Any], at: Path, shape: Shape
) -> Iterator[Problem]:
    if "product_name" in product:
        yield _twice(at, "product_name").problem
    for name, kind in shape.product.items():
        wrong = _wrong(product, name, kind, [])
        if wrong is not None:
            yield _field_problem(data, product, name, at, *wrong)
    versions = product.get("versions")
    if not versions and (isinstance(versions, dict) or "versions" not in product):
        yield Problem("no-versions", at)
        return
    if not isinstance(versions, dict):
        yield Problem("versions-not-an-object", (*at, "versions"), values={"value": versions})
        return
    newest = max(versions)
    for vername, version in versions.items():
        where: Path = (*at, "versions", vername)
        if not isinstance(version, dict):
            yield _no_mapping("version-not-an-object", where, version).problem
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
        yield _twice(at, "version_name").problem
    items = version.get("items", {})
    if not isinstance(items, dict):
        yield _no_mapping("items-not-an-object", (*at, "items"), items).problem
        return
    merged = {**version, **items}
    for name, kind in shape.version.items():
        wrong = _wrong(merged, name, kind, [])
        if wrong is not None:
            where = (*at, "items", name) if name in items else (*at, name)
            yield Problem("support-eol-format", where, *wrong, {"value": merged.get(name)})
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
    for name, kind in shape.item.items():
        if _wrong(item, name, kind, []) is None:
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


# -- the index --------------------------------------------------------------------------------


def check_index(data: dict[str, Any], release: Release) -> IndexCheck:
    """Whether an index fits its model: ``SimpleStreamsIndexList`` (3.8, simplestreams/models.py)."""
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
            problems.append(_no_mapping("entry-not-an-object", at, entry).problem)
            continue
        if at[0] == "index" and "name" in entry:
            problems.append(_twice(at, "name").problem)
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
        wrong = _wrong(data, name, kind, datatypes)
        if wrong is not None:
            problems.append(
                Problem(
                    f"index-{name}",
                    (name,) if name in data else (),
                    *wrong,
                    {"value": data.get(name), "format": data.get(name)},
                )
            )
    return IndexCheck(paths, problems)


def _entry_problems(
    entry: dict[str, Any], at: Path, fields: dict[str, str], datatypes: list[str]
) -> Iterator[Problem]:
    names = {
        "path": "entry-path-missing",
        "updated": "entry-updated-missing",
        "datatype": "entry-datatype",
        "format": "entry-format-not-text",
        "products": "entry-products-missing",
    }
    for name, kind in fields.items():
        wrong = _wrong(entry, name, kind, datatypes)
        if wrong is None:
            continue
        cause = names[name]
        if name == "path" and entry.get("path") is not None:
            cause = "entry-path-not-text"
        yield Problem(
            cause,
            (*at, name) if name in entry else at,
            *wrong,
            {"value": entry.get(name), "path": entry.get("path")},
        )
