"""Whether a products file fits one of MAAS's models, and if not, why: one walk answers both.

A shape is a model's fields as data (``rules/releases/``). The walk judges them as pydantic would.
Each of its functions gives the problems of one part in the order in which MAAS meets them. The
first problem decides. Without a problem the part fits. After a problem that *crashes*, MAAS tries
no further shape. After any other problem the part does not fit this shape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.imports.strict.fast_path import all_usual, fitting_rows, is_usual, open_fields
from maas_stream_lint.imports.strict.fieldtypes import Problem, no_mapping, refused, twice
from maas_stream_lint.imports.strict.fitting import Fitting, Product, Version
from maas_stream_lint.imports.strict.nearest import members, nearest, nearest_of_rows
from maas_stream_lint.imports.tables import Tables
from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.records import field, record
from maas_stream_lint.rulebook import of_family

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maas_stream_lint.finding import Path
    from maas_stream_lint.imports.tables import Products, Table
    from maas_stream_lint.rulebook import Release, Shape

#: The cause where a member does not fit, if it is not ``missing-MEMBER``.
FILE_CAUSES = {
    "content_id": "file-content-id",
    "datatype": "file-datatype",
    "format": "file-format",
    "updated": "file-updated",
}
PRODUCT_CAUSES = {"arches": "bootloader-fields"}
ITEM_CAUSES = dict.fromkeys(("src_package", "src_release", "src_version"), "bootloader-fields")
#: The cause where a member is no text.
NOT_TEXT = {"path": "path-not-text", "sha256": "sha256-not-text", "ftype": "ftype-not-text"}
DATE = "support-eol-format"


@record(frozen=True)
class Fit:
    """The shape that a products file fits, or the problems that keep it from any."""

    shape: Shape | None
    fitting: Fitting
    problems: list[Problem]
    sound: list[tuple[Shape, Fitting]] = field(default_factory=list)
    """Of a refused file: the products that fit by themselves, by the shape they are meant for."""


def fit(
    data: dict[str, Any], release: Release, tables: Tables | None = None, *, plain: bool = False
) -> Fit:
    """The shape of a products file; the last one that matches wins.

    ``tables``: those of its stream. ``plain``: whether all texts of the document are known to be
    printable ASCII.

    Mirrors ``SimpleStreamsProductListFactory.produce`` (3.8,
    maasservicelayer/simplestreams/models.py).
    """
    raw = data.get("products")
    rows = (tables or Tables()).of(raw if isinstance(raw, dict) else {}, plain=plain)
    walk = _Walk(data, release, rows)
    found: Fit | None = None
    for shape in release.shapes:
        problem, products = walk.file(shape)
        if problem is None:
            found = Fit(shape, products, [])
        elif problem.crashes:
            return walk.explained(problem)
    return found or walk.explained(None)


class _Judged(NamedTuple):
    """A product held against a shape."""

    product: Product | None
    problems: list[Problem]


class _Walk:
    """The walk over one products file. What was judged once is not judged again."""

    def __init__(self, data: dict[str, Any], release: Release, rows: Products) -> None:
        """``rows``: what stands under ``products``, if it is an object."""
        self.data = data
        self.release = release
        self.rows = rows
        self._judged: dict[tuple[str | int, str], _Judged] = {}
        self._fitting: dict[tuple[int, str], Table | None] = {}

    def file(self, shape: Shape) -> tuple[Problem | None, Fitting]:
        """What decides against a shape, and the products that fit it."""
        raw = self.data.get("products")
        if raw and isinstance(raw, dict):
            # Unpacked by MAAS's own code, which stops at the first that does not fit.
            tables = [made for t in self.rows.tables if (made := self._rows(t, shape)) is not None]
            single = {}
            for position in self.rows.others(tables):
                judged = self._product(self.rows.names[position], self.rows.raws[position], shape)
                if judged.product is None:
                    return judged.problems[0], Fitting()
                single[position] = judged.product
            return _first(self._file_problems()), Fitting(tables, single)
        # Else pydantic judges `products` and all other members at once.
        listed: list[Problem] = []
        fine = {}
        if isinstance(raw, list):
            for index, product in enumerate(raw):
                judged = self._product(index, product, shape)
                listed += judged.problems
                if judged.product is not None:
                    fine[index] = judged.product
        else:
            listed.append(Problem("file-products-missing", ()))
        listed += self._file_problems()
        return _first(_crashes_first(listed)), Fitting((), fine)

    def _rows(self, table: Table, shape: Shape) -> Table | None:
        """The rows of a table that fit a shape, ``None`` if there is none."""
        key = (id(table), shape.name)
        if key not in self._fitting:
            rows = fitting_rows(table, shape)
            self._fitting[key] = rows if rows is not None and len(rows) else None
        return self._fitting[key]

    def explained(self, crash: Problem | None) -> Fit:
        """All problems: the file's own first, then those of each product and its nearest shape."""
        problems = self._file_problems()
        raw = self.data.get("products")
        if (not isinstance(raw, dict) or not raw) and not self._lists_products(raw):
            problems.append(_no_products(self.data))
        kinds: dict[int, Shape] = {}  # by position
        sound: dict[str, Fitting] = {shape.name: Fitting() for shape in self.release.shapes}
        for table in self.rows.tables:
            shape = nearest_of_rows(table, self.release)
            rows = self._rows(table, shape) if shape is not None else None
            if shape is not None and rows is not None:
                sound[shape.name].tables.append(rows)
                kinds.update(dict.fromkeys(rows.positions, shape))
        for position in self.rows.others(t for fitting in sound.values() for t in fitting.tables):
            name, product = self.rows.names[position], self.rows.raws[position]
            shape = nearest(product, self.release) if isinstance(product, dict) else None
            if not isinstance(product, dict):
                problems.append(no_mapping("product-not-an-object", ("products", name), product))
            elif shape is None:
                values = _item_summary(product)
                problems.append(Problem("not-modelled", ("products", name), values=values))
            else:
                kinds[position] = shape
                judged = self._product(name, product, shape)
                problems += judged.problems
                if judged.product is not None:
                    sound[shape.name].single[position] = judged.product
        problems += self._mixed(kinds)
        if crash is not None:
            at = (crash.cause, crash.path)
            problems = [crash, *(p for p in problems if (p.cause, p.path) != at)]
        else:
            # MAAS gets to what would crash it only once the others are fixed.
            problems.sort(key=lambda problem: problem.crashes)
        fine = [(shape, sound[shape.name]) for shape in self.release.shapes if sound[shape.name]]
        return Fit(None, Fitting(), problems, sorted(fine, key=lambda one: one[1].first))

    def _mixed(self, kinds: dict[int, Shape]) -> list[Problem]:
        """What is wrong if products are meant for several shapes. ``kinds``: by position."""
        if len({shape.name for shape in kinds.values()}) < 2:
            return []
        names: dict[str, list[str]] = {}
        for position, shape in sorted(kinds.items()):
            names.setdefault(shape.name, []).append(self.rows.names[position])
        return [Problem("file-shape-mixed", ("products",), values={"kinds": names})]

    def _lists_products(self, raw: Any) -> bool:
        """Whether ``products`` is a list, and a good one: what MAAS itself writes."""
        return isinstance(raw, list) and any(
            all(
                self._product(i, product, shape).product is not None
                for i, product in enumerate(raw)
            )
            for shape in self.release.shapes
        )

    def _file_problems(self) -> list[Problem]:
        found = []
        datatypes = self.release.models["datatypes"]
        for name, kind in self.release.models["file"].items():
            wrong = refused(self.data, name, kind, datatypes)
            if wrong is not None:
                at: Path = (name,) if name in self.data else ()
                values = {"value": self.data.get(name)}
                found.append(Problem(FILE_CAUSES[name], at, *wrong, values))
        return _crashes_first(found)

    def _product(self, step: str | int, raw: Any, shape: Shape) -> _Judged:
        judged = self._judged.get((step, shape.name))
        if judged is None:
            judged = self._judged[(step, shape.name)] = _judge(self.data, step, raw, shape)
        return judged


def _judge(data: dict[str, Any], step: str | int, raw: Any, shape: Shape) -> _Judged:
    """A product against a shape. ``step``: its name, or its position in a list of products."""
    at: Path = ("products", step)
    if not isinstance(raw, dict):
        listed = Problem("product-not-an-object", at, values={"value": raw})
        named = no_mapping("product-not-an-object", at, raw)
        return _Judged(None, [named if isinstance(step, str) else listed])
    reserved = (
        [twice(at, "product_name")] if isinstance(step, str) and "product_name" in raw else []
    )
    name = step if isinstance(step, str) else raw.get("product_name")
    newest, problems = _versions(raw, at, shape)
    problems = [*reserved, *problems]
    if not isinstance(name, str):
        problems.append(Problem("product-not-an-object", at, values={"value": raw}))
    fields = [
        _field_problem(data, raw, field, at, *wrong)
        for field, kind in open_fields(raw, shape).items()
        if (wrong := refused(raw, field, kind, [])) is not None
    ]
    if problems and isinstance(raw.get("versions"), dict) and raw["versions"]:
        problems += fields  # MAAS has stopped before them
    else:
        problems = [*reserved, *_crashes_first([*problems[len(reserved) :], *fields])]
    if problems:
        return _Judged(None, problems)
    return _Judged(Product(str(name), at, raw, tuple(newest)), [])


def _versions(raw: dict[str, Any], at: Path, shape: Shape) -> tuple[list[Version], list[Problem]]:
    """A product's newest version (none in an empty list), and the problems of all."""
    versions = raw.get("versions")
    if isinstance(versions, list):
        return _listed_versions(versions, at, shape)
    if not versions and (isinstance(versions, dict) or "versions" not in raw):
        return [], [Problem("no-versions", at)]
    if not isinstance(versions, dict):
        values = {"value": versions}
        return [], [Problem("versions-not-an-object", (*at, "versions"), values=values)]
    if all_usual(versions.values(), shape):
        return [_newest_usual(versions)], []
    return _named_versions(versions, at, shape)


def _newest_usual(versions: dict[str, Any]) -> Version:
    name = max(versions)
    items = versions[name]["items"]
    return Version(name, name, items, items)


def _named_versions(
    versions: dict[str, Any], at: Path, shape: Shape
) -> tuple[list[Version], list[Problem]]:
    newest: Version | None = None
    problems: list[Problem] = []
    greatest = max(versions)
    for name, raw in versions.items():
        where: Path = (*at, "versions", name)
        found = _version_problems(raw, where, shape, named=True)
        if not found:
            merged = _merged(raw)
            kept = str(merged.get("version_name", name))  # an item of that key takes its place
            if newest is None or kept >= newest.name:
                newest = Version(kept, name, raw.get("items", {}), merged)
        elif name != greatest and not any(problem.crashes for problem in found):
            values = {"problems": found, "newest": greatest}
            problems.append(Problem("old-version-partial", where, values=values))
        else:
            problems += found
    return [newest] if newest else [], problems


def _listed_versions(
    versions: list[Any], at: Path, shape: Shape
) -> tuple[list[Version], list[Problem]]:
    """Versions in a list, the form that MAAS itself writes: pydantic judges all of them."""
    built, problems = [], []
    for index, raw in enumerate(versions):
        where: Path = (*at, "versions", index)
        found = _version_problems(raw, where, shape, named=False)
        problems += found
        if not found:
            merged = _merged(raw)
            built.append(Version(merged["version_name"], index, raw.get("items", {}), merged))
    crashes = [problem for problem in problems if problem.crashes]
    if problems:
        values = {"value": versions}
        crashes.append(Problem("versions-not-an-object", (*at, "versions"), values=values))
    return sorted(built, key=lambda version: version.name)[-1:], crashes


def _version_problems(raw: Any, at: Path, shape: Shape, *, named: bool) -> list[Problem]:
    """``named``: whether it stands in an object of versions, and not in a list."""
    if not isinstance(raw, dict):
        if named or not isinstance(raw, (str, list)):
            return [no_mapping("version-not-an-object", at, raw)]
        return [Problem("version-not-an-object", at, values={"value": raw})]
    reserved = [twice(at, "version_name")] if named and "version_name" in raw else []
    items = raw.get("items", {})
    if not isinstance(items, dict):
        return [*reserved, no_mapping("items-not-an-object", (*at, "items"), items)]
    merged = _merged(raw)
    problems = _crashes_first(_date_problems(merged, items, at, shape))
    name = merged.get("version_name", "" if named else None)
    if "version_name" in items and not isinstance(name, str):
        values = {"member": "version_name"}
        problems.append(Problem("reserved-member", (*at, "items", "version_name"), values=values))
    elif not isinstance(name, str):
        problems.append(Problem("version-not-an-object", at, values={"value": raw}))
    if not items and not any(key in merged for key in shape.item_keys):
        return [*reserved, *problems, Problem("newest-version-empty", at)]
    for key in shape.required:
        problems += _required_problems(merged, items, key, at, shape)
    for key in shape.one_of:
        if merged.get(key) is not None:
            problems += _item_problems(merged[key], _way(items, key, at), shape)
    if shape.one_of and all(merged.get(key) is None for key in shape.one_of):
        problems.append(_no_root(items, at, shape))
    return [*reserved, *problems]


def _merged(raw: dict[str, Any]) -> dict[str, Any]:
    """Items beside the version's own members: ``preprocess_items``."""
    items = raw.get("items")
    if items is None:
        return raw
    return {**raw, **items} if len(raw) > 1 else items


def _way(items: dict[str, Any], key: str, at: Path) -> Path:
    return (*at, "items", key) if key in items else (*at, key)


def _date_problems(
    merged: dict[str, Any], items: dict[str, Any], at: Path, shape: Shape
) -> list[Problem]:
    if shape.version.keys().isdisjoint(merged):
        return []
    return [
        Problem(DATE, _way(items, name, at), *wrong, {"value": merged.get(name)})
        for name, kind in shape.version.items()
        if (wrong := refused(merged, name, kind, [])) is not None
    ]


def _required_problems(
    merged: dict[str, Any], items: dict[str, Any], key: str, at: Path, shape: Shape
) -> list[Problem]:
    if merged.get(key) is not None:
        return _item_problems(merged[key], _way(items, key, at), shape)
    other = _keyed_otherwise(items, (key,))
    if other is None:
        return [Problem(f"missing-{key}", at, values={"key": key, "shape": shape.name})]
    where: Path = (*at, "items", other)
    return [Problem("item-key-not-ftype", where, values={"key": other, "ftype": key})]


def _no_root(items: dict[str, Any], at: Path, shape: Shape) -> Problem:
    known = list(shape.one_of)
    if "bootloader-type" in shape.product:
        return Problem("bootloader-item-key", at, values={"keys": sorted(items), "known": known})
    other = _keyed_otherwise(items, shape.one_of)
    if other is None:
        return Problem("missing-root-image", at, values={"known": known})
    where: Path = (*at, "items", other)
    values = {"key": other, "ftype": items[other]["ftype"]}
    return Problem("item-key-not-ftype", where, values=values)


def _keyed_otherwise(items: dict[str, Any], ftypes: tuple[str, ...]) -> str | None:
    """The key of an item that has one of these file types, and another key."""
    found = (
        key
        for key, item in items.items()
        if isinstance(item, dict) and item.get("ftype") in ftypes and key not in ftypes
    )
    return next(found, None)


def _item_problems(item: Any, at: Path, shape: Shape) -> list[Problem]:
    if not isinstance(item, dict):
        return [Problem("item-not-an-object", at, values={"value": item})]
    if is_usual(item, shape):
        return []
    return [
        _member_problem(item, name, at)
        for name, kind in shape.item.items()
        if refused(item, name, kind, []) is not None
    ]


def _member_problem(item: dict[str, Any], name: str, at: Path) -> Problem:
    value = item.get(name)
    if value is None:
        cause = ITEM_CAUSES.get(name, f"missing-{name}")
    elif name == "size":
        cause = "size-not-a-number"
    else:
        cause = NOT_TEXT.get(name, "number-instead-of-text")
    where = (*at, name) if name in item else at
    return Problem(
        cause, where, values={"field": name, "value": value, "size": value, "key": at[-1]}
    )


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
    if value is not None:
        cause = DATE if name == "support_eol" else "number-instead-of-text"
        return Problem(cause, (*at, name), exception, message, values)
    level = _elsewhere(data, product, name)
    if level is not None:
        return Problem("field-below-product", at, values={**values, "level": level})
    cause = PRODUCT_CAUSES.get(name, f"missing-{name.replace('_', '-')}")
    return Problem(cause, (*at, name) if name in product else at, values=values)


def _elsewhere(data: dict[str, Any], product: dict[str, Any], name: str) -> str | None:
    """The level at which a field stands that the product lacks."""
    if isinstance(data.get(name), str):
        return "file"
    for version in members(product.get("versions")):
        if isinstance(version.get(name), str):
            return "version"
        if any(isinstance(item.get(name), str) for item in members(version.get("items"))):
            return "item"
    return None


def _no_products(data: dict[str, Any]) -> Problem:
    if "products" not in data:
        return Problem("file-products-missing", ())
    if data["products"] == {}:
        return Problem("file-products-empty", ("products",))
    values = {"value": data["products"]}
    return Problem("products-not-an-object", ("products",), values=values)


def _item_summary(product: dict[str, Any]) -> dict[str, Any]:
    """What a product is that no shape is meant for. A manifest tells nothing."""
    dull = of_family("listing")
    ftypes = {
        item["ftype"]
        for version in members(product.get("versions"))
        for item in members(version.get("items"))
        if isinstance(item.get("ftype"), str) and item["ftype"] not in dull
    }
    return {"ftypes": sorted(ftypes), "os": product.get("os")}


def _first(problems: Iterable[Problem]) -> Problem | None:
    return next(iter(problems), None)


def _crashes_first(problems: list[Problem]) -> list[Problem]:
    """In the order in which they decide where pydantic judges several members at once."""
    return sorted(problems, key=lambda problem: not problem.crashes) if problems else problems
