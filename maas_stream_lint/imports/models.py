"""Whether a products file fits one of the strict engine's models.

Decides as pydantic does for MAAS 3.8's models, whose fields are data (``rules/releases/``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from maas_stream_lint.imports.diagnosis import diagnose, nearest
from maas_stream_lint.imports.fieldtypes import (
    Crash,
    Invalid,
    Problem,
    fits_type,
    no_mapping,
    twice,
)
from maas_stream_lint.imports.glance import all_usual, is_usual, open_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from maas_stream_lint.finding import Path
    from maas_stream_lint.rulebook import Release, Shape

Fitting = TypeVar("Fitting")


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


def fit(data: dict[str, Any], release: Release) -> Fit:
    """The shape of a products file; the last one that matches wins.

    Mirrors ``SimpleStreamsProductListFactory.produce`` (3.8, simplestreams/models.py).
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


def sound(data: dict[str, Any], release: Release) -> Iterator[tuple[Shape, list[Product]]]:
    """The products of a refused file that fit by themselves, by the shape they are nearest to."""
    products = data.get("products")
    found: dict[str, tuple[Shape, list[Product]]] = {}
    for name, raw in products.items() if isinstance(products, dict) else ():
        shape = nearest(raw, release) if isinstance(raw, dict) else None
        if shape is not None:
            try:
                product = _product(name, raw, shape, release)
            except (Invalid, Crash):
                continue
            found.setdefault(shape.name, (shape, []))[1].append(product)
    yield from found.values()


def _products(data: dict[str, Any], shape: Shape, release: Release) -> list[Product]:
    raw = data.get("products")
    products: list[Product] | None = None
    if raw and isinstance(raw, dict):
        products = [_product(name, product, shape, release) for name, product in raw.items()]
    elif isinstance(raw, list):
        products = _each_fits(raw, lambda i, product: _listed_product(i, product, shape, release))
    else:
        raise Invalid
    _check(
        data, release.models["file"], release.models["datatypes"], (), {"updated": "file-updated"}
    )
    if products is None:
        raise Invalid
    return products


def _each_fits(values: list[Any], fit: Callable[[int, Any], Fitting]) -> list[Fitting] | None:
    """What of a list fits, ``None`` unless all does.

    Where MAAS's own code unpacks an object, it stops at the first that does not fit; of a list,
    pydantic judges all, and whatever else is in the model, so that each may crash.
    """
    fitting = []
    for index, value in enumerate(values):
        try:
            fitting.append(fit(index, value))
        except Invalid:
            continue
    return fitting if len(fitting) == len(values) else None


def _product(name: str, raw: Any, shape: Shape, release: Release) -> Product:
    at: Path = ("products", name)
    if not isinstance(raw, dict):
        raise no_mapping("product-not-an-object", at, raw)
    if "product_name" in raw:
        raise twice(at, "product_name")
    return _checked_product(name, raw, at, shape, release)


def _listed_product(index: int, raw: Any, shape: Shape, release: Release) -> Product:
    """A product of a file whose ``products`` is a list: what MAAS writes to its own database."""
    if not isinstance(raw, dict):
        raise Invalid
    name = raw.get("product_name")
    product = _checked_product(str(name), raw, ("products", index), shape, release)
    if not isinstance(name, str):
        raise Invalid
    return product


def _checked_product(
    name: str, raw: dict[str, Any], at: Path, shape: Shape, release: Release
) -> Product:
    versions = raw.get("versions")
    built: list[Version] | None = None
    if versions and isinstance(versions, dict):
        built = _named_versions(versions, at, shape)
    elif isinstance(versions, list):
        built = _listed_versions(versions, at, shape)
    _check(raw, open_fields(raw, shape), [], at, {"support_eol": "support-eol-format"})
    if built is None:
        raise Invalid
    return Product(name, at, raw, tuple(built))


def _named_versions(versions: dict[str, Any], at: Path, shape: Shape) -> list[Version]:
    if all_usual(versions, shape):
        name = max(versions)
        items = versions[name]["items"]
        return [Version(name, name, items, items)]
    newest: Version | None = None
    for vername, version in versions.items():
        merged = _version(vername, version, (*at, "versions", vername), shape)
        name_kept = str(merged.get("version_name", vername))  # an item of that key takes its place
        if newest is None or name_kept >= newest.name:
            newest = Version(name_kept, vername, version.get("items", {}), merged)
    return [newest] if newest else []


def _listed_versions(versions: list[Any], at: Path, shape: Shape) -> list[Version] | None:
    built = _each_fits(versions, lambda i, version: _listed_version(i, version, at, shape))
    return None if built is None else sorted(built, key=lambda v: v.name)[-1:]


def _listed_version(index: int, version: Any, at: Path, shape: Shape) -> Version:
    where: Path = (*at, "versions", index)
    if not isinstance(version, (dict, str, list)):
        raise no_mapping("version-not-an-object", where, version)
    if not isinstance(version, dict):
        raise Invalid
    merged = _merged(version, where)
    _checked_version(merged, where, shape)
    name = merged.get("version_name")
    if not isinstance(name, str):
        raise Invalid
    return Version(name, index, version.get("items", {}), merged)


def _version(name: str, raw: Any, at: Path, shape: Shape) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise no_mapping("version-not-an-object", at, raw)
    if "version_name" in raw:
        raise twice(at, "version_name")
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
        raise no_mapping("items-not-an-object", (*at, "items"), items)
    return {**raw, **items} if len(raw) > 1 else items


def _checked_version(merged: dict[str, Any], at: Path, shape: Shape) -> None:
    if not shape.version.keys().isdisjoint(merged):
        dated = {k: v for k, v in shape.version.items() if k in merged}
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
            ok = fits_type(data[name], kind, datatypes) and ok
        except Exception as error:  # noqa: BLE001 - whatever MAAS's own code fails with
            cause = causes.get(name, f"{name.replace('_', '-')}-format")
            raise Crash(
                cause, (*at, name), type(error).__name__, str(error), value=data[name], field=name
            ) from None
    if not ok:
        raise Invalid


def _item_fits(item: Any, shape: Shape) -> bool:
    if not isinstance(item, dict):
        return False
    if is_usual(item, shape):
        return True
    for name, kind in shape.item.items():
        if name in item:
            if not fits_type(item[name], kind, []):
                return False
        elif kind[-1] not in "?~":
            return False
    return True


def kept_texts(data: dict[str, Any], shape: Shape, release: Release) -> Iterator[tuple[Path, str]]:
    """The texts of a fitting products file that MAAS stores: the models' own members."""
    yield from _texts(data, release.models["file"], ())
    for step, name, product in _each(data["products"], "product_name"):
        at: Path = ("products", step)
        yield at, name
        yield from _texts(product, shape.product, at)
        for place, vername, version in _each(product["versions"], "version_name"):
            below: Path = (*at, "versions", place)
            yield below, vername
            items = version.get("items", {})
            for key in shape.item_keys:
                item = items.get(key, version.get(key))
                if isinstance(item, dict):
                    inside: Path = ("items", key) if key in items else (key,)
                    yield from _texts(item, shape.item, (*below, *inside))


def _each(holder: Any, member: str) -> Iterator[tuple[str | int, str, dict[str, Any]]]:
    """What an object holds by name, or a list by a member: its step, its name and itself."""
    if isinstance(holder, dict):
        yield from ((name, name, value) for name, value in holder.items())
    else:
        yield from ((step, value[member], value) for step, value in enumerate(holder))


def _texts(holder: dict[str, Any], fields: dict[str, str], at: Path) -> Iterator[tuple[Path, str]]:
    for name in fields:
        if isinstance(holder.get(name), str):
            yield (*at, name), holder[name]
